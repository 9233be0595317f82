package fuzz

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// TestP08FirstMatch: the index, the reference interpreter and a literal reading
// of the rules' normal form give one answer for every tuple.
//
// The normal form is what every policy lowers to (R118, R119): the rule of the
// lowest rank that matches decides. R108 says the same of the objects, and is
// what the oracle does. firstMatch below does it rule by rule, for one
// destination port and one address at a time, in every possible world (R6): so
// it shares with the engine the rules alone, neither atoms nor classes nor
// programs. Ports are those at which a range of a rule or a container port
// begins and ends, and their neighbours; outside addresses one of each atom.
func TestP08FirstMatch(t *testing.T) { holds(t, "P8", 50, firstMatches(model.Block.Contains)) }

func TestP08NoticesExceptsThatAreForgotten(t *testing.T) {
	notices(t, "first match and Verdict: ", firstMatches(func(b model.Block, a netip.Addr) bool { return b.CIDR.Contains(a) }))
}

func firstMatches(holds func(model.Block, netip.Addr) bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (n Count, err error) {
		o, err := Oracle(c)
		if err != nil {
			return n, err
		}
		w, err := read(c)
		if err != nil {
			return n, err
		}
		f := newFirstMatch(w.x.Snapshot(), holds)
		tuples := f.tuples()
		inside, outside := commonEnds(r, []*world{w})
		ask := func(s, d end) error {
			src, _ := w.id(s)
			dst, _ := w.id(d)
			x, y := f.party(w, s), f.party(w, d)
			between := w.x.Between(src, dst)
			if least, most := f.bounds(x, y, tuple{other: true}, model.AnyFamily); otherOf(least, most) != between.Other || o.Other(s, d) != between.Other {
				return &Mismatch{"first match, oracle and Between: other protocols", s, d, 0, 0, model.AnyFamily, []model.Other{otherOf(least, most), o.Other(s, d)}, between.Other}
			}
			t := pick(r, tuples)
			for _, family := range []model.Family{pick(r, []model.Family{model.IPv4, model.IPv6}), model.AnyFamily} {
				want := verdictOf(f.bounds(x, y, t, family))
				n.Verdicts++
				flow := engine.Flow{Src: src, Dst: dst, Protocol: t.protocol, Port: t.port, Family: engine.Only(family)}
				if got := w.x.Verdict(flow); got != want {
					return &Mismatch{"first match and Verdict", s, d, t.protocol, t.port, family, want, got}
				}
				if got := between.Verdict(t.protocol, t.port); family == model.AnyFamily && got != want {
					return &Mismatch{"first match and Between", s, d, t.protocol, t.port, family, want, got}
				}
				if got := o.Verdict(s, d, t.protocol, t.port, family); got != want {
					return &Mismatch{"first match and oracle", s, d, t.protocol, t.port, family, want, got}
				}
			}
			return nil
		}
		for _, s := range inside {
			for _, d := range inside {
				if err := ask(s, d); err != nil {
					return n, err
				}
			}
			for _, e := range outside {
				if err := ask(s, e); err != nil {
					return n, err
				}
				if err := ask(e, s); err != nil {
					return n, err
				}
			}
		}
		return n, nil
	}
}

func verdictOf(lower, upper model.Other) model.Verdict {
	switch {
	case lower == model.OtherYes:
		return model.Allowed
	case upper == model.OtherNo:
		return model.Denied
	}
	return model.Unknown
}

func otherOf(lower, upper model.Other) model.Other {
	return either(lower == upper, lower, model.OtherUnspecified)
}

// firstMatch decides connections by reading the rules of a snapshot one by one.
type firstMatch struct {
	s     *model.Snapshot
	rules []model.Rule // by rank
	names []string     // of ports, that rules use
	edges []netip.Addr // both sides of every edge of a block
	holds func(model.Block, netip.Addr) bool
}

// tuple is a destination port, or the protocols outside U.
type tuple struct {
	protocol model.Protocol
	port     uint16
	other    bool
}

