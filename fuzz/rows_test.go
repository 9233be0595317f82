package fuzz

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
)

// withRows compares what is decided for sets of classes at once with what is
// decided pair by pair.
var withRows = Comparison{Counterpart: "rows", Package: "./fuzz", Check: checkRows}

func checkRows(c *gen.Cluster, r *rand.Rand) (Count, error) {
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return Count{}, err
	}
	return sameRows(x)
}

// sameRows holds every row against BetweenClasses of every pair of classes.
func sameRows(x *engine.Index) (n Count, err error) {
	seen := make([]bool, x.Classes())
	for row := range x.Rows() {
		if len(row.Sources) == 0 {
			return n, fmt.Errorf("a row without sources")
		}
		for _, src := range row.Sources {
			if seen[src] {
				return n, fmt.Errorf("class %d is in two rows", src)
			}
			seen[src] = true
			for dst := range engine.Class(x.Classes()) {
				want := x.BetweenClasses(src, dst)
				var got *engine.Layer
				for i := range row.Layers {
					if !row.Layers[i].Classes.Test(uint(dst)) {
						continue
					}
					if got != nil {
						return n, fmt.Errorf("class %d is in two layers of the row of %d", dst, src)
					}
					got = &row.Layers[i]
				}
				n.Verdicts++
				switch {
				case got == nil && (!want.Upper.Empty() || want.Other != 0):
					return n, fmt.Errorf("class %d to %d is in no layer, BetweenClasses says %v", src, dst, want)
				case got != nil && (!got.Bounds.Lower.Equal(want.Lower) || !got.Bounds.Upper.Equal(want.Upper) || got.Bounds.Other != want.Other):
					return n, fmt.Errorf("class %d to %d: a row says %v, BetweenClasses %v", src, dst, got.Bounds, want)
				}
			}
		}
	}
	for c, in := range seen {
		if !in {
			return n, fmt.Errorf("class %d is in no row", c)
		}
	}
	return n, nil
}

// TestRows holds rows and columns against single pairs.
func TestRows(t *testing.T) {
	o := *options
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
	}
	withRows.Run(t, o)
}
