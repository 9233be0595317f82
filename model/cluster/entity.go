package cluster

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
)

// setApart does what Cilium does with pods that it does not manage (R69): they
// have none of their labels, are in no namespace, and share one identity, so that
// as peers selectors mean them no more than they mean the outside, and port names
// are those of all of them. It marks the pods by model.UnmanagedLabel and returns
// the policies with peers that heed it, and what is uncertain because labels that
// are not known decide which pods these are (R66).
func (s *State) setApart(out *model.Snapshot, unmanaged, policies []model.Rule) (rules, doubts []model.Rule) {
	if s.options.Profile != ProfileCilium || len(unmanaged) == 0 {
		return policies, nil
	}
	marked, sure := markUnmanaged(out, unmanaged)
	if len(marked) == 0 {
		return policies, nil
	}
	sharePorts(marked, sure)
	type side struct {
		object    model.ObjectRef
		direction model.Direction
	}
	told := map[side]bool{}
	rules = slices.Clone(policies)
	for i := range rules {
		r := &rules[i]
		if len(r.Peer.Pods) == 0 && !r.Peer.NoPods {
			continue
		}
		if at := (side{r.Object, r.Direction}); !sure && !told[at] {
			told[at] = true
			doubts = append(doubts, model.Rule{
				Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled},
				Direction: r.Direction,
				Subject:   r.Subject,
				Peer:      model.Peer{Pods: []model.PodSet{{Pods: marks(model.In, model.UnmanagedMaybe)}}},
				Ports:     model.RulePorts{All: true, Other: model.OtherUnspecified},
				Action:    model.Uncertain,
				Object:    r.Object,
				Origin:    r.Origin,
				Note:      "whether Cilium manages the other pod hangs on labels that are not known (R66)",
			})
		}
		r.Peer.Pods = slices.Clone(r.Peer.Pods)
		for j := range r.Peer.Pods {
			p := &r.Peer.Pods[j]
			p.Pods = slices.Concat(marks(model.DoesNotExist), p.Pods)
		}
		if r.Peer.NoPods { // what no label at all meets (R97)
			r.Peer.Pods = append(r.Peer.Pods, model.PodSet{Pods: marks(model.Exists)})
		}
	}
	return rules, doubts
}

func marks(o model.Operator, values ...string) model.Selector {
	return model.Selector{{Key: model.UnmanagedLabel, Operator: o, Values: values}}
}

// markUnmanaged marks the pods that are the subjects of rules, and returns them;
// sure is false when of one it is not known.
func markUnmanaged(out *model.Snapshot, rules []model.Rule) (marked []*model.Pod, sure bool) {
	namespaces := make(map[string]map[string]string, len(out.Namespaces))
	for i := range out.Namespaces {
		namespaces[out.Namespaces[i].Name] = out.Namespaces[i].Labels
	}
	sure = true
	for i := range out.Pods {
		p := &out.Pods[i]
		if p.HostNetwork || p.Dormant {
			continue
		}
		mark := ""
		for j := range rules {
			set := &rules[j].Subject
			switch {
			case set.Namespace != p.Namespace && set.Namespace != "",
				set.Namespace == "" && !set.Namespaces.Matches(namespaces[p.Namespace]), !set.Pods.Matches(p.Labels):
			case rules[j].Action == model.Allow:
				mark = model.UnmanagedYes
			case mark == "":
				mark = model.UnmanagedMaybe
			}
		}
		if mark == "" {
			continue
		}
		labels := maps.Clone(p.Labels) // others may have the same
		if labels == nil {
			labels = map[string]string{}
		}
		labels[model.UnmanagedLabel] = mark
		p.Labels = labels
		marked = append(marked, p)
		sure = sure && mark == model.UnmanagedYes
	}
	return marked, sure
}

// sharePorts gives all pods of Cilium's identity for them the ports that names
// mean on it: of each name and protocol the one that all agree on which declare
// it. Where that hangs on what is not known, all of it is not known.
func sharePorts(pods []*model.Pod, sure bool) {
	numbers := map[model.NamedPort]uint16{} // 0: they do not agree
	for _, p := range pods {
		sure = sure && !p.PortsUnknown
		for _, port := range p.Ports {
			if n, found := numbers[port.NamedPort]; !found {
				numbers[port.NamedPort] = port.Port
			} else if n != port.Port {
				numbers[port.NamedPort] = 0
			}
		}
	}
	var shared []model.ContainerPort
	for name, n := range numbers {
		if sure && n != 0 {
			shared = append(shared, model.ContainerPort{NamedPort: name, Port: n})
		}
	}
	slices.SortFunc(shared, func(a, b model.ContainerPort) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Protocol, b.Protocol))
	})
	for _, p := range pods {
		p.Ports, p.PortsUnknown = shared, !sure
	}
}
