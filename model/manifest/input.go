package manifest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Stdin is the name of standard input, as an argument and in positions.
const Stdin = "-"

// Input is one named stream of bytes, plain or compressed with gzip or zstd.
type Input struct {
	Name string // as positions show it
	// Open starts the stream. It is called again when a position is asked
	// for, and must then give the same bytes. If the result is an io.Seeker,
	// positions in big files cost less; if it has the Stat of an os.File, a
	// Reader notices that the file is not any more what was read.
	Open func() (io.ReadCloser, error)
	Once bool  // Open may be called only once: the Reader keeps what it reads, compressed
	Size int64 // bytes of the stream, 0 when not known; only for those who watch

	// Live is set on what a live cluster lists of one kind. Such a stream is
	// opened once, keeps nothing, and has no lines: see Live.
	Live *Live
}

// Bytes is an input that is in memory. b must not change while it is in use.
func Bytes(name string, b []byte) Input {
	return Input{Name: name, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(b), io.NopCloser(nil)}, nil
	}}
}

// Paths turns paths into inputs, in their order: a file of any name; a folder,
// walked in lexical order for *.yaml, *.yml, *.json and *.jsonl, also with .gz or
// .zst behind, without hidden folders; "-", which is stdin. A path that occurs
// twice is taken once.
//
// A link that is named is followed. One in a folder is followed if it leads to
// a file inside that folder that is not read anyway, as in a mounted ConfigMap;
// how many others there are is reported to l (PR1013), as is a folder without
// a file to read (PR1003). What cannot be read becomes an input whose Open says
// so: a reader reports it (PR1007), and that what it holds is not known.
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
			add(Input{Name: Stdin, Once: true, Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
			continue
		}
		p = filepath.Clean(p)
		info, err := os.Stat(p)
		switch {
		case err != nil:
			add(unreadable(p, err))
		case info.IsDir():
			for _, in := range readFolder(p, l) {
				add(in)
			}
		case info.Mode().IsRegular():
			add(regular(p, info.Size()))
		default: // a pipe or a device gives its bytes once
			add(Input{Name: p, Once: true, Open: func() (io.ReadCloser, error) { return os.Open(p) }})
		}
	}
	return out
}

// regular is a file that gives the same bytes each time.
func regular(p string, size int64) Input {
	return Input{Name: p, Size: size, Open: func() (io.ReadCloser, error) { return os.Open(p) }}
}

// unreadable is a path that cannot be read.
func unreadable(p string, err error) Input {
	return Input{Name: p, Open: func() (io.ReadCloser, error) { return nil, err }}
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
	code := dialect.CodeUnreadable
	if isLimit(err) {
		code = dialect.CodeLimit
	}
	return dialect.Diagnostic{Code: code, Origin: model.Origin{File: file}, Message: message}
}
