package cluster_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
)

// manyPods makes n live pods, ten to a ReplicaSet of a Deployment, a hundred
// workloads to a namespace.
func manyPods(n int) []manifest.Object {
	out := make([]manifest.Object, 0, n)
	for i := range n {
		w := i / 10
		hash := fmt.Sprintf("%08x", w)
		out = append(out, manifest.Object{
			Kind: "Pod", APIVersion: "v1", Namespace: fmt.Sprintf("ns-%d", w/100), Name: fmt.Sprintf("web-%d-%s-%d", w, hash, i),
			Origin: model.Origin{File: "pods.json", Path: fmt.Sprintf("items[%d]", i)},
			Value: &manifest.Pod{
				Labels:          map[string]string{"app": fmt.Sprintf("web-%d", w), "pod-template-hash": hash},
				OwnerReferences: []manifest.OwnerReference{{Kind: "ReplicaSet", Name: fmt.Sprintf("web-%d-%s", w, hash), Controller: true}},
				Spec: manifest.PodSpec{
					NodeName:   fmt.Sprintf("n%d", i%100),
					Containers: []manifest.Container{{Ports: []manifest.ContainerPort{{Name: "http", ContainerPort: 8080}}}},
				},
				Status: manifest.PodStatus{
					Phase: "Running", PodIP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255),
					PodIPs: []manifest.IP{{IP: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)}},
				},
			},
		})
	}
	return out
}

func BenchmarkState(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		objects := manyPods(n)
		b.Run(fmt.Sprintf("pods=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := cluster.New(cluster.Options{})
				for _, o := range objects {
					s.Put(o)
				}
				require.Len(b, s.Snapshot().Pods, n)
			}
		})
	}
}
