package engine

import (
	"iter"
	"math/bits"
	"runtime"
	"sync"

	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/model"
)

// Row is what each class of Sources may open to every class, port by port: a
// class in a layer has the layer's Bounds, which are those of BetweenClasses;
// what is in no layer is not reached at all.
type Row struct {
	Sources []Class // in order
	Layers  []Layer // disjoint, in the order of their first classes
	of      *factored
}

// Pairs returns how many ordered pairs of two different pods connect as layer
// i says, all pods of the classes counted. Cost: O(sources + classes/64 × bits of the size of a class); the
// first time also O(pods).
func (r *Row) Pairs(i int) int {
	r.of.weighing.Do(r.of.weigh)
	l := &r.Layers[i]
	from, self := 0, 0
	for _, c := range r.Sources {
		n := int(r.of.pods[c])
		from += n
		if l.Classes.Test(uint(c)) {
			self += n
		}
	}
	if from == 0 {
		return 0
	}
	words := l.Classes.Words()[l.lo:l.hi]
	to := 0
	for digit, plane := range r.of.planes {
		n := 0
		for w, b := range plane[l.lo:l.hi] {
			n += bits.OnesCount64(b & words[w])
		}
		to += n << digit
	}
	return from*to - self
}

// Layer is the classes to which a row opens the same.
type Layer struct {
	Bounds  model.Bounds
	Classes *bitset.BitSet // one bit a class
	lo, hi  int            // its words outside are zero
}

// Rows returns the port-exact relation of all classes: a row for all sources
// that share it, in the order of their first ones, each source once. A Row is
// valid until the loop goes on, and must not be changed. Rows are made by
// GOMAXPROCS goroutines, none of which outlives the loop, and are the same for
// any number of them.
//
// Cost: when first asked for, an evaluation for each part of the classes that
// an ingress program tells apart. Then for each row those of its egress
// program, and O(classes/64) for each layer. In memory are the ingress side
// and a few rows, never class × class.
func (x *Index) Rows() iter.Seq[*Row] {
	r := x.relationToAll
	return x.rows(r, func(r *factored) (from, to []uint64) { return r.every, r.every })
}

// RowsBetween is Rows of the classes with members in from, to those with
// members in to. The ingress side of a small part of the classes is made for
// the question; otherwise it is the one that Rows keeps.
func (x *Index) RowsBetween(from, to Set) iter.Seq[*Row] {
	src, dst := x.classesOf(from), x.classesOf(to)
	n := 0
	for _, b := range dst[:x.podClasses>>6] {
		n += bits.OnesCount64(b)
	}
	r := x.relationToAll
	if 2*n < x.podClasses {
		r = func() *factored { return newFactored(x, dst) }
	}
	return x.rows(r, func(*factored) ([]uint64, []uint64) { return src, dst })
}

// classesOf returns the classes with members in a set.
func (x *Index) classesOf(s Set) []uint64 {
	out := make([]uint64, (x.Classes()+63)/64)
	for e := range s.All() {
		c := x.Class(e)
		out[c>>6] |= 1 << (c & 63)
	}
	return out
}

func (x *Index) rows(relation func() *factored, ends func(*factored) (from, to []uint64)) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		r := relation()
		from, to := ends(r)
		row := Row{of: r}
		r.each(r.rows(from), to, func(s *sources, layers *wides, o *openings) bool {
			row.Sources, row.Layers = s.classes, row.Layers[:0]
			for i := range layers.list {
				l := &layers.list[i]
				row.Layers = append(row.Layers, Layer{o.bounds(x, l.opens), bitset.FromWithLength(uint(x.Classes()), l.words), l.lo, l.hi})
			}
			return yield(&row)
		})
	}
}

// relationToAll returns the relation to all classes, which the Index keeps.
func (x *Index) relationToAll() *factored {
	x.relation.Do(func() { x.toAll = newFactored(x, nil) })
	return x.toAll
}

// rowsAtOnce is how many rows a goroutine makes before they are used.
const rowsAtOnce = 32

// each makes the layers of rows to some classes, and hands them over in order
// until yield returns false.
func (r *factored) each(rows []sources, to []uint64, yield func(*sources, *wides, *openings) bool) {
	workers := min(runtime.GOMAXPROCS(0), len(rows)/rowsAtOnce+1)
	makers := make([]*rowMaker, workers)
	for i := range makers {
		makers[i] = newRowMaker(r, to)
	}
	made := make([]wides, workers*rowsAtOnce)
	for len(rows) > 0 {
		n := min(len(rows), len(made))
		var wg sync.WaitGroup
		for i, m := range makers {
			wg.Go(func() {
				for j := i * rowsAtOnce; j < min(n, (i+1)*rowsAtOnce); j++ {
					m.row(&rows[j].source, &made[j])
				}
			})
		}
		wg.Wait()
		for j := range n {
			if !yield(&rows[j], &made[j], makers[j/rowsAtOnce].opens) {
				return
			}
		}
		rows = rows[n:]
	}
}

// rowMaker makes rows, in one goroutine.
type rowMaker struct {
	r         *factored
	to        []uint64
	opens     *openings
	p         *partition
	program   uint32 // what egress is of
	addresses bool   // the families of egress differ
	egress    [model.NumFamilies]layered
	common    map[certainty]*families
	in, out   wides
	unusual   []uint64 // zero between rows
	byFamily  [model.NumFamilies]wides
	toFamily  [model.NumFamilies][]uint64 // the destinations with an address of the family
}

