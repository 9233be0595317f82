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
	PartyUnassigned                  // addresses of the cluster's ranges that nobody is known to own (R109)
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
	CIDRs    []netip.Prefix // for an outside party: a minimal cover of what policy admits
	Ports    model.PortSet
	Reason   string // for uncertain rows: what the snapshot does not say
}

// Listing is every connection between two sides. Certain rows are the lower
// bound; uncertain ones are what the upper bound adds. Both are sorted.
type Listing struct {
	Certain, Uncertain []Connection
}

// List lists every possible connection from one side to the other, joined by
// workload, pod or namespace. Pairs of a pod with itself do not count, nor do
// pairs of two outside addresses (R114). Cost: O(endpoints) plus an evaluation
// for each pair of classes plus the rows.
func List(x *engine.Index, from, to Ends, by By) Listing {
	l := &lister{x: x, by: by, from: from, to: to, pairs: map[[2]int]*pairBounds{}, partyID: map[Party]int{}}
	l.src = l.members(&from.Set)
	l.dst = l.members(&to.Set)
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
}

type pairBounds struct {
	lower, upper model.PortSet
	doubtful     []doubtfulPair
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

func (l *lister) members(s *engine.Set) []classMembers {
	at := map[engine.Class]int{}
	var out []classMembers
	for e := range s.All() {
		if e.IsOutside() {
			continue
		}
		c := l.x.Class(e)
		i, ok := at[c]
		if !ok {
			i = len(out)
			at[c] = i
			out = append(out, classMembers{class: c})
		}
		party := l.party(e)
		ps := out[i].parties
		if n := len(ps); n > 0 && ps[n-1].party == party {
			ps[n-1].n++
			continue
		}
		if j := slices.IndexFunc(ps, func(p partyMembers) bool { return p.party == party }); j >= 0 {
			ps[j].n++
			continue
		}
		out[i].parties = append(out[i].parties, partyMembers{party, e, 1})
	}
	return out
}

func (l *lister) podPairs() {
	for i := range l.src {
		for j := range l.dst {
			s, d := &l.src[i], &l.dst[j]
			b := l.x.BetweenClasses(s.class, d.class)
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
	p.lower = p.lower.Union(b.Lower)
	p.upper = p.upper.Union(b.Upper)
	if d.ports = b.Upper.Minus(b.Lower); !d.ports.Empty() {
		p.doubtful = append(p.doubtful, d)
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
	f := engine.Flow{Src: d.ends[0], Dst: d.ends[1], Family: model.AnyFamily}
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

// own adds what a named host reaches on its own node (R52).
func (l *lister) own() {
	if !l.from.Named {
		return
	}
	s := l.x.Snapshot()
	for e := range l.from.Set.All() {
		if !e.IsNode() && (!e.IsPod() || !s.Pods[e].HostNetwork) {
			continue
		}
		for i := range s.Pods {
			d := engine.EndpointID(i)
			if d != e && l.to.Set.Contains(d) {
				l.add(l.party(e), l.party(d), l.x.Between(e, d), doubtfulPair{ends: [2]engine.EndpointID{e, d}, single: true})
			}
		}
	}
}

// outside adds the rows with an outside party: per party, atoms with equal
// ports are joined.
func (l *lister) outside() {
	l.outsideRows(l.src, l.to.Set.Outside(), model.Egress)
	l.outsideRows(l.dst, l.from.Set.Outside(), model.Ingress)
}

func (l *lister) outsideRows(inside []classMembers, parts []engine.Outside, d model.Direction) {
	if len(parts) == 0 {
		return
	}
	type cell struct {
		pairBounds
		flow engine.Flow
	}
	rows := map[int][]cell{}
	var order []int
	for i := range inside {
		for j := range parts {
			src, dst := inside[i].class, l.x.Class(parts[j].Endpoint)
			if d == model.Ingress {
				src, dst = dst, src
			}
			b := l.x.BetweenClasses(src, dst)
			if b.Upper.Empty() {
				continue
			}
			for _, p := range inside[i].parties {
				if rows[p.party] == nil {
					rows[p.party] = make([]cell, len(parts))
					order = append(order, p.party)
				}
				c := &rows[p.party][j]
				c.lower, c.upper = c.lower.Union(b.Lower), c.upper.Union(b.Upper)
				if rest := b.Upper.Minus(b.Lower); c.flow == (engine.Flow{}) && !rest.Empty() {
					c.flow = engine.Flow{Src: p.first, Dst: parts[j].Endpoint, Family: model.AnyFamily}
					if d == model.Ingress {
						c.flow.Src, c.flow.Dst = c.flow.Dst, c.flow.Src
					}
					c.flow.Protocol, c.flow.Port = telling(rest)
				}
			}
		}
	}
	for _, party := range order {
		cells := rows[party]
		// Where nothing says that IPv6 exists, its answer is shown only if it
		// allows something that the IPv4 answer does not (R47).
		everywhere4, some4 := model.AllPorts(), false
		for j := range parts {
			if parts[j].Ranges[0].From().Is4() {
				some4 = true
				everywhere4 = everywhere4.Intersect(cells[j].lower)
			}
		}
		certain, uncertain := map[string]*outsideRow{}, map[string]*outsideRow{}
		for j := range parts {
			c := &cells[j]
			rest := c.upper.Minus(c.lower)
			if some4 && !parts[j].Ranges[0].From().Is4() && everywhere4.ContainsAll(c.upper) && c.lower.Empty() {
				continue
			}
			l.collect(certain, c.lower, &parts[j], engine.Flow{})
			l.collect(uncertain, rest, &parts[j], c.flow)
		}
		l.out.Certain = append(l.out.Certain, l.outsideConnections(certain, party, d)...)
		l.out.Uncertain = append(l.out.Uncertain, l.outsideConnections(uncertain, party, d)...)
	}
}

type outsideRow struct {
	ports   model.PortSet
	kind    PartyKind
	builder netipx.IPSetBuilder
	flow    engine.Flow
}

func (l *lister) collect(rows map[string]*outsideRow, ports model.PortSet, part *engine.Outside, f engine.Flow) {
	if ports.Empty() {
		return
	}
	kind := PartyExternal
	if l.assigned(part) {
		kind = PartyUnassigned
	}
	k := ports.String() + string(rune('0'+kind))
	r := rows[k]
	if r == nil {
		r = &outsideRow{ports: ports, kind: kind, flow: f}
		rows[k] = r
	}
	for _, a := range part.Ranges {
		r.builder.AddRange(a)
	}
}

// assigned reports whether a part lies wholly inside the cluster's ranges.
func (l *lister) assigned(part *engine.Outside) bool {
	s := l.x.Snapshot()
	for _, r := range part.Ranges {
		in := func(p netip.Prefix) bool { return p.Contains(r.From()) && p.Contains(r.To()) }
		if !slices.ContainsFunc(s.PodCIDRs, in) && !slices.ContainsFunc(s.ServiceCIDRs, in) {
			return false
		}
	}
	return true
}

func (l *lister) outsideConnections(rows map[string]*outsideRow, party int, d model.Direction) []Connection {
	var out []Connection
	for _, r := range rows {
		c := Connection{From: l.parties[party], Ports: r.ports, CIDRs: build(&r.builder).Prefixes()}
		c.To = Party{Kind: r.kind, Name: "external"}
		if r.kind == PartyUnassigned {
			c.To.Name = "cluster-unassigned"
		}
		if d == model.Ingress {
			c.From, c.To = c.To, c.From
		}
		if r.flow != (engine.Flow{}) {
			c.Reason = Reason(l.x, r.flow)
		}
		out = append(out, c)
	}
	return out
}

func (l *lister) listing() Listing {
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
	party := func(p, q Party) int { return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Name, q.Name)) }
	return cmp.Or(party(a.From, b.From), party(a.To, b.To),
		slices.CompareFunc(a.CIDRs, b.CIDRs, func(p, q netip.Prefix) int {
			return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
		}), cmp.Compare(a.Ports.String(), b.Ports.String()))
}
