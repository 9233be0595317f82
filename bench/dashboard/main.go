// Command dashboard measures podreach, keeps what was measured, and shows how
// it changes. Run it in the root of the repository, by `make dashboard`.
//
// A run is a line of bench/history.jsonl: commit, machine, and all samples of
// every benchmark. From the history and from bench/limits.json come three
// files: a page that needs nothing else, the JSON that CI actions for benchmarks
// read, and OpenMetrics text. Only runs of one kind of machine are compared,
// by the test that benchstat uses. Flags of go test may follow after --.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	from := flag.String("from", "run", "what to add to the history: `run` runs the benchmarks now, a file or - has what such a run has printed, history adds nothing")
	pattern := flag.String("bench", ".", "which benchmarks to run, a regular expression")
	count := flag.Int("count", 1, "how many samples to take of each; the test needs at least 4, and 6 for a confidence interval")
	history := flag.String("history", kept, "the history")
	limits := flag.String("limits", "bench/limits.json", "the limits")
	out := flag.String("out", "bin/dashboard", "what to write, without .html, .json and .prom")
	flag.Parse()
	if err := run(*from, *pattern, *count, flag.Args(), *history, *limits, *out); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func run(from, pattern string, count int, args []string, history, limits, out string) error {
	limit, err := readLimits(limits)
	if err != nil {
		return err
	}
	runs, err := readHistory(history)
	if err != nil {
		return err
	}

	var text []byte
	switch from {
	case "history":
	case "run":
		text, err = measure(pattern, count, args)
	case "-":
		text, err = io.ReadAll(os.Stdin)
	default:
		text, err = os.ReadFile(from)
	}
	if err != nil {
		return err
	}
	if from != "history" {
		r, err := parseRun(text)
		if err != nil {
			return err
		}
		if has(runs, r) {
			fmt.Println("the history has this run already")
		} else if err := appendHistory(history, r); err != nil {
			return err
		} else {
			runs = inOrder(append(runs, r))
		}
	}
	if len(runs) == 0 {
		return errors.New(history + " has no run")
	}

	c := compare(runs, limit)
	files := []struct {
		name  string
		write func(io.Writer, *Comparison) error
	}{{".html", writePage}, {".json", writeAction}, {".prom", writeMetrics}}
	for _, f := range files {
		var b bytes.Buffer
		if err := f.write(&b, c); err != nil {
			return fmt.Errorf("%s: %w", out+f.name, err)
		}
		if err := os.WriteFile(out+f.name, b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	fmt.Println(strings.Join(c.summary(), "\n"))
	fmt.Println("see", out+".html")
	return nil
}