// families is the destinations that have a family in common with a source:
// for certain, or perhaps.
type families struct{ certain, possible []uint64 }

func newRowMaker(r *factored, to []uint64) *rowMaker {
	o := r.opens.clone()
	m := &rowMaker{r: r, to: to, opens: o, p: newPartition(r, o), common: map[certainty]*families{}, unusual: make([]uint64, r.words)}
	for f := range m.toFamily {
		m.toFamily[f] = make([]uint64, r.words)
		for w := range to {
			m.toFamily[f][w] = to[w] & r.exists[f][w]
		}
	}
	m.load(noProgram)
	return m
}

// load decides an egress program for the destinations.
func (m *rowMaker) load(program uint32) {
	m.program = program
	if program == noProgram {
		m.addresses, m.egress = false, [...]layered{{rest: m.opens.full}, {rest: m.opens.full}}
		return
	}
	prog := &m.r.x.programs[program]
	t := m.r.x.traits(prog)
	m.addresses = t.addresses
	for f := range m.egress {
		if f > 0 && !t.addresses {
			m.egress[f] = m.egress[0]
			continue
		}
		within := m.to
		if t.addresses {
			within = m.toFamily[f]
		}
		m.p.begin(prog, t, model.Egress, model.Family(f), within)
		m.egress[f] = m.p.decide(prog, model.Egress, model.Family(f), 0)
	}
}

// row fills out with the layers of a source.
func (m *rowMaker) row(s *source, out *wides) {
	if m.program != s.program {
		m.load(s.program)
	}
	differ := m.addresses || m.r.usualDiffs
	for _, g := range s.groups {
		differ = differ || m.r.groups[g].families != [...]bool{true, true}
	}
	out.clear()
	switch {
	case s.has[model.IPv6] == slotNone, s.has[model.IPv4] != slotNone && !differ:
		m.admit(s, model.IPv4, s.has, out)
	case s.has[model.IPv4] == slotNone:
		m.admit(s, model.IPv6, s.has, out)
	default:
		for f := range m.byFamily {
			has := certainty{}
			has[f] = s.has[f]
			m.byFamily[f].clear()
			m.admit(s, model.Family(f), has, &m.byFamily[f])
		}
		m.join(&m.byFamily[model.IPv4], &m.byFamily[model.IPv6], out)
	}
	out.sort()
}

// admit adds to out what both directions admit in a family, for destinations
// that have one of the families of has.
func (m *rowMaker) admit(s *source, f model.Family, has certainty, out *wides) {
	m.in.clear()
	m.out.clear()
	for _, i := range s.groups {
		g := &m.r.groups[i]
		if !g.families[f] {
			continue
		}
		for j := range g.to {
			m.in.or(g.to[j].opens, &g.to[j].classes, m.r.words)
		}
	}
	m.in.fill(&m.r.usual[f], m.unusual)
	e := &m.egress[f]
	for i := range m.in.list {
		in := &m.in.list[i]
		for j := range e.layers {
			l := &e.layers[j]
			m.out.move(m.opens.combine(meet, l.opens, in.opens), in, &l.classes)
		}
		m.out.orWords(m.opens.combine(meet, e.rest, in.opens), in, m.r.every)
	}
	c := m.inCommon(has)
	for i := range m.out.list {
		l := &m.out.list[i]
		out.orWords(l.opens, l, c.certain)
		if c.possible != nil {
			out.orWords(m.opens.combine(maybe, l.opens, closed), l, c.possible)
		}
	}
}

// inCommon returns the destinations that have a family in common with a
// source.
func (m *rowMaker) inCommon(has certainty) *families {
	if c := m.common[has]; c != nil {
		return c
	}
	c := &families{certain: make([]uint64, m.r.words), possible: make([]uint64, m.r.words)}
	some := false
	for w := range c.certain {
		for f, kind := range has {
			e, d := m.toFamily[f][w], m.r.doubtful[f][w]
			switch kind {
			case slotKnown:
				c.certain[w] |= e &^ d
				c.possible[w] |= e
			case slotMaybe:
				c.possible[w] |= e
			}
		}
		c.possible[w] &^= c.certain[w]
		some = some || c.possible[w] != 0
	}
	if !some {
		c.possible = nil
	}
	m.common[has] = c
	return c
}

// join adds to out what either family opens; it uses up a and b.
func (m *rowMaker) join(a, b, out *wides) {
	for i := range a.list {
		for j := range b.list {
			p, q := &a.list[i], &b.list[j]
			id := m.opens.combine(join, p.opens, q.opens)
			for w := max(p.lo, q.lo); w < min(p.hi, q.hi); w++ {
				if both := p.words[w] & q.words[w]; both != 0 {
					p.words[w] &^= both
					q.words[w] &^= both
					out.add(id, w, both, m.r.words)
				}
			}
		}
	}
	for _, rest := range [...]*wides{a, b} {
		for i := range rest.list {
			out.orWords(rest.list[i].opens, &rest.list[i], m.r.every)
		}
	}
}
