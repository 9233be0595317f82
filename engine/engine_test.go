package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// pod makes a pod with a known IPv4 address.
func pod(ns, name, ip string, labels map[string]string) model.Pod {
	p := model.Pod{Namespace: ns, Name: name, Labels: labels, Workload: model.Workload{Kind: "pod", Name: name}}
	if ip != "" {
		p.Addresses[model.IPv4] = model.Address{State: model.AddressKnown, Addr: netip.MustParseAddr(ip)}
	}
	return p
}

var builtin = []model.Rule{
	{Rank: model.Rank{Tier: model.TierExempt, Priority: model.PrioritySelf}, Direction: model.Ingress, Peer: model.Peer{Relation: model.Self}, Ports: model.RulePorts{All: true, Other: model.OtherYes}, Action: model.Allow},
	{Rank: model.Rank{Tier: model.TierExempt, Priority: model.PrioritySelf}, Direction: model.Egress, Peer: model.Peer{Relation: model.Self}, Ports: model.RulePorts{All: true, Other: model.OtherYes}, Action: model.Allow},
	{Rank: model.Rank{Tier: model.TierExempt, Priority: model.PriorityOwnNode}, Direction: model.Ingress, Peer: model.Peer{Relation: model.OwnNode}, Ports: model.RulePorts{All: true, Other: model.OtherYes}, Action: model.Allow},
}

func isolate(ns string, pods model.Selector, d model.Direction) model.Rule {
	return model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityDefaultDeny}, Direction: d,
		Subject: model.PodSet{Namespace: ns, Pods: pods}, Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true, Other: model.OtherUnspecified}, Action: model.Deny}
}

func allow(ns string, pods model.Selector, d model.Direction, peer model.Peer, ports model.RulePorts) model.Rule {
	return model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityAllow}, Direction: d,
		Subject: model.PodSet{Namespace: ns, Pods: pods}, Peer: peer, Ports: ports, Action: model.Allow}
}

func app(v string) model.Selector {
	return model.Selector{{Key: "app", Operator: model.In, Values: []string{v}}}
}

func small(t testing.TB, rules ...model.Rule) *engine.Index {
	t.Helper()
	web := pod("shop", "web-0", "10.0.0.1", map[string]string{"app": "web", "hash": "1"})
	web2 := pod("shop", "web-1", "10.0.0.2", map[string]string{"app": "web", "hash": "2"})
	db := pod("shop", "db", "10.0.0.3", map[string]string{"app": "db"})
	db.Ports = []model.ContainerPort{{NamedPort: model.NamedPort{Name: "sql", Protocol: model.TCP}, Port: 5432},
		{NamedPort: model.NamedPort{Name: "metrics", Protocol: model.TCP}, Port: 9090}} // which no rule names
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "shop"}},
		Nodes:      []model.Node{{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.1")}}},
		Pods:       []model.Pod{db, web, web2},
		Rules:      append(append([]model.Rule{}, builtin...), rules...),
	}
	for i := range s.Pods {
		s.Pods[i].NodeName = "n1"
	}
	x, err := engine.Compile(s, engine.Options{})
	require.NoError(t, err)
	return x
}

func mustPod(t testing.TB, x *engine.Index, name string) engine.EndpointID {
	t.Helper()
	e, ok := x.Pod("shop", name)
	require.True(t, ok, name)
	return e
}

func shopRules() []model.Rule {
	return []model.Rule{
		isolate("shop", app("db"), model.Ingress),
		allow("shop", app("db"), model.Ingress, model.Peer{Pods: []model.PodSet{{Namespace: "shop", Pods: app("web")}}},
			model.RulePorts{Named: []model.NamedPort{{Name: "sql", Protocol: model.TCP}}}),
		isolate("shop", app("web"), model.Egress),
		allow("shop", app("web"), model.Egress, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), Except: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")}}}},
			model.RulePorts{Set: model.Ports(model.PortRange{Protocol: model.TCP, First: 5000, Last: 6000})}),
	}
}

