package cli

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// pairBefore is what explain says of the pair before a change.
type pairBefore struct {
	Different bool   `json:"different"`
	From      string `json:"from,omitempty"` // the endpoint that is compared with
	To        string `json:"to,omitempty"`
	Because   string `json:"because,omitempty"` // there is none
}

// verdictBefore is a verdict that was another before a change, and its ports.
type verdictBefore struct {
	Verdict string        `json:"verdict"`
	Ports   portsDocument `json:"ports"`
}

// explainBefore adds what was different before the change to the results of a
// document: of the same endpoints, or, where they did not exist, of the pair
// that explain would have shown then.
func (in *input) explainBefore(doc *explainDocument, ports solver.PortQuery) {
	doc.Before = &pairBefore{}
	q, missing := in.question(doc.Question.From, doc.Question.To, ports)
	p, ok := in.pairThen(doc, q)
	switch {
	case len(missing) > 0:
		doc.Before.Because = notThere(missing, didNotExist)
	case !ok:
		doc.Before.Because = "there were no two different endpoints"
	}
	if doc.Before.Because != "" {
		doc.Before.Different = true
		return
	}
	flow := engine.Flow{Src: p.Src, Dst: p.Dst, SrcAddr: q.From.Addr, DstAddr: q.To.Addr, Family: q.From.Family.And(q.To.Family)}
	doc.Before.From, doc.Before.To = in.endpointName(p.Src, p.From), in.endpointName(p.Dst, p.To)
	want := model.PortSet{}
	for _, r := range doc.Results {
		want = want.Union(r.Ports.PortSet)
	}
	e := explainer{in: in, flow: flow, from: doc.Before.From, to: doc.Before.To}
	then := joinResults(e.results(solver.PortQuery{Set: want}))
	for i := range doc.Results {
		r := &doc.Results[i]
		for _, of := range then {
			if ports := of.ports.Intersect(r.Ports.PortSet); of.verdict != r.Verdict && !ports.Empty() {
				r.Before = append(r.Before, verdictBefore{of.verdict, portsDocument{ports}})
				doc.Before.Different = true
			}
		}
	}
}

// pairThen finds the pair to compare with.
func (in *input) pairThen(doc *explainDocument, q solver.Question) (p solver.Pair, ok bool) {
	src, from, srcThere := in.endpoint(doc.From)
	dst, to, dstThere := in.endpoint(doc.To)
	if srcThere && dstThere {
		return solver.Pair{Src: src, Dst: dst, From: from, To: to}, true
	}
	if w := solver.Ask(in.x, q).Witness; w != nil && !w.Twins {
		return solver.Pair{Src: w.Flow.Src, Dst: w.Flow.Dst, From: w.From, To: w.To}, true
	}
	p, ok = solver.FirstPair(in.x, q.From, q.To)
	return p, ok && p.Src != p.Dst
}

// endpoint finds the one endpoint of a name as endpointName gives it.
func (in *input) endpoint(name string) (e engine.EndpointID, a netip.Addr, ok bool) {
	ends, err := solver.Find(in.x, name)
	if err != nil {
		return 0, a, false
	}
	n := 0
	for id := range ends.Set.All() {
		e = id
		n++
	}
	return e, ends.Expr.Addr, n == 1
}

// beforeProse is what was different before, in parentheses as notes are.
func (doc *explainDocument) beforeProse(b *strings.Builder) {
	was := doc.Before
	switch {
	case was == nil:
	case was.Because != "":
		printf(b, "(before: %s)\n", was.Because)
	case was.From != doc.From || was.To != doc.To:
		printf(b, "(compared with %s -> %s before)\n", was.From, was.To)
		fallthrough
	default:
		if !was.Different {
			printf(b, "(before: the same)\n")
		}
	}
}

// beforeText is the verdicts of ports before a change, if they were others.
func (r *resultDocument) beforeText() string {
	var out []string
	for _, v := range r.Before {
		text := v.Verdict
		if !v.Ports.Equal(r.Ports.PortSet) {
			text += fmt.Sprintf(" on %s", briefPorts(v.Ports.PortSet))
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
