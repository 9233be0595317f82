package manifest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

func TestParseLimits(t *testing.T) {
	l, err := ParseLimits("document=128Mi, yaml=1.5Gi,depth=2k,objects=10M,problems=7,text=1000")
	require.NoError(t, err)
	require.Equal(t, Limits{Document: 128 << 20, YAML: 3 << 29, Depth: 2000, Objects: 10_000_000, Problems: 7, Text: 1000}, l)
	l, err = ParseLimits(DefaultLimits())
	require.NoError(t, err)
	require.Equal(t, Limits{}.complete(), l)
	for text, want := range map[string]string{
		"":                    `"" is not in the form NAME=VALUE, such as document=128Mi`,
		"document":            `"document" is not in the form NAME=VALUE, such as document=128Mi`,
		"documents=1":         `there is no limit "documents"; did you mean document?`,
		"nothing-like-it=1":   `there is no limit "nothing-like-it"; valid are document, yaml, aliases, depth, text, kept, objects, problems`,
		"yaml=":               `yaml is "", expected a number such as 2000 or 128Mi`,
		"yaml=64MB":           `yaml is "64MB", expected a number such as 2000 or 128Mi`,
		"yaml=64 Mi":          `yaml is "64 Mi", expected a number such as 2000 or 128Mi`,
		"yaml=0":              `yaml is 0, expected more than 0`,
		"yaml=-1Mi":           `yaml is -1Mi, expected more than 0`,
		"depth=10001":         `depth is 10001, expected at most 10000`,
		"yaml=1,yaml=1e99999": `yaml is "1e99999", expected a number such as 2000 or 128Mi`,
	} {
		_, err := ParseLimits(text)
		require.EqualError(t, err, want, text)
	}
	require.Equal(t, "document=64Mi,yaml=32Mi,aliases=16Mi,depth=1k,text=8Gi,kept=1Gi,objects=5M,problems=100k", DefaultLimits())
}

// TestLimitsAreDocumented: `podreach explain PR1008` has them all.
func TestLimitsAreDocumented(t *testing.T) {
	for _, word := range strings.Split(DefaultLimits(), ",") {
		require.Contains(t, dialect.CodeLimit.Doc().Text, word)
	}
}

// TestRaise: the flag that a message names is one that helps.
func TestRaise(t *testing.T) {
	for _, l := range limits {
		all := Limits{}.complete()
		words := strings.Fields(all.raise(l.name))
		require.Equal(t, []string{"(--limit", words[1], "raises", "this)"}, words)
		raised, err := ParseLimits(words[1])
		require.NoError(t, err)
		require.Equal(t, 2*l.standard, *l.field(&raised))
		if l.most > 0 {
			*l.field(&all) = l.most
			require.Empty(t, all.raise(l.name), "it cannot be raised")
		}
	}
	require.Equal(t, "1500 bytes, 3 KiB, 5 MiB, 8 GiB", strings.Join([]string{size(1500), size(3 << 10), size(5 << 20), size(8 << 30)}, ", "))
}
