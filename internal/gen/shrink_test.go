package gen_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/internal/gen"
)

func endPorts(c *gen.Cluster) int {
	n := 0
	count := func(ports []networkingv1.NetworkPolicyPort) {
		for _, p := range ports {
			if p.EndPort != nil {
				n++
			}
		}
	}
	for _, np := range c.Policies {
		for _, r := range np.Spec.Ingress {
			count(r.Ports)
		}
		for _, r := range np.Spec.Egress {
			count(r.Ports)
		}
	}
	return n
}

// TestShrink takes away everything that a failure does not need: of typed
// objects, of those that are trees, and of the configuration.
func TestShrink(t *testing.T) {
	typed, trees, empty := 0, 0, 0
	for seed := range uint64(60) {
		c := cluster(seed, gen.Options{})
		before := string(c.JSON())
		c.Features = nil

		none := gen.Shrink(c, func(*gen.Cluster) bool { return true })
		require.Equal(t, "", string(none.YAML()), "seed %d", seed)
		require.Empty(t, append(append(none.PodCIDRs, none.ServiceCIDRs...), none.Families...))
		require.Empty(t, none.Profile+none.DefaultNamespace)
		require.Empty(t, none.Unmanaged)
		empty++

		require.Equal(t, c, gen.Shrink(c, func(*gen.Cluster) bool { return false }), "nothing can go: seed %d", seed)

		if endPorts(c) > 0 {
			typed++
			small := gen.Shrink(c, func(c *gen.Cluster) bool { return endPorts(c) > 0 })
			require.Equal(t, 1, endPorts(small))
			require.Len(t, small.Policies, 1)
			spec := small.Policies[0].Spec
			require.Empty(t, spec.PodSelector.MatchLabels)
			require.Empty(t, spec.PodSelector.MatchExpressions)
			require.Len(t, append(ports(spec.Ingress), portsOut(spec.Egress)...), 1)
			require.Nil(t, append(ports(spec.Ingress), portsOut(spec.Egress)...)[0].Protocol)
			require.Empty(t, small.Pods)
			require.Empty(t, small.Nodes)
			require.Empty(t, small.Custom)
			require.Equal(t, small, gen.Shrink(c, func(c *gen.Cluster) bool { return endPorts(c) > 0 }), "the same each time")
		}
		if len(c.Admin) > 0 {
			trees++
			small := gen.Shrink(c, func(c *gen.Cluster) bool { return len(c.Admin) > 0 && c.Admin[0]["spec"] != nil })
			require.Len(t, small.Admin, 1)
			require.Empty(t, small.Admin[0]["spec"])
			require.Len(t, small.Admin[0]["metadata"], 1, "the name")
			require.Empty(t, small.Policies)
		}
		require.Equal(t, before, string(c.JSON()), "the cluster itself stays as it was: seed %d", seed)
	}
	require.Greater(t, min(typed, trees, empty), 10)
}

func ports(rules []networkingv1.NetworkPolicyIngressRule) (out []networkingv1.NetworkPolicyPort) {
	for _, r := range rules {
		out = append(out, r.Ports...)
	}
	return out
}

func portsOut(rules []networkingv1.NetworkPolicyEgressRule) (out []networkingv1.NetworkPolicyPort) {
	for _, r := range rules {
		out = append(out, r.Ports...)
	}
	return out
}

// TestShrinkKeepsWhatNewPromises: what says one thing twice goes on agreeing,
// and no workload but a ReplicationController loses its template.
func TestShrinkKeepsWhatNewPromises(t *testing.T) {
	looked := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := cluster(seed, gen.Options{})
		gen.Shrink(c, func(c *gen.Cluster) bool {
			for _, p := range c.Pods {
				if s := p.Status; len(s.PodIPs) > 0 {
					looked++
					require.Equal(t, s.PodIPs[0].IP, s.PodIP)
				}
				require.NotEmpty(t, p.Name)
			}
			for _, n := range c.Nodes {
				if len(n.Spec.PodCIDRs) > 0 {
					require.Equal(t, n.Spec.PodCIDRs[0], n.Spec.PodCIDR)
				}
			}
			for _, w := range c.Workloads {
				require.True(t, w.Template != nil || w.Kind == "replicationcontroller")
				require.NotNil(t, w.Object())
			}
			return r.IntN(3) == 0
		})
	}
	require.Greater(t, looked, 1000)
}

// TestBytes draws what the bytes say, as long as there are any.
func TestBytes(t *testing.T) {
	text := func(b []byte) string { return string(gen.New(rand.New(gen.Bytes(b)), gen.Options{}).YAML()) }
	long := make([]byte, 4000)
	for i := range long {
		long[i] = byte(i * 37)
	}
	require.Equal(t, text(long), text(long))
	require.Equal(t, text(long), text(append(long, 1)), "no cluster takes so many decisions")
	require.NotEqual(t, text(long[:40]), text(long[:41]), "what comes behind depends on all of them")

	// A byte is a decision: every possibility can be reached, none draws twice.
	for _, n := range []int{2, 3, 4, 5, 7, 10, 16, 23, 64, 100, 256} {
		met := map[int]bool{}
		for b := range 256 {
			r := rand.New(gen.Bytes([]byte{byte(b), 0, 255}))
			met[r.IntN(n)] = true
			require.Equal(t, 0, r.IntN(3), "the second byte, for %d of %d", b, n)
			require.Equal(t, 2, r.IntN(3), "the third")
		}
		require.Len(t, met, n)
	}
}
