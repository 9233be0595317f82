package cli

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// canDocument is podreach.can/v1 (docs/schema/can.json).
type canDocument struct {
	Schema   string           `json:"schema"`
	Question questionDocument `json:"question"`
	Answer   string           `json:"answer"`
	Witness  *witnessDocument `json:"witness"` // null when no connection is possible
	Counts   countsDocument   `json:"counts"`
	Ports    portsDocument    `json:"ports"` // those of the question that are open for some pair
	// Everywhere is, for each family, the ports that some source has open to
	// every outside address of TO; absent when TO holds none (R112).
	Everywhere map[string]portsDocument `json:"everywhere,omitempty"`
	DecidedBy  directionsDocument       `json:"decidedBy"`
	StoppedBy  *directionsDocument      `json:"stoppedBy,omitempty"` // when the answer is no
	Because    becauseDocument          `json:"because"`
	Reason     string                   `json:"reason,omitempty"` // when the answer is uncertain
	Settle     string                   `json:"settle,omitempty"`
	Before     *beforeDocument          `json:"before,omitempty"` // with --apply and --delete
	Input      inputDocument            `json:"input"`

	outside bool // From holds outside addresses
}

type questionDocument struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Ports string `json:"ports"`
}

type witnessDocument struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Protocol string `json:"protocol"`
	Port     uint16 `json:"port"`
	Family   string `json:"family,omitempty"` // when the verdict holds in one family only
}

type countsDocument struct {
	From     int `json:"from"`
	Reaching int `json:"reaching"`
	Maybe    int `json:"maybe"` // how many of From may reach some of To, Reaching included
}

type directionsDocument struct {
	Egress  []ruleRef `json:"egress"`
	Ingress []ruleRef `json:"ingress"`
}

type becauseDocument struct {
	Pairs   string `json:"pairs,omitempty"` // why there is nothing to connect
	Egress  string `json:"egress,omitempty"`
	Ingress string `json:"ingress,omitempty"`
}

func (in *input) canDocument(s sentence, q solver.Question, a solver.Answer) canDocument {
	doc := canDocument{
		Schema:    "podreach.can/v1",
		Question:  questionDocument{s.from, s.to, s.ports},
		Answer:    a.Truth.String(),
		Counts:    countsDocument{a.From, a.Reaching, a.Maybe},
		Ports:     portsDocument{a.Ports},
		DecidedBy: directionsDocument{[]ruleRef{}, []ruleRef{}},
		Input:     in.document(),
		outside:   len(q.From.Set.Outside()) > 0 && !onlyOutside(&q.To),
	}
	if len(q.To.Set.Outside()) > 0 && !onlyOutside(&q.From) {
		doc.Everywhere = map[string]portsDocument{}
		for f, ports := range a.Everywhere {
			doc.Everywhere[model.Family(f).String()] = portsDocument{ports}
		}
	}
	if w := a.Witness; w != nil {
		doc.Witness = &witnessDocument{
			From: in.endpointName(w.Flow.Src, w.From), To: in.endpointName(w.Flow.Dst, w.To),
			Protocol: w.Flow.Protocol.String(), Port: w.Flow.Port,
		}
		if w.Flow.Family != 0 && in.familiesDiffer(w.Flow) {
			doc.Witness.Family = w.Flow.Family.String()
		}
		if a.Truth == solver.Uncertain {
			doc.Reason = a.Reason(in.x)
			doc.Settle = "name the endpoint by its path"
			if !a.Contested {
				doc.Settle = solver.Settle(in.x, w.Flow)
			}
		}
		if w.Twins {
			doc.Because.Pairs = fmt.Sprintf("two different pods of %s are meant; it has one", solver.WorkloadPath(&in.x.Snapshot().Pods[w.Flow.Src]))
			return doc
		}
		rules := solver.Deciding(in.x, w.Flow)
		doc.DecidedBy.Egress, doc.Because.Egress = in.deciding(rules[model.Egress], w.Flow.Src, doc.Witness.From, model.Egress)
		doc.DecidedBy.Ingress, doc.Because.Ingress = in.deciding(rules[model.Ingress], w.Flow.Dst, doc.Witness.To, model.Ingress)
		return doc
	}
	doc.StoppedBy = &directionsDocument{in.stops(a.Stops[model.Egress]), in.stops(a.Stops[model.Ingress])}
	doc.Because = in.stopsBecause(&q, a)
	return doc
}

