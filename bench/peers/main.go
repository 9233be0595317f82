// Command peers holds podreach against cyclonus' matcher and Cilium's policy
// repository, as libraries in one process, on the clusters of package bench:
//
//	go -C bench/peers run . -o ../../bin/versus.md
//
// For each cluster random verdicts are compared first, through the ledgers of
// fuzz/cyclonus and fuzz/cilium, and then one by one the questions that are
// going to be timed; a difference ends the run. Then come the times: both sides
// by turns, in rounds, and every turn must have allowed as many connections as
// podreach did.
//
// Objects are in memory on both sides when an operation begins, decoded. What
// each side does then:
//
//   - load: podreach goes from objects to an index that can be changed.
//     cyclonus reads policies only, and pods with every question; it need not
//     simplify, which takes it longer here and answers no faster. Cilium fills
//     identities and a repository, and computes no map state yet.
//   - one query: podreach's Verdict. cyclonus matches what it is given; it is
//     not asked about ingress where egress is denied. Cilium looks into the map
//     states of both pods, all of which are there already, as in agents that
//     run; "LookupFlow" is its own function for that question, which computes
//     both states every time.
//   - all pairs: one port, every ordered pair of two pods. podreach makes a
//     matrix of an index of which nothing was asked. cyclonus is asked pair by
//     pair. Cilium computes the map states of all identities and is then asked
//     pair by pair.
//   - policy change: a policy is deleted, or added again, up to the first right
//     verdict about a connection that it decides. podreach lowers it and
//     applies the delta. cyclonus can only build everything again when one is
//     deleted. Cilium replaces what it has of it and computes the map states of
//     the two pods; those of others that are affected are not in the figure.
//
// Pods on the host network are in the clusters, but not asked about, because
// the peers have none. podreach may use all processors, the peers use one.
//
// It is a module of its own, as those that it uses are, with the versions of the
// Kubernetes libraries that Cilium needs; cyclonus takes these too, so that one
// process holds all three. What hands a cluster to a peer is in fuzz/cyclonus
// and fuzz/cilium, which compare the same things on many small clusters.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/podreach/podreach/bench"
	"github.com/podreach/podreach/bench/versus"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// plan is what is measured.
type plan struct {
	shapes   []bench.Shape
	peers    []string
	sizes    []int // all operations
	large    []int // one query only
	verdicts int   // compared before
	rounds   versus.Rounds
}

func run(args []string, w io.Writer) (err error) {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	shapes := flags.String("shapes", "replicas,unique", "shapes of package bench")
	peers := flags.String("peers", "cyclonus,cilium", "peers")
	sizes := flags.String("sizes", "100,1000", "pods, for all operations")
	large := flags.String("large", "10000", "pods, for one query")
	p := plan{}
	flags.IntVar(&p.verdicts, "verdicts", 10_000, "compared on each cluster before times are taken")
	flags.IntVar(&p.rounds.Least, "rounds", 5, "rounds at least, of which medians are reported")
	flags.DurationVar(&p.rounds.For, "for", time.Second, "what the rounds of an operation take at least, up to a hundred")
	flags.DurationVar(&p.rounds.Turn, "turn", time.Millisecond, "what a turn takes at least")
	out := flags.String("o", "", "also write the tables to this file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for name := range strings.SplitSeq(*shapes, ",") {
		s, ok := shapeOf(name)
		if !ok {
			return fmt.Errorf("no shape %q", name)
		}
		p.shapes = append(p.shapes, s)
	}
	p.peers = strings.Split(*peers, ",")
	if p.sizes, err = numbers(*sizes); err != nil {
		return err
	}
	if p.large, err = numbers(*large); err != nil {
		return err
	}
	results, err := p.measure(log.New(os.Stderr, "", 0))
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "podreach and peers as libraries: %s; %s, %s/%s, GOMAXPROCS %d. Medians of %d rounds by turns or more, for each cluster and peer after %d equal verdicts or more.\n\n",
		versions(), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), p.rounds.Least, p.verdicts)
	if _, err := versus.Times(results).WriteTo(&text); err != nil {
		return err
	}
	if g := versus.Growth(results); len(g.Rows) > 0 {
		text.WriteByte('\n')
		if _, err := g.WriteTo(&text); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil || *out == "" {
		return err
	}
	return os.WriteFile(*out, []byte(text.String()), 0o644) //nolint:gosec // it is no secret
}

func numbers(list string) ([]int, error) {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of pods", s)
		}
		out = append(out, n)
	}
	return out, nil
}

func shapeOf(name string) (bench.Shape, bool) {
	for _, s := range bench.Shapes {
		if s.Name == name {
			return s, true
		}
	}
	return bench.Shape{}, false
}

// measure goes over all clusters and peers. The order of the results is that of
// operations, then shapes, peers and sizes.
func (p plan) measure(log *log.Logger) ([]versus.Result, error) {
	by := map[string][]versus.Result{}
	for _, s := range p.shapes {
		for _, name := range p.peers {
			for i, pods := range append(append([]int{}, p.sizes...), p.large...) {
				log.Printf("%s, %s, %d pods", name, s.Name, pods)
				r, err := newRace(s, pods, name)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, %d pods: %w", name, s.Name, pods, err)
				}
				results, err := p.one(r, i >= len(p.sizes), log)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, %d pods: %w", name, s.Name, pods, err)
				}
				for _, result := range results {
					result.Shape, result.Peer, result.Pods = s.Name, name, pods
					by[result.Op] = append(by[result.Op], result)
				}
			}
		}
	}
	var out []versus.Result
	for _, name := range opNames {
		out = append(out, by[name]...)
	}
	return out, nil
}

// one compares answers, and then takes the times of one cluster. Of a large one
// those of queries only.
func (p plan) one(r *race, large bool, log *log.Logger) ([]versus.Result, error) {
	if err := r.compare(p.verdicts, log); err != nil {
		return nil, err
	}
	ops := r.queries()
	if !large {
		if err := r.comparePairs(log); err != nil {
			return nil, err
		}
		ops = append(ops, r.pairs(), r.policyChange(), r.loading())
	}
	var out []versus.Result
	for _, o := range ops {
		result := versus.Result{Op: o.name}
		var err error
		if result.Ours, result.Theirs, err = versus.Race(o.ours, o.theirs, p.rounds); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		log.Printf("  %s: podreach %s, peer %s, %s", o.name, versus.Time(result.Ours), versus.Time(result.Theirs), versus.Ratio(result.Ratio()))
		out = append(out, result)
	}
	if err := r.compareQuestions(); err != nil { // once more, for the changes are undone
		return nil, err
	}
	return out, nil
}

// versions are those of the peers in this binary.
func versions() string {
	info, _ := debug.ReadBuildInfo()
	var out []string
	if info != nil {
		for _, m := range info.Deps {
			if m.Path == "github.com/mattfenwick/cyclonus" || m.Path == "github.com/cilium/cilium" {
				out = append(out, path.Base(m.Path)+" "+m.Version)
			}
		}
	}
	return strings.Join(out, ", ")
}
