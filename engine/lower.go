package engine

import (
	"cmp"
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
	// Nil: the program has no blocks and rep -1 will do.
	reps *[numWhere][model.NumFamilies][]int32
}

// lower interns the parts of every rule and groups rules into segments.
func (c *compiler) lower() {
	s, x := c.snap, c.x
	x.rulePeer = make([]uint32, len(s.Rules))
	x.rulePorts = make([]uint32, len(s.Rules))
	subject := make([]int32, len(s.Rules))
	for i := range c.podSets {
		c.eval(&c.podSets[i])
	}
	sets := c.setsOf
	for i := range s.Rules {
		r := &s.Rules[i]
		n := 1 + len(r.Peer.Pods)
		subject[i] = sets[0]
		x.rulePeer[i] = c.peer(&r.Peer, sets[1:n])
		x.rulePorts[i] = c.ports(&r.Ports)
		sets = sets[n:]
	}
	c.setsOf = nil
	order, rank := c.byRank()
	c.tieOf = c.ties(order)
	segmentOf := map[uint64]int32{} // by number of rank, direction and subject
	of := make([]int32, len(order)) // rule -> segment
	var first, n []int32            // segment -> its first rule, and how many it has
	for _, i := range order {
		k := uint64(rank[i])<<32 | uint64(s.Rules[i].Direction)<<31 | uint64(subject[i])
		id, ok := segmentOf[k]
		if !ok {
			id = int32(len(first))
			segmentOf[k] = id
			first, n = append(first, i), append(n, 0)
		}
		of[i] = id
		n[id]++
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
		c.directions[id], c.subjects[id] = r.Direction, subject[i]
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

// byRank returns the rules in the order of their ranks, otherwise as they are,
// and the number of each rule's rank. Most rules have one of very few, which
// are what is sorted. Cost: O(rules + ranks log ranks).
func (c *compiler) byRank() (order []int32, number []uint32) {
	rules := c.snap.Rules
	number = make([]uint32, len(rules))
	numbers := map[model.Rank]uint32{}
	var ranks []model.Rank
	var n []int32 // rules of each rank
	for i := range rules {
		r := rules[i].Rank
		k, ok := numbers[r]
		if !ok {
			k = uint32(len(ranks))
			numbers[r] = k
			ranks = append(ranks, r)
			n = append(n, 0)
		}
		number[i] = k
		n[k]++
	}
	sorted := make([]uint32, len(ranks))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(a, b uint32) int { return ranks[a].Compare(ranks[b]) })
	start := make([]int32, len(ranks))
	next := int32(0)
	for _, k := range sorted {
		start[k] = next
		next += n[k]
	}
	order = make([]int32, len(rules))
	for i, k := range number {
		order[start[k]] = int32(i)
		start[k]++
	}
	return order, number
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
	var last [model.NumDirections]*model.Rule
	for _, i := range order {
		r := &c.snap.Rules[i]
		l := last[r.Direction]
		if last[r.Direction] = r; l == nil || l.Rank.Tier != r.Rank.Tier || l.Rank.Priority != r.Rank.Priority || l.Rank.Ordinal == r.Rank.Ordinal {
			continue
		}
		if t := (tier{r.Direction, r.Rank.Tier, r.Rank.Priority}); out[t] == 0 {
			out[t] = int32(len(out)) + 1
		}
	}
	return out
}

// podSet interns a pod set and evaluates it.
func (c *compiler) podSet(p *model.PodSet) int32 {
	id, ok := c.internSet(p)
	if !ok {
		c.eval(&c.podSets[id])
	}
	return id
}

// internSet numbers a pod set; ok if it has a number already.
func (c *compiler) internSet(p *model.PodSet) (id int32, ok bool) {
	k := appendString(c.key.b[:0], p.Namespace)
	if p.Namespace == "" {
		k = appendSelector(k, p.Namespaces)
	} else {
		k = append(k, 0xff)
	}
	k = appendSelector(k, p.Pods)
	c.key.b = k
	if id, ok = c.podSetIDs[string(k)]; !ok {
		id = int32(len(c.podSets))
		c.podSetIDs[string(k)] = id
		c.podSets = append(c.podSets, podSet{of: p})
	}
	return id, ok
}

// eval finds the classes that p selects.
func (c *compiler) eval(p *podSet) {
	out := c.selected[:0]
	switch of := p.of; {
	case of.Namespace != "":
		if i := c.namespace(of.Namespace); i >= 0 {
			out = c.pods.selectRange(c.terms.set(c.labels, of.Pods), c.nsRange[i].lo, c.nsRange[i].hi, out)
		}
	default:
		n := c.nsSelector(of.Namespaces)
		terms := c.terms.set(c.labels, of.Pods)
		if n.all {
			out = c.pods.selectRange(terms, 0, int32(c.x.podClasses), out)
			break
		}
		for _, i := range n.list {
			out = c.pods.selectRange(terms, c.nsRange[i].lo, c.nsRange[i].hi, out)
		}
		slices.Sort(out)
	}
	c.selected = out
	p.ids, p.classes, p.of = slices.Clone(out), newClassSet(out), nil
}

func (c *compiler) namespace(name string) int {
	if c.nsOf == nil {
		c.nsOf = make(map[string]int, len(c.snap.Namespaces))
		for i := range c.snap.Namespaces {
			c.nsOf[c.snap.Namespaces[i].Name] = i
		}
	}
	if c.lastNamed >= 0 && c.lastNamed < len(c.snap.Namespaces) && c.snap.Namespaces[c.lastNamed].Name == name {
		return c.lastNamed
	}
	if i, ok := c.nsOf[name]; ok {
		c.lastNamed = i
		return i
	}
	return -1
}

// nsSelector interns and evaluates a namespace selector.
func (c *compiler) nsSelector(s model.Selector) *nsSel {
	c.key.b = appendSelector(c.key.b[:0], s)
	id, ok := c.nsSelIDs[string(c.key.b)]
	if !ok {
		id = int32(len(c.nsSels))
		c.nsSelIDs[string(c.key.b)] = id
		n := nsSel{all: len(s) == 0}
		if !n.all {
			n.list = c.ns.selectRange(c.terms.set(c.ns.labels, s), 0, int32(len(c.snap.Namespaces)), nil)
			n.all = len(n.list) == len(c.snap.Namespaces)
		}
		c.nsSels = append(c.nsSels, n)
	}
	return &c.nsSels[id]
}

// peer interns a peer with the given pod sets, which it sorts.
func (c *compiler) peer(p *model.Peer, sets []int32) uint32 {
	var blocks, external spans
	if p.Any {
		sets = nil
	} else {
		slices.Sort(sets)
		sets = slices.Compact(sets)
		if len(p.Blocks) > 0 {
			blocks = c.x.addr.blockSpans(p.Blocks, false)
			external = c.x.addr.blockSpans(p.Blocks, true)
		}
	}
	k := &c.key
	k.reset()
	k.flag(p.Any)
	k.flag(p.NoPods)
	k.flag(p.UnknownHosts)
	k.u32(uint32(p.Relation))
	k.u32(uint32(len(sets)))
	for _, s := range sets {
		k.u32(uint32(s))
	}
	k.u32(uint32(len(blocks)))
	for _, list := range [...]spans{blocks, external} {
		for _, s := range list {
			k.u32(uint32(s.lo))
			k.u32(uint32(s.hi))
		}
	}
	return c.peerIDs.get(k.b, func() {
		c.x.peers = append(c.x.peers, peer{any: p.Any, noPods: p.NoPods, lost: p.UnknownHosts, relation: p.Relation, sets: slices.Clone(sets), blocks: blocks, external: external})
	})
}

// ports interns a rule's ports.
func (c *compiler) ports(p *model.RulePorts) uint32 {
	if c.portMask == nil {
		c.portMask = make(mask, c.x.port.words)
	}
	m, named := c.portMask, c.portNamed[:0]
	if p.All {
		copy(m, c.x.full)
	} else {
		m.clear()
		for _, r := range p.Set.Ranges() {
			c.x.port.fill(m, r)
		}
		for _, n := range p.Named {
			named = append(named, c.names[n])
		}
		slices.Sort(named)
		named = slices.Compact(named)
	}
	c.portNamed = named
	k := &c.key
	k.reset()
	k.u32(uint32(p.Other))
	for _, w := range m {
		k.b = binary.LittleEndian.AppendUint64(k.b, w)
	}
	for _, n := range named {
		k.u32(uint32(n))
	}
	return c.portsIDs.get(k.b, func() {
		c.x.ports = append(c.x.ports, rulePorts{mask: slices.Clone(m), named: slices.Clone(named), other: p.Other})
	})
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendSelector appends a key that is equal for selectors equal up to the
// order of requirements and values.
func appendSelector(b []byte, s model.Selector) []byte {
	s = s.Canonical()
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
