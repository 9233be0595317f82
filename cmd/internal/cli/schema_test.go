package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

const schemas = "../../../docs/schema"

// staticCluster has pods of unknown address, an unmodelled policy and a policy
// that the API server would reject.
const staticCluster = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: web}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, ports: [{name: sql, containerPort: 5432}]}]}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}], ports: [{port: sql}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: other}
spec: {endpointSelector: {}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: other}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: other}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: bad, namespace: shop}
spec: {podSelector: {}, ingress: [{from: [{}]}]}
`

// openedCluster is laid over staticCluster.
const openedCluster = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: bad, namespace: shop}
spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 8.8.8.0/24}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: fresh, namespace: shop}
`

// staticAssertions state things about staticCluster with every status.
const staticAssertions = `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: static}
spec:
  assertions:
  - {id: uncertain, expect: isolated, from: shop/web, to: shop/db, title: Nobody knows, because: addresses are not known}
  - {id: open, expect: isolated, from: shop/web, to: internet, ports: "443,UDP/53", severity: low, maps: [CIS 5.3.2]}
  - {id: closed, expect: reachable, from: internet, to: shop/db}
  - {id: lacks, expect: reachable, from: shop/web, to: [shop/web, shop/db], ports: sql}
  - {id: some, expect: exists, from: internet, to: shop/db, ports: 80}
  - {id: covered, expect: covered, pods: cluster, directions: [ingress, egress]}
  - {id: dns, expect: dns}
  - {id: empty, expect: only, from: 'shp:', to: shop/db}
  - {id: waived, expect: isolated, from: shop/web, to: internet}
  - {id: expired, expect: isolated, from: shop/web, to: internet}
  waivers:
  - {assertion: waived, owner: o, reason: r, expires: 2999-01-01}
  - {assertion: expired, owner: o, reason: r, expires: 2020-01-01}
  - {assertion: dns, owner: o, reason: r, expires: 2999-01-01}
`

// exec runs a command line.
func exec(stdin string, args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = Main(append([]string{"podreach"}, args...), strings.NewReader(stdin), &out, &err)
	return out.String(), err.String(), code
}

func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas, name+".json"))
	require.NoError(t, err)
	return s
}

// valid requires that every line of text, or text as a whole, meets a schema.
func valid(t *testing.T, s *jsonschema.Schema, text string, lines bool) {
	t.Helper()
	documents := []string{text}
	if lines {
		documents = strings.Split(strings.TrimSpace(text), "\n")
	}
	for _, d := range documents {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(d))
		require.NoError(t, err, d)
		require.NoError(t, s.Validate(v), d)
	}
}

