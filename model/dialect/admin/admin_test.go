package admin_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/admin"
)

var update = flag.Bool("update", false, "rewrite the expected text of testdata")

// TestGolden reads testdata/*.txtar: CASE.KIND.yaml is a spec of a policy p
// (KIND is anp, banp or cnp, or cnp.cilium, which is with the options of Cilium), or a whole policy, and CASE.want what becomes of
// it, rules and diagnostics, one a line.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(t, err)
		want := map[string]string{}
		for _, f := range archive.Files {
			if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
				want[name] = string(f.Data)
			}
		}
		var out []txtar.File
		for _, f := range archive.Files {
			full, ok := strings.CutSuffix(f.Name, ".yaml")
			if !ok {
				continue
			}
			name, kind, _ := strings.Cut(full, ".")
			got := run(t, f.Data, kind)
			out = append(out, f, txtar.File{Name: name + ".want", Data: []byte(got)})
			if !*update {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
					require.Equal(t, want[name], got)
				})
			}
		}
		if *update {
			archive.Files = out
			require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o644))
		}
	}
}

func run(t *testing.T, text []byte, kind string) string {
	t.Helper()
	kind, profile, _ := strings.Cut(kind, ".")
	p, object := policy(t, text, kind)
	var options admin.Options
	if profile == "cilium" {
		options = admin.Options{ExternalOnlyNetworks: true, NamespacesMatchOutside: true, BrokenSelectorsOpen: true, DomainsOpenDNS: true}
	}
	rules, diagnostics := p.Lower(model.Origin{File: "policy.yaml"}, options)
	var b strings.Builder
	rejected := false
	for _, r := range rules {
		b.WriteString(r.String())
		if r.Name != "" {
			b.WriteString(" # " + r.Name)
		}
		b.WriteByte('\n')
		require.Equal(t, object.String(), r.Object.String())
		require.Equal(t, "policy.yaml", r.Origin.File)
		r.Peer.Nodes = nil // which cluster resolves
		require.NoError(t, (&model.Snapshot{Rules: []model.Rule{r}}).Validate())
	}
	for _, d := range diagnostics {
		require.Equal(t, "policy.yaml", d.Origin.File)
		require.Equal(t, object, d.Object)
		message, ok := strings.CutPrefix(d.Message, d.Object.String()+": ")
		require.True(t, ok, "the message names the object")
		fmt.Fprintf(&b, "%v %s: %s\n", d.Code, d.Origin.Path, message)
		rejected = rejected || d.Severity() == dialect.Error
	}
	if rejected {
		require.Empty(t, rules, "a policy is rejected or has rules (R115)")
	}
	return b.String()
}

func policy(t *testing.T, text []byte, kind string) (*admin.Policy, model.ObjectRef) {
	t.Helper()
	whole := strings.Contains(string(text), "kind: ")
	if !whole {
		name := "p"
		if kind == "banp" {
			name = "default"
		}
		text = []byte("metadata: {name: " + name + "}\nspec:\n  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  "))
	}
	var object any
	ref := model.ObjectRef{}
	switch kind {
	case "anp":
		o := &v1alpha1.AdminNetworkPolicy{}
		require.NoError(t, yaml.Unmarshal(text, o))
		object, ref = o, model.ObjectRef{Kind: "AdminNetworkPolicy", Name: o.Name}
	case "banp":
		o := &v1alpha1.BaselineAdminNetworkPolicy{}
		require.NoError(t, yaml.Unmarshal(text, o))
		object, ref = o, model.ObjectRef{Kind: "BaselineAdminNetworkPolicy", Name: o.Name}
	case "cnp":
		o := &v1alpha2.ClusterNetworkPolicy{}
		require.NoError(t, yaml.Unmarshal(text, o))
		object, ref = o, model.ObjectRef{Kind: "ClusterNetworkPolicy", Name: o.Name}
	default:
		require.Fail(t, "unknown kind", kind)
	}
	p, ok := admin.Read(object)
	require.True(t, ok)
	return p, ref
}

