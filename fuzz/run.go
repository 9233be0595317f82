package fuzz

import (
	"flag"
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

// Comparison is podreach and something that answers the same questions.
type Comparison struct {
	Counterpart string // its name in tallies
	Package     string // the folder of the test that runs it, in a command
	Clusters    gen.Options
	// Check compares the answers over one cluster. It asks the same for the
	// same r. The error is the first disagreement that nothing explains.
	Check func(c *gen.Cluster, r *rand.Rand) (Count, error)
}

// cluster makes the cluster of a seed, and the source of what is asked.
func (c *Comparison) cluster(seed uint64) (*gen.Cluster, *rand.Rand) {
	return gen.New(rand.New(rand.NewPCG(seed, 1)), c.Clusters), rand.New(rand.NewPCG(seed, 2))
}

// Run compares on generated clusters, in GOMAXPROCS goroutines, until there
// are enough. A disagreement fails the test, with the smallest cluster that
// still has it.
func (c *Comparison) Run(t *testing.T, o Options) {
	t.Helper()
	if o.Seed != 0 {
		cluster, r := c.cluster(o.Seed)
		n, err := c.Check(cluster, r)
		require.NoError(t, err, "%s", cluster.YAML())
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
		return seed, !t.Failed() && (tally.Verdicts < o.Verdicts || time.Since(begin) < o.For)
	}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s, more := next(); more; s, more = next() {
				cluster, r := c.cluster(s)
				n, err := c.Check(cluster, r)
				mu.Lock()
				tally.add(n, cluster.Features)
				if err != nil {
					tally.Disagreements++
				}
				mu.Unlock()
				if err != nil {
					t.Errorf("seed %d: %v\nrerun: go test %s -run '^%s$' -seed %d\n%s", s, err, c.Package, t.Name(), s, cluster.YAML())
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d verdicts over %d clusters with %s; explained: %v", tally.Verdicts, tally.Clusters, c.Counterpart, tally.Explained)
	if o.Tally != "" {
		require.NoError(t, tally.Append(o.Tally))
	}
}
