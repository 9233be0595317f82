package cli

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// explainDocument is podreach.explain/v1 (docs/schema/explain.json).
type explainDocument struct {
	Schema   string           `json:"schema"`
	Question questionDocument `json:"question"`
	From     string           `json:"from"` // the endpoint that is explained
	To       string           `json:"to"`
	Notes    []string         `json:"notes"` // what the two are of their sides
	Results  []resultDocument `json:"results"`
	Before   *pairBefore      `json:"before,omitempty"` // with --apply and --delete
	Input    inputDocument    `json:"input"`
}

// resultDocument is ports that are treated alike.
type resultDocument struct {
	Ports    portsDocument    `json:"ports"`
	Verdict  string           `json:"verdict"`
	Reason   string           `json:"reason,omitempty"`
	Families []familyDocument `json:"families"` // one, named "any", where they do not differ
	Before   []verdictBefore  `json:"before,omitempty"`
}

type familyDocument struct {
	Family  string        `json:"family"`
	Exists  string        `json:"exists"` // whether both ends have an address of it: allowed, denied, uncertain
	Verdict string        `json:"verdict"`
	Egress  *sideDocument `json:"egress,omitempty"`
	Ingress *sideDocument `json:"ingress,omitempty"`
}

type sideDocument struct {
	Subject string         `json:"subject"`
	Verdict string         `json:"verdict"`
	Exempt  string         `json:"exempt,omitempty"` // why no policy applies
	Rules   []stepDocument `json:"rules"`
	// Omitted counts the rules that were consulted and are not listed, by
	// outcome. Rules that Kubernetes implies for others are not counted.
	Omitted map[string]int `json:"omitted,omitempty"`
	// Together is set when the verdict is certain although none of the rules
	// is: each decides for some of what is not known.
	Together bool `json:"together,omitempty"`
}

type stepDocument struct {
	Outcome string `json:"outcome"`
	ruleRef
}

// The outcomes of a consulted rule.
const (
	outcomeDecides = "decides"
	outcomeMaybe   = "maybe"
	outcomePasses  = "passes"
	outcomeOver    = "passed over" // it matches, but its tier was left before, or another rule of its policy came first
	outcomePort    = "port differs"
	outcomePeer    = "peer differs"
)

var outcomes = []string{outcomeDecides, outcomeMaybe, outcomePasses, outcomeOver, outcomePort, outcomePeer}

// outcome of a step on a side of a verdict. Rules that only may match decide
// where they are certain together.
func outcome(s engine.Step, v model.Verdict) string {
	switch {
	case s.Match.Maybe() && (v == model.Unknown || !s.Decides):
		return outcomeMaybe
	case s.Decides:
		return outcomeDecides
	case s.Match == engine.MatchPeer:
		return outcomePort
	case s.Match == engine.MatchNo:
		return outcomePeer
	}
	return outcomePasses
}

// listedRules is how many of the rules that matter for a set of ports are
// listed for one side, the rest being counted.
const listedRules = 10

// explainer explains one pair of endpoints.
type explainer struct {
	in       *input
	flow     engine.Flow // without protocol and port
	from, to string
	full     int // how many results list every rule consulted
}

// results groups the ports asked about by what happens to them. Cost: O(port
// atoms x rules of both programs) time, O(port atoms + results) memory.
func (e *explainer) results(q solver.PortQuery) []resultDocument {
	want := solver.PortsAt(e.in.x, q, e.flow.Dst).Upper
	if r := want.Ranges(); len(r) == 1 && r[0].First == r[0].Last {
		e.full = 1
	}
	at := map[[sha256.Size]byte]int{}
	out := []resultDocument{}
	var ranges [][]model.PortRange
	var key []byte
	for _, atom := range e.in.x.PortAtoms() {
		ports := model.Ports(atom).Intersect(want).Ranges()
		if len(ports) == 0 {
			continue
		}
		f := e.flow
		f.Protocol, f.Port = atom.Protocol, ports[0].First
		t := e.in.x.Explain(f)
		key = appendTrace(key[:0], &t)
		k := sha256.Sum256(key)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, e.result(&t, i < e.full))
			ranges = append(ranges, nil)
		}
		ranges[i] = append(ranges[i], ports...)
	}
	for i := range out {
		out[i].Ports = portsDocument{model.Ports(ranges[i]...)}
	}
	return out
}

