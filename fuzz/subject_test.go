package fuzz

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
)

// Who the subjects of a policy are, read from the objects and from the labels
// of the pods, by Kubernetes' own selectors.

// matches reports whether a selector selects a label set; a requirement on one
// of the uncertain keys is then met, for it may be.
func matches(s *metav1.LabelSelector, of map[string]string, uncertain map[string]bool) bool {
	parsed, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return true // the caller asks for who may be selected
	}
	requirements, _ := parsed.Requirements()
	for _, r := range requirements {
		if !uncertain[r.Key()] && !r.Matches(labels.Set(of)) {
			return false
		}
	}
	return true
}

// subjectable returns the pod of an end that policies may apply to (R55, R69),
// or nil.
func (w *world) subjectable(e end) *model.Pod {
	p := w.pod(e)
	if p == nil || p.HostNetwork {
		return nil
	}
	for _, set := range w.Unmanaged {
		if (set.Namespace == p.Namespace || set.Namespace == "" && set.Namespaces.Matches(w.namespaces[p.Namespace])) && set.Pods.Matches(p.Labels) {
			return nil
		}
	}
	return p
}

// selects reports whether a NetworkPolicy applies to an end, or may (R66), in a
// direction.
func (w *world) selects(np *networkingv1.NetworkPolicy, e end, d model.Direction) bool {
	p := w.subjectable(e)
	if p == nil || w.refused[w.ref(np)] || p.Namespace != w.space(np.ObjectMeta) {
		return false
	}
	t := either(d == model.Ingress, networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress)
	return slices.Contains(w.directions(np), t) && matches(&np.Spec.PodSelector, w.labelsOf(p), w.keysOf(p))
}

// labelsOf are the labels of a pod that policies see (R26).
func (w *world) labelsOf(p *model.Pod) map[string]string {
	out := maps.Clone(p.Labels)
	if ofCilium(w.Cluster) {
		maps.DeleteFunc(out, func(key, _ string) bool { return !oracle.InIdentity(key) })
	}
	return out
}

// keysOf are the keys that may decide what selectors say of a pod (R66): what a
// selector asks of keys that are uncertain for any pod does not count for one
// that has uncertain labels itself.
func (w *world) keysOf(p *model.Pod) map[string]bool {
	if hasUncertainLabels(p) {
		return w.uncertain
	}
	return nil
}

// isolated reports whether an end is isolated in a direction (R10).
func (w *world) isolated(e end, d model.Direction) bool {
	return slices.ContainsFunc(w.Policies, func(np networkingv1.NetworkPolicy) bool { return w.selects(&np, e, d) })
}

// adminSelects reports whether an admin policy applies to an end, or may, in a
// direction (R92, R96).
func (w *world) adminSelects(a map[string]any, e end, d model.Direction) bool {
	p := w.subjectable(e)
	if p == nil || !w.accepted(a) || len(adminRules(a, d)) == 0 {
		return false
	}
	namespaces, pods, ok := adminSubject(a)
	return !ok || matches(namespaces, w.namespaces[p.Namespace], nil) && matches(pods, w.labelsOf(p), w.keysOf(p))
}

// tierSelects reports whether an admin policy of a tier applies to an end.
func (w *world) tierSelects(tier string, e end, d model.Direction) bool {
	return slices.ContainsFunc(w.Admin, func(a map[string]any) bool { return adminHead(a).tier == tier && w.adminSelects(a, e, d) })
}
