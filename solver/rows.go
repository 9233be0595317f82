package solver

import (
	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// rowsPay is the number of pairs of groups from which on rows of classes cost
// less than a look at each pair.
const rowsPay = 1 << 12

// byRows reports whether rows of classes answer the question: they know of no
// relation between two ends, of no single address and of no port names, and
// making them pays for many pairs only.
func (a *asker) byRows() bool {
	f := a.flow(0, 0)
	return !a.q.From.Named && len(a.q.Ports.Names) == 0 && f == (engine.Flow{}) && len(a.from)*len(a.to) >= a.rowsPay
}

// row is the layers of one row of the relation, as the question sees them.
type row []rowLayer

type rowLayer struct {
	lower, upper model.PortSet // of those asked about
	inside       int           // classes
	outside      [model.NumFamilies]int
}

// sources does for every group of sources what source does for one. Those with
// the first pair to show something are looked at pair by pair, so that the
// same pairs show it.
func (a *asker) sources() {
	n := uint(a.x.Classes())
	inside := bitset.New(n)
	for i := range a.to[:a.inside] {
		inside.Set(uint(a.to[i].class))
	}
	var outside [model.NumFamilies]*bitset.BitSet
	var parts [model.NumFamilies]int
	for f := range outside {
		outside[f] = bitset.New(n)
	}
	for i := range a.to[a.inside:] {
		g := &a.to[a.inside+i]
		f := familyOf(g.outside)
		outside[f].Set(uint(g.class))
		parts[f]++
	}
	rows := make([]row, n)
	own := make([]int, n) // 1 + the layer that a source is in itself
	for r := range a.x.RowsBetween(a.q.From.Set, a.q.To.Set) {
		one := make(row, 0, len(r.Layers))
		for i := range r.Layers {
			l := &r.Layers[i]
			layer := rowLayer{lower: a.asked(l.Bounds.Lower), upper: a.asked(l.Bounds.Upper), inside: int(l.Classes.IntersectionCardinality(inside))}
			for f := range outside {
				layer.outside[f] = int(l.Classes.IntersectionCardinality(outside[f]))
			}
			one = append(one, layer)
			for _, c := range r.Sources {
				if l.Classes.Test(uint(c)) && inside.Test(uint(c)) {
					own[c] = i + 1
				}
			}
		}
		for _, c := range r.Sources {
			rows[c] = one
		}
	}
	for i := range a.from {
		src := &a.from[i]
		if s := a.sum(src, rows[src.class], own[src.class]-1, parts); a.shows(&s) {
			a.source(src)
		} else {
			a.take(&s)
		}
	}
}

// asked returns the ports of a set that the question is about.
func (a *asker) asked(p model.PortSet) model.PortSet {
	if a.q.Ports.Set.All() {
		return p
	}
	return p.Intersect(a.q.Ports.Set)
}

// sum is what a row says about all pairs of one group of sources.
type sum struct {
	lower, upper                               model.PortSet // some pair opens
	certain, possible, notCertain, notPossible bool          // some pair shows
	everywhere                                 [model.NumFamilies]model.PortSet
	reaching, maybe                            int
}

// sum adds up a row; own is the layer that the class of the sources is in, if
// that is a destination too.
func (a *asker) sum(src *group, layers row, own int, parts [model.NumFamilies]int) sum {
	var s sum
	others, ownPairs := a.inside, 0
	if j, ok := a.groupOf[groupKey{class: src.class}]; ok && src.outside == nil {
		others--
		if _, ownPairs = a.distinct(src, &a.to[j]); ownPairs > 0 {
			s.notCertain = own < 0 || layers[own].lower.Empty()
			s.notPossible = own < 0 || layers[own].upper.Empty()
		}
	}
	counts := func(n int, ports model.PortSet, at *int) {
		if !ports.Empty() {
			*at = max(*at, n)
		}
	}
	open, maybe := 0, 0 // other classes that are open
	var covered [model.NumFamilies]int
	for i := range layers {
		l := &layers[i]
		n := l.inside
		if i == own {
			n--
			counts(ownPairs, l.lower, &s.reaching)
			counts(ownPairs, l.upper, &s.maybe)
		}
		out := 0
		if src.outside == nil { // R114
			for f, k := range l.outside {
				if k == 0 {
					continue
				}
				out += k
				if covered[f] == 0 {
					s.everywhere[f] = l.lower
				} else {
					s.everywhere[f] = s.everywhere[f].Intersect(l.lower)
				}
				covered[f] += k
			}
		}
		if n+out > 0 {
			counts(src.n, l.lower, &s.reaching)
			counts(src.n, l.upper, &s.maybe)
		}
		if !l.lower.Empty() {
			open += n + out
		}
		if !l.upper.Empty() {
			maybe += n + out
		}
		if n+out > 0 || i == own && ownPairs > 0 {
			s.lower, s.upper = union(s.lower, l.lower), union(s.upper, l.upper)
		}
	}
	total := others
	if src.outside == nil {
		for f, k := range parts {
			total += k
			if covered[f] < k {
				s.everywhere[f] = model.PortSet{}
			}
		}
	}
	s.certain, s.possible = s.reaching > 0, s.maybe > 0
	s.notCertain = s.notCertain || open < total
	s.notPossible = s.notPossible || maybe < total
	return s
}

func union(p, q model.PortSet) model.PortSet {
	if p.ContainsAll(q) {
		return p
	}
	return p.Union(q)
}

// shows reports whether some pair of the sources is the first to show what the
// answer of the mode needs.
func (a *asker) shows(s *sum) bool {
	switch {
	case s.certain && a.certain == nil, s.possible && a.possible == nil:
		return true
	case a.q.Mode != All || a.notPossible != nil:
		return false
	}
	return s.notPossible || s.notCertain && a.notCertain == nil
}

// take adds to the answer what all pairs of some sources come to.
func (a *asker) take(s *sum) {
	a.answer.Ports, a.answer.MaybePorts = union(a.answer.Ports, s.lower), union(a.answer.MaybePorts, s.upper)
	for f := range s.everywhere {
		a.answer.Everywhere[f] = union(a.answer.Everywhere[f], s.everywhere[f])
	}
	a.answer.Reaching += s.reaching
	a.answer.Maybe += s.maybe
}
