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
	Changed  bool   // the file is not any more what was read, so that only its name is known
}

// String is "file:line:col", "live:Kind/namespace/name:field" for an object
// that is in no file, "file" when no more is known, with
// " (chart/templates/x.yaml)" behind it for a template, and "file (changed since
// it was read)".
func (p Position) String() string {
	s := p.File
	switch {
	case p.Line > 0:
		s = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	case p.Field != "":
		s += ":" + p.Field
	}
	if p.Changed {
		s += " (changed since it was read)"
	}
	if p.Template != "" {
		s += " (" + p.Template + ")"
	}
	return s
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
// nearest parent that exists; if the file was not read by r or is not any
// more what was read, only the file. The first call for a file costs O(bytes of the file),
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
	if f.spans == nil && !f.changed.Load() && f.index() == nil {
		r.place(f, o, &p)
	} else if f.spans != nil {
		r.place(f, o, &p)
	}
	if f.changed.Load() {
		return Position{File: o.File, Changed: true}
	}
	return p
}

// place finds the position in a file whose spans are known.
func (r *Reader) place(f *file, o model.Origin, p *Position) {
	document, ok := f.spans.document(o.Document)
	switch {
	case !ok && o.Document > 0:
		return
	case !ok: // an empty file
		document = span{line: 1, column: 1}
	}
	if f.json && (!f.turns || o.Document < f.first) {
		p.Line, p.Column = f.locateJSON(o, document)
		return
	}
	d := r.parse(f, o.Document, document)
	p.Template = d.template
	if d.root == nil {
		p.Line, p.Column = d.line, 1
		return
	}
	p.Line, p.Column = nodePosition(d.root, o.Path)
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

// locateJSON finds a path in a JSON document.
func (f *file) locateJSON(o model.Origin, document span) (line, column int) {
	from, path := document, o.Path
	if member, ok := f.spans.member(o.Document, listPath(o.Path)); ok {
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
