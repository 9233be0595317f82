package solver

import (
	"errors"
	"iter"
	"net/netip"
	"slices"

	"github.com/bits-and-blooms/bitset"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// MaxGroups is how many groups of one assertion are kept.
const MaxGroups = 10_000

// Result says whether an Assertion holds.
type Result struct {
	Assertion *Assertion
	// Truth is Yes when it holds. It holds with waivers when Waived is not
	// empty, which lists what they accept.
	Truth  Truth
	Reason string // why it is uncertain, where no group shows it
	// Empty are the expressions that select nothing. Unless the assertion
	// allows that it does not hold then, whatever else there is.
	Empty []*EmptyError
	// Total counts the pairs that the assertion is about. Violating do not
	// connect as it wants, and MaybeViolating more may not: pairs of two
	// endpoints, outside addresses that policies and the assertion treat alike
	// being one; pods in their directions, for Covered. What waivers accept is not
	// in them.
	Total, Violating, MaybeViolating int
	// Ports are those on which pairs violate it: that are open, or, for
	// Reachable, are not. Without a certain violation those on which pairs may.
	Ports model.PortSet
	// Groups are the pairs that violate it, or may, by who they belong to:
	// certain ones first, then by name; at most MaxGroups of GroupCount.
	Groups     []Group
	GroupCount int
	Waived     []Group
	Waivers    []WaiverUse // of each Waiver
}

// WaiverUse says what a Waiver does.
type WaiverUse uint8

// The uses of a waiver.
const (
	WaiverIdle    WaiverUse = iota // it accepts nothing that is not as the assertion wants
	WaiverUsed                     // it accepts something
	WaiverExpired                  // it counts no more
)

// Group is the pairs of a violation that belong to one workload, the nodes or
// the outside on each side.
type Group struct {
	From, To string // To is "" for Covered
	// FromCIDRs and ToCIDRs are the addresses, for outside parties.
	FromCIDRs, ToCIDRs []netip.Prefix
	Direction          model.Direction // Covered
	Certain            bool            // some pair violates; otherwise some may
	Pairs              int             // that violate, or may when none does for certain
	Ports              model.PortSet   // on which they do
	Samples            []Sample        // pairs that show it, at least one, none for Covered
	Pod                engine.EndpointID
	Waiver             int // that accepts it; -1
	opens              bool
}

// Sample is a pair of a Group and the ports on which it violates.
type Sample struct {
	Witness Witness
	Ports   model.PortSet
	Lacks   []string // port names that the destination lacks
}

// Check tells for each assertion, in order, whether it holds. Cost: for each
// O(endpoints) plus one evaluation for each pair of its classes, or rows of them
// for many (engine.Index.RowsBetween); for one that does not hold, in
// addition, as many again for each waiver, and O(pairs of workloads/64 +
// groups kept).
func Check(x *engine.Index, assertions []Assertion) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for i := range assertions {
			if !yield(checkOne(x, &assertions[i], rowsPay)) {
				return
			}
		}
	}
}

// question is an assertion with its sides resolved.
type resolved struct {
	from, to []Ends
	except   []exception
	waivers  []exception
}

func checkOne(x *engine.Index, a *Assertion, rowsPay int) Result {
	r := Result{Assertion: a, Waivers: make([]WaiverUse, len(a.Waivers))}
	q := resolved{}
	for i := range a.Waivers {
		if a.Waivers[i].Expired {
			r.Waivers[i] = WaiverExpired
		}
	}
	q.from, q.to = r.sides(x)
	for i := range a.Except {
		e := &a.Except[i]
		q.except = append(q.except, exception{r.resolve(x, e.From), r.resolve(x, e.To), e.Ports})
	}
	if len(r.Empty) > 0 && !a.AllowEmpty {
		if !q.empty(a) { // what violates it all the same must not hide behind that
			r.check(x, &q, rowsPay)
		}
		r.Truth = No
		return r
	}
	r.check(x, &q, rowsPay)
	return r
}

