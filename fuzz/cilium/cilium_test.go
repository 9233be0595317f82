package cilium

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/cilium/cilium/pkg/k8s"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/corpus"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
)

var options = fuzz.Flags(flag.CommandLine, 100_000)

// TestCilium compares on generated clusters.
func TestCilium(t *testing.T) {
	o := *options
	if testing.Short() {
		o.Verdicts /= 10
	}
	var left Left
	comparison := Comparison(&left)
	comparison.Run(t, o)
	t.Logf("not compared: %d uncertain, %d that Cilium cannot be asked", left.Uncertain.Load(), left.Excluded.Load())
}

// TestCorpus compares on the cases of the corpus, all of them in the profile
// cilium, and holds Cilium against what cases of that profile expect.
func TestCorpus(t *testing.T) {
	verdicts, cases, expected := 0, 0, 0
	for _, c := range corpus.Cases() {
		if len(c.Errors) > 0 {
			continue // Cilium does not validate
		}
		invalid := false
		for _, code := range c.Invalid {
			invalid = invalid || code >= 2000
		}
		if invalid {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			x := index(t, c.YAML, cluster.Options{Profile: cluster.ProfileCilium, Unmanaged: c.Facts.Unmanaged,
				PodCIDRs: c.Facts.PodCIDRs, ServiceCIDRs: c.Facts.ServiceCIDRs, Families: c.Facts.Families})
			q, err := newQuestions(x, c.YAML, "", c.Facts.Unmanaged, rand.New(rand.NewPCG(1, 1)))
			require.NoError(t, err)
			n, err := q.ask(len(q.ports))
			require.NoError(t, err, "%s", c.YAML)
			cases++
			verdicts += n.Verdicts
			if c.Profile != "cilium" {
				return
			}
			for _, e := range c.Expect {
				src, known := q.end(e.From)
				dst, also := q.end(e.To)
				if !known || !also || e.From == e.To || !e.Lower.Equal(e.Upper) {
					continue
				}
				for _, p := range q.ports {
					got, err := q.world.allowed(q.flow(q.world, src, dst, model.IPv4, p))
					require.NoError(t, err)
					require.Equal(t, e.Lower.Contains(p.protocol, p.number), got, "%v: %v %d", e, p.protocol, p.number)
					expected++
				}
			}
		})
	}
	t.Logf("%d verdicts over %d of %d cases, %d of them expected by the corpus", verdicts, cases, len(corpus.Cases()), expected)
	require.Greater(t, verdicts, 10_000)
	require.Positive(t, expected)
}

// end finds an end by the name that the corpus gives it.
func (q *questions) end(name string) (end, bool) {
	if a, err := netip.ParseAddr(name); err == nil {
		return end{addr: a}, len(q.x.Owners(a)) == 0
	}
	for i := range q.objects.pods {
		if p := &q.objects.pods[i]; q.x.Snapshot().Pods[p.number].Path() == name {
			return end{pod: p}, true
		}
	}
	return end{}, false
}

// TestNamespacesMatchHosts: a selector of namespaces that asks for no label
// matches the identities of nodes too (R97), which are not ends here.
func TestNamespacesMatchHosts(t *testing.T) {
	require.NoError(t, configure())
	for text, want := range map[string]bool{
		"{}":                        false,
		"{matchLabels: {team: ml}}": false,
		"{matchExpressions: [{key: team, operator: NotIn, values: [ml]}]}":                               true,
		"{matchExpressions: [{key: team, operator: DoesNotExist}]}":                                      true,
		"{matchExpressions: [{key: team, operator: DoesNotExist}, {key: a, operator: In, values: [b]}]}": false,
		"{matchExpressions: [{key: team, operator: DoesNotExist}, {key: a, operator: Exists}]}":          false,
	} {
		var policy v1alpha2.ClusterNetworkPolicy
		require.NoError(t, yaml.Unmarshal([]byte("spec: {tier: Admin, subject: {namespaces: {}}, ingress: [{action: Accept, from: [{namespaces: "+text+"}]}]}"), &policy))
		entries, err := k8s.ParseClusterNetworkPolicy(quiet, clusterName, &policy)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		for _, l := range []labels.Labels{labels.LabelHost, labels.LabelRemoteNode, labels.LabelWorld} {
			require.Equal(t, want, entries[0].L3.Matches(l.LabelArray()), "%s: %v", text, l)
		}
	}
}

func index(t testing.TB, text []byte, o cluster.Options) *engine.Index {
	t.Helper()
	s := cluster.New(o)
	for object := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("cluster", text)}, s.Ledger()) {
		s.Put(object)
	}
	x, err := engine.Compile(s.Snapshot(), engine.Options{})
	require.NoError(t, err)
	return x
}

const twoPods = `
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
spec: {containers: [{name: main}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x, labels: {app: b}}
spec: {containers: [{name: main}]}
status: {phase: Running, podIP: 10.0.0.2}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: isolated, namespace: x}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: open}
spec:
  tier: Baseline
  priority: 1
  subject: {namespaces: {}}
  ingress: [{action: Accept, from: [{namespaces: {}}]}]
`

// BenchmarkVerdict is one verdict in each of the three ways.
func BenchmarkVerdict(b *testing.B) {
	text := []byte(twoPods)
	x := index(b, text, cluster.Options{Profile: cluster.ProfileCilium})
	q, err := newQuestions(x, text, "", nil, rand.New(rand.NewPCG(1, 1)))
	require.NoError(b, err)
	f := q.flow(q.world, end{pod: &q.objects.pods[0]}, end{pod: &q.objects.pods[1]}, model.IPv4, port{number: 80})
	b.Run("map state", func(b *testing.B) {
		for b.Loop() {
			_, err := q.world.allowed(f)
			require.NoError(b, err)
		}
	})
	b.Run("LookupFlow", func(b *testing.B) {
		for b.Loop() {
			_, err := q.world.lookup(f)
			require.NoError(b, err)
		}
	})
	b.Run("IteratePolicy", func(b *testing.B) {
		for b.Loop() {
			q.world.iterate(q.plain, f)
		}
	})
}