func TestReplicasShareAClass(t *testing.T) {
	x := small(t, isolate("shop", app("db"), model.Ingress))
	require.Equal(t, x.Class(mustPod(t, x, "web-0")), x.Class(mustPod(t, x, "web-1")), "no rule sees the label that differs")
	require.NotEqual(t, x.Class(mustPod(t, x, "web-0")), x.Class(mustPod(t, x, "db")))
	require.Len(t, x.Members(x.Class(mustPod(t, x, "web-0"))), 2)

	x = small(t, shopRules()...)
	require.NotEqual(t, x.Class(mustPod(t, x, "web-0")), x.Class(mustPod(t, x, "web-1")), "a block cuts between their addresses")
}

func TestBothSidesAndNames(t *testing.T) {
	x := small(t, shopRules()...)
	web, web2, db := mustPod(t, x, "web-0"), mustPod(t, x, "web-1"), mustPod(t, x, "db")
	require.Equal(t, "TCP 5432", x.Between(web, db).Lower.String(), "egress 5000-6000 ∩ ingress sql")
	require.True(t, x.Between(web, db).Exact())
	require.Equal(t, "NONE", x.Between(web, web2).Upper.String(), "10.0.0.2 is excepted")
	require.Equal(t, "TCP 5000-6000", x.Between(web2, web).Lower.String())
	require.Equal(t, "ALL", x.Between(web, web).Lower.String(), "self, R50")
	n1, ok := x.Node("n1")
	require.True(t, ok)
	require.Equal(t, "ALL", x.Between(n1, db).Lower.String(), "own node, R52")
	require.Equal(t, "NONE", x.Between(web, n1).Upper.String(), "to its own node a pod's egress rules apply, R53")
	require.Equal(t, model.OtherUnspecified, x.Between(web, db).Other)
	require.Equal(t, model.OtherYes, x.Between(db, mustPod(t, x, "web-0")).Other)
}

func TestAddrMeansOwner(t *testing.T) {
	x := small(t, shopRules()...)
	require.Equal(t, mustPod(t, x, "db"), x.Addr(netip.MustParseAddr("10.0.0.3")))
	require.Equal(t, mustPod(t, x, "db"), x.Addr(netip.MustParseAddr("::ffff:10.0.0.3")))
	n1, _ := x.Node("n1")
	require.Equal(t, n1, x.Addr(netip.MustParseAddr("192.168.0.1")))
	out := x.Addr(netip.MustParseAddr("10.9.9.9"))
	require.True(t, out.IsOutside())
	require.Equal(t, "TCP 5000-6000", x.Between(mustPod(t, x, "web-0"), out).Lower.String())
	require.Equal(t, "NONE", x.Between(mustPod(t, x, "web-0"), x.Addr(netip.MustParseAddr("11.0.0.0"))).Upper.String())
	require.Equal(t, "NONE", x.Between(mustPod(t, x, "web-0"), x.Addr(netip.MustParseAddr("2606:4700::1"))).Upper.String(), "an IPv4 pod has no way to IPv6")
}

