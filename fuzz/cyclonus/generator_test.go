package cyclonus

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/connectivity"
	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/kube"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/internal/gen"
)

// TestGenerator compares on the test cases that cyclonus has for network
// plugins, after each of their steps, on the pods a, b and c of the namespaces
// x, y and z. The cluster is its own imitation of one.
func TestGenerator(t *testing.T) {
	namespaces, pods := []string{"x", "y", "z"}, []string{"a", "b", "c"}
	start := func(t *testing.T) *connectivity.TestCaseState {
		mock := kube.NewMockKubernetes(1)
		resources, err := probe.NewDefaultResources(mock, namespaces, pods, []int{80, 81},
			[]corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}, nil, 1, false, "none")
		require.NoError(t, err)
		return &connectivity.TestCaseState{Kubernetes: mock, Resources: resources}
	}
	zc, err := start(t).Resources.GetPod("z", "c")
	require.NoError(t, err)
	cases := generator.NewTestCaseGenerator(true, zc.IP, namespaces, nil, nil).GenerateTestCases()
	require.Len(t, cases, 230) // pkg/generator/testcasegenerator_tests.go:23 counts them

	steps, verdicts := 0, 0
	explained := map[string]int{}
	for i, one := range cases {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Log(one.Description)
			state := start(t)
			for _, step := range one.Steps {
				for _, a := range step.Actions {
					require.NoError(t, apply(state, a))
				}
				c := observed(state)
				w, err := load(c, c.YAML(), true)
				require.NoError(t, err)
				require.Len(t, w.policies, len(state.Policies))
				require.NoError(t, w.all(rand.New(rand.NewPCG(1, 1)), everything), "%s", c.YAML())
				require.Zero(t, w.uncertain)
				steps, verdicts = steps+1, verdicts+w.count.Verdicts
				for id, n := range w.count.Explained {
					explained[id] += n
				}
			}
		})
	}
	t.Logf("%d cases, %d steps, %d verdicts; explained: %v", len(cases), steps, verdicts, explained)
}

func apply(s *connectivity.TestCaseState, a *generator.Action) error {
	switch {
	case a.CreatePolicy != nil:
		return s.CreatePolicy(a.CreatePolicy.Policy)
	case a.UpdatePolicy != nil:
		return s.UpdatePolicy(a.UpdatePolicy.Policy)
	case a.DeletePolicy != nil:
		return s.DeletePolicy(a.DeletePolicy.Namespace, a.DeletePolicy.Name)
	case a.CreateNamespace != nil:
		return s.CreateNamespace(a.CreateNamespace.Namespace, a.CreateNamespace.Labels)
	case a.SetNamespaceLabels != nil:
		return s.SetNamespaceLabels(a.SetNamespaceLabels.Namespace, a.SetNamespaceLabels.Labels)
	case a.DeleteNamespace != nil:
		return s.DeleteNamespace(a.DeleteNamespace.Namespace)
	case a.CreatePod != nil:
		return s.CreatePod(a.CreatePod.Namespace, a.CreatePod.Pod, a.CreatePod.Labels)
	case a.SetPodLabels != nil:
		return s.SetPodLabels(a.SetPodLabels.Namespace, a.SetPodLabels.Pod, a.SetPodLabels.Labels)
	case a.DeletePod != nil:
		return s.DeletePod(a.DeletePod.Namespace, a.DeletePod.Pod)
	}
	return fmt.Errorf("an action that no case had: %+v", a)
}

// observed is the cluster of a state, as API objects.
func observed(s *connectivity.TestCaseState) *gen.Cluster {
	c := &gen.Cluster{}
	kind := func(version, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: version, Kind: kind} }
	for name, labels := range s.Resources.Namespaces {
		ns := probe.KubeNamespace(name, labels)
		ns.TypeMeta = kind("v1", "Namespace")
		c.Namespaces = append(c.Namespaces, *ns)
	}
	for _, p := range s.Resources.Pods {
		pod := p.KubePod()
		pod.TypeMeta = kind("v1", "Pod")
		pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: p.IP}
		c.Pods = append(c.Pods, *pod)
	}
	for _, np := range s.Policies {
		np = np.DeepCopy()
		np.TypeMeta = kind("networking.k8s.io/v1", "NetworkPolicy")
		c.Policies = append(c.Policies, *np)
	}
	return c
}
