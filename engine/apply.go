package engine

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/podreach/podreach/model"
)

// Updates counts, over all versions since the first Compile, the ways in which
// Apply made them.
type Updates struct {
	Pods      int // pods came and went inside existing classes
	Policies  int // rules of objects changed over existing atoms, perhaps pods as well
	Compiled  int // everything was compiled anew
	Compacted int // of those: only to get rid of what no version needs any more
}

// Updates returns how this version and those before it were made.
func (x *Index) Updates() Updates { return x.updates }

// Apply returns a new version of the index with the changes of d, which must
// not be changed afterwards. x stays valid, and every endpoint that stays keeps
// its EndpointID; that of a pod that is gone may be given to a new one.
// Answers are those of Compile for the changed snapshot; atoms of outside
// addresses may be finer than those, so that counts of their parts may differ.
// Numbers of classes and rules are not stable. One version may be the base of
// several; Apply may be called concurrently, versions of one line wait for each
// other.
//
// Cost: a pod of an existing class O(labels + pages of its list); rules whose
// labels, blocks and ports were in some rule when the index was compiled
// O(rules of the object + pod sets that are new + classes selected x rules of
// each). Anything else compiles the whole snapshot, as does an index that was
// compiled without Options.Updates, and one of which more is dead than alive
// (see lineage.worn): of a version that is the base of very many others, that
// is every Apply from some point on.
//
// Errors: as Compile, for a snapshot that breaks an invariant; and for a change
// of policies that names no object, or holds rules of another one.
func (x *Index) Apply(d model.Delta) (*Index, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	n, worn := x.update(&d)
	if n != nil {
		return n, nil
	}
	n, err := Compile(x.Snapshot().After(&d), Options{Updates: true})
	if err != nil {
		return nil, err
	}
	n.updates = x.updates
	n.updates.Compiled++
	if worn {
		n.updates.Compacted++
	}
	return n, nil
}

// ForApply returns an index that answers as x does and that Apply need not
// compile: x itself if it was compiled with Options.Updates and is no version
// that Apply made, else a new one. Versions made of x count for its line.
//
// Cost: none, or that of Compile. Errors: as Compile.
func (x *Index) ForApply() (*Index, error) {
	if x.line != nil && x.version == 0 && x.updates == (Updates{}) {
		return x, nil
	}
	return Compile(x.Snapshot(), Options{Updates: true})
}

// lineage is what all versions between two compilations share for making
// further ones.
type lineage struct {
	mu sync.Mutex
	// c goes on interning. Its x is no version: it has the tables of all.
	c       *compiler
	version uint64
	objects map[model.ObjectRef]int32
	actions map[rankOf]model.Action // of ranks that some rule has had (M2)
	pods    int                     // that were named since the compilation

	live struct{ segments, programs, rules, pods int } // at the compilation
}

type rankOf struct {
	rank model.Rank
	dir  model.Direction
}

// slack is how much may be dead beside as much as there was at first.
const slack = 1024

// worn reports whether the tables have grown to more than twice what they were
// at the compilation, or programs to more than eight times, of which one change
// may make one for each class. Dead segments, programs and rules, and names
// that pods had, stay in them until the next one.
func (l *lineage) worn() bool {
	return len(l.c.x.programs) > 8*l.live.programs+slack || len(l.c.x.segments) > 2*l.live.segments+slack || len(l.c.x.added) > l.live.rules+slack || l.pods > l.live.pods+slack
}

// hole is a place for a new pod.
type hole struct {
	at   EndpointID
	next *hole
}

