package cluster

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Apply lays objects over those that there are, as kubectl apply would (R139):
// an object takes the place of the one of its identity, or is new. Objects of
// one call are applied one after the other, and what the API server would refuse
// is reported and changes nothing. Workloads whose template changes roll out: their pods leave,
// but for those that are applied in the same call.
func (s *State) Apply(objects iter.Seq[manifest.Object]) {
	s.settleMode()
	a := application{State: s, workloads: map[*object]*manifest.Workload{}, own: map[*object]bool{}}
	for o := range objects {
		a.apply(o)
	}
	a.rollOut()
	if len(a.unlabelled) > 0 {
		s.ledger.Assume("manifests of the input count as what kubectl apply was given last, so that labels that applied ones lack are removed: " + listed(a.unlabelled))
	}
}

// application is one Apply.
type application struct {
	*State
	workloads  map[*object]*manifest.Workload // that were applied -> what they replace, or nil
	order      []*object                      // of them
	own        map[*object]bool               // everything that was applied
	unlabelled []string                       // objects that lost labels because a manifest counts as what was last applied
}

func (a *application) apply(o manifest.Object) {
	id, ok := a.identity(&o)
	if !ok {
		a.add(o)
		return
	}
	old := a.at[id]
	said := a.listen(&o)
	if why := a.forbids(&o, old); why != "" {
		a.forbid(&o, old, said, why)
		return
	}
	h := object{Object: o}
	var kept []string
	if old != nil && !old.refused() {
		kept = a.merge(&h.Object, &old.Object)
	}
	h.Stored = appliedOf(&o)
	a.lower(&h)
	place := old
	if old == nil || h.refused() {
		place = a.objects.add(o)
		a.at[id] = cmp.Or(old, place)
		if old != nil { // it stays, because the API server takes nothing in its place
			place.twin, old.twin = old.twin, place
		}
	}
	what := fmt.Sprintf("applied %v", a.ref(&h))
	switch {
	case h.refused():
		h.twin = place.twin
		what = ""
	case old == nil || old.refused():
		h.planned = true
		what += ", which is new"
	default:
		h.planned = old.planned
		what += " over that of " + old.Origin.File
		if len(kept) > 0 {
			what += "; it keeps what kubectl did not set: " + strings.Join(kept, ", ")
		}
	}
	var before any
	if place == old {
		h.renewal = old.renewal // and all others of its identity
		for t := old.twin; t != nil; t = t.twin {
			t.gone = true
		}
		before = old.Value
	}
	if _, ok := h.Value.(*manifest.Workload); ok && !a.own[place] {
		a.workloads[place], _ = before.(*manifest.Workload)
		a.order = append(a.order, place)
	}
	*place = h
	delete(a.said, place)
	if len(said) > 0 {
		a.said[place] = said
	}
	a.own[place] = true
	if what != "" {
		a.changes = append(a.changes, what)
	} else if old != nil && !old.refused() {
		a.say(place, dialect.CodeNotAsApplied, "the API server refuses %v, so that of %s stays", a.ref(place), old.Origin.File)
	}
}

// refused reports whether the API server would refuse the object (R115).
func (o *object) refused() bool {
	p, ok := o.Value.(*policy)
	return ok && p.refused || o.unread()
}

