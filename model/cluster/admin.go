package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// orderAdmin adds the rules of admin policies. It numbers the policies by name,
// so that those of equal tier and priority have different ordinals, which
// nothing orders (R105). Policies of two API versions are ordered by nobody at
// all: all their subjects are uncertain (R106), and it returns false.
func (s *State) orderAdmin() bool {
	if len(s.admin) == 0 {
		return true
	}
	first := &s.admin[0]
	for i := range s.admin {
		if other := &s.admin[i]; other.value.version != first.value.version {
			s.mixed(first, other)
			return false
		}
	}
	slices.SortStableFunc(s.admin, func(a, b entry[*policy]) int { return strings.Compare(a.name, b.name) })
	for i := range s.admin {
		s.ledger.Policies++
		if s.options.Profile == ProfileCilium {
			s.ledger.Assume("Cilium enforces ClusterNetworkPolicies (enable-k8s-cluster-network-policy=true, which is not its default)")
		}
		for _, r := range s.admin[i].value.rules {
			if s.options.Profile == ProfileCilium && len(r.Peer.Nodes) > 0 {
				s.ledger.Assume("Cilium takes policies with peers of nodes (enable-node-selector-labels=true, which is not its default)")
			}
			if r.Rank.Tier != model.TierExempt { // what makes pods uncertain has no order
				r.Rank.Ordinal = int32(i) + 1
			}
			s.policies = append(s.policies, r)
		}
	}
	return true
}

// mixed makes the subjects of all admin policies uncertain, because they are of
// two versions, and says so of each.
func (s *State) mixed(first, other *entry[*policy]) {
	ref := func(e *entry[*policy]) model.ObjectRef { return e.value.object }
	for i := range s.admin {
		e := &s.admin[i]
		beside := first
		if e.value.version == first.value.version {
			beside = other
		}
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeMixedAdmin, Origin: e.origin, Object: ref(e),
			Message: fmt.Sprintf("%v is of %s, %v of %s; nothing orders the two versions (R106), so that the pods which it selects are uncertain",
				ref(e), e.value.version, ref(beside), beside.value.version),
		})
		note := fmt.Sprintf("%v stands beside admin policies of another API version (R106)", ref(e))
		for _, d := range directionsOf(e.value.rules) {
			s.policies = append(s.policies, model.Rule{
				Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityUndecided},
				Direction: d,
				Subject:   e.value.subject, // one that cannot be understood is the zero one: every pod
				Peer:      model.Peer{Any: true},
				Ports:     model.RulePorts{All: true, Other: model.OtherUnspecified},
				Action:    model.Uncertain,
				Object:    ref(e),
				Origin:    e.origin,
				Note:      note,
			})
		}
	}
}

// directionsOf are the directions that rules are about; a policy has no part in
// another (R92).
func directionsOf(rules []model.Rule) (out []model.Direction) {
	for _, d := range bothDirections {
		if slices.ContainsFunc(rules, func(r model.Rule) bool { return r.Direction == d }) {
			out = append(out, d)
		}
	}
	return out
}

// selectNodes puts the addresses of nodes in the place of the node selectors of
// peers (R99). Whether a selector means a node without a Node object, and
// whether it means a host whose addresses are not known, is not known: for those
// another rule behind is uncertain.
func (s *State) selectNodes(out *model.Snapshot) {
	if !slices.ContainsFunc(s.policies, func(r model.Rule) bool { return len(r.Peer.Nodes) > 0 }) {
		return
	}
	lost := lostHosts(out)
	rules := make([]model.Rule, 0, len(s.policies)+1)
	for _, r := range s.policies {
		if len(r.Peer.Nodes) == 0 {
			rules = append(rules, r)
			continue
		}
		selectors := r.Peer.Nodes
		sure, maybe := nodeAddresses(out, selectors)
		r.Peer.Nodes = nil
		r.Peer.Blocks = append(slices.Clip(r.Peer.Blocks), sure...)
		rules = append(rules, r)
		if len(maybe) == 0 && !lost {
			continue
		}
		r.Rank.Index = model.AdminUncertain(r.Rank.Index)
		r.Peer = model.Peer{Blocks: maybe, UnknownHosts: lost}
		r.Action = model.Uncertain
		r.Note = fmt.Sprintf("the addresses or labels of the nodes that it selects (%s) are not all known", nodeText(selectors))
		rules = append(rules, r)
	}
	s.policies = rules
}

func nodeText(selectors []model.Selector) string {
	texts := make([]string, len(selectors))
	for i := range selectors {
		texts[i] = selectors[i].String()
	}
	return strings.Join(texts, ", ")
}

// nodeAddresses are the addresses of nodes that some selector selects: surely,
// and perhaps, because there is no Node object to say which labels the node
// has.
func nodeAddresses(out *model.Snapshot, selectors []model.Selector) (sure, maybe []model.Block) {
	for i := range out.Nodes {
		n := &out.Nodes[i]
		selected := slices.ContainsFunc(selectors, func(s model.Selector) bool {
			return len(s) == 0 || !n.Synthesized && s.Matches(n.Labels)
		})
		if !selected && !n.Synthesized {
			continue
		}
		for _, a := range n.Addresses {
			block := model.Block{CIDR: netip.PrefixFrom(a, a.BitLen())}
			if selected {
				sure = append(sure, block)
			} else {
				maybe = append(maybe, block)
			}
		}
	}
	return sure, maybe
}

// lostHosts reports whether there may be hosts without a known address: nodes,
// or host-network pods that are not on a node with one.
func lostHosts(out *model.Snapshot) bool {
	located := make(map[string]bool, len(out.Nodes))
	for i := range out.Nodes {
		located[out.Nodes[i].Name] = len(out.Nodes[i].Addresses) > 0
		if len(out.Nodes[i].Addresses) == 0 {
			return true
		}
	}
	return slices.ContainsFunc(out.Pods, func(p model.Pod) bool {
		return p.HostNetwork && (p.EveryNode || !located[p.NodeName])
	})
}

// boundNames keeps invariant M6: where pods do not say their ports, and rules
// that do not allow have too many port names, what the names of those rules
// match is uncertain on every port.
func boundNames(out *model.Snapshot) {
	if !slices.ContainsFunc(out.Pods, func(p model.Pod) bool { return p.PortsUnknown }) {
		return
	}
	names := map[string]bool{}
	for i := range out.Rules {
		if r := &out.Rules[i]; r.Action != model.Allow {
			for _, n := range r.Ports.Named {
				names[n.Name] = true
			}
		}
	}
	if len(names) <= model.MaxDoubtedNames {
		return
	}
	rules := make([]model.Rule, 0, len(out.Rules)+1)
	for _, r := range out.Rules {
		if r.Action == model.Allow || len(r.Ports.Named) == 0 {
			rules = append(rules, r)
			continue
		}
		r.Ports.Named = nil
		if r.Action != model.Uncertain {
			rules = append(rules, r)
			r.Rank.Index = model.AdminUncertain(r.Rank.Index)
			r.Action = model.Uncertain
			r.Note = "it uses port names, as do many other rules, while the ports of some pods are not known"
		}
		r.Ports.Set = model.AllPorts()
		rules = append(rules, r)
	}
	out.Rules = rules
}
