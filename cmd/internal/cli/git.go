package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path"
	"strconv"
	"strings"

	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// gitPath begins the name of an input that is in a revision: git:REV[:PATH].
const gitPath = "git:"

// maxGitBytes bounds what is read of one revision, all of which is in memory.
const maxGitBytes = 1 << 30

// lfsPointer begins a file that git-lfs keeps elsewhere.
const lfsPointer = "version https://git-lfs.github.com/spec/"

// gitFile is a file of a revision.
type gitFile struct {
	name, hash string
	size       int64
}

// gitInputs are the manifests of a revision, or what is wrong with it.
func (in *input) gitInputs(text string) []manifest.Input {
	out, err := readGit(text)
	if err != nil {
		in.ledger.Report(dialect.Diagnostic{Code: dialect.CodeGit, Message: gitPath + text + ": " + err.Error()})
	}
	return out
}

// readGit reads the manifests of a revision through git's plumbing, which runs
// no hooks and changes nothing. Their names are those of the user:
// git:REV:PATH/file.
func readGit(text string) ([]manifest.Input, error) {
	rev, within, _ := strings.Cut(text, ":")
	switch {
	case rev == "":
		return nil, errors.New("there is no revision: write git:REV or git:REV:PATH")
	case strings.HasPrefix(rev, "-"):
		return nil, errors.New("a revision does not begin with '-'")
	case strings.HasPrefix(within, "/"):
		return nil, errors.New("the path is relative to the current folder")
	}
	commit, err := git(nil, "rev-parse", "--quiet", "--verify", rev+"^{commit}")
	if err != nil {
		var exit *osexec.ExitError
		if errors.As(err, &exit) { // it has nothing to say about it
			err = errors.New("there is no such revision")
		}
		return nil, err
	}
	prefix, err := git(nil, "rev-parse", "--show-prefix") // of the current folder in the repository
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(string(prefix), "\n")
	root := path.Join(base, within)
	if root == ".." || strings.HasPrefix(root, "../") {
		return nil, errors.New("the path is outside the repository")
	}
	files, err := gitFiles(strings.TrimSpace(string(commit)), root)
	if err != nil {
		return nil, err
	}
	for i := range files {
		below := strings.TrimPrefix(strings.TrimPrefix(files[i].name, root), "/")
		if root == "." {
			below = files[i].name
		}
		if name := path.Join(within, below); name != "." {
			files[i].name = gitPath + rev + ":" + name
		}
	}
	return gitBlobs(files)
}

// gitFiles lists what is read of a path in a commit: the file itself, or the
// manifests of a folder, as of one on disk.
func gitFiles(commit, root string) ([]gitFile, error) {
	arguments := []string{"ls-tree", "-r", "-l", "-z", "--full-tree", commit}
	if root != "." && root != "" {
		arguments = append(arguments, "--", root)
	}
	list, err := git(nil, arguments...)
	if err != nil {
		return nil, err
	}
	var out []gitFile
	total, links := int64(0), 0
	for _, entry := range strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		about, name, ok := strings.Cut(entry, "\t")
		fields := strings.Fields(about) // mode, type, hash, size
		if ok && len(fields) == 4 && fields[1] == "commit" && !hiddenBelow(name+"/", root) {
			// A folder on disk has its files: without them the two would differ.
			return nil, fmt.Errorf("%s is a submodule, whose files are not in this repository: name a PATH without it", name)
		}
		if !ok || len(fields) != 4 || fields[1] != "blob" {
			continue
		}
		if name != root && (!manifest.Named(name) || hiddenBelow(name, root)) {
			continue
		}
		if fields[0] == "120000" { // links are not followed
			links++
			continue
		}
		size, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git says that %s has %q bytes", name, fields[3])
		}
		if total += size; total > maxGitBytes {
			return nil, fmt.Errorf("there are more than %d MiB", maxGitBytes>>20)
		}
		out = append(out, gitFile{name, fields[2], size})
	}
	switch {
	case len(out) > 0:
		return out, nil
	case len(list) == 0 && root != "." && root != "":
		return nil, errors.New("the revision has no such path")
	case links > 0:
		return nil, errors.New("there are only links, which are not followed")
	}
	return nil, errors.New("there is no manifest")
}

// hiddenBelow reports whether a folder on the way from root to a file is hidden.
func hiddenBelow(file, root string) bool {
	below := strings.TrimPrefix(strings.TrimPrefix(file, root), "/")
	for folder := path.Dir(below); folder != "." && folder != "/"; folder = path.Dir(folder) {
		if strings.HasPrefix(path.Base(folder), ".") {
			return true
		}
	}
	return false
}

// gitBlobs reads files, all with one git.
func gitBlobs(files []gitFile) ([]manifest.Input, error) {
	var ask bytes.Buffer
	for _, f := range files {
		ask.WriteString(f.hash + "\n")
	}
	answer, err := git(&ask, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(bytes.NewReader(answer))
	var out []manifest.Input
	for _, f := range files {
		header, err := r.ReadString('\n')
		if fields := strings.Fields(header); err != nil || len(fields) != 3 || fields[0] != f.hash || fields[1] != "blob" || fields[2] != strconv.FormatInt(f.size, 10) {
			return nil, fmt.Errorf("git cannot read %s: %s", f.name, strings.TrimSpace(header))
		}
		content := make([]byte, f.size+1) // and a line feed
		if _, err := io.ReadFull(r, content); err != nil {
			return nil, fmt.Errorf("git cannot read %s: %w", f.name, err)
		}
		content = content[:f.size]
		if bytes.HasPrefix(content, []byte(lfsPointer)) {
			return nil, fmt.Errorf("%s is a pointer of git-lfs: what it stands for is not in the repository; name a PATH without it", f.name)
		}
		out = append(out, manifest.Input{Name: f.name, Size: f.size, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }})
	}
	return out, nil
}

// git runs the user's git, which may neither ask nor fetch what is not there.
func git(stdin io.Reader, arguments ...string) ([]byte, error) {
	cmd := osexec.Command("git", append([]string{"--no-pager", "--no-replace-objects", "--literal-pathspecs", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"}, arguments...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	cmd.Stdin = stdin
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, osexec.ErrNotFound):
		return nil, errors.New("git is not installed")
	case err != nil && stderr.Len() > 0:
		line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return nil, errors.New(strings.TrimPrefix(line, "fatal: "))
	case err != nil:
		return nil, fmt.Errorf("git %s: %w", arguments[0], err)
	}
	return stdout.Bytes(), nil
}
