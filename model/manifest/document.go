package manifest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// largeYAML is the size from which on YAML documents are decoded one at a time.
const largeYAML = 1 << 20

// readDocument decodes one YAML document.
func (r *Reader) readDocument(name string, d document, emit func(found)) {
	if len(d.text) < largeYAML {
		r.decodeDocument(name, d, emit)
		return
	}
	var all []found // emit may have to wait for others that want the lock
	r.large.Lock()
	r.decodeDocument(name, d, func(f found) { all = append(all, f) })
	r.large.Unlock()
	for _, f := range all {
		emit(f)
	}
}

func (r *Reader) decodeDocument(name string, d document, emit func(found)) {
	origin := model.Origin{File: name, Document: d.index}
	if d.tooLarge {
		message := fmt.Sprintf("the YAML document is larger than %s%s; JSON lists may be of any size (kubectl get -o json)", size(r.limits.YAML), r.limits.raise("yaml"))
		if d.endless {
			message = fmt.Sprintf("the YAML document is larger than %s%s and no line --- that would end it is near; %s", size(r.limits.YAML), r.limits.raise("yaml"), notRead)
		}
		emit(broken(origin, d.line, 1, dialect.CodeLimit, message, &Broken{Policy: true}))
		return
	}
	root, err := parseYAML(d.text)
	if root == nil && err == nil {
		return
	}
	var text []byte
	var repeated []repeatedKey
	if err == nil {
		var expansion int64
		text, repeated, expansion, err = convert(root, r.limits)
		if expansion > 0 {
			emit(found{expansion: expansion, diagnostics: []dialect.Diagnostic{{Origin: origin, Line: d.line, Column: 1}}})
		}
	}
	if err != nil {
		line, column, message := yamlProblem(d.text, err)
		code := dialect.CodeSyntax
		var n *nodeError
		if errors.As(err, &n) && n.limit || isLimit(err) {
			code = dialect.CodeLimit
		} else {
			message = "broken YAML: " + message
		}
		emit(broken(origin, line+d.line-1, column, code, message, salvage(d.text)))
		return
	}
	shiftLines(root, d.line-1)
	for i := range repeated {
		repeated[i].line += d.line - 1
	}
	var all []found
	for _, tolerant := range []bool{false, true} {
		all, err = r.decodeJSON(text, repeated, root, origin, tolerant)
		if err != errTolerate {
			break
		}
	}
	for _, f := range all {
		emit(f)
	}
	if err != nil { // only a limit; the JSON is ours
		emit(broken(origin, d.line, 1, dialect.CodeLimit, err.Error(), salvage(d.text)))
	}
}

// decodeJSON decodes what a YAML document was converted to. It gives no key
// twice; those that the document repeats are told.
func (r *Reader) decodeJSON(text []byte, repeated []repeatedKey, root *yaml.Node, origin model.Origin, tolerant bool) (out []found, err error) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	in := decoder{dec: dec, tolerant: tolerant, fields: &fields{dec: dec}, table: r.table, origin: origin, root: root, member: func() {},
		emit: func(f found) { out = append(out, f) }}
	for _, k := range repeated {
		in.repeat(k)
	}
	err = in.value("", nil)
	return out, err
}

// shiftLines makes lines relative to the file.
func shiftLines(n *yaml.Node, by int) {
	n.Line += by
	for _, c := range n.Content {
		shiftLines(c, by)
	}
}

// allowance passes on bytes up to a limit that moves with the decoder.
type allowance struct {
	in     io.Reader
	read   int64
	limit  int64
	limits Limits
	file   *file // nil when nobody stops it
}

// errStop says that nobody wants more of a file.
var errStop = errors.New("stopped")

func (a *allowance) Read(b []byte) (int, error) {
	if a.file != nil && a.file.stop.Load() {
		return 0, errStop
	}
	if a.read >= a.limit {
		return 0, &readError{&limitError{"a JSON value is larger than " + size(a.limits.Document) + a.limits.raise("document")}}
	}
	n, err := a.in.Read(b[:min(int64(len(b)), a.limit-a.read)])
	a.read += int64(n)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// readError is what the input said, so that it can be told from what the
// decoder says, which wraps it as if the text were broken.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

const notRead = "what follows in this file is not read"

// readJSON decodes a stream of JSON values.
func (r *Reader) readJSON(ctx context.Context, f *file, in io.Reader, emit func(found)) {
	s := jsonStream{reader: r, ctx: ctx, file: f, emit: emit}
	if s.block = r.limits.blockOf(r.block); runtime.GOMAXPROCS(0) == 1 && r.block == blockBytes {
		s.block = 0
	}
	err := s.run(in)
	tolerate := func() bool { return err == errTolerate || errors.Is(err, jsontext.ErrDuplicateName) }
	var syntactic *jsontext.SyntacticError
	if s.hidden && !tolerate() && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntactic) || err != nil && isLimit(err)) {
		s.block = 0 // which error it is, and where, one decoder says
		err = s.again()
	}
	if tolerate() {
		s.block, s.tolerant = 0, true
		err = s.again()
	}
	if err == nil || err == io.EOF || errors.Is(err, errStop) || ctx.Err() != nil {
		return
	}
	s.fail(err)
}

// jsonStream is a JSON file while it is being read.
type jsonStream struct {
	reader   *Reader
	ctx      context.Context
	file     *file
	emit     func(found)
	emitted  int  // results of this run
	skip     int  // results that an earlier run has already emitted
	block    int  // bytes of the blocks that other goroutines decode; 0: none do
	hidden   bool // they have taken members out of the text
	tolerant bool
	document int
	start    int64 // of the current value, in the file
	before   int   // emitted when it began
}

