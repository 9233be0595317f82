package versus

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// side allows a number of its operations and takes a microsecond for each.
func side(times, allowed int) Side {
	return func() (Pass, error) {
		return Pass{Time: time.Duration(times) * time.Microsecond, Times: times, Allowed: allowed}, nil
	}
}

func TestRace(t *testing.T) {
	calls := 0
	slow := func() (Pass, error) {
		calls++
		return Pass{Time: time.Millisecond, Times: 10, Allowed: 3}, nil
	}
	ours, theirs, err := Race(side(10, 3), slow, Rounds{Least: 5, Turn: time.Microsecond})
	require.NoError(t, err)
	require.Equal(t, time.Microsecond, ours)
	require.Equal(t, 100*time.Microsecond, theirs)
	require.Equal(t, 6, calls, "five rounds and one to warm up")
	_, _, err = Race(side(10, 3), slow, Rounds{Least: 5, For: time.Minute, Turn: 3 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, 6+3*(mostRounds+1), calls, "up to the most there are, of three passes each")
	require.InDelta(t, 100, Result{Ours: ours, Theirs: theirs}.Ratio(), 1e-9)
}

// Who answers otherwise gets no time, and nor does who did less, or nothing.
func TestRaceOfDifferentAnswers(t *testing.T) {
	_, _, err := Race(side(10, 3), side(10, 4), Rounds{Least: 1})
	require.ErrorIs(t, err, ErrAnswers)
	_, _, err = Race(side(10, 3), side(9, 3), Rounds{Least: 1})
	require.ErrorIs(t, err, ErrAnswers)
	_, _, err = Race(side(0, 0), side(0, 0), Rounds{Least: 1})
	require.Error(t, err)
	broken := errors.New("broken")
	_, _, err = Race(side(10, 3), func() (Pass, error) { return Pass{}, broken }, Rounds{Least: 1})
	require.ErrorIs(t, err, broken)
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2, Median([]int{9, 1, 2}))
	require.Equal(t, 2, Median([]int{9, 1, 3, 2}))
}

func TestExponent(t *testing.T) {
	sizes := []int{100, 1_000, 10_000}
	require.InDelta(t, 2, Exponent(sizes, []time.Duration{5, 500, 50_000}), 1e-9)
	require.InDelta(t, 0, Exponent(sizes, []time.Duration{7, 7, 7}), 1e-9)
	// The last one is ten times what the line says: the slope moves by a half.
	require.InDelta(t, 1.5, Exponent(sizes, []time.Duration{100, 1_000, 100_000}), 1e-9)
	require.True(t, math.IsNaN(Exponent(sizes[:1], []time.Duration{7})))
	require.True(t, math.IsNaN(Exponent([]int{5, 5}, []time.Duration{7, 8})))
}

func TestTables(t *testing.T) {
	results := []Result{
		{Op: "one query", Shape: "unique", Peer: "x", Pods: 100, Ours: 200, Theirs: 2 * time.Microsecond},
		{Op: "one query", Shape: "unique", Peer: "x", Pods: 1_000, Ours: 200, Theirs: 20 * time.Microsecond},
		{Op: "load", Shape: "unique", Peer: "x", Pods: 100, Ours: 3 * time.Millisecond, Theirs: 150 * time.Millisecond},
	}
	var out strings.Builder
	_, err := Times(results).WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, `| operation | shape  | pods | peer | podreach | peer's  | ratio |
| --------- | -----  | ---- | ---- | -------- | ------  | ----- |
| one query | unique | 100  | x    | 200 ns   | 2.00 µs | 10.0x |
| one query | unique | 1000 | x    | 200 ns   | 20.0 µs | 100x  |
| load      | unique | 100  | x    | 3.00 ms  | 150 ms  | 50.0x |
`, out.String())
	out.Reset()
	_, err = Growth(results).WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, `| operation | shape  | pods      | peer | podreach grows with pods to the | peer |
| --------- | -----  | ----      | ---- | ------------------------------- | ---- |
| one query | unique | 100, 1000 | x    | 0.00                            | 1.00 |
`, out.String())
}
