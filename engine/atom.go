package engine

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model"
)

// addrAtoms is the coarsest partition of both address families such that every
// ipBlock of the snapshot is a union of atoms (R109). Atoms are numbered in
// address order, IPv4 first, so that a CIDR is a run of consecutive atoms. An
// empty partition has one atom a family.
type addrAtoms struct {
	v4 []uint32     // first address of each IPv4 atom; v4[0] is 0.0.0.0
	v6 []netip.Addr // first address of each IPv6 atom; v6[0] is ::
}

// newAddrAtoms cuts both families at the edges of the given prefixes.
// Cost: O(P log P).
func newAddrAtoms(blocks []netip.Prefix) addrAtoms {
	a := addrAtoms{v4: []uint32{0}, v6: []netip.Addr{netip.IPv6Unspecified()}}
	for _, p := range blocks {
		first, last := p.Addr(), lastAddr(p)
		if first.Is4() {
			a.v4 = append(a.v4, u32(first))
			if l := u32(last); l != 1<<32-1 {
				a.v4 = append(a.v4, l+1)
			}
			continue
		}
		a.v6 = append(a.v6, first)
		if next := last.Next(); next.IsValid() {
			a.v6 = append(a.v6, next)
		}
	}
	slices.Sort(a.v4)
	a.v4 = slices.Clip(slices.Compact(a.v4))
	slices.SortFunc(a.v6, netip.Addr.Compare)
	a.v6 = slices.Clip(slices.Compact(a.v6))
	return a
}

func (a *addrAtoms) count() int { return len(a.v4) + len(a.v6) }

// of returns the atom that holds ip. IPv4-mapped addresses are IPv6 here: a
// block such as ::fffe:0:0/95 ends in them; endpoints' addresses come
// unmapped. Cost: O(log atoms).
func (a *addrAtoms) of(ip netip.Addr) int32 {
	if ip.Is4() {
		i, ok := slices.BinarySearch(a.v4, u32(ip))
		if !ok {
			i--
		}
		return int32(i)
	}
	i, ok := slices.BinarySearchFunc(a.v6, ip.WithZone(""), netip.Addr.Compare)
	if !ok {
		i--
	}
	return int32(len(a.v4) + i)
}

func (a *addrAtoms) family(atom int32) model.Family {
	if int(atom) < len(a.v4) {
		return model.IPv4
	}
	return model.IPv6
}

