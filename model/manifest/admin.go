package manifest

import (
	"bytes"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model/dialect"
)

// newPolicy makes a policy of one of the types that newValue knows, and returns
// it with its metadata and a pointer to its spec.
func newPolicy(t typeMeta) (object any, meta *metav1.ObjectMeta, spec any) {
	of := metav1.TypeMeta{Kind: t.kind, APIVersion: t.apiVersion}
	switch t.kind {
	case "AdminNetworkPolicy":
		o := &v1alpha1.AdminNetworkPolicy{TypeMeta: of}
		return o, &o.ObjectMeta, &o.Spec
	case "BaselineAdminNetworkPolicy":
		o := &v1alpha1.BaselineAdminNetworkPolicy{TypeMeta: of}
		return o, &o.ObjectMeta, &o.Spec
	case "ClusterNetworkPolicy":
		o := &v1alpha2.ClusterNetworkPolicy{TypeMeta: of}
		return o, &o.ObjectMeta, &o.Spec
	}
	o := &networkingv1.NetworkPolicy{TypeMeta: of}
	return o, &o.ObjectMeta, &o.Spec
}

// admin decodes the spec of an admin policy. Its custom resource definition
// drops nulls of fields that it knows, requires fields that Go cannot tell from
// their zero value, and has peers that fail closed when none of their fields is
// known: those are no problem of the reader (R103).
func (d *decoder) admin(e *element, f keptField, target any) {
	d.adminFields(e, jsontext.NewDecoder(bytes.NewReader(f.value), jsontext.AllowDuplicateNames(d.tolerant)), f.path, reflect.TypeOf(target))
	d.unmarshalRaw(e, f.path, stored(f.value), target)
}

// stored is a value as the API server stores it of a custom resource: without
// the fields that are null (k8s.io/apiextensions-apiserver
// pkg/apiserver/schema/defaulting, PruneNonNullableNullsWithoutDefaults), and
// whole numbers without fraction or exponent, 8e1 as 80. In a range of ports
// they stay as they are, and are refused: a rule of its definition in CEL
// compares its ends, and takes no other numbers than integers.
func stored(v jsontext.Value) jsontext.Value {
	var out bytes.Buffer
	twice := jsontext.AllowDuplicateNames(true)
	dec, enc := jsontext.NewDecoder(bytes.NewReader(v), twice), jsontext.NewEncoder(&out, twice)
	for {
		token, err := dec.ReadToken()
		if err != nil { // the end: the value was read before
			return out.Bytes()
		}
		token = token.Clone() // looking ahead takes its text away
		if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 && dec.PeekKind() == 'n' {
			_ = dec.SkipValue()
			continue
		}
		if token.Kind() == '0' && strings.ContainsAny(token.String(), ".eE") && !strings.Contains(string(dec.StackPointer()), "/range/") {
			if f, err := token.Float(); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				token = jsontext.Int(int64(f))
			}
		}
		if enc.WriteToken(token) != nil {
			return v
		}
	}
}

// adminFields walks the value that dec stands before along the Go type t and
// reports fields that t lacks and fields that are missing.
func (d *decoder) adminFields(e *element, dec *jsontext.Decoder, path string, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := dec.PeekKind(); {
	case kind == '{' && t.Kind() == reflect.Struct:
		d.adminStruct(e, dec, path, t)
	case kind == '[' && t.Kind() == reflect.Slice:
		_, _ = dec.ReadToken() // the value was read before: it cannot be broken
		for i := 0; dec.PeekKind() != ']'; i++ {
			switch dec.PeekKind() {
			case 0:
				return
			case 'n': // Go would take it for an element without fields
				inner, _ := within(path, e.path)
				e.add(problem{dialect.CodeWrongType, path + "[" + strconv.Itoa(i) + "]", clip(inner) + "[" + strconv.Itoa(i) + "] is null"})
			}
			d.adminFields(e, dec, path+"["+strconv.Itoa(i)+"]", t.Elem())
		}
		_, _ = dec.ReadToken()
	default:
		_ = dec.SkipValue()
	}
}

func (d *decoder) adminStruct(e *element, dec *jsontext.Decoder, path string, t reflect.Type) {
	fields := fieldsOf(t)
	given := make([]bool, len(fields))
	var unknown []string
	_, _ = dec.ReadToken()
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return
		}
		name := token.String()
		i := indexOf(fields, name)
		if i < 0 {
			unknown = append(unknown, name)
			_ = dec.SkipValue()
			continue
		}
		if dec.PeekKind() != 'n' {
			given[i] = true
		}
		d.adminFields(e, dec, join(path, name), fields[i].t)
	}
	_, _ = dec.ReadToken()
	names := make([]string, len(fields))
	some := false
	for i := range fields {
		names[i] = fields[i].name
		some = some || given[i]
		if fields[i].required && !given[i] && !optional[fieldOf{t, fields[i].name}] {
			inner, _ := within(join(path, fields[i].name), e.path)
			e.add(problem{dialect.CodeMissingField, path, clip(inner) + " is missing"})
		}
	}
	if !some && strings.HasSuffix(t.Name(), "Peer") { // the dialect says what that means
		if inner, ok := within(path, e.path); ok && len(unknown) > 0 {
			if e.unknown == nil {
				e.unknown = map[string][]string{}
			}
			for _, name := range unknown[:min(len(unknown), maxProblems)] {
				e.unknown[inner] = append(e.unknown[inner], clip(name))
			}
		}
		return
	}
	for _, name := range unknown {
		d.unknownField(e, join(path, name), name, names)
	}
}

// fieldOf names a field of a Go type.
type fieldOf struct {
	of   reflect.Type
	name string
}

// optional are the fields that the custom resource definitions do not require
// although their Go tags lack omitempty.
var optional = map[fieldOf]bool{
	{reflect.TypeFor[v1alpha1.Port](), "protocol"}:                   true, // has a default
	{reflect.TypeFor[v1alpha2.NamespacedPod](), "namespaceSelector"}: true,
}

// adminSubject is the subject of an admin policy that is refused, or nil when
// it cannot be read without doubt.
func adminSubject(spec jsontext.Value) *v1alpha2.ClusterNetworkPolicySubject {
	var s struct {
		Subject jsontext.Value `json:"subject"`
	}
	if spec == nil || json.Unmarshal(spec, &s) != nil || s.Subject == nil {
		return nil
	}
	out := &v1alpha2.ClusterNetworkPolicySubject{}
	if json.Unmarshal(s.Subject, out, json.RejectUnknownMembers(true)) != nil {
		return nil
	}
	return out
}

// subjectOf is the subject of an admin policy, or nil.
func subjectOf(policy any) *v1alpha2.ClusterNetworkPolicySubject {
	var old *v1alpha1.AdminNetworkPolicySubject
	switch o := policy.(type) {
	case *v1alpha1.AdminNetworkPolicy:
		old = &o.Spec.Subject
	case *v1alpha1.BaselineAdminNetworkPolicy:
		old = &o.Spec.Subject
	case *v1alpha2.ClusterNetworkPolicy:
		return &o.Spec.Subject
	default:
		return nil
	}
	out := &v1alpha2.ClusterNetworkPolicySubject{Namespaces: old.Namespaces}
	if old.Pods != nil {
		pods := v1alpha2.NamespacedPod(*old.Pods)
		out.Pods = &pods
	}
	return out
}
