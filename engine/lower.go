package engine

import (
	"cmp"
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
	// Nil: the program has no blocks and rep -1 will do.
	reps *[numWhere][model.NumFamilies][]int32
}

// lower finds the classes of pod sets and groups rules into segments.
func (c *compiler) lower() {
	s, x := c.snap, c.x
	c.podSets = make([]podSet, len(c.podSetIDs.ends))
	for i := range c.podSets {
		c.eval(int32(i))
	}
	order := c.byRank()
	c.tieOf = c.ties(order)
	// By direction and subject the number of its last segment, from 1: one of
	// the rank at hand if it is not from before its rules.
	var last [model.NumDirections][]int32
	for d := range last {
		last[d] = make([]int32, len(c.podSets))
	}
	of := make([]int32, len(order)) // rule -> segment
	var first, n []int32            // segment -> its first rule, and how many it has
	before := int32(0)              // segments of lower ranks
	for j, i := range order {
		if j > 0 && c.ruleRank[i] != c.ruleRank[order[j-1]] {
			before = int32(len(first))
		}
		at := &last[c.ruleDirection[i]][c.ruleSubject[i]]
		if *at <= before {
			first, n = append(first, i), append(n, 0)
			*at = int32(len(first))
		}
		of[i] = *at - 1
		n[of[i]]++
	}
	x.segments = make([]segment, len(first))
	c.directions, c.subjects = make([]model.Direction, len(first)), make([]int32, len(first))
	rules, entries := make([]int32, len(order)), make([]entry, len(first))
	for id, i := range first {
		r := &s.Rules[i]
		x.segments[id] = segment{
			entries: entries[id : id : id+1], rules: rules[:0:n[id]], // of most there is just one
			action: r.Action, tier: r.Rank.Tier, tie: c.tieOf[tier{r.Direction, r.Rank.Tier, r.Rank.Priority}], policy: r.Rank.Ordinal,
		}
		rules = rules[n[id]:]
		c.directions[id], c.subjects[id] = r.Direction, c.ruleSubject[i]
	}
	seen := map[entryKey]bool{}
	for _, i := range order {
		g := &x.segments[of[i]]
		g.rules = append(g.rules, i)
		g.add(entry{x.rulePeer[i], x.rulePorts[i]}, of[i], seen)
	}
	x.sets = make([]classSet, len(c.podSets))
	for i := range c.podSets {
		x.sets[i] = c.podSets[i].classes
	}
}

// byRank returns the rules in the order of their ranks, otherwise as they are.
// Most rules have one of very few, which are what is sorted. Cost: O(rules +
// ranks log ranks).
func (c *compiler) byRank() []int32 {
	n := make([]int32, len(c.ranks)) // rules of each rank
	for _, k := range c.ruleRank {
		n[k]++
	}
	sorted := make([]uint32, len(c.ranks))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(a, b uint32) int { return c.ranks[a].Compare(c.ranks[b]) })
	start := make([]int32, len(c.ranks))
	next := int32(0)
	for _, k := range sorted {
		start[k] = next
		next += n[k]
	}
	order := make([]int32, len(c.ruleRank))
	for i, k := range c.ruleRank {
		order[start[k]] = int32(i)
		start[k]++
	}
	return order
}

// entryKey is an entry of a segment.
type entryKey struct {
	segment int32
	entry   entry
}

// add adds an entry unless it is there; seen has those of segments that are too
// long to look through.
func (g *segment) add(e entry, id int32, seen map[entryKey]bool) {
	const short = 8
	if len(g.entries) < short {
		if !slices.Contains(g.entries, e) {
			g.entries = append(g.entries, e)
		}
		return
	}
	if len(g.entries) == short {
		for _, e := range g.entries {
			seen[entryKey{id, e}] = true
		}
	}
	if k := (entryKey{id, e}); !seen[k] {
		seen[k] = true
		g.entries = append(g.entries, e)
	}
}

// place is where rules make one segment.
type place struct {
	dir     model.Direction
	rank    model.Rank
	subject int32 // pod set
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.dir, q.dir), p.rank.Compare(q.rank), cmp.Compare(p.subject, q.subject))
}

