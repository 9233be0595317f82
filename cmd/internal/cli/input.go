package cli

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/demo"
	"github.com/podreach/podreach/cmd/internal/kustomize"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// demoPath is the name of the embedded example as an input.
const demoPath = "demo:"

// input is the cluster that a command reads: its flags, and what was read.
type input struct {
	run              *run
	files            []string
	kustomize        string           // -k
	built            *kustomize.Built // what that folder stands for
	defaultNamespace string
	config           string
	profile          string
	strict           bool
	namespace        string
	all              bool
	verbose          bool
	quiet            bool
	limits           []string
	allowEmpty       bool
	live             liveFlags
	pure             bool // no configuration file is looked for
	lints            bool // what lint finds is the answer, no message
	apply            []string
	remove           []string // --delete

	x        *engine.Index
	before   *input        // the same without --apply and --delete; nil when there are none
	failed   int           // of before: how many errors there were
	table    *custom.Table // of custom resources that make pods; nil: podreach's own
	used     string        // the configuration file; "" when there is none
	ledger   *dialect.Ledger
	reader   *manifest.Reader
	old      *input   // the other cluster that a diff reads
	side     string   // which of the two it is, behind its account
	failures int      // errors that are about the question, not the input
	vanished []string // expressions that select nothing any more

	addressless []model.Pod // Pod objects that are no endpoints (R61)
}

// readsDemo makes a command's input the built-in example as it is.
func (r *run) readsDemo(cmd *cobra.Command) *input {
	in := &input{run: r, files: []string{demoPath}, pure: true, ledger: &dialect.Ledger{}, reader: manifest.NewReader(manifest.Options{})}
	cmd.Flags().BoolVarP(&in.verbose, "verbose", "v", false, "list every diagnostic, ignored kind and assumption")
	cmd.Flags().BoolVar(&in.quiet, "quiet", false, "of standard error only what is an error: no warnings, no progress, no account of the input")
	r.inputs[cmd] = in
	return in
}

