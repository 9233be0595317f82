package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// edit changes some lines of a file.
type edit struct {
	file        string
	first, last int      // the lines of the old file that go; none if last < first
	now         []string // what takes their place
	new, old    []int    // where it is: lines of the new file, or of the old one
	what        string
}

// apply returns the text with the edit made.
func (e *edit) apply(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[:e.first-1], "") + strings.Join(e.now, "\n") + strings.Repeat("\n", min(1, len(e.now))) + strings.Join(lines[e.last:], "")
}

// spot is a node of a manifest with what is around it.
type spot struct {
	*yaml.Node
	path   string     // "spec.ingress.from.podSelector": of keys
	kind   string     // of the object
	parent *spot      // the mapping or list that holds it
	key    *yaml.Node // nil for an element of a list
	index  int        // in the parent: the number of the element, or of the key
	end    int        // its last line
}

// line is where it begins, with its key or dash.
func (s *spot) line() int {
	if s.key != nil {
		return s.key.Line
	}
	return s.Line
}

// enclosing is the lines of the keys and dashes right above: of the element of
// a list that holds it, and of the nearest key.
func (s *spot) enclosing() []int {
	var out []int
	for p := s.parent; p != nil; p = p.parent {
		if p.parent == nil {
			return append(out, p.Line) // the object
		}
		if out = append(out, p.line()); p.key != nil {
			break
		}
	}
	return out
}

// linesOf are all lines of a spot.
func linesOf(s *spot) []int {
	var out []int
	for n := s.line(); n <= s.end; n++ {
		out = append(out, n)
	}
	return out
}

// manuscript is a manifest in block style, a key or an element a line.
type manuscript struct {
	file  string
	text  string
	lines []string
	spots []*spot
}

func newManuscript(t *testing.T, file, text string) *manuscript {
	t.Helper()
	m := &manuscript{file: file, text: text, lines: strings.Split(text, "\n")}
	for d := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return m
		}
		require.NoError(t, err)
		kind := ""
		for i, k := range n.Content[0].Content {
			if k.Value == "kind" && i%2 == 0 {
				kind = n.Content[0].Content[i+1].Value
			}
		}
		m.walk(&spot{Node: n.Content[0], kind: kind})
	}
}

func (m *manuscript) walk(s *spot) {
	m.spots = append(m.spots, s)
	s.end = s.Line
	step := map[yaml.Kind]int{yaml.MappingNode: 2, yaml.SequenceNode: 1}[s.Kind]
	for i := 0; step > 0 && i < len(s.Content); i += step {
		c := &spot{Node: s.Content[i+step-1], kind: s.kind, path: s.path, parent: s, index: i / step}
		if step == 2 {
			c.key = s.Content[i]
			c.path = strings.TrimPrefix(s.path+"."+c.key.Value, ".")
		}
		m.walk(c)
		s.end = max(s.end, c.end)
	}
}

func (m *manuscript) line(n int) string { return m.lines[n-1] }

// reword puts one line in the place of another.
func (m *manuscript) reword(n int, now string) *edit {
	return &edit{file: m.file, first: n, last: n, now: []string{now}, new: []int{n}, what: fmt.Sprintf("%s -> %s", strings.TrimSpace(m.line(n)), strings.TrimSpace(now))}
}

// value puts another value in the place of a scalar.
func (m *manuscript) value(s *spot, now string) *edit {
	l, at := m.line(s.Line), s.Column-1
	return m.reword(s.Line, l[:at]+strings.Replace(l[at:], s.Value, now, 1))
}

// drop takes a key or an element away: nil if nothing would be left around it.
func (m *manuscript) drop(s *spot) *edit {
	e := &edit{file: m.file, first: s.line(), last: s.end, new: s.enclosing(), old: s.enclosing(), what: "without " + strings.TrimSpace(m.line(s.line()))}
	if s.key != nil && s.parent.key == nil && s.parent.parent != nil && s.index == 0 { // the dash is the next key's
		if len(s.parent.Content) == 2 {
			return nil
		}
		l := m.line(s.end + 1)
		at := s.key.Column - 1
		e.last, e.now = s.end+1, []string{l[:at-2] + "- " + l[at:]}
	}
	if s.key == nil && len(s.parent.Content) == 1 {
		return nil
	}
	e.old = append(e.old, linesOf(s)...)
	return e
}