// keep prepares the index for Apply.
func (c *compiler) keep() {
	x := c.x
	l := &lineage{c: c, objects: map[model.ObjectRef]int32{}, actions: map[rankOf]model.Action{}}
	var rules [][]int32
	for i := range c.snap.Rules {
		r := &c.snap.Rules[i]
		l.actions[rankOf{r.Rank, r.Direction}] = r.Action
		if r.Object == (model.ObjectRef{}) {
			continue
		}
		k, ok := l.objects[r.Object]
		if !ok {
			k = int32(len(rules))
			l.objects[r.Object] = k
			rules = append(rules, nil)
		}
		rules[k] = append(rules[k], int32(i))
	}
	segments := make([]int32, len(x.segments))
	c.placeIDs = make(map[place]int32, len(x.segments))
	for i := range segments {
		segments[i] = int32(i) + 1
		c.placeIDs[place{c.directions[i], c.snap.Rules[x.segments[i].rules[0]].Rank, c.subjects[i]}] = int32(i)
	}
	x.objectRules, x.placeAt, x.line = newVector(rules), newVector(segments), l
	l.live.segments, l.live.programs, l.live.rules, l.live.pods = len(x.segments), len(x.programs), len(c.snap.Rules), len(c.snap.Pods)
	c.x = &Index{rest: x.rest, addr: x.addr, port: x.port, full: x.full, podClasses: x.podClasses, classes: x.classes, tables: x.tables}
}

