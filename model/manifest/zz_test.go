package manifest

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	sigs "sigs.k8s.io/yaml"
)

func BenchmarkZSigs(b *testing.B) {
	docs := strings.Split(strings.Repeat("---\n"+pod, 1000), "---\n")
	b.SetBytes(int64(1000 * (len(pod) + 4)))
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range docs[1:] {
			var p corev1.Pod
			if err := sigs.Unmarshal([]byte(d), &p); err != nil {
				b.Fatal(err)
			}
		}
	}
}
