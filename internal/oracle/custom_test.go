package oracle

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// Every kind of R66 is among what is generated, most of the time with pods,
// and everything of these groups that is generated is a kind of R66.
func TestCustomKindsAreGenerated(t *testing.T) {
	type found struct{ objects, withPods, indexed, alike int }
	kinds := map[string]*found{}
	for _, k := range customKinds() {
		kinds[k.group+"/"+k.version+"/"+k.kind] = &found{}
	}
	for seed := range uint64(4000) {
		for _, c := range gen.New(rand.New(rand.NewPCG(seed, 0)), gen.Options{}).Custom {
			o := Object(c.Object).named("default", map[string]int{})
			k := customKindOf(o)
			require.NotNil(t, k, "%s %s", o.text("apiVersion"), o.text("kind"))
			f := kinds[k.group+"/"+k.version+"/"+k.kind]
			f.objects++
			if k.sets == nil {
				continue
			}
			for _, s := range k.sets(o) {
				list := s.instances(s.name, nil)
				if len(list) > 0 {
					f.withPods++
				}
				seen := map[string]bool{}
				for _, x := range list {
					require.False(t, seen[x.name], "%s twice in %s", x.name, o.name())
					seen[x.name] = true
				}
				if s.indexed {
					f.indexed++
				} else {
					f.alike++
				}
			}
		}
	}
	for name, f := range kinds {
		switch name {
		case "extensions.agents.x-k8s.io//SandboxClaim", "extensions.agents.x-k8s.io//SandboxWarmPool":
			continue // links that nothing generated is below
		case "serving.knative.dev/v1/Revision", "trainer.kubeflow.org//TrainJob":
			require.Positive(t, f.objects, name)
			continue
		}
		require.Greater(t, f.withPods, 5, "%s: %+v", name, *f)
	}
}

// The number of an instance counts through the groups of its set.
func TestPodSetInstances(t *testing.T) {
	label := func(g, i int) map[string]string {
		return map[string]string{"g": string(rune('0' + g)), "i": string(rune('0' + i))}
	}
	names := func(s podSet) (out []string) {
		for _, x := range s.instances("w", nil) {
			out = append(out, x.name)
		}
		return out
	}
	require.Equal(t, []string{"w"}, names(podSet{groups: 1, size: 1, labels: label, indexed: true}))
	require.Equal(t, []string{"w[0]", "w[1]", "w[2]"}, names(podSet{groups: 1, size: 3, labels: label, indexed: true}))
	require.Equal(t, []string{"w[0]", "w[1]"}, names(podSet{groups: 1, size: 3, labels: label}))
	require.Equal(t, []string{"w[1]", "w[2]", "w[4]", "w[5]"}, names(podSet{groups: 2, size: 3, from: 1, labels: label, indexed: true}))
	require.Equal(t, []string{"w"}, names(podSet{groups: 1, size: 2, from: 1, labels: label, indexed: true}))
	require.Empty(t, names(podSet{groups: 0, size: 3, labels: label}))
	require.Empty(t, names(podSet{groups: 3, size: 0, labels: label}))
	require.Equal(t, map[string]string{"g": "1", "i": "2"}, podSet{groups: 2, size: 3, labels: label, indexed: true}.instances("w", nil)[5].labels)
}

func TestObject(t *testing.T) {
	o := Object{"a": map[string]any{"n": 2, "f": 3.0, "z": nil, "b": true, "l": []any{map[string]any{"x": "y"}, "text"}}}
	require.Equal(t, 2, o.number(7, "a", "n"))
	require.Equal(t, 3, o.number(7, "a", "f"))
	require.Equal(t, 7, o.number(7, "a", "z"))
	require.Equal(t, 7, o.number(7, "a", "n", "deeper"))
	require.True(t, o.is("a", "b"))
	require.False(t, o.has("a", "z"))
	require.Equal(t, "y", o.list("a", "l")[0].text("x"))
	require.Empty(t, o.list("a", "l")[1].text("x"))
}

func TestUnmanaged(t *testing.T) {
	w := standardWorld()
	w.Unmanaged = []string{"x:app in (a,b)", "{team=blue}:", ":tier"}
	o, err := New(w)
	require.NoError(t, err)
	for end, want := range map[End]bool{
		{Namespace: "x", Name: "a"}: true, {Namespace: "x", Name: "b"}: true, {Namespace: "x", Name: "c"}: true,
		{Namespace: "y", Name: "a"}: true, {Namespace: "z", Name: "a"}: false,
	} {
		require.Equal(t, want, o.byEnd[end].unmanaged, end)
	}
	for _, bad := range []string{"", "x", "{team=blue}", "x:app in", "{team in}:app"} {
		w.Unmanaged = []string{bad}
		_, err := New(w)
		require.Error(t, err, bad)
	}
}

func TestPath(t *testing.T) {
	w := standardWorld()
	w.Custom = []Object{{
		"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": map[string]any{"name": "v", "namespace": "x"},
		"spec": map[string]any{"tasks": []any{map[string]any{"name": "t", "replicas": 2, "template": map[string]any{}}}},
	}}
	w.Workloads = []Workload{{Kind: "deployment", Namespace: "x", Name: "d", Template: corev1.PodTemplateSpec{}}}
	o, err := New(w)
	require.NoError(t, err)
	var paths []string
	for _, e := range o.Ends() {
		paths = append(paths, o.Path(e))
	}
	require.Equal(t, []string{"x/pod/a", "x/pod/b", "x/pod/c", "y/pod/a", "y/pod/b", "z/pod/a",
		"x/deployment/d", "x/job.batch.volcano.sh/v-t[0]", "x/job.batch.volcano.sh/v-t[1]", "node/n1", "node/n2"}, paths)
	require.Equal(t, model.Allowed, o.Verdict(o.Ends()[0], o.Ends()[7], model.TCP, 80, model.IPv4))
}
