package report_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/report"
)

// repository makes a repository and a folder beside it, and is inside of the
// repository's folder k8s from then on.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root := filepath.Join(dir, "repo")
	for _, f := range []string{"repo/k8s/ml.yaml", "repo/k8s/a, b%:c#.yaml", "repo/gate.yaml", "beside/x.yaml"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), []byte("a: 1\n"), 0o600))
	}
	require.NoError(t, os.Symlink("ml.yaml", filepath.Join(root, "k8s", "link.yaml")))
	t.Chdir(filepath.Join(root, "k8s"))
	return root
}

// hostile holds what steers a terminal, a runner, Markdown, XML or SARIF.
const hostile = "a|b\n::error::x%0A\r]]><b>&\"' [l](http://e) $x$ {0} \x1b[31m\x00\ufffe"

func gate(root string) *report.Findings {
	return &report.Findings{
		Command: "podreach check", Summary: "3 of 5 assertions do not hold", Version: "v1.2.3+dirty", Root: root, Input: "ml.yaml",
		Link: "https://github.com/o/r/blob/abc",
		Checks: []report.Check{
			{ID: "no-internet", Title: "Training is isolated", Text: "Nothing of *training* leaves.\n\nClose it.", Level: report.Error, Score: "8.1",
				Tags: []string{"egress", "security", "egress"}, At: &report.Place{File: "../gate.yaml", Line: 4, Column: 3}},
			{ID: "holds", Title: "DNS is reachable", Level: report.Warning, At: &report.Place{File: "../gate.yaml", Line: 9}},
			{ID: "waived", Title: "Databases", Level: report.Error, Score: "99"},
			{ID: hostile, Title: hostile, Text: hostile, Level: report.Note, Tags: []string{hostile}},
		},
		Items: []report.Finding{
			{Check: hostile, Level: report.Note, Message: hostile, Detail: hostile, Key: hostile, At: []report.Place{{File: "a, b%:c#.yaml", Line: 2, Column: 7, Message: hostile}}},
			{Check: "no-internet", Level: report.Error, Message: "ml/job/a reaches 8.8.8.8", Key: "no-internet|ml/job/a|internet", Detail: "TCP 443\n12 of 18 pods",
				At: []report.Place{{File: "live:NetworkPolicy/ml/x:spec.egress[0]"}, {File: "link.yaml", Line: 1, Column: 5, Message: "opens it"}, {File: "../../beside/x.yaml", Line: 3}}},
			{Check: "no-internet", Level: report.Error, Message: "ml/job/b reaches 8.8.8.8", Key: "no-internet|ml/job/b|internet"},
			{Check: "waived", Level: report.Error, Message: "db is open", Key: "waived|db", Waived: "until March, says the data team", At: []report.Place{{File: "ml.yaml", Line: 1}}},
			{Check: "unlisted", Level: report.Warning, Message: "old news", Key: "u", Passes: true, At: []report.Place{{File: "chart/templates/np.yaml", Line: 5}}},
			{Check: "unlisted", Level: report.Warning, Message: "old news too", At: []report.Place{{File: "-", Line: 5}}},
		},
	}
}

// sarif is the log of findings, which must meet the schema of SARIF.
func sarif(t *testing.T, f *report.Findings) map[string]any {
	t.Helper()
	text := write(t, report.SARIF, report.Document{Findings: f})
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	schema, err := sarifSchema()
	require.NoError(t, err)
	require.NoError(t, schema.Validate(v))
	require.Equal(t, text, write(t, report.SARIF, report.Document{Findings: f}))
	return onlyRun(t, text)
}

func onlyRun(t *testing.T, text string) map[string]any {
	t.Helper()
	var log struct{ Runs []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(text), &log))
	require.Len(t, log.Runs, 1)
	return log.Runs[0]
}

//go:embed testdata/sarif-schema-2.1.0.json
var sarifSchemaText string

var sarifSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(sarifSchemaText))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", v); err != nil {
		return nil, err
	}
	return c.Compile("sarif.json")
})

// get follows a path of keys and indexes.
func get(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			require.Contains(t, v, p)
			v = v.(map[string]any)[p]
		case int:
			require.Greater(t, len(v.([]any)), p)
			v = v.([]any)[p]
		}
	}
	return v
}

