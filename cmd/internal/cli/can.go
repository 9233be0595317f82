package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/solver"
)

const expressionHelp = `An expression is
  any, cluster, outside, nodes, internet, private, metadata
  8.8.8.8, 10.0.0.0/8                   an address or a range
  ml:, ml:app=web, :app=web, app=web    pods by namespace and labels
  {team=red}:app=web                    pods by the labels of their namespace
  ml/trainer, ml/deployment/trainer, ml/pod/trainer-0
  node/n1                               the node of a name
Ports are 443, UDP/53, TCP/8000-8100, SCTP/* or port names, with commas between.`

func (r *run) can() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "can FROM reach TO [on PORTS]",
		Short: "Is any connection possible? With a witness and the rules that decide",
		Long: `can answers whether any endpoint of FROM can open a connection to any of TO.

` + expressionHelp + `

With --apply and --delete the answer and the exit code are those of the changed
cluster, and "before" says what was different without them.

Exit code: 0 yes, 1 no, 2 error, 3 uncertain. With --queries: 0, or 2 if a line
could not be answered.`,
		Example: `  podreach can ml-training: reach internet -f demo:
  podreach can ml-agents/code-sandbox reach ml-data/qdrant on 6333 -f demo:
  podreach can ml-training: reach internet -f demo: --delete netpol/ml-training/allow-public-hubs
  podreach can --queries questions.jsonl -f demo:
  podreach can ml: reach internet --live`,
	}
	in := r.reads(cmd)
	in.mayBeEmpty(cmd)
	out := r.writes(cmd, report.Formats()...)
	queries := ""
	cmd.Flags().StringVar(&queries, "queries", "", "file of questions, one JSON object a line (- is standard input)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.in = in
		if err := out.check(); err != nil {
			return err
		}
		if cmd.Flags().Changed("queries") {
			if len(args) > 0 {
				return badFlag("--queries takes its questions from the file; leave %q out", strings.Join(args, " "))
			}
			if len(out.to) > 1 {
				return badFlag("--queries answers once, in jsonl; it takes one -o")
			}
			if format := out.to[0].format; cmd.Flags().Changed("output") && format != report.JSONLines {
				return badFlag("--queries answers in jsonl only, not in %s", format)
			}
			return in.queries(queries, out)
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.nothing() {
			return exitCode(exitError)
		}
		s, err := parseSentence(args)
		if err != nil {
			return err
		}
		return in.canReach(s, out)
	}
	return cmd
}

func (in *input) canReach(s sentence, out *output) error {
	from, err := in.ends("FROM", s.from)
	if err != nil {
		return err
	}
	to, err := in.ends("TO", s.to)
	if err != nil {
		return err
	}
	ports, err := solver.ParsePorts(s.ports)
	if err != nil {
		return err
	}
	if onlyOutside(&from) && onlyOutside(&to) {
		return in.bothOutside(s.from, s.to)
	}
	if err := in.checkPortNames(ports, &to); err != nil {
		return err
	}
	q := solver.Question{From: from, To: to, Ports: ports}
	a := solver.Ask(in.x, q)
	doc := in.canDocument(s, q, a)
	if in.before != nil {
		doc.Before = in.before.canBefore(s, ports, &doc)
	}
	d := report.Document{Value: doc, Lines: one(doc), Table: canTable(doc), Graph: canGraph(doc)}
	if err := out.write(d, func(wide bool) string { return canProse(doc, wide) }); err != nil {
		return err
	}
	return exitCode([...]int{solver.Yes: exitYes, solver.No: exitNo, solver.Uncertain: exitUncertain}[a.Truth])
}

