package engine

import (
	"slices"

	"github.com/podreach/podreach/model"
)

// labelAtoms numbers what rule selectors can tell apart: for each key that
// some selector mentions, each value that some selector mentions with it, and
// one atom for "present with any other value". Labels that no selector
// mentions do not exist here, which is what makes replicas equal.
type labelAtoms struct {
	keys  map[string]int32   // key -> key number
	names []string           // key number -> key
	value []map[string]int32 // key number -> value -> atom
	other []int32            // key number -> atom "present, another value"
	key   []int32            // atom -> key number
}

func newLabelAtoms() *labelAtoms { return &labelAtoms{keys: map[string]int32{}} }

// mention appends a selector as numbers, for terms.read. They are equal for
// selectors that are equal up to the order of requirements and values. Keys and
// values that are new get a number.
func (l *labelAtoms) mention(s model.Selector, out []int32) []int32 {
	s = s.Canonical()
	for i := range s {
		r := &s[i]
		k, ok := l.keys[r.Key]
		if !ok {
			k = int32(len(l.value))
			l.keys[r.Key] = k
			l.names = append(l.names, r.Key)
			l.value = append(l.value, map[string]int32{})
			l.other = append(l.other, int32(len(l.key)))
			l.key = append(l.key, k)
		}
		out = append(out, k, int32(r.Operator), int32(len(r.Values)))
		for _, v := range r.Values {
			a, ok := l.value[k][v]
			if !ok {
				a = int32(len(l.key))
				l.value[k][v] = a
				l.key = append(l.key, k)
			}
			out = append(out, a)
		}
	}
	return out
}

// knows reports whether every key and value of a selector was mentioned.
func (l *labelAtoms) knows(s model.Selector) bool {
	for _, r := range s {
		k, ok := l.keys[r.Key]
		if !ok {
			return false
		}
		for _, v := range r.Values {
			if _, ok := l.value[k][v]; !ok {
				return false
			}
		}
	}
	return true
}

// projection turns label sets into atoms, remembering for each key the value
// of the label set before: those of replicas stand side by side. Not safe for
// concurrent use.
type projection struct {
	labels *labelAtoms
	last   []lastValue // by key number
}

type lastValue struct {
	value string
	atom  int32
	known bool
}

func newProjection(l *labelAtoms) *projection {
	return &projection{l, make([]lastValue, len(l.names))}
}

// project appends the atoms of a label set, sorted. Cost: O(labels).
func (p *projection) project(labels map[string]string, out []int32) []int32 {
	start := len(out)
	if len(p.labels.names) <= 2+2*len(labels) { // a look-up costs half of a step of an iteration
		for k, key := range p.labels.names {
			if v, ok := labels[key]; ok {
				out = append(out, p.atom(int32(k), v))
			}
		}
	} else {
		for key, v := range labels {
			if k, ok := p.labels.keys[key]; ok {
				out = append(out, p.atom(k, v))
			}
		}
	}
	slices.Sort(out[start:])
	return out
}

func (p *projection) atom(k int32, v string) int32 {
	last := &p.last[k]
	if last.known && last.value == v {
		return last.atom
	}
	a, ok := p.labels.value[k][v]
	if !ok {
		a = p.labels.other[k]
	}
	*last = lastValue{v, a, true}
	return a
}

// term is a Requirement over atoms.
type term struct {
	key    int32
	op     model.Operator
	values []int32
}

// matches decides a term for the sorted atoms of one label set (R20).
func (t *term) matches(l *labelAtoms, atoms []int32) bool {
	for _, a := range atoms {
		if l.key[a] == t.key {
			switch t.op {
			case model.In:
				return slices.Contains(t.values, a)
			case model.NotIn:
				return !slices.Contains(t.values, a)
			}
			return t.op == model.Exists
		}
	}
	return t.op == model.NotIn || t.op == model.DoesNotExist
}

// terms is a selector over atoms, in memory that the next one may use again.
type terms []term

// read takes what labelAtoms.mention has made of a selector.
func (t *terms) read(s []int32) []term {
	out := (*t)[:0]
	for len(s) > 0 {
		end := 3 + s[2]
		out = append(out, term{key: s[0], op: model.Operator(s[1]), values: s[3:end:end]})
		s = s[end:]
	}
	*t = out
	return out
}

// postings answers selectors over a numbered list of label sets (pod classes,
// or namespaces): for each label atom the sorted members that carry it.
//
// A selector starts from its rarest positive term and verifies the others on
// the candidates; a purely negative one scans its range. Cost: O(candidates x
// terms); without postings it would be O(members x terms) for each selector.
type postings struct {
	labels *labelAtoms
	atoms  [][]int32 // member -> its sorted label atoms
	byAtom [][]int32 // atom -> sorted members
}

func newPostings(labels *labelAtoms, atoms [][]int32) *postings {
	p := &postings{labels: labels, atoms: atoms, byAtom: make([][]int32, len(labels.key))}
	n := make([]int32, len(labels.key))
	total := 0
	for _, as := range atoms {
		for _, a := range as {
			n[a]++
		}
		total += len(as)
	}
	arena := make([]int32, 0, total)
	for a := range n {
		p.byAtom[a] = arena[len(arena) : len(arena) : len(arena)+int(n[a])]
		arena = arena[:len(arena)+int(n[a])]
	}
	for m, as := range atoms {
		for _, a := range as {
			p.byAtom[a] = append(p.byAtom[a], int32(m))
		}
	}
	return p
}

// within returns the members of a posting that are in [lo, hi).
func within(list []int32, lo, hi int32) []int32 {
	i, _ := slices.BinarySearch(list, lo)
	j, _ := slices.BinarySearch(list[i:], hi)
	return list[i : i+j]
}

// selectRange appends the members of [lo, hi) that match all terms, sorted.
func (p *postings) selectRange(terms []term, lo, hi int32, out []int32) []int32 {
	best, bestCost := -1, int(hi-lo)
	for i := range terms {
		if cost, ok := p.cost(&terms[i], lo, hi); ok && cost < bestCost {
			best, bestCost = i, cost
		}
	}
	verify := func(m int32) bool {
		for i := range terms {
			if i != best && !terms[i].matches(p.labels, p.atoms[m]) {
				return false
			}
		}
		return true
	}
	if best < 0 {
		for m := lo; m < hi; m++ {
			if verify(m) {
				out = append(out, m)
			}
		}
		return out
	}
	start := len(out)
	lists := 0
	for _, a := range p.positive(&terms[best]) {
		list := within(p.byAtom[a], lo, hi)
		if len(list) > 0 {
			lists++
		}
		for _, m := range list {
			if verify(m) {
				out = append(out, m)
			}
		}
	}
	if lists > 1 {
		slices.Sort(out[start:]) // a label set has one atom a key: no duplicates
	}
	return out
}

// positive returns the atoms of which a matching label set must carry one.
func (p *postings) positive(t *term) []int32 {
	if t.op == model.In {
		return t.values
	}
	// Exists: every atom of the key. Values of a key are numbered as they are
	// mentioned, not in a row, so this walks the key's values.
	out := []int32{p.labels.other[t.key]}
	for _, a := range p.labels.value[t.key] {
		out = append(out, a)
	}
	return out
}

// cost is the number of candidates that a positive term leaves.
func (p *postings) cost(t *term, lo, hi int32) (int, bool) {
	if t.op != model.In && t.op != model.Exists {
		return 0, false
	}
	n := 0
	for _, a := range p.positive(t) {
		n += len(within(p.byAtom[a], lo, hi))
	}
	return n, true
}
