package versus

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// Table is a table in Markdown, which is to be read as text too.
type Table struct {
	Head []string
	Rows [][]string
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// WriteTo writes the table. Columns are aligned.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	var text strings.Builder
	tw := tabwriter.NewWriter(&text, 0, 0, 0, ' ', 0)
	line := func(cells []string) {
		fmt.Fprintln(tw, "| "+strings.Join(cells, "\t | ")+"\t |")
	}
	line(t.Head)
	rule := make([]string, len(t.Head))
	for i, h := range t.Head {
		rule[i] = strings.Repeat("-", max(3, len(h)))
	}
	line(rule)
	for _, r := range t.Rows {
		line(r)
	}
	if err := tw.Flush(); err != nil {
		return 0, err
	}
	n, err := io.WriteString(w, text.String())
	return int64(n), err
}

// Times is the table of results, in their order.
func Times(results []Result) *Table {
	t := &Table{Head: []string{"operation", "shape", "pods", "peer", "podreach", "peer's", "ratio"}}
	for _, r := range results {
		t.Add(r.Op, r.Shape, fmt.Sprint(r.Pods), r.Peer, Time(r.Ours), Time(r.Theirs), Ratio(r.Ratio()))
	}
	return t
}

// Growth is the table of exponents over the sizes of results, for whatever was
// measured at two sizes or more.
func Growth(results []Result) *Table {
	type key struct{ op, shape, peer string }
	type series struct {
		sizes        []int
		ours, theirs []time.Duration
	}
	var keys []key
	by := map[key]*series{}
	for _, r := range results {
		k := key{r.Op, r.Shape, r.Peer}
		if by[k] == nil {
			keys, by[k] = append(keys, k), &series{}
		}
		s := by[k]
		s.sizes, s.ours, s.theirs = append(s.sizes, r.Pods), append(s.ours, r.Ours), append(s.theirs, r.Theirs)
	}
	t := &Table{Head: []string{"operation", "shape", "pods", "peer", "podreach grows with pods to the", "peer"}}
	for _, k := range keys {
		s := by[k]
		ours, theirs := Exponent(s.sizes, s.ours), Exponent(s.sizes, s.theirs)
		if math.IsNaN(ours) || math.IsNaN(theirs) {
			continue
		}
		t.Add(k.op, k.shape, strings.Trim(strings.ReplaceAll(fmt.Sprint(s.sizes), " ", ", "), "[]"), k.peer, fmt.Sprintf("%.2f", ours), fmt.Sprintf("%.2f", theirs))
	}
	return t
}

// Time has three digits.
func Time(d time.Duration) string {
	f := float64(d)
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}, {time.Microsecond, "µs"}} {
		if d >= u.of {
			return digits(f/float64(u.of)) + " " + u.name
		}
	}
	return fmt.Sprint(int64(d), " ns")
}

// Ratio has three digits at most, and says how many times.
func Ratio(f float64) string { return digits(f) + "x" }

func digits(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}
