package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// document is one document of a YAML stream, as text.
type document struct {
	index    int   // among the documents that hold more than comments
	offset   int64 // of text in the stream
	line     int   // of the first line of text, from 1
	text     []byte
	tooLarge bool // text was dropped
	endless  bool // and no end was found within reach: it is the last document that is read
}

// splitter cuts a YAML stream into documents, at lines that begin with "---"
// or "...": YAML allows these nowhere else, not even in a block scalar. A
// document's text includes the "---" line that opens it. It holds one document
// at a time, and of that at most limit bytes.
type splitter struct {
	in     *bufio.Reader
	limit  int64 // bytes of a document
	reach  int64 // bytes that are searched for the end of one that is larger
	index  int   // of the next document
	offset int64 // of the next byte
	line   int   // of the next byte, from 1
	ended  bool  // a document was endless

	opening     []byte // a "---" line, or the beginning of a long one, that was read and belongs to the next document
	openingLine int
}

// splitter cuts in, which is at offset in the stream and on line.
func (l Limits) splitter(in io.Reader, offset int64, line, index int) *splitter {
	return &splitter{in: bufio.NewReaderSize(in, 64<<10), limit: l.YAML, reach: l.YAML + l.Document, offset: offset, line: line, index: index}
}

// next returns the next document that holds more than comments and
// directives; io.EOF when there is none.
func (s *splitter) next() (document, error) {
	for {
		d, content, err := s.cut()
		switch {
		case err != nil && err != io.EOF:
			return d, err
		case content:
			d.index = s.index
			s.index++
			return d, nil
		case err == io.EOF:
			return d, io.EOF
		}
	}
}

// cut returns the text up to the next marker and whether it has content. The
// error is io.EOF with the last one.
func (s *splitter) cut() (d document, content bool, err error) {
	if s.ended {
		return d, false, io.EOF
	}
	d = document{offset: s.offset, line: s.line}
	add := func(line []byte) {
		if int64(len(d.text)+len(line)) > s.limit {
			d.tooLarge, d.text = true, nil
		}
		if !d.tooLarge {
			d.text = append(d.text, line...)
		}
	}
	start := true // at the start of a line
	if s.opening != nil {
		d.offset -= int64(len(s.opening))
		d.line = s.openingLine
		content = holdsContent(s.opening[len("---"):])
		start = s.opening[len(s.opening)-1] == '\n'
		add(s.opening)
		s.opening = nil
	}
	for {
		if s.offset-d.offset > s.reach {
			d.tooLarge, d.endless, d.text, s.ended = true, true, nil, true
			return d, true, nil
		}
		line, err := s.in.ReadSlice('\n')
		whole := len(line) > 0 && line[len(line)-1] == '\n'
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
			return d, content, err
		}
		if start && isMarker(line, "---") {
			s.opening, s.openingLine = bytes.Clone(line), s.line
			s.advance(line)
			return d, content, nil
		}
		s.advance(line)
		add(line)
		if start && isMarker(line, "...") && (whole || err == io.EOF) {
			return d, content, nil
		}
		if start && line != nil && len(line) > 0 && line[0] == '%' && !content {
			// a directive
		} else {
			content = content || holdsContent(line)
		}
		if err == io.EOF {
			return d, content, io.EOF
		}
		start = whole
	}
}

func (s *splitter) advance(line []byte) {
	s.offset += int64(len(line))
	if len(line) > 0 && line[len(line)-1] == '\n' {
		s.line++
	}
}

// isMarker reports whether the line is a document marker: the three characters
// and then nothing or white space.
func isMarker(line []byte, marker string) bool {
	return bytes.HasPrefix(line, []byte(marker)) && (len(line) == 3 || bytes.IndexByte([]byte(" \t\r\n"), line[3]) >= 0)
}

// holdsContent reports whether a line holds more than white space and a comment.
func holdsContent(line []byte) bool {
	line = bytes.TrimSpace(line)
	return len(line) > 0 && line[0] != '#'
}
