package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// withRows compares what is decided for sets of classes at once with what is
// decided pair by pair.
var withRows = Comparison{Counterpart: "rows", Package: "./fuzz", Check: checkRows}

func checkRows(c *gen.Cluster, r *rand.Rand) (Count, error) {
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return Count{}, err
	}
	n, err := sameRows(x)
	for range 8 {
		if err == nil {
			err = sameColumn(x, r, &n)
		}
	}
	return n, err
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

// sameColumn holds a column of random destinations and ports against single
// pairs.
func sameColumn(x *engine.Index, r *rand.Rand, n *Count) error {
	ends := slices.Collect(x.AllPods().Union(x.AllNodes()).All())
	var some []engine.EndpointID
	for _, i := range r.Perm(len(ends))[:r.IntN(min(4, len(ends)+1))] {
		some = append(some, ends[i])
	}
	to := engine.Of(some...)
	switch r.IntN(4) {
	case 0:
		to = to.Union(addresses(x, r))
	case 1:
		to = addresses(x, r)
	}
	ports := model.AllPorts()
	if atoms := x.PortAtoms(); r.IntN(4) > 0 {
		ports = model.Ports(atoms[r.IntN(len(atoms))])
	}
	column := x.Column(to, ports)
	all := engine.Of(ends...)
	certain, possible := 0, 0
	for _, src := range ends {
		want := model.Denied
		for dst := range to.All() {
			if src == dst && src.IsPod() {
				continue
			}
			n.Verdicts++
			b := x.BetweenClasses(x.Class(src), x.Class(dst))
			if b.Lower.Overlaps(ports) {
				want = model.Allowed
			} else if b.Upper.Overlaps(ports) && want == model.Denied {
				want = model.Unknown
			}
		}
		if want == model.Allowed {
			certain++
		}
		if want != model.Denied {
			possible++
		}
		got, first := column.Any(engine.Of(src))
		every, second := column.All(engine.Of(src))
		if got != want || every != want || got != model.Denied && first != src || every != model.Allowed && second != src {
			return fmt.Errorf("%d to %v on %v: a column says %v %d, all %v %d, pairs %v", src, some, ports, got, first, every, second, want)
		}
	}
	if c, p := column.Count(all); c != certain || p != possible {
		return fmt.Errorf("to %v on %v: a column counts %d and %d, pairs %d and %d", some, ports, c, p, certain, possible)
	}
	return nil
}

// addresses is a part of the address space, with pods and nodes in it.
func addresses(x *engine.Index, r *rand.Rand) engine.Set {
	all := []string{"outside", "internet", "private", "0.0.0.0/0", "10.0.0.0/8", "172.16.0.0/12", "::/0", "8.8.8.8"}
	found, err := solver.Find(x, all[r.IntN(len(all))])
	if err != nil {
		return engine.Set{} // none are in the snapshot
	}
	return found.Set
}

// TestRows holds rows and columns against single pairs.
func TestRows(t *testing.T) {
	o := *options
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
	}
	withRows.Run(t, o)
}
