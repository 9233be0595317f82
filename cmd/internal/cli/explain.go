package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

func (r *run) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain FROM TO [PORTS] | explain CODE",
		Short: "The rules consulted for a connection, or what a code means",
		Long: `explain FROM TO [PORTS] shows the rules that are consulted in each direction, in
order, with file and line; without PORTS for each set of ports that is treated
alike. explain CODE says what a code such as PR2006 means, and explain alone
lists the codes.

` + expressionHelp,
		Example: `  podreach explain ml-agents/code-sandbox ml-data/qdrant 6333 -f demo:
  podreach explain PR2006`,
	}
	in := r.reads(cmd)
	in.mayBeEmpty(cmd)
	out := r.writes(cmd, report.Formats()...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) < 2 {
			return r.explainCode(args, out)
		}
		r.in = in
		if len(args) == 4 && args[2] == "on" {
			args = append(args[:2:2], args[3])
		}
		if len(args) > 3 {
			return coded(dialect.CodeBadExpression, "found %d arguments; the form is: explain FROM TO [PORTS], quote expressions with spaces", len(args))
		}
		if err := out.check(); err != nil {
			return err
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.ledger.Objects == 0 {
			return exitCode(exitError)
		}
		return in.explainPair(append(args, "")[:3], out)
	}
	return cmd
}

// explainDocument is podreach.explain/v1 (docs/schema/explain.json).
type explainDocument struct {
	Schema   string           `json:"schema"`
	Question questionDocument `json:"question"`
	From     string           `json:"from"` // the endpoint that is explained
	To       string           `json:"to"`
	Notes    []string         `json:"notes"` // when it stands for others
	Results  []resultDocument `json:"results"`
	Input    inputDocument    `json:"input"`
}

// resultDocument is ports that are treated alike.
type resultDocument struct {
	Ports    any              `json:"ports"`
	Verdict  string           `json:"verdict"`
	Reason   string           `json:"reason,omitempty"`
	Families []familyDocument `json:"families"` // one, named "any", where they do not differ
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
}

type stepDocument struct {
	Outcome string `json:"outcome"` // decides, peer differs, port differs, maybe, later
	Object  string `json:"object"`  // "" for a rule that Kubernetes implies
	At      string `json:"at"`
	Says    string `json:"says"`
}

func (in *input) explainPair(args []string, out *output) error {
	from, err := in.ends(args[0])
	if err != nil {
		return err
	}
	to, err := in.ends(args[1])
	if err != nil {
		return err
	}
	ports, err := solver.ParsePorts(args[2])
	if err != nil {
		return err
	}
	if onlyOutside(&from) && onlyOutside(&to) {
		return coded(dialect.CodeBadExpression, "%q and %q are both outside the cluster; policies have no say there", args[0], args[1])
	}
	p, ok := solver.FirstPair(in.x, from, to)
	if !ok {
		return coded(dialect.CodeSelectsNothing, "%q and %q hold no two different endpoints", args[0], args[1])
	}
	e := explainer{in: in, pair: p, from: in.endpointName(p.Src, p.From), to: in.endpointName(p.Dst, p.To)}
	doc := explainDocument{
		Schema: "podreach.explain/v1", Question: questionDocument{args[0], args[1], args[2]},
		From: e.from, To: e.to, Notes: []string{}, Results: e.results(ports), Input: in.document(),
	}
	for _, s := range []struct {
		ends *solver.Ends
		name string
	}{{&from, e.from}, {&to, e.to}} {
		if n := s.ends.Set.Pods() + s.ends.Set.Nodes() + len(s.ends.Set.Outside()); n > 1 {
			doc.Notes = append(doc.Notes, fmt.Sprintf("%s stands for the %d endpoints of %s", s.name, n, s.ends.Expr.Text))
		} else if o := s.ends.Set.Outside(); len(o) == 1 && s.ends.Expr.Form != solver.FormAddress {
			doc.Notes = append(doc.Notes, fmt.Sprintf("%s stands for the addresses of %s", s.name, s.ends.Expr.Text))
		}
	}
	if len(doc.Results) == 0 {
		doc.Notes = append(doc.Notes, fmt.Sprintf("%s has no port of that name: nothing can be opened there", e.to))
	}
	d := report.Document{Value: doc, Lines: one(doc), Table: explainTable(doc), Graph: explainGraph(doc)}
	return out.write(d, func(wide bool) string { return explainProse(doc, wide) })
}

