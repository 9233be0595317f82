package solver

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

func testPod(ns, kind, workload, name, ip string, labels map[string]string) model.Pod {
	p := model.Pod{Namespace: ns, Name: name, Workload: model.Workload{Kind: kind, Name: workload}, Labels: labels}
	if ip != "" {
		p.Addresses[model.IPv4] = model.Address{State: model.AddressKnown, Addr: netip.MustParseAddr(ip)}
	}
	return p
}

// office is a small snapshot: two replicas of ml/deployment/web, one instance
// of a template, a job and a pod of the same name, and a node.
func office(t *testing.T) *engine.Index {
	t.Helper()
	instance := testPod("ml", "deployment", "batch", "batch[0]", "", map[string]string{"app": "batch"})
	instance.Template = true
	host := testPod("sys", "daemonset", "agent", "agent-1", "192.168.0.1", map[string]string{"app": "agent"})
	host.HostNetwork = true
	x, err := engine.Compile(&model.Snapshot{
		Namespaces: []model.Namespace{{Name: "ml", Labels: map[string]string{"team": "red"}}, {Name: "sys"}},
		Nodes:      []model.Node{{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.1")}}},
		Pods: []model.Pod{
			testPod("ml", "deployment", "web", "web-1", "10.0.0.1", map[string]string{"app": "web", "gpu": "yes"}),
			testPod("ml", "deployment", "web", "web-2", "10.0.0.2", map[string]string{"app": "web"}),
			instance,
			testPod("ml", "job", "twin", "twin-abc", "10.0.0.3", map[string]string{"app": "twin"}),
			testPod("ml", "pod", "twin", "twin", "10.0.0.4", nil),
			host,
		},
		PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
	}, engine.Options{})
	require.NoError(t, err)
	return x
}

func TestResolve(t *testing.T) {
	x := office(t)
	for _, test := range []struct {
		expr    string
		want    []string
		outside []string // addresses that are in the set
		named   bool
	}{
		{expr: "cluster", want: []string{"ml/deployment/batch[0]", "ml/pod/twin", "ml/pod/twin-abc", "ml/pod/web-1", "ml/pod/web-2", "sys/pod/agent-1"}},
		{expr: "nodes", want: []string{"node/n1"}, named: true},
		{expr: "outside", outside: []string{"8.8.8.8", "10.9.9.9", "::1"}},
		{expr: "internet", outside: []string{"8.8.8.8", "2600::1"}},
		{expr: "private", outside: []string{"10.9.9.9", "100.64.0.1", "fd00::1"}},
		{expr: "metadata", outside: []string{"169.254.169.254", "fd00:ec2::254"}},
		{expr: "{team=red}:app=web", want: []string{"ml/pod/web-1", "ml/pod/web-2"}},
		{expr: "ml:app!=web", want: []string{"ml/deployment/batch[0]", "ml/pod/twin", "ml/pod/twin-abc"}},
		{expr: ":gpu", want: []string{"ml/pod/web-1"}},
		{expr: "app in (web,agent)", want: []string{"ml/pod/web-1", "ml/pod/web-2", "sys/pod/agent-1"}},
		{expr: "ml/web", want: []string{"ml/pod/web-1", "ml/pod/web-2"}, named: true},
		{expr: "ml/deploy/web", want: []string{"ml/pod/web-1", "ml/pod/web-2"}, named: true},
		{expr: "ml/pod/web-1", want: []string{"ml/pod/web-1"}, named: true},
		{expr: "ml/web-1", want: []string{"ml/pod/web-1"}, named: true},
		{expr: "ml/twin", want: []string{"ml/pod/twin", "ml/pod/twin-abc"}, named: true},
		{expr: "ml/job/twin", want: []string{"ml/pod/twin-abc"}, named: true},
		{expr: "ml/pod/twin", want: []string{"ml/pod/twin"}, named: true},
		{expr: "ml/deployment/batch[0]", want: []string{"ml/deployment/batch[0]"}, named: true},
		{expr: "ml/batch", want: []string{"ml/deployment/batch[0]"}, named: true},
		{expr: "10.0.0.1", want: []string{"ml/pod/web-1"}, named: true},
		{expr: "192.168.0.1", want: []string{"node/n1"}, named: true},
		{expr: "10.0.0.77", outside: []string{"10.0.0.77"}, named: true},
		{expr: "10.0.0.0/30", want: []string{"ml/pod/twin-abc", "ml/pod/web-1", "ml/pod/web-2"}, outside: []string{"10.0.0.0"}},
		{expr: "192.168.0.0/16", want: []string{"node/n1", "sys/pod/agent-1"}, outside: []string{"192.168.0.0"}},
	} {
		e, err := ParseExpr(test.expr)
		require.NoError(t, err)
		got, err := Resolve(x, e)
		require.NoError(t, err, test.expr)
		var names []string
		for end := range got.Set.All() {
			if !end.IsOutside() {
				names = append(names, EndpointName(x, end))
			}
		}
		slices.Sort(names)
		require.Equal(t, test.want, names, test.expr)
		require.Equal(t, test.named, got.Named, test.expr)
		require.Equal(t, len(test.outside) > 0, len(got.Set.Outside()) > 0, test.expr)
		for _, a := range test.outside {
			require.True(t, inParts(&got.Set, a), "%s lacks %s", test.expr, a)
		}
	}
}

func inParts(s *engine.Set, a string) bool {
	for _, part := range s.Outside() {
		for _, r := range part.Ranges {
			if r.Contains(netip.MustParseAddr(a)) {
				return true
			}
		}
	}
	return false
}

// R110, R111: the cluster's ranges are neither internet nor private.
func TestNamedAddressesLeaveOut(t *testing.T) {
	s := &model.Snapshot{PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("44.0.0.0/16")}}
	for word, absent := range map[string][]string{
		WordInternet: {"10.0.0.1", "44.0.0.1", "169.254.169.254", "192.168.0.1", "224.0.0.1", "fd00::1", "2001:db8::1", "2002::1", "3fff::1", "::1"},
		WordPrivate:  {"10.0.0.1", "8.8.8.8", "169.254.169.254", "2600::1"},
		WordMetadata: {"169.254.169.253", "8.8.8.8"},
	} {
		for _, a := range absent {
			require.False(t, NamedAddresses(s, word).Contains(netip.MustParseAddr(a)), "%s holds %s", word, a)
		}
	}
}

func TestEmptySelectionsSuggest(t *testing.T) {
	x := office(t)
	for expr, want := range map[string]string{
		"lm:":                     "ml:",
		"lm:app=web":              "ml:app=web",
		"ml:app=wbe":              "ml:app=web",
		"ml:ap=web":               "ml:app=web",
		"lm/web":                  "ml/web",
		"ml/wbe":                  "ml/web",
		"ml/deployment/wbe":       "ml/deployment/web",
		"ml/pod/web-11":           "ml/pod/web-1",
		"ml:gpu=no,nothing=here":  "",
		"{team=blue}:":            "",
		"ml/statefulset/whatever": "",
	} {
		e, err := ParseExpr(expr)
		require.NoError(t, err)
		out, err := Resolve(x, e)
		var empty *EmptyError
		require.True(t, errors.As(err, &empty), expr)
		require.Equal(t, want, empty.Suggestion, "%s: %v", expr, err)
		require.True(t, out.Set.Empty())
	}
}

// "No" comes with what stops it, on the side that does.
func TestStops(t *testing.T) {
	deny := func(d model.Direction, app string) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityDefaultDeny}, Direction: d,
			Subject: model.PodSet{Namespace: "ml", Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{app}}}},
			Peer:    model.Peer{Any: true}, Ports: model.RulePorts{All: true}, Action: model.Deny}
	}
	s := *office(t).Snapshot()
	s.Rules = []model.Rule{deny(model.Egress, "web"), deny(model.Ingress, "twin")}
	x, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	ask := func(from, to string) Answer {
		f, ok := ends(t, x, from)
		require.True(t, ok)
		g, ok := ends(t, x, to)
		require.True(t, ok)
		return Ask(x, Question{From: f, To: g, Ports: PortQuery{Any: true, Set: model.AllPorts()}})
	}
	both := ask("ml/web", "ml/job/twin")
	require.Equal(t, No, both.Truth)
	require.Equal(t, []Stop{{Rule: 0, Pairs: 1}}, both.Stops[model.Egress], "two pods of one class are one pair")
	require.Equal(t, []Stop{{Rule: 1, Pairs: 1}}, both.Stops[model.Ingress])
	one := ask("ml/web", "8.8.8.8")
	require.Len(t, one.Stops[model.Egress], 1)
	require.Empty(t, one.Stops[model.Ingress])
	family := ask("ml/pod/twin", "fd00::7")
	require.Equal(t, No, family.Truth)
	require.Equal(t, 1, family.NoFamily)
}

