package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// gatedChanges are the values of --fail-on.
var gatedChanges = []string{"any", signOpened, signClosed}

// What a change does, as words.
const (
	signOpened = "opened"
	signClosed = "closed"
)

func (r *run) diff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff OLD NEW | diff -f BASE --apply CHANGE",
		Short: "Which connections a change opens and closes, and why",
		Long: `diff compares two clusters and shows which connections of workloads the change
opens (+) and closes (-), with the object that makes each and its line: a policy, labels
of pods or namespaces, a workload that is new or gone. OLD and NEW are each a
file, a folder, -, demo: or a git revision, git:REV[:PATH] (PATH is relative to the
current folder). Or they are an input and what --apply and --delete make of it.

What becomes uncertain, or certain, is a change as well. Files that were reordered and
policies that were renamed, split or written differently are none, nor are pods that a
rollout gave other names: when nothing else can connect, nothing is shown. All nodes
together are one end, "nodes". With -n only rows with an end in the namespace are
shown, and only these decide about the exit code: 1 when there is a change (or one that
--fail-on names), 0 when there is none.`,
		Example: `  podreach diff git:main:deploy deploy
  podreach diff before.json after.json -o wide
  podreach diff -f demo: --delete netpol/ml-training/allow-public-hubs
  podreach diff git:origin/main:deploy deploy --fail-on opened`,
	}
	in := r.reads(cmd)
	cmd.Flags().BoolVar(&in.allowEmpty, "allow-empty", false, "a side without any object is not an error")
	out := r.writes(cmd, append(report.Formats(), report.SARIF, report.JUnit, report.GitHub)...)
	var failOn string
	var exitZero bool
	cmd.Flags().StringVar(&failOn, "fail-on", gatedChanges[0], "changes that make the exit code 1: any, opened or closed")
	cmd.Flags().BoolVar(&exitZero, "exit-zero", false, "exit with 0 whatever has changed; errors of the input are still 2")
	completeWords(cmd, "fail-on", gatedChanges)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.in = in
		if !slices.Contains(gatedChanges, failOn) {
			return badFlag("unknown change --fail-on %q%s", failOn, didYouMean(failOn, gatedChanges))
		}
		if err := out.check(); err != nil {
			return err
		}
		old, err := in.loadBoth(args)
		if err != nil {
			return err
		}
		d := differ{old: old, now: in, causes: map[*solver.Cause][]causeDocument{}, fails: func(c *diffRow) bool {
			return !exitZero && (failOn == gatedChanges[0] || c.sign() == failOn)
		}}
		for c := range solver.Diff(old.x, in.x) {
			if in.namespace == "" || insideOf(in.namespace, &c) {
				d.rows = append(d.rows, d.row(c))
			}
		}
		if len(d.rows) == 0 && !in.quiet {
			fmt.Fprintln(r.stderr, "no connection differs") //nolint:errcheck // as for all messages
		}
		if err := out.each(d.document, d.prose); err != nil {
			return err
		}
		switch {
		case old.failed > 0: // before --apply
			return exitCode(exitError)
		case slices.ContainsFunc(d.rows, func(c diffRow) bool { return d.fails(&c) }):
			return exitCode(exitNo)
		}
		return nil
	}
	return cmd
}

func insideOf(namespace string, c *solver.Change) bool {
	inside := func(p solver.Party) bool { return p.Kind == solver.PartyPods && p.Namespace == namespace }
	return inside(c.From) || inside(c.To)
}

