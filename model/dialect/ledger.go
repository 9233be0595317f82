package dialect

import (
	"cmp"
	"fmt"
	"slices"
)

// Ledger is what was read, left out and assumed. The zero Ledger is empty and
// ready. It is not safe for concurrent use.
type Ledger struct {
	Objects     int            // Kubernetes objects met, understood or not
	Pods        int            // Pod objects
	Workloads   int            // objects with a pod template
	Policies    int            // policy objects that are in force
	Ignored     map[string]int // kind -> objects that have no part in the answer
	Diagnostics []Diagnostic
	Left        map[Code]int // of Report, how many diagnostics were one too many of their code (MaxKept) and are only counted
	Assumptions []string     // what the answer takes for granted because the input does not say it
	Changes     []string     // what was applied to the input and deleted from it, and what that took along

	kept    map[Code]int // of Diagnostics, by Report
	counted int          // of Diagnostics
	counts  [3]int       // of them, by severity
}

// MaxKept is how many diagnostics of one code a Ledger keeps. Input may have
// millions, which nobody reads and which would fill the memory.
const MaxKept = 10_000

// Ignore counts an object that has no part in the answer.
func (l *Ledger) Ignore(kind string) {
	if l.Ignored == nil {
		l.Ignored = map[string]int{}
	}
	l.Ignored[kind]++
}

// Report adds a diagnostic. Of each code the first MaxKept are kept and the
// others counted.
func (l *Ledger) Report(d Diagnostic) {
	if l.kept == nil {
		l.kept = map[Code]int{}
	}
	if l.kept[d.Code] == MaxKept {
		l.Leave(d.Code, 1)
		return
	}
	l.kept[d.Code]++
	l.Diagnostics = append(l.Diagnostics, d)
}

// Leave counts n diagnostics of a code that are not kept.
func (l *Ledger) Leave(c Code, n int) {
	if l.Left == nil {
		l.Left = map[Code]int{}
	}
	l.Left[c] += n
}

// Reported returns the number of diagnostics of all severities, kept or not.
func (l *Ledger) Reported() int {
	n := len(l.Diagnostics)
	for _, left := range l.Left {
		n += left
	}
	return n
}

// Assume adds an assumption once.
func (l *Ledger) Assume(text string) {
	if !slices.Contains(l.Assumptions, text) {
		l.Assumptions = append(l.Assumptions, text)
	}
}

// Count returns the number of diagnostics of a severity, kept or not. It costs
// O(codes + diagnostics that were added since it was last called).
func (l *Ledger) Count(s Severity) int {
	if l.counted > len(l.Diagnostics) { // some were taken away
		l.counted, l.counts = 0, [3]int{}
	}
	for _, d := range l.Diagnostics[l.counted:] {
		l.counts[d.Severity()]++
	}
	l.counted = len(l.Diagnostics)
	n := l.counts[s]
	for c, left := range l.Left {
		if c.Doc().Severity == s {
			n += left
		}
	}
	return n
}

// Err is nil, or, when something was left out of the answer, an error that says
// the first such thing and how many more there are. Programs that use podreach
// as a library and want a complete answer or none check it once the snapshot is
// made. The position is as exact as the diagnostic itself; a reader's Locate
// knows more.
func (l *Ledger) Err() error {
	n := l.Count(Error)
	if n == 0 {
		return nil
	}
	i := slices.IndexFunc(l.Diagnostics, func(d Diagnostic) bool { return d.Severity() == Error })
	if i < 0 { // somebody took those away that were kept
		return fmt.Errorf("%d errors", n)
	}
	d := l.Diagnostics[i]
	at := d.Origin.File
	if at != "" && d.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, d.Line, d.Column)
	}
	if at != "" {
		at += ": "
	}
	rest := ""
	if n == 2 {
		rest = ", and 1 more error"
	} else if n > 2 {
		rest = fmt.Sprintf(", and %d more errors", n-1)
	}
	return fmt.Errorf("%s%s (%v)%s", at, d.Message, d.Code, rest)
}

// KindCount is a kind with the number of its objects.
type KindCount struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

// IgnoredKinds lists Ignored, most frequent first, then by name.
func (l *Ledger) IgnoredKinds() []KindCount {
	out := make([]KindCount, 0, len(l.Ignored))
	for k, n := range l.Ignored {
		out = append(out, KindCount{k, n})
	}
	slices.SortFunc(out, func(a, b KindCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}
