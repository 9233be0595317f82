package solver

import (
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// cell is what a party may open to another, by the numbers of both.
type cell struct{ party, opens uint32 }

// partyRow is what a party may open to others, and to itself.
type partyRow struct {
	cells []cell // sorted; what they say of the party itself does not count. Rows share them
	self  uint32
	seen  int // of the rows of classes: the number of the last one that is in
}

// mergeCells joins two sorted lists, which stay as they are.
func (p *portBounds) mergeCells(a, b []cell) []cell {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([]cell, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].party < b[0].party:
			out, a = append(out, a[0]), a[1:]
		case a[0].party > b[0].party:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, cell{a[0].party, p.join(a[0].opens, b[0].opens)})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// rowJoiner turns rows of classes into rows of parties, and what they say of
// outside addresses into vectors of classes.
type rowJoiner struct {
	*lister
	srcAt, dstAt []int32  // class -> 1 + its index in src and dst
	n            int      // the number of the row at hand
	layerOf      []uint32 // class -> what the row opens to it
	opensTo      []uint32 // party -> what the row opens to the classes of it
	reached      []uint32 // parties to which that is something
}

func classIndex(x *engine.Index, side []classMembers) []int32 {
	out := make([]int32, x.Classes())
	for i := range side {
		out[side[i].class] = int32(i) + 1
	}
	return out
}

// join fills rows and outer.
func (l *lister) join(pay int) {
	j := &rowJoiner{lister: l, srcAt: classIndex(l.x, l.src), dstAt: classIndex(l.x, l.dst),
		layerOf: make([]uint32, l.x.Classes()), opensTo: make([]uint32, len(l.list))}
	l.rows = make([]partyRow, len(l.list))
	l.outer[model.Egress] = newOutsideOpens(l.x, l.to.Set.Outside())
	l.outer[model.Ingress] = newOutsideOpens(l.x, l.from.Set.Outside())
	for row := range relate(l.x, l.from, l.to, pay) {
		j.row(row)
	}
	l.outer[model.Ingress].last()
}

func (j *rowJoiner) row(row *classRow) {
	j.n++
	j.reached = j.reached[:0]
	for i := range row.layers {
		layer := &row.layers[i]
		id := j.opens.number(layer.bounds)
		for _, c := range layer.classes {
			j.layerOf[c] = id
			if j.dstAt[c] == 0 {
				continue
			}
			for _, m := range j.dst[j.dstAt[c]-1].parties {
				if j.opensTo[m.party] == 0 {
					j.reached = append(j.reached, m.party)
				}
				j.opensTo[m.party] = j.opens.join(j.opensTo[m.party], id)
			}
		}
	}
	var cells []cell
	to := int32(-1)
	for _, c := range row.sources {
		if j.srcAt[c] == 0 {
			continue
		}
		if cells == nil {
			cells = j.cells()
		}
		if to < 0 {
			to = j.outer[model.Egress].to(j.layerOf)
		}
		j.outer[model.Egress].keyOf[c] = to
		src := &j.src[j.srcAt[c]-1]
		for k := range src.parties {
			m := &src.parties[k]
			r := &j.rows[m.party]
			r.self = j.opens.join(r.self, j.self(c, m))
			if r.seen != j.n {
				r.seen = j.n
				r.cells = j.opens.mergeCells(r.cells, cells)
			}
		}
	}
	j.outer[model.Ingress].from(row, j.opens, j.dstAt)
	for _, p := range j.reached {
		j.opensTo[p] = 0
	}
	for i := range row.layers {
		for _, c := range row.layers[i].classes {
			j.layerOf[c] = 0
		}
	}
}

// cells returns the parties that the row at hand reaches.
func (j *rowJoiner) cells() []cell {
	out := make([]cell, 0, len(j.reached))
	if len(j.reached) > len(j.opensTo)/8 { // as good as sorted
		for p, opens := range j.opensTo {
			if opens != 0 {
				out = append(out, cell{uint32(p), opens})
			}
		}
		return out
	}
	slices.Sort(j.reached)
	for _, p := range j.reached {
		out = append(out, cell{p, j.opensTo[p]})
	}
	return out
}

// self returns what the members of a party in a class may open to the party
// itself: to others, that is, than the one endpoint that they may be.
func (j *rowJoiner) self(c engine.Class, m *partyMembers) uint32 {
	all := j.opensTo[m.party]
	if all == 0 || j.layerOf[c] == 0 || j.dstAt[c] == 0 || !m.itself(j.dst[j.dstAt[c]-1].member(m.party)) {
		return all
	}
	others := uint32(0)
	for _, i := range j.dstOf[m.party] {
		if d := j.dst[i].class; d != c {
			if others = j.opens.join(others, j.layerOf[d]); others == all {
				break
			}
		}
	}
	return others
}
