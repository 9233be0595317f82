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

// lower interns the parts of every rule and groups rules into segments.
func (c *compiler) lower() {
	s, x := c.snap, c.x
	x.rulePeer = make([]uint32, len(s.Rules))
	x.rulePorts = make([]uint32, len(s.Rules))
	subject := make([]int32, len(s.Rules))
	for i := range c.podSets {
		c.eval(int32(i))
	}
	sets, named := c.setsOf, c.namesOf
	for i := range s.Rules {
		r := &s.Rules[i]
		n := 1 + len(r.Peer.Pods)
		subject[i] = sets[0]
		x.rulePeer[i] = c.peer(&r.Peer, sets[1:n])
		x.rulePorts[i] = c.ports(&r.Ports, named[:len(r.Ports.Named)])
		sets, named = sets[n:], named[len(r.Ports.Named):]
	}
	c.setsOf, c.namesOf = nil, nil
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
	id, known := c.internSet(p)
	if !known {
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
	switch {
	case p.Namespace == "":
		k.i32(bySelector)
		k.u32(c.nsSelector(p.Namespaces))
	default:
		i := c.namespace(p.Namespace)
		if i < 0 {
			i = nowhere
		}
		k.i32(int32(i))
	}
	k.n = c.labels.mention(p.Pods, k.n)
	n, known := c.podSetIDs.get(k.n)
	if !known {
		c.podSets = append(c.podSets, podSet{})
	}
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
	k.i32(int32(len(sets)))
	for _, s := range sets {
		k.i32(s)
	}
	k.i32(int32(len(blocks)))
	for _, list := range [...]spans{blocks, external} {
		for _, s := range list {
			k.i32(s.lo)
			k.i32(s.hi)
		}
	}
	id, known := c.peerIDs.get(k.n)
	if !known {
		c.x.peers = append(c.x.peers, peer{any: p.Any, noPods: p.NoPods, lost: p.UnknownHosts, relation: p.Relation, sets: slices.Clone(sets), blocks: blocks, external: external})
	}
	return id
}

// ports interns a rule's ports, of which the named ones have the given numbers.
func (c *compiler) ports(p *model.RulePorts, names []int32) uint32 {
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
		named = append(named, names...)
		slices.Sort(named)
		named = slices.Compact(named)
	}
	c.portNamed = named
	k := &c.key
	k.reset()
	k.u32(uint32(p.Other))
	for _, w := range m {
		k.u64(w)
	}
	for _, n := range named {
		k.i32(n)
	}
	id, known := c.portsIDs.get(k.n)
	if !known {
		c.x.ports = append(c.x.ports, rulePorts{mask: slices.Clone(m), named: slices.Clone(named), other: p.Other})
	}
	return id
}