func TestOutputsMeetTheirSchemas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "static.yaml")
	require.NoError(t, os.WriteFile(file, []byte(staticCluster), 0o600))
	opened := filepath.Join(t.TempDir(), "opened.yaml")
	require.NoError(t, os.WriteFile(opened, []byte(openedCluster), 0o600))
	static, live := []string{"-f", file}, []string{"-f", demoPath}
	whatIf := []string{"-f", file, "--apply", opened, "--delete", "deploy/shop/db"}
	lessLive := []string{"-f", demoPath, "--delete", "netpol/ml-training/allow-public-hubs", "--delete", "ns/ml-data"}
	stated := filepath.Join(t.TempDir(), "stated.yaml")
	require.NoError(t, os.WriteFile(stated, []byte(staticAssertions), 0o600))
	queries := `{"from":"shop/web","to":"shop/db","port":5432}
{"from":"shop/web","to":"shop/web","protocol":"tcp","port":80,"id":7,"verdict":"denied"}
{"from":"shop/nobody","to":"shop/db","port":1}
{"from":"shop/deployment/db","to":"8.8.8.8","protocol":"UDP","port":53}
not json
`
	for _, test := range []struct {
		schema string
		lines  bool
		code   int
		stdin  string
		args   []string
	}{
		{"can", false, 0, "", append(live, "can", "ml-training: reach internet")},
		{"can", false, 1, "", append(live, "can", "ml-data: reach internet")},
		{"can", false, 0, "", append(live, "can", "nodes reach ml-data:")},
		{"can", false, 1, "", append(live, "can", "ml-dat: reach internet", "--allow-empty")},
		{"can", false, 2, "", append(static, "can", "shop/web reach shop/db on sql")},
		{"can", false, 2, "", append(static, "can", "other: reach shop: on 80,UDP/1-10")},
		{"can", false, 2, "", append(static, "can", "shop/web reach shop/db on nosuch", "--allow-empty")},
		{"list", false, 0, "", append(live, "list")},
		{"list", false, 0, "", append(live, "list", "--by", "pod", "--from", "nodes")},
		{"list", false, 2, "", append(static, "list")},
		{"list", false, 2, "", append(static, "list", "--by", "namespace", "-n", "other")},
		{"explain", false, 0, "", append(live, "explain", "ml-training/llama-sft", "8.8.8.8")},
		{"explain", false, 0, "", append(live, "explain", "monitoring/prometheus", "ml-inference/llama-70b", "metrics", "--allow-empty")},
		{"explain", false, 2, "", append(static, "explain", "shop/web", "shop/db")},
		{"explain", false, 2, "", append(static, "explain", "other:", "outside", "80")},
		{"explain", false, 0, "", append(live, "explain", "nodes", "ml-data/qdrant")},
		{"explain", false, 0, "", append(live, "explain", "monitoring:", "ml-data:")},
		{"explain", false, 0, "", append(live, "explain", "ml-dat:", "internet", "--allow-empty")},
		{"check", false, 1, "", append(live, "check", "demo:")},
		{"check", false, 1, "", append(live, "check", "demo:", "--uncertain", "warn")},
		{"checkresult", true, 1, "", append(live, "check", "demo:", "-o", "jsonl")},
		{"check", false, 2, "", append(static, "check", stated)},
		{"check", false, 2, "", append(whatIf[:2:2], "check", stated, "--allow-empty")},
		{"checkresult", true, 2, "", append(static, "check", stated, "-o", "jsonl")},
		{"code", false, 0, "", []string{"explain", "PR2006"}},
		{"codes", false, 0, "", []string{"explain"}},
		{"version", false, 0, "", []string{"version"}},
		{"code", false, 0, "", []string{"explain", "PR4002"}},
		{"lint", false, 1, "", append(live, "lint")},
		{"lint", false, 0, "", append(live, "lint", "--fail-on", "error", "-n", "ml-data")},
		{"lint", false, 2, "", append(static, "lint")},
		{"connection", true, 2, "", append(static, "list", "-o", "jsonl")},
		{"connection", true, 0, "", append(live, "list", "-o", "jsonl")},
		{"verdict", true, 2, queries, append(static, "can", "--queries", "-")},
		{"can", false, 1, "", append(lessLive, "can", "ml-training: reach internet")},
		{"can", false, 1, "", append(lessLive, "can", "ml-data/qdrant reach internet")},
		{"can", false, 0, "", append(lessLive, "can", "any reach ml-training:")},
		{"can", false, 0, "", append(whatIf, "can", "shop/fresh reach 8.8.8.8")},
		{"list", false, 0, "", append(lessLive, "list")},
		{"list", false, 0, "", append(whatIf, "list", "--by", "pod")},
		{"connection", true, 0, "", append(lessLive, "list", "-o", "jsonl")},
		{"connection", true, 0, "", append(whatIf, "list", "-o", "jsonl")},
		{"explain", false, 0, "", append(lessLive, "explain", "ml-training/llama-sft", "8.8.8.8")},
		{"explain", false, 0, "", append(lessLive, "explain", "ml-data/qdrant", "8.8.8.8")},
		{"explain", false, 0, "", append(whatIf, "explain", "shop/fresh", "8.8.8.8")},
		{"explain", false, 0, "", append(whatIf, "explain", "shop/web", "outside")},
		{"diff", false, 1, "", append(lessLive, "diff")},
		{"diff", false, 2, "", append(whatIf, "diff")},
		{"diff", false, 2, "", []string{"diff", file, opened}},
		{"diff", false, 0, "", []string{"diff", demoPath, demoPath}},
		{"change", true, 1, "", append(lessLive, "diff", "-o", "jsonl")},
		{"verdict", true, 2, queries, append(whatIf, "can", "--queries", "-")},
	} {
		args := test.args
		if !test.lines {
			args = append(args[:len(args):len(args)], "-o", "json")
		}
		if i := commandAt(args); i > 0 { // flags after the command
			args = append(append([]string{}, args[i:]...), args[:i]...)
		}
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			stdout, stderr, code := exec(test.stdin, args...)
			require.Equal(t, test.code, code, stderr)
			require.NotEmpty(t, stdout, stderr)
			valid(t, schema(t, test.schema), stdout, test.lines)
		})
	}
	valid(t, schema(t, "query"), strings.Join(strings.Split(queries, "\n")[:4], "\n"), true)
}

func commandAt(args []string) int {
	for i, a := range args {
		switch a {
		case "can", "check", "list", "explain", "diff", "lint", "version":
			return i
		}
	}
	return 0
}

