package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/solver"
)

// row is a row of a listing.
type row struct {
	solver.Connection
	uncertain bool
	past      bool   // it is as it was before a change
	change    string // how it differs from what was before, or is now
}

// What has become of a pair of parties.
const (
	rowNew     = "new"     // it had no row
	rowGone    = "gone"    // it has none any more
	rowChanged = "changed" // its rows are others
)

// rowsOf are the rows of a listing, uncertain ones last.
func rowsOf(l solver.Listing) []row {
	out := make([]row, 0, len(l.Certain)+len(l.Uncertain))
	for _, c := range l.Certain {
		out = append(out, row{Connection: c})
	}
	for _, c := range l.Uncertain {
		out = append(out, row{Connection: c, uncertain: true})
	}
	return out
}

// rows lists the cluster before a change. An expression that selected nothing
// then gives no row.
func (in *input) rows(from, to string, by solver.By) []row {
	q, missing := in.question(from, to, solver.PortQuery{})
	if len(missing) > 0 || onlyOutside(&q.From) && onlyOutside(&q.To) {
		return nil
	}
	l := solver.List(in.x, q.From, q.To, by)
	return rowsOf(solver.Listing{Certain: in.limit(l.Certain), Uncertain: in.limit(l.Uncertain)})
}

type pair struct{ from, to string }

func (r *row) pair() pair { return pair{r.From.Name, r.To.Name} }

// text tells rows apart.
func (r *row) text() string {
	return fmt.Sprint(r.From.Name, " ", r.To.Name, " ", r.CIDRs, " ", r.Ports, " ", r.uncertain)
}

// mark is that of a row in a table: as diff has it.
func (r *row) mark() string {
	switch {
	case r.change == "":
		return ""
	case r.past:
		return "-"
	}
	return "+"
}

// differ marks the rows that are not as they were and adds those that are not
// so any more. The result is sorted by parties, what was before what is.
func (in *input) differ(now, was []row) []row {
	is, before := map[string]bool{}, map[string]bool{}
	pairs, pairsBefore := map[pair]bool{}, map[pair]bool{}
	for i := range now {
		is[now[i].text()], pairs[now[i].pair()] = true, true
	}
	for i := range was {
		before[was[i].text()], pairsBefore[was[i].pair()] = true, true
	}
	for i := range now {
		switch r := &now[i]; {
		case before[r.text()]:
		case pairsBefore[r.pair()]:
			r.change = rowChanged
		default:
			r.change = rowNew
		}
	}
	for _, r := range was {
		if is[r.text()] {
			continue
		}
		r.past, r.change = true, rowGone
		if pairs[r.pair()] {
			r.change = rowChanged
		}
		now = append(now, r)
	}
	slices.SortStableFunc(now, func(a, b row) int {
		return cmp.Or(strings.Compare(a.From.Name, b.From.Name), strings.Compare(a.To.Name, b.To.Name), -compareBool(a.past, b.past), compareBool(a.uncertain, b.uncertain))
	})
	return now
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// changesText counts pairs of parties by what became of them.
func changesText(rows []row) string {
	counts := map[string]int{}
	seen := map[pair]bool{}
	for i := range rows {
		if r := &rows[i]; r.change != "" && !seen[r.pair()] {
			seen[r.pair()] = true
			counts[r.change]++
		}
	}
	var parts []string
	for _, change := range []string{rowNew, rowChanged, rowGone} {
		if n := counts[change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, change))
		}
	}
	if len(parts) == 0 {
		return "no connection was different before"
	}
	return "with the change: " + strings.Join(parts, ", ")
}
