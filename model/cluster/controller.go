package cluster

import (
	"maps"
	"strconv"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest/custom"
)

// Labels that controllers add to the pods of a template (R65).
const (
	podTemplateHash        = "pod-template-hash" // also the end of the name of a Deployment's ReplicaSet
	podTemplateGeneration  = "pod-template-generation"
	controllerRevisionHash = "controller-revision-hash"
	statefulSetPodName     = "statefulset.kubernetes.io/pod-name"
	podIndex               = "apps.kubernetes.io/pod-index"
	jobName                = "batch.kubernetes.io/job-name"
	jobNameLegacy          = "job-name"
	controllerUID          = "batch.kubernetes.io/controller-uid"
	controllerUIDLegacy    = "controller-uid"
	jobCompletionIndex     = "batch.kubernetes.io/job-completion-index"
)

// labels returns the labels of a pod of a template: the template's own, and
// those that the controller sets. The numbers count where x.numbered.
func (x *expansion) labels(o ordinal) map[string]string {
	if x.set == nil {
		return templateLabels(x.workload, o.index)
	}
	labels := maps.Clone(x.set.Template.Labels)
	for _, l := range x.set.Numbered {
		labels[l.Key] = l.Value.Of(o.group, o.index)
	}
	for key, value := range labels {
		if strings.Contains(value, custom.UnsaidNamespace) {
			labels[key] = x.settled(value)
		}
	}
	return labels
}

// templateLabels returns the labels of a pod of a built-in workload, those that
// the controller sets, whatever the template says of them (R65), included. The
// index counts where w.hasIndexes. A name that the cluster will complete is not
// known, and so no label that holds it.
func templateLabels(w *workload, index int) map[string]string {
	generated := strings.Contains(w.name, "*") // no name that is given has one
	labels := maps.Clone(w.value.Template.Labels)
	add := func(key, value string) {
		if labels == nil {
			labels = map[string]string{}
		}
		labels[key] = value
	}
	// The API server does not change the names and UIDs that the template of a
	// Job has: they are the Job's, or it refuses the Job.
	addMissing := func(key, value string) {
		if _, found := labels[key]; !found {
			add(key, value)
		}
	}
	switch w.value.Kind {
	case "deployment":
		add(podTemplateHash, model.OpaqueValue)
	case "daemonset":
		add(controllerRevisionHash, model.OpaqueValue)
		add(podTemplateGeneration, model.OpaqueValue)
	case "statefulset":
		add(statefulSetPodName, w.name+"-"+strconv.Itoa(index))
		if generated {
			add(statefulSetPodName, model.OpaqueValue)
		}
		add(podIndex, strconv.Itoa(index))
		add(controllerRevisionHash, model.OpaqueValue)
	case "job", "cronjob":
		if !w.value.ManualSelector {
			name := w.name
			if w.value.Kind == "cronjob" || generated { // the Job of a CronJob has a name of its own
				name = model.OpaqueValue
			}
			addMissing(jobName, name)
			addMissing(jobNameLegacy, name)
			addMissing(controllerUID, model.OpaqueValue)
			addMissing(controllerUIDLegacy, model.OpaqueValue)
		}
		if w.value.Indexed {
			add(jobCompletionIndex, strconv.Itoa(index))
		}
	}
	return labels
}
