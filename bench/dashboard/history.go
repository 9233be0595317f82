package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// kept is the history of the repository.
const kept = "bench/history.jsonl"

// readHistory reads all runs, the oldest first. There may be no history yet.
func readHistory(file string) ([]*Run, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var runs []*Run
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		r := &Run{}
		if err := json.Unmarshal(line, r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		runs = append(runs, r)
	}
	return inOrder(runs), nil
}

// inOrder sorts by date: branches that each add a run merge in any order.
func inOrder(runs []*Run) []*Run {
	slices.SortStableFunc(runs, func(a, b *Run) int {
		return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Commit, b.Commit))
	})
	return runs
}

func has(runs []*Run, r *Run) bool {
	return slices.ContainsFunc(runs, func(o *Run) bool {
		return o.Date.Equal(r.Date) && o.Commit == r.Commit && o.Machine == r.Machine
	})
}

func appendHistory(file string, r *Run) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
