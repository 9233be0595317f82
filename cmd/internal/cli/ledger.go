package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

// shownDiagnostics is how many diagnostics of a severity are printed without -v.
const shownDiagnostics = 20

// inputDocument is what every JSON document says about its input.
type inputDocument struct {
	Objects     int                 `json:"objects"`
	Ignored     []dialect.KindCount `json:"ignored"`
	Errors      int                 `json:"errors"`
	Warnings    int                 `json:"warnings"`
	Assumptions []string            `json:"assumptions"`
	Changes     []string            `json:"changes,omitempty"` // with --apply and --delete
}

func (in *input) document() inputDocument {
	return inputDocument{
		Objects:     in.ledger.Objects,
		Ignored:     in.ledger.IgnoredKinds(),
		Errors:      in.errors(),
		Warnings:    in.count(dialect.Warning),
		Assumptions: append([]string{}, in.ledger.Assumptions...),
		Changes:     in.ledger.Changes,
	}
}

// errors counts everything that makes the exit code 2.
func (in *input) errors() int {
	return in.count(dialect.Error) + len(in.notUnderstood()) + in.failures
}

func (in *input) count(s dialect.Severity) int {
	n := 0
	for _, d := range in.ledger.Diagnostics {
		if in.severity(d) == s && !in.answers(d.Code) {
			n++
		}
	}
	return n + in.unkept(s)
}

// unkept counts the diagnostics of a severity that the ledger has only counted.
func (in *input) unkept(s dialect.Severity) (n int) {
	for code, left := range in.ledger.Left {
		if in.severity(dialect.Diagnostic{Code: code}) == s && !in.answers(code) {
			n += left
		}
	}
	return n
}

// answers reports whether diagnostics of a code are what the command answers.
func (in *input) answers(c dialect.Code) bool { return in.lints && c.Lint() }

// severity is the severity of a diagnostic in this run.
func (in *input) severity(d dialect.Diagnostic) dialect.Severity {
	if in.strict && strictCode(d.Code) {
		return dialect.Error
	}
	return d.Severity()
}

// printDiagnostics prints errors and warnings in the order in which they were
// met, and with -v everything that the ledger holds.
func (in *input) printDiagnostics() {
	w := &strings.Builder{}
	defer func() { io.WriteString(in.run.stderr, w.String()) }() //nolint:errcheck // nowhere is left to say so
	var left [3]int
	for _, s := range []dialect.Severity{dialect.Error, dialect.Warning, dialect.Note} {
		if s == dialect.Note && !in.verbose || s != dialect.Error && in.quiet {
			continue
		}
		shown, unread := 0, 0
		for _, d := range in.ledger.Diagnostics {
			if in.severity(d) != s || in.answers(d.Code) {
				continue
			}
			counter := &shown
			if d.Code == dialect.CodeLimit || d.Code == dialect.CodeUnreadable { // something was not read: that is not lost among what was
				counter = &unread
			}
			if *counter == shownDiagnostics && !in.verbose {
				left[s]++
				continue
			}
			*counter++
			w.WriteString(in.line(d))
		}
	}
	for _, k := range in.notUnderstood() {
		printf(w, "error: --strict: %d of kind %s: what they stand for is not known (%v)\n", k.Count, k.Kind, dialect.CodeNotModelled)
	}
	for s, what := range []string{"errors", "warnings", "notes"} {
		severity := dialect.Severity(s)
		if severity == dialect.Note && !in.verbose || severity != dialect.Error && in.quiet {
			continue
		}
		switch unkept := in.unkept(severity); {
		case unkept > 0 && in.verbose:
			fmt.Fprintf(w, "and %d more %s; of each code the first %d are kept\n", unkept, what, dialect.MaxKept)
		case left[s]+unkept > 0:
			fmt.Fprintf(w, "and %d more %s; -v lists them%s\n", left[s]+unkept, what, firstOnly(unkept))
		}
	}
	if !in.verbose {
		return
	}
	for _, k := range in.ledger.IgnoredKinds() {
		printf(w, "ignored: %d of kind %s\n", k.Count, k.Kind)
	}
	for _, a := range in.ledger.Assumptions {
		printf(w, "assumed: %s\n", a)
	}
	for _, c := range in.ledger.Changes {
		printf(w, "changed: %s\n", c)
	}
}

// firstOnly says that of many diagnostics only some can be listed.
func firstOnly(unkept int) string {
	if unkept == 0 {
		return ""
	}
	return fmt.Sprintf(", the first %d of each code", dialect.MaxKept)
}

// line is a diagnostic as it is printed.
func (in *input) line(d dialect.Diagnostic) string {
	s := in.severity(d)
	position, label := in.position(d), s.String()+": "
	switch {
	case position == "": // the label alone
	case s == dialect.Error:
		position, label = position+": ", ""
	default:
		position += ": "
	}
	return report.Printable(fmt.Sprintf("%s%s%s (%v)", position, label, d.Message, d.Code)) + "\n"
}

// print prints a diagnostic that is about a question, not about the input.
func (in *input) print(d dialect.Diagnostic) {
	if in.quiet && in.severity(d) != dialect.Error {
		return
	}
	io.WriteString(in.run.stderr, in.line(d)) //nolint:errcheck // nowhere is left to say so
}

// position is "file:line:column" of a diagnostic, "" when it is about no file.
func (in *input) position(d dialect.Diagnostic) string {
	switch {
	case !d.Origin.Known():
		return ""
	case d.Line > 0:
		return fmt.Sprintf("%s:%d:%d%s", d.Origin.File, d.Line, max(d.Column, 1), in.beganText(d.Origin.File, d.Line))
	}
	p := in.reader.Locate(d.Origin)
	return p.String() + in.beganText(p.File, p.Line)
}

// account prints the last line of standard error, which --quiet leaves out.
func (in *input) account(w io.Writer) {
	if in.quiet {
		return
	}
	l := in.ledger
	ignored := 0
	for _, n := range l.Ignored {
		ignored += n
	}
	//nolint:errcheck // nowhere is left to say so
	fmt.Fprintf(w, "read %d objects (%d pods, %d workloads, %d policies); ignored %d of %d kinds; %d errors, %d warnings%s\n",
		l.Objects, l.Pods, l.Workloads, l.Policies, ignored, len(l.Ignored), in.errors(), in.count(dialect.Warning), report.Printable(in.side))
}
