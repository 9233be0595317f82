package fuzz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model"
)

// snapshots makes snapshots and deltas without going through API objects: it
// reaches what no lowering makes, such as rules of one object in many tiers,
// nodes of both families under one name, or a delta that names a pod twice.
// Names, labels, addresses and ports are few, so that they meet.
type snapshots struct {
	r                                     *rand.Rand
	namespaces, pods, nodes, keys, values int
	objects, ports                        int
	actions                               map[rankAndDirection]model.Action // ranks have one action (M2)
	rules                                 int                               // made so far
}

type rankAndDirection struct {
	rank model.Rank
	dir  model.Direction
}

func newSnapshots(r *rand.Rand) *snapshots {
	return &snapshots{
		r: r, namespaces: 1 + r.IntN(4), pods: 2 + r.IntN(14), nodes: r.IntN(4), keys: 1 + r.IntN(4), values: 1 + r.IntN(3),
		objects: 1 + r.IntN(6), ports: 2 + r.IntN(6), actions: map[rankAndDirection]model.Action{},
	}
}

// one reports true once in n times.
func (g *snapshots) one(n int) bool { return g.r.IntN(n) == 0 }

// oneOf returns one of a list.
func oneOf[T any](g *snapshots, list ...T) T { return list[g.r.IntN(len(list))] }

func (g *snapshots) namespace() string { return fmt.Sprint("ns", g.r.IntN(g.namespaces)) }

func (g *snapshots) labels() map[string]string {
	out := map[string]string{}
	for k := range g.keys {
		if !g.one(3) {
			out[fmt.Sprint("k", k)] = fmt.Sprint("v", g.r.IntN(g.values+1))
		}
	}
	return out
}

func (g *snapshots) selector() (s model.Selector) {
	for range g.r.IntN(3) {
		q := model.Requirement{Key: fmt.Sprint("k", g.r.IntN(g.keys)), Operator: oneOf(g, model.In, model.NotIn, model.Exists, model.DoesNotExist)}
		if q.Operator == model.In || q.Operator == model.NotIn {
			for range 1 + g.r.IntN(2) {
				q.Values = append(q.Values, fmt.Sprint("v", g.r.IntN(g.values)))
			}
		}
		s = append(s, q)
	}
	return s
}

func (g *snapshots) podSet() model.PodSet {
	if g.one(2) {
		return model.PodSet{Namespace: g.namespace(), Pods: g.selector()}
	}
	return model.PodSet{Namespaces: g.selector(), Pods: g.selector()}
}

func (g *snapshots) portSet() model.PortSet {
	var out []model.PortRange
	for range 1 + g.r.IntN(3) {
		a, b := 1+g.r.IntN(g.ports)*10, 1+g.r.IntN(g.ports)*10
		if g.one(8) {
			b = model.MaxPort
		}
		out = append(out, model.PortRange{Protocol: oneOf(g, model.TCP, model.UDP, model.SCTP), First: uint16(min(a, b)), Last: uint16(max(a, b))})
	}
	return model.Ports(out...)
}

func (g *snapshots) portName() model.NamedPort {
	return model.NamedPort{Name: fmt.Sprint("n", g.r.IntN(4)), Protocol: oneOf(g, model.TCP, model.UDP)}
}

func (g *snapshots) rulePorts() (p model.RulePorts) {
	switch g.r.IntN(4) {
	case 0:
		return model.RulePorts{All: true, Other: model.OtherYes}
	case 1:
		for range 1 + g.r.IntN(2) {
			p.Named = append(p.Named, g.portName())
		}
		if g.one(2) {
			return p
		}
	}
	p.Set = g.portSet()
	return p
}

