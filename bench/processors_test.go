package bench

import (
	"bytes"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest"
)

// One text makes one snapshot, and that one index, whatever the number of
// processors.
func TestProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var documents bytes.Buffer
	dump(t, shapeOf("tiers"), k1, &documents, "", "---\n", "", yaml.Marshal)
	for name, text := range map[string][]byte{"json": dumpJSON(t, shapeOf("tiers"), 3*k1), "yaml": documents.Bytes()} {
		var want *model.Snapshot
		var index *engine.Index
		for _, n := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(n)
			snap := read(t, manifest.Bytes(name, text))
			x := compile(t, snap, engine.Options{})
			if want == nil {
				want, index = snap, x
				require.GreaterOrEqual(t, len(snap.Pods), 900, name)
				continue
			}
			require.Equal(t, want, snap, "%s, %d processors", name, n)
			require.Equal(t, index, x, "%s, %d processors", name, n)
		}
	}
}

// apart is a snapshot that shares nothing inside itself.
func apart(s *model.Snapshot) *model.Snapshot {
	out := *s
	out.Pods, out.Rules = slices.Clone(s.Pods), slices.Clone(s.Rules)
	for i := range out.Pods {
		p := &out.Pods[i]
		p.Namespace, p.NodeName = strings.Clone(p.Namespace), strings.Clone(p.NodeName)
		p.Labels, p.Ports = maps.Clone(p.Labels), slices.Clone(p.Ports)
	}
	for i := range out.Rules {
		r := &out.Rules[i].Subject
		r.Namespace, r.Namespaces, r.Pods = strings.Clone(r.Namespace), slices.Clone(r.Namespaces), slices.Clone(r.Pods)
	}
	return &out
}

// Compile sees at once that labels, ports and subjects are one in memory. They
// mean no more than those that are only equal.
func TestSharingMeansNothing(t *testing.T) {
	for _, s := range Shapes {
		snap := snapshot(t, s, k1)
		require.Equal(t, compile(t, snap, engine.Options{}), compile(t, apart(snap), engine.Options{}), s.Name)
	}
	snap := snapshot(t, shapeOf("replicas"), k1)
	labels := func(i int) uintptr { return reflect.ValueOf(snap.Pods[i].Labels).Pointer() }
	shared := 0
	for i := 1; i < len(snap.Pods); i++ {
		if p, q := &snap.Pods[i-1], &snap.Pods[i]; labels(i-1) == labels(i) && len(p.Ports) > 0 && &p.Ports[0] == &q.Ports[0] {
			shared++
		}
	}
	require.Greater(t, shared, len(snap.Pods)*8/10, "replicas that were read share labels and ports")
}
