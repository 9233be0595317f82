package corpus

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// archives are the cases that others have written down first: the archive, and
// the letter of its ids. testdata/upstream has the names of all tests of each.
var archives = map[string]string{"e2e": "K", "anp": "A", "cnp": "P", "stories": "U"}

var leftOut = regexp.MustCompile(`(?m)^left out: (.*)\n  \S`)

// Every test of a suite is a case, or said to be none, with the reason; and
// nothing else is. The lists are made from the suites' sources.
func TestUpstreamIsComplete(t *testing.T) {
	for archive, letter := range archives {
		list, err := os.ReadFile("testdata/upstream/" + archive + ".txt")
		require.NoError(t, err)
		want := strings.Split(strings.TrimSpace(string(list)), "\n")
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
