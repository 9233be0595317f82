package solver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/podreach/podreach/model"
)

// Form says which fields of an Expr hold its meaning.
type Form uint8

// The forms of an endpoint expression. The zero Form is invalid.
const (
	FormNamed   Form = iota + 1 // Named: a word of Words
	FormPods                    // Pods: "{team=red}:app=web", "ml:app=web", "ml:", ":gpu", "app=web"
	FormAddress                 // Addr: its known owner, else the bare address
	FormRange                   // Prefix: its unowned addresses and the known owners inside
	FormPath                    // Namespace, Kind (may be ""), Name
)

// String is the form's name in lower case.
func (f Form) String() string {
	if f > FormPath {
		return fmt.Sprintf("form(%d)", uint8(f))
	}
	return [...]string{"invalid", "named", "pods", "address", "range", "path"}[f]
}

// The words of FormNamed.
const (
	WordAny      = "any"      // pods and outside addresses
	WordCluster  = "cluster"  // every pod
	WordOutside  = "outside"  // outside addresses
	WordNodes    = "nodes"    // nodes
	WordInternet = "internet" // the named address sets of R111
	WordPrivate  = "private"
	WordMetadata = "metadata"
)

// Words lists the words of FormNamed, as help shows them.
func Words() []string {
	return []string{WordAny, WordCluster, WordOutside, WordNodes, WordInternet, WordPrivate, WordMetadata}
}

// Expr is an endpoint expression: which pods, nodes and addresses a question
// speaks of. It is plain data and says nothing about a particular snapshot.
// The zero Expr is invalid; ParseExpr makes valid ones.
type Expr struct {
	Text string // as the user wrote it; not part of the meaning
	Form Form

	Named  string       // FormNamed
	Pods   model.PodSet // FormPods; host-network pods are meant as well
	Addr   netip.Addr   // FormAddress: without zone, never IPv4-mapped
	Prefix netip.Prefix // FormRange: masked, never IPv4-mapped (R43)

	// FormPath. Kind is a lower-case singular ("deployment", "pod",
	// "pytorchjob"); "" means every workload and every pod of the name. Name may
	// carry the index of a template's instance: "trainer[0]".
	Namespace, Kind, Name string
}

// String is the expression in canonical form: selectors sorted and with "="
// and "in (...)", prefixes masked, kinds in full. Parsing it gives e again,
// Text excepted.
func (e Expr) String() string {
	switch e.Form {
	case FormNamed:
		return e.Named
	case FormPods:
		return e.Pods.String()
	case FormAddress:
		return e.Addr.String()
	case FormRange:
		return e.Prefix.String()
	case FormPath:
		if e.Kind == "" {
			return e.Namespace + "/" + e.Name
		}
		return e.Namespace + "/" + e.Kind + "/" + e.Name
	}
	return ""
}

// ExprError says why an endpoint expression or a port list cannot be read.
type ExprError struct {
	Text       string // what was parsed
	Offset     int    // byte offset in Text of what is wrong
	Message    string // what was met and what was expected
	Suggestion string // the word or element that was probably meant; may be ""
}

// Code is the stable code of every ExprError (podreach explain PR1021).
func (e *ExprError) Code() string { return "PR1021" }

// Error is "TEXT, column N: message; did you mean SUGGESTION?". The column is
// left out when it is the first.
func (e *ExprError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", e.Text)
	if e.Offset > 0 {
		fmt.Fprintf(&b, ", column %d", e.Offset+1)
	}
	b.WriteString(": " + e.Message)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %s?", e.Suggestion)
	}
	return b.String()
}