// swap changes the order of an element and the next one.
func (m *manuscript) swap(s *spot) *edit {
	if s.index+1 >= len(s.parent.Content) {
		return nil
	}
	next := slices.IndexFunc(m.spots, func(o *spot) bool { return o.Node == s.parent.Content[s.index+1] })
	o := m.spots[next]
	size := o.end - o.Line + 1
	return &edit{file: m.file, first: s.Line, last: o.end, now: slices.Concat(m.lines[o.Line-1:o.end], m.lines[s.Line-1:s.end]),
		new: []int{s.Line, s.Line + size}, what: fmt.Sprintf("%s behind the next", strings.TrimSpace(m.line(s.Line)))}
}

// behind puts lines behind a spot, indented as an element of its list.
func (m *manuscript) behind(s *spot, lines ...string) *edit {
	e := &edit{file: m.file, first: s.end + 1, last: s.end, what: "also " + lines[0]}
	for i, l := range lines {
		e.now = append(e.now, strings.Repeat(" ", s.Column-3)+l)
		e.new = append(e.new, s.end+1+i)
	}
	return e
}

// mistyped loses the last letter of a word, or changes it.
func mistyped(r *rand.Rand, word string) string {
	last := len(word) - 1
	if r.IntN(2) == 0 && last > 1 && word[last-1] != '-' && word[last-1] != '.' {
		return word[:last]
	}
	return word[:last] + "q"
}

// rescaled is a block of other length that contains it or lies in it.
func rescaled(cidr string, by int) string {
	p := netip.MustParsePrefix(cidr)
	if p.Bits() == 0 {
		by = max(by, 1)
	}
	return netip.PrefixFrom(p.Addr(), min(max(p.Bits()+by, 0), 32)).Masked().String()
}

// editKind makes edits of one kind: nil where it has nothing to change.
type editKind struct {
	name string
	make func(m *manuscript, s *spot, r *rand.Rand) *edit
}

func policy(s *spot) bool {
	return s.kind == "NetworkPolicy" || strings.HasSuffix(s.kind, "AdminNetworkPolicy")
}

func admin(s *spot) bool { return policy(s) && s.kind != "NetworkPolicy" }

// under reports whether a spot is the value of one of the keys, or an element
// of it.
func under(s *spot, keys ...string) bool {
	return s != nil && slices.ContainsFunc(keys, func(k string) bool { return s.path == k || strings.HasSuffix(s.path, "."+k) })
}

// key reports whether a spot is the value of one of the keys.
func key(s *spot, keys ...string) bool { return s.key != nil && slices.Contains(keys, s.key.Value) }

// element reports whether a spot is an element of the list below one of the
// keys.
func element(s *spot, keys ...string) bool {
	return s.key == nil && s.parent != nil && s.parent.Kind == yaml.SequenceNode && key(s.parent, keys...)
}

// sole reports whether a spot is one of several keys of a mapping.
func sole(s *spot) bool { return len(s.parent.Content) == 2 }

func dropped(applies func(s *spot) bool) func(*manuscript, *spot, *rand.Rand) *edit {
	return func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if !applies(s) {
			return nil
		}
		return m.drop(s)
	}
}

func valued(applies func(s *spot) bool, now func(r *rand.Rand, old string) string) func(*manuscript, *spot, *rand.Rand) *edit {
	return func(m *manuscript, s *spot, r *rand.Rand) *edit {
		if !applies(s) || s.Kind != yaml.ScalarNode {
			return nil
		}
		return m.value(s, now(r, s.Value))
	}
}

