package assertionset

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const head = "apiVersion: podreach.io/v1alpha1\nkind: AssertionSet\nmetadata: {name: s}\nspec:\n"

// lines reads one file and returns what is wrong with it.
func lines(text string) []string {
	_, bad := Read([]File{{"a.yaml", []byte(text)}}, today)
	var out []string
	for _, d := range bad {
		out = append(out, fmt.Sprintf("%d:%d: %s (%v)", d.Line, d.Column, d.Message, d.Code))
	}
	return out
}

func TestRead(t *testing.T) {
	text := head + `  assertions:
  - id: training-no-internet
    title: Training never reaches the internet
    severity: critical
    from: ["ml-training:", {namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchExpressions: [{key: app, operator: In, values: [b, a]}]}}, {workload: ml/deployment/x}]
    to: {named: internet}
    ports: 443
    expect: isolated
    except: [{to: {cidr: 10.0.0.0/8}, ports: UDP/53}]
    because: of this
    maps: [CIS 5.3.2]
  - {id: deny, expect: covered, pods: cluster, directions: [egress]}
  - {id: dns, expect: dns}
  waivers:
  - {assertion: deny, pods: 'kube-system:', owner: platform, reason: later, expires: 2026-11-24}
  - {assertion: deny, owner: platform, reason: later, expires: "2026-11-23"}
---
` + head + "  assertions: [{id: more, expect: only, from: 'a:', to: 'b:'}]\n"
	got, bad := Read([]File{{"a.yaml", []byte(text)}}, today)
	require.Empty(t, bad)
	require.Len(t, got, 4)
	a := got[0]
	require.Equal(t, "training-no-internet", a.ID)
	require.Equal(t, solver.Critical, a.Severity)
	require.Equal(t, solver.Isolated, a.Expect)
	require.Equal(t, "ml-training: or {team=red}:app in (a,b) or ml/deployment/x", a.From.String())
	require.Equal(t, model.PodSet{Namespaces: model.Selector{{Key: "team", Operator: model.In, Values: []string{"red"}}}, Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{"a", "b"}}}}, a.From[1].Pods)
	require.Equal(t, "TCP/443", a.Ports.String())
	require.Equal(t, "10.0.0.0/8", a.Except[0].To.String())
	require.Nil(t, a.Except[0].From)
	require.Equal(t, "UDP/53", a.Except[0].Ports.String())
	require.Equal(t, Place{"a.yaml", 6, 5}, a.At)
	require.Equal(t, Place{"a.yaml", 10, 9}, Place{a.Exprs["internet"].File, a.Exprs["internet"].Line, a.Exprs["internet"].Column})
	require.Equal(t, []string{"CIS 5.3.2"}, a.Maps)
	require.Equal(t, [model.NumDirections]bool{model.Egress: true}, got[1].Directions)
	require.Len(t, got[1].Assertion.Waivers, 2)
	require.False(t, got[1].Assertion.Waivers[0].Expired, "its last day is today")
	require.True(t, got[1].Assertion.Waivers[1].Expired)
	require.Equal(t, "kube-system:", got[1].Assertion.Waivers[0].From.String())
	require.Equal(t, solver.High, got[1].Severity)
	require.Nil(t, got[2].From)
	require.Equal(t, solver.Only, got[3].Expect)
}

