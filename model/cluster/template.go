package cluster

import (
	"fmt"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// instances adds the pods that the workload templates stand for (R63, R64),
// where no pod of the workload is an endpoint (R67). Their address and node are
// not known.
//
// This is the place where custom resources with pod templates (R66) will come
// in.
func (s *State) instances(pods []model.Pod, e evidence) []model.Pod {
	type name struct{ namespace, name string }
	taken := make(map[name]int)
	type expansion struct {
		*workload
		indexes []int // of its instances
	}
	var expansions []expansion
	var dormant []*workload
	ordinals := s.ordinals()
	for _, w := range s.workloads {
		if !s.expands(w) {
			continue
		}
		indexes := ordinals.of(w)
		if len(indexes) == 0 {
			dormant = append(dormant, w)
			continue
		}
		expansions = append(expansions, expansion{w, indexes})
		for i := range indexes {
			taken[name{w.namespace, instanceName(w.name, indexes, i)}]++
		}
	}
	if len(expansions)+len(dormant) == 0 {
		return pods
	}
	for i := range pods {
		taken[name{pods[i].Namespace, pods[i].Name}]++
	}
	for _, x := range expansions {
		// A pod or another workload may have the name (M4). The longer name
		// is given to both workloads, so that it depends on no order.
		base, prefix := x.name, ""
		for collides := true; collides; {
			collides = false
			for i := range x.indexes {
				limit := 1 // itself
				if prefix != "" {
					limit = 0
				}
				collides = collides || taken[name{x.namespace, instanceName(base, x.indexes, i)}] > limit
			}
			if collides {
				prefix += x.value.Kind + "."
				base = prefix + x.name
			}
		}
		pod := s.instance(x.workload, e)
		for i, index := range x.indexes {
			pod.Name = instanceName(base, x.indexes, i)
			if prefix != "" {
				taken[name{x.namespace, pod.Name}]++
			}
			if i == 0 || x.hasIndexes() {
				pod.Labels = templateLabels(x.workload, index)
			}
			pod.EveryNode = x.value.Kind == "daemonset" && pod.HostNetwork && i == 0 // R57
			pods = append(pods, pod)
		}
	}
	for _, w := range dormant {
		pod := s.instance(w, e)
		pod.Dormant = true
		pod.Name = w.name
		pod.Labels = templateLabels(w, int(w.value.FirstOrdinal)) // of its first pod
		for taken[name{w.namespace, pod.Name}] > 0 {
			pod.Name = w.value.Kind + "." + pod.Name
		}
		taken[name{w.namespace, pod.Name}]++
		pods = append(pods, pod)
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeNoReplicas, Origin: w.origin, Object: model.ObjectRef{Kind: w.value.Kind, Namespace: w.namespace, Name: w.name},
			Message: fmt.Sprintf("%s %s/%s has 0 replicas and so no pods", w.value.Kind, w.namespace, w.name),
		})
	}
	ordinals.report(s.ledger)
	return pods
}

// expands reports whether the template of w stands for pods (R67). A
// ReplicationController may have none.
func (s *State) expands(w *workload) bool {
	return w.value.Template != nil && (!w.ownsPods || w.renewed) && !w.value.Finished && !s.ownedByWorkload(w)
}

// instance is a pod of a workload's template, but for its name and labels.
func (s *State) instance(w *workload, e evidence) model.Pod {
	t := w.value.Template
	pod := model.Pod{
		Namespace:      w.namespace,
		Workload:       model.Workload{Kind: w.value.Kind, Name: w.name},
		Ports:          s.containerPorts(&t.Spec),
		HostNetwork:    t.Spec.HostNetwork,
		Template:       true,
		ServiceAccount: serviceAccount(&t.Spec),
		Origin:         w.origin,
	}
	e.unknown(&pod.Addresses)
	return pod
}

// podCount is how many pods a workload has, or 2 for "many" (R64).
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

func instanceName(base string, indexes []int, i int) string {
	if len(indexes) == 1 {
		return base
	}
	return fmt.Sprintf("%s[%d]", base, indexes[i])
}
