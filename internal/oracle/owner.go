package oracle

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type ownerKey struct{ kind, namespace, name string }

// holder is an object that may own pods: a workload, a custom object of a kind
// that is known, or a pod (R67).
type holder struct {
	key         ownerKey // with the kind as output names it
	kind, group string   // as references name it, the kind in lower case
	owner       *metav1.OwnerReference
	finished    bool
	sets        []templateSet
	unknown     bool // it has other pods too, which cannot be known
	ownsPods    bool // some endpoint is its own, directly or through others
}

// templateSet is the pods that one template stands for.
type templateSet struct {
	base      string // of their names
	instances func(base string) []instance
	spec      corev1.PodSpec
	// incomplete: spec does not have all containers, and so not all ports.
	incomplete bool
}

// holders returns the workloads and custom objects, then the pods, in input
// order. Of several with one key the first counts (R7).
func holders(w World, terms []term) ([]*holder, error) {
	var out []*holder
	seen := map[ownerKey]bool{}
	add := func(h *holder) {
		if !seen[h.key] {
			seen[h.key] = true
			out = append(out, h)
		}
	}
	for i := range w.Workloads {
		wl := &w.Workloads[i]
		if _, err := instances(wl, wl.Name); err != nil {
			return nil, err
		}
		add(&holder{
			key: ownerKey{wl.Kind, orDefault(wl.Namespace, w), wl.Name}, kind: wl.Kind, group: groups[wl.Kind],
			owner:    metav1.GetControllerOf(&metav1.ObjectMeta{OwnerReferences: wl.OwnerReferences}),
			finished: wl.finished(),
			sets: []templateSet{{wl.Name, func(base string) []instance {
				list, _ := instances(wl, base) // the kind is known, see above
				return list
			}, wl.Template.Spec, false}},
		})
	}
	generated := map[string]int{}
	for _, o := range w.Custom {
		k := customKindOf(o)
		if k == nil {
			continue
		}
		o = o.named(orDefault(o.text("metadata", "namespace"), w), generated)
		h := &holder{
			key: ownerKey{k.output, o.text("metadata", "namespace"), o.name()}, kind: strings.ToLower(k.kind), group: k.group,
			owner: o.controller(), finished: k.finished != nil && k.finished(o), unknown: k.unknown != nil && k.unknown(o),
		}
		if k.sets != nil {
			for _, s := range k.sets(o) {
				h.sets = append(h.sets, templateSet{s.name, func(base string) []instance { return s.instances(base, terms) }, s.template.Spec, s.incomplete})
			}
		}
		add(h)
	}
	for i := range w.Pods {
		p := &w.Pods[i]
		add(&holder{key: ownerKey{"pod", orDefault(p.Namespace, w), p.Name}, kind: "pod", owner: metav1.GetControllerOf(p)})
	}
	return out, nil
}

// groups are the API groups of the built-in kinds; those that are missing are
// of the core group.
var groups = map[string]string{
	"deployment": "apps", "replicaset": "apps", "statefulset": "apps", "daemonset": "apps",
	"job": "batch", "cronjob": "batch",
}

// find returns what a reference means, or nil. The API group counts, so that a
// Job is not what another project calls a Job; a reference that does not say
// its group may be any (R67).
func (o *Oracle) find(owner *metav1.OwnerReference, namespace string) *holder {
	group := "" // the core group has a version alone
	if i := strings.Index(owner.APIVersion, "/"); i >= 0 {
		group = owner.APIVersion[:i]
	}
	for _, h := range o.holders {
		if h.kind == strings.ToLower(owner.Kind) && h.key.namespace == namespace && h.key.name == owner.Name && (owner.APIVersion == "" || group == h.group) {
			return h
		}
	}
	return nil
}

// markOwners marks the owners of a pod, up to the top one (R67). The object
// above a ReplicaSet that does not say it, or is not in the world, is known by
// the ReplicaSet's name: the object's, and the hash that the pods carry.
func (o *Oracle) markOwners(namespace string, labels map[string]string, owner *metav1.OwnerReference) {
	visited := map[*holder]bool{}
	for owner != nil {
		h := o.find(owner, namespace)
		if visited[h] && h != nil {
			return
		}
		visited[h] = true
		var next *metav1.OwnerReference
		if h != nil {
			h.ownsPods = true
			next = h.owner
		}
		if next == nil {
			next = aboveReplicaSet(owner, labels)
		}
		owner = next
	}
}

func aboveReplicaSet(owner *metav1.OwnerReference, labels map[string]string) *metav1.OwnerReference {
	if owner.Kind != "ReplicaSet" || owner.APIVersion != "" && !strings.HasPrefix(owner.APIVersion, "apps/") {
		return nil
	}
	if hash := labels["pod-template-hash"]; hash != "" {
		if stem, ok := strings.CutSuffix(owner.Name, "-"+hash); ok {
			return &metav1.OwnerReference{Kind: "Deployment", Name: stem}
		}
	}
	return nil
}

// stoodFor reports whether an object above h is in the world and has templates,
// which stand for the pods of h too (R67), and for all that there are. Objects without templates of their
// own are links; what a pod owns is in no template of those above the pod.
func (o *Oracle) stoodFor(h *holder) bool {
	visited := map[*holder]bool{}
	for h.owner != nil && !visited[h] {
		visited[h] = true
		if h = o.find(h.owner, h.key.namespace); h == nil || h.kind == "pod" {
			return false
		}
		if len(h.sets) > 0 && !h.unknown {
			return true
		}
	}
	return false
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