// empty reports whether nothing is asked because a side is empty, or the ports.
func (q *resolved) empty(a *Assertion) bool {
	nothing := func(side []Ends) bool {
		return side != nil && !slices.ContainsFunc(side, func(e Ends) bool { return !e.Set.Empty() })
	}
	onlyNames := a.Expect != Covered && a.Expect != DNS && !a.Ports.everyPort() && a.Ports.Set.Empty()
	return nothing(q.from) || nothing(q.to) || onlyNames || q.outsideOnly(a)
}

// outsideOnly reports whether no pair is asked about because no connection is
// between two outside addresses (R114).
func (q *resolved) outsideOnly(a *Assertion) bool {
	only := func(side []Ends) bool {
		return !slices.ContainsFunc(side, func(e Ends) bool { return e.Set.Pods()+e.Set.Nodes() > 0 || e.Set.Empty() })
	}
	return (a.Expect == Isolated || a.Expect == Reachable || a.Expect == Exists) && only(q.from) && only(q.to)
}

// check checks the assertion once its sides are resolved.
func (r *Result) check(x *engine.Index, q *resolved, rowsPay int) {
	a := r.Assertion
	for i := range a.Waivers {
		w := &a.Waivers[i]
		q.waivers = append(q.waivers, exception{from: r.waives(x, w.From), to: r.waives(x, w.To)})
	}
	if name := undecided(x, a); name != "" {
		r.Truth, r.Reason = Uncertain, name
		return
	}
	bare := look(x, a, q, q.except, rowsPay)
	bare.into(r)
	if r.Truth == Yes || len(q.waivers) == 0 {
		return
	}
	if a.Expect == Exists { // its waivers are of the whole
		for i := range q.waivers {
			if r.Waivers[i] == WaiverExpired {
				continue
			}
			r.Waivers[i] = WaiverUsed
			for _, g := range r.Groups {
				g.Waiver = i
				r.Waived = append(r.Waived, g)
			}
			r.Truth, r.Groups, r.GroupCount, r.Violating, r.MaybeViolating, r.Ports = Yes, nil, 0, 0, 0, model.PortSet{}
			break
		}
		return
	}
	all := slices.Clone(q.except)
	idle := 0
	for i := range q.waivers {
		if r.Waivers[i] == WaiverExpired {
			continue
		}
		all = append(all, q.waivers[i])
		if one := look(x, a, q, append(slices.Clone(q.except), q.waivers[i]), rowsPay); one.differs(&bare) {
			r.Waivers[i] = WaiverUsed
		} else {
			idle++
		}
	}
	if len(all) == len(q.except) {
		return
	}
	left := look(x, a, q, all, rowsPay)
	// What alone accepts nothing may do so with others: each in one family.
	for i := range q.waivers {
		if r.Waivers[i] != WaiverIdle || idle < 2 {
			continue
		}
		others := slices.Clone(q.except)
		for j := range q.waivers {
			if j != i && r.Waivers[j] != WaiverExpired {
				others = append(others, q.waivers[j])
			}
		}
		if without := look(x, a, q, others, rowsPay); without.differs(&left) {
			r.Waivers[i] = WaiverUsed
		}
	}
	groups := r.Groups
	left.into(r)
	open := map[[3]string]bool{}
	for i := range r.Groups {
		open[r.Groups[i].key()] = true
	}
	for _, g := range groups {
		if !open[g.key()] {
			g.Waiver = r.waiverOf(a, q, &g)
			r.Waived = append(r.Waived, g)
		}
	}
}

// waiverOf is the first waiver that holds the sample of a group.
func (r *Result) waiverOf(a *Assertion, q *resolved, g *Group) int {
	first := -1
	for i := range q.waivers {
		if r.Waivers[i] != WaiverUsed {
			continue
		}
		if first < 0 {
			first = i
		}
		has := func(side []Ends, e engine.EndpointID) bool {
			return side == nil || slices.ContainsFunc(side, func(s Ends) bool { return s.Set.Contains(e) })
		}
		if a.Expect == Covered && has(q.waivers[i].from, g.Pod) {
			return i
		}
		if len(g.Samples) > 0 && has(q.waivers[i].from, g.Samples[0].Witness.Flow.Src) && has(q.waivers[i].to, g.Samples[0].Witness.Flow.Dst) {
			return i
		}
	}
	return first
}

