package manifest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strconv"
	"sync"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest/custom"
)

// Options configures a Reader. The zero value is useful.
type Options struct {
	Limits Limits
	// Table is which custom resources make pods (R66); nil means
	// custom.Builtin().
	Table *custom.Table
}

// Limits bounds what one input can cost. A zero field means its default.
type Limits struct {
	Document  int // bytes of a JSON value; members of a JSON list count one by one
	YAML      int // bytes of a YAML document; at most Document
	Expansion int // bytes that the aliases of one YAML document may add
	Depth     int // levels of nesting in a YAML document (JSON: 10,000, the decoder's own)
}

// The defaults of Limits.
const (
	MaxDocument  = 64 << 20 // bytes
	MaxYAML      = 32 << 20 // bytes, a list of some 5,000 pods; the parser takes 60 times as much memory, up to 150 times for lists of digits
	MaxExpansion = 16 << 20 // bytes
	MaxDepth     = 1000     // levels
)

// Reader reads objects and finds positions in what it has read. It keeps no
// content, except of inputs that can be read only once. Its methods may be
// called from several goroutines.
type Reader struct {
	limits Limits
	table  *custom.Table // nil: custom.Builtin(), once it is needed

	mu     sync.Mutex
	files  map[string]*file
	parsed []parsedDocument // most recently used last

	large     sync.Mutex     // held while a large YAML document is decoded
	generated map[string]int // kind and generateName -> objects without a name
}

// file is what a Reader remembers of an input.
type file struct {
	input Input
	json  bool             // it begins as JSON
	turns bool             // JSON turns out to be YAML at some point: at the
	yaml  int64            // offset where
	first int              // the document of this number begins
	bom   int64            // bytes of the byte order mark
	spans map[spanKey]span // where documents and members of lists are; nil until somebody asks
}

// NewReader returns a Reader that has read nothing yet.
func NewReader(o Options) *Reader {
	l := o.Limits
	if l.Document <= 0 {
		l.Document = MaxDocument
	}
	if l.YAML <= 0 {
		l.YAML = MaxYAML
	}
	l.YAML = min(l.YAML, l.Document)
	if l.Expansion <= 0 {
		l.Expansion = MaxExpansion
	}
	if l.Depth <= 0 {
		l.Depth = MaxDepth
	}
	return &Reader{limits: l, table: o.Table, files: map[string]*file{}, generated: map[string]int{}}
}

// window is how many documents are in work for each worker.
const window = 8

// batch is how many results go from a worker to the reader at a time.
const batch = 64

// maxNotObjects is how many documents of one file are reported one by one for
// being no object.
const maxNotObjects = 20

// Read reads the inputs and yields their objects in input order; lists are
// flattened. Documents are decoded by GOMAXPROCS goroutines, which end before
// the iteration does. What goes wrong is reported to l, in input order too, as
// the iteration proceeds, by the goroutine that iterates: between two objects
// it may report to l itself, as cluster.State does, but no other goroutine may
// use l meanwhile. l.Objects counts the objects that were met.
//
// Reading costs O(bytes); memory holds a few documents, or members of a JSON
// list, at a time, and inputs that can be read only once. Inputs are remembered
// by name for Locate.
func (r *Reader) Read(inputs []Input, l *dialect.Ledger) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		ctx, cancel := context.WithCancel(context.Background())
		workers := runtime.GOMAXPROCS(0)
		p := &pipeline{reader: r, ctx: ctx, order: make(chan *job, window*workers), work: make(chan *job)}
		var wg sync.WaitGroup
		for range workers {
			wg.Go(p.worker)
		}
		wg.Go(func() { p.produce(inputs) })
		defer func() {
			cancel()
			wg.Wait()
		}()
		before := l.Objects
		var t tally
		for j := range p.order {
			for results := range j.out {
				for i := range results {
					o := t.add(&results[i], l)
					if o == nil {
						continue
					}
					if results[i].generated {
						r.generate(o)
					}
					if !yield(*o) {
						return
					}
				}
			}
			if j.last {
				t.end(j.file, l)
				t = tally{}
			}
		}
		if l.Objects == before && l.Count(dialect.Error) == 0 {
			l.Report(dialect.Diagnostic{Code: dialect.CodeNoObjects, Message: "the input holds no Kubernetes object"})
		}
	}
}

