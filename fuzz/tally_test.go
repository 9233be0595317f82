package fuzz

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
)

// TestMissing: each construct is missed when no verdict was compared over a
// cluster that has it, whatever else was.
func TestMissing(t *testing.T) {
	for _, left := range gen.Features {
		tally := Tally{Constructs: map[gen.Feature]int64{}}
		all := map[gen.Feature]int{}
		for _, f := range gen.Features {
			if f != left {
				all[f] = 1
			}
		}
		tally.add(Count{Verdicts: 5}, all)
		tally.add(Count{}, map[gen.Feature]int{left: 1})
		require.Equal(t, []gen.Feature{left}, tally.Missing())
		require.True(t, tally.lacks(map[gen.Feature]int{left: 1}))
		require.False(t, tally.lacks(all))
	}
}
