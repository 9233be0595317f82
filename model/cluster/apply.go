package cluster

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Apply lays objects over those that there are, as kubectl apply would (R139):
// an object takes the place of the one of its identity, or is new. Objects of
// one call are one apply: of two of one identity the first counts and the
// second is reported, and what the API server would refuse is reported and
// changes nothing. Workloads whose template changes roll out: their pods leave,
// but for those that are applied in the same call.
func (s *State) Apply(objects iter.Seq[manifest.Object]) {
	a := application{State: s, done: map[identity]*object{}, workloads: map[*object]*manifest.Workload{}, own: map[*object]bool{}}
	for o := range objects {
		a.apply(o)
	}
	a.rollOut()
	if len(a.unlabelled) > 0 {
		s.ledger.Assume("labels that applied objects lack are taken as removed (kubectl apply keeps those that it did not set): " + listed(a.unlabelled))
	}
}

// application is one Apply.
type application struct {
	*State
	done       map[identity]*object
	workloads  map[*object]*manifest.Workload // that were applied -> what they replace, or nil
	order      []*object                      // of them
	own        map[*object]bool               // everything that was applied
	unlabelled []string                       // objects that lost labels
}

func (a *application) apply(o manifest.Object) {
	id, ok := a.identity(&o)
	if !ok {
		a.add(o)
		return
	}
	old := a.at[id]
	if first := a.done[id]; first != nil {
		h := a.add(o)
		h.twin, old.twin = old.twin, h
		a.duplicate(h, first)
		return
	}
	said := a.listen(&o)
	h := object{Object: o}
	if old != nil && !old.refused() {
		a.merge(&h.Object, old.Value)
	}
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
		what += " over that of " + old.Origin.File
	}
	var before any
	if place == old { // and all others of its identity
		for t := old.twin; t != nil; t = t.twin {
			t.gone = true
		}
		before = old.Value
	}
	if _, ok := h.Value.(*manifest.Workload); ok {
		a.workloads[place], _ = before.(*manifest.Workload)
		a.order = append(a.order, place)
	}
	*place = h
	delete(a.said, place)
	if len(said) > 0 {
		a.said[place] = said
	}
	a.done[id], a.own[place] = place, true
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
// of that one and a manifest does not say (R139).
func (a *application) merge(o *manifest.Object, before any) {
	switch v := o.Value.(type) {
	case *manifest.Pod:
		if old, ok := before.(*manifest.Pod); ok {
			merged := *v
			if reflect.ValueOf(v.Status).IsZero() {
				merged.Status = old.Status
			}
			merged.Spec.NodeName = cmp.Or(v.Spec.NodeName, old.Spec.NodeName)
			if len(v.OwnerReferences) == 0 {
				merged.OwnerReferences = old.OwnerReferences
			}
			merged.DeletionTimestamp = v.DeletionTimestamp || old.DeletionTimestamp
			o.Value = &merged
			a.relabel(o, v.Labels, old.Labels)
		}
	case *manifest.Node:
		if old, ok := before.(*manifest.Node); ok {
			merged := *v
			if len(v.Status.Addresses) == 0 {
				merged.Status = old.Status
			}
			if v.Spec.PodCIDR == "" && len(v.Spec.PodCIDRs) == 0 {
				merged.Spec = old.Spec
			}
			o.Value = &merged
			a.relabel(o, v.Labels, old.Labels)
		}
	case *manifest.Namespace:
		if old, ok := before.(*manifest.Namespace); ok {
			a.relabel(o, v.Labels, old.Labels)
		}
	case *manifest.Workload:
		if old, ok := before.(*manifest.Workload); ok {
			merged := *v
			if v.Replicas == nil {
				merged.Replicas = old.Replicas
			}
			if v.Completions == nil && v.Kind == "job" {
				merged.Completions = old.Completions
			}
			if v.Template == nil {
				merged.Template = old.Template
			}
			if len(v.OwnerReferences) == 0 {
				merged.OwnerReferences = old.OwnerReferences
			}
			merged.Finished = v.Finished || old.Finished
			o.Value = &merged
		}
	}
}

// relabel notes an object that lost labels.
func (a *application) relabel(o *manifest.Object, labels, old map[string]string) {
	var lost []string
	for _, key := range slices.Sorted(maps.Keys(old)) {
		if _, kept := labels[key]; !kept && key != metadataName {
			lost = append(lost, key)
		}
	}
	if len(lost) > 0 {
		ref := model.ObjectRef{Kind: o.Kind, Namespace: a.namespace(o), Name: o.Name}
		a.unlabelled = append(a.unlabelled, fmt.Sprintf("%v (%s)", ref, strings.Join(lost, ", ")))
	}
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
		if len(pods[h]) == 0 || !a.leave(h, pods[h]) {
			continue
		}
		var with tally
		for _, o := range slices.Concat(pods[h], between[h]) {
			if !o.gone && !kept[o] {
				with.add(o.Kind)
				a.remove(o)
				o.left = true
			}
		}
		if text := with.String(); text != "" {
			a.changes = append(a.changes, fmt.Sprintf("%v rolls out; the old ones go: %s", a.ref(h), text))
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

// leave decides what becomes of the pods of a workload that was applied: whether
// they leave, and, where they stay, whether others come (h.renewed).
func (a *application) leave(h *object, pods []*object) bool {
	w, _ := h.Value.(*manifest.Workload)
	old := a.workloads[h]
	if w.Custom != nil { // what other controllers do is not known: other pods come, all of them
		return old != nil && old.Custom != nil && !reflect.DeepEqual(w.Custom.Sets, old.Custom.Sets)
	}
	if w.Template == nil {
		return false
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
		return true
	case !same: // some kinds leave what they made until it ends
		h.renewed = w.Kind == "replicaset" || w.Kind == "replicationcontroller" || w.Kind == "cronjob"
		return !h.renewed
	case wrapped.hasIndexes():
		return n != before || first != w.FirstOrdinal
	}
	h.renewed = n > before
	return false
}

// sameTemplate reports whether the analysis sees no difference between the pods
// of two templates.
func (s *State) sameTemplate(a, b *manifest.Workload) bool {
	return a.Indexed == b.Indexed && a.ManualSelector == b.ManualSelector &&
		maps.Equal(a.Template.Labels, b.Template.Labels) && s.sameSpec(&a.Template.Spec, &b.Template.Spec)
}

func (s *State) sameSpec(a, b *manifest.PodSpec) bool {
	return a.HostNetwork == b.HostNetwork && serviceAccount(a) == serviceAccount(b) && samePorts(s.containerPorts(a), s.containerPorts(b))
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
