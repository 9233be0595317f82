package cli

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/demo"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// demoPath is the name of the embedded example as an input.
const demoPath = "demo:"

// input is the cluster that a command reads: its flags, and what was read.
type input struct {
	run              *run
	files            []string
	defaultNamespace string
	config           string
	profile          string
	strict           bool
	namespace        string
	all              bool
	verbose          bool
	allowEmpty       bool
	pure             bool // no configuration file is looked for

	x        *engine.Index
	ledger   *dialect.Ledger
	reader   *manifest.Reader
	failures int // errors that are about the question, not the input
}

// readsDemo makes a command's input the built-in example as it is.
func (r *run) readsDemo(cmd *cobra.Command) *input {
	in := &input{run: r, files: []string{demoPath}, pure: true, ledger: &dialect.Ledger{}, reader: manifest.NewReader(manifest.Options{})}
	cmd.Flags().BoolVarP(&in.verbose, "verbose", "v", false, "list every diagnostic, ignored kind and assumption")
	r.inputs[cmd] = in
	return in
}

// reads gives a command the flags of an input.
func (r *run) reads(cmd *cobra.Command) *input {
	in := r.readsDemo(cmd)
	in.files, in.pure = nil, false
	f := cmd.Flags()
	f.StringArrayVarP(&in.files, "filename", "f", nil, "file, folder, - (standard input) or demo: (the built-in example); repeatable")
	f.StringVar(&in.defaultNamespace, "default-namespace", "default", "namespace of objects that carry none")
	f.StringVar(&in.config, "config", "", "facts that the manifests do not hold (default: podreach.yaml in the current folder, if any)")
	f.StringVar(&in.profile, "profile", "spec", "implementation-defined behaviours: spec, cilium or calico")
	f.BoolVar(&in.strict, "strict", false, "anything not understood that could change an answer is an error")
	f.StringVarP(&in.namespace, "namespace", "n", "", "list: print only rows with an end in this namespace; everything is analysed")
	f.BoolVarP(&in.all, "all-namespaces", "A", false, "list: print the rows of all namespaces (the default)")
	completeWords(cmd, "profile", profileNames())
	return in
}

// mayBeEmpty gives a command with expressions the flag --allow-empty.
func (in *input) mayBeEmpty(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&in.allowEmpty, "allow-empty", false, "an expression that selects nothing is not an error")
}

func profileNames() []string {
	return []string{string(cluster.ProfileSpec), string(cluster.ProfileCilium), string(cluster.ProfileCalico)}
}

// namespaceName is a DNS label.
var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// load reads and compiles the input and prints what there is to say about it.
// After an error nothing can be answered.
func (in *input) load() error {
	profile, err := cluster.ParseProfile(in.profile)
	if err != nil {
		return badFlag("--profile: %v", err)
	}
	if !in.pure && !namespaceName.MatchString(in.defaultNamespace) {
		return badFlag("--default-namespace: %q is not a namespace name: expected at most 63 lower-case letters, digits or '-'", in.defaultNamespace)
	}
	if len(in.files) == 0 {
		return badFlag("no input: name manifests with -f PATH, or try the built-in example with -f demo:")
	}
	var (
		c    config
		used string
		bad  []dialect.Diagnostic
	)
	if !in.pure {
		if c, used, bad, err = readConfig(in.config); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		in.ledger.Diagnostics = bad
		in.printDiagnostics()
		return exitCode(exitError)
	}
	state := cluster.New(cluster.Options{
		DefaultNamespace: in.defaultNamespace, Profile: profile,
		PodCIDRs: c.podCIDRs, ServiceCIDRs: c.serviceCIDRs, Families: c.families,
		Unmanaged: c.unmanaged, UnmanagedOrigin: model.Origin{File: used, Path: "unmanaged"},
	})
	in.ledger = state.Ledger()
	in.reader = manifest.NewReader(manifest.Options{Table: c.table()})
	if used != "" {
		in.reader.Know(manifest.Input{Name: used, Open: func() (io.ReadCloser, error) { return os.Open(used) }}) //nolint:gosec // it was read before
	}
	for _, fact := range c.facts(used) {
		in.ledger.Assume(fact)
	}
	for o := range in.reader.Read(in.inputs(used), in.ledger) {
		state.Put(o)
	}
	snapshot := state.Snapshot()
	in.printDiagnostics()
	if in.x, err = engine.Compile(snapshot, engine.Options{}); err != nil {
		return coded(dialect.CodeLimit, "%v", err)
	}
	return nil
}

// inputs turns the -f arguments into streams, in order. The configuration file
// that was used is not an object of the cluster.
func (in *input) inputs(config string) []manifest.Input {
	var out []manifest.Input
	for i, f := range in.files {
		if at := slices.Index(in.files, f); at < i {
			if !slices.Contains(in.files[at+1:i], f) { // said once
				in.ledger.Report(dialect.Diagnostic{Code: dialect.CodeDuplicateObject, Message: "input " + f + " is given twice; it is read once"})
			}
			continue
		}
		if f == demoPath {
			out = append(out, demoInputs()...)
			continue
		}
		for _, i := range manifest.Paths([]string{f}, in.run.stdin, in.ledger) {
			if config == "" || filepath.Clean(i.Name) != filepath.Clean(config) {
				out = append(out, i)
			}
		}
	}
	return out
}

func demoInputs() []manifest.Input {
	var out []manifest.Input
	for _, name := range demo.Names() {
		out = append(out, manifest.Input{Name: demoPath + name, Open: func() (io.ReadCloser, error) {
			b, err := fs.ReadFile(demo.Files(), name)
			return io.NopCloser(bytes.NewReader(b)), err
		}})
	}
	return out
}

// checkNamespace catches a mistyped -n, which would print nothing.
func (in *input) checkNamespace() error {
	if in.all {
		in.namespace = ""
	}
	var names []string
	for i := range in.x.Snapshot().Namespaces {
		names = append(names, in.x.Snapshot().Namespaces[i].Name)
	}
	if in.namespace == "" || in.allowEmpty || slices.Contains(names, in.namespace) {
		return nil
	}
	hint := ""
	if n := nearest.Of(in.namespace, names); n != "" {
		hint = fmt.Sprintf("; did you mean %s?", n)
	}
	return coded(dialect.CodeSelectsNothing, "there is no namespace %q%s", in.namespace, hint)
}

// at is "file:line" of an origin, "" when it has none.
func (in *input) at(o model.Origin) string {
	if !o.Known() {
		return ""
	}
	p := in.reader.Locate(o)
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}
