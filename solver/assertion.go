package solver

import (
	"github.com/podreach/podreach/model"
)

// Expect says what an Assertion wants of the pairs of its two sides.
type Expect uint8

// The expectations. The zero Expect is invalid.
const (
	Isolated  Expect = iota + 1 // no pair connects on any of the ports
	Reachable                   // every pair connects: on every port that is named, or, when none is, on some port
	Exists                      // some pair connects on some of the ports
	Only                        // nobody but From connects to To on any of the ports
	Covered                     // policies isolate every pod of From in the directions
	DNS                         // every pod of From whose egress a policy restricts reaches every one of To on UDP 53 and TCP 53
)

var expectations = [...]string{"", "isolated", "reachable", "exists", "only", "covered", "dns"}

// String is the word of an assertions file.
func (e Expect) String() string { return expectations[e] }

// ParseExpect reads the word of an assertions file.
func ParseExpect(s string) (Expect, bool) {
	for e, word := range expectations {
		if e > 0 && s == word {
			return Expect(e), true
		}
	}
	return 0, false
}

// Severity says how bad it is when an assertion does not hold.
type Severity uint8

// The severities. The zero Severity is High.
const (
	High Severity = iota
	Critical
	Medium
	Low
	Info
)

var severities = [...]string{"high", "critical", "medium", "low", "info"}

// String is the word of an assertions file.
func (s Severity) String() string { return severities[s] }

// ParseSeverity reads the word of an assertions file.
func ParseSeverity(s string) (Severity, bool) {
	for i, word := range severities {
		if s == word {
			return Severity(i), true
		}
	}
	return 0, false
}

// Rank orders severities: 0 is the worst.
func (s Severity) Rank() int { return [...]int{High: 1, Critical: 0, Medium: 2, Low: 3, Info: 4}[s] }

// Side is one side of an assertion: the union of what its expressions mean. A
// nil Side was not given.
type Side []Expr

// String is the expressions with "or" between.
func (s Side) String() string {
	out := ""
	for i, e := range s {
		if i > 0 {
			out += " or "
		}
		if e.Text != "" {
			out += e.Text
		} else {
			out += e.String()
		}
	}
	return out
}

// Exception carves pairs out of an assertion, or some of their ports. A side
// that is not given is every endpoint.
type Exception struct {
	From, To Side
	Ports    PortQuery // the zero PortQuery is every port
}

// Waiver accepts that pairs of an assertion are not as it wants, on any port. A
// side that is not given is every endpoint.
type Waiver struct {
	From, To Side
	Owner    string
	Reason   string
	Expires  string // as it was written
	Expired  bool   // it counts no more
}

// Assertion states what must hold. It is plain data. Its sides are resolved
// when it is checked.
type Assertion struct {
	ID       string // unique and stable
	Title    string
	Severity Severity
	Because  string
	Maps     []string
	Expect   Expect

	// From is who connects, To is to whom. Covered has no To. For DNS a nil
	// From is every pod, and a nil To the pods k8s-app=kube-dns of kube-system.
	From, To   Side
	Ports      PortQuery                 // the zero PortQuery is every port
	Directions [model.NumDirections]bool // Covered
	Except     []Exception
	Waivers    []Waiver

	// AllowEmpty accepts expressions that select nothing.
	AllowEmpty bool
}

// everyPort reports whether no port was named.
func (q PortQuery) everyPort() bool {
	return q.Any || q.Set.Empty() && len(q.Names) == 0
}

// DNSPods is what DNS means by the DNS pods unless it says otherwise.
func DNSPods() Side {
	return Side{{Text: "kube-system:k8s-app=kube-dns", Form: FormPods, Pods: model.PodSet{
		Namespace: "kube-system", Pods: model.Selector{{Key: "k8s-app", Operator: model.In, Values: []string{"kube-dns"}}},
	}}}
}

// everyPod is the expression "cluster".
func everyPod() Side { return Side{{Text: WordCluster, Form: FormNamed, Named: WordCluster}} }