// loadBoth reads both clusters; in becomes the new one.
func (in *input) loadBoth(args []string) (old *input, err error) {
	switch {
	case len(args) == 0 && in.changed():
		if err := in.load(); err != nil {
			return nil, err
		}
		if in.nothing() && !in.allowEmpty {
			return nil, exitCode(exitError)
		}
		return in.before, in.checkNamespace()
	case len(args) != 2 && in.changed():
		return nil, badFlag("found %d arguments beside --apply or --delete: OLD NEW are two inputs, -f BASE --apply CHANGE is the other form", len(args))
	case len(args) != 2:
		return nil, badFlag("found %d arguments, expected OLD NEW: each a file, a folder, -, demo: or git:REV[:PATH]; or -f BASE with --apply or --delete", len(args))
	case in.changed() || len(in.files) > 0 || in.live != (liveFlags{timeout: in.live.timeout}):
		return nil, badFlag("OLD NEW are the inputs: -f, --live, --apply and --delete do not go together with them")
	case args[0] == manifest.Stdin && args[1] == manifest.Stdin:
		return nil, badFlag("OLD and NEW cannot both be standard input")
	}
	old = new(input)
	*old = *in
	old.files, in.files = args[:1], args[1:]
	old.side, in.side = " ("+args[0]+")", " ("+args[1]+")"
	for _, side := range []*input{old, in} {
		if err := side.load(); err != nil {
			return nil, err
		}
		in.old = old
		in.run.bar.stop()
		in.run.watched = false // one bar for both inputs would go back
	}
	if (old.nothing() || in.nothing()) && !in.allowEmpty {
		return nil, exitCode(exitError)
	}
	if err := in.checkNamespace(); err != nil {
		if e := old.checkNamespace(); e != nil {
			return nil, err
		}
	}
	return old, nil
}

// differ says what has changed between two inputs.
type differ struct {
	old, now *input
	rows     []diffRow
	fails    func(*diffRow) bool               // it makes the exit code 1
	causes   map[*solver.Cause][]causeDocument // of rows, which share them
}

// diffRow is a change as outputs show it.
type diffRow struct {
	solver.Change
	because []causeDocument
}

func (c *diffRow) sign() string {
	if c.Opened() {
		return signOpened
	}
	return signClosed
}

func (c *diffRow) mark() string {
	if c.Opened() {
		return "+"
	}
	return "-"
}

// arrival reports whether a row comes of workloads that are new or gone.
func (c *diffRow) arrival() bool {
	return slices.ContainsFunc(c.Because, func(b solver.Cause) bool { return b.Kind == solver.CauseWorkload && b.Change != solver.Edited })
}

// causeDocument is a cause in a JSON document.
type causeDocument struct {
	Kind   string `json:"kind"`
	Change string `json:"change"`
	Object string `json:"object"`
	At     string `json:"at"`            // where to look: in the new cluster, or in the old one when it is gone
	Was    string `json:"was,omitempty"` // where it was in the old one, if it is edited
	Says   string `json:"says,omitempty"`
	Text   string `json:"text,omitempty"`
}

func (d *differ) row(c solver.Change) diffRow {
	out := diffRow{Change: c}
	if len(c.Because) == 0 {
		return out
	}
	if known, ok := d.causes[&c.Because[0]]; ok {
		out.because = known
		return out
	}
	for i := range c.Because {
		b := &c.Because[i]
		doc := causeDocument{Kind: b.Kind.String(), Change: b.Change.String(), Object: b.Object, Text: b.Text}
		at, before := d.positions(b)
		if at != nil {
			doc.At = d.now.atPosition(*at)
		}
		if before != nil {
			doc.Was = d.old.atPosition(*before)
		}
		rule := b.Is.Rule
		if doc.At == "" || b.Change == solver.Removed {
			doc.At, doc.Was, rule = doc.Was, "", b.Was.Rule
		}
		if rule != nil {
			doc.Says = ruleText(rule, true)
		}
		out.because = append(out.because, doc)
	}
	d.causes[&c.Because[0]] = out.because
	return out
}

// podFields are what of a pod makes a CausePod.
var podFields = []string{"ports", "hostNetwork", "nodeName", "podIP", "podIPs"}

// positions are where a cause is in the new and in the old input, nil where it
// is not: of an edited one, what is different in the texts.
func (d *differ) positions(b *solver.Cause) (is, was *manifest.Position) {
	if b.Change == solver.Edited {
		var keys []string
		if b.Kind == solver.CausePod {
			keys = podFields
		}
		if before, after, ok := manifest.Difference(d.old.reader, b.Was.Origin, d.now.reader, b.Is.Origin, keys...); ok {
			return &after, &before
		}
	}
	if b.Is.Origin.Known() {
		p := d.now.reader.Locate(b.Is.Origin)
		is = &p
	}
	if b.Was.Origin.Known() {
		p := d.old.reader.Locate(b.Was.Origin)
		was = &p
	}
	return is, was
}

