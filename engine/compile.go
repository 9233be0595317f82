package engine

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model"
)

// Options change how a snapshot is compiled. The zero value is what callers
// want; there is nothing to choose yet.
type Options struct{}

// Compile turns a snapshot into an immutable Index. The snapshot must not be
// changed afterwards; the Index keeps it.
//
// Cost: O(pods x labels + nodes + rules x (selector candidates)), see doc.go.
// Errors: only for a snapshot that breaks an invariant of package model.
func Compile(s *model.Snapshot, _ Options) (*Index, error) {
	if s == nil {
		return nil, fmt.Errorf("engine: no snapshot")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(s.Pods) >= maxPods || len(s.Nodes) >= maxPods {
		return nil, fmt.Errorf("engine: %d pods and %d nodes exceed the limit of %d", len(s.Pods), len(s.Nodes), maxPods)
	}
	c := &compiler{snap: s, x: &Index{snap: s}, labels: newLabelAtoms(), names: map[model.NamedPort]int32{}, doubted: map[string]bool{},
		slotIDs: interner{}, sigIDs: interner{}, peerIDs: interner{}, portsIDs: interner{}, programIDs: interner{},
		podSetIDs: map[string]int32{}, nsSelIDs: map[string]int32{}}
	c.slot(slot{kind: slotNone})
	c.sigIDs.get(nil, func() { c.x.sigs = append(c.x.sigs, noNames) })
	c.collect()   // rules -> label atoms, port names, address atoms
	c.cutPorts()  // rules and pods -> port atoms
	c.classify()  // pods and nodes -> classes, postings over pod classes
	c.lower()     // rules -> peers, ports, segments
	c.attach()    // segments -> programs of classes
	c.represent() // programs -> representatives of unknown addresses
	c.members()
	return c.x, nil
}

// compiler holds what only compilation needs.
type compiler struct {
	snap   *model.Snapshot
	x      *Index
	labels *labelAtoms
	names  map[model.NamedPort]int32 // (name, protocol) pairs that rules use

	doubted map[string]bool // names of rules that do not allow

	nodeNames map[string]int32 // index in Snapshot.Nodes; names without a Node come after those
	nsRange   []span           // namespace -> its classes
	pods      *postings

	slotIDs, sigIDs, peerIDs, portsIDs, programIDs interner
	atomSlot                                       []uint32 // address atom -> the slot of just that
	slotKey                                        classKey
	sigScratch                                     []named

	podSetIDs map[string]int32
	podSets   []podSet
	nsSelIDs  map[string]int32
	nsSels    []nsSel
	ns        *postings // over namespaces, of the labels that namespace selectors mention
	subjects  []int32   // segment -> its pod set
	nsOf      map[string]int

	directions []model.Direction // of segments
}

// podSet is an interned model.PodSet with the classes it selects.
type podSet struct {
	classes classSet
	ids     []int32 // the same, while compiling
}

// nsSel is an interned namespace selector with the namespaces it selects.
type nsSel struct {
	all  bool
	list []int32
}

// collect walks the rules once for everything that atoms are made of.
func (c *compiler) collect() {
	var blocks []netip.Prefix
	nsLabels := newLabelAtoms()
	set := func(p *model.PodSet) {
		c.labels.mention(p.Pods)
		if p.Namespace == "" {
			nsLabels.mention(p.Namespaces)
		}
	}
	for i := range c.snap.Rules {
		r := &c.snap.Rules[i]
		set(&r.Subject)
		for j := range r.Peer.Pods {
			set(&r.Peer.Pods[j])
		}
		for _, b := range r.Peer.Blocks {
			blocks = append(blocks, b.CIDR)
			blocks = append(blocks, b.Except...)
		}
		for _, n := range r.Ports.Named {
			if _, ok := c.names[n]; !ok {
				c.names[n] = int32(len(c.names))
			}
			if r.Action != model.Allow {
				c.doubted[n.Name] = true
			}
		}
	}
	c.x.addr = newAddrAtoms(blocks)
	atoms := make([][]int32, len(c.snap.Namespaces))
	for i := range c.snap.Namespaces {
		atoms[i] = nsLabels.project(c.snap.Namespaces[i].Labels, nil)
	}
	c.ns = newPostings(nsLabels, atoms)
}

// cutPorts makes the port atoms: the edges of every range of a rule, and each
// number that a used name stands for on some pod.
func (c *compiler) cutPorts() {
	var ranges []model.PortRange
	for i := range c.snap.Rules {
		ranges = append(ranges, c.snap.Rules[i].Ports.Set.Ranges()...)
	}
	if len(c.names) > 0 {
		seen := map[model.PortRange]bool{}
		for i := range c.snap.Pods {
			for _, p := range c.snap.Pods[i].Ports {
				r := model.PortRange{Protocol: p.Protocol, First: p.Port, Last: p.Port}
				if _, ok := c.names[p.NamedPort]; ok && p.Port != 0 && !seen[r] {
					seen[r] = true
					ranges = append(ranges, r)
				}
			}
		}
	}
	c.x.port = newPortAtoms(ranges)
	c.x.full = c.x.port.fullMask()
}

// peer is an interned model.Peer.
type peer struct {
	any      bool
	lost     bool // hosts of unknown address
	relation model.Relation
	sets     []int32 // into Index.sets: pod classes
	blocks   spans   // address atoms of any endpoint
	external spans   // address atoms of outside addresses only (R45 external-only)
}

// rulePorts is an interned model.RulePorts.
type rulePorts struct {
	mask  mask
	named []int32 // (name, protocol) numbers, sorted
	other model.Other
}

// entry is one rule, or several with equal peer, ports and action.
type entry struct{ peer, ports uint32 }

// segment is the rules of one subject, direction and rank, so all have one
// action (M2). All NetworkPolicies of a namespace with one subject share a
// segment, and in it, equal rules share an entry.
type segment struct {
	entries []entry
	rules   []int32 // into Snapshot.Rules; for Explain
	action  model.Action
	tier    model.Tier
	tie     int32 // the group of policies that nothing orders (R105); 0: none
	policy  int32 // its number in the tie
}

// program is the list of segments that apply to a class in one direction, in
// rank order.
type program struct {
	segments []uint32
	unsure   bool // its two bounds may differ for one view: ties, and actions that nobody knows
	// reps[where][family] holds atoms of a domain of unknown addresses, at
	// least one of each group that the program's blocks tell apart (R47).
	// Empty: the program has no blocks and rep -1 will do.
	reps [numWhere][model.NumFamilies][]int32
}

// lower interns the parts of every rule and groups rules into segments.
func (c *compiler) lower() {
	s, x := c.snap, c.x
	x.rulePeer = make([]uint32, len(s.Rules))
	x.rulePorts = make([]uint32, len(s.Rules))
	type place struct {
		dir     model.Direction
		rank    model.Rank
		subject int32
	}
	order := make([]int32, len(s.Rules))
	subject := make([]int32, len(s.Rules))
	for i := range s.Rules {
		order[i] = int32(i)
		subject[i] = c.podSet(&s.Rules[i].Subject)
		x.rulePeer[i] = c.peer(&s.Rules[i].Peer)
		x.rulePorts[i] = c.ports(&s.Rules[i].Ports)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return s.Rules[a].Rank.Compare(s.Rules[b].Rank)
	})
	ties := c.ties()
	ids := map[place]int{}
	type entryKey struct {
		segment int
		entry   entry
	}
	seen := map[entryKey]bool{}
	for _, i := range order {
		r := &s.Rules[i]
		p := place{r.Direction, r.Rank, subject[i]}
		id, ok := ids[p]
		if !ok {
			id = len(x.segments)
			ids[p] = id
			tie := ties[tier{r.Direction, r.Rank.Tier, r.Rank.Priority}]
			x.segments = append(x.segments, segment{action: r.Action, tier: r.Rank.Tier, tie: tie, policy: r.Rank.Ordinal})
			c.directions = append(c.directions, r.Direction)
			c.subjects = append(c.subjects, subject[i])
		}
		g := &x.segments[id]
		g.rules = append(g.rules, i)
		e := entry{x.rulePeer[i], x.rulePorts[i]}
		if k := (entryKey{id, e}); !seen[k] {
			seen[k] = true
			g.entries = append(g.entries, e)
		}
	}
	x.sets = make([]classSet, len(c.podSets))
	for i := range c.podSets {
		x.sets[i] = c.podSets[i].classes
	}
}