func canProse(doc canDocument, wide bool) string {
	var b strings.Builder
	w := doc.Witness
	q := doc.Question
	on := ""
	if q.Ports != "" {
		on = " on " + q.Ports
	}
	switch doc.Answer {
	case "yes":
		printf(&b, "yes: %s reaches %s on %s %d", w.From, w.To, w.Protocol, w.Port)
	case "uncertain":
		printf(&b, "uncertain: whether %s reaches %s on %s %d is not known", w.From, w.To, w.Protocol, w.Port)
	default:
		printf(&b, "no: nothing of %s reaches %s%s", q.From, q.To, on)
	}
	if w != nil && w.Family != "" {
		printf(&b, " over %s", w.Family)
	}
	b.WriteString("\n")
	c := doc.Counts
	sources := "sources"
	if doc.outside {
		sources = "sources (addresses that policies treat alike count once)"
	}
	printf(&b, "%d of %d %s in %s can", c.Reaching, c.From, sources, q.From)
	if c.Maybe > c.Reaching {
		printf(&b, ", %d more may", c.Maybe-c.Reaching)
	}
	if doc.Answer == "yes" {
		printf(&b, "; open for some pair: %s", briefPorts(doc.Ports.PortSet))
		for _, f := range []string{"IPv4", "IPv6"} {
			if all := doc.Everywhere[f]; !all.Empty() {
				printf(&b, "\nsome source reaches every %s address of %s on: %s", f, q.To, briefPorts(all.PortSet))
			}
		}
	}
	b.WriteString("\n")
	doc.beforeProse(&b)
	b.WriteString("\n")
	rules := doc.DecidedBy
	if doc.StoppedBy != nil {
		rules = *doc.StoppedBy
	}
	canSide(&b, "pairs", nil, doc.Because.Pairs, wide)
	canSide(&b, "egress", rules.Egress, doc.Because.Egress, wide)
	canSide(&b, "ingress", rules.Ingress, doc.Because.Ingress, wide)
	if doc.Reason != "" {
		printf(&b, "reason    %s\n", doc.Reason)
		printf(&b, "settle    %s\n", doc.Settle)
	}
	return b.String()
}

// shownRules is how many rules prose lists for a direction.
const shownRules = 5

// canSide prints the rules of one direction.
func canSide(b *strings.Builder, title string, rules []ruleRef, because string, wide bool) {
	shown := rules
	if !wide {
		shown = rules[:min(len(rules), shownRules)]
	}
	for _, r := range shown {
		printf(b, "%-9s %s  %s\n", title, r.Object, r.At)
		r.writeSays(b, 12, wide)
		title = ""
	}
	if n := len(rules) - len(shown); n > 0 {
		printf(b, "%-9s and %d more rules\n", title, n)
	}
	if because != "" {
		printf(b, "%-9s %s\n", title, because)
	}
}

func canTable(doc canDocument) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "from"}, {Name: "to"}, {Name: "ports"}, {Name: "answer"}, {Name: "witness"}, {Name: "reaching"}, {Name: "sources"},
		{Name: "egress"}, {Name: "ingress"}, {Name: "reason", Wide: true},
	}}
	witness := ""
	if w := doc.Witness; w != nil {
		witness = fmt.Sprintf("%s -> %s %s %d", w.From, w.To, w.Protocol, w.Port)
	}
	rules := doc.DecidedBy
	if doc.StoppedBy != nil {
		rules = *doc.StoppedBy
	}
	refs := func(rs []ruleRef) string {
		var out []string
		for _, r := range rs {
			out = append(out, r.Object+" ("+r.At+")")
		}
		return strings.Join(out, "; ")
	}
	t.Rows = [][]string{{doc.Question.From, doc.Question.To, doc.Question.Ports, doc.Answer, witness, fmt.Sprint(doc.Counts.Reaching),
		fmt.Sprint(doc.Counts.From), refs(rules.Egress), refs(rules.Ingress), doc.Reason}}
	if was := doc.Before; was != nil {
		t.Columns = append(t.Columns, report.Column{Name: "before"}, report.Column{Name: "reaching before"})
		t.Rows[0] = append(t.Rows[0], was.Answer, fmt.Sprint(was.Counts.Reaching))
	}
	return t
}

// canGraph is the witness as an edge; without one the two expressions stand
// apart.
func canGraph(doc canDocument) *report.Graph {
	w := doc.Witness
	if w == nil {
		w = &witnessDocument{From: doc.Question.From, To: doc.Question.To}
	}
	g := &report.Graph{Nodes: []report.Node{{ID: w.From, Label: w.From}}}
	if w.To != w.From {
		g.Nodes = append(g.Nodes, report.Node{ID: w.To, Label: w.To})
	}
	if doc.Witness != nil {
		line := report.Solid
		if doc.Answer == "uncertain" {
			line = report.Dashed
		}
		g.Edges = []report.Edge{{From: w.From, To: w.To, Label: fmt.Sprintf("%s %d", w.Protocol, w.Port), Line: line}}
	}
	return g
}