// appendTrace appends what tells traces of one pair apart: the verdicts and
// the rules that match, may match or decide. Whether any other consulted rule
// differs in its peer or in its port follows: peers are the same for all ports.
func appendTrace(key []byte, t *engine.Trace) []byte {
	key = append(key, byte(t.Verdict))
	for i := range t.Families {
		f := &t.Families[i]
		key = append(key, byte(f.Exists), byte(f.Verdict))
		for _, s := range []*engine.SideTrace{&f.Egress, &f.Ingress} {
			key = append(key, byte(s.Verdict))
			for _, step := range s.Steps {
				if !step.Decides && step.Match != engine.MatchYes && !step.Match.Maybe() {
					continue
				}
				decides := byte(0)
				if step.Decides {
					decides = 1
				}
				key = binary.AppendUvarint(key, uint64(step.Rule-engine.DefaultAllow)+1)
				key = append(key, byte(step.Match), decides)
			}
			key = append(key, 0) // no rule
		}
	}
	return key
}

func (e *explainer) result(t *engine.Trace, full bool) resultDocument {
	r := resultDocument{Verdict: t.Verdict.String(), Families: []familyDocument{}}
	if t.Verdict == model.Unknown {
		r.Reason = solver.Reason(e.in.x, t.Flow)
	}
	families := t.Families
	var exist []engine.FamilyTrace
	for _, f := range families {
		if f.Exists != model.Denied {
			exist = append(exist, f)
		}
	}
	if len(exist) > 0 {
		families = exist
	} else if len(families) > 0 { // none: two literals of different families
		families = families[:1]
	}
	if len(families) == 2 && sameSide(&families[0].Egress, &families[1].Egress) && sameSide(&families[0].Ingress, &families[1].Ingress) {
		f := e.family(&families[0], full)
		f.Family = model.AnyFamily.String()
		r.Families = append(r.Families, f)
		return r
	}
	for i := range families {
		r.Families = append(r.Families, e.family(&families[i], full))
	}
	return r
}

// sameSide reports whether a side goes the same way in two families.
func sameSide(a, b *engine.SideTrace) bool {
	return a.Verdict == b.Verdict && a.Exempt == b.Exempt && slices.Equal(a.Steps, b.Steps)
}

func (e *explainer) family(f *engine.FamilyTrace, full bool) familyDocument {
	d := familyDocument{Family: f.Family.String(), Exists: f.Exists.String(), Verdict: f.Verdict.String()}
	if f.Exists != model.Denied {
		d.Egress, d.Ingress = e.side(&f.Egress, e.from, full), e.side(&f.Ingress, e.to, full)
	}
	return d
}

// side lists every consulted rule, or those that matter: the ones that decide,
// may match or pass, as long as they are not too many.
func (e *explainer) side(s *engine.SideTrace, subject string, full bool) *sideDocument {
	d := &sideDocument{Subject: subject, Verdict: s.Verdict.String(), Rules: []stepDocument{}}
	if s.Exempt {
		d.Exempt = e.in.exempt(s.Subject, subject)
	}
	listed := map[string]int{}
	for _, step := range s.Steps {
		o := outcome(step, s.Verdict)
		d.Together = d.Together || o == outcomeDecides && step.Match.Maybe()
		if step.Rule == engine.DefaultAllow {
			says := fmt.Sprintf("no policy isolates %s for %v: allowed", subject, s.Direction)
			d.Rules = append(d.Rules, stepDocument{o, ruleRef{Says: says, brief: says}})
			continue
		}
		if o == outcomePasses && e.in.x.Snapshot().Rules[step.Rule].Action != model.Pass {
			o = outcomeOver
		}
		differs := o == outcomePort || o == outcomePeer
		switch {
		case full || !differs && listed[o] < listedRules:
			listed[o]++
			d.Rules = append(d.Rules, stepDocument{o, e.in.ruleRef(step.Rule)})
		case differs && e.in.x.Snapshot().Rules[step.Rule].Object.Kind == "":
		default:
			if d.Omitted == nil {
				d.Omitted = map[string]int{}
			}
			d.Omitted[o]++
		}
	}
	return d
}