// The schemas reject what is not an answer, so that meeting them means something.
func TestSchemasReject(t *testing.T) {
	for name, texts := range map[string][]string{
		"can":      {`{}`, `{"schema":"podreach.can/v2"}`},
		"verdict":  {`{"from":"a","to":"b","port":1}`, `{"verdict":"error"}`, `{"verdict":"denied"}`, `{"verdict":"uncertain","from":"a","to":"b","port":1}`},
		"query":    {`{"from":"a","to":"b"}`, `{"from":"a","to":"b","port":0}`, `{"from":"a","to":"b","port":"80"}`},
		"lint":     {`{}`, `{"schema":"podreach.lint/v1","findings":[{"code":"PR3001","severity":"note","object":{"kind":"k","name":"n"},"message":"m"}],"summary":{"errors":0,"warnings":0,"notes":1,"policies":1},"input":{"objects":1,"ignored":[],"errors":0,"warnings":0,"assumptions":[]}}`},
		"codes":    {`[]`, `{"schema":"podreach.codes/v1","codes":[]}`},
		"list":     {`{"schema":"podreach.list/v1","by":"node","connections":[],"uncertain":[],"input":{}}`},
		"diff":     {`{"schema":"podreach.diff/v1","opened":[],"closed":[]}`},
		"change":   {`{"from":"a","to":"b","ports":"all","before":"denied","after":"allowed","because":null,"witness":{"from":"a","to":"b"}}`},
		"check":    {`{}`, `{"schema":"podreach.check/v1","passes":true,"results":[],"input":{}}`},
		"baseline": {`{}`, `{"schema":"podreach.baseline/v1","findings":[{"assertion":"a"}]}`},
		"connection": {
			`{"from":"a","to":"b","ports":"all","before":true}`, `{"from":"a","to":"b","ports":"all","change":"old"}`,
		},
	} {
		for _, text := range texts {
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			require.NoError(t, err)
			require.Error(t, schema(t, name).Validate(v), "%s accepts %s", name, text)
		}
	}
}

// The schema of a question accepts what the command accepts.
func TestQuerySchemaIsTheCommands(t *testing.T) {
	s := schema(t, "query")
	end := func(text string) string { return `{"from":` + text + `,"to":"ml-data/qdrant","port":443}` }
	lines := []string{
		`{"from":"ml-data/qdrant","to":"8.8.8.8","port":443,"protocol":"uDp"}`, `{"from":"ml-data/qdrant","to":"8.8.8.8","port":443.0}`,
		`{"from":"ml-data/qdrant","to":"8.8.8.8","port":443.5}`, `{"from":"ml-data/qdrant","to":"8.8.8.8","port":65536}`,
		`{"from":"ml-data/qdrant","to":"8.8.8.8","port":443,"protocol":null}`, `{"from":"ml-data/qdrant","to":"8.8.8.8","port":443,"protocol":"TPC"}`,
		`{"from":"ml-data/qdrant","to":"8.8.8.8","port":443,"id":[1]}`, `{"from":"ml-data/qdrant","to":"8.8.8.8","port":null}`,
		end(`null`), end(`7`), end(`""`),
	}
	for _, text := range []string{
		"ml-data/statefulset/qdrant", "ml-data/StatefulSet/qdrant", "ml-data/sts/qdrant", "ml-data/qdrant ", " ml-data/qdrant", "ml-data:", "internet",
		"a=b", "ML/x", "ml-data/", "/x", "a/b/c/d", "ml-data/service/x", "ml-data/svc/x", "ml-data/*", "ml-data/q:r", "ml-data/q@r", "@x/y", "ml-data/q{", "ml-data/q=r",
		"ml-data/q!", "10.0.0.0/8", "8.8.8.8/32", "1.2/x", "8.8.8.8", "8.8.8.256", "08.8.8.8", "::", "::1", "fd00::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1::3:4:5:6:7:8", "1:2:3:4:5:6:7", "1::2::3", "::ffff:8.8.8.8", "1::8.8.8.8", "1:2:3:4:5:6:8.8.8.8", "1:2:3:4:5:6:7:8.8.8.8", "1:2::5:8.8.8.8", "fe80::1%eth0", "12345::", "fd00::/8",
	} {
		lines = append(lines, end(`"`+text+`"`))
	}
	stdout, _, _ := exec(strings.Join(lines, "\n"), "can", "--queries", "-", "-f", demoPath)
	answers := strings.Split(strings.TrimSpace(stdout), "\n")
	require.Len(t, answers, len(lines))
	for i, line := range lines {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		require.NoError(t, err)
		refused := strings.Contains(answers[i], "(PR1021)") // PR1020: well-formed, but there is no such name
		require.Equal(t, refused, s.Validate(v) != nil, answers[i])
	}
}
