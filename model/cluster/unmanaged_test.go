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

// In Cilium pods that are not managed are marked, and peers heed the mark; in
// other profiles nothing is (R69).
func TestUnmanagedEntity(t *testing.T) {
	const objects = `apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
spec: {containers: [{name: main, ports: [{name: web, containerPort: 80}, {name: dns, containerPort: 53, protocol: UDP}]}]}
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x}
spec: {containers: [{name: main, ports: [{name: web, containerPort: 81}]}]}
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: c, namespace: z}
spec: {containers: [{name: main, ports: [{name: web, containerPort: 82}]}]}
status: {podIP: 10.0.0.3}
---
apiVersion: v1
kind: Pod
metadata: {name: h, namespace: x}
spec: {hostNetwork: true, nodeName: n1, containers: [{name: main}]}
status: {podIP: 10.9.0.1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8}}]}]}
`
	for _, p := range []cluster.Profile{cluster.ProfileSpec, cluster.ProfileCilium} {
		s := read(t, cluster.Options{Profile: p, Unmanaged: []model.PodSet{{Namespace: "x"}}}, yamlFile(objects)).Snapshot()
		require.NoError(t, s.Validate())
		marked := map[string]string{}
		ports := map[string]int{}
		for i := range s.Pods {
			if mark, ok := s.Pods[i].Labels[model.UnmanagedLabel]; ok {
				marked[s.Pods[i].Name] = mark
			}
			ports[s.Pods[i].Name] = len(s.Pods[i].Ports)
			require.False(t, s.Pods[i].PortsUnknown)
		}
		var peers []string
		for _, r := range s.Rules {
			if len(r.Peer.Pods) > 0 {
				peers = append(peers, r.Peer.Pods[0].Pods.String())
			}
		}
		if p == cluster.ProfileSpec {
			require.Empty(t, marked)
			require.Equal(t, []string{"{}"}, peers)
			require.Equal(t, map[string]int{"a": 2, "b": 1, "c": 1, "h": 0}, ports)
			continue
		}
		require.Equal(t, map[string]string{"a": model.UnmanagedYes, "b": model.UnmanagedYes}, marked)
		require.Equal(t, []string{"!" + model.UnmanagedLabel}, peers)
		require.Equal(t, map[string]int{"a": 1, "b": 1, "c": 1, "h": 0}, ports, "a and b share UDP dns and do not agree on web")
	}
}
