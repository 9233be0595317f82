package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// An admin policy whose apiVersion does not have its kind makes all pods
// uncertain in both directions, and is told the version that has it; one of a
// version to come is not told that there is no such kind (R120).
func TestKindOfAnotherVersion(t *testing.T) {
	for _, c := range []struct{ kind, version, right string }{
		{"AdminNetworkPolicy", "v1alpha2", "v1alpha1"},
		{"BaselineAdminNetworkPolicy", "v1alpha2", "v1alpha1"},
		{"ClusterNetworkPolicy", "v1alpha1", "v1alpha2"},
		{"ClusterNetworkPolicy", "v1beta1", ""},
	} {
		s := read(t, cluster.Options{}, yamlFile(fmt.Sprintf("apiVersion: policy.networking.k8s.io/%s\nkind: %s\nmetadata: {name: p}\n", c.version, c.kind)))
		require.Len(t, uncertain(s.Snapshot().Rules), 2, c)
		for d, r := range uncertain(s.Snapshot().Rules) {
			require.Equal(t, model.PodSet{}, r.Subject, c)
			require.Equal(t, model.Direction(d), r.Direction, c)
			require.Equal(t, c.right != "", strings.Contains(r.Note, " has no such kind, "), r.Note)
		}
		require.Len(t, s.Ledger().Diagnostics, 1)
		d := s.Ledger().Diagnostics[0]
		require.Equal(t, dialect.CodeNotModelled, d.Code)
		if c.right != "" {
			require.Contains(t, d.Message, fmt.Sprintf("there is no %s in policy.networking.k8s.io/%s; did you mean policy.networking.k8s.io/%s?", c.kind, c.version, c.right))
		} else {
			require.Contains(t, d.Message, "is not modelled")
		}
	}
}

// uncertain are the rules that make subjects uncertain.
func uncertain(rules []model.Rule) (out []model.Rule) {
	for _, r := range rules {
		if r.Action == model.Uncertain {
			out = append(out, r)
		}
	}
	return out
}

// policies are the rules of objects.
func policies(rules []model.Rule) (out []model.Rule) {
	for _, r := range rules {
		if r.Object.Kind != "" {
			out = append(out, r)
		}
	}
	return out
}

// A broken document of a kind that has a row makes uncertain what the row says:
// nothing for a mesh policy, all pods for one of the whole cluster, whatever
// namespace it writes (R115).
func TestBrokenDocumentsOfKinds(t *testing.T) {
	for kind, want := range map[string][]model.PodSet{
		"CiliumNetworkPolicy":            {{Namespace: "x"}, {Namespace: "x"}},
		"CiliumClusterwideNetworkPolicy": {{}, {}},
		"CiliumEnvoyConfig":              nil,
	} {
		s := read(t, cluster.Options{}, yamlFile("apiVersion: cilium.io/v2\nkind: "+kind+"\nmetadata:\n  name: p\n  namespace: x\nspec: {a: [\n"))
		var got []model.PodSet
		for _, r := range uncertain(s.Snapshot().Rules) {
			got = append(got, r.Subject)
		}
		require.Equal(t, want, got, kind)
	}
}

// A refused policy is told with the first of the pods that it would have
// selected.
func TestRefusedPoliciesNamePods(t *testing.T) {
	for n, want := range map[int]string{3: "x/pod/p0, x/pod/p1, x/pod/p2)", 4: "x/pod/p0, x/pod/p1, x/pod/p2, ...)"} {
		text := "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelector: {}, policyTypes: [ingress]}\n"
		for i := range n {
			text += fmt.Sprintf("---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d, namespace: x}\nspec: {containers: [{name: main}]}\n", i)
		}
		s := read(t, cluster.Options{}, yamlFile(text))
		s.Snapshot()
		require.Contains(t, s.Ledger().Diagnostics[0].Message, want)
	}
}

// Targets may have kubectl's short names. Of a kind that nothing is of the error
// says so.
func TestTargetsByShortNames(t *testing.T) {
	for short, kind := range map[string]string{
		"po": "pod", "deploy": "deployment", "ds": "daemonset", "sts": "statefulset", "rs": "replicaset", "rc": "replicationcontroller",
		"ns": "namespace", "no": "node", "netpol": "networkpolicy", "cj": "cronjob",
	} {
		target, err := cluster.ParseTarget(short + "/x/a")
		require.NoError(t, err)
		require.Equal(t, kind, target.Kind, short)
	}
	for _, plural := range []string{"networkpolicies", "networkpolicy", "netpol"} {
		target, err := cluster.ParseTarget(plural + "/x/p")
		require.NoError(t, err)
		s := read(t, cluster.Options{}, yamlFile("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelector: {}}\n"))
		require.NoError(t, s.Delete(target), plural)
		require.Empty(t, policies(s.Snapshot().Rules), plural)
	}
	target, err := cluster.ParseTarget("zebra/x/a")
	require.NoError(t, err)
	require.ErrorContains(t, read(t, cluster.Options{}).Delete(target), `the input holds nothing of kind "zebra"`)
}

