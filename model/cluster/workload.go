package cluster

import (
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest"
)

// workload is an object with a pod template.
type workload struct {
	entry[*manifest.Workload]
	ownsPods bool // some pod that is an endpoint is its own, directly or through others (R67)
	renewed  bool // its template stands for pods beside them (R139)
}

// workloadKey names a workload; the kind is in lower case.
type workloadKey struct{ kind, namespace, name string }

// workloadGroups are the API groups of the kinds of workloads.
var workloadGroups = map[string]string{
	"deployment": "apps", "replicaset": "apps", "statefulset": "apps", "daemonset": "apps",
	"job": "batch", "cronjob": "batch",
	"replicationcontroller": "",
}

// find returns the workload that a reference means, or nil. Other projects have
// kinds of the same names, so the group counts; a reference without one means
// whatever has the kind and name.
func (s *State) find(ref *manifest.OwnerReference, namespace string) *workload {
	kind := s.lowerKind(ref.Kind)
	if !hasGroup(ref, workloadGroups[kind]) {
		return nil
	}
	return s.workload[workloadKey{kind, namespace, ref.Name}]
}

func hasGroup(ref *manifest.OwnerReference, group string) bool {
	return ref.APIVersion == "" || groupOf(ref.APIVersion) == group
}

// maxOwners bounds the walk up a chain of owners, which input may close to a
// ring. Real chains have three links at most.
const maxOwners = 8

// owner follows the controllers of a pod to the top one and marks the
// workloads on the way as having pods. Links beyond the objects of the input
// are known by name only: the first owner that the input lacks is the top,
// unless it is recognised as a Deployment's ReplicaSet.
func (s *State) owner(p *entry[*manifest.Pod]) model.Workload {
	top := model.Workload{Kind: "pod", Name: p.name}
	ref := controllerOf(p.value.OwnerReferences)
	if ref == nil || ref.Kind == "Node" && hasGroup(ref, "") { // a static pod's mirror is owned by its Node
		return top
	}
	for range maxOwners {
		top = model.Workload{Kind: s.lowerKind(ref.Kind), Name: ref.Name}
		var next *manifest.OwnerReference
		if w := s.find(ref, p.namespace); w != nil {
			w.ownsPods = true
			next = controllerOf(w.value.OwnerReferences)
		}
		if next != nil {
			ref = next
			continue
		}
		if top.Kind != "replicaset" || !hasGroup(ref, "apps") {
			break
		}
		stem, hashed := strings.CutSuffix(top.Name, "-"+p.value.Labels[podTemplateHash])
		if !hashed || stem == "" || p.value.Labels[podTemplateHash] == "" {
			break
		}
		ref = &manifest.OwnerReference{Kind: "deployment", Name: stem}
	}
	return top
}

// controllerOf returns the reference to the managing controller, or nil.
func controllerOf(refs []manifest.OwnerReference) *manifest.OwnerReference {
	for i := range refs {
		if refs[i].Controller {
			return &refs[i]
		}
	}
	return nil
}

// lowerKind is strings.ToLower without an allocation for each pod.
func (s *State) lowerKind(kind string) string {
	lower, found := s.lowered[kind]
	if !found {
		lower = strings.ToLower(kind)
		s.lowered[kind] = lower
	}
	return lower
}

// ownedByWorkload reports whether the input holds the workload's controller
// too. Then that one's template stands for the pods.
func (s *State) ownedByWorkload(w *workload) bool {
	ref := controllerOf(w.value.OwnerReferences)
	return ref != nil && s.find(ref, w.namespace) != nil
}
