package fuzz

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

var options = Flags(flag.CommandLine, 1_000_000)

// withOracle compares everything about a cluster with the oracle: of every
// pair some ports, for an eighth of the small clusters all of them.
var withOracle = Comparison{Counterpart: "oracle", Package: "./fuzz", Complete: true,
	Check: func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		if r.IntN(8) == 0 {
			return check(c, r, 80_000, 12)
		}
		return check(c, r, 0, 12)
	}}

// onBytes asks everything of small clusters, and little of others: a fuzzer
// wants many.
var onBytes = Comparison{Counterpart: "oracle", Package: "./fuzz", Clusters: gen.Options{Pods: 3, Policies: 3},
	Check: func(c *gen.Cluster, r *rand.Rand) (Count, error) { return check(c, r, 25_000, 4) }}

// check asks everything when that is no more than so many verdicts, else so
// many flows of every pair.
func check(c *gen.Cluster, r *rand.Rand, everythingUpTo, perPair int) (Count, error) {
	text := c.JSON()
	if r.IntN(2) == 1 {
		text = c.YAML()
	}
	o, err := Oracle(c)
	if err != nil {
		return Count{}, err
	}
	x, ledger, err := Index(c, text)
	if err != nil {
		return Count{}, err
	}
	if err := sameRejections(slices.Concat(o.Rejected(), o.Conflicting()), ledger); err != nil {
		return Count{}, err
	}
	if ends := len(o.Ends()); 3*ends*(ends+2*len(o.Atoms()))*len(o.Ports()) <= everythingUpTo {
		perPair = everything
	}
	verdicts, err := compare(o, x, r, perPair)
	return Count{Verdicts: verdicts}, err
}

// sameRejections checks that both left out the same policies (R115), or say
// that they are not defined together (R106).
func sameRejections(want []model.ObjectRef, l *dialect.Ledger) error {
	got := map[model.ObjectRef]bool{}
	for _, d := range l.Diagnostics {
		// That there is no object at all is said of no policy. It would make
		// the empty cluster the smallest that fails.
		if d.Severity() == dialect.Error && d.Code != dialect.CodeEmptyFile && d.Code != dialect.CodeNoObjects {
			got[d.Object] = true
		}
	}
	for _, o := range want {
		if !got[o] {
			return fmt.Errorf("the oracle alone rejects: %v; diagnostics: %v", o, l.Diagnostics)
		}
	}
	for _, o := range want {
		delete(got, o)
	}
	if len(got) > 0 {
		return fmt.Errorf("the cluster alone rejects: %v; diagnostics: %v", got, l.Diagnostics)
	}
	return nil
}

// TestEmptyCluster: nothing is wrong with a cluster without objects, so that
// nothing shrinks to it that is not of every cluster.
func TestEmptyCluster(t *testing.T) {
	for seed := range uint64(8) {
		_, err := withOracle.check(&gen.Cluster{}, questions(seed)(0))
		require.NoError(t, err)
	}
}

// TestEngine holds the whole line against the oracle on generated clusters.
func TestEngine(t *testing.T) {
	o, c := *options, withOracle
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
		c.Complete = false
	}
	c.Run(t, o)
}

// FuzzEngine is TestEngine on clusters that the fuzzer's bytes decide on.
func FuzzEngine(f *testing.F) {
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) { onBytes.Bytes(t, b) })
}
