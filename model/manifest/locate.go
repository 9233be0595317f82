package manifest

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
)

// Position is a place in a file.
type Position struct {
	File     string
	Line     int    // from 1; 0 when only the file is known
	Field    string // the field's path, of an object that is in no file
	Column   int    // from 1, in characters (JSON: bytes)
	Template string // of a document that helm rendered: the template it says it comes from
}

// String is "file:line:col", "live:Kind/namespace/name:field" for an object
// that is in no file, "file" when no more is known, with
// " (chart/templates/x.yaml)" behind it for a template.
func (p Position) String() string {
	s := p.File
	switch {
	case p.Line > 0:
		s = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	case p.Field != "":
		s += ":" + p.Field
	}
	if p.Template != "" {
		s += " (" + p.Template + ")"
	}
	return s
}

// spanKey names a document, or a member of a list in it.
type spanKey struct {
	document int
	path     string // "" or listPath
}

// span is where something is in a file.
type span struct {
	offset int64
	line   int   // at offset, from 1
	column int64 // at offset, from 1, in bytes
	bytes  int64 // of a YAML document
}

// parsedDocument is a YAML document that Locate has parsed.
type parsedDocument struct {
	file     *file
	document int
	root     *yaml.Node // nil when it cannot be parsed
	line     int        // of the first line with content
	template string
}

// maxParsed is how many parsed documents a Reader keeps for Locate.
const maxParsed = 8

// Locate finds the line and column of an origin: of the key of a field, or of
// the first token of a list's member. If the path leads nowhere it is the
// nearest parent that exists; if the file was not read by r or cannot be read
// again, only the file. The first call for a file costs O(bytes of the file),
// others O(bytes of the document, or of the member of a JSON list).
func (r *Reader) Locate(o model.Origin) Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := Position{File: o.File}
	f := r.files[o.File]
	if f == nil {
		if isLive(o.File) {
			p.Field = o.Path
		}
		return p
	}
	if f.spans == nil {
		f.index(r.limits)
	}
	document, ok := f.spans[spanKey{document: o.Document}]
	switch {
	case !ok && o.Document > 0:
		return p
	case !ok: // an empty file
		document = span{line: 1, column: 1}
	}
	if f.json && (!f.turns || o.Document < f.first) {
		p.Line, p.Column = f.locateJSON(o, document)
		return p
	}
	d := r.parse(f, o.Document, document)
	p.Template = d.template
	if d.root == nil {
		p.Line, p.Column = d.line, 1
		return p
	}
	p.Line, p.Column = nodePosition(d.root, o.Path)
	return p
}

// parse parses a YAML document, or finds it parsed.
func (r *Reader) parse(f *file, document int, at span) parsedDocument {
	for i, d := range r.parsed {
		if d.file == f && d.document == document {
			r.parsed = append(append(r.parsed[:i:i], r.parsed[i+1:]...), d)
			return d
		}
	}
	d := parsedDocument{file: f, document: document, line: at.line}
	var text []byte
	if in, err := f.open(at.offset); err == nil {
		text, _ = io.ReadAll(io.LimitReader(in, at.bytes))
		in.Close()
	}
	template, lines := preamble(text)
	d.template = template
	d.line += lines
	if root, err := parseYAML(text); err == nil && root != nil {
		shiftLines(root, at.line-1)
		d.root = root
	}
	if len(r.parsed) == maxParsed {
		r.parsed = r.parsed[1:]
	}
	r.parsed = append(r.parsed, d)
	return d
}

// preamble reads the comments that open a document: the template that helm
// names there, and how many lines come before the content.
func preamble(text []byte) (template string, lines int) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("---")))
		if holdsContent(line) {
			return template, lines
		}
		if source, ok := bytes.CutPrefix(line, []byte("# Source: ")); ok {
			template = strings.TrimSpace(string(source))
		}
		lines++
	}
	return template, 0
}

