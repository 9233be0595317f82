package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// family is a metric family of OpenMetrics: a unit of Go's benchmarks under a
// name that has its base unit as suffix.
type family struct {
	unit, name, suffix string
	scale              float64
	help               string
}

var families = []family{
	{nanoseconds, "podreach_benchmark_time_seconds", "seconds", 1e-9, "Time of one operation, median."},
	{"ns/pod", "podreach_benchmark_time_per_pod_seconds", "seconds", 1e-9, "Time of one operation through the pods of the cluster, median."},
	{"B/op", "podreach_benchmark_allocated_bytes", "bytes", 1, "Memory that one operation allocates, median."},
	{"allocs/op", "podreach_benchmark_allocations", "", 1, "Allocations of one operation, median."},
	{"heap-B/pod", "podreach_benchmark_index_per_pod_bytes", "bytes", 1, "Memory that the index keeps beside the snapshot, through the pods."},
	{"MB/s", "podreach_benchmark_read_bytes_per_second", "bytes_per_second", 1e6, "Input that is read in a second, median."},
	{"verdicts/s", "podreach_benchmark_verdicts_per_second", "verdicts_per_second", 1, "Pairs of pods that are answered in a second, median."},
	{"classes", "podreach_benchmark_classes", "", 1, "Classes of endpoints in the cluster."},
	{"addr-atoms", "podreach_benchmark_address_atoms", "", 1, "Address atoms of the cluster."},
	{"port-atoms", "podreach_benchmark_port_atoms", "", 1, "Port atoms of the cluster."},
	{"rows", "podreach_benchmark_rows", "", 1, "Distinct rows of the relation."},
}

// writeMetrics writes the newest run as OpenMetrics text, version 1.0.0
// (https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md).
// There are no timestamps: a scrape sees the newest run until there is another.
func writeMetrics(out io.Writer, c *Comparison) error {
	w := bufio.NewWriter(out)
	n := c.Newest
	head(w, "podreach_benchmark_run", "info", "", "What was measured, and where.")
	fmt.Fprintf(w, "podreach_benchmark_run_info%s 1\n", labels("commit", n.Commit, "dirty", strconv.FormatBool(n.Dirty), "go", n.Go,
		"cpu", n.Machine.CPU, "procs", strconv.Itoa(n.Machine.Procs), "os", n.Machine.OS, "arch", n.Machine.Arch))
	head(w, "podreach_benchmark_run_date_seconds", "gauge", "seconds", "When it was measured, in seconds since 1970.")
	fmt.Fprintf(w, "podreach_benchmark_run_date_seconds %d\n", n.Date.Unix())

	for _, f := range families {
		started := false
		for i := range n.Benchmarks {
			b := &n.Benchmarks[i]
			if len(b.Samples[f.unit]) == 0 {
				continue
			}
			if !started {
				head(w, f.name, "gauge", f.suffix, f.help)
				started = true
			}
			fmt.Fprintf(w, "%s%s %s\n", f.name, who(b.Name), number(summarize(b.Samples[f.unit]).Center*f.scale))
		}
	}
	each := func(name, suffix, help string, value func(*Trend) (float64, bool)) {
		started := false
		for _, t := range c.Trends {
			v, ok := value(t)
			if !ok || t.Last != n {
				continue
			}
			if !started {
				head(w, name, "gauge", suffix, help)
				started = true
			}
			fmt.Fprintf(w, "%s%s %s\n", name, who(t.Name), number(v))
		}
	}
	each("podreach_benchmark_samples", "", "Samples of the time.", func(t *Trend) (float64, bool) {
		return float64(t.time().N2), true
	})
	each("podreach_benchmark_limit_seconds", "seconds", "What the time must not exceed.", func(t *Trend) (float64, bool) {
		for _, a := range t.Against {
			if a.Limit.unit() == nanoseconds {
				return a.Value * 1e-9, true
			}
		}
		return 0, false
	})
	each("podreach_benchmark_time_change_ratio", "ratio", "The time through that of the commit before, on the same kind of machine.", func(t *Trend) (float64, bool) {
		return t.time().Ratio(), t.time().Kind != First
	})
	each("podreach_benchmark_regressions", "", "Of time, bytes and allocations of one operation, and of bytes a pod, how many are worse than at the commit before.", func(t *Trend) (float64, bool) {
		worse := 0
		for _, ch := range t.Changes {
			if ch.Kind == Worse {
				worse++
			}
		}
		return float64(worse), t.Before != nil
	})
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}

func head(w *bufio.Writer, name, kind, unit, help string) {
	fmt.Fprintf(w, "# TYPE %s %s\n", name, kind)
	if unit != "" {
		fmt.Fprintf(w, "# UNIT %s %s\n", name, unit)
	}
	fmt.Fprintf(w, "# HELP %s %s\n", name, escape.Replace(help))
}

func who(name string) string {
	op, rest, _ := strings.Cut(name, "/")
	shape, size, _ := strings.Cut(rest, "/")
	return labels("op", op, "shape", shape, "size", size)
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + `="` + escape.Replace(pairs[i+1]) + `"`)
	}
	return "{" + b.String() + "}"
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
