package engine

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/podreach/podreach/model"
)

// opening is what one end may open to another, as model.Bounds are, in port
// atoms. Where the destination does not say what its port names mean and that
// makes a difference, the worlds are what holds for each meaning, one after
// the other: both directions and both families share it, so openings combine
// world by world, and lo and up are what that comes to.
type opening struct {
	lo, up           mask
	worldLo, worldUp mask // of one world, or of each of portNames
	other            model.Other
}

// closed is the number of the opening that opens nothing.
const closed = 0

// openings numbers distinct openings, and remembers how they combine: rows
// combine sets of classes, and openings only by number. Not safe for
// concurrent use.
type openings struct {
	words    int // of a mask
	ids      map[string]uint32
	all      []opening
	full     uint32 // everything is open
	combined [numCombinations]map[uint64]uint32
	key      []byte
	lo, up   mask            // scratch
	known    []*model.Bounds // those that were asked for
}

// The ways to combine two openings.
const (
	meet  = iota // both directions have to admit
	join         // either family will do
	maybe        // the family is not certain; of one opening
	numCombinations
)

func newOpenings(x *Index) *openings {
	o := &openings{words: x.port.words, ids: map[string]uint32{}}
	for i := range o.combined {
		o.combined[i] = map[uint64]uint32{}
	}
	none := make(mask, x.port.words)
	o.number(none, none, model.OtherNo)
	o.full = o.number(x.full, x.full, model.OtherYes)
	return o
}

// clone copies what is numbered so far; the masks are shared.
func (o *openings) clone() *openings {
	c := &openings{words: o.words, ids: maps.Clone(o.ids), all: slices.Clone(o.all), full: o.full}
	for i := range o.combined {
		c.combined[i] = maps.Clone(o.combined[i])
	}
	return c
}

// number returns the number of an opening, of one world or several; the masks
// are copied. Worlds that are all alike are one.
func (o *openings) number(lo, up mask, other model.Other) uint32 {
	n := o.words
	alike := true
	for i := n; i < len(lo); i++ {
		alike = alike && lo[i] == lo[i-n] && up[i] == up[i-n]
	}
	if alike {
		lo, up = lo[:n], up[:n]
	}
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
	a := opening{worldLo: slices.Clone(lo), worldUp: slices.Clone(up), other: other}
	a.lo, a.up = a.worldLo[:n:n], a.worldUp[:n:n]
	if len(lo) > n {
		a.lo, a.up = slices.Clone(a.lo), slices.Clone(a.up)
		for i := n; i < len(lo); i += n {
			a.lo.and(lo[i : i+n])
			a.up.or(up[i : i+n])
		}
	}
	id := uint32(len(o.all))
	o.ids[string(k)] = id
	o.all = append(o.all, a)
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
	id, ok := o.combined[how][k]
	if ok {
		return id
	}
	p, q := &o.all[a], &o.all[b]
	if len(p.worldLo) < len(q.worldLo) {
		p, q = q, p
	}
	if len(q.worldLo) > o.words && len(q.worldLo) < len(p.worldLo) {
		return closed // no destination has both numbers of worlds
	}
	o.lo, o.up = append(o.lo[:0], p.worldLo...), append(o.up[:0], p.worldUp...)
	other := p.other
	switch how {
	case meet:
		other = min(other, q.other)
	case join:
		other = max(other, q.other)
	case maybe:
		o.lo.clear()
		other = min(other, model.OtherUnspecified)
	}
	for i := range o.lo {
		j := i
		if len(q.worldLo) == o.words {
			j = i % o.words
		}
		switch how {
		case meet:
			o.lo[i] &= q.worldLo[j]
			o.up[i] &= q.worldUp[j]
		case join:
			o.lo[i] |= q.worldLo[j]
			o.up[i] |= q.worldUp[j]
		}
	}
	id = o.number(o.lo, o.up, other)
	o.combined[how][k] = id
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