// tier is what orders policies for certain.
type tier struct {
	dir      model.Direction
	tier     model.Tier
	priority int32
}

// ties numbers the tiers and priorities of several policies, from 1 (R105).
func (c *compiler) ties() map[tier]int32 {
	first := map[tier]int32{}
	out := map[tier]int32{}
	for i := range c.snap.Rules {
		r := &c.snap.Rules[i]
		t := tier{r.Direction, r.Rank.Tier, r.Rank.Priority}
		if o, ok := first[t]; !ok {
			first[t] = r.Rank.Ordinal
		} else if o != r.Rank.Ordinal && out[t] == 0 {
			out[t] = int32(len(out)) + 1
		}
	}
	return out
}

// podSet interns a pod set and evaluates it.
func (c *compiler) podSet(p *model.PodSet) int32 {
	k := appendString(nil, p.Namespace)
	if p.Namespace == "" {
		k = appendSelector(k, p.Namespaces)
	} else {
		k = append(k, 0xff)
	}
	k = appendSelector(k, p.Pods)
	if id, ok := c.podSetIDs[string(k)]; ok {
		return id
	}
	id := int32(len(c.podSets))
	c.podSetIDs[string(k)] = id
	ids := c.eval(p)
	c.podSets = append(c.podSets, podSet{classes: newClassSet(ids), ids: ids})
	return id
}

