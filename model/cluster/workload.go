package cluster

import (
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest"
)

// workload is an object with a pod template.
type workload struct {
	entry[*manifest.Workload]
	ownsPods bool // some Pod object is its own, directly or through others (R67)
}

// workloadKey names a workload; the kind is in lower case.
type workloadKey struct{ kind, namespace, name string }

// podTemplateHash is the label that the Deployment controller gives to the
// pods of each of its ReplicaSets, whose name ends in the same hash.
const podTemplateHash = "pod-template-hash"

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
	if ref == nil || ref.Kind == "Node" { // a static pod's mirror is owned by its Node
		return top
	}
	for range maxOwners {
		top = model.Workload{Kind: s.lowerKind(ref.Kind), Name: ref.Name}
		w := s.workload[workloadKey{top.Kind, p.namespace, top.Name}]
		var next *manifest.OwnerReference
		if w != nil {
			w.ownsPods = true
			next = controllerOf(w.value.OwnerReferences)
		}
		if next != nil {
			ref = next
			continue
		}
		if top.Kind != "replicaset" {
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
	return ref != nil && s.workload[workloadKey{s.lowerKind(ref.Kind), w.namespace, ref.Name}] != nil
}
