package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// Run is what one run of the benchmarks has measured: a line of the history.
type Run struct {
	Date       time.Time   `json:"date"`
	Commit     string      `json:"commit"`
	Dirty      bool        `json:"dirty"` // measured with changes that the commit has not
	Go         string      `json:"go"`
	Machine    Machine     `json:"machine"`
	Waiting    *float64    `json:"waiting,omitempty"` // percent of the time in which something waited for a processor; nil if unknown
	Benchmarks []Benchmark `json:"benchmarks"`        // in the order in which they ran
}

// Machine is a kind of machine, as far as Go's benchmarks say what they run on.
type Machine struct {
	CPU   string `json:"cpu"`
	Procs int    `json:"procs"` // GOMAXPROCS
	OS    string `json:"os"`
	Arch  string `json:"arch"`
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %d processors, %s/%s", m.CPU, m.Procs, m.OS, m.Arch)
}

// Benchmark is what was measured of one benchmark.
type Benchmark struct {
	Name    string               `json:"name"`    // op/shape/size
	Samples map[string][]float64 `json:"samples"` // by unit, as Go prints it: "ns/op"
}

func (r *Run) benchmark(name string) *Benchmark {
	for i := range r.Benchmarks {
		if r.Benchmarks[i].Name == name {
			return &r.Benchmarks[i]
		}
	}
	return nil
}

// sameSource says whether two runs measured the same source. What was changed
// beside the commit nobody knows, so a dirty run is like no other.
func (r *Run) sameSource(o *Run) bool {
	if r.Dirty || o.Dirty {
		return r == o
	}
	return r.Commit == o.Commit
}

// Short is the commit, short, with a star if the checkout was dirty.
func (r *Run) Short() string {
	s := r.Commit[:min(7, len(r.Commit))]
	if r.Dirty {
		s += "*"
	}
	return s
}

// mostWaiting is the percentage above which a machine was too busy with other
// things for its times to be believed.
const mostWaiting = 50

// Busy says whether the machine is known to have been busy with other things.
func (r *Run) Busy() bool { return r.Waiting != nil && *r.Waiting > mostWaiting }

// parseRun reads what `go test -bench` prints, under lines of the same format
// that say date, commit, dirty and go, and maybe waiting. What is missing is an error: a run that
// was recorded under the commit of somebody else would be worse than none.
func parseRun(text []byte) (*Run, error) {
	r := &Run{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if l := lines.Text(); strings.HasPrefix(l, "FAIL") || strings.HasPrefix(l, "--- FAIL") || strings.HasPrefix(l, "panic:") {
			return nil, fmt.Errorf("the benchmarks failed: %s", l)
		} else if w, ok := strings.CutPrefix(l, "waiting: "); ok {
			percent, err := strconv.ParseFloat(w, 64)
			if err != nil {
				return nil, fmt.Errorf("waiting: %w", err)
			}
			r.Waiting = &percent
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}

	pkg := ""
	read := benchfmt.NewReader(bytes.NewReader(text), "benchmarks")
	for read.Scan() {
		switch rec := read.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			if err := r.add(rec, &pkg); err != nil {
				return nil, err
			}
		}
	}
	if err := read.Err(); err != nil {
		return nil, err
	}
	if len(r.Benchmarks) == 0 {
		return nil, errors.New("no benchmark ran")
	}
	return r, nil
}

func (r *Run) add(res *benchfmt.Result, pkg *string) error {
	base, parts := res.Name.Parts()
	name, procs := string(base), 1
	for _, p := range parts {
		if p[0] == '-' {
			n, err := strconv.Atoi(string(p[1:]))
			if err != nil {
				return fmt.Errorf("%s: %w", res.Name.Full(), err)
			}
			procs = n
			continue
		}
		name += string(p)
	}
	m := Machine{CPU: res.GetConfig("cpu"), Procs: procs, OS: res.GetConfig("goos"), Arch: res.GetConfig("goarch")}
	if len(r.Benchmarks) == 0 {
		if err := r.describe(res); err != nil {
			return err
		}
		r.Machine, *pkg = m, res.GetConfig("pkg")
	}
	if m != r.Machine {
		return fmt.Errorf("%s ran on %v, and what is above it on %v", name, m, r.Machine)
	}
	if p := res.GetConfig("pkg"); p != *pkg {
		return fmt.Errorf("%s is of package %s, and what is above it of %s", name, p, *pkg)
	}
	b := r.benchmark(name)
	if b == nil {
		r.Benchmarks = append(r.Benchmarks, Benchmark{Name: name, Samples: map[string][]float64{}})
		b = &r.Benchmarks[len(r.Benchmarks)-1]
	}
	for _, v := range res.Values {
		if v.OrigUnit != "" { // the reader turns nanoseconds to seconds
			v.Value, v.Unit = v.OrigValue, v.OrigUnit
		}
		b.Samples[v.Unit] = append(b.Samples[v.Unit], v.Value)
	}
	return nil
}

// describe reads the lines above the results.
func (r *Run) describe(res *benchfmt.Result) error {
	for _, key := range []string{"date", "commit", "dirty", "go", "goos", "goarch", "cpu"} {
		if res.GetConfig(key) == "" {
			return fmt.Errorf("no line `%s: ...` above the results; dashboard -from run writes all of them", key)
		}
	}
	var err error
	if r.Date, err = time.Parse(time.RFC3339, res.GetConfig("date")); err != nil {
		return err
	}
	if r.Dirty, err = strconv.ParseBool(res.GetConfig("dirty")); err != nil {
		return fmt.Errorf("dirty: %w", err)
	}
	r.Commit, r.Go = res.GetConfig("commit"), res.GetConfig("go")
	return nil
}
