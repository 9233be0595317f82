package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Stdin is the name of standard input, as an argument and in positions.
const Stdin = "-"

// Input is one named stream of bytes.
type Input struct {
	Name string // as positions show it
	// Open starts the stream. It is called again when a position is asked
	// for, and must then give the same bytes. If the result is an io.Seeker,
	// positions in big files cost less.
	Open func() (io.ReadCloser, error)
}

// Bytes is an input that is in memory, for embedded examples and tests.
func Bytes(name string, b []byte) Input {
	return Input{Name: name, Open: func() (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(b), io.NopCloser(nil)}, nil
	}}
}

// extensions are the names that are read in folders.
var extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

// Paths turns paths into inputs, in their order: a file of any name; a folder,
// walked in lexical order for *.yaml, *.yml, *.json and *.jsonl, without hidden
// folders and without following links; "-", which is stdin. A path that occurs
// twice is taken once. What cannot be read is reported to l (PR1007), a folder
// without a file to read as well (PR1003).
func Paths(paths []string, stdin io.Reader, l *dialect.Ledger) []Input {
	var out []Input
	seen := map[string]bool{}
	add := func(in Input) {
		if !seen[in.Name] {
			seen[in.Name] = true
			out = append(out, in)
		}
	}
	for _, p := range paths {
		if p == Stdin {
			add(stream(Stdin, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }))
			continue
		}
		p = filepath.Clean(p)
		info, err := os.Stat(p)
		switch {
		case err != nil:
			unreadable(l, p, err)
		case info.IsDir():
			for _, in := range folder(p, l) {
				add(in)
			}
		case info.Mode().IsRegular():
			add(Input{p, func() (io.ReadCloser, error) { return os.Open(p) }})
		default: // a pipe or a device gives its bytes once
			add(stream(p, func() (io.ReadCloser, error) { return os.Open(p) }))
		}
	}
	return out
}

// folder lists the files of a folder that are read.
func folder(root string, l *dialect.Ledger) []Input {
	var out []Input
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			unreadable(l, p, err)
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
		case e.IsDir():
			if p != root && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
		case e.Type().IsRegular() && slices.Contains(extensions, filepath.Ext(p)):
			out = append(out, Input{p, func() (io.ReadCloser, error) { return os.Open(p) }})
		}
		return nil
	})
	if err != nil {
		unreadable(l, root, err)
	} else if len(out) == 0 {
		l.Report(dialect.Diagnostic{Code: dialect.CodeEmptyFile, Origin: model.Origin{File: root},
			Message: fmt.Sprintf("the folder holds no file named *%s", strings.Join(extensions, ", *"))})
	}
	return out
}

func unreadable(l *dialect.Ledger, file string, err error) {
	l.Report(unreadableFile(file, err))
}

func unreadableFile(file string, err error) dialect.Diagnostic {
	message := err.Error()
	var pe *fs.PathError
	if errors.As(err, &pe) {
		message = "cannot " + pe.Op + ": " + pe.Err.Error()
		if pe.Op == "stat" || pe.Op == "lstat" {
			message = pe.Err.Error()
		}
	}
	return dialect.Diagnostic{Code: dialect.CodeUnreadable, Origin: model.Origin{File: file}, Message: message}
}

// stream is an input that can be read only once: its bytes are kept.
func stream(name string, open func() (io.ReadCloser, error)) Input {
	read := sync.OnceValues(func() ([]byte, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	})
	return Input{name, func() (io.ReadCloser, error) {
		b, err := read()
		if err != nil {
			return nil, err
		}
		return Bytes(name, b).Open()
	}}
}
