package manifest

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// span is where something is in a file.
type span struct {
	offset int64
	line   int   // at offset, from 1
	column int64 // at offset, from 1, in bytes
	bytes  int64 // of a YAML document
}

// spans is where the documents of a file are, and the members of JSON lists.
type spans struct {
	documents []span
	members   map[listKey][]span
	most      int64 // of both together; what lies behind has no position
	count     int64
}

// listKey names a list: the document, and the path of what has it as items.
type listKey struct {
	document int
	path     string
}

var errFull = errors.New("too many to note where they are")

// document returns where a document is.
func (s *spans) document(i int) (span, bool) {
	if i < len(s.documents) {
		return s.documents[i], true
	}
	return span{}, false
}

// member returns where the member of a list is that has this listPath.
func (s *spans) member(document int, path string) (span, bool) {
	at := strings.LastIndex(path, "items[")
	if at < 0 {
		return span{}, false
	}
	i, _ := strconv.Atoi(strings.TrimSuffix(path[at+len("items["):], "]"))
	list := s.members[listKey{document, strings.TrimSuffix(path[:at], ".")}]
	if i < len(list) {
		return list[i], true
	}
	return span{}, false
}

func (s *spans) add(list []span, at span) ([]span, error) {
	if s.count++; s.count > s.most {
		return list, errFull
	}
	return append(list, at), nil
}

// index finds where the documents of the file are, and the members of JSON
// lists. It stops at what could not be read. The error is that the file is not
// there any more as it was.
func (f *file) index() error {
	s := &spans{members: map[listKey][]span{}, most: 2 * f.limits.Objects}
	offset, line, first := f.bom, 1, 0
	if f.json {
		if err := f.indexJSON(s); err != nil {
			return err
		}
		if !f.turns {
			f.spans = s
			return nil
		}
		offset, first = f.yaml, f.first
		line, _ = f.lineColumn(offset)
		s.documents = s.documents[:min(first, len(s.documents))]
	}
	in, err := f.open(offset)
	if err != nil {
		return err
	}
	defer in.Close()
	f.spans = s
	split := f.limits.splitter(in, offset, line, first)
	for {
		d, err := split.next()
		if err == nil {
			s.documents, err = s.add(s.documents, span{offset: d.offset, line: d.line, column: 1, bytes: int64(len(d.text))})
		}
		if err != nil {
			return nil // the reader has reported it
		}
	}
}

func (f *file) indexJSON(s *spans) error {
	in, err := f.open(f.bom)
	if err != nil {
		return err
	}
	defer in.Close()
	a := &allowance{in: in, limits: f.limits}
	x := indexer{spans: s, lines: &lineCounter{in: a, from: span{offset: f.bom, line: 1, column: 1}, start: f.bom}, bom: f.bom}
	x.dec = jsontext.NewDecoder(x.lines, jsontext.AllowDuplicateNames(true))
	x.member = func() { a.limit = x.dec.InputOffset() + f.limits.Document }
	for document := 0; ; document++ {
		x.member()
		kind := x.dec.PeekKind()
		if kind != 0 || len(bytes.TrimSpace(x.dec.UnreadBuffer())) > 0 {
			if s.documents, err = s.add(s.documents, x.here()); err != nil {
				return nil // what lies behind has no position
			}
		}
		if kind == 0 || x.value(listKey{document: document}, 0) != nil {
			return nil
		}
	}
}

// indexer notes where the members of JSON lists are.
type indexer struct {
	spans  *spans
	lines  *lineCounter
	bom    int64
	dec    *jsontext.Decoder
	member func() // called before each member
}

// here is the place of the value that the decoder stands before.
func (x *indexer) here() span { return x.lines.at(x.bom + valueOffset(x.dec)) }

// value notes the members of the list that the decoder stands before, if it is
// one. depth is how many lists it is in.
func (x *indexer) value(key listKey, depth int) error {
	dec := x.dec
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
		if err := x.list(key, depth); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (x *indexer) list(key listKey, depth int) error {
	dec, members := x.dec, x.spans.members[key]
	defer func() { x.spans.members[key] = members }()
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; dec.PeekKind() != ']' && dec.PeekKind() != 0; i++ {
		x.member()
		at := x.here()
		if i < len(members) { // the list is given twice
			members[i] = at
		} else {
			var err error
			if members, err = x.spans.add(members, at); err != nil {
				return err
			}
		}
		if dec.PeekKind() != '{' {
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		inner := listKey{key.document, join(key.path, "items") + "[" + strconv.Itoa(i) + "]"}
		if err := x.value(inner, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// lineColumn is the line and column of an offset.
func (f *file) lineColumn(offset int64) (line, column int) {
	return f.lineColumnFrom(span{offset: f.bom, line: 1, column: 1}, offset)
}

// end is the line and column behind the last byte that was read, if that is
// kept.
func (f *file) end() (line, column int) {
	if f.kept == nil {
		return 0, 0
	}
	return f.lineColumn(f.kept.length())
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
