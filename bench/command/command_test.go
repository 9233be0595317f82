package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/bench"
)

// script writes a program that stands for another tool.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755)) //nolint:gosec // it is run
	return path
}

func podreach(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "podreach")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/podreach").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// podreach itself stands for the other tool: as many lines, the same exit code.
func TestPodreachAgainstItself(t *testing.T) {
	binary := podreach(t)
	for _, op := range []string{"list", "can", "diff"} {
		var out strings.Builder
		require.NoError(t, run([]string{"-op", op, "-podreach", binary, "-command", ours[op], "-pods", "20,60", "-times", "2"}, &out))
		rows := regexp.MustCompile(`(?m)^\| `+op+` +\| replicas \| (\d+) +\| podreach +\| .* \| .* \| .* MiB +\| (\d+) +\| (\d) +\| `).FindAllStringSubmatch(out.String(), -1)
		require.Len(t, rows, 4, "%s", out.String())
		for i := 0; i < 4; i += 2 {
			require.Equal(t, rows[i][1:], rows[i+1][1:])
			require.NotEqual(t, "0", rows[i][2], "no output")
		}
		require.Contains(t, out.String(), "grows with pods to the")
	}
}

// A script sees the clusters: the other one lacks a policy.
func TestScript(t *testing.T) {
	var out strings.Builder
	tool := script(t, `grep -h -c "kind: NetworkPolicy" "$1/policies.yaml" "$2/policies.yaml" >&2
test $(grep -c "kind: NetworkPolicy" "$1/policies.yaml") = 2 || exit 9
test $(grep -c "kind: NetworkPolicy" "$2/policies.yaml") = 1 || exit 9
echo "$3 $4"; echo "$5 $6"; exit 1`)
	require.NoError(t, run([]string{"-ours", tool + " {dir} {other} {from} {to} {from-name} {to-namespace}", "-pods", "20", "-times", "1",
		"-command", tool + " {dir} {other} {policy} {port} a b"}, &out))
	require.Regexp(t, `(?m)^\| list +\| replicas \| 20 +\| tool +\| .* \| 2 +\| 1 +\| `, out.String())
}

func TestMeasure(t *testing.T) {
	u, err := measure([]string{script(t, `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo one; echo two; sleep 0.1`)})
	require.NoError(t, err)
	require.Equal(t, 2, u.lines)
	require.GreaterOrEqual(t, u.wall, 100*time.Millisecond)
	require.Greater(t, u.cpu, time.Millisecond)
	require.Less(t, u.cpu, u.wall)

	u, err = measure([]string{script(t, `head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null; echo`)}) // tail keeps what it is going to print
	require.NoError(t, err)
	require.Greater(t, u.peak, int64(80<<20))
	require.Equal(t, fmt.Sprintf("%d MiB", u.peak>>20), u.memory())
	require.Equal(t, "< 8 MiB", usage{peak: 7 << 20, floor: 7 << 20}.memory())
}

// What does not run, or runs otherwise every time, has no figures.
func TestCommandsThatDoNotWork(t *testing.T) {
	for want, args := range map[string][]string{
		"-command is missing":      {"-command", " "},
		"no operation":             {"-op", "x", "-command", "true"},
		"no shape":                 {"-shape", "x", "-command", "true"},
		"number of pods":           {"-pods", "0", "-command", "true"},
		"no placeholder {cluster}": {"-pods", "20", "-ours", "true", "-command", "true {cluster}"},
		"not found":                {"-pods", "20", "-ours", "true", "-command", "no-such-tool-anywhere {dir}"},
		"exit code 3 and no":       {"-pods", "20", "-ours", "true", "-command", script(t, "echo broken >&2; exit 3")},
		"another time":             {"-pods", "20", "-ours", "true", "-times", "2", "-command", script(t, `echo x >> "$0.n"; cat "$0.n"`)},
	} {
		var out strings.Builder
		require.ErrorContains(t, run(args, &out), want, "%v", args)
		require.Empty(t, out.String())
	}
}

// The folder holds what the shape makes.
func TestFolder(t *testing.T) {
	f, err := write(bench.Shapes[0], 200)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(f.root)) })
	objects := 0
	for range bench.Shapes[0].Objects(200) {
		objects++
	}
	for folder, want := range map[string]int{"cluster": objects, "other": objects - 1} {
		files, err := filepath.Glob(filepath.Join(f.root, folder, "*.yaml"))
		require.NoError(t, err)
		documents := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			documents += strings.Count(string(text), "---\n")
		}
		require.Equal(t, want, documents)
	}
}
