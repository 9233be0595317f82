package solver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
)

// ParseExpr reads an endpoint expression. What it is, is decided in this order:
//
//  1. a word of Words
//  2. "@ROLE"                                           not available yet
//  3. "{NSSELECTOR}:SELECTOR", "{NSSELECTOR}:"          pods by the labels of their namespace
//  4. "8.8.8.8", "10.0.0.0/8", "fd00::/8"               an address or a range
//  5. with ':': "NS:SELECTOR", "NS:", ":SELECTOR"       pods of one namespace, or of all
//  6. with "=", "!", " in (" or " notin (": "SELECTOR"  pods of all namespaces
//  7. with one or two '/': "NS/NAME", "NS/KIND/NAME"    workloads and pods by name
//  8. anything else is an error
//
// Selectors are kubectl's; an absent key matches k!=v and "k notin (v)" (R20).
// White space around the expression does not count. Every error is an
// *ExprError. It costs O(len(s)).
func ParseExpr(s string) (Expr, error) {
	p := exprParser{strings.TrimSpace(s)}
	e, err := p.parse()
	if err != nil {
		err.Text = s
		err.Offset += strings.Index(s, p.s)
		return Expr{}, err
	}
	e.Text = s
	return e, nil
}

// exprParser holds the expression without the white space around it. Offsets
// in its errors are offsets in s.
type exprParser struct{ s string }

func (p *exprParser) parse() (Expr, *ExprError) {
	s := p.s
	for _, w := range Words() {
		if s == w {
			return Expr{Form: FormNamed, Named: w}, nil
		}
	}
	if strings.HasPrefix(s, "@") {
		return Expr{}, &ExprError{Message: "roles (@...) are not known; select pods by labels, such as :app=trainer"}
	}
	if strings.HasPrefix(s, "{") {
		return p.byNamespaceLabels()
	}
	if e, ok, err := p.address(); ok || err != nil {
		return e, err
	}
	switch {
	case strings.Contains(s, ":"):
		return p.byNamespace()
	case strings.ContainsAny(s, "=!"), strings.Contains(s, " in ("), strings.Contains(s, " notin ("):
		return p.pods(model.PodSet{}, s, 0)
	case strings.Contains(s, "/"):
		return p.path()
	}
	return Expr{}, p.unknown()
}

// pods completes a FormPods with the pod selector that is at offset.
func (p *exprParser) pods(set model.PodSet, selector string, offset int) (Expr, *ExprError) {
	var err *ExprError
	if set.Pods, err = parseSelector(selector); err != nil {
		err.Offset += offset
		return Expr{}, err
	}
	return Expr{Form: FormPods, Pods: set}, nil
}

func (p *exprParser) byNamespaceLabels() (Expr, *ExprError) {
	namespaces, rest, closed := strings.Cut(p.s[1:], "}")
	after := len("{") + len(namespaces) + len("}")
	if !closed {
		return Expr{}, &ExprError{Offset: len(p.s), Message: "expected '}' after the namespace selector"}
	}
	if !strings.HasPrefix(rest, ":") {
		return Expr{}, &ExprError{Offset: after, Message: "expected ':' and a pod selector after '}'"}
	}
	set := model.PodSet{}
	var err *ExprError
	if set.Namespaces, err = parseSelector(namespaces); err != nil {
		err.Offset++
		return Expr{}, err
	}
	if len(set.Namespaces) == 0 {
		return Expr{}, &ExprError{Offset: 1, Message: "expected a namespace selector between the braces; every namespace is written :SELECTOR"}
	}
	return p.pods(set, rest[1:], after+1)
}

func (p *exprParser) byNamespace() (Expr, *ExprError) {
	namespace, selector, _ := strings.Cut(p.s, ":")
	if a, err := netip.ParseAddrPort(p.s); err == nil {
		return Expr{}, &ExprError{Offset: strings.LastIndexByte(p.s, ':'), Message: "an address takes no port, ports are given apart", Suggestion: a.Addr().String()}
	}
	set := model.PodSet{Namespace: namespace}
	if namespace == "" {
		if strings.TrimSpace(selector) == "" {
			return Expr{}, &ExprError{Message: "expected a namespace or a selector beside ':'", Suggestion: WordCluster}
		}
	} else if err := p.namespace(namespace, ":"+selector); err != nil {
		return Expr{}, err
	}
	return p.pods(set, selector, len(namespace)+1)
}

// namespace checks a namespace name that starts the expression; rest is what
// follows it.
func (p *exprParser) namespace(name, rest string) *ExprError {
	if isDNSLabel(name) {
		return nil
	}
	err := &ExprError{Message: fmt.Sprintf("%q is not a namespace name: expected at most 63 lower-case letters, digits or '-'", name)}
	if lower := strings.ToLower(name); isDNSLabel(lower) {
		err.Suggestion = lower + rest
	}
	return err
}

