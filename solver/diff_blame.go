package solver

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// maxWorlds bounds the snapshots that are compiled to find out what makes
// changes. Those beyond it are told with all that differs for their ends.
const maxWorlds = 5_000

// Of one object, explainedAlike pairs are explained to find the rule of it that
// decides; when all have the same one, or maxExplained pairs were explained,
// others are told that of the first.
const (
	explainedAlike = 32
	maxExplained   = 4_000
)

// maxCauses bounds into how many changes of different causes one is broken, by
// ports and by ranges of addresses.
const maxCauses = 32

// blamer finds what makes changes.
type blamer struct {
	*joint
	rules  [versions][model.NumDirections]map[string][]*model.Rule // by the namespace of the subject
	known  map[blameKey]*verdictCause
	masks  map[string]uint // what sufficed where the same elements differ
	worlds int

	unsettled map[string]*verdictCause

	byNamespace [model.NumDirections]map[string][]int // objects, by the namespace of what rules that differ select
	ofEnd       map[endKey][]int
	explained   int
	reasons     int // that were looked for
	places      map[placeKey]*placed
}

func newBlamer(j *joint) *blamer {
	return &blamer{joint: j, known: map[blameKey]*verdictCause{}, masks: map[string]uint{}, unsettled: map[string]*verdictCause{}, ofEnd: map[endKey][]int{}, places: map[placeKey]*placed{}}
}

// endKey is an end that rules of a direction select.
type endKey struct {
	id  [versions]engine.EndpointID
	dir model.Direction
}

// placeKey is what the rule of an object that decides is mostly a function of.
type placeKey struct {
	object model.ObjectRef
	port   model.PortRange
	up     bool
}

type placed struct {
	cause Cause
	n     int
	alike bool
}

// blameKey is what a cause is a function of.
type blameKey struct {
	has   [2][versions]bool
	class [2][versions]engine.Class
	end   [2][versions]engine.EndpointID // where classes do not tell: the endpoint itself differs
	port  model.PortRange
	after model.Verdict
}

// verdictCause is why one verdict changed, and at which ports it is the same.
type verdictCause struct {
	causes   []Cause
	unproven bool
	extent   model.PortSet
}

// blame explains the findings.
//
// Everything that differs for the two ends of a pair and that rules can see is
// an element: an edited object of which some rule that differs selects an end,
// the labels, the ports and the network of an end, the labels of a namespace,
// nodes, ranges. When there is one element it is the cause: without it the two
// versions say the same of the pair (see joint.touch). Otherwise the pair is
// put alone into a snapshot with some elements as they were and others as they
// are, which decides it as the cluster would, because no other endpoint has a
// part in it. The cause is one element that suffices to make the verdict what
// it is now; if none does, a set of which none can be left out.
func (d *comparison) blame() {
	b := d.blamer
	for i := range d.found {
		f := &d.found[i]
		for _, g := range b.byCause(f) {
			d.changes = append(d.changes, b.change(f, g))
		}
	}
	clear(d.found)
	d.found = d.found[:0]
}

// caused is a part of a movement that has one cause.
type caused struct {
	ports model.PortSet
	cause *verdictCause
	parts []int
}

func (b *blamer) byCause(f *movement) []caused {
	var out []caused
	split := func(cells [2]*jointCell, addr netip.Addr, parts []int) {
		for rest := f.move.ports; !rest.Empty(); {
			c := b.cause(f, cells, addr, rest)
			ports := c.extent.Intersect(rest)
			if len(out) >= maxCauses || ports.Empty() {
				ports = rest
			}
			rest = rest.Minus(ports)
			i := slices.IndexFunc(out, func(g caused) bool { return g.ports.Equal(ports) && sameCauses(g.cause, c) })
			if i < 0 {
				i = len(out)
				out = append(out, caused{ports: ports, cause: c})
			}
			out[i].parts = append(out[i].parts, parts...)
		}
	}
	if len(f.parts) == 0 {
		split(f.cells, netip.Addr{}, nil)
		return joinPorts(out)
	}
	side := 1
	if b.parties[f.parties[0]].Kind == PartyExternal {
		side = 0
	}
	for i, part := range f.parts {
		cells := f.cells
		cells[side] = b.parties[part].cells[0]
		if i == maxCauses {
			split(cells, b.parties[part].addr, f.parts[i:])
			break
		}
		split(cells, b.parties[part].addr, []int{part})
	}
	return out
}

