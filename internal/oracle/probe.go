package oracle

import (
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model"
)

// PortProbe is a port worth asking about.
type PortProbe struct {
	Protocol model.Protocol
	Port     uint16
}

// Atoms returns outside addresses worth asking about: both sides of every
// boundary that the world has, and some well-known addresses; none that a pod
// or node owns. Sorted, without duplicates.
func (o *Oracle) Atoms() []netip.Addr {
	var out []netip.Addr
	add := func(a netip.Addr) {
		if a.IsValid() && !a.Is4In6() && o.byAddr[a] == nil {
			out = append(out, a)
		}
	}
	for _, b := range o.boundaries {
		first, last := b.Addr(), lastAddr(b)
		add(first)
		add(last)
		add(first.Prev())
		add(last.Next())
	}
	for _, s := range []string{
		"1.1.1.1", "8.8.8.8", "10.255.255.254", "169.254.169.254", "172.20.0.5", "192.0.2.1", "224.0.0.1",
		"2001:4860:4860::8888", "2001:db8::1", "fd00:ec2::254", "fe80::1",
	} {
		add(netip.MustParseAddr(s))
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// Owner is an address that one pod or node owns.
type Owner struct {
	Addr netip.Addr
	End  End
}

// Owners returns the addresses of which it is known which pod or node they mean
// (R62), sorted.
func (o *Oracle) Owners() []Owner {
	var out []Owner
	for a, owners := range o.byAddr {
		if len(owners) == 1 {
			out = append(out, Owner{a, owners[0].end})
		}
	}
	slices.SortFunc(out, func(a, b Owner) int { return a.Addr.Compare(b.Addr) })
	return out
}

// Ports returns ports worth asking about: every bound of a policy's ports and
// every named container port, with its neighbours, and some well-known ports,
// in all protocols. Sorted, without duplicates.
func (o *Oracle) Ports() []PortProbe {
	numbers := []int{1, 53, 80, 443, 8080, 65535}
	add := func(n uint16) { numbers = append(numbers, int(n)-1, int(n), int(n)+1) }
	for _, p := range o.policies {
		for _, rules := range p.rules {
			for _, r := range rules {
				for _, e := range r.ports {
					if !e.all && e.name == "" {
						add(e.first)
						add(e.last)
					}
				}
			}
		}
	}
	for _, p := range o.admin {
		for _, rules := range p.rules {
			for _, r := range rules {
				for _, e := range r.ports {
					if !e.named {
						add(uint16(e.first))
						add(uint16(e.last))
					}
				}
			}
		}
	}
	for _, e := range o.endpoints {
		for _, p := range e.ports {
			add(p.number)
		}
	}
	slices.Sort(numbers)
	var out []PortProbe
	for _, n := range slices.Compact(numbers) {
		for p := model.TCP; p < model.NumProtocols; p++ {
			if 1 <= n && n <= model.MaxPort {
				out = append(out, PortProbe{p, uint16(n)})
			}
		}
	}
	return out
}
