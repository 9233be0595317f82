package manifest

import (
	"bytes"
	"errors"
	"runtime"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// members is the members of a top-level JSON list while several goroutines
// decode them. The one that reads cuts the list, which checks all syntax, and
// emits the results in order; the others decode chunks of members. On two
// cores a list takes three quarters of the time that one decoder needs for it,
// and the more cores the less.
//
// Whatever one decoder would treat in another way than each member by itself
// ends the stream with errAlone, or with the error that it is: the stream is
// then read again by one decoder, which knows what to say.
type members struct {
	d      *decoder
	path   string // of the list
	parent typeMeta

	queue []*chunk // being decoded, the oldest first
	free  []*chunk
	fill  *chunk
	err   error // of the first member that has one
}

// errAlone says that the stream must be read by one decoder.
var errAlone = errors.New("members of the list depend on each other")

// The bytes of members that one goroutine decodes at a time, and from which on
// a member is decoded where it was read, without a copy.
const (
	chunkBytes  = 64 << 10
	largeMember = 1 << 20
)

// chunk is a few members that follow each other, decoded by one goroutine.
type chunk struct {
	text  []byte
	ends  []int // of the members in text
	first int   // index of the first of them

	done  chan struct{}
	found []found
	err   error // what ended decoding, behind found

	buffer bytes.Buffer
	dec    jsontext.Decoder
	fields fields
}

// shared decodes the members from number i on, up to the end of the list.
func (d *decoder) shared(e *element, path string, i int) error {
	m := members{d: d, path: path, parent: e.typeMeta}
	err := m.read(i)
	if before := m.drain(); before != nil { // also after an error: what comes before it counts
		return before
	}
	return err
}

// drain emits what is being decoded. Its error is that of the first member that
// has one; behind that nothing is emitted.
func (m *members) drain() error {
	m.send()
	for len(m.queue) > 0 {
		m.next()
	}
	return m.err
}

func (m *members) read(i int) error {
	dec, most := m.d.dec, 2*runtime.GOMAXPROCS(0)
	for ; dec.PeekKind() != ']' && m.err == nil; i++ {
		m.d.member()
		if k := dec.PeekKind(); k != '{' && k != 0 {
			return errAlone
		}
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if len(v) > largeMember {
			if err := m.drain(); err == nil {
				m.emit(m.decode(&chunk{text: v, ends: []int{len(v)}, first: i}))
			}
			continue
		}
		if m.fill == nil {
			m.fill = m.chunk(i)
		}
		c := m.fill
		c.text = append(c.text, v...)
		if c.ends = append(c.ends, len(c.text)); len(c.text) < chunkBytes {
			continue
		}
		if m.send(); len(m.queue) == most {
			m.next()
		}
	}
	if m.err != nil {
		return m.err
	}
	_, err := dec.ReadToken()
	return err
}

// chunk is an empty one that begins with member i.
func (m *members) chunk(i int) *chunk {
	c := &chunk{}
	if n := len(m.free); n > 0 {
		c, m.free = m.free[n-1], m.free[:n-1]
	}
	c.first, c.text, c.ends, c.found, c.err, c.done = i, c.text[:0], c.ends[:0], c.found[:0], nil, make(chan struct{})
	return c
}

// send has the chunk decoded that is being filled.
func (m *members) send() {
	if c := m.fill; c != nil {
		m.fill, m.queue = nil, append(m.queue, c)
		go func() {
			defer close(c.done)
			m.decode(c)
		}()
	}
}

// next waits for the oldest chunk and emits what it held.
func (m *members) next() {
	c := m.queue[0]
	m.queue = m.queue[1:]
	<-c.done
	m.emit(c)
	clear(c.found)
	m.free = append(m.free, c)
}

func (m *members) emit(c *chunk) {
	if m.err != nil {
		return
	}
	for _, f := range c.found {
		m.d.emit(f)
	}
	m.err = c.err
}

// decode decodes a chunk. It reads nothing of m that changes.
func (m *members) decode(c *chunk) *chunk {
	list := element{typeMeta: m.parent, members: true}
	c.fields.dec = &c.dec
	d := decoder{dec: &c.dec, fields: &c.fields, origin: m.d.origin, table: m.d.table, member: func() {}, lists: m.d.lists,
		emit: func(f found) { c.found = append(c.found, f) }}
	start := 0
	for i, end := range c.ends {
		c.buffer = *bytes.NewBuffer(c.text[start:end:end])
		c.dec.Reset(&c.buffer, jsontext.AllowDuplicateNames(true)) // that there are none was seen
		c.err = d.value(m.path+"["+strconv.Itoa(c.first+i)+"]", &list)
		if len(list.untyped) > 0 {
			c.err = errAlone
		}
		if c.err != nil {
			break
		}
		start = end
	}
	return c
}
