package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// hook is an entry of .pre-commit-hooks.yaml (https://pre-commit.com/#new-hooks).
type hook struct {
	ID            string   `yaml:"id"`
	Name          string   `yaml:"name"`
	Description   string   `yaml:"description"`
	Entry         string   `yaml:"entry"`
	Args          []string `yaml:"args"`
	Language      string   `yaml:"language"`
	TypesOr       []string `yaml:"types_or"`
	PassFilenames *bool    `yaml:"pass_filenames"`
	RequireSerial bool     `yaml:"require_serial"`
}

func hooks(t *testing.T) []hook {
	t.Helper()
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	require.NoError(t, err)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var out []hook
	require.NoError(t, d.Decode(&out))
	return out
}

// TestHooksAreWhole requires that a hook runs this binary and is given no file
// names: of some of the manifests every answer would be about another cluster.
func TestHooksAreWhole(t *testing.T) {
	ids := map[string]bool{}
	for _, h := range hooks(t) {
		require.Equal(t, "golang", h.Language, h.ID)
		require.NotNil(t, h.PassFilenames, h.ID)
		require.False(t, *h.PassFilenames, h.ID)
		require.NotEmpty(t, h.Name, h.ID)
		words := strings.Fields(h.Entry)
		require.Len(t, words, 2, h.ID)
		require.Equal(t, []string{"podreach", strings.TrimPrefix(h.ID, "podreach-")}, words)
		ids[h.ID] = true
	}
	require.Equal(t, map[string]bool{"podreach-lint": true, "podreach-check": true}, ids)
}

// TestHooksRun runs each hook as pre-commit does: installed by go install, in
// the root of the repository, with its entry and args and no file names.
func TestHooksRun(t *testing.T) {
	bin := t.TempDir()
	install := exec.Command("go", "install", ".")
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	said, err := install.CombinedOutput()
	require.NoError(t, err, string(said))
	repository := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(repository, name), []byte(text), 0o600))
	}
	write("web.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
`)
	write("podreach-assertions.yaml", `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: gate}
spec:
  assertions: [{id: closed, from: any, to: "shop:", expect: isolated}]
`)
	run := func(h hook) (string, int) {
		words := slices.Concat(strings.Fields(h.Entry), h.Args)
		cmd := exec.Command(filepath.Join(bin, words[0]), words[1:]...)
		cmd.Dir = repository
		said, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return string(said), exit.ExitCode()
		}
		require.NoError(t, err)
		return string(said), 0
	}
	for _, h := range hooks(t) {
		said, code := run(h)
		require.Zero(t, code, "%s: %s", h.ID, said)
	}
	// lint finds a policy that selects nothing, check one that opens.
	write("open.yaml", `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: idle, namespace: shop}
spec: {podSelector: {matchLabels: {app: wbe}}, policyTypes: [Ingress]}
`)
	for _, h := range hooks(t) {
		said, code := run(h)
		require.Equal(t, 1, code, "%s: %s", h.ID, said)
		require.Contains(t, said, "open.yaml:", h.ID)
	}
}
