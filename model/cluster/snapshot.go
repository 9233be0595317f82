package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Snapshot settles what depends on all objects together and returns the
// result; it completes the Ledger, so it is called once, when reading is over.
// Namespaces and nodes are sorted by name, pods by namespace, workload and
// name; the rules of policies keep the order of the input. The cost is
// O(n log n) in the number of pods and linear in everything else.
func (s *State) Snapshot() *model.Snapshot {
	out := &model.Snapshot{}
	e := s.gather(out)
	pods, running := s.livePods(out.Nodes, e)
	s.settleClashes(pods, running, out.Nodes)
	pods = s.instances(pods, e)
	out.Pods = sorted(pods, comparePods)
	out.Nodes = sorted(out.Nodes, func(a, b *model.Node) int { return strings.Compare(a.Name, b.Name) })
	out.Namespaces = s.namespaceFacts()
	s.domains(out, e)
	s.listSubjects(out.Pods)
	out.Rules = slices.Concat(s.unmanaged(), exempt, s.uncertain, s.policies)
	return out
}

// comparePods keeps namespaces contiguous, and workloads inside them.
func comparePods(a, b *model.Pod) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Workload.Kind, b.Workload.Kind),
		strings.Compare(a.Workload.Name, b.Workload.Name), strings.Compare(a.Name, b.Name))
}

// sorted returns the elements in order. They are large, so positions are
// sorted instead of elements.
func sorted[T any](in []T, compare func(a, b *T) int) []T {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(&in[i], &in[j]) })
	out := make([]T, len(in))
	for i, j := range order {
		out[i] = in[j]
	}
	return out
}

// metadataName is the label that the API server keeps equal to the name of the
// namespace, whatever the manifest says (R24).
const metadataName = "kubernetes.io/metadata.name"

// namespaceFacts returns the namespaces of the input: those with an object, and
// those that some object is in (R25).
func (s *State) namespaceFacts() []model.Namespace {
	out := make([]model.Namespace, 0, len(s.namespaces)+len(s.references))
	known := make(map[string]bool, len(s.namespaces))
	for _, n := range s.namespaces {
		labels := n.value.Labels
		if labels[metadataName] != n.name {
			labels = maps.Clone(labels)
			if labels == nil {
				labels = map[string]string{}
			}
			labels[metadataName] = n.name
		}
		known[n.name] = true
		out = append(out, model.Namespace{Name: n.name, Labels: labels, Origin: n.origin})
	}
	for _, name := range slices.Sorted(maps.Keys(s.references)) {
		if known[name] {
			continue
		}
		ref := model.ObjectRef{Kind: "Namespace", Name: name}
		out = append(out, model.Namespace{Name: name, Labels: map[string]string{metadataName: name}, Synthesized: true})
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeNoNamespace, Origin: s.references[name], Object: ref,
			Message: fmt.Sprintf("there is no %v; it is taken to have no labels but %s=%s", ref, metadataName, name),
		})
	}
	slices.SortFunc(out, func(a, b model.Namespace) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// exempt are the rules that Kubernetes itself implies.
var exempt = []model.Rule{
	implied(model.Ingress, model.PrioritySelf, model.Self, "a pod always reaches itself (R50)"),
	implied(model.Egress, model.PrioritySelf, model.Self, "a pod always reaches itself (R50)"),
	implied(model.Ingress, model.PriorityOwnNode, model.OwnNode, "a node always reaches its own pods (R52)"),
}

func implied(d model.Direction, priority int32, r model.Relation, note string) model.Rule {
	return model.Rule{
		Rank:      model.Rank{Tier: model.TierExempt, Priority: priority},
		Direction: d,
		Peer:      model.Peer{Relation: r},
		Ports:     model.RulePorts{All: true, Other: model.OtherYes},
		Action:    model.Allow,
		Note:      note,
	}
}
