package cli

import (
	"errors"
	"slices"

	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// changed reports whether the question is about a changed cluster.
func (in *input) changed() bool { return len(in.apply)+len(in.remove) > 0 }

// targets reads the arguments of --delete, and checks those of --apply.
func (in *input) targets() ([]cluster.Target, error) {
	if slices.Contains(in.files, manifest.Stdin) && slices.Contains(in.apply, manifest.Stdin) {
		return nil, badFlag("-f - and --apply - cannot both be standard input")
	}
	var out []cluster.Target
	for _, text := range in.remove {
		t, err := cluster.ParseTarget(text)
		if err != nil {
			return nil, badFlag("--delete %v", err)
		}
		out = append(out, t)
	}
	return out, nil
}

// change makes the changes of --apply and --delete. After an error nothing can
// be answered.
func (in *input) change(state *cluster.State, targets []cluster.Target, config string) error {
	if len(in.apply) > 0 {
		state.Apply(in.reader.Read(in.inputs(in.apply, config), in.ledger))
	}
	err := state.Delete(targets...)
	var missing *cluster.TargetError
	if errors.As(err, &missing) {
		return coded(dialect.CodeNoTarget, "--delete %v", missing)
	}
	return err
}
