package solver

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/model"
)

// parseSelector reads a label selector in kubectl's syntax. It accepts what
// labels.Parse of k8s.io/apimachinery accepts, with the same meaning, but for
// the operators > and < (policies have no such operator, R21) and for NUL
// bytes. The result is canonical: sorted, without duplicates. An error carries
// the offset in s and the message; its Text is for the caller to fill in.
//
// As there, "k=" asks for the empty value, "k in ()" means k in (""), and "in"
// and "notin" are ordinary keys and values where no operator can stand.
func parseSelector(s string) (model.Selector, *ExprError) {
	p := selectorParser{s: s}
	p.advance()
	var out model.Selector
	for p.tok.kind != end {
		r, err := p.requirement()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
		switch p.tok.kind {
		case end:
		case comma:
			p.advance()
			if p.tok.kind != word && p.tok.kind != not {
				return nil, p.expected("a label key after ','")
			}
		default:
			return nil, p.expected("',' or the end")
		}
	}
	return out.Canonical(), nil
}

// tokenKind is a kind of token of a label selector. "in" and "notin" are words
// that the parser takes for operators after a key.
type tokenKind uint8

const (
	end tokenKind = iota
	word
	comma
	open
	closed
	equal // = and ==
	notEqual
	not
	compare // > and <
	bad
)

type token struct {
	kind tokenKind
	text string
	at   int
}

type selectorParser struct {
	s   string
	pos int
	tok token
}

// advance reads the next token. Symbols are read longest first.
func (p *selectorParser) advance() {
	for p.pos < len(p.s) && isSpace(p.s[p.pos]) {
		p.pos++
	}
	start, kind := p.pos, end
	if p.pos < len(p.s) {
		width := 1
		switch c := p.s[p.pos]; {
		case c == ',':
			kind = comma
		case c == '(':
			kind = open
		case c == ')':
			kind = closed
		case strings.HasPrefix(p.s[p.pos:], "=="):
			kind, width = equal, 2
		case c == '=':
			kind = equal
		case strings.HasPrefix(p.s[p.pos:], "!="):
			kind, width = notEqual, 2
		case c == '!':
			kind = not
		case c == '<' || c == '>':
			kind = compare
		case c == 0:
			kind = bad
		default:
			kind, width = word, strings.IndexFunc(p.s[p.pos:], func(r rune) bool {
				return r < 0x80 && (isSpace(byte(r)) || strings.IndexByte("=!(),<>\x00", byte(r)) >= 0)
			})
			if width < 0 {
				width = len(p.s) - p.pos
			}
		}
		p.pos += width
	}
	p.tok = token{kind, p.s[start:p.pos], start}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// requirement reads [!]KEY, KEY=VALUE, KEY!=VALUE, KEY in (...), KEY notin (...).
func (p *selectorParser) requirement() (model.Requirement, *ExprError) {
	r := model.Requirement{Operator: model.Exists}
	if p.tok.kind == not {
		r.Operator = model.DoesNotExist
		p.advance()
	}
	if p.tok.kind != word {
		return r, p.expected("a label key")
	}
	if why := badLabelKey(p.tok.text); why != "" {
		return r, &ExprError{Offset: p.tok.at, Message: fmt.Sprintf("%q is not a label key: %s", p.tok.text, why)}
	}
	r.Key = p.tok.text
	p.advance()
	if r.Operator == model.DoesNotExist || p.tok.kind == end || p.tok.kind == comma {
		return r, nil
	}
	op := p.tok
	p.advance()
	var err *ExprError
	switch {
	case op.kind == equal:
		r.Operator = model.In
		r.Values, err = p.value()
	case op.kind == notEqual:
		r.Operator = model.NotIn
		r.Values, err = p.value()
	case op.kind == word && op.text == "in":
		r.Operator = model.In
		r.Values, err = p.values()
	case op.kind == word && op.text == "notin":
		r.Operator = model.NotIn
		r.Values, err = p.values()
	case op.kind == compare:
		err = &ExprError{Offset: op.at, Message: fmt.Sprintf("the operator %s is not available, expected =, ==, !=, in or notin", op.text)}
	default:
		p.tok = op
		err = p.expected("=, ==, !=, in or notin")
	}
	return r, err
}

// value reads the one value of = and !=, which may be missing: the empty value.
func (p *selectorParser) value() ([]string, *ExprError) {
	switch p.tok.kind {
	case end, comma:
		return []string{""}, nil
	case word:
		v := p.tok
		p.advance()
		return []string{v.text}, checkValue(v)
	}
	return nil, p.expected("a label value")
}

// values reads "(" [value] {"," [value]} ")": between commas and brackets
// nothing stands for the empty value.
func (p *selectorParser) values() ([]string, *ExprError) {
	if p.tok.kind != open {
		return nil, p.expected("'('")
	}
	p.advance()
	var out []string
	for {
		v := token{at: p.tok.at}
		if p.tok.kind == word {
			v = p.tok
			if err := checkValue(v); err != nil {
				return nil, err
			}
			p.advance()
		}
		out = append(out, v.text)
		switch p.tok.kind {
		case comma:
			p.advance()
		case closed:
			p.advance()
			return out, nil
		default:
			return nil, p.expected("',' or ')'")
		}
	}
}

func (p *selectorParser) expected(what string) *ExprError {
	got := "the end"
	if p.tok.kind != end {
		got = fmt.Sprintf("%q", p.tok.text)
	}
	return &ExprError{Offset: p.tok.at, Message: "found " + got + ", expected " + what}
}

func checkValue(v token) *ExprError {
	if isLabelName(v.text) || v.text == "" {
		return nil
	}
	return &ExprError{Offset: v.at, Message: fmt.Sprintf("%q is not a label value: %s", v.text, labelNameRule)}
}

const labelNameRule = "expected at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"

// badLabelKey says why s is not a label key (R21), or "".
func badLabelKey(s string) string {
	prefix, name, found := strings.Cut(s, "/")
	if !found {
		prefix, name = "", s
	}
	switch {
	case found && !isDNSSubdomain(prefix):
		return "expected a lower-case DNS name before '/'"
	case !isLabelName(name):
		return labelNameRule
	}
	return ""
}

// isLabelName reports whether s may be the name part of a label key, or a
// label value that is not empty.
func isLabelName(s string) bool {
	if len(s) == 0 || len(s) > 63 || !isAlnum(s[0]) || !isAlnum(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// isDNSSubdomain reports whether s is dot-separated DNS labels, 253 characters
// at most. Inside a subdomain Kubernetes does not limit a label to 63.
func isDNSSubdomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isDNSName(label) {
			return false
		}
	}
	return true
}

// isDNSLabel reports whether s is a DNS label, as namespace names are.
func isDNSLabel(s string) bool { return len(s) <= 63 && isDNSName(s) }

func isDNSName(s string) bool {
	if len(s) == 0 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlnum(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
