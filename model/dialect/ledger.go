package dialect

import (
	"cmp"
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
	Assumptions []string // what the answer takes for granted because the input does not say it
}

// Ignore counts an object that has no part in the answer.
func (l *Ledger) Ignore(kind string) {
	if l.Ignored == nil {
		l.Ignored = map[string]int{}
	}
	l.Ignored[kind]++
}

// Report adds a diagnostic.
func (l *Ledger) Report(d Diagnostic) { l.Diagnostics = append(l.Diagnostics, d) }

// Assume adds an assumption once.
func (l *Ledger) Assume(text string) {
	if !slices.Contains(l.Assumptions, text) {
		l.Assumptions = append(l.Assumptions, text)
	}
}

// Count returns the number of diagnostics of a severity.
func (l *Ledger) Count(s Severity) int {
	n := 0
	for _, d := range l.Diagnostics {
		if d.Severity() == s {
			n++
		}
	}
	return n
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
