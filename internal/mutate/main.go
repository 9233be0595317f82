// Command mutate asks whether the tests would notice a mistake: it makes small
// ones, one at a time, and reports those that no test sees.
//
//	go run ./internal/mutate -n 300 -seed 1
//
// A mutant is one edit of one file: another operator or bound, a negated or
// shortened condition, a dropped statement, branch, return, field or rule, the
// next constant of an enumeration. Text for people is not mutated. All mutants
// of a sample are built into the tests at once, with `go test -overlay`, so that
// the tree is never touched, and the environment says which of them is on.
//
// The tests of a few packages are run on each, the cheapest first, until one
// fails. A mutant that no test kills must be explained in survivors.txt, by
// what makes its answers equal; if it is no equal, a test is missing. The
// command fails on a survivor that is not explained, on an explained one that
// is killed or gone, and when fewer than 90 % are killed.
//
// The order of mutants is that of a hash of the seed and the mutant, so that a
// sample is the beginning of every larger one, and an edit of the code hardly
// changes it.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	mutated = "engine model/dialect/netpol model/dialect/admin model/dialect/meta"
	// The comparisons with the reference interpreter: on the corpus, and on
	// generated clusters. Dialects use meta, and the solver what callers of the
	// engine see.
	tests = "own -test.short; model/dialect/netpol; model/dialect/admin; fuzz -test.run=^TestEngine$ -verdicts=1000000; corpus -test.run=^TestEngine; solver -test.short"

	survivors = "internal/mutate/survivors.txt"
	atLeast   = 0.9
)

func main() {
	n := flag.Int("n", 300, "mutants to try")
	seed := flag.Uint64("seed", 1, "of the order in which mutants are drawn")
	packages := flag.String("packages", mutated, "folders of the packages that are mutated")
	list := flag.String("killers", tests, "folders of tests, each with arguments; own is that of the mutant")
	match := flag.String("match", "", "try only mutants whose file, function or lines match this expression")
	jobs := flag.Int("j", runtime.GOMAXPROCS(0), "mutants to try at once")
	cpu := flag.Int("cpu", 40, "seconds of CPU after which a test that runs is one that failed")
	show := flag.Bool("list", false, "print the mutants and try none")
	flag.Parse()
	if err := run(os.Stdout, options{
		n: *n, seed: *seed, packages: strings.Fields(*packages), killers: killers(*list), match: *match, jobs: *jobs, cpu: *cpu, show: *show,
	}); err != nil {
		fmt.Fprintf(os.Stderr, "mutate: %v\n", err)
		os.Exit(1)
	}
}

type options struct {
	n         int
	seed      uint64
	packages  []string
	killers   []killer
	match     string
	jobs, cpu int
	show      bool
}

func run(w io.Writer, o options) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return fmt.Errorf("run it in the root of the module: %w", err)
	}
	match, err := regexp.Compile(o.match)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(survivors)
	if err != nil {
		return err
	}
	known, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", survivors, err)
	}
	sources, err := load(root, o.packages)
	if err != nil {
		return err
	}
	var all []*mutant
	for _, s := range sources {
		all = append(all, s.mutants()...)
	}
	shuffle(all, o.seed)
	drawn := sample(all, o.n, match.MatchString)
	if o.show {
		for _, m := range drawn {
			fmt.Fprintln(w, m.key)
		}
		return nil
	}

	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	begin := time.Now()
	overlay, err := weave(root, temp, drawn)
	if err != nil {
		return err
	}
	b := &bench{root: root, temp: temp, killers: o.killers, procs: max(1, runtime.GOMAXPROCS(0)/o.jobs), cpu: o.cpu, wall: 10 * time.Minute}
	if err := b.build(sources, overlay); err != nil {
		return err
	}
	outcomes, err := b.tryAll(w, drawn, o.jobs)
	if err != nil {
		return err
	}
	r := judge(drawn, outcomes, known, all)
	fmt.Fprintf(w, "\n%d mutants of %d, seed %d, in %v\n", len(drawn), len(all), o.seed, time.Since(begin).Round(time.Second))
	return r.print(w)
}

// tryAll tries mutants, so many at once, and says how each one ended.
func (b *bench) tryAll(w io.Writer, ms []*mutant, jobs int) ([]outcome, error) {
	out := make([]outcome, len(ms))
	var mu sync.Mutex
	var failed error
	next, done := 0, 0
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= len(ms) && failed == nil
	}
	var wg sync.WaitGroup
	for range jobs {
		wg.Go(func() {
			for i, more := take(); more; i, more = take() {
				o, err := b.try(ms[i], i+1)
				mu.Lock()
				out[i], failed = o, cmp.Or(failed, err)
				done++
				fmt.Fprintf(w, "%d/%d ", done, len(ms))
				if o.killer != "" {
					fmt.Fprintf(w, "%s %s: killed by %s: %s\n", ms[i].key.file, ms[i].function, o.killer, o.why)
				} else {
					fmt.Fprintf(w, "SURVIVES: %v", ms[i].key)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out, failed
}

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
func (r report) print(w io.Writer) error {
	share := 1.0
	if r.mutants > 0 {
		share = float64(r.killed) / float64(r.mutants)
	}
	fmt.Fprintf(w, "killed %d, %.1f %%:", r.killed, 100*share)
	byCount := func(a, b string) int { return cmp.Or(cmp.Compare(r.by[b], r.by[a]), strings.Compare(a, b)) }
	for _, k := range slices.SortedFunc(maps.Keys(r.by), byCount) {
		fmt.Fprintf(w, " %s %d", k, r.by[k])
	}
	fmt.Fprintf(w, "\nsurvive %d, explained %d\n", len(r.explained)+len(r.unexplained), len(r.explained))
	var wrong []string
	for _, list := range []struct {
		what string
		keys []key
	}{{"survive without a reason in " + survivors, r.unexplained}, {"are explained in " + survivors + " and are killed or gone", r.stale}} {
		if len(list.keys) == 0 {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%d %s", len(list.keys), list.what))
		fmt.Fprintf(w, "\nThese %s:\n", list.what)
		for _, k := range list.keys {
			fmt.Fprintf(w, "\n%vwhy: \n", k)
		}
	}
	if share < atLeast {
		wrong = append(wrong, fmt.Sprintf("fewer than %.0f %% are killed", 100*atLeast))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}
