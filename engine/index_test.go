package engine_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// wide is a snapshot with every sort of endpoint: replicas, a dormant pod,
// host-network pods, nodes with several addresses and with none, and pods of
// one address.
func wide(t testing.TB, rules ...model.Rule) *engine.Index {
	t.Helper()
	at := func(p model.Pod, node string) model.Pod { p.NodeName = node; return p }
	web := map[string]string{"app": "web"}
	pods := []model.Pod{
		at(pod("shop", "db", "10.0.0.3", map[string]string{"app": "db"}), "n1"),
		at(pod("shop", "web-0", "10.0.0.1", web), "n1"),
		at(pod("shop", "web-1", "10.0.0.2", web), "n2"),
		at(pod("shop", "web-2", "", web), ""),
		at(pod("shop", "web-old", "10.0.0.2", web), "n2"),
		at(pod("shop", "agent", "192.168.0.1", nil), "n1"),
		at(pod("shop", "lone-agent", "192.168.0.9", nil), ""),
		at(pod("shop", "rival", "10.0.0.1", nil), "n2"),
		at(pod("shop", "shadow", "10.0.0.3", nil), "n2"),
	}
	pods[3].Dormant = true
	pods[4].Addresses[model.IPv4].Shadowed = true
	pods[5].HostNetwork, pods[6].HostNetwork = true, true
	pods[8].Addresses[model.IPv4].Shadowed = true
	for i := range pods {
		pods[i].Workload.Name = pods[i].Name[:2]
	}
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "shop"}},
		Nodes: []model.Node{
			{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("fd00::1")}},
			{Name: "n2", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.2"), netip.MustParseAddr("34.1.1.1")}},
			{Name: "n3"},
		},
		UnknownNode: [model.NumFamilies]model.AddressState{model.IPv4: model.AddressUnknown, model.IPv6: model.AddressMaybe},
		Pods:        pods,
		Rules:       slices.Concat(builtin, rules),
	}
	x, err := engine.Compile(s, engine.Options{})
	require.NoError(t, err)
	return x
}

// endpoints are what may be reached, in the order of From and To.
func endpoints(x *engine.Index) (out []engine.EndpointID) {
	for i, p := range x.Snapshot().Pods {
		if !p.Dormant {
			out = append(out, engine.EndpointID(i))
		}
	}
	for i := range x.Snapshot().Nodes {
		out = append(out, engine.NodeID(i))
	}
	for c := range engine.Class(x.Classes()) {
		if m := x.Members(c); m[0].IsOutside() {
			out = append(out, m...)
		}
	}
	return out
}

func TestFromAndToAreBetween(t *testing.T) {
	x := wide(t, shopRules()...)
	all := endpoints(x)
	require.Greater(t, len(all), 8+3+2)
	for _, fixed := range all {
		type row struct {
			end engine.EndpointID
			b   model.Bounds
		}
		var from, to, wantFrom, wantTo []row
		for e, b := range x.From(fixed) {
			from = append(from, row{e, b})
		}
		for e, b := range x.To(fixed) {
			to = append(to, row{e, b})
		}
		for _, e := range all {
			if b := x.Between(fixed, e); e != fixed && !b.Upper.Empty() {
				wantFrom = append(wantFrom, row{e, b})
			}
			if b := x.Between(e, fixed); e != fixed && !b.Upper.Empty() {
				wantTo = append(wantTo, row{e, b})
			}
		}
		require.Equal(t, wantFrom, from, "from %d", fixed)
		require.Equal(t, wantTo, to, "to %d", fixed)
		for stop := range from { // wherever the caller stops
			n := 0
			for range x.From(fixed) {
				if n++; n > stop {
					break
				}
			}
			require.Equal(t, stop+1, n)
		}
	}
}

func TestClassesAreAPartition(t *testing.T) {
	x := wide(t, shopRules()...)
	seen := map[engine.EndpointID]bool{}
	for c := range engine.Class(x.Classes()) {
		require.NotEmpty(t, x.Members(c))
		for i, e := range x.Members(c) {
			require.False(t, seen[e])
			seen[e] = true
			require.Equal(t, c, x.Class(e))
			if i > 0 {
				require.Less(t, x.Members(c)[i-1], e)
			}
		}
	}
	for _, e := range endpoints(x) {
		require.True(t, seen[e])
	}
	require.Equal(t, x.Class(engine.NodeID(0)), x.Class(mustPod(t, x, "agent")), "hosts are their addresses")
}

