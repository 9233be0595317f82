package solver

import (
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// alternatives splits a question about contested addresses (R62) into one for
// each owner that they can mean. One address on both sides means one owner.
func (q *Question) alternatives() []Question {
	if !q.From.Contested && !q.To.Contested {
		return []Question{*q}
	}
	var out []Question
	for _, from := range q.From.owners() {
		for _, to := range q.To.owners() {
			if q.From.Addr.IsValid() && q.From.Addr == q.To.Addr && !slices.Equal(slices.Collect(from.Set.All()), slices.Collect(to.Set.All())) {
				continue
			}
			one := *q
			one.From, one.To = from, to
			out = append(out, one)
		}
	}
	return out
}

func (e Ends) owners() []Ends {
	if !e.Contested {
		return []Ends{e}
	}
	var out []Ends
	for id := range e.Set.All() {
		one := e
		one.Set, one.Contested = engine.Of(id), false
		out = append(out, one)
	}
	return out
}

// or joins the answers to two alternatives, of which one is the real one.
func (a *Answer) or(b *Answer) {
	if a.Truth != b.Truth {
		a.Truth = Uncertain
		if a.Witness == nil {
			a.Witness = b.Witness
		}
		if a.Witness != nil {
			a.Witness.Verdict = model.Unknown
		}
	}
	a.Ports, a.MaybePorts = a.Ports.Intersect(b.Ports), a.MaybePorts.Union(b.MaybePorts)
	for f := range a.Everywhere {
		a.Everywhere[f] = a.Everywhere[f].Intersect(b.Everywhere[f])
	}
	a.Reaching, a.Maybe = min(a.Reaching, b.Reaching), max(a.Maybe, b.Maybe)
}
