package engine

import (
	"iter"
	"net/netip"
	"sync"

	"github.com/podreach/podreach/model"
)

// EndpointID names an endpoint of an Index: a pod (its index in
// Snapshot.Pods), a node, or an atom of outside addresses.
type EndpointID uint32

const (
	nodeBit EndpointID = 1 << 30
	atomBit EndpointID = 1 << 31
	maxPods            = 1 << 30
)

// IsPod reports whether the endpoint is a pod; its index in Snapshot.Pods is
// then int(e).
func (e EndpointID) IsPod() bool { return e < nodeBit }

// IsNode reports whether the endpoint is a node; see NodeIndex.
func (e EndpointID) IsNode() bool { return e&nodeBit != 0 && e&atomBit == 0 }

// IsOutside reports whether the endpoint is an atom of outside addresses.
func (e EndpointID) IsOutside() bool { return e&atomBit != 0 }

// NodeIndex is the index of a node endpoint in Snapshot.Nodes.
func (e EndpointID) NodeIndex() int { return int(e &^ nodeBit) }

func (e EndpointID) atom() int32 { return int32(e &^ atomBit) }

// Index answers reachability questions about one snapshot. It is immutable
// and safe for concurrent use; the zero Index is not usable, see Compile.
type Index struct {
	snap *model.Snapshot
	addr addrAtoms
	port portAtoms
	full mask // every port atom

	podClass   []Class
	nodeClass  []Class
	podNode    []int32 // node number, nodeUnknown or nodeEvery
	podClasses int     // classes[:podClasses] are pods, the rest hosts
	classes    []classInfo
	slots      []slot
	sigs       [][]named

	sets       []classSet
	peers      []peer
	ports      []rulePorts
	segments   []segment
	segmentDir []model.Direction
	programs   []program
	rulePeer   []uint32 // rule -> peers
	rulePorts  []uint32 // rule -> ports

	memberStart []int32
	memberList  []EndpointID

	podNames  sync.Once
	podByName map[podName]EndpointID
	podsOf    map[podName][]EndpointID // by workload name
	owners    sync.Once
	ownerOf   map[netip.Addr]EndpointID
}

type podName struct{ namespace, name string }

// Snapshot returns what the Index was compiled from. It must not be changed.
func (x *Index) Snapshot() *model.Snapshot { return x.snap }

func (x *Index) indexNames() {
	x.podNames.Do(func() {
		x.podByName = make(map[podName]EndpointID, len(x.snap.Pods))
		x.podsOf = map[podName][]EndpointID{}
		for i := range x.snap.Pods {
			p := &x.snap.Pods[i]
			x.podByName[podName{p.Namespace, p.Name}] = EndpointID(i)
			w := podName{p.Namespace, p.Workload.Name}
			x.podsOf[w] = append(x.podsOf[w], EndpointID(i))
		}
	})
}

// Pod returns the pod of a name, dormant ones included. The first call costs
// O(pods).
func (x *Index) Pod(namespace, name string) (EndpointID, bool) {
	x.indexNames()
	e, ok := x.podByName[podName{namespace, name}]
	return e, ok
}

// WorkloadPods returns the pods, dormant ones included, of every workload of a
// name, whatever its kind. The caller must not change the slice. The first
// call costs O(pods).
func (x *Index) WorkloadPods(namespace, name string) []EndpointID {
	x.indexNames()
	return x.podsOf[podName{namespace, name}]
}

// Node returns the node of a name. Cost: O(nodes).
func (x *Index) Node(name string) (EndpointID, bool) {
	for i := range x.snap.Nodes {
		if x.snap.Nodes[i].Name == name {
			return nodeBit | EndpointID(i), true
		}
	}
	return 0, false
}

// Addr returns the endpoint that an address literal means: the pod or node
// that is known to own it, otherwise the atom of outside addresses that holds
// it (R47). A pod comes before a node, a node before its host-network pods,
// and of two pods with one address the first of the snapshot is taken (R62).
// The first call costs O(pods + nodes).
func (x *Index) Addr(a netip.Addr) EndpointID {
	a = a.Unmap().WithZone("")
	if e, ok := x.Owner(a); ok {
		return e
	}
	return atomBit | EndpointID(x.addr.of(a))
}

