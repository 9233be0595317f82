package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// chart is an SVG picture as plain numbers and texts, which the template draws
// and escapes.
type chart struct {
	Width, Height            float64
	Left, Right, Top, Bottom float64 // of the plot
	Label                    string  // for those who do not see it
	Ticks, Columns           []tick
	Series                   []series
	Limit                    *float64
}

type tick struct {
	At   float64
	Text string
}

type series struct {
	Colour  string // class
	Mark    string // class
	Line    string // points of a polyline
	Points  []mark
	Name    string
	Leader  string
	NameX   float64
	NameY   float64
	measure float64 // where NameY wants to be
}

type mark struct {
	X, Y      float64
	Low, High float64
	Path      string
	Title     string
}

// colours by shape, the same all over the page. There are more shapes than a
// reader can tell apart by colour alone; every line has its name at its end.
func colourOf(shapes []string, shape string) string {
	return fmt.Sprint("c", slices.Index(shapes, shape)%8)
}

// marks by size.
var marks = map[string]func(x, y float64) string{
	"1k":   func(x, y float64) string { return fmt.Sprintf("M%.1f %.1fl4.5 8h-9z", x, y-5) },
	"10k":  func(x, y float64) string { return fmt.Sprintf("M%.1f %.1fa4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x-4, y) },
	"100k": func(x, y float64) string { return fmt.Sprintf("M%.1f %.1fh7v7h-7z", x-3.5, y-3.5) },
	"1M":   func(x, y float64) string { return fmt.Sprintf("M%.1f %.1fl5 5l-5 5l-5 -5z", x, y-5) },
}

func markPath(size string, x, y float64) string {
	f, ok := marks[size]
	if !ok {
		f = marks["10k"]
	}
	return f(x, y)
}

func pointTitle(t *Trend, p Point) string {
	return fmt.Sprintf("%s: %s (%s, %d samples) at %s, %s", strings.TrimPrefix(t.Name, t.Op+"/"), quantity(p.Center, nanoseconds),
		spread(p.Center, p.Lo, p.Hi), p.N, p.Run.Short(), p.Run.Date.Format("2006-01-02"))
}

// opChart draws the times of all benchmarks of an operation, on a logarithmic
// axis: shapes and sizes are decades apart.
func opChart(op string, trends []*Trend, runs []*Run, shapes []string) chart {
	const nameHeight = 15
	c := chart{Width: 900, Left: 58, Top: 10, Label: fmt.Sprintf("Time of %s by commit, one line for each shape and size. The table below has the same numbers.", op)}
	c.Height = max(220, float64(len(trends))*nameHeight+60)
	c.Right, c.Bottom = c.Width-130, c.Height-26

	low, high := math.Inf(1), 0.0
	for _, t := range trends {
		for _, p := range t.Points {
			low, high = min(low, p.Center), max(high, p.Center)
		}
	}
	low, high = max(low, 1e-3)/1.4, max(high, 1e-3)*1.4
	y := func(v float64) float64 {
		return c.Bottom - (math.Log(max(v, low))-math.Log(low))/(math.Log(high)-math.Log(low))*(c.Bottom-c.Top)
	}
	steps := []float64{1}
	if high/low < 4 {
		steps = []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8}
	} else if high/low < 50 {
		steps = []float64{1, 2, 5}
	}
	for decade := math.Floor(math.Log10(low)); decade <= math.Log10(high); decade++ {
		for _, s := range steps {
			if v := s * math.Pow(10, decade); v >= low && v <= high {
				c.Ticks = append(c.Ticks, tick{y(v), quantity(v, nanoseconds)})
			}
		}
	}
	x := func(at int) float64 {
		if len(runs) == 1 {
			return (c.Left + c.Right) / 2
		}
		return c.Left + 12 + float64(at)/float64(len(runs)-1)*(c.Right-c.Left-24)
	}
	every := max(1, (len(runs)+6)/7)
	for i := len(runs) - 1; i >= 0; i -= every {
		c.Columns = append(c.Columns, tick{x(i), runs[i].Short()})
	}

	for _, t := range trends {
		s := series{Colour: colourOf(shapes, t.Shape), Name: strings.TrimPrefix(t.Name, t.Op+"/")}
		var line []string
		for _, p := range t.Points {
			px, py := x(p.At), y(p.Center)
			line = append(line, fmt.Sprintf("%.1f,%.1f", px, py))
			s.Points = append(s.Points, mark{X: px, Y: py, Path: markPath(t.Size, px, py), Title: pointTitle(t, p)})
		}
		s.Line = strings.Join(line, " ")
		s.measure = s.Points[len(s.Points)-1].Y
		c.Series = append(c.Series, s)
	}
	c.nameSeries(nameHeight)
	return c
}

// nameSeries puts the names beside the ends of the lines, not over each other.
func (c *chart) nameSeries(height float64) {
	list := make([]*series, len(c.Series))
	for i := range c.Series {
		list[i] = &c.Series[i]
	}
	slices.SortStableFunc(list, func(a, b *series) int { return cmp.Compare(a.measure, b.measure) })
	at := math.Inf(-1)
	for _, s := range list {
		at = max(at+height, s.measure)
		s.NameY = at
	}
	below := c.Bottom
	for _, s := range slices.Backward(list) {
		s.NameY = min(s.NameY, below)
		below = s.NameY - height
	}
	for _, s := range list {
		s.NameX = c.Right + 22
		end := s.Points[len(s.Points)-1]
		s.Leader = fmt.Sprintf("M%.1f %.1fL%.1f %.1fL%.1f %.1f", end.X+7, end.Y, c.Right+4, end.Y, c.Right+18, s.NameY)
	}
}

// trendChart draws one benchmark on an axis of its own, so that a change shows.
// The axis spans a tenth at least, so that noise stays small.
func trendChart(t *Trend, runs int, shapes []string) chart {
	c := chart{Width: 190, Height: 44, Left: 6, Right: 184, Top: 6, Bottom: 38}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range t.Points {
		low, high = min(low, p.Low), max(high, p.High)
	}
	first, last := t.Points[0], t.Points[len(t.Points)-1]
	c.Label = fmt.Sprintf("Trend of %s over %d runs: from %s to %s, between %s and %s", t.Name, len(t.Points), quantity(first.Center, nanoseconds),
		quantity(last.Center, nanoseconds), quantity(low, nanoseconds), quantity(high, nanoseconds))
	for _, a := range t.Against {
		if a.Limit.unit() == nanoseconds && a.Value > low/1.5 && a.Value < high*1.5 {
			low, high = min(low, a.Value), max(high, a.Value)
			c.Limit = &a.Value
		}
	}
	if middle := (low + high) / 2; high-low < middle/10 {
		low, high = middle*0.95, middle*1.05
	}
	if high == low {
		high = low + 1
	}
	y := func(v float64) float64 { return c.Bottom - (v-low)/(high-low)*(c.Bottom-c.Top) }
	if c.Limit != nil {
		at := y(*c.Limit)
		c.Limit = &at
	}
	s := series{Colour: colourOf(shapes, t.Shape)}
	var line []string
	for _, p := range t.Points {
		px := (c.Left + c.Right) / 2
		if runs > 1 {
			px = c.Left + float64(p.At)/float64(runs-1)*(c.Right-c.Left)
		}
		line = append(line, fmt.Sprintf("%.1f,%.1f", px, y(p.Center)))
		s.Points = append(s.Points, mark{X: px, Y: y(p.Center), Low: y(p.Low), High: y(p.High), Title: pointTitle(t, p)})
	}
	s.Line = strings.Join(line, " ")
	c.Series = []series{s}
	return c
}

// bar draws how far from its limit a benchmark is, on a logarithmic axis from a tenth
// of the limit to ten times it.
func bar(r float64) chart {
	c := chart{Width: 220, Height: 18, Left: 4, Right: 216, Top: 3, Bottom: 15}
	x := func(v float64) float64 {
		return c.Left + (math.Log10(min(max(v, 0.1), 10))+1)/2*(c.Right-c.Left)
	}
	one, at := x(1), x(r)
	c.Limit = &one
	colour := "within"
	if r > 1 {
		colour = "over"
	}
	c.Series = []series{{Colour: colour, Points: []mark{{X: min(one, at), Low: max(1.5, math.Abs(at-one))}}}}
	return c
}
