package cluster_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

var update = flag.Bool("update", false, "rewrite the expected text of testdata")

// read puts files into a State.
func read(t *testing.T, o cluster.Options, files ...txtar.File) *cluster.State {
	t.Helper()
	s := cluster.New(o)
	var inputs []manifest.Input
	for _, f := range files {
		inputs = append(inputs, manifest.Input{Name: f.Name, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(f.Data))), nil
		}})
	}
	for object := range manifest.NewReader(manifest.Options{}).Read(inputs, s.Ledger()) {
		s.Put(object)
	}
	return s
}

func yamlFile(text string) txtar.File { return txtar.File{Name: "cluster.yaml", Data: []byte(text)} }

// TestGolden reads testdata/*.txtar: CASE.yaml (or CASE/FILE.yaml, several) is
// the input, CASE.options the options as JSON, and CASE.want the snapshot,
// without the rules that it always has, and the ledger.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		require.NoError(t, err)
		var cases []string
		inputs, options, want := map[string][]txtar.File{}, map[string]cluster.Options{}, map[string]string{}
		var kept []txtar.File
		for _, f := range archive.Files {
			name, rest, _ := strings.Cut(f.Name, "/")
			if rest == "" {
				name, _, _ = strings.Cut(f.Name, ".")
			}
			switch filepath.Ext(f.Name) {
			case ".options":
				options[name] = parseOptions(t, f.Data)
			case ".want":
				want[name] = string(f.Data)
				continue
			default:
				if !slices.Contains(cases, name) {
					cases = append(cases, name)
				}
				inputs[name] = append(inputs[name], f)
			}
			kept = append(kept, f)
		}
		for _, name := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, func(t *testing.T) {
				got := describe(t, read(t, options[name], inputs[name]...), options[name].Profile)
				if *update {
					last := 0
					for i, f := range kept {
						if strings.HasPrefix(f.Name, name+".") || strings.HasPrefix(f.Name, name+"/") {
							last = i
						}
					}
					kept = slices.Insert(kept, last+1, txtar.File{Name: name + ".want", Data: []byte(got)})
					return
				}
				require.Equal(t, want[name], got)
			})
		}
		if *update {
			archive.Files = kept
			require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
		}
	}
}

func parseOptions(t *testing.T, text []byte) cluster.Options {
	t.Helper()
	var o struct {
		DefaultNamespace       string
		Profile                string
		PodCIDRs, ServiceCIDRs []netip.Prefix
		Families               []model.Family
	}
	require.NoError(t, json.Unmarshal(text, &o))
	profile, err := cluster.ParseProfile(o.Profile)
	require.NoError(t, err)
	return cluster.Options{
		DefaultNamespace: o.DefaultNamespace, Profile: profile, PodCIDRs: o.PodCIDRs, ServiceCIDRs: o.ServiceCIDRs, Families: o.Families,
	}
}

// describe is the snapshot and the ledger as text.
func describe(t *testing.T, s *cluster.State, p cluster.Profile) string {
	t.Helper()
	snapshot := s.Snapshot()
	require.NoError(t, snapshot.Validate())
	implied := model.FormatRules(cluster.New(cluster.Options{Profile: p}).Snapshot().Rules)
	text := snapshot.String()
	require.Contains(t, text, implied)
	var b strings.Builder
	b.WriteString(strings.Replace(text, implied, "", 1))
	l := s.Ledger()
	fmt.Fprintf(&b, "read %d objects: %d pods, %d workloads, %d policies\n", l.Objects, l.Pods, l.Workloads, l.Policies)
	for _, k := range l.IgnoredKinds() {
		fmt.Fprintf(&b, "ignored %d %s\n", k.Count, k.Kind)
	}
	for _, a := range l.Assumptions {
		fmt.Fprintf(&b, "assumed: %s\n", a)
	}
	for _, d := range l.Diagnostics {
		at := d.Origin.File
		if d.Origin.File != "" {
			at += fmt.Sprintf("#%d", d.Origin.Document)
		}
		message := d.Message
		if d.Code < 2000 && d.Code != dialect.CodeDuplicateObject && d.Code != dialect.CodeBadAddress {
			// The reader's own words are its own business; what follows them is not.
			_, subjects, found := strings.Cut(message, " (the policy is left out")
			if message = "..."; found {
				message += " (the policy is left out" + subjects
			}
		}
		fmt.Fprintf(&b, "%v %v: %s %s: %s\n", d.Severity(), d.Code, at, d.Origin.Path, message)
	}
	return b.String()
}

