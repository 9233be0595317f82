package oracle

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type ownerKey struct{ kind, namespace, name string }

// markOwners marks the owners of a pod, up to the top one (R67). A Deployment's
// ReplicaSet that is not in the world is known by its name: the Deployment's,
// and the hash that its pods carry.
func markOwners(w World, owned map[ownerKey]bool, namespace, hash string, owner *metav1.OwnerReference) {
	visited := map[ownerKey]bool{}
	for owner != nil {
		key := ownerKey{strings.ToLower(owner.Kind), namespace, owner.Name}
		if visited[key] || !means(owner, key.kind) {
			return
		}
		visited[key], owned[key] = true, true
		owner = ownerOf(w, key)
		if owner == nil && key.kind == "replicaset" && hash != "" {
			if stem, ok := strings.CutSuffix(key.name, "-"+hash); ok {
				owner = &metav1.OwnerReference{Kind: "Deployment", Name: stem}
			}
		}
	}
}

// ownerOf returns the controller of a workload of the world.
func ownerOf(w World, key ownerKey) *metav1.OwnerReference {
	for i := range w.Workloads {
		wl := &w.Workloads[i]
		if wl.Kind == key.kind && orDefault(wl.Namespace, w) == key.namespace && wl.Name == key.name {
			return metav1.GetControllerOf(&metav1.ObjectMeta{OwnerReferences: wl.OwnerReferences})
		}
	}
	return nil
}

// ownedByWorkload reports whether the workload's controller is in the world
// too: then that one's template stands for the pods (R67).
func ownedByWorkload(w World, wl *Workload) bool {
	owner := metav1.GetControllerOf(&metav1.ObjectMeta{OwnerReferences: wl.OwnerReferences})
	if owner == nil {
		return false
	}
	for i := range w.Workloads {
		other := &w.Workloads[i]
		if other.Kind == strings.ToLower(owner.Kind) && means(owner, other.Kind) && other.Name == owner.Name && orDefault(other.Namespace, w) == orDefault(wl.Namespace, w) {
			return true
		}
	}
	return false
}

// means reports whether an owner of a workload's kind is of that kind's API
// group too, so that it is not what another project calls a Job (R67). A
// reference that does not say its group may be.
func means(owner *metav1.OwnerReference, kind string) bool {
	if owner.APIVersion == "" {
		return true
	}
	group := "" // the core group has a version alone
	if i := strings.Index(owner.APIVersion, "/"); i >= 0 {
		group = owner.APIVersion[:i]
	}
	switch kind {
	case "deployment", "replicaset", "statefulset", "daemonset":
		return group == "apps"
	case "job", "cronjob":
		return group == "batch"
	}
	return kind == "replicationcontroller" && group == ""
}

// finished reports whether a Job is over: its pods will not come again (R67).
func (wl *Workload) finished() bool {
	if wl.Kind != "job" {
		return false
	}
	if wl.JobStatus.CompletionTime != nil {
		return true
	}
	for _, c := range wl.JobStatus.Conditions {
		switch c.Type {
		case batchv1.JobComplete, batchv1.JobFailed, batchv1.JobSuccessCriteriaMet:
			if c.Status == corev1.ConditionTrue {
				return true
			}
		}
	}
	return false
}