func swapped(a, b string) func(*rand.Rand, string) string {
	return func(_ *rand.Rand, old string) string {
		if old == a {
			return b
		}
		return a
	}
}

func scaled(by func(r *rand.Rand) int) func(*rand.Rand, string) string {
	return func(r *rand.Rand, old string) string { return rescaled(old, by(r)) }
}

func shifted(r *rand.Rand, old string) string {
	n, err := strconv.Atoi(old)
	if err != nil { // a name
		return mistyped(r, old)
	}
	return strconv.Itoa(n + 1 + r.IntN(3))
}

// editKinds are what people do to policies, and to what policies speak of.
var editKinds = []editKind{
	{"widen a CIDR", valued(func(s *spot) bool { return policy(s) && key(s, "cidr") }, scaled(func(r *rand.Rand) int { return -1 - r.IntN(8) }))},
	{"narrow a CIDR", valued(func(s *spot) bool { return policy(s) && key(s, "cidr") }, scaled(func(r *rand.Rand) int { return 1 + r.IntN(4) }))},
	{"drop an exception", dropped(func(s *spot) bool { return policy(s) && element(s, "except") })},
	{"narrow an exception", valued(func(s *spot) bool { return policy(s) && element(s, "except") }, scaled(func(r *rand.Rand) int { return 1 + r.IntN(3) }))},
	{"drop all exceptions", dropped(func(s *spot) bool { return policy(s) && key(s, "except") })},
	{"drop a namespaceSelector", dropped(func(s *spot) bool { return s.kind == "NetworkPolicy" && key(s, "namespaceSelector") && !sole(s) })},
	{"drop the podSelector of a peer", dropped(func(s *spot) bool {
		return s.kind == "NetworkPolicy" && under(s, "from.podSelector", "to.podSelector") && key(s, "podSelector") && !sole(s)
	})},
	{"a dash too many", func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if s.kind != "NetworkPolicy" || !key(s, "podSelector") || s.index == 0 || s.parent.key != nil || !under(s, "from.podSelector", "to.podSelector") {
			return nil
		}
		l, at := m.line(s.line()), s.key.Column-1
		return m.reword(s.line(), l[:at-2]+"- "+l[at:])
	}},
	{"mistype a label of the subject", valued(func(s *spot) bool {
		return policy(s) && (under(s.parent, "spec.podSelector.matchLabels", "subject.namespaces.matchLabels") && s.key != nil || element(s, "values") && under(s, "spec.podSelector.matchExpressions.values"))
	}, mistyped)},
	{"mistype a label of a peer", valued(func(s *spot) bool {
		return policy(s) && s.key != nil && s.parent.key != nil && key(s.parent, "matchLabels") && (strings.Contains(s.path, ".from.") || strings.Contains(s.path, ".to."))
	}, mistyped)},
	{"mistype the key of a label", func(m *manuscript, s *spot, r *rand.Rand) *edit {
		if !policy(s) || s.key == nil || !key(s.parent, "matchLabels") {
			return nil
		}
		l, at := m.line(s.key.Line), s.key.Column-1
		return m.reword(s.key.Line, l[:at]+mistyped(r, s.key.Value)+l[at+len(s.key.Value):])
	}},
	{"empty a selector", func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if !policy(s) || !key(s, "podSelector", "namespaceSelector", "namespaces") || len(s.Content) == 0 {
			return nil
		}
		e := m.reword(s.line(), m.line(s.line())+" {}")
		e.last = s.end
		e.old = linesOf(s)
		return e
	}},
	{"turn an operator", valued(func(s *spot) bool { return policy(s) && key(s, "operator") }, swapped("In", "NotIn"))},
	{"drop a value", dropped(func(s *spot) bool { return policy(s) && element(s, "values") })},
	{"drop the policyTypes", dropped(func(s *spot) bool { return policy(s) && key(s, "policyTypes") })},
	{"drop a policy type", dropped(func(s *spot) bool { return policy(s) && element(s, "policyTypes") })},
	{"another port", valued(func(s *spot) bool {
		return policy(s) && key(s, "port", "start", "end", "endPort")
	}, shifted)},
	{"another protocol", valued(func(s *spot) bool { return policy(s) && key(s, "protocol") }, swapped("TCP", "UDP"))},
	{"drop a port", dropped(func(s *spot) bool { return policy(s) && element(s, "ports") })},
	{"drop the ports of a rule", dropped(func(s *spot) bool { return policy(s) && key(s, "ports") })},
	{"a further port", func(m *manuscript, s *spot, r *rand.Rand) *edit {
		if s.kind != "NetworkPolicy" || !element(s, "ports") || s.index > 0 {
			return nil
		}
		return m.behind(s, fmt.Sprint("- port: ", 20000+r.IntN(100)))
	}},
	{"drop a peer", dropped(func(s *spot) bool { return policy(s) && element(s, "from", "to") })},
	{"drop the peers of a rule", dropped(func(s *spot) bool { return s.kind == "NetworkPolicy" && key(s, "from", "to") })},
	{"a further peer", func(m *manuscript, s *spot, r *rand.Rand) *edit {
		if s.kind != "NetworkPolicy" || !element(s, "from", "to") {
			return nil
		}
		if r.IntN(2) == 0 {
			return m.behind(s, "- ipBlock:", fmt.Sprintf("    cidr: 100.%d.0.0/16", 130+r.IntN(100)))
		}
		return m.behind(s, "- namespaceSelector: {}")
	}},
	{"drop a rule", dropped(func(s *spot) bool { return policy(s) && element(s, "ingress", "egress") })},
	{"drop all rules of a direction", dropped(func(s *spot) bool { return policy(s) && under(s, "spec.ingress", "spec.egress") && s.key != nil })},
	{"another namespace", func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if !policy(s) || s.path != "metadata.namespace" {
			return nil
		}
		e := m.value(s, "kube-public")
		e.old = linesOf(s.parent.parent) // it is another object
		return e
	}},
	{"drop a policy", func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if !policy(s) || s.parent != nil {
			return nil
		}
		return &edit{file: m.file, first: s.Line, last: s.end, old: linesOf(s), what: "without " + m.line(s.Line+1)}
	}},
	{"reorder admin rules", func(m *manuscript, s *spot, _ *rand.Rand) *edit {
		if !admin(s) || !element(s, "ingress", "egress") {
			return nil
		}
		return m.swap(s)
	}},
	{"another action", valued(func(s *spot) bool { return admin(s) && key(s, "action") }, func(r *rand.Rand, old string) string {
		actions := slices.DeleteFunc([]string{"Allow", "Deny", "Pass"}, func(a string) bool { return a == old })
		return actions[r.IntN(2)]
	})},
	{"another priority", valued(func(s *spot) bool { return admin(s) && key(s, "priority") }, func(_ *rand.Rand, old string) string {
		return swapped("25", "5")(nil, map[bool]string{true: "5"}[old > "15"])
	})},
	{"another network", valued(func(s *spot) bool { return admin(s) && element(s, "networks") }, scaled(func(r *rand.Rand) int { return []int{-4, -2, 1, 3}[r.IntN(4)] }))},
	{"drop a network", dropped(func(s *spot) bool { return admin(s) && element(s, "networks") })},
	{"mistype a label of pods", valued(func(s *spot) bool {
		return !policy(s) && s.key != nil && (under(s.parent, "template.metadata.labels") || s.kind == "Pod" && s.parent.path == "metadata.labels")
	}, mistyped)},
	{"mistype a label of a namespace", valued(func(s *spot) bool {
		return s.kind == "Namespace" && s.parent != nil && s.parent.path == "metadata.labels"
	}, mistyped)},
	{"rename a container's port", valued(func(s *spot) bool { return !policy(s) && under(s, "containers.ports.name") }, mistyped)},
	{"renumber a container's port", valued(func(s *spot) bool { return !policy(s) && key(s, "containerPort") }, shifted)},
}