// The rules that every snapshot has (R50, R52).
func TestImpliedRules(t *testing.T) {
	s := cluster.New(cluster.Options{}).Snapshot()
	require.NoError(t, s.Validate())
	require.Equal(t, `exempt/0 | ingress | cluster | allow | self | ALL other=yes
exempt/0 | egress | cluster | allow | self | ALL other=yes
exempt/2 | ingress | cluster | allow | own-node | ALL other=yes
`, model.FormatRules(s.Rules))
	for _, r := range s.Rules {
		require.Zero(t, r.Object)
		require.NotEmpty(t, r.Note)
	}
}

func TestParseProfile(t *testing.T) {
	p, err := cluster.ParseProfile("")
	require.NoError(t, err)
	require.Equal(t, cluster.ProfileSpec, p)
	p, err = cluster.ParseProfile("cilium")
	require.NoError(t, err)
	require.Equal(t, cluster.ProfileCilium, p)
	_, err = cluster.ParseProfile("calicoo")
	require.EqualError(t, err, `unknown profile "calicoo"; did you mean calico?`)
	_, err = cluster.ParseProfile("ovn")
	require.EqualError(t, err, `unknown profile "ovn"; valid are spec, cilium, calico`)
	require.Panics(t, func() { cluster.New(cluster.Options{Profile: "ovn"}) })
}

// The example of every code that comes from here gives exactly that code. Notes
// on namespaces and assumed addresses are beside the point, and a broken
// document is an error of its own.
func TestExamples(t *testing.T) {
	for _, doc := range dialect.Codes {
		if doc.Code != dialect.CodeDuplicateObject && (doc.Code < 2000 || doc.Code >= 4000) {
			continue
		}
		t.Run(doc.Code.String(), func(t *testing.T) {
			require.NotEmpty(t, doc.Text)
			require.NotEmpty(t, doc.Example)
			s := read(t, cluster.Options{Profile: cluster.Profile(doc.Profile)}, yamlFile(doc.Example))
			require.NoError(t, s.Snapshot().Validate())
			var codes []dialect.Code
			for _, d := range s.Ledger().Diagnostics {
				beside := d.Code == dialect.CodeAssumedAddresses || d.Code == dialect.CodeNoNamespace ||
					doc.Code == dialect.CodeBrokenDocument && d.Code == dialect.CodeSyntax
				if d.Code == doc.Code || !beside {
					codes = append(codes, d.Code)
				}
			}
			require.Equal(t, []dialect.Code{doc.Code}, slices.Compact(codes))
		})
	}
}

// The order of the input has no part in the snapshot.
func TestOrder(t *testing.T) {
	docs := strings.Split(endToEnd, "---\n")
	want := read(t, cluster.Options{}, yamlFile(endToEnd)).Snapshot()
	slices.Reverse(docs)
	got := read(t, cluster.Options{}, yamlFile(strings.Join(docs, "---\n"))).Snapshot()
	strip := func(s *model.Snapshot) (string, []string) {
		rules := strings.Split(model.FormatRules(s.Rules), "\n")
		slices.Sort(rules)
		s.Rules = nil
		return s.String(), rules
	}
	wantText, wantRules := strip(want)
	gotText, gotRules := strip(got)
	require.Equal(t, wantText, gotText)
	require.Equal(t, wantRules, gotRules)
}

const endToEnd = `apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {team: ml}}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 192.168.0.11}, {type: Hostname, address: n1}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ml}
spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: train, namespace: ml}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {metadata: {labels: {app: train}}, spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: ml}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}], ports: [{port: http}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: ml}
spec: {podSelector: {}, policyTypes: [Egress]}
`