// Owner returns the pod or node that is known to own an address.
func (x *Index) Owner(a netip.Addr) (EndpointID, bool) {
	x.owners.Do(x.indexOwners)
	e, ok := x.ownerOf[a.Unmap().WithZone("")]
	return e, ok
}

func (x *Index) indexOwners() {
	m := make(map[netip.Addr]EndpointID, len(x.snap.Pods)+len(x.snap.Nodes))
	add := func(a netip.Addr, e EndpointID) {
		if _, taken := m[a]; !taken {
			m[a] = e
		}
	}
	pods := func(host bool) {
		for i := range x.snap.Pods {
			p := &x.snap.Pods[i]
			for _, a := range p.Addresses {
				if p.HostNetwork == host && a.State == model.AddressKnown && !a.Shadowed {
					add(a.Addr, EndpointID(i))
				}
			}
		}
	}
	pods(false)
	for i := range x.snap.Nodes {
		for _, a := range x.snap.Nodes[i].Addresses {
			add(a.Unmap(), nodeBit|EndpointID(i))
		}
	}
	pods(true)
	x.ownerOf = m
}

// Class returns the class of an endpoint.
func (x *Index) Class(e EndpointID) Class {
	switch {
	case e.IsPod():
		return x.podClass[e]
	case e.IsNode():
		return x.nodeClass[e.NodeIndex()]
	}
	return Class(len(x.classes)) + Class(e.atom())
}

// Classes returns the number of classes: pod and host classes, and atoms of
// outside addresses.
func (x *Index) Classes() int { return len(x.classes) + x.addr.count() }

// Members returns the endpoints of a class, pods before nodes. The caller must
// not change the slice.
func (x *Index) Members(c Class) []EndpointID {
	if int(c) >= len(x.classes) {
		return []EndpointID{atomBit | EndpointID(int(c)-len(x.classes))}
	}
	return x.memberList[x.memberStart[c]:x.memberStart[c+1]]
}

// PortAtoms returns the ranges of ports that no rule tells apart, sorted.
func (x *Index) PortAtoms() []model.PortRange {
	out := make([]model.PortRange, x.port.count())
	for i := range out {
		out[i] = x.port.ports(int32(i))
	}
	return out
}

// Flow is one connection that is asked about: the first packet of a new
// connection from Src to Dst (R2).
type Flow struct {
	Src, Dst EndpointID
	Protocol model.Protocol
	Port     uint16
	Family   model.Family // model.AnyFamily: over whichever family admits it (R46)
}

// Verdict decides one flow. It does not allocate and takes no lock. Port 0
// and protocols outside U are denied: no such connection exists (R1). Cost:
// O(entries of both programs), times the representatives of an address that
// the snapshot does not say.
func (x *Index) Verdict(f Flow) model.Verdict {
	atom := x.port.of(f.Protocol, f.Port)
	if atom < 0 {
		return model.Denied
	}
	p := x.pair(f.Src, f.Dst)
	var lower, upper bool
	for fam := model.IPv4; fam <= model.IPv6; fam++ {
		if f.Family != model.AnyFamily && f.Family != fam {
			continue
		}
		lo, up := x.verdict(&p, fam, atom)
		lower, upper = lower || lo, upper || up
	}
	return boundsVerdict(lower, upper)
}

// Between returns every connection that is possible from src to dst, as
// bounds over what the snapshot does not say. Relations between the two are
// counted: a pod reaches itself (R50), a node its own pods (R52). Cost: as
// Verdict, over masks of port atoms.
func (x *Index) Between(src, dst EndpointID) model.Bounds {
	p := x.pair(src, dst)
	return x.between(&p, model.AnyFamily)
}

// BetweenFamily is Between over one address family.
func (x *Index) BetweenFamily(src, dst EndpointID, f model.Family) model.Bounds {
	p := x.pair(src, dst)
	return x.between(&p, f)
}

