package manifest

import (
	"bytes"
	"io"
	"runtime"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// sharedText is the text of a JSON file on its way to a decoder. While that is
// in a top-level list, it takes blocks of whole members out of the text, which
// other goroutines decode, so that no byte is decoded twice.
//
// A block is cut where the text looks as it does between the first two members,
// "},\n        {" as kubectl prints it, and only from a place on where the
// decoder has read a member to its end and wants more. That is a guess about
// where members begin, never about what the text means: blocks that are each
// the members of a list are together the members of one, however they were
// cut. A block that is anything else, or that holds a member which does not
// stand for itself, goes back into the text.
type sharedText struct {
	in      *allowance
	decoder *decoder
	block   int   // bytes of a block, at least
	err     error // of in, behind buf

	buf   []byte // was read and not yet passed on
	store []byte // where buf is, as a rule
	pass  int    // bytes of buf that must be passed on as they are

	separator []byte // between members of the list that the decoder is in; nil when it is in none
	between   bool   // the decoder stands between two of its members
	cut       bool   // what was passed on ends where a separator begins, behind its "}"
	list      element
	path      string
	next      int // index of the next member

	hidden int64    // bytes that were taken out
	queue  []*block // being decoded, the oldest first
	free   []*block
}

// The bytes of a block, in how many times as many the end of one is looked for,
// and how many blocks are in work at most.
const (
	blockBytes = 128 << 10
	blockReach = 8
	mostBlocks = 32
)

// blockOf is the size of blocks under these limits, or 0 if members are not
// shared. An allowance must be far larger than what is looked through for the end
// of a block, so that it ends with and without blocks at the same byte.
func (l Limits) blockOf(block int) int {
	if block < 0 || int64(block)*blockReach*4 > l.Document {
		return 0
	}
	return block
}

// blockHead and blockTail make of a block the list in an object that it was in.
const blockHead, blockTail = `{"":[`, `]}`

// block is a few members that follow each other.
type block struct {
	text    []byte // between blockHead and blockTail
	first   int    // index of the first member
	members int    // how many there seem to be

	done   chan struct{}
	found  []found
	sound  bool // found is what one decoder would have made of it
	buffer bytes.Buffer
	dec    jsontext.Decoder
	fields fields
}

// settle is called before each member of a top-level list whose members are
// decoded one by one. It returns how many members were taken out here.
func (s *sharedText) settle(e *element, path string, i int) (taken int) {
	dec := s.decoder.dec
	if s.separator == nil {
		s.separator = separatorIn(dec.UnreadBuffer())
	}
	if s.separator == nil {
		return 0
	}
	s.list, s.path, s.next = element{typeMeta: e.typeMeta, members: e.members}, path, i
	s.between = true
	dec.PeekKind() // reads if there is nothing left
	s.between = false
	return s.next - i
}

// separatorIn is what stands between two members, with the brackets on both
// sides, given the text behind the first; nil if that is not a new line.
func separatorIn(behind []byte) []byte {
	rest, ok := bytes.CutPrefix(behind, []byte(","))
	space := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
	if !ok || space == len(rest) || rest[space] != '{' || bytes.IndexByte(rest[:space], '\n') < 0 {
		return nil
	}
	return append([]byte("}"), behind[:len(",")+space+len("{")]...)
}

// Read passes on the text, up to a separator, or what is left of it without
// the blocks behind one.
func (s *sharedText) Read(b []byte) (int, error) {
	if s.cut && s.between {
		s.take()
	}
	s.cut = false
	if len(s.buf) == 0 {
		if s.err != nil || s.separator == nil {
			if s.err == nil {
				return s.in.Read(b)
			}
			return 0, s.err
		}
		s.more(len(b))
	}
	out := s.buf
	if s.separator != nil {
		from := min(s.pass, len(out))
		if i := bytes.Index(out[from:], s.separator); i >= 0 {
			out, s.cut = out[:from+i+1], true
		}
	}
	n := copy(b, out)
	s.cut = s.cut && n == len(out)
	s.buf, s.pass = s.buf[n:], max(0, s.pass-n)
	if n == 0 {
		return 0, s.err
	}
	return n, nil
}

// more reads up to n bytes.
func (s *sharedText) more(n int) {
	if cap(s.buf)-len(s.buf) < n {
		if cap(s.store) < len(s.buf)+n {
			s.store = make([]byte, 0, len(s.buf)+n)
		}
		s.buf = append(s.store[:0], s.buf...)
	}
	var got int
	got, s.err = s.in.Read(s.buf[len(s.buf) : len(s.buf)+n])
	s.buf = s.buf[:len(s.buf)+got]
}

// take has blocks decoded, and emits what they held, up to the last separator.
// buf begins with a separator without its first bracket.
func (s *sharedText) take() {
	most := min(2*runtime.GOMAXPROCS(0), mostBlocks)
	for sound := true; ; {
		end := -1
		for reach := s.block; sound && end < 0 && reach <= blockReach*s.block; reach *= 2 {
			for len(s.buf) < reach && s.err == nil {
				s.in.limit = s.in.read + s.in.limits.Document
				s.more(reach - len(s.buf))
			}
			end = bytes.LastIndex(s.buf, s.separator)
			if s.err != nil {
				break
			}
		}
		if end >= 0 {
			s.send(end)
		}
		if len(s.queue) == 0 {
			s.decoder.member() // as if it had read them
			return
		}
		if end < 0 || len(s.queue) == most {
			sound = s.receive() && sound
		}
	}
}

// send has the text up to end decoded.
func (s *sharedText) send(end int) {
	c := &block{}
	if n := len(s.free); n > 0 {
		c, s.free = s.free[n-1], s.free[:n-1]
	}
	text := s.buf[len(s.separator)-2 : end+1]
	c.text = append(append(append(c.text[:0], blockHead...), text...), blockTail...)
	c.first, c.members = s.next, 1+bytes.Count(text, s.separator)
	if n := len(s.queue); n > 0 {
		c.first = s.queue[n-1].first + s.queue[n-1].members
	}
	c.found, c.sound, c.done = c.found[:0], false, make(chan struct{})
	s.buf, s.queue = s.buf[end+1:], append(s.queue, c)
	list, d := s.list, decoder{dec: &c.dec, fields: &c.fields, origin: s.decoder.origin, table: s.decoder.table, lists: 1, member: func() {}}
	go func() {
		defer close(c.done)
		c.decode(&d, &list, s.path)
	}()
}

// receive emits what the oldest block held. If it is not sound it goes back
// into the text, with all that are behind it.
func (s *sharedText) receive() (sound bool) {
	c := s.queue[0]
	<-c.done
	if c.sound {
		for _, f := range c.found {
			s.decoder.emit(f)
		}
		clear(c.found)
		s.next = c.first + c.members
		s.hidden += int64(len(c.text) - len(blockHead) - len(blockTail) + len(s.separator) - 2)
		s.queue, s.free = s.queue[1:], append(s.free, c)
		return true
	}
	var back []byte
	for i, c := range s.queue {
		<-c.done
		back = append(append(back, s.separator[1:len(s.separator)-1]...), c.text[len(blockHead):len(c.text)-len(blockTail)]...)
		if i == 0 {
			s.pass = len(back)
		}
	}
	s.buf, s.queue = append(back, s.buf...), nil
	return false
}

// decode decodes the block with a decoder of its own.
func (c *block) decode(d *decoder, list *element, path string) {
	c.buffer = *bytes.NewBuffer(c.text)
	c.dec.Reset(&c.buffer, jsontext.AllowDuplicateNames(false))
	c.fields.dec = &c.dec
	d.emit = func(f found) { c.found = append(c.found, f) }
	for range 3 { // blockHead
		if _, err := c.dec.ReadToken(); err != nil {
			return
		}
	}
	n := 0
	for ; c.dec.PeekKind() == '{'; n++ {
		if err := d.value(path+"["+strconv.Itoa(c.first+n)+"]", list); err != nil || len(list.untyped) > 0 {
			return
		}
	}
	for range 2 { // blockTail
		if _, err := c.dec.ReadToken(); err != nil {
			return
		}
	}
	_, err := c.dec.ReadToken()
	c.sound = err == io.EOF && n == c.members
}