func TestBadFiles(t *testing.T) {
	one := func(fields string) string { return head + "  assertions:\n  - {id: a, " + fields + "}\n" }
	fromTo := "from: 'a:', to: 'b:', "
	for _, test := range []struct{ text, want string }{
		{"", "1:1: the file is empty, expected kind AssertionSet (PR1030)"},
		{"a: [", "1:1: did not find expected node content (PR1030)"},
		{"kind: AssertionSe\n", `1:7: kind is "AssertionSe", expected AssertionSet`},
		{"- 1\n", "1:1: the document is a list, expected a mapping (PR1030)"},
		{strings.Replace(head, "v1alpha1", "v1", 1) + "  assertions: []\n", `1:13: apiVersion is "podreach.io/v1", expected podreach.io/v1alpha1 (PR1030)`},
		{head + "  asertions: []\n", `5:3: unknown field "asertions"; did you mean assertions? (PR1030)`},
		{head + "  assertions: []\n", "1:1: there is no assertion (PR1030)"},
		{one("expect: isolated, to: internet"), `6:5: field "from" is missing (PR1030)`},
		{one(fromTo + "expect: isolatd"), `6:43: expect is "isolatd"; did you mean isolated? (PR1030)`},
		{one(fromTo + "expect: isolated, serverity: low"), `6:53: unknown field "serverity"; did you mean severity? (PR1030)`},
		{one(fromTo + "expect: isolated, severity: bad"), `6:63: severity is "bad"; valid are critical, high, medium, low, info (PR1030)`},
		{one(fromTo + "expect: isolated, ports: 70000"), `6:60: ports is 70000, expected 1 to 65535 (PR1030)`},
		{one(fromTo + "expect: isolated, ports: TPC/1"), `6:60: "TPC/1": "TPC" is not a protocol, expected TCP, UDP or SCTP; did you mean TCP/1? (PR1021)`},
		{one("from: {role: training}, to: 'b:', expect: isolated"), `6:20: unknown field "role" (roles are not available yet); valid are cidr, named, namespaceSelector, podSelector, workload (PR1030)`},
		{one("from: {workload: a/b, cidr: 1.2.3.4}, to: 'b:', expect: isolated"), `6:19: from has workload, cidr or named beside other fields; each stands alone (PR1030)`},
		{one("from: interent, to: 'b:', expect: isolated"), `6:19: "interent": `},
		{one("from: {podSelector: {matchLabels: {a: 'b,c'}}}, to: 'b:', expect: isolated"), `6:19: the selector has a key or a value that no label can have (PR1021)`},
		{one("from: {podSelector: {matchLabels: {a: 1}}}, to: 'b:', expect: isolated"), `6:51: a is a number, expected a text (PR1030)`},
		{one("expect: covered, directions: [ingress], pods: internet"), `6:59: "internet" names no pods; expected cluster, NS:, NS:SELECTOR, NS/NAME or another expression of pods (PR1030)`},
		{one(fromTo + "expect: covered, directions: [ingress], pods: cluster"), `6:13: field "from" does not go with expect: covered (PR1030)`},
		{one(fromTo + "expect: isolated, except: [{pods: 'c:'}]"), `6:63: field "pods" does not go with expect: isolated; it takes "from" (PR1030)`},
		{one(fromTo+"expect: isolated") + "  - {id: a, " + fromTo + "expect: exists}\n", `7:10: the id "a" is given twice; first at a.yaml:6 (PR1030)`},
		{one("id: b, " + fromTo + "expect: isolated"), `6:13: field "id" is given twice (PR1030)`},
		{one(fromTo+"expect: isolated") + "  waivers: [{assertion: b, owner: o, reason: r, expires: 2026-01-01}]\n", `7:25: there is no assertion "b"`},
		{one(fromTo+"expect: isolated") + "  waivers: [{assertion: a, owner: o, reason: r, expires: 2026-13-01}]\n", `7:58: expires is "2026-13-01", which is no day (PR1030)`},
		{one(fromTo+"expect: isolated") + "  waivers: [{assertion: a, owner: o, reason: r, expires: soon}]\n", `7:58: expires is "soon", expected a day such as 2027-01-31 (PR1030)`},
		{one(fromTo+"expect: isolated") + "  waivers: [{assertion: a, owner: o, expires: 2026-01-01}]\n", `7:13: field "reason" is missing (PR1030)`},
		{one(fromTo+"expect: exists") + "  waivers: [{assertion: a, from: 'a:', owner: o, reason: r, expires: 2026-12-01}]\n", `7:13: a waiver of expect: exists is of the whole assertion: it takes neither from nor to (PR1030)`},
		{head + "  assertions: &a [*a]\n", "aliases are followed"},
		{bomb(), "aliases are followed"},
	} {
		got := lines(test.text)
		if assert.NotEmpty(t, got, test.text) {
			assert.Contains(t, got[0], test.want, test.text)
		}
	}
}

// bomb doubles itself with each line.
func bomb() string {
	var b strings.Builder
	b.WriteString("y0: &y0 [1, 1]\n")
	for i := range 30 {
		fmt.Fprintf(&b, "y%d: &y%d [*y%d, *y%d]\n", i+1, i+1, i, i)
	}
	return b.String()
}

// FuzzRead looks for panics, and for files without assertions and without errors.
func FuzzRead(f *testing.F) {
	f.Add(head + "  assertions:\n  - {id: a, expect: isolated, from: 'a:', to: [b/c, {cidr: 10.0.0.0/8}], ports: 443}\n")
	f.Add(head + "  assertions: [{id: d, expect: dns}]\n  waivers: [{assertion: d, owner: o, reason: r, expires: 2026-01-01}]\n")
	f.Add(bomb())
	f.Fuzz(func(t *testing.T, text string) {
		got, bad := Read([]File{{"a.yaml", []byte(text)}}, today)
		require.True(t, len(got) > 0 || len(bad) > 0)
		for _, d := range bad {
			require.Positive(t, d.Line)
			require.NotEmpty(t, d.Message)
		}
	})
}