// possibility is what is assumed of what is not known.
type possibility struct {
	own   bool            // the source is the host network of the destination's node (R57)
	hope  bool            // what nobody knows of rules is for the best (R99, R105)
	named map[string]bool // names that the port has at a pod that does not say them all (R66)
}

// party is one end.
type party struct {
	end  end
	pod  *model.Pod
	node *model.Node
}

func newFirstMatch(s *model.Snapshot, holds func(model.Block, netip.Addr) bool) *firstMatch {
	f := &firstMatch{s: s, rules: slices.Clone(s.Rules), holds: holds}
	slices.SortStableFunc(f.rules, func(a, b model.Rule) int { return a.Rank.Compare(b.Rank) })
	names := map[string]bool{}
	for i := range f.rules {
		for _, n := range f.rules[i].Ports.Named {
			names[n.Name] = true
		}
		for _, b := range f.rules[i].Peer.Blocks {
			f.edge(b.CIDR)
			for _, e := range b.Except {
				f.edge(e)
			}
		}
	}
	for _, p := range slices.Concat(s.PodDomain, s.NodeDomain) {
		f.edge(p)
	}
	f.edge(netip.MustParsePrefix("0.0.0.0/0"))
	f.edge(netip.MustParsePrefix("::/0"))
	f.names = slices.Sorted(maps.Keys(names))
	slices.SortFunc(f.edges, netip.Addr.Compare)
	f.edges = slices.Compact(f.edges)
	return f
}

func (f *firstMatch) edge(p netip.Prefix) {
	first := p.Masked().Addr()
	last := first.AsSlice()
	for i := p.Bits(); i < len(last)*8; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	end, _ := netip.AddrFromSlice(last)
	for _, a := range []netip.Addr{first, first.Prev(), end, end.Next()} {
		if a.IsValid() && !a.Is4In6() {
			f.edges = append(f.edges, a)
		}
	}
}

