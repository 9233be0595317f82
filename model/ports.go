package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Protocol is a transport protocol that has ports.
type Protocol uint8

// The protocols of the connection universe U (R1).
const (
	TCP Protocol = iota
	UDP
	SCTP
	NumProtocols = 3
)

// String is "TCP", "UDP" or "SCTP".
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	case SCTP:
		return "SCTP"
	}
	return "Protocol(" + strconv.Itoa(int(p)) + ")"
}

// ParseProtocol reads an exact API protocol name (R29: upper case only).
func ParseProtocol(s string) (Protocol, bool) {
	switch s {
	case "TCP":
		return TCP, true
	case "UDP":
		return UDP, true
	case "SCTP":
		return SCTP, true
	}
	return 0, false
}

// MaxPort is the highest port number; the lowest is 1 (R1).
const MaxPort = 65535

// PortRange is a closed interval of destination ports of one protocol,
// 1 <= First <= Last.
type PortRange struct {
	Protocol    Protocol
	First, Last uint16
}

// Contains reports whether the range holds the port.
func (r PortRange) Contains(p Protocol, port uint16) bool {
	return p == r.Protocol && r.First <= port && port <= r.Last
}

// String is "TCP 80" or "TCP 80-90".
func (r PortRange) String() string {
	if r.First == r.Last {
		return fmt.Sprintf("%v %d", r.Protocol, r.First)
	}
	return fmt.Sprintf("%v %d-%d", r.Protocol, r.First, r.Last)
}

// PortSet is an immutable set of (protocol, destination port) pairs, kept as
// sorted, disjoint, non-adjacent closed intervals per protocol (R4, M3). The
// zero PortSet is empty. Set operations cost O(ranges of both). Values may be
// copied and shared between goroutines.
type PortSet struct {
	r []PortRange
}

// AllPorts is U: every port of TCP, UDP and SCTP.
func AllPorts() PortSet { return allPorts }

var allPorts = PortSet{[]PortRange{{TCP, 1, MaxPort}, {UDP, 1, MaxPort}, {SCTP, 1, MaxPort}}}

