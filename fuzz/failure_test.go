package fuzz

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podreach/podreach/internal/gen"
)

// ignoringEndPort compares the oracle with an engine that is given clusters
// without endPort: a mistake that the machine must find and show.
var ignoringEndPort = Comparison{Counterpart: "mistake", Package: "./fuzz", Clusters: gen.Options{Valid: true},
	Check: func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		o, err := Oracle(c)
		if err != nil {
			return Count{}, err
		}
		x, _, err := Index(c, withoutEndPorts(c).JSON())
		if err != nil {
			return Count{}, err
		}
		n, err := compare(o, x, r, 12)
		return Count{Verdicts: n}, err
	}}

func withoutEndPorts(c *gen.Cluster) *gen.Cluster {
	strip := func(ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort {
		ports = slices.Clone(ports)
		for i := range ports {
			ports[i].EndPort = nil
		}
		return ports
	}
	out := *c
	out.Policies = nil
	for _, np := range c.Policies {
		np = *np.DeepCopy()
		for i := range np.Spec.Ingress {
			np.Spec.Ingress[i].Ports = strip(np.Spec.Ingress[i].Ports)
		}
		for i := range np.Spec.Egress {
			np.Spec.Egress[i].Ports = strip(np.Spec.Egress[i].Ports)
		}
		out.Policies = append(out.Policies, np)
	}
	return &out
}

// TestFailure plants a mistake: it is found, and what is shown of it is small,
// goes wrong in the same way, and names what does.
func TestFailure(t *testing.T) {
	found, enough := 0, 2
	if testing.Short() { // under the race detector
		enough = 1
	}
	for seed := uint64(1); found < enough; seed++ {
		require.Less(t, seed, uint64(200), "nobody sees that endPort is ignored")
		_, text := ignoringEndPort.seed("TestMistake", seed, ignoringEndPort.cluster(seed))
		if text == "" {
			continue
		}
		found++
		lines := strings.Split(text, "\n")
		require.Regexp(t, fmt.Sprintf(`^seed %d: oracle and \w+( of one address)?: .* want \w+, got \w+$`, seed), lines[0])
		require.Equal(t, fmt.Sprintf("rerun: go test ./fuzz -run '^TestMistake$' -seed %d", seed), lines[1])
		require.Regexp(t, `^shrunk from \d+ objects to [123], of which: oracle and \w+( of one address)?: .* want \w+, got \w+$`, lines[2])
		require.Equal(t, 1, strings.Count(text, "endPort:"), text)
		require.Equal(t, 1, strings.Count(text, "kind: NetworkPolicy\n"), text)
		require.NotContains(t, text, "ipBlock", "a peer has no part in it")
		require.Less(t, len(lines), 80, text)
	}
}

// TestFailureText is the whole text, for a cluster of which one object and the
// configuration matter.
func TestFailureText(t *testing.T) {
	port, end := intstr.FromInt32(80), int32(90)
	cluster := &gen.Cluster{
		Namespaces: []corev1.Namespace{{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: "red"}}},
		Policies: []networkingv1.NetworkPolicy{{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "red"},
			Spec: networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{{}, {Ports: []networkingv1.NetworkPolicyPort{{}, {Port: &port, EndPort: &end}}}}}}},
		PodCIDRs: []string{"10.0.0.0/8", "fd00::/8"}, Families: []string{"IPv4"}, Profile: "cilium", DefaultNamespace: "red",
	}
	c := Comparison{Package: "./there", Check: func(c *gen.Cluster, _ *rand.Rand) (Count, error) {
		for _, np := range c.Policies {
			for _, r := range np.Spec.Ingress {
				for _, p := range r.Ports {
					if p.EndPort != nil && len(c.PodCIDRs) > 0 && c.Profile != "" {
						return Count{}, &Mismatch{What: "ports", Want: *p.EndPort, Got: len(c.Families)}
					}
				}
			}
		}
		return Count{}, errors.New("something else")
	}}
	_, err := c.check(cluster, nil)
	require.Equal(t, `seed 7: ports: want 90, got 1
rerun: this way
shrunk from 2 objects to 1, of which: ports: want 90, got 0
# podCIDRs: ['fd00::/8']
# --profile cilium
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: p
spec:
  ingress:
  - from: null
    ports:
    - endPort: 90
  podSelector: {}
`, c.failure("seed 7", "this way", cluster, questions(7), err))
}

// TestFailureOfTheSameSort does not take another error, nor another panic, for
// the same.
func TestFailureOfTheSameSort(t *testing.T) {
	require.Equal(t, "ports", sortOf(fmt.Errorf("wrapped: %w", &Mismatch{What: "ports"})))
	require.Equal(t, "missing end", sortOf(errors.New("missing end: red/a")))
	require.Equal(t, sortOf(errors.New("atom 12 of 3")), sortOf(errors.New("atom 4 of 15")))
	require.NotEqual(t, sortOf(errors.New("this")), sortOf(errors.New("that")))
	require.Equal(t, sortOf(errors.New("panic: index 5\nstack: a")), sortOf(errors.New("panic: index 7\nstack: b")))
	require.NotEqual(t, sortOf(errors.New("panic: index 5\nstack: a")), sortOf(errors.New("panic: nil\nstack: a")))

	panics := Comparison{Check: func(c *gen.Cluster, _ *rand.Rand) (Count, error) {
		if len(c.Pods) == 0 {
			panic("no pods")
		}
		panic("pods")
	}}
	cluster := panics.cluster(1)
	_, err := panics.check(cluster, nil)
	text := panics.failure("seed 1", "", cluster, questions(1), err)
	require.Contains(t, text, "to 1, of which: panic: pods\n")
	require.Contains(t, text, "kind: Pod\n")
}