// address reads form 4. What only looks like an address is an error, so that a
// slip in it is not taken for a namespace.
func (p *exprParser) address() (Expr, bool, *ExprError) {
	head, bits, isRange := strings.Cut(p.s, "/")
	a, err := netip.ParseAddr(head)
	switch {
	case err != nil && !looksLikeAddress(head):
		return Expr{}, false, nil
	case err != nil:
		return Expr{}, false, &ExprError{Message: fmt.Sprintf("%q is not an IP address", head)}
	case a.Zone() != "":
		return Expr{}, false, &ExprError{Offset: strings.IndexByte(p.s, '%'), Message: "expected an address without a zone", Suggestion: strings.Replace(p.s, "%"+a.Zone(), "", 1)}
	case !isRange:
		return Expr{Form: FormAddress, Addr: a.Unmap()}, true, nil
	}
	prefix, err := netip.ParsePrefix(p.s)
	if err != nil {
		return Expr{}, false, &ExprError{Offset: len(head) + 1, Message: fmt.Sprintf("%q is not a prefix length, expected 0 to %d", bits, a.BitLen())}
	}
	if a.Is4In6() && prefix.Bits() >= 96 { // R43
		prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
	}
	return Expr{Form: FormRange, Prefix: prefix.Masked()}, true, nil
}

// looksLikeAddress reports whether s can only have been meant as an address:
// digits and dots, or hexadecimal digits with two colons.
func looksLikeAddress(s string) bool {
	rest := strings.Trim(s, "0123456789.")
	if rest == "" {
		return strings.Contains(s, ".")
	}
	return strings.Count(s, ":") >= 2 && strings.Trim(s, "0123456789abcdefABCDEF:.") == ""
}

func (p *exprParser) path() (Expr, *ExprError) {
	parts := strings.Split(p.s, "/")
	if len(parts) > 3 {
		return Expr{}, &ExprError{Message: fmt.Sprintf("found %d '/', expected NS/NAME or NS/KIND/NAME", len(parts)-1)}
	}
	offset := 0
	for i, part := range parts {
		if part == "" {
			what := [...]string{"a namespace before", "a kind after", "a name after"}
			if i > 0 && i == len(parts)-1 {
				i = 2
			}
			return Expr{}, &ExprError{Offset: offset, Message: "expected " + what[i] + " '/'"}
		}
		offset += len(part) + 1
	}
	e := Expr{Form: FormPath, Namespace: parts[0], Name: parts[len(parts)-1]}
	nameAt := len(p.s) - len(e.Name)
	if err := p.namespace(e.Namespace, p.s[len(e.Namespace):]); err != nil {
		return Expr{}, err
	}
	if len(parts) == 3 {
		e.Kind = Kind(parts[1])
		kindAt := len(e.Namespace) + 1
		switch {
		case e.Kind == "service":
			return Expr{}, &ExprError{Offset: kindAt, Message: "services are not available"}
		case !isDNSSubdomain(e.Kind):
			return Expr{}, &ExprError{Offset: kindAt, Message: fmt.Sprintf("%q is not a kind", parts[1])}
		}
	}
	if e.Name == "*" {
		return Expr{}, &ExprError{Offset: nameAt, Message: "expected a name", Suggestion: e.Namespace + ":"}
	}
	for i := range len(e.Name) {
		if c := e.Name[i]; c <= ' ' || c >= 0x7f {
			return Expr{}, &ExprError{Offset: nameAt + i, Message: fmt.Sprintf("%q is not a name", e.Name)}
		}
	}
	return e, nil
}

// Kind returns the lower-case singular of a kind that is written as kubectl
// takes it: "deploy", "Deployments" and "deployment" are "deployment". Kinds
// that are not built in, such as those of custom resources, are only put in
// lower case.
func Kind(s string) string {
	switch s = strings.ToLower(s); s {
	case "po", "pods":
		return "pod"
	case "deploy", "deployments":
		return "deployment"
	case "sts", "statefulsets":
		return "statefulset"
	case "ds", "daemonsets":
		return "daemonset"
	case "rs", "replicasets":
		return "replicaset"
	case "rc", "replicationcontrollers":
		return "replicationcontroller"
	case "jobs":
		return "job"
	case "cj", "cronjobs":
		return "cronjob"
	case "svc", "services":
		return "service"
	}
	return s
}

// unknown is the error of form 8.
func (p *exprParser) unknown() *ExprError {
	err := &ExprError{
		Message:    "expected " + strings.Join(Words(), ", ") + ", an address, NS:SELECTOR, KEY=VALUE or NS/NAME",
		Suggestion: nearest.Of(p.s, Words()),
	}
	if sel, bad := parseSelector(p.s); bad == nil && len(sel) > 0 {
		err.Message += "; a bare key is written :" + p.s
	}
	return err
}
