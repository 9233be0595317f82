package bench

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// without is a copy of a snapshot without the rules of some objects.
func without(s *model.Snapshot, gone func(model.ObjectRef) bool) *model.Snapshot {
	out := *s
	out.Pods, out.Rules = slices.Clone(s.Pods), nil
	for _, r := range s.Rules {
		if !gone(r.Object) {
			out.Rules = append(out.Rules, r)
		}
	}
	return &out
}

// compared compares a cluster with another that lacks some policies.
// Both are compiled already.
func compared(b *testing.B, x *engine.Index, after *model.Snapshot) {
	b.Helper()
	changes := 0
	for b.Loop() {
		b.StopTimer() // each diff is of a new index: rows are kept in it
		y := compile(b, after, engine.Options{})
		b.StartTimer()
		changes = 0
		for range solver.Diff(x, y) {
			changes++
		}
	}
	require.NotZero(b, changes)
	b.ReportMetric(float64(changes), "changes")
}

// BenchmarkDiff compares a cluster with one that has a policy less. From two
// texts to all changes it is x-of-reading times what reading both takes.
func BenchmarkDiff(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		rules := x.Snapshot().Rules
		gone := rules[len(rules)/2].Object
		require.NotZero(b, gone)
		less := func(s *model.Snapshot) *model.Snapshot {
			return without(s, func(o model.ObjectRef) bool { return o == gone })
		}
		compared(b, x, less(x.Snapshot()))
		report(b, s, pods)
		text := dumpJSON(b, s, pods)
		both := func(b *testing.B) (old, now *model.Snapshot) {
			return read(b, manifest.Bytes("old", text)), read(b, manifest.Bytes("new", text))
		}
		ratios(b, func(b *testing.B) {
			old, now := both(b)
			for range solver.Diff(compile(b, old, engine.Options{}), compile(b, less(now), engine.Options{})) {
			}
		}, rivals{"reading": func(b *testing.B) { both(b) }})
	})
}

// BenchmarkDiffMany compares a cluster with one in which a hundredth of the
// policies lack their first rule, of peers in their own namespace.
func BenchmarkDiffMany(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		after := *x.Snapshot()
		after.Rules = nil
		edited, n := map[model.ObjectRef]bool{}, 0
		for _, r := range x.Snapshot().Rules {
			if _, ok := edited[r.Object]; !ok && r.Object != (model.ObjectRef{}) {
				edited[r.Object] = n%100 == 50
				n++
			}
			if edited[r.Object] && strings.HasSuffix(r.Origin.Path, "spec.ingress[0]") {
				continue
			}
			after.Rules = append(after.Rules, r)
		}
		require.Equal(b, pods/10, n)
		require.Len(b, after.Rules, len(x.Snapshot().Rules)-n/100)
		compared(b, x, &after)
		report(b, s, pods)
	})
}

// BenchmarkDiffNothing compares a cluster with a copy of it.
func BenchmarkDiffNothing(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		y := compile(b, without(x.Snapshot(), func(model.ObjectRef) bool { return false }), engine.Options{})
		for b.Loop() {
			for range solver.Diff(x, y) {
				b.Fatal("a change of nothing")
			}
		}
		report(b, s, pods)
	})
}
