package solver

import (
	"cmp"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// isolation says whether policies isolate a pod in a direction: what no rule
// names is refused. A rule that allows everything before that leaves nothing
// isolated. rule is the one that decides it, engine.DefaultAllow where there is none.
func isolation(x *engine.Index, e engine.EndpointID, d model.Direction) (truth Truth, rule int) {
	doubt := -1
	passed := -1
	for _, i := range x.Applies(e, d) {
		r := &x.Snapshot().Rules[i]
		if !r.Peer.Any || !r.Ports.All || int(r.Rank.Tier) == passed {
			continue
		}
		switch r.Action {
		case model.Allow:
			return No, i
		case model.Deny:
			if doubt >= 0 {
				return Uncertain, doubt
			}
			return Yes, i
		case model.Pass:
			passed = int(r.Rank.Tier)
		case model.Uncertain:
			return Uncertain, i
		case model.MayAllow:
			doubt = i
		}
	}
	return No, engine.DefaultAllow
}

// lookCovered checks that policies isolate every pod.
func lookCovered(x *engine.Index, a *Assertion, q *resolved, except []exception, contested bool) finding {
	c := &checker{x: x, a: *a, except: except, contested: contested, partyAt: map[string]int{}}
	var out finding
	type key struct {
		party int
		d     model.Direction
	}
	type verdict struct {
		class engine.Class
		d     model.Direction
	}
	known := map[verdict]Truth{}
	at := map[key]*[2]Group{} // certain, uncertain
	for _, e := range c.elements(q.from, false) {
		if e.outside != nil || c.excepted(&e) {
			continue
		}
		for d := range model.Direction(model.NumDirections) {
			if !a.Directions[d] {
				continue
			}
			out.total++
			truth := Yes
			for i, id := range e.owners {
				k := verdict{x.Class(id), d}
				t, ok := known[k]
				if !ok {
					t, _ = isolation(x, id, d)
					known[k] = t
				}
				if i == 0 {
					truth = t
				} else if t != truth {
					truth = Uncertain
				}
			}
			if truth == Yes {
				continue
			}
			g := at[key{c.party(&e), d}]
			if g == nil {
				g = &[2]Group{}
				for i := range g {
					g[i] = Group{From: c.parties[c.party(&e)], Direction: d, Certain: i == 0, Waiver: -1}
				}
				at[key{c.party(&e), d}] = g
			}
			one := &g[0]
			if truth == Uncertain {
				one = &g[1]
				out.maybe++
			} else {
				out.certain++
			}
			if one.Pairs == 0 {
				one.Pod = e.owners[0]
			}
			one.Pairs++
		}
	}
	for _, g := range at {
		if g[0].Pairs > 0 {
			out.groups = append(out.groups, g[0])
		} else {
			out.groups = append(out.groups, g[1])
		}
	}
	slices.SortFunc(out.groups, func(p, q Group) int {
		return cmp.Or(count(q.Certain)-count(p.Certain), cmp.Compare(p.From, q.From), cmp.Compare(p.Direction, q.Direction))
	})
	out.groupCount = len(out.groups)
	out.groups = out.groups[:min(len(out.groups), MaxGroups)]
	switch {
	case out.certain > 0:
		out.truth = No
	case out.maybe == 0:
		out.truth = Yes
	}
	return out
}

// excepted reports whether some exception holds all of an element.
func (c *checker) excepted(e *element) bool {
	for k := range c.except {
		if marked(e.marks[model.IPv4], k) && marked(e.marks[model.IPv6], k) {
			return true
		}
	}
	return false
}

// dnsPorts are the ports of DNS.
func dnsPorts() PortQuery {
	return PortQuery{Text: "UDP/53,TCP/53", Set: model.Port(model.UDP, 53).Union(model.Port(model.TCP, 53))}
}

// restricted are the pods of a side whose egress some rule may deny, without
// those of the other side.
func restricted(x *engine.Index, from, dns []Ends) Ends {
	known := map[engine.Class]bool{}
	var out []engine.EndpointID
	for i := range from {
		for id := range from[i].Set.All() {
			if !id.IsPod() || slices.ContainsFunc(dns, func(e Ends) bool { return e.Set.Contains(id) }) {
				continue
			}
			class := x.Class(id)
			some, ok := known[class]
			if !ok {
				some = slices.ContainsFunc(x.Applies(id, model.Egress), func(r int) bool { return x.Snapshot().Rules[r].Action != model.Allow })
				known[class] = some
			}
			if some {
				out = append(out, id)
			}
		}
	}
	return Ends{Set: engine.Of(out...)}
}