func TestSARIF(t *testing.T) {
	run := sarif(t, gate(repository(t)))
	require.Equal(t, "podreach", get(t, run, "tool", "driver", "name"))
	require.Equal(t, "v1.2.3+dirty", get(t, run, "tool", "driver", "version"))
	require.Equal(t, "1.2.3", get(t, run, "tool", "driver", "semanticVersion"))
	require.Equal(t, "podreach-check/", get(t, run, "automationDetails", "id"))
	require.Equal(t, "unicodeCodePoints", run["columnKind"])

	rules := get(t, run, "tool", "driver", "rules").([]any)
	require.Len(t, rules, 5) // "unlisted" among them
	for i, id := range []string{"no-internet", "holds", "waived", strings.ToValidUTF8(hostile, ""), "unlisted"} {
		require.Equal(t, id, get(t, rules, i, "id"))
		for _, field := range []string{"shortDescription", "fullDescription", "help"} {
			require.NotEmpty(t, get(t, rules, i, field, "text"), "GitHub wants each")
		}
	}
	require.Equal(t, "Nothing of *training* leaves.", get(t, rules, 0, "fullDescription", "text"))
	require.Equal(t, "Nothing of *training* leaves.\n\nClose it.", get(t, rules, 0, "help", "markdown"))
	require.Equal(t, map[string]any{"tags": []any{"security", "egress"}, "precision": "very-high", "security-severity": "8.1"}, get(t, rules, 0, "properties"))
	require.Equal(t, map[string]any{"precision": "very-high", "problem.severity": "error"}, get(t, rules, 2, "properties"), "99 is no score")
	require.Equal(t, "note", get(t, rules, 3, "defaultConfiguration", "level"))

	results := run["results"].([]any)
	var order []any
	fingerprints := map[any]bool{}
	for i := range results {
		id := get(t, results, i, "ruleId")
		require.Equal(t, id, get(t, rules, int(get(t, results, i, "ruleIndex").(float64)), "id"))
		order = append(order, id)
		fingerprints[get(t, results, i, "partialFingerprints", "podreach/v1")] = true
		require.Len(t, get(t, results, i, "locations"), 1)
		require.Greater(t, get(t, results, i, "locations", 0, "physicalLocation", "region", "startLine"), 0.0)
	}
	// What fails the gate by level, what passes, what is waived.
	require.Equal(t, []any{"no-internet", "no-internet", "unlisted", hostile, "unlisted", "waived"}, order)
	require.Len(t, fingerprints, len(results))

	at := func(i int) (string, any) {
		l := get(t, results, i, "locations", 0, "physicalLocation", "artifactLocation").(map[string]any)
		return l["uri"].(string), l["uriBaseId"]
	}
	uri, base := at(0) // its first place is in no file; links are followed
	require.Equal(t, "k8s/ml.yaml", uri)
	require.Equal(t, "%SRCROOT%", base)
	require.Equal(t, map[string]any{"startLine": 1.0, "startColumn": 5.0, "endLine": 1.0}, get(t, results, 0, "locations", 0, "physicalLocation", "region"))
	require.Equal(t, "live:NetworkPolicy/ml/x:spec.egress[0]", get(t, results, 0, "locations", 0, "logicalLocations", 0, "fullyQualifiedName"))
	require.Regexp(t, `^file:///.*/beside/x\.yaml$`, get(t, results, 0, "relatedLocations", 0, "physicalLocation", "artifactLocation", "uri"))
	require.NotContains(t, get(t, results, 0, "relatedLocations", 0, "physicalLocation", "artifactLocation"), "uriBaseId")
	require.Regexp(t, `^ml/job/a reaches 8\.8\.8\.8\n\nTCP 443\n12 of 18 pods\n\nSee live:NetworkPolicy/ml/x:spec\.egress\[0\]; \[file:///.*/beside/x\.yaml:3\]\(1\)$`, get(t, results, 0, "message", "text"))
	uri, _ = at(1) // where the check is stated
	require.Equal(t, "gate.yaml", uri)
	require.Equal(t, 4.0, get(t, results, 1, "locations", 0, "physicalLocation", "region", "startLine"))
	uri, _ = at(2) // standard input: the first input that is a file
	require.Equal(t, "k8s/ml.yaml", uri)
	uri, _ = at(3)
	require.Equal(t, "k8s/a%2C%20b%25%3Ac%23.yaml", uri)
	require.NotContains(t, get(t, results, 3, "message", "text"), "](http")
	uri, _ = at(4) // a chart's template, as helm names it
	require.Equal(t, "chart/templates/np.yaml", uri)
	require.Equal(t, []any{map[string]any{"kind": "external", "status": "accepted", "justification": "until March, says the data team"}}, get(t, results, 5, "suppressions"))
	require.NotContains(t, results[4], "suppressions")
}