// BetweenClasses is Between for two different endpoints of the given classes,
// relations left out: what policies say, and nothing else.
func (x *Index) BetweenClasses(src, dst Class) model.Bounds {
	p := pair{src: src, dst: dst}
	return x.between(&p, model.AnyFamily)
}

// BetweenClassesFamily is BetweenClasses over one address family.
func (x *Index) BetweenClassesFamily(src, dst Class, f model.Family) model.Bounds {
	p := pair{src: src, dst: dst}
	return x.between(&p, f)
}

// OutsideKey is what an outside address can tell of a source: sources of equal
// keys may open equal connections to every outside address.
type OutsideKey struct {
	program uint32 // of egress; 0 for a host, to which none applies
	host    bool
	slots   [model.NumFamilies]slotKind
}

// OutsideKey returns the key of a pod or host class. There are at most as many
// keys as egress programs times what is known of families, usually far fewer
// than classes.
func (x *Index) OutsideKey(c Class) OutsideKey {
	k := OutsideKey{host: int(c) >= x.podClasses}
	if !k.host {
		k.program = x.classes[c].program[model.Egress]
	}
	for f := range k.slots {
		k.slots[f] = x.slotKind(c, model.Family(f))
	}
	return k
}

// Side returns what one direction alone admits between two endpoints: what the
// rules of src let out (Egress), or what those of dst let in (Ingress), as
// bounds over both families.
func (x *Index) Side(src, dst EndpointID, d model.Direction) model.Bounds {
	p := x.pair(src, dst)
	s := x.newScratch()
	b := model.Bounds{Other: model.OtherNo}
	sides := x.sides(&p)
	side := &sides[d]
	for f := model.IPv4; f <= model.IPv6; f++ {
		ks, kd := x.slotKind(p.src, f), x.slotKind(p.dst, f)
		if ks == slotNone || kd == slotNone {
			continue
		}
		b.Other = max(b.Other, x.decideSideMask(side, f, s))
		if ks != slotMaybe && kd != slotMaybe {
			s.lo.or(s.sideLo)
		}
		s.up.or(s.sideUp)
	}
	b.Lower, b.Upper = x.port.portSet(s.lo), x.port.portSet(s.up)
	return b
}

// From returns every endpoint that src may reach, itself left out, with the
// bounds of what it may reach there; pods, then nodes, then outside atoms.
// Cost: O(endpoints) plus one evaluation for each class.
func (x *Index) From(src EndpointID) iter.Seq2[EndpointID, model.Bounds] {
	return x.row(src, func(e EndpointID) (EndpointID, EndpointID) { return src, e })
}

// To is From with the directions swapped: every endpoint that may reach dst.
func (x *Index) To(dst EndpointID) iter.Seq2[EndpointID, model.Bounds] {
	return x.row(dst, func(e EndpointID) (EndpointID, EndpointID) { return e, dst })
}

func (x *Index) row(fixed EndpointID, ends func(EndpointID) (src, dst EndpointID)) iter.Seq2[EndpointID, model.Bounds] {
	return func(yield func(EndpointID, model.Bounds) bool) {
		type known struct {
			own  relation
			done bool
			b    model.Bounds
		}
		cache := make([]known, x.Classes())
		visit := func(e EndpointID) bool {
			if e == fixed {
				return true
			}
			p := x.pair(ends(e))
			k := &cache[x.Class(e)]
			if !k.done || k.own != p.own {
				*k = known{p.own, true, x.between(&p, model.AnyFamily)}
			}
			return k.b.Upper.Empty() || yield(e, k.b)
		}
		for i := range x.snap.Pods {
			if !x.snap.Pods[i].Dormant && !visit(EndpointID(i)) {
				return
			}
		}
		for i := range x.snap.Nodes {
			if !visit(nodeBit | EndpointID(i)) {
				return
			}
		}
		for i := range x.addr.count() {
			if !visit(atomBit | EndpointID(i)) {
				return
			}
		}
	}
}
