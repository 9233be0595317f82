package netpol_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/netpol"
)

var update = flag.Bool("update", false, "rewrite the expected text of testdata")

var profiles = map[string]netpol.Options{
	"":       {},
	"cilium": {PolicyTypesFromRules: true, ExternalOnlyBlocks: true, OtherAsPortless: true},
	"calico": {OtherAsPortless: true},
}

// TestGolden reads testdata/*.txtar: CASE.yaml or CASE.PROFILE.yaml is a spec
// of a policy x/p, or a whole policy, and CASE.want what becomes of it, rules
// and diagnostics, one a line.
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
			name, profile, _ := strings.Cut(full, ".")
			got := run(t, f.Data, profiles[profile])
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

func run(t *testing.T, text []byte, o netpol.Options) string {
	t.Helper()
	np := policy(t, text)
	rules, diagnostics := netpol.Lower(np, model.Origin{File: "policy.yaml"}, o)
	var b strings.Builder
	b.WriteString(model.FormatRules(rules))
	rejected := false
	for _, d := range diagnostics {
		require.Equal(t, "policy.yaml", d.Origin.File)
		require.Equal(t, model.ObjectRef{Kind: "NetworkPolicy", Namespace: np.Namespace, Name: np.Name}, d.Object)
		message, ok := strings.CutPrefix(d.Message, d.Object.String()+": ")
		require.True(t, ok, "the message names the object")
		fmt.Fprintf(&b, "%v %s: %s\n", d.Code, d.Origin.Path, message)
		rejected = rejected || d.Severity() == dialect.Error
	}
	require.Equal(t, rejected, len(rules) == 0, "a policy is rejected or has rules (R115)")
	require.NoError(t, (&model.Snapshot{Rules: rules}).Validate())
	return b.String()
}

func policy(t *testing.T, text []byte) *networkingv1.NetworkPolicy {
	t.Helper()
	np := &networkingv1.NetworkPolicy{}
	if strings.Contains(string(text), "kind: NetworkPolicy") {
		require.NoError(t, yaml.UnmarshalStrict(text, np))
		return np
	}
	np.Namespace, np.Name = "x", "p"
	require.NoError(t, yaml.UnmarshalStrict(text, &np.Spec))
	return np
}

func TestSubject(t *testing.T) {
	s, ok := netpol.Subject(policy(t, []byte("podSelector: {matchLabels: {app: a}}\ningress: [{from: [{}]}]")))
	require.True(t, ok)
	require.Equal(t, "x:app=a", s.String())
	_, ok = netpol.Subject(policy(t, []byte("podSelector: {matchExpressions: [{key: app, operator: in, values: [a]}]}")))
	require.False(t, ok)
}

// The rules share nothing with the policy, and lowering does not change it.
func TestLowerLeavesThePolicyAlone(t *testing.T) {
	text := []byte("podSelector: {matchExpressions: [{key: k, operator: In, values: [b, a, b]}]}\negress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]")
	np := policy(t, text)
	rules, _ := netpol.Lower(np, model.Origin{}, netpol.Options{})
	require.Equal(t, policy(t, text), np)
	np.Spec.PodSelector.MatchExpressions[0].Values[0] = "z"
	require.Equal(t, []string{"a", "b"}, rules[0].Subject.Pods[0].Values)
}
