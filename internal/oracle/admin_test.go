package oracle

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
)

// What is generated to be rejected is rejected, and nothing else is.
func TestAdminRejected(t *testing.T) {
	rejected, accepted := 0, 0
	for seed := range uint64(2000) {
		c := gen.New(rand.New(rand.NewPCG(seed, 0)), gen.Options{})
		want := 0
		for f, n := range c.Features {
			if strings.HasPrefix(string(f), "bad-admin") {
				want += n
			}
		}
		got := 0
		for _, given := range c.Admin {
			p, err := withoutNulls(given)
			require.NoError(t, err)
			require.True(t, IsAdmin(p), "seed %d: %v", seed, p)
			if validateAdmin(p) != nil {
				got++
			}
		}
		require.Equal(t, want, got, "seed %d", seed)
		rejected += got
		accepted += len(c.Admin) - got
	}
	require.Greater(t, rejected, 150)
	require.Greater(t, accepted, 1500)
}