func TestPortAtomsAreAPartition(t *testing.T) {
	x := wide(t, shopRules()...) // TCP 5000-6000 and the number of sql
	var text []string
	for _, r := range x.PortAtoms() {
		text = append(text, model.Ports(r).String())
	}
	require.Equal(t, []string{"TCP 1-4999", "TCP 5000-6000", "TCP 6001-65535", "UDP 1-65535", "SCTP 1-65535"}, text)
	text = nil
	for _, r := range small(t, shopRules()...).PortAtoms() {
		text = append(text, model.Ports(r).String())
	}
	require.Equal(t, []string{"TCP 1-4999", "TCP 5000-5431", "TCP 5432", "TCP 5433-6000", "TCP 6001-65535", "UDP 1-65535", "SCTP 1-65535"}, text)
}

func TestOwners(t *testing.T) {
	x := wide(t)
	id := func(name string) engine.EndpointID { return mustPod(t, x, name) }
	for a, want := range map[string][]engine.EndpointID{
		"10.0.0.1":        {id("web-0"), id("rival")},
		"::ffff:10.0.0.1": {id("web-0"), id("rival")},
		"10.0.0.2":        {id("web-1")},
		"10.0.0.3":        {id("db")},
		"192.168.0.1":     {engine.NodeID(0)}, // before its host-network pod
		"192.168.0.9":     {id("lone-agent")},
		"fd00::1":         {engine.NodeID(0)},
		"fd00::1%eth0":    {engine.NodeID(0)},
		"34.1.1.1":        {engine.NodeID(1)},
		"8.8.8.8":         nil,
	} {
		got := x.Owners(netip.MustParseAddr(a))
		require.Equal(t, want, got, a)
		if want == nil {
			require.True(t, x.Addr(netip.MustParseAddr(a)).IsOutside(), a)
		} else {
			require.Equal(t, want[0], x.Addr(netip.MustParseAddr(a)), a)
		}
	}
	require.Equal(t, []engine.EndpointID{id("web-0"), id("web-1"), id("web-2"), id("web-old")}, x.WorkloadPods("shop", "we"))
	require.Empty(t, x.WorkloadPods("other", "we"))
	_, ok := x.Node("n9")
	require.False(t, ok)
	n2, ok := x.Node("n2")
	require.True(t, ok)
	require.Equal(t, engine.NodeID(1), n2)
	require.Equal(t, 1, n2.NodeIndex())
}

func TestFamilies(t *testing.T) {
	v4, v6 := engine.Only(model.IPv4), engine.Only(model.IPv6)
	any := engine.Only(model.AnyFamily)
	require.Zero(t, any)
	require.Equal(t, []string{"any", "IPv4", "IPv6", "none"}, []string{any.String(), v4.String(), v6.String(), v4.And(v6).String()})
	require.Equal(t, model.IPv6, v6.Family())
	require.Equal(t, v4, v4.And(v4))
	require.Equal(t, v4, v4.And(any))
	require.Equal(t, v4, any.And(v4))
	none := v4.And(v6)
	require.Equal(t, none, none.And(v4))
	require.Equal(t, none, v6.And(v4))
	require.Equal(t, none, none.And(any))

	x := wide(t)
	web, db := mustPod(t, x, "web-0"), mustPod(t, x, "db")
	f := engine.Flow{Src: web, Dst: db, Protocol: model.TCP, Port: 80, Family: v6}
	require.Equal(t, model.Denied, x.Verdict(f), "they have no IPv6 address")
	require.True(t, x.BetweenFlow(f).Upper.Empty())
	require.Equal(t, model.Denied, x.Explain(f).Families[0].Exists)
	f.Dst = web
	require.Equal(t, model.Allowed, x.Verdict(f), "over loopback, R50")
	require.Equal(t, "ALL", x.BetweenFlow(f).Lower.String())
	f.Family = none
	require.Equal(t, model.Denied, x.Verdict(f))
	require.True(t, x.BetweenFlow(f).Upper.Empty())
	require.Empty(t, x.Explain(f).Families)
	f.Family, f.Port = any, 0
	require.Equal(t, model.Denied, x.Verdict(f), "there is no port 0 (R1)")
	f.Protocol, f.Port = model.NumProtocols, 80
	require.Equal(t, model.Denied, x.Verdict(f))
}

