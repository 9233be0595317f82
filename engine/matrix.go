package engine

import (
	"sync"
	"sync/atomic"

	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/model"
)

// Matrix is the reachability relation over classes for one set of ports: a bit
// is set when some port of the set is open from any endpoint of the row's
// class to any other of the column's. Relations between two given endpoints
// (a pod to itself, a node to its own pods) are left out: they are not
// properties of classes.
//
// Rows are computed when first asked for and kept; Index.Rows goes over all of
// them without keeping any. A Matrix is safe for concurrent use.
type Matrix struct {
	x      *Index
	want   mask
	rows   []atomic.Pointer[matrixRow]
	makers sync.Pool // of *rowMaker
}

type matrixRow struct{ lower, upper *bitset.BitSet }

// Matrix returns the relation for the ports of p. Cost: O(classes).
func (x *Index) Matrix(p model.PortSet) *Matrix {
	return &Matrix{x: x, want: x.portMask(p), rows: make([]atomic.Pointer[matrixRow], x.Classes())}
}

// portMask returns the atoms that the ports touch.
func (x *Index) portMask(p model.PortSet) mask {
	m := make(mask, x.port.words)
	for _, r := range p.Ranges() {
		x.port.fill(m, r)
	}
	return m
}

// Row returns the classes that src certainly reaches (lower) and those that it
// may reach (upper). The bit sets have one bit a class, are shared and must
// not be changed. Cost, when first asked for: as a row of Index.Rows.
func (m *Matrix) Row(src Class) (lower, upper *bitset.BitSet) {
	if r := m.rows[src].Load(); r != nil {
		return r.lower, r.upper
	}
	all := m.x.relationToAll()
	maker, _ := m.makers.Get().(*rowMaker)
	if maker == nil {
		maker = newRowMaker(all, all.every)
	}
	defer m.makers.Put(maker)
	s := all.source(src)
	var layers wides
	maker.row(&s, &layers)
	n := uint(m.x.Classes())
	r := &matrixRow{bitset.New(n), bitset.New(n)}
	for i := range layers.list {
		l := &layers.list[i]
		classes := bitset.FromWithLength(n, l.words)
		if o := &maker.opens.all[l.opens]; o.lo.overlaps(m.want) {
			r.lower.InPlaceUnion(classes)
			r.upper.InPlaceUnion(classes)
		} else if o.up.overlaps(m.want) {
			r.upper.InPlaceUnion(classes)
		}
	}
	m.rows[src].Store(r)
	return r.lower, r.upper
}

// Pod expands a pod's row: for every pod, in snapshot order, whether it may be
// reached on some port of the set; itself left out.
func (m *Matrix) Pod(src EndpointID) (lower, upper *bitset.BitSet) {
	lo, up := m.Row(m.x.Class(src))
	n := uint(m.x.pods.n)
	lower, upper = bitset.New(n), bitset.New(n)
	for e, p := range m.x.everyPod() {
		if e == src || p.Dormant {
			continue
		}
		c := uint(m.x.Class(e))
		lower.SetTo(uint(e), lo.Test(c))
		upper.SetTo(uint(e), up.Test(c))
	}
	return lower, upper
}