// tier is what orders policies for certain.
type tier struct {
	dir      model.Direction
	tier     model.Tier
	priority int32
}

// ties numbers the tiers and priorities of several policies, from 1 (R105).
// order is that of ranks.
func (c *compiler) ties(order []int32) map[tier]int32 {
	out := map[tier]int32{}
	var last [model.NumDirections]*model.Rank
	for _, i := range order {
		d, r := c.ruleDirection[i], &c.ranks[c.ruleRank[i]]
		l := last[d]
		if last[d] = r; l == nil || l.Tier != r.Tier || l.Priority != r.Priority || l.Ordinal == r.Ordinal {
			continue
		}
		if t := (tier{d, r.Tier, r.Priority}); out[t] == 0 {
			out[t] = int32(len(out)) + 1
		}
	}
	return out
}

// podSet interns a pod set and evaluates it.
func (c *compiler) podSet(p *model.PodSet) int32 {
	id, known := c.internSet(p)
	if !known {
		c.podSets = append(c.podSets, podSet{})
		c.eval(id)
	}
	return id
}

// What the key of a pod set begins with when it names no namespace of the
// snapshot: then comes the number of a namespace selector, or nothing matches.
const (
	bySelector = -1 - iota
	nowhere
)

// internSet numbers a pod set; known if it has a number already. Its key is the
// number of its namespace, or what stands for none, and its selector in numbers.
func (c *compiler) internSet(p *model.PodSet) (id int32, known bool) {
	k := &c.key
	k.reset()
	if p.Namespace == "" {
		k.i32(bySelector)
		k.u32(c.nsSelector(p.Namespaces))
	} else if i := c.namespace(p.Namespace); i >= 0 {
		k.i32(int32(i))
	} else {
		k.i32(nowhere)
	}
	k.n = c.labels.mention(p.Pods, k.n)
	n, known := c.podSetIDs.get(k.n)
	return int32(n), known
}

// eval finds the classes that a pod set selects.
func (c *compiler) eval(id int32) {
	out := c.selected[:0]
	switch key := c.podSetIDs.key(uint32(id)); key[0] {
	case nowhere:
	case bySelector:
		n := c.namespaces(key[1])
		terms := c.terms.read(key[2:])
		if n.all {
			out = c.pods.selectRange(terms, 0, int32(c.x.podClasses), out)
			break
		}
		for _, i := range n.list {
			out = c.pods.selectRange(terms, c.nsRange[i].lo, c.nsRange[i].hi, out)
		}
		slices.Sort(out)
	default:
		r := c.nsRange[key[0]]
		out = c.pods.selectRange(c.terms.read(key[1:]), r.lo, r.hi, out)
	}
	c.selected = out
	c.podSets[id] = podSet{ids: slices.Clone(out), classes: newClassSet(out)}
}

// namespace numbers a namespace, -1 if the snapshot lacks it. It is mostly that
// of the last call, or the one after it.
func (c *compiler) namespace(name string) int {
	for i := c.lastNamed; i < min(c.lastNamed+2, len(c.snap.Namespaces)); i++ {
		if c.snap.Namespaces[i].Name == name {
			c.lastNamed = i
			return i
		}
	}
	if c.nsOf == nil {
		c.nsOf = make(map[string]int, len(c.snap.Namespaces))
		for i := range c.snap.Namespaces {
			c.nsOf[c.snap.Namespaces[i].Name] = i
		}
	}
	if i, ok := c.nsOf[name]; ok {
		c.lastNamed = i
		return i
	}
	return -1
}

// nsSelector interns a namespace selector.
func (c *compiler) nsSelector(s model.Selector) uint32 {
	c.nsKey = c.nsLabels.mention(s, c.nsKey[:0])
	id, known := c.nsSelIDs.get(c.nsKey)
	if !known {
		c.nsSels = append(c.nsSels, nsSel{})
	}
	return id
}

