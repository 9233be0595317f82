package solver

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// TestOwnNodeDenied asks where a rule denies to a pod its own node alone, as
// no NetworkPolicy can: hosts of one class then differ in what they reach.
func TestOwnNodeDenied(t *testing.T) {
	s := &model.Snapshot{
		Namespaces: []model.Namespace{{Name: "x"}},
		Rules:      []model.Rule{{Direction: model.Ingress, Subject: model.PodSet{Namespace: "x"}, Peer: model.Peer{Relation: model.OwnNode}, Ports: model.RulePorts{Set: model.AllPorts()}, Action: model.Deny}},
	}
	for i, name := range []string{"a", "b", "c"} {
		s.Nodes = append(s.Nodes, model.Node{Name: name, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 168, 0, byte(i)})}})
	}
	for _, p := range []struct{ name, node string }{{"p", "a"}, {"q", "a"}} {
		s.Pods = append(s.Pods, model.Pod{Namespace: "x", Name: p.name, NodeName: p.node,
			Addresses: [model.NumFamilies]model.Address{{State: model.AddressKnown, Addr: netip.AddrFrom4([4]byte{10, 0, 0, p.name[0]})}}})
	}
	for _, c := range []struct {
		to              string
		node            string // of the pod q
		reaching, maybe int
	}{
		{"cluster", "a", 2, 2},
		{"cluster", "b", 3, 3},
		{"x/pod/q", "b", 2, 2},
		{"x/pod/q", "", 0, 3},
		{"cluster", "", 2, 3},
	} {
		s.Pods[1].NodeName = c.node
		x, err := engine.Compile(s, engine.Options{})
		require.NoError(t, err)
		from, ok := ends(t, x, "nodes")
		require.True(t, ok)
		to, ok := ends(t, x, c.to)
		require.True(t, ok)
		ports := PortQuery{Any: true, Set: model.AllPorts()}
		want := askSlowly(x, from, to, ports)
		got := Ask(x, Question{From: from, To: to, Ports: ports})
		require.Equal(t, [2]int{c.reaching, c.maybe}, [2]int{got.Reaching, got.Maybe}, "%+v", c)
		require.Equal(t, [2]int{want.reaching, want.maybe}, [2]int{got.Reaching, got.Maybe}, "%+v", c)
	}
}
