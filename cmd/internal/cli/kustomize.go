package cli

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/podreach/podreach/cmd/internal/kustomize"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// kustomizePrefix begins the name of what a kustomization was built to. Lines
// are those of that, as `kustomize build` prints it; no file has them.
const kustomizePrefix = "kustomize:"

// readKustomization reads what the folder of -k stands for. When it cannot be
// built there is nothing to answer about.
func (in *input) readKustomization(state *cluster.State, limits manifest.Limits) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	built, err := kustomize.Build(ctx, in.kustomize)
	if err != nil {
		return coded(dialect.CodeUnreadable, "-k %s: %v", in.kustomize, err)
	}
	for _, from := range built.Fetched {
		in.ledger.Assume("kustomize fetched " + from + " for this answer; it may hold something else next time")
	}
	in.built = &built
	in.read([]manifest.Input{manifest.Bytes(in.builtName(), built.Text)}, limits, state)
	return nil
}

// builtName is the name of what the kustomization was built to.
func (in *input) builtName() string {
	return kustomizePrefix + filepath.ToSlash(filepath.Clean(in.kustomize))
}

// began is the file that an object of the kustomization began as, "" when that
// is not known or the position is elsewhere.
func (in *input) began(file string, line int) string {
	if in.built == nil || file != in.builtName() {
		return ""
	}
	return in.built.File(line)
}

// beganText is that, to be put behind a position.
func (in *input) beganText(file string, line int) string {
	if f := in.began(file, line); f != "" {
		return " (" + f + ")"
	}
	return ""
}
