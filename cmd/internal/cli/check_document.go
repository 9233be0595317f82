package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
	"github.com/podreach/podreach/solver/assertionset"
)

// checkDocument is podreach.check/v1 (docs/schema/check.json).
type checkDocument struct {
	Schema  string            `json:"schema"`
	Passes  bool              `json:"passes"` // the exit code is 0, errors in the input aside
	Summary summaryOfCheck    `json:"summary"`
	Results []resultOfCheck   `json:"results"`
	Known   *baselineDocument `json:"baseline,omitempty"` // with --baseline
	Input   inputDocument     `json:"input"`
}

type summaryOfCheck struct {
	Assertions int `json:"assertions"`
	Holds      int `json:"holds"`
	Waived     int `json:"waived"` // they hold with waivers
	Uncertain  int `json:"uncertain"`
	Fails      int `json:"fails"`
	Known      int `json:"known"` // of those that are uncertain or fail, with nothing that is not in the baseline
}

// resultOfCheck is an assertion and what has come of it.
type resultOfCheck struct {
	ID       string        `json:"id"`
	Title    string        `json:"title,omitempty"`
	Severity string        `json:"severity"`
	Expect   string        `json:"expect"`
	From     string        `json:"from,omitempty"`
	To       string        `json:"to,omitempty"`
	Ports    string        `json:"ports,omitempty"` // that are asked about
	Because  string        `json:"because,omitempty"`
	Maps     []string      `json:"maps,omitempty"`
	Set      string        `json:"set"`
	At       string        `json:"at"`
	Status   string        `json:"status"` // holds, waived, uncertain or fails
	Fails    bool          `json:"fails"`  // it makes the exit code 1
	Pairs    pairsOfCheck  `json:"pairs"`
	Open     portsDocument `json:"violatedOn"` // the ports on which pairs violate it, or may when none does
	Reason   string        `json:"reason,omitempty"`
	Problems []problem     `json:"problems,omitempty"`
	// Groups are shown in part: GroupCount says how many there are.
	Groups     []groupDocument `json:"groups,omitempty"`
	GroupCount int             `json:"groupCount"`
	Waived     []groupDocument `json:"waived,omitempty"`
	WaivedMore int             `json:"waivedMore,omitempty"` // that are not shown

	at report.Place
}

type pairsOfCheck struct {
	Total      int `json:"total"`
	Violating  int `json:"violating"`
	MayViolate int `json:"mayViolate"`
}

// problem is what is wrong with an assertion or waiver itself.
type problem struct {
	Code    string `json:"code"`
	At      string `json:"at"`
	Message string `json:"message"`
	fails   bool
	place   report.Place
	key     string
}

// groupDocument is the pairs of two workloads that violate an assertion.
type groupDocument struct {
	From      string              `json:"from"`
	To        string              `json:"to,omitempty"`
	FromCIDRs []string            `json:"fromCIDRs,omitempty"`
	ToCIDRs   []string            `json:"toCIDRs,omitempty"`
	Direction string              `json:"direction,omitempty"` // of expect: covered
	Certain   bool                `json:"certain"`
	Pairs     int                 `json:"pairs"`
	Ports     portsDocument       `json:"ports"`
	Witness   *witnessDocument    `json:"witness,omitempty"`
	OpenedBy  *directionsDocument `json:"openedBy,omitempty"`
	StoppedBy *directionsDocument `json:"stoppedBy,omitempty"`
	Why       becauseDocument     `json:"why"`
	Reason    string              `json:"reason,omitempty"`
	Settle    string              `json:"settle,omitempty"`
	Known     bool                `json:"known,omitempty"` // it is in the baseline
	WaivedBy  string              `json:"waivedBy,omitempty"`
	Key       string              `json:"fingerprint"`

	key    string
	places []report.Place
}

// The statuses of an assertion.
const (
	statusHolds     = "holds"
	statusWaived    = "waived"
	statusUncertain = "uncertain"
	statusFails     = "fails"
)

