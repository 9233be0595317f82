package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

// output is where an answer goes, and in which format.
type output struct {
	run    *run
	name   string
	file   string
	format report.Format // set by check
	can    []report.Format
}

// writes gives a command the flags of an output.
func (r *run) writes(cmd *cobra.Command, formats ...report.Format) *output {
	o := &output{run: r, can: formats}
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	cmd.Flags().StringVarP(&o.name, "output", "o", string(report.TableFormat), "format: "+strings.Join(words, ", "))
	cmd.Flags().StringVar(&o.file, "output-file", "", "write the answer to this file instead of standard output")
	completeWords(cmd, "output", words)
	return o
}

// check rejects an unknown format before anything is read.
func (o *output) check() (err error) {
	if o.format, err = report.ParseFormat(o.name); err != nil {
		return badFlag("%v", err)
	}
	if !slices.Contains(o.can, o.format) {
		return o.unavailable(o.can)
	}
	return nil
}

func (o *output) unavailable(formats []report.Format) error {
	var words []string
	for _, f := range formats {
		words = append(words, string(f))
	}
	return badFlag("output format %q is not available here, only %s", o.name, strings.Join(words, ", "))
}

// write writes an answer. prose, if not nil, is its form for people: it takes
// the place of the plain table.
func (o *output) write(d report.Document, prose func(wide bool) string) error {
	if formats := d.Formats(); !slices.Contains(formats, o.format) {
		return o.unavailable(formats)
	}
	return o.stream(func(w io.Writer) error {
		if prose != nil && (o.format == report.TableFormat || o.format == report.Wide) {
			_, err := io.WriteString(w, prose(o.format == report.Wide))
			return err
		}
		return report.Write(w, o.format, d)
	})
}

// stream passes the place where the answer goes to f.
func (o *output) stream(f func(w io.Writer) error) error {
	if o.file == "" {
		if err := f(o.run.stdout); err != nil {
			return coded(dialect.CodeUnreadable, "the answer cannot be written: %v", err)
		}
		return nil
	}
	file, err := os.Create(o.file)
	if err == nil {
		err = f(file)
		if e := file.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		return coded(dialect.CodeUnreadable, "%s: %v", o.file, pathError(err))
	}
	return nil
}

// printf is fmt.Fprintf for prose: what could break a line or steer a terminal
// in the texts, which come from files that anybody may have written, is made
// visible.
func printf(b *strings.Builder, format string, args ...any) {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = report.Printable(text)
		}
	}
	fmt.Fprintf(b, format, args...)
}

// one is the line of jsonl for an answer that is one document.
func one(v any) func(yield func(any) bool) {
	return func(yield func(any) bool) { yield(v) }
}
