package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
	"github.com/podreach/podreach/solver/assertionset"
)

// stated is what somebody could want of the shapes of workloads: of a namespace,
// of a team, of half of the cluster.
const stated = `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: bench}
spec:
  assertions:
  - {id: denied-by-default, expect: covered, pods: "{env=prod}:", directions: [ingress, egress]}
  - {id: watched-by-default, expect: covered, pods: "ns-00004:", directions: [ingress]}
  - {id: training-stays-inside, expect: isolated, from: "{team=t3}:", to: internet}
  - {id: stores-stay-inside, expect: isolated, from: "ns-00002:tier=db", to: internet, ports: "443"}
  - {id: no-metadata, expect: isolated, from: "{env=dev}:", to: metadata}
  - {id: one-front-door, expect: only, from: "ns-00007:tier=web", to: "ns-00007:tier=db", ports: "8080"}
  - {id: teams-apart, expect: isolated, from: "{team=t1}:", to: "{team=t7}:"}
  - {id: front-reaches-back, expect: reachable, from: "ns-00001:tier=web", to: "ns-00001:tier=api", ports: http}
  - {id: somebody-reaches-it, expect: exists, from: "{env=prod}:", to: "ns-00005:tier=api"}
  - {id: names, expect: dns, pods: "{env=prod}:", to: "ns-00000:tier=web"}
`

func assertions(t testing.TB) []solver.Assertion {
	t.Helper()
	list, problems := assertionset.Read([]assertionset.File{{Name: "bench.yaml", Text: []byte(stated)}}, time.Unix(0, 0))
	require.Empty(t, problems)
	var out []solver.Assertion
	for _, s := range list {
		out = append(out, s.Assertion)
	}
	return out
}

// checked answers all assertions: how many hold and how many do not.
func checked(b *testing.B, x *engine.Index, list []solver.Assertion) (holds, fails int) {
	b.Helper()
	for r := range solver.Check(x, list) {
		switch {
		case len(r.Empty) > 0:
			b.Fatal(r.Assertion.ID, r.Empty)
		case r.Truth == solver.Yes:
			holds++
		default:
			fails++
		}
	}
	return holds, fails
}

// BenchmarkCheck checks ten assertions, of which some hold and others do not, of
// a new Index. From text to answers it is x-of-reading times what reading
// the text takes, both with the collector's share.
func BenchmarkCheck(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		list := assertions(b)
		var holds, fails int
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			x := compile(b, snap, engine.Options{})
			b.StartTimer()
			holds, fails = checked(b, x, list)
		}
		require.NotZero(b, holds)
		require.NotZero(b, fails)
		b.ReportMetric(float64(fails), "fail")
		report(b, s, pods)
		text := dumpJSON(b, s, pods)
		ratios(b, func(b *testing.B) {
			checked(b, compile(b, read(b, manifest.Bytes("bench", text)), engine.Options{}), list)
		},
			rivals{"reading": func(b *testing.B) { read(b, manifest.Bytes("bench", text)) }})
	})
}
