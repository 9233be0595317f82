package cilium

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// refused are cases with a policy that Cilium does not take.
var refused = map[string]string{"C100-2": "egress.to.domainNames is only supported for egress.action=Accept"}

// TestCorpus compares on the cases of the corpus, all of them in the profile
// cilium, and holds Cilium against what cases of that profile expect.
func TestCorpus(t *testing.T) {
	verdicts, cases, expected := 0, 0, 0
	explained := map[string]int{}
	for _, c := range corpus.Cases() {
		if len(c.Errors) > 0 || bytes.Contains(c.YAML, []byte("policy.networking.k8s.io/v1alpha1")) {
			continue // Cilium does not validate, and does not read v1alpha1
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
			if err != nil && refused[c.ID] != "" {
				require.ErrorContains(t, err, refused[c.ID])
				return
			}
			require.NoError(t, err)
			n, err := q.ask(len(q.ports))
			require.NoError(t, err, "%s", c.YAML)
			cases++
			verdicts += n.Verdicts
			for id, times := range n.Explained {
				explained[id] += times
			}
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
	t.Logf("%d verdicts over %d of %d cases, %d of them expected by the corpus; explained: %v", verdicts, cases, len(corpus.Cases()), expected, explained)
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

// TestLedger shows every entry by its example: podreach says what the entry
// says, Cilium the opposite by all its ways, and only the entry explains it.
func TestLedger(t *testing.T) {
	for _, e := range Ledger() {
		t.Run(e.ID, func(t *testing.T) {
			x := index(t, []byte(e.Example), cluster.Options{Profile: cluster.ProfileCilium})
			q, err := newQuestions(x, []byte(e.Example), "", nil, rand.New(rand.NewPCG(1, 1)))
			require.NoError(t, err)
			at := func(name string) end {
				out, ok := q.end(name)
				require.True(t, ok, name)
				return out
			}
			src, dst := at(e.From), at(e.To)
			protocol, number, _ := strings.Cut(e.Port, "/")
			n, err := strconv.ParseUint(number, 10, 16)
			require.NoError(t, err)
			p := port{number: uint16(n)}
			var ok bool
			p.protocol, ok = model.ParseProtocol(protocol)
			require.True(t, ok)

			require.Equal(t, e.Ours, x.Verdict(engine.Flow{Src: q.id(src), Dst: q.id(dst), Protocol: p.protocol, Port: p.number}) == model.Allowed)
			asked := q.flow(q.world, src, dst, model.IPv4, p)
			for _, ask := range []func(flow) (bool, error){q.world.allowed, q.world.lookup} {
				theirs, err := ask(asked)
				require.NoError(t, err)
				require.Equal(t, !e.Ours, theirs)
			}
			require.Equal(t, !e.Ours, q.world.iterate(q.plain, asked))
			require.NoError(t, q.one(src, dst, model.IPv4, p))
			require.Equal(t, map[string]int{e.ID: 1}, q.count.Explained)
		})
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

// BenchmarkVerdict is one verdict in each of the three ways.
func BenchmarkVerdict(b *testing.B) {
	x := index(b, []byte(baselineExample), cluster.Options{Profile: cluster.ProfileCilium})
	q, err := newQuestions(x, []byte(baselineExample), "", nil, rand.New(rand.NewPCG(1, 1)))
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
