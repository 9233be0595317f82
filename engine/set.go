package engine

import (
	"iter"
	"net/netip"

	"github.com/bits-and-blooms/bitset"
	"go4.org/netipx"

	"github.com/podreach/podreach/model"
)

// Set is a set of endpoints of one Index: pods and nodes as bits, outside
// addresses as parts of atoms. The zero Set is empty. Sets may be read
// concurrently; only Add changes one.
type Set struct {
	pods    bitset.BitSet
	nodes   bitset.BitSet
	outside []Outside
}

// Outside is the part of an atom of outside addresses that is in a Set. At
// least one of its addresses has no known owner.
type Outside struct {
	Endpoint EndpointID
	Ranges   []netipx.IPRange // not cut around the addresses of pods and nodes
	Witness  netip.Addr       // its first address without an owner
}

// Select returns the pods of a pod set, host-network pods included, dormant
// ones left out. Cost:
// O(pods x requirements).
func (x *Index) Select(sel model.PodSet) Set {
	var s Set
	in := make(map[string]bool, len(x.snap.Namespaces))
	for i := range x.snap.Namespaces {
		n := &x.snap.Namespaces[i]
		in[n.Name] = sel.Namespace == n.Name || sel.Namespace == "" && sel.Namespaces.Matches(n.Labels)
	}
	for i := range x.snap.Pods {
		p := &x.snap.Pods[i]
		if in[p.Namespace] && !p.Dormant && sel.Pods.Matches(p.Labels) {
			s.pods.Set(uint(i))
		}
	}
	return s
}

// Outside returns the addresses of a without those that pods and nodes are
// known to own, as parts of atoms in address order. Cost: O(atoms x ranges +
// owned addresses).
func (x *Index) Outside(a *netipx.IPSet) Set {
	var s Set
	x.owners.Do(x.indexOwners)
	ranges := a.Ranges()
	for i := range int32(x.addr.count()) {
		first, last := x.addr.bounds(i)
		part := Outside{Endpoint: atomBit | EndpointID(i)}
		for _, r := range ranges {
			lo, hi := r.From(), r.To()
			if lo.Is4() != first.Is4() || hi.Less(first) || last.Less(lo) {
				continue
			}
			if lo.Less(first) {
				lo = first
			}
			if last.Less(hi) {
				hi = last
			}
			part.Ranges = append(part.Ranges, netipx.IPRangeFrom(lo, hi))
			for w := lo; !part.Witness.IsValid() && w.IsValid() && !hi.Less(w); w = w.Next() {
				if _, owned := x.ownerOf[w]; !owned {
					part.Witness = w
				}
			}
		}
		if part.Witness.IsValid() {
			s.outside = append(s.outside, part)
		}
	}
	return s
}

// AllPods returns every pod, host-network pods included.
func (x *Index) AllPods() Set { return x.Select(model.PodSet{}) }

// AllNodes returns every node.
func (x *Index) AllNodes() Set {
	var s Set
	for i := range x.snap.Nodes {
		s.nodes.Set(uint(i))
	}
	return s
}

// Add adds a pod or node. Outside addresses are added by Union.
func (s *Set) Add(e EndpointID) {
	switch {
	case e.IsPod():
		s.pods.Set(uint(e))
	case e.IsNode():
		s.nodes.Set(uint(e.NodeIndex()))
	}
}

// Union returns the endpoints of either set. The outside parts of both must
// not overlap.
func (s Set) Union(t Set) Set {
	return Set{*s.pods.Union(&t.pods), *s.nodes.Union(&t.nodes), append(append([]Outside{}, s.outside...), t.outside...)}
}

// Contains reports whether a pod or node is in the set.
func (s *Set) Contains(e EndpointID) bool {
	switch {
	case e.IsPod():
		return s.pods.Test(uint(e))
	case e.IsNode():
		return s.nodes.Test(uint(e.NodeIndex()))
	}
	return false
}

// Pods returns the number of pods in the set.
func (s *Set) Pods() int { return int(s.pods.Count()) }

// Nodes returns the number of nodes in the set.
func (s *Set) Nodes() int { return int(s.nodes.Count()) }

// Outside returns the parts of outside atoms in the set. The caller must not
// change them.
func (s *Set) Outside() []Outside { return s.outside }

// Empty reports whether the set holds nothing.
func (s *Set) Empty() bool { return s.pods.None() && s.nodes.None() && len(s.outside) == 0 }

// All returns the endpoints: pods, nodes, outside atoms.
func (s *Set) All() iter.Seq[EndpointID] {
	return func(yield func(EndpointID) bool) {
		for i, ok := s.pods.NextSet(0); ok; i, ok = s.pods.NextSet(i + 1) {
			if !yield(EndpointID(i)) {
				return
			}
		}
		for i, ok := s.nodes.NextSet(0); ok; i, ok = s.nodes.NextSet(i + 1) {
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
