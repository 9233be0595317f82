package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
)

func TestResult(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally")
	for _, tally := range []fuzz.Tally{
		{Counterpart: "oracle", Clusters: 3, Verdicts: 1_000_000, Constructs: map[gen.Feature]int64{"peer-block": 400_000}},
		{Counterpart: "oracle", Clusters: 1, Verdicts: 234_567, Disagreements: 1, Constructs: map[gen.Feature]int64{"peer-block": 1, "types-both": 2}},
		{Counterpart: "P1", Verdicts: 5},
		{Counterpart: "P7 none", Verdicts: 6},
		{Counterpart: "cilium", Clusters: 2, Verdicts: 99, Explained: map[string]int64{"tie": 2}},
	} {
		require.NoError(t, tally.Append(path))
	}
	r := result{Date: "2026-01-02 03:04:05", Commit: "abc", Duration: "1m0s", Machine: "linux/amd64, 2 CPUs", Counterparts: map[string]counted{}, Constructs: map[gen.Feature]int64{}}
	require.NoError(t, r.add(path))
	require.Equal(t, int64(1_234_677), r.Verdicts)
	require.Equal(t, int64(400_001), r.Constructs["peer-block"])
	require.Equal(t, counted{Clusters: 2, Verdicts: 99, Explained: map[string]int64{"tie": 2}}, r.Counterparts["cilium"])
	require.Equal(t, "2026-01-02, commit abc, 1m0s on linux/amd64, 2 CPUs: 1,234,677 verdicts, 1 disagreements that nothing explains (oracle 1,234,567, cilium 99, properties 11)", r.String())

	shown, err := show("before\n"+from+"old\n"+to+"after\n", "new")
	require.NoError(t, err)
	require.Equal(t, "before\n"+from+"new\n"+to+"after\n", shown)
	_, err = show("no place", "new")
	require.Error(t, err)
}

// TestReadme holds the README against the last result.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../" + readme)
	require.NoError(t, err)
	last, err := lastResult("../../" + results)
	require.NoError(t, err)
	shown, err := show(string(text), last.String())
	require.NoError(t, err)
	require.Equal(t, shown, string(text))
}

func TestComparisons(t *testing.T) {
	require.Equal(t, 2, comparisons([]byte("TestP01OrderIsNothing\nTestP01NoticesARuleThatIsGone\nTestP12Exemptions\n")))
	require.Zero(t, comparisons(nil))
	path := filepath.Join(t.TempDir(), "tally")
	require.Zero(t, lines(path))
	require.NoError(t, (&fuzz.Tally{Counterpart: "P1"}).Append(path))
	require.NoError(t, (&fuzz.Tally{Counterpart: "P2"}).Append(path))
	require.Equal(t, 2, lines(path))
}
