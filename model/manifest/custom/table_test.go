package custom

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func parse(t *testing.T, text string) ([]*Row, []Error) {
	t.Helper()
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &n))
	return Parse(n.Content[0])
}

// object is JSON as the reader decodes it: whole numbers are int64.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &out))
	whole(out)
	return out
}

func whole(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = whole(e)
		}
	case []any:
		for i, e := range v {
			v[i] = whole(e)
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return v
}

// Every row of the table can be read, says where it comes from, and is the
// only one of its kind.
func TestBuiltin(t *testing.T) {
	rows, bad := parse(t, string(builtin))
	require.Empty(t, bad)
	require.Len(t, Builtin().Rows(), len(rows))
	for _, r := range rows {
		require.NotEmpty(t, r.Source(), r.GVK())
		require.Same(t, Builtin().Lookup(r.Group+"/"+strings.ReplaceAll(r.Version, "*", "v1"), r.Kind), Builtin().rows[gvk{r.Group, r.Version, r.Kind}])
	}
	require.Nil(t, Builtin().Lookup("apps/v1", "Deployment"))
	require.Nil(t, (&Table{}).Lookup("ray.io/v1", "RayCluster"))
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                                         "1:1: workloads is a mapping, expected a list",
		"[a]":                                        `1:2: a workload is "a", expected fields`,
		"[{}]":                                       "1:2: a workload has no gvk",
		"[{gvk: [a]}]":                               "1:8: gvk is a list, expected a text",
		"[{gvk: a/v1/b}]":                            `1:8: gvk is "a/v1/b", expected GROUP/VERSION/Kind such as ray.io/v1/RayCluster; the version may be *`,
		"[{gvk: v1/Pod}]":                            `1:8: gvk is "v1/Pod", expected GROUP/VERSION/Kind such as ray.io/v1/RayCluster; the version may be *`,
		"[{gvk: /v1/Pod}]":                           "1:8: gvk: /v1/Pod is built in",
		"[{gvk: a/v1/SomePolicy}]":                   "1:8: gvk: a SomePolicy makes no pods",
		"[{gvk: a/v1/B, gvk: a/v1/B}]":               `1:16: field "gvk" is given twice`,
		"[{gvk: a/v1/B, lables: {}}]":                `1:16: unknown field "lables" of a workload; did you mean labels?`,
		"[{gvk: a/v1/B},{gvk: a/v1/B}]":              "1:16: a/v1/B is given twice",
		"[{gvk: a/v1/B, labels: [a]}]":               "1:24: labels is a list, expected labels",
		"[{gvk: a/v1/B, unknown: {}}]":               "1:25: unknown has no because",
		"[{gvk: a/v1/B, finished: {}}]":              "1:26: finished has no path",
		"[{gvk: a/v1/B, replicas: -1}]":              `1:26: replicas is "-1", expected a JSONPath, a number or many`,
		"[{gvk: a/v1/B, default: .spec.x}]":          `1:25: default is ".spec.x", expected a number or many`,
		"[{gvk: a/v1/B, templates: [{}]}]":           "1:28: a template has none of template, podSpec, containers and incomplete",
		"[{gvk: a/v1/B, templates: ['{.item.x}']}]":  "1:28: {.item.x} stands in a template without each",
		"[{gvk: a/v1/B, templates: ['{.data.x}']}]":  `1:28: templates: "{.data.x}" does not begin with one of .spec, .metadata, .status, .item, .key and .lower`,
		"[{gvk: a/v1/B, templates: ['{.spec..x}']}]": `1:28: templates: "{.spec..x}" searches at every depth; name the fields that lead there`,
		"[{gvk: a/v1/B, templates: ['{range .spec.x[*]}{.y}{end}']}]":                       `1:28: templates: "{range .spec.x[*]}{.y}{end}" is not one JSONPath such as {.spec.template}`,
		"[{gvk: a/v1/B, templates: ['{end}']}]":                                             `1:28: templates: "{end}" holds more than steps of a path`,
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], labels: {a: '{.index}{.group}'}}]":        "1:54: labels a: two numbers stand side by side, so that they could not be told from each other",
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], labels: {a: 'x{.index'}}]":                `1:54: labels a: "x{.index" has a { without its }`,
		"[{gvk: a/v1/B, templates: [{containers: [], ports: [{port: 1}]}]}]":                "1:53: a port has no name",
		"[{gvk: a/v1/B, templates: [{containers: [], ports: [{name: a, protocol: tcp}]}]}]": `1:53: protocol is "tcp", expected TCP, UDP or SCTP`,
		"[{gvk: /v1/Secret}]":    "1:8: gvk: a Secret makes no pods",
		"[{gvk: /v1/ConfigMap}]": "1:8: gvk: a ConfigMap makes no pods",
		"[{gvk: a/v1/B, templates: [{podSpec: '{.spec}', name: 'n{.spec.stringData}'}]}]":                 `1:55: name: "{.spec.stringData}" leads to stringData, which is never read`,
		"[{gvk: a/v1/B, templates: ['{.spec.containers[0].env}']}]":                                       `1:28: templates: "{.spec.containers[0].env}" leads to env, which is never read`,
		"[{gvk: a/v1/B, templates: [{podSpec: '{.spec}', when: '{.spec.containers[0].env[0].value}'}]}]":  `1:55: when: "{.spec.containers[0].env[0].value}" leads to env, which is never read`,
		"[{gvk: a/v1/B, templates: [{podSpec: '{.spec}', when: '{.spec.l[?(@.env[0].value==\"a\")]}'}]}]": `1:55: when: "{.spec.l[?(@.env[0].value==\"a\")]}" leads to env, which is never read`,
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], labels: {'bad key!': a}}]":                              `1:51: labels: "bad key!" is not the key of a label such as example.com/job`,
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], opaque: ['a b']}]":                                      `1:51: opaque: "a b" is not the key of a label such as example.com/job`,
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], uncertain: [\"a\\0b\"]}]":                               `1:54: uncertain: "a\x00b" is not the key of a label such as example.com/job`,
		"[{gvk: a/v1/B, templates: ['{.spec.x}'], labels: {a: 'b c'}}]":                                   `1:54: "b c" holds what a name or label value cannot hold`,
		"[{gvk: a/v1/B, templates: [{podSpec: '{.spec}', name: \"a\\0b\\e[31m\"}]}]":                      `1:55: name: "a\x00b\x1b[31m" holds control characters`,
		"[{gvk: a/v1/B, templates: [{podSpec: '{.spec}', name: 'A b'}]}]":                                 `1:55: "A b" holds what a name or label value cannot hold`,
		"[{gvk: a/v1/B, templates: [{containers: [], when: {path: '{.spec.a}', is: [b]}}]}]":              `1:71: unknown field "is" of when; did you mean in?`,
	} {
		rows, bad := parse(t, text)
		require.NotEmpty(t, bad, text)
		require.Equal(t, want, bad[0].Error(), text)
		if !strings.Contains(text, "},{") {
			require.Empty(t, rows, text)
		}
	}
}