// bounds returns the first and last address of an atom.
func (a *addrAtoms) bounds(atom int32) (first, last netip.Addr) {
	i := int(atom)
	if i < len(a.v4) {
		first = fromU32(a.v4[i])
		if i+1 < len(a.v4) {
			return first, fromU32(a.v4[i+1] - 1)
		}
		return first, netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	i -= len(a.v4)
	if i+1 < len(a.v6) {
		return a.v6[i], a.v6[i+1].Prev()
	}
	var b [16]byte
	for j := range b {
		b[j] = 255
	}
	return a.v6[i], netip.AddrFrom16(b)
}

// touching returns the atoms that hold some address of the prefixes.
func (a *addrAtoms) touching(ps []netip.Prefix, f model.Family) spans {
	var out spans
	for _, p := range ps {
		if p.Addr().Is4() == (f == model.IPv4) {
			out = append(out, span{a.of(p.Addr()), a.of(lastAddr(p)) + 1})
		}
	}
	return out.normal()
}

// knows reports whether a prefix is a union of atoms.
func (a *addrAtoms) knows(p netip.Prefix) bool {
	first, _ := a.bounds(a.of(p.Addr()))
	_, last := a.bounds(a.of(lastAddr(p)))
	return first == p.Addr() && last == lastAddr(p)
}

// all returns every atom of a family.
func (a *addrAtoms) all(f model.Family) spans {
	if f == model.IPv4 {
		return spans{{0, int32(len(a.v4))}}
	}
	return spans{{int32(len(a.v4)), int32(a.count())}}
}

// blockSpans returns the atoms of the union of blocks; exact, because every
// edge of every block is an edge of an atom.
func (a *addrAtoms) blockSpans(bs []model.Block, externalOnly bool) spans {
	var out spans
	for _, b := range bs {
		if b.ExternalOnly != externalOnly {
			continue
		}
		var except spans
		for _, e := range b.Except {
			except = append(except, span{a.of(e.Addr()), a.of(lastAddr(e)) + 1})
		}
		out = append(out, span{a.of(b.CIDR.Addr()), a.of(lastAddr(b.CIDR)) + 1}.minus(except.normal())...)
	}
	return out.normal()
}

func u32(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func fromU32(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// lastAddr returns the last address of a masked prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	if p.Addr().Is4() {
		host := 32 - p.Bits()
		return fromU32(u32(p.Addr()) | uint32(uint64(1)<<host-1))
	}
	b := p.Addr().As16()
	for i := p.Bits(); i < 128; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom16(b)
}

// span is a half-open run of atoms.
type span struct{ lo, hi int32 }

// spans is a set of atoms as sorted, disjoint, non-adjacent runs.
type spans []span

// has reports membership. Cost: O(log spans).
func (s spans) has(atom int32) bool {
	if len(s) <= 8 {
		for _, r := range s {
			if r.lo <= atom && atom < r.hi {
				return true
			}
		}
		return false
	}
	i, ok := slices.BinarySearchFunc(s, atom, func(r span, a int32) int { return cmp.Compare(r.lo, a) })
	return ok || (i > 0 && atom < s[i-1].hi)
}

// normal sorts s and merges what overlaps or touches.
func (s spans) normal() spans {
	if len(s) < 2 {
		return s
	}
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	out := s[:1]
	for _, r := range s[1:] {
		if l := &out[len(out)-1]; r.lo <= l.hi {
			l.hi = max(l.hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// minus returns r without the runs of a normal m.
func (r span) minus(m spans) spans {
	var out spans
	for _, e := range m {
		if e.hi <= r.lo || r.hi <= e.lo {
			continue
		}
		if r.lo < e.lo {
			out = append(out, span{r.lo, e.lo})
		}
		r.lo = e.hi
	}
	if r.lo < r.hi {
		out = append(out, r)
	}
	return out
}

// portAtoms is the coarsest partition of U such that every numeric port entry
// of a rule is a union of atoms, and every number that a named port resolves
// to is an atom of its own. Atoms are numbered by protocol, then by port.
type portAtoms struct {
	first  [model.NumProtocols][]uint32 // first port of each atom of the protocol; first[p][0] is 1
	offset [model.NumProtocols + 1]int32
	words  int // 64-bit words of a mask
}

// newPortAtoms cuts U at the edges of the ranges. Cost: O(R log R).
func newPortAtoms(ranges []model.PortRange) portAtoms {
	var a portAtoms
	for p := range a.first {
		a.first[p] = []uint32{1}
	}
	for _, r := range ranges {
		a.first[r.Protocol] = append(a.first[r.Protocol], uint32(r.First))
		if r.Last != model.MaxPort {
			a.first[r.Protocol] = append(a.first[r.Protocol], uint32(r.Last)+1)
		}
	}
	for p := range a.first {
		slices.Sort(a.first[p])
		a.first[p] = slices.Clip(slices.Compact(a.first[p]))
		a.offset[p+1] = a.offset[p] + int32(len(a.first[p]))
	}
	a.words = (a.count() + 63) / 64
	return a
}

func (a *portAtoms) count() int { return int(a.offset[model.NumProtocols]) }

// of returns the atom that holds the port, or -1 for a port outside U.
func (a *portAtoms) of(p model.Protocol, port uint16) int32 {
	if p >= model.NumProtocols || port == 0 {
		return -1
	}
	i, ok := slices.BinarySearch(a.first[p], uint32(port))
	if !ok {
		i--
	}
	return a.offset[p] + int32(i)
}

// ports returns the ports of an atom.
func (a *portAtoms) ports(atom int32) model.PortRange {
	p := model.TCP
	for atom >= a.offset[p+1] {
		p++
	}
	i := int(atom - a.offset[p])
	last := uint32(model.MaxPort)
	if i+1 < len(a.first[p]) {
		last = a.first[p][i+1] - 1
	}
	return model.PortRange{Protocol: p, First: uint16(a.first[p][i]), Last: uint16(last)}
}

// knows reports whether a range is a union of atoms.
func (a *portAtoms) knows(r model.PortRange) bool {
	return a.ports(a.of(r.Protocol, r.First)).First == r.First && a.ports(a.of(r.Protocol, r.Last)).Last == r.Last
}

// fill sets the atoms of a canonical range in m; exact when the range's edges
// are edges of atoms, otherwise it sets every atom that the range touches.
func (a *portAtoms) fill(m mask, r model.PortRange) {
	for i, last := a.of(r.Protocol, r.First), a.of(r.Protocol, r.Last); i <= last; i++ {
		m.set(i)
	}
}

// portSet turns a mask into ports. Cost: O(atoms).
func (a *portAtoms) portSet(m mask) model.PortSet {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	switch n {
	case 0:
		return model.PortSet{}
	case a.count():
		return model.AllPorts()
	}
	rs := make([]model.PortRange, 0, n)
	for i := range m {
		for w := m[i]; w != 0; w &= w - 1 {
			rs = append(rs, a.ports(int32(i*64+bits.TrailingZeros64(w))))
		}
	}
	return model.Ports(rs...)
}

// mask is a set of port atoms, portAtoms.words long.
type mask []uint64

func (m mask) set(i int32)      { m[i>>6] |= 1 << (i & 63) }
func (m mask) has(i int32) bool { return m[i>>6]>>(i&63)&1 != 0 }
func (m mask) empty() bool {
	for _, w := range m {
		if w != 0 {
			return false
		}
	}
	return true
}
func (m mask) clear() {
	for i := range m {
		m[i] = 0
	}
}
func (m mask) or(o mask) {
	for i := range m {
		m[i] |= o[i]
	}
}
func (m mask) and(o mask) {
	for i := range m {
		m[i] &= o[i]
	}
}
func (m mask) overlaps(o mask) bool {
	for i := range m {
		if m[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// fullMask has every atom.
func (a *portAtoms) fullMask() mask {
	m := make(mask, a.words)
	for i := range int32(a.count()) {
		m.set(i)
	}
	return m
}
