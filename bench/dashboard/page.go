package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

// page is what the template shows.
type page struct {
	*Comparison
	Worse, Better []Found
	Few           int // benchmarks of too few samples
	Compared      int // times that the test compared
	Limits        []limitRow
	Over          int
	Ops           []opSection
	Least         string
	LeastHeap     string
	Alpha         string
	Chance        string // regressions that chance alone would show
}

type runRow struct {
	Run   *Run
	Other bool // of another machine
}

// Newest1st returns all runs of the table of runs.
func (p *page) Newest1st() []runRow {
	var out []runRow
	for _, r := range p.Runs {
		out = append(out, runRow{r, false})
	}
	for _, r := range p.Others {
		out = append(out, runRow{r, true})
	}
	slices.SortStableFunc(out, func(a, b runRow) int { return b.Run.Date.Compare(a.Run.Date) })
	return out
}

type limitRow struct {
	*Trend
	Against
	Unit  string
	Bar   chart
	Older bool // not of the newest run
}

type opSection struct {
	Op     string
	Chart  chart
	Rows   []opRow
	Units  []string // of Values
	Values []valueRow
}

type opRow struct {
	*Trend
	Time   Change
	Colour string
	Size   string // a path
	Limits []Against
	Chart  chart
	Notes  []string
	Older  bool
}

type valueRow struct {
	*Trend
	Values []string
}

var kindText = map[Kind]string{
	First: "nothing to compare", Few: "too few samples", Same: "no difference", Better: "faster", Worse: "slower", Differs: "differs",
}

func writePage(w io.Writer, c *Comparison) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"quantity": quantity, "ratio": ratio, "spread": spread,
		"percent": percent,
		"p": func(p float64) string {
			if p < 0.001 {
				return "< 0.001"
			}
			return fmt.Sprintf("%.3f", p)
		},
		"kind":   func(k Kind) string { return kindText[k] },
		"rest":   func(t *Trend) string { return strings.TrimPrefix(t.Name, t.Op+"/") },
		"add":    func(a, b float64) float64 { return a + b },
		"sub":    func(a, b float64) float64 { return a - b },
		"dict":   dict,
		"parts":  func(name string) []string { return strings.Split(name, "/") },
		"plural": plural,
		"round":  func(v *float64) string { return fmt.Sprintf("%.0f", *v) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(c))
}

// dict makes the argument of a template of names and values.
func dict(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

func newPage(c *Comparison) *page {
	p := &page{Comparison: c, Worse: c.all(Worse), Better: c.all(Better), Least: fmt.Sprintf("%.0f %%", 100*least), LeastHeap: fmt.Sprintf("%.0f %%", 100*leastHeap)}
	var shapes []string
	for _, t := range c.Trends {
		if !slices.Contains(shapes, t.Shape) {
			shapes = append(shapes, t.Shape)
		}
	}
	for _, t := range c.Trends {
		switch t.time().Kind {
		case First:
		case Few:
			p.Few++
			fallthrough
		default:
			p.Compared++
		}
		for _, a := range t.Against {
			p.Limits = append(p.Limits, limitRow{Trend: t, Against: a, Unit: a.Limit.unit(), Bar: bar(a.Ratio()), Older: t.Last != c.Newest})
			if a.Ratio() > 1 {
				p.Over++
			}
		}
		if len(p.Ops) == 0 || p.Ops[len(p.Ops)-1].Op != t.Op {
			p.Ops = append(p.Ops, opSection{Op: t.Op})
		}
		s := &p.Ops[len(p.Ops)-1]
		row := opRow{Trend: t, Time: *t.time(), Colour: colourOf(shapes, t.Shape), Size: markPath(t.Size, 6, 6), Chart: trendChart(t, len(c.Runs), shapes), Older: t.Last != c.Newest}
		for _, a := range t.Against {
			if a.Limit.unit() == nanoseconds {
				row.Limits = append(row.Limits, a)
			}
		}
		row.Notes = notes(t)
		s.Rows = append(s.Rows, row)
	}
	slices.SortStableFunc(p.Limits, func(a, b limitRow) int {
		if a.Ratio() > b.Ratio() {
			return -1
		} else if a.Ratio() < b.Ratio() {
			return 1
		}
		return 0
	})
	for i := range p.Ops {
		p.Ops[i].fill(c, shapes)
	}
	p.Alpha = "0.05"
	p.Chance = fmt.Sprintf("%.1f", 0.05*float64(p.Compared)/2)
	return p
}

// notes says what beside the source differs between the two runs of a trend.
func notes(t *Trend) []string {
	var out []string
	if t.Before != nil && t.Before.Go != t.Last.Go {
		out = append(out, t.Before.Go+" before")
	}
	for _, ch := range t.Changes {
		if ch.Kind == Differs {
			out = append(out, fmt.Sprintf("%s %s before, now %s: not the same work", ch.Unit, quantity(ch.Before.Center, ch.Unit), quantity(ch.Now.Center, ch.Unit)))
		}
	}
	return out
}

// fill draws an operation and gathers everything that was measured of it.
func (s *opSection) fill(c *Comparison, shapes []string) {
	var trends []*Trend
	present := map[string]bool{}
	for _, r := range s.Rows {
		trends = append(trends, r.Trend)
		for unit := range r.Last.benchmark(r.Name).Samples {
			present[unit] = true
		}
	}
	s.Chart = opChart(s.Op, trends, c.Runs, shapes)
	known := slices.Concat(tested[1:], counted, []string{"ns/pod", "MB/s", "verdicts/s"})
	for _, unit := range known {
		if present[unit] {
			s.Units = append(s.Units, unit)
		}
		delete(present, unit)
	}
	delete(present, nanoseconds)
	for unit := range present {
		known = append(known, unit)
	}
	others := known[len(tested)-1+len(counted)+3:]
	slices.Sort(others)
	s.Units = append(s.Units, others...)
	for _, t := range trends {
		row := valueRow{Trend: t}
		b := t.Last.benchmark(t.Name)
		for _, unit := range s.Units {
			if v := b.Samples[unit]; len(v) > 0 {
				row.Values = append(row.Values, quantity(summarize(v).Center, unit))
			} else {
				row.Values = append(row.Values, "–")
			}
		}
		s.Values = append(s.Values, row)
	}
}
