package engine

import (
	"cmp"
	"math/bits"
	"slices"
)

// wide is a set of classes in the making, with what is opened to it.
type wide struct {
	opens  uint32
	lo, hi int // the words outside are zero
	words  []uint64
}

// wides is disjoint sets of classes by what is opened to them. Sets that were
// cleared lend their words to the next. The zero wides is empty.
type wides struct {
	list []wide
	at   []int32 // opening -> index in list, plus 1
	free [][]uint64
}

func (l *wides) clear() {
	for i := range l.list {
		s := &l.list[i]
		clear(s.words[s.lo:s.hi])
		l.free = append(l.free, s.words)
		l.at[s.opens] = 0
	}
	l.list = l.list[:0]
}

// get returns the set of an opening; n is the words of a set.
func (l *wides) get(opens uint32, n int) *wide {
	if int(opens) >= len(l.at) {
		l.at = append(l.at, make([]int32, int(opens)+1-len(l.at))...)
	}
	if i := l.at[opens]; i > 0 {
		return &l.list[i-1]
	}
	s := wide{opens: opens, lo: n}
	if k := len(l.free); k > 0 {
		s.words, l.free = l.free[k-1], l.free[:k-1]
	} else {
		s.words = make([]uint64, n)
	}
	l.list = append(l.list, s)
	l.at[opens] = int32(len(l.list))
	return &l.list[len(l.list)-1]
}

func (s *wide) reach(lo, hi int) {
	s.lo, s.hi = min(s.lo, lo), max(s.hi, hi)
}

// add adds classes of one word.
func (l *wides) add(opens uint32, w int, b uint64, n int) {
	s := l.get(opens, n)
	s.reach(w, w+1)
	s.words[w] |= b
}

// or adds a set.
func (l *wides) or(opens uint32, set *classSet, n int) {
	if len(set.words) == 0 {
		return
	}
	s := l.get(opens, n)
	s.reach(int(set.at(0)), int(set.last())+1)
	if set.index == nil {
		to := s.words[set.off:][:len(set.words)]
		for i, b := range set.words {
			to[i] |= b
		}
		return
	}
	for i, w := range set.index {
		s.words[w] |= set.words[i]
	}
}

// orWords adds what is in a set and in a mask.
func (l *wides) orWords(opens uint32, from *wide, mask []uint64) {
	if opens == closed {
		return
	}
	lo, hi := from.lo, from.hi
	for lo < hi && from.words[lo]&mask[lo] == 0 {
		lo++
	}
	for lo < hi && from.words[hi-1]&mask[hi-1] == 0 {
		hi--
	}
	if lo == hi {
		return
	}
	s := l.get(opens, len(from.words))
	s.reach(lo, hi)
	to, words, mask := s.words[lo:hi], from.words[lo:hi], mask[lo:hi]
	for i := range to {
		to[i] |= words[i] & mask[i]
	}
}

// move takes the classes of a set out of from, and adds them.
func (l *wides) move(opens uint32, from *wide, set *classSet) {
	for i, b := range set.words {
		w := int(set.at(i))
		if b &= from.words[w]; b != 0 {
			from.words[w] &^= b
			if opens != closed {
				l.add(opens, w, b, len(from.words))
			}
		}
	}
}

// fill adds the classes of others that are in no set yet. scratch is zero, and
// is so again.
func (l *wides) fill(others *wides, scratch []uint64) {
	lo, hi := len(scratch), 0
	for i := range l.list {
		s := &l.list[i]
		lo, hi = min(lo, s.lo), max(hi, s.hi)
		for w, b := range s.words[s.lo:s.hi] {
			scratch[s.lo+w] |= b
		}
	}
	for i := range others.list {
		o := &others.list[i]
		if o.opens == closed {
			continue
		}
		s := l.get(o.opens, len(scratch))
		s.reach(o.lo, o.hi)
		for w, b := range o.words[o.lo:o.hi] {
			s.words[o.lo+w] |= b &^ scratch[o.lo+w]
		}
	}
	if lo < hi {
		clear(scratch[lo:hi])
	}
}

// sort puts the sets in the order of their first classes. None may be empty.
func (l *wides) sort() {
	for i := range l.list {
		s := &l.list[i]
		for s.words[s.lo] == 0 {
			s.lo++
		}
	}
	slices.SortFunc(l.list, func(a, b wide) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(bits.TrailingZeros64(a.words[a.lo]), bits.TrailingZeros64(b.words[b.lo])))
	})
	for i := range l.list {
		l.at[l.list[i].opens] = int32(i) + 1
	}
}
