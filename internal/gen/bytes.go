package gen

import (
	"hash/fnv"
	"math/rand/v2"
)

// Bytes is a source of decisions that reads them from b, a byte each: the
// change of one byte changes one decision, or one draw of a shuffle, and
// leaves those before it as they are, so that a fuzzer's mutations mean
// something. When b is used up it goes on with a generator seeded by b. The
// decisions are as fair as the bytes are for anything of up to a few dozen
// possibilities.
func Bytes(b []byte) rand.Source {
	h := fnv.New64a()
	_, _ = h.Write(b) // it cannot fail
	return &byteSource{left: b, rest: rand.NewPCG(h.Sum64(), 3)}
}

type byteSource struct {
	left []byte
	rest *rand.PCG
}

// Uint64 spreads a byte over the word. rand.Rand takes the highest bits of the
// word, or of its upper half, and the lowest ones for powers of two; it draws
// again where the others are near zero.
func (s *byteSource) Uint64() uint64 {
	if len(s.left) == 0 {
		return s.rest.Uint64()
	}
	b := uint64(s.left[0])
	s.left = s.left[1:]
	return b<<56 | 0x4d4d<<40 | b<<32 | 0x4d4d4d<<8 | b
}
