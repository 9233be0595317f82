package cluster

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// fileUnread files a kind of a live cluster that could not be read, or not to
// the end. The reader has reported it; what it means is added there.
func (s *State) fileUnread(o manifest.Object) {
	consequence := ""
	switch k := lookupKind(o.APIVersion, o.Kind); {
	case k != nil && k.effect > egressOnly:
		consequence = "they would have no part in the answer"
	case k != nil || resembles(o.APIVersion, o.Kind):
		directions, what := bothDirections, ""
		if k != nil && k.effect == egressOnly {
			directions, what = bothDirections[1:], " at egress"
		}
		if k != nil && k.nodes() {
			what += "; nodes that they select are answered as if they were not there"
		}
		consequence = scope("") + what
		s.doubt("", directions, model.ObjectRef{}, o.Origin, o.Kind+" objects of the cluster cannot be read")
	case o.Kind == "Namespace" && groupOf(o.APIVersion) == "":
		s.unlabelled = true
		consequence = "what a namespaceSelector matches is uncertain"
	default:
		lost := ""
		switch o.Kind {
		case "Pod":
			lost = "pods are missing from the answer, but for those that a workload's template stands for"
		case "Node":
			lost = "nodes, their addresses and pod ranges are missing from the answer"
		case "ServiceCIDR":
			lost = "ranges of service addresses are missing from the answer"
		default:
			lost = "pods that are not there yet, and what owns the others, are missing from the answer"
		}
		consequence = lost
		s.ledger.Assume(fmt.Sprintf("%s objects cannot be read: %s", o.Kind, lost))
	}
	if n := len(s.ledger.Diagnostics); n > 0 && s.ledger.Diagnostics[n-1].Code == dialect.CodeUnread {
		s.ledger.Diagnostics[n-1].Message += "; " + consequence
	}
}

// doubtful is a kind of a live cluster that could not be read and of which
// nobody knows whether a controller makes pods of it.
type doubtful struct {
	kind, group string
	origin      model.Origin
}

// reportDoubtful says in one warning which kinds these are: an account that may
// read what matters may often read none of many of them.
func (s *State) reportDoubtful() {
	if len(s.doubtful) == 0 {
		return
	}
	var names []string
	for _, k := range s.doubtful {
		names = append(names, fmt.Sprintf("%s (%s)", k.kind, k.group))
	}
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeUnread, Origin: s.doubtful[0].origin,
		Message: fmt.Sprintf("objects of custom kinds cannot be read: %s; if a controller makes pods of them, those that are not there yet are missing from the answer", strings.Join(names, ", ")),
	})
}

// inForce are the rules of policies. Where the labels of namespaces are not
// known, what a namespaceSelector of them may allow is uncertain.
func (s *State) inForce() []model.Rule {
	if !s.unlabelled {
		return s.policies
	}
	out := make([]model.Rule, 0, len(s.policies))
	for _, r := range s.policies {
		sure, maybe := splitPeer(r.Peer)
		_, subject := splitPeer(model.Peer{Pods: []model.PodSet{r.Subject}})
		switch {
		case len(maybe.Pods)+len(subject.Pods) == 0:
			out = append(out, r)
			continue
		case len(subject.Pods) > 0 || r.Action != model.Allow || r.Rank.Tier != model.TierNetworkPolicy:
			// It is not one of many that only allow: whom it would have left
			// to which rule cannot be told.
			s.doubt("", []model.Direction{r.Direction}, model.ObjectRef{}, r.Origin, fmt.Sprintf("%v: %s", r.Object, noLabels))
			continue
		}
		if len(sure.Pods)+len(sure.Blocks) > 0 || sure.Any || sure.NoPods || sure.Relation != model.NoRelation {
			definite := r
			definite.Peer = sure
			out = append(out, definite)
		}
		// Behind what certainly allows, before what isolates.
		r.Rank.Index = 1
		r.Action, r.Peer = model.MayAllow, maybe
		r.Note = fmt.Sprintf("whether a namespaceSelector of %v matches is not known: %s", r.Object, noLabels)
		out = append(out, r)
	}
	return out
}

const noLabels = "the labels of namespaces cannot be read"

// splitPeer takes the sets of pods out of a peer that the labels of namespaces
// decide, without what they ask of them. Only the label that every namespace
// has is known (R24).
func splitPeer(p model.Peer) (sure, maybe model.Peer) {
	sure = p
	sure.Pods = nil
	for _, set := range p.Pods {
		var known model.Selector
		for _, r := range set.Namespaces {
			if r.Key == metadataName {
				known = append(known, r)
			}
		}
		if set.Namespace != "" || len(known) == len(set.Namespaces) {
			sure.Pods = append(sure.Pods, set)
			continue
		}
		set.Namespaces = known
		maybe.Pods = append(maybe.Pods, set)
	}
	return sure, maybe
}