// One side alone: whatever the other end's rules say.
func TestSide(t *testing.T) {
	x := wide(t, shopRules()...)
	web, db := mustPod(t, x, "web-0"), mustPod(t, x, "db")
	f := engine.Flow{Src: web, Dst: db}
	require.Equal(t, "TCP 5000-6000", x.Side(f, model.Egress).Lower.String())
	require.Equal(t, "NONE", x.Side(f, model.Ingress).Upper.String(), "here db has no port sql")
	require.Equal(t, model.OtherYes, x.Side(engine.Flow{Src: db, Dst: web}, model.Egress).Other)
	require.Equal(t, "ALL", x.Side(engine.Flow{Src: db, Dst: web}, model.Egress).Lower.String())
	require.Equal(t, model.OtherUnspecified, x.Side(f, model.Ingress).Other)
	f.Family = engine.Only(model.IPv6)
	require.Equal(t, "NONE", x.Side(f, model.Egress).Upper.String())
	require.Equal(t, model.OtherNo, x.Side(f, model.Egress).Other)

	v6 := model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("fd00::/8")}}}
	x = wide(t, isolate("shop", app("web"), model.Egress), allow("shop", app("web"), model.Egress, v6, model.RulePorts{All: true}),
		isolate("shop", app("web"), model.Ingress), allow("shop", app("web"), model.Ingress, v6, model.RulePorts{All: true}))
	web1, n1 := mustPod(t, x, "web-1"), engine.NodeID(0) // which has an IPv6 address
	require.Equal(t, "NONE", x.Side(engine.Flow{Src: web1, Dst: n1}, model.Egress).Upper.String(), "the pod has none")
	require.Equal(t, "NONE", x.Side(engine.Flow{Src: n1, Dst: web1}, model.Ingress).Upper.String())
}

// Equal keys open equal connections to outside addresses.
func TestOutsideKey(t *testing.T) {
	x := wide(t, shopRules()...)
	keys := map[engine.OutsideKey]engine.Class{}
	for c := range engine.Class(x.Classes()) {
		if x.Members(c)[0].IsOutside() {
			break
		}
		k := x.OutsideKey(c)
		first, seen := keys[k]
		if !seen {
			keys[k] = c
			continue
		}
		for o := range engine.Class(x.Classes()) {
			if x.Members(o)[0].IsOutside() {
				require.Equal(t, x.BetweenClasses(first, o), x.BetweenClasses(c, o), "%d and %d to %d", first, c, o)
			}
		}
	}
	key := func(name string) engine.OutsideKey { return x.OutsideKey(x.Class(mustPod(t, x, name))) }
	require.Equal(t, key("web-0"), key("web-1"), "their classes differ, their egress does not")
	require.NotEqual(t, x.Class(mustPod(t, x, "web-0")), x.Class(mustPod(t, x, "web-1")))
	require.Equal(t, key("db"), key("rival"))
	require.NotEqual(t, key("web-0"), key("db"))
	require.NotEqual(t, key("db"), key("agent"))
}