var (
	prefixes4 = prefixes("10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.0.0.0/30", "10.0.0.4/30", "10.0.0.2/32", "192.168.0.0/16", "192.168.0.1/32",
		"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "255.255.255.255/32", "0.0.0.0/32")
	prefixes6 = prefixes("fd00::/8", "fd00::/64", "fd00::1/128", "::/0", "8000::/1", "2001:db8::/32", "::ffff:0:0/96", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
	addrs     = [model.NumFamilies][]string{
		{"10.0.0.1", "10.0.0.2", "10.0.0.5", "10.1.2.3", "192.168.0.1", "192.168.0.7", "8.8.8.8", "172.16.0.1", "255.255.255.255", "0.0.0.0"},
		{"fd00::1", "fd00::2", "fd01::1", "2001:db8::1", "::1", "2001:db8::7"},
	}
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func (g *snapshots) addr(f model.Family) netip.Addr {
	return netip.MustParseAddr(oneOf(g, addrs[f]...))
}

func (g *snapshots) block() model.Block {
	list := prefixes4
	if g.one(3) {
		list = prefixes6
	}
	b := model.Block{CIDR: oneOf(g, list...), ExternalOnly: g.one(3)}
	if g.one(2) {
		b.Except = append(b.Except, oneOf(g, list...))
	}
	return b
}

func (g *snapshots) peer() (p model.Peer) {
	if g.one(5) {
		return model.Peer{Any: true}
	}
	for range g.r.IntN(3) {
		p.Pods = append(p.Pods, g.podSet())
	}
	for range g.r.IntN(3) {
		p.Blocks = append(p.Blocks, g.block())
	}
	p.UnknownHosts = g.one(6)
	if g.one(6) {
		p.Relation = oneOf(g, model.NoRelation, model.Self, model.OwnNode)
	}
	return p
}

// object is a policy of few; of odd ones the rules are of any tier.
func (g *snapshots) object() model.ObjectRef {
	i := g.r.IntN(g.objects)
	if i%2 == 0 {
		return model.ObjectRef{Kind: "NetworkPolicy", Namespace: fmt.Sprint("ns", i%g.namespaces), Name: fmt.Sprint("p", i)}
	}
	return model.ObjectRef{Kind: "ClusterNetworkPolicy", Name: fmt.Sprint("p", i)}
}

func (g *snapshots) rulesOf(o model.ObjectRef) (out []model.Rule) {
	add := func(r model.Rule) {
		r.Object, r.Name = o, fmt.Sprint("r", g.rules)
		g.rules++
		out = append(out, r)
	}
	for range g.r.IntN(4) {
		d := oneOf(g, model.Ingress, model.Egress)
		if o.Kind == "NetworkPolicy" {
			r := model.Rule{Direction: d, Subject: model.PodSet{Namespace: o.Namespace, Pods: g.selector()}}
			r.Rank, r.Action = model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityDefaultDeny}, model.Deny
			r.Peer, r.Ports = model.Peer{Any: true}, model.RulePorts{All: true, Other: model.OtherUnspecified}
			add(r)
			for range g.r.IntN(3) {
				r.Rank.Priority, r.Action = model.PriorityAllow, model.Allow
				r.Peer, r.Ports = g.peer(), g.rulePorts()
				add(r)
			}
			continue
		}
		k := rankAndDirection{model.Rank{Tier: oneOf(g, model.TierAdmin, model.TierAdmin, model.TierBaseline), Priority: int32(g.r.IntN(3)), Ordinal: int32(g.r.IntN(3)), Index: int32(g.r.IntN(3))}, d}
		if g.one(10) {
			k.rank = model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled}
		}
		if g.actions[k] == 0 {
			g.actions[k] = oneOf(g, model.Allow, model.Deny, model.Deny, model.Pass, model.Uncertain, model.MayAllow)
		}
		add(model.Rule{Rank: k.rank, Direction: d, Subject: g.podSet(), Peer: g.peer(), Ports: g.rulePorts(), Action: g.actions[k]})
	}
	return out
}

func (g *snapshots) pod(name string) model.Pod {
	p := model.Pod{Namespace: g.namespace(), Name: name, Labels: g.labels(), Workload: model.Workload{Kind: "deployment", Name: fmt.Sprint("w", g.r.IntN(4))}}
	for f := range p.Addresses {
		a := &p.Addresses[f]
		if a.State = oneOf(g, model.AddressNone, model.AddressKnown, model.AddressKnown, model.AddressUnknown, model.AddressMaybe); a.State == model.AddressKnown {
			a.Addr, a.Shadowed = g.addr(model.Family(f)), g.one(5)
		}
	}
	for range g.r.IntN(3) {
		p.Ports = append(p.Ports, model.ContainerPort{NamedPort: g.portName(), Port: uint16(g.r.IntN(3) * 10)})
	}
	p.PortsUnknown, p.HostNetwork, p.Dormant = g.one(4), g.one(5), g.one(8)
	switch g.r.IntN(3) {
	case 0:
		p.NodeName = fmt.Sprint("node", g.r.IntN(g.nodes+2))
	case 1:
		p.EveryNode = g.one(2)
	}
	return p
}

// rest is what a Delta calls so.
func (g *snapshots) rest() *model.Snapshot {
	s := &model.Snapshot{}
	for i := range g.namespaces {
		s.Namespaces = append(s.Namespaces, model.Namespace{Name: fmt.Sprint("ns", i), Labels: g.labels()})
	}
	for i := range g.nodes {
		n := model.Node{Name: fmt.Sprint("node", i)}
		for range g.r.IntN(4) {
			n.Addresses = append(n.Addresses, g.addr(oneOf(g, model.IPv4, model.IPv4, model.IPv6)))
		}
		s.Nodes = append(s.Nodes, n)
	}
	for f := range s.UnknownNode {
		s.UnknownNode[f] = oneOf(g, model.AddressNone, model.AddressUnknown, model.AddressMaybe)
	}
	for _, d := range [...]*[]netip.Prefix{&s.PodDomain, &s.NodeDomain} {
		for range g.r.IntN(3) {
			*d = append(*d, g.block().CIDR)
		}
	}
	all := model.RulePorts{All: true, Other: model.OtherYes}
	for _, d := range [...]model.Direction{model.Ingress, model.Egress} {
		s.Rules = append(s.Rules, model.Rule{Rank: model.Rank{Priority: model.PrioritySelf}, Direction: d, Peer: model.Peer{Relation: model.Self}, Ports: all, Action: model.Allow})
	}
	s.Rules = append(s.Rules, model.Rule{Rank: model.Rank{Priority: model.PriorityOwnNode}, Direction: model.Ingress, Peer: model.Peer{Relation: model.OwnNode}, Ports: all, Action: model.Allow})
	return s
}

func (g *snapshots) snapshot() *model.Snapshot {
	s := g.rest()
	for i := range g.pods {
		s.Pods = append(s.Pods, g.pod(fmt.Sprint("pod", i)))
	}
	seen := map[model.ObjectRef]bool{}
	for range g.objects {
		if o := g.object(); !seen[o] {
			seen[o] = true
			s.Rules = append(s.Rules, g.rulesOf(o)...)
		}
	}
	g.r.Shuffle(len(s.Rules), func(i, j int) { s.Rules[i], s.Rules[j] = s.Rules[j], s.Rules[i] })
	return s
}

// delta is a change of a snapshot. Mostly it keeps to what is there: classes,
// blocks, ports and ranks.
func (g *snapshots) delta(s *model.Snapshot) (d model.Delta) {
	if g.one(2) {
		for range g.r.IntN(3) {
			n := g.podName(s)
			d.Gone = append(d.Gone, n)
			if g.one(4) {
				d.Gone = append(d.Gone, n)
			}
		}
	}
	if g.one(2) {
		for range g.r.IntN(4) {
			d.Pods = append(d.Pods, g.changedPod(s))
		}
	}
	if g.one(2) {
		for range 1 + g.r.IntN(3) {
			c := g.changedPolicy(s)
			d.Policies = append(d.Policies, c)
			if g.one(5) { // the last counts
				d.Policies = append(d.Policies, model.PolicyChange{Object: c.Object, Rules: rulesIn(s, c.Object)})
			}
		}
	}
	if g.one(12) {
		d.Rest = g.rest()
		if n := len(d.Rest.Namespaces); n > 1 && g.one(3) {
			d.Rest.Namespaces = d.Rest.Namespaces[:n-1]
		}
	}
	return d
}

// podName is the name of a pod, which is there or not.
func (g *snapshots) podName(s *model.Snapshot) model.PodName {
	if len(s.Pods) > 0 && !g.one(6) {
		if p := &s.Pods[g.r.IntN(len(s.Pods))]; !p.Hole() {
			return model.PodName{Namespace: p.Namespace, Name: p.Name}
		}
	}
	return model.PodName{Namespace: g.namespace(), Name: fmt.Sprint("pod", g.r.IntN(20))}
}

// changedPod is like a pod that is there, under its own name or another's; or
// new; and sometimes a hole, which is no pod.
func (g *snapshots) changedPod(s *model.Snapshot) model.Pod {
	if len(s.Pods) == 0 || g.one(6) {
		return g.pod(fmt.Sprint("pod", g.r.IntN(20)))
	}
	p := s.Pods[g.r.IntN(len(s.Pods))]
	if p.Hole() {
		return p
	}
	n := g.podName(s)
	p.Name = n.Name
	if g.one(2) {
		p.Namespace = n.Namespace
	}
	if g.one(3) {
		p.Workload.Name = fmt.Sprint("w", g.r.IntN(5))
	}
	if g.one(4) {
		p.NodeName = fmt.Sprint("node", g.r.IntN(g.nodes+4))
	}
	p.Dormant = p.Dormant != g.one(6)
	p.Addresses[model.IPv4].Shadowed = p.Addresses[model.IPv4].Shadowed != g.one(6)
	return p
}

// rulesIn returns the rules of an object.
func rulesIn(s *model.Snapshot, o model.ObjectRef) []model.Rule {
	return slices.DeleteFunc(slices.Clone(s.Rules), func(r model.Rule) bool { return r.Object != o })
}

// changedPolicy is gone, new, as it was, or made of parts of all rules.
func (g *snapshots) changedPolicy(s *model.Snapshot) model.PolicyChange {
	o := g.object()
	if g.one(5) {
		o.Name = fmt.Sprint("q", g.r.IntN(5))
	}
	c := model.PolicyChange{Object: o}
	all := slices.DeleteFunc(slices.Clone(s.Rules), func(r model.Rule) bool { return r.Object == model.ObjectRef{} })
	switch g.r.IntN(6) {
	case 0:
	case 1:
		c.Rules = g.rulesOf(o)
	case 2:
		c.Rules = rulesIn(s, o)
	default:
		for range min(g.r.IntN(4), len(all)) {
			r, q := oneOf(g, all...), oneOf(g, all...)
			switch g.r.IntN(4) {
			case 0:
				r.Peer = q.Peer
			case 1:
				r.Subject = q.Subject
			case 2:
				r.Ports = q.Ports
				switch {
				case !r.Ports.All:
					r.Ports.Other = model.OtherNo
				case r.Rank.Tier == model.TierNetworkPolicy && r.Action == model.Deny:
					r.Ports.Other = model.OtherUnspecified
				default:
					r.Ports.Other = model.OtherYes
				}
			}
			r.Object = o
			c.Rules = append(c.Rules, r)
		}
	}
	return c
}