// shownGroups is how many groups of an assertion are shown.
const shownGroups = 50

// checking makes a document of results.
type checking struct {
	in    *input
	gate  *gate
	known *baseline
	doc   checkDocument
	keys  []baselineFinding // of everything that does not hold
	// of what waivers accept
	waived []baselineFinding
}

// result adds an assertion.
func (c *checking) result(s *assertionset.Stated, r *solver.Result) {
	out := resultOfCheck{
		ID: s.ID, Title: s.Title, Severity: s.Severity.String(), Expect: s.Expect.String(), From: s.From.String(), To: s.To.String(),
		Ports: s.Ports.Text, Because: s.Because, Maps: s.Maps, Set: s.Set, At: placeText(s.At), at: placeOf(s.At, ""),
		Pairs: pairsOfCheck{r.Total, r.Violating, r.MaybeViolating}, Open: portsDocument{r.Ports}, Reason: r.Reason, GroupCount: r.GroupCount,
	}
	switch {
	case r.Truth == solver.Uncertain:
		out.Status = statusUncertain
	case r.Truth == solver.No:
		out.Status = statusFails
	case len(r.Waived) > 0:
		out.Status = statusWaived
	default:
		out.Status = statusHolds
	}
	c.problems(s, r, &out)
	known := c.groups(s, r, &out)
	for _, p := range out.Problems {
		if !p.fails {
			continue
		}
		if out.Status != statusUncertain {
			out.Status = statusFails
		}
		if p.Code == dialect.CodeWaiverExpired.String() {
			out.Status = statusFails
		}
		known = c.remember(s.ID, p.key) && known
	}
	if r.Truth == solver.Uncertain && len(r.Groups) == 0 { // it cannot be asked
		known = c.remember(s.ID, "uncertain") && known
	}
	bad := out.Status == statusFails || out.Status == statusUncertain
	if bad && len(r.Groups) == 0 && r.Reason == "" && !slices.ContainsFunc(out.Problems, func(p problem) bool { return p.fails }) { // nothing that a baseline could name
		known = false
	}
	if bad && known {
		c.doc.Summary.Known++
	}
	accepted := known && c.gate.onlyNew || s.Severity.Rank() > c.gate.least || out.Status == statusUncertain && c.gate.uncertain == "warn"
	out.Fails = bad && !accepted && !c.gate.writeBaseline
	c.doc.Results = append(c.doc.Results, out)
}

// problems are those of the assertion itself and of its waivers.
func (c *checking) problems(s *assertionset.Stated, r *solver.Result, out *resultOfCheck) {
	add := func(code dialect.Code, at assertionset.Place, key string, fails bool, message string) {
		p := problem{Code: code.String(), At: placeText(at), Message: message, fails: fails, place: placeOf(at, ""), key: key}
		out.Problems = append(out.Problems, p)
		if fails { // the answer says it
			return
		}
		c.in.print(dialect.Diagnostic{Code: code, Origin: model.Origin{File: at.File}, Line: at.Line, Column: at.Column, Message: s.ID + ": " + message})
	}
	if !s.AllowEmpty && !c.in.allowEmpty {
		for _, e := range r.Empty {
			at, ok := s.Exprs[e.Expr.Text]
			if !ok {
				at = s.At
			}
			c.in.explainEmpty(e)
			add(dialect.CodeChecksNothing, at, "selects nothing: "+e.Expr.Text, true, e.Error())
		}
	}
	for i, use := range r.Waivers {
		w := &s.Assertion.Waivers[i]
		switch {
		case use == solver.WaiverExpired:
			add(dialect.CodeWaiverExpired, s.Waivers[i], fmt.Sprintf("waiver of %s, expired on %s", w.Owner, w.Expires), true,
				fmt.Sprintf("the waiver of %s (%s) has expired on %s", w.Owner, w.Reason, w.Expires))
		case use == solver.WaiverIdle && (len(r.Empty) == 0 || c.in.allowEmpty) && r.Reason == "":
			add(dialect.CodeWaiverIdle, s.Waivers[i], "", false, fmt.Sprintf("the waiver of %s (%s) accepts nothing", w.Owner, w.Reason))
		}
	}
}