func TestSets(t *testing.T) {
	x := wide(t, shopRules()...)
	addresses := func(texts ...string) *netipx.IPSet {
		var b netipx.IPSetBuilder
		for _, s := range texts {
			b.AddRange(netipx.MustParseIPRange(s))
		}
		set, err := b.IPSet()
		require.NoError(t, err)
		return set
	}
	// What is owned is no outside address; atoms are cut at 10.0.0.0/8 and at 10.0.0.2.
	s := x.Outside(addresses("9.0.0.0-9.0.0.9", "10.0.0.0-10.0.0.4", "10.1.0.0-10.1.0.1", "192.168.0.1-192.168.0.1", "fd00::-fd00::5"))
	var text []string
	for _, o := range s.Outside() {
		line := o.Witness.String() + ":"
		for _, r := range o.Ranges {
			line += " " + r.String()
		}
		text = append(text, line)
	}
	require.Equal(t, []string{
		"9.0.0.0: 9.0.0.0-9.0.0.9",
		"10.0.0.0: 10.0.0.0-10.0.0.1",
		"10.0.0.4: 10.0.0.3-10.0.0.4 10.1.0.0-10.1.0.1",
		"fd00::: fd00::-fd00::5",
	}, text)
	require.Zero(t, s.Pods())
	require.False(t, s.Empty())
	require.True(t, engine.Set{}.Empty())
	require.True(t, x.Outside(addresses("10.0.0.2-10.0.0.2")).Empty(), "all of it is owned")
	require.Equal(t, "10.0.0.4", x.Outside(addresses("10.0.0.3-10.0.0.9")).Outside()[0].Witness.String())

	web, db, n1 := mustPod(t, x, "web-0"), mustPod(t, x, "db"), engine.NodeID(0)
	of := engine.Of(web, n1)
	require.Equal(t, []engine.EndpointID{web, n1}, slices.Collect(of.All()))
	require.True(t, of.Contains(web))
	require.False(t, of.Contains(db))
	require.True(t, of.Contains(n1))
	require.False(t, of.Contains(engine.NodeID(1)))
	require.Panics(t, func() { engine.Of(x.Addr(netip.MustParseAddr("8.8.8.8"))) })
	require.Equal(t, len(x.Snapshot().Pods)-1, x.AllPods().Pods(), "the dormant one is none")
	require.Equal(t, 3, x.AllNodes().Nodes())
	require.Equal(t, []engine.EndpointID{web, mustPod(t, x, "web-1"), mustPod(t, x, "web-old")}, slices.Collect(x.Select(model.PodSet{Namespace: "shop", Pods: app("web")}).All()))
	require.True(t, x.Select(model.PodSet{Namespace: "other", Pods: app("web")}).Empty())

	low, high := x.Outside(addresses("10.0.0.4-10.0.0.5", "9.0.0.0-9.0.0.0")), x.Outside(addresses("10.0.0.9-10.0.0.9", "11.0.0.0-11.0.0.0"))
	for _, u := range []engine.Set{low.Union(high).Union(of), of.Union(high).Union(low), high.Union(of.Union(low))} {
		require.Equal(t, 1, u.Pods())
		require.Equal(t, 1, u.Nodes())
		var witnesses []string
		parts := 0
		for _, o := range u.Outside() {
			witnesses = append(witnesses, o.Witness.String())
			parts += len(o.Ranges)
			require.True(t, u.Contains(o.Endpoint))
		}
		require.Equal(t, []string{"9.0.0.0", "10.0.0.4", "11.0.0.0"}, witnesses)
		require.Equal(t, 4, parts)
		ends := slices.Collect(u.All())
		require.Equal(t, []engine.EndpointID{web, n1}, ends[:2])
		require.Len(t, ends, 5)
		require.False(t, u.Contains(x.Addr(netip.MustParseAddr("fd00::9"))))
		for stop := range 5 {
			n := 0
			for range u.All() {
				if n++; n > stop {
					break
				}
			}
			require.Equal(t, stop+1, n)
		}
	}
	both := of.Union(engine.Of(db))
	require.Equal(t, []engine.EndpointID{db, web, n1}, slices.Collect(both.All()))
}

// Who is on whose node (R52, R57).
func TestOwnNode(t *testing.T) {
	s := *wide(t).Snapshot()
	s.Pods = slices.Clone(s.Pods)
	for name, host := range map[string]bool{"every": false, "every-host": true} {
		p := pod("shop", name, "", nil)
		p.EveryNode, p.HostNetwork = true, host
		s.Pods = append(s.Pods, p)
	}
	x, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	id := func(name string) engine.EndpointID { return mustPod(t, x, name) }
	n1, n2 := engine.NodeID(0), engine.NodeID(1)
	for _, c := range []struct {
		src, dst engine.EndpointID
		want     model.Verdict
	}{
		{n1, id("db"), model.Allowed},
		{n2, id("db"), model.Denied},
		{n2, id("web-1"), model.Allowed},
		{id("agent"), id("db"), model.Allowed},
		{id("agent"), id("web-1"), model.Denied},
		{id("lone-agent"), id("db"), model.Unknown},
		{n1, id("web-2"), model.Unknown},
		{n1, id("every"), model.Allowed},
		{id("every-host"), id("db"), model.Allowed},
		{id("every-host"), id("every"), model.Allowed},
		{id("lone-agent"), id("every"), model.Allowed},
		{id("web-0"), id("db"), model.Denied}, // on one node, and no host
		{n1, id("agent"), model.Denied},       // no pod with a network of its own
		{n1, n1, model.Denied},
		{x.Addr(netip.MustParseAddr("8.8.8.8")), id("db"), model.Denied},
	} {
		require.Equal(t, c.want, x.OwnNode(c.src, c.dst), "%d to %d", c.src, c.dst)
	}
}

