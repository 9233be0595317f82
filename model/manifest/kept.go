package manifest

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// keptBlock is how many bytes of a text are compressed at a time. Dumps shrink
// to a tenth and less; a block is unpacked in less than a millisecond.
const keptBlock = 256 << 10

// kept is the text of an input that cannot be read again, or only from its
// beginning. What was read of it stays in memory, compressed in blocks, so that
// every part of it can be read again. It is read no further than somebody
// wants.
type kept struct {
	limits Limits

	mu     sync.Mutex
	in     io.Reader
	tail   []byte // of the last block: its text, up to keptBlock bytes
	blocks [][]byte
	size   int64 // bytes that were read
	stored int64 // of blocks
	err    error // what ended the text

	encoder  *zstd.Encoder
	decoder  *zstd.Decoder
	scratch  []byte
	unpacked int // the block that text holds
	text     []byte
}

func keep(in io.Reader, limits Limits) *kept {
	// The options are constant: neither can fail.
	encoder, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(keptBlock))
	decoder, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(keptBlock))
	return &kept{limits: limits, in: in, encoder: encoder, decoder: decoder, unpacked: -1}
}

// keptReader reads a kept text from an offset on.
type keptReader struct {
	kept   *kept
	offset int64
}

func (r *keptReader) Read(b []byte) (int, error) {
	n, err := r.kept.read(b, r.offset)
	r.offset += int64(n)
	return n, err
}

// read reads from what is kept, or else on from there. Whoever waits for a pipe
// gets what there is.
func (k *kept) read(b []byte, offset int64) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.size <= offset {
		if k.err != nil {
			return 0, k.err
		}
		k.more()
	}
	text, err := k.block(int(offset / keptBlock))
	if err != nil {
		return 0, err
	}
	return copy(b, text[offset%keptBlock:]), nil
}

// more reads on.
func (k *kept) more() {
	if len(k.tail) == keptBlock {
		k.scratch = k.encoder.EncodeAll(k.tail, k.scratch[:0])
		block := make([]byte, len(k.scratch))
		copy(block, k.scratch)
		k.blocks, k.stored, k.tail = append(k.blocks, block), k.stored+int64(len(block)), k.tail[:0]
	}
	switch {
	case k.size > k.limits.Text:
		k.err = k.limits.tooMuchText()
	case k.stored > k.limits.Kept:
		k.err = &limitError{"its text takes more than " + size(k.limits.Kept) + " of memory, compressed; what is not compressed and in a file takes none" + k.limits.raise("kept")}
	default:
		if k.tail == nil {
			k.tail = make([]byte, 0, keptBlock)
		}
		room := min(keptBlock-int64(len(k.tail)), k.limits.Text+1-k.size)
		n, err := k.in.Read(k.tail[len(k.tail) : len(k.tail)+int(room)])
		k.tail, k.size, k.err = k.tail[:len(k.tail)+n], k.size+int64(n), err
	}
	if k.err != nil {
		k.end(k.err)
	}
}

// block is the text of a block, or of what was read of it.
func (k *kept) block(i int) ([]byte, error) {
	switch {
	case i == len(k.blocks):
		return k.tail, nil
	case i != k.unpacked:
		k.unpacked = -1
		var err error
		if k.text, err = k.decoder.DecodeAll(k.blocks[i], k.text[:0]); err != nil {
			return nil, err
		}
		k.unpacked = i
	}
	return k.text, nil
}

// length is how many bytes were read.
func (k *kept) length() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.size
}

// close says that nobody wants more than what was read.
func (k *kept) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.end(io.EOF)
	}
}

func (k *kept) end(err error) {
	k.err, k.in, k.encoder, k.scratch = err, nil, nil, nil
}

func (l Limits) tooMuchText() error {
	return &limitError{"the input is larger than " + size(l.Text) + l.raise("text")}
}
