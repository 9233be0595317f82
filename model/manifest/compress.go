package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is how far back a zstd stream may refer, and so what its decoder
// may hold: as much as zstd itself allows without being asked for more.
const maxWindow = 128 << 20

// decompress returns what a compressed stream says, or nil for one that is not
// compressed with gzip or zstd. head is how it begins; the name of a file says
// nothing about that. Several members or frames, one behind the other, are one
// text. Anything that is wrong with the stream is a *damage.
func decompress(head []byte, in io.Reader) io.Reader {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return &unpacking{format: "gzip", start: func() (io.Reader, error) { return gzip.NewReader(in) }}
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")),
		len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18": // a frame that is skipped
		return &unpacking{format: "zstd", start: func() (io.Reader, error) {
			return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		}}
	}
	return nil
}

// unpacking is a compressed stream while it is read.
type unpacking struct {
	format string
	start  func() (io.Reader, error)
	out    io.Reader // nil before the first byte was wanted
	any    bool      // something was unpacked
	err    error
}

// damage is what is wrong with a compressed stream. It is an error of its own
// so that a stream that ends too early does not look like its text's end.
type damage struct{ message string }

func (e *damage) Error() string { return e.message }

func (u *unpacking) Read(b []byte) (int, error) {
	if u.err == nil && u.out == nil {
		u.out, u.err = u.start()
	}
	n := 0
	if u.err == nil {
		n, u.err = u.out.Read(b)
		u.any = u.any || n > 0
	}
	if u.err != nil && u.err != io.EOF {
		u.err = u.problem(u.err)
	}
	if z, ok := u.out.(*zstd.Decoder); ok && u.err != nil {
		z.Close()
	}
	return n, u.err
}

func (u *unpacking) problem(err error) error {
	var known *damage
	switch {
	case isLimit(err), errors.As(err, &known), errors.Is(err, errChanged):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &damage{"the " + u.format + " stream ends too early"}
	case (errors.Is(err, gzip.ErrHeader) || errors.Is(err, zstd.ErrMagicMismatch)) && u.any:
		return &damage{"the " + u.format + " stream is followed by something else"}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &limitError{fmt.Sprintf("the zstd stream refers back over more than %s; compress it without --long", size(maxWindow))}
	}
	return &damage{"the " + u.format + " stream is damaged: " + err.Error()}
}
