package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// expansion is the pods that a template stands for: those of a built-in
// workload, or one set of those of a custom resource (R66).
type expansion struct {
	*workload
	set       *manifest.PodSet // nil for a built-in workload
	number    int              // of the set in its workload
	instances []ordinal        // none where the workload has zero replicas
}

// expansions lists the templates that stand for pods, in the order of the
// input (R67).
func (s *State) expansions() []*expansion {
	var out []*expansion
	for _, w := range s.workloads {
		if !s.expands(w) {
			continue
		}
		if w.value.Custom == nil {
			out = append(out, &expansion{workload: w})
			continue
		}
		s.reportUnknown(w)
		for i := range w.value.Custom.Sets {
			if w.ownsPods && w.sets != nil && !w.sets[i] {
				continue
			}
			out = append(out, &expansion{workload: w, set: &w.value.Custom.Sets[i], number: i})
		}
	}
	ordinals := s.ordinals(out)
	for _, x := range out {
		x.instances = ordinals.of(x)
	}
	ordinals.report(s.ledger)
	return slices.DeleteFunc(out, func(x *expansion) bool { // every number has its pod
		return len(x.instances) == 0 && x.ownsPods && x.fill
	})
}

// instances adds the pods that the workload templates stand for (R63, R64),
// where no pod of the workload is an endpoint (R67). Their address and node are
// not known. The labels that they may have or not come with them.
func (s *State) instances(pods []model.Pod, e evidence) ([]model.Pod, uncertainLabels) {
	type name struct{ namespace, name string }
	all := s.expansions()
	s.reportAbsent()
	if len(all) == 0 {
		return pods, nil
	}
	taken := make(map[name]int)
	for i := range pods {
		taken[name{pods[i].Namespace, pods[i].Name}]++
	}
	for _, x := range all {
		for i := range x.instances {
			taken[name{x.namespace, x.name(i, 0)}]++
		}
	}
	// A pod or another workload may have the name (M4). The longer name is
	// given to both workloads, so that it depends on no order; where they
	// still cannot be told apart the order is that of their own names.
	named := slices.SortedStableFunc(slices.Values(all), func(a, b *expansion) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.value.Kind, b.value.Kind),
			strings.Compare(a.workload.name, b.workload.name), cmp.Compare(a.number, b.number))
	})
	for _, x := range named {
		attempt := 0
		collides := func() bool {
			limit := 0
			if attempt == 0 {
				limit = 1 // itself
			}
			for i := range x.instances {
				if taken[name{x.namespace, x.name(i, attempt)}] > limit {
					return true
				}
			}
			return false
		}
		for collides() {
			attempt++
		}
		pod := s.instance(x, e)
		for i, o := range x.instances {
			pod.Name = x.name(i, attempt)
			if attempt > 0 {
				taken[name{x.namespace, pod.Name}]++
			}
			if i == 0 || x.numbered() {
				pod.Labels = x.labels(o)
			}
			pod.EveryNode = x.value.Kind == "daemonset" && pod.HostNetwork && i == 0 // R57
			pods = append(pods, pod)
		}
	}
	for _, x := range all {
		if len(x.instances) > 0 {
			continue
		}
		pod := s.instance(x, e)
		pod.Dormant = true
		first := ordinal{index: int(x.value.FirstOrdinal)}
		if x.set != nil {
			first.index = x.set.From
		}
		pod.Labels = x.labels(first) // of its first pod
		for attempt := 0; pod.Name == "" || taken[name{x.namespace, pod.Name}] > 0; attempt++ {
			pod.Name = strings.Repeat(x.value.Kind+".", attempt) + x.workload.name
		}
		taken[name{x.namespace, pod.Name}]++
		pods = append(pods, pod)
		what := ""
		if x.set != nil {
			what = " for " + x.base(first, 0)
		}
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeNoReplicas, Origin: x.origin, Object: model.ObjectRef{Kind: x.value.Kind, Namespace: x.namespace, Name: x.workload.name},
			Message: fmt.Sprintf("%s %s/%s has 0 replicas%s and so no pods", x.value.Kind, x.namespace, x.workload.name, what),
		})
	}
	s.reportControllerLabels(all)
	return pods, gatherUncertain(all)
}