// sides resolves the two sides of an assertion.
func (r *Result) sides(x *engine.Index) (from, to []Ends) {
	a := r.Assertion
	fromSide, toSide := a.From, a.To
	if a.Expect == DNS || a.Expect == Covered {
		if fromSide == nil {
			fromSide = everyPod()
		}
		if toSide == nil && a.Expect == DNS {
			toSide = DNSPods()
		}
	}
	from = r.resolve(x, fromSide)
	to = r.resolve(x, toSide)
	if a.Expect != Covered && !a.Ports.everyPort() && len(a.Ports.Names) > 0 {
		r.portNames(x, to)
	}
	if q := (&resolved{from: from, to: to}); q.outsideOnly(a) {
		r.Empty = append(r.Empty, &EmptyError{Expr: a.To[0], Message: "both sides are outside addresses, and no connection is between two of those (R114)"})
	}
	return from, to
}

func (r *Result) resolve(x *engine.Index, s Side) []Ends {
	if s == nil {
		return nil
	}
	out := []Ends{}
	for _, e := range s {
		ends, err := Resolve(x, e)
		var empty *EmptyError
		if errors.As(err, &empty) {
			r.Empty = append(r.Empty, empty)
		}
		out = append(out, ends)
	}
	return out
}

// waives resolves a side of a waiver, which may select nothing.
func (r *Result) waives(x *engine.Index, s Side) []Ends {
	n := len(r.Empty)
	out := r.resolve(x, s)
	r.Empty = r.Empty[:n]
	return out
}

// portNames notes the port names that no destination has.
func (r *Result) portNames(x *engine.Index, to []Ends) {
	has := map[string]bool{}
	for i := range to {
		for id := range to[i].Set.All() {
			there, known := namesAt(x, r.Assertion.Ports, id)
			for _, n := range r.Assertion.Ports.Names {
				has[n.Name] = has[n.Name] || there[n.Name] || !known
			}
		}
	}
	said := map[string]bool{}
	for _, n := range r.Assertion.Ports.Names {
		if !has[n.Name] && !said[n.Name] {
			said[n.Name] = true
			r.Empty = append(r.Empty, &EmptyError{Expr: Expr{Text: n.Name}, Message: "no destination has a port of that name"})
		}
	}
}

// undecided says that some expression selects by a label of which the snapshot
// does not say which pods have it (R66).
func undecided(x *engine.Index, a *Assertion) string {
	sides := []Side{a.From, a.To}
	if a.Expect == DNS && a.To == nil {
		sides[1] = DNSPods()
	}
	for i := range a.Except {
		sides = append(sides, a.Except[i].From, a.Except[i].To)
	}
	for i := range a.Waivers {
		sides = append(sides, a.Waivers[i].From, a.Waivers[i].To)
	}
	for _, s := range sides {
		for _, e := range s {
			if key := Undecided(x, e); key != "" {
				return "\"" + e.String() + "\" selects by the label " + key + ", and the input does not say which pods have it (R66)"
			}
		}
	}
	return ""
}

// Undecided returns the key of a label by which an expression selects and of
// which the snapshot does not say whether some pod has it (R66); "" when there
// is none.
func Undecided(x *engine.Index, e Expr) string {
	var rest model.Selector
	var doubted []model.Requirement
	for _, r := range e.Pods.Pods {
		if q := model.Undecided(r); x.Select(model.PodSet{Pods: model.Selector{q}}).Empty() {
			rest = append(rest, r)
		} else {
			doubted = append(doubted, q)
		}
	}
	for _, q := range doubted {
		set := e.Pods
		if set.Pods = append(slices.Clone(rest), q); !x.Select(set).Empty() {
			key, _ := model.UncertainLabel(q.Key)
			return key
		}
	}
	return ""
}

// finding is what one look at an assertion found.
type finding struct {
	truth             Truth
	total             int
	certain           int // pairs
	maybe             int
	ports, maybePorts model.PortSet
	groups            []Group
	groupCount        int
}

