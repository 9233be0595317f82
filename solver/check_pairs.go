package solver

import (
	"github.com/bits-and-blooms/bitset"
	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// look judges every pair of cells.
func (c *checker) look() {
	c.violating = make([]*bitset.BitSet, len(c.parties))
	c.count()
	var src, dst []int // plain
	for i := range c.from {
		if c.from[i].plain() {
			src = append(src, i)
		}
	}
	for j := range c.to {
		if c.to[j].plain() {
			dst = append(dst, j)
		}
	}
	byRows := c.self == nil && len(src)*len(dst) >= c.rowsPay
	if byRows {
		c.rows(src, dst)
	}
	for i := range c.from {
		for j := range c.to {
			s, d := &c.from[i], &c.to[j]
			if s.outside() && d.outside() || byRows && s.plain() && d.plain() { // R114; done
				continue
			}
			c.lookAt(i, j)
		}
	}
	c.diagonal()
}

// count counts the pairs that something is asked of.
func (c *checker) count() {
	type kind struct {
		marks   [model.NumFamilies]int
		want    int
		outside bool
	}
	type kinds struct {
		like *sideCell
		n    int
	}
	gather := func(cells []sideCell) map[kind]*kinds {
		out := map[kind]*kinds{}
		for i := range cells {
			s := &cells[i]
			k := kind{s.marks, s.want, s.outside()}
			if out[k] == nil {
				out[k] = &kinds{like: s}
			}
			out[k].n += s.n
		}
		return out
	}
	from, to := gather(c.from), gather(c.to)
	for k, s := range from {
		for l, d := range to {
			if k.outside && l.outside || c.askedOf(s.like, d.like).nothing() {
				continue
			}
			c.out.total += s.n * d.n
		}
	}
	for k, n := range c.overlap {
		if !c.askedOf(&c.from[k[0]], &c.to[k[1]]).nothing() {
			c.out.total -= n
		}
	}
}

// tally adds pairs that are judged alike.
func (c *checker) tally(v violation, n int) {
	switch {
	case n <= 0 || !v.maybe:
	case v.certain:
		c.out.certain += n
		c.out.ports = union(c.out.ports, v.ports)
	default:
		c.out.maybe += n
		c.out.maybePorts = union(c.out.maybePorts, v.ports)
	}
}

func (c *checker) row(p int) *bitset.BitSet {
	if c.violating[p] == nil {
		c.violating[p] = bitset.New(uint(len(c.parties)))
	}
	return c.violating[p]
}

// lookAt judges the pairs of two cells.
func (c *checker) lookAt(i, j int) {
	src, dst := &c.from[i], &c.to[j]
	left := src.n * dst.n
	for _, near := range c.near[[2]int{i, j}] {
		v := c.pair(src, dst, near.own, near.sample)
		c.tally(v, near.n)
		if v.maybe {
			c.row(near.p).Set(uint(near.q))
		}
		left -= near.n
	}
	if left == 0 {
		return
	}
	v := c.pair(src, dst, model.Denied, [2]engine.EndpointID{})
	if !v.maybe {
		return
	}
	var to *bitset.BitSet
	for _, s := range src.parties {
		left -= c.overlap[[3]int{i, j, s.party}]
		if len(c.near[[2]int{i, j}]) > 0 {
			c.lookNear(i, j, &s)
			continue
		}
		if to == nil {
			to = bitset.New(uint(len(c.parties)))
			for _, d := range dst.parties {
				to.Set(uint(d.party))
			}
		}
		c.row(s.party).InPlaceUnion(to)
	}
	c.tally(v, left)
}

// lookNear notes the parties with a pair that is not on one node.
func (c *checker) lookNear(i, j int, s *share) {
	near := map[int]int{}
	for _, n := range c.near[[2]int{i, j}] {
		if n.p == s.party {
			near[n.q] += n.n
		}
	}
	for _, d := range c.to[j].parties {
		if s.n*d.n-c.overlap[[3]int{i, j, s.party}]*count(s.party == d.party) > near[d.party] {
			c.row(s.party).Set(uint(d.party))
		}
	}
}

// rows judges the pairs of plain cells by rows of classes.
func (c *checker) rows(src, dst []int) {
	type kind struct {
		mark, want int
		outside    bool
	}
	type target struct {
		kind
		classes *bitset.BitSet
		at      map[engine.Class]int
	}
	n := uint(c.x.Classes())
	var targets []*target
	at := map[kind]*target{}
	var fromEnds, toEnds []engine.EndpointID
	var fromOutside, toOutside netipx.IPSetBuilder
	ends := func(s *sideCell, ids *[]engine.EndpointID, outside *netipx.IPSetBuilder) {
		if s.outside() {
			for _, r := range s.like.outside.Ranges {
				outside.AddRange(r)
			}
			return
		}
		*ids = append(*ids, s.parties[0].ends[0])
	}
	for _, j := range dst {
		d := &c.to[j]
		ends(d, &toEnds, &toOutside)
		k := kind{d.marks[0], d.want, d.outside()}
		t := at[k]
		if t == nil {
			t = &target{kind: k, classes: bitset.New(n), at: map[engine.Class]int{}}
			at[k] = t
			targets = append(targets, t)
		}
		// Two cells of one class and kind: one of an owner of a contested
		// address. Such are looked at pair by pair.
		if _, ok := t.at[d.class]; ok {
			t = &target{kind: k, classes: bitset.New(n), at: map[engine.Class]int{}}
			targets = append(targets, t)
		}
		t.classes.Set(uint(d.class))
		t.at[d.class] = j
	}
	byClass := map[engine.Class][]int{}
	for _, i := range src {
		ends(&c.from[i], &fromEnds, &fromOutside)
		byClass[c.from[i].class] = append(byClass[c.from[i].class], i)
	}
	from := engine.Of(fromEnds...).Union(c.x.Outside(build(&fromOutside)))
	to := engine.Of(toEnds...).Union(c.x.Outside(build(&toOutside)))
	rest := bitset.New(n)
	for r := range c.x.RowsBetween(from, to) {
		byMark := map[int][]int{}
		var marks []int
		for _, class := range r.Sources {
			for _, i := range byClass[class] {
				m := c.from[i].marks[0]
				if byMark[m] == nil {
					marks = append(marks, m)
				}
				byMark[m] = append(byMark[m], i)
			}
		}
		judge := func(b *model.Bounds, classes *bitset.BitSet) {
			for _, t := range targets {
				if classes.IntersectionCardinality(t.classes) == 0 {
					continue
				}
				hit := classes.Intersection(t.classes)
				first, _ := hit.NextSet(0)
				like := &c.to[t.at[engine.Class(first)]]
				for _, m := range marks {
					a := c.askedOf(&c.from[byMark[m][0]], like)
					if a.nothing() {
						continue
					}
					v := c.violation(a, &opens{*b, *b})
					if !v.maybe {
						continue
					}
					n, parties := 0, bitset.New(uint(len(c.parties)))
					for class, ok := hit.NextSet(0); ok; class, ok = hit.NextSet(class + 1) {
						d := &c.to[t.at[engine.Class(class)]]
						n += d.n
						for _, p := range d.parties {
							parties.Set(uint(p.party))
						}
					}
					for _, i := range byMark[m] {
						s := &c.from[i]
						if s.outside() && t.outside { // R114
							continue
						}
						pairs := s.n * n
						for _, p := range s.parties {
							if hit.Test(uint(s.class)) {
								pairs -= c.overlap[[3]int{i, t.at[s.class], p.party}]
							}
							c.row(p.party).InPlaceUnion(parties)
						}
						c.tally(v, pairs)
					}
				}
			}
		}
		rest.ClearAll()
		for i := range r.Layers {
			judge(&r.Layers[i].Bounds, r.Layers[i].Classes)
			rest.InPlaceUnion(r.Layers[i].Classes)
		}
		judge(&model.Bounds{}, rest.Complement())
	}
}

// diagonal decides exactly which parties violate with themselves: where one
// pod is on both sides there may be no pair.
func (c *checker) diagonal() {
	var from, to map[int][][2]int
	for p, row := range c.violating {
		if row == nil || !row.Test(uint(p)) {
			continue
		}
		if from == nil {
			from, to = sharesOf(c.from), sharesOf(c.to)
		}
		if g := c.group(p, p, from[p], to[p]); g.Pairs == 0 {
			row.Clear(uint(p))
		}
	}
}

// sharesOf are the cells and shares of each party.
func sharesOf(cells []sideCell) map[int][][2]int {
	out := map[int][][2]int{}
	for i := range cells {
		for k := range cells[i].parties {
			p := cells[i].parties[k].party
			out[p] = append(out[p], [2]int{i, k})
		}
	}
	return out
}
