package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"unicode/utf8"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// schema is what a CRD says of a value. Sizes are of items, fields or letters;
// where most is 0 there is no limit.
type schema struct {
	sort        string // "object", "array", "string", "integer"
	fields      map[string]*schema
	required    []string
	values      *schema // of a map
	items       *schema
	set         bool // no item twice
	enum        []string
	least, most int64
	peer        bool // fields that are not known are for R103 to judge
	check       func(v any) error
}

// The CRDs that the module sigs.k8s.io/network-policy-api has under config/crd:
// v0.1.7 for v1alpha1, v0.2.0 for v1alpha2, both of the experimental channel
// but for its rule about named ports (R101).
var adminKinds = map[string]*schema{
	"policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy":         adminNetworkPolicySchema(),
	"policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy": baselineAdminNetworkPolicySchema(),
	"policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy":       clusterNetworkPolicySchema(),
}

// IsAdmin reports whether the object belongs into World.Admin.
func IsAdmin(o Object) bool { return adminKinds[o.text("apiVersion")+" "+o.text("kind")] != nil }

// validateAdmin returns why the API server would reject an admin policy, or
// nil (R104). Fields that are null count as absent, if they are known.
func validateAdmin(o Object) error {
	s := adminKinds[o.text("apiVersion")+" "+o.text("kind")]
	if s == nil {
		return errors.New("no kind of admin policy")
	}
	var meta metav1.ObjectMeta
	b, err := json.Marshal(o["metadata"])
	if err == nil {
		err = json.Unmarshal(b, &meta)
	}
	if err != nil {
		return err
	}
	meta.Namespace = "" // the API server drops it: the kinds are cluster-wide
	if errs := apivalidation.ValidateObjectMeta(&meta, false, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata")); len(errs) > 0 {
		return errs.ToAggregate()
	}
	if o.text("kind") == "BaselineAdminNetworkPolicy" && meta.Name != "default" { // R106
		return fmt.Errorf("name %q", meta.Name)
	}
	return s.validate(map[string]any(o))
}

func (s *schema) validate(v any) error {
	size := int64(-1)
	switch s.sort {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", v)
		}
		var known, unknown int64
		for k, field := range m {
			of := s.fields[k]
			if s.values != nil {
				of = s.values
			}
			switch {
			case of != nil && field == nil:
			case of != nil:
				known++
				if err := of.validate(field); err != nil {
					return fmt.Errorf("%s: %w", k, err)
				}
			case s.fields != nil && !s.peer:
				return fmt.Errorf("no field %q", k)
			default:
				unknown++
			}
		}
		if s.peer && known > 0 && unknown > 0 {
			return errors.New("a field that is not known beside one that is")
		}
		for _, k := range s.required {
			if m[k] == nil {
				return fmt.Errorf("%s is missing", k)
			}
		}
		size = known
	case "array":
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%v is no list", v)
		}
		seen := map[string]bool{}
		for i, item := range list {
			if err := s.items.validate(item); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
			if id := fmt.Sprint(item); s.set && seen[id] {
				return fmt.Errorf("[%d]: twice", i)
			} else {
				seen[id] = true
			}
		}
		size = int64(len(list))
	case "string":
		text, ok := v.(string)
		if !ok {
			return fmt.Errorf("%v is no text", v)
		}
		if s.enum != nil && !slices.Contains(s.enum, text) {
			return fmt.Errorf("%q is none of %v", text, s.enum)
		}
		size = int64(utf8.RuneCountInString(text))
	case "integer":
		n, ok := integer(v)
		if !ok || n < math.MinInt32 || n > math.MaxInt32 {
			return fmt.Errorf("%v is no number", v)
		}
		size = n
	}
	if size < s.least || s.most > 0 && size > s.most {
		return fmt.Errorf("%d is not between %d and %d", size, s.least, s.most)
	}
	if s.check != nil {
		return s.check(v)
	}
	return nil
}

func object(fields map[string]*schema, required ...string) *schema {
	return &schema{sort: "object", fields: fields, required: required}
}

func (s *schema) sized(least, most int64) *schema {
	s.least, s.most = least, most
	return s
}

func listOf(items *schema) *schema            { return &schema{sort: "array", items: items} }
func text() *schema                           { return &schema{sort: "string"} }
func oneOf(words ...string) *schema           { return &schema{sort: "string", enum: words} }
func number(least, most int64) *schema        { return &schema{sort: "integer", least: least, most: most} }
func union(fields map[string]*schema) *schema { return object(fields).sized(1, 1) }

// peerSchema is a union too, but none of its fields need be known (R103).
func peerSchema(fields map[string]*schema) *schema {
	s := object(fields).sized(0, 1)
	s.peer = true
	return s
}

