package fuzz

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// adminOf is what there is to say of an admin policy as a whole.
type adminOf struct {
	name     string
	kind     string
	old      bool   // v1alpha1
	tier     string // "Admin", "Baseline"
	priority int
}

func adminHead(p map[string]any) adminOf {
	kind, _ := p["kind"].(string)
	spec := p["spec"].(map[string]any)
	out := adminOf{name: fmt.Sprint(p["metadata"].(map[string]any)["name"]), kind: kind, old: kind != "ClusterNetworkPolicy", tier: "Admin"}
	switch kind {
	case "BaselineAdminNetworkPolicy":
		out.tier = "Baseline"
	case "ClusterNetworkPolicy":
		out.tier, _ = spec["tier"].(string)
	}
	out.priority = integer(spec["priority"])
	return out
}

func (a adminOf) allow() string { return either(a.old, "Allow", "Accept") }
func (a adminOf) ports() string { return either(a.old, "ports", "protocols") }
func (a adminOf) limit() int    { return either(a.old, 100, 25) } // R104

// accepted reports whether the API server accepts an admin policy.
func (w *world) accepted(p map[string]any) bool {
	a := adminHead(p)
	return !w.refused[model.ObjectRef{Kind: a.kind, Name: a.name}]
}

// withoutAdmin leaves out the admin policies that drop says.
func withoutAdmin(c *gen.Cluster, drop func(p map[string]any) bool) *gen.Cluster {
	c = clone(c)
	c.Admin = slices.DeleteFunc(c.Admin, drop)
	return c
}

// adminRules are the rules of an admin policy in a direction.
func adminRules(p map[string]any, d model.Direction) []any {
	list, _ := p["spec"].(map[string]any)[d.String()].([]any)
	return list
}

func eachAdminRule(p map[string]any, do func(direction string, r map[string]any)) {
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		for _, r := range adminRules(p, d) {
			if r, ok := r.(map[string]any); ok {
				do(d.String(), r)
			}
		}
	}
}

// rewriteAdmin replaces each rule of the admin policies that the API server
// accepts. Where a direction would get more rules than it may have (R104), or
// none, it stays as it is: one without rules leaves no doubt about subjects
// that cannot be read (R92, R96).
func (w *world) rewriteAdmin(c *gen.Cluster, rewrite func(a adminOf, direction string, r map[string]any) []map[string]any) {
	for _, p := range c.Admin {
		if !w.accepted(p) {
			continue
		}
		a := adminHead(p)
		for _, d := range []model.Direction{model.Ingress, model.Egress} {
			var out []any
			for _, r := range adminRules(p, d) {
				for _, n := range rewrite(a, d.String(), r.(map[string]any)) {
					out = append(out, n)
				}
			}
			if 0 < len(out) && len(out) <= a.limit() {
				p["spec"].(map[string]any)[d.String()] = out
			}
		}
	}
}

func peersOf(direction string) string { return either(direction == "ingress", "from", "to") }

func elements(r map[string]any, field string) (out []map[string]any) {
	list, _ := r[field].([]any)
	for _, e := range list {
		out = append(out, e.(map[string]any))
	}
	return out
}

// with is a rule with other peers and ports; nil ports: without.
func with(r map[string]any, direction string, peers []map[string]any, portsField string, ports []map[string]any) map[string]any {
	out := cloneTree(r).(map[string]any)
	list := func(from []map[string]any) (out []any) {
		for _, e := range from {
			out = append(out, cloneTree(e))
		}
		return out
	}
	out[peersOf(direction)] = list(peers)
	delete(out, portsField)
	if ports != nil {
		out[portsField] = list(ports)
	}
	return out
}

// addressed reports whether an element of a rule is about addresses: port
// names say nothing of them (R101).
func addressed(e map[string]any) bool {
	return e["networks"] != nil || e["nodes"] != nil || e["domainNames"] != nil
}

// closed reports whether nobody knows whom an element means (R103). The rule
// is one of an accepted policy.
func (a adminOf) closed(direction string, r, e map[string]any) bool {
	pods, _ := e["pods"].(map[string]any)
	switch {
	case e["namespaces"] != nil:
		return selectorOf(e["namespaces"]) == nil
	case pods != nil:
		return selectorOf(pods["podSelector"]) == nil || pods["namespaceSelector"] != nil && selectorOf(pods["namespaceSelector"]) == nil
	case direction == "ingress":
		return true
	case e["nodes"] != nil:
		return selectorOf(e["nodes"]) == nil
	case e["domainNames"] != nil:
		return a.kind == "BaselineAdminNetworkPolicy" || r["action"] != a.allow()
	}
	return e["networks"] == nil
}

// adminPort is an entry of ports or protocols: a name, or a range, which may
// hold nothing (R102).
type adminPort struct {
	name        string
	protocol    string
	first, last int
}

// none reports whether the entry matches nothing.
func (p adminPort) none() bool {
	_, known := model.ParseProtocol(p.protocol)
	return p.name == "" && (!known || p.first > p.last)
}

func integer(v any) int {
	n, _ := strconv.Atoi(fmt.Sprint(v)) // gen writes int and int32
	return n
}

func parsePort(e map[string]any) (out adminPort) {
	text := func(v any) string { s, _ := v.(string); return s }
	if out.name = text(e["namedPort"]) + text(e["destinationNamedPort"]); out.name != "" {
		return out
	}
	out.protocol = "TCP"
	form, _ := e["portNumber"].(map[string]any)
	if form == nil {
		form, _ = e["portRange"].(map[string]any)
	}
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		if t, ok := e[protocol].(map[string]any); ok {
			out.protocol = strings.ToUpper(protocol)
			form, _ = t["destinationPort"].(map[string]any)
			if inner, ok := form["range"].(map[string]any); ok {
				form = inner
			}
		}
	}
	if p := text(form["protocol"]); p != "" {
		out.protocol = p
	}
	for _, one := range []string{"port", "number"} {
		if n, ok := form[one]; ok {
			out.first, out.last = integer(n), integer(n)
			return out
		}
	}
	out.first, out.last = integer(form["start"]), integer(form["end"])
	return out
}

// entry is the port in the words of a version.
func (p adminPort) entry(old bool) map[string]any {
	single := p.first == p.last
	switch {
	case p.name != "":
		return map[string]any{either(old, "namedPort", "destinationNamedPort"): p.name}
	case old && single:
		return map[string]any{"portNumber": map[string]any{"protocol": p.protocol, "port": p.first}}
	case old:
		return map[string]any{"portRange": map[string]any{"protocol": p.protocol, "start": p.first, "end": p.last}}
	}
	form := map[string]any{"number": p.first}
	if !single {
		form = map[string]any{"range": map[string]any{"start": p.first, "end": p.last}}
	}
	return map[string]any{strings.ToLower(p.protocol): map[string]any{"destinationPort": form}}
}

// adminSubject reads the subject of an admin policy; ok is false when nobody
// knows whom it selects (R96).
func adminSubject(p map[string]any) (namespaces, pods *metav1.LabelSelector, ok bool) {
	subject, _ := p["spec"].(map[string]any)["subject"].(map[string]any)
	if s := subject["namespaces"]; s != nil {
		namespaces = selectorOf(s)
		return namespaces, &metav1.LabelSelector{}, namespaces != nil
	}
	of, _ := subject["pods"].(map[string]any)
	namespaces, pods = &metav1.LabelSelector{}, selectorOf(of["podSelector"])
	if s := of["namespaceSelector"]; s != nil {
		namespaces = selectorOf(s)
	}
	return namespaces, pods, namespaces != nil && pods != nil
}
