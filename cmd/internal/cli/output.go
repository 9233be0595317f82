package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

// output is where an answer goes, and in which formats.
type output struct {
	run   *run
	names []string // of -o: FORMAT or FORMAT=FILE
	file  string   // of --output-file
	can   []report.Format
	to    []destination // set by check
}

// destination is one format of an answer, and where it goes.
type destination struct {
	format report.Format
	file   string // "" is standard output
}

// stdout is standard output as the name of a file.
const stdout = "-"

// writes gives a command the flags of an output.
func (r *run) writes(cmd *cobra.Command, formats ...report.Format) *output {
	o := &output{run: r, can: formats}
	words := make([]string, len(formats))
	for i, f := range formats {
		words[i] = string(f)
	}
	cmd.Flags().StringArrayVarP(&o.names, "output", "o", nil, "`FORMAT[=FILE]` of the answer: "+strings.Join(words, ", ")+" (default table); repeatable, all but one with a file")
	cmd.Flags().StringVar(&o.file, "output-file", "", "write the answer to this file instead of standard output")
	completeWords(cmd, "output", words)
	return o
}

// check rejects what cannot be written before anything is read.
func (o *output) check() error {
	if len(o.names) == 0 {
		o.names = []string{""}
	}
	o.to = nil
	plain := -1
	files := map[string]bool{}
	for i, name := range o.names {
		name, file, apart := strings.Cut(name, "=")
		format, err := report.ParseFormat(name, o.can)
		switch {
		case err != nil:
			return badFlag("%v", err)
		case apart && file == "":
			return badFlag("-o %s= lacks the name of a file", name)
		case !apart || file == stdout:
			if plain >= 0 {
				return badFlag("-o %s and -o %s would both go to standard output; write all but one to files: -o %s=FILE", o.names[plain], o.names[i], name)
			}
			plain = i
			if file = o.file; file == stdout {
				file = ""
			}
		}
		if file != "" {
			if files[oneFile(file)] {
				return badFlag("-o writes %s twice", file)
			}
			files[oneFile(file)] = true
		}
		o.to = append(o.to, destination{format, file})
	}
	if o.file != "" && plain < 0 {
		return badFlag("--output-file is for an -o without a file, and there is none")
	}
	return nil
}

// oneFile is the name of a file that is the same for every path to it, as far as
// its folder is there.
func oneFile(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	if at, err := filepath.EvalSymlinks(name); err == nil {
		return at
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		return filepath.Join(folder, filepath.Base(name))
	}
	return name
}

// has reports whether the answer is written in a format.
func (o *output) has(f report.Format) bool {
	for _, to := range o.to {
		if to.format == f {
			return true
		}
	}
	return false
}

// write writes an answer. prose, if not nil, is its form for people: it takes
// the place of the plain table.
func (o *output) write(d report.Document, prose func(wide bool) string) error {
	return o.each(func(report.Format) report.Document { return d }, prose)
}

// each writes an answer whose document depends on the format.
func (o *output) each(document func(report.Format) report.Document, prose func(wide bool) string) error {
	documents := make([]report.Document, len(o.to))
	for i, to := range o.to {
		documents[i] = document(to.format)
		if err := documents[i].Check(to.format); err != nil {
			return badFlag("%v", err)
		}
		if f := documents[i].Findings; f != nil {
			documents[i].Findings = o.placed(f)
		}
	}
	for i, to := range o.to {
		err := o.stream(to, func(w io.Writer) error {
			if prose != nil && (to.format == report.TableFormat || to.format == report.Wide) {
				_, err := io.WriteString(w, prose(to.format == report.Wide))
				return err
			}
			return report.Write(w, to.format, documents[i])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stream passes the place where an answer goes to write.
func (o *output) stream(to destination, write func(w io.Writer) error) error {
	if to.file == "" {
		if err := write(o.run.stdout); err != nil {
			return coded(dialect.CodeUnreadable, "the answer cannot be written: %v", err)
		}
		return nil
	}
	if err := replace(to.file, write); err != nil {
		return coded(dialect.CodeUnreadable, "%s: %v", to.file, pathError(err))
	}
	return nil
}

// replace gives a file what write writes, all of it or nothing: it is written
// beside the file and then takes its place. Of a device or a pipe there is
// nothing to replace.
func replace(name string, write func(w io.Writer) error) error {
	if at, err := filepath.EvalSymlinks(name); err == nil {
		name = at
	}
	before, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case before.IsDir():
		return errors.New("is a folder")
	case !before.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	beside := fmt.Sprintf("%s.%d.tmp", name, os.Getpid())
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if before != nil {
		err = f.Chmod(before.Mode().Perm())
	}
	if err = errors.Join(err, write(f), f.Close()); err == nil {
		err = os.Rename(beside, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside))
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
