package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Limit is what a benchmark must not exceed: a time an operation, bytes of the
// index a pod, times what another benchmark of the same run takes, or a number
// of a unit of its own, such as "x-of-reading".
type Limit struct {
	Benchmark string  `json:"benchmark"`
	Time      string  `json:"time,omitempty"` // as time.ParseDuration reads it
	Heap      float64 `json:"heap,omitempty"` // heap-B/pod
	Times     float64 `json:"times,omitempty"`
	Of        string  `json:"of,omitempty"`
	Unit      string  `json:"unit,omitempty"`
	Most      float64 `json:"most,omitempty"`
	Source    string  `json:"source"`

	time time.Duration
}

func readLimits(file string) ([]Limit, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var limits []Limit
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&limits); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range limits {
		if err := limits[i].check(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, limits[i].Benchmark, err)
		}
	}
	return limits, nil
}

func (l *Limit) check() error {
	kinds := 0
	if l.Time != "" {
		var err error
		if l.time, err = time.ParseDuration(l.Time); err != nil {
			return err
		}
		if l.time <= 0 {
			return fmt.Errorf("time %s", l.Time)
		}
		kinds++
	}
	if l.Heap > 0 {
		kinds++
	}
	if l.Times > 0 && l.Of != "" {
		kinds++
	}
	if l.Most > 0 && l.Unit != "" {
		kinds++
	}
	if kinds != 1 {
		return fmt.Errorf("one of time, heap, times with of, and most with unit")
	}
	if l.Source == "" {
		return fmt.Errorf("no source")
	}
	return nil
}

// unit is the unit of what is limited.
func (l *Limit) unit() string {
	switch {
	case l.Heap > 0:
		return "heap-B/pod"
	case l.Most > 0:
		return l.Unit
	}
	return nanoseconds
}

// value is the limit in its unit, in a given run; there is none if the run lacks
// the benchmark that the limit speaks of.
func (l *Limit) value(r *Run) (float64, bool) {
	switch {
	case l.Heap > 0:
		return l.Heap, true
	case l.Time != "":
		return float64(l.time), true
	case l.Most > 0:
		return l.Most, true
	}
	of := r.benchmark(l.Of)
	if of == nil || len(of.Samples[nanoseconds]) == 0 {
		return 0, false
	}
	return l.Times * summarize(of.Samples[nanoseconds]).Center, true
}
