package bench

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A limit of what does not run would never be exceeded.
func TestLimitsAreOfWhatRuns(t *testing.T) {
	text, err := os.ReadFile("limits.json")
	require.NoError(t, err)
	var limits []struct{ Benchmark, Of string }
	require.NoError(t, json.Unmarshal(text, &limits))
	require.NotEmpty(t, limits)
	runs := map[string]bool{}
	for _, r := range table {
		for _, pods := range r.sizes {
			runs[r.op+"/"+r.shape+"/"+sizeName(pods)] = true
		}
	}
	for _, l := range limits {
		require.True(t, runs[l.Benchmark], l.Benchmark)
		require.True(t, l.Of == "" || runs[l.Of], l.Of)
	}
}
