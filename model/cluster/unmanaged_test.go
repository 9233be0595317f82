package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
)

// Pods that are not managed are allowed everything before anything else
// decides, also what is not understood (R69, R120).
func TestUnmanaged(t *testing.T) {
	sets := []model.PodSet{{Namespace: "infra"}, {Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{"dns"}}}}}
	s := read(t, cluster.Options{Unmanaged: sets, UnmanagedOrigin: model.Origin{File: "podreach.yaml", Path: "unmanaged"}}, yamlFile(`apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: x}
`)).Snapshot()
	require.NoError(t, s.Validate())
	n := 0
	for _, r := range s.Rules {
		if r.Rank.Priority != model.PriorityUnmanaged || r.Rank.Tier != model.TierExempt {
			continue
		}
		require.Equal(t, model.Allow, r.Action)
		require.Equal(t, sets[n/2], r.Subject)
		require.True(t, r.Peer.Any)
		require.True(t, r.Ports.All)
		require.Equal(t, []string{"unmanaged[0]", "unmanaged[1]"}[n/2], r.Origin.Path)
		require.NotEmpty(t, r.Note)
		for _, other := range s.Rules {
			require.LessOrEqual(t, r.Rank.Compare(other.Rank), 0)
		}
		n++
	}
	require.Equal(t, 4, n)
	require.Zero(t, cluster.New(cluster.Options{Unmanaged: sets}).Snapshot().Rules[0].Origin)
}
