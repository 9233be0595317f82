package cluster

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What sorted returns is what a stable sort of the elements themselves gives.
func TestSorted(t *testing.T) {
	type pair struct{ key, was int }
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 200 {
		in := make([]pair, n)
		for i := range in {
			in[i] = pair{r.IntN(n/2 + 1), i}
		}
		want := slices.Clone(in)
		slices.SortStableFunc(want, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
		require.Equal(t, want, sorted(in, func(a, b *pair) int { return cmp.Compare(a.key, b.key) }))
	}
}
