package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

const (
	nanoseconds = "ns/op"

	mostRuns   = 60   // that are shown
	least      = 0.02 // a smaller difference is no regression, however certain
	leastHeap  = 0.10 // as least, of what is measured once a run: equal indexes of a thousand pods differ by 5 %
	confidence = 0.95
)

// tested are the units of which every sample is a measurement, so that the
// test applies; more is worse.
var tested = []string{nanoseconds, "B/op", "allocs/op"}

// counted are the units that are measured once a process, or are the same every
// time: they are compared as numbers. More is worse of "heap-B/pod" alone; the
// others say what kind of work it is, and that they differ is what is said.
var counted = []string{"heap-B/pod", "classes", "addr-atoms", "port-atoms", "rows"}

// Kind is what a comparison says.
type Kind string

const (
	First   Kind = "first"     // nothing to compare with
	Few     Kind = "few"       // too few samples to tell
	Same    Kind = "same"      // no difference that the test sees
	Better  Kind = "better"    // less than before
	Worse   Kind = "worse"     // a regression
	Differs Kind = "different" // another number of what is neither good nor bad
)

// Change is how one unit of a benchmark differs from the commit before.
type Change struct {
	Unit        string
	Before, Now benchmath.Summary
	Kind        Kind
	P           float64 // of the test; 1 if there was none
	N1, N2      int     // samples
}

// Ratio is now through before, 1 if both are zero.
func (c Change) Ratio() float64 {
	if c.Before.Center == c.Now.Center {
		return 1
	}
	return c.Now.Center / c.Before.Center
}

// Against is a Limit and how far a benchmark is from it.
type Against struct {
	Limit Limit
	Value float64 // the limit in Unit
	Now   float64
}

// Ratio is above 1 if the limit is exceeded.
func (a Against) Ratio() float64 { return a.Now / a.Value }

// Point is a benchmark in one run.
type Point struct {
	Run *Run
	At  int // of Comparison.Runs
	benchmath.Summary
	Low, High float64
	N         int
}

// Trend is a benchmark over all runs that have it.
type Trend struct {
	Name, Op, Shape, Size string
	Points                []Point // times
	Last                  *Run    // the newest that has it
	Before                *Run    // the newest of another source; or nil
	Changes               []Change
	Against               []Against
}

// time is the Change of the time.
func (t *Trend) time() *Change {
	for i := range t.Changes {
		if t.Changes[i].Unit == nanoseconds {
			return &t.Changes[i]
		}
	}
	return nil
}

// Comparison is all that there is to show.
type Comparison struct {
	Newest *Run
	Runs   []*Run // of the same machine as Newest, the newest last
	Others []*Run // of other machines, which are not compared
	Trends []*Trend
}

// compare compares the newest run of each benchmark with the newest run before
// it that measured another source on the same machine.
func compare(runs []*Run, limits []Limit) *Comparison {
	c := &Comparison{Newest: runs[len(runs)-1]}
	for _, r := range runs {
		if r.Machine == c.Newest.Machine {
			c.Runs = append(c.Runs, r)
		} else {
			c.Others = append(c.Others, r)
		}
	}
	c.Runs = c.Runs[max(0, len(c.Runs)-mostRuns):]

	seen := map[string]bool{}
	for i := len(c.Runs) - 1; i >= 0; i-- {
		for _, b := range c.Runs[i].Benchmarks {
			if !seen[b.Name] && len(b.Samples[nanoseconds]) > 0 {
				seen[b.Name] = true
				c.Trends = append(c.Trends, trend(b.Name, c.Runs, limits))
			}
		}
	}
	// What an older run has and the newest has not stands with its operation.
	order := map[string]int{}
	for _, t := range c.Trends {
		if _, ok := order[t.Op]; !ok {
			order[t.Op] = len(order)
		}
	}
	slices.SortStableFunc(c.Trends, func(a, b *Trend) int { return order[a.Op] - order[b.Op] })
	return c
}

func trend(name string, runs []*Run, limits []Limit) *Trend {
	t := &Trend{Name: name}
	t.Op, t.Shape, _ = strings.Cut(name, "/")
	t.Shape, t.Size, _ = strings.Cut(t.Shape, "/")
	for i, r := range runs {
		b := r.benchmark(name)
		if b == nil || len(b.Samples[nanoseconds]) == 0 {
			continue
		}
		s := b.Samples[nanoseconds]
		t.Points = append(t.Points, Point{Run: r, At: i, Summary: summarize(s), Low: slices.Min(s), High: slices.Max(s), N: len(s)})
		t.Last = r
	}
	for i := len(t.Points) - 1; i >= 0 && t.Before == nil; i-- {
		if r := t.Points[i].Run; !r.sameSource(t.Last) {
			t.Before = r
		}
	}
	now, before := t.Last.benchmark(name).Samples, map[string][]float64(nil)
	if t.Before != nil {
		before = t.Before.benchmark(name).Samples
	}
	for _, unit := range slices.Concat(tested, counted) {
		if len(now[unit]) > 0 {
			t.Changes = append(t.Changes, change(unit, before[unit], now[unit]))
		}
	}
	for _, l := range limits {
		if l.Benchmark != name || len(now[l.unit()]) == 0 {
			continue
		}
		if v, ok := l.value(t.Last); ok {
			t.Against = append(t.Against, Against{Limit: l, Value: v, Now: summarize(now[l.unit()]).Center})
		}
	}
	return t
}

