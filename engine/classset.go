package engine

import "slices"

// classSet is an immutable set of pod classes. Classes of a namespace are
// numbered in a row, so the sets that selectors make are short windows of
// words; a set that is scattered over many namespaces keeps only its non-zero
// words. The zero classSet is empty.
//
//	window: bits of words[i] are classes (off+i)*64 ... +63
//	sparse: bits of words[i] are classes index[i]*64 ... +63, index sorted
type classSet struct {
	off   uint32
	index []uint32 // nil for a window
	words []uint64
}

// newClassSet makes a set from sorted class numbers. Cost: O(len(ids)) plus
// the window's words.
func newClassSet(ids []int32) classSet {
	if len(ids) == 0 {
		return classSet{}
	}
	lo, hi := uint32(ids[0])>>6, uint32(ids[len(ids)-1])>>6
	used := 0
	for i, id := range ids {
		if i == 0 || id>>6 != ids[i-1]>>6 {
			used++
		}
	}
	// A sparse word costs 12 bytes and a binary search; a window word 8.
	if window := int(hi-lo) + 1; window <= 4 || window <= 3*used {
		s := classSet{off: lo, words: make([]uint64, window)}
		for _, id := range ids {
			s.words[uint32(id)>>6-lo] |= 1 << (id & 63)
		}
		return s
	}
	s := classSet{index: make([]uint32, 0, used), words: make([]uint64, 0, used)}
	for _, id := range ids {
		w := uint32(id) >> 6
		if n := len(s.index); n == 0 || s.index[n-1] != w {
			s.index = append(s.index, w)
			s.words = append(s.words, 0)
		}
		s.words[len(s.words)-1] |= 1 << (id & 63)
	}
	return s
}

// has reports membership: O(1) for a window, O(log words) for a sparse set.
func (s *classSet) has(c Class) bool {
	w := uint32(c) >> 6
	if s.index == nil {
		i := w - s.off // wraps below off, and then exceeds len
		return i < uint32(len(s.words)) && s.words[i]>>(c&63)&1 != 0
	}
	i, ok := slices.BinarySearch(s.index, w)
	return ok && s.words[i]>>(c&63)&1 != 0
}

// at returns the number of the word words[i].
func (s *classSet) at(i int) uint32 {
	if s.index == nil {
		return s.off + uint32(i)
	}
	return s.index[i]
}

// word returns the classes w*64 ... w*64+63. Cost: as has.
func (s *classSet) word(w uint32) uint64 {
	if s.index == nil {
		if i := w - s.off; i < uint32(len(s.words)) {
			return s.words[i]
		}
		return 0
	}
	if i, ok := slices.BinarySearch(s.index, w); ok {
		return s.words[i]
	}
	return 0
}

// last returns the number of the last word; the set must not be empty.
func (s *classSet) last() uint32 { return s.at(len(s.words) - 1) }

// newWordSet makes a set from the non-zero words of sorted numbers.
func newWordSet(index []uint32, words []uint64) classSet {
	if len(index) == 0 {
		return classSet{}
	}
	lo := index[0]
	if window := int(index[len(index)-1]-lo) + 1; window <= 4 || window <= 3*len(index) {
		s := classSet{off: lo, words: make([]uint64, window)}
		for i, w := range index {
			s.words[w-lo] = words[i]
		}
		return s
	}
	return classSet{index: slices.Clone(index), words: slices.Clone(words)}
}
