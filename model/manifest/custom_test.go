package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest/custom"
)

const jobSet = `apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  name: train
  namespace: ml
  ownerReferences: [{apiVersion: trainer.kubeflow.org/v1alpha1, kind: TrainJob, name: train, controller: true}]
spec:
  replicatedJobs:
  - name: workers
    replicas: 2
    template:
      spec:
        completions: 3
        template:
          metadata: {labels: {app: trainer, env: prod, command: run}}
          spec:
            serviceAccountName: robot
            containers:
            - name: main
              image: trainer
              env: [{name: PASSWORD, value: secret}]
              args: [secret]
              command: [secret]
              ports: [{name: grpc, containerPort: 9000}]
`

// readOne reads a document as YAML and as JSON; both give the same.
func readOne(t *testing.T, text string) (any, []dialect.Diagnostic) {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	var out [2]any
	var ledgers [2]dialect.Ledger
	for i, text := range []string{text, string(asJSON)} {
		var objects []Object
		r := NewReader(Options{})
		for o := range r.Read([]Input{Bytes("in", []byte(text))}, &ledgers[i]) {
			objects = append(objects, o)
		}
		require.Len(t, objects, 1)
		out[i] = objects[0].Value
	}
	require.Equal(t, out[0], out[1])
	require.Len(t, ledgers[1].Diagnostics, len(ledgers[0].Diagnostics))
	for i, d := range ledgers[0].Diagnostics {
		require.Equal(t, d.Code, ledgers[1].Diagnostics[i].Code)
		require.Equal(t, d.Origin, ledgers[1].Diagnostics[i].Origin)
	}
	return out[0], ledgers[0].Diagnostics
}

func TestCustom(t *testing.T) {
	value, diagnostics := readOne(t, jobSet)
	require.Empty(t, diagnostics)
	w, ok := value.(*Workload)
	require.True(t, ok)
	require.Equal(t, "jobset", w.Kind)
	require.Equal(t, "TrainJob", w.OwnerReferences[0].Kind)
	require.Len(t, w.Custom.Sets, 1)
	s := w.Custom.Sets[0]
	require.Equal(t, [3]int{2, 3, 0}, [3]int{s.Groups, s.Replicas, s.From})
	require.Equal(t, "trainer", s.Template.Labels["app"])
	require.Equal(t, "prod", s.Template.Labels["env"])
	require.Equal(t, "run", s.Template.Labels["command"])
	require.Equal(t, "train", s.Template.Labels["jobset.sigs.k8s.io/jobset-name"])
	require.Equal(t, "robot", s.Template.Spec.ServiceAccountName)
	require.Equal(t, []Container{{Name: "main", Ports: []ContainerPort{{Name: "grpc", ContainerPort: 9000}}}}, s.Template.Spec.Containers)
	require.Contains(t, s.Added, "job-name")
	require.NotContains(t, s.Added, "app")
	require.NotContains(t, fmt.Sprintf("%+v", s), "secret")
	for _, l := range s.Numbered {
		require.Equal(t, l.Value.Of(0, 0), s.Template.Labels[l.Key])
	}
	require.Equal(t, model.OpaqueValue, s.Template.Labels["controller-uid"])

	// A name that the cluster completes is in no label.
	value, diagnostics = readOne(t, strings.Replace(jobSet, "name: train\n", "generateName: train-\n", 1))
	require.Empty(t, diagnostics)
	s = value.(*Workload).Custom.Sets[0]
	require.Equal(t, model.OpaqueValue, s.Template.Labels["jobset.sigs.k8s.io/jobset-name"])
	require.Equal(t, model.OpaqueValue, s.Template.Labels["job-name"])
	require.Equal(t, custom.GeneratedName+"-workers", s.Name.Of(0, 0))
	for _, l := range s.Numbered {
		require.NotContains(t, l.Value.Of(0, 0), custom.GeneratedName)
	}

	// Fields in an unusual order are the same.
	lines := strings.SplitAfterN(jobSet, "\n", 3)
	other, diagnostics := readOne(t, lines[2]+lines[1]+lines[0])
	require.Empty(t, diagnostics)
	first, _ := readOne(t, jobSet)
	require.Equal(t, first, other)
}

