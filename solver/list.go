package solver

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// By says what the rows of a listing stand for.
type By uint8

// The granularities of a listing.
const (
	ByWorkload By = iota // "NS/kind/name"
	ByPod                // "NS/pod/name"
	ByNamespace
)

// Connection is a row of a listing: what From may open to To.
type Connection struct {
	From, To Party
	CIDRs    []netip.Prefix // for an outside party: a minimal cover of what policy admits; not to be changed, rows share it
	Ports    model.PortSet
	Reason   string // for uncertain rows: what the snapshot does not say
}

// Listing is every connection between two sides. Certain rows are the lower
// bound; uncertain ones are what the upper bound adds. Both are sorted.
type Listing struct {
	Certain, Uncertain []Connection
}

// List lists every possible connection from one side to the other, joined by
// workload, pod or namespace. Pairs of a pod or a node with itself do not
// count, nor do pairs of two outside addresses (R114).
//
// Cost: O(endpoints) and the rows of classes between the sides
// (engine.Index.RowsBetween; for few classes, or where a side names a family or
// an address, an evaluation for each pair), for each of these the parties that
// it reaches; and the rows that come out, an uncertain one with an explanation.
// Memory: eight bytes for each two parties that are connected, shared by those
// of one class, and the rows that come out. By pod these can be the square of
// the pods.
func List(x *engine.Index, from, to Ends, by By) Listing { return list(x, from, to, by, rowsPay) }

// list is List, with rows of the engine from a number of pairs of classes on.
func list(x *engine.Index, from, to Ends, by By, pay int) Listing {
	l := &lister{x: x, from: from, to: to, parties: newParties(x, by, from.Set, to.Set), opens: newPortBounds(), near: map[[2]uint32]*ownPairs{},
		clusterRanges: ipSet(slices.Concat(x.Snapshot().PodCIDRs, x.Snapshot().ServiceCIDRs)...)}
	l.src, l.dst = l.members(x, from.Set), l.members(x, to.Set)
	l.srcOf, l.dstOf = l.classesOf(l.src), l.classesOf(l.dst)
	l.join(pay)
	l.outside()
	l.own()
	return l.listing()
}

type lister struct {
	x        *engine.Index
	from, to Ends
	parties
	src, dst     []classMembers
	srcOf, dstOf [][]int32 // party -> its classes in src and dst
	opens        *portBounds
	rows         []partyRow                        // by source
	near         map[[2]uint32]*ownPairs           // what hosts reach on their own nodes, by parties
	outer        [model.NumDirections]outsideOpens // what is opened to outside addresses, and from them
	out          Listing                           // while it is made, rows with outside parties

	clusterRanges *netipx.IPSet // of pods and Services (R110)
}

func (l *lister) flow(src, dst engine.EndpointID) engine.Flow {
	return flowOf(&l.from, &l.to, src, dst)
}

// listing makes the rows, in their order.
func (l *lister) listing() Listing {
	slices.SortFunc(l.out.Certain, compareConnections)
	slices.SortFunc(l.out.Uncertain, compareConnections)
	outside := l.out
	certain, uncertain := 0, 0
	for from := range l.rows {
		for _, b := range l.rowOf(uint32(from)) {
			certain += count(!b.Lower.Empty())
			uncertain += count(!b.Upper.Equal(b.Lower))
		}
	}
	l.out.Certain = make([]Connection, 0, certain+len(outside.Certain))
	l.out.Uncertain = make([]Connection, 0, uncertain+len(outside.Uncertain))
	// A party's rows to outside addresses follow those to pods and nodes; those
	// from outside addresses are the last of all.
	follow := func(out, rest *[]Connection, p *Party) {
		for len(*rest) > 0 && compareParties(&(*rest)[0].From, p) <= 0 {
			*out, *rest = append(*out, (*rest)[0]), (*rest)[1:]
		}
	}
	for from := range l.rows {
		p := &l.list[from]
		for to, b := range l.rowOf(uint32(from)) {
			c := Connection{From: *p, To: l.list[to]}
			if !b.Lower.Empty() {
				c.Ports = b.Lower
				l.out.Certain = append(l.out.Certain, c)
			}
			if rest := b.Upper.Minus(b.Lower); !rest.Empty() {
				c.Ports = rest
				c.Reason = Reason(l.x, l.doubt(uint32(from), to, rest))
				l.out.Uncertain = append(l.out.Uncertain, c)
			}
		}
		follow(&l.out.Certain, &outside.Certain, p)
		follow(&l.out.Uncertain, &outside.Uncertain, p)
	}
	l.out.Certain = append(l.out.Certain, outside.Certain...)
	l.out.Uncertain = append(l.out.Uncertain, outside.Uncertain...)
	return l.out
}

// rowOf goes over what a party may open to others and to itself, in order.
func (l *lister) rowOf(from uint32) iter.Seq2[uint32, *model.Bounds] {
	return func(yield func(uint32, *model.Bounds) bool) {
		r := &l.rows[from]
		give := func(to, opens uint32) bool { return opens == 0 || yield(to, &l.opens.all[opens]) }
		self := false
		for _, c := range r.cells {
			if !self && c.party >= from {
				if self = true; !give(from, r.self) {
					return
				}
			}
			if c.party != from && !give(c.party, c.opens) {
				return
			}
		}
		if !self {
			give(from, r.self)
		}
	}
}

// compareConnections sorts pods, nodes, outside; then by name, addresses and
// ports.
func compareConnections(a, b Connection) int {
	if c := cmp.Or(compareParties(&a.From, &b.From), compareParties(&a.To, &b.To)); c != 0 {
		return c
	}
	return cmp.Or(slices.CompareFunc(a.CIDRs, b.CIDRs, func(p, q netip.Prefix) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	}), cmp.Compare(a.Ports.String(), b.Ports.String()))
}