func TestSubject(t *testing.T) {
	for text, want := range map[string]string{
		"subject: {namespaces: {}}":                                                                              "cluster",
		"subject: {namespaces: {matchLabels: {team: red}}}":                                                      "{team=red}:",
		"subject: {pods: {podSelector: {matchLabels: {app: a}}}}":                                                ":app=a",
		"subject: {pods: {namespaceSelector: {matchLabels: {team: red}}, podSelector: {matchLabels: {app: a}}}}": "{team=red}:app=a",
	} {
		p, _ := policy(t, []byte(text), "cnp")
		s, ok := p.Subject()
		require.True(t, ok, text)
		require.Equal(t, want, s.String())
	}
	for _, text := range []string{"subject: {}", "subject: {namespaces: {}, pods: {podSelector: {}}}", "subject: {namespaces: {matchExpressions: [{key: a, operator: in, values: [b]}]}}",
		"subject: {pods: {podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}}",
		"subject: {pods: {podSelector: {}, namespaceSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}}"} {
		p, _ := policy(t, []byte(text), "cnp")
		_, ok := p.Subject()
		require.False(t, ok, text)
	}
}

func TestVersion(t *testing.T) {
	for kind, want := range map[string]string{
		"AdminNetworkPolicy": "v1alpha1", "BaselineAdminNetworkPolicy": "v1alpha1", "ClusterNetworkPolicy": "v1alpha2", "NetworkPolicy": "",
	} {
		require.Equal(t, want, admin.Version(kind), kind)
	}
	_, ok := admin.Read("no policy")
	require.False(t, ok)
}

// The rules share nothing with the policy, and lowering does not change it.
func TestLowerLeavesThePolicyAlone(t *testing.T) {
	text := []byte("metadata: {name: p}\nspec: {tier: Admin, priority: 1, subject: {namespaces: {matchExpressions: [{key: k, operator: In, values: [b, a, b]}]}}, egress: [{action: Accept, to: [{networks: [10.0.0.0/8]}]}]}")
	o, again := &v1alpha2.ClusterNetworkPolicy{}, &v1alpha2.ClusterNetworkPolicy{}
	require.NoError(t, yaml.Unmarshal(text, o))
	require.NoError(t, yaml.Unmarshal(text, again))
	p, _ := admin.Read(o)
	rules, _ := p.Lower(model.Origin{}, admin.Options{})
	require.Equal(t, again, o)
	o.Spec.Subject.Namespaces.MatchExpressions[0].Values[0] = "z"
	require.Equal(t, []string{"a", "b"}, rules[0].Subject.Namespaces[0].Values)
}

// Both versions mean the same where they say the same (P11).
func TestVersionsAgree(t *testing.T) {
	spec := func(allow, ports string) string {
		return `priority: 7
subject: {pods: {namespaceSelector: {matchLabels: {team: red}}, podSelector: {}}}
ingress:
- {action: ` + allow + `, from: [{namespaces: {}}, {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: a}}}}], ` + ports + `}
- {action: Pass, from: [{namespaces: {}}]}
egress:
- {action: Deny, to: [{networks: [10.0.0.0/8, "fd00::/8"]}, {nodes: {}}]}
- {action: ` + allow + `, to: [{domainNames: [example.com]}]}`
	}
	a, _ := policy(t, []byte(spec("Allow", "ports: [{portNumber: {port: 80}}, {portRange: {protocol: UDP, start: 5, end: 9}}, {namedPort: http}]")), "anp")
	c, _ := policy(t, []byte("tier: Admin\n"+spec("Accept", "protocols: [{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {range: {start: 5, end: 9}}}}, {destinationNamedPort: http}]")), "cnp")
	old, _ := a.Lower(model.Origin{}, admin.Options{})
	new, _ := c.Lower(model.Origin{}, admin.Options{})
	require.NotEmpty(t, old)
	require.Equal(t, model.FormatRules(old), model.FormatRules(new))
}
