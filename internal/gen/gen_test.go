package gen_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/gen"
)

func cluster(seed uint64, o gen.Options) *gen.Cluster {
	return gen.New(rand.New(rand.NewPCG(seed, 0)), o)
}

// TestFeatures reaches every construct, and counts none that is not listed.
func TestFeatures(t *testing.T) {
	const seeds = 3000
	total := map[gen.Feature]int{}
	for seed := range uint64(seeds) {
		for f, n := range cluster(seed, gen.Options{}).Features {
			total[f] += n
		}
	}
	listed := map[gen.Feature]bool{}
	for _, f := range gen.Features {
		require.False(t, listed[f], "%s is listed twice", f)
		listed[f] = true
		require.Positive(t, total[f], "no seed of %d has %s", seeds, f)
	}
	for f := range total {
		require.True(t, listed[f], "%s is not listed", f)
	}
}

func TestDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		a, b := cluster(seed, gen.Options{}), cluster(seed, gen.Options{})
		require.Equal(t, a, b)
		require.Equal(t, string(a.JSON()), string(b.JSON()))
		require.Equal(t, string(a.YAML()), string(b.YAML()))
	}
}

// TestSize keeps the clusters in their bounds, and names unique across kinds in
// a namespace, so that instances of templates do not collide with pods.
func TestSize(t *testing.T) {
	for seed := range uint64(500) {
		c := cluster(seed, gen.Options{Pods: 5, Policies: 2, Valid: true, Profile: "spec"})
		require.LessOrEqual(t, len(c.Pods), 5)
		require.LessOrEqual(t, len(c.Policies), 2)
		require.Equal(t, "spec", c.Profile)
		names := map[string]bool{}
		for _, p := range c.Pods {
			require.False(t, names[p.Name])
			names[p.Name] = true
		}
		for _, w := range c.Workloads {
			require.False(t, names[w.Name])
			names[w.Name] = true
		}
		for f := range c.Features {
			require.False(t, strings.HasPrefix(string(f), "bad-"), "seed %d has %s", seed, f)
		}
	}
}

// TestEncodings requires that JSON and YAML hold the same objects, and that
// decoding the policies gives the typed ones again: no spelling changes what
// they mean.
func TestEncodings(t *testing.T) {
	for seed := range uint64(300) {
		c := cluster(seed, gen.Options{})
		var list struct {
			Kind  string
			Items []json.RawMessage
		}
		require.NoError(t, json.Unmarshal(c.JSON(), &list))
		require.Equal(t, "List", list.Kind)
		docs := strings.Split(string(c.YAML()), "---\n")
		if len(list.Items) == 0 {
			docs = nil
		}
		require.Len(t, docs, len(list.Items))
		var policies []networkingv1.NetworkPolicy
		for i, item := range list.Items {
			fromYAML, err := yaml.YAMLToJSON([]byte(docs[i]))
			require.NoError(t, err)
			require.JSONEq(t, string(item), string(fromYAML))
			var np networkingv1.NetworkPolicy
			require.NoError(t, json.Unmarshal(item, &np))
			if np.Kind == "NetworkPolicy" {
				policies = append(policies, np)
			}
		}
		require.Len(t, policies, len(c.Policies))
		for i := range policies {
			want, err := json.Marshal(c.Policies[i])
			require.NoError(t, err)
			got, err := json.Marshal(policies[i])
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got), "seed %d", seed)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for i := range b.N {
		cluster(uint64(i), gen.Options{})
	}
}
