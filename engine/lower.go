package engine

import (
	"encoding/binary"
	"slices"

	"github.com/podreach/podreach/model"
)

// peer is an interned model.Peer.
type peer struct {
	any      bool
	noPods   bool // whatever is no pod
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
	out := peer{any: p.Any, noPods: p.NoPods, lost: p.UnknownHosts, relation: p.Relation}
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
	k.flag(p.NoPods)
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