// Ports makes the set of the given ranges, in any order, overlapping or not.
// Ranges with First 0 or First > Last are a programming error and panic.
func Ports(ranges ...PortRange) PortSet {
	if len(ranges) == 0 {
		return PortSet{}
	}
	for _, r := range ranges {
		if r.First == 0 || r.First > r.Last || r.Protocol >= NumProtocols {
			panic(fmt.Sprintf("model: invalid port range %v %d-%d", r.Protocol, r.First, r.Last))
		}
	}
	s := slices.Clone(ranges)
	slices.SortFunc(s, func(a, b PortRange) int {
		if a.Protocol != b.Protocol {
			return int(a.Protocol) - int(b.Protocol)
		}
		return int(a.First) - int(b.First)
	})
	out := s[:1]
	for _, r := range s[1:] {
		last := &out[len(out)-1]
		if last.Protocol == r.Protocol && uint32(r.First) <= uint32(last.Last)+1 {
			last.Last = max(last.Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return PortSet{slices.Clip(out)}
}

// Port is the set of one port, which must not be 0.
func Port(p Protocol, port uint16) PortSet { return Ports(PortRange{p, port, port}) }

// Ranges returns the canonical ranges, sorted by protocol and first port. The
// caller must not change them.
func (s PortSet) Ranges() []PortRange { return s.r }

// Empty reports whether s holds nothing.
func (s PortSet) Empty() bool { return len(s.r) == 0 }

// All reports whether s is U.
func (s PortSet) All() bool { return s.Equal(allPorts) }

// Equal reports set equality.
func (s PortSet) Equal(t PortSet) bool { return slices.Equal(s.r, t.r) }

// Contains reports whether s holds the port.
func (s PortSet) Contains(p Protocol, port uint16) bool {
	for _, r := range s.r {
		if r.Contains(p, port) {
			return true
		}
	}
	return false
}

// Union returns s ∪ t.
func (s PortSet) Union(t PortSet) PortSet {
	switch {
	case len(s.r) == 0:
		return t
	case len(t.r) == 0:
		return s
	}
	return Ports(append(slices.Clone(s.r), t.r...)...)
}

// Intersect returns s ∩ t.
func (s PortSet) Intersect(t PortSet) PortSet {
	var out []PortRange
	for i, j := 0, 0; i < len(s.r) && j < len(t.r); {
		a, b := s.r[i], t.r[j]
		if a.Protocol == b.Protocol {
			if lo, hi := max(a.First, b.First), min(a.Last, b.Last); lo <= hi {
				out = append(out, PortRange{a.Protocol, lo, hi})
			}
		}
		if a.endsBefore(b) {
			i++
		} else {
			j++
		}
	}
	return PortSet{out} // pieces of two canonical sets are disjoint, sorted and not adjacent
}

// endsBefore reports whether r's last port comes before o's, protocols first.
func (r PortRange) endsBefore(o PortRange) bool {
	return r.Protocol < o.Protocol || r.Protocol == o.Protocol && r.Last < o.Last
}

// Minus returns s \ t.
func (s PortSet) Minus(t PortSet) PortSet {
	var out []PortRange
	skip := 0 // ranges of t that end before a begins, and so before all that follow
	for _, a := range s.r {
		next := uint32(a.First)
		for skip < len(t.r) && t.r[skip].endsBefore(PortRange{a.Protocol, a.First, a.First}) {
			skip++
		}
		for _, b := range t.r[skip:] {
			if b.Protocol != a.Protocol || b.First > a.Last {
				break
			}
			if uint32(b.First) > next {
				out = append(out, PortRange{a.Protocol, uint16(next), b.First - 1})
			}
			next = max(next, uint32(b.Last)+1)
		}
		if next <= uint32(a.Last) {
			out = append(out, PortRange{a.Protocol, uint16(next), a.Last})
		}
	}
	return PortSet{out}
}

// ContainsAll reports t ⊆ s.
func (s PortSet) ContainsAll(t PortSet) bool { return t.Minus(s).Empty() }

// Overlaps reports whether s ∩ t is not empty.
func (s PortSet) Overlaps(t PortSet) bool {
	return !s.Intersect(t).Empty()
}

// String is "ALL", "NONE", or protocols with their ranges:
// "TCP 80,443-445 UDP 53".
func (s PortSet) String() string {
	switch {
	case s.Empty():
		return "NONE"
	case s.All():
		return "ALL"
	}
	var b strings.Builder
	for i, r := range s.r {
		switch {
		case i == 0:
			b.WriteString(r.Protocol.String() + " ")
		case s.r[i-1].Protocol != r.Protocol:
			b.WriteString(" " + r.Protocol.String() + " ")
		default:
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.First)))
		if r.Last != r.First {
			b.WriteString("-" + strconv.Itoa(int(r.Last)))
		}
	}
	return b.String()
}

// Other is what is known of the protocols outside U, such as ICMP (R1, R84).
// The zero value is OtherNo. It orders No < Unspecified < Yes.
type Other uint8

// The values of Other.
const (
	OtherNo          Other = iota // denied; in Rule.Ports: the rule does not match them
	OtherUnspecified              // Kubernetes leaves it to the network plugin
	OtherYes                      // allowed; in Rule.Ports: the rule matches them
)

// String is "no", "unspecified" or "yes".
func (o Other) String() string { return [...]string{"no", "unspecified", "yes"}[o] }

// NamedPort is a port name with its protocol, to be resolved on the
// destination pod (R33).
type NamedPort struct {
	Name     string
	Protocol Protocol
}

// RulePorts says which destination ports a rule matches: All, or the union of
// Set and of whatever Named resolves to on the destination.
type RulePorts struct {
	All   bool
	Set   PortSet
	Named []NamedPort
	Other Other // OtherUnspecified: the rule decides them as "unspecified"
}