// Two sides that what is not known of port names never opens together stop
// together: named http the port is refused, else it is not let out (R66).
func TestStopsTogether(t *testing.T) {
	s := *office(t).Snapshot()
	s.Pods = append([]model.Pod(nil), s.Pods...)
	to := &s.Pods[3]
	to.PortsUnknown = true
	require.Equal(t, "twin-abc", to.Name)
	http := model.RulePorts{Named: []model.NamedPort{{Name: "http", Protocol: model.TCP}}}
	rule := func(d model.Direction, app string, index int, ports model.RulePorts, a model.Action) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierAdmin, Ordinal: 1, Index: model.AdminIndex(index)}, Direction: d,
			Subject: model.PodSet{Namespace: "ml", Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{app}}}},
			Peer:    model.Peer{Any: true}, Ports: ports, Action: a}
	}
	s.Rules = []model.Rule{
		rule(model.Egress, "web", 0, http, model.Allow),
		rule(model.Egress, "web", 1, model.RulePorts{All: true}, model.Deny),
		rule(model.Ingress, "twin", 0, http, model.Deny),
	}
	x, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	f, _ := ends(t, x, "ml/web")
	g, _ := ends(t, x, "ml/job/twin")
	answer := Ask(x, Question{From: f, To: g, Ports: PortQuery{Any: true, Set: model.Port(model.TCP, 80)}})
	require.Equal(t, No, answer.Truth)
	require.Equal(t, []Stop{{Rule: 1, Pairs: 1}}, answer.Stops[model.Egress])
	require.Equal(t, []Stop{{Rule: 2, Pairs: 1}}, answer.Stops[model.Ingress])
}
