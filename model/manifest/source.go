package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

// file is what a Reader remembers of an input.
type file struct {
	input  Input
	limits Limits
	count  func(bytes int)
	stream io.ReadCloser // while the input is read for the first time
	was    fs.FileInfo   // of a file in the file system, when it was first opened
	kept   *kept         // the text, if it cannot be had again from the input

	changed atomic.Bool // it is not any more what was read
	stop    atomic.Bool // nobody wants more of it

	json  bool  // it begins as JSON
	turns bool  // JSON turns out to be YAML at some point: at the
	yaml  int64 // offset where
	first int   // the document of this number begins
	bom   int64 // bytes of the byte order mark
	spans *spans
}

var errChanged = errors.New("the file changed while it was read")

// begin opens the input for the first time and returns its text, without a byte
// order mark. It must be closed even after an error.
func (f *file) begin() (*bufio.Reader, error) {
	var err error
	if f.stream, err = f.input.Open(); err != nil {
		return nil, err
	}
	f.was = regularFile(f.stream)
	raw := bufio.NewReaderSize(&metered{f: f, in: f.stream}, 64<<10)
	head, _ := raw.Peek(4)
	text := raw
	if unpacked := decompress(head, raw); unpacked != nil {
		f.kept = keep(unpacked, f.limits)
	} else if f.input.Once {
		f.kept = keep(raw, f.limits)
	}
	if f.kept != nil {
		text = bufio.NewReaderSize(&keptReader{kept: f.kept}, 64<<10)
	}
	if err := f.sniff(text); err != nil {
		return nil, err
	}
	return text, nil
}

// close ends the first reading. What was not read by then is not read later.
func (f *file) close() {
	if f.kept != nil {
		f.kept.close()
	}
	if f.stream != nil {
		f.stream.Close()
		f.stream = nil
	}
}

// regularFile is what the system says of an open file, or nil when it is no
// file of a file system.
func regularFile(in io.Reader) fs.FileInfo {
	if s, ok := in.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil && info.Mode().IsRegular() {
			return info
		}
	}
	return nil
}

// same reports whether an open file is still what it was when it was read.
func (f *file) same(in io.Reader) bool {
	if f.was == nil {
		return true
	}
	is := regularFile(in)
	same := is != nil && is.Size() == f.was.Size() && is.ModTime().Equal(f.was.ModTime()) && (os.SameFile(is, f.was) || is.Sys() == nil)
	if !same {
		f.changed.Store(true)
	}
	return same
}

// metered is an input while it is read for the first time: it counts, and
// notices that there is too much, or that a file changes meanwhile.
type metered struct {
	f    *file
	in   io.Reader
	read int64
}

func (m *metered) Read(b []byte) (int, error) {
	if m.read > m.f.limits.Text {
		return 0, m.f.limits.tooMuchText()
	}
	n, err := m.in.Read(b[:min(int64(len(b)), m.f.limits.Text+1-m.read)])
	m.read += int64(n)
	if m.f.count != nil {
		m.f.count(n)
	}
	if err == io.EOF && !m.f.same(m.in) {
		err = errChanged
	}
	return n, err
}

// open opens the text at an offset, again.
func (f *file) open(offset int64) (io.ReadCloser, error) {
	if f.kept != nil {
		return io.NopCloser(&keptReader{f.kept, offset}), nil
	}
	in, err := f.input.Open()
	if err != nil {
		f.changed.Store(f.was != nil)
		return nil, err
	}
	if !f.same(in) {
		in.Close()
		return nil, errChanged
	}
	if s, ok := in.(io.Seeker); ok {
		_, err = s.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, in, offset)
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return &reopened{in, f, f.limits.Text + 1 - offset}, nil
}

// reopened is a file that is read again. At the end it must still be the same,
// and it ends at the limit where it ended the first time.
type reopened struct {
	io.ReadCloser
	f    *file
	left int64
}

func (r *reopened) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, r.f.limits.tooMuchText()
	}
	n, err := r.ReadCloser.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	return n, err
}

func (r *reopened) Close() error {
	r.f.same(r.ReadCloser)
	return r.ReadCloser.Close()
}

// encodingError is a file that has to be converted before it can be read.
type encodingError struct{ message string }

func (e *encodingError) Error() string { return e.message }

// encodings are the first bytes of texts that are neither UTF-8 nor ASCII.
var encodings = []struct{ head, message string }{
	{"\xff\xfe", utf16},
	{"\xfe\xff", utf16},
	{"\x1f\x8b", "the file is compressed twice; unpack it once (gzip -dc FILE | podreach ... -f -)"},
	{"\x28\xb5\x2f\xfd", "the file is compressed twice; unpack it once (zstd -dc FILE | podreach ... -f -)"},
	{"BZh", "the file is compressed with bzip2, which is not read; unpack it first (bzip2 -dc FILE | podreach ... -f -)"},
	{"\xfd7zXZ", "the file is compressed with xz, which is not read; unpack it first (xz -dc FILE | podreach ... -f -)"},
	{"PK\x03\x04", "the file is a zip archive, which is not read; unpack it into a folder first"},
}

const (
	utf16 = "the file is UTF-16; save it as UTF-8 (PowerShell: ... | Out-File -Encoding utf8 FILE)"
	tar   = "the file is a tar archive, which is not read; unpack it into a folder first"
)

// sniff skips a byte order mark and looks whether the stream begins as JSON.
// The name of a file says nothing about that.
func (f *file) sniff(in *bufio.Reader) error {
	head, err := in.Peek(262)
	for _, e := range encodings {
		if bytes.HasPrefix(head, []byte(e.head)) {
			return &encodingError{e.message}
		}
	}
	if len(head) == 262 && string(head[256:]) == "\x00ustar" {
		return &encodingError{tar}
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		f.bom = 3
		_, _ = in.Discard(3)
	}
	if len(head) == 0 && err != nil && err != io.EOF {
		return err
	}
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if len(head) < n {
			if err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
			return nil
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			more, _ := in.Peek(n + 1)
			f.json = !bytes.HasSuffix(more, []byte("{{")) // a template
		}
		return nil
	}
}
