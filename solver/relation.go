package solver

import (
	"encoding/binary"
	"iter"

	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// classRow is what some classes of one side may open to the classes of another.
type classRow struct {
	sources []engine.Class // in order
	layers  []classLayer   // disjoint; what is in none is not reached
}

// classLayer is classes to which a classRow opens the same.
type classLayer struct {
	bounds  model.Bounds   // never empty above
	classes []engine.Class // in order
}

// relate goes over all pairs of a class of from and a class of to, outside
// addresses included, each once (those of two outside addresses mean nothing
// and are there or not, R114): those with some port in their upper bound are in a layer of the row of their
// source, with the bounds of engine.Index.BetweenClassesAt. So relations
// between two ends are left out (R50, R52), and family and address are those of
// the sides; a class with itself is two different members of it. Classes that
// share a row may come together or one by one.
//
// From pay pairs on the rows are the engine's (engine.Index.RowsBetween), as
// far as these can answer: they know of no single address and no family.
// Otherwise each pair is evaluated. A row is valid until the loop goes on. In
// memory is one of them, beside what the engine keeps.
func relate(x *engine.Index, from, to Ends, pay int) iter.Seq[*classRow] {
	at := flowOf(&from, &to, 0, 0)
	src, dst := classesIn(x, from.Set), classesIn(x, to.Set)
	inside := len(dst) - len(to.Set.Outside()) // their classes come last
	if at == (engine.Flow{}) && len(src)*len(dst) >= pay {
		return rowsBetween(x, from.Set, to.Set)
	}
	return func(yield func(*classRow) bool) {
		ids := newPortBounds()
		layerOf := map[uint32]int{}
		for i, s := range src {
			row := classRow{sources: []engine.Class{s}}
			clear(layerOf)
			to := dst
			if i >= len(src)-len(from.Set.Outside()) {
				to = dst[:inside]
			}
			for _, d := range to {
				b := x.BetweenClassesAt(s, d, at)
				if b.Upper.Empty() {
					continue
				}
				id := ids.number(b)
				i, ok := layerOf[id]
				if !ok {
					i = len(row.layers)
					layerOf[id] = i
					row.layers = append(row.layers, classLayer{bounds: b})
				}
				row.layers[i].classes = append(row.layers[i].classes, d)
			}
			if !yield(&row) {
				return
			}
		}
	}
}

// rowsBetween is relate by rows of the engine.
func rowsBetween(x *engine.Index, from, to engine.Set) iter.Seq[*classRow] {
	return func(yield func(*classRow) bool) {
		var row classRow
		var kept [][]engine.Class // to be filled again
		for r := range x.RowsBetween(from, to) {
			for i := range row.layers {
				kept = append(kept, row.layers[i].classes[:0])
			}
			row.sources, row.layers = r.Sources, row.layers[:0]
			for i := range r.Layers {
				l := &r.Layers[i]
				if l.Bounds.Upper.Empty() { // other protocols alone
					continue
				}
				var classes []engine.Class
				if n := len(kept); n > 0 {
					classes, kept = kept[n-1], kept[:n-1]
				}
				for c, some := l.Classes.NextSet(0); some; c, some = l.Classes.NextSet(c + 1) {
					classes = append(classes, engine.Class(c))
				}
				row.layers = append(row.layers, classLayer{l.Bounds, classes})
			}
			if !yield(&row) {
				return
			}
		}
	}
}

// classesIn returns the classes with members in a set, in order.
func classesIn(x *engine.Index, s engine.Set) []engine.Class {
	in := bitset.New(uint(x.Classes()))
	for e := range s.All() {
		in.Set(uint(x.Class(e)))
	}
	out := make([]engine.Class, 0, in.Count())
	for c, some := in.NextSet(0); some; c, some = in.NextSet(c + 1) {
		out = append(out, engine.Class(c))
	}
	return out
}

// portBounds numbers bounds by their ports, so that many pairs can be joined
// by number. Number 0 opens nothing.
type portBounds struct {
	ids    map[string]uint32
	all    []model.Bounds
	joined map[[2]uint32]uint32
	key    []byte
}

func newPortBounds() *portBounds {
	p := &portBounds{ids: map[string]uint32{}, joined: map[[2]uint32]uint32{}}
	p.number(model.Bounds{})
	return p
}

// number returns the number of bounds; other protocols do not count.
func (p *portBounds) number(b model.Bounds) uint32 {
	p.key = p.key[:0]
	for _, s := range [...]model.PortSet{b.Lower, b.Upper} {
		p.key = binary.AppendUvarint(p.key, uint64(len(s.Ranges())))
		for _, r := range s.Ranges() {
			p.key = append(p.key, byte(r.Protocol))
			p.key = binary.LittleEndian.AppendUint16(p.key, r.First)
			p.key = binary.LittleEndian.AppendUint16(p.key, r.Last)
		}
	}
	id, ok := p.ids[string(p.key)]
	if !ok {
		id = uint32(len(p.all))
		p.ids[string(p.key)] = id
		p.all = append(p.all, model.Bounds{Lower: b.Lower, Upper: b.Upper})
	}
	return id
}

// join returns what either may open.
func (p *portBounds) join(a, b uint32) uint32 {
	switch {
	case a == b || b == 0:
		return a
	case a == 0:
		return b
	}
	k := [2]uint32{min(a, b), max(a, b)}
	id, ok := p.joined[k]
	if !ok {
		q, r := &p.all[a], &p.all[b]
		id = p.number(model.Bounds{Lower: union(q.Lower, r.Lower), Upper: union(q.Upper, r.Upper)})
		p.joined[k] = id
	}
	return id
}
