package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/demo"
	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
	"github.com/podreach/podreach/solver/assertionset"
)

// gate is what check lets pass.
type gate struct {
	uncertain     string // "fail" or "warn"
	failOn        string
	baseline      string
	writeBaseline bool

	onlyNew bool
	least   int // the rank of the mildest severity that fails
}

func (r *run) check() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Do the assertions of a file hold? Each failure with a witness and the rule to blame",
		Long: `check reads assertions files (kind AssertionSet, docs/ASSERTIONS.md; demo: is
the one of the built-in example) and tells for each assertion whether the
cluster is as it says. A failure comes with a witness, the ports, the number of
pairs, and the rule, or the missing policy, that makes it so.

An assertion that is uncertain counts as not held, unless --uncertain=warn.
--write-baseline writes what does not hold now to the file of --baseline; later
runs with --baseline fail only on what is not in it.

With --apply and --delete the changed cluster is checked.

Exit code: 0 all hold, 1 not, 2 error.`,
		Example: `  podreach check demo: -f demo:
  podreach check assertions.yaml -f manifests/
  podreach check assertions.yaml -f manifests/ --baseline known.json --write-baseline
  podreach check assertions.yaml -f manifests/ --baseline known.json
  podreach check assertions.yaml -f manifests/ --fail-on 'severity>=high'`,
	}
	in := r.reads(cmd)
	in.mayBeEmpty(cmd)
	out := r.writes(cmd, report.GateFormats()...)
	g := gate{}
	cmd.Flags().StringVar(&g.uncertain, "uncertain", "fail", "what an uncertain assertion does: fail or warn")
	cmd.Flags().StringVar(&g.failOn, "fail-on", "", "what fails, with commas between what must all be so: any, new (not in --baseline), severity>=LEVEL (default: any; new with --baseline)")
	cmd.Flags().StringVar(&g.baseline, "baseline", "", "file of what is known not to hold")
	cmd.Flags().BoolVar(&g.writeBaseline, "write-baseline", false, "write what does not hold to the file of --baseline, and fail on nothing")
	completeWords(cmd, "uncertain", []string{"fail", "warn"})
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		r.in = in
		if err := out.check(); err != nil {
			return err
		}
		if err := g.parse(); err != nil {
			return err
		}
		if len(args) == 0 {
			return badFlag("check needs an assertions file; demo: is the one of the built-in example")
		}
		stated, err := in.assertions(args)
		if err != nil {
			return err
		}
		var known *baseline
		if g.baseline != "" && !g.writeBaseline {
			if known, err = readBaseline(g.baseline); err != nil {
				return err
			}
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.nothing() {
			return exitCode(exitError)
		}
		return in.check(stated, &g, known, out)
	}
	return cmd
}

func (g *gate) parse() error {
	if g.uncertain != "fail" && g.uncertain != "warn" {
		return badFlag("--uncertain is %q%s", g.uncertain, didYouMean(g.uncertain, []string{"fail", "warn"}))
	}
	if g.writeBaseline && g.baseline == "" {
		return badFlag("--write-baseline needs --baseline FILE")
	}
	g.least = solver.Info.Rank()
	if g.failOn == "" {
		g.onlyNew = g.baseline != ""
		return nil
	}
	for word := range strings.SplitSeq(g.failOn, ",") {
		level, isSeverity := strings.CutPrefix(word, "severity>=")
		switch {
		case word == "any":
		case word == "new":
			if g.onlyNew = true; g.baseline == "" {
				return badFlag("--fail-on new needs --baseline FILE")
			}
		case isSeverity:
			s, ok := solver.ParseSeverity(level)
			if !ok {
				return badFlag("--fail-on: unknown severity %q%s", level, didYouMean(level, []string{"critical", "high", "medium", "low", "info"}))
			}
			g.least = s.Rank()
		default:
			return badFlag("--fail-on is %q%s", word, didYouMean(word, []string{"any", "new", "severity>=critical", "severity>=high", "severity>=medium", "severity>=low", "severity>=info"}))
		}
	}
	return nil
}

// assertions reads assertions files.
func (in *input) assertions(names []string) ([]assertionset.Stated, error) {
	var files []assertionset.File
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		text, err := in.assertionsFile(name)
		if err != nil {
			return nil, coded(dialect.CodeUnreadable, "%s: %s", name, pathError(err))
		}
		if name == demoPath {
			name = demoPath + demo.AssertionsName
		}
		files = append(files, assertionset.File{Name: name, Text: text})
	}
	stated, bad := assertionset.Read(files, time.Now())
	if len(bad) > 0 {
		in.ledger.Diagnostics = bad
		in.printDiagnostics()
		return nil, exitCode(exitError)
	}
	return stated, nil
}

func (in *input) assertionsFile(name string) ([]byte, error) {
	switch name {
	case demoPath:
		return demo.Assertions(), nil
	case manifest.Stdin:
		if slices.Contains(in.files, manifest.Stdin) || slices.Contains(in.apply, manifest.Stdin) {
			return nil, fmt.Errorf("the cluster and the assertions cannot both be standard input")
		}
		return io.ReadAll(io.LimitReader(in.run.stdin, assertionset.MaxBytes+1))
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("it is a folder, expected an assertions file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	return io.ReadAll(io.LimitReader(f, assertionset.MaxBytes+1))
}

// check checks assertions and says what does not hold.
func (in *input) check(stated []assertionset.Stated, g *gate, known *baseline, out *output) error {
	assertions := make([]solver.Assertion, len(stated))
	for i := range stated {
		assertions[i] = stated[i].Assertion
		assertions[i].AllowEmpty = in.allowEmpty
		if err := in.askable(&assertions[i]); err != nil {
			return err
		}
	}
	c := checking{in: in, gate: g, known: known, doc: checkDocument{Schema: "podreach.check/v1", Results: []resultOfCheck{}}}
	i := 0
	for r := range solver.Check(in.x, assertions) {
		c.result(&stated[i], &r)
		i++
	}
	c.finish()
	if g.writeBaseline {
		if err := writeBaseline(g.baseline, c.keys); err != nil {
			return err
		}
	}
	doc := report.Document{Value: c.doc, Lines: c.lines(), Table: c.table(), Findings: c.findings()}
	if err := out.write(doc, c.prose); err != nil {
		return err
	}
	if !c.doc.Passes {
		return exitCode(exitNo)
	}
	return nil
}

// askable refuses expressions that nothing can be said about, and notes
// workloads without pods.
func (in *input) askable(a *solver.Assertion) error {
	sides := []solver.Side{a.From, a.To}
	for i := range a.Except {
		sides = append(sides, a.Except[i].From, a.Except[i].To)
	}
	for i := range a.Waivers {
		sides = append(sides, a.Waivers[i].From, a.Waivers[i].To)
	}
	for _, side := range sides {
		for _, e := range side {
			if err := in.checkLabels(e); err != nil {
				return err
			}
			if e.Form == solver.FormPath {
				if ends, err := solver.Resolve(in.x, e); err == nil {
					in.noteDormant(ends)
				}
			}
		}
	}
	return nil
}

// places is where an origin is; nil when it is nowhere.
func (in *input) places(o model.Origin, message string) []report.Place {
	if !o.Known() {
		return nil
	}
	return []report.Place{placeAt(in.reader.Locate(o), message)}
}

func placeAt(p manifest.Position, message string) report.Place {
	return report.Place{File: p.File, Line: p.Line, Column: p.Column, Message: message}
}
