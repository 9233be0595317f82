package engine

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"unsafe"
)

// interner numbers keys, which are lists of numbers, from 0 in order of first
// sight. It is what compiling does most, so that keys lie in one list, not each
// in memory of its own, and looking one up that is there costs two or three
// cache lines. The zero interner is empty. Not safe for concurrent use.
type interner struct {
	seed  maphash.Seed
	table []uint64 // open addressing, at most half full: half of a hash, and below it number + 1; 0 is free
	keys  []int32  // one after the other
	ends  []int    // number -> where its key ends
}

// get returns the number of a key, and whether it had one before.
func (m *interner) get(key []int32) (number uint32, known bool) {
	if 2*len(m.ends) >= len(m.table) {
		m.grow(2 * len(m.ends))
	}
	h, at, found := m.find(key)
	if found {
		return uint32(m.table[at]) - 1, true
	}
	m.keys = append(m.keys, key...)
	m.ends = append(m.ends, len(m.keys))
	m.table[at] = h<<32 | uint64(len(m.ends))
	return uint32(len(m.ends)) - 1, false
}

// number returns the number of a key, if it has one.
func (m *interner) number(key []int32) (uint32, bool) {
	if len(m.table) == 0 {
		return 0, false
	}
	_, at, found := m.find(key)
	return uint32(m.table[at]) - 1, found
}

// find returns half of a hash, and where in the table the key is or belongs.
func (m *interner) find(key []int32) (h, at uint64, found bool) {
	h = maphash.Bytes(m.seed, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(key))), 4*len(key))) >> 32
	for at = h & uint64(len(m.table)-1); ; at = (at + 1) & uint64(len(m.table)-1) {
		e := m.table[at]
		if e == 0 || e>>32 == h && slices.Equal(m.key(uint32(e)-1), key) {
			return h, at, e != 0
		}
	}
}

// key returns the key of a number. It must not be changed.
func (m *interner) key(number uint32) []int32 {
	end := m.ends[number]
	if number == 0 {
		return m.keys[:end:end]
	}
	return m.keys[m.ends[number-1]:end:end]
}

// grow makes room for n keys.
func (m *interner) grow(n int) {
	size := 16
	for size < 2*n {
		size *= 2
	}
	if size <= len(m.table) {
		return
	}
	if len(m.table) == 0 {
		m.seed = maphash.MakeSeed()
	}
	old := m.table
	m.table = make([]uint64, size)
	for _, e := range old {
		if e == 0 {
			continue
		}
		at := e >> 32 & uint64(size-1)
		for m.table[at] != 0 {
			at = (at + 1) & uint64(size-1)
		}
		m.table[at] = e
	}
}

// numbers is a key in the making.
type numbers struct{ n []int32 }

func (k *numbers) reset() { k.n = k.n[:0] }
func (k *numbers) flag(v bool) {
	if v {
		k.n = append(k.n, 1)
	} else {
		k.n = append(k.n, 0)
	}
}
func (k *numbers) i32(v int32)  { k.n = append(k.n, v) }
func (k *numbers) u32(v uint32) { k.n = append(k.n, int32(v)) }
func (k *numbers) prefix(p netip.Prefix) {
	if a := p.Addr(); a.Is4() {
		k.i32(int32(p.Bits()))
		k.u32(u32(a))
		return
	}
	k.i32(int32(-1 - p.Bits()))
	b := p.Addr().As16()
	for i := 0; i < len(b); i += 4 {
		k.u32(binary.BigEndian.Uint32(b[i:]))
	}
}
func (k *numbers) u64(v uint64) { k.n = append(k.n, int32(v), int32(v>>32)) }