// explainer explains one pair of endpoints.
type explainer struct {
	in       *input
	pair     solver.Pair
	from, to string
}

// results groups the ports asked about by what happens to them.
func (e *explainer) results(q solver.PortQuery) []resultDocument {
	want := solver.PortsAt(e.in.x, q, e.pair.Dst)
	var order []string
	groups := map[string]*portGroup{}
	for _, atom := range e.in.x.PortAtoms() {
		ports := model.Ports(atom).Intersect(want)
		if ports.Empty() {
			continue
		}
		f := engine.Flow{Src: e.pair.Src, Dst: e.pair.Dst, Protocol: atom.Protocol, Port: ports.Ranges()[0].First, Family: model.AnyFamily}
		t := e.in.x.Explain(f)
		k := traceKey(t)
		g := groups[k]
		if g == nil {
			g = &portGroup{trace: t}
			groups[k] = g
			order = append(order, k)
		}
		g.ports = g.ports.Union(ports)
	}
	out := []resultDocument{}
	for _, k := range order {
		out = append(out, e.result(groups[k]))
	}
	return out
}

type portGroup struct {
	trace engine.Trace
	ports model.PortSet
}

// traceKey tells traces apart that a reader can tell apart.
func traceKey(t engine.Trace) string {
	t.Flow = engine.Flow{}
	return fmt.Sprint(t)
}

func (e *explainer) result(g *portGroup) resultDocument {
	r := resultDocument{Ports: portsDocument(g.ports), Verdict: g.trace.Verdict.String(), Families: []familyDocument{}}
	if g.trace.Verdict == model.Unknown {
		r.Reason = solver.Reason(e.in.x, g.trace.Flow)
	}
	families := g.trace.Families
	var exist []engine.FamilyTrace
	for _, f := range families {
		if f.Exists != model.Denied {
			exist = append(exist, f)
		}
	}
	if len(exist) > 0 {
		families = exist
	} else {
		families = families[:1]
	}
	if len(families) == 2 && sameSides(families[0], families[1]) {
		f := e.family(families[0])
		f.Family = model.AnyFamily.String()
		r.Families = append(r.Families, f)
		return r
	}
	for _, f := range families {
		r.Families = append(r.Families, e.family(f))
	}
	return r
}

// sameSides reports whether two families go the same way. One of them may be
// less certain to exist.
func sameSides(a, b engine.FamilyTrace) bool {
	return fmt.Sprint(a.Egress, a.Ingress) == fmt.Sprint(b.Egress, b.Ingress)
}

func (e *explainer) family(f engine.FamilyTrace) familyDocument {
	d := familyDocument{Family: f.Family.String(), Exists: f.Exists.String(), Verdict: f.Verdict.String()}
	if f.Exists != model.Denied {
		d.Egress, d.Ingress = e.side(f.Egress, e.from), e.side(f.Ingress, e.to)
	}
	return d
}

func (e *explainer) side(s engine.SideTrace, subject string) *sideDocument {
	d := &sideDocument{Subject: subject, Verdict: s.Verdict.String(), Rules: []stepDocument{}}
	if s.Exempt {
		d.Exempt = e.in.exempt(s.Subject, subject)
	}
	for _, step := range s.Steps {
		doc := stepDocument{Outcome: outcome(step)}
		if step.Rule == engine.DefaultAllow {
			doc.Says = fmt.Sprintf("no policy isolates %s for %v: allowed", subject, s.Direction)
		} else {
			rule := &e.in.x.Snapshot().Rules[step.Rule]
			doc.Says, doc.At = ruleText(rule), e.in.at(rule.Origin)
			if rule.Object.Kind != "" {
				doc.Object = rule.Object.String()
			}
		}
		d.Rules = append(d.Rules, doc)
	}
	return d
}