// Rows of a configuration replace those of the same kind, of every version if
// they say so.
func TestWith(t *testing.T) {
	first, bad := parse(t, "[{gvk: a/v1/B}, {gvk: a/v2/B}, {gvk: a/*/C}]")
	require.Empty(t, bad)
	second, bad := parse(t, "[{gvk: a/*/B}, {gvk: a/v1/C}]")
	require.Empty(t, bad)
	table := (&Table{}).With(first)
	both := table.With(second)
	require.Same(t, first[0], table.Lookup("a/v1", "B"))
	require.Same(t, second[0], both.Lookup("a/v1", "B"))
	require.Same(t, second[0], both.Lookup("a/v3", "B"))
	require.Same(t, second[1], both.Lookup("a/v1", "C"))
	require.Same(t, first[2], both.Lookup("a/v2", "C"))
	require.Nil(t, both.Lookup("b/v1", "C"))
	require.Len(t, both.Rows(), 3)
}

const everything = `
- gvk: a/v1/B
  finished: {path: '{.status.phase}{.status.conditions[?(@.status=="True")].type}', in: [Done, "true", "7"]}
  unknown: {when: '{.spec.ref}', because: it is elsewhere}
  labels: {job: '{.metadata.name}', zone: '{.spec.zone}', said: 'zone-{.spec.zone}'}
  labelsFrom: ['{.metadata.labels}']
  opaque: [hash, job]
  templates:
  - .spec.one
  - each: '{.spec.many}'
    when: '{.item.on}{.item.also}'
    unless: '{.item.off}'
    name: '{.metadata.name}-{.key}-{.lower}-{.index}'
    template: '{.item.template}'
    podSpec: '{.item.spec}'
    replicas: '{.item.count}'
    default: 3
    from: 1
    groups: '{.spec.groups}'
    labels: {rank: '{.group}.{.index}', zone: of-its-own}
    addMissing: {role: '{.opaque}'}
    ports: [{name: '{.item.port}', default: web, port: '{.item.number}', when: '{.item.on}', unless: '{.item.off}'}]
  - each: '{.spec.list[?(@.n > 1)]}'
    containers: ['{.item.main}', '{.item.sidecars[*]}']
    hostNetwork: '{.item.host}'
    serviceAccountName: '{.item.account}'
    incomplete: {when: '{.item.ref}', because: there is more}
    replicas: many
`

