package engine

import (
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
// Rows are computed when first asked for and kept. A Matrix is safe for
// concurrent use.
type Matrix struct {
	x    *Index
	want mask
	rows []atomic.Pointer[matrixRow]
}

type matrixRow struct{ lower, upper *bitset.BitSet }

// Matrix returns the relation for the ports of p. Cost: O(classes); each row
// costs O(classes) evaluations when it is first asked for.
func (x *Index) Matrix(p model.PortSet) *Matrix {
	m := &Matrix{x: x, want: make(mask, x.port.words), rows: make([]atomic.Pointer[matrixRow], x.Classes())}
	for _, r := range p.Ranges() {
		x.port.fill(m.want, r)
	}
	return m
}

// Row returns the classes that src certainly reaches (lower) and those that it
// may reach (upper). The bit sets have one bit a class, are shared and must
// not be changed.
func (m *Matrix) Row(src Class) (lower, upper *bitset.BitSet) {
	if r := m.rows[src].Load(); r != nil {
		return r.lower, r.upper
	}
	n := m.x.Classes()
	r := &matrixRow{bitset.New(uint(n)), bitset.New(uint(n))}
	s := m.x.newScratch()
	for dst := range Class(n) {
		p := classPair(src, dst)
		m.x.betweenMasks(&p, s)
		if s.lo.overlaps(m.want) {
			r.lower.Set(uint(dst))
		}
		if s.up.overlaps(m.want) {
			r.upper.Set(uint(dst))
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