// joinPorts joins parts that have the same cause.
func joinPorts(parts []caused) []caused {
	var out []caused
	for _, p := range parts {
		if i := slices.IndexFunc(out, func(q caused) bool { return sameCauses(q.cause, p.cause) }); i >= 0 {
			out[i].ports = out[i].ports.Union(p.ports)
			continue
		}
		out = append(out, p)
	}
	return out
}

func sameCauses(a, b *verdictCause) bool {
	return a == b || a.unproven == b.unproven && slices.EqualFunc(a.causes, b.causes, func(c, d Cause) bool { return c.key() == d.key() })
}

func (b *blamer) change(f *movement, g caused) Change {
	c := Change{From: b.parties[f.parties[0]].Party, To: b.parties[f.parties[1]].Party, Ports: g.ports, Before: f.move.before, After: f.move.after,
		Some: f.move.some, Because: g.cause.causes, Unproven: g.cause.unproven}
	v := is
	if c.After != model.Unknown {
		v = was
	}
	if (c.After == model.Unknown || c.Before == model.Unknown) && b.reasons < maxExplained {
		b.reasons++
		c.Reason = b.reason(f, &g, v)
	}
	ends := [2]*string{&c.Witness.From, &c.Witness.To}
	for k, cl := range f.cells {
		v := was
		if c.Opened() && cl.has[is] || !cl.has[was] {
			v = is
		}
		end := cl.end[v]
		if k == 1 && cl == f.cells[0] { // two pods that nothing tells apart
			end = cl.second[v]
		}
		*ends[k] = EndpointName(b.x[v], end)
	}
	if len(g.parts) == 0 {
		return c
	}
	var set netipx.IPSetBuilder
	for _, i := range g.parts {
		set.AddRange(b.parties[i].part)
	}
	addresses := build(&set)
	c.CIDRs = addresses.Prefixes()
	outside, witness := &c.To, &c.Witness.To
	if c.From.Kind == PartyExternal {
		outside, witness = &c.From, &c.Witness.From
	}
	*witness = b.parties[g.parts[0]].addr.String()
	var own []netip.Prefix
	for _, s := range b.edits.snap {
		own = slices.Concat(own, s.PodCIDRs, s.ServiceCIDRs)
	}
	if ranges := ipSet(own...); !slices.ContainsFunc(addresses.Ranges(), func(r netipx.IPRange) bool { return !ranges.ContainsRange(r) }) {
		outside.Kind, outside.Name = PartyUnassigned, "cluster-unassigned"
	}
	return c
}

// reason says why the pair that shows a change is uncertain in a version.
func (b *blamer) reason(f *movement, g *caused, v int) string {
	port := g.ports.Ranges()[0]
	flow := engine.Flow{Protocol: port.Protocol, Port: port.First}
	for k, id := range [...]*engine.EndpointID{&flow.Src, &flow.Dst} {
		cl := f.cells[k]
		switch {
		case !cl.has[v]:
			return ""
		case len(g.parts) > 0 && b.parties[f.parties[k]].Kind == PartyExternal:
			*id = b.x[v].Addr(b.parties[g.parts[0]].addr)
		case k == 1 && cl == f.cells[0]:
			*id = cl.second[v]
		default:
			*id = cl.end[v]
		}
	}
	return Reason(b.x[v], flow)
}

// contrast is a pair in both versions: the pair that shows a change, and where
// an end of it is in one version only, another of its party.
type contrast struct {
	ends  [2]contrastEnd
	port  model.PortRange // its first is the port
	up    bool
	alike bool // the ends are two pods for which the same differs
}

// contrastEnd is one end of a contrast: a pod, a node or an address.
type contrastEnd struct {
	pod  [versions]*model.Pod
	node [versions]*model.Node
	addr netip.Addr
	id   [versions]engine.EndpointID
	name string // of the party
}

