package engine

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"

	"github.com/bits-and-blooms/bitset"
	"go4.org/netipx"

	"github.com/podreach/podreach/model"
)

// Set is an immutable set of endpoints of one Index: pods and nodes as bits,
// outside addresses as parts of atoms. The zero Set is empty. Sets may be
// copied and used concurrently.
type Set struct {
	pods    *bitset.BitSet // nil: none
	nodes   *bitset.BitSet
	outside []Outside // by endpoint
}

// Outside is the part of an atom of outside addresses that is in a Set. At
// least one of its addresses has no known owner.
type Outside struct {
	Endpoint EndpointID
	Ranges   []netipx.IPRange // not cut around the addresses of pods and nodes
	Witness  netip.Addr       // its first address without an owner
}

// Select returns the pods of a pod set, host-network pods included, dormant
// ones left out. Cost: O(pods x requirements).
func (x *Index) Select(sel model.PodSet) Set {
	pods := bitset.New(uint(x.pods.n))
	in := make(map[string]bool, len(x.rest.Namespaces))
	for i := range x.rest.Namespaces {
		n := &x.rest.Namespaces[i]
		in[n.Name] = sel.Namespace == n.Name || sel.Namespace == "" && sel.Namespaces.Matches(n.Labels)
	}
	for e, p := range x.everyPod() {
		if in[p.Namespace] && !p.Dormant && sel.Pods.Matches(p.Labels) {
			pods.Set(uint(e))
		}
	}
	return Set{pods: pods}
}

// Outside returns the addresses of a without those that pods and nodes are
// known to own, as parts of atoms in address order. Cost: O(atoms + ranges +
// owned addresses).
func (x *Index) Outside(a *netipx.IPSet) Set {
	var s Set
	ranges := a.Ranges() // sorted, disjoint; IPv4 before IPv6, as atoms are
	for i, r := int32(0), 0; r < len(ranges); r++ {
		lo, hi := ranges[r].From(), ranges[r].To()
		for i = max(i, x.addr.of(lo)); ; i++ {
			first, last := x.addr.bounds(i)
			from, to := lo, hi
			if from.Less(first) {
				from = first
			}
			if last.Less(to) {
				to = last
			}
			s.addPart(atomBit|EndpointID(i), netipx.IPRangeFrom(from, to), x.unowned(from, to))
			if !last.Less(hi) {
				break // the next range may begin in this atom
			}
		}
	}
	s.outside = slices.DeleteFunc(s.outside, func(o Outside) bool { return !o.Witness.IsValid() })
	return s
}

// addPart adds a range to the last part, which is of the same atom or of one
// before it.
func (s *Set) addPart(e EndpointID, r netipx.IPRange, witness netip.Addr) {
	n := len(s.outside)
	if n == 0 || s.outside[n-1].Endpoint != e {
		s.outside = append(s.outside, Outside{Endpoint: e})
		n++
	}
	p := &s.outside[n-1]
	p.Ranges = append(p.Ranges, r)
	if !p.Witness.IsValid() {
		p.Witness = witness
	}
}

// unowned returns the first address of a range that nobody is known to own.
func (x *Index) unowned(from, to netip.Addr) netip.Addr {
	for a := from; a.IsValid() && !to.Less(a); a = a.Next() {
		if len(x.owners(a, nil)) == 0 {
			return a
		}
	}
	return netip.Addr{}
}

// AllPods returns every pod, host-network pods included.
func (x *Index) AllPods() Set { return x.Select(model.PodSet{}) }

// AllNodes returns every node.
func (x *Index) AllNodes() Set {
	nodes := bitset.New(uint(len(x.rest.Nodes)))
	for i := range x.rest.Nodes {
		nodes.Set(uint(i))
	}
	return Set{nodes: nodes}
}