// What is of the wrong type makes the object rejected, with the place.
func TestCustomMisfits(t *testing.T) {
	for _, c := range []struct{ from, to, path, message string }{
		{"replicas: 2", "replicas: two", "spec.replicatedJobs[0].replicas", `spec.replicatedJobs[0].replicas is the string "two"; it must be a whole number of 32 bits`},
		{"completions: 3", "completions: 2.5", "spec.replicatedJobs[0].template.spec.completions", "spec.replicatedJobs[0].template.spec.completions is the number 2.5; it must be a whole number of 32 bits"},
		{"app: trainer,", "app: 1,", "spec.replicatedJobs[0].template.spec.template.metadata.labels.app", "spec.replicatedJobs[0].template.spec.template.metadata.labels.app is the number 1; it must be a string: quote it"},
		{"containerPort: 9000", "containerPort: http", "spec.replicatedJobs[0].template.spec.template.spec.containers[0].ports[0].containerPort", `spec.replicatedJobs[0].template.spec.template.spec.containers[0].ports[0].containerPort is the string "http"; it must be a whole number of 32 bits`},
		{"- name: workers", "- name: [workers]", "spec.replicatedJobs[0].name", "spec.replicatedJobs[0].name is a list; it must be a string"},
		{"name: train\n", "name: 7\n", "metadata.name", "metadata.name is the number 7; it must be a string: quote it"},
	} {
		value, diagnostics := readOne(t, strings.Replace(jobSet, c.from, c.to, 1))
		require.IsType(t, &Rejected{}, value, c.to)
		require.NotEmpty(t, diagnostics)
		require.Equal(t, dialect.CodeWrongType, diagnostics[0].Code)
		require.Equal(t, c.path, diagnostics[0].Origin.Path)
		_, message, _ := strings.Cut(diagnostics[0].Message, ": ")
		require.Equal(t, c.message, message)
	}
	// A key that is given twice
	var l dialect.Ledger
	for o := range NewReader(Options{}).Read([]Input{Bytes("in", []byte(strings.Replace(jobSet, "replicas: 2", "replicas: 2\n    replicas: 3", 1)))}, &l) {
		require.IsType(t, &Rejected{}, o.Value)
	}
	require.Equal(t, dialect.CodeDuplicateKey, l.Diagnostics[0].Code)

	value, diagnostics := readOne(t, strings.Replace(jobSet, "image: trainer", "image: "+strings.Repeat("x", MaxCustom), 1))
	require.IsType(t, &Rejected{}, value)
	require.Len(t, diagnostics, 1)
	require.Equal(t, dialect.CodeLimit, diagnostics[0].Code)
	require.Equal(t, "JobSet ml/train: a custom resource is larger than 4 MiB", diagnostics[0].Message)
}

// An object of a kind that nobody knows is told apart by a pod template in it.
func TestUnlisted(t *testing.T) {
	for spec, want := range map[string]bool{
		`{"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}`:               true,
		`{"containers": [{"image": "b"}]}`:                                                    true,
		`{"x": [[{"y": {"containers": [{"name": "a"}, {"image": "b"}]}}]]}`:                   true,
		`{"containers": {"image": "b"}}`:                                                      false,
		`{"containers": [{"name": "image"}]}`:                                                 false,
		`{"containers": ["image"]}`:                                                           false,
		`{"containers": [{"spec": {"image": "b"}}], "image": "containers"}`:                   false,
		`{"properties": {"containers": {"items": {"properties": {"image": {"type": "x"}}}}}}`: false,
	} {
		require.Equal(t, want, holdsTemplate(jsontext.Value(spec)), spec)
		value, diagnostics := readOne(t, `{"apiVersion": "example.com/v1", "kind": "Trainer", "metadata": {"name": "x"}, "spec": `+spec+`}`)
		require.Empty(t, diagnostics)
		_, found := value.(*Unlisted)
		require.Equal(t, want, found, spec)
		value, _ = readOne(t, `{"metadata": {"name": "x"}, "spec": `+spec+`, "kind": "Trainer", "apiVersion": "example.com/v1"}`)
		_, found = value.(*Unlisted)
		require.Equal(t, want, found, spec)
		value, _ = readOne(t, `{"apiVersion": "policy/v1", "kind": "Trainer", "metadata": {"name": "x"}, "spec": `+spec+`}`)
		require.Nil(t, value)
	}
}

// The table has no kind of Kubernetes' own groups, so that reading those does
// not ask for it.
func TestBuiltinGroups(t *testing.T) {
	for _, r := range custom.Builtin().Rows() {
		require.False(t, kubernetesGroups[r.Group], r.GVK())
	}
}

func TestKindName(t *testing.T) {
	for _, c := range [][3]string{
		{"apps/v1", "Deployment", "deployment"}, {"extensions/v1beta1", "Deployment", "deployment"}, {"batch/v1", "Job", "job"},
		{"batch.volcano.sh/v1alpha1", "Job", "job.batch.volcano.sh"}, {"", "Job", "job"}, {"v1", "Pod", "pod"},
		{"serving.knative.dev/v1", "Service", "service.serving.knative.dev"}, {"ray.io/v1", "RayCluster", "raycluster"},
	} {
		require.Equal(t, c[2], KindName(c[0], c[1]))
	}
}