// open opens the input at an offset.
func (f *file) open(offset int64) (io.ReadCloser, error) {
	in, err := f.input.Open()
	if err != nil {
		return nil, err
	}
	if s, ok := in.(io.Seeker); ok {
		_, err = s.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, in, offset)
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// lineColumn is the line and column of an offset.
func (f *file) lineColumn(offset int64) (line, column int) {
	return f.lineColumnFrom(span{offset: f.bom, line: 1, column: 1}, offset)
}

// lineColumnFrom is lineColumn for an offset behind a known one.
func (f *file) lineColumnFrom(from span, offset int64) (line, column int) {
	in, err := f.open(from.offset)
	if err != nil {
		return 0, 0
	}
	defer in.Close()
	c := lineCounter{in: in, from: from, start: from.offset}
	_, _ = io.CopyN(io.Discard, &c, offset-from.offset)
	at := c.at(offset)
	return at.line, int(at.column)
}

// lineCounter passes on bytes and knows the lines of the last ones.
type lineCounter struct {
	in       io.Reader
	from     span    // a place whose line is known
	read     int64   // bytes that were read, from the first from on
	start    int64   // offset of the first from
	newlines []int64 // offsets of those that were read and lie behind from
}

func (c *lineCounter) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	base := c.start + c.read
	for i := 0; i < n; {
		j := bytes.IndexByte(b[i:n], '\n')
		if j < 0 {
			break
		}
		c.newlines = append(c.newlines, base+int64(i+j))
		i += j + 1
	}
	c.read += int64(n)
	return n, err
}

// at returns the place of an offset that was read. Offsets must not fall.
func (c *lineCounter) at(offset int64) span {
	i := 0
	for i < len(c.newlines) && c.newlines[i] < offset {
		i++
	}
	if i > 0 {
		c.from = span{offset: c.newlines[i-1] + 1, line: c.from.line + i, column: 1}
		c.newlines = append(c.newlines[:0], c.newlines[i:]...)
	}
	return span{offset: offset, line: c.from.line, column: c.from.column + offset - c.from.offset}
}

// index finds where the documents of the file are, and the members of JSON
// lists. It stops at what cannot be read.
func (f *file) index(limits Limits) {
	f.spans = map[spanKey]span{}
	offset, line, first := f.bom, 1, 0
	if f.json {
		f.indexJSON(limits)
		if !f.turns {
			return
		}
		offset, first = f.yaml, f.first
		line, _ = f.lineColumn(offset)
	}
	in, err := f.open(offset)
	if err != nil {
		return
	}
	defer in.Close()
	split := limits.splitter(in, offset, line, first)
	for {
		d, err := split.next()
		if err != nil {
			return
		}
		f.spans[spanKey{document: d.index}] = span{offset: d.offset, line: d.line, column: 1, bytes: int64(len(d.text))}
	}
}

func (f *file) indexJSON(limits Limits) {
	in, err := f.open(f.bom)
	if err != nil {
		return
	}
	defer in.Close()
	a := &allowance{in: in, size: limits.Document}
	c := &lineCounter{in: a, from: span{offset: f.bom, line: 1, column: 1}, start: f.bom}
	dec := jsontext.NewDecoder(c, jsontext.AllowDuplicateNames(true))
	member := func() { a.limit = dec.InputOffset() + int64(a.size) }
	for document := 0; ; document++ {
		member()
		kind := dec.PeekKind()
		if kind != 0 || len(bytes.TrimSpace(dec.UnreadBuffer())) > 0 {
			f.spans[spanKey{document: document}] = c.at(f.bom + valueOffset(dec))
		}
		if kind == 0 {
			return
		}
		if f.indexMembers(dec, c, spanKey{document: document}, 0, member) != nil {
			return
		}
	}
}

// indexMembers notes the members of the list that dec stands before, if it is
// one. depth is how many lists it is in; member is called before each member.
func (f *file) indexMembers(dec *jsontext.Decoder, c *lineCounter, key spanKey, depth int, member func()) error {
	if dec.PeekKind() != '{' || depth > maxListDepth {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if fieldName(raw) != "items" || dec.PeekKind() != '[' {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for i := 0; dec.PeekKind() != ']'; i++ {
			if dec.PeekKind() == 0 {
				break
			}
			member()
			at := spanKey{key.document, fmt.Sprintf("%s[%d]", join(key.path, "items"), i)}
			f.spans[at] = c.at(f.bom + valueOffset(dec))
			if err := f.indexMembers(dec, c, at, depth+1, member); err != nil {
				return err
			}
		}
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// locateJSON finds a path in a JSON document.
func (f *file) locateJSON(o model.Origin, document span) (line, column int) {
	from, path := document, o.Path
	if member, ok := f.spans[spanKey{o.Document, listPath(o.Path)}]; ok && listPath(o.Path) != "" {
		from = member
		path = strings.TrimPrefix(o.Path[len(listPath(o.Path)):], ".")
	}
	if path == "" {
		return from.line, int(from.column)
	}
	in, err := f.open(from.offset)
	if err != nil {
		return from.line, int(from.column)
	}
	defer in.Close()
	at, _ := followJSON(jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true)), path)
	return f.lineColumnFrom(from, from.offset+at)
}
