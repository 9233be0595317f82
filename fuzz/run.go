package fuzz

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
)

// Options say which generated clusters a comparison goes over.
type Options struct {
	Seed     uint64        // of the only cluster; 0: many
	After    uint64        // seeds are After+1, After+2, ...
	Verdicts int64         // to compare at least
	For      time.Duration // to go on at least
	Tally    string        // file that gets the tally as a line of JSON; "": none
}

// Flags are Options as flags of a test.
func Flags(fs *flag.FlagSet, verdicts int64) *Options {
	o := &Options{}
	fs.Uint64Var(&o.Seed, "seed", 0, "compare on the cluster of this seed alone")
	fs.Uint64Var(&o.After, "after", 0, "seeds begin after this one")
	fs.Int64Var(&o.Verdicts, "verdicts", verdicts, "verdicts to compare at least")
	fs.DurationVar(&o.For, "for", 0, "go on at least so long")
	fs.StringVar(&o.Tally, "tally", "", "append what was compared to this file, as a line of JSON")
	return o
}

// maxPassedOver is how many seeds are looked at for constructs that were not
// met yet; a test of package gen reaches all of them in fewer.
const maxPassedOver = 10_000

// Comparison is podreach and something that answers the same questions.
type Comparison struct {
	Counterpart string // its name in tallies
	Package     string // the folder of the test that runs it, in a command
	Clusters    gen.Options
	// Complete says that every construct of package gen must be met: until it
	// is, clusters that have nothing new are passed over, and when the seeds
	// end before that the test fails.
	Complete bool
	// Check compares the answers over one cluster. It asks the same for the
	// same r. The error is the first disagreement that nothing explains.
	Check func(c *gen.Cluster, r *rand.Rand) (Count, error)
}

// cluster makes the cluster of a seed.
func (c *Comparison) cluster(seed uint64) *gen.Cluster {
	return gen.New(rand.New(rand.NewPCG(seed, 1)), c.Clusters)
}

// questions is the source of what is asked of the cluster of a seed, and of
// what is asked when that has found nothing.
func questions(seed uint64) func(try uint64) *rand.Rand {
	return func(try uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2+try)) }
}

// seed compares on the cluster of a seed. The text tells a disagreement.
func (c *Comparison) seed(test string, seed uint64, cluster *gen.Cluster) (n Count, failure string) {
	n, err := c.check(cluster, questions(seed)(0))
	if err != nil {
		rerun := fmt.Sprintf("go test %s -run '^%s$' -seed %d", c.Package, test, seed)
		failure = c.failure(fmt.Sprintf("seed %d", seed), rerun, cluster, questions(seed), err)
	}
	return n, failure
}

// Bytes compares on the cluster that a fuzzer's bytes decide on (gen.Bytes),
// and fails the test as Run does.
func (c *Comparison) Bytes(t *testing.T, b []byte) {
	t.Helper()
	h := fnv.New64a()
	_, _ = h.Write(b) // it cannot fail
	cluster, ask := gen.New(rand.New(gen.Bytes(b)), c.Clusters), questions(h.Sum64())
	if _, err := c.check(cluster, ask(0)); err != nil {
		rerun := fmt.Sprintf("go test %s -run '^%s$' (the fuzzer keeps the input in %s/testdata/fuzz)", c.Package, t.Name(), c.Package)
		t.Fatal(c.failure(fmt.Sprintf("bytes %q", b), rerun, cluster, ask, err))
	}
}

// Run compares on generated clusters, in GOMAXPROCS goroutines, until there
// are enough. A disagreement fails the test, with the smallest cluster that
// still has it.
func (c *Comparison) Run(t *testing.T, o Options) {
	t.Helper()
	if o.Seed != 0 {
		n, failure := c.seed(t.Name(), o.Seed, c.cluster(o.Seed))
		require.Empty(t, failure)
		t.Logf("%d verdicts", n.Verdicts)
		return
	}
	tally := Tally{Counterpart: c.Counterpart, Explained: map[string]int64{}, Constructs: map[gen.Feature]int64{}}
	var mu sync.Mutex
	seed, begin := o.After, time.Now()
	next := func() (uint64, bool) {
		mu.Lock()
		defer mu.Unlock()
		seed++
		return seed, !t.Failed() && (tally.Verdicts < o.Verdicts || time.Since(begin) < o.For || c.Complete && seed-o.After <= maxPassedOver && len(tally.Missing()) > 0)
	}
	dull := func(cluster *gen.Cluster) bool {
		mu.Lock()
		defer mu.Unlock()
		return c.Complete && len(tally.Missing()) > 0 && !tally.lacks(cluster.Features)
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s, more := next(); more; s, more = next() {
				cluster := c.cluster(s)
				if dull(cluster) {
					continue
				}
				n, failure := c.seed(t.Name(), s, cluster)
				mu.Lock()
				tally.add(n, cluster.Features)
				if failure != "" {
					tally.Disagreements++
				}
				mu.Unlock()
				if failure != "" {
					t.Error(failure)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d verdicts over %d clusters with %s; explained: %v", tally.Verdicts, tally.Clusters, c.Counterpart, tally.Explained)
	if c.Complete && !t.Failed() {
		require.Empty(t, tally.Missing(), "constructs that no cluster of seeds to %d has", seed)
	}
	if o.Tally != "" {
		require.NoError(t, tally.Append(o.Tally))
	}
}
