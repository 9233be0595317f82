package cluster

import (
	"fmt"

	"github.com/podreach/podreach/model"
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
	for _, w := range s.workloads {
		n := instanceCount(w)
		if n == 0 || w.ownsPods || s.ownedByWorkload(w) {
			continue
		}
		expansions = append(expansions, expansion{w, n})
		for i := range n {
			taken[name{w.namespace, instanceName(w.name, i, n)}]++
		}
	}
	if len(expansions) == 0 {
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
		t := x.value.Template
		pod := model.Pod{
			Namespace:      x.namespace,
			Workload:       model.Workload{Kind: x.value.Kind, Name: x.name},
			Labels:         t.Labels,
			Ports:          s.containerPorts(&t.Spec),
			HostNetwork:    t.Spec.HostNetwork,
			Template:       true,
			ServiceAccount: serviceAccount(&t.Spec),
			Origin:         x.origin,
		}
		e.unknown(&pod.Addresses)
		for i := range x.count {
			pod.Name = instanceName(base, i, x.count)
			if prefix != "" {
				taken[name{x.namespace, pod.Name}]++
			}
			pod.EveryNode = x.value.Kind == "daemonset" && t.Spec.HostNetwork && i == 0 // R57
			pods = append(pods, pod)
		}
	}
	return pods
}

// instanceCount is 0, 1 or 2: two instances are enough to tell what holds
// between two pods of one workload (R64).
func instanceCount(w *workload) int {
	switch {
	case w.value.Template == nil: // a ReplicationController may have none
		return 0
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
