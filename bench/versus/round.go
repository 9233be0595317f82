// Package versus holds two implementations against each other: answers first,
// then times in rounds that alternate, medians, ratios, and how times grow.
// bench/peers compares libraries with it, bench/command commands.
package versus

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// Pass is one run of an operation: what it took, how often the operation was
// done, and how many of its answers were "allowed".
type Pass struct {
	Time    time.Duration
	Times   int
	Allowed int
}

// Side is one implementation of an operation.
type Side func() (Pass, error)

// Result is an operation on one cluster. The zero value has no times.
type Result struct {
	Op, Shape, Peer string
	Pods            int
	Ours, Theirs    time.Duration // the median of one operation
}

// Ratio is the peer's time in multiples of podreach's.
func (r Result) Ratio() float64 { return float64(r.Theirs) / float64(r.Ours) }

// ErrAnswers is the error where two sides do not agree, so that there are no
// times.
var ErrAnswers = errors.New("different answers")

// Rounds says how long a race is. A turn is as many passes as take Turn. Short
// turns in many rounds are best where other programs run: most turns are not
// interrupted, and so the median is not.
type Rounds struct {
	Least int           // rounds, also where they take longer than For
	For   time.Duration // rounds are added up to this, at most a hundred
	Turn  time.Duration
}

const mostRounds = 100

// Race runs both sides by turns, each after a collection of what the other side
// left, and returns the median of each. Before any time is taken, and with every turn, both must have
// allowed the same number of times over the same number of operations.
func Race(ours, theirs Side, n Rounds) (time.Duration, time.Duration, error) {
	want, err := ours()
	if err != nil {
		return 0, 0, fmt.Errorf("podreach: %w", err)
	}
	turn := func(side Side) (time.Duration, error) {
		runtime.GC()
		var sum Pass
		for sum.Time < n.Turn || sum.Times == 0 {
			p, err := side()
			if err != nil {
				return 0, err
			}
			if p.Allowed != want.Allowed || p.Times != want.Times {
				return 0, fmt.Errorf("%w: %d allowed in %d, podreach allowed %d in %d", ErrAnswers, p.Allowed, p.Times, want.Allowed, want.Times)
			}
			if p.Times <= 0 || p.Time <= 0 {
				return 0, errors.New("a pass that did nothing")
			}
			sum.Time += p.Time
			sum.Times += p.Times
		}
		return time.Duration(math.Round(float64(sum.Time) / float64(sum.Times))), nil
	}
	var times [2][]time.Duration
	begin := time.Now()
	for round := -1; round < n.Least || round < mostRounds && time.Since(begin) < n.For; round++ { // the first one warms up
		for i, side := range []Side{ours, theirs} {
			t, err := turn(side)
			if err != nil {
				return 0, 0, err
			}
			if round >= 0 {
				times[i] = append(times[i], t)
			}
		}
	}
	return Median(times[0]), Median(times[1]), nil
}

// Median is the middle one, or the lower of the two in the middle.
func Median[T int | int64 | time.Duration](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)/2]
}

// Exponent is the slope of the line through the logarithms of sizes and times
// that has the least squares: 1 where times grow as sizes do, 2 with their
// square. It is NaN for fewer than two sizes.
func Exponent(sizes []int, times []time.Duration) float64 {
	var x, y, xx, xy float64
	n := float64(len(sizes))
	for i := range sizes {
		a, b := math.Log(float64(sizes[i])), math.Log(float64(times[i]))
		x, y, xx, xy = x+a, y+b, xx+a*a, xy+a*b
	}
	if d := n*xx - x*x; n > 1 && d > 0 {
		return (n*xy - x*y) / d
	}
	return math.NaN()
}