// eval returns the classes that p selects, sorted.
func (c *compiler) eval(p *model.PodSet) []int32 {
	terms := c.labels.terms(p.Pods)
	if p.Namespace != "" {
		i := c.namespace(p.Namespace)
		if i < 0 {
			return nil
		}
		return c.pods.selectRange(terms, c.nsRange[i].lo, c.nsRange[i].hi, nil)
	}
	n := c.nsSelector(p.Namespaces)
	if n.all {
		return c.pods.selectRange(terms, 0, int32(c.x.podClasses), nil)
	}
	var out []int32
	for _, i := range n.list {
		out = c.pods.selectRange(terms, c.nsRange[i].lo, c.nsRange[i].hi, out)
	}
	slices.Sort(out)
	return out
}

func (c *compiler) namespace(name string) int {
	if c.nsOf == nil {
		c.nsOf = make(map[string]int, len(c.snap.Namespaces))
		for i := range c.snap.Namespaces {
			c.nsOf[c.snap.Namespaces[i].Name] = i
		}
	}
	if i, ok := c.nsOf[name]; ok {
		return i
	}
	return -1
}

// nsSelector interns and evaluates a namespace selector.
func (c *compiler) nsSelector(s model.Selector) *nsSel {
	k := string(appendSelector(nil, s))
	id, ok := c.nsSelIDs[k]
	if !ok {
		id = int32(len(c.nsSels))
		c.nsSelIDs[k] = id
		n := nsSel{all: len(s) == 0}
		if !n.all {
			n.list = c.ns.selectRange(c.ns.labels.terms(s), 0, int32(len(c.snap.Namespaces)), nil)
			n.all = len(n.list) == len(c.snap.Namespaces)
		}
		c.nsSels = append(c.nsSels, n)
	}
	return &c.nsSels[id]
}

// peer interns a peer.
func (c *compiler) peer(p *model.Peer) uint32 {
	out := peer{any: p.Any, lost: p.UnknownHosts, relation: p.Relation}
	if !p.Any {
		for i := range p.Pods {
			out.sets = append(out.sets, c.podSet(&p.Pods[i]))
		}
		slices.Sort(out.sets)
		out.sets = slices.Compact(out.sets)
		out.blocks = c.x.addr.blockSpans(p.Blocks, false)
		out.external = c.x.addr.blockSpans(p.Blocks, true)
	}
	var k classKey
	k.flag(p.Any)
	k.flag(p.UnknownHosts)
	k.u32(uint32(p.Relation))
	k.u32(uint32(len(out.sets)))
	for _, s := range out.sets {
		k.u32(uint32(s))
	}
	k.u32(uint32(len(out.blocks)))
	for _, s := range append(slices.Clone(out.blocks), out.external...) {
		k.u32(uint32(s.lo))
		k.u32(uint32(s.hi))
	}
	return c.peerIDs.get(k.b, func() { c.x.peers = append(c.x.peers, out) })
}

// ports interns a rule's ports.
func (c *compiler) ports(p *model.RulePorts) uint32 {
	out := rulePorts{mask: make(mask, c.x.port.words), other: p.Other}
	if p.All {
		copy(out.mask, c.x.full)
	} else {
		for _, r := range p.Set.Ranges() {
			c.x.port.fill(out.mask, r)
		}
		for _, n := range p.Named {
			out.named = append(out.named, c.names[n])
		}
		slices.Sort(out.named)
		out.named = slices.Compact(out.named)
	}
	var k classKey
	k.u32(uint32(p.Other))
	for _, w := range out.mask {
		k.b = binary.LittleEndian.AppendUint64(k.b, w)
	}
	for _, n := range out.named {
		k.u32(uint32(n))
	}
	return c.portsIDs.get(k.b, func() { c.x.ports = append(c.x.ports, out) })
}