// TestSARIFFingerprintsAreStable requires that lines, levels, texts and the
// order of findings do not matter.
func TestSARIFFingerprintsAreStable(t *testing.T) {
	root := repository(t)
	of := func(f *report.Findings) map[any]any {
		out := map[any]any{}
		for _, r := range sarif(t, f)["results"].([]any) {
			out[get(t, r, "partialFingerprints", "podreach/v1")] = get(t, r, "ruleId")
		}
		return out
	}
	before, f := of(gate(root)), gate(root)
	for i, j := 0, len(f.Items)-1; i < j; i, j = i+1, j-1 {
		f.Items[i], f.Items[j] = f.Items[j], f.Items[i]
	}
	for i := range f.Items {
		f.Items[i].At = nil
		f.Items[i].Detail = "other"
		f.Items[i].Level = report.Warning
		if f.Items[i].Key != "" {
			f.Items[i].Message = "other"
		}
	}
	require.Equal(t, before, of(f))
}

func TestSARIFWithoutFindings(t *testing.T) {
	text := write(t, report.SARIF, report.Document{Findings: &report.Findings{Command: "podreach lint"}})
	require.Contains(t, text, `"results": []`)
	require.Contains(t, text, `"rules": []`)
	require.Empty(t, sarif(t, &report.Findings{Command: "podreach lint"})["results"])
}

// TestSARIFLimits requires that what GitHub would reject is left out, the least
// bad first, and said.
func TestSARIFLimits(t *testing.T) {
	f := &report.Findings{Command: "podreach lint"}
	for i := range 25_010 {
		f.Items = append(f.Items, report.Finding{Check: fmt.Sprintf("c%d", i), Level: report.Note, Message: "m", Key: fmt.Sprint(i)})
	}
	f.Items[25_009].Level, f.Items[25_009].Message = report.Error, strings.Repeat("ü", 5_000)
	for i := range 300 {
		f.Items[25_009].At = append(f.Items[25_009].At, report.Place{File: "x.yaml", Line: i + 1})
	}
	f.Checks = []report.Check{{ID: "one", Title: strings.Repeat("t", 2_000), Tags: strings.Split(strings.Repeat("t ", 3)+strings.Repeat("x", 30), "")}}
	run := onlyRun(t, write(t, report.SARIF, report.Document{Findings: f})) // a schema takes half a minute for this
	results := run["results"].([]any)
	require.Len(t, results, 25_000)
	require.Equal(t, "c25009", get(t, results, 0, "ruleId"))
	require.Len(t, get(t, results, 0, "relatedLocations"), 99)
	first, _, _ := strings.Cut(get(t, results, 0, "message", "text").(string), "\n")
	require.Len(t, []rune(first), 1024)
	rules := get(t, run, "tool", "driver", "rules").([]any)
	require.Len(t, rules, 25_000)
	notes := get(t, run, "invocations", 0, "toolExecutionNotifications")
	require.Equal(t, "Only the 25000 worst of 25010 findings are listed: GitHub takes no more in one run.", get(t, notes, 0, "message", "text"))
	require.Equal(t, "Only the 25000 checks that have findings are listed, of 25011: GitHub takes at most 25000 rules in one run.", get(t, notes, 1, "message", "text"))
	require.Equal(t, "Of 1 findings only the first 100 places are listed.", get(t, notes, 2, "message", "text"))
}

func TestAnnotations(t *testing.T) {
	got := write(t, report.GitHub, report.Document{Findings: gate(repository(t))})
	require.Equal(t, `::error file=k8s/ml.yaml,line=1,col=5,title=no-internet%3A Training is isolated::live:NetworkPolicy/ml/x:spec.egress[0]: ml/job/a reaches 8.8.8.8%0ATCP 443%0A12 of 18 pods
::error file=gate.yaml,line=4,col=3,title=no-internet%3A Training is isolated::ml/job/b reaches 8.8.8.8
::warning file=k8s/ml.yaml,title=unlisted::-:5: old news too
`+"::notice file=k8s/a%2C b%25%3Ac#.yaml,line=2,col=7,title=a|b\\n%3A%3Aerror%3A%3Ax%250A\\u000d]]><b>&\"' [l](http%3A//e) $x$ {0} \\u001b[31m\\u0000\ufffe::"+
		"a|b\\n::error::x%250A\\u000d]]><b>&\"' [l](http://e) $x$ {0} \\u001b[31m\\u0000\ufffe%0Aa|b%0A::error::x%250A\\u000d]]><b>&\"' [l](http://e) $x$ {0} \\u001b[31m\\u0000\ufffe\n"+
		`::warning file=chart/templates/np.yaml,line=5,title=unlisted::old news
podreach check: 3 of 5 assertions do not hold
`, got)

	// The worst first, for GitHub shows ten of each level.
	f := &report.Findings{Command: "podreach lint", Summary: "13 findings"}
	for i := range 12 {
		f.Items = append(f.Items, report.Finding{Check: "c", Level: report.Warning, Message: fmt.Sprint(i)})
	}
	f.Items = append(f.Items, report.Finding{Check: "c", Level: report.Error, Message: "worst"})
	lines := strings.Split(write(t, report.GitHub, report.Document{Findings: f}), "\n")
	require.Equal(t, "::error title=c::worst", lines[0])
	require.Equal(t, "podreach lint: 13 findings; GitHub shows 10 of 12 warnings", lines[13])
}

