package solver

import (
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Mode says what a Question asks of the pairs of its two sides.
type Mode uint8

// The modes.
const (
	Any  Mode = iota // some pair connects on some port
	All              // every pair connects on some port
	None             // no pair connects on any port
)

// Truth is a three-valued answer. The zero Truth is Uncertain.
type Truth uint8

// The answers.
const (
	Uncertain Truth = iota // the snapshot does not say
	Yes
	No
)

// String is "uncertain", "yes" or "no".
func (t Truth) String() string { return [...]string{"uncertain", "yes", "no"}[t] }

// Question asks about connections from any endpoint of From to any of To. A
// pod is never paired with itself, unless both sides name that one pod (R50),
// nor an outside address with another (R114); a node's own pods count only
// where From names hosts (R52).
type Question struct {
	From, To Ends
	Ports    PortQuery
	Mode     Mode
}

// Answer answers a Question.
type Answer struct {
	Truth Truth
	// Witness is a pair that connects (Any: yes or uncertain; None: no or
	// uncertain), or one that does not (All: no or uncertain). Nil otherwise.
	Witness *Witness
	// Ports are those of the question on which some pair certainly connects,
	// MaybePorts those on which some pair may.
	Ports, MaybePorts model.PortSet
	// Everywhere is, for each family, the ports on which some source certainly
	// reaches every outside address of To that is of the family (R112).
	Everywhere [model.NumFamilies]model.PortSet
	// From and To count the endpoints of the sides, parts of outside address
	// space included. Reaching is how many of From certainly connect to some
	// of To; Maybe how many may.
	From, To, Reaching, Maybe int
	// Stops tell what keeps pairs apart, most effective first, for each
	// direction: set when no pair connects. At most maxStopPairs pairs are
	// looked at. NoFamily counts those without an address family in common.
	Stops    [model.NumDirections][]Stop
	NoFamily int
	// Contested is set when a side is an address that several endpoints own:
	// the answer holds for whichever of them it means (R62).
	Contested bool
}

// group is endpoints of one side that the question cannot tell apart.
type group struct {
	class   engine.Class
	ends    [2]engine.EndpointID // the first two members
	n       int
	want    model.Bounds // the ports asked about, at this destination
	outside *engine.Outside
}

// Ask answers q. Cost: O(endpoints of both sides) plus, for few classes, at
// most one evaluation for each pair of their classes: once every port asked
// about is known to be open somewhere, a source costs no more than finding one
// destination that it reaches. For many classes, rows of them
// (engine.Index.RowsBetween), unless the question names addresses or ports.
// Where From names hosts, also O(hosts x pods near one); for an answer
// "no", an explanation of at most maxStopPairs pairs. All of it once for each
// owner of a contested address.
func Ask(x *engine.Index, q Question) Answer { return ask(x, q, rowsPay) }

// ask is Ask, with rows of classes from a number of pairs of groups on.
func ask(x *engine.Index, q Question, rowsPay int) Answer {
	var out Answer
	for i, one := range q.alternatives() {
		a := newAsker(x, one)
		a.rowsPay = rowsPay
		a.pairs()
		a.conclude()
		if a.possible == nil {
			a.stops()
		}
		if i == 0 {
			out = a.answer
		} else {
			out.or(&a.answer)
			out.Contested = true
		}
	}
	return out
}

// Reason says what the snapshot does not say, for an answer that is uncertain.
func (a *Answer) Reason(x *engine.Index) string {
	switch {
	case a.Truth != Uncertain || a.Witness == nil:
		return ""
	case a.Contested:
		return "several endpoints have the address, and which of them it means is not known"
	}
	return Reason(x, a.Witness.Flow)
}

// Between returns the ports on which some pair of the two sides certainly
// connects, and those on which some pair may. Other is left out. Cost: as Ask,
// without witness and explanation.
func Between(x *engine.Index, from, to Ends) model.Bounds {
	var out model.Bounds
	q := Question{From: from, To: to, Ports: PortQuery{Any: true, Set: model.AllPorts()}}
	for i, one := range q.alternatives() {
		a := newAsker(x, one)
		a.pairs()
		if i == 0 {
			out.Lower, out.Upper = a.answer.Ports, a.answer.MaybePorts
			continue
		}
		out.Lower, out.Upper = out.Lower.Intersect(a.answer.Ports), out.Upper.Union(a.answer.MaybePorts)
	}
	return out
}

func newAsker(x *engine.Index, q Question) *asker {
	return &asker{x: x, q: q, rowsPay: rowsPay, outside: map[engine.OutsideKey]outsideReach{}}
}

type asker struct {
	x        *engine.Index
	q        Question
	from, to []group                            // outside addresses come last
	inside   int                                // to[:inside] is not outside
	groupOf  map[groupKey]int                   // into to
	every    model.PortSet                      // asked about at some destination inside
	byNode   nodePods                           // of To; only where From names hosts
	rowsPay  int                                // pairs of groups from which on rows are made
	outside  map[engine.OutsideKey]outsideReach // what was found for a source of this key
	answer   Answer
	// what was found, over all pairs
	certain, possible, notCertain, notPossible *found
}

type found struct {
	src, dst *group
	pair     [2]engine.EndpointID
	ports    model.PortSet
}

// pairs looks at every pair of the question.
func (a *asker) pairs() {
	if p, ok := a.selfTraffic(); ok {
		b := a.itself(p)
		g := &group{class: a.x.Class(p), ends: [2]engine.EndpointID{p, p}, n: 1, want: a.wanted(p)}
		a.from, a.to, a.inside = []group{*g}, []group{*g}, 1
		a.record(g, g, [2]engine.EndpointID{p, p}, b)
		a.answer.Reaching, a.answer.Maybe = count(a.certain != nil), count(a.possible != nil)
	} else {
		a.split()
		a.dropOutside()
		for i := range a.to[:a.inside] {
			if want := a.to[i].want.Upper; !a.every.ContainsAll(want) {
				a.every = a.every.Union(want)
			}
		}
		if a.q.From.Named {
			a.byNode = podsByNode(a.x, a.q.To.Set)
		}
		if a.byRows() {
			a.sources()
		} else {
			for i := range a.from {
				a.source(&a.from[i])
			}
		}
	}
	for i := range a.from {
		a.answer.From += a.from[i].n
	}
	for i := range a.to {
		a.answer.To += a.to[i].n
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dropOutside takes outside addresses off a side when the other side holds
// nothing but such: no question is about them (R114).
func (a *asker) dropOutside() {
	fromInside := insideOf(a.from)
	if a.inside == 0 {
		a.from = a.from[:fromInside]
	}
	if fromInside == 0 {
		a.to = a.to[:a.inside]
	}
}

// selfTraffic returns the one pod that both sides consist of, when both name
// it (a workload of one pod names it too).
func (a *asker) selfTraffic() (engine.EndpointID, bool) {
	f, t := &a.q.From, &a.q.To
	if !f.Named || !t.Named || f.Set.Pods() != 1 || t.Set.Pods() != 1 || f.Set.Nodes()+t.Set.Nodes() > 0 ||
		len(f.Set.Outside())+len(t.Set.Outside()) > 0 {
		return 0, false
	}
	for e := range f.Set.All() {
		return e, t.Set.Contains(e)
	}
	return 0, false
}

// itself is what one pod that is on both sides may open. Where a side names
// the workload and not the pod, two different pods of it are meant, also when
// it has only one at the moment.
func (a *asker) itself(p engine.EndpointID) model.Bounds {
	if a.q.From.namesPod(a.x, p) && a.q.To.namesPod(a.x, p) {
		return a.x.BetweenFlow(a.flow(p, p))
	}
	return a.x.BetweenClasses(a.x.Class(p), a.x.Class(p))
}

// namesPod reports whether the expression names the pod, not its workload.
func (e *Ends) namesPod(x *engine.Index, p engine.EndpointID) bool {
	pod := &x.Snapshot().Pods[p]
	switch {
	case e.Expr.Form != FormPath, e.Expr.Kind == "pod":
		return true
	case pod.Template && pod.Name == pod.Workload.Name: // its only instance
		return false
	}
	return e.Expr.Name == pod.Name
}

// split makes the groups of both sides.
func (a *asker) split() {
	a.from, _ = a.groups(a.q.From.Set, false)
	a.to, a.groupOf = a.groups(a.q.To.Set, true)
	a.inside = insideOf(a.to)
}

// insideOf counts the groups before the first that is outside.
func insideOf(groups []group) int {
	if i := slices.IndexFunc(groups, func(g group) bool { return g.outside != nil }); i >= 0 {
		return i
	}
	return len(groups)
}

// groupKey tells the groups of a side apart.
type groupKey struct {
	class engine.Class
	want  string // the ports asked about at a destination, where the question names ports
}

// key returns the key of an endpoint's group, and the ports asked about there.
func (a *asker) key(e engine.EndpointID, dst bool) (k groupKey, want model.Bounds) {
	k.class = a.x.Class(e)
	if dst {
		want = a.wanted(e)
		if len(a.q.Ports.Names) > 0 {
			k.want = want.Lower.String() + " " + want.Upper.String()
		}
	}
	return k, want
}

// groups splits a side by class, and where port names are asked for, by what
// they stand for.
func (a *asker) groups(s engine.Set, dst bool) ([]group, map[groupKey]int) {
	at := map[groupKey]int{}
	var out []group
	parts := s.Outside() // in the order of their endpoints
	for e := range s.All() {
		k, want := a.key(e, dst)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, group{class: k.class, want: want})
		}
		g := &out[i]
		if g.n < 2 {
			g.ends[g.n] = e
		}
		g.n++
		if e.IsOutside() {
			g.outside, parts = &parts[0], parts[1:]
		}
	}
	return out, at
}

func (a *asker) wanted(e engine.EndpointID) model.Bounds { return PortsAt(a.x, a.q.Ports, e) }

// PortsAt returns the ports that a query means at a destination: names are
// resolved there (R33). Where the ports of the destination are not known, Upper
// is what the names may mean: any port of their protocols (R66).
func PortsAt(x *engine.Index, q PortQuery, e engine.EndpointID) model.Bounds {
	want := model.Bounds{Lower: q.Set, Upper: q.Set}
	if len(q.Names) == 0 || !e.IsPod() {
		return want
	}
	pod := &x.Snapshot().Pods[e]
	for _, p := range pod.Ports {
		if slices.Contains(q.Names, p.NamedPort) {
			want.Lower = want.Lower.Union(model.Port(p.Protocol, p.Port))
		}
	}
	want.Upper = want.Lower
	if pod.PortsUnknown {
		for _, n := range q.Names {
			want.Upper = want.Upper.Union(model.Ports(model.PortRange{Protocol: n.Protocol, First: 1, Last: model.MaxPort}))
		}
	}
	return want
}

// source pairs one group of sources with every group of destinations.
func (a *asker) source(src *group) {
	var reaching, maybe reached
	if r := a.reachOutside(src); r.maybe {
		maybe.n = src.n
		if r.certain {
			reaching.n = src.n
		}
	}
	named := a.q.From.Named && isHostEnd(a.x, src.ends[0]) // its own pods count (R52)
	var row map[engine.Class]model.Bounds                  // classes are met again only where names split them
	if len(a.q.Ports.Names) > 0 {
		row = map[engine.Class]model.Bounds{}
	}
	for i := range a.to[:a.inside] {
		dst := &a.to[i]
		if reaching.n == src.n && a.exhausted() {
			break
		}
		if named && !isHostEnd(a.x, dst.ends[0]) {
			continue
		}
		pair, n := a.distinct(src, dst)
		if n == 0 {
			continue
		}
		b, ok := row[dst.class]
		if !ok {
			b = a.x.BetweenClassesAt(src.class, dst.class, a.flow(0, 0))
			if row != nil {
				row[dst.class] = b
			}
		}
		lower, upper := a.record(src, dst, pair, b)
		if lower {
			reaching.add(src, dst, n)
		}
		if upper {
			maybe.add(src, dst, n)
		}
	}
	if named {
		a.ownNodes(src, &reaching, &maybe)
	}
	a.answer.Reaching += reaching.n
	a.answer.Maybe += maybe.n
}

// exhausted reports whether further pairs can only change how many sources
// reach something.
func (a *asker) exhausted() bool {
	return a.answer.Ports.ContainsAll(a.every) && (a.q.Mode != All || a.notPossible != nil)
}

// familyOf is the family of a part of an atom: an atom of IPv6 may begin among
// the IPv4-mapped addresses.
func familyOf(o *engine.Outside) model.Family {
	if o.Witness.Is4() {
		return model.IPv4
	}
	return model.IPv6
}

// outsideReach is whether a source reaches some outside address of the
// question.
type outsideReach struct{ certain, maybe bool }

// reachOutside pairs a group of sources with the outside destinations, once
// for all groups that those cannot tell apart.
func (a *asker) reachOutside(src *group) outsideReach {
	if src.outside != nil || a.inside == len(a.to) { // R114
		return outsideReach{}
	}
	k := a.x.OutsideKey(src.class)
	r, ok := a.outside[k]
	if ok {
		return r
	}
	var everywhere [model.NumFamilies]model.PortSet
	var some [model.NumFamilies]bool
	for i := range a.to[a.inside:] {
		dst := &a.to[a.inside+i]
		b := a.x.BetweenClassesAt(src.class, dst.class, a.flow(0, 0))
		lower, upper := a.record(src, dst, [2]engine.EndpointID{src.ends[0], dst.ends[0]}, b)
		r.certain, r.maybe = r.certain || lower, r.maybe || upper
		f := familyOf(dst.outside)
		if open := b.Lower.Intersect(dst.want.Lower); some[f] {
			everywhere[f] = everywhere[f].Intersect(open)
		} else {
			everywhere[f], some[f] = open, true
		}
	}
	for f := range everywhere {
		a.answer.Everywhere[f] = a.answer.Everywhere[f].Union(everywhere[f])
	}
	a.outside[k] = r
	return r
}

// reached counts the sources of a group that reach something.
type reached struct {
	n    int
	left engine.EndpointID // when n is all but one: the one
}

// add counts n sources that reach a group of destinations. Where one is left
// out, it is the only destination itself; another may be left out by another
// group, and then all reach something.
func (r *reached) add(src, dst *group, n int) {
	switch {
	case n == src.n || r.n == src.n-1 && r.n > 0 && r.left != dst.ends[0]:
		r.n = src.n
	case r.n < n:
		r.n, r.left = n, dst.ends[0]
	}
}

// has reports whether a source of the group is among those that reach.
func (r *reached) has(src *group, e engine.EndpointID) bool {
	return r.n == src.n || r.n > 0 && e != r.left
}

// distinct returns a pair of two different endpoints, and how many sources are
// part of such a pair.
func (a *asker) distinct(src, dst *group) (pair [2]engine.EndpointID, n int) {
	if src.class != dst.class || src.outside != nil {
		return [2]engine.EndpointID{src.ends[0], dst.ends[0]}, src.n
	}
	if d := dst.ends[0]; dst.n == 1 && src.n > 1 && !d.IsNode() && a.q.From.Set.Contains(d) {
		// A group of several is all of the class that is in From, so d is in it.
		other := src.ends[0]
		if other == d {
			other = src.ends[1]
		}
		return [2]engine.EndpointID{other, d}, src.n - 1
	}
	for _, d := range dst.ends[:min(dst.n, 2)] {
		if d != src.ends[0] || d.IsNode() { // only pods are not paired with themselves
			return [2]engine.EndpointID{src.ends[0], d}, src.n
		}
	}
	return pair, 0
}

// inGroup reports whether a member of a group's class is in the group.
func (a *asker) inGroup(dst *group, e engine.EndpointID) bool {
	return a.q.To.Set.Contains(e) && (len(a.q.Ports.Names) == 0 || sameBounds(a.wanted(e), dst.want))
}

// record notes what a pair shows.
func (a *asker) record(src, dst *group, pair [2]engine.EndpointID, b model.Bounds) (lower, upper bool) {
	lo, up := b.Lower, b.Upper
	if !dst.want.Lower.All() {
		lo, up = lo.Intersect(dst.want.Lower), up.Intersect(dst.want.Upper)
	}
	note := func(at **found, ports model.PortSet) {
		if *at == nil {
			*at = &found{src, dst, pair, ports}
		}
	}
	if lower = !lo.Empty(); lower {
		note(&a.certain, lo)
		if !a.answer.Ports.ContainsAll(lo) {
			a.answer.Ports = a.answer.Ports.Union(lo)
		}
	} else {
		note(&a.notCertain, up)
	}
	if upper = !up.Empty(); upper {
		note(&a.possible, up)
		if !a.answer.MaybePorts.ContainsAll(up) {
			a.answer.MaybePorts = a.answer.MaybePorts.Union(up)
		}
	} else {
		note(&a.notPossible, dst.want.Upper)
	}
	return lower, upper
}

// conclude turns what was found into the answer of the mode.
func (a *asker) conclude() {
	pick := func(yes, maybe *found, ifYes, otherwise Truth, shows model.Verdict) {
		switch {
		case yes != nil:
			a.answer.Truth, a.answer.Witness = ifYes, a.witness(yes, shows)
		case maybe != nil:
			a.answer.Truth, a.answer.Witness = Uncertain, a.witness(maybe, model.Unknown)
		default:
			a.answer.Truth = otherwise
		}
	}
	switch a.q.Mode {
	case All:
		pick(a.notPossible, a.notCertain, No, Yes, model.Denied)
	case None:
		pick(a.certain, a.possible, No, Yes, model.Allowed)
	default:
		pick(a.certain, a.possible, Yes, No, model.Allowed)
	}
}

func sameBounds(a, b model.Bounds) bool { return a.Lower.Equal(b.Lower) && a.Upper.Equal(b.Upper) }
