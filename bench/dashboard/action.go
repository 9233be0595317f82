package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// result is an entry as github.com/benchmark-action/github-action-benchmark
// reads it for the tool "customSmallerIsBetter", and others like it.
type result struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Range string  `json:"range,omitempty"`
	Extra string  `json:"extra,omitempty"`
}

// writeAction writes the newest run. These actions keep a history of their own,
// and know a result by its name alone: what is not the time says its unit there.
func writeAction(w io.Writer, c *Comparison) error {
	out := []result{}
	for _, b := range c.Newest.Benchmarks {
		for _, unit := range append(slices.Clone(tested), "heap-B/pod") {
			values := b.Samples[unit]
			if len(values) == 0 {
				continue
			}
			s := summarize(values)
			name := b.Name
			if unit != nanoseconds {
				name += " - " + unit
			}
			out = append(out, result{Name: name, Unit: unit, Value: s.Center, Range: spread(s.Center, s.Lo, s.Hi),
				Extra: fmt.Sprintf("%d samples\n%s\n%v", len(values), c.Newest.Go, c.Newest.Machine)})
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
