package cluster

import (
	"fmt"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// forbids says why the API server takes an object not at all, or not in the
// place of old, or "" (R139). What the reader or a dialect refuses is not its
// concern.
func (a *application) forbids(o *manifest.Object, old *object) string {
	switch v := o.Value.(type) {
	case *manifest.Workload:
		if v.Selector == nil {
			return ""
		}
		if v.Template != nil {
			s, err := metav1.LabelSelectorAsSelector(v.Selector)
			if err == nil && !s.Matches(labels.Set(v.Template.Labels)) {
				return "its selector does not match the labels of its template"
			}
		}
		if was := valueOf[*manifest.Workload](old); was != nil && was.Selector != nil && !equality.Semantic.DeepEqual(was.Selector, v.Selector) {
			return "the selector of what is there cannot be changed"
		}
	case *manifest.Pod:
		if was := valueOf[*manifest.Pod](old); was != nil {
			return a.forbidsPod(v, was, old.Stored == nil)
		}
	}
	return ""
}

// forbidsPod says what of a pod would be changed that cannot be, or "". What
// the new manifest lacks is changed where the old one is a plain manifest; of a
// stored one it may be the API server's.
func (a *application) forbidsPod(v, was *manifest.Pod, plain bool) string {
	const fixed = " of a pod cannot be changed"
	switch s, old := &v.Spec, &was.Spec; {
	case s.HostNetwork != old.HostNetwork && (s.HostNetwork || plain):
		return "hostNetwork" + fixed
	case s.NodeName != "" && s.NodeName != old.NodeName:
		return "the node" + fixed
	case s.ServiceAccountName != "" && s.ServiceAccountName != serviceAccount(old):
		return "the service account" + fixed
	default:
		now, before := a.containerPorts(nil, s), a.containerPorts(nil, old)
		more := slices.ContainsFunc(now, func(p model.ContainerPort) bool { return !slices.Contains(before, p) })
		less := slices.ContainsFunc(before, func(p model.ContainerPort) bool { return !slices.Contains(now, p) })
		if more || less && plain {
			return "the ports" + fixed
		}
	}
	return ""
}

// valueOf is the value of an object that counts, if it has the type.
func valueOf[T any](o *object) (value T) {
	if o != nil && !o.refused() {
		value, _ = o.Value.(T)
	}
	return value
}

// forbid reports an object that changes nothing, with what was said of it.
func (a *application) forbid(o *manifest.Object, old *object, said []dialect.Diagnostic, why string) {
	ref := model.ObjectRef{Kind: o.Kind, Namespace: a.namespace(o), Name: o.Name}
	text := fmt.Sprintf("the API server refuses %v: %s", ref, why)
	if old != nil {
		text += "; that of " + old.Origin.File + " stays"
	}
	said = append(said, dialect.Diagnostic{Code: dialect.CodeNotAsApplied, Origin: o.Origin, Object: ref, Message: text})
	for _, d := range said {
		a.loose = append(a.loose, remark{a.objects.n, d})
	}
}

// appliedOf is the mark of an object that kubectl apply has just set.
func appliedOf(o *manifest.Object) *manifest.Stored {
	switch v := o.Value.(type) {
	case *manifest.Pod:
		return &manifest.Stored{Labels: slices.Collect(maps.Keys(v.Labels))}
	case *manifest.Node:
		return &manifest.Stored{Labels: slices.Collect(maps.Keys(v.Labels))}
	case *manifest.Namespace:
		return &manifest.Stored{Labels: slices.Collect(maps.Keys(v.Labels))}
	case *networkingv1.NetworkPolicy:
		return &manifest.Stored{PolicyTypes: len(v.Spec.PolicyTypes) > 0}
	}
	return nil
}