// attach gives every pod class its programs: the segments whose subject it is.
// Segments are visited in rank order, so each list comes out sorted.
// Cost: O(sum of subject sets).
func (c *compiler) attach() {
	x := c.x
	order := make([]uint32, len(x.segments))
	for i := range order {
		order[i] = uint32(i)
	}
	first := func(g uint32) model.Rank { return c.snap.Rules[x.segments[g].rules[0]].Rank }
	slices.SortStableFunc(order, func(a, b uint32) int { return first(a).Compare(first(b)) })
	lists := make([][]uint32, x.podClasses*model.NumDirections)
	for _, g := range order {
		for _, cl := range c.podSets[c.subjects[g]].ids {
			l := &lists[int(cl)*model.NumDirections+int(c.directions[g])]
			*l = append(*l, g)
		}
	}
	var k classKey
	for i, l := range lists {
		k.reset()
		for _, g := range l {
			k.u32(g)
		}
		x.classes[i/model.NumDirections].program[i%model.NumDirections] =
			c.programIDs.get(k.b, func() { x.programs = append(x.programs, program{segments: l, unsure: x.unsure(l)}) })
	}
}

// unsure reports whether segments hold an action that nobody knows, or a tie.
func (x *Index) unsure(segments []uint32) bool {
	for i, g := range segments {
		s := &x.segments[g]
		if s.action == model.Uncertain || s.action == model.MayAllow {
			return true
		}
		if i > 0 && s.tie != 0 {
			if before := &x.segments[segments[i-1]]; before.tie == s.tie && before.policy != s.policy {
				return true
			}
		}
	}
	return false
}

// represent computes the representatives of unknown addresses for each
// program: within the domain, its own blocks cut runs of atoms that the
// program cannot tell apart, and one atom of each run stands for it.
// Cost: O(S log S) for S spans of a program's blocks.
func (c *compiler) represent() {
	x := c.x
	var domains [numWhere][model.NumFamilies]spans
	for f := model.IPv4; f <= model.IPv6; f++ {
		for w, domain := range [numWhere][]netip.Prefix{wherePods: c.snap.PodDomain, whereNodes: c.snap.NodeDomain} {
			domains[w][f] = x.addr.touching(domain, f)
			if len(domains[w][f]) == 0 {
				domains[w][f] = x.addr.all(f)
			}
		}
	}
	var used [numWhere]bool
	for _, s := range x.slots {
		if s.kind == slotUnknown || s.kind == slotMaybe {
			used[s.where] = true
		}
	}
	var cuts []int32
	for i := range x.programs {
		p := &x.programs[i]
		cuts = cuts[:0]
		for _, g := range p.segments {
			for _, e := range x.segments[g].entries {
				for _, s := range x.peers[e.peer].blocks {
					cuts = append(cuts, s.lo, s.hi)
				}
			}
		}
		if len(cuts) == 0 {
			continue
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		for w := range used {
			if used[w] {
				for f := range domains[w] {
					p.reps[w][f] = representatives(domains[w][f], cuts)
				}
			}
		}
	}
}

// representatives returns one atom of each piece into which the sorted cuts
// divide the domain.
func representatives(domain spans, cuts []int32) []int32 {
	var out []int32
	for _, d := range domain {
		out = append(out, d.lo)
		i, _ := slices.BinarySearch(cuts, d.lo+1)
		for ; i < len(cuts) && cuts[i] < d.hi; i++ {
			out = append(out, cuts[i])
		}
	}
	return out
}

// members lists the endpoints of each class.
func (c *compiler) members() {
	x := c.x
	x.memberStart = make([]int32, len(x.classes)+1)
	for i := range x.classes {
		x.memberStart[i+1] = x.memberStart[i] + x.classes[i].size
	}
	next := slices.Clone(x.memberStart)
	x.memberList = make([]EndpointID, x.memberStart[len(x.classes)])
	for i, cl := range x.podClass {
		x.memberList[next[cl]] = EndpointID(i)
		next[cl]++
	}
	for i, cl := range x.nodeClass {
		x.memberList[next[cl]] = nodeBit | EndpointID(i)
		next[cl]++
	}
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendSelector appends a key that is equal for selectors equal up to the
// order of requirements and values.
func appendSelector(b []byte, s model.Selector) []byte {
	if len(s) > 1 || (len(s) == 1 && len(s[0].Values) > 1) {
		s = s.Canonical()
	}
	b = binary.AppendUvarint(b, uint64(len(s)))
	for _, r := range s {
		b = appendString(b, r.Key)
		b = append(b, byte(r.Operator))
		b = binary.AppendUvarint(b, uint64(len(r.Values)))
		for _, v := range r.Values {
			b = appendString(b, v)
		}
	}
	return b
}