func TestBetweenClassesLeavesRelationsOut(t *testing.T) {
	x := wide(t, shopRules()...)
	web, db, n1 := mustPod(t, x, "web-0"), mustPod(t, x, "db"), engine.NodeID(0)
	require.Equal(t, "ALL", x.Between(n1, db).Lower.String(), "its own pod (R52)")
	require.Equal(t, "NONE", x.BetweenClasses(x.Class(n1), x.Class(db)).Upper.String())
	require.Equal(t, "ALL", x.Between(db, db).Lower.String(), "itself (R50)")
	require.Equal(t, "NONE", x.BetweenClasses(x.Class(db), x.Class(db)).Upper.String())
	rival := mustPod(t, x, "rival")
	require.Equal(t, x.Between(web, rival), x.BetweenClasses(x.Class(web), x.Class(rival)))

	at := engine.Flow{DstAddr: netip.MustParseAddr("10.0.0.2")} // which shopRules except
	require.Equal(t, "NONE", x.BetweenClassesAt(x.Class(web), x.Class(rival), at).Upper.String())
	at.DstAddr = netip.MustParseAddr("10.0.0.1")
	require.Equal(t, "TCP 5000-6000", x.BetweenClassesAt(x.Class(web), x.Class(rival), at).Lower.String())
	at.Family = engine.Only(model.IPv6)
	require.Equal(t, "NONE", x.BetweenClassesAt(x.Class(web), x.Class(rival), at).Upper.String())
}

func TestExplainOfWhatMayNotExist(t *testing.T) {
	x := wide(t)
	web, n3 := mustPod(t, x, "web-0"), engine.NodeID(2)
	f := engine.Flow{Src: n3, Dst: web, Protocol: model.TCP, Port: 80}
	families := x.Explain(f).Families
	require.Len(t, families, 2)
	require.Equal(t, model.Allowed, families[0].Exists)
	require.Equal(t, model.Denied, families[1].Exists, "the pod has no IPv6 address")
	require.Empty(t, families[1].Ingress.Steps)

	f.Dst = engine.NodeID(0)
	families = x.Explain(f).Families
	require.Equal(t, model.Unknown, families[1].Exists, "a node without addresses may have an IPv6 one")
	require.Equal(t, model.Unknown, families[1].Verdict)
	require.True(t, families[1].Ingress.Exempt)
	require.Equal(t, model.Allowed, families[1].Ingress.Verdict)

	f.Src, f.Dst = web, web
	require.Equal(t, model.Allowed, x.Explain(f).Families[1].Exists, "over loopback (R50)")
	f.Port = 0
	require.Equal(t, engine.FamilyTrace{Family: model.IPv4, Exists: model.Allowed, Verdict: model.Denied}, x.Explain(f).Families[0])

	var maybe []string
	for m := engine.MatchNo; m <= engine.MatchYes; m++ {
		if m.Maybe() {
			maybe = append(maybe, m.String())
		}
	}
	require.Equal(t, []string{"maybe", "port maybe"}, maybe)
}

// A rule may be about a namespace that the snapshot does not have.
func TestRulesOfNoNamespace(t *testing.T) {
	x := small(t, isolate("nowhere", nil, model.Ingress), isolate("shop", app("db"), model.Ingress),
		allow("shop", app("db"), model.Ingress, model.Peer{Pods: []model.PodSet{{Namespace: "nowhere"}}}, model.RulePorts{All: true}))
	require.Equal(t, "NONE", x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db")).Upper.String())
	require.Equal(t, "ALL", x.Between(mustPod(t, x, "db"), mustPod(t, x, "web-0")).Lower.String())
}

// What decides a connection of a pod to itself is the rule that says so (R50).
func TestExplainSelf(t *testing.T) {
	x := small(t, isolate("shop", app("db"), model.Ingress), isolate("shop", app("db"), model.Egress))
	db := mustPod(t, x, "db")
	f := x.Explain(engine.Flow{Src: db, Dst: db, Protocol: model.TCP, Port: 80}).Families[0]
	require.Equal(t, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}}, f.Ingress.Steps)
	require.Equal(t, []engine.Step{{Rule: 1, Match: engine.MatchYes, Decides: true}}, f.Egress.Steps)
	f = x.Explain(engine.Flow{Src: mustPod(t, x, "web-0"), Dst: db, Protocol: model.TCP, Port: 80}).Families[0]
	require.Equal(t, engine.Step{Rule: 0, Match: engine.MatchNo}, f.Ingress.Steps[0])
}

