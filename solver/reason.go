package solver

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Reason says in one sentence what the snapshot does not say, for a flow that
// an answer or a listing counts as uncertain.
func Reason(x *engine.Index, f engine.Flow) string { return doubtOf(x, f).reason }

// Settle says what would make such a flow certain.
func Settle(x *engine.Index, f engine.Flow) string { return doubtOf(x, f).settle }

// doubt is the first thing that makes a flow uncertain.
type doubt struct{ reason, settle string }

const settleAddress = "a live snapshot with pod addresses, or podCIDRs in podreach.yaml"

func doubtOf(x *engine.Index, f engine.Flow) doubt {
	t := x.Explain(f)
	if nameDoubted(x, f) {
		return doubt{portNamesUnknown(x, f.Dst), "a live snapshot, or a question with port numbers"}
	}
	if t.Verdict != model.Unknown {
		// Relations do not count for a selection, but they do for one flow.
		return doubt{fmt.Sprintf("%s reaches the pods of its own node, which does not count for a selection (R52); the rest is not known", EndpointName(x, f.Src)),
			"a question that names " + EndpointName(x, f.Src)}
	}
	for _, ft := range t.Families {
		if ft.Verdict != model.Unknown {
			continue
		}
		sides := []engine.SideTrace{ft.Egress, ft.Ingress}
		for _, s := range sides {
			for _, step := range s.Steps {
				if !step.Decides || step.Rule < 0 {
					continue
				}
				if r := &x.Snapshot().Rules[step.Rule]; r.Action == model.Uncertain || r.Action == model.MayAllow {
					return ruleDoubt(r)
				}
			}
			if d, found := tieDoubt(x, &s); found {
				return d
			}
		}
		for _, s := range sides {
			if s.Verdict != model.Unknown {
				continue
			}
			other := f.Dst
			if s.Direction == model.Ingress {
				other = f.Src
			}
			for _, step := range s.Steps {
				if step.Match == engine.MatchPortMaybe {
					return doubt{portNamesUnknown(x, f.Dst), "a live snapshot, or a policy with port numbers"}
				}
				if step.Match == engine.MatchMaybe {
					return peerDoubt(x, &x.Snapshot().Rules[step.Rule], s.Subject, other, ft.Family)
				}
			}
		}
		if ft.Exists == model.Unknown {
			return doubt{"the input does not say whether " + familyReason(x, f, ft.Family), "ipFamilies in podreach.yaml"}
		}
	}
	return doubt{"the snapshot does not say", settleAddress}
}

// nameDoubted reports whether a flow that an answer counts as uncertain is open,
// and all that is not known is whether its port has the name that was asked for
// (R66).
func nameDoubted(x *engine.Index, f engine.Flow) bool {
	if !f.Dst.IsPod() || !x.Snapshot().Pods[f.Dst].PortsUnknown || x.Verdict(f) != model.Allowed {
		return false
	}
	// Where only the own node opens it (R52) a selection may be uncertain without.
	return x.BetweenClassesAt(x.Class(f.Src), x.Class(f.Dst), f).Verdict(f.Protocol, f.Port) != model.Unknown
}

func portNamesUnknown(x *engine.Index, e engine.EndpointID) string {
	return "the port names of " + EndpointName(x, e) + " are not known: the input does not hold all its containers"
}

// tieDoubt is about policies of one tier and priority that decide differently
// (R105). One that passes is no decider: what decides then is beyond its tier,
// and what it is tied with.
func tieDoubt(x *engine.Index, s *engine.SideTrace) (doubt, bool) {
	var first *model.Rule
	for _, step := range s.Steps {
		if step.Rule < 0 {
			continue
		}
		r := &x.Snapshot().Rules[step.Rule]
		if !step.Decides && (s.Verdict != model.Unknown || step.Match != engine.MatchYes || r.Action != model.Pass) {
			continue
		}
		switch {
		case first == nil || first.Rank.Tier != r.Rank.Tier || first.Rank.Priority != r.Rank.Priority:
			first = r
		case first.Rank.Ordinal != r.Rank.Ordinal && first.Action != r.Action:
			return doubt{fmt.Sprintf("%v and %v have the same priority, and nothing says which of them counts (R105)", first.Object, r.Object),
				"different priorities of the two"}, true
		}
	}
	return doubt{}, false
}

func ruleDoubt(r *model.Rule) doubt {
	switch {
	case strings.HasPrefix(r.Note, "whom "):
		return doubt{r.Note, "a selector that can be understood"}
	case r.Rank.Tier == model.TierAdmin || r.Rank.Tier == model.TierBaseline:
		return doubt{fmt.Sprintf("%v, rule %d: %s", r.Object, model.AdminNumber(r.Rank.Index), r.Note), "a rule by networks and port numbers"}
	case strings.HasSuffix(r.Note, "(R106)"):
		return doubt{r.Note, "admin policies of one API version"}
	case r.Rank.Tier != model.TierExempt:
		return doubt{r.Note, "the labels of the namespaces"}
	case strings.HasSuffix(r.Note, "(R66)") && r.Object.Kind != "": // a label of pods that their controller adds
		return doubt{r.Note, "a snapshot that holds the pods"}
	case r.Object.Kind == "" && strings.HasPrefix(r.Origin.File, "live:"):
		return doubt{r.Note, "the objects that could not be read; a warning says why"}
	case r.Object.Kind == "":
		return doubt{r.Note, "a document that can be read"}
	case strings.Contains(r.Note, " has no such kind, "):
		return doubt{r.Note, "an apiVersion that has the kind"}
	}
	return doubt{r.Note, fmt.Sprintf("nothing in the input: %s is a kind that this version does not decide", r.Object.Kind)}
}

func peerDoubt(x *engine.Index, r *model.Rule, subject, other engine.EndpointID, f model.Family) doubt {
	switch {
	case r.Peer.Relation == model.OwnNode:
		return doubt{fmt.Sprintf("the input does not say whether %s is on the node of %s", EndpointName(x, other), EndpointName(x, subject)),
			"a live snapshot, which names the node of each pod"}
	case other.IsNode():
		return doubt{fmt.Sprintf("which of its %v addresses %s uses is not known", f, EndpointName(x, other)),
			"a rule that treats all addresses of the node alike"}
	}
	return doubt{fmt.Sprintf("the %v address of %s is not known", f, EndpointName(x, other)), settleAddress}
}

func familyReason(x *engine.Index, f engine.Flow, fam model.Family) string {
	for _, e := range []engine.EndpointID{f.Src, f.Dst} {
		if e.IsPod() && x.Snapshot().Pods[e].Addresses[fam].State == model.AddressMaybe {
			return fmt.Sprintf("%s has an %v address", EndpointName(x, e), fam)
		}
	}
	return fmt.Sprintf("both ends have an %v address", fam)
}

// EndpointName is the endpoint as expressions and outputs name it: a pod's
// path, "node/NAME", or "outside" for an atom of outside addresses.
func EndpointName(x *engine.Index, e engine.EndpointID) string {
	switch {
	case e.IsPod():
		return x.Snapshot().Pods[e].Path()
	case e.IsNode():
		return "node/" + x.Snapshot().Nodes[e.NodeIndex()].Name
	}
	return "outside"
}