// changeDocument is a row in a JSON document.
type changeDocument struct {
	From     string          `json:"from"`
	To       string          `json:"to"`
	CIDRs    []string        `json:"cidrs,omitempty"`
	Ports    portsDocument   `json:"ports"`
	Before   string          `json:"before"` // "denied", "uncertain", "allowed"
	After    string          `json:"after"`
	Some     bool            `json:"some,omitempty"`   // of some pods only, not of the two as a whole
	Change   string          `json:"change,omitempty"` // in jsonl: "opened", "closed"
	Because  *causeDocument  `json:"because"`
	And      []causeDocument `json:"and,omitempty"`      // what is needed as well
	Unproven bool            `json:"unproven,omitempty"` // of because and and, which it is was not settled
	Witness  witnessPair     `json:"witness"`
	Reason   string          `json:"reason,omitempty"` // of what is or was uncertain
}

type witnessPair struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// diffDocument is podreach.diff/v1 (docs/schema/diff.json).
type diffDocument struct {
	Schema string           `json:"schema"`
	Opened []changeDocument `json:"opened"`
	Closed []changeDocument `json:"closed"`
	Input  inputDocument    `json:"input"`
	Old    *inputDocument   `json:"old,omitempty"` // the input of OLD
}

func (c *diffRow) document() changeDocument {
	doc := changeDocument{From: c.From.Name, To: c.To.Name, CIDRs: cidrs(c.CIDRs), Ports: portsDocument{c.Ports}, Before: c.Before.String(), After: c.After.String(),
		Some: c.Some, Unproven: c.Unproven, Witness: witnessPair{c.Witness.From, c.Witness.To}, Reason: c.Reason}
	if len(c.because) > 0 {
		doc.Because, doc.And = &c.because[0], c.because[1:]
	}
	return doc
}

// document is the answer for a format. Rows can be millions: what other formats
// want is not made. To be asked whether it is there is all that they need.
func (d *differ) document(f report.Format) report.Document {
	out := report.Document{Value: diffDocument{}, Lines: d.lines, Table: &report.Table{}, Graph: &report.Graph{}, Findings: &report.Findings{}}
	switch f {
	case report.JSON, report.YAML:
		out.Value = d.value()
	case report.CSV:
		out.Table = d.table()
	case report.Mermaid, report.Dot:
		out.Graph = d.graph()
	case report.SARIF, report.JUnit, report.GitHub, report.Markdown:
		out.Findings = d.findings()
	}
	return out
}

func (d *differ) value() diffDocument {
	doc := diffDocument{Schema: "podreach.diff/v1", Opened: []changeDocument{}, Closed: []changeDocument{}, Input: d.now.document()}
	if d.now.old != nil {
		old := d.old.document()
		doc.Old = &old
	}
	for i := range d.rows {
		if c := d.rows[i].document(); d.rows[i].Opened() {
			doc.Opened = append(doc.Opened, c)
		} else {
			doc.Closed = append(doc.Closed, c)
		}
	}
	return doc
}

// lines are the rows of jsonl.
func (d *differ) lines(yield func(any) bool) {
	for i := range d.rows {
		c := d.rows[i].document()
		c.Change = d.rows[i].sign()
		if !yield(c) {
			return
		}
	}
}

func (d *differ) table() *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "change"}, {Name: "from"}, {Name: "to"}, {Name: "ports"}, {Name: "before"}, {Name: "after"},
		{Name: "because"}, {Name: "at"}, {Name: "cidrs", Wide: true}, {Name: "text", Wide: true}}}
	for i := range d.rows {
		c := &d.rows[i]
		var because, at, text []string
		for _, b := range c.because {
			because = append(because, strings.TrimSpace(b.subject()+" "+b.Change))
			if b.At != "" {
				at = append(at, b.At)
			}
			if b.Text != "" {
				text = append(text, b.Text)
			}
		}
		t.Rows = append(t.Rows, []string{c.mark(), c.From.Name, c.To.Name, portsText(c.Ports), c.Before.String(), c.After.String(),
			strings.Join(because, " and "), strings.Join(at, ", "), strings.Join(cidrs(c.CIDRs), ","), strings.Join(text, "; ")})
	}
	return t
}

