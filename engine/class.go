package engine

import (
	"cmp"
	"maps"
	"math/bits"
	"net/netip"
	"reflect"
	"slices"
	"unsafe"

	"github.com/podreach/podreach/model"
)

// Class numbers an equivalence class: endpoints that no rule tells apart, as
// subject or as peer (relations between two ends aside). Pod classes come
// first, those of a namespace in a row; then host classes (nodes and
// host-network pods); then one class for each atom of outside addresses.
type Class uint32

// classInfo is what evaluation needs of a pod or host class.
type classInfo struct {
	slot [model.NumFamilies]uint32 // into Index.slots
	sig  uint32                    // into Index.sigs
}

// slot is what is known of a class's address in one family (R46, R47).
type slot struct {
	kind  slotKind
	atoms []int32 // slotKnown: the atoms of its addresses; several only for hosts
	where where   // slotUnknown, slotMaybe: the domain
}

// where is a domain of unknown addresses.
type where uint8

const (
	wherePods  where = iota // Snapshot.PodDomain
	whereNodes              // Snapshot.NodeDomain
	anywhere                // nothing is known
	numWhere
)

type slotKind uint8

const (
	slotNone    slotKind = iota // no address of this family
	slotKnown                   // atoms
	slotUnknown                 // somewhere in the domain
	slotMaybe                   // somewhere in the domain, or not at all
)

// named is a resolved port of a class: a (name, protocol) that some rule uses,
// and the port atoms it stands for: one, or, where that is not known, all of
// the protocol.
type named struct {
	name        int32 // into the compiler's (name, protocol) table
	first, last int32 // atoms
}

// portNames is what the port names of a class resolve to. Where that is not
// known (Pod.PortsUnknown) these are the possibilities that bring all answers:
// for one port each name may stand for it or not. For names that occur in rules
// that allow only it is enough to look at both ends, none of them and all;
// with the others every combination of them is looked at (M6).
type portNames [][]named

var noNames = portNames{nil}

// classify gives every pod and node its class: what c.pod and c.hostKey make of
// one is all that a rule can see of it. Cost: O(pods x labels + nodes).
func (c *compiler) classify(updates bool) {
	s, x := c.snap, c.x
	c.nodeNames = make(map[string]int32, len(s.Nodes))
	c.nodeWords = make(words, 2<<bits.Len(uint(len(s.Nodes))))
	for i := range s.Nodes {
		c.nodeNames[s.Nodes[i].Name] = int32(i)
	}
	c.projection = newProjection(c.labels)
	c.lastNS = -1
	c.classIDs.grow(len(s.Pods) / 8)
	class := func() Class {
		id, _ := c.classIDs.get(c.key.n)
		return Class(id)
	}
	pods := make([]podPlace, len(s.Pods))
	for i := range s.Pods {
		p := &s.Pods[i]
		if p.Hole() {
			c.hole()
			pods[i] = podPlace{nil, class(), nodeUnknown}
			x.holes = &hole{EndpointID(i), x.holes}
			continue
		}
		node := c.nodeNumber(p)
		c.pod(p)
		pods[i] = podPlace{p, class(), node}
	}
	if updates {
		c.hole() // for pods that go
		class()
	}
	x.nodeClass = make([]Class, len(s.Nodes))
	for i := range s.Nodes {
		c.hostKey(c.nodeSlots(&s.Nodes[i]))
		x.nodeClass[i] = class()
	}
	c.number()
	for i := range pods {
		pods[i].class = c.classOf[pods[i].class]
	}
	for i := range x.nodeClass {
		x.nodeClass[i] = c.classOf[x.nodeClass[i]]
	}
	x.pods = newVector(pods)
}

// number puts the classes in order: those of pods by namespace, hosts last.
func (c *compiler) number() {
	x := c.x
	n := len(c.classIDs.ends)
	c.classOf = make([]Class, n)
	c.nsRange = make([]span, len(c.snap.Namespaces))
	for id := range c.classOf {
		if ns := c.classIDs.key(uint32(id))[0]; ns >= 0 {
			c.nsRange[ns].hi++
			x.podClasses++
		}
	}
	end := int32(0)
	for i := range c.nsRange {
		r := &c.nsRange[i]
		r.lo, r.hi, end = end, end, end+r.hi
	}
	x.classes = make([]classInfo, n)
	atoms := make([][]int32, x.podClasses)
	host := x.podClasses
	for id := range c.classOf {
		switch key := c.classIDs.key(uint32(id)); {
		case key[0] < 0:
			c.classOf[id] = Class(host)
			x.classes[host].slot = [...]uint32{uint32(key[1]), uint32(key[2])}
			host++
		default:
			next := &c.nsRange[key[0]].hi
			c.classOf[id] = Class(*next)
			x.classes[*next] = classInfo{slot: [...]uint32{uint32(key[1]), uint32(key[2])}, sig: uint32(key[3])}
			atoms[*next] = key[4:]
			*next++
		}
	}
	c.pods = newPostings(c.labels, atoms)
}

