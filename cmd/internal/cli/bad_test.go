package cli

import (
	"bytes"
	"flag"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/podreach/podreach/model/dialect"
)

var updateBad = flag.Bool("update-bad", false, "rewrite the expected messages in testdata/bad")

// usual is what is said of every cluster as small as these.
var usual = regexp.MustCompile(`^ignored: |^assumed: |\(PR3001\)\n|\(PR3004\)\n`)

const okPod = "{apiVersion: v1, kind: Pod, metadata: {name: ok, namespace: ok}}\n"

// TestBadInputs reads what is wrong. Each archive of testdata/bad has a theme,
// each folder in it is a case:
//
//	CASE/FILE      what is read (-f .), beside a pod that is in order
//	CASE/stdin     standard input (-f - before the folder)
//	CASE/want      what standard error says with -v, without the account
//
// A file whose name ends in ".quoted" loses that ending; its lines are strings
// of Go, each followed by "* N" if it comes N times.
func TestBadInputs(t *testing.T) {
	archives, err := filepath.Glob("testdata/bad/*.txtar")
	require.NoError(t, err)
	cases := 0
	for _, file := range archives {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		var out txtar.Archive
		out.Comment = a.Comment
		for len(a.Files) > 0 {
			name := path.Dir(a.Files[0].Name)
			n := slices.IndexFunc(a.Files, func(f txtar.File) bool { return path.Dir(f.Name) != name })
			if n < 0 {
				n = len(a.Files)
			}
			files := a.Files[:n]
			a.Files = a.Files[n:]
			cases++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				got := badInput(t, files)
				if *updateBad {
					files = slices.DeleteFunc(files, func(f txtar.File) bool { return path.Base(f.Name) == "want" })
					out.Files = append(append(out.Files, files...), txtar.File{Name: name + "/want", Data: []byte(got)})
					return
				}
				last := files[len(files)-1]
				require.Equal(t, name+"/want", last.Name, "a case ends with what is expected")
				require.Equal(t, string(last.Data), got)
				require.Regexp(t, `\(PR\d{4}\)\n$`, got, "a case is about something wrong")
			})
		}
		if *updateBad {
			require.NoError(t, os.WriteFile(file, txtar.Format(&out), 0o644))
		}
	}
	require.GreaterOrEqual(t, cases, 100)
}

// badInput runs a case and returns standard error without the account.
func badInput(t *testing.T, files []txtar.File) string {
	t.Helper()
	start := time.Now()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ok.yaml"), []byte(okPod), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "in"), 0o755))
	arguments := []string{"podreach", "list", "-v", "-f"}
	var stdin []byte
	for _, f := range files {
		name, data := f.Name[len(path.Dir(f.Name))+1:], f.Data
		if plain, ok := strings.CutSuffix(name, ".quoted"); ok {
			name, data = plain, unquote(t, data)
		}
		switch name {
		case "want":
		case "stdin":
			stdin = data
			arguments = append(arguments, "-", "-f")
		default:
			require.NoError(t, os.WriteFile(filepath.Join(dir, "in", name), data, 0o644))
		}
	}
	if stdin != nil {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "in", "empty.yaml"), []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}"), 0o644))
	}
	t.Chdir(filepath.Join(dir, "in"))
	var stdout, stderr bytes.Buffer
	code := Main(append(arguments, ".", "-f", "../ok.yaml"), bytes.NewReader(stdin), &stdout, &stderr)
	require.Less(t, time.Since(start), 20*time.Second)
	lines := strings.SplitAfter(stderr.String(), "\n")
	lines = lines[:len(lines)-1] // behind the last newline is nothing
	account := lines[len(lines)-1]
	require.Regexp(t, `^read \d+ objects `, account)
	if strings.Contains(account, " 0 errors") {
		require.Equal(t, exitYes, code)
	} else {
		require.Equal(t, exitError, code)
	}
	lines = slices.DeleteFunc(lines[:len(lines)-1], usual.MatchString)
	return strings.Join(lines, "")
}

// unquote reads lines such as `"[" * 1000`.
func unquote(t *testing.T, text []byte) []byte {
	t.Helper()
	var out []byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		n := 1
		if i := strings.LastIndex(line, `" * `); i >= 0 {
			var err error
			n, err = strconv.Atoi(line[i+len(`" * `):])
			require.NoError(t, err)
			line = line[:i+1]
		}
		s, err := strconv.Unquote(line)
		require.NoError(t, err, line)
		out = append(out, strings.Repeat(s, n)...)
	}
	return out
}

// Of very many errors the first of each code are kept, and all are counted.
func TestManyErrors(t *testing.T) {
	const n = dialect.MaxKept + 30
	file := filepath.Join(t.TempDir(), "in.json")
	pod := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"ml"}}` + "\n"
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat(pod, n+1)), 0o600))
	for verbose, more := range map[bool]string{
		false: "\nand 10010 more errors; -v lists them, the first 10000 of each code\n",
		true:  "\nand 30 more errors; of each code the first 10000 are kept\n",
	} {
		args := []string{"list", "-f", file}
		if verbose {
			args = append(args, "-v")
		}
		var stdout, out bytes.Buffer
		require.Equal(t, exitError, Main(append([]string{"podreach"}, args...), nil, &stdout, &out))
		stderr := out.String()
		require.Contains(t, stderr, more)
		require.Contains(t, stderr, "10030 errors, ")
		require.Equal(t, map[bool]int{false: shownDiagnostics, true: dialect.MaxKept}[verbose], strings.Count(stderr, "(PR1004)"))
	}
}
