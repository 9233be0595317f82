package report_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/cmd/internal/report"
)

type connection struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Ports string `json:"ports,omitempty"`
}

// nasty holds what each format must escape.
const nasty = "a|b\"c\n<d>&#e`f\\g*_\x1b[0m"

func document() report.Document {
	rows := []connection{{"ml/job/trainer[0]", "8.8.8.8", "TCP 443"}, {"web/pod/a", nasty, ""}}
	return report.Document{
		Value: map[string]any{"schema": "podreach.test/v1", "connections": rows},
		Lines: slices.Values([]any{rows[0], rows[1]}),
		Table: &report.Table{
			Columns: []report.Column{{Name: "from"}, {Name: "why", Wide: true}, {Name: "to"}, {Name: "ports"}},
			Rows:    [][]string{{"ml/job/trainer[0]", "policy, \"x\"", "8.8.8.8", "TCP 443"}, {"web/pod/a", "", nasty, ""}, {"süd/pod/ü"}},
		},
		Graph: &report.Graph{
			Nodes: []report.Node{{"1", "job/trainer[0]", "ml"}, {"2", "8.8.8.8", ""}, {"3", "pod/a", "web \"x\""}, {"4", nasty, "ml"}, {"5", "", ""}},
			Edges: []report.Edge{{From: "1", To: "2", Label: "TCP 443"}, {From: "3", To: "4", Label: nasty, Line: report.Dashed}, {From: "4", To: "4"}, {From: "4", To: "5", Line: report.Barred}},
		},
	}
}

