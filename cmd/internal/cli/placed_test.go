package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

func TestRepository(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	inside := filepath.Join(root, "work", "repo", "deploy")
	require.NoError(t, os.MkdirAll(inside, 0o750))
	t.Chdir(inside)
	t.Setenv("GITHUB_WORKSPACE", "")
	require.Equal(t, inside, repository())
	t.Setenv("GITHUB_WORKSPACE", filepath.Join(root, "work"))
	require.Equal(t, filepath.Join(root, "work"), repository())
	t.Setenv("GITHUB_WORKSPACE", filepath.Join(root, "elsewhere"))
	require.Equal(t, inside, repository())
	// A worktree has a file .git.
	require.NoError(t, os.WriteFile(filepath.Join(root, "work", "repo", ".git"), []byte("gitdir: x\n"), 0o600))
	require.Equal(t, filepath.Join(root, "work", "repo"), repository())
}

func TestRepositoryLink(t *testing.T) {
	for _, name := range []string{"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "CI_PROJECT_URL", "CI_COMMIT_SHA"} {
		t.Setenv(name, "")
	}
	require.Empty(t, repositoryLink())
	t.Setenv("CI_PROJECT_URL", "https://gitlab.example/g/p")
	t.Setenv("CI_COMMIT_SHA", "abc")
	require.Equal(t, "https://gitlab.example/g/p/-/blob/abc", repositoryLink())
	t.Setenv("GITHUB_SERVER_URL", "https://github.com")
	t.Setenv("GITHUB_REPOSITORY", "o/r")
	t.Setenv("GITHUB_SHA", "def")
	require.Equal(t, "https://github.com/o/r/blob/def", repositoryLink())
}

// TestPlacedKustomization requires that a finding in what a kustomization was
// built to is shown in the file that the object began as.
func TestPlacedKustomization(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "bin", "kustomize")
	require.NoError(t, os.MkdirAll(filepath.Dir(tool), 0o750))
	require.NoError(t, os.WriteFile(tool, []byte(`#!/bin/sh
path=k/np.yaml
case $2 in k) a= ;; *) a="  annotations: {config.kubernetes.io/origin: 'path: $(sed -n 's/^- \(\.\.\)/\1/p' "$2/kustomization.yaml")/np.yaml'}
" ;; esac
printf 'apiVersion: v1\nkind: Pod\nmetadata:\n%s  name: a\n' "$a"
`), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "k"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "k", "kustomization.yaml"), []byte("resources: [np.yaml]\n"), 0o600))
	t.Setenv("PATH", filepath.Dir(tool)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Chdir(dir)
	r := &run{stdout: io.Discard, stderr: io.Discard}
	in := &input{run: r, kustomize: "k", pure: true, quiet: true, profile: "spec", ledger: &dialect.Ledger{}}
	r.in = in
	require.NoError(t, in.load())
	out := &output{run: r}
	f := out.placed(&report.Findings{Items: []report.Finding{{At: []report.Place{{File: "kustomize:k", Line: 4, Message: "m"}}}, {}}})
	require.Equal(t, filepath.Join("k", "kustomization.yaml"), f.Input)
	require.Equal(t, []report.Place{{File: "kustomize:k", Line: 4, Message: "m"}, {File: "k/np.yaml", Message: "m"}}, f.Items[0].At)
	require.Empty(t, f.Items[1].At)
}
