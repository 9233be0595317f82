package bench

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
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

// BenchmarkDiff compares a cluster with one that has a policy less. Both are
// compiled already.
func BenchmarkDiff(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		rules := x.Snapshot().Rules
		gone := rules[len(rules)/2].Object
		require.NotZero(b, gone)
		after := without(x.Snapshot(), func(o model.ObjectRef) bool { return o == gone })
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
