package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

const expressionHelp = `An expression is
  any, cluster, outside, nodes, internet, private, metadata
  8.8.8.8, 10.0.0.0/8                   an address or a range
  ml:, ml:app=web, :app=web, app=web    pods by namespace and labels
  {team=red}:app=web                    pods by the labels of their namespace
  ml/trainer, ml/deployment/trainer, ml/pod/trainer-0
Ports are 443, UDP/53, TCP/8000-8100, SCTP/* or port names, with commas between.`

func (r *run) can() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "can FROM reach TO [on PORTS]",
		Short: "Is any connection possible? With a witness and the rules that decide",
		Long: `can answers whether any endpoint of FROM can open a connection to any of TO.

` + expressionHelp + `

Exit code: 0 yes, 1 no, 2 error, 3 uncertain. With --queries: 0, or 2 if a line
could not be answered.`,
		Example: `  podreach can ml-training: reach internet -f demo:
  podreach can ml-agents/code-sandbox reach ml-data/qdrant on 6333 -f demo:
  podreach can --queries questions.jsonl -f demo:`,
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
			if cmd.Flags().Changed("output") && out.format != report.JSONLines {
				return badFlag("--queries answers in jsonl only, not in %s", out.format)
			}
			return in.queries(queries, out)
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.ledger.Objects == 0 {
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

// sentence is FROM reach TO on PORTS.
type sentence struct{ from, to, ports string }

func sentenceError(format string, args ...any) error {
	return coded(dialect.CodeBadExpression, format+"; the form is: can FROM reach TO [on PORTS]", args...)
}

// parseSentence splits the words of a question, given as any number of
// arguments. "reach" and "on" are keywords only outside brackets.
func parseSentence(args []string) (sentence, error) {
	words := splitWords(strings.Join(args, " "))
	reach := -1
	for i := 1; i < len(words); i++ {
		if words[i] == "reach" {
			reach = i
			break
		}
	}
	switch {
	case len(words) == 0:
		return sentence{}, sentenceError("there is no question")
	case reach < 0:
		for _, w := range words[1:] {
			if nearest.Of(w, []string{"reach"}) != "" {
				return sentence{}, sentenceError("found %q; did you mean reach?", w)
			}
		}
		return sentence{}, sentenceError("the word \"reach\" is missing")
	case reach == len(words)-1:
		return sentence{}, sentenceError("there is nothing after \"reach\"")
	}
	s := sentence{from: strings.Join(words[:reach], " ")}
	rest := words[reach+1:]
	for i := len(rest) - 2; i > 0; i-- {
		if rest[i] == "on" {
			s.ports = strings.Join(rest[i+1:], " ")
			rest = rest[:i]
			break
		}
	}
	if len(rest) > 1 && s.ports == "" && rest[len(rest)-1] == "on" {
		return sentence{}, sentenceError("there is no port after \"on\"")
	}
	s.to = strings.Join(rest, " ")
	return s, nil
}

// splitWords splits at spaces outside brackets.
func splitWords(s string) []string {
	var out []string
	depth, start := 0, -1
	for i, c := range s + " " {
		switch c {
		case '(', '{':
			depth++
		case ')', '}':
			depth = max(depth-1, 0)
		}
		space := c == ' ' || c == '\t' || c == '\n'
		switch {
		case i == len(s) && start >= 0, space && depth == 0 && start >= 0:
			out = append(out, s[start:i])
			start = -1
		case !space && start < 0:
			start = i
		}
	}
	return out
}

// canDocument is podreach.can/v1 (docs/schema/can.json).
type canDocument struct {
	Schema   string           `json:"schema"`
	Question questionDocument `json:"question"`
	Answer   string           `json:"answer"`
	Witness  *witnessDocument `json:"witness"` // null when no connection is possible
	Counts   countsDocument   `json:"counts"`
	Ports    any              `json:"ports"` // those of the question that are open for some pair
	// Everywhere is, for each family, the ports that some source has open to
	// every outside address of TO; absent when TO holds none (R112).
	Everywhere map[string]any      `json:"everywhere,omitempty"`
	DecidedBy  directionsDocument  `json:"decidedBy"`
	StoppedBy  *directionsDocument `json:"stoppedBy,omitempty"` // when the answer is no
	Because    becauseDocument     `json:"because"`
	Reason     string              `json:"reason,omitempty"` // when the answer is uncertain
	Settle     string              `json:"settle,omitempty"`
	Input      inputDocument       `json:"input"`

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

func (in *input) canReach(s sentence, out *output) error {
	from, err := in.ends(s.from)
	if err != nil {
		return err
	}
	to, err := in.ends(s.to)
	if err != nil {
		return err
	}
	ports, err := solver.ParsePorts(s.ports)
	if err != nil {
		return err
	}
	if onlyOutside(&from) && onlyOutside(&to) {
		return coded(dialect.CodeBadExpression, "%q and %q are both outside the cluster; policies have no say there", s.from, s.to)
	}
	a := solver.Ask(in.x, solver.Question{From: from, To: to, Ports: ports})
	doc := in.canDocument(s, a, len(to.Set.Outside()) > 0 && !onlyOutside(&from), len(from.Set.Outside()) > 0 && !onlyOutside(&to))
	d := report.Document{Value: doc, Lines: one(doc), Table: canTable(doc), Graph: canGraph(doc)}
	if err := out.write(d, func(wide bool) string { return canProse(doc, wide) }); err != nil {
		return err
	}
	return exitCode([...]int{solver.Yes: exitYes, solver.No: exitNo, solver.Uncertain: exitUncertain}[a.Truth])
}

func (in *input) canDocument(s sentence, a solver.Answer, toOutside, fromOutside bool) canDocument {
	doc := canDocument{
		Schema:    "podreach.can/v1",
		Question:  questionDocument{s.from, s.to, s.ports},
		Answer:    a.Truth.String(),
		Counts:    countsDocument{a.From, a.Reaching, a.Maybe},
		Ports:     portsDocument(a.Ports),
		DecidedBy: directionsDocument{[]ruleRef{}, []ruleRef{}},
		Input:     in.document(),
		outside:   fromOutside,
	}
	if toOutside {
		doc.Everywhere = map[string]any{}
		for f, ports := range a.Everywhere {
			doc.Everywhere[model.Family(f).String()] = portsDocument(ports)
		}
	}
	if w := a.Witness; w != nil {
		doc.Witness = &witnessDocument{
			From: in.endpointName(w.Flow.Src, w.From), To: in.endpointName(w.Flow.Dst, w.To),
			Protocol: w.Flow.Protocol.String(), Port: w.Flow.Port,
		}
		if w.Flow.Family != model.AnyFamily && in.familiesDiffer(w.Flow) {
			doc.Witness.Family = w.Flow.Family.String()
		}
		if a.Truth == solver.Uncertain {
			doc.Reason, doc.Settle = solver.Reason(in.x, w.Flow), solver.Settle(in.x, w.Flow)
		}
		rules := solver.Deciding(in.x, w.Flow)
		doc.DecidedBy.Egress, doc.Because.Egress = in.deciding(rules[model.Egress], w.Flow.Src, doc.Witness.From, model.Egress)
		doc.DecidedBy.Ingress, doc.Because.Ingress = in.deciding(rules[model.Ingress], w.Flow.Dst, doc.Witness.To, model.Ingress)
		return doc
	}
	doc.StoppedBy = &directionsDocument{in.stops(a.Stops[model.Egress]), in.stops(a.Stops[model.Ingress])}
	doc.Because = in.stopsBecause(a)
	return doc
}

// familiesDiffer reports whether a flow's verdict is not the same in both
// families, when its ends are known to have both.
func (in *input) familiesDiffer(f engine.Flow) bool {
	f.Family = model.AnyFamily
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

func (in *input) stopsBecause(a solver.Answer) (b becauseDocument) {
	switch {
	case a.From == 0 || a.To == 0:
		b.Pairs = "one side selects nothing"
	case len(a.Stops[model.Egress])+len(a.Stops[model.Ingress]) > 0:
	case a.NoFamily > 0:
		b.Pairs = "the two sides have no address family in common"
	default:
		b.Pairs = "there are no two different endpoints, or no port of that name at the destination"
	}
	return b
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
		printf(&b, "; open for some pair: %s", portsOf(doc.Ports))
		for _, f := range []string{"IPv4", "IPv6"} {
			if all := portsOf(doc.Everywhere[f]); doc.Everywhere != nil && all != portsText(model.PortSet{}) {
				printf(&b, "\nto every %s address of %s: %s", f, q.To, all)
			}
		}
	}
	b.WriteString("\n\n")
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

// canSide prints the rules of one direction.
func canSide(b *strings.Builder, title string, rules []ruleRef, because string, wide bool) {
	for _, r := range rules {
		printf(b, "%-9s %s  %s\n", title, r.Object, r.At)
		says := r.Says
		if !wide {
			says = shorten(says, 88)
		}
		printf(b, "%-9s   %s\n", "", says)
		title = ""
	}
	if because != "" {
		printf(b, "%-9s %s\n", title, because)
	}
}

// portsOf is the text of what portsDocument made.
func portsOf(v any) string {
	ranges, ok := v.([]portRange)
	if !ok {
		return "any port"
	}
	var set []model.PortRange
	for _, r := range ranges {
		p, _ := model.ParseProtocol(r.Protocol)
		set = append(set, model.PortRange{Protocol: p, First: r.First, Last: r.Last})
	}
	return portsText(model.Ports(set...))
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
		g.Edges = []report.Edge{{From: w.From, To: w.To, Label: fmt.Sprintf("%s %d", w.Protocol, w.Port), Uncertain: doc.Answer == "uncertain"}}
	}
	return g
}