func TestPods(t *testing.T) {
	rows, bad := parse(t, everything)
	require.Empty(t, bad)
	in := object(t, `{"metadata": {"name": "x", "labels": {"team": "red"}}, "status": {"conditions": [{"type": "Done", "status": "True"}]}, "spec": {
		"one": {"spec": {}}, "groups": 2, "ref": "r",
		"many": {"Off": {"on": true, "off": 1, "template": {}}, "B": {"also": "x", "count": 5, "template": {"spec": {}}}, "A": {"on": true, "template": {}, "spec": {"x": 1}, "number": 80}, "None": {"on": true}},
		"list": [{"n": 1}, {"n": 2, "main": {"name": "m"}, "sidecars": [{"name": "a"}, {"name": "b"}], "host": true, "account": "robot", "ref": 1}, {"n": 3}]}}`)
	before := fmt.Sprint(in)
	pods, problems := rows[0].Pods(in)
	require.Empty(t, problems)
	require.Equal(t, before, fmt.Sprint(in))
	require.True(t, pods.Finished)
	require.Equal(t, "it is elsewhere", pods.Unknown)
	require.Len(t, pods.Sets, 5)

	one := pods.Sets[0]
	require.Equal(t, "x", one.Name.Of(0, 0))
	require.Equal(t, [3]int{1, 1, 0}, [3]int{one.Groups, one.Replicas, one.From})
	require.Equal(t, "spec.one", one.TemplatePath)
	require.Equal(t, []Label{{"job", Text{{Literal: "x"}}}, {"said", Text{{Literal: "zone-"}}}}, one.Labels) // zone gives nothing
	require.Equal(t, []Located{{map[string]any{"team": "red"}, "metadata.labels"}}, one.LabelsFrom)
	require.Equal(t, []string{"hash", "job"}, one.Opaque)

	a, b := pods.Sets[1], pods.Sets[2] // members of maps are in the order of their names
	require.Equal(t, "x-A-a-4", a.Name.Of(1, 4))
	require.Equal(t, [3]int{2, 3, 1}, [3]int{a.Groups, a.Replicas, a.From})
	require.Equal(t, "spec.many.A.spec", a.SpecPath)
	require.Equal(t, []Port{{Name: "web", Number: 80}}, a.Ports)
	require.Equal(t, 5, b.Replicas)
	require.Nil(t, b.Spec) // the template has one
	require.Empty(t, b.Ports)
	labels := map[string]string{}
	for _, l := range b.Labels {
		labels[l.Key] = l.Value.Of(1, 2)
	}
	require.Equal(t, map[string]string{"job": "x", "said": "zone-", "zone": "of-its-own", "rank": "1.2"}, labels)
	require.Equal(t, []Label{{"role", Text{{Literal: GeneratedName}}}}, b.AddMissing)

	c := pods.Sets[3]
	require.Equal(t, Many, c.Replicas)
	require.Len(t, c.Containers, 3)
	require.True(t, c.HostNetwork)
	require.Equal(t, "robot", c.ServiceAccount)
	require.Equal(t, "there is more", c.Incomplete)
	require.Empty(t, pods.Sets[4].Incomplete)
}

