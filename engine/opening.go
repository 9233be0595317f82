package engine

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/podreach/podreach/model"
)

// opening is what one end may open to another, as model.Bounds are, in port
// atoms.
type opening struct {
	lo, up mask
	other  model.Other
}

// closed is the number of the opening that opens nothing.
const closed = 0

// openings numbers distinct openings, and remembers how they combine: rows
// combine sets of classes, and openings only by number. Not safe for
// concurrent use.
type openings struct {
	ids    map[string]uint32
	all    []opening
	full   uint32 // everything is open
	joined [numCombinations]map[uint64]uint32
	key    []byte
	lo, up mask
	known  []*model.Bounds // those that were asked for
}

// The ways to combine two openings.
const (
	meet  = iota // both directions have to admit
	join         // either family will do
	maybe        // the family is not certain; of one opening
	numCombinations
)

func newOpenings(x *Index) *openings {
	o := &openings{ids: map[string]uint32{}, lo: make(mask, x.port.words), up: make(mask, x.port.words)}
	for i := range o.joined {
		o.joined[i] = map[uint64]uint32{}
	}
	o.number(o.lo, o.up, model.OtherNo)
	o.full = o.number(x.full, x.full, model.OtherYes)
	return o
}

// clone copies what is numbered so far; the masks are shared.
func (o *openings) clone() *openings {
	c := &openings{ids: maps.Clone(o.ids), all: slices.Clone(o.all), full: o.full, lo: slices.Clone(o.lo), up: slices.Clone(o.up)}
	for i := range o.joined {
		c.joined[i] = maps.Clone(o.joined[i])
	}
	return c
}

// number returns the number of an opening; the masks are copied.
func (o *openings) number(lo, up mask, other model.Other) uint32 {
	k := o.key[:0]
	k = append(k, byte(other))
	for i := range lo {
		k = binary.LittleEndian.AppendUint64(k, lo[i])
		k = binary.LittleEndian.AppendUint64(k, up[i])
	}
	o.key = k
	if id, ok := o.ids[string(k)]; ok {
		return id
	}
	id := uint32(len(o.all))
	o.ids[string(k)] = id
	o.all = append(o.all, opening{slices.Clone(lo), slices.Clone(up), other})
	return id
}

// combine returns what two openings come to.
func (o *openings) combine(how int, a, b uint32) uint32 {
	switch {
	case how == meet && (a == closed || b == o.full), how == join && (a == o.full || b == closed):
		return a
	case how == meet && (b == closed || a == o.full), how == join && (b == o.full || a == closed):
		return b
	}
	k := uint64(a)<<32 | uint64(b)
	id, ok := o.joined[how][k]
	if ok {
		return id
	}
	p, q := &o.all[a], &o.all[b]
	copy(o.lo, p.lo)
	copy(o.up, p.up)
	other := p.other
	switch how {
	case meet:
		o.lo.and(q.lo)
		o.up.and(q.up)
		other = min(other, q.other)
	case join:
		o.lo.or(q.lo)
		o.up.or(q.up)
		other = max(other, q.other)
	case maybe:
		o.lo.clear()
		other = min(other, model.OtherUnspecified)
	}
	id = o.number(o.lo, o.up, other)
	o.joined[how][k] = id
	return id
}

// bounds returns an opening as Bounds.
func (o *openings) bounds(x *Index, id uint32) model.Bounds {
	for int(id) >= len(o.known) {
		o.known = append(o.known, nil)
	}
	if o.known[id] == nil {
		a := &o.all[id]
		b := x.bounds(a.lo, a.up, a.other)
		o.known[id] = &b
	}
	return *o.known[id]
}