func (f *finding) differs(g *finding) bool {
	return f.truth != g.truth || f.certain != g.certain || f.maybe != g.maybe
}

// keep leaves certain what another look found certain too.
func (f *finding) keep(g *finding) {
	f.maybe, f.certain = f.maybe+f.certain-g.certain, g.certain
	f.maybePorts, f.ports = f.maybePorts.Union(f.ports), g.ports
	certain := map[[3]string]bool{}
	for i := range g.groups {
		certain[g.groups[i].key()] = g.groups[i].Certain
	}
	for i := range f.groups {
		f.groups[i].Certain = f.groups[i].Certain && (certain[f.groups[i].key()] || g.groupCount > len(g.groups))
	}
	slices.SortStableFunc(f.groups, func(p, q Group) int { return count(q.Certain) - count(p.Certain) })
}

func (g *Group) key() [3]string { return [3]string{g.From, g.To, g.Direction.String()} }

func (f *finding) into(r *Result) {
	r.Truth, r.Total, r.Violating, r.MaybeViolating, r.Groups, r.GroupCount = f.truth, f.total, f.certain, f.maybe, f.groups, f.groupCount
	r.Ports = f.ports
	if f.certain == 0 {
		r.Ports = f.maybePorts
	}
}

// look checks an assertion with some exceptions. An exception by an address
// that several own may hold any of the owners: what comes out of none and of
// all of them is certain when it is the same.
func look(x *engine.Index, a *Assertion, q *resolved, except []exception, rowsPay int) finding {
	all := except
	if a.Expect == Only {
		all = append(slices.Clone(except), exception{from: q.from})
	}
	f := lookOnce(x, a, q, all, false, rowsPay)
	contested := slices.ContainsFunc(all, func(e exception) bool {
		return slices.ContainsFunc(slices.Concat(e.from, e.to), func(s Ends) bool { return s.Contested })
	})
	if !contested {
		return f
	}
	g := lookOnce(x, a, q, all, true, rowsPay)
	if g.truth == No && f.truth == No && a.Expect != Exists {
		f.keep(&g)
	}
	if g.truth != f.truth {
		f.truth = Uncertain
		f.maybe, f.certain = f.maybe+f.certain, 0
		f.maybePorts, f.ports = f.maybePorts.Union(f.ports), model.PortSet{}
		for i := range f.groups {
			f.groups[i].Certain = false
		}
	}
	return f
}

func lookOnce(x *engine.Index, a *Assertion, q *resolved, except []exception, contested bool, rowsPay int) finding {
	if a.Expect == Covered {
		return lookCovered(x, a, q, except, contested)
	}
	c := &checker{x: x, a: *a, except: except, contested: contested, rowsPay: rowsPay,
		markAt: map[string]int{}, wantAtKey: map[string]int{}, partyAt: map[string]int{}, owners: map[engine.EndpointID]bool{}, overlap: map[[3]int]int{}, near: map[[2]int][]nearPods{}, known: map[outsidePair]violation{}, alike: map[alikeKey]alikeGroup{}}
	from := q.from
	switch a.Expect {
	case Only:
		from = []Ends{{Set: x.AllPods().Union(x.AllNodes()).Union(x.Outside(everyAddress()))}}
	case DNS:
		c.a.Ports = dnsPorts()
		from = []Ends{restricted(x, q.from, q.to)}
	}
	c.sameWant = len(c.a.Ports.Names) == 0 && !slices.ContainsFunc(except, func(e exception) bool { return len(e.ports.Names) > 0 })
	c.load(from, q.to)
	c.look()
	return c.conclude()
}

type checker struct {
	x         *engine.Index
	a         Assertion
	except    []exception
	contested bool // an exception by a contested address holds every owner
	rowsPay   int

	from, to  []sideCell
	toByEnd   map[engine.EndpointID][]int
	owners    map[engine.EndpointID]bool // of addresses that several own
	self      *engine.EndpointID         // both sides name this one pod, or its workload
	selfIs    model.Bounds
	twins     bool // two pods of the workload are meant
	oneEach   bool // both sides name one endpoint, where an address may mean several
	allMarks  []string
	markAt    map[string]int
	wants     []want
	wantAtKey map[string]int
	sameWant  bool // every destination
	parties   []string
	partyAt   map[string]int
	overlap   map[[3]int]int        // cell of from, cell of to, party: pods that are in both
	near      map[[2]int][]nearPods // of named hosts
	asks      map[askKey]*asked
	known     map[outsidePair]violation
	alike     map[alikeKey]alikeGroup

	violating []*bitset.BitSet // by party of from: parties of to
	out       finding
}