func selectorSchema() *schema {
	return object(map[string]*schema{
		"matchLabels": {sort: "object", values: text()},
		"matchExpressions": listOf(object(map[string]*schema{
			"key": text(), "operator": text(), "values": listOf(text()),
		}, "key", "operator")),
	})
}

// podsSchema requires in v1alpha1 both selectors.
func podsSchema(required ...string) *schema {
	return object(map[string]*schema{"namespaceSelector": selectorSchema(), "podSelector": selectorSchema()}, required...)
}

func networksSchema() *schema {
	cidr := text().sized(0, 43)
	cidr.check = func(v any) error { // the function isCIDR of the API server's CEL
		p, err := netip.ParsePrefix(v.(string))
		if err == nil && p.Addr().Is4In6() {
			err = fmt.Errorf("%v is IPv4-mapped", p)
		}
		return err
	}
	s := listOf(cidr).sized(1, 25)
	s.set = true
	return s
}

// A-z is upstream's.
var domainName = regexp.MustCompile(`^(\*\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$`)

func domainNamesSchema() *schema {
	name := text()
	name.check = func(v any) error {
		if !domainName.MatchString(v.(string)) {
			return fmt.Errorf("%q is no domain name", v)
		}
		return nil
	}
	s := listOf(name).sized(1, 25)
	s.set = true
	return s
}

// version is in what the rules of the two versions of the API differ.
type version struct {
	actions []string
	limit   int64  // of rules, peers and ports
	ports   string // the name of the field
	port    *schema
	pods    []string // required fields of a pods element
	domains bool
}

func (v version) spec(more map[string]*schema, required ...string) *schema {
	ingress := func() map[string]*schema {
		return map[string]*schema{"namespaces": selectorSchema(), "pods": podsSchema(v.pods...)}
	}
	egress := ingress()
	egress["nodes"], egress["networks"] = selectorSchema(), networksSchema()
	if v.domains {
		egress["domainNames"] = domainNamesSchema()
	}
	rule := func(peers string, peer *schema) *schema {
		return listOf(object(map[string]*schema{
			"name": text().sized(0, 100), "action": oneOf(v.actions...),
			peers: listOf(peer).sized(1, v.limit), v.ports: listOf(v.port).sized(1, v.limit),
		}, "action", peers)).sized(0, v.limit)
	}
	fields := map[string]*schema{
		"subject": union(ingress()),
		"ingress": rule("from", peerSchema(ingress())), "egress": rule("to", peerSchema(egress)),
	}
	for k, s := range more {
		fields[k] = s
	}
	return object(map[string]*schema{
		"apiVersion": text(), "kind": text(), "metadata": {sort: "object"}, "status": {},
		"spec": object(fields, append(required, "subject")...),
	}, "metadata", "spec")
}

func v1alpha1(actions ...string) version {
	port := func() *schema { return number(1, 65535) }
	return version{
		actions: actions, limit: 100, ports: "ports", pods: []string{"namespaceSelector", "podSelector"},
		port: union(map[string]*schema{
			"portNumber": object(map[string]*schema{"protocol": text(), "port": port()}, "port"),
			"portRange":  object(map[string]*schema{"protocol": text(), "start": port(), "end": port()}, "start", "end"),
			"namedPort":  text().sized(1, 0), // the CRD lets an empty one through (R102)
		}),
	}
}

func adminNetworkPolicySchema() *schema {
	v := v1alpha1("Allow", "Deny", "Pass")
	v.domains = true
	return v.spec(map[string]*schema{"priority": number(0, 1000)}, "priority")
}

func baselineAdminNetworkPolicySchema() *schema { return v1alpha1("Allow", "Deny").spec(nil) }

func clusterNetworkPolicySchema() *schema {
	protocol := func() *schema {
		span := object(map[string]*schema{"start": number(1, 65535), "end": number(1, 65535)}, "start", "end")
		span.check = func(v any) error {
			// CEL compares them, which takes 8e1 for no integer.
			start, err1 := v.(map[string]any)["start"].(json.Number).Int64()
			end, err2 := v.(map[string]any)["end"].(json.Number).Int64()
			if err1 != nil || err2 != nil || start >= end {
				return fmt.Errorf("range %d to %d", start, end)
			}
			return nil
		}
		port := union(map[string]*schema{"number": number(1, 65535), "range": span})
		return object(map[string]*schema{"destinationPort": port}).sized(1, 0)
	}
	v := version{
		actions: []string{"Accept", "Deny", "Pass"}, limit: 25, ports: "protocols", pods: []string{"podSelector"}, domains: true,
		port: union(map[string]*schema{"tcp": protocol(), "udp": protocol(), "sctp": protocol(), "destinationNamedPort": text().sized(1, 0)}),
	}
	return v.spec(map[string]*schema{"priority": number(0, 1000), "tier": oneOf("Admin", "Baseline")}, "priority", "tier")
}