func TestSummary(t *testing.T) {
	got := write(t, report.Markdown, report.Document{Findings: gate(repository(t)), Table: &report.Table{}})
	require.Equal(t, `## podreach check

3 of 5 assertions do not hold

2 errors, 1 warning, 1 note; 1 let pass, 1 waived; 1 check without a finding

| level | check | finding | where |
| --- | --- | --- | --- |
| error | no-internet | ml/job/a reaches 8.8.8.8 | live:NetworkPolicy/ml/x:spec.egress\[0\] |
| error | no-internet | ml/job/b reaches 8.8.8.8 | [gate.yaml:4](https://github.com/o/r/blob/abc/gate.yaml#L4) |
| warning | unlisted | old news too | -:5 |
`+"| note | a\\|b\\\\n::error::x%0A\\\\u000d\\]\\]>&lt;b>&amp;\"' \\[l\\]\\(http://e\\) \\$x\\$ {0} \\\\u001b\\[31m\\\\u0000\ufffe | a\\|b\\\\n::error::x%0A\\\\u000d\\]\\]>&lt;b>&amp;\"' \\[l\\]\\(http://e\\) \\$x\\$ {0} \\\\u001b\\[31m\\\\u0000\ufffe | "+
		`[k8s/a, b%:c#.yaml:2](https://github.com/o/r/blob/abc/k8s/a%2C%20b%25%3Ac%23.yaml#L2) |

<details><summary>1 let pass</summary>

| level | check | finding | where |
| --- | --- | --- | --- |
| warning | unlisted | old news | [chart/templates/np.yaml:5](https://github.com/o/r/blob/abc/chart/templates/np.yaml#L5) |

</details>

<details><summary>1 waived</summary>

| level | check | finding | where |
| --- | --- | --- | --- |
| error | waived | db is open — waived: until March, says the data team | [k8s/ml.yaml:1](https://github.com/o/r/blob/abc/k8s/ml.yaml#L1) |

</details>

<details><summary>1 without a finding</summary>

| check | title | stated at |
| --- | --- | --- |
| holds | DNS is reachable | [gate.yaml:9](https://github.com/o/r/blob/abc/gate.yaml#L9) |

</details>
`, got)

	// GitHub throws away what is bigger than a mebibyte.
	f := &report.Findings{Command: "podreach lint"}
	for i := range 100_000 {
		f.Items = append(f.Items, report.Finding{Check: fmt.Sprint(i), Message: strings.Repeat("&", 1_000)})
		f.Checks = append(f.Checks, report.Check{ID: fmt.Sprint("holds ", i)})
	}
	text := write(t, report.Markdown, report.Document{Findings: f})
	require.Less(t, len(text), 1<<20)
	require.Regexp(t, `and \d+ more`, text)
	require.Contains(t, text, "<summary>100000 without a finding</summary>")
	require.True(t, strings.HasSuffix(text, "</details>\n"))
}

// TestWithoutRepository requires that nothing is made up when no place is in a
// file, and that what is made of it is still valid.
func TestWithoutRepository(t *testing.T) {
	t.Chdir(t.TempDir())
	f := &report.Findings{Command: "podreach lint", Input: "live", Items: []report.Finding{
		{Check: "a", Message: "m", At: []report.Place{{File: "live:NetworkPolicy/ml/x"}}}, {Check: "a", Message: "n"}, {Check: "a", Message: "o", At: []report.Place{{File: "../../../etc/x.yaml"}}},
	}}
	results := sarif(t, f)["results"]
	require.Equal(t, "live%3ANetworkPolicy/ml/x", get(t, results, 0, "locations", 0, "physicalLocation", "artifactLocation", "uri"))
	require.Equal(t, "live", get(t, results, 1, "locations", 0, "physicalLocation", "artifactLocation", "uri"))
	require.Equal(t, "../../../etc/x.yaml", get(t, results, 2, "locations", 0, "physicalLocation", "artifactLocation", "uri"))
	require.Equal(t, "::notice title=a::live:NetworkPolicy/ml/x: m\n::notice title=a::n\n::notice title=a::../../../etc/x.yaml: o\npodreach lint: \n", write(t, report.GitHub, report.Document{Findings: f}))
}
