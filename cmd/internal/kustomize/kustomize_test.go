package kustomize_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/kustomize"
)

// TestBuild runs the real tool, of which bin/kubectl is one after `make kapi`.
func TestBuild(t *testing.T) {
	bin, err := filepath.Abs("../../../bin")
	require.NoError(t, err)
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	tool := exec.Command("kustomize", "build", "-over")
	if _, err := exec.LookPath("kustomize"); err != nil {
		if _, err := exec.LookPath("kubectl"); err != nil {
			t.Skip("there is neither kustomize nor kubectl on this machine; the scenario kustomize.txtar has one that is made up")
		}
		tool = exec.Command("kubectl", "kustomize", "./-over")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml, np.yaml]\n",
		"base/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {text: "a\n---\nkind: Pod\n"}}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
`,
		"base/np.yaml": `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}}
`,
		"-over/Kustomization": `resources: [../base]
namePrefix: a-
namespace: shop
buildMetadata: [managedByLabel]
configMapGenerator: [{name: c, literals: [a=b]}]
`,
		"bad/kustomization.yml": "resources: [nowhere.yaml]\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	t.Chdir(dir)
	tool.Dir = dir
	want, err := tool.Output()
	require.NoError(t, err)

	b, err := kustomize.Build(t.Context(), "-over")
	require.NoError(t, err)
	require.Equal(t, string(want), string(b.Text), "what is read is what the tool prints for the folder itself")
	require.Contains(t, string(b.Text), "app.kubernetes.io/managed-by: kustomize", "only the outermost kustomization adds it")
	require.Empty(t, b.Fetched)
	began := map[string]string{}
	for i, line := range bytes.Split(b.Text, []byte("\n")) {
		if kind, ok := strings.CutPrefix(string(line), "kind: "); ok {
			began[kind] = b.File(i + 1)
		}
	}
	require.Equal(t, map[string]string{
		"Deployment": "base/web.yaml", "Service": "base/web.yaml", "NetworkPolicy": "base/np.yaml", "ConfigMap": "-over/Kustomization",
	}, began)
	require.Empty(t, b.File(0))

	_, err = kustomize.Build(t.Context(), "bad")
	require.ErrorContains(t, err, "nowhere.yaml")
	require.NotContains(t, err.Error(), "\n")
	_, err = kustomize.Build(t.Context(), "base/web.yaml")
	require.EqualError(t, err, "not a folder")
	_, err = kustomize.Build(t.Context(), "https://example.com/base")
	require.EqualError(t, err, "no such file or directory")
}
