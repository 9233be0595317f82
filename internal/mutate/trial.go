package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// killer is a test that is run on mutants.
type killer struct {
	folder string // of the package, below the root of the module; "own": that of the mutant
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

// bench has the tests, built with all mutants in them. It may be used
// concurrently.
type bench struct {
	root, temp string
	killers    []killer
	needs      map[string]map[string]bool // folder of a killer -> import paths
	procs      int                        // GOMAXPROCS of a test
	cpu        int                        // seconds of CPU for a test
	wall       time.Duration
}

// of are the killers of a package's mutants: those whose tests need it. Its own
// tests are run once, even if they are listed by name too.
func (b *bench) of(s *source) []killer {
	var out []killer
	own := false
	for _, k := range b.killers {
		listed := k.folder == s.folder
		if k = k.in(s.folder); b.needs[k.folder][s.path] && (!own || !listed) {
			out = append(out, k)
		}
		own = own || k.folder == s.folder
	}
	return out
}

// build builds every killer of the sources, and runs each without a mutant: a
// test that fails anyway would kill all of them.
func (b *bench) build(sources []*source, overlay string) error {
	b.needs = map[string]map[string]bool{}
	for _, s := range sources {
		for _, k := range b.killers {
			if k = k.in(s.folder); b.needs[k.folder] != nil {
				continue
			}
			b.needs[k.folder] = map[string]bool{}
			text, err := b.run("go", "list", "-test", "-deps", "-f={{if .ForTest}}{{.ForTest}}{{else}}{{.ImportPath}}{{end}}", "./"+k.folder)
			if err != nil {
				return err
			}
			for path := range strings.FieldsSeq(text) {
				b.needs[k.folder][path] = true
			}
			if _, err := b.run("go", "test", "-c", "-vet=off", "-ldflags=-w", "-overlay="+overlay, "-o="+b.binary(k), "./"+k.folder); err != nil {
				return err
			}
		}
	}
	tried := map[string]bool{}
	for _, s := range sources {
		for _, k := range b.of(s) {
			if name := fmt.Sprint(k); !tried[name] {
				tried[name] = true
				failure, err := b.test(k, 0)
				if err != nil {
					return err
				}
				if failure != "" {
					return fmt.Errorf("the test of %s fails without a mutant: %s", k.folder, failure)
				}
			}
		}
	}
	return nil
}

func (b *bench) binary(k killer) string {
	return filepath.Join(b.temp, strings.ReplaceAll(k.folder, "/", "_")+".test")
}

func (b *bench) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = b.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return string(out), nil
}

// try runs the killers on a mutant, until one kills it.
func (b *bench) try(m *mutant, number int) (outcome, error) {
	for _, k := range b.of(m.source) {
		failure, err := b.test(k, number)
		if err != nil {
			return outcome{}, fmt.Errorf("%w\nfor the mutant %v", err, m.key)
		}
		if failure != "" {
			return outcome{k.folder, failure}, nil
		}
	}
	return outcome{}, nil
}

// test runs a killer on the mutant of a number, 0 for none, and returns how it
// failed, "" if it did not. The error is about what is no answer.
func (b *bench) test(k killer, number int) (string, error) {
	if _, err := os.Stat(b.binary(k)); errors.Is(err, os.ErrNotExist) { // it has no tests
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.wall)
	defer cancel()
	// A mutant may loop, and append while it does. CPU is what is limited, so
	// that nothing hangs on how busy the machine is; the wall clock is for what
	// waits. Where a shell has no such limit the clock does for both.
	limits := fmt.Sprintf(`ulimit -t %d 2>/dev/null; ulimit -v 4000000 2>/dev/null; exec "$0" "$@"`, b.cpu)
	test := exec.CommandContext(ctx, "sh", append([]string{"-c", limits, b.binary(k), "-test.failfast", "-test.timeout=0"}, k.args...)...)
	test.Dir = filepath.Join(b.root, filepath.FromSlash(k.folder))
	test.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", b.procs), fmt.Sprintf("%s=%d", variable, number))
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
