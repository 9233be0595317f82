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
	renewal
	standing map[int]bool // of a renewal that fills: the numbers of the pods that it owns
}

// workloadKey names a workload; the kind is in lower case.
type workloadKey struct{ kind, namespace, name string }

// find returns the workload that a reference means, or nil. Other projects have
// kinds of the same names, so the group counts; a reference without one means
// whatever has the kind and name.
func (s *State) find(ref *manifest.OwnerReference, namespace string) *workload {
	key := workloadKey{s.kindName(ref), namespace, ref.Name}
	w := s.workload[key]
	if w == nil && ref.APIVersion == "" {
		w = s.custom[key]
	}
	if w == nil || !hasGroup(ref, w.group()) {
		return nil
	}
	return w
}

// group is the API group of the workload's kind.
func (w *workload) group() string {
	switch {
	case w.value.Custom != nil:
		return w.value.Custom.Row.Group
	case w.value.Kind == "job" || w.value.Kind == "cronjob":
		return "batch"
	case w.value.Kind == "replicationcontroller":
		return ""
	}
	return "apps"
}

func hasGroup(ref *manifest.OwnerReference, group string) bool {
	return ref.APIVersion == "" || groupOf(ref.APIVersion) == group
}

// maxOwners bounds the walk up a chain of owners, which input may close to a
// ring. Real chains have five links at most.
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
		top = model.Workload{Kind: s.kindName(ref), Name: ref.Name}
		if next := s.ownerOf(ref, p.namespace, func(w *workload) { top.Kind = w.value.Kind; w.own(p) }); next != nil {
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

// own marks a pod that is an endpoint as w's.
func (w *workload) own(p *entry[*manifest.Pod]) {
	w.ownsPods = true
	if !w.fill {
		return
	}
	if w.standing == nil {
		w.standing = map[int]bool{}
	}
	if i, ok := numberOf(w.value.Kind, w.name, p.name, p.value.Labels); ok {
		w.standing[i] = true
	}
}

// ownerOf is the controller of what a reference means, or nil. If that is a
// workload of the input it is visited. Pods own pods too: Spark's executors are
// their driver's.
func (s *State) ownerOf(ref *manifest.OwnerReference, namespace string, visit func(*workload)) *manifest.OwnerReference {
	if ref.Kind == "Pod" && hasGroup(ref, "") {
		if p := s.podNamed(namespace, ref.Name); p != nil {
			return controllerOf(p.value.OwnerReferences)
		}
		return nil
	}
	w := s.find(ref, namespace)
	if w == nil {
		return nil
	}
	visit(w)
	return controllerOf(w.value.OwnerReferences)
}

// podNamed returns the Pod object of a name, or nil.
func (s *State) podNamed(namespace, name string) *entry[*manifest.Pod] {
	if len(s.podAt) != len(s.pods) { // it is asked for seldom, and not before all pods are there
		s.podAt = make(map[podKey]int, len(s.pods))
		for i := range s.pods {
			s.podAt[podKey{s.pods[i].namespace, s.pods[i].name}] = i
		}
	}
	if i, found := s.podAt[podKey{namespace, name}]; found {
		return &s.pods[i]
	}
	return nil
}

type podKey struct{ namespace, name string }

// controllerOf returns the reference to the managing controller, or nil.
func controllerOf(refs []manifest.OwnerReference) *manifest.OwnerReference {
	for i := range refs {
		if refs[i].Controller {
			return &refs[i]
		}
	}
	return nil
}

// kindName is manifest.KindName without an allocation for each pod.
func (s *State) kindName(ref *manifest.OwnerReference) string {
	key := typeKey{ref.APIVersion, ref.Kind}
	name, found := s.kindNames[key]
	if !found {
		name = manifest.KindName(ref.APIVersion, ref.Kind)
		s.kindNames[key] = name
	}
	return name
}

type typeKey struct{ apiVersion, kind string }

// ownedByWorkload reports whether the input holds a controller above w whose
// templates stand for the pods. An object without any is passed over, and one
// of which not all pods can be known leaves them to what it has made. What a
// pod owns is in no template of those above the pod.
func (s *State) ownedByWorkload(w *workload) bool {
	ref := controllerOf(w.value.OwnerReferences)
	for i := 0; ref != nil && i < maxOwners; i++ {
		owner := s.find(ref, w.namespace)
		if owner == nil {
			return false
		}
		if c := owner.value.Custom; c == nil || len(c.Sets) > 0 && c.Unknown == "" {
			return true
		}
		ref = controllerOf(owner.value.OwnerReferences)
	}
	return false
}