// familiesDiffer reports whether a flow's verdict is not the same in both
// families, when its ends are known to have both.
func (in *input) familiesDiffer(f engine.Flow) bool {
	f.Family = 0
	families := in.x.Explain(f).Families
	return slices.ContainsFunc(families, func(t engine.FamilyTrace) bool {
		return t.Exists == model.Allowed && families[0].Exists == model.Allowed && t.Verdict != families[0].Verdict
	})
}

// deciding lists the policy rules that decide at one end. Where none does, the
// sentence says why the connection is open there all the same.
func (in *input) deciding(rules []int, e engine.EndpointID, name string, d model.Direction) ([]ruleRef, string) {
	out, because := []ruleRef{}, ""
	for _, r := range rules {
		if r == engine.DefaultAllow {
			because = fmt.Sprintf("no policy isolates %s for %v", name, d)
			continue
		}
		rule := &in.x.Snapshot().Rules[r]
		if rule.Object.Kind == "" {
			because = rule.Note
			continue
		}
		out = append(out, in.ruleRef(r))
	}
	if len(rules) == 0 {
		because = in.exempt(e, name)
	}
	return out, because
}

// exempt says why no policy applies to an endpoint (R3, R55).
func (in *input) exempt(e engine.EndpointID, name string) string {
	switch {
	case e.IsOutside():
		return name + " is outside the cluster; no policy applies to it"
	case e.IsNode():
		return name + " is a node; no policy applies to it"
	case in.x.Snapshot().Pods[e].HostNetwork:
		return name + " is on the host network; no policy applies to it"
	}
	return ""
}

// shownStops is how many rules that stop connections are listed for a direction.
const shownStops = 5

func (in *input) stops(stops []solver.Stop) []ruleRef {
	out := []ruleRef{}
	for _, s := range stops[:min(len(stops), shownStops)] {
		out = append(out, in.ruleRef(s.Rule))
	}
	return out
}

func (in *input) stopsBecause(q *solver.Question, a solver.Answer) (b becauseDocument) {
	named := len(q.Ports.Names) > 0 && q.Ports.Set.Empty()
	switch {
	case len(in.vanished) > 0:
		b.Pairs = notThere(in.vanished, isGone)
	case a.From == 0 || a.To == 0:
		b.Pairs = "one side selects nothing"
	case in.onlyOwnNode(&q.From, &q.To, q.Ports):
		b.Pairs = ownNodeOnly
	case named && onlyOutside(&q.To):
		b.Pairs = nameAtOutside
	case named && !in.hasPort(q.Ports, &q.To):
		b.Pairs = "no destination has a port of that name"
	case len(a.Stops[model.Egress])+len(a.Stops[model.Ingress]) > 0:
	case a.NoFamily > 0:
		b.Pairs = "the two sides have no address family in common"
	default:
		b.Pairs = "there are no two different endpoints"
		if p, ok := solver.FirstPair(in.x, q.From, q.To); ok && p.Src == p.Dst {
			b.Pairs = "two different pods are meant, and policies keep them apart"
		}
	}
	return b
}

// hasPort reports whether a destination has a port of the question.
func (in *input) hasPort(q solver.PortQuery, to *solver.Ends) bool {
	for e := range to.Set.All() {
		if !solver.PortsAt(in.x, q, e).Upper.Empty() {
			return true
		}
	}
	return false
}
