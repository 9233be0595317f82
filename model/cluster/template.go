package cluster

import (
	"fmt"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// instances adds the pods that the workload templates stand for (R63, R64),
// where the input holds no Pod object of the workload (R67). Their address and
// node are not known.
//
// This is the place where labels that controllers add (R65) and custom
// resources with pod templates (R66) will come in.
func (s *State) instances(pods []model.Pod, e evidence) []model.Pod {
	type name struct{ namespace, name string }
	taken := make(map[name]int)
	type expansion struct {
		*workload
		count int
	}
	var expansions []expansion
	var dormant []*workload
	for _, w := range s.workloads {
		if w.value.Template == nil || w.ownsPods || s.ownedByWorkload(w) { // a ReplicationController may have no template
			continue
		}
		n := instanceCount(w)
		if n == 0 {
			dormant = append(dormant, w)
			continue
		}
		expansions = append(expansions, expansion{w, n})
		for i := range n {
			taken[name{w.namespace, instanceName(w.name, i, n)}]++
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
			for i := range x.count {
				limit := 1 // itself
				if prefix != "" {
					limit = 0
				}
				collides = collides || taken[name{x.namespace, instanceName(base, i, x.count)}] > limit
			}
			if collides {
				prefix += x.value.Kind + "."
				base = prefix + x.name
			}
		}
		pod := s.instance(x.workload, e)
		for i := range x.count {
			pod.Name = instanceName(base, i, x.count)
			if prefix != "" {
				taken[name{x.namespace, pod.Name}]++
			}
			pod.EveryNode = x.value.Kind == "daemonset" && pod.HostNetwork && i == 0 // R57
			pods = append(pods, pod)
		}
	}
	for _, w := range dormant {
		pod := s.instance(w, e)
		pod.Dormant = true
		pod.Name = w.name
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
	return pods
}

// instance is a pod of a workload's template, but for its name.
func (s *State) instance(w *workload, e evidence) model.Pod {
	t := w.value.Template
	pod := model.Pod{
		Namespace:      w.namespace,
		Workload:       model.Workload{Kind: w.value.Kind, Name: w.name},
		Labels:         t.Labels,
		Ports:          s.containerPorts(&t.Spec),
		HostNetwork:    t.Spec.HostNetwork,
		Template:       true,
		ServiceAccount: serviceAccount(&t.Spec),
		Origin:         w.origin,
	}
	e.unknown(&pod.Addresses)
	return pod
}

// instanceCount is 0, 1 or 2: two instances are enough to tell what holds
// between two pods of one workload (R64).
func instanceCount(w *workload) int {
	switch {
	case w.value.Kind == "daemonset":
		return 2
	case w.value.Replicas == nil:
		return 1
	}
	return int(min(max(*w.value.Replicas, 0), 2))
}

func instanceName(base string, i, n int) string {
	if n == 1 {
		return base
	}
	return fmt.Sprintf("%s[%d]", base, i)
}