// hole makes c.key that of the place of a pod that is gone: it has no address,
// so that nothing connects with it.
func (c *compiler) hole() { c.hostKey([model.NumFamilies]uint32{}) }

// hostKey makes c.key that of a host.
func (c *compiler) hostKey(slots [model.NumFamilies]uint32) {
	c.key.reset()
	c.key.i32(-1) // in no namespace
	c.key.u32(slots[0])
	c.key.u32(slots[1])
}

// before is what was found of the last pod. Replicas stand side by side, and
// whoever makes a snapshot gives them one map of labels and one list of ports.
// Seeing that costs nothing, while the texts would have to come from memory. The
// zero value is right for a pod without labels and ports.
type before struct {
	labels map[string]string
	atoms  []int32

	ports   []model.ContainerPort
	unknown bool
	sig     uint32
}

// atomOf is the slot of an address atom, and the addresses that it has.
type atomOf struct {
	first, last netip.Addr
	slot        uint32 // 0: there is none
}

// sameMap reports whether two maps are one in memory.
func sameMap(a, b map[string]string) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// pod makes c.key that of a pod's class.
func (c *compiler) pod(p *model.Pod) {
	if p.HostNetwork {
		// No rule sees its namespace, labels or ports (M1, R36).
		c.hostKey(c.hostSlots(p))
		return
	}
	if c.lastNS < 0 || c.snap.Namespaces[c.lastNS].Name != p.Namespace {
		c.lastNS = int32(c.namespace(p.Namespace))
	}
	var slots [model.NumFamilies]uint32
	for f := range slots {
		slots[f] = c.podSlot(p.Addresses[f])
	}
	b := &c.before
	if !sameList(p.Ports, b.ports) || p.PortsUnknown != b.unknown {
		b.ports, b.unknown, b.sig = p.Ports, p.PortsUnknown, c.signature(p)
	}
	if !sameMap(p.Labels, b.labels) {
		b.labels, b.atoms = p.Labels, c.projection.project(p.Labels, b.atoms[:0])
	}
	key := &c.key
	key.reset()
	key.i32(c.lastNS)
	key.u32(slots[0])
	key.u32(slots[1])
	key.u32(b.sig)
	key.n = append(key.n, b.atoms...)
}

// Node numbers of podPlace that are not an index into Snapshot.Nodes.
const (
	nodeUnknown = -1
	nodeEvery   = -2 // an instance on whichever node the other end is (R57)
)

// nodeNumber numbers node names; names without a Node object come after those
// with one.
func (c *compiler) nodeNumber(p *model.Pod) int32 {
	switch {
	case p.EveryNode:
		return nodeEvery
	case p.NodeName == "":
		return nodeUnknown
	}
	known := c.nodeWords.at(p.NodeName)
	if known.is(p.NodeName) {
		return known.number
	}
	n, ok := c.nodeNames[p.NodeName]
	if !ok {
		n = int32(len(c.nodeNames))
		c.nodeNames[p.NodeName] = n
	}
	*known = word{unsafe.StringData(p.NodeName), len(p.NodeName), n}
	return n
}

// words remembers the numbers of texts by where they are in memory. The pods of
// a node mostly share its name, so that few of them need to be looked up.
type words []word

type word struct {
	text   *byte
	length int
	number int32
}

// at returns the place of a text, in which there may be another one.
func (w words) at(s string) *word {
	const mix = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio
	return &w[uint64(uintptr(unsafe.Pointer(unsafe.StringData(s))))*mix>>32&uint64(len(w)-1)]
}

func (w *word) is(s string) bool { return w.text == unsafe.StringData(s) && w.length == len(s) }

// signature interns the resolved named ports of a pod, of those names that
// some rule uses (R33, R35).
func (c *compiler) signature(p *model.Pod) uint32 {
	if len(p.Ports) == 0 && !p.PortsUnknown || len(c.names) == 0 {
		return 0
	}
	sig := c.sigScratch[:0]
	for _, p := range p.Ports {
		if n, ok := c.names[p.NamedPort]; ok {
			if a := c.x.port.of(p.Protocol, p.Port); a >= 0 {
				sig = append(sig, named{n, a, a})
			}
		}
	}
	c.sigScratch = sig
	if len(sig) == 0 && !p.PortsUnknown {
		return 0
	}
	slices.SortFunc(sig, func(a, b named) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.first, b.first)) })
	sig = slices.Compact(sig)
	k := &c.key
	k.reset()
	k.flag(p.PortsUnknown)
	for _, n := range sig {
		k.i32(n.name)
		k.i32(n.first)
	}
	id, known := c.sigIDs.get(k.n)
	if !known {
		names := portNames{slices.Clone(sig)}
		if p.PortsUnknown {
			names = c.possible(names[0])
		}
		c.x.sigs = append(c.x.sigs, names)
	}
	return id
}

