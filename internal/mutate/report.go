package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"maps"
	"slices"
	"strings"
)

// report is what became of a sample.
type report struct {
	mutants, killed int
	by              map[string]int // killer -> killed
	explained       []key
	unexplained     []key
	stale           []key // explained, and killed or gone
}

func judge(ms []*mutant, outcomes []outcome, known explained, all []*mutant) report {
	r := report{mutants: len(ms), by: map[string]int{}}
	exists := map[key]bool{}
	for _, m := range all {
		exists[m.key] = true
	}
	for k := range known {
		if !exists[k] {
			r.stale = append(r.stale, k)
		}
	}
	for i, m := range ms {
		_, known := known[m.key]
		switch killed := outcomes[i].killer != ""; {
		case killed:
			r.killed++
			r.by[outcomes[i].killer]++
			if known {
				r.stale = append(r.stale, m.key)
			}
		case known:
			r.explained = append(r.explained, m.key)
		default:
			r.unexplained = append(r.unexplained, m.key)
		}
	}
	slices.SortFunc(r.stale, func(a, b key) int { return strings.Compare(a.String(), b.String()) })
	return r
}

// print writes the report. The error says what is wrong with it.
func (r report) print(out *log.Logger) error {
	share := 1.0
	if r.mutants > 0 {
		share = float64(r.killed) / float64(r.mutants)
	}
	byCount := func(a, b string) int { return cmp.Or(cmp.Compare(r.by[b], r.by[a]), strings.Compare(a, b)) }
	var by []string
	for _, k := range slices.SortedFunc(maps.Keys(r.by), byCount) {
		by = append(by, fmt.Sprint(k, " ", r.by[k]))
	}
	out.Printf("killed %d, %.1f %%: %s", r.killed, 100*share, strings.Join(by, ", "))
	out.Printf("survive %d, explained %d", len(r.explained)+len(r.unexplained), len(r.explained))
	var wrong []string
	for _, list := range []struct {
		what string
		keys []key
	}{{"survive without a reason in " + survivors, r.unexplained}, {"are explained in " + survivors + " and are killed or gone", r.stale}} {
		if len(list.keys) == 0 {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%d %s", len(list.keys), list.what))
		out.Printf("\nThese %s:", list.what)
		for _, k := range list.keys {
			out.Printf("\n%vwhy: ", k)
		}
	}
	if share < atLeast {
		wrong = append(wrong, fmt.Sprintf("fewer than %.0f %% are killed", 100*atLeast))
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}
