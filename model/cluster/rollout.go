package cluster

import (
	"reflect"
	"slices"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// leaveCustom is leave for a custom resource. Whether its controller replaces
// running pods when a template changes differs by kind and is not known: they
// stay, and those of the new template stand beside them (R139).
func (a *application) leaveCustom(h *object, pods []*object) []*object {
	w, _ := h.Value.(*manifest.Workload)
	c := w.Custom
	total := 0
	for i := range c.Sets {
		total += setSize(&c.Sets[i])
	}
	old := a.workloads[h]
	over := w.Finished && old != nil && !old.Finished
	if !c.Row.Link() && (over || total == 0 && c.Unknown == "") {
		return pods
	}
	if old == nil || old.Custom == nil { // what made the pods is not in the input, so they themselves tell
		a.besideUnknown(h, pods)
		return nil
	}
	was := old.Custom.Sets
	var coming []int
	changed, emptied := false, false
	for i := range c.Sets {
		set := &c.Sets[i]
		at := slices.IndexFunc(was, func(o manifest.PodSet) bool { return sameLook(set, &o) })
		switch {
		case at < 0:
			changed = true
			coming = append(coming, i)
		case setSize(set) > setSize(&was[at]):
			coming = append(coming, i)
		case setSize(set) == 0 && setSize(&was[at]) > 0:
			emptied = true
		}
	}
	if len(coming) > 0 {
		h.renewSets(coming)
	}
	lost := slices.ContainsFunc(was, func(o manifest.PodSet) bool { // with changed: a template became another
		return !slices.ContainsFunc(c.Sets, func(s manifest.PodSet) bool { return sameLook(&s, &o) })
	})
	switch {
	case lost:
		a.sayStay(h, changed)
	case emptied: // a manifest may also leave the number to somebody else
		a.say(h, dialect.CodeNotAsApplied, "whether the controller of %v takes away pods of which there are now 0 is not known; those of the input stay", a.ref(h))
	}
	return nil
}

func (a *application) sayStay(h *object, others bool) {
	text := "whether the controller of %v replaces running pods when their template changes is not known; those of the input stay"
	if others {
		text += ", and the new ones stand beside them"
	}
	a.say(h, dialect.CodeNotAsApplied, text, a.ref(h))
}

// besideUnknown holds pods of which only the name of the owner was known
// against the sets of that owner.
func (a *application) besideUnknown(h *object, pods []*object) {
	c := h.Value.(*manifest.Workload).Custom
	stands := map[int]bool{}
	strange := false
	for _, p := range pods {
		sets := setsOf(c, p.Value.(*manifest.Pod).Labels)
		strange = strange || len(sets) == 0
		for _, i := range sets {
			stands[i] = true
		}
	}
	var coming []int
	for i := range c.Sets {
		if (strange || !stands[i]) && setSize(&c.Sets[i]) > 0 {
			coming = append(coming, i)
		}
	}
	if len(coming) > 0 {
		h.renewSets(coming)
	}
	if strange && len(c.Sets) > 0 {
		a.sayStay(h, true)
	}
}

// setSize is how many pods a set has.
func setSize(s *manifest.PodSet) int {
	if s.Groups == 0 || s.Replicas == 0 {
		return 0
	}
	if s.Groups == custom.Many || s.Replicas == custom.Many {
		return custom.Many
	}
	return s.Groups * s.Replicas
}

// sameLook reports whether the pods of two sets differ in nothing but their
// number.
func sameLook(a, b *manifest.PodSet) bool {
	x, y := *a, *b
	x.Groups, x.Replicas, y.Groups, y.Replicas = 0, 0, 0, 0
	return reflect.DeepEqual(x, y)
}

// setsOf returns the sets that a pod may be of, by its labels: those whose
// labels it has all, or else those that no label of it contradicts. Labels that
// hold numbers, or values that are not known, tell nothing, and whether a pod
// has an uncertain one tells nothing either (R66).
func setsOf(c *manifest.Custom, labels map[string]string) []int {
	var exact, loose []int
	for i := range c.Sets {
		set := &c.Sets[i]
		all, other := true, false
		for key, want := range set.Template.Labels {
			if _, uncertain := model.UncertainLabel(key); uncertain {
				continue
			}
			numbered := slices.ContainsFunc(set.Numbered, func(l custom.Label) bool { return l.Key == key })
			value, found := labels[key]
			all = all && found
			if found && !numbered && want != model.OpaqueValue && value != want {
				all, other = false, true
			}
		}
		if all {
			exact = append(exact, i)
		}
		if !other {
			loose = append(loose, i)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return loose
}