// subject is what a cause is of: its object, or what there is without one.
func (b *causeDocument) subject() string {
	switch {
	case b.Object != "" && b.Kind == "labels":
		return "labels of " + b.Object
	case b.Object != "":
		return b.Object
	case b.Kind == "node":
		return "nodes"
	}
	return "the cluster"
}

func (d *differ) graph() *report.Graph {
	g := &report.Graph{}
	known := map[string]bool{}
	node := func(p solver.Party, c *diffRow) string {
		id, label := p.Name, p.Name
		if outside(p) {
			id += " " + strings.Join(cidrs(c.CIDRs), ",")
			label = d.party(p, c)
		}
		if !known[id] {
			known[id] = true
			g.Nodes = append(g.Nodes, report.Node{ID: id, Label: label, Group: p.Namespace})
		}
		return id
	}
	for i := range d.rows {
		c := &d.rows[i]
		line := report.Solid
		if !c.Opened() {
			line = report.Barred
		}
		g.Edges = append(g.Edges, report.Edge{From: node(c.From, c), To: node(c.To, c), Label: c.mark() + " " + briefPorts(c.Ports), Line: line})
	}
	return g
}

func (d *differ) party(p solver.Party, c *diffRow) string {
	return partyText(p, c.CIDRs, d.now.everywhere())
}

// findings are the changes as a gate reports them.
func (d *differ) findings() *report.Findings {
	f := &report.Findings{Command: "podreach diff", Summary: d.summary(), Checks: []report.Check{
		{ID: signOpened, Title: "a connection is opened", Level: report.Warning,
			Text: "More can connect than before, or may: look whether the rule that is named is meant to open it."},
		{ID: signClosed, Title: "a connection is closed", Level: report.Note,
			Text: "Less can connect than before: look whether anything needs what the rule that is named closes."},
	}}
	known := map[*solver.Cause][]report.Place{} // rows share causes
	for i := range d.rows {
		c := &d.rows[i]
		item := report.Finding{Check: c.sign(), Level: report.Note, Message: d.sentence(c), Passes: !d.fails(c)}
		if c.Opened() {
			item.Level = report.Warning
		}
		if len(c.Because) > 0 {
			at, ok := known[&c.Because[0]]
			if !ok {
				for k := range c.Because {
					at = append(at, d.places(&c.Because[k])...)
				}
				known[&c.Because[0]] = at
			}
			item.At = at
		}
		item.Key = strings.Join([]string{c.sign(), c.From.Name, c.To.Name, strings.Join(cidrs(c.CIDRs), ","), c.Ports.String(), c.Before.String(), c.After.String(), fmt.Sprint(c.Some)}, "|")
		for _, b := range c.because {
			item.Key += "|" + b.Kind + " " + b.Change + " " + b.Object
		}
		f.Items = append(f.Items, item)
	}
	return f
}

// places are where a cause is, the new cluster first.
func (d *differ) places(c *solver.Cause) []report.Place {
	var out []report.Place
	is, was := d.positions(c)
	if is != nil {
		out = append(out, placeAt(*is, ""))
	}
	if was != nil {
		out = append(out, placeAt(*was, "before"))
	}
	return out
}

// sentence is a row in one line.
func (d *differ) sentence(c *diffRow) string {
	s := fmt.Sprintf("%s: %s to %s, %s", c.sign(), d.party(c.From, c), d.party(c.To, c), briefPorts(c.Ports))
	if note := c.note(); note != "" {
		s += " (" + note + ")"
	}
	var because []string
	for _, b := range c.because {
		because = append(because, b.subject()+" "+b.Change)
	}
	if len(because) > 0 {
		s += ", because of " + strings.Join(because, " and ")
	}
	return s
}

// note is what a row says beside that it opens or closes.
func (c *diffRow) note() string {
	var parts []string
	switch {
	case c.After.String() == "uncertain":
		parts = append(parts, "uncertain now")
	case c.Before.String() == "uncertain":
		parts = append(parts, "was uncertain")
	}
	if n := len(parts); n > 0 && c.Reason != "" {
		parts[n-1] += ": " + c.Reason
	}
	if c.Some {
		parts = append(parts, "some pods only, such as "+c.Witness.From+" to "+c.Witness.To)
	}
	return strings.Join(parts, "; ")
}
