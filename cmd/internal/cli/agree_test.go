package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// hostCluster has nodes and a pod on the host network, whose own pods count
// only where it is named.
const hostCluster = `{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 10.0.0.2}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: a, labels: {app: agent}}, spec: {hostNetwork: true, nodeName: n1}, status: {podIP: 10.0.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: here, namespace: a, labels: {app: web, at: here}}, spec: {nodeName: n1}, status: {podIP: 10.1.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: there, namespace: a, labels: {app: web}}, spec: {nodeName: n2}, status: {podIP: 10.1.0.2}}
---
{apiVersion: v1, kind: Pod, metadata: {name: new, namespace: a, labels: {app: new}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: a}
spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [web, new]}]}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.2/32}}], ports: [{port: 80}]}]}
`

// The same words get the same answer from can, from explain and from --queries:
// what explain shows is a pair that the answer rests on.
func TestExplainAgreesWithCan(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	answers := map[string]int{}
	for file, ends := range map[string][]string{
		demoPath: {
			"ml-training:", "ml-training:app.kubernetes.io/component=training", "ml-data/qdrant", "monitoring:", "cluster", "any", "nodes", "internet",
			"10.0.0.0/8", "8.8.8.8", "kube-system:", "ml-data/pod/qdrant-0",
		},
		write("static.yaml", staticCluster): {"shop/web", "shop/db", "other:", "cluster", "any", "internet", "10.1.0.0/24"},
		write("host.yaml", hostCluster): {
			"a:app=agent", "a/agent", "a:app=web", "a:at=here", "a:app=new", "nodes", "node/n1", "node/n2", "10.0.0.0/24", "10.0.0.1", "cluster", "a:",
		},
	} {
		var stdout, stderr bytes.Buffer
		r := &run{stdout: &stdout, stderr: &stderr}
		in := &input{run: r, files: []string{file}, pure: true, profile: "spec", ledger: &dialect.Ledger{}, reader: manifest.NewReader(manifest.Options{})}
		require.NoError(t, in.load(), stderr.String())
		out := &output{run: r, to: []destination{{format: report.JSON}}}
		lines := answerer{in: in, sides: map[string]*side{}, pairs: map[[2]*side]model.Bounds{}}
		answer := func(err error) string {
			text := stdout.String()
			stdout.Reset()
			if exit := exitCode(0); err != nil && !errors.As(err, &exit) {
				require.Empty(t, text, err)
			}
			return text
		}
		for _, from := range ends {
			for _, to := range ends {
				for _, ports := range []string{"", "443", "80,UDP/53"} {
					question := sentence{from, to, ports}
					can := answer(in.canReach(question, out))
					explain := answer(in.explainPair([]string{from, to, ports}, out))
					if can == "" {
						require.Empty(t, explain, question)
						continue
					}
					if explain == "" { // there is no pair at all
						require.Contains(t, can, `"answer": "no"`, question)
						continue
					}
					var a canDocument
					require.NoError(t, json.Unmarshal(withoutPorts(t, can), &a))
					var e explainDocument
					require.NoError(t, json.Unmarshal(withoutPorts(t, explain), &e))
					found := map[string]bool{}
					for _, r := range e.Results {
						found[r.Verdict] = true
					}
					answers[a.Answer]++
					line := query{from: from, to: to, protocol: model.TCP, port: 443}
					if v, _, err := lines.answer(line); err == nil && ports == "443" {
						require.Equal(t, map[model.Verdict]string{model.Allowed: "yes", model.Denied: "no", model.Unknown: "uncertain"}[v], a.Answer, "%v: --queries", question)
						answers["line"]++
					}
					switch a.Answer {
					case "yes":
						require.True(t, found["allowed"], "%v: %s", question, explain)
						require.Equal(t, a.Witness.From+" "+a.Witness.To, e.From+" "+e.To, question)
					case "no":
						require.False(t, found["allowed"] || found["uncertain"], "%v: %s", question, explain)
					default:
						require.False(t, found["allowed"], "%v: %s", question, explain)
						require.True(t, found["uncertain"] || len(e.Results) == 0, "%v: %s", question, explain)
					}
				}
			}
		}
	}
	for _, answer := range []string{"yes", "no", "uncertain", "line"} {
		require.Greater(t, answers[answer], 10, answer)
	}
}

// withoutPorts takes the ports out of a document: their type only writes.
func withoutPorts(t *testing.T, text string) []byte {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &doc))
	delete(doc, "ports")
	delete(doc, "everywhere")
	if results, ok := doc["results"].([]any); ok {
		for _, r := range results {
			if fields, ok := r.(map[string]any); ok {
				delete(fields, "ports")
			}
		}
	}
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return out
}