func TestUnknownAddressRangesOverItsDomain(t *testing.T) {
	block := func(cidr string, except ...string) model.Peer {
		b := model.Block{CIDR: netip.MustParsePrefix(cidr)}
		for _, e := range except {
			b.Except = append(b.Except, netip.MustParsePrefix(e))
		}
		return model.Peer{Blocks: []model.Block{b}}
	}
	all := model.RulePorts{All: true}
	for _, tc := range []struct {
		name         string
		peers        []model.Peer
		domain       string
		lower, upper string
	}{
		{"part of the domain", []model.Peer{block("10.0.0.0/8")}, "", "NONE", "ALL"},
		{"everything", []model.Peer{block("0.0.0.0/0")}, "", "ALL", "ALL"},
		{"two halves are certain together", []model.Peer{block("0.0.0.0/1"), block("128.0.0.0/1")}, "", "ALL", "ALL"},
		{"an exception outside the domain", []model.Peer{block("0.0.0.0/0", "169.254.169.254/32")}, "10.244.0.0/16", "ALL", "ALL"},
		{"a block around the domain", []model.Peer{block("10.0.0.0/8")}, "10.244.0.0/16", "ALL", "ALL"},
		{"a block beside the domain", []model.Peer{block("192.168.0.0/16")}, "10.244.0.0/16", "NONE", "NONE"},
		{"an exception inside the domain", []model.Peer{block("10.0.0.0/8", "10.244.7.0/24")}, "10.244.0.0/16", "NONE", "ALL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := pod("shop", "a", "10.0.0.1", map[string]string{"app": "a"}), pod("shop", "b", "", nil)
			b.Addresses[model.IPv4].State = model.AddressUnknown
			s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "shop"}}, Pods: []model.Pod{a, b}, Rules: []model.Rule{isolate("shop", app("a"), model.Egress)}}
			s.PodDomain = model.AssumedPodAddresses
			if tc.domain != "" {
				s.PodDomain = []netip.Prefix{netip.MustParsePrefix(tc.domain)}
			}
			for _, p := range tc.peers {
				s.Rules = append(s.Rules, allow("shop", app("a"), model.Egress, p, all))
			}
			x, err := engine.Compile(s, engine.Options{})
			require.NoError(t, err)
			got := x.Between(0, 1)
			require.Equal(t, tc.lower, got.Lower.String())
			require.Equal(t, tc.upper, got.Upper.String())
		})
	}
}

// An admin tier is not read yet, but the form has it: Pass leaves a tier, and
// a first match decides only the ports that it names.
func TestFirstMatchAcrossTiers(t *testing.T) {
	admin := func(index int32, a model.Action, ports model.RulePorts) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierAdmin, Priority: 5, Index: index}, Direction: model.Ingress,
			Subject: model.PodSet{Namespace: "shop", Pods: app("db")}, Peer: model.Peer{Pods: []model.PodSet{{}}}, Ports: ports, Action: a}
	}
	tcp := func(first, last uint16) model.RulePorts {
		return model.RulePorts{Set: model.Ports(model.PortRange{Protocol: model.TCP, First: first, Last: last})}
	}
	x := small(t,
		admin(0, model.Pass, tcp(80, 90)),
		admin(1, model.Allow, tcp(85, 100)),
		admin(2, model.Deny, model.RulePorts{All: true}),
		isolate("shop", app("db"), model.Ingress),
		allow("shop", app("db"), model.Ingress, model.Peer{Any: true}, tcp(89, 95)))
	require.Equal(t, "TCP 89-100", x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db")).Lower.String())
	for port := uint16(75); port < 105; port++ {
		v := x.Verdict(engine.Flow{Src: mustPod(t, x, "web-0"), Dst: mustPod(t, x, "db"), Protocol: model.TCP, Port: port})
		require.Equal(t, port >= 89 && port <= 100, v == model.Allowed, "port %d", port)
	}
}

func TestUncertainRule(t *testing.T) {
	x := small(t, model.Rule{Rank: model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled}, Direction: model.Ingress,
		Subject: model.PodSet{Namespace: "shop", Pods: app("db")}, Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true, Other: model.OtherUnspecified}, Action: model.Uncertain})
	b := x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db"))
	require.Equal(t, "NONE", b.Lower.String())
	require.Equal(t, "ALL", b.Upper.String())
	require.Equal(t, model.OtherUnspecified, b.Other)
}

func TestVerdictDoesNotAllocate(t *testing.T) {
	x := small(t, shopRules()...)
	f := engine.Flow{Src: mustPod(t, x, "web-0"), Dst: mustPod(t, x, "db"), Protocol: model.TCP, Port: 5432}
	n := testing.AllocsPerRun(100, func() {
		if x.Verdict(f) != model.Allowed {
			t.Fail()
		}
	})
	require.Zero(t, n)
}

func TestMatrixAgreesWithBetween(t *testing.T) {
	x := small(t, shopRules()...)
	for _, want := range []model.PortSet{model.AllPorts(), model.Port(model.TCP, 5432), model.Port(model.UDP, 53)} {
		m := x.Matrix(want)
		for s := range engine.EndpointID(3) {
			lower, _ := m.Pod(s)
			for d := range engine.EndpointID(3) {
				require.Equal(t, s != d && x.Between(s, d).Lower.Overlaps(want), lower.Test(uint(d)), "%d to %d on %v", s, d, want)
			}
		}
	}
}