// generate gives an object that has only a generateName, "trainer-", a name
// that stands for the one that the cluster would give: "trainer-*", and
// "trainer-*2" for the second of the kind. No object can have it itself.
func (r *Reader) generate(o *Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := o.Kind + " " + o.Name
	r.generated[key]++
	o.Name += "*"
	if n := r.generated[key]; n > 1 {
		o.Name += strconv.Itoa(n)
	}
	if np, ok := o.Value.(*networkingv1.NetworkPolicy); ok {
		np.Name = o.Name
	}
}

// tally is what one file gave so far.
type tally struct {
	objects, broken int
	notObjects      int
	first           []dialect.Diagnostic // of them, until an object shows that the file is meant to hold objects
}

func (t *tally) add(f *found, l *dialect.Ledger) *Object {
	if f.notObject {
		if t.notObjects++; t.notObjects <= maxNotObjects {
			t.first = append(t.first, f.diagnostics...)
		}
	} else {
		for _, d := range f.diagnostics {
			if d.Code == dialect.CodeUnreadable {
				t.broken++
			}
			l.Report(d)
		}
	}
	if f.object != nil {
		if _, ok := f.object.Value.(*Broken); ok {
			t.broken++
		} else {
			t.objects++
			l.Objects++
		}
	}
	if t.objects+t.broken > 0 {
		for _, d := range t.first {
			l.Report(d)
		}
		t.first = nil
	}
	return f.object
}

// end reports what can be said once the file is read.
func (t *tally) end(name string, l *dialect.Ledger) {
	switch {
	case t.objects+t.broken == 0:
		message := "the file holds no Kubernetes object"
		if t.notObjects > 0 {
			message += ": nothing in it has both apiVersion and kind"
		}
		l.Report(dialect.Diagnostic{Code: dialect.CodeEmptyFile, Origin: model.Origin{File: name}, Message: message})
	case t.notObjects > maxNotObjects:
		l.Report(dialect.Diagnostic{Code: dialect.CodeNotAnObject, Origin: model.Origin{File: name},
			Message: fmt.Sprintf("%d more documents are no Kubernetes objects", t.notObjects-maxNotObjects)})
	}
}

// pipeline is one run of Read: a producer cuts inputs into jobs, workers run
// them, and the reader takes their results in the order in which the producer
// made them.
type pipeline struct {
	reader *Reader
	ctx    context.Context
	order  chan *job
	work   chan *job
}

// job is a YAML document or a JSON file, or only the end of a file.
type job struct {
	run  func(emit func(found))
	out  chan []found
	file string
	last bool // it ends the file
}

func (p *pipeline) worker() {
	for j := range p.work {
		var results []found
		send := func() {
			if len(results) > 0 {
				select {
				case j.out <- results:
				case <-p.ctx.Done():
				}
				results = nil
			}
		}
		j.run(func(f found) {
			results = append(results, f)
			if len(results) == batch {
				send()
			}
		})
		send()
		close(j.out)
	}
}

