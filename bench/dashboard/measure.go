package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// measure runs the benchmarks and returns what they print, under the lines of
// what only the checkout knows, in the same format. It shows what it gets.
func measure(pattern string, count int, args []string) ([]byte, error) {
	commit, err := output("git", "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	// The history itself changes with every run.
	changed, err := output("git", "status", "--porcelain", "--", ".", ":(exclude)"+kept)
	if err != nil {
		return nil, err
	}
	version, err := output("go", "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	both := io.MultiWriter(&text, os.Stdout)
	if _, err := fmt.Fprintf(both, "date: %s\ncommit: %s\ndirty: %t\ngo: %s\n", time.Now().UTC().Format(time.RFC3339), commit, changed != "", version); err != nil {
		return nil, err
	}
	// Go ends a test after ten minutes unless told otherwise, benchmarks too.
	all := append([]string{"test", "./bench", "-run=^$", "-bench=" + pattern, "-benchmem", "-count=" + strconv.Itoa(count), "-timeout=6h"}, args...)
	test := exec.Command("go", all...)
	test.Stdout, test.Stderr = both, os.Stderr
	before, start := waited(), time.Now()
	if err := test.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(all, " "), err)
	}
	if after := waited(); after > before {
		percent := 100 * float64(after-before) / float64(time.Since(start))
		if _, err := fmt.Fprintf(both, "waiting: %.0f\n", min(100, percent)); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// waited is for how long something has waited for a processor since the machine
// started, as Linux counts it (Documentation/accounting/psi.rst); 0 where nobody
// counts. The times of a busy machine differ more from run to run than within
// one, which the test cannot know.
func waited() time.Duration {
	text, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	_, total, _ := strings.Cut(string(text), "total=")
	total, _, _ = strings.Cut(total, "\n")
	n, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Microsecond
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