// What a peer means that is no pod is apart from pods that it does not mean
// (R97), where nothing else of the program tells them apart.
func TestRowsOfWhatIsNoPod(t *testing.T) {
	noPods := model.Peer{NoPods: true}
	all := model.RulePorts{All: true, Other: model.OtherYes}
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		for _, rules := range [][]model.Rule{
			{allow("shop", app("db"), d, noPods, all), isolate("shop", app("db"), d)},
			{{Rank: model.Rank{Tier: model.TierAdmin, Priority: 1}, Direction: d, Subject: model.PodSet{Namespace: "shop"}, Peer: noPods, Ports: all, Action: model.Deny}},
		} {
			x := small(t, rules...)
			n := 0
			m := x.Matrix(model.AllPorts())
			for row := range x.Rows() {
				for _, src := range row.Sources {
					lower, _ := m.Row(src)
					for dst := range engine.Class(x.Classes()) {
						want := x.BetweenClasses(src, dst)
						got := model.Bounds{}
						for _, l := range row.Layers {
							if l.Classes.Test(uint(dst)) {
								got = l.Bounds
							}
						}
						require.Equal(t, want.Lower.String(), got.Lower.String(), "%v: %d to %d", d, src, dst)
						require.Equal(t, !want.Lower.Empty(), lower.Test(uint(dst)), "%v: %d to %d", d, src, dst)
						n++
					}
				}
			}
			require.Equal(t, x.Classes()*x.Classes(), n)
		}
	}
}

func TestExplainNamesWhatDecides(t *testing.T) {
	x := small(t, shopRules()...)
	web, db := mustPod(t, x, "web-0"), mustPod(t, x, "db")
	first := len(builtin)
	f := engine.Flow{Src: web, Dst: db, Protocol: model.TCP, Port: 5432, Family: engine.Only(model.IPv4)}
	trace := x.Explain(f)
	require.Equal(t, model.Allowed, trace.Verdict)
	require.Len(t, trace.Families, 1)
	last := func(s engine.SideTrace) engine.Step { return s.Steps[len(s.Steps)-1] }
	require.Equal(t, engine.Step{Rule: first + 3, Match: engine.MatchYes, Decides: true}, last(trace.Families[0].Egress))
	require.Equal(t, engine.Step{Rule: first + 1, Match: engine.MatchYes, Decides: true}, last(trace.Families[0].Ingress))

	f.Port = 80
	trace = x.Explain(f)
	require.Equal(t, model.Denied, trace.Verdict)
	require.Equal(t, engine.Step{Rule: first + 2, Match: engine.MatchYes, Decides: true}, last(trace.Families[0].Egress), "isolation decides")

	f.Src, f.Dst = db, web
	trace = x.Explain(f)
	require.Equal(t, engine.Step{Rule: engine.DefaultAllow, Match: engine.MatchYes, Decides: true}, last(trace.Families[0].Egress))
}

// E4: readers share an Index, its lazy maps and matrix rows included. The race
// detector judges.
func TestConcurrentReaders(t *testing.T) {
	x := small(t, shopRules()...)
	m := x.Matrix(model.AllPorts())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for s := range engine.EndpointID(3) {
				m.Pod(s)
				x.Addr(netip.MustParseAddr("10.0.0.3"))
				x.Pod("shop", "db")
				x.WorkloadPods("shop", "db")
				for d, b := range x.From(s) {
					if !b.Upper.Equal(x.Between(s, d).Upper) {
						t.Errorf("From and Between differ on %d to %d", s, d)
					}
				}
			}
		})
	}
	wg.Wait()
}

