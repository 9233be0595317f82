package corpus

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

var ruleNumber = regexp.MustCompile(`\bR(\d+)\b`)

// Every section of the archives is a case, named after its file, under an id
// of its own.
func TestIDs(t *testing.T) {
	cases := map[string]Case{}
	for _, c := range Cases() {
		require.NotContains(t, cases, c.ID, "one id twice")
		cases[c.ID] = c
	}
	files, err := fs.Glob(testdata, "testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	section := regexp.MustCompile(`(?m)^-- (.*) --$`)
	sections := 0
	for _, file := range files {
		b, err := fs.ReadFile(testdata, file)
		require.NoError(t, err)
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txtar")
		prefix := archives[name]
		if prefix == "" {
			require.True(t, strings.HasPrefix(string(b), name+": "), "%s starts with its rule and what that is about", file)
			prefix = "C" + name[1:] + "-"
		}
		for _, m := range section.FindAllStringSubmatch(string(b), -1) {
			id := m[1]
			require.Regexp(t, idForm, id)
			require.True(t, strings.HasPrefix(id, prefix), "%s in %s", id, file)
			require.Contains(t, cases, id)
			if base := strings.TrimRight(id, "abcdefghijklmnopqrstuvwxyz"); base != id {
				require.Contains(t, cases, base, "%s is a variant of it", id)
			}
			sections++
		}
	}
	require.Len(t, cases, sections)
}

// A case says what it shows, holds a cluster, and expects something of its own,
// not only what Run expects of all.
func TestCasesAreComplete(t *testing.T) {
	last := Case{}
	for _, c := range Cases() {
		require.NotEmpty(t, c.Note, c.ID)
		require.True(t, strings.HasSuffix(c.Note, "."), c.ID)
		require.NotEmpty(t, c.YAML, c.ID)
		own := len(c.Other) + len(c.Internet) + len(c.Absent)
		for _, e := range c.Expect {
			if e.From != e.To {
				own++
			}
		}
		require.Positive(t, own, c.ID)
		require.GreaterOrEqual(t, c.Rule, last.Rule, "%s after %s", c.ID, last.ID)
		last = c
	}
}

func TestCasesAreTheCallersOwn(t *testing.T) {
	first := Cases()[0].ID
	Cases()[0].ID = "changed"
	require.Equal(t, first, Cases()[0].ID)
}

// remember answers with what is expected, except that it turns the verdict of
// one port around, if there is one.
func remember(e Expectation, protocol model.Protocol, port uint16) func(Query) (model.Verdict, error) {
	want := model.Bounds{Lower: e.Lower, Upper: e.Upper}
	return func(q Query) (model.Verdict, error) {
		if e.From != q.From || e.To != q.To || e.Family != q.Family {
			return 0, errors.New("no such pair")
		}
		v := want.Verdict(q.Protocol, q.Port)
		if q.Protocol == protocol && q.Port == port {
			v = (v + 1) % 3
		}
		return v, nil
	}
}

// One wrong port at any edge of any expected set is noticed.
func TestSuiteNoticesOneWrongPort(t *testing.T) {
	edges := 0
	for _, c := range Cases() {
		for _, e := range c.Expect {
			for _, r := range e.Upper.Ranges() {
				for _, port := range []int{int(r.First) - 1, int(r.First), int(r.Last), int(r.Last) + 1} {
					if port < 1 || port > model.MaxPort {
						continue
					}
					_, wrong := e.check(remember(e, r.Protocol, uint16(port)), c.ports)
					require.Contains(t, wrong, fmt.Sprintf("%v %d: got ", r.Protocol, port), "%s %v", c.ID, e)
					edges++
				}
			}
			_, wrong := e.check(remember(e, 0, 0), c.ports)
			require.Empty(t, wrong, "%s %v", c.ID, e)
		}
	}
	require.Greater(t, edges, 1000)
}

func find(t *testing.T, id string) Case {
	t.Helper()
	for _, c := range Cases() {
		if c.ID == id {
			return c
		}
	}
	require.Fail(t, "no case "+id)
	return Case{}
}

func always(v model.Verdict) Suite {
	return Suite{Verdict: func(Case) (func(Query) (model.Verdict, error), error) {
		return func(Query) (model.Verdict, error) { return v, nil }, nil
	}}
}

func TestSuiteNoticesWrongSystems(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name  string
		suite Suite
		id    string
		want  string
	}{
		{"allows all", always(model.Allowed), "C10-1", "x/pod/b>x/pod/a NONE: TCP 1: got allowed, want denied"},
		{"denies all", always(model.Denied), "C9-1", "x/pod/a>x/pod/b ALL: TCP 1: got denied, want allowed"},
		{"knows too much", always(model.Denied), "C47-1", "x/deployment/a>y/deployment/b lo NONE up ALL: TCP 1: got denied, want uncertain"},
		{"keeps finished pods", always(model.Allowed), "C59-1", "absent x/pod/done: got allowed, want an error"},
		{"does not load", Suite{Verdict: func(Case) (func(Query) (model.Verdict, error), error) { return nil, broken }}, "C9-1", "broken"},
		{"does not answer", Suite{Verdict: func(Case) (func(Query) (model.Verdict, error), error) {
			return func(Query) (model.Verdict, error) { return 0, broken }, nil
		}}, "C9-1", "broken"},
		{"accepts all", Suite{Codes: func(Case) ([]dialect.Code, error) { return nil, nil }}, "C31-2", "errors: got [], want [PR2003]"},
		{"warns of nothing", Suite{Codes: func(Case) ([]dialect.Code, error) { return nil, nil }}, "C103-1", "diagnostics: got [], want PR2023 among them"},
		{"warns of all", Suite{Codes: func(Case) ([]dialect.Code, error) { return []dialect.Code{dialect.CodeNotUnderstood}, nil }}, "C10-1", "diagnostics: got PR2023, which is not noted"},
		{"rejects all", Suite{Codes: func(Case) ([]dialect.Code, error) { return []dialect.Code{dialect.CodeCIDR}, nil }}, "C43-1", "errors: got [PR2008], want []"},
		{"says nothing", Suite{Codes: func(Case) ([]dialect.Code, error) { return nil, nil }}, "C43-1", "want PR2013 among them"},
		{"does not read", Suite{Codes: func(Case) ([]dialect.Code, error) { return nil, broken }}, "C43-1", "broken"},
		{"sure of the others", Suite{Other: func(Case) (func(from, to string) (model.Other, error), error) {
			return func(string, string) (model.Other, error) { return model.OtherNo, nil }, nil
		}}, "C84-2", "x/pod/b>x/pod/a other: got no, <nil>, want unspecified"},
		{"offline", Suite{Internet: func(Case) (func(string, model.Family) (a, e model.PortSet, err error), error) {
			return func(string, model.Family) (a, e model.PortSet, err error) { return a, e, nil }, nil
		}}, "C112-4", "x/pod/a internet IPv4: got NONE everywhere NONE, <nil>, want UDP 53 everywhere NONE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			failures, _ := test.suite.check(find(t, test.id))
			require.Contains(t, strings.Join(failures, "\n"), test.want)
		})
	}
}

