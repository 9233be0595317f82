package cluster_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

var errForbidden = errors.New("forbidden")

// listed is a kind of which a cluster has these members (JSON, with commas).
func listed(apiVersion, kind, members string) manifest.Input {
	return manifest.LiveInput(kind, manifest.Live{APIVersion: apiVersion, Kind: kind}, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": [` + members + `]}`)), nil
	})
}

func forbidden(apiVersion, kind string) manifest.Input {
	return manifest.LiveInput(kind, manifest.Live{APIVersion: apiVersion, Kind: kind}, func() (io.ReadCloser, error) { return nil, errForbidden })
}

func readLive(inputs ...manifest.Input) (*model.Snapshot, *dialect.Ledger) {
	s := cluster.New(cluster.Options{})
	for o := range manifest.NewReader(manifest.Options{}).Read(inputs, s.Ledger()) {
		s.Put(o)
	}
	return s.Snapshot(), s.Ledger()
}

const (
	onePod    = `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"}, "status": {"phase": "Running", "podIP": "10.1.0.1"}}`
	onePolicy = `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "ml"}, "spec": {"podSelector": {}, "ingress": [
		{"from": [{"podSelector": {}}, {"namespaceSelector": {}}, {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}},
			{"namespaceSelector": {"matchLabels": {"team": "red", "kubernetes.io/metadata.name": "y"}}, "podSelector": {"matchLabels": {"app": "web"}}}]},
		{"from": [{"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}}], "ports": [{"port": 443}]}]}}`
)

// What a kind that cannot be read means for the answer.
func TestUnread(t *testing.T) {
	for _, c := range []struct {
		apiVersion, kind string
		message          string            // behind that of the reader
		directions       []model.Direction // in which all pods are uncertain
		assumed          string
	}{
		{"networking.k8s.io/v1", "NetworkPolicy", "all pods are uncertain", []model.Direction{model.Ingress, model.Egress}, ""},
		{"cilium.io/v2", "CiliumNetworkPolicy", "all pods are uncertain", []model.Direction{model.Ingress, model.Egress}, ""},
		{"cilium.io/v2", "CiliumClusterwideNetworkPolicy", "all pods are uncertain; nodes that they select are answered as if they were not there", []model.Direction{model.Ingress, model.Egress}, ""},
		{"example.com/v1", "FancyNetworkPolicy", "all pods are uncertain", []model.Direction{model.Ingress, model.Egress}, ""},
		{"k8s.ovn.org/v1", "EgressFirewall", "all pods are uncertain at egress", []model.Direction{model.Egress}, ""},
		{"security.istio.io/v1", "AuthorizationPolicy", "they would have no part in the answer", nil, ""},
		{"v1", "Namespace", "what a namespaceSelector matches is uncertain", nil, ""},
		{"v1", "Pod", "pods are missing from the answer, but for those that a workload's template stands for", nil, "Pod objects cannot be read: pods are missing"},
		{"v1", "Node", "nodes, their addresses and pod ranges are missing from the answer", nil, "Node objects cannot be read: nodes,"},
		{"apps/v1", "Deployment", "pods that are not there yet, and what owns the others, are missing from the answer", nil, "Deployment objects cannot be read: pods that"},
		{"networking.k8s.io/v1", "ServiceCIDR", "ranges of service addresses are missing from the answer", nil, "ServiceCIDR objects cannot be read: ranges"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			require.True(t, cluster.Reads(c.apiVersion, c.kind))
			s, l := readLive(forbidden(c.apiVersion, c.kind), listed("v1", "Pod", onePod))
			d := l.Diagnostics[0]
			require.Equal(t, dialect.CodeUnread, d.Code)
			require.Equal(t, c.kind+" objects cannot be read: forbidden; "+c.message, d.Message)
			require.Zero(t, l.Count(dialect.Error))
			require.Len(t, s.Pods, 1)
			var directions []model.Direction
			for _, r := range s.Rules {
				if r.Action == model.Uncertain {
					directions = append(directions, r.Direction)
					require.Equal(t, model.PodSet{}, r.Subject)
					require.True(t, r.Peer.Any)
					require.Equal(t, c.kind+" objects of the cluster cannot be read", r.Note)
				}
			}
			require.Equal(t, c.directions, directions)
			if c.assumed != "" {
				require.Contains(t, strings.Join(l.Assumptions, "\n"), c.assumed)
			}
		})
	}
	require.False(t, cluster.Reads("v1", "Secret"))
	require.False(t, cluster.Reads("example.com/v1", "Pod"), "the group counts")
	require.Contains(t, cluster.KindsOf(""), "Pod")
	require.Contains(t, cluster.KindsOf("projectcalico.org"), "GlobalNetworkPolicy")
	require.Empty(t, cluster.KindsOf("metrics.k8s.io"))
}

// Without the labels of namespaces a namespaceSelector may match or not. The
// name, which is a label of every namespace, is known all the same.
func TestUnreadNamespaces(t *testing.T) {
	s, l := readLive(listed("v1", "Pod", onePod), listed("networking.k8s.io/v1", "NetworkPolicy", onePolicy), forbidden("v1", "Namespace"))
	require.Len(t, l.Diagnostics, 1, "that ml has no Namespace object is no news")
	require.Equal(t, []string{"ml"}, []string{s.Namespaces[0].Name})
	var got []string
	for _, r := range s.Rules {
		if r.Object.Name == "p" && r.Direction == model.Ingress {
			got = append(got, r.Action.String()+" "+r.Peer.String())
		}
	}
	require.ElementsMatch(t, []string{
		"allow ml: + cluster + {kubernetes.io/metadata.name=x}:",
		"may allow {kubernetes.io/metadata.name=y}:app=web",
		"may allow cluster",
		"deny any",
	}, got)
	allow, may, deny := model.Rank{}, model.Rank{}, model.Rank{}
	for _, r := range s.Rules {
		if r.Object.Name == "p" {
			*map[model.Action]*model.Rank{model.Allow: &allow, model.MayAllow: &may, model.Deny: &deny}[r.Action] = r.Rank
		}
	}
	require.Negative(t, allow.Compare(may), "what certainly allows comes first")
	require.Negative(t, may.Compare(deny))
}

// A policy that a cluster has is in force, whatever podreach thinks of it.
func TestLivePolicyIsNotAbsent(t *testing.T) {
	for _, c := range []struct{ name, policy, subject string }{
		{"unknown field", strings.Replace(onePolicy, `"podSelector": {}`, `"newField": 1, "podSelector": {"matchLabels": {"app": "web"}}`, 1), "ml:app=web"},
		{"invalid", strings.Replace(onePolicy, `"port": 443`, `"port": 0`, 1), "ml:"},
		{"unreadable selector", strings.Replace(onePolicy, `"podSelector": {}`, `"podSelector": {"matchLabels": {"app": 1}}`, 1), "ml:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, l := readLive(listed("v1", "Pod", onePod), listed("networking.k8s.io/v1", "NetworkPolicy", c.policy))
			require.Equal(t, 1, l.Count(dialect.Error))
			var subjects []string
			for _, r := range s.Rules {
				if r.Action == model.Uncertain {
					subjects = append(subjects, r.Direction.String()+" "+r.Subject.String())
					require.Equal(t, "NetworkPolicy ml/p is in force but cannot be understood (R115)", r.Note)
				}
				require.NotEqual(t, "p", r.Object.Name, "nothing else of it is in force")
			}
			require.Equal(t, []string{"ingress " + c.subject, "egress " + c.subject}, subjects)
			require.Contains(t, l.Err().Error(), "(the cluster has accepted it; "+c.subject+" is uncertain)")
		})
	}
}
