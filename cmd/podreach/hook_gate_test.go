//go:build gate

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
