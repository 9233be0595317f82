package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// shortestSlip is the length from which a field that is nearly one of a
// question's is taken for a slip; shorter words are too often close.
const shortestSlip = 4

// maxQuery is the longest line of a file of questions, in bytes.
const maxQuery = 1 << 20

// byteOrderMark is what some editors put before UTF-8 text.
var byteOrderMark = []byte("\ufeff")

// queries answers a file of questions, line by line (docs/schema/query.json
// and docs/schema/verdict.json).
func (in *input) queries(file string, out *output) error {
	questions := in.run.stdin
	if file == "-" {
		if slices.Contains(in.files, "-") {
			return badFlag("-f - and --queries - cannot both be standard input")
		}
		if slices.Contains(in.apply, "-") {
			return badFlag("--apply - and --queries - cannot both be standard input")
		}
	} else {
		f, err := os.Open(file)
		if err != nil {
			return coded(dialect.CodeUnreadable, "%s: %v", file, pathError(err))
		}
		defer f.Close() //nolint:errcheck // only read from
		questions = f
	}
	if err := in.load(); err != nil {
		return err
	}
	a := newAnswerer(in)
	if in.before != nil {
		a.before = newAnswerer(in.before)
		a.before.past = true
	}
	return out.stream(out.to[0], func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<16)
		if err := a.lines(file, questions, b); err != nil {
			return errors.Join(err, b.Flush())
		}
		return b.Flush()
	})
}

// answerer answers questions about single connections and remembers what it
// resolved.
type answerer struct {
	in    *input
	sides map[string]*side
	pairs map[[2]*side]model.Bounds // where a side is not a single endpoint

	before *answerer // for the cluster without --apply and --delete, or nil
	past   bool      // it is that one itself: what is to say of an endpoint has been said
}

func newAnswerer(in *input) *answerer {
	return &answerer{in: in, sides: map[string]*side{}, pairs: map[[2]*side]model.Bounds{}}
}

// side is one end of a question.
type side struct {
	ends    solver.Ends
	single  bool
	only    engine.EndpointID // when single
	outside bool
	err     error
}

// lines reads and answers line by line. Blank lines at the end do not count.
func (a *answerer) lines(file string, r io.Reader, w *bufio.Writer) error {
	lines := bufio.NewReaderSize(r, maxQuery)
	blank := 0
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return coded(dialect.CodeUnreadable, "%s: %v", file, pathError(err))
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 && !long {
			if err == io.EOF {
				return nil
			}
			blank++
			continue
		}
		for ; blank > 0; blank-- {
			a.failed(w, file, n-blank, query{}, errors.New("the line is empty"))
		}
		if long {
			a.failed(w, file, n, query{}, fmt.Errorf("the line is longer than %d bytes", maxQuery))
		} else {
			a.line(w, file, n, line)
		}
		if err == io.EOF {
			return nil
		}
	}
}

func (a *answerer) failed(w *bufio.Writer, file string, n int, q query, err error) {
	a.in.failures++
	q.write(w, "error", "", "error", fmt.Sprintf("%s:%d: %v (%v)", file, n, err, codeOf(err, dialect.CodeBadExpression)))
}

func (a *answerer) line(w *bufio.Writer, file string, n int, line []byte) {
	q, err := parseQuery(line)
	if err != nil {
		a.failed(w, file, n, q, err)
		return
	}
	verdict, reason, err := a.answer(q)
	if err != nil {
		a.failed(w, file, n, q, err)
		return
	}
	q.write(w, verdict.String(), a.was(q, verdict), "reason", reason)
}

// absent is the verdict before the change where an end did not exist.
const absent = "absent"

// was is the verdict before the change if it was another, or "".
func (a *answerer) was(q query, now model.Verdict) string {
	if a.before == nil {
		return ""
	}
	verdict, _, err := a.before.answer(q)
	switch {
	case err != nil: // it is no error now, so that nothing else can be wrong with it
		return absent
	case verdict == now:
		return ""
	}
	return verdict.String()
}

func (a *answerer) answer(q query) (model.Verdict, string, error) {
	from, to := a.side(q.from), a.side(q.to)
	switch {
	case from.err != nil:
		return model.Unknown, "", fmt.Errorf("from: %w", from.err)
	case to.err != nil:
		return model.Unknown, "", fmt.Errorf("to: %w", to.err)
	case from.outside && to.outside:
		return model.Unknown, "", errors.New("both ends are outside the cluster; policies have no say there")
	}
	if from.single && to.single && from.only != to.only { // the same words may mean self traffic (R50), or two pods
		f := engine.Flow{Src: from.only, Dst: to.only, SrcAddr: from.ends.Addr, DstAddr: to.ends.Addr, Family: from.ends.Family.And(to.ends.Family), Protocol: q.protocol, Port: q.port}
		v := a.in.x.Verdict(f)
		if v != model.Unknown {
			return v, "", nil
		}
		return v, solver.Reason(a.in.x, f), nil
	}
	k := [2]*side{from, to}
	b, ok := a.pairs[k]
	if !ok {
		b = solver.Between(a.in.x, from.ends, to.ends)
		a.pairs[k] = b
	}
	v := b.Verdict(q.protocol, q.port)
	if v != model.Unknown {
		return v, "", nil
	}
	ports := solver.PortQuery{Set: model.Port(q.protocol, q.port)}
	answer := solver.Ask(a.in.x, solver.Question{From: from.ends, To: to.ends, Ports: ports})
	return v, answer.Reason(a.in.x), nil
}