// nearPods are pairs of a named host and a pod that are, or may be, on one node.
type nearPods struct {
	own    model.Verdict
	p, q   int // parties
	n      int
	sample [2]engine.EndpointID
}

func (c *checker) load(from, to []Ends) {
	f, t := c.elements(from, false), c.elements(to, true)
	c.loadSelf(from, to, f, t)
	for _, e := range slices.Concat(f, t) {
		if len(e.owners) > 1 {
			for _, id := range e.owners {
				c.owners[id] = true
			}
		}
	}
	var fromByEnd map[engine.EndpointID][]int
	c.from, fromByEnd = c.cells(f, false)
	c.to, c.toByEnd = c.cells(t, true)
	if c.self != nil {
		return
	}
	for i := range f {
		e := &f[i]
		id := e.owners[0]
		if !id.IsPod() || len(e.owners) > 1 {
			continue
		}
		js := c.toByEnd[id]
		if len(js) == 0 {
			continue
		}
		p := c.party(e)
		for _, i := range slices.Compact(slices.Sorted(slices.Values(fromByEnd[id]))) {
			for _, j := range js {
				c.overlap[[3]int{i, j, p}]++
			}
		}
		delete(fromByEnd, id) // another element of the pod has the same cells
	}
	c.loadNear()
}

// loadSelf finds the one pod that both sides consist of, when both name it:
// as Ask has it.
func (c *checker) loadSelf(from, to []Ends, f, t []element) {
	if len(f) != 1 || len(t) != 1 || c.a.Expect == Only || c.a.Expect == DNS {
		return
	}
	q := Question{From: from[0], To: to[0]}
	for _, e := range slices.Concat(from, to) {
		if !e.Named {
			return
		}
	}
	id := f[0].owners[0]
	if len(f[0].owners)+len(t[0].owners) > 2 {
		c.oneEach = true
		return
	}
	if !id.IsPod() || t[0].owners[0] != id {
		return
	}
	a := newAsker(c.x, q)
	c.self, c.selfIs, c.twins = &id, a.itself(id), true
	names := func(ends []Ends) bool {
		return slices.ContainsFunc(ends, func(e Ends) bool { return e.namesPod(c.x, id) })
	}
	if names(from) && names(to) {
		c.twins = false
	}
}

// loadNear finds the pairs of a named host and a pod on its node (R52).
func (c *checker) loadNear() {
	var pods nodePods
	for i := range c.from {
		s := &c.from[i]
		if !s.like.named {
			continue
		}
		if pods.snap == nil {
			var ids []engine.EndpointID
			for id := range c.toByEnd {
				ids = append(ids, id)
			}
			pods = podsByNode(c.x, engine.Of(ids...))
		}
		at := map[[4]int]int{}
		for _, host := range s.like.owners {
			p := c.partyAt[c.partyName(host)]
			for _, pod := range pods.near(host) {
				own := c.x.OwnNode(host, pod)
				if own == model.Denied {
					continue
				}
				q := c.partyAt[c.partyName(pod)]
				for _, j := range c.toByEnd[pod] {
					k := [4]int{j, p, q, int(own)}
					l := c.near[[2]int{i, j}]
					n, ok := at[k]
					if !ok {
						n = len(l)
						at[k] = n
						l = append(l, nearPods{own: own, p: p, q: q, sample: [2]engine.EndpointID{host, pod}})
					}
					l[n].n++
					c.near[[2]int{i, j}] = l
				}
			}
		}
	}
}

func (c *checker) partyName(id engine.EndpointID) string {
	if id.IsNode() {
		return partyNodes
	}
	return WorkloadPath(&c.x.Snapshot().Pods[id])
}
