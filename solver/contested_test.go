package solver

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Two running pods report one address; policies isolate one of them. What the
// address means is not known (R62), so neither is the answer, unless it is the
// same for both.
func TestAskContestedAddress(t *testing.T) {
	app := func(v string) model.PodSet {
		return model.PodSet{Namespace: "a", Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{v}}}}
	}
	rule := func(p int32, action model.Action, ports model.RulePorts) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: p}, Direction: model.Ingress, Subject: app("x"),
			Peer: model.Peer{Any: true}, Ports: ports, Action: action}
	}
	x, err := engine.Compile(&model.Snapshot{
		Namespaces: []model.Namespace{{Name: "a"}},
		Pods: []model.Pod{
			testPod("a", "pod", "x", "x", "10.0.0.1", map[string]string{"app": "x"}),
			testPod("a", "pod", "y", "y", "10.0.0.1", map[string]string{"app": "y"}),
			testPod("a", "pod", "z", "z", "10.0.0.3", nil),
		},
		Rules: []model.Rule{
			rule(model.PriorityDefaultDeny, model.Deny, model.RulePorts{All: true}),
			rule(model.PriorityAllow, model.Allow, model.RulePorts{Set: model.Port(model.TCP, 80)}),
			{Rank: model.Rank{Priority: model.PrioritySelf}, Direction: model.Ingress, Peer: model.Peer{Relation: model.Self},
				Ports: model.RulePorts{All: true}, Action: model.Allow},
		},
	}, engine.Options{})
	require.NoError(t, err)
	ask := func(from, to, ports string) Answer {
		t.Helper()
		f, err := Find(x, from)
		require.NoError(t, err)
		d, err := Find(x, to)
		require.NoError(t, err)
		p, err := ParsePorts(ports)
		require.NoError(t, err)
		return Ask(x, Question{From: f, To: d, Ports: p})
	}
	require.Equal(t, Yes, ask("a/pod/z", "10.0.0.1", "80").Truth, "open on both")
	a := ask("a/pod/z", "10.0.0.1", "443")
	require.Equal(t, Uncertain, a.Truth)
	require.True(t, a.Contested)
	require.Contains(t, a.Reason(x), "several endpoints")
	require.Equal(t, Uncertain, ask("a/pod/y", "10.0.0.1", "443").Truth, "its own address, or x")
	require.Equal(t, Yes, ask("10.0.0.1", "10.0.0.1", "443").Truth, "one address is one pod, and reaches itself")
	require.Equal(t, Yes, ask("10.0.0.1", "a/pod/z", "").Truth)
	from, err := Find(x, "a/pod/z")
	require.NoError(t, err)
	to, err := Find(x, "10.0.0.1")
	require.NoError(t, err)
	b := Between(x, from, to)
	require.Equal(t, "TCP 80", b.Lower.String())
	require.Equal(t, "ALL", b.Upper.String())
}

// A range means its owners with their addresses of its family, a literal just
// that address.
func TestAskAddressesOfOneFamily(t *testing.T) {
	dual := testPod("a", "pod", "dual", "dual", "10.0.0.1", nil)
	dual.Addresses[model.IPv6] = model.Address{State: model.AddressKnown, Addr: netip.MustParseAddr("fd00::1")}
	six := model.Pod{Namespace: "a", Name: "six", Workload: model.Workload{Kind: "pod", Name: "six"}}
	six.Addresses[model.IPv6] = model.Address{State: model.AddressKnown, Addr: netip.MustParseAddr("fd00::2")}
	x, err := engine.Compile(&model.Snapshot{Namespaces: []model.Namespace{{Name: "a"}}, Pods: []model.Pod{dual, six},
		Nodes: []model.Node{{Name: "n", Addresses: []netip.Addr{netip.MustParseAddr("10.9.0.1")}}}}, engine.Options{})
	require.NoError(t, err)
	for _, c := range []struct {
		from, to string
		want     Truth
	}{
		{"a/pod/dual", "a/pod/six", Yes},
		{"10.0.0.1", "a/pod/six", No},
		{"10.0.0.0/31", "a/pod/six", No},
		{"fd00::/127", "a/pod/six", Yes},
		{"10.0.0.1/32", "fd00::2", No},
		{"10.0.0.0/24", "fd00::/64", No},
		{"nodes", "nodes", Yes}, // a node is no pod: it counts with itself
	} {
		f, err := Find(x, c.from)
		require.NoError(t, err)
		d, err := Find(x, c.to)
		require.NoError(t, err)
		require.Equal(t, c.want, Ask(x, Question{From: f, To: d, Ports: PortQuery{Any: true, Set: model.AllPorts()}}).Truth, "%s reach %s", c.from, c.to)
	}
}