// submit hands a job to the workers; it reports whether to go on.
func (p *pipeline) submit(j *job) bool {
	j.out = make(chan []found, 1)
	select {
	case p.order <- j:
	case <-p.ctx.Done():
		return false
	}
	if j.run == nil {
		close(j.out)
		return true
	}
	select {
	case p.work <- j:
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *pipeline) produce(inputs []Input) {
	defer close(p.order)
	defer close(p.work)
	for _, in := range inputs {
		if !p.input(in) {
			return
		}
	}
}

// input cuts one input into jobs.
func (p *pipeline) input(in Input) bool {
	f := &file{input: in}
	stream, err := in.Open()
	if err != nil {
		return p.fail(in.Name, err, true)
	}
	buffer := bufio.NewReaderSize(stream, 64<<10)
	if err := f.sniff(buffer); err != nil {
		stream.Close()
		var encoded *encodingError
		if errors.As(err, &encoded) {
			p.reader.remember(f)
			return p.submit(&job{file: in.Name, last: true, run: func(emit func(found)) {
				emit(broken(model.Origin{File: in.Name}, 1, 1, dialect.CodeSyntax, encoded.message, &Broken{Policy: true}))
			}})
		}
		return p.fail(in.Name, err, true)
	}
	p.reader.remember(f)
	if f.json {
		return p.submit(&job{file: in.Name, last: true, run: func(emit func(found)) {
			defer stream.Close()
			p.reader.readJSON(p.ctx, f, buffer, emit)
		}})
	}
	defer stream.Close()
	s := p.reader.limits.splitter(buffer, f.bom, 1, 0)
	for {
		d, err := s.next()
		switch {
		case err == io.EOF:
			return p.submit(&job{file: in.Name, last: true})
		case err != nil:
			return p.fail(in.Name, err, true)
		}
		if !p.submit(&job{file: in.Name, run: func(emit func(found)) { p.reader.readDocument(in.Name, d, emit) }}) {
			return false
		}
	}
}

// fail submits that a file cannot be read. What it holds is not known.
func (p *pipeline) fail(name string, err error, last bool) bool {
	return p.submit(&job{file: name, last: last, run: func(emit func(found)) {
		emit(unreadableRest(model.Origin{File: name}, err))
	}})
}

// unreadableRest is an input that cannot be read to its end. What it holds
// there is not known.
func unreadableRest(o model.Origin, err error) found {
	return found{diagnostics: []dialect.Diagnostic{unreadableFile(o.File, err)}, object: &Object{Origin: o, Value: &Broken{Policy: true}}}
}

// Know makes positions in an input known that is read by somebody else, such as
// a configuration file in YAML.
func (r *Reader) Know(in Input) { r.remember(&file{input: in}) }

// remember makes positions in the file known.
func (r *Reader) remember(f *file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[f.input.Name] = f
}

// encodingError is a file that has to be converted before it can be read.
type encodingError struct{ message string }

func (e *encodingError) Error() string { return e.message }

// encodings are the first bytes of files that are neither UTF-8 nor ASCII.
var encodings = []struct{ head, message string }{
	{"\xff\xfe", utf16},
	{"\xfe\xff", utf16},
	{"\x1f\x8b", "the file is compressed with gzip, which is not read; unpack it first (gzip -dc FILE | podreach ... -f -)"},
	{"\x28\xb5\x2f\xfd", "the file is compressed with zstd, which is not read; unpack it first (zstd -dc FILE | podreach ... -f -)"},
}

const utf16 = "the file is UTF-16; save it as UTF-8 (PowerShell: ... | Out-File -Encoding utf8 FILE)"

// sniff skips a byte order mark and looks whether the stream begins as JSON.
// The name of a file says nothing about that.
func (f *file) sniff(in *bufio.Reader) error {
	head, err := in.Peek(4)
	for _, e := range encodings {
		if bytes.HasPrefix(head, []byte(e.head)) {
			return &encodingError{e.message}
		}
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		f.bom = 3
		_, _ = in.Discard(3)
	}
	if err != nil && err != io.EOF {
		return err
	}
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if len(head) < n {
			if err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
			return nil
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			more, _ := in.Peek(n + 1)
			f.json = !bytes.HasSuffix(more, []byte("{{")) // a template
		}
		return nil
	}
}

// broken is a document that could not be parsed.
func broken(o model.Origin, line, column int, code dialect.Code, message string, b *Broken) found {
	if b.Policy && b.Kind == "" && b.Namespace == "" {
		message += "; it may hold a policy of any namespace"
	}
	return found{
		object:      &Object{Kind: b.Kind, Namespace: b.Namespace, Origin: o, Value: b},
		diagnostics: []dialect.Diagnostic{{Code: code, Origin: o, Line: line, Column: column, Message: message}},
	}
}