// A question about one address of a node is not about its others.
func TestFlowOfOneAddress(t *testing.T) {
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "shop"}},
		Nodes:      []model.Node{{Name: "n2", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.2"), netip.MustParseAddr("34.1.1.1")}}},
		Pods:       []model.Pod{pod("shop", "web-0", "10.0.0.1", map[string]string{"app": "web"})},
		Rules: append(append([]model.Rule{}, builtin...), isolate("shop", app("web"), model.Egress), isolate("shop", app("web"), model.Ingress),
			allow("shop", app("web"), model.Egress, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("34.0.0.0/8")}}}, model.RulePorts{All: true}),
			allow("shop", app("web"), model.Ingress, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("34.0.0.0/8")}}}, model.RulePorts{All: true})),
	}
	s.Pods[0].NodeName = "n1"
	x, err := engine.Compile(s, engine.Options{})
	require.NoError(t, err)
	web, n2 := mustPod(t, x, "web-0"), engine.NodeID(0)
	tcp := func(f engine.Flow) model.Verdict {
		f.Protocol, f.Port = model.TCP, 22
		require.Equal(t, x.Verdict(f), x.BetweenFlow(f).Verdict(f.Protocol, f.Port))
		require.Equal(t, x.Verdict(f), x.Explain(f).Verdict)
		return x.Verdict(f)
	}
	private, public, v6 := netip.MustParseAddr("192.168.0.2"), netip.MustParseAddr("34.1.1.1"), netip.MustParseAddr("fd00::1")
	require.Equal(t, model.Allowed, tcp(engine.Flow{Src: web, Dst: n2}), "some address of it")
	require.Equal(t, model.Allowed, tcp(engine.Flow{Src: web, Dst: n2, DstAddr: public}))
	require.Equal(t, model.Denied, tcp(engine.Flow{Src: web, Dst: n2, DstAddr: private}))
	require.Equal(t, model.Unknown, tcp(engine.Flow{Src: n2, Dst: web}), "which it uses is not known")
	require.Equal(t, model.Allowed, tcp(engine.Flow{Src: n2, Dst: web, SrcAddr: public}))
	require.Equal(t, model.Denied, tcp(engine.Flow{Src: n2, Dst: web, SrcAddr: private}))
	require.Equal(t, model.Denied, tcp(engine.Flow{Src: web, Dst: n2, DstAddr: public, SrcAddr: v6}), "no connection is of two families")
}

// Blocks that begin or end together are different peers.
func TestBlocksOfOneEdge(t *testing.T) {
	from := func(port uint16, blocks ...string) model.Rule {
		var p model.Peer
		for _, b := range blocks {
			p.Blocks = append(p.Blocks, model.Block{CIDR: netip.MustParsePrefix(b)})
		}
		return allow("shop", app("db"), model.Egress, p, model.RulePorts{Set: model.Port(model.TCP, port)})
	}
	x := small(t, isolate("shop", app("db"), model.Egress), from(1, "20.0.0.0/8"), from(2, "20.0.0.0/9"), from(3, "20.128.0.0/9"),
		from(4, "20.64.0.0/10", "20.192.0.0/10"), from(5, "20.64.0.0/10"), from(6, "20.64.0.0/10", "20.128.0.0/10"))
	for a, want := range map[string]string{
		"20.0.0.1": "TCP 1-2", "20.64.0.1": "TCP 1-2,4-6", "20.128.0.1": "TCP 1,3,6", "20.192.0.1": "TCP 1,3-4", "21.0.0.0": "NONE",
	} {
		require.Equal(t, want, x.Between(mustPod(t, x, "db"), x.Addr(netip.MustParseAddr(a))).Lower.String(), a)
	}
}

// What one end passes on is nothing to the other.
func TestPassOfOneEnd(t *testing.T) {
	for d, ends := range [...][2]string{model.Ingress: {"db", "web"}, model.Egress: {"web", "db"}} { // who is uncertain, who passes
		uncertain, passes := model.Direction(d), model.Direction(1-d)
		x := small(t,
			model.Rule{Rank: model.Rank{Tier: model.TierAdmin}, Direction: passes, Subject: model.PodSet{Namespace: "shop", Pods: app(ends[1])},
				Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true}, Action: model.Pass},
			model.Rule{Rank: model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled}, Direction: uncertain,
				Subject: model.PodSet{Namespace: "shop", Pods: app(ends[0])}, Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true}, Action: model.Uncertain})
		b := x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db"))
		require.Equal(t, []string{"NONE", "ALL"}, []string{b.Lower.String(), b.Upper.String()}, "%v is uncertain", uncertain)
	}
}

