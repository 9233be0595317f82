package cyclonus

import (
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

var options = fuzz.Flags(flag.CommandLine, 1_000_000)

// TestCyclonus compares on generated clusters.
func TestCyclonus(t *testing.T) {
	var mu sync.Mutex
	uncertain, seen := 0, map[compared]int{}
	comparison := fuzz.Comparison{
		Counterpart: "cyclonus",
		Package:     "-C fuzz/cyclonus .",
		Clusters:    gen.Options{Valid: true, Profile: "spec", Plain: true},
		Check: func(c *gen.Cluster, r *rand.Rand) (fuzz.Count, error) {
			text := c.JSON()
			if r.IntN(2) == 1 {
				text = c.YAML()
			}
			w, err := load(c, text, r.IntN(2) == 1)
			if err != nil {
				return fuzz.Count{}, err
			}
			if len(w.policies) != len(c.Policies) {
				return fuzz.Count{}, errors.New("podreach rejects a valid policy")
			}
			err = w.all(r, 16)
			mu.Lock()
			defer mu.Unlock()
			uncertain += w.uncertain
			for sort, n := range w.compared {
				seen[sort] += n
			}
			return w.count, err
		},
	}
	comparison.Run(t, *options)
	t.Logf("%d questions left out, because podreach is not certain", uncertain)
	if options.Seed == 0 && options.Verdicts >= 100_000 {
		everySort(t, seen)
	}
}

// everySort requires verdicts of each sort that there can be.
func everySort(t *testing.T, seen map[compared]int) {
	for from := range numEndKinds {
		for to := range numEndKinds {
			if from > podTemplate && to > podTemplate || (from == node || from == hostPod) && to == podTemplate { // R52
				continue
			}
			for f := range model.Family(model.NumFamilies) {
				for _, allowed := range []bool{false, true} {
					for _, named := range []bool{false, true} {
						if !named || to <= podTemplate {
							require.NotZero(t, seen[compared{from, to, f, named, allowed}], "from %v to %v, %v, named %v, allowed %v", from, to, f, named, allowed)
						}
					}
				}
			}
		}
	}
}
