package cyclonus

import (
	"flag"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
)

var options = fuzz.Flags(flag.CommandLine, 2_000_000)

// TestCyclonus compares on generated clusters.
func TestCyclonus(t *testing.T) {
	var uncertain atomic.Int64
	comparison := fuzz.Comparison{
		Counterpart: "cyclonus",
		Package:     "./fuzz/cyclonus",
		Clusters:    gen.Options{Valid: true, Profile: "spec", Plain: true},
		Check: func(c *gen.Cluster, r *rand.Rand) (fuzz.Count, error) {
			text := c.JSON()
			if r.IntN(2) == 1 {
				text = c.YAML()
			}
			w, err := load(c, text)
			if err != nil {
				return fuzz.Count{}, err
			}
			err = w.all(r, 16)
			uncertain.Add(int64(w.uncertain))
			return w.count, err
		},
	}
	comparison.Run(t, *options)
	t.Logf("%d questions left out, because podreach is not certain", uncertain.Load())
}
