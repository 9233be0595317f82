package fuzz

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model/dialect"
)

var options = Flags(flag.CommandLine, 1_000_000)

// withOracle compares everything about a cluster with the oracle.
var withOracle = Comparison{Counterpart: "oracle", Package: "./fuzz", Check: check}

func check(c *gen.Cluster, r *rand.Rand) (Count, error) {
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
	verdicts, err := compare(o, x, r, 12)
	return Count{Verdicts: verdicts}, err
}

// sameRejections checks that both left out the same policies (R115), or say
// that they are not defined together (R106).
func sameRejections(want []string, l *dialect.Ledger) error {
	got := map[string]bool{}
	for _, d := range l.Diagnostics {
		if d.Severity() == dialect.Error {
			got[d.Object.Namespace+"/"+d.Object.Name] = true
		}
	}
	for _, name := range want {
		if !got[name] {
			return fmt.Errorf("the oracle alone rejects: %s; diagnostics: %v", name, l.Diagnostics)
		}
	}
	for _, name := range want {
		delete(got, name)
	}
	if len(got) > 0 {
		return fmt.Errorf("the cluster alone rejects: %v; diagnostics: %v", got, l.Diagnostics)
	}
	return nil
}

// TestEngine holds the whole line against the oracle on generated clusters.
func TestEngine(t *testing.T) {
	o := *options
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
	}
	withOracle.Run(t, o)
}

// FuzzEngine is TestEngine on clusters that the fuzzer's bytes decide on.
func FuzzEngine(f *testing.F) {
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) { withOracle.Bytes(t, b) })
}