// With an object all of its identity is deleted, also what the API server would
// refuse.
func TestDeletedWithItsTwins(t *testing.T) {
	const good = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelector: {}}\n---\n"
	const bad = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: x}\nspec: {podSelectr: {}}\n---\n"
	for _, text := range []string{good + bad, bad + good, good + bad + bad, bad + bad + good} {
		s := read(t, cluster.Options{}, yamlFile(text))
		s.Snapshot()
		require.NotEmpty(t, s.Ledger().Diagnostics)
		target, err := cluster.ParseTarget("netpol/x/p")
		require.NoError(t, err)
		require.NoError(t, s.Delete(target))
		require.Empty(t, policies(s.Snapshot().Rules))
		for _, d := range s.Ledger().Diagnostics {
			require.NotEqual(t, dialect.Error, d.Severity(), "%v", d)
		}
	}
}

// A pod of an owner that the input knows by name alone, whose labels no set of
// the applied object has, stands for none of them: the new ones come beside it.
func TestAppliedBesideAStranger(t *testing.T) {
	const pod = `apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: ml
  ownerReferences: [{apiVersion: kubeflow.org/v1, kind: PyTorchJob, name: train, controller: true}]
  labels: {training.kubeflow.org/job-name: train, training.kubeflow.org/replica-type: %s, training.kubeflow.org/replica-index: "0"}
spec: {containers: [{name: c}]}
status: {phase: Running, podIP: 10.0.0.%d}
---
`
	const job = `apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: train, namespace: ml}
spec: {pytorchReplicaSpecs: {Worker: {replicas: 2, template: {spec: {containers: [{name: pytorch}]}}}}}
`
	for role, want := range map[string]struct{ pods, told int }{"worker": {2, 0}, "chief": {4, 1}} {
		s := read(t, cluster.Options{}, yamlFile(fmt.Sprintf(pod, "train-one", "worker", 1)+fmt.Sprintf(pod, "train-two", role, 2)))
		s.Snapshot()
		s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("job.yaml", []byte(job))}, s.Ledger()))
		pods := s.Snapshot().Pods
		told := 0
		for _, d := range s.Ledger().Diagnostics {
			if d.Code == dialect.CodeNotAsApplied && strings.Contains(d.Message, "the new ones stand beside them") {
				told++
			}
		}
		require.Len(t, pods, want.pods, role)
		require.Equal(t, want.told, told, role)
	}
}

// What is owned by an object that stays, because another owner keeps it, stays
// although the first owner is deleted.
func TestDeletedOwnerOfTwo(t *testing.T) {
	const objects = `apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: x}
spec: {template: {metadata: {labels: {app: d}}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: d-1
  namespace: x
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: d, controller: true}%s]
spec: {template: {metadata: {labels: {app: d}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: d-1-a, namespace: x, labels: {app: d}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: d-1, controller: true}]}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.0.0.1}
`
	for more, want := range map[string][]string{"": nil, ", {apiVersion: example.com/v1, kind: Keeper, name: k}": {"d-1-a"}} {
		s := read(t, cluster.Options{}, yamlFile(fmt.Sprintf(objects, more)))
		s.Snapshot()
		target, err := cluster.ParseTarget("deploy/x/d")
		require.NoError(t, err)
		require.NoError(t, s.Delete(target))
		var got []string
		for _, p := range s.Snapshot().Pods {
			got = append(got, p.Name)
		}
		require.Equal(t, want, got, more)
	}
}

// What is not known of labels is told with the object whose controller knows
// (R66).
func TestUncertainLabelsNameTheirObject(t *testing.T) {
	s := read(t, cluster.Options{}, yamlFile(`apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {name: train, namespace: ml}
spec:
  replicatedJobs:
  - {name: w, template: {spec: {template: {spec: {containers: [{name: main}]}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec: {podSelector: {matchLabels: {jobset.sigs.k8s.io/priority: "1"}}}
`))
	rules := uncertain(s.Snapshot().Rules)
	require.Len(t, rules, 1)
	require.Equal(t, "whether JobSet ml/train gives its pods the label jobset.sigs.k8s.io/priority that NetworkPolicy ml/p names is not known (R66)", rules[0].Note)
}