// groups adds those that are shown, and reports whether all that there are are known.
func (c *checking) groups(s *assertionset.Stated, r *solver.Result, out *resultOfCheck) bool {
	known := true
	isKnown := make([]bool, len(r.Groups))
	order := make([]int, len(r.Groups))
	for i := range r.Groups {
		order[i] = i
		isKnown[i] = c.remember(s.ID, groupKey(&r.Groups[i]))
		known = known && isKnown[i]
	}
	if r.GroupCount > len(r.Groups) { // nobody knows which the others are
		known = false
	}
	if c.known != nil { // what is new comes first
		slices.SortStableFunc(order, func(i, j int) int { return compareBool(isKnown[i], isKnown[j]) })
	}
	for _, i := range order[:min(len(order), shownGroups)] {
		g := c.group(s, &r.Groups[i])
		g.Known = isKnown[i] && c.known != nil
		out.Groups = append(out.Groups, g)
	}
	for i := range r.Waived {
		c.waived = append(c.waived, newBaselineFinding(s.ID, groupKey(&r.Waived[i])))
	}
	for i := range r.Waived[:min(len(r.Waived), shownGroups)] {
		g := c.group(s, &r.Waived[i])
		if w := r.Waived[i].Waiver; w >= 0 {
			v := &s.Assertion.Waivers[w]
			g.WaivedBy = fmt.Sprintf("%s until %s: %s", v.Owner, v.Expires, v.Reason)
		}
		out.Waived = append(out.Waived, g)
	}
	out.WaivedMore = len(r.Waived) - len(out.Waived)
	return known
}

// remember notes something that does not hold for the baseline, and reports
// whether the baseline that is compared with has it.
func (c *checking) remember(id, key string) bool {
	f := newBaselineFinding(id, key)
	c.keys = append(c.keys, f)
	return c.known != nil && c.known.has(f)
}

// groupKey is what a group is about: names, no lines and no counts.
func groupKey(g *solver.Group) string {
	key := g.From
	if g.To != "" {
		key += " -> " + g.To
	} else {
		key += " " + g.Direction.String()
	}
	if !g.Certain {
		key += uncertainKey
	}
	return key
}

// uncertainKey ends the key of what only may be.
const uncertainKey = " (uncertain)"