// Keys in other cases, members called by their place, parts of maps of labels.
func TestParts(t *testing.T) {
	rows, bad := parse(t, `
- gvk: a/v1/B
  anyCase: {path: '{.spec.kinds}', keys: [Worker, PS]}
  templates:
  - template: '{.spec.kinds.Worker.template}'
    labelsFrom: [{path: '{.metadata.labels}', only: q/}]
    labelsOver: [{path: '{.metadata.labels}', but: q/}]
  - each: '{.spec.tasks}'
    name: 'task{.place}'
    template: '{.item.template}'
    labels: {part: '{.metadata.name}-{.uncertain}', numbered: 'x-{.index}-{.uncertain}'}
`)
	require.Empty(t, bad)
	o := object(t, `{"metadata": {"name": "a", "labels": {"q/a": "1", "b": "2"}},
		"spec": {"kinds": {"wOrker": {"template": {"spec": {}}}, "other": 1}, "tasks": [{}, {"template": {"spec": {}}}]}}`)
	pods, problems := rows[0].Pods(o)
	require.Empty(t, problems)
	require.Len(t, pods.Sets, 2)
	require.Equal(t, map[string]any{"q/a": "1"}, pods.Sets[0].LabelsFrom[0].Value)
	require.Equal(t, map[string]any{"b": "2"}, pods.Sets[0].LabelsOver[0].Value)
	require.Equal(t, "task1", pods.Sets[1].Name.Of(0, 0))
	require.Equal(t, "x-", pods.Sets[1].Labels[0].Value.Beginning())
	require.Equal(t, "a-", pods.Sets[1].Labels[1].Value.Beginning())
	require.Contains(t, o["spec"].(map[string]any)["kinds"], "wOrker", "the object is not changed")

	_, bad = parse(t, `
- gvk: a/v1/C
  anyCase: {path: '{.spec.kinds[*]}', keys: [Worker]}
  templates: [{template: '{.spec.template}', labelsFrom: [{only: q/}]}]
`)
	require.Len(t, bad, 2)
}

// What conditions and labels can say beside the plain forms.
func TestForms(t *testing.T) {
	rows, bad := parse(t, `
- gvk: a/v1/B
  uncertain: [sum]
  opaque: [hash]
  templates:
  - template: '{.spec.template}'
    when: [{path: '{.spec.empty}', given: true}, '{.spec.on}']
    unless: {path: '{.status.mode}{.spec.mode}', first: true, in: [Off]}
    dropPorts: true
    uncertain: [turn]
    groups: '{.spec.groups}'
    groupsAtLeast: 1
    labelsOver: ['{.spec.over}']
    labels: {turn: '{.spec.turn}', host: '{.host}', part: 'x-{.uncertain}'}
`)
	require.Empty(t, bad)
	spec := `"metadata": {"name": "a.b"}, "spec": {"template": {"spec": {}}, "groups": 0, "over": {"k": "v"}, "mode": "Off", "empty": {}, "on": true}`
	on := `, "status": {"mode": "On"}`
	pods, problems := rows[0].Pods(object(t, "{"+spec+on+"}"))
	require.Empty(t, problems)
	require.Len(t, pods.Sets, 1)
	set := pods.Sets[0]
	require.Equal(t, 1, set.Groups)
	require.True(t, set.DropPorts)
	require.Equal(t, []string{"turn", "sum"}, set.Uncertain)
	require.Equal(t, map[string]any{"k": "v"}, set.LabelsOver[0].Value)
	values := map[string]string{}
	for _, l := range set.Labels {
		values[l.Key] = l.Value.Of(0, 0)
	}
	require.Equal(t, map[string]string{"host": "a", "part": "x-" + Uncertain}, values)

	for _, text := range []string{
		spec, // the only mode that is said is Off
		strings.Replace(spec, `"empty": {}, `, "", 1) + on,
		strings.Replace(spec, `"on": true`, `"on": false`, 1) + on,
	} {
		pods, problems := rows[0].Pods(object(t, "{"+text+"}"))
		require.Empty(t, problems)
		require.Empty(t, pods.Sets, text)
	}
	_, bad = parse(t, "[{gvk: a/v1/B, templates: [{containers: [], dropPorts: no}]}]")
	require.Equal(t, `1:56: dropPorts is "no", expected true`, bad[0].Error())
}

