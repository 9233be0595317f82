package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
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
		"":                      "there is no question",
		"a/b":                   `the word "reach" is missing`,
		"reach c/d":             "FROM is empty",
		"a reach on 80":         "TO is empty",
		"a reach b 443":         `the word "on" is missing before "443"`,
		"{a reach b":            "the '{' of \"{a\" is not closed",
		"a reach b onn 80":      `found "onn"; did you mean on?`,
		"a reach b on 80 UDP/9": "ports take commas between: on 80,UDP/9",
		"a/b reach":             `there is nothing after "reach"`,
		"a/b reahc c/d":         `found "reahc"; did you mean reach?`,
		"a reach b on":          `there is no port after "on"`,
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

func TestFold(t *testing.T) {
	require.Equal(t, []string{"a b", "ccccc", "d,", "eeee"}, fold("a b ccccc d,eeee", 5))
	require.Equal(t, []string{"abcde", "fg"}, fold("abcdefg", 5))
	require.Equal(t, []string{"ü,", "üüüü"}, fold("ü,üüüü", 5))
	require.Equal(t, []string{""}, fold("", 5))
}

// What a rule says stays on few lines and within the width, and loses nothing
// but the rest of long lists.
func TestSaysKeepsItsMeaning(t *testing.T) {
	var blocks []model.Block
	var except []netip.Prefix
	var ranges []model.PortRange
	for i := range 200 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
		except = append(except, p)
		blocks = append(blocks, model.Block{CIDR: p})
		ranges = append(ranges, model.PortRange{Protocol: model.UDP, First: uint16(2*i + 1), Last: uint16(2*i + 1)})
	}
	for _, peer := range []model.Peer{{Blocks: blocks}, {Blocks: []model.Block{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), Except: except}}}} {
		r := model.Rule{Action: model.Allow, Subject: model.PodSet{Namespace: "shop"}, Peer: peer, Ports: model.RulePorts{Set: model.Ports(ranges...)}}
		ref := ruleRef{Says: ruleText(&r, false), brief: ruleText(&r, true)}
		var b strings.Builder
		ref.writeSays(&b, 10, false)
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		require.LessOrEqual(t, len(lines), ruleLines)
		for _, line := range lines {
			require.LessOrEqual(t, len(line), proseWidth)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		require.Contains(t, text, "shop: accepts UDP 1,3,5,7,9,11 and 194 more ranges of UDP from 10.")
		require.Contains(t, text, "and 198 more")
	}
}

// A block and what is left out of it are the addresses of the cover.
func TestBlockOf(t *testing.T) {
	for _, cover := range [][]string{
		{"10.0.0.0/8"}, {"0.0.0.0/0"}, {"10.0.0.0/32", "10.0.0.2/31"}, {"1.2.3.4/32", "200.0.0.0/5"}, {"fd00::/8", "fe80::1/128"},
	} {
		var want netipx.IPSetBuilder
		var ps []netip.Prefix
		for _, c := range cover {
			ps = append(ps, netip.MustParsePrefix(c))
			want.AddPrefix(ps[len(ps)-1])
		}
		b := blockOf(ps)
		var got netipx.IPSetBuilder
		got.AddPrefix(b.CIDR)
		for _, e := range b.Except {
			require.True(t, b.CIDR.Overlaps(e) && b.CIDR.Bits() < e.Bits(), "%v", b)
			got.RemovePrefix(e)
		}
		w, err := want.IPSet()
		require.NoError(t, err)
		g, err := got.IPSet()
		require.NoError(t, err)
		require.True(t, w.Equal(g), "%v is %v", cover, b)
	}
}

// Many rules on one pod make an explanation of bounded size.
func TestExplainIsBounded(t *testing.T) {
	const policies = 300
	manifest := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","labels":{"app":"a"}}}
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"n","labels":{"app":"b"}}}
`
	for i := range policies {
		manifest += fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p%d","namespace":"n"},`+
			`"spec":{"podSelector":{"matchLabels":{"app":"b"}},"ingress":[{"from":[{"ipBlock":{"cidr":"0.0.0.0/1"}},{"ipBlock":{"cidr":"128.0.0.0/1"}},{"ipBlock":{"cidr":"::/0"}}],"ports":[{"port":%d}]}]}}`+"\n", i, 1000+2*i)
	}
	stdout, stderr, code := exec(manifest, "explain", "n/a", "n/b", "-f", "-")
	require.Zero(t, code, stderr)
	require.Less(t, strings.Count(stdout, "\n"), 600)
	require.Contains(t, stdout, fmt.Sprintf("\n%d more sets of ports", policies+1-shownResults))

	stdout, _, _ = exec(manifest, "explain", "n/a", "n/b", "-f", "-", "-o", "json")
	valid(t, schema(t, "explain"), stdout, false)
	var doc struct {
		Results []struct {
			Families []struct{ Ingress sideDocument }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Len(t, doc.Results, policies+1)
	for _, r := range doc.Results {
		for _, f := range r.Families {
			n := len(f.Ingress.Rules)
			require.LessOrEqual(t, n, listedRules)
			for _, omitted := range f.Ingress.Omitted {
				n += omitted
			}
			require.GreaterOrEqual(t, n, policies)
		}
	}
}

// The example of a code gives that code, and the exit code of its severity.
func TestExamplesGiveTheirCode(t *testing.T) {
	fakeKubectl(t)
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
		case strings.Contains(d.Example, "kind: AssertionSet"):
			args = []string{"check", file, "-f", demoPath}
		case d.Code == dialect.CodeUnreadable: // a path
			args = []string{"list", "-f", strings.TrimSpace(d.Example)}
		case d.Code == dialect.CodeNotFollowed: // a folder
			folder := filepath.Join(t.TempDir(), d.Example)
			require.NoError(t, os.Mkdir(folder, 0o700))
			require.NoError(t, os.Symlink(file, filepath.Join(folder, "link.yaml")))
			args = []string{"list", "-v", "-f", demoPath, "-f", folder}
		case d.Code == dialect.CodeEmptyFile: // beside something else
			args = []string{"list", "-f", demoPath, "-f", file}
		default:
			args = []string{"list", "-v", "-f", file, "--allow-empty"}
		}
		if d.Profile != "" {
			args = append(args, "--profile", d.Profile)
		}
		if d.Code.Lint() {
			args[0] = "lint"
		}
		stdout, stderr, code := exec("", args...)
		if d.Code.Lint() {
			require.Contains(t, stdout, "("+d.Code.String()+")\n")
			require.Equal(t, exitNo, code, "%v: %s", d.Code, stderr)
			require.NoError(t, os.WriteFile(file, []byte(d.After), 0o600))
			stdout, stderr, code = exec("", args...)
			require.Equal(t, exitYes, code, "%v: %s %s", d.Code, stdout, stderr)
			continue
		}
		if args[0] == "check" { // says it in its answer
			stderr += strings.ReplaceAll(stdout, ")  ", ")\n")
		}
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

// What the README shows is what the command answers.
func TestReadmeShowsTheAnswer(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), "    $ podreach ")
	require.True(t, found)
	command, rest, _ := strings.Cut(rest, "\n")
	var shown strings.Builder
	for line := range strings.Lines(rest) {
		if line != "\n" && !strings.HasPrefix(line, "    ") {
			break
		}
		shown.WriteString(strings.TrimPrefix(line, "    "))
	}
	stdout, _, code := exec("", strings.Fields(command)...)
	require.Equal(t, exitYes, code)
	require.Equal(t, stdout+"\n", shown.String())
}
