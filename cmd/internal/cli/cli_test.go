package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

func TestSentence(t *testing.T) {
	for text, want := range map[string]sentence{
		"ml: reach internet":                                  {"ml:", "internet", ""},
		"ml: reach internet on 443, 80":                       {"ml:", "internet", "443, 80"},
		"  a/b \t reach  c/d\non TCP/* ":                      {"a/b", "c/d", "TCP/*"},
		":tier in (a, b),app reach {team in (x, y)}:app on 1": {":tier in (a, b),app", "{team in (x, y)}:app", "1"},
		"reach in (reach, on) reach on in (on) on on":         {"reach in (reach, on)", "on in (on)", "on"},
	} {
		got, err := parseSentence([]string{text})
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		got, err = parseSentence(strings.Fields(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, "%s, one word an argument", text)
	}
	for text, want := range map[string]string{
		"":              "there is no question",
		"a/b":           `the word "reach" is missing`,
		"reach c/d":     `the word "reach" is missing`,
		"a/b reach":     `there is nothing after "reach"`,
		"a/b reahc c/d": `found "reahc"; did you mean reach?`,
		"a reach b on":  `there is no port after "on"`,
	} {
		_, err := parseSentence([]string{text})
		require.ErrorContains(t, err, want, text)
		var c *codedError
		require.True(t, errors.As(err, &c))
		require.Equal(t, dialect.CodeBadExpression, c.code)
	}
}

// The tour fits on one screen, and what it proposes can be run.
func TestDemoFitsOneScreen(t *testing.T) {
	stdout, stderr, code := exec("", "demo")
	require.Zero(t, code)
	lines := strings.Split(strings.TrimRight(stdout+stderr, "\n"), "\n")
	require.LessOrEqual(t, len(lines), 45)
	for _, line := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
	}
	for _, next := range demoNext {
		require.Contains(t, stdout, "podreach "+next)
		_, stderr, code := exec("", strings.Fields(next)...)
		require.Less(t, code, exitError, "%s: %s", next, stderr)
	}
	question := []string{"can", demoQuestion.from, "reach", demoQuestion.to, "-f", "demo:"}
	answer, _, _ := exec("", question...)
	require.Contains(t, stdout, answer)
}

// An answer is the same bytes each time, in every format, and the exit code
// does not depend on the format. The last line of standard error is the
// account of what was read.
func TestAnswersAreDeterministic(t *testing.T) {
	file := filepath.Join(t.TempDir(), "static.yaml")
	require.NoError(t, os.WriteFile(file, []byte(staticCluster), 0o600))
	for _, args := range [][]string{
		{"list", "-f", demoPath},
		{"list", "-f", file},
		{"list", "-f", demoPath, "--by", "pod", "--from", "nodes"},
		{"can", "ml-training: reach internet", "-f", demoPath},
		{"can", "ml-data: reach internet", "-f", demoPath},
		{"can", "other: reach shop:", "-f", file},
		{"explain", "ml-training:", "outside", "-f", demoPath},
	} {
		codes := map[int]bool{}
		for _, f := range report.Formats() {
			all := slices.Concat(args, []string{"-o", string(f)})
			first, stderr, code := exec("", all...)
			require.NotEmpty(t, first, "%v: %s", all, stderr)
			codes[code] = true
			for range 3 {
				again, stderrAgain, _ := exec("", all...)
				require.Equal(t, first, again, all)
				require.Equal(t, stderr, stderrAgain, all)
			}
			lines := strings.Split(strings.TrimRight(stderr, "\n"), "\n")
			require.Regexp(t, `^read \d+ objects \(\d+ pods, \d+ workloads, \d+ policies\); ignored \d+ of \d+ kinds; \d+ errors, \d+ warnings$`, lines[len(lines)-1])
		}
		require.Len(t, codes, 1, args)
	}
}

// Names in files cannot steer a terminal.
func TestOutputIsPrintable(t *testing.T) {
	manifest := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"ml","labels":{"app":"a"}}}
{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"\u001b[31mred\nread 1 objects","namespace":"ml"}}
`
	for _, args := range [][]string{{"can", "ml/a", "reach", "outside"}, {"explain", "ml/a", "outside"}, {"list", "-v"}} {
		stdout, stderr, _ := exec(manifest, append(args, "-f", "-")...)
		require.NotContains(t, stdout+stderr, "\x1b", args)
		require.NotContains(t, stderr, "\nread 1 objects", args)
	}
}

func TestWrap(t *testing.T) {
	require.Equal(t, "a b\nccccc\nd\n", wrap("a  b ccccc\nd", 5))
	require.Equal(t, "\n", wrap("", 5))
}

// The example of a code gives that code, and the exit code of its severity.
func TestExamplesGiveTheirCode(t *testing.T) {
	for _, d := range dialect.Codes {
		require.NotEmpty(t, d.Text, d.Code)
		file := filepath.Join(t.TempDir(), "example")
		require.NoError(t, os.WriteFile(file, []byte(d.Example), 0o600))
		var args []string
		switch {
		case strings.HasPrefix(d.Example, "podreach "):
			args = strings.Fields(d.Example)[1:]
		case d.Code == dialect.CodeBadConfig:
			args = []string{"list", "-f", demoPath, "--config", file}
		case d.Code == dialect.CodeUnreadable: // a path
			args = []string{"list", "-f", strings.TrimSpace(d.Example)}
		case d.Code == dialect.CodeEmptyFile: // beside something else
			args = []string{"list", "-f", demoPath, "-f", file}
		default:
			args = []string{"list", "-v", "-f", file}
		}
		_, stderr, code := exec("", args...)
		require.Contains(t, stderr, "("+d.Code.String()+")\n")
		fails := d.Severity == dialect.Error || d.Code == dialect.CodeBrokenDocument // which comes with a PR1001
		require.Equal(t, fails, code == exitError, "%v: %s", d.Code, stderr)
	}
}

// Every code can be explained, and the kinds that --strict knows are no policies.
func TestEveryCodeIsExplained(t *testing.T) {
	for _, d := range dialect.Codes {
		stdout, stderr, code := exec("", "explain", d.Code.String())
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, d.Title)
		require.Greater(t, len(strings.Split(stdout, "\n")), 3, "%v has no text", d.Code)
	}
	for _, kind := range []string{"NetworkPolicy", "CiliumNetworkPolicy", "Deployment", "Pod", "Prometheus"} {
		require.False(t, inert[kind], kind)
	}
}