// What does not fit is told with its place, and nothing panics.
func TestProblems(t *testing.T) {
	rows, bad := parse(t, everything)
	require.Empty(t, bad)
	for text, want := range map[string]string{
		`{"spec": {"one": "x"}}`:                                               "spec.one a mapping",
		`{"spec": {"one": ["x"]}}`:                                             "spec.one a mapping",
		`{"spec": {"many": 1}}`:                                                "spec.many a list or a mapping",
		`{"spec": []}`:                                                         "spec a mapping",
		`{"spec": {"many": [{}, "x"]}}`:                                        "spec.many[1] a mapping",
		`{"metadata": "x", "spec": {"one": {}}}`:                               "metadata a mapping",
		`{"spec": {"list": 1}}`:                                                "spec.list what {.spec.list[?(@.n > 1)]} goes through",
		`{"spec": {"list": [{"n": "x"}]}}`:                                     "spec.list what {.spec.list[?(@.n > 1)]} goes through",
		`{"spec": {"groups": "2", "many": [{"on": 1, "template": {}}]}}`:       "spec.groups a whole number of 32 bits",
		`{"spec": {"many": [{"on": 1, "count": 2.5, "template": {}}]}}`:        "spec.many[0].count a whole number of 32 bits",
		`{"spec": {"many": [{"on": 1, "count": 3000000000, "template": {}}]}}`: "spec.many[0].count less than 2147483647",
		`{"spec": {"many": [{"on": 1, "count": 2147483647, "template": {}}]}}`: "spec.many[0].count less than 2147483647",
		`{"spec": {"one": {}, "zone": {"a": 1}}}`:                              "spec.zone a string",
		`{"metadata": {"name": ["x"]}, "spec": {"one": {}}}`:                   "metadata.name a string",
		`{"spec": {"list": [{"n": 2, "host": "yes"}]}}`:                        "spec.list.host true or false",
	} {
		_, problems := rows[0].Pods(object(t, text))
		require.NotEmpty(t, problems, text)
		require.Equal(t, want, problems[0].Path+" "+problems[0].Want, text)
		require.False(t, problems[0].Limit)
	}
	for _, text := range []string{`{}`, `{"spec": null}`, `{"spec": {"many": [], "list": []}}`, `{"spec": {"many": [null, {}]}}`} {
		pods, problems := rows[0].Pods(object(t, text))
		require.Empty(t, problems, text)
		require.Empty(t, pods.Sets, text)
	}
}

// One object cannot make any number of sets, nor any length of labels.
func TestBounds(t *testing.T) {
	rows, bad := parse(t, everything)
	require.Empty(t, bad)
	members := strings.Repeat(`{"on": 1, "template": {}},`, MaxSets+1)
	pods, problems := rows[0].Pods(object(t, `{"spec": {"many": [`+strings.TrimSuffix(members, ",")+`]}}`))
	require.Len(t, pods.Sets, MaxSets)
	require.Len(t, problems, 1)
	require.True(t, problems[0].Limit)
	require.Equal(t, "spec.many at most 1000 sets of pods", problems[0].Path+" "+problems[0].Want)

	labels := map[string]any{}
	for i := range MaxLabels + 1 {
		labels[fmt.Sprint(i)] = "x"
	}
	_, problems = rows[0].Pods(map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"one": map[string]any{}}})
	require.Len(t, problems, 1)
	require.True(t, problems[0].Limit)

	long := strings.Repeat("x", MaxText+1)
	pods, problems = rows[0].Pods(map[string]any{"metadata": map[string]any{"name": long}, "spec": map[string]any{"one": map[string]any{}}})
	require.Empty(t, problems)
	require.Equal(t, Text{{Literal: GeneratedName}}, pods.Sets[0].Labels[0].Value)
	require.Equal(t, long, pods.Sets[0].Name.Of(0, 0))

	// A path that no member has a part in is evaluated once.
	many := make([]any, 100_000)
	for i := range many {
		many[i] = map[string]any{"n": int64(1)}
	}
	_, problems = rows[0].Pods(map[string]any{"spec": map[string]any{"list": many}})
	require.Empty(t, problems)
}

