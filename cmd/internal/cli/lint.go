package cli

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// failOn are the values of lint's --fail-on, in the order of dialect.Severity
// but for the last, which nothing reaches.
var failOn = []string{"error", "warning", "note", "none"}

func (r *run) lint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Policies that do not do what they seem to",
		Long: `lint shows policies, rules and selectors that do not do what they say: each is
proven for the pods of the input, none is guessed from its text. explain PR4003
tells what a code means, with an example and what puts it right.

Exit code: 0 clean, 1 findings at or above --fail-on, 2 errors.`,
		Example: `  podreach lint -f demo:
  podreach lint -f manifests/ --fail-on note
  podreach lint --context prod -o json`,
	}
	in := r.reads(cmd)
	in.mayBeEmpty(cmd)
	in.lints = true
	out := r.writes(cmd, report.GateFormats()...)
	var fail string
	cmd.Flags().StringVar(&fail, "fail-on", failOn[dialect.Warning], "the least level of a finding that makes the exit code 1: error, warning, note or none")
	completeWords(cmd, "fail-on", failOn)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.in = in
		if err := noArgs(cmd, args); err != nil {
			return err
		}
		if err := out.check(); err != nil {
			return err
		}
		least := slices.Index(failOn, fail)
		if least < 0 {
			return badFlag("unknown level --fail-on %q%s", fail, didYouMean(fail, failOn))
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.nothing() {
			return exitCode(exitError)
		}
		if err := in.checkNamespace(); err != nil {
			return err
		}
		fails := func(f findingDocument) bool {
			return slices.Index(failOn, f.Severity) <= least && least < len(failOn)-1
		}
		doc := in.lintDocument()
		d := report.Document{Value: doc, Lines: lintLines(doc), Table: lintTable(doc), Findings: lintFindings(doc, fails)}
		if err := out.write(d, func(wide bool) string { return lintProse(doc, wide || in.verbose) }); err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Findings, fails) {
			return exitCode(exitNo)
		}
		return nil
	}
	return cmd
}

// lintDocument is podreach.lint/v1 (docs/schema/lint.json).
type lintDocument struct {
	Schema   string            `json:"schema"`
	Findings []findingDocument `json:"findings"`
	Summary  lintSummary       `json:"summary"`
	Input    inputDocument     `json:"input"`
}

type lintSummary struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
	Policies int `json:"policies"` // that were looked at
}

type findingDocument struct {
	Code     string            `json:"code"`
	Severity string            `json:"severity"`
	Object   objectDocument    `json:"object"`
	About    string            `json:"about,omitempty"`
	Message  string            `json:"message"`
	Place    *placeDocument    `json:"place,omitempty"`
	Related  []relatedDocument `json:"related,omitempty"`
}

type objectDocument struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

type placeDocument struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Field  string `json:"field,omitempty"` // of an object that is in no file
}

type relatedDocument struct {
	Object  objectDocument `json:"object"`
	Message string         `json:"message"`
	Place   *placeDocument `json:"place,omitempty"`
}

func objectDocumentOf(o model.ObjectRef) objectDocument {
	return objectDocument{o.Kind, o.Namespace, o.Name}
}

// place is where an origin is, nil for what was made in memory.
func (in *input) place(o model.Origin) *placeDocument {
	if !o.Known() {
		return nil
	}
	p := in.reader.Locate(o)
	if p.Changed {
		return &placeDocument{File: p.File}
	}
	return &placeDocument{p.File, p.Line, p.Column, p.Field}
}

func (p *placeDocument) String() string {
	switch {
	case p == nil:
		return ""
	case p.Line == 0 && p.Field != "":
		return p.File + ":" + p.Field
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, max(1, p.Column))
}