// merge gives an object that takes the place of another what the cluster holds
// of that one and a manifest does not say (R139). It returns what of that the
// API server or others had set, to be told.
func (a *application) merge(o, old *manifest.Object) (kept []string) {
	switch v := o.Value.(type) {
	case *manifest.Pod:
		if was, ok := old.Value.(*manifest.Pod); ok {
			merged := *v
			if reflect.ValueOf(v.Status).IsZero() {
				merged.Status = was.Status
			}
			merged.Spec = was.Spec // of what the analysis needs, nothing can change
			if len(v.OwnerReferences) == 0 {
				merged.OwnerReferences = was.OwnerReferences
			}
			merged.DeletionTimestamp = v.DeletionTimestamp || was.DeletionTimestamp
			merged.Labels, kept = a.relabel(o, old, v.Labels, was.Labels)
			o.Value = &merged
		}
	case *manifest.Node:
		if was, ok := old.Value.(*manifest.Node); ok {
			merged := *v
			if len(v.Status.Addresses) == 0 {
				merged.Status = was.Status
			}
			if v.Spec.PodCIDR == "" && len(v.Spec.PodCIDRs) == 0 {
				merged.Spec = was.Spec
			}
			merged.Labels, kept = a.relabel(o, old, v.Labels, was.Labels)
			o.Value = &merged
		}
	case *manifest.Namespace:
		if was, ok := old.Value.(*manifest.Namespace); ok {
			merged := *v
			merged.Labels, kept = a.relabel(o, old, v.Labels, was.Labels)
			o.Value = &merged
		}
	case *manifest.Workload:
		if was, ok := old.Value.(*manifest.Workload); ok {
			merged := *v
			if v.Replicas == nil {
				merged.Replicas = was.Replicas
			}
			if v.Completions == nil && v.Kind == "job" {
				merged.Completions = was.Completions
			}
			if v.Template == nil {
				merged.Template = was.Template
			}
			if v.Selector == nil {
				merged.Selector = was.Selector
			}
			if len(v.OwnerReferences) == 0 {
				merged.OwnerReferences = was.OwnerReferences
			}
			merged.Finished = v.Finished || was.Finished
			o.Value = &merged
		}
	case *networkingv1.NetworkPolicy:
		if was, ok := old.Value.(*policy); ok {
			if v.Spec.PolicyTypes == nil && !was.ownTypes {
				merged := *v
				merged.Spec.PolicyTypes = was.types
				o.Value = &merged
				if !slices.Equal(was.types, defaultTypes(v)) {
					kept = []string{fmt.Sprintf("spec.policyTypes %v", was.types)}
				}
			}
		}
	}
	return kept
}

// relabel merges labels as kubectl apply does: those that it had set, and the
// new manifest lacks, go. A manifest of the input counts as what it was given
// last.
func (a *application) relabel(o, old *manifest.Object, labels, was map[string]string) (merged map[string]string, kept []string) {
	var lost []string
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if _, found := labels[key]; found || key == metadataName {
			continue
		}
		switch {
		case old.Stored == nil:
			lost = append(lost, key)
		case !slices.Contains(old.Stored.Labels, key):
			kept = append(kept, key)
		}
	}
	if len(lost) > 0 {
		ref := model.ObjectRef{Kind: o.Kind, Namespace: a.namespace(o), Name: o.Name}
		a.unlabelled = append(a.unlabelled, fmt.Sprintf("%v (%s)", ref, strings.Join(lost, ", ")))
	}
	if len(kept) == 0 {
		return labels, nil
	}
	merged = maps.Clone(was)
	maps.DeleteFunc(merged, func(key, _ string) bool { return !slices.Contains(kept, key) })
	maps.Copy(merged, labels)
	return merged, []string{"the labels " + listed(kept)}
}

// rollOut takes the pods away that controllers replace because of what was
// applied (R139).
func (a *application) rollOut() {
	if len(a.order) == 0 {
		return
	}
	pods, between := map[*object][]*object{}, map[*object][]*object{}
	kept := maps.Clone(a.own) // and what owns it
	for o := range a.live() {
		links := a.chain(o)
		if a.own[o] {
			for _, l := range links {
				kept[l.object] = true
			}
			continue
		}
		for _, l := range links {
			if _, applied := a.workloads[l.object]; !applied || l.object == nil {
				continue
			}
			if _, ok := o.Value.(*manifest.Pod); ok {
				pods[l.object] = append(pods[l.object], o)
			} else {
				between[l.object] = append(between[l.object], o)
			}
		}
	}
	for _, h := range a.order {
		a.remake(h)
		if len(pods[h]) == 0 {
			continue
		}
		going, how := a.leave(h, pods[h]), "rolls out; the old ones go"
		if len(going) < len(pods[h]) {
			how = "needs fewer pods; these go"
		} else {
			going = slices.Concat(going, between[h])
		}
		var with tally
		for _, o := range going {
			if !o.gone && !kept[o] {
				with.add(o.Kind)
				a.remove(o)
				o.left = true
			}
		}
		if text := with.String(); text != "" {
			a.changes = append(a.changes, fmt.Sprintf("%v %s: %s", a.ref(h), how, text))
		}
	}
}

