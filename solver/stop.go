package solver

import (
	"cmp"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Stop is a rule that stops pairs of a question, on its side.
type Stop struct {
	Rule  int // into Snapshot.Rules
	Pairs int // of those looked at
}

// maxStopPairs bounds the pairs that are explained for an answer "no".
const maxStopPairs = 256

// stops explains, for pairs that do not connect, which rules deny on each
// side.
func (a *asker) stops() {
	counts := [model.NumDirections]map[int]int{{}, {}}
	looked := 0
	for i := 0; i < len(a.from) && looked < maxStopPairs; i++ {
		to := a.to
		if a.from[i].outside != nil {
			to = a.to[:a.inside] // R114
		}
		for j := 0; j < len(to) && looked < maxStopPairs; j++ {
			if pair, n := a.distinct(&a.from[i], &to[j]); n > 0 {
				looked++
				a.stop(pair, to[j].want.Upper, counts)
			}
		}
	}
	for d := range counts {
		a.answer.Stops[d] = sortStops(counts[d])
	}
}

// stop explains one pair: the egress side at a port of the question, the
// ingress side at a port that egress admits where there is one.
func (a *asker) stop(pair [2]engine.EndpointID, want model.PortSet, counts [model.NumDirections]map[int]int) {
	rules, common := stopping(a.x, a.flow(pair[0], pair[1]), want)
	for d := range rules {
		for _, r := range rules[d] {
			counts[d][r]++
		}
	}
	if !common {
		a.answer.NoFamily++
	}
}

// stopping returns the rules that deny a flow at each end, at a port that
// egress admits where there is one; once for each family. common is whether
// the ends have, or may have, a family in common.
func stopping(x *engine.Index, f engine.Flow, want model.PortSet) (rules [model.NumDirections][]int, common bool) {
	if out := x.Side(f, model.Egress).Upper.Intersect(want); !out.Empty() {
		want = out
	}
	f.Protocol, f.Port = telling(want)
	perhapsOwn := mayBeOwn(x, f)
	for _, t := range x.Explain(f).Families {
		common = common || t.Exists != model.Denied
		// What is not known of port names keeps two sides from being open
		// together of which each may be.
		together := t.Verdict == model.Denied && t.Egress.Verdict != model.Denied && t.Ingress.Verdict != model.Denied
		for _, s := range []engine.SideTrace{t.Egress, t.Ingress} {
			// The rules of a host on another node, which is what is meant.
			together := together || perhapsOwn && s.Direction == model.Ingress
			for _, step := range s.Steps {
				if step.Decides && step.Rule >= 0 && (s.Verdict == model.Denied || together && x.Snapshot().Rules[step.Rule].Action == model.Deny) {
					rules[s.Direction] = append(rules[s.Direction], step.Rule)
				}
			}
		}
	}
	return rules, common
}

// mayBeOwn says that a flow is, or may be, of a host to a pod on its node (R52),
// which counts only where the host is named.
func mayBeOwn(x *engine.Index, f engine.Flow) bool {
	return isHostEnd(x, f.Src) && f.Dst.IsPod() && !isHostEnd(x, f.Dst) && x.OwnNode(f.Src, f.Dst) != model.Denied
}

// sortStops puts the most effective rule first.
func sortStops(counts map[int]int) []Stop {
	var out []Stop
	for r, n := range counts {
		out = append(out, Stop{r, n})
	}
	slices.SortFunc(out, func(p, q Stop) int { return cmp.Or(cmp.Compare(q.Pairs, p.Pairs), cmp.Compare(p.Rule, q.Rule)) })
	return out
}
