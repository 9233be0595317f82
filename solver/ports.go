package solver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
)

// PortQuery is the ports that a question speaks of: the union of Set and of
// what Names resolve to at each destination (R33). The zero PortQuery is no
// port at all; ParsePorts("") is any.
type PortQuery struct {
	Text  string // as the user wrote it; not part of the meaning
	Any   bool   // no ports were named: Set is every port of TCP, UDP and SCTP
	Set   model.PortSet
	Names []model.NamedPort // sorted; a name that was given without a protocol stands for all three
}

// String is the query in canonical form: "TCP/443,TCP/8000-8100,SCTP/*,http";
// "" for any. Parsing it gives q again, Text excepted.
func (q PortQuery) String() string {
	if q.Any {
		return ""
	}
	var out []string
	for _, r := range q.Set.Ranges() {
		s := r.Protocol.String() + "/"
		switch {
		case r.First == 1 && r.Last == model.MaxPort:
			s += "*"
		case r.First == r.Last:
			s += strconv.Itoa(int(r.First))
		default:
			s += fmt.Sprintf("%d-%d", r.First, r.Last)
		}
		out = append(out, s)
	}
	for i := 0; i < len(q.Names); {
		n := q.Names[i]
		same := i
		for same < len(q.Names) && q.Names[same].Name == n.Name {
			same++
		}
		if same-i == model.NumProtocols {
			out = append(out, n.Name)
			i = same
			continue
		}
		for ; i < same; i++ {
			out = append(out, q.Names[i].Protocol.String()+"/"+n.Name)
		}
	}
	return strings.Join(out, ",")
}

// ParsePorts reads ports: "443" (TCP), "TCP/443", "443/TCP", "UDP/53",
// "TCP/8000-8100", "SCTP/*", several of them with commas between, protocols in
// any case; or port names, "http", that each destination resolves for itself.
// A name without a protocol means the port of that name in every protocol.
// "" means any port of any protocol. Every error is an *ExprError.
func ParsePorts(s string) (PortQuery, error) {
	q := PortQuery{Text: s}
	if strings.TrimSpace(s) == "" {
		q.Any, q.Set = true, model.AllPorts()
		return q, nil
	}
	var ranges []model.PortRange
	offset := 0
	for part := range strings.SplitSeq(s, ",") {
		start := offset + len(part) - len(strings.TrimLeft(part, " \t\r\n"))
		r, names, err := parsePort(strings.TrimSpace(part))
		if err != nil {
			err.Text = s
			err.Offset += start
			return PortQuery{}, err
		}
		if names == nil {
			ranges = append(ranges, r)
		}
		q.Names = append(q.Names, names...)
		offset += len(part) + 1
	}
	q.Set = model.Ports(ranges...)
	slices.SortFunc(q.Names, func(a, b model.NamedPort) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return int(a.Protocol) - int(b.Protocol)
	})
	q.Names = slices.Compact(q.Names)
	return q, nil
}

// parsePort reads one element: a range, or the names it stands for.
func parsePort(s string) (model.PortRange, []model.NamedPort, *ExprError) {
	none := model.PortRange{}
	if s == "" {
		return none, nil, &ExprError{Message: "expected a port such as 443, UDP/53 or http"}
	}
	left, right, found := strings.Cut(s, "/")
	port, at, given := s, 0, false
	protocol := model.TCP
	if found {
		if p, ok := model.ParseProtocol(strings.ToUpper(left)); ok {
			protocol, port, at = p, right, len(left)+1
		} else if p, ok := model.ParseProtocol(strings.ToUpper(right)); ok {
			protocol, port = p, left
		} else {
			word, where := left, 0
			if left != "" && (isDigit(left[0]) || left == "*") {
				word, where = right, len(left)+1
			}
			err := &ExprError{Offset: where, Message: fmt.Sprintf("%q is not a protocol, expected TCP, UDP or SCTP", word)}
			if p := nearest.Of(word, []string{"TCP", "UDP", "SCTP"}); p != "" {
				err.Suggestion = s[:where] + p + s[where+len(word):]
			}
			return none, nil, err
		}
		given = true
	}
	if port == "*" {
		if !given {
			return none, nil, &ExprError{Message: "expected a protocol before '*', such as TCP/*; any port of any protocol is meant when none is given"}
		}
		return model.PortRange{Protocol: protocol, First: 1, Last: model.MaxPort}, nil, nil
	}
	if strings.Trim(port, "0123456789-") == "" {
		r, err := parseRange(protocol, port)
		if err != nil {
			err.Offset += at
		}
		return r, nil, err
	}
	if !isPortName(port) {
		err := &ExprError{Offset: at, Message: fmt.Sprintf("%q is not a port: expected 1 to %d, a range, or a port name of at most 15 lower-case letters, digits or '-'", port, model.MaxPort)}
		if _, ok := model.ParseProtocol(port); ok && !given {
			err.Suggestion = port + "/*"
		} else if lower := strings.ToLower(port); isPortName(lower) {
			err.Suggestion = s[:at] + lower + s[at+len(port):]
		}
		return none, nil, err
	}
	if given {
		return none, []model.NamedPort{{Name: port, Protocol: protocol}}, nil
	}
	return none, []model.NamedPort{{Name: port, Protocol: model.TCP}, {Name: port, Protocol: model.UDP}, {Name: port, Protocol: model.SCTP}}, nil
}

// parseRange reads "443" or "8000-8100".
func parseRange(protocol model.Protocol, s string) (model.PortRange, *ExprError) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	r := model.PortRange{Protocol: protocol}
	var ok bool
	if r.First, ok = parsePortNumber(first); !ok {
		return model.PortRange{}, notAPort(first, 0)
	}
	if r.Last, ok = parsePortNumber(last); !ok {
		return model.PortRange{}, notAPort(last, len(first)+1)
	}
	if r.First > r.Last {
		return model.PortRange{}, &ExprError{Message: "the range " + s + " ends before it starts", Suggestion: last + "-" + first}
	}
	return r, nil
}

func notAPort(s string, at int) *ExprError {
	return &ExprError{Offset: at, Message: fmt.Sprintf("%q is not a port number, expected 1 to %d", s, model.MaxPort)}
}

func parsePortNumber(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0
}

// isPortName reports whether s can be the name of a container port: at most 15
// lower-case letters, digits and single inner hyphens, one letter at least.
func isPortName(s string) bool {
	return len(s) <= 15 && isDNSName(s) && !strings.Contains(s, "--") && strings.Trim(s, "0123456789-") != ""
}
