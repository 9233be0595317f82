package accept

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
)

// odd are values that a field may be set to.
var odd = []any{
	nil, true, "", "a", "A_b", "x y", "-x", "80", "tcp", "TCP", "Ingress", "Both", "In", "0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/8", "010.0.0.0/8", "::/0", "::ffff:10.0.0.0/104",
	"10.0.0.1", "fd00::/129", strings.Repeat("a", 64), strings.Repeat("a", 254), "example.com/name", "/x", "x/", "http", "http--x", "a.b.c", "a..b", "ä",
	0, 1, -1, 80, 65535, 65536, 1 << 31, 1.5, 80.0, json.Number("8e1"), []any{}, []any{nil}, []any{map[string]any{}}, map[string]any{}, map[string]any{"a": "b"}, []any{"a", "a"},
	"default", "Admin", "Baseline", "Allow", "Accept", "Deny", "Pass", "*.example.com", "example.com.", 1000, 1001, json.Number("1e2"), json.Number("65535.0"), json.Number("9223372036854775808"),
	[]any{"10.0.0.0/8", "10.0.0.0/8"}, []any{map[string]any{"podSelector": map[string]any{}}}, []any{map[string]any{"namespaces": map[string]any{}}}, []any{map[string]any{"galaxies": map[string]any{}}},
	[]any{map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "b", "controller": true}},
}

// oddValue is one of odd; nothing shares it.
func oddValue(r *rand.Rand) any {
	return tree(encode(odd[r.IntN(len(odd))]))
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func tree(text string) (out any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// Fields of NetworkPolicies, and of admin policies, and some that neither has.
var (
	NetworkPolicyFields = []string{"podSelector", "namespaceSelector", "ipBlock", "cidr", "except", "ports", "port", "endPort", "protocol", "from", "to", "ingress", "egress",
		"policyTypes", "matchLabels", "matchExpressions", "key", "operator", "values", "spec", "status", "labels", "annotations", "name", "generateName", "namespace",
		"finalizers", "ownerReferences", "Spec", "podselector", "unknown", "app"}
	AdminPolicyFields = []string{"podSelector", "namespaceSelector", "namespaces", "pods", "nodes", "networks", "domainNames", "ports", "protocols", "port", "protocol", "portNumber",
		"portRange", "namedPort", "start", "end", "tcp", "udp", "sctp", "destinationPort", "destinationNamedPort", "number", "range", "from", "to", "ingress", "egress",
		"subject", "priority", "tier", "action", "matchLabels", "matchExpressions", "key", "operator", "values", "spec", "status", "labels", "annotations", "name",
		"generateName", "namespace", "finalizers", "ownerReferences", "Spec", "unknown", "app"}
)

// Mutate changes a policy, given as JSON, in one or two places; fields are
// names that a field may get. It panics on what is no JSON object.
func Mutate(r *rand.Rand, text string, fields []string) string {
	root := tree(text).(map[string]any)
	for range 1 + r.IntN(2) {
		mutateOnce(r, root, fields)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		panic(err)
	}
	if r.IntN(20) == 0 { // a key twice, if there is some other
		return strings.Replace(b.String(), "\"spec\": {\n", "\"spec\": {\"podSelector\": {},\n", 1)
	}
	return b.String()
}

// mutateOnce changes one place of the tree, but for its type: another kind is
// another matter.
func mutateOnce(r *rand.Rand, root map[string]any, fields []string) {
	var places []func()
	pickOf := func(list []string) string { return list[r.IntN(len(list))] }
	var walk func(v any, set func(any), top bool)
	walk = func(v any, set func(any), top bool) {
		switch v := v.(type) {
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				if top && (k == "apiVersion" || k == "kind") {
					continue
				}
				places = append(places,
					func() { delete(v, k) },
					func() { v[k] = oddValue(r) },
					func() { v[pickOf(fields)] = v[k]; delete(v, k) })
				walk(v[k], func(to any) { v[k] = to }, false)
			}
			places = append(places, func() { v[pickOf(fields)] = oddValue(r) })
		case []any:
			for i := range v {
				places = append(places,
					func() { v[i] = oddValue(r) },
					func() { set(append(slices.Clone(v), tree(encode(v[i])))) },
					func() { set(slices.Delete(slices.Clone(v), i, i+1)) })
				walk(v[i], func(to any) { v[i] = to }, false)
			}
			places = append(places, func() { set(append(slices.Clone(v), oddValue(r))) })
		}
	}
	walk(root, nil, true)
	places[r.IntN(len(places))]()
}