// namespaces evaluates a namespace selector.
func (c *compiler) namespaces(id int32) *nsSel {
	n := &c.nsSels[id]
	if !n.known {
		n.known = true
		if s := c.nsSelIDs.key(uint32(id)); len(s) == 0 {
			n.all = true
		} else {
			n.list = c.ns.selectRange(c.terms.read(s), 0, int32(len(c.snap.Namespaces)), nil)
			n.all = len(n.list) == len(c.snap.Namespaces)
		}
	}
	return n
}

// peer interns a peer; its blocks are in place when there are address atoms.
func (c *compiler) peer(p *model.Peer) (id uint32, known bool) {
	sets, blocks := c.list[:0], c.blockList[:0]
	if !p.Any {
		for i := range p.Pods {
			s, _ := c.internSet(&p.Pods[i])
			sets = append(sets, s)
		}
		for i := range p.Blocks {
			blocks = append(blocks, c.block(&p.Blocks[i]))
		}
		slices.Sort(sets)
		slices.Sort(blocks)
		sets, blocks = slices.Compact(sets), slices.Compact(blocks)
	}
	c.list, c.blockList = sets, blocks
	k := &c.key
	k.reset()
	k.flag(p.Any)
	k.flag(p.NoPods)
	k.flag(p.UnknownHosts)
	k.i32(int32(p.Relation))
	k.i32(int32(len(sets)))
	k.n = append(k.n, sets...)
	k.n = append(k.n, blocks...)
	id, known = c.peerIDs.get(k.n)
	if !known {
		c.x.peers = append(c.x.peers, peer{any: p.Any, noPods: p.NoPods, lost: p.UnknownHosts, relation: p.Relation, sets: slices.Clone(sets)})
		c.peerBlocks = append(c.peerBlocks, slices.Clone(blocks))
	}
	return id, known
}

// block interns a block.
func (c *compiler) block(b *model.Block) int32 {
	k := &c.key
	k.reset()
	k.flag(b.ExternalOnly)
	k.prefix(b.CIDR)
	for _, e := range b.Except {
		k.prefix(e)
	}
	id, known := c.blockIDs.get(k.n)
	if !known {
		c.blocks = append(c.blocks, b)
	}
	return int32(id)
}

// place finds the atoms of a peer's blocks.
func (c *compiler) place(id uint32) {
	for _, b := range c.peerBlocks[id] {
		p, b := &c.x.peers[id], c.blocks[b]
		to := &p.blocks
		if b.ExternalOnly {
			to = &p.external
		}
		*to = append(*to, c.x.addr.blockSpans([]model.Block{*b}, b.ExternalOnly)...).normal()
	}
}

// ports interns a rule's ports; they have a mask when there are port atoms.
func (c *compiler) ports(p *model.RulePorts) (id uint32, known bool) {
	k, named := &c.key, c.list[:0]
	k.reset()
	k.flag(p.All)
	k.i32(int32(p.Other))
	if !p.All {
		for _, n := range p.Named {
			i, ok := c.names[n]
			if !ok {
				i = int32(len(c.names))
				c.names[n] = i
			}
			named = append(named, i)
		}
		slices.Sort(named)
		named = slices.Compact(named)
		k.i32(int32(len(named)))
		k.n = append(k.n, named...)
		for _, r := range p.Set.Ranges() {
			k.i32(int32(r.Protocol))
			k.i32(int32(r.First)<<16 | int32(r.Last))
		}
	}
	c.list = named
	id, known = c.portsIDs.get(k.n)
	if !known {
		c.x.ports = append(c.x.ports, rulePorts{named: slices.Clone(named), other: p.Other})
		c.rulePorts = append(c.rulePorts, p)
	}
	return id, known
}

// mask finds the atoms of ports.
func (c *compiler) mask(id uint32) {
	to, p := &c.x.ports[id], c.rulePorts[id]
	if p.All {
		to.mask = c.x.full
		return
	}
	to.mask = make(mask, c.x.port.words)
	for _, r := range p.Set.Ranges() {
		c.x.port.fill(to.mask, r)
	}
}