// cause finds why a pair has another verdict at the first of some ports.
func (b *blamer) cause(f *movement, cells [2]*jointCell, addr netip.Addr, ports model.PortSet) *verdictCause {
	first := ports.Ranges()[0]
	first.Last = first.First
	key := blameKey{port: first, after: f.move.after}
	for k, c := range cells {
		key.has[k], key.class[k] = c.has, c.class
		if c.changed || !c.has[was] || !c.has[is] || b.parties[f.parties[k]].Kind == PartyNode {
			key.end[k] = c.end
		}
	}
	if v := b.arrivals(f); v != nil {
		return v
	}
	if v := b.known[key]; v != nil {
		return v
	}
	c := &contrast{port: first, up: openness(f.move.after) > openness(f.move.before)}
	for k, cl := range cells {
		var taken *contrastEnd
		if k == 1 && f.parties[0] == f.parties[1] {
			taken = &c.ends[0]
		}
		c.ends[k] = b.contrastEnd(f.parties[k], cl, addr, taken)
	}
	c.alike = cells[0] == cells[1] && sameSeen(&c.ends[0], &c.ends[1])
	v := b.settle(c)
	b.known[key] = v
	return v
}

// sameSeen reports whether what differs of two pods is the same.
func sameSeen(a, b *contrastEnd) bool {
	if a.pod[was] == nil || b.pod[was] == nil || aspectsOf(a.pod[was], a.pod[is]) != aspectsOf(b.pod[was], b.pod[is]) {
		return false
	}
	for v := range versions {
		if !maps.Equal(a.pod[v].Labels, b.pod[v].Labels) {
			return false
		}
	}
	return true
}

// contrastEnd takes the end of a cell in both versions, or one of another cell
// of the party where it is not there; and another than what is taken, because
// an endpoint and itself are no pair (R50).
func (b *blamer) contrastEnd(party int, cl *jointCell, addr netip.Addr, taken *contrastEnd) contrastEnd {
	p := &b.parties[party]
	e := contrastEnd{name: p.Name}
	for v := range versions {
		e.id[v] = p.member(cl, v, taken)
		switch {
		case e.id[v].IsPod():
			e.pod[v] = &b.edits.snap[v].Pods[e.id[v]]
		case e.id[v].IsNode():
			e.node[v] = &b.edits.snap[v].Nodes[e.id[v].NodeIndex()]
		default:
			e.addr = addr
		}
	}
	return e
}

// member is an endpoint of a party in a version: of the cell, if it is there,
// and not what is taken, if there is any other.
func (p *jointParty) member(cl *jointCell, v int, taken *contrastEnd) engine.EndpointID {
	var only engine.EndpointID
	for _, c := range append([]*jointCell{cl}, p.cells...) {
		if !c.has[v] {
			continue
		}
		if taken == nil || c.end[v] != taken.id[v] {
			return c.end[v]
		}
		if only = c.end[v]; c.n > 1 {
			return c.second[v]
		}
	}
	return only
}

// arrivals is the cause of changes that come of a party that is new or gone;
// nil for others.
func (b *blamer) arrivals(f *movement) *verdictCause {
	out := &verdictCause{extent: model.AllPorts()}
	for k, i := range f.parties {
		p := &b.parties[i]
		if p.there[was] && p.there[is] || k == 1 && i == f.parties[0] {
			continue
		}
		c := Cause{Kind: CauseWorkload, Change: Added, Object: p.Name}
		place, v := &c.Is, is
		if p.there[was] {
			c.Change, place, v = Removed, &c.Was, was
		}
		if p.Kind == PartyNode {
			c.Kind, c.Object = CauseNode, ""
		} else {
			place.Origin = b.edits.snap[v].Pods[p.cells[0].end[v]].Origin
		}
		out.causes = append(out.causes, c)
	}
	if len(out.causes) > 0 {
		return out
	}
	if f.parties[0] != f.parties[1] {
		return nil
	}
	// Of a workload to itself there may have been no pair, or be none.
	p := &b.parties[f.parties[0]]
	var n [versions]int
	for _, c := range p.cells {
		for v := range n {
			if c.has[v] {
				n[v] += c.n
			}
		}
	}
	if min(n[was], n[is]) > 1 || n[was] == n[is] {
		return nil
	}
	c := Cause{Kind: CauseWorkload, Object: p.Name, Text: fmt.Sprintf("pods: %d before, %d now", n[was], n[is])}
	for v, place := range [...]*CausePlace{&c.Was, &c.Is} {
		i := slices.IndexFunc(p.cells, func(c *jointCell) bool { return c.has[v] })
		if p.Kind == PartyNode {
			c.Kind, c.Object = CauseNode, ""
		} else {
			place.Origin = b.edits.snap[v].Pods[p.cells[i].end[v]].Origin
		}
	}
	out.causes = []Cause{c}
	return out
}