// tuples are the ports at which something begins or ends, and their neighbours.
func (f *firstMatch) tuples() (out []tuple) {
	numbers := map[int]bool{1: true, 53: true, 80: true, 443: true, 8080: true, model.MaxPort: true}
	add := func(n uint16) { numbers[int(n)-1], numbers[int(n)], numbers[int(n)+1] = true, true, true }
	for i := range f.rules {
		for _, r := range f.rules[i].Ports.Set.Ranges() {
			add(r.First)
			add(r.Last)
		}
	}
	for i := range f.s.Pods {
		for _, p := range f.s.Pods[i].Ports {
			add(p.Port)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		for p := range model.Protocol(model.NumProtocols) {
			if 1 <= n && n <= model.MaxPort {
				out = append(out, tuple{protocol: p, port: uint16(n)})
			}
		}
	}
	return out
}

func (f *firstMatch) party(w *world, e end) party {
	out := party{end: e, pod: w.pod(e)}
	if id, _ := w.id(e); id.IsNode() {
		out.node = &f.s.Nodes[id.NodeIndex()]
	}
	return out
}

func (p *party) host() bool { return p.node != nil || p.pod != nil && p.pod.HostNetwork }

// bounds is the least and the most that a connection comes to over all
// possibilities; OtherUnspecified only for protocols outside U.
func (f *firstMatch) bounds(src, dst party, c tuple, family model.Family) (lower, upper model.Other) {
	if src.pod != nil && src.end == dst.end { // R50
		return model.OtherYes, model.OtherYes
	}
	lower, upper = model.OtherYes, model.OtherNo
	for _, named := range f.namings(dst.pod) {
		for _, own := range ownNode(&src, &dst) {
			for _, hope := range []bool{false, true} {
				is := possibility{own, hope, named}
				least, most := model.OtherNo, model.OtherNo
				for fam := range model.AnyFamily {
					if family == model.AnyFamily || family == fam {
						l, m := f.inFamily(&src, &dst, c, fam, is)
						least, most = max(least, l), max(most, m) // over whichever family (R46)
					}
				}
				lower, upper = min(lower, least), max(upper, most)
			}
		}
	}
	return lower, upper
}

// inFamily goes over the addresses: that of the source matters at ingress alone
// and that of the destination at egress alone.
func (f *firstMatch) inFamily(src, dst *party, c tuple, family model.Family, is possibility) (least, most model.Other) {
	least, most = model.OtherYes, model.OtherYes
	over := func(d model.Direction, subject, peer *party, possible [][]netip.Addr) {
		low, high := model.OtherYes, model.OtherNo
		for _, addrs := range possible {
			answer := model.OtherNo // no address, no connection (R46)
			for _, a := range addrs {
				answer = max(answer, f.side(d, subject, peer, a, dst.pod, c, family, is))
			}
			low, high = min(low, answer), max(high, answer)
		}
		least, most = min(least, low), min(most, high) // R3
	}
	from, _ := f.addresses(src, family)
	to, _ := f.addresses(dst, family)
	asSource := [][]netip.Addr{}
	for _, addrs := range from {
		if len(addrs) == 0 {
			asSource = append(asSource, nil)
		}
		for _, a := range addrs { // of several it uses one; which is not known (R58)
			asSource = append(asSource, []netip.Addr{a})
		}
	}
	over(model.Egress, src, dst, to)
	over(model.Ingress, dst, src, asSource)
	return least, most
}

// addresses are the sets of addresses that an end may have in a family, and
// whether that is because they are not known.
func (f *firstMatch) addresses(p *party, family model.Family) (possible [][]netip.Addr, unknown bool) {
	var known []netip.Addr
	some := false // an address of any family
	add := func(a netip.Addr) {
		some = true
		if model.FamilyOf(a) == family {
			known = append(known, a)
		}
	}
	state, domain := model.AddressNone, []netip.Prefix(nil)
	node := p.node
	switch {
	case p.end.Addr.IsValid() && p.pod == nil && p.node == nil:
		add(p.end.Addr)
	case p.node != nil:
		state = f.s.UnknownNode[family]
	case p.pod.HostNetwork:
		state = p.pod.Addresses[family].State
		if p.pod.NodeName == "" {
			domain = f.s.NodeDomain
		}
		for i := range f.s.Nodes {
			if f.s.Nodes[i].Name == p.pod.NodeName && !p.pod.EveryNode {
				node = &f.s.Nodes[i]
			}
		}
	default:
		state, domain = p.pod.Addresses[family].State, f.s.PodDomain
	}
	if node != nil {
		for _, a := range node.Addresses {
			add(a)
		}
	}
	if p.pod != nil {
		for _, a := range p.pod.Addresses {
			if a.State == model.AddressKnown {
				add(a.Addr)
			}
		}
	}
	if some && p.host() || state != model.AddressUnknown && state != model.AddressMaybe {
		return [][]netip.Addr{known}, false
	}
	domain = slices.DeleteFunc(slices.Clone(domain), func(d netip.Prefix) bool { return model.FamilyOf(d.Addr()) != family })
	for _, a := range f.edges {
		if model.FamilyOf(a) == family && (len(domain) == 0 || slices.ContainsFunc(domain, func(d netip.Prefix) bool { return d.Contains(a) })) {
			possible = append(possible, []netip.Addr{a})
		}
	}
	if state == model.AddressMaybe {
		possible = append(possible, nil)
	}
	return possible, true
}

// namings are the names that a port may have at a pod that does not say all of
// them: any (R66).
func (f *firstMatch) namings(dst *model.Pod) []map[string]bool {
	out := []map[string]bool{nil}
	if dst == nil || !dst.PortsUnknown {
		return out
	}
	for _, n := range f.names {
		for _, has := range out {
			more := maps.Clone(has)
			if more == nil {
				more = map[string]bool{}
			}
			more[n] = true
			out = append(out, more)
		}
	}
	return out
}

// ownNode lists what may be of the source and the node of the destination (R57).
func ownNode(src, dst *party) []bool {
	if !src.host() || dst.pod == nil || dst.pod.HostNetwork {
		return []bool{false}
	}
	node := ""
	if src.node != nil {
		node = src.node.Name
	} else if node = src.pod.NodeName; src.pod.EveryNode {
		return []bool{true}
	}
	if node == "" || dst.pod.NodeName == "" {
		return []bool{false, true}
	}
	return []bool{node == dst.pod.NodeName}
}

// side is the first match: the rules of a subject, in the order of their ranks.
func (f *firstMatch) side(d model.Direction, subject, peer *party, addr netip.Addr, dst *model.Pod, c tuple, family model.Family, is possibility) model.Other {
	x := subject.pod
	if x == nil || x.HostNetwork { // no subject (R3, M1)
		return model.OtherYes
	}
	passed := -1
	for i := 0; i < len(f.rules); {
		first := &f.rules[i].Rank
		j := i
		var found []model.Action // by each policy of this tier and priority (R105)
		done := int32(-1)
		for ; j < len(f.rules) && f.rules[j].Rank.Tier == first.Tier && f.rules[j].Rank.Priority == first.Priority; j++ {
			r := &f.rules[j]
			if r.Direction != d || int(r.Rank.Tier) == passed || done == r.Rank.Ordinal || r.Action == model.MayAllow && !is.hope {
				continue
			}
			if !f.in(r.Subject, x) || !f.peer(&r.Peer, subject, peer, addr, family, d, is) {
				continue
			}
			if c.other {
				switch r.Ports.Other {
				case model.OtherNo:
					continue
				case model.OtherUnspecified:
					return model.OtherUnspecified
				}
			} else if !f.ports(&r.Ports, dst, c, is) {
				continue
			}
			done = r.Rank.Ordinal
			switch r.Action {
			case model.Uncertain, model.MayAllow:
				found = append(found, either(is.hope, model.Allow, model.Deny))
			default:
				found = append(found, r.Action)
			}
		}
		i = j
		if len(found) == 0 {
			continue
		}
		order := []model.Action{model.Deny, model.Pass, model.Allow} // from the worst
		slices.SortFunc(found, func(a, b model.Action) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
		switch either(is.hope, found[len(found)-1], found[0]) {
		case model.Allow:
			return model.OtherYes
		case model.Deny:
			return model.OtherNo
		}
		passed = int(first.Tier)
	}
	return model.OtherYes
}

// in reports whether a pod set of a rule holds a pod.
func (f *firstMatch) in(set model.PodSet, p *model.Pod) bool {
	if p == nil || p.HostNetwork || !set.Pods.Matches(p.Labels) { // M1
		return false
	}
	if set.Namespace != "" {
		return set.Namespace == p.Namespace
	}
	for i := range f.s.Namespaces {
		if f.s.Namespaces[i].Name == p.Namespace {
			return set.Namespaces.Matches(f.s.Namespaces[i].Labels)
		}
	}
	panic(fmt.Sprintf("no namespace %s", p.Namespace)) // M4
}

func (f *firstMatch) peer(p *model.Peer, subject, y *party, addr netip.Addr, family model.Family, d model.Direction, is possibility) bool {
	if p.Any {
		return true
	}
	for _, set := range p.Pods {
		if f.in(set, y.pod) {
			return true
		}
	}
	outside := y.pod == nil && y.node == nil
	for _, b := range p.Blocks {
		if f.holds(b, addr) && (!b.ExternalOnly || outside) {
			return true
		}
	}
	if _, lost := f.addresses(y, family); p.UnknownHosts && y.host() && lost {
		return true
	}
	return p.Relation == model.Self && subject.end == y.end || p.Relation == model.OwnNode && d == model.Ingress && is.own
}

func (f *firstMatch) ports(p *model.RulePorts, dst *model.Pod, c tuple, is possibility) bool {
	if p.All || p.Set.Contains(c.protocol, c.port) {
		return true
	}
	if dst == nil || dst.HostNetwork { // R36
		return false
	}
	for _, n := range p.Named {
		if n.Protocol != c.protocol {
			continue
		}
		if dst.PortsUnknown && is.named[n.Name] {
			return true
		}
		for _, port := range dst.Ports {
			if port.NamedPort == n && port.Port == c.port {
				return true
			}
		}
	}
	return false
}
