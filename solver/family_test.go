package solver

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// A block of IPv6 that ends where the IPv4-mapped addresses begin cuts an atom
// of which the first address reads as one of IPv4. It is of IPv6.
func TestEverywhereBesideMapped(t *testing.T) {
	x, err := engine.Compile(&model.Snapshot{
		Namespaces: []model.Namespace{{Name: "a"}},
		Pods:       []model.Pod{testPod("a", "pod", "x", "x", "10.0.0.1", nil)},
		Rules: []model.Rule{{Rank: model.Rank{Tier: model.TierNetworkPolicy}, Direction: model.Ingress, Subject: model.PodSet{Namespace: "a"},
			Peer: model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("::fffe:0:0/96")}}}, Ports: model.RulePorts{All: true}, Action: model.Deny}},
	}, engine.Options{})
	require.NoError(t, err)
	from, ok := ends(t, x, "cluster")
	require.True(t, ok)
	to, ok := ends(t, x, "outside")
	require.True(t, ok)
	for _, pay := range []int{0, rowsPay} { // by rows, and pair by pair
		a := ask(x, Question{From: from, To: to, Ports: PortQuery{Any: true, Set: model.AllPorts()}}, pay)
		require.Equal(t, [model.NumFamilies]model.PortSet{model.IPv4: model.AllPorts()}, a.Everywhere)
	}
}
