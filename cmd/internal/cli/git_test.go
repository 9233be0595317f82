package cli

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// gitFolder makes a repository and works in it.
func gitFolder(t *testing.T) (folder string, git func(arguments ...string)) {
	t.Helper()
	folder = t.TempDir()
	t.Chdir(folder)
	git = func(arguments ...string) {
		t.Helper()
		out, err := osexec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "core.fsmonitor=false"}, arguments...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	git("init", "-q")
	return folder, git
}

func content(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
}

const namespaceManifest = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ml}\n"

// Whatever the repository's configuration and names are, what is read is what
// the revision holds, and nothing of the repository runs.
func TestGitInputIsWhatTheRevisionHolds(t *testing.T) {
	folder, git := gitFolder(t)
	content(t, "deploy/a b\nc.yaml", namespaceManifest)
	content(t, "deploy/notes.txt", "no manifest")
	content(t, "deploy/.hidden/x.yaml", namespaceManifest)
	require.NoError(t, os.Symlink("a b\nc.yaml", "deploy/link.yaml"))
	git("add", "-A")
	git("commit", "-qm", "one")
	git("tag", "v1")
	content(t, "deploy/a b\nc.yaml", "kind: changed\n")
	git("commit", "-qam", "two")
	git("replace", "v1:deploy/a b\nc.yaml", "HEAD:deploy/a b\nc.yaml") // of the user, not of the revision
	ran := filepath.Join(folder, "ran")
	content(t, "run.sh", "#!/bin/sh\ntouch "+ran+"\n")
	require.NoError(t, os.Chmod("run.sh", 0o777))
	for _, key := range []string{"core.fsmonitor", "core.pager", "diff.external", "filter.x.smudge", "alias.ls-tree"} {
		git("config", key, filepath.Join(folder, "run.sh"))
	}
	content(t, ".gitattributes", "*.yaml filter=x diff=x\n")
	for _, rev := range []string{"v1", "HEAD~1", "HEAD^", "HEAD@{1}"} {
		files, err := readGit(rev + ":deploy")
		require.NoError(t, err, rev)
		require.Len(t, files, 1)
		require.Equal(t, "git:"+rev+":deploy/a b\nc.yaml", files[0].Name)
		require.EqualValues(t, len(namespaceManifest), files[0].Size)
	}
	require.NoFileExists(t, ran)
	for text, want := range map[string]string{
		"v1:deploy/link.yaml": "only links",
		"v1:../x":             "outside the repository",
		"v1:/deploy":          "relative to the current folder",
		"v1:dep*":             "no such path",
		"--all:deploy":        "does not begin with '-'",
		"nosuch:deploy":       "no such revision",
		":deploy":             "there is no revision",
	} {
		_, err := readGit(text)
		require.ErrorContains(t, err, want, text)
	}
	t.Chdir("deploy")
	files, err := readGit("v1:.")
	require.NoError(t, err)
	require.Equal(t, "git:v1:a b\nc.yaml", files[0].Name)
}

// What a folder on disk has and the revision has not is said: the two would
// differ in it.
func TestGitInputThatIsElsewhere(t *testing.T) {
	_, git := gitFolder(t)
	content(t, "deploy/a.yaml", namespaceManifest)
	content(t, "deploy/big.yaml", lfsPointer+"v1\noid sha256:0\nsize 12\n")
	git("add", "-A")
	git("commit", "-qm", "one")
	_, err := readGit("HEAD:deploy")
	require.ErrorContains(t, err, "git:HEAD:deploy/big.yaml is a pointer of git-lfs")
	git("rm", "-q", "deploy/big.yaml")
	git("commit", "-qm", "two")
	git("update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,deploy/sub")
	git("commit", "-qm", "three")
	_, err = readGit("HEAD:deploy")
	require.ErrorContains(t, err, "deploy/sub is a submodule")
	_, err = readGit("HEAD:deploy/a.yaml")
	require.NoError(t, err)
}