func TestParseCase(t *testing.T) {
	pods := "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: x}\nspec: {nodeName: n1}\nstatus: {podIP: 10.0.0.1}\n"
	tests := []struct{ name, id, text, want string }{
		{"id", "C10", "", "not a case id"},
		{"rule zero", "C0-1", "", "not a case id"},
		{"setting", "C1-1", "profil: cilium\n", "no such setting"},
		{"profile", "C1-1", "profile: none\n", "no such profile"},
		{"world", "C1-1", "world: old\n", `no world "old"`},
		{"cidr", "C1-1", "podCIDRs: 10.0.0.0\n", "no '/'"},
		{"family", "C1-1", "ipFamilies: IPv5\n", `no family "IPv5"`},
		{"code", "C1-1", "invalid: PR9999\n", "no diagnostic code"},
		{"yaml", "C1-1", "---\nkind: [\n", "yaml"},
		{"expectation", "C1-1", "xa xb ALL\n", "not an expectation"},
		{"no set", "C1-1", "xa>xb\n", "incomplete"},
		{"protocol", "C1-1", "xa>xb ICMP 8\n", `no protocol "ICMP"`},
		{"ports", "C1-1", "xa>xb TCP 80 UDP\n", "ports of UDP?"},
		{"port zero", "C1-1", "xa>xb TCP 0-5\n", "no port range"},
		{"range", "C1-1", "xa>xb TCP 90-80\n", "no port range"},
		{"bounds", "C1-1", "xa>xb lo NONE\n", "lo SET up SET"},
		{"crossed bounds", "C1-1", "xa>xb lo ALL up NONE\n", "exceeds"},
		{"other", "C1-1", "xa>xb other maybe\n", "other unspecified"},
		{"internet", "C1-1", "xa internet TCP 443 everywhere NONE\n", "internet v4 SET"},
		{"endpoint", "C1-1", "xa>Xb ALL\n", `not an endpoint: "Xb"`},
		{"absent", "C1-1", "absent x/a\n", `not an endpoint: "x/a"`},
		{"rule of an id", "C1-1", "rule: R2\n", "the id says the rule"},
		{"no rule", "K1-1", "", "no rule"},
		{"not a rule", "K1-1", "rule: two\n", "invalid syntax"},
		{"upstream", "K1-1", "upstream: some test\n", "want FILE:LINE NAME"},
		{"pods", "C1-1", "pods: x/z\n", `the world has no pod "x/z"`},
		{"no pods", "C1-1", "y/*>xa ALL\n" + pods, `no pods in namespace "y"`},
		{"wildcard", "C1-1", "*>8.8.8.8 ALL\n" + pods, "must be a pod"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseCase(test.id, test.text, map[string][]document{"live": nil})
			require.ErrorContains(t, err, test.want)
		})
	}
}