// change compares the samples of one unit.
func change(unit string, before, now []float64) Change {
	c := Change{Unit: unit, Now: summarize(now), N1: len(before), N2: len(now), P: 1, Kind: First}
	if len(before) == 0 {
		return c
	}
	c.Before = summarize(before)
	least := least
	if unit == "heap-B/pod" {
		least = leastHeap
	}
	more := c.Now.Center > c.Before.Center*(1+least)
	less := c.Now.Center < c.Before.Center*(1-least)
	switch {
	case slices.Contains(tested, unit):
		test := benchmath.AssumeNothing.Compare(sample(before), sample(now))
		c.P = test.P
		alike := slices.Min(before) == slices.Max(before) && c.Before.Center == c.Now.Center && slices.Min(now) == slices.Max(now)
		switch {
		case alike:
			c.Kind = Same
		case test.P > test.Alpha && len(test.Warnings) > 0:
			c.Kind = Few
		case test.P <= test.Alpha && more:
			c.Kind = Worse
		case test.P <= test.Alpha && less:
			c.Kind = Better
		default:
			c.Kind = Same
		}
	case unit == "heap-B/pod":
		c.Kind = Same
		if more {
			c.Kind = Worse
		} else if less {
			c.Kind = Better
		}
	case c.Now.Center != c.Before.Center:
		c.Kind = Differs
	default:
		c.Kind = Same
	}
	return c
}

func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

// summarize returns the median and its confidence interval; where there are too
// few samples for one, the smallest and the largest of them.
func summarize(values []float64) benchmath.Summary {
	s := benchmath.AssumeNothing.Summary(sample(values), confidence)
	if math.IsInf(s.Lo, 0) || math.IsInf(s.Hi, 0) {
		s.Lo, s.Hi = slices.Min(values), slices.Max(values)
	}
	return s
}

// Busy returns the runs that are compared although the machine was busy.
func (c *Comparison) Busy() []*Run {
	var out []*Run
	for _, t := range c.Trends {
		for _, r := range []*Run{t.Before, t.Last} {
			if r != nil && r.Busy() && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// Found is a Change of a Trend.
type Found struct {
	*Trend
	Change
}

// all returns all changes of a kind, those of the largest ratio first.
func (c *Comparison) all(k Kind) []Found {
	var out []Found
	for _, t := range c.Trends {
		for _, ch := range t.Changes {
			if ch.Kind == k {
				out = append(out, Found{t, ch})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Found) int {
		x, y := math.Abs(math.Log(a.Ratio())), math.Abs(math.Log(b.Ratio()))
		if x > y {
			return -1
		} else if x < y {
			return 1
		}
		return 0
	})
	return out
}

// limited returns how many limits there are values for, and how many of them
// are exceeded.
func (c *Comparison) limited() (all, over int) {
	for _, t := range c.Trends {
		for _, a := range t.Against {
			if all++; a.Ratio() > 1 {
				over++
			}
		}
	}
	return all, over
}

// summary is what a terminal is told.
func (c *Comparison) summary() []string {
	var out []string
	for _, f := range c.all(Worse) {
		test := ""
		if slices.Contains(tested, f.Unit) {
			test = fmt.Sprintf(", p=%.3f n=%d+%d", f.P, f.N1, f.N2)
		}
		out = append(out, fmt.Sprintf("regression: %s %s: %s -> %s (%s%s)", f.Name, f.Unit,
			quantity(f.Change.Before.Center, f.Unit), quantity(f.Now.Center, f.Unit), ratio(f.Ratio()), test))
	}
	for _, r := range c.Busy() {
		out = append(out, fmt.Sprintf("the machine was busy when %s was measured: in %.0f %% of the time something waited for a processor", r.Short(), *r.Waiting))
	}
	all, over := c.limited()
	return append(out, fmt.Sprintf("%d benchmarks; %d regressions, %d improvements; %d of %d limits exceeded; %d runs of this machine, %d of others",
		len(c.Trends), len(c.all(Worse)), len(c.all(Better)), over, all, len(c.Runs), len(c.Others)))
}
