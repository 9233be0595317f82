package cyclonus

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/podreach/podreach/internal/gen"
)

// opaque is a value that no selector can name (R65): label values have no
// spaces.
const opaque = "of the controller"

// templateLabels are the labels of the pod of a workload that has an index
// (R63, R65).
func templateLabels(w *gen.Workload, index int) map[string]string {
	out := map[string]string{}
	maps.Copy(out, w.Template.Labels)
	set := func(key, value string) { out[key] = value }
	unless := func(key, value string) {
		if _, ok := out[key]; !ok {
			out[key] = value
		}
	}
	switch w.Kind {
	case "deployment":
		set("pod-template-hash", opaque)
	case "daemonset":
		set("controller-revision-hash", opaque)
		set("pod-template-generation", opaque)
	case "statefulset":
		set("controller-revision-hash", opaque)
		set("statefulset.kubernetes.io/pod-name", fmt.Sprintf("%s-%d", w.Name, index))
		set("apps.kubernetes.io/pod-index", strconv.Itoa(index))
	case "job", "cronjob":
		name := w.Name
		if w.Kind == "cronjob" {
			name = opaque // of the Job that it makes
		}
		if w.ManualSelector == nil || !*w.ManualSelector {
			unless("batch.kubernetes.io/job-name", name)
			unless("job-name", name)
			unless("batch.kubernetes.io/controller-uid", opaque)
			unless("controller-uid", opaque)
		}
		if w.CompletionMode != nil && *w.CompletionMode == batchv1.IndexedCompletion {
			set("batch.kubernetes.io/job-completion-index", strconv.Itoa(index))
		}
	}
	return out
}

// templateIndex reads the index of a pod out of the name that podreach gives it
// (R64): NAME[i], or NAME of the only one, which is the first.
func templateIndex(w *gen.Workload, name string) int {
	if _, in, ok := strings.Cut(name, "["); ok {
		if i, err := strconv.Atoi(strings.TrimSuffix(in, "]")); err == nil {
			return i
		}
	}
	if w.Kind == "statefulset" && w.Ordinals != nil {
		return int(w.Ordinals.Start)
	}
	return 0
}
