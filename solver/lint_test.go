package solver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// lint returns the findings of manifests, those of the reader included.
func lint(t *testing.T, text string) []solver.Finding {
	t.Helper()
	state := cluster.New(cluster.Options{})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("in.yaml", []byte(text))}, state.Ledger()) {
		state.Put(o)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	require.NoError(t, err)
	require.NoError(t, state.Ledger().Err())
	out := slices.Collect(solver.Lint(x))
	for _, d := range state.Ledger().Diagnostics {
		if d.Code/1000 == 4 {
			out = append(out, solver.Finding{Code: d.Code, Severity: d.Severity(), Object: d.Object, Origin: d.Origin, Message: d.Message})
		}
	}
	return out
}

// The example of each code gives that code and no other, and what the code
// advises gives none.
func TestLintExamples(t *testing.T) {
	n := 0
	for _, doc := range dialect.Codes {
		if doc.Code/1000 != 4 || doc.After == "" {
			continue
		}
		n++
		t.Run(doc.Code.String(), func(t *testing.T) {
			before := lint(t, doc.Example)
			require.NotEmpty(t, before)
			for _, f := range before {
				require.Equal(t, doc.Code, f.Code, f.Message)
				require.Equal(t, doc.Severity, f.Severity, f.Message)
				require.True(t, f.Origin.Known())
				require.NotContains(t, f.Message, "\n")
				require.True(t, strings.Contains(f.Message, f.Object.String()), f.Message)
			}
			require.Empty(t, lint(t, doc.After))
		})
	}
	require.Equal(t, 11, n)
}

// A DNS server that no rule tells from its neighbour is one all the same, and
// the neighbour is none.
func TestLintDNSServerAmongOthers(t *testing.T) {
	text := `apiVersion: v1
kind: Pod
metadata: {name: other, namespace: kube-system}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: inside, namespace: ml}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {}}]}]
`
	found := lint(t, text)
	require.Len(t, found, 1)
	require.Equal(t, dialect.CodeLintNoDNS, found[0].Code)
	require.Contains(t, found[0].Message, "no DNS pod of the input")
}