// settle finds the elements that make a change.
func (b *blamer) settle(c *contrast) *verdictCause {
	elements := b.elements(c)
	out := &verdictCause{extent: model.AllPorts()}
	// Where nothing is compiled any more pairs of the same objects share what is
	// told of them: there can be millions.
	if b.worlds >= maxWorlds && len(elements) > 1 && !slices.ContainsFunc(elements, func(e difference) bool { return e.object == nil }) {
		key := fmt.Sprint(c.up, c.port)
		for i := range elements {
			key += "\x00" + elements[i].text()
		}
		if known := b.unsettled[key]; known != nil {
			return known
		}
		defer func() { b.unsettled[key] = out }()
	}
	all := uint(1)<<len(elements) - 1
	mask := all
	switch {
	case len(elements) == 0:
		out.unproven = true
	case len(elements) > 60:
		elements, out.unproven = elements[:60], true
		mask = 1<<60 - 1
	case len(elements) > 1:
		mask, out.extent, out.unproven = b.suffices(c, elements, all)
	}
	for i := range elements {
		if mask>>i&1 == 0 {
			continue
		}
		// Of two pods of one workload the same may have to differ.
		if cause := b.elementCause(&elements[i], c); !slices.ContainsFunc(out.causes, func(d Cause) bool { return d.key() == cause.key() }) {
			out.causes = append(out.causes, cause)
		}
	}
	if len(out.causes) == 1 && !out.unproven {
		out.extent = out.extent.Intersect(ruleExtent(&out.causes[0], c))
	}
	return out
}

// ruleExtent is the ports that the rule of a cause is about.
func ruleExtent(c *Cause, k *contrast) model.PortSet {
	r := c.Is.Rule
	if !k.up {
		r = c.Was.Rule
	}
	if r == nil || r.Action != model.Allow || r.Ports.All || len(r.Ports.Named) > 0 || !r.Ports.Set.Contains(k.port.Protocol, k.port.First) {
		return model.AllPorts()
	}
	return r.Ports.Set
}

// suffices finds elements that make the verdict what it is now.
func (b *blamer) suffices(c *contrast, elements []difference, all uint) (mask uint, extent model.PortSet, unproven bool) {
	var w *world
	verdict := func(mask uint) (model.Verdict, byVerdict, bool) {
		if b.worlds >= maxWorlds {
			return 0, byVerdict{}, false
		}
		b.worlds++
		if w == nil {
			w = b.world(c, elements)
		}
		bounds, err := w.bounds(mask)
		return bounds.Verdict(c.port.Protocol, c.port.First), split(bounds), err == nil
	}
	key := fmt.Sprint(c.up)
	for i := range elements {
		key += "\x00" + elements[i].text()
	}
	target, now, ok := verdict(all)
	before, _, ok2 := verdict(0)
	if !ok || !ok2 || target == before {
		if m, ok := b.masks[key]; ok { // what it was for another pair
			return m, model.AllPorts(), true
		}
		return all, model.AllPorts(), true
	}
	at := func(mask uint) (model.PortSet, bool) {
		v, ports, ok := verdict(mask)
		return ports[target].Intersect(now[target]), ok && v == target
	}
	candidates := make([]uint, 0, len(elements)+1)
	if m, ok := b.masks[key]; ok && m&(m-1) == 0 {
		candidates = append(candidates, m)
	}
	for i := range elements {
		candidates = append(candidates, 1<<i)
	}
	for _, m := range candidates {
		if ports, ok := at(m); ok {
			b.masks[key] = m
			return m, ports, false
		}
	}
	mask, extent = all, now[target]
	for i := range elements {
		if m := mask &^ (1 << i); m != 0 {
			if ports, ok := at(m); ok {
				mask, extent = m, ports
			}
		}
	}
	b.masks[key] = mask
	return mask, extent, b.worlds >= maxWorlds
}
