package cli

import (
	"fmt"
	"slices"
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
order, with file and line. Without PORTS, or with many, each set of ports that is
treated alike is explained once: the rules that matter there are listed, others
are counted (-o wide or -v lists all). Where a side holds several endpoints, the pair
that shows the answer of "can" is explained. With --apply and --delete "before" is the
verdict without them, where it was different. explain CODE says what a code such as
PR2006 means, and explain alone lists the codes.

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
		if len(args) > 2 && strings.TrimSpace(args[2]) == "" {
			return emptyText("PORTS")
		}
		if list := portList(args[2:]); len(args) > 3 && list != "" {
			return coded(dialect.CodeBadExpression, "ports take commas between: explain FROM TO %s", list)
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
		if in.nothing() {
			return exitCode(exitError)
		}
		return in.explainPair(append(args, "")[:3], out)
	}
	return cmd
}

func (in *input) explainPair(args []string, out *output) error {
	from, err := in.ends("FROM", args[0])
	if err != nil {
		return err
	}
	to, err := in.ends("TO", args[1])
	if err != nil {
		return err
	}
	ports, err := solver.ParsePorts(args[2])
	if err != nil {
		return err
	}
	if onlyOutside(&from) && onlyOutside(&to) {
		return in.bothOutside(args[0], args[1])
	}
	if err := in.checkPortNames(ports, &to); err != nil {
		return err
	}
	doc := explainDocument{
		Schema: "podreach.explain/v1", Question: questionDocument{args[0], args[1], args[2]},
		From: args[0], To: args[1], Notes: []string{}, Results: []resultDocument{}, Input: in.document(),
	}
	if err := in.explainQuestion(&doc, solver.Question{From: from, To: to, Ports: ports}, out); err != nil {
		return err
	}
	d := report.Document{Value: doc, Lines: one(doc), Table: explainTable(doc), Graph: explainGraph(doc)}
	return out.write(d, func(wide bool) string { return explainProse(doc, wide || in.verbose) })
}

// explainQuestion explains the pair that shows the answer to a question, so
// that explain says what can says on the same words.
func (in *input) explainQuestion(doc *explainDocument, q solver.Question, out *output) error {
	a := solver.Ask(in.x, q)
	p, ok := solver.Pair{}, false
	if w := a.Witness; w != nil {
		p, ok = solver.Pair{Src: w.Flow.Src, Dst: w.Flow.Dst, From: w.From, To: w.To}, true
	} else {
		p, ok = solver.FirstPair(in.x, q.From, q.To)
	}
	if !ok {
		if len(in.vanished) > 0 {
			doc.Notes = append(doc.Notes, notThere(in.vanished, isGone))
			return nil
		}
		if in.allowEmpty {
			doc.Notes = append(doc.Notes, "the two sides hold no two different endpoints")
			return nil
		}
		return coded(dialect.CodeSelectsNothing, "%q and %q hold no two different endpoints", doc.From, doc.To)
	}
	p, counts := in.counted(&q.From, &q.To, p, a.Witness != nil)
	doc.From, doc.To = in.endpointName(p.Src, p.From), in.endpointName(p.Dst, p.To)
	doc.Notes = append(doc.Notes, pairNotes(doc, &q, &a)...)
	if !counts {
		doc.Notes = append(doc.Notes, ownNodeOnly)
		if a.Truth == solver.Uncertain {
			doc.Notes = append(doc.Notes, a.Reason(in.x))
		}
		return nil
	}
	flow := engine.Flow{Src: p.Src, Dst: p.Dst, SrcAddr: q.From.Addr, DstAddr: q.To.Addr, Family: q.From.Family.And(q.To.Family)}
	if len(in.x.Explain(flow).Families) == 0 {
		doc.Notes = append(doc.Notes, fmt.Sprintf("%s and %s are of different address families: no connection is of both", doc.Question.From, doc.Question.To))
		return nil
	}
	twins := a.Witness != nil && a.Witness.Twins
	if twins || p.Src == p.Dst && !a.MaybePorts.ContainsAll(solver.PortsAt(in.x, q.Ports, p.Dst).Upper) { // not self traffic, which is always open (R50)
		doc.Notes = append(doc.Notes, fmt.Sprintf("%s and %s mean two different pods, and the input holds one: can has the answer, there is no pair to explain",
			doc.Question.From, doc.Question.To))
		return nil
	}
	e := explainer{in: in, flow: flow, from: doc.From, to: doc.To}
	if out.has(report.Wide) || out.has(report.TableFormat) && in.verbose {
		e.full = shownResults
	}
	doc.Results = e.results(q.Ports)
	if len(q.Ports.Names) > 0 && p.Dst.IsPod() && in.x.Snapshot().Pods[p.Dst].PortsUnknown {
		doc.Notes = append(doc.Notes, fmt.Sprintf("the port names of %s are not known: any of these ports may be meant (R66)", doc.To))
	}
	if in.before != nil && len(doc.Results) > 0 {
		in.before.explainBefore(doc, q.Ports)
	}
	if len(doc.Results) == 0 {
		doc.Notes = append(doc.Notes, fmt.Sprintf("%s has no port of that name: nothing can be opened there", doc.To))
	}
	return nil
}

