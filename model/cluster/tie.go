package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// maxTieSteps is how much a snapshot does for its notes on ties: pairs of rules,
// and namespaces that are asked for a pair of selectors. Where that is not
// enough all policies of a priority are named.
const maxTieSteps = 500_000

// ties finds policies that may disagree.
type ties struct {
	namespaces []model.Namespace // nil: their labels are not known
	met        map[[2]string]bool
	left       int // of maxTieSteps
}

// reportTies tells of admin policies of one tier and priority that may disagree
// about a connection (R105), in one note for each priority. s.admin is sorted
// by name.
func (s *State) reportTies(namespaces []model.Namespace) {
	type level struct {
		tier     model.Tier
		priority int32
	}
	groups := map[level][]*entry[*policy]{}
	var levels []level
	for i := range s.admin {
		e := &s.admin[i]
		if len(e.value.rules) == 0 || e.value.rules[0].Rank.Tier == model.TierExempt {
			continue // it has no part in the order
		}
		l := level{e.value.rules[0].Rank.Tier, e.value.rules[0].Rank.Priority}
		if groups[l] == nil {
			levels = append(levels, l)
		}
		groups[l] = append(groups[l], e)
	}
	t := &ties{met: map[[2]string]bool{}, left: maxTieSteps}
	if !s.unlabelled {
		t.namespaces = namespaces
	}
	for _, l := range levels {
		tied := t.among(groups[l])
		if len(tied) == 0 {
			continue
		}
		names := make([]string, len(tied))
		for i, e := range tied {
			names[i] = e.value.object.String()
		}
		if more := len(names) - 4; more > 1 {
			names = append(names[:4], fmt.Sprintf("%d more", more))
		}
		last := len(names) - 1
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeTie, Origin: tied[0].origin, Object: tied[0].value.object,
			Message: fmt.Sprintf("%s and %s have priority %d of the %v tier in common; nothing says which of them counts where they disagree, so that such connections are uncertain (R105)",
				strings.Join(names[:last], ", "), names[last], l.priority, l.tier),
		})
	}
}

// among returns those of a group that may disagree with another, in order.
func (t *ties) among(group []*entry[*policy]) []*entry[*policy] {
	tied := make([]bool, len(group))
	for i, a := range group {
		for j, b := range group[:i] {
			if tied[i] && tied[j] {
				continue
			}
			if t.left -= 1 + len(a.value.rules)*len(b.value.rules); t.left < 0 {
				return group
			}
			if t.disagree(a.value.rules, b.value.rules) {
				tied[i], tied[j] = true, true
			}
		}
	}
	var out []*entry[*policy]
	for i, is := range tied {
		if is {
			out = append(out, group[i])
		}
	}
	return out
}

// disagree reports whether rules of two policies may do different things with a
// connection.
func (t *ties) disagree(a, b []model.Rule) bool {
	for i := range a {
		for j := range b {
			r, q := &a[i], &b[j]
			if r.Direction == q.Direction && surely(r.Action) != surely(q.Action) &&
				t.setsMeet(r.Subject, q.Subject) && t.peersMeet(&r.Peer, &q.Peer) && portsMeet(&r.Ports, &q.Ports) {
				return true
			}
		}
	}
	return false
}

func surely(a model.Action) model.Action {
	if a == model.MayAllow {
		return model.Allow
	}
	return a
}

// setsMeet reports whether a pod may be in both sets: of the namespaces that
// there are, with any labels.
func (t *ties) setsMeet(a, b model.PodSet) bool {
	return selectorsMeet(a.Pods, b.Pods) && selectorsMeet(a.Namespaces, b.Namespaces) && t.share(a.Namespaces, b.Namespaces)
}

// share reports whether two selectors select some namespace in common.
func (t *ties) share(a, b model.Selector) bool {
	if t.namespaces == nil || len(a) == 0 && len(b) == 0 {
		return true
	}
	pair := [2]string{a.String(), b.String()}
	met, known := t.met[pair]
	if !known {
		t.left -= len(t.namespaces)
		met = slices.ContainsFunc(t.namespaces, func(n model.Namespace) bool { return a.Matches(n.Labels) && b.Matches(n.Labels) })
		t.met[pair] = met
	}
	return met
}

// selectorsMeet reports whether there may be labels that both select.
func selectorsMeet(a, b model.Selector) bool {
	for _, r := range a {
		for _, q := range b {
			if r.Key == q.Key && (!requirementsMeet(r, q) || !requirementsMeet(q, r)) {
				return false
			}
		}
	}
	return true
}

// requirementsMeet reports whether some value that r asks for, if it does so,
// suits q.
func requirementsMeet(r, q model.Requirement) bool {
	switch r.Operator {
	case model.In:
		return slices.ContainsFunc(r.Values, func(v string) bool { return q.Matches(map[string]string{r.Key: v}) })
	case model.Exists:
		return q.Operator != model.DoesNotExist
	}
	return true
}

func (t *ties) peersMeet(a, b *model.Peer) bool {
	return a.Any || b.Any || a.NoPods && b.NoPods || t.peerMeets(a, b) || t.peerMeets(b, a)
}

func (t *ties) peerMeets(a, b *model.Peer) bool {
	if a.NoPods && len(b.Blocks)+len(b.Nodes) > 0 {
		return true
	}
	for _, s := range a.Pods {
		if slices.ContainsFunc(b.Pods, func(other model.PodSet) bool { return t.setsMeet(s, other) }) {
			return true
		}
	}
	for _, s := range a.Blocks {
		if slices.ContainsFunc(b.Blocks, func(other model.Block) bool { return s.CIDR.Overlaps(other.CIDR) }) {
			return true
		}
		if !s.ExternalOnly && len(b.Pods)+len(b.Nodes) > 0 { // by their addresses
			return true
		}
	}
	for _, s := range a.Nodes {
		if slices.ContainsFunc(b.Nodes, func(other model.Selector) bool { return selectorsMeet(s, other) }) {
			return true
		}
	}
	return false
}

// portsMeet takes a port name for one that may have any number.
func portsMeet(a, b *model.RulePorts) bool {
	some := func(p *model.RulePorts) bool { return p.All || !p.Set.Empty() || len(p.Named) > 0 }
	switch {
	case !some(a) || !some(b):
		return false
	case a.All || b.All || len(a.Named)+len(b.Named) > 0:
		return true
	}
	return a.Set.Overlaps(b.Set)
}