var golden = map[report.Format]string{
	report.TableFormat: `
FROM                TO                             PORTS
ml/job/trainer[0]   8.8.8.8                        TCP 443
web/pod/a           a|b"c\n<d>&#e` + "`" + `f\g*_\u001b[0m
süd/pod/ü
`,
	report.Wide: `
FROM                WHY           TO                             PORTS
ml/job/trainer[0]   policy, "x"   8.8.8.8                        TCP 443
web/pod/a                         a|b"c\n<d>&#e` + "`" + `f\g*_\u001b[0m
süd/pod/ü
`,
	report.JSON: `
{
  "connections": [
    {
      "from": "ml/job/trainer[0]",
      "to": "8.8.8.8",
      "ports": "TCP 443"
    },
    {
      "from": "web/pod/a",
      "to": "a|b\"c\n<d>&#e` + "`" + `f\\g*_\u001b[0m"
    }
  ],
  "schema": "podreach.test/v1"
}
`,
	report.JSONLines: `
{"from":"ml/job/trainer[0]","to":"8.8.8.8","ports":"TCP 443"}
{"from":"web/pod/a","to":"a|b\"c\n<d>&#e` + "`" + `f\\g*_\u001b[0m"}
`,
	report.YAML: `
connections:
- from: ml/job/trainer[0]
  ports: TCP 443
  to: 8.8.8.8
- from: web/pod/a
  to: "a|b\"c\n<d>&#e` + "`" + `f\\g*_\e[0m"
schema: podreach.test/v1
`,
	report.CSV: `
from,why,to,ports
ml/job/trainer[0],"policy, ""x""",8.8.8.8,TCP 443
web/pod/a,,"a|b""c\n<d>&#e` + "`" + `f\g*_\u001b[0m",
süd/pod/ü,,,
`,
	report.Markdown: `
| from | to | ports |
| --- | --- | --- |
| ml/job/trainer\[0\] | 8.8.8.8 | TCP 443 |
| web/pod/a | a\|b"c\\n&lt;d>&amp;#e\` + "`" + `f\\g\*\_\\u001b\[0m |  |
| süd/pod/ü |  |  |
`,
	report.Mermaid: `
flowchart LR
  subgraph g0["ml"]
    n0["job/trainer[0]"]
    n3["a|b#quot;c\n#lt;d#gt;#amp;#35;e#96;f\g*_\u001b[0m"]
  end
  n1["8.8.8.8"]
  n4[" "]
  subgraph g2["web #quot;x#quot;"]
    n2["pod/a"]
  end
  n0 -->|"TCP 443"| n1
  n2 -.->|"a|b#quot;c\n#lt;d#gt;#amp;#35;e#96;f\g*_\u001b[0m"| n3
  n3 --> n3
  n3 -.-x n4
`,
	report.Dot: `
digraph podreach {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_0 {
    label="ml";
    n0 [label="job/trainer[0]"];
    n3 [label="a|b\"c\\n<d>&#e` + "`" + `f\\g*_\\u001b[0m"];
  }
  n1 [label="8.8.8.8"];
  n4 [label=""];
  subgraph cluster_2 {
    label="web \"x\"";
    n2 [label="pod/a"];
  }
  n0 -> n1 [label="TCP 443"];
  n2 -> n3 [label="a|b\"c\\n<d>&#e` + "`" + `f\\g*_\\u001b[0m", style=dashed];
  n3 -> n3;
  n3 -> n4 [style=dotted, color=red, arrowhead=tee];
}
`,
}

func write(t *testing.T, f report.Format, d report.Document) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, report.Write(&b, f, d))
	return b.String()
}

func TestWrite(t *testing.T) {
	require.Len(t, golden, len(report.Formats()), "a format without a test")
	for _, f := range report.Formats() {
		require.Equal(t, strings.TrimPrefix(golden[f], "\n"), write(t, f, document()), f)
		require.Equal(t, write(t, f, document()), write(t, f, document()), f)
	}
}

// TestReadBack requires that what is written for machines says what went in.
func TestReadBack(t *testing.T) {
	want, err := json.Marshal(document().Value)
	require.NoError(t, err)
	require.JSONEq(t, string(want), write(t, report.JSON, document()))
	fromYAML, err := yaml.YAMLToJSON([]byte(write(t, report.YAML, document())))
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(fromYAML))
	records, err := csv.NewReader(strings.NewReader(write(t, report.CSV, document()))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"from", "why", "to", "ports"}, records[0])
	require.Equal(t, []string{"web/pod/a", "", report.Printable(nasty), ""}, records[2]) // spreadsheets and terminals read it
}

// TestDotStructure checks that the text is braces, statements and quoted
// strings and nothing else, whatever the names are.
func TestDotStructure(t *testing.T) {
	text := write(t, report.Dot, document())
	text = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`).ReplaceAllString(text, "S")
	require.NotContains(t, text, `"`)
	require.Equal(t, strings.Count(text, "{"), strings.Count(text, "}"))
	statement := regexp.MustCompile(`^ *(digraph podreach \{|subgraph cluster_\d+ \{|\}|rankdir=LR;|node \[shape=box\];|label=S;|n\d+ \[label=S\];|n\d+ -> n\d+( \[(label=S)?(, )?(style=(dashed|dotted, color=red, arrowhead=tee))?\])?;)$`)
	for line := range strings.Lines(text) {
		require.Regexp(t, statement, strings.TrimSuffix(line, "\n"))
	}
}

func TestEmpty(t *testing.T) {
	d := report.Document{
		Value: []int{}, Lines: slices.Values([]any(nil)), Graph: &report.Graph{},
		Table: &report.Table{Columns: []report.Column{{Name: "from"}, {Name: "to"}}},
	}
	for f, want := range map[report.Format]string{
		report.TableFormat: "FROM   TO\n",
		report.Wide:        "FROM   TO\n",
		report.JSON:        "[]\n",
		report.JSONLines:   "",
		report.YAML:        "[]\n",
		report.CSV:         "from,to\n",
		report.Markdown:    "| from | to |\n| --- | --- |\n",
		report.Mermaid:     "flowchart LR\n",
		report.Dot:         "digraph podreach {\n  rankdir=LR;\n  node [shape=box];\n}\n",
	} {
		require.Equal(t, want, write(t, f, d), f)
	}
}

func TestWriteErrors(t *testing.T) {
	var b strings.Builder
	require.EqualError(t, report.Write(&b, report.Dot, report.Document{Value: 1, Table: &report.Table{}}),
		`output format "dot" is not available here, only table, wide, json, yaml, csv, md`)
	require.Error(t, report.Write(&b, "sarif", document()))
	require.Error(t, report.Write(&b, report.JSON, report.Document{Value: func() {}}))
	require.Error(t, report.Write(&b, report.YAML, report.Document{Value: func() {}}))
	require.Error(t, report.Write(&b, report.JSONLines, report.Document{Lines: slices.Values([]any{func() {}})}))
	for _, f := range []report.Format{report.Mermaid, report.Dot} {
		require.EqualError(t, report.Write(&b, f, report.Document{Graph: &report.Graph{Nodes: []report.Node{{ID: "a"}, {ID: "a"}}}}),
			`report: node "a" twice in a graph`)
		require.EqualError(t, report.Write(&b, f, report.Document{Graph: &report.Graph{Edges: []report.Edge{{From: "a", To: "b"}}}}),
			`report: edge with node "a", which the graph lacks`)
	}
	for _, f := range report.Formats() {
		require.ErrorIs(t, report.Write(full{}, f, document()), errFull, f)
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestParseFormat(t *testing.T) {
	for _, available := range [][]report.Format{report.Formats(), report.GateFormats()} {
		for _, f := range available {
			got, err := report.ParseFormat(string(f), available)
			require.NoError(t, err)
			require.Equal(t, f, got)
		}
		got, err := report.ParseFormat("", available)
		require.NoError(t, err)
		require.Equal(t, report.TableFormat, got)
	}
	const formats = "table, wide, json, jsonl, yaml, csv, md, mermaid, dot"
	for s, want := range map[string]string{
		"jsn":   `unknown output format "jsn", expected ` + formats + `; did you mean json?`,
		"JSON":  `unknown output format "JSON", expected ` + formats + `; did you mean json?`,
		"sarif": `output format "sarif" is not available here, only ` + formats,
		"yml":   `unknown output format "yml", expected ` + formats + `; did you mean yaml?`,
	} {
		_, err := report.ParseFormat(s, report.Formats())
		require.EqualError(t, err, want)
	}
	_, err := report.ParseFormat("saref", report.GateFormats())
	require.ErrorContains(t, err, "did you mean sarif?")
}