// remake begins a Job anew that was applied with another template, which the API
// server refuses (pkg/apis/batch/validation/validation.go, validatePodTemplateUpdate).
func (a *application) remake(h *object) {
	w, _ := h.Value.(*manifest.Workload)
	old := a.workloads[h]
	if w.Kind != "job" || old == nil || w.Template == nil || old.Template == nil || a.sameTemplate(w, old) {
		return
	}
	a.say(h, dialect.CodeNotAsApplied, "%v: the API server refuses another template of a Job; the answer is for the Job deleted and made anew", a.ref(h))
	again := *w
	again.Finished = false
	h.Value = &again
}

// leave decides what becomes of the pods of a workload that was applied: which
// of them leave, and, where some stay, whether others come beside them.
func (a *application) leave(h *object, pods []*object) (going []*object) {
	w, _ := h.Value.(*manifest.Workload)
	old := a.workloads[h]
	if w.Custom != nil {
		return a.leaveCustom(h, pods)
	}
	if w.Template == nil {
		return nil
	}
	var same bool
	before, first := len(pods), w.FirstOrdinal
	if old != nil {
		same = old.Template != nil && a.sameTemplate(w, old)
		before, first = podCount(&workload{entry: entry[*manifest.Workload]{value: old}}), old.FirstOrdinal
	} else { // what made the pods is not in the input, so they themselves tell
		same = !slices.ContainsFunc(pods, func(p *object) bool { return !a.fits(p.Value.(*manifest.Pod), w) })
	}
	wrapped := workload{entry: entry[*manifest.Workload]{value: w}}
	n := podCount(&wrapped)
	switch {
	case n == 0:
		return pods
	case !same: // some kinds leave what they made until it ends
		if w.Kind == "replicaset" || w.Kind == "replicationcontroller" || w.Kind == "cronjob" {
			h.renewal = renewal{renewed: true}
			return nil
		}
		return pods
	case n <= before && first == w.FirstOrdinal && !wrapped.hasIndexes():
		return nil
	}
	numbered := wrapped.hasIndexes() && w.Kind != "cronjob" // whose pods are its Jobs'
	if n > before || first != w.FirstOrdinal {
		h.renewal = renewal{renewed: true, fill: numbered}
	}
	for _, p := range pods { // those whose numbers are not wanted any more
		i, ok := numberOf(w.Kind, h.Name, p.Name, p.Value.(*manifest.Pod).Labels)
		if numbered && ok && (i < int(w.FirstOrdinal) || i-int(w.FirstOrdinal) >= n) {
			going = append(going, p)
		}
	}
	return going
}

// sameTemplate reports whether the analysis sees no difference between the pods
// of two templates.
func (s *State) sameTemplate(a, b *manifest.Workload) bool {
	return a.Indexed == b.Indexed && a.ManualSelector == b.ManualSelector &&
		maps.Equal(a.Template.Labels, b.Template.Labels) && s.sameSpec(&a.Template.Spec, &b.Template.Spec)
}

func (s *State) sameSpec(a, b *manifest.PodSpec) bool {
	return a.HostNetwork == b.HostNetwork && serviceAccount(a) == serviceAccount(b) && samePorts(s.containerPorts(nil, a), s.containerPorts(nil, b))
}

// samePorts compares lists without repetitions as sets.
func samePorts(a, b []model.ContainerPort) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(p model.ContainerPort) bool { return !slices.Contains(b, p) })
}

// controllerLabels are the labels that controllers add (R65).
var controllerLabels = []string{
	podTemplateHash, podTemplateGeneration, controllerRevisionHash, statefulSetPodName, podIndex,
	jobName, jobNameLegacy, controllerUID, controllerUIDLegacy, jobCompletionIndex,
}

// fits reports whether a pod looks as if it came from the template of w.
func (s *State) fits(p *manifest.Pod, w *manifest.Workload) bool {
	strip := func(labels map[string]string) map[string]string {
		labels = maps.Clone(labels)
		for _, key := range controllerLabels {
			delete(labels, key)
		}
		return labels
	}
	return maps.Equal(strip(p.Labels), strip(w.Template.Labels)) && s.sameSpec(&p.Spec, &w.Template.Spec)
}
