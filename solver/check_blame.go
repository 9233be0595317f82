package solver

import (
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Blame says which rules make a Group violate its assertion.
type Blame struct {
	// Opens tells whether Rules let through what should be stopped, or stop
	// what should get through.
	Opens bool
	// Rules are those at each end, into Snapshot.Rules. engine.DefaultAllow
	// stands for no policy that isolates the end.
	Rules [model.NumDirections][]int
	// NoFamily is set when the ends of the first sample have no address family
	// in common.
	NoFamily bool
	// OtherNode is set when the source of the first sample is on the host
	// network and may be on the destination's node: what it reaches there does
	// not count, as it is not named (R52).
	OtherNode bool
	// Reason says what the snapshot does not say, and Settle what would, for a group that only may
	// violate.
	Reason, Settle string
}

// maxBlamePorts is how many ports of a sample are explained.
const maxBlamePorts = 8

// Blame finds the rules that make a group violate its assertion. Cost: an
// explanation of at most maxBlamePorts flows for each sample.
func (g *Group) Blame(x *engine.Index) Blame {
	b := Blame{Opens: g.opens}
	if g.To == "" && len(g.Samples) == 0 {
		truth, rule := isolation(x, g.Pod, g.Direction)
		b.Opens = true
		b.Rules[g.Direction] = []int{rule}
		if truth == Uncertain && rule >= 0 {
			d := ruleDoubt(&x.Snapshot().Rules[rule])
			b.Reason, b.Settle = d.reason, d.settle
		}
		if isHostEnd(x, g.Pod) {
			b.Rules[g.Direction] = nil
		}
		return b
	}
	for i := range g.Samples {
		s := &g.Samples[i]
		switch {
		case !g.Certain:
			if b.Reason == "" {
				b.Reason, b.Settle = Reason(x, s.Witness.Flow), Settle(x, s.Witness.Flow)
			}
		case s.Witness.Twins, s.Ports.Empty():
		case g.opens:
			b.opened(x, s)
		default:
			f := s.Witness.Flow
			rules, common := stopping(x, f, s.Ports)
			if i == 0 {
				b.NoFamily = !common
				b.OtherNode = common && mayBeOwn(x, f)
			}
			b.add(rules)
		}
	}
	return b
}

func (b *Blame) add(rules [model.NumDirections][]int) {
	for d := range rules {
		for _, r := range rules[d] {
			if !slices.Contains(b.Rules[d], r) {
				b.Rules[d] = append(b.Rules[d], r)
			}
		}
	}
}

// opened finds the rules that open the ports of a sample.
func (b *Blame) opened(x *engine.Index, s *Sample) {
	left := s.Ports
	for range maxBlamePorts {
		if left.Empty() {
			return
		}
		f := s.Witness.Flow
		f.Protocol, f.Port = telling(left)
		rules := Deciding(x, f)
		b.add(rules)
		covers := model.AllPorts()
		for d := range rules {
			if len(rules[d]) > 0 {
				covers = covers.Intersect(portsOf(x, rules[d]))
			}
		}
		left = left.Minus(covers).Minus(model.Port(f.Protocol, f.Port))
	}
}

// portsOf are the ports that rules have by number.
func portsOf(x *engine.Index, rules []int) model.PortSet {
	var out model.PortSet
	for _, r := range rules {
		if r == engine.DefaultAllow || x.Snapshot().Rules[r].Ports.All {
			return model.AllPorts()
		}
		out = out.Union(x.Snapshot().Rules[r].Ports.Set)
	}
	return out
}
