package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
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

	// Live is set on what a live cluster lists of one kind. Such a stream is
	// opened once, keeps nothing, and has no lines: see Live.
	Live *Live
}

// Bytes is an input that is in memory. b must not change while it is in use.
func Bytes(name string, b []byte) Input {
	return Input{Name: name, Open: func() (io.ReadCloser, error) {
		return struct {
			*bytes.Reader
			io.Closer
		}{bytes.NewReader(b), io.NopCloser(nil)}, nil
	}}
}

// Paths turns paths into inputs, in their order: a file of any name; a folder,
// walked in lexical order for *.yaml, *.yml, *.json and *.jsonl, without hidden
// folders; "-", which is stdin. A path that occurs twice is taken once.
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
			add(once(Stdin, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }))
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
			add(regular(p))
		default: // a pipe or a device gives its bytes once
			add(once(p, func() (io.ReadCloser, error) { return os.Open(p) }))
		}
	}
	return out
}

// regular is a file that gives the same bytes each time.
func regular(p string) Input {
	return Input{Name: p, Open: func() (io.ReadCloser, error) { return os.Open(p) }}
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

// maxOnce is how many bytes of an input that can be read only once are kept,
// and so read.
const maxOnce = 2 << 30

// keptChunk is how many bytes are read at a time of an input that is kept.
const keptChunk = 64 << 10

// kept is a stream that can be read only once. What was read of it is kept, so
// that it can be read again. It is read no further than somebody wants.
type kept struct {
	open func() (io.ReadCloser, error)

	mu     sync.Mutex
	in     io.ReadCloser // nil before the first byte was wanted
	chunks [][]byte      // of keptChunk bytes each, but for the last
	size   int64
	err    error // what ended the stream
}

// once is an input that can be read only once.
func once(name string, open func() (io.ReadCloser, error)) Input {
	k := &kept{open: open}
	return Input{Name: name, Open: func() (io.ReadCloser, error) {
		if err := k.start(); err != nil {
			return nil, err
		}
		return struct {
			*io.SectionReader
			io.Closer
		}{io.NewSectionReader(k, 0, math.MaxInt64), io.NopCloser(nil)}, nil
	}}
}

func (k *kept) start() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.in == nil && k.err == nil {
		if k.in, k.err = k.open(); k.err != nil {
			k.in = nil
		}
	}
	if k.in == nil {
		return k.err
	}
	return nil
}

// ReadAt reads from what is kept, and on from there.
func (k *kept) ReadAt(b []byte, offset int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.err == nil && k.size < offset+int64(len(b)) {
		k.more()
	}
	n := 0
	for at := offset; n < len(b) && at < k.size; at = offset + int64(n) {
		n += copy(b[n:], k.chunks[at/keptChunk][at%keptChunk:])
	}
	if n < len(b) {
		return n, k.err
	}
	return n, nil
}

// more reads one more chunk.
func (k *kept) more() {
	if k.size >= maxOnce {
		k.err = &limitError{fmt.Sprintf("the stream is larger than %s; save it in a file, which may be of any size", size(maxOnce))}
	} else {
		chunk := make([]byte, keptChunk)
		n, err := io.ReadFull(k.in, chunk)
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		k.chunks, k.size, k.err = append(k.chunks, chunk[:n]), k.size+int64(n), err
	}
	if k.err != nil {
		_ = k.in.Close()
	}
}