func outcome(s engine.Step) string {
	switch {
	case s.Decides:
		return "decides"
	case s.Match == engine.MatchMaybe:
		return "maybe"
	case s.Match == engine.MatchPeer:
		return "port differs"
	case s.Match == engine.MatchNo:
		return "peer differs"
	}
	return "passes"
}

func explainProse(doc explainDocument, wide bool) string {
	var b strings.Builder
	printf(&b, "%s -> %s\n", doc.From, doc.To)
	for _, n := range doc.Notes {
		printf(&b, "(%s)\n", n)
	}
	for _, r := range doc.Results {
		printf(&b, "\n%s: %s\n", portsOf(r.Ports), r.Verdict)
		if r.Reason != "" {
			printf(&b, "  because %s\n", r.Reason)
		}
		for _, f := range r.Families {
			over := ""
			if len(r.Families) > 1 {
				over = " over " + f.Family
			}
			if f.Egress == nil {
				printf(&b, "  the two have no %s address in common\n", f.Family)
				continue
			}
			proseSide(&b, "egress", over, f.Egress, wide)
			proseSide(&b, "ingress", over, f.Ingress, wide)
		}
	}
	return b.String()
}

func proseSide(b *strings.Builder, direction, over string, s *sideDocument, wide bool) {
	printf(b, "  %s of %s%s: %s\n", direction, s.Subject, over, s.Verdict)
	if s.Exempt != "" {
		printf(b, "    %s\n", s.Exempt)
	}
	for _, r := range s.Rules {
		says := r.Says
		if !wide {
			says = shorten(says, 80)
		}
		if r.Object == "" && r.Outcome == "peer differs" && !wide {
			continue // what Kubernetes implies for others is of no interest
		}
		if r.Object == "" {
			printf(b, "    %-12s %s\n", r.Outcome, says)
			continue
		}
		printf(b, "    %-12s %s  %s\n%17s%s\n", r.Outcome, r.Object, r.At, "", says)
	}
}

// explainTable has a row for each consulted rule.
func explainTable(doc explainDocument) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "ports"}, {Name: "verdict"}, {Name: "family"}, {Name: "direction"}, {Name: "outcome"}, {Name: "object"}, {Name: "at"}, {Name: "says"},
	}}
	for _, r := range doc.Results {
		for _, f := range r.Families {
			for i, s := range []*sideDocument{f.Egress, f.Ingress} {
				if s == nil {
					continue
				}
				direction := []string{"egress", "ingress"}[i]
				if s.Exempt != "" {
					t.Rows = append(t.Rows, []string{portsOf(r.Ports), r.Verdict, f.Family, direction, "exempt", "", "", s.Exempt})
				}
				for _, step := range s.Rules {
					t.Rows = append(t.Rows, []string{portsOf(r.Ports), r.Verdict, f.Family, direction, step.Outcome, step.Object, step.At, step.Says})
				}
			}
		}
	}
	return t
}

// explainGraph has an edge for each set of ports that is not denied.
func explainGraph(doc explainDocument) *report.Graph {
	g := &report.Graph{Nodes: []report.Node{{ID: doc.From, Label: doc.From}}}
	if doc.To != doc.From {
		g.Nodes = append(g.Nodes, report.Node{ID: doc.To, Label: doc.To})
	}
	for _, r := range doc.Results {
		if r.Verdict != model.Denied.String() {
			g.Edges = append(g.Edges, report.Edge{From: doc.From, To: doc.To, Label: portsOf(r.Ports), Uncertain: r.Verdict == model.Unknown.String()})
		}
	}
	return g
}
