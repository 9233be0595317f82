package gen

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
)

// unmanaged says which pods the network plugin does not manage (R69). It comes
// last, so that selectors can name what there is.
func (g *generator) unmanaged() {
	if !g.pct(either(g.c.Profile == "cilium", pctUnmanagedEntity, pctUnmanaged)) {
		return
	}
	for range g.between(1, 2) {
		var set model.PodSet
		switch g.r.IntN(4) {
		case 0:
			set.Namespace = pick(g, g.spaces)
			g.hit(UnmanagedNamespace)
		case 1:
			set.Namespace = pick(g, g.spaces)
			set.Pods = terms(g.selector(false))
			g.hit(UnmanagedPods)
		case 2:
			set.Namespaces = terms(g.selector(true))
			set.Pods = terms(g.selector(false))
			g.hit(UnmanagedByNamespaceLabels)
		case 3:
			set.Pods = terms(g.selector(false))
			g.hit(UnmanagedEverywhere)
		}
		if set.Namespace == "" && len(set.Namespaces)+len(set.Pods) == 0 {
			continue // every pod: the policies would say nothing
		}
		g.c.Unmanaged = append(g.c.Unmanaged, set)
	}
	g.unmanagedTogether()
	if len(g.c.Unmanaged) > 1 {
		g.hit(UnmanagedSeveral)
	}
}

// unmanagedTogether makes the pods of two namespaces unmanaged, one of which has
// pods of unknown ports. In Cilium they share their port names, so that pods of
// known address have unknown ports too.
func (g *generator) unmanagedTogether() {
	of := slices.IndexFunc(g.c.Custom, func(c Custom) bool { return c.kind() == "LLMInferenceService" })
	live := slices.IndexFunc(g.c.Pods, func(p corev1.Pod) bool { return !p.Spec.HostNetwork && p.Status.PodIP != "" && p.Namespace != "" })
	if g.c.Profile != "cilium" || of < 0 || live < 0 || g.c.Custom[of].space() == "" {
		return
	}
	g.hit(UnmanagedPortsUnknown)
	for _, space := range []string{g.c.Custom[of].space(), g.c.Pods[live].Namespace} {
		g.hit(UnmanagedNamespace)
		g.c.Unmanaged = append(g.c.Unmanaged, model.PodSet{Namespace: space})
	}
}

// terms is a label selector in the terms of a configuration.
func terms(s *metav1.LabelSelector) model.Selector {
	var out model.Selector
	for k, v := range s.MatchLabels {
		out = append(out, model.Requirement{Key: k, Operator: model.In, Values: []string{v}})
	}
	operators := map[metav1.LabelSelectorOperator]model.Operator{
		metav1.LabelSelectorOpIn: model.In, metav1.LabelSelectorOpNotIn: model.NotIn,
		metav1.LabelSelectorOpExists: model.Exists, metav1.LabelSelectorOpDoesNotExist: model.DoesNotExist,
	}
	for _, x := range s.MatchExpressions {
		out = append(out, model.Requirement{Key: x.Key, Operator: operators[x.Operator], Values: slices.Sorted(slices.Values(x.Values))})
	}
	return out.Canonical()
}