// pairNotes say what the pair that is explained is, where a side holds more
// than it, and how many of the sources the answer is true for.
func pairNotes(doc *explainDocument, q *solver.Question, a *solver.Answer) []string {
	var notes []string
	if n := oneOf(doc.From, &q.From, a.From, "sources"); n != "" {
		if a.From > 1 && !onlyOutside(&q.From) {
			n += "; " + reachText(doc.Question, a)
		}
		notes = append(notes, n)
	}
	if n := oneOf(doc.To, &q.To, a.To, "destinations"); n != "" {
		notes = append(notes, n)
	}
	return notes
}

// oneOf is "NAME is one of N sources in EXPR"; "" when the side is that alone.
func oneOf(name string, side *solver.Ends, n int, noun string) string {
	text := side.Expr.Text
	outside := len(side.Set.Outside())
	switch {
	case outside > 0 && side.Set.Pods()+side.Set.Nodes() == 0:
		if n <= 1 && side.Expr.Form == solver.FormAddress {
			return ""
		}
		return fmt.Sprintf("%s is one address of %s", name, text)
	case n <= 1:
		return ""
	case outside > 0 && side.Set.Pods()+side.Set.Nodes() < n:
		noun += " (addresses that policies treat alike count once)"
	}
	return fmt.Sprintf("%s is one of %d %s in %s", name, n, noun, text)
}

// reachText is "6 of them reach internet on 443".
func reachText(q questionDocument, a *solver.Answer) string {
	what := q.To
	if q.Ports != "" {
		what += " on " + q.Ports
	}
	switch {
	case a.Maybe == 0:
		return "none of them reaches " + what
	case a.Reaching == 0:
		return fmt.Sprintf("%d of them may reach %s", a.Maybe, what)
	case a.Maybe > a.Reaching:
		return fmt.Sprintf("%d of them reach %s, %d more may", a.Reaching, what, a.Maybe-a.Reaching)
	case a.Reaching == a.From:
		return "all of them reach " + what
	case a.Reaching == 1:
		return "1 of them reaches " + what
	}
	return fmt.Sprintf("%d of them reach %s", a.Reaching, what)
}

// shownResults is how many sets of ports prose and its wide form show.
const shownResults = 20