// lintDocument collects the findings of the namespace of -n, and those of no
// namespace, in the order of their places.
func (in *input) lintDocument() lintDocument {
	doc := lintDocument{Schema: "podreach.lint/v1", Findings: []findingDocument{}, Input: in.document()}
	doc.Summary.Policies = in.ledger.Policies
	add := func(f solver.Finding) {
		if in.namespace != "" && f.Object.Namespace != "" && f.Object.Namespace != in.namespace {
			return
		}
		d := findingDocument{Code: f.Code.String(), Severity: f.Severity.String(), Object: objectDocumentOf(f.Object), About: f.About, Message: f.Message, Place: in.place(f.Origin)}
		for _, r := range f.Related {
			d.Related = append(d.Related, relatedDocument{objectDocumentOf(r.Object), r.Message, in.place(r.Origin)})
		}
		doc.Findings = append(doc.Findings, d)
		switch f.Severity {
		case dialect.Error:
			doc.Summary.Errors++
		case dialect.Warning:
			doc.Summary.Warnings++
		case dialect.Note:
			doc.Summary.Notes++
		}
	}
	for _, d := range in.ledger.Diagnostics {
		if d.Code.Lint() {
			add(solver.Finding{Code: d.Code, Severity: d.Severity(), Object: d.Object, Origin: d.Origin, Message: d.Message})
		}
	}
	for f := range solver.Lint(in.x) {
		add(f)
	}
	slices.SortStableFunc(doc.Findings, func(a, b findingDocument) int {
		p, q := a.Place, b.Place
		if p == nil || q == nil {
			p, q = &placeDocument{}, &placeDocument{}
		}
		return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(a.Code, b.Code))
	})
	return doc
}

func lintLines(doc lintDocument) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, f := range doc.Findings {
			if !yield(f) {
				return
			}
		}
	}
}

func lintTable(doc lintDocument) *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "place"}, {Name: "level"}, {Name: "code"}, {Name: "object"}, {Name: "message"}}}
	for _, f := range doc.Findings {
		t.Rows = append(t.Rows, []string{f.Place.String(), f.Severity, f.Code, f.Object.String(), f.Message})
	}
	return t
}

func (o objectDocument) String() string {
	return model.ObjectRef{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}.String()
}

// lintFindings is the answer for the formats of CI.
func lintFindings(doc lintDocument, fails func(findingDocument) bool) *report.Findings {
	levels := map[string]report.Level{dialect.Error.String(): report.Error, dialect.Warning.String(): report.Warning, dialect.Note.String(): report.Note}
	out := &report.Findings{Command: "podreach lint", Summary: lintSummaryText(doc.Summary)}
	for _, c := range dialect.Codes {
		if c.Code.Lint() {
			out.Checks = append(out.Checks, report.Check{ID: c.Code.String(), Title: c.Title, Text: c.Text, Level: levels[c.Severity.String()], Tags: []string{"network-policy"}})
		}
	}
	at := func(p *placeDocument, message string) []report.Place {
		if p == nil {
			return nil
		}
		return []report.Place{{File: p.File, Line: p.Line, Column: p.Column, Message: message}}
	}
	for _, f := range doc.Findings {
		item := report.Finding{Check: f.Code, Level: levels[f.Severity], Message: f.Message, At: at(f.Place, ""), Key: strings.TrimSpace(f.Code + " " + f.Object.String() + " " + f.About), Passes: !fails(f)}
		for _, r := range f.Related {
			item.At = append(item.At, at(r.Place, r.Object.String()+": "+r.Message)...)
		}
		out.Items = append(out.Items, item)
	}
	return out
}

// lintProse is one line for each finding, as compilers print them; all has the
// other places too.
func lintProse(doc lintDocument, all bool) string {
	var b strings.Builder
	for _, f := range doc.Findings {
		at := f.Place.String()
		if at != "" {
			at += ": "
		}
		printf(&b, "%s%s: %s (%s)\n", at, f.Severity, f.Message, f.Code)
		for _, r := range f.Related {
			if all && r.Place != nil {
				printf(&b, "    %s: %s: %s\n", r.Place.String(), r.Object.String(), r.Message)
			}
		}
	}
	b.WriteString(lintSummaryText(doc.Summary) + "\n")
	return b.String()
}

func lintSummaryText(s lintSummary) string {
	n := s.Errors + s.Warnings + s.Notes
	if n == 0 {
		return fmt.Sprintf("no findings in %s", counted(s.Policies, "policy", "policies"))
	}
	var parts []string
	for _, k := range []struct {
		n             int
		one, severals string
	}{{s.Errors, "error", "errors"}, {s.Warnings, "warning", "warnings"}, {s.Notes, "note", "notes"}} {
		if k.n > 0 {
			parts = append(parts, counted(k.n, k.one, k.severals))
		}
	}
	return fmt.Sprintf("%s in %s: %s", counted(n, "finding", "findings"), counted(s.Policies, "policy", "policies"), strings.Join(parts, ", "))
}

func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
