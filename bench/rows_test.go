package bench

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// keptRow is a Row that was copied.
type keptRow struct {
	sources []engine.Class
	layers  []engine.Layer
	pairs   []int
}

func keepRows(x *engine.Index) (out []keptRow) {
	for row := range x.Rows() {
		k := keptRow{sources: slices.Clone(row.Sources)}
		for i, l := range row.Layers {
			l.Classes = l.Classes.Clone()
			k.layers, k.pairs = append(k.layers, l), append(k.pairs, row.Pairs(i))
		}
		out = append(out, k)
	}
	return out
}

// Rows are made by several goroutines, and are the same as made by one. What
// they say holds pair by pair, and so do the numbers of pairs.
func TestRowsOfALargeCluster(t *testing.T) {
	for _, s := range []Shape{shapeOf("replicas"), shapeOf("unique")} {
		state := read(t, stream(s, 2_000))
		state.Pods[7].Dormant = true
		x := compile(t, state, engine.Options{})
		before := runtime.GOMAXPROCS(1)
		t.Cleanup(func() { runtime.GOMAXPROCS(before) })
		one := keepRows(x)
		runtime.GOMAXPROCS(5)
		require.Equal(t, one, keepRows(x), s.Name)
		require.Greater(t, len(one), 5*32, "too few rows for several goroutines")
		require.Less(t, len(one), x.Classes(), "no row is shared")
		runtime.GOMAXPROCS(before)

		pods := make([]int, x.Classes())
		for i := range state.Pods {
			if !state.Pods[i].Dormant {
				pods[x.Class(engine.EndpointID(i))]++
			}
		}
		r := rand.New(rand.NewPCG(1, 1))
		for _, i := range r.Perm(len(one))[:20] {
			row := one[i]
			src := row.sources[r.IntN(len(row.sources))]
			for dst := range engine.Class(x.Classes()) {
				got := model.Bounds{}
				for _, l := range row.layers {
					if l.Classes.Test(uint(dst)) {
						got = l.Bounds
					}
				}
				require.Equal(t, x.BetweenClasses(src, dst), got, "%d to %d", src, dst)
			}
			for j, l := range row.layers {
				n := 0
				for _, src := range row.sources {
					for dst, some := l.Classes.NextSet(0); some; dst, some = l.Classes.NextSet(dst + 1) {
						if n += pods[src] * pods[dst]; src == engine.Class(dst) {
							n -= pods[src]
						}
					}
				}
				require.Equal(t, n, row.pairs[j])
			}
		}
	}
}
