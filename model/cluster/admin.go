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
// all: all their subjects are uncertain (R106).
func (s *State) orderAdmin() {
	if len(s.admin) == 0 {
		return
	}
	first := &s.admin[0]
	for i := range s.admin {
		if other := &s.admin[i]; other.value.version != first.value.version {
			s.mixed(first, other)
			return
		}
	}
	slices.SortStableFunc(s.admin, func(a, b entry[*policy]) int { return strings.Compare(a.name, b.name) })
	for i := range s.admin {
		s.ledger.Policies++
		for _, r := range s.admin[i].value.rules {
			if r.Rank.Tier != model.TierExempt { // what makes pods uncertain has no order
				r.Rank.Ordinal = int32(i) + 1
			}
			s.policies = append(s.policies, r)
		}
	}
}

// mixed makes the subjects of all admin policies uncertain, because they are of
// two versions, as those two.
func (s *State) mixed(first, other *entry[*policy]) {
	ref := func(e *entry[*policy]) model.ObjectRef { return e.value.object }
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeMixedAdmin, Origin: other.origin, Object: ref(other),
		Message: fmt.Sprintf("%v is of %s, %v of %s; nothing orders the two versions (R106), so that the pods which any of the %d admin policies select are uncertain",
			ref(other), other.value.version, ref(first), first.value.version, len(s.admin)),
	})
	for i := range s.admin {
		e := &s.admin[i]
		note := fmt.Sprintf("%v stands beside admin policies of another API version (R106)", ref(e))
		s.doubtSubject(e.value.subject, directionsOf(e.value.rules), ref(e), e.origin, note) // an unreadable subject is the zero one: every pod
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
// peers (R99). Where nodes are selected, or may be, whose addresses or labels
// are not known, another rule behind says what that leaves open: it denies in
// the lower bound and allows in the upper, and for a rule that allows it has no
// part in the lower bound.
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
		sure, maybe, open := nodeAddresses(out, r.Peer.Nodes)
		selectors := r.Peer.Nodes
		r.Peer.Nodes = nil
		r.Peer.Blocks = append(slices.Clip(r.Peer.Blocks), sure...)
		rules = append(rules, r)
		if open || lost {
			maybe = s.anyHost(out)
		}
		if len(maybe) == 0 {
			continue
		}
		r.Rank.Index++
		r.Peer = model.Peer{Blocks: maybe}
		if r.Action = model.Uncertain; rules[len(rules)-1].Action == model.Allow {
			r.Action = model.MayAllow
		}
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
// has. open means that a node is selected, or may be, that has no address.
func nodeAddresses(out *model.Snapshot, selectors []model.Selector) (sure, maybe []model.Block, open bool) {
	for i := range out.Nodes {
		n := &out.Nodes[i]
		selected, may := false, false
		for _, s := range selectors {
			selected = selected || len(s) == 0 || !n.Synthesized && s.Matches(n.Labels)
			may = may || n.Synthesized
		}
		if !selected && !may {
			continue
		}
		open = open || len(n.Addresses) == 0
		for _, a := range n.Addresses {
			block := model.Block{CIDR: netip.PrefixFrom(a, a.BitLen())}
			if selected {
				sure = append(sure, block)
			} else {
				maybe = append(maybe, block)
			}
		}
	}
	return sure, maybe, open
}

// lostHosts reports whether there may be hosts that a pod runs on and that have
// no known address, so that the addresses of known nodes do not stand for all.
func lostHosts(out *model.Snapshot) bool {
	known := make(map[string]bool, len(out.Nodes))
	for i := range out.Nodes {
		known[out.Nodes[i].Name] = len(out.Nodes[i].Addresses) > 0
	}
	return slices.ContainsFunc(out.Pods, func(p model.Pod) bool {
		return p.HostNetwork && !known[p.NodeName] && len(out.NodeDomain) == 0
	})
}

// anyHost is where a host of unknown address may be: anywhere, but for the
// ranges of pods.
func (s *State) anyHost(out *model.Snapshot) []model.Block {
	blocks := []model.Block{{CIDR: netip.PrefixFrom(netip.IPv4Unspecified(), 0)}, {CIDR: netip.PrefixFrom(netip.IPv6Unspecified(), 0)}}
	for _, p := range out.PodCIDRs {
		f := model.FamilyOf(p.Addr())
		blocks[f].Except = append(blocks[f].Except, p)
	}
	return blocks
}

// boundNames keeps invariant M6: where pods do not say their ports, and rules
// that do not allow have too many port names, what the names of those rules
// match is uncertain on every port.
func boundNames(out *model.Snapshot) {
	if !slices.ContainsFunc(out.Pods, func(p model.Pod) bool { return p.PortsUnknown }) {
		return
	}
	names := map[model.NamedPort]bool{}
	for i := range out.Rules {
		if r := &out.Rules[i]; r.Action != model.Allow {
			for _, n := range r.Ports.Named {
				names[n] = true
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
			r.Rank.Index++
			r.Action = model.Uncertain
			r.Note = "it uses port names, as do many other rules, while the ports of some pods are not known"
		}
		r.Ports.Set = model.AllPorts()
		rules = append(rules, r)
	}
	out.Rules = rules
}
