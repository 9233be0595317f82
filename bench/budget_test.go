package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// A verdict allocates nothing, whatever the cluster; nor does a column, once it
// is made.
func TestVerdictDoesNotAllocate(t *testing.T) {
	for _, s := range Shapes {
		x := compile(t, snapshot(t, s, k1), engine.Options{})
		list := flows(x)[:4096]
		seen := map[model.Verdict]bool{}
		require.Zero(t, testing.AllocsPerRun(1, func() {
			for _, f := range list {
				x.Verdict(f)
			}
		}), s.Name)
		for _, f := range list {
			seen[x.Verdict(f)] = true
		}
		require.True(t, seen[model.Denied] || seen[model.Allowed], s.Name)

		all := x.AllPods()
		column := x.Column(all, model.AllPorts())
		require.Zero(t, testing.AllocsPerRun(10, func() {
			column.Any(all)
			column.All(all)
			column.Count(all)
		}), s.Name)
	}
}

// What an index keeps beside its snapshot: bytes a pod, and a class. Names and
// addresses of pods are in the snapshot and do not count; nor does what some
// questions make when they are first asked.
func TestHeap(t *testing.T) {
	for _, c := range []struct {
		shape        string
		pods         int
		aPod, aClass float64
		classes      [2]int // between; so that the shape is what it is said to be
	}{
		{"replicas", k10, 120, 700, [2]int{k1, 2 * k1}},
		{"unique", k10, 400, 400, [2]int{k10, 11 * k1}},
		{"per-pod", k1, 600, 600, [2]int{k1, k1 + 5}},
		{"identical", k1, 60, 20_000, [2]int{1, 3}},
	} {
		x, heap := index(t, shapeOf(c.shape), c.pods)
		t.Logf("%s: %d B/pod, %d B/class", c.shape, heap/int64(c.pods), heap/int64(x.Classes()))
		require.LessOrEqual(t, float64(heap)/float64(c.pods), c.aPod, c.shape)
		require.LessOrEqual(t, float64(heap)/float64(x.Classes()), c.aClass, c.shape)
		require.GreaterOrEqual(t, x.Classes(), c.classes[0], c.shape)
		require.LessOrEqual(t, x.Classes(), c.classes[1], c.shape)
	}
}
