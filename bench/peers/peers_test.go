package main

import (
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/bench/versus"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/fuzz/cilium"
	"github.com/podreach/podreach/fuzz/cyclonus"
	"github.com/podreach/podreach/model"
)

var small = plan{verdicts: 300, rounds: versus.Rounds{Least: 1}}

var silent = log.New(io.Discard, "", 0)

// Every operation has a line for every shape, peer and size.
func TestTables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "versus.md")
	var out strings.Builder
	require.NoError(t, run([]string{"-sizes", "30,60", "-large", "90", "-verdicts", "300", "-rounds", "1", "-for", "0", "-turn", "0", "-o", file}, &out))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, out.String(), string(text))
	require.Contains(t, out.String(), "cyclonus v0.")
	require.Contains(t, out.String(), "cilium v1.")
	for _, shape := range []string{"replicas", "unique"} {
		for _, name := range []string{"cyclonus", "cilium"} {
			for _, op := range opNames {
				sizes := []string{"30", "60"}
				switch {
				case op == opLookup && name != "cilium":
					continue
				case op == opQuery || op == opLookup:
					sizes = append(sizes, "90")
				}
				line := regexp.MustCompile(`(?m)^\| ` + op + ` +\| ` + shape + ` +\| (\d+) +\| ` + name + ` +\| [\d.]+ [nµm]?s +\| [\d.]+ [nµm]?s +\| [\d.]+x +\|$`)
				var found []string
				for _, m := range line.FindAllStringSubmatch(out.String(), -1) {
					found = append(found, m[1])
				}
				require.Equal(t, sizes, found, "%s of %s, %s\n%s", op, shape, name, out.String())
				require.Regexp(t, `(?m)^\| `+op+` +\| `+shape+` +\| `+strings.Join(sizes, ", ")+` +\| `+name+` +\| -?[\d.]+ +\| -?[\d.]+ +\|$`, out.String())
			}
		}
	}
}

// liar is a peer that answers some questions about pods otherwise.
type liar struct {
	peer
	lies func(asked int) bool
	n    int
}

func (l *liar) Ask(p model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error) {
	ask := l.peer.Ask(p, port)
	return func(src, dst engine.EndpointID) (bool, error) {
		yes, err := ask(src, dst)
		l.n++
		return yes != l.lies(l.n), err
	}
}

func races(t *testing.T) map[string]*race {
	t.Helper()
	out := map[string]*race{}
	for _, name := range []string{"cyclonus", "cilium"} {
		s, ok := shapeOf("replicas")
		require.True(t, ok)
		r, err := newRace(s, 60, name)
		require.NoError(t, err)
		out[name] = r
	}
	return out
}

// One wrong answer, wherever it is given, and there are no times.
func TestWrongAnswersHaveNoTimes(t *testing.T) {
	for name, honest := range races(t) {
		_, err := small.one(honest, false, silent)
		require.NoError(t, err, name)
		pods := honest.Pods()
		pairs := len(pods) * (len(pods) - 1)
		never := &liar{peer: honest.peer, lies: func(int) bool { return false }}
		honest.peer = never
		_, err = small.one(honest, false, silent)
		require.NoError(t, err, name)
		require.Greater(t, never.n, manyQuestions*4+pairs*3)

		for what, lies := range map[string]func(asked int) bool{
			"the first question":               func(n int) bool { return n == 1 },
			"the last question":                func(n int) bool { return n == manyQuestions },
			"a pair that no question is about": func(n int) bool { return n == manyQuestions+pairs },
			"when times are taken":             func(n int) bool { return n == manyQuestions+pairs+5 },
			"after a change":                   func(n int) bool { return n == never.n-manyQuestions-5 },
			"at the end":                       func(n int) bool { return n == never.n },
		} {
			honest.peer = &liar{peer: never.peer, lies: lies}
			results, err := small.one(honest, false, silent)
			require.ErrorIs(t, err, versus.ErrAnswers, "%s: %s", name, what)
			require.Empty(t, results)
		}
	}
}

// The random verdicts are compared by the peers: podreach without one policy
// answers differently.
func TestVerdictsAreCompared(t *testing.T) {
	for name, r := range races(t) {
		for i := range r.o.api.Policies {
			require.NoError(t, r.change(&r.o.api.Policies[i], false))
		}
		var err error
		if name == "cilium" {
			r.peer, err = cilium.NewPeer(r.o.documents, r.x)
		} else {
			r.peer, err = cyclonus.NewPeer(r.o.api, r.x, r.ledger)
		}
		require.NoError(t, err)
		_, err = r.Compare(rand.New(rand.NewPCG(1, 1)), 10_000)
		require.ErrorContains(t, err, "podreach says allowed", name)
		results, err := small.one(r, true, silent)
		require.ErrorIs(t, err, versus.ErrAnswers, name)
		require.Empty(t, results)
	}
}

// idle compares nothing.
type idle struct{ peer }

func (idle) Compare(*rand.Rand, int) (fuzz.Count, error) { return fuzz.Count{}, nil }

func TestNothingComparedHasNoTimes(t *testing.T) {
	for name, r := range races(t) {
		r.peer = idle{r.peer}
		_, err := small.one(r, true, silent)
		require.ErrorContains(t, err, "0 verdicts compared, not 300", name)
	}
}

// What the timed change applies is what reading the cluster made of the policy.
func TestChangeLowersAsReadingDoes(t *testing.T) {
	for name, r := range races(t) {
		for i := range r.o.api.Policies {
			np := &r.o.api.Policies[i]
			of := func() []model.Rule {
				var out []model.Rule
				for _, rule := range r.x.Snapshot().Rules {
					if rule.Object == (model.ObjectRef{Kind: "NetworkPolicy", Namespace: np.Namespace, Name: np.Name}) {
						rule.Origin = model.Origin{}
						out = append(out, rule)
					}
				}
				return out
			}
			before := of()
			require.NotEmpty(t, before)
			require.NoError(t, r.change(np, false))
			require.Empty(t, of())
			require.NoError(t, r.change(np, true))
			require.Equal(t, before, of(), name)
		}
	}
}

func TestFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"no shape": {"-shapes", "x"}, "no peer": {"-peers", "x"}, "no number of pods": {"-sizes", "0"},
	} {
		var out strings.Builder
		require.ErrorContains(t, run(args, &out), want)
		require.Empty(t, out.String())
	}
}
