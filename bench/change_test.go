package bench

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// apply applies deltas one after the other to an index that was compiled for
// it, and fails if more than one in a hundred compiles.
func apply(b *testing.B, s Shape, pods int, next func(i int) model.Delta) {
	b.Helper()
	snap := snapshot(b, s, pods)
	x := compile(b, snap, engine.Options{Updates: true})
	x, err := x.Apply(model.Delta{Pods: snap.Pods[:1]}) // what the first one costs
	require.NoError(b, err)
	before := x.Updates()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		d := next(i)
		if x, err = x.Apply(d); err != nil {
			b.Fatal(err)
		}
		i++
	}
	compiled := x.Updates().Compiled - before.Compiled
	require.LessOrEqual(b, compiled*100, i, "compiled anew")
	report(b, s, pods)
}

// BenchmarkPodChurn deletes a pod, and adds it again in the next change.
func BenchmarkPodChurn(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		list := snapshot(b, s, pods).Pods
		apply(b, s, pods, func(i int) model.Delta {
			k := i / 2 * 7919 % len(list)
			if p := &list[k]; i%2 == 0 {
				return model.Delta{Gone: []model.PodName{{Namespace: p.Namespace, Name: p.Name}}}
			}
			return model.Delta{Pods: list[k : k+1]}
		})
	})
}

// BenchmarkPodRelabel gives a pod the labels of another of its namespace, which
// is another class.
func BenchmarkPodRelabel(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		list := snapshot(b, s, pods).Pods
		apply(b, s, pods, func(i int) model.Delta {
			p := list[i*7919%len(list)]
			first, _ := slices.BinarySearchFunc(list, p.Namespace, func(p model.Pod, ns string) int {
				if p.Namespace < ns {
					return -1
				}
				return 1
			})
			k := first + i%podsPerNamespace
			if k < len(list) && list[k].Namespace == p.Namespace && !list[k].HostNetwork && !p.HostNetwork {
				p.Labels, p.Ports = list[k].Labels, list[k].Ports
			}
			return model.Delta{Pods: []model.Pod{p}}
		})
	})
}

// BenchmarkPolicyChange deletes a policy, and adds it again in the next change.
func BenchmarkPolicyChange(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		var changes []model.PolicyChange
		at := map[model.ObjectRef]int{}
		for _, r := range snap.Rules {
			if r.Object == (model.ObjectRef{}) {
				continue
			}
			k, ok := at[r.Object]
			if !ok {
				k = len(changes)
				at[r.Object] = k
				changes = append(changes, model.PolicyChange{Object: r.Object})
			}
			changes[k].Rules = append(changes[k].Rules, r)
		}
		apply(b, s, pods, func(i int) model.Delta {
			c := changes[i/2*7919%len(changes)]
			if i%2 == 0 {
				c.Rules = nil
			}
			return model.Delta{Policies: []model.PolicyChange{c}}
		})
	})
}