// Of policies that nothing orders all were consulted, also those behind the
// one that decides; of what comes after them nothing was (R105).
func TestExplainConsults(t *testing.T) {
	rule := func(tier model.Tier, priority, ordinal, index int32, peer string, a model.Action) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: tier, Priority: priority, Ordinal: ordinal, Index: index}, Direction: model.Ingress,
			Subject: model.PodSet{Namespace: "shop", Pods: app("db")}, Peer: model.Peer{Pods: []model.PodSet{{Pods: app(peer)}}}, Ports: model.RulePorts{All: true}, Action: a}
	}
	https := func(r model.Rule) model.Rule {
		r.Ports = model.RulePorts{Set: model.Port(model.TCP, 443)}
		return r
	}
	for _, c := range []struct {
		name  string
		rules []model.Rule
		want  []engine.Step
	}{
		{"a tie", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierAdmin, 5, 2, 0, "nobody", model.Allow),
			rule(model.TierAdmin, 5, 3, 0, "web", model.Allow),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}, {Rule: 1, Match: engine.MatchNo}, {Rule: 2, Match: engine.MatchYes, Decides: true}}},
		{"of equal words both decide", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierAdmin, 5, 2, 0, "web", model.Deny),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}, {Rule: 1, Match: engine.MatchYes, Decides: true}}},
		{"what is tied and does not match", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierAdmin, 5, 2, 0, "nobody", model.Allow),
			rule(model.TierAdmin, 5, 3, 0, "nobody", model.Pass),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}, {Rule: 1, Match: engine.MatchNo}, {Rule: 2, Match: engine.MatchNo}}},
		{"neither peer nor port", []model.Rule{
			https(rule(model.TierAdmin, 4, 1, 0, "nobody", model.Deny)),
			https(rule(model.TierAdmin, 5, 1, 0, "web", model.Deny)),
			rule(model.TierAdmin, 6, 1, 0, "web", model.Deny),
		}, []engine.Step{{Rule: 0, Match: engine.MatchNo}, {Rule: 1, Match: engine.MatchPeer}, {Rule: 2, Match: engine.MatchYes, Decides: true}}},
		{"another priority", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierAdmin, 6, 2, 0, "nobody", model.Allow),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}}},
		{"another tier", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierBaseline, 5, 2, 0, "nobody", model.Allow),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}}},
		{"the rest of its policy", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Deny),
			rule(model.TierAdmin, 5, 1, 10, "nobody", model.Allow),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes, Decides: true}}},
		{"after a first match its policy has no other", []model.Rule{
			rule(model.TierAdmin, 5, 1, 0, "web", model.Pass),
			rule(model.TierAdmin, 5, 1, 10, "web", model.Deny),
			rule(model.TierAdmin, 5, 2, 0, "nobody", model.Deny),
			rule(model.TierBaseline, 5, 1, 0, "web", model.Deny),
		}, []engine.Step{{Rule: 0, Match: engine.MatchYes}, {Rule: 1, Match: engine.MatchYes}, {Rule: 2, Match: engine.MatchNo}, {Rule: 3, Match: engine.MatchYes, Decides: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := small(t, c.rules...)
			steps := x.Explain(engine.Flow{Src: mustPod(t, x, "web-0"), Dst: mustPod(t, x, "db"), Protocol: model.TCP, Port: 80}).Families[0].Ingress.Steps
			for i := range c.want {
				c.want[i].Rule += len(builtin)
			}
			require.Equal(t, c.want, steps[2:], "after Self and OwnNode")
		})
	}
}
