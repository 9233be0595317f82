package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Level says how bad a finding is.
type Level uint8

// The levels. SARIF, annotations and JUnit have these three.
const (
	Note Level = iota
	Warning
	Error
)

// String is "note", "warning" or "error".
func (l Level) String() string { return [...]string{"note", "warning", "error"}[l] }

// Findings is the outcome of a gate: what was checked, and what is wrong. The
// formats of CI are made of it.
type Findings struct {
	Command string  // "podreach check"
	Summary string  // one sentence: "2 of 14 assertions do not hold"
	Checks  []Check // everything that was looked at, whether it holds or not, in order
	Items   []Finding

	// Where it is written; the command line fills it in.
	Version string // of podreach
	Root    string // the absolute folder that paths are relative to; "" is the current one
	Link    string // the address of a file of it without the file's path; "" when there is none
	Input   string // the first input, as the user named it
}

// Check is one thing that was looked at: an assertion, a kind of lint finding,
// a kind of change.
type Check struct {
	ID    string // unique and stable: "training-no-internet", "PR4003"
	Title string // a few words
	Text  string // what it means and what to do, in Markdown; may be ""
	Level Level  // of its findings, unless they say otherwise
	Score string // GitHub's security-severity, "0.1" to "10.0"; may be ""
	Tags  []string
	At    *Place // where it is stated; nil for what is built in
}

// Finding is one thing that is wrong: one for a check and the groups or the
// object that it is about, never one for each pair of pods.
type Finding struct {
	Check   string // Check.ID
	Level   Level
	Message string  // one line that stands alone
	Detail  string  // more lines for people; may be ""
	At      []Place // the first is where to look: the rule that opens, the line that is wrong
	Key     string  // what it is about, stable between runs: names, no lines and no counts
	Waived  string  // why it is accepted; "" when it is not
	Passes  bool    // it does not make the gate fail: below --fail-on, or known to the baseline
}

// fails reports whether a finding makes the gate fail.
func (x *Finding) fails() bool { return x.Waived == "" && !x.Passes }

// Place is a position in a file, as the user named the file.
type Place struct {
	File         string
	Line, Column int    // from 1; 0 when not known
	Message      string // what is there; may be ""
}

// String is "file:line:column", as far as they are known.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// worstFirst are the findings in the order in which whoever shows only some
// should: those that fail the gate, by level, then the others.
func (f *Findings) worstFirst() []*Finding {
	out := make([]*Finding, len(f.Items))
	for i := range f.Items {
		out[i] = &f.Items[i]
	}
	rank := func(x *Finding) int {
		switch {
		case x.fails():
			return 0
		case x.Waived == "":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b *Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Level, a.Level))
	})
	return out
}

// checks are the checks, each once, and those that only findings name.
func (f *Findings) checks() []Check {
	var out []Check
	known := map[string]bool{}
	add := func(c Check) {
		if !known[c.ID] {
			known[c.ID] = true
			out = append(out, c)
		}
	}
	for _, c := range f.Checks {
		add(c)
	}
	for _, x := range f.Items {
		add(Check{ID: x.Check, Title: x.Check, Level: x.Level})
	}
	return out
}

// count is "3 errors".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// cut shortens text to at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	for i := range s {
		if n--; n == 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// printableLines is text of several lines, each printable.
func printableLines(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = printable(strings.TrimRight(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}