func TestText(t *testing.T) {
	text := Text{{Literal: "a-"}, {Group: true}, {Literal: "-1"}, {}}
	require.Equal(t, "a-3-112", text.Of(3, 12))
	for value, want := range map[string][2]int{"a-3-112": {3, 12}, "a-0-10": {0, 0}, "a-3-1": {-1, -1}, "a-03-112": {-1, -1}, "b-3-112": {-1, -1}, "a-3-112x": {-1, -1}, "a-99999999999999999999-10": {-1, -1}} {
		group, index, ok := text.Match(value)
		require.Equal(t, want, [2]int{group, index}, value)
		require.Equal(t, want[0] >= 0, ok, value)
	}
	group, index, ok := Text{{}, {Literal: "."}, {}}.Match("4.4")
	require.Equal(t, [2]int{-1, 4}, [2]int{group, index})
	require.True(t, ok)
	_, _, ok = Text{{}, {Literal: "."}, {}}.Match("4.5")
	require.False(t, ok)
	require.Empty(t, Text(nil).Of(1, 2))
}

// Whatever an object is, no row panics on it, and what it finds is bounded.
func FuzzPods(f *testing.F) {
	f.Add(`{"metadata": {"name": "x"}, "spec": {"replicatedJobs": [{"name": "a", "replicas": 2, "template": {"spec": {"template": {}}}}], "headGroupSpec": {"template": {"spec": {}}}}}`)
	f.Add(`{"spec": {"templates": [{"name": "a", "container": {}, "steps": [[{"templateRef": 1}]]}], "template": {"spec": {"containers": [{"ports": [{"containerPort": 1}]}]}}}}`)
	f.Add(`{"spec": {"workerGroupSpecs": [[]], "pytorchReplicaSpecs": {"Worker": {"replicas": "x"}}}, "status": {"conditions": [{"status": 1}]}}`)
	f.Add(`{"spec": {"workerGroupSpecs": {"a": null}, "tasks": "x", "conditions": 1}, "status": {"conditions": {}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in map[string]any
		if json.Unmarshal([]byte(text), &in) != nil {
			return
		}
		whole(in)
		for _, r := range Builtin().Rows() {
			pods, _ := r.Pods(in)
			require.LessOrEqual(t, len(pods.Sets), MaxSets+len(r.templates))
			for _, s := range pods.Sets {
				require.GreaterOrEqual(t, s.Replicas, 0)
				require.GreaterOrEqual(t, s.Groups, 0)
			}
		}
	})
}

// Paths that choose among very many values end, and the object is not used.
func TestPathsAreBounded(t *testing.T) {
	rows, bad := parse(t, `[{gvk: example.com/v1/Trainer, templates: [{podSpec: '{.spec.s}', when: '{.spec.l[*][0,0,0,0]}'}]}]`)
	require.Empty(t, bad)
	list := make([]any, maxChosen/4)
	for i := range list {
		list[i] = []any{int64(1)}
	}
	spec := map[string]any{"s": map[string]any{}, "l": list}
	_, problems := rows[0].Pods(map[string]any{"spec": spec})
	require.Equal(t, []Problem{{Path: "spec.l", Want: "smaller: its row chooses among too many values", Limit: true}}, problems)
	spec["l"] = list[:10]
	pods, problems := rows[0].Pods(map[string]any{"spec": spec})
	require.Empty(t, problems)
	require.Len(t, pods.Sets, 1)
}
