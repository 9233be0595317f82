package engine

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model"
)

// Options change how a snapshot is compiled. The zero value is what callers
// want that do not change the Index.
type Options struct {
	// Updates keeps what Apply needs. Without it the first Apply compiles
	// anew; the Index that it returns has it.
	Updates bool
}

// Compile turns a snapshot into an immutable Index. The snapshot must not be
// changed afterwards; the Index keeps it.
//
// Cost: O(pods x labels + nodes + rules x (selector candidates)), see doc.go.
// Errors: only for a snapshot that breaks an invariant of package model.
func Compile(s *model.Snapshot, o Options) (*Index, error) {
	if s == nil {
		return nil, fmt.Errorf("engine: no snapshot")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if len(s.Pods) >= maxPods || len(s.Nodes) >= maxPods {
		return nil, fmt.Errorf("engine: %d pods and %d nodes exceed the limit of %d", len(s.Pods), len(s.Nodes), maxPods)
	}
	c := &compiler{snap: s, x: &Index{snap: s, rest: s, names: &names{}}, labels: newLabelAtoms(), nsLabels: newLabelAtoms(), names: map[model.NamedPort]int32{}, doubted: map[string]bool{}}
	c.slot(slot{kind: slotNone})
	c.sigIDs.get(nil)
	c.x.sigs = append(c.x.sigs, noNames)
	c.collect()           // rules -> label atoms, port names, pod sets, peers, ports
	c.cutAddresses()      // peers -> address atoms
	c.cutPorts()          // ports and pods -> port atoms
	c.classify(o.Updates) // pods and nodes -> classes, postings over pod classes
	c.lower()             // pod sets -> classes, rules -> segments
	c.locate()            // the domains of unknown addresses
	c.attach()            // segments -> programs of classes
	x := c.x
	if o.Updates {
		c.keep()
	}
	return x, nil
}

// compiler holds what only compilation needs, and changes of the Index.
type compiler struct {
	snap   *model.Snapshot
	x      *Index
	labels *labelAtoms
	names  map[model.NamedPort]int32 // (name, protocol) pairs that rules use

	doubted map[string]bool // names of rules that do not allow

	nodeNames map[string]int32 // index in Snapshot.Nodes; names without a Node come after those
	nodeWords words
	nsRange   []span // namespace -> its classes
	pods      *postings

	slotIDs, sigIDs, peerIDs, portsIDs, programIDs interner
	atomSlot                                       []uint32 // address atom -> the slot of just that
	slotKey                                        numbers
	sigScratch                                     []named
	before                                         before
	lastAtom                                       [model.NumFamilies]atomOf // of the address before
	projection                                     *projection               // of labels

	podSetIDs interner // see podSetKey
	podSets   []podSet
	selected  []int32 // scratch of eval
	terms     terms   // scratch
	lastNamed int     // the namespace that was found last
	nsLabels  *labelAtoms
	nsKey     []int32  // scratch
	nsSelIDs  interner // of what labelAtoms.mention makes of them
	nsSels    []nsSel
	ns        *postings // over namespaces, of the labels that namespace selectors mention
	subjects  []int32   // segment -> its pod set
	nsOf      map[string]int

	blockIDs   interner
	blocks     []*model.Block     // by number
	peerBlocks [][]int32          // peer -> its blocks
	rulePorts  []*model.RulePorts // by number of ports
	list       []int32            // scratch
	blockList  []int32            // scratch

	ranks         []model.Rank // by number
	ruleSubject   []int32      // rule -> pod set
	ruleRank      []uint32     // rule -> number of its rank
	ruleDirection []model.Direction

	directions []model.Direction // of segments
	classIDs   interner          // pod.key -> a number
	classOf    []Class           // of these numbers
	lastNS     int32             // the namespace of the last pod, or -1
	placeIDs   map[place]int32   // subjects, directions and ranks; segments are numbered alike at first
	tieOf      map[tier]int32

	domains [numWhere][model.NumFamilies]spans
	located [numWhere]bool // some class has an address that is somewhere there
	cuts    []int32        // scratch of represent
	key     numbers        // scratch
}

// podSet is an interned model.PodSet with the classes it selects.
type podSet struct {
	classes classSet
	ids     []int32 // the same, while compiling
}

// nsSel is an interned namespace selector with the namespaces it selects.
type nsSel struct {
	known bool // it has been evaluated
	all   bool
	list  []int32
}

// collect interns the parts of every rule, and with them what atoms are made
// of. It is the one walk over the rules: they are large, and their texts lie
// anywhere, so that a second look would cost as much again.
func (c *compiler) collect() {
	rules, x := c.snap.Rules, c.x
	x.rulePeer, x.rulePorts = make([]uint32, len(rules)), make([]uint32, len(rules))
	c.ruleSubject, c.ruleRank, c.ruleDirection = make([]int32, len(rules)), make([]uint32, len(rules)), make([]model.Direction, len(rules))
	c.podSetIDs.grow(len(rules) / 2)
	c.peerIDs.grow(len(rules) / 2)
	ranks := map[model.Rank]uint32{}
	for i := range rules {
		r := &rules[i]
		if i > 0 && sameSet(&r.Subject, &rules[i-1].Subject) {
			c.ruleSubject[i] = c.ruleSubject[i-1]
		} else {
			c.ruleSubject[i], _ = c.internSet(&r.Subject)
		}
		x.rulePeer[i], _ = c.peer(&r.Peer)
		x.rulePorts[i], _ = c.ports(&r.Ports)
		if r.Action != model.Allow {
			for _, n := range r.Ports.Named {
				c.doubted[n.Name] = true
			}
		}
		k, ok := ranks[r.Rank]
		if !ok {
			k = uint32(len(ranks))
			ranks[r.Rank] = k
			c.ranks = append(c.ranks, r.Rank)
		}
		c.ruleRank[i], c.ruleDirection[i] = k, r.Direction
	}
	projection := newProjection(c.nsLabels)
	atoms := make([][]int32, len(c.snap.Namespaces))
	for i := range c.snap.Namespaces {
		atoms[i] = projection.project(c.snap.Namespaces[i].Labels, nil)
	}
	c.ns = newPostings(c.nsLabels, atoms)
}

// cutAddresses makes the address atoms: the edges of every block.
func (c *compiler) cutAddresses() {
	var edges []netip.Prefix
	for _, b := range c.blocks {
		edges = append(edges, b.CIDR)
		edges = append(edges, b.Except...)
	}
	c.x.addr = newAddrAtoms(edges)
	for id := range c.x.peers {
		c.place(uint32(id))
	}
}

// sameSet reports whether two pod sets are one in memory, as those of the rules
// of one policy are. Looking at their texts is what costs.
func sameSet(a, b *model.PodSet) bool {
	return a.Namespace == b.Namespace && sameList(a.Pods, b.Pods) && sameList(a.Namespaces, b.Namespaces)
}

// sameList reports whether two lists are one in memory.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// cutPorts makes the port atoms: the edges of every range of a rule, and each
// number that a used name stands for on some pod.
func (c *compiler) cutPorts() {
	var ranges []model.PortRange
	for _, p := range c.rulePorts {
		ranges = append(ranges, p.Set.Ranges()...)
	}
	if len(c.names) > 0 {
		seen := map[model.PortRange]bool{}
		var last []model.ContainerPort
		for i := range c.snap.Pods {
			now := c.snap.Pods[i].Ports
			if sameList(now, last) || slices.Equal(now, last) {
				continue
			}
			last = now
			for _, p := range now {
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
	for id := range c.x.ports {
		c.mask(uint32(id))
	}
}

// attach gives every pod class its programs: the segments whose subject it is.
// lower has made segments in rank order, so each list comes out sorted.
// Cost: O(sum of subject sets).
func (c *compiler) attach() {
	x := c.x
	// The list of class and direction i is all[start[i]:start[i+1]].
	start := make([]int32, x.podClasses*model.NumDirections+1)
	for g := range x.segments {
		for _, cl := range c.podSets[c.subjects[g]].ids {
			start[int(cl)*model.NumDirections+int(c.directions[g])+1]++
		}
	}
	for i := range start[1:] {
		start[i+1] += start[i]
	}
	all := make([]uint32, start[len(start)-1])
	next := slices.Clone(start)
	for g := range x.segments {
		for _, cl := range c.podSets[c.subjects[g]].ids {
			at := &next[int(cl)*model.NumDirections+int(c.directions[g])]
			all[*at] = uint32(g)
			*at++
		}
	}
	programs := make([][model.NumDirections]uint32, x.podClasses)
	for i := range start[1:] {
		programs[i/model.NumDirections][i%model.NumDirections] = c.program(all[start[i]:start[i+1]])
	}
	x.programOf = newVector(programs)
}

// program interns a list of segments.
func (c *compiler) program(segments []uint32) uint32 {
	k := &c.key
	k.reset()
	for _, g := range segments {
		k.u32(g)
	}
	id, known := c.programIDs.get(k.n)
	if !known {
		segments := slices.Clone(segments) // of a list of all
		p := program{segments: segments, unsure: c.x.unsure(segments)}
		c.represent(&p)
		c.x.programs = append(c.x.programs, p)
	}
	return id
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

// locate finds the domains of unknown addresses, and which of them some class
// needs.
func (c *compiler) locate() {
	x := c.x
	for f := model.IPv4; f <= model.IPv6; f++ {
		for w, domain := range [numWhere][]netip.Prefix{wherePods: c.snap.PodDomain, whereNodes: c.snap.NodeDomain} {
			c.domains[w][f] = x.addr.touching(domain, f)
			if len(c.domains[w][f]) == 0 {
				c.domains[w][f] = x.addr.all(f)
			}
		}
	}
	for _, s := range x.slots {
		if s.kind == slotUnknown || s.kind == slotMaybe {
			c.located[s.where] = true
		}
	}
}

// represent computes the representatives of unknown addresses for a program:
// within the domain, its own blocks cut runs of atoms that the program cannot
// tell apart, and one atom of each run stands for it. Cost: O(S log S) for S
// spans of the program's blocks.
func (c *compiler) represent(p *program) {
	x := c.x
	cuts := c.cuts[:0]
	for _, g := range p.segments {
		for _, e := range x.segments[g].entries {
			for _, s := range x.peers[e.peer].blocks {
				cuts = append(cuts, s.lo, s.hi)
			}
		}
	}
	if c.cuts = cuts; len(cuts) == 0 {
		return
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	p.reps = new([numWhere][model.NumFamilies][]int32)
	for w := range c.located {
		if c.located[w] {
			for f := range c.domains[w] {
				p.reps[w][f] = representatives(c.domains[w][f], cuts)
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
