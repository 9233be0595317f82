package gen

import (
	"fmt"
	"net/netip"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// blocks makes one ipBlock, or several that belong together.
func (g *generator) blocks() []*networkingv1.IPBlock {
	if !g.pct(pctBlockPieces) {
		return []*networkingv1.IPBlock{g.block()}
	}
	whole := func(cidrs ...string) (out []*networkingv1.IPBlock) {
		for _, c := range cidrs {
			out = append(out, &networkingv1.IPBlock{CIDR: c})
		}
		return out
	}
	switch g.r.IntN(6) {
	case 0: // everything in two halves: certain together, not alone (R6)
		g.hit(BlockHalves)
		return either(g.v4, whole("0.0.0.0/1", "128.0.0.0/1"), whole("::/1", "8000::/1"))
	case 1: // where pods of unknown address are assumed, in pieces (R47)
		g.hit(BlockPrivatePieces)
		if !g.v4 {
			return whole("fc00::/8", "fd00::/8")
		}
		return whole("10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/12", "192.168.0.0/16")
	case 2: // the same with a piece missing
		g.hit(BlockPrivatePieces)
		if !g.v4 {
			return whole("fc00::/8")
		}
		return whole(g.shuffled([]string{"10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/12", "192.168.0.0/16"})[:3]...)
	case 3: // the internet without the metadata service, the usual way
		g.hit(BlockMetadata)
		return []*networkingv1.IPBlock{{CIDR: "0.0.0.0/0", Except: []string{"169.254.169.254/32", "10.0.0.0/8"}}}
	case 4: // what one excepts, the other allows (R41)
		g.hit(BlockExceptElsewhereAllowed)
		b := &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.0.0.0/29"}}
		return append(whole("10.0.0.2/31"), b)
	}
	g.hit(BlockCutsPodCIDR)
	cidr := pick(g, g.ofFamilies(pick(g, podCIDRs4), pick(g, podCIDRs6)))
	p := netip.MustParsePrefix(cidr)
	return whole(netip.PrefixFrom(p.Addr(), p.Bits()+1).String())
}

// block makes one ipBlock around an address of the alphabets.
func (g *generator) block() *networkingv1.IPBlock {
	cidr := g.prefix(g.target())
	b := &networkingv1.IPBlock{CIDR: cidr.String()}
	if cidr.Bits() < cidr.Addr().BitLen() && g.pct(pctExcept) {
		b.Except = g.excepts(cidr)
	}
	if g.pct(pctSloppy) {
		g.sloppy(b, cidr)
	}
	return b
}

// target is an address that a block may be about.
func (g *generator) target() netip.Addr {
	v6 := g.v6 && (!g.v4 || g.pct(40)) || g.pct(pctBlockIPv6)
	from := pick(g, [][]string{either(v6, podAddrs6, podAddrs4), either(v6, podAddrs6, podAddrs4), either(v6, nodeAddrs6, nodeAddrs4), either(v6, outside6, outside4)})
	return netip.MustParseAddr(pick(g, from))
}

// prefix makes a masked range around an address.
func (g *generator) prefix(a netip.Addr) netip.Prefix {
	bits := draw(g, blockBits)
	if a.Is6() {
		switch {
		case bits >= 29:
			bits += 96
		default:
			bits *= 4
		}
	}
	p := netip.PrefixFrom(a, bits).Masked()
	switch {
	case a.Is6() && bits == 0:
		g.hit(Block6All)
	case a.Is6() && bits == 128:
		g.hit(Block128)
	case a.Is6():
		g.hit(Block6)
	case bits == 0:
		g.hit(Block0)
	case bits == 1:
		g.hit(Block1)
	case bits == 32:
		g.hit(Block32)
	}
	return p
}

// excepts makes ranges strictly inside cidr (R42).
func (g *generator) excepts(cidr netip.Prefix) []string {
	g.hit(BlockExcept)
	if g.pct(12) { // both halves: nothing is left
		g.hit(BlockExceptCovering)
		low := netip.PrefixFrom(cidr.Addr(), cidr.Bits()+1)
		return []string{low.String(), upperHalf(cidr).String()}
	}
	first := g.inside(cidr)
	out := []string{first.String()}
	for g.pct(pctExceptMore) && len(out) < 3 {
		switch {
		case first.Bits() < first.Addr().BitLen() && g.pct(40):
			g.hit(BlockExceptNested)
			out = append(out, g.inside(first).String())
		case first.Bits() > cidr.Bits()+1 && g.pct(40):
			g.hit(BlockExceptOverlapping)
			out = append(out, netip.PrefixFrom(first.Addr(), first.Bits()-1).Masked().String())
		case g.pct(20):
			g.hit(BlockExceptTwice)
			out = append(out, first.String())
		default:
			out = append(out, g.inside(cidr).String())
		}
	}
	return out
}

// inside makes a range strictly inside p: around an address of the alphabets
// when p holds the one that was drawn, else at its start or in its upper half.
func (g *generator) inside(p netip.Prefix) netip.Prefix {
	longest := p.Addr().BitLen()
	bits := p.Bits() + 1 + g.r.IntN(longest-p.Bits())
	if g.pct(40) {
		bits = longest
	}
	for range 8 {
		if a := g.target(); p.Contains(a) {
			return netip.PrefixFrom(a, bits).Masked()
		}
	}
	if g.pct(50) {
		return upperHalf(p)
	}
	return netip.PrefixFrom(p.Addr(), bits)
}

// upperHalf is the half of p with its first free bit set.
func upperHalf(p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 1 << (7 - p.Bits()%8)
	a, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(a, p.Bits()+1)
}

// sloppy writes a block in one of the forms that the API server takes from old
// objects (R43). What it means does not change.
func (g *generator) sloppy(b *networkingv1.IPBlock, cidr netip.Prefix) {
	_, bits, _ := strings.Cut(b.CIDR, "/")
	if len(b.Except) > 0 && g.pct(40) {
		e := netip.MustParsePrefix(b.Except[0])
		switch {
		case e.Addr().Is4() && g.pct(20): // the API server compares the numbers after the slashes
			b.Except[0] = mapped(cidr)
			g.hit(ExceptMappedEqual)
		case e.Addr().Is4() && g.pct(40):
			b.Except[0] = mapped(e)
			g.hit(ExceptMapped)
		case e.Addr().Is4():
			b.Except[0] = leadingZeros(e)
		default:
			b.Except[0] = strings.ToUpper(e.Addr().StringExpanded()) + fmt.Sprintf("/%d", e.Bits())
		}
		g.hit(ExceptSloppy)
		return
	}
	if cidr.Addr().Is6() {
		if g.pct(20) && len(b.Except) == 0 {
			g.hit(BlockMappedShort)
			b.CIDR = fmt.Sprintf("::ffff:0:0/%d", pick(g, []int{0, 80, 90, 95}))
			return
		}
		g.hit(BlockLetters)
		b.CIDR = strings.ToUpper(cidr.Addr().StringExpanded()) + "/" + bits
		return
	}
	switch form := g.r.IntN(3); {
	case form == 0 && cidr.Bits() < 32:
		g.hit(BlockHostBits)
		a := cidr.Addr().As4()
		a[3] |= byte(1<<(32-max(cidr.Bits(), 24)) - 1)
		b.CIDR = netip.AddrFrom4(a).String() + "/" + bits
	case form == 1:
		g.hit(BlockLeadingZeros)
		b.CIDR = leadingZeros(cidr)
	default:
		g.hit(BlockMapped)
		b.CIDR = mapped(cidr)
		for i, e := range b.Except { // a shorter number after the slash would be rejected
			b.Except[i] = mapped(netip.MustParsePrefix(e))
		}
	}
}

func mapped(p netip.Prefix) string { return fmt.Sprintf("::ffff:%s/%d", p.Addr(), p.Bits()+96) }

func leadingZeros(p netip.Prefix) string {
	a := p.Addr().As4()
	return fmt.Sprintf("%03d.%d.%02d.%d/%d", a[0], a[1], a[2], a[3], p.Bits())
}
