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
