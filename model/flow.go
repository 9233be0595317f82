package model

// Verdict answers whether one connection is possible.
type Verdict uint8

// The verdicts. The zero value is Unknown, so that an answer that was never
// computed does not read as "denied".
const (
	Unknown Verdict = iota // the snapshot does not say
	Allowed
	Denied
)

// String is "uncertain", "allowed" or "denied".
func (v Verdict) String() string { return [...]string{"uncertain", "allowed", "denied"}[v] }

// Bounds is what is known of the connections between two endpoints: Lower is
// certainly possible, nothing outside Upper is. Lower ⊆ Upper; they are equal
// when the snapshot says all that matters (R6).
type Bounds struct {
	Lower, Upper PortSet
	Other        Other // protocols outside TCP, UDP and SCTP (R84)
}

// Exact reports whether the bounds coincide.
func (b Bounds) Exact() bool { return b.Lower.Equal(b.Upper) }

// Verdict returns the verdict for one port.
func (b Bounds) Verdict(p Protocol, port uint16) Verdict {
	switch {
	case b.Lower.Contains(p, port):
		return Allowed
	case b.Upper.Contains(p, port):
		return Unknown
	}
	return Denied
}
