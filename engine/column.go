package engine

import (
	"math/bits"

	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/model"
)

// Column is the answer to a standing question: which pods and nodes reach some
// endpoint of a set on some port. It is made once and answers for any set of
// sources by going over their bits. Immutable and safe for concurrent use; the
// zero Column reaches nothing.
type Column struct {
	certain, possible Set // one and the same where everything is certain
	exact             bool
}

// Column returns which pods and nodes certainly, and which possibly, reach
// some endpoint of to on some port of p. A pod is not paired with itself.
// Relations between two ends are left out, as in BetweenClasses: that a node
// reaches its own pods does not count.
//
// Cost: O(pods + classes), an evaluation for each part of classes that an
// ingress program of to or an egress program tells apart; memory two bits an
// endpoint.
func (x *Index) Column(to Set, p model.PortSet) *Column {
	members := map[Class][]EndpointID{} // of to, two at most
	for e := range to.All() {
		c := x.Class(e)
		if m := members[c]; len(m) < 2 {
			members[c] = append(m, e)
		}
	}
	classes := x.classesOf(to)
	r := newFactored(x, classes)
	want := x.portMask(p)
	certain, possible := make([]bool, x.Classes()), make([]bool, x.Classes())
	type reaches struct{ certain, possible bool }
	alone := map[EndpointID]reaches{} // pods that are the only one of their class in to
	r.each(r.rows(r.every), classes, func(s *sources, layers *wides, o *openings) bool {
		var all reaches
		for i := range layers.list {
			a := &o.all[layers.list[i].opens]
			all.certain = all.certain || a.lo.overlaps(want)
			all.possible = all.possible || a.up.overlaps(want)
		}
		for _, c := range s.classes {
			certain[c], possible[c] = all.certain, all.possible
			if m := members[c]; len(m) != 1 || !m[0].IsPod() || !all.possible {
				continue
			}
			var others reaches
			for i := range layers.list {
				if a := &o.all[layers.list[i].opens]; !layers.list[i].only(c) {
					others.certain = others.certain || a.lo.overlaps(want)
					others.possible = others.possible || a.up.overlaps(want)
				}
			}
			alone[members[c][0]] = others
		}
		return true
	})
	out := &Column{certain: x.ofClasses(certain), possible: x.ofClasses(possible)}
	for e, o := range alone {
		out.certain.pods.SetTo(uint(e), o.certain)
		out.possible.pods.SetTo(uint(e), o.possible)
	}
	if out.exact = out.certain.pods.Equal(out.possible.pods) && out.certain.nodes.Equal(out.possible.nodes); out.exact {
		out.possible = out.certain
	}
	return out
}

// only reports whether a set is just one class.
func (s *wide) only(c Class) bool {
	for w, b := range s.words[s.lo:s.hi] {
		if s.lo+w == int(c>>6) {
			b &^= 1 << (c & 63)
		}
		if b != 0 {
			return false
		}
	}
	return true
}

// ofClasses returns the pods and nodes of the classes that are in.
func (x *Index) ofClasses(in []bool) Set {
	s := Set{pods: bitset.New(uint(x.pods.n)), nodes: bitset.New(uint(len(x.nodeClass)))}
	for e := range x.everyPod() {
		if in[x.Class(e)] {
			s.pods.Set(uint(e))
		}
	}
	for i, c := range x.nodeClass {
		if in[c] {
			s.nodes.Set(uint(i))
		}
	}
	return s
}

// Any says whether some source reaches, and names the first that shows it;
// Denied names none. Outside addresses in from are passed over, here and
// below: a Column is about pods and nodes. Cost: a pass over the words of
// from; no allocation.
func (c *Column) Any(from Set) (model.Verdict, EndpointID) {
	if e, ok := from.first(&c.certain, true); ok {
		return model.Allowed, e
	}
	if e, ok := from.first(&c.possible, true); !c.exact && ok {
		return model.Unknown, e
	}
	return model.Denied, 0
}

// All says whether every source reaches some endpoint of the set, and names
// the first that does not; Allowed names none. Cost: as Any.
func (c *Column) All(from Set) (model.Verdict, EndpointID) {
	if e, ok := from.first(&c.possible, false); ok {
		return model.Denied, e
	}
	if e, ok := from.first(&c.certain, false); !c.exact && ok {
		return model.Unknown, e
	}
	return model.Allowed, 0
}

// Count returns how many sources certainly reach, and how many possibly. Cost:
// as Any.
func (c *Column) Count(from Set) (certain, possible int) {
	certain = overlap(from.pods, c.certain.pods) + overlap(from.nodes, c.certain.nodes)
	if c.exact {
		return certain, certain
	}
	return certain, overlap(from.pods, c.possible.pods) + overlap(from.nodes, c.possible.nodes)
}

// first returns the first pod or node of s that is in t, or is not.
func (s Set) first(t *Set, in bool) (EndpointID, bool) {
	if i, ok := firstBit(s.pods, t.pods, in); ok {
		return EndpointID(i), true
	}
	i, ok := firstBit(s.nodes, t.nodes, in)
	return NodeID(i), ok
}

func wordsOf(b *bitset.BitSet) []uint64 {
	if b == nil {
		return nil
	}
	return b.Words()
}

func firstBit(a, b *bitset.BitSet, in bool) (int, bool) {
	other := wordsOf(b)
	for i, w := range wordsOf(a) {
		var o uint64
		if i < len(other) {
			o = other[i]
		}
		if !in {
			o = ^o
		}
		if w &= o; w != 0 {
			return i<<6 | bits.TrailingZeros64(w), true
		}
	}
	return 0, false
}

func overlap(a, b *bitset.BitSet) int {
	if a == nil || b == nil {
		return 0
	}
	return int(a.IntersectionCardinality(b))
}