// update makes a version without compiling; nil if it cannot, be it because the
// index is worn.
func (x *Index) update(d *model.Delta) (_ *Index, worn bool) {
	l := x.line
	if l == nil || d.Rest != nil {
		return nil, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.worn() {
		return nil, true
	}
	l.version++
	n := &Index{
		rest: x.rest, addr: x.addr, port: x.port, full: x.full, nodeClass: x.nodeClass, podClasses: x.podClasses, classes: x.classes,
		names: x.ready(), line: l,
		pods: x.pods, programOf: x.programOf, holes: x.holes,
		version: l.version, updates: x.updates, objectRules: x.objectRules, placeAt: x.placeAt,
	}
	if !n.updatePods(d) || !n.updatePolicies(d) {
		return nil, false
	}
	if len(d.Policies) > 0 {
		n.updates.Policies++
	} else {
		n.updates.Pods++
	}
	n.tables = l.c.x.tables
	return n, false
}

// updatePods takes pods in and out; false if one is of no class that there is.
func (x *Index) updatePods(d *model.Delta) bool {
	c := x.line.c
	for _, name := range d.Gone {
		if e, ok := x.Pod(name.Namespace, name.Name); ok {
			c.hole()
			class, _ := c.class()
			x.setPod(e, nil, class, nodeUnknown)
			x.holes = &hole{e, x.holes}
		}
	}
	c.before = before{} // a caller may have changed what the last delta held
	for i := range d.Pods {
		p := &d.Pods[i]
		if p.Hole() || p.Validate() != nil || c.namespace(p.Namespace) < 0 || !c.knowsPorts(p) {
			return false
		}
		c.pod(p)
		class, ok := c.class()
		if !ok {
			return false
		}
		e, ok := x.Pod(p.Namespace, p.Name)
		switch {
		case ok:
		case x.holes != nil:
			e, x.holes = x.holes.at, x.holes.next
		default:
			e = EndpointID(x.pods.n)
		}
		x.setPod(e, p, class, c.nodeNumber(p))
		x.line.pods++
		x.names.mu.Lock()
		x.names.add(e, p)
		x.names.mu.Unlock()
	}
	return x.pods.n < maxPods
}

func (x *Index) setPod(e EndpointID, p *model.Pod, class Class, node int32) {
	x.pods.set(int(e), podPlace{p, class, node}, x.version)
}

// class returns the class of c.key, if there is one.
func (c *compiler) class() (Class, bool) {
	id, ok := c.classIDs.number(c.key.n)
	if !ok {
		return 0, false
	}
	return c.classOf[id], true
}

// knowsPorts reports whether the port atoms are fine enough for the ports of a
// pod that rules can name, and the possibilities for those that are not known
// few enough (M6).
func (c *compiler) knowsPorts(p *model.Pod) bool {
	if p.PortsUnknown && len(c.doubted) > model.MaxDoubtedNames {
		return false
	}
	for _, q := range p.Ports {
		if _, used := c.names[q.NamedPort]; used && q.Port != 0 && !c.x.port.knows(model.PortRange{Protocol: q.Protocol, First: q.Port, Last: q.Port}) {
			return false
		}
	}
	return true
}

// edit is what becomes of one segment.
type edit struct{ remove, add []int32 } // rules

// updatePolicies exchanges the rules of objects; false if the atoms are too
// coarse for one, or its rank is new.
func (x *Index) updatePolicies(d *model.Delta) bool {
	l := x.line
	c := l.c
	last := map[model.ObjectRef]int{}
	for i := range d.Policies {
		last[d.Policies[i].Object] = i
	}
	edits := map[place]*edit{}
	at := func(r *model.Rule) *edit {
		p := place{r.Direction, r.Rank, c.podSet(&r.Subject)}
		e := edits[p]
		if e == nil {
			e = &edit{}
			edits[p] = e
		}
		return e
	}
	for i := range d.Policies {
		change := &d.Policies[i]
		if last[change.Object] != i {
			continue
		}
		k, ok := l.objects[change.Object]
		if !ok {
			if len(change.Rules) == 0 {
				continue // it has never had any
			}
			k = int32(len(l.objects))
			l.objects[change.Object] = k
		}
		for _, r := range x.objectRules.at(int(k)) {
			e := at(c.x.rule(r))
			e.remove = append(e.remove, r)
		}
		var now []int32
		for j := range change.Rules {
			r := &change.Rules[j]
			if r.Validate() != nil || !l.knows(r) {
				return false
			}
			id := int32(len(c.x.rest.Rules) + len(c.x.added))
			c.x.added = append(c.x.added, *r)
			for i := range r.Peer.Pods {
				c.podSet(&r.Peer.Pods[i])
			}
			peer, known := c.peer(&r.Peer)
			if !known {
				c.place(peer)
			}
			ports, known := c.ports(&r.Ports)
			if !known {
				c.mask(ports)
			}
			c.x.rulePeer, c.x.rulePorts = append(c.x.rulePeer, peer), append(c.x.rulePorts, ports)
			e := at(r)
			e.add = append(e.add, id)
			now = append(now, id)
		}
		x.objectRules.set(int(k), now, x.version)
	}
	for _, p := range c.podSets[len(c.x.sets):] {
		c.x.sets = append(c.x.sets, p.classes)
	}
	x.exchange(edits)
	return true
}

// knows reports whether everything that a rule speaks of is a union of atoms,
// and its rank one that rules have had, alone in its tier and priority.
func (l *lineage) knows(r *model.Rule) bool {
	c := l.c
	if l.actions[rankOf{r.Rank, r.Direction}] != r.Action || c.tieOf[tier{r.Direction, r.Rank.Tier, r.Rank.Priority}] != 0 {
		return false
	}
	set := func(p *model.PodSet) bool {
		return c.labels.knows(p.Pods) && (p.Namespace != "" || c.ns.labels.knows(p.Namespaces))
	}
	if !set(&r.Subject) {
		return false
	}
	for i := range r.Peer.Pods {
		if !set(&r.Peer.Pods[i]) {
			return false
		}
	}
	for _, b := range r.Peer.Blocks {
		if !c.x.addr.knows(b.CIDR) || slices.ContainsFunc(b.Except, func(e netip.Prefix) bool { return !c.x.addr.knows(e) }) {
			return false
		}
	}
	for _, p := range r.Ports.Set.Ranges() {
		if !c.x.port.knows(p) {
			return false
		}
	}
	for _, n := range r.Ports.Named {
		if _, ok := c.names[n]; !ok || r.Action != model.Allow && !c.doubted[n.Name] {
			return false
		}
	}
	return true
}

// swap is a segment of a program and what takes its place; -1 is none.
type swap struct{ old, now int32 }

// exchange makes the edited segments and puts them into the programs of the
// classes that they select.
func (x *Index) exchange(edits map[place]*edit) {
	c := x.line.c
	type subject struct {
		set int32
		dir model.Direction
	}
	swaps := map[subject][]swap{}
	var subjects []subject // in a fixed order, so that equal changes make equal versions
	for _, p := range slices.SortedFunc(maps.Keys(edits), place.compare) {
		e := edits[p]
		k, ok := c.placeIDs[p]
		if !ok {
			k = int32(len(c.placeIDs))
			c.placeIDs[p] = k
		}
		s := swap{x.placeAt.at(int(k)) - 1, -1}
		var rules []int32
		if s.old >= 0 {
			for _, r := range c.x.segments[s.old].rules {
				if !slices.Contains(e.remove, r) {
					rules = append(rules, r)
				}
			}
		}
		if rules = append(rules, e.add...); len(rules) > 0 {
			s.now = int32(c.segment(p, rules))
		}
		x.placeAt.set(int(k), s.now+1, x.version)
		g := subject{p.subject, p.dir}
		if swaps[g] == nil {
			subjects = append(subjects, g)
		}
		swaps[g] = append(swaps[g], s)
	}
	for _, g := range subjects {
		list := swaps[g]
		slices.SortFunc(list, func(a, b swap) int { return cmp.Compare(a.now, b.now) })
		known := map[uint32]uint32{} // program -> what it becomes
		for _, cl := range c.podSets[g.set].ids {
			programs := x.programOf.get(int(cl))
			old := programs[g.dir]
			now, ok := known[old]
			if !ok {
				now = c.program(c.swapped(c.x.programs[old].segments, list))
				known[old] = now
			}
			programs[g.dir] = now
			x.programOf.set(int(cl), programs, x.version)
		}
	}
}

// segment makes the segment of a place from its rules.
func (c *compiler) segment(p place, rules []int32) uint32 {
	first := c.x.rule(rules[0])
	g := segment{action: first.Action, tier: p.rank.Tier, tie: c.tieOf[tier{p.dir, p.rank.Tier, p.rank.Priority}], policy: p.rank.Ordinal, rules: rules}
	seen := map[entryKey]bool{}
	for _, r := range rules {
		g.add(entry{c.x.rulePeer[r], c.x.rulePorts[r]}, 0, seen)
	}
	c.x.segments = append(c.x.segments, g)
	return uint32(len(c.x.segments) - 1)
}

// swapped returns the segments of a program after the swaps, in rank order.
func (c *compiler) swapped(segments []uint32, swaps []swap) []uint32 {
	out := make([]uint32, 0, len(segments)+len(swaps))
	for _, g := range segments {
		if !slices.ContainsFunc(swaps, func(s swap) bool { return s.old == int32(g) }) {
			out = append(out, g)
		}
	}
	rank := func(g uint32) model.Rank { return c.x.rule(c.x.segments[g].rules[0]).Rank }
	for _, s := range swaps {
		if s.now >= 0 {
			at, _ := slices.BinarySearchFunc(out, rank(uint32(s.now)), func(g uint32, r model.Rank) int { return rank(g).Compare(r) })
			out = slices.Insert(out, at, uint32(s.now))
		}
	}
	return out
}

// assemble makes the snapshot of a version that Apply made, and says where in
// it each rule is.
func (x *Index) assemble() (*model.Snapshot, []int32) {
	s := *x.rest
	s.Pods = make([]model.Pod, x.pods.n)
	for i := range s.Pods {
		if p := x.pods.get(i).pod; p != nil {
			s.Pods[i] = *p
		} else {
			s.Pods[i] = model.Pod{Dormant: true}
		}
	}
	live := make([]bool, len(x.rest.Rules)+len(x.added))
	for i := range x.rest.Rules {
		live[i] = x.rest.Rules[i].Object == model.ObjectRef{}
	}
	for i := range x.objectRules.n {
		for _, r := range x.objectRules.get(i) {
			live[r] = true
		}
	}
	s.Rules = nil
	at := make([]int32, len(live))
	for i, is := range live {
		if is {
			at[i] = int32(len(s.Rules))
			s.Rules = append(s.Rules, *x.rule(int32(i)))
		}
	}
	return &s, at
}
