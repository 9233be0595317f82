package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"

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
		"":                     `"" is not in the form NAME=VALUE, such as document=128Mi`,
		"document":             `"document" is not in the form NAME=VALUE, such as document=128Mi`,
		"documents=1":          `there is no limit "documents"; did you mean document?`,
		"nothing-like-it=1":    `there is no limit "nothing-like-it"; valid are document, yaml, aliases, depth, text, kept, objects, problems`,
		"yaml=":                `yaml is "", expected a number such as 2000 or 128Mi`,
		"yaml=64MB":            `yaml is "64MB", expected a number such as 2000 or 128Mi`,
		"document=1m":          `document is "1m", expected a number such as 2000 or 128Mi`,
		"yaml=1Mi,yaml=2Mi":    `yaml is given twice`,
		"yaml=64 Mi":           `yaml is "64 Mi", expected a number such as 2000 or 128Mi`,
		"yaml=0":               `yaml is 0, expected more than 0`,
		"yaml=-1Mi":            `yaml is -1Mi, expected more than 0`,
		"depth=10001":          `depth is 10001, expected at most 10000`,
		"depth=1,yaml=1e99999": `yaml is "1e99999", expected a number such as 2000 or 128Mi`,
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

// Merge keys that double their work level by level, and documents that each
// stay below the bound, end soon.
func TestExpansionIsBounded(t *testing.T) {
	merges := &strings.Builder{}
	merges.WriteString("x0: &x0 {a: b}\n")
	for i := range 60 {
		fmt.Fprintf(merges, "x%d: &x%d {<<: [*x%d, *x%d], k%d: 1}\n", i+1, i+1, i, i, i)
	}
	start := time.Now()
	r := read(merges.String())
	require.Len(t, r.ledger.Diagnostics, 1)
	require.Contains(t, r.diagnostics()[0], "aliases expand to more than 16 MiB (--limit aliases=32Mi raises this)")

	small := Limits{Expansion: 2_000}
	one := "a: &a [" + strings.Repeat("x,", 200) + "]\nb: [*a]\nkind: Thing\napiVersion: v1\n---\n"
	r = readInputs(Options{Limits: small}, Bytes("a.yaml", []byte(strings.Repeat(one, 100))), Bytes("b.yaml", []byte(pod+"---\n"+one)))
	require.Equal(t, []string{
		"a.yaml:195:1: the aliases of all YAML documents expand to more than 32000 bytes (--limit aliases=4000 raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)",
		"b.yaml:12:1: the aliases of all YAML documents expand to more than 32000 bytes (--limit aliases=4000 raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)",
	}, r.diagnostics())
	r = readInputs(Options{Limits: small}, Bytes("a.yaml", []byte(strings.Repeat(one, 10))))
	require.Empty(t, r.diagnostics())
	require.Less(t, time.Since(start), 10*time.Second)
}
