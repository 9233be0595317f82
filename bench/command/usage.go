package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/podreach/podreach/bench"
	"github.com/podreach/podreach/bench/versus"
)

// usage is what one run of a command has taken.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // bytes
	floor     int64 // that the peak could not be below
	lines     int   // of standard output
	exit      int
}

// race runs the commands by turns on one cluster and returns medians.
func race(s bench.Shape, pods int, podreach string, templates []string, times int) ([]usage, error) {
	c, err := write(s, pods)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(c.root) //nolint:errcheck // a temporary folder
	words := make([][]string, len(templates))
	for i, t := range templates {
		if words[i], err = c.fill(t, podreach); err != nil {
			return nil, err
		}
	}
	runs := make([][]usage, len(templates))
	for range times {
		for i := range words {
			u, err := measure(words[i])
			if err != nil {
				return nil, err
			}
			if len(runs[i]) > 0 && (u.lines != runs[i][0].lines || u.exit != runs[i][0].exit) {
				return nil, fmt.Errorf("%s: %d lines and exit code %d, and another time %d and %d", strings.Join(words[i], " "), runs[i][0].lines, runs[i][0].exit, u.lines, u.exit)
			}
			runs[i] = append(runs[i], u)
		}
	}
	out := make([]usage, len(templates))
	for i, list := range runs {
		out[i] = median(list)
	}
	return out, nil
}

func median(list []usage) usage {
	var walls, cpus []time.Duration
	var peaks, floors []int64
	for _, u := range list {
		walls, cpus, peaks, floors = append(walls, u.wall), append(cpus, u.cpu), append(peaks, u.peak), append(floors, u.floor)
	}
	return usage{versus.Median(walls), versus.Median(cpus), versus.Median(peaks), versus.Median(floors), list[0].lines, list[0].exit}
}

// counter counts lines.
type counter struct{ lines int }

func (c *counter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// measure runs a command. An exit code is no error, for tools say no by it; not
// to start at all is one, and so is a signal.
func measure(words []string) (usage, error) {
	var out counter
	var complaint bytes.Buffer
	cmd := exec.Command(words[0], words[1:]...) //nolint:gosec // it is what the user asks for
	cmd.Stdout, cmd.Stderr = &out, &complaint
	u := usage{floor: floor()}
	begin := time.Now()
	err := cmd.Run()
	u.wall, u.lines = time.Since(begin), out.lines
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0 || exit.ExitCode() == 126 || exit.ExitCode() == 127) {
		return usage{}, fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	u.exit = cmd.ProcessState.ExitCode()
	if u.exit > 1 && out.lines == 0 {
		return usage{}, fmt.Errorf("%s: exit code %d and no output: %s", strings.Join(words, " "), u.exit, bytes.TrimSpace(complaint.Bytes()))
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage{}, errors.New("no getrusage on " + runtime.GOOS)
	}
	u.peak = peak(r)
	return u, nil
}

// memory is the peak for readers.
func (u usage) memory() string {
	if u.peak <= u.floor {
		return fmt.Sprintf("< %d MiB", u.floor>>20+1)
	}
	return fmt.Sprintf("%d MiB", u.peak>>20)
}

// peak is in bytes.
func peak(r *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return r.Maxrss
	}
	return r.Maxrss << 10
}

// floor is the own peak, below which no command's can be.
func floor() int64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return peak(&r)
}