func explainProse(doc explainDocument, wide bool) string {
	var b strings.Builder
	printf(&b, "%s -> %s\n", doc.From, doc.To)
	for _, n := range doc.Notes {
		printf(&b, "(%s)\n", n)
	}
	doc.beforeProse(&b)
	for _, r := range doc.Results[:min(len(doc.Results), shownResults)] {
		printf(&b, "\n%s: %s\n", briefPorts(r.Ports.PortSet), r.Verdict)
		if text := r.beforeText(); text != "" {
			printf(&b, "  before: %s\n", text)
		}
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
	if left := doc.Results[min(len(doc.Results), shownResults):]; len(left) > 0 {
		printf(&b, "\n%d more sets of ports that are treated alike are left out: name PORTS, or use -o json\n", len(left))
		for _, of := range joinResults(left) {
			printf(&b, "  %s: %s\n", of.verdict, briefPorts(of.ports))
		}
	}
	return b.String()
}

// verdictPorts is the ports of one verdict.
type verdictPorts struct {
	verdict string
	ports   model.PortSet
}

// joinResults joins the ports of each verdict, in the order in which the
// verdicts occur.
func joinResults(results []resultDocument) []verdictPorts {
	var out []verdictPorts
	ranges := map[string][]model.PortRange{}
	for _, r := range results {
		if ranges[r.Verdict] == nil {
			out = append(out, verdictPorts{verdict: r.Verdict})
		}
		ranges[r.Verdict] = append(ranges[r.Verdict], r.Ports.Ranges()...)
	}
	for i := range out {
		out[i].ports = model.Ports(ranges[out[i].verdict]...)
	}
	return out
}

func proseSide(b *strings.Builder, direction, over string, s *sideDocument, wide bool) {
	printf(b, "  %s of %s%s: %s\n", direction, s.Subject, over, s.Verdict)
	if s.Exempt != "" {
		printf(b, "    %s\n", s.Exempt)
	}
	if s.Together {
		printf(b, "    which of the rules decides hangs on what the input does not say; one of them does\n")
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Object == "" && r.Outcome == outcomePeer && !wide {
			continue // what Kubernetes implies for others is of no interest
		}
		if r.Object == "" {
			says := r.Says
			if r.At != "" { // what the configuration says
				says += "  " + r.At
			}
			printf(b, "    %-12s %s\n", r.Outcome, says)
			continue
		}
		printf(b, "    %-12s %s  %s\n", r.Outcome, r.Object, r.At)
		r.writeSays(b, 17, wide)
	}
	and := "and"
	for _, o := range outcomes {
		if n := s.Omitted[o]; n > 0 {
			printf(b, "    %-12s %s\n", and, omittedRules(o, n))
			and = ""
		}
	}
}

// omittedRules is rules of an outcome that are only counted.
func omittedRules(outcome string, n int) string {
	rules := "rules"
	if n == 1 {
		rules = "rule"
	}
	switch outcome {
	case outcomePort:
		return fmt.Sprintf("%d %s whose ports differ", n, rules)
	case outcomePeer:
		return fmt.Sprintf("%d %s whose peer differs", n, rules)
	case outcomeDecides:
		return fmt.Sprintf("%d more %s that decide", n, rules)
	case outcomeMaybe:
		return fmt.Sprintf("%d more %s that may match", n, rules)
	case outcomeOver:
		return fmt.Sprintf("%d more %s that match and are passed over", n, rules)
	}
	return fmt.Sprintf("%d more %s that pass the connection on", n, rules)
}

// explainTable has a row for each consulted rule that is listed, and one for
// those of an outcome that are only counted.
func explainTable(doc explainDocument) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "ports"}, {Name: "verdict"}, {Name: "family"}, {Name: "direction"}, {Name: "outcome"}, {Name: "object"}, {Name: "at"}, {Name: "says"},
	}}
	if doc.Before != nil {
		t.Columns = slices.Insert(t.Columns, 2, report.Column{Name: "before"})
	}
	for _, r := range doc.Results {
		ports := portsText(r.Ports.PortSet)
		for _, f := range r.Families {
			for i, s := range []*sideDocument{f.Egress, f.Ingress} {
				if s == nil {
					continue
				}
				row := func(outcome, object, at, says string) {
					cells := []string{ports, r.Verdict, f.Family, []string{"egress", "ingress"}[i], outcome, object, at, says}
					if doc.Before != nil {
						cells = slices.Insert(cells, 2, r.beforeText())
					}
					t.Rows = append(t.Rows, cells)
				}
				if s.Exempt != "" {
					row("exempt", "", "", s.Exempt)
				}
				for _, step := range s.Rules {
					row(step.Outcome, step.Object, step.At, step.Says)
				}
				for _, o := range outcomes {
					if n := s.Omitted[o]; n > 0 {
						row(o, "", "", omittedRules(o, n))
					}
				}
			}
		}
	}
	return t
}

// explainGraph has an edge for each verdict, with the objects that decide.
func explainGraph(doc explainDocument) *report.Graph {
	g := &report.Graph{Nodes: []report.Node{{ID: doc.From, Label: doc.From}}}
	if doc.To != doc.From {
		g.Nodes = append(g.Nodes, report.Node{ID: doc.To, Label: doc.To})
	}
	for _, of := range joinResults(doc.Results) {
		line := report.Solid
		switch of.verdict {
		case model.Unknown.String():
			line = report.Dashed
		case model.Denied.String():
			line = report.Barred
		}
		label := of.verdict + ": " + briefPorts(of.ports)
		if by := decidingObjects(doc.Results, of.verdict); len(by) > 0 {
			label += "; by " + briefList(by, ", ")
		}
		g.Edges = append(g.Edges, report.Edge{From: doc.From, To: doc.To, Label: label, Line: line})
	}
	return g
}

// decidingObjects are the objects whose rules decide, or may, on a side that
// makes the verdict what it is.
func decidingObjects(results []resultDocument, verdict string) []string {
	var out []string
	for _, r := range results {
		if r.Verdict != verdict {
			continue
		}
		for _, f := range r.Families {
			for _, s := range []*sideDocument{f.Egress, f.Ingress} {
				if s == nil || f.Verdict != verdict || s.Verdict != verdict {
					continue
				}
				for _, rule := range s.Rules {
					decides := rule.Outcome == outcomeDecides || rule.Outcome == outcomeMaybe
					if decides && rule.Object != "" && !slices.Contains(out, rule.Object) {
						out = append(out, rule.Object)
					}
				}
			}
		}
	}
	return out
}