func (a *answerer) side(text string) *side {
	if s, ok := a.sides[text]; ok {
		return s
	}
	s := &side{}
	a.sides[text] = s
	e, err := solver.ParseExpr(text)
	switch {
	case text != strings.TrimSpace(text):
		s.err = fmt.Errorf("%q begins or ends with white space", text)
	case err != nil:
		s.err = err
	case e.Form != solver.FormPath && e.Form != solver.FormAddress:
		s.err = fmt.Errorf("%q is not NS/KIND/NAME, NS/NAME or an address", text)
	default:
		s.ends, s.err = solver.Resolve(a.in.x, e)
	}
	var empty *solver.EmptyError
	if errors.As(s.err, &empty) && a.in.wasThere(text) {
		s.err = nil
	}
	if s.err != nil {
		return s
	}
	if !a.past {
		a.in.noteDormant(s.ends)
	}
	n := 0
	for end := range s.ends.Set.All() {
		s.only = end
		n++
	}
	s.single = n == 1
	s.outside = s.single && s.only.IsOutside()
	return s
}

// query is one question, with all its fields as they were written.
type query struct {
	fields   []field
	text     []byte // the line, when it is not an object
	from, to string
	protocol model.Protocol
	port     uint16
}

type field struct {
	name  string
	value json.RawMessage
}

// parseQuery reads a line. The fields that could be read are returned with an
// error, too.
func parseQuery(line []byte) (query, error) {
	q := query{text: bytes.Clone(line)}
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return q, errors.New("the line is not a JSON object")
	}
	var fields []field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return q, fmt.Errorf("the line is not JSON: %w", err)
		}
		key, _ := name.(string) // keys of an object are strings
		f := field{name: key}
		if err := d.Decode(&f.value); err != nil {
			return q, fmt.Errorf("the line is not JSON: %w", err)
		}
		if slices.ContainsFunc(fields, func(o field) bool { return o.name == f.name }) {
			return q, fmt.Errorf("field %q is given twice", f.name)
		}
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		return q, errors.New("the line is not JSON: the object does not end")
	}
	if _, err := d.Token(); err != io.EOF {
		return q, errors.New("there is more after the object")
	}
	q.fields, q.text = fields, nil
	return q, q.interpret()
}

// queryFields are the fields of a question.
var queryFields = []string{"from", "to", "protocol", "port"}

func (q *query) interpret() error {
	protocol, port := "TCP", json.Number("")
	var seen [4]bool
	for _, f := range q.fields {
		i := slices.Index(queryFields, f.name)
		if i < 0 {
			if near := nearest.Of(f.name, queryFields); near != "" && len(f.name) >= shortestSlip {
				return fmt.Errorf("unknown field %q; did you mean %s?", f.name, near)
			}
			continue
		}
		seen[i] = true
		expected, into := "a string", any(&protocol)
		switch f.name {
		case "from":
			into = &q.from
		case "to":
			into = &q.to
		case "port":
			expected, into = "a number without quotes", &port
			if f.value[0] == '"' {
				into = nil
			}
		}
		if into == nil || string(f.value) == "null" || json.Unmarshal(f.value, into) != nil {
			return fmt.Errorf("%s is %s, expected %s", f.name, f.value, expected)
		}
	}
	for i, name := range queryFields {
		if name != "protocol" && !seen[i] {
			return fmt.Errorf("field %q is missing", name)
		}
	}
	var ok bool
	if q.protocol, ok = model.ParseProtocol(strings.ToUpper(protocol)); !ok {
		return fmt.Errorf("unknown protocol %q%s", protocol, didYouMean(protocol, []string{"TCP", "UDP", "SCTP"}))
	}
	n, err := port.Float64() // 443.0 is an integer to a schema
	if err != nil || n < 1 || n > model.MaxPort || n != math.Trunc(n) {
		return fmt.Errorf("port %s is not a number from 1 to %d", port, model.MaxPort)
	}
	q.port = uint16(n)
	return nil
}

// write prints the answer: the question's own fields, then the verdict, that
// before a change and a text that explains it, if they are not "".
func (q *query) write(w *bufio.Writer, verdict, before, name, text string) {
	w.WriteByte('{')
	for _, f := range q.fields {
		if f.name == "verdict" || f.name == "before" || f.name == "reason" || f.name == "error" {
			continue // ours
		}
		writeJSON(w, f.name)
		w.WriteByte(':')
		w.Write(f.value)
		w.WriteByte(',')
	}
	if q.text != nil {
		w.WriteString(`"line":`)
		writeJSON(w, string(q.text))
		w.WriteByte(',')
	}
	w.WriteString(`"verdict":"` + verdict + `"`)
	if before != "" {
		w.WriteString(`,"before":"` + before + `"`)
	}
	if text != "" {
		w.WriteString(`,"` + name + `":`)
		writeJSON(w, text)
	}
	w.WriteString("}\n")
}

// writeJSON writes a string as JSON, with what only matters inside HTML as it is.
func writeJSON(w *bufio.Writer, s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	w.Write(bytes.TrimRight(b.Bytes(), "\n"))
}
