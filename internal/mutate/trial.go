package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// killer is a test binary that is run on mutants.
type killer struct {
	folder string // of the package, below the root of the module; "": that of the mutant
	args   []string
}

// killers reads the list of the flag: "FOLDER ARGUMENT...; ...".
func killers(list string) []killer {
	var out []killer
	for text := range strings.SplitSeq(list, ";") {
		if words := strings.Fields(text); len(words) > 0 {
			out = append(out, killer{words[0], words[1:]})
		}
	}
	return out
}

func (k killer) in(folder string) killer {
	if k.folder == "own" {
		k.folder = folder
	}
	return k
}

// outcome is what became of a mutant.
type outcome struct {
	killer string // "": it survived
	why    string // the first line of the failure
}

// bench runs killers. It may be used concurrently; each trial has a folder of
// its own below temp.
type bench struct {
	root, temp string
	killers    []killer
	needs      map[string]map[string]bool // folder of a killer -> import paths
	procs      int                        // GOMAXPROCS of what a trial starts
	cpu        int                        // seconds of CPU for a killer
	wall       time.Duration
}

// of are the killers of a package's mutants: those whose tests need it.
func (b *bench) of(s *source) []killer {
	var out []killer
	seen := map[string]bool{}
	for _, k := range b.killers {
		if k = k.in(s.folder); !seen[k.folder] && b.needs[k.folder][s.path] {
			out = append(out, k)
		}
		seen[k.folder] = true
	}
	return out
}

// learn asks what the tests of each killer need.
func (b *bench) learn(sources []*source) error {
	b.needs = map[string]map[string]bool{}
	for _, s := range sources {
		for _, k := range b.killers {
			folder := k.in(s.folder).folder
			if b.needs[folder] != nil {
				continue
			}
			list := exec.Command("go", "list", "-test", "-deps", "-f={{if .ForTest}}{{.ForTest}}{{else}}{{.ImportPath}}{{end}}", "./"+folder)
			list.Dir, list.Stderr = b.root, os.Stderr
			out, err := list.Output()
			if err != nil {
				return fmt.Errorf("go list ./%s: %w", folder, err)
			}
			b.needs[folder] = map[string]bool{}
			for path := range strings.FieldsSeq(string(out)) {
				b.needs[folder][path] = true
			}
		}
	}
	return nil
}

// try runs the killers on a mutant, until one kills it.
func (b *bench) try(m *mutant) (outcome, error) {
	folder, err := os.MkdirTemp(b.temp, "mutant")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(folder)
	text := filepath.Join(folder, "mutant.go")
	overlay := filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(b.root, filepath.FromSlash(m.key.file)): text}})
	if err != nil {
		return outcome{}, err
	}
	if err := errors.Join(os.WriteFile(text, m.mutated(), 0o644), os.WriteFile(overlay, replace, 0o644)); err != nil {
		return outcome{}, err
	}
	for _, k := range b.of(m.source) {
		failure, err := b.run(k, folder, "-overlay="+overlay)
		if err != nil {
			return outcome{}, fmt.Errorf("%w\nfor the mutant %v", err, m.key)
		}
		if failure != "" {
			return outcome{k.folder, failure}, nil
		}
	}
	return outcome{}, nil
}

// run builds and runs a killer and returns how it failed, "" if it did not.
// The error is about what is no answer: it cannot be built or started.
func (b *bench) run(k killer, temp string, flags ...string) (string, error) {
	binary := filepath.Join(temp, "killer.test")
	if err := os.Remove(binary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	args := append([]string{"test", "-c", "-vet=off", "-ldflags=-w", fmt.Sprintf("-p=%d", b.procs), "-o", binary}, flags...)
	build := exec.Command("go", append(args, "./"+k.folder)...)
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c ./%s: %w\n%s", k.folder, err, out)
	}
	if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) { // it has no tests
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.wall)
	defer cancel()
	// A mutant may loop, and append while it does. CPU is what is limited, so
	// that nothing hangs on how busy the machine is; the wall clock is for what
	// waits. Where a shell has no such limit the clock does for both.
	limits := fmt.Sprintf(`ulimit -t %d 2>/dev/null; ulimit -v 6000000 2>/dev/null; exec "$0" "$@"`, b.cpu)
	test := exec.CommandContext(ctx, "sh", append([]string{"-c", limits, binary, "-test.failfast", "-test.timeout=0"}, k.args...)...)
	test.Dir = filepath.Join(b.root, filepath.FromSlash(k.folder))
	test.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", b.procs))
	test.WaitDelay = time.Second
	out, err := test.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil:
		return fmt.Sprintf("it hangs: %v are over", b.wall), nil
	case errors.As(err, &exit):
		return reason(out, err), nil
	}
	return "", err
}

// reason is the line of a test's output that tells most.
func reason(out []byte, err error) string {
	for _, prefix := range []string{"panic: ", "fatal error: ", "--- FAIL: "} {
		for line := range bytes.Lines(out) {
			if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte(prefix)) {
				return string(line[:min(len(line), 120)])
			}
		}
	}
	return err.Error()
}
