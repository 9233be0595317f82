package solver

import (
	"cmp"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// By says what the rows of a listing stand for.
type By uint8

// The granularities of a listing.
const (
	ByWorkload By = iota // "NS/kind/name"
	ByPod                // "NS/pod/name"
	ByNamespace
)

// PartyKind says what a Party is.
type PartyKind uint8

// The kinds of party.
const (
	PartyPods       PartyKind = iota // Name is a workload, pod or namespace
	PartyNode                        // Name is "node/NAME"
	PartyExternal                    // addresses outside the cluster
	PartyUnassigned                  // only addresses of the cluster's own ranges that nobody is known to own (R109)
)

// Party is one end of a Connection.
type Party struct {
	Kind      PartyKind
	Namespace string // PartyPods
	Name      string // as printed
}

// Connection is a row of a listing: what From may open to To.
type Connection struct {
	From, To Party
	CIDRs    []netip.Prefix // for an outside party: a minimal cover of what policy admits; not to be changed, rows share it
	Ports    model.PortSet
	Reason   string // for uncertain rows: what the snapshot does not say
}

// Listing is every connection between two sides. Certain rows are the lower
// bound; uncertain ones are what the upper bound adds. Both are sorted.
type Listing struct {
	Certain, Uncertain []Connection
}

// List lists every possible connection from one side to the other, joined by
// workload, pod or namespace. Pairs of a pod or a node with itself do not
// count, nor do pairs of two outside addresses (R114). Cost: O(endpoints) plus an evaluation
// for each pair of classes plus the rows.
func List(x *engine.Index, from, to Ends, by By) Listing {
	l := &lister{x: x, by: by, from: from, to: to, pairs: map[[2]int]*pairBounds{}, partyID: map[Party]int{},
		clusterRanges: ipSet(slices.Concat(x.Snapshot().PodCIDRs, x.Snapshot().ServiceCIDRs)...)}
	l.src = l.members(from.Set)
	l.dst = l.members(to.Set)
	l.podPairs()
	l.outside()
	l.own()
	return l.listing()
}

type lister struct {
	x        *engine.Index
	by       By
	from, to Ends
	src, dst []classMembers
	parties  []Party
	partyID  map[Party]int
	pairs    map[[2]int]*pairBounds
	out      Listing

	clusterRanges *netipx.IPSet // of pods and Services (R110)
}

type pairBounds struct {
	lower, upper model.PortSet
	doubtful     []doubtfulPair // each differs at a port where those before do not
	doubtAt      model.PortSet  // where some of them does
}

// doubtfulPair is two endpoints, or any two of a pair of classes, that differ
// in their bounds.
type doubtfulPair struct {
	class  [2]engine.Class
	ends   [2]engine.EndpointID
	single bool // ends, not class
	ports  model.PortSet
}

// classMembers is one class's members in a set, by party.
type classMembers struct {
	class   engine.Class
	parties []partyMembers
}

type partyMembers struct {
	party int
	first engine.EndpointID
	n     int
}

func (l *lister) party(e engine.EndpointID) int {
	var p Party
	if e.IsNode() {
		p = Party{Kind: PartyNode, Name: "node/" + l.x.Snapshot().Nodes[e.NodeIndex()].Name}
	} else {
		pod := &l.x.Snapshot().Pods[e]
		p = Party{Namespace: pod.Namespace}
		switch l.by {
		case ByPod:
			p.Name = pod.Path()
		case ByNamespace:
			p.Name = pod.Namespace
		default:
			p.Name = WorkloadPath(pod)
		}
	}
	id, ok := l.partyID[p]
	if !ok {
		id = len(l.parties)
		l.partyID[p] = id
		l.parties = append(l.parties, p)
	}
	return id
}

// WorkloadPath is "NS/kind/name" of the workload that a pod belongs to.
func WorkloadPath(p *model.Pod) string {
	return p.Namespace + "/" + p.Workload.Kind + "/" + p.Workload.Name
}

func (l *lister) members(s engine.Set) []classMembers {
	type place struct {
		class engine.Class
		party int
	}
	classAt := map[engine.Class]int{}
	partyAt := map[place]int{}
	var out []classMembers
	for e := range s.All() {
		if e.IsOutside() {
			continue
		}
		k := place{l.x.Class(e), l.party(e)}
		i, ok := classAt[k.class]
		if !ok {
			i = len(out)
			classAt[k.class] = i
			out = append(out, classMembers{class: k.class})
		}
		j, ok := partyAt[k]
		if !ok {
			j = len(out[i].parties)
			partyAt[k] = j
			out[i].parties = append(out[i].parties, partyMembers{k.party, e, 0})
		}
		out[i].parties[j].n++
	}
	return out
}

func (l *lister) flow(src, dst engine.EndpointID) engine.Flow {
	return flowOf(&l.from, &l.to, src, dst)
}

func (l *lister) podPairs() {
	for i := range l.src {
		for j := range l.dst {
			s, d := &l.src[i], &l.dst[j]
			b := l.x.BetweenClassesAt(s.class, d.class, l.flow(0, 0))
			if b.Upper.Empty() {
				continue
			}
			for _, sp := range s.parties {
				for _, dp := range d.parties {
					if s.class == d.class && sp.n == 1 && dp.n == 1 && sp.first == dp.first {
						continue
					}
					l.add(sp.party, dp.party, b, doubtfulPair{class: [2]engine.Class{s.class, d.class}})
				}
			}
		}
	}
}

// add joins what a pair may open to what its parties may.
func (l *lister) add(from, to int, b model.Bounds, d doubtfulPair) {
	if b.Upper.Empty() {
		return
	}
	k := [2]int{from, to}
	p := l.pairs[k]
	if p == nil {
		p = &pairBounds{}
		l.pairs[k] = p
	}
	p.join(b)
	if d.ports = b.Upper.Minus(b.Lower); !p.doubtAt.ContainsAll(d.ports) {
		p.doubtAt = p.doubtAt.Union(d.ports)
		p.doubtful = append(p.doubtful, d)
	}
}

func (p *pairBounds) join(b model.Bounds) {
	if !p.lower.ContainsAll(b.Lower) {
		p.lower = p.lower.Union(b.Lower)
	}
	if !p.upper.ContainsAll(b.Upper) {
		p.upper = p.upper.Union(b.Upper)
	}
}

// reason says why ports of two parties are uncertain.
func (l *lister) reason(parties [2]int, doubtful []doubtfulPair, ports model.PortSet) string {
	for _, d := range doubtful {
		if rest := d.ports.Intersect(ports); !rest.Empty() {
			return Reason(l.x, l.uncertainFlow(parties, d, rest))
		}
	}
	return ""
}

// uncertainFlow finds a flow that shows why ports are uncertain: not from a pod
// to itself, nor from a host to a pod of its node where that does not count.
func (l *lister) uncertainFlow(parties [2]int, d doubtfulPair, ports model.PortSet) engine.Flow {
	f := l.flow(d.ends[0], d.ends[1])
	f.Protocol, f.Port = telling(ports)
	if d.single {
		return f
	}
	left := maxPlainPairs
	for _, f.Src = range l.x.Members(d.class[0]) {
		if !l.from.Set.Contains(f.Src) || l.party(f.Src) != parties[0] {
			continue
		}
		for _, f.Dst = range l.x.Members(d.class[1]) {
			if left--; left < 0 {
				return f
			}
			if f.Src != f.Dst && l.to.Set.Contains(f.Dst) && l.party(f.Dst) == parties[1] && l.x.Verdict(f) == model.Unknown {
				return f
			}
		}
	}
	return f
}

// own adds what a named host reaches on its own node (R52): podPairs has added
// what holds on any node, and a host reaches no less on its own.
func (l *lister) own() {
	if !l.from.Named {
		return
	}
	type key struct {
		src, dst engine.Class
		own      model.Verdict
	}
	known := map[key]model.Bounds{}
	byNode := podsByNode(l.x, l.to.Set)
	for e := range l.from.Set.All() {
		if !isHostEnd(l.x, e) {
			continue
		}
		for _, d := range byNode.near(e) {
			k := key{l.x.Class(e), l.x.Class(d), l.x.OwnNode(e, d)}
			if k.own == model.Denied {
				continue
			}
			b, ok := known[k]
			if !ok {
				b = l.x.BetweenFlow(l.flow(e, d))
				known[k] = b
			}
			l.add(l.party(e), l.party(d), b, doubtfulPair{ends: [2]engine.EndpointID{e, d}, single: true})
		}
	}
}

// outside adds the rows with an outside party: per party, atoms with equal
// ports are joined.
func (l *lister) outside() {
	l.outsideRows(l.src, l.to.Set.Outside(), model.Egress)
	l.outsideRows(l.dst, l.from.Set.Outside(), model.Ingress)
}

// outsideKey is what outside addresses can tell of an inside class.
type outsideKey struct {
	egress  engine.OutsideKey
	ingress engine.Class
}

// outsideParty is a party with the keys of its classes.
type outsideParty struct {
	party int
	keys  []int               // into the classes that stand for a key
	first []engine.EndpointID // a member, for each key
}

// outsideParties returns the parties, those of equal keys in a row, and a
// class for each key.
func (l *lister) outsideParties(inside []classMembers, d model.Direction) (parties []outsideParty, classes []engine.Class) {
	keyID := map[outsideKey]int{}
	at := map[int]int{}
	type pairing struct{ party, key int }
	seen := map[pairing]bool{}
	for i := range inside {
		k := outsideKey{ingress: inside[i].class}
		if d == model.Egress {
			k = outsideKey{egress: l.x.OutsideKey(inside[i].class)}
		}
		id, ok := keyID[k]
		if !ok {
			id = len(classes)
			keyID[k] = id
			classes = append(classes, inside[i].class)
		}
		for _, m := range inside[i].parties {
			j, ok := at[m.party]
			if !ok {
				j = len(parties)
				at[m.party] = j
				parties = append(parties, outsideParty{party: m.party})
			}
			if !seen[pairing{j, id}] {
				seen[pairing{j, id}] = true
				p := &parties[j]
				p.keys, p.first = append(p.keys, id), append(p.first, m.first)
			}
		}
	}
	slices.SortStableFunc(parties, func(p, q outsideParty) int { return slices.Compare(p.keys, q.keys) })
	return parties, classes
}

func (l *lister) outsideRows(inside []classMembers, parts []engine.Outside, d model.Direction) {
	if len(parts) == 0 {
		return
	}
	parties, classes := l.outsideParties(inside, d)
	var certain, uncertain []*outsideRow
	for i := range parties {
		p := &parties[i]
		if i == 0 || !slices.Equal(p.keys, parties[i-1].keys) {
			certain, uncertain = l.joinParts(l.outsideCells(classes, p.keys, parts, d), parts)
		}
		for _, r := range certain {
			l.out.Certain = append(l.out.Certain, l.outsideConnection(r, p, d))
		}
		for _, r := range uncertain {
			l.out.Uncertain = append(l.out.Uncertain, l.outsideConnection(r, p, d))
		}
	}
}

// outsideCell is what parties of equal keys may open to or from one part.
type outsideCell struct {
	pairBounds
	doubtKey   int           // the first of the keys that is uncertain,
	doubtPorts model.PortSet // and at which ports
}

func (l *lister) outsideCells(classes []engine.Class, keys []int, parts []engine.Outside, d model.Direction) []outsideCell {
	cells := make([]outsideCell, len(parts))
	for i, key := range keys {
		for j := range parts {
			src, dst := classes[key], l.x.Class(parts[j].Endpoint)
			if d == model.Ingress {
				src, dst = dst, src
			}
			b := l.x.BetweenClassesAt(src, dst, l.flow(0, 0))
			c := &cells[j]
			c.join(b)
			if c.doubtPorts.Empty() {
				c.doubtKey, c.doubtPorts = i, b.Upper.Minus(b.Lower)
			}
		}
	}
	return cells
}

// outsideRow joins parts with equal ports. Where these are uncertain, the
// first of the parts shows why.
type outsideRow struct {
	ports   model.PortSet
	kind    PartyKind
	builder netipx.IPSetBuilder
	cidrs   []netip.Prefix
	cell    *outsideCell // nil: certain
	part    engine.EndpointID
}

func (l *lister) joinParts(cells []outsideCell, parts []engine.Outside) (certain, uncertain []*outsideRow) {
	// Where nothing says that IPv6 exists, its answer is shown only if it
	// allows something that the IPv4 answer does not (R47).
	everywhere4, some4 := model.AllPorts(), false
	for j := range parts {
		if parts[j].Ranges[0].From().Is4() {
			some4 = true
			everywhere4 = everywhere4.Intersect(cells[j].lower)
		}
	}
	type key struct {
		ports  string
		doubts bool
	}
	at := map[key]*outsideRow{}
	add := func(to *[]*outsideRow, ports model.PortSet, part *engine.Outside, doubt *outsideCell) {
		if ports.Empty() {
			return
		}
		k := key{ports.String(), doubt != nil}
		r := at[k]
		if r == nil {
			r = &outsideRow{ports: ports, kind: PartyExternal, cell: doubt, part: part.Endpoint}
			at[k] = r
			*to = append(*to, r)
		}
		for _, a := range part.Ranges {
			r.builder.AddRange(a)
		}
	}
	for j := range parts {
		c := &cells[j]
		if some4 && !parts[j].Ranges[0].From().Is4() && everywhere4.ContainsAll(c.upper) && c.lower.Empty() {
			continue
		}
		add(&certain, c.lower, &parts[j], nil)
		add(&uncertain, c.upper.Minus(c.lower), &parts[j], c)
	}
	for _, r := range at {
		set := build(&r.builder)
		r.cidrs = set.Prefixes()
		if !slices.ContainsFunc(set.Ranges(), func(a netipx.IPRange) bool { return !l.clusterRanges.ContainsRange(a) }) {
			r.kind = PartyUnassigned
		}
	}
	return certain, uncertain
}

func (l *lister) outsideConnection(r *outsideRow, p *outsideParty, d model.Direction) Connection {
	c := Connection{From: l.parties[p.party], To: Party{Kind: r.kind, Name: "external"}, Ports: r.ports, CIDRs: r.cidrs}
	if r.kind == PartyUnassigned {
		c.To.Name = "cluster-unassigned"
	}
	if r.cell != nil {
		f := engine.Flow{Src: p.first[r.cell.doubtKey], Dst: r.part}
		if d == model.Ingress {
			f.Src, f.Dst = f.Dst, f.Src
		}
		f.Protocol, f.Port = telling(r.cell.doubtPorts)
		c.Reason = Reason(l.x, f)
	}
	if d == model.Ingress {
		c.From, c.To = c.To, c.From
	}
	return c
}

func (l *lister) listing() Listing {
	l.out.Certain = slices.Grow(l.out.Certain, len(l.pairs)) // most pairs have such a row
	for k, b := range l.pairs {
		c := Connection{From: l.parties[k[0]], To: l.parties[k[1]]}
		if !b.lower.Empty() {
			c.Ports = b.lower
			l.out.Certain = append(l.out.Certain, c)
		}
		if rest := b.upper.Minus(b.lower); !rest.Empty() {
			c.Ports = rest
			c.Reason = l.reason(k, b.doubtful, rest)
			l.out.Uncertain = append(l.out.Uncertain, c)
		}
	}
	slices.SortFunc(l.out.Certain, compareConnections)
	slices.SortFunc(l.out.Uncertain, compareConnections)
	return l.out
}

// compareConnections sorts pods, nodes, outside; then by name, addresses and
// ports.
func compareConnections(a, b Connection) int {
	if c := cmp.Or(compareParties(&a.From, &b.From), compareParties(&a.To, &b.To)); c != 0 {
		return c
	}
	return cmp.Or(slices.CompareFunc(a.CIDRs, b.CIDRs, func(p, q netip.Prefix) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	}), cmp.Compare(a.Ports.String(), b.Ports.String()))
}

func compareParties(p, q *Party) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Name, q.Name))
}