// expands reports whether templates of w stand for pods (R67). A
// ReplicationController may have none, and a custom resource that is only a
// link in chains of owners has none.
func (s *State) expands(w *workload) bool {
	return (w.value.Template != nil || w.value.Custom != nil) && (!w.ownsPods || w.renewed) && !w.value.Finished && !s.ownedByWorkload(w)
}

// template is the pod template.
func (x *expansion) template() *manifest.PodTemplate {
	if x.set != nil {
		return &x.set.Template
	}
	return x.value.Template
}

// numbered reports whether labels tell the pods from each other.
func (x *expansion) numbered() bool {
	if x.set != nil {
		return len(x.set.Numbered) > 0
	}
	return x.hasIndexes()
}

// instance is a pod of a template, but for its name and labels.
func (s *State) instance(x *expansion, e evidence) model.Pod {
	t := x.template()
	pod := model.Pod{
		Namespace:      x.namespace,
		Workload:       model.Workload{Kind: x.value.Kind, Name: x.workload.name},
		Ports:          s.containerPorts(nil, &t.Spec),
		HostNetwork:    t.Spec.HostNetwork,
		Template:       true,
		ServiceAccount: serviceAccount(&t.Spec),
		Origin:         x.origin,
		PortsUnknown:   x.set != nil && x.set.Incomplete != "",
	}
	if pod.PortsUnknown && s.options.Profile == ProfileCilium {
		pod.Ports = nil // another container may have a port of the same name (R35)
	}
	e.unknown(&pod.Addresses)
	return pod
}

// podCount is how many pods a built-in workload has, or 2 for "many" (R64).
func podCount(w *workload) int {
	n := 1
	switch {
	case w.value.Kind == "daemonset":
		n = 2
	case w.value.Replicas != nil:
		n = max(0, int(*w.value.Replicas))
	}
	if w.value.Indexed && n > 0 { // each index has its pod, sooner or later (R8)
		n = 1
		if w.value.Completions != nil {
			n = max(0, int(*w.value.Completions))
		}
	}
	return n
}

// name is the name of an instance: that of the workload, or what the row of a
// custom resource makes of it. attempt counts how often a shorter name turned
// out to be taken.
func (x *expansion) name(i, attempt int) string {
	base := x.base(x.instances[i], attempt)
	if len(x.instances) == 1 && (!x.fill || !x.ownsPods) {
		return base
	}
	o := x.instances[i]
	if x.set == nil {
		return base + "[" + strconv.Itoa(o.index) + "]"
	}
	// The pods of all groups are counted, where the name does not say more.
	group, index := x.set.Name.Has()
	if attempt < 2 && (group || x.set.Groups == 1) && (index || x.set.Replicas == 1) {
		return base
	}
	if x.set.Replicas == custom.Many && x.set.Groups != 1 {
		return base + "[" + strconv.Itoa(o.group) + "." + strconv.Itoa(o.index) + "]"
	}
	return base + "[" + strconv.Itoa(o.group*(x.set.From+x.set.Replicas)+o.index) + "]"
}

func (x *expansion) base(o ordinal, attempt int) string {
	base := x.workload.name
	switch {
	case x.set == nil:
	case attempt > 1: // nothing but the workload and the set tells it from others
		base += "#" + strconv.Itoa(x.number)
	default:
		base = cmp.Or(x.settled(x.set.Name.Of(o.group, o.index)), base)
	}
	return strings.Repeat(x.value.Kind+".", attempt) + base
}

// settled puts in what the reader of the object did not know.
func (x *expansion) settled(s string) string {
	if !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, custom.GeneratedName, x.workload.name), custom.UnsaidNamespace, x.namespace)
}
