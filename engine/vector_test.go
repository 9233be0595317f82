package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Versions of a vector, forks too, are what slices would be that are copied
// for each.
func TestVector(t *testing.T) {
	type state struct {
		v    vector[int]
		want []int
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, fan - 1, fan, fan * fan, fan*fan + 1, 10_000} {
		list := r.Perm(n)
		states := []state{{newVector(list), list}}
		for version := uint64(1); version < 60; version++ {
			from := states[r.IntN(len(states))]
			s := state{from.v, append([]int(nil), from.want...)}
			for range r.IntN(4) {
				i := len(s.want)
				if i == 0 || r.IntN(3) == 0 {
					i += r.IntN(200)
					s.want = append(s.want, make([]int, i+1-len(s.want))...)
				} else {
					i = r.IntN(len(s.want))
				}
				s.want[i] = r.Int()
				s.v.set(i, s.want[i], version)
			}
			states = append(states, s)
		}
		for _, s := range states {
			require.Equal(t, len(s.want), s.v.n)
			for i, want := range s.want {
				require.Equal(t, want, s.v.at(i))
			}
			require.Zero(t, s.v.at(len(s.want)))
			require.Zero(t, s.v.at(1<<20))
		}
		for i, want := range list {
			require.Equal(t, want, states[0].v.get(i))
		}
	}
}

// What lies between elements that were set is zero, however far they are apart.
func TestVectorWithGaps(t *testing.T) {
	var v vector[int]
	far := 3*fan*fan + 7
	v.set(far, 1, 1)
	for _, i := range []int{0, fan, fan*fan - 1, fan * fan, 3 * fan * fan, far + 1, far + fan, far + fan*fan} {
		require.Zero(t, v.at(i), i)
	}
	require.Equal(t, 1, v.at(far))
}
