// Command command runs podreach and another command by turns on the same
// generated cluster, which is a folder of YAML files, and reports what they
// take. The other command is a template:
//
//	go run ./bench/command -shape replicas -pods 100,1000 -command 'netpol-analyzer list --dirpath {dir}'
//	go run ./bench/command -op can -command 'netpol-analyzer evaluate --dirpath {dir} -n {from-namespace} -s {from-name} --destination-namespace {to-namespace} -d {to-name} -p {port}'
//	go run ./bench/command -op diff -command 'netpol-analyzer diff --dir1 {dir} --dir2 {other}'
//
// No such tool is needed to build podreach or comes with it: whoever has one can
// measure it. The flags above are those of its documentation and are not tried
// here. The words of a template are split at blanks, without a shell; what needs
// one goes into a script. Placeholders:
//
//	{dir}                                   the cluster
//	{other}                                 the same without {policy}
//	{policy}                                NAMESPACE/NAME of a policy
//	{from} {to}                             two pods, as NAMESPACE/NAME
//	{from-namespace} {from-name} {to-namespace} {to-name}
//	{port}                                  8080, which the shapes' policies name
//	{podreach}                              podreach's binary
//
// Outputs have no common form, so answers are not compared: their lines are
// counted, exit codes are shown, and both must be the same every time.
//
// The peak is that of getrusage. On Linux it starts at what the process had that
// began the command (exec keeps the mark), so this program stays small and keeps
// no cluster in memory; "< 20 MiB" is a peak that was not above its own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/podreach/podreach/bench"
	"github.com/podreach/podreach/bench/versus"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "command:", err)
		os.Exit(1)
	}
}

// ours are podreach's commands for the operations.
var ours = map[string]string{
	"list": "{podreach} list -f {dir}",
	"can":  "{podreach} can {from} reach {to} on {port} -f {dir}",
	"diff": "{podreach} list -f {dir} --delete netpol/{policy}",
}

func run(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("command", flag.ContinueOnError)
	op := flags.String("op", "list", "list (all pairs), can (one question) or diff (a policy less)")
	theirs := flags.String("command", "", "the other command, a template")
	own := flags.String("ours", "", "podreach's command, a template (that of -op)")
	binary := flags.String("podreach", "bin/podreach", "podreach's binary; make build")
	shape := flags.String("shape", "replicas", "a shape of package bench")
	sizes := flags.String("pods", "100,1000", "pods")
	times := flags.Int("times", 5, "how often each command runs; medians are reported")
	if err := flags.Parse(args); err != nil {
		return err
	}
	template, ok := ours[*op]
	if !ok {
		return fmt.Errorf("no operation %q", *op)
	}
	if *own != "" {
		template = *own
	}
	i := 0
	for i < len(bench.Shapes) && bench.Shapes[i].Name != *shape {
		i++
	}
	switch {
	case len(strings.Fields(*theirs)) == 0:
		return errors.New("-command is missing")
	case *times < 1:
		return errors.New("-times must be 1 or more")
	case i == len(bench.Shapes):
		return fmt.Errorf("no shape %q", *shape)
	}
	name := filepath.Base(strings.ReplaceAll(strings.Fields(*theirs)[0], "{podreach}", *binary))
	t := &versus.Table{Head: []string{"operation", "shape", "pods", "command", "wall", "user+sys", "peak RSS", "lines", "exit", "wall ratio", "CPU ratio"}}
	var results []versus.Result
	for size := range strings.SplitSeq(*sizes, ",") {
		pods, err := strconv.Atoi(size)
		if err != nil || pods < 1 {
			return fmt.Errorf("%q is no number of pods", size)
		}
		both, err := race(bench.Shapes[i], pods, *binary, []string{template, *theirs}, *times)
		if err != nil {
			return fmt.Errorf("%d pods: %w", pods, err)
		}
		for k, u := range both {
			wall, cpu := "", ""
			if k > 0 {
				wall = versus.Ratio(float64(u.wall) / float64(both[0].wall))
				cpu = versus.Ratio(float64(u.cpu) / float64(max(1, both[0].cpu)))
			}
			t.Add(*op, *shape, size, []string{"podreach", name}[k], versus.Time(u.wall), versus.Time(u.cpu), u.memory(), fmt.Sprint(u.lines), fmt.Sprint(u.exit), wall, cpu)
		}
		results = append(results, versus.Result{Op: *op, Shape: *shape, Peer: name + ", wall", Pods: pods, Ours: both[0].wall, Theirs: both[1].wall})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "podreach: %s\nother: %s\nMedians of %d runs each, by turns.\n\n", template, *theirs, *times)
	if _, err := t.WriteTo(&text); err != nil {
		return err
	}
	if g := versus.Growth(results); len(g.Rows) > 0 {
		text.WriteByte('\n')
		if _, err := g.WriteTo(&text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
