package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	ruleHead  = regexp.MustCompile(`(?m)^\*\*R(\d+)[ *]`)
	inForce   = regexp.MustCompile(`In force today: ([R0-9,\s-]+), in the profiles`)
	ruleRange = regexp.MustCompile(`R(\d+)(?:-R(\d+))?`)
)

// withoutCases are rules that a cluster and its connections cannot show, and
// the test that shows them.
var withoutCases = map[int]struct{ why, file, test string }{
	68:  {"no policy that is understood looks at service accounts", "../model/cluster/testdata/pod.txtar", "R68"},
	70:  {"every case in which a policy has an effect assumes it", "testdata/R10.txtar", "-- C10-1 --"},
	85:  {"it is not reported; that replies need no rule is the nearest", "testdata/R2.txtar", "-- C2-2 --"},
	139: {"a change is a second input, which a case does not have", "../model/cluster/apply_test.go", "R139"},
}

// semantics is the rules of docs/SEMANTICS.md, and which are in force.
func semantics(t *testing.T) map[int]bool {
	t.Helper()
	b, err := os.ReadFile("../docs/SEMANTICS.md")
	require.NoError(t, err)
	rules := map[int]bool{}
	for _, m := range ruleHead.FindAllStringSubmatch(string(b), -1) {
		n, _ := strconv.Atoi(m[1])
		rules[n] = false
	}
	m := inForce.FindStringSubmatch(string(b))
	require.NotNil(t, m, "the status of docs/SEMANTICS.md")
	for _, r := range ruleRange.FindAllStringSubmatch(m[1], -1) {
		first, _ := strconv.Atoi(r[1])
		last := first
		if r[2] != "" {
			last, _ = strconv.Atoi(r[2])
		}
		for n := first; n <= last; n++ {
			require.Contains(t, rules, n, "the status names R%d", n)
			rules[n] = true
		}
	}
	return rules
}

// Every rule that is in force has at least two cases, and every case is of a
// rule that is.
func TestRulesHaveCases(t *testing.T) {
	rules := semantics(t)
	count := map[int]int{}
	for _, c := range Cases() {
		require.True(t, rules[c.Rule], "%s: R%d is not in force", c.ID, c.Rule)
		count[c.Rule]++
	}
	require.Greater(t, len(count), 90)
	for rule, inForce := range rules {
		if e, ok := withoutCases[rule]; ok {
			require.True(t, inForce, "R%d is not in force, and needs no excuse", rule)
			require.Zero(t, count[rule], "R%d has cases", rule)
			require.NotEmpty(t, e.why)
			continue
		}
		if inForce {
			require.GreaterOrEqual(t, count[rule], 2, "R%d has %d cases", rule, count[rule])
		}
	}
}

// What stands for cases is there.
func TestRulesWithoutCases(t *testing.T) {
	for rule, e := range withoutCases {
		b, err := os.ReadFile(filepath.FromSlash(e.file))
		require.NoError(t, err, "R%d", rule)
		require.Contains(t, string(b), e.test, "R%d", rule)
	}
}

// Texts speak of rules that exist.
func TestRulesAreCited(t *testing.T) {
	rules := semantics(t)
	files, err := fs.Glob(testdata, "testdata/*")
	require.NoError(t, err)
	for _, file := range files {
		b, err := fs.ReadFile(testdata, file)
		require.NoError(t, err)
		for _, m := range ruleNumber.FindAllStringSubmatch(string(b), -1) {
			n, _ := strconv.Atoi(m[1])
			require.Contains(t, rules, n, "%s cites R%d", file, n)
		}
		if strings.HasPrefix(file, "testdata/R") {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/R"), ".txtar"))
			require.NoError(t, err)
			require.Contains(t, rules, n, file)
		}
	}
}
