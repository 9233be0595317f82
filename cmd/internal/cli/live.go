package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/podreach/podreach/cmd/internal/live"
	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// liveFlags say which cluster is read. Their names are those of kubectl.
type liveFlags struct {
	on                  bool
	context, kubeconfig string
	timeout             time.Duration
}

func (l *liveFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&l.on, "live", false, "read the current cluster, through kubectl (as a kubectl plugin: the default without -f)")
	f.StringVar(&l.context, "context", "", "read the cluster of this context of the kubeconfig")
	f.StringVar(&l.kubeconfig, "kubeconfig", "", "the kubeconfig file for kubectl; a cluster is read")
	f.DurationVar(&l.timeout, "request-timeout", live.DefaultTimeout, "live: how long a request to the server may take, of which a kind may need many; a kubectl that is silent for 10 times as long is ended; 0 is for ever")
}

// readsLive reports whether the flags ask for a running cluster.
func (in *input) readsLive() (bool, error) {
	l := in.live
	flag := ""
	switch {
	case l.context != "":
		flag = "--context"
	case l.kubeconfig != "":
		flag = "--kubeconfig"
	case l.on:
		flag = "--live"
	}
	switch {
	case flag != "" && len(in.files) > 0:
		return false, badFlag("-f and %s do not go together: manifests are read, or a cluster", flag)
	case in.kustomize != "" && len(in.files) > 0:
		return false, badFlag("-f and -k do not go together, as in kubectl")
	case flag != "" && in.kustomize != "":
		return false, badFlag("-k and %s do not go together: manifests are read, or a cluster", flag)
	case l.timeout < 0:
		return false, badFlag("--request-timeout: %v is negative", l.timeout)
	}
	return flag != "" || in.run.plugin && len(in.files) == 0 && in.kustomize == "", nil
}

// readLive reads a running cluster. An interrupt ends every kubectl and is an
// error: half a cluster is no cluster.
func (in *input) readLive(state *cluster.State, limits manifest.Limits) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := lines{w: in.run.stderr, terminal: in.run.watched, verbose: in.verbose}
	defer p.clear()
	c := live.Cluster{Context: in.live.context, Kubeconfig: in.live.kubeconfig, Timeout: in.live.timeout, Table: in.table, Reading: p.show}
	in.reader = in.newReader(manifest.Options{Limits: limits})
	if p.terminal {
		c.Saying = p.say
	}
	inputs, assumed, err := c.Inputs(ctx)
	if err == nil {
		for _, a := range assumed {
			in.ledger.Assume(a)
		}
		unread := 0
		for o := range in.reader.Read(inputs, in.ledger) {
			if b, ok := o.Value.(*manifest.Broken); ok && b.Unread {
				unread++
			}
			state.Put(o)
		}
		if unread > 0 && in.ledger.Objects == 0 {
			err = in.nothingLive(unread, len(inputs))
		}
	}
	switch {
	case ctx.Err() != nil:
		return coded(dialect.CodeUnread, "interrupted while the cluster was read")
	case err != nil:
		return coded(dialect.CodeUnread, "cannot read the cluster: %v", err)
	}
	return nil
}

// nothingLive is the error of a cluster of which no object can be read.
func (in *input) nothingLive(unread, kinds int) error {
	why := ""
	for _, d := range in.ledger.Diagnostics {
		if d.Code == dialect.CodeUnread {
			why = "; " + d.Message
			break
		}
	}
	in.ledger.Diagnostics = nil // one for each kind; this error says them all
	if unread == kinds {
		return fmt.Errorf("none of its %d kinds can be listed%s", kinds, why)
	}
	return fmt.Errorf("of its %d kinds %d cannot be listed, and the others have no objects%s", kinds, unread, why)
}

// checkLabels refuses an expression by the labels of namespaces when those of
// the cluster could not be read: {env!=prod}: would mean every pod.
func (in *input) checkLabels(e solver.Expr) error {
	unread := slices.ContainsFunc(in.ledger.Diagnostics, func(d dialect.Diagnostic) bool {
		return d.Code == dialect.CodeUnread && d.Object.Kind == "Namespace"
	})
	if !unread {
		return nil
	}
	for _, r := range e.Pods.Namespaces {
		if r.Key != "kubernetes.io/metadata.name" {
			return coded(dialect.CodeUnread, "%q selects by namespace labels, which cannot be read; name the namespaces, as in ml:app=web", e.Text)
		}
	}
	return nil
}

// lines say what is being read: on a terminal in one line that is taken
// away in the end, elsewhere only with -v, in lines that stay.
type lines struct {
	mu                sync.Mutex
	w                 io.Writer
	terminal, verbose bool
	shown             int // characters of the longest line
}

func (p *lines) show(resource string, n, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf("reading %s (%d/%d)", resource, n, all)
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-len(line)))) //nolint:errcheck // nowhere is left to say so
		p.shown = max(p.shown, len(line))
	case p.verbose:
		fmt.Fprintln(p.w, line) //nolint:errcheck // nowhere is left to say so
	}
}

// say shows what kubectl says while it runs, such as where to log in.
func (p *lines) say(text string) {
	p.clear()
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(text) {
		fmt.Fprintln(p.w, "kubectl: "+report.Printable(strings.TrimRight(line, "\r\n"))) //nolint:errcheck // nowhere is left to say so
	}
}

func (p *lines) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.shown)) //nolint:errcheck // nowhere is left to say so
	}
}