// reads gives a command the flags of an input.
func (r *run) reads(cmd *cobra.Command) *input {
	in := r.readsDemo(cmd)
	in.files, in.pure = nil, false
	f := cmd.Flags()
	f.StringArrayVarP(&in.files, "filename", "f", nil, "file, folder, - (standard input), demo: (the built-in example) or git:REV[:PATH], plain or compressed with gzip or zstd; repeatable")
	f.StringVarP(&in.kustomize, "kustomize", "k", "", "folder of a kustomization, built by kustomize or kubectl on the PATH; takes the place of -f")
	f.StringArrayVar(&in.apply, "apply", nil, "what if: file, folder or - laid over the input as kubectl apply would; repeatable")
	f.StringArrayVar(&in.remove, "delete", nil, "what if: KIND/NS/NAME taken out with what it owns, after --apply; repeatable")
	f.StringVar(&in.defaultNamespace, "default-namespace", "default", "namespace of objects that carry none")
	f.StringVar(&in.config, "config", "", "facts that the manifests do not hold (default: podreach.yaml in the current folder, if any)")
	f.StringVar(&in.profile, "profile", "spec", "implementation-defined behaviours: spec, cilium or calico")
	f.BoolVar(&in.strict, "strict", false, "anything not understood that could change an answer is an error")
	f.StringSliceVar(&in.limits, "limit", nil, "bounds on what one input may cost, NAME=VALUE,...; explain PR1008 says what they are (defaults: "+manifest.DefaultLimits()+")")
	f.StringVarP(&in.namespace, "namespace", "n", "", "list: print only rows with an end in this namespace, lint: findings of it; everything is analysed")
	f.BoolVarP(&in.all, "all-namespaces", "A", false, "list: print the rows of all namespaces (the default)")
	in.live.add(f)
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
	if in.quiet && in.verbose {
		return badFlag("--quiet and --verbose do not go together")
	}
	var limits manifest.Limits
	if len(in.limits) > 0 {
		if limits, err = manifest.ParseLimits(strings.Join(in.limits, ",")); err != nil {
			return badFlag("--limit: %v", err)
		}
	}
	live, err := in.readsLive()
	if err != nil {
		return err
	}
	if len(in.files) == 0 && in.kustomize == "" && !live {
		return badFlag("no input: name manifests with -f PATH, read the current cluster with --live, or try the built-in example with -f demo:")
	}
	targets, err := in.targets()
	if err != nil {
		return err
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
	in.table, in.used = c.table(), used
	for _, fact := range c.facts(used) {
		in.ledger.Assume(fact)
	}
	defer collectOften()()
	in.run.watched = in.run.watched && !in.quiet
	switch {
	case live:
		err = in.readLive(state, limits)
	case in.kustomize != "":
		err = in.readKustomization(state, limits)
	default:
		in.read(in.inputs(in.files, used), limits, state)
	}
	if err != nil {
		return err
	}
	if in.changed() {
		before := *in
		if before.x, err = compile(state.Snapshot(), engine.Options{}); err != nil {
			return err
		}
		before.failed = in.ledger.Count(dialect.Error)
		in.before = &before
		if err := in.change(state, targets, used); err != nil {
			in.printDiagnostics()
			return err
		}
	}
	in.run.bar.stage("compiling")
	snapshot := state.Snapshot()
	in.addressless = state.Addressless()
	in.printDiagnostics()
	if in.x, err = compile(snapshot, engine.Options{Updates: in.lints}); err != nil {
		return err
	}
	in.run.bar.stage("answering")
	return nil
}

// newReader is a reader that knows what the configuration says of custom
// resources, and the places in it.
func (in *input) newReader(o manifest.Options) *manifest.Reader {
	o.Table = in.table
	r := manifest.NewReader(o)
	if used := in.used; used != "" {
		r.Know(manifest.Input{Name: used, Open: func() (io.ReadCloser, error) { return os.Open(used) }})
	}
	return r
}

// read reads the inputs into the state, and shows how far it is.
func (in *input) read(inputs []manifest.Input, limits manifest.Limits, state *cluster.State) {
	bar := in.run.progress(inputs)
	in.reader = in.newReader(manifest.Options{Limits: limits, Progress: bar.read})
	for o := range in.reader.Read(inputs, in.ledger) {
		state.Put(o)
	}
}

func compile(s *model.Snapshot, o engine.Options) (*engine.Index, error) {
	x, err := engine.Compile(s, o)
	if err != nil {
		return nil, coded(dialect.CodeLimit, "%v", err)
	}
	return x, nil
}

// collectOften makes the garbage collector spend some time to hold less memory:
// a big cluster is read with little beside what remains of it. The result
// ends that. Who sets GOGC has decided for himself.
func collectOften() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(50)
	return func() { debug.SetGCPercent(before) }
}

// inputs turns the arguments of -f or --apply into streams, in order. The
// configuration file that was used is not an object of the cluster.
func (in *input) inputs(files []string, config string) []manifest.Input {
	var out []manifest.Input
	for i, f := range files {
		if at := slices.Index(files, f); at < i {
			if !slices.Contains(files[at+1:i], f) { // said once
				in.ledger.Report(dialect.Diagnostic{Code: dialect.CodeDuplicateObject, Message: "input " + f + " is given twice; it is read once"})
			}
			continue
		}
		if f == demoPath {
			out = append(out, demoInputs()...)
			continue
		}
		if rest, ok := strings.CutPrefix(f, gitPath); ok {
			out = append(out, in.gitInputs(rest)...)
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

// nothing reports whether there was no object, which has been said.
func (in *input) nothing() bool { return in.ledger.Objects == 0 && in.before == nil }

// checkNamespace catches a mistyped -n, which would print nothing.
func (in *input) checkNamespace() error {
	if in.all {
		in.namespace = ""
	}
	var names []string
	for _, x := range in.indexes() {
		for i := range x.Snapshot().Namespaces {
			names = append(names, x.Snapshot().Namespaces[i].Name)
		}
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
	return in.atPosition(in.reader.Locate(o))
}

func (in *input) atPosition(p manifest.Position) string {
	if p.Changed || p.Line == 0 {
		return p.String()
	}
	return fmt.Sprintf("%s:%d%s", p.File, p.Line, in.beganText(p.File, p.Line))
}