// Rules of one policy are ranked one by one, also where their subjects differ.
func TestRanksOfDifferentSubjects(t *testing.T) {
	rule := func(index int32, subject, peer model.Selector, a model.Action) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierAdmin, Index: index}, Direction: model.Ingress, Subject: model.PodSet{Namespace: "shop", Pods: subject},
			Peer: model.Peer{Pods: []model.PodSet{{Pods: peer}}}, Ports: model.RulePorts{All: true}, Action: a}
	}
	x := small(t, rule(0, app("db"), app("nobody"), model.Pass), rule(1, nil, nil, model.Allow), rule(2, app("db"), nil, model.Deny))
	require.Equal(t, "ALL", x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db")).Lower.String())
}

func TestCompileRejectsBrokenSnapshots(t *testing.T) {
	_, err := engine.Compile(nil, engine.Options{})
	require.Error(t, err)
	_, err = engine.Compile(&model.Snapshot{Pods: []model.Pod{pod("nowhere", "a", "", nil)}}, engine.Options{})
	require.ErrorContains(t, err, "M4")
	x, err := engine.Compile(&model.Snapshot{}, engine.Options{})
	require.NoError(t, err)
	require.True(t, x.Addr(netip.MustParseAddr("8.8.8.8")).IsOutside())
}

// Several rules that each only may match decide together: every one is named.
func ExampleIndex_Explain() {
	half := func(cidr string) model.Rule {
		return allow("shop", app("web"), model.Ingress, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix(cidr)}}}, model.RulePorts{All: true})
	}
	web, client := pod("shop", "web", "10.0.0.1", map[string]string{"app": "web"}), pod("shop", "client", "", nil)
	client.Addresses[model.IPv4].State = model.AddressUnknown
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "shop"}}, Pods: []model.Pod{client, web},
		Rules: []model.Rule{isolate("shop", app("web"), model.Ingress), half("0.0.0.0/1"), half("128.0.0.0/1")}}
	x, err := engine.Compile(s, engine.Options{})
	if err != nil {
		panic(err)
	}
	t := x.Explain(engine.Flow{Src: 0, Dst: 1, Protocol: model.TCP, Port: 80})
	fmt.Println(t.Verdict)
	for _, step := range t.Families[0].Ingress.Steps {
		fmt.Println(s.Rules[step.Rule].Peer.Blocks, step.Match, step.Decides)
	}
	// Output:
	// allowed
	// [0.0.0.0/1] maybe true
	// [128.0.0.0/1] maybe true
}

func ExampleCompile() {
	ip := func(s string) [model.NumFamilies]model.Address {
		return [model.NumFamilies]model.Address{model.IPv4: {State: model.AddressKnown, Addr: netip.MustParseAddr(s)}}
	}
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "ml"}},
		Pods: []model.Pod{
			{Namespace: "ml", Name: "trainer", Labels: map[string]string{"app": "trainer"}, Addresses: ip("10.0.0.1")},
			{Namespace: "ml", Name: "store", Labels: map[string]string{"app": "store"}, Addresses: ip("10.0.0.2")},
		},
		// "Isolate ml/app=trainer for egress", as lowering would say it.
		Rules: []model.Rule{{
			Rank:      model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityDefaultDeny},
			Direction: model.Egress,
			Subject:   model.PodSet{Namespace: "ml", Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{"trainer"}}}},
			Peer:      model.Peer{Any: true},
			Ports:     model.RulePorts{All: true},
			Action:    model.Deny,
		}},
	}
	x, err := engine.Compile(s, engine.Options{})
	if err != nil {
		panic(err)
	}
	trainer, _ := x.Pod("ml", "trainer")
	store, _ := x.Pod("ml", "store")
	internet := x.Addr(netip.MustParseAddr("8.8.8.8"))
	fmt.Println(x.Between(trainer, internet).Upper)
	fmt.Println(x.Verdict(engine.Flow{Src: store, Dst: trainer, Protocol: model.TCP, Port: 22}))
	// Output:
	// NONE
	// allowed
}

