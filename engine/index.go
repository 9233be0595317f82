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

// NodeID is the node of an index in Snapshot.Nodes.
func NodeID(i int) EndpointID { return nodeBit | EndpointID(i) }

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
	sigs       []portNames

	sets      []classSet
	peers     []peer
	ports     []rulePorts
	segments  []segment
	programs  []program
	rulePeer  []uint32 // rule -> peers
	rulePorts []uint32 // rule -> ports

	memberStart []int32
	memberList  []EndpointID

	podNames  sync.Once
	podByName map[podName]EndpointID
	podsOf    map[podName][]EndpointID // by workload name
	owners    sync.Once
	ownerOf   map[netip.Addr]EndpointID
	rivals    map[netip.Addr][]EndpointID // further owners, as good as ownerOf
	relation  sync.Once
	toAll     *factored
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
	x.owners.Do(x.indexOwners)
	if e, ok := x.ownerOf[a]; ok {
		return e
	}
	return atomBit | EndpointID(x.addr.of(a))
}

// Owners returns the pods or nodes that are known to own an address: none,
// one, or those that nothing puts before one another, such as two running pods
// of a snapshot that was taken while the address changed hands (R62).
func (x *Index) Owners(a netip.Addr) []EndpointID {
	x.owners.Do(x.indexOwners)
	a = a.Unmap().WithZone("")
	e, ok := x.ownerOf[a]
	if !ok {
		return nil
	}
	return append([]EndpointID{e}, x.rivals[a]...)
}

func (x *Index) indexOwners() {
	x.ownerOf = make(map[netip.Addr]EndpointID, len(x.snap.Pods)+len(x.snap.Nodes))
	x.rivals = map[netip.Addr][]EndpointID{}
	// A pod comes before a node, a node before its host-network pods, which
	// are not asked about by address then.
	kind := func(e EndpointID) int {
		switch {
		case e.IsNode():
			return 1
		case x.snap.Pods[e].HostNetwork:
			return 2
		}
		return 0
	}
	add := func(a netip.Addr, e EndpointID) {
		owner, taken := x.ownerOf[a]
		switch {
		case !taken:
			x.ownerOf[a] = e
		case kind(owner) == kind(e) && owner != e:
			x.rivals[a] = append(x.rivals[a], e)
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
	Family   Families // the zero value: over whichever family admits it (R46)

	// SrcAddr and DstAddr, when valid, are the one address of a pod or node
	// that the connection is from or to, of those that Index.Owners knows it
	// to have. They leave the family no choice.
	SrcAddr, DstAddr netip.Addr
}

// Families says over which address family a Flow is asked about. The zero
// Families is any: the union over both (R46).
type Families uint8

// noFamily is what no family is of.
const noFamily Families = 255

// Only restricts a Flow to one family; Only(model.AnyFamily) to none.
func Only(f model.Family) Families {
	if f == model.AnyFamily {
		return 0
	}
	return Families(f) + 1
}

// Family is the family that f restricts to, or model.AnyFamily.
func (f Families) Family() model.Family {
	if f == 0 {
		return model.AnyFamily
	}
	return model.Family(f - 1)
}

// And restricts f further. What two families leave is none: no flow has it.
func (f Families) And(g Families) Families {
	switch {
	case f == 0 || f == g:
		return g
	case g == 0:
		return f
	}
	return noFamily
}

func (f Families) has(family model.Family) bool { return f == 0 || f == Only(family) }

// String is "any", "IPv4" or "IPv6".
func (f Families) String() string {
	if f == noFamily {
		return "none"
	}
	return f.Family().String()
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
	p := x.flowPair(&f)
	return boundsVerdict(x.verdict(&p, p.families, atom))
}

// Between returns every connection that is possible from src to dst, as
// bounds over what the snapshot does not say. Relations between the two are
// counted: a pod reaches itself (R50), a node its own pods (R52). Cost: as
// Verdict, over masks of port atoms.
func (x *Index) Between(src, dst EndpointID) model.Bounds {
	p := x.pair(src, dst)
	return x.between(&p)
}

// BetweenFlow is Between over the family and the addresses of a flow, whatever
// its port.
func (x *Index) BetweenFlow(f Flow) model.Bounds {
	p := x.flowPair(&f)
	return x.between(&p)
}

// BetweenClasses is Between for two different endpoints of the given classes,
// relations left out: what policies say, and nothing else.
func (x *Index) BetweenClasses(src, dst Class) model.Bounds {
	p := classPair(src, dst)
	return x.between(&p)
}

// BetweenClassesAt is BetweenClasses over the family and the addresses of a
// flow, whatever its ends and its port.
func (x *Index) BetweenClassesAt(src, dst Class, at Flow) model.Bounds {
	p := classPair(src, dst)
	x.restrict(&p, &at)
	return x.between(&p)
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

// Side returns what one direction of a flow alone admits, whatever its port:
// what the rules of Src let out (Egress), or what those of Dst let in
// (Ingress).
func (x *Index) Side(f Flow, d model.Direction) model.Bounds {
	p := x.flowPair(&f)
	s := x.newScratch()
	b := model.Bounds{Other: model.OtherNo}
	sides := x.sides(&p)
	side := &sides[d]
	for i, sig := range x.portNames(p.dst) {
		s.world.clear()
		for f := model.IPv4; f <= model.IPv6; f++ {
			ks, kd := x.slotKind(p.src, f), x.slotKind(p.dst, f)
			if ks == slotNone || kd == slotNone || !p.families.has(f) {
				continue
			}
			b.Other = max(b.Other, x.decideSideMask(side, f, sig, s))
			if ks != slotMaybe && kd != slotMaybe {
				s.world.or(s.sideLo)
			}
			s.up.or(s.sideUp)
		}
		s.narrow(i)
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
				*k = known{p.own, true, x.between(&p)}
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