// again reads the file once more, in another way.
func (s *jsonStream) again() error {
	s.skip, s.emitted = max(s.skip, s.emitted), 0
	in, err := s.file.open(s.file.bom)
	if err != nil {
		return err
	}
	defer in.Close()
	return s.run(in)
}

func (s *jsonStream) run(in io.Reader) error {
	s.document, s.start = 0, s.file.bom
	a := &allowance{in: in, limits: s.reader.limits, file: s.file}
	shared := &sharedText{in: a, block: s.block}
	text := io.Reader(a)
	if s.block > 0 {
		text = shared
	}
	dec := jsontext.NewDecoder(text, jsontext.AllowDuplicateNames(s.tolerant))
	d := decoder{dec: dec, tolerant: s.tolerant, fields: &fields{dec: dec}, table: s.reader.table}
	if shared.decoder = &d; s.block > 0 {
		d.shared = shared
	}
	defer func() { s.hidden = shared.hidden > 0 }()
	d.member = func() { a.limit = shared.hidden + dec.InputOffset() + a.limits.Document }
	d.emit = func(f found) {
		if s.emitted++; s.emitted > s.skip {
			s.emit(f)
		}
	}
	for ; ; s.document++ {
		d.member()
		s.start, s.before = s.file.bom+dec.InputOffset(), s.emitted
		if dec.PeekKind() == 0 {
			if _, err := dec.ReadToken(); err != nil {
				return err // io.EOF at the end
			}
		}
		d.origin, d.repeated = model.Origin{File: s.file.input.Name, Document: s.document}, nil
		switch err := d.value("", nil); err {
		case nil:
		case io.EOF:
			return io.ErrUnexpectedEOF
		default:
			return err
		}
		select {
		case <-s.ctx.Done(): // nobody wants more
			return nil
		default:
		}
	}
}

// fail reports what ended the stream, unless what is left of it is YAML: a
// flow mapping, or documents with a line --- between them.
func (s *jsonStream) fail(err error) {
	var syntactic *jsontext.SyntacticError
	limit := isLimit(err)
	origin := model.Origin{File: s.file.input.Name, Document: s.document}
	var said *readError
	if errors.As(err, &said) {
		err = said.error
	}
	errors.As(err, &syntactic)
	if !limit && (said != nil || syntactic == nil && err != io.ErrUnexpectedEOF) {
		s.emit(s.file.unreadableRest(origin, err))
		return
	}
	if !limit && s.emitted == s.before && s.readYAML() {
		return
	}
	code, message, at := dialect.CodeSyntax, "", s.start
	switch {
	case syntactic != nil:
		at, message = s.file.bom+syntactic.ByteOffset, jsonMessage(syntactic)
	default:
		message = err.Error()
	}
	if limit {
		code = dialect.CodeLimit
	}
	line, column := s.file.lineColumn(at)
	emit := broken(origin, line, column, code, message+"; "+notRead, &Broken{Policy: true})
	s.emit(emit)
}

// jsonMessage is the decoder's message without what the position says.
func jsonMessage(err *jsontext.SyntacticError) string {
	if errors.Is(err.Err, io.ErrUnexpectedEOF) {
		return "broken JSON: the file ends in the middle of a value"
	}
	if isLimit(err) {
		return fmt.Sprintf("nested more than %d levels deep", maxNesting)
	}
	message := "broken JSON: " + err.Err.Error()
	if err.JSONPointer != "" {
		message += " in " + clip(pointerPath("", err.JSONPointer))
	}
	return message
}

// blankLines is how many bytes of lines with nothing but white space come first.
func blankLines(in io.Reader) (n int64, err error) {
	r := bufio.NewReader(in)
	for at := int64(1); ; at++ {
		switch c, err := r.ReadByte(); {
		case err != nil:
			return 0, err
		case c == '\n':
			n = at
		case c != ' ' && c != '\t' && c != '\r':
			return n, nil
		}
	}
}

// readYAML reads what is left of the file, from the current value on, as YAML.
// It reports false, having emitted nothing, if that is no YAML either.
func (s *jsonStream) readYAML() bool {
	in, err := s.file.open(s.start)
	if err != nil {
		return false
	}
	blank, err := blankLines(in)
	in.Close()
	if err != nil {
		return false
	}
	s.start += blank // a tab on a blank line is fine in JSON but not in YAML
	if in, err = s.file.open(s.start); err != nil {
		return false
	}
	defer in.Close()
	line, _ := s.file.lineColumn(s.start)
	split := s.reader.limits.splitter(in, s.start, line, s.document)
	first := true
	for s.ctx.Err() == nil && !s.file.stop.Load() {
		d, err := split.next()
		if err != nil {
			if err != io.EOF {
				s.emit(s.file.unreadableRest(model.Origin{File: s.file.input.Name, Document: s.document}, err))
			}
			return err == io.EOF && !first || err != io.EOF
		}
		if first {
			if d.tooLarge {
				return false
			}
			if _, err := parseYAML(d.text); err != nil {
				return false
			}
			s.reader.mu.Lock()
			s.file.turns, s.file.yaml, s.file.first = true, s.start, s.document
			s.reader.mu.Unlock()
			first = false
		}
		s.reader.readDocument(s.file.input.Name, d, s.emit)
	}
	return true
}