// Where the containers of a pod are not known, a port name may mean any port
// of its protocol; declared ports are certain even so (R66).
func TestUnknownPorts(t *testing.T) {
	x := small(t, shopRules()...)
	s := *x.Snapshot()
	s.Pods = slices.Clone(s.Pods)
	s.Pods[0].PortsUnknown = true
	x, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	web, db := mustPod(t, x, "web-0"), mustPod(t, x, "db")
	b := x.Between(web, db)
	require.Equal(t, "TCP 5432", b.Lower.String())
	require.Equal(t, "TCP 5000-6000", b.Upper.String())
	f := engine.Flow{Src: web, Dst: db, Protocol: model.TCP, Port: 5432}
	require.Equal(t, model.Allowed, x.Verdict(f))
	f.Port = 5433
	require.Equal(t, model.Unknown, x.Verdict(f))
	ingress := x.Explain(f).Families[0].Ingress
	require.Equal(t, model.Unknown, ingress.Verdict)
	require.Contains(t, ingress.Steps, engine.Step{Rule: len(builtin) + 1, Match: engine.MatchPortMaybe, Decides: true})
	require.Contains(t, ingress.Steps, engine.Step{Rule: len(builtin), Match: engine.MatchYes, Decides: true}, "isolation decides if it does not")

	deny := s.Rules[len(builtin)+1]
	deny.Action, deny.Rank.Priority = model.Deny, model.PriorityExplicitDeny
	s.Rules = append(slices.Clone(s.Rules), deny)
	x, err = engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	require.Equal(t, "NONE", x.Between(web, db).Upper.String(), "what allows a name is denied before")

	for i := range model.MaxDoubtedNames {
		deny.Ports.Named = append(slices.Clone(deny.Ports.Named), model.NamedPort{Name: fmt.Sprint("p", i)})
	}
	s.Rules = append(s.Rules, deny)
	_, err = engine.Compile(&s, engine.Options{})
	require.ErrorContains(t, err, "M6")
}

// A standing question costs a pass over bits.
func TestColumnDoesNotAllocate(t *testing.T) {
	x := small(t, shopRules()...)
	db := engine.Of(mustPod(t, x, "db"))
	column := x.Column(db, model.Port(model.TCP, 5432))
	all := x.AllPods().Union(x.AllNodes())
	n := testing.AllocsPerRun(100, func() {
		any, first := column.Any(all)
		every, second := column.All(all)
		certain, possible := column.Count(all)
		if any != model.Allowed || first == second || every == model.Allowed || certain == 0 || possible < certain {
			t.Fail()
		}
	})
	require.Zero(t, n)
	certain, _ := column.Count(db)
	require.Zero(t, certain, "a pod is not paired with itself")
}

// A value that a selector gives twice selects nothing twice.
func TestSelectorValueTwice(t *testing.T) {
	twice := model.Selector{{Key: "app", Operator: model.In, Values: []string{"web", "web"}}}
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "a"}},
		Rules: []model.Rule{{Rank: model.Rank{Tier: model.TierAdmin}, Direction: model.Ingress, Subject: model.PodSet{Namespace: "a", Pods: twice},
			Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true}, Action: model.Deny}},
	}
	for i, app := range []string{"web", "db", ""} {
		s.Pods = append(s.Pods, pod("a", fmt.Sprint(i), "10.0.0.1", map[string]string{"app": app, fmt.Sprint(i): ""}))
		s.Rules = append(s.Rules, isolate("a", model.Selector{{Key: fmt.Sprint(i), Operator: model.Exists}}, model.Egress)) // three classes
	}
	x, err := engine.Compile(s, engine.Options{})
	require.NoError(t, err)
	require.Len(t, x.Explain(engine.Flow{Src: 1, Dst: 0, Protocol: model.TCP, Port: 80}).Families[0].Ingress.Steps, 1)
}
