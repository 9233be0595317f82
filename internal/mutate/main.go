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
// Package model/cluster, where more is told to people, has a sample of its own:
//
//	go run ./internal/mutate -packages model/cluster -n 40 -seed 7
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
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	mutated = "engine model/dialect/netpol model/dialect/admin model/dialect/meta"
	// Short comparisons of what the engine answers in several ways come first,
	// those with the reference interpreter last: on the corpus, and on generated
	// clusters. Dialects use meta, and the solver what callers of the engine see.
	tests = "own -test.short; model/dialect/netpol; model/dialect/admin; fuzz -test.run=^Test(Rows|Views|Apply)$ -verdicts=200000; " +
		"corpus -test.run=^TestEngine; solver -test.short; cmd/podreach; fuzz -test.run=^TestEngine$ -verdicts=1000000"

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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // so that a run leaves nothing behind
	err := run(ctx, log.New(os.Stdout, "", 0), options{
		n: *n, seed: *seed, packages: strings.Fields(*packages), killers: killers(*list), match: *match, jobs: *jobs, cpu: *cpu, show: *show,
	})
	stop()
	if err != nil {
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

func run(ctx context.Context, out *log.Logger, o options) (err error) {
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
	maps.DeleteFunc(known, func(k key, _ string) bool { return !slices.Contains(o.packages, path.Dir(k.file)) })
	var all []*mutant
	for _, s := range sources {
		all = append(all, s.mutants()...)
	}
	shuffle(all, o.seed)
	drawn := sample(all, o.n, match.MatchString)
	if o.show {
		for _, m := range drawn {
			out.Printf("%v\n\n", m.key)
		}
		return nil
	}

	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	begin := time.Now()
	overlay, err := weave(root, temp, drawn)
	if err != nil {
		return err
	}
	b := &bench{root: root, temp: temp, killers: o.killers, procs: max(1, runtime.GOMAXPROCS(0)/o.jobs), cpu: o.cpu, wall: 10 * time.Minute}
	if err := b.build(sources, overlay); err != nil {
		return err
	}
	outcomes, err := b.tryAll(ctx, out, drawn, o.jobs)
	if err != nil {
		return err
	}
	r := judge(drawn, outcomes, known, all)
	out.Printf("\n%d mutants of %d, seed %d, in %v", len(drawn), len(all), o.seed, time.Since(begin).Round(time.Second))
	return r.print(out)
}

// tryAll tries mutants, so many at once, and says how each one ended.
func (b *bench) tryAll(ctx context.Context, out *log.Logger, ms []*mutant, jobs int) ([]outcome, error) {
	outcomes := make([]outcome, len(ms))
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
				outcomes[i], failed = o, cmp.Or(failed, err, ctx.Err())
				if failed != nil {
					mu.Unlock()
					return
				}
				done++
				if o.killer != "" {
					out.Printf("%d/%d %s %s: killed by %s: %s", done, len(ms), ms[i].key.file, ms[i].function, o.killer, o.why)
				} else {
					out.Printf("%d/%d SURVIVES: %v", done, len(ms), ms[i].key)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return outcomes, failed
}
