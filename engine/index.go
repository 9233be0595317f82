package engine

import (
	"iter"
	"net/netip"
	"slices"
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
//
// An Index that Apply returns is a new version: it shares what did not change
// with the one it was made of, which stays valid.
type Index struct {
	// Of all versions between two compilations.
	rest       *model.Snapshot // the compiled one; its pods and rules may since have changed
	addr       addrAtoms
	port       portAtoms
	full       mask // every port atom
	nodeClass  []Class
	podClasses int // classes[:podClasses] are pods, the rest hosts
	classes    []classInfo
	names      *names
	line       *lineage // what Apply needs; nil: nothing was kept

	// Of this version.
	tables
	pods      vector[podPlace]
	programOf vector[[model.NumDirections]uint32]
	holes     *hole
	version   uint64
	updates   Updates
	// For Apply.
	objectRules vector[[]int32] // object number -> its rules
	placeAt     vector[int32]   // place number -> its segment + 1, or 0

	memberOnce  sync.Once
	memberStart []int32
	memberList  []EndpointID

	relation sync.Once
	toAll    *factored

	snapOnce sync.Once
	snap     *model.Snapshot
	ruleAt   []int32 // rule -> its index in snap.Rules, where that is another
}

// podPlace is where a pod is, or one was.
type podPlace struct {
	pod   *model.Pod // nil: a hole
	class Class
	node  int32 // number, nodeUnknown or nodeEvery
}

// tables hold what programs are made of. Versions append to them and never
// change what is there.
type tables struct {
	slots     []slot
	sigs      []portNames
	sets      []classSet
	peers     []peer
	ports     []rulePorts
	segments  []segment
	programs  []program
	rulePeer  []uint32     // rule -> peers
	rulePorts []uint32     // rule -> ports
	added     []model.Rule // rules after those of the compiled snapshot
}

// rule returns a rule by its number: of the compiled snapshot, or added since.
func (x *Index) rule(i int32) *model.Rule {
	if n := int32(len(x.rest.Rules)); i >= n {
		return &x.added[i-n]
	}
	return &x.rest.Rules[i]
}

// pod returns a pod, nil for a hole, and for one that only other versions have.
func (x *Index) pod(e EndpointID) *model.Pod { return x.pods.at(int(e)).pod }

// everyPod returns the pods, dormant ones included.
func (x *Index) everyPod() iter.Seq2[EndpointID, *model.Pod] {
	return func(yield func(EndpointID, *model.Pod) bool) {
		for i := range x.pods.n {
			if p := x.pods.get(i).pod; p != nil && !yield(EndpointID(i), p) {
				return
			}
		}
	}
}

// Snapshot returns what the Index answers about, which must not be changed.
// Of an Index that Apply made the first call costs O(pods + rules).
func (x *Index) Snapshot() *model.Snapshot {
	x.snapOnce.Do(func() {
		if x.snap == nil {
			x.snap, x.ruleAt = x.assemble()
		}
	})
	return x.snap
}

// Class returns the class of an endpoint.
func (x *Index) Class(e EndpointID) Class {
	switch {
	case e.IsPod():
		return x.pods.get(int(e)).class
	case e.IsNode():
		return x.nodeClass[e.NodeIndex()]
	}
	return Class(len(x.classes)) + Class(e.atom())
}

// Classes returns the number of classes: pod and host classes, and atoms of
// outside addresses.
func (x *Index) Classes() int { return len(x.classes) + x.addr.count() }

// Members returns the endpoints of a class, pods before nodes. The caller must
// not change the slice. The first call costs O(endpoints).
func (x *Index) Members(c Class) []EndpointID {
	if int(c) >= len(x.classes) {
		return []EndpointID{atomBit | EndpointID(int(c)-len(x.classes))}
	}
	x.memberOnce.Do(x.members)
	return x.memberList[x.memberStart[c]:x.memberStart[c+1]]
}

// members lists the endpoints of each class.
func (x *Index) members() {
	x.memberStart = make([]int32, len(x.classes)+1)
	for e := range x.everyPod() {
		x.memberStart[x.Class(e)+1]++
	}
	for _, c := range x.nodeClass {
		x.memberStart[c+1]++
	}
	for i := range x.classes {
		x.memberStart[i+1] += x.memberStart[i]
	}
	next := slices.Clone(x.memberStart)
	x.memberList = make([]EndpointID, x.memberStart[len(x.classes)])
	add := func(e EndpointID, c Class) {
		x.memberList[next[c]] = e
		next[c]++
	}
	for e := range x.everyPod() {
		add(e, x.Class(e))
	}
	for i, c := range x.nodeClass {
		add(NodeID(i), c)
	}
}

// PortAtoms returns the ranges of ports that no rule tells apart, sorted.
func (x *Index) PortAtoms() []model.PortRange {
	out := make([]model.PortRange, x.port.count())
	for i := range out {
		out[i] = x.port.ports(int32(i))
	}
	return out
}

// AddressAtoms returns the number of parts of both families that no block of a
// rule tells apart.
func (x *Index) AddressAtoms() int { return x.addr.count() }

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
		k.program = x.programOf.get(int(c))[model.Egress]
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
		for e, p := range x.everyPod() {
			if !p.Dormant && !visit(e) {
				return
			}
		}
		for i := range x.rest.Nodes {
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
