package fuzz

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/podreach/podreach/internal/gen"
)

// Count is what one comparison has compared.
type Count struct {
	Verdicts  int            // answers that both sides gave
	Explained map[string]int // disagreements that a ledger explains, by entry
}

// Tally is what a comparison has counted over many clusters.
type Tally struct {
	Counterpart   string // what podreach was compared with
	Clusters      int64
	Verdicts      int64
	Disagreements int64                 // that nothing explains
	Explained     map[string]int64      `json:",omitempty"` // that a ledger explains, by entry
	Constructs    map[gen.Feature]int64 // verdicts over clusters that have the construct
}

func (t *Tally) add(n Count, features map[gen.Feature]int) {
	t.Clusters++
	t.Verdicts += int64(n.Verdicts)
	for entry, times := range n.Explained {
		t.Explained[entry] += int64(times)
	}
	for f := range features {
		t.Constructs[f] += int64(n.Verdicts)
	}
}

// Missing are the constructs over which no verdict was compared.
func (t *Tally) Missing() []gen.Feature {
	var out []gen.Feature
	for _, f := range gen.Features {
		if t.Constructs[f] == 0 {
			out = append(out, f)
		}
	}
	return out
}

// lacks reports whether one of the constructs is missing.
func (t *Tally) lacks(features map[gen.Feature]int) bool {
	for f := range features {
		if t.Constructs[f] == 0 {
			return true
		}
	}
	return false
}

// Append writes the tally as a line of JSON at the end of a file.
func (t *Tally) Append(path string) (err error) {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // it is no secret
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(line, '\n'))
	return err
}