// possible returns what port names may mean beside what is declared. A name
// does so for all protocols at once: a port has one protocol, so that nothing
// sees the difference.
func (c *compiler) possible(declared []named) portNames {
	var firm []named // of rules that allow only
	doubted := map[string][]named{}
	for p, n := range c.names {
		any := named{n, c.x.port.offset[p.Protocol], c.x.port.offset[p.Protocol+1] - 1}
		if c.doubted[p.Name] {
			doubted[p.Name] = append(doubted[p.Name], any)
		} else {
			firm = append(firm, any)
		}
	}
	names := slices.Sorted(maps.Keys(doubted))
	var out portNames
	for subset := range 1 << len(names) {
		world := slices.Clone(declared)
		for i, name := range names {
			if subset>>i&1 != 0 {
				world = append(world, doubted[name]...)
			}
		}
		out = append(out, world)
		if len(firm) > 0 {
			out = append(out, slices.Concat(world, firm))
		}
	}
	return out
}

func (c *compiler) podSlot(a model.Address) uint32 {
	switch a.State {
	case model.AddressKnown:
		last := &c.lastAtom[model.FamilyOf(a.Addr)]
		if last.slot != 0 && !a.Addr.Less(last.first) && !last.last.Less(a.Addr) {
			return last.slot
		}
		atom := c.x.addr.of(a.Addr)
		if c.atomSlot == nil {
			c.atomSlot = make([]uint32, c.x.addr.count())
		}
		if c.atomSlot[atom] == 0 { // slot 0 is slotNone, never this one
			c.atomSlot[atom] = c.slot(slot{kind: slotKnown, atoms: []int32{atom}})
		}
		last.slot = c.atomSlot[atom]
		last.first, last.last = c.x.addr.bounds(atom)
		return last.slot
	case model.AddressUnknown:
		return c.slot(slot{kind: slotUnknown})
	case model.AddressMaybe:
		return c.slot(slot{kind: slotMaybe})
	}
	return 0
}

// nodeSlots returns the slots of a node. One without any address has some
// that the snapshot does not say.
func (c *compiler) nodeSlots(n *model.Node) [model.NumFamilies]uint32 {
	var atoms [model.NumFamilies][]int32
	for _, a := range n.Addresses {
		f := model.FamilyOf(a)
		atoms[f] = append(atoms[f], c.x.addr.of(a.Unmap()))
	}
	if len(n.Addresses) == 0 {
		return c.unknownSlots(c.snap.UnknownNode, anywhere)
	}
	return [...]uint32{c.knownSlot(atoms[0]), c.knownSlot(atoms[1])}
}

// hostSlots returns the slots of a host-network pod: its node's addresses and
// its own; unknown only when neither says any. Only a pod whose node is not
// named is sure to be on one of the snapshot's nodes.
func (c *compiler) hostSlots(p *model.Pod) [model.NumFamilies]uint32 {
	var atoms [model.NumFamilies][]int32
	some := false
	if i, ok := c.nodeNames[p.NodeName]; ok && int(i) < len(c.snap.Nodes) && !p.EveryNode {
		for _, a := range c.snap.Nodes[i].Addresses {
			f := model.FamilyOf(a)
			atoms[f] = append(atoms[f], c.x.addr.of(a.Unmap()))
			some = true
		}
	}
	var states [model.NumFamilies]model.AddressState
	for f, a := range p.Addresses {
		states[f] = a.State
		if a.State == model.AddressKnown {
			atoms[f] = append(atoms[f], c.x.addr.of(a.Addr))
			some = true
		}
	}
	switch {
	case some:
		return [...]uint32{c.knownSlot(atoms[0]), c.knownSlot(atoms[1])}
	case p.NodeName != "":
		return c.unknownSlots(states, anywhere)
	}
	return c.unknownSlots(states, whereNodes)
}

func (c *compiler) unknownSlots(states [model.NumFamilies]model.AddressState, w where) (out [model.NumFamilies]uint32) {
	for f, s := range states {
		switch s {
		case model.AddressUnknown:
			out[f] = c.slot(slot{kind: slotUnknown, where: w})
		case model.AddressMaybe:
			out[f] = c.slot(slot{kind: slotMaybe, where: w})
		}
	}
	return out
}

func (c *compiler) knownSlot(atoms []int32) uint32 {
	if len(atoms) == 0 {
		return 0
	}
	slices.Sort(atoms)
	return c.slot(slot{kind: slotKnown, atoms: slices.Compact(atoms)})
}

// slot interns a slot; slot 0 is slotNone.
func (c *compiler) slot(s slot) uint32 {
	k := &c.slotKey
	k.reset()
	k.i32(int32(s.kind)<<8 | int32(s.where))
	k.n = append(k.n, s.atoms...)
	id, known := c.slotIDs.get(k.n)
	if !known {
		c.x.slots = append(c.x.slots, s)
	}
	return id
}
