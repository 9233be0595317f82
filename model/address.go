package model

import "net/netip"

// Family is an IP address family.
type Family uint8

// The families. AnyFamily asks for the union over both (R46).
const (
	IPv4 Family = iota
	IPv6
	NumFamilies        = 2
	AnyFamily   Family = 2
)

// String is "IPv4", "IPv6" or "any".
func (f Family) String() string { return [...]string{"IPv4", "IPv6", "any"}[f] }

// FamilyOf returns the family of a. IPv4-mapped IPv6 addresses count as IPv4.
func FamilyOf(a netip.Addr) Family {
	if a.Is4() || a.Is4In6() {
		return IPv4
	}
	return IPv6
}

// AddressState is what a snapshot says about a pod's address in one family.
type AddressState uint8

// The states (R46, R47). The zero value is AddressNone.
const (
	AddressNone    AddressState = iota // the pod has no address of this family
	AddressKnown                       // Address.Addr
	AddressUnknown                     // it has one; which is not said
	AddressMaybe                       // whether it has one is not said, nor which
)

// Address is a pod's address in one family.
type Address struct {
	State AddressState
	Addr  netip.Addr // when State is AddressKnown; never IPv4-mapped

	// Shadowed is set when a running pod has the same address, so that it is
	// the one that the address means in a question (R62). The pod still uses it.
	Shadowed bool
}

// Block is an ipBlock: the addresses of CIDR that are in none of Except (R41).
type Block struct {
	CIDR         netip.Prefix   // masked
	Except       []netip.Prefix // masked, of the same family
	ExternalOnly bool           // never matches pods and nodes (ipBlockMatches=external-only, R45)
}

// Contains reports whether the block holds a.
func (b Block) Contains(a netip.Addr) bool {
	if !b.CIDR.Contains(a) {
		return false
	}
	for _, e := range b.Except {
		if e.Contains(a) {
			return false
		}
	}
	return true
}

// String is "10.0.0.0/8 except 10.1.0.0/16,10.2.0.0/16".
func (b Block) String() string {
	s := b.CIDR.String()
	for i, e := range b.Except {
		if i == 0 {
			s += " except "
		} else {
			s += ","
		}
		s += e.String()
	}
	return s
}

// The named address sets of R111, from the IANA special-purpose registries.
// They are the raw lists; the cluster's own ranges are taken out where R111
// says so by whoever uses them.
var (
	// Special4 is the IPv4 space that is not public.
	Special4 = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
	// Public6 is the public IPv6 space, before Public6Except is taken out.
	Public6 = prefixes("2000::/3")
	// Public6Except is the part of Public6 that is not public.
	Public6Except = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	// Private is RFC 1918, RFC 6598 and unique local IPv6.
	Private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
	// Metadata is the addresses of cloud metadata services.
	Metadata = prefixes("169.254.169.254/32", "fd00:ec2::254/128")
	// AssumedPodAddresses is where pods of unknown address are assumed to be
	// when no pod CIDR is known (R47).
	AssumedPodAddresses = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)

func prefixes(s ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(s))
	for i := range s {
		out[i] = netip.MustParsePrefix(s[i])
	}
	return out
}