// Of returns the set of the given pods and nodes. An outside endpoint is a
// programming error and panics: Index.Outside makes sets of addresses.
func Of(ids ...EndpointID) Set {
	s := Set{pods: &bitset.BitSet{}, nodes: &bitset.BitSet{}}
	for _, e := range ids {
		switch {
		case e.IsPod():
			s.pods.Set(uint(e))
		case e.IsNode():
			s.nodes.Set(uint(e.NodeIndex()))
		default:
			panic("engine: Of an outside endpoint")
		}
	}
	return s
}

// Union returns the endpoints of either set. Where both hold a part of one
// atom, the union has one part with the addresses of both.
func (s Set) Union(t Set) Set {
	u := Set{pods: unionBits(s.pods, t.pods), nodes: unionBits(s.nodes, t.nodes)}
	i, j := 0, 0
	for i < len(s.outside) || j < len(t.outside) {
		switch {
		case j == len(t.outside) || i < len(s.outside) && s.outside[i].Endpoint < t.outside[j].Endpoint:
			u.outside = append(u.outside, s.outside[i])
			i++
		case i == len(s.outside) || t.outside[j].Endpoint < s.outside[i].Endpoint:
			u.outside = append(u.outside, t.outside[j])
			j++
		default:
			u.outside = append(u.outside, s.outside[i].union(t.outside[j]))
			i, j = i+1, j+1
		}
	}
	return u
}

func (o Outside) union(p Outside) Outside {
	var b netipx.IPSetBuilder
	for _, r := range slices.Concat(o.Ranges, p.Ranges) {
		b.AddRange(r)
	}
	set, err := b.IPSet()
	if err != nil {
		panic("engine: " + err.Error()) // ranges of a Set are valid
	}
	o.Ranges = set.Ranges()
	if p.Witness.Less(o.Witness) {
		o.Witness = p.Witness
	}
	return o
}

func unionBits(a, b *bitset.BitSet) *bitset.BitSet {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return a.Union(b)
}

// Contains reports whether a pod or node, or some address of an outside atom,
// is in the set. Cost: O(1), O(log parts) for an atom.
func (s Set) Contains(e EndpointID) bool {
	switch {
	case e.IsPod():
		return s.pods != nil && s.pods.Test(uint(e))
	case e.IsNode():
		return s.nodes != nil && s.nodes.Test(uint(e.NodeIndex()))
	}
	_, ok := slices.BinarySearchFunc(s.outside, e, func(o Outside, e EndpointID) int { return cmp.Compare(o.Endpoint, e) })
	return ok
}

// Pods returns the number of pods in the set.
func (s Set) Pods() int { return countBits(s.pods) }

// Nodes returns the number of nodes in the set.
func (s Set) Nodes() int { return countBits(s.nodes) }

func countBits(b *bitset.BitSet) int {
	if b == nil {
		return 0
	}
	return int(b.Count())
}

// Outside returns the parts of outside atoms in the set, in address order. The
// caller must not change them.
func (s Set) Outside() []Outside { return s.outside }

// Empty reports whether the set holds nothing.
func (s Set) Empty() bool { return s.Pods() == 0 && s.Nodes() == 0 && len(s.outside) == 0 }

// All returns the endpoints: pods, nodes, then outside atoms, each in order.
func (s Set) All() iter.Seq[EndpointID] {
	return func(yield func(EndpointID) bool) {
		for i := range bitsOf(s.pods) {
			if !yield(EndpointID(i)) {
				return
			}
		}
		for i := range bitsOf(s.nodes) {
			if !yield(nodeBit | EndpointID(i)) {
				return
			}
		}
		for _, o := range s.outside {
			if !yield(o.Endpoint) {
				return
			}
		}
	}
}

func bitsOf(b *bitset.BitSet) iter.Seq[uint] {
	return func(yield func(uint) bool) {
		if b == nil {
			return
		}
		for i, ok := b.NextSet(0); ok && yield(i); {
			i, ok = b.NextSet(i + 1)
		}
	}
}
