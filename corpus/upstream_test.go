package corpus

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/podreach/podreach/model"
)

// archives are the cases that others have written down first: the archive, and
// the letter of its ids. testdata/upstream has the names of all tests of each.
var archives = map[string]string{"e2e": "K", "anp": "A", "cnp": "P", "stories": "U"}

var leftOut = regexp.MustCompile(`(?m)^left out: (.*)\n  \S`)

// answer is what a test of others finds of some pairs of pods at one port, in
// the state of the cluster of that number.
type answer struct {
	test     string
	state    int
	protocol model.Protocol
	port     uint16
	allowed  bool
	pairs    []string // "x/a>y/b"
}

// upstream reads a list: the tests, and below each, indented, its answers:
// "STATE PROTOCOL PORT yes|no PAIRS". The lists are made from the suites'
// sources, and the answers by running their own code.
func upstream(t *testing.T, archive string) (tests []string, answers []answer) {
	t.Helper()
	b, err := os.ReadFile("testdata/upstream/" + archive + ".txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line[0] != '\t' {
			tests = append(tests, line)
			continue
		}
		words := strings.Fields(line)
		a := answer{test: tests[len(tests)-1], allowed: words[3] == "yes", pairs: words[4:]}
		a.state = must(strconv.Atoi(words[0]))
		protocol, ok := model.ParseProtocol(words[1])
		require.True(t, ok && (a.allowed || words[3] == "no"), line)
		a.protocol, a.port = protocol, uint16(must(strconv.ParseUint(words[2], 10, 16)))
		answers = append(answers, a)
	}
	return tests, answers
}

// Every test of a suite is a case, or said to be none, with the reason; and
// nothing else is.
func TestUpstreamIsComplete(t *testing.T) {
	for archive, letter := range archives {
		want, _ := upstream(t, archive)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(want))), len(want), "%s names a test twice", archive)
		b, err := fs.ReadFile(testdata, "testdata/"+archive+".txtar")
		require.NoError(t, err)
		var got []string
		for _, m := range leftOut.FindAllStringSubmatch(string(txtar.Parse(b).Comment), -1) {
			got = append(got, m[1])
		}
		out := len(got)
		for _, c := range Cases() {
			if strings.HasPrefix(c.ID, letter) {
				require.NotEmpty(t, c.Upstream, c.ID)
				got = append(got, c.Upstream...)
			}
		}
		slices.Sort(got)
		require.ElementsMatch(t, want, slices.Compact(got), archive)
		t.Logf("%s: %d tests, %d of them left out", archive, len(want), out)
	}
}

// Our sets agree with upstream wherever upstream looks.
func TestUpstreamAgrees(t *testing.T) {
	for archive, want := range map[string]int{"e2e": 508, "anp": 289, "cnp": 289} {
		states := map[string][]Case{} // of a test, in their order
		for _, c := range Cases() {
			for _, test := range c.Upstream {
				states[test] = append(states[test], c)
			}
		}
		for _, list := range states {
			slices.SortFunc(list, func(a, b Case) int { return strings.Compare(a.ID, b.ID) })
		}
		_, answers := upstream(t, archive)
		asked := 0
		for _, a := range answers {
			require.LessOrEqual(t, a.state, len(states[a.test]), a.test)
			c := states[a.test][a.state-1]
			for _, pair := range a.pairs {
				from, to, _ := strings.Cut(strings.ReplaceAll(pair, "/", "/pod/"), ">")
				i := slices.IndexFunc(c.Expect, func(e Expectation) bool { return e.From == from && e.To == to && e.Family == model.AnyFamily })
				require.GreaterOrEqual(t, i, 0, "%s: %s", c.ID, pair)
				e := c.Expect[i]
				want := model.Denied
				if a.allowed {
					want = model.Allowed
				}
				got := model.Bounds{Lower: e.Lower, Upper: e.Upper}.Verdict(a.protocol, a.port)
				require.Equal(t, want, got, "%s: %s %v %d in %s", c.ID, pair, a.protocol, a.port, a.test)
				asked++
			}
		}
		require.Equal(t, want, asked, archive)
	}
}

// A truth table is whole: each two pods of a case are spoken of.
func TestUpstreamTablesAreWhole(t *testing.T) {
	for _, c := range Cases() {
		if c.Upstream == nil {
			continue
		}
		own, err := documents(c.YAML)
		require.NoError(t, err)
		for _, pair := range must(endsOf(own).pairs("allpairs")) {
			require.True(t, c.speaksOf(pair[0], pair[1]), "%s: %s>%s", c.ID, pair[0], pair[1])
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
