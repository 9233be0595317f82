// Command soak runs the comparisons of package fuzz and of the modules below
// it on clusters that nobody has looked at, for a given time, and appends what
// was compared to fuzz/soak/results.jsonl. Run it by `make soak`.
//
// A line is one soak: verdicts by counterpart and by construct, and the
// disagreements that no ledger explains, which should be none. README.md shows
// the last line.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
)

// part is a test binary that takes the flags of fuzz.Flags.
type part struct {
	module   string // folder of go.mod
	packages string
	tests    string // regular expression
	weight   int    // percentage of the time
}

// The parts. The oracle is the one that knows everything, so that it gets most
// of the time. Cilium takes longest for a verdict.
var parts = []part{
	{".", "./fuzz", "^TestEngine$", 68},
	{".", "./fuzz", "^Test(Views|Rows|Apply)$", 5},
	{".", "./fuzz", "^TestP[01]", 7},
	{"fuzz/cyclonus", ".", "^TestCyclonus$", 9},
	{"fuzz/cilium", ".", "^TestCilium$", 8},
	{"fuzz/apiserver", "./accept", "^Test(NetworkPolicies|AdminPolicies)$", 3},
}

const (
	results = "fuzz/soak/results.jsonl"
	readme  = "README.md"
)

// result is a line of results.
type result struct {
	Date          string // UTC
	Commit        string
	Machine       string
	Duration      string
	After         uint64 // seeds are those after this one
	Verdicts      int64
	Disagreements int64
	Counterparts  map[string]counted
	Constructs    map[gen.Feature]int64 // verdicts over clusters that have the construct
}

// counted is a Tally without its name and its constructs.
type counted struct {
	Clusters, Verdicts int64
	Disagreements      int64            `json:",omitempty"`
	Explained          map[string]int64 `json:",omitempty"`
}

func main() {
	duration := flag.Duration("for", 10*time.Minute, "how long, in all")
	after := flag.Uint64("after", uint64(time.Now().Unix())<<24, "seeds begin after this one")
	flag.Parse()
	if err := soak(*duration, *after); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func soak(duration time.Duration, after uint64) error {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tally := filepath.Join(dir, "tally.jsonl")
	begin := time.Now()
	var failed []string
	for _, p := range parts {
		binary := filepath.Join(dir, strings.ReplaceAll(p.module+p.packages, "/", "_")+".test")
		if _, err := os.Stat(binary); err != nil {
			build := command(p.module, "go", "test", "-c", "-o", binary, p.packages)
			build.Stdout = os.Stdout
			if err := build.Run(); err != nil {
				return fmt.Errorf("%s: %w", p.module, err)
			}
		}
		list, err := exec.Command(binary, "-test.list="+p.tests).Output()
		if err != nil {
			return fmt.Errorf("%s of %s: %w", p.tests, p.module, err)
		}
		runs, before := comparisons(list), lines(tally)
		if runs == 0 {
			return fmt.Errorf("no test of %s is named %s", p.module, p.tests)
		}
		share := duration * time.Duration(p.weight) / 100
		fmt.Printf("soak: %s of %s for %v\n", p.tests, filepath.Join(p.module, p.packages), share.Round(time.Second))
		run := command(filepath.Join(p.module, p.packages), binary, "-test.run="+p.tests, "-test.timeout=0", "-test.v",
			"-after="+strconv.FormatUint(after, 10), "-verdicts=1", "-for="+(share/time.Duration(runs)).String(), "-tally="+tally)
		run.Stdout = os.Stdout
		if err := run.Run(); err != nil {
			failed = append(failed, fmt.Sprintf("%s of %s", p.tests, p.module))
		}
		if n := lines(tally) - before; n != runs {
			failed = append(failed, fmt.Sprintf("%s of %s: %d tests share its time, %d comparisons took it", p.tests, p.module, runs, n))
		}
	}
	r := result{
		Date: begin.UTC().Format(time.DateTime), Commit: commit(), After: after, Duration: time.Since(begin).Round(time.Second).String(),
		Machine: fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), Counterparts: map[string]counted{}, Constructs: map[gen.Feature]int64{},
	}
	if err := r.add(tally); err != nil {
		return err
	}
	if err := r.write(); err != nil {
		return err
	}
	fmt.Println("soak:", r.String())
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// comparisons counts the tests of a list that go on as long as they are told:
// all but those that plant something for a property to notice.
func comparisons(list []byte) (n int) {
	for name := range strings.FieldsSeq(string(list)) {
		if strings.HasPrefix(name, "Test") && !strings.Contains(name, "Notices") {
			n++
		}
	}
	return n
}

// lines counts those of a file, none if there is no file: each is the tally of
// a comparison.
func lines(path string) int {
	text, _ := os.ReadFile(path)
	return bytes.Count(text, []byte("\n"))
}

func command(dir string, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Stderr = os.Stderr
	return c
}

// add adds up the tallies of a file.
func (r *result) add(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var t fuzz.Tally
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return err
		}
		c := r.Counterparts[t.Counterpart]
		c.Clusters += t.Clusters
		c.Verdicts += t.Verdicts
		c.Disagreements += t.Disagreements
		for entry, n := range t.Explained {
			if c.Explained == nil {
				c.Explained = map[string]int64{}
			}
			c.Explained[entry] += n
		}
		r.Counterparts[t.Counterpart] = c
		r.Verdicts += t.Verdicts
		r.Disagreements += t.Disagreements
		for f, n := range t.Constructs {
			r.Constructs[f] += n
		}
	}
	return lines.Err()
}

// write appends the line, and shows it in the README.
func (r *result) write() error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(results)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(results, append(append(old, line...), '\n'), 0o644); err != nil { //nolint:gosec // it is no secret
		return err
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	shown, err := show(string(text), r.String())
	if err != nil {
		return err
	}
	return os.WriteFile(readme, []byte(shown), 0o644) //nolint:gosec // it is no secret
}

// The README shows the last line between these.
const (
	from = "<!-- the last line of fuzz/soak/results.jsonl -->\n"
	to   = "<!-- end -->\n"
)

func show(text, line string) (string, error) {
	before, rest, ok := strings.Cut(text, from)
	_, after, ended := strings.Cut(rest, to)
	if !ok || !ended {
		return "", fmt.Errorf("%s has no place for the result", readme)
	}
	return before + from + line + "\n" + to + after, nil
}

// property is the name of a property of docs/SEMANTICS.md as a counterpart.
var property = regexp.MustCompile(`^P\d+`)

// String is the line in words, by counterpart, the one of most verdicts first.
func (r *result) String() string {
	verdicts := map[string]int64{}
	for name, c := range r.Counterparts {
		if property.MatchString(name) {
			name = "properties"
		}
		verdicts[name] += c.Verdicts
	}
	names := slices.SortedFunc(maps.Keys(verdicts), func(a, b string) int {
		return cmp.Or(cmp.Compare(verdicts[b], verdicts[a]), strings.Compare(a, b))
	})
	var by []string
	for _, name := range names {
		by = append(by, fmt.Sprintf("%s %s", name, grouped(verdicts[name])))
	}
	return fmt.Sprintf("%s, commit %s, %s on %s: %s verdicts, %d disagreements that nothing explains (%s)",
		r.Date[:len(time.DateOnly)], r.Commit, r.Duration, r.Machine, grouped(r.Verdicts), r.Disagreements, strings.Join(by, ", "))
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// lastResult reads the last line of the results.
func lastResult(path string) (*result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var r result
	return &r, json.Unmarshal([]byte(lines[len(lines)-1]), &r)
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
