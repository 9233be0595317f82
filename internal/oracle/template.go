package oracle

import (
	"fmt"
	"maps"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// instance is a pod that a template stands for.
type instance struct {
	name   string
	labels map[string]string
}

// instances returns the pods that a template stands for (R64): all of them
// where each has an index among its labels (R65), two where there are two or
// more that are alike.
func instances(wl *Workload, base string) ([]instance, error) {
	n, first := 1, 0
	indexed := false
	switch wl.Kind {
	case "replicationcontroller":
		if reflect.DeepEqual(wl.Template, corev1.PodTemplateSpec{}) { // R63
			return nil, nil
		}
		fallthrough
	case "deployment", "replicaset", "statefulset", "job":
		if wl.Replicas != nil {
			n = int(*wl.Replicas)
		}
	case "daemonset":
		n = 2
	case "cronjob":
	default:
		return nil, fmt.Errorf("oracle: workload %s/%s has unknown kind %q", wl.Namespace, wl.Name, wl.Kind)
	}
	switch {
	case wl.Kind == "statefulset":
		indexed = true
		if wl.Ordinals != nil {
			first = int(wl.Ordinals.Start)
		}
	case wl.indexedJob():
		indexed = true
		if n > 0 { // not suspended: each index has its pod, sooner or later (R8)
			n = 1
			if wl.Completions != nil {
				n = int(*wl.Completions)
			}
		}
	}
	if !indexed {
		n = min(n, 2)
	}
	var out []instance
	for i := range max(n, 0) {
		x := instance{base, wl.labels(first + i)}
		if n > 1 {
			x.name = fmt.Sprintf("%s[%d]", base, first+i)
		}
		out = append(out, x)
	}
	return out, nil
}

func (wl *Workload) indexedJob() bool {
	return (wl.Kind == "job" || wl.Kind == "cronjob") && wl.CompletionMode != nil && *wl.CompletionMode == batchv1.IndexedCompletion
}

// opaque is a value that no selector can name: label values have no spaces.
const opaque = "not said"

// uncertain is a value that stands for any, or for no such label at all.
const uncertain = "may be"

// labels returns the labels of the pod with an index: the template's, and those
// that the controller sets (R65). What the API server adds to the template of a
// Job does not replace what is there.
func (wl *Workload) labels(index int) map[string]string {
	out, added := map[string]string{}, map[string]string{}
	switch wl.Kind {
	case "statefulset":
		added[appsv1.StatefulSetPodNameLabel] = fmt.Sprintf("%s-%d", wl.Name, index)
		added[appsv1.PodIndexLabel] = fmt.Sprint(index)
		added[appsv1.StatefulSetRevisionLabel] = opaque
	case "daemonset":
		added[appsv1.ControllerRevisionHashLabelKey] = opaque
		added["pod-template-generation"] = opaque
	case "deployment":
		added[appsv1.DefaultDeploymentUniqueLabelKey] = opaque
	case "job", "cronjob":
		if wl.ManualSelector == nil || !*wl.ManualSelector {
			name := wl.Name
			if wl.Kind == "cronjob" { // the Job has a name of its own
				name = opaque
			}
			out[batchv1.JobNameLabel] = name
			out["job-name"] = name
			out[batchv1.ControllerUidLabel] = opaque
			out["controller-uid"] = opaque
		}
		if wl.indexedJob() {
			added[batchv1.JobCompletionIndexAnnotation] = fmt.Sprint(index)
		}
	}
	maps.Copy(out, wl.Template.Labels)
	maps.Copy(out, added)
	return out
}