// "rest" is what no line before has spoken of, "NS/*" no pod to itself, and a
// world may be had in part.
func TestParseCaseWholeTables(t *testing.T) {
	var text strings.Builder
	for i, name := range []string{"x/a", "x/b", "y/a", "y/b"} {
		fmt.Fprintf(&text, "---\nkind: Pod\nmetadata: {namespace: %q, name: %q}\nspec: {nodeName: n1}\nstatus: {podIP: 10.0.0.%d}\n", name[:1], name[2:], i+1)
	}
	world, err := documents([]byte(text.String()))
	require.NoError(t, err)
	c, err := parseCase("K2-1", "rule: R10\nupstream: a.go:3 It works\npods: x/a,x/b,y/a\nx/*>x/*,ya NONE\nrest ALL\n", map[string][]document{"live": world})
	require.NoError(t, err)
	require.Equal(t, 10, c.Rule)
	require.Equal(t, []string{"a.go:3 It works"}, c.Upstream)
	var got []string
	for _, e := range c.Expect {
		got = append(got, e.String())
	}
	require.Equal(t, []string{
		"x/pod/a>x/pod/b NONE", "x/pod/a>y/pod/a NONE", "x/pod/b>x/pod/a NONE", "x/pod/b>y/pod/a NONE",
		"y/pod/a>x/pod/a ALL", "y/pod/a>x/pod/b ALL",
		"x/pod/a>x/pod/a ALL", "x/pod/b>x/pod/b ALL", "y/pod/a>y/pod/a ALL",
	}, got)
}

// A case's object replaces the world's of the same name, and wildcards follow
// the objects.
func TestParseCaseLaysObjectsOverTheWorld(t *testing.T) {
	world, err := documents([]byte(`# Comments are no objects.
---
kind: Node
metadata: {name: n1}
---
kind: Node
metadata: {name: n2}
---
kind: Pod
metadata: {name: a, namespace: x}
spec: {nodeName: n1}
status: {podIP: 10.0.0.1}
---
kind: Pod
metadata: {name: b, namespace: x}
spec: {nodeName: n2}
status: {podIP: 10.0.0.2}
`))
	require.NoError(t, err)
	c, err := parseCase("C1-1", `# One.
# Two.
*>x/pod/a TCP 443
x/pod/a>pods v6 lo NONE up TCP 80 UDP 53-54
---
kind: Pod
metadata: {name: b, namespace: x}
spec: {nodeName: n1, containers: [{ports: [{containerPort: 8080}]}]}
status: {podIP: 10.0.0.3}
---
kind: Pod
metadata: {name: h, namespace: x}
spec: {nodeName: n2, hostNetwork: true}
status: {podIP: 10.9.0.2}
`, map[string][]document{"live": world})
	require.NoError(t, err)
	require.Equal(t, "One. Two.", c.Note)
	require.NotContains(t, string(c.YAML), "10.0.0.2")
	require.Contains(t, string(c.YAML), "10.0.0.3")
	require.Equal(t, []uint16{8080}, c.ports)
	var got []string
	for _, e := range c.Expect {
		got = append(got, e.String())
	}
	require.Equal(t, []string{
		"x/pod/b>x/pod/a TCP 443", "node/n2>x/pod/a TCP 443", "8.8.8.8>x/pod/a TCP 443", "172.20.0.5>x/pod/a TCP 443",
		"x/pod/a>x/pod/b v6 lo NONE up TCP 80 UDP 53-54",
		"x/pod/a>x/pod/a ALL", "node/n1>x/pod/a ALL", "x/pod/b>x/pod/b ALL", "node/n1>x/pod/b ALL",
	}, got)
}
