package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeKubectl puts a kubectl on the PATH whose cluster has one pod and does not
// show its networkpolicies.
func fakeKubectl(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kubectl"), []byte(`#!/bin/sh
case "$1 $2" in
"api-resources "*)
	echo 'NAME            SHORTNAMES APIVERSION           NAMESPACED KIND'
	echo 'pods            po         v1                   true       Pod'
	echo 'networkpolicies netpol     networking.k8s.io/v1 true       NetworkPolicy' ;;
"get pods")
	echo '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"}}]}' ;;
*)
	printf 'Error from server (Forbidden): \033[31mforbidden\n' >&2
	exit 1 ;;
esac
`), 0o700))
	t.Setenv("PATH", folder)
}

// What kubectl says cannot steer a terminal either.
func TestKubectlIsPrintable(t *testing.T) {
	fakeKubectl(t)
	_, stderr, code := exec("", "can", "ml/a", "reach", "internet", "--live")
	require.Equal(t, exitUncertain, code, stderr)
	require.Contains(t, stderr, "NetworkPolicy objects cannot be read: ")
	require.NotContains(t, stderr, "\x1b")
}

func TestNoKubectl(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	stdout, stderr, code := exec("", "list", "--live")
	require.Equal(t, exitError, code)
	require.Empty(t, stdout)
	require.True(t, strings.HasPrefix(stderr, "error: cannot read the cluster: there is no kubectl on the PATH, and a cluster is read through it (PR1014)\n"), stderr)
}

// customKubectl puts a kubectl on the PATH whose cluster has a pod, one object of
// a kind that podreach knows, of one that only podreach.yaml knows and of one
// that nobody knows. forbidden is a pattern of resources that it does not list.
func customKubectl(t *testing.T, forbidden string) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kubectl"), []byte(`#!/bin/sh
list() { echo "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [$1]}"; }
template='"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "x"}]}}'
case "$2" in
`+forbidden+`)
	echo "Error from server (Forbidden): $2 is forbidden" >&2
	exit 1 ;;
esac
case "$1 $2" in
"api-resources "*)
	echo 'NAME         SHORTNAMES APIVERSION     NAMESPACED KIND'
	echo 'pods         po         v1             true       Pod'
	echo 'rayclusters             ray.io/v1      true       RayCluster'
	echo 'trainers                example.com/v1 true       Trainer'
	echo 'fooworkloads            foo.example.com/v1 true   FooWorkload'
	echo 'barworkloads            foo.example.com/v1 true   BarWorkload' ;;
"get pods") list '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ml"}}' ;;
"get rayclusters.ray.io") list '{"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "ray", "namespace": "ml"}, "spec": {"headGroupSpec": {'"$template"'}}}' ;;
"get trainers.example.com") list '{"apiVersion": "example.com/v1", "kind": "Trainer", "metadata": {"name": "t", "namespace": "ml"}, "spec": {'"$template"'}}' ;;
"get fooworkloads.foo.example.com") list '{"apiVersion": "foo.example.com/v1", "kind": "FooWorkload", "metadata": {"name": "f", "namespace": "ml"}, "spec": {'"$template"'}}' ;;
"get barworkloads.foo.example.com") list '{"apiVersion": "foo.example.com/v1", "kind": "BarWorkload", "metadata": {"name": "b", "namespace": "ml"}}' ;;
esac
`), 0o700))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func trainerConfig(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "podreach.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apiVersion: podreach.io/v1alpha1\nkind: Config\nworkloads:\n- {gvk: example.com/v1/Trainer, templates: ['{.spec.template}']}\n"), 0o600))
	return file
}

// Custom resources that make pods are read, and those that nobody knows are
// looked at.
func TestLiveCustom(t *testing.T) {
	customKubectl(t, "none")
	_, stderr, code := exec("", "can", "ml/trainer/t", "reach", "ml/raycluster/ray", "--live", "--config", trainerConfig(t))
	require.Equal(t, exitYes, code, stderr)
	require.Contains(t, stderr, "pods of FooWorkload ml/f cannot be known: ")
	require.NotContains(t, stderr, "BarWorkload")
	require.Contains(t, stderr, "read 5 objects (1 pods, 2 workloads, 0 policies); ignored 2 of 2 kinds; 0 errors, 1 warnings\n")

	// Of a kind that is known to make pods it is said that it is missing, of the
	// others in one line.
	customKubectl(t, "*s.ray.io|*.foo.example.com")
	_, stderr, code = exec("", "can", "ml/trainer/t", "reach", "ml/a", "--live", "--config", trainerConfig(t))
	require.Equal(t, exitYes, code, stderr)
	require.Contains(t, stderr, "live:rayclusters.ray.io: warning: RayCluster objects cannot be read: rayclusters.ray.io is forbidden; pods that are not there yet, and what owns the others, are missing from the answer (PR1014)\n")
	require.Contains(t, stderr, "warning: objects of custom kinds cannot be read: FooWorkload (foo.example.com), BarWorkload (foo.example.com); if a controller makes pods of them, those that are not there yet are missing from the answer (PR1014)\n")
	require.Equal(t, 2, strings.Count(stderr, "PR1014"))
}

// A cluster that shows nothing is one error.
func TestLiveForbidden(t *testing.T) {
	customKubectl(t, "*s|*.*")
	stdout, stderr, code := exec("", "list", "--live")
	require.Equal(t, exitError, code)
	require.Empty(t, stdout)
	require.True(t, strings.HasPrefix(stderr, "error: cannot read the cluster: none of its 5 kinds can be listed; Pod objects cannot be read: pods is forbidden (PR1014)\n"), stderr)
	require.Equal(t, 1, strings.Count(stderr, "(PR"), stderr)
	require.Contains(t, stderr, "; 1 errors, 0 warnings\n")
}

// On a terminal there is one line, which is taken away; elsewhere there is
// none, or with -v one a kind.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		terminal, verbose bool
		want              string
	}{
		{false, false, ""},
		{false, true, "reading networkpolicies (1/12)\nreading pods (2/12)\n"},
		{true, false, "\rreading networkpolicies (1/12)\rreading pods (2/12)           \r" + strings.Repeat(" ", 30) + "\r"},
	} {
		var b strings.Builder
		p := lines{w: &b, terminal: c.terminal, verbose: c.verbose}
		p.show("networkpolicies", 1, 12)
		p.show("pods", 2, 12)
		p.clear()
		require.Equal(t, c.want, b.String())
	}
	var b strings.Builder
	p := lines{w: &b, terminal: true}
	p.show("pods", 2, 12)
	p.say("To sign in, open\nhttps://example.com\x1b[0m\n")
	require.Equal(t, "\rreading pods (2/12)\r                   \rkubectl: To sign in, open\nkubectl: https://example.com", b.String()[:strings.Index(b.String(), ".com")+4])
	require.NotContains(t, b.String(), "\x1b")
	require.False(t, isTerminal(&strings.Builder{}))
	file, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	require.False(t, isTerminal(file))
	require.NoError(t, file.Close())
}