func (c *checking) group(s *assertionset.Stated, g *solver.Group) groupDocument {
	in := c.in
	out := groupDocument{From: g.From, To: g.To, FromCIDRs: cidrs(g.FromCIDRs), ToCIDRs: cidrs(g.ToCIDRs), Certain: g.Certain, Pairs: g.Pairs, Ports: portsDocument{g.Ports}}
	f := newBaselineFinding(s.ID, groupKey(g))
	out.key, out.Key = f.text(), f.Fingerprint
	b := g.Blame(in.x)
	out.Reason, out.Settle = b.Reason, b.Settle
	rules := directionsDocument{[]ruleRef{}, []ruleRef{}}
	var src, dst engine.EndpointID
	from, to := "", ""
	if s.Expect == solver.Covered {
		out.Direction = g.Direction.String()
		src, dst = g.Pod, g.Pod
		from = solver.EndpointName(in.x, g.Pod)
		to = from
	} else if len(g.Samples) > 0 {
		w := &g.Samples[0].Witness
		src, dst = w.Flow.Src, w.Flow.Dst
		from, to = in.endpointName(src, w.From), in.endpointName(dst, w.To)
		out.Witness = &witnessDocument{From: from, To: to, Protocol: w.Flow.Protocol.String(), Port: w.Flow.Port}
		if w.Flow.Family != 0 && in.familiesDiffer(w.Flow) {
			out.Witness.Family = w.Flow.Family.String()
		}
		if lacks := g.Samples[0].Lacks; len(lacks) > 0 {
			out.Why.Pairs = fmt.Sprintf("%s has no port named %s", to, strings.Join(lacks, ", "))
			if w.Flow.Port == 0 {
				out.Witness = nil
			}
		}
		if w.Twins {
			out.Why.Pairs = "two different pods of " + g.From + " are meant; it has one"
		}
	}
	if b.NoFamily && out.Why.Pairs == "" {
		out.Why.Pairs = "the two sides have no address family in common"
	}
	if b.OtherNode && out.Why.Pairs == "" {
		out.Why.Pairs = "what a pod on the host network reaches on its own node counts only where it is named (R52)"
	}
	ends := [model.NumDirections]struct {
		e    engine.EndpointID
		name string
	}{model.Egress: {src, from}, model.Ingress: {dst, to}}
	for _, d := range []model.Direction{model.Egress, model.Ingress} {
		if out.Direction != "" && d != g.Direction || from == "" {
			continue
		}
		list, why := &rules.Egress, &out.Why.Egress
		if d == model.Ingress {
			list, why = &rules.Ingress, &out.Why.Ingress
		}
		switch {
		case b.Opens && g.Certain:
			*list, *why = in.deciding(b.Rules[d], ends[d].e, ends[d].name, d)
			if id := ends[d].e; id.IsPod() {
				if slices.Contains(b.Rules[d], engine.DefaultAllow) || in.x.Snapshot().Pods[id].HostNetwork {
					out.places = append(out.places, in.places(in.x.Snapshot().Pods[id].Origin, *why)...)
				}
			}
		default:
			for _, r := range b.Rules[d] {
				if r >= 0 {
					*list = append(*list, in.ruleRef(r))
				}
			}
		}
	}
	for _, d := range []model.Direction{model.Egress, model.Ingress} {
		for _, r := range b.Rules[d] {
			if r >= 0 {
				rule := &in.x.Snapshot().Rules[r]
				out.places = append(out.places, in.places(rule.Origin, rule.Object.String()+" "+ruleText(rule, true))...)
			}
		}
	}
	slices.SortStableFunc(out.places, func(a, b report.Place) int { // a rule before a pod that lacks one
		lacks := func(p report.Place) bool {
			return strings.HasPrefix(p.Message, "no policy") || strings.HasSuffix(p.Message, "no policy applies to it")
		}
		return compareBool(lacks(a), lacks(b))
	})
	if b.Opens {
		out.OpenedBy = &rules
	} else {
		out.StoppedBy = &rules
	}
	return out
}

// finish sums up.
func (c *checking) finish() {
	d := &c.doc
	d.Passes = true
	for i := range d.Results {
		r := &d.Results[i]
		d.Summary.Assertions++
		switch r.Status {
		case statusHolds:
			d.Summary.Holds++
		case statusWaived:
			d.Summary.Waived++
		case statusUncertain:
			d.Summary.Uncertain++
		default:
			d.Summary.Fails++
		}
		d.Passes = d.Passes && !r.Fails
	}
	if c.known != nil {
		d.Known = &baselineDocument{File: c.gate.baseline, Gone: c.known.gone(slices.Concat(c.keys, c.waived))}
	}
	d.Input = c.in.document()
}

func placeText(p assertionset.Place) string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

func placeOf(p assertionset.Place, message string) report.Place {
	return report.Place{File: p.File, Line: p.Line, Column: p.Column, Message: message}
}

func (c *checking) lines() func(yield func(any) bool) {
	return func(yield func(any) bool) {
		for i := range c.doc.Results {
			if !yield(c.doc.Results[i]) {
				return
			}
		}
	}
}
