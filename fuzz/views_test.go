package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/podreach/podreach/internal/gen"
)

// betweenViews holds what callers may ask of one index against each other.
var betweenViews = Comparison{Counterpart: "views", Package: "./fuzz", Clusters: gen.Options{Pods: 6},
	Check: func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		x, _, err := Index(c, c.JSON())
		if err != nil {
			return Count{}, err
		}
		n, err := compareViews(x, r)
		return Count{Verdicts: n}, err
	}}

// TestViews: list, can, Matrix, Between and the deciding rules of Explain say
// the same of every pair, and the answers about sets what the pairs add up to.
func TestViews(t *testing.T) {
	o := *options
	o.Verdicts /= 4
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
	}
	betweenViews.Run(t, o)
}

// FuzzViews is TestViews on clusters that the fuzzer's bytes decide on.
func FuzzViews(f *testing.F) {
	f.Add([]byte(nil))
	c := betweenViews
	c.Clusters = gen.Options{Pods: 3, Policies: 3}
	f.Fuzz(func(t *testing.T, b []byte) { c.Bytes(t, b) })
}
