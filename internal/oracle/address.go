package oracle

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
)

// fact is what the objects say about an endpoint's addresses in one family.
// The zero fact: it has none.
type fact struct {
	known   []netip.Addr // it has all of these
	unknown []netip.Addr // it has one of these, or of those that no policy tells apart from one of these
	maybe   bool         // it has one of unknown, or none
}

// asSource returns the address that the endpoint uses, one for each world; the
// invalid address is "none". Which of its addresses a node uses is not said.
func (f fact) asSource() []netip.Addr {
	out := slices.Concat(f.known, f.unknown)
	if f.maybe || len(out) == 0 {
		out = append(out, netip.Addr{})
	}
	return out
}

// asDestination returns all addresses that the endpoint has, for each world: a
// client may use any of them.
func (f fact) asDestination() [][]netip.Addr {
	if f.unknown == nil {
		return [][]netip.Addr{f.known}
	}
	var out [][]netip.Addr
	for _, a := range f.unknown {
		out = append(out, []netip.Addr{a})
	}
	if f.maybe {
		out = append(out, nil)
	}
	return out
}

// domains is where unknown addresses can be (R47), and in which families they
// exist.
type domains struct {
	pods  [model.NumFamilies][]netip.Prefix
	state [model.NumFamilies]existence
}

type existence int

const (
	absent existence = iota
	present
	perhaps
)

var anywhere = [model.NumFamilies]netip.Prefix{
	model.IPv4: netip.MustParsePrefix("0.0.0.0/0"),
	model.IPv6: netip.MustParsePrefix("::/0"),
}

func (o *Oracle) readDomains(w World) (domains, error) {
	var d domains
	evidence6 := false
	for _, n := range o.byEnd { // there are only nodes yet
		evidence6 = evidence6 || slices.ContainsFunc(n.status, netip.Addr.Is6)
	}
	for _, s := range w.PodCIDRs {
		p, ok := parseCIDR(s)
		if !ok {
			return d, fmt.Errorf("oracle: pod CIDR %q", s)
		}
		d.addPods(p)
	}
	for _, s := range w.ServiceCIDRs {
		p, ok := parseCIDR(s)
		if !ok {
			return d, fmt.Errorf("oracle: service CIDR %q", s)
		}
		evidence6 = evidence6 || p.Addr().Is6()
	}
	for _, n := range w.Nodes { // R110
		cidrs := n.Spec.PodCIDRs
		if len(cidrs) == 0 {
			cidrs = []string{n.Spec.PodCIDR}
		}
		for _, s := range cidrs {
			if p, ok := parseCIDR(s); ok {
				d.addPods(p)
			}
		}
	}
	for i := range w.Pods {
		for _, a := range statusAddresses(&w.Pods[i]) {
			evidence6 = evidence6 || a.Is6()
		}
	}
	evidence6 = evidence6 || len(d.pods[model.IPv6]) > 0
	if len(d.pods[model.IPv4]) == 0 {
		d.pods[model.IPv4] = []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
		}
	}
	if len(d.pods[model.IPv6]) == 0 {
		d.pods[model.IPv6] = []netip.Prefix{netip.MustParsePrefix("fc00::/7")}
	}
	switch {
	case len(w.Families) > 0:
		for _, f := range w.Families {
			switch f {
			case "IPv4":
				d.state[model.IPv4] = present
			case "IPv6":
				d.state[model.IPv6] = present
			default:
				return d, fmt.Errorf("oracle: family %q", f)
			}
		}
	case evidence6:
		d.state = [model.NumFamilies]existence{present, present}
	default:
		d.state = [model.NumFamilies]existence{present, perhaps}
	}
	return d, nil
}

func (d *domains) addPods(p netip.Prefix) {
	f := model.FamilyOf(p.Addr())
	d.pods[f] = append(d.pods[f], p)
}

// hold widens the domain of a family to all of it where the address of a pod
// contradicts it (R47).
func (d *domains) hold(endpoints []*endpoint) {
	for _, e := range endpoints {
		var seen [model.NumFamilies]bool // the first address of a family is the pod's (R46)
		for _, a := range e.status {
			f := model.FamilyOf(a)
			if e.kind != pod || e.hostNetwork || seen[f] {
				continue
			}
			seen[f] = true
			if !slices.ContainsFunc(d.pods[f], func(p netip.Prefix) bool { return p.Contains(a) }) {
				d.pods[f] = []netip.Prefix{anywhere[f]}
			}
		}
	}
}

// candidates returns one address of each piece into which the boundaries cut
// the domain (R6, R109). Pieces that are some other endpoint's address count
// too: that no two pods share an address is nowhere said (R62).
func (o *Oracle) candidates(domain []netip.Prefix) []netip.Addr {
	var starts []netip.Addr // of pieces
	for _, b := range o.boundaries {
		starts = append(starts, b.Addr())
		if next := lastAddr(b).Next(); next.IsValid() {
			starts = append(starts, next)
		}
	}
	var out []netip.Addr
	for _, d := range domain {
		out = append(out, d.Addr())
		for _, a := range starts {
			if d.Contains(a) {
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// lastAddr returns the highest address of p.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// parseCIDR is the sloppy parser of R43: leading zeros are decimal, host bits
// are masked off, an IPv4-mapped address with 96 bits or more is IPv4.
func parseCIDR(s string) (netip.Prefix, bool) {
	addr, length, ok := strings.Cut(s, "/")
	if !ok {
		return netip.Prefix{}, false
	}
	a, ok := parseAnyAddr(addr)
	if !ok || length == "" {
		return netip.Prefix{}, false
	}
	bits := 0
	for _, c := range length {
		if c < '0' || c > '9' {
			return netip.Prefix{}, false
		}
		if bits = bits*10 + int(c-'0'); bits > a.BitLen() {
			return netip.Prefix{}, false
		}
	}
	if a.Is4In6() && bits >= 96 {
		a, bits = a.Unmap(), bits-96
	}
	return netip.PrefixFrom(a, bits).Masked(), true
}

// parseAddr reads a status address; IPv4-mapped addresses are IPv4.
func parseAddr(s string) (netip.Addr, bool) {
	a, ok := parseAnyAddr(s)
	return a.Unmap(), ok
}

// parseAnyAddr reads an address with any number of leading zeros. netip refuses
// those, so they are taken off every group of digits first.
func parseAnyAddr(s string) (netip.Addr, bool) {
	if strings.Contains(s, "%") { // netip would accept a zone
		return netip.Addr{}, false
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		end := i
		for end < len(s) && s[end] != '.' && s[end] != ':' {
			end++
		}
		group := s[i:end]
		for len(group) > 1 && group[0] == '0' {
			group = group[1:]
		}
		b.WriteString(group)
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		i = end
	}
	a, err := netip.ParseAddr(b.String())
	return a, err == nil
}
