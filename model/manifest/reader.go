package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	// Progress, if not nil, is told how many bytes of an input were read, as
	// they are read for the first time. It may be called from several
	// goroutines at once.
	Progress func(bytes int)
}

// Reader reads objects and finds positions in what it has read. It keeps no
// content, except of inputs that are compressed or can be read only once. Its methods may be
// called from several goroutines.
type Reader struct {
	limits   Limits
	progress func(bytes int)
	table    *custom.Table // nil: custom.Builtin(), once it is needed
	block    int           // blockBytes; in tests any, or -1

	mu     sync.Mutex
	files  map[string]*file
	parsed []parsedDocument // most recently used last

	large     sync.Mutex     // held while a large YAML document is decoded
	generated map[string]int // kind and generateName -> objects without a name
}

// NewReader returns a Reader that has read nothing yet.
func NewReader(o Options) *Reader {
	return &Reader{limits: o.Limits.complete(), progress: o.Progress, table: o.Table, block: blockBytes, files: map[string]*file{}, generated: map[string]int{}}
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
		before, errorsBefore := l.Objects, l.Count(dialect.Error)
		t := tally{limits: r.limits, before: l.Reported()}
		for j := range p.order {
			for results := range j.out {
				for i := range results {
					if j.file.stop.Load() {
						continue
					}
					if !t.within(&results[i], l) {
						j.file.stop.Store(true)
					}
					if results[i].expansion > 0 {
						continue
					}
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
				if !j.live {
					t.end(j.file.input.Name, l)
				}
				t = tally{limits: r.limits, before: l.Reported(), expansion: t.expansion}
			}
		}
		if l.Objects == before && l.Count(dialect.Error) == errorsBefore {
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
	if policy, ok := o.Value.(metav1.Object); ok { // those of API packages
		policy.SetName(o.Name)
	}
}

// maxExpansions is how many times Limits.Expansion all documents of a run may
// add by aliases.
const maxExpansions = 16

// tally is what one file gave so far.
type tally struct {
	limits          Limits
	before          int   // diagnostics that there were
	results         int64 // objects and what is none
	expansion       int64 // of all files so far
	objects, broken int
	notObjects      int
	doubted         bool                 // one of them may be a policy of any namespace
	first           []dialect.Diagnostic // of them, until an object shows that the file is meant to hold objects
}

// within counts f. If it is one too many it becomes the message that says so:
// what follows in the file is not known.
func (t *tally) within(f *found, l *dialect.Ledger) bool {
	what := ""
	if f.expansion == 0 {
		t.results++
	}
	t.expansion += f.expansion
	switch {
	case f.expansion > 0 && t.expansion/maxExpansions > t.limits.Expansion:
		what = fmt.Sprintf("the aliases of all YAML documents expand to more than %s%s", size(maxExpansions*t.limits.Expansion), t.limits.raise("aliases"))
	case t.results > t.limits.Objects:
		what = fmt.Sprintf("the input holds more than %d objects%s", t.limits.Objects, t.limits.raise("objects"))
	case int64(l.Reported()-t.before) > t.limits.Problems:
		what = fmt.Sprintf("there are more than %d problems with the objects of this input%s", t.limits.Problems, t.limits.raise("problems"))
	default:
		return true
	}
	var at dialect.Diagnostic
	if f.object != nil {
		at.Origin = f.object.Origin
	} else if len(f.diagnostics) > 0 {
		at = f.diagnostics[0]
	}
	*f = broken(at.Origin, at.Line, at.Column, dialect.CodeLimit, what+"; "+notRead, &Broken{Policy: true})
	return false
}

func (t *tally) add(f *found, l *dialect.Ledger) *Object {
	if f.notObject {
		t.notObjects++
	}
	switch {
	case f.notObject && f.object == nil:
		if t.notObjects <= maxNotObjects {
			t.first = append(t.first, f.diagnostics...)
		}
	case f.notObject && t.notObjects > maxNotObjects: // a member of a list
		if b := f.object.Value.(*Broken); !b.Policy || t.doubted {
			return nil
		}
	default:
		for _, d := range f.diagnostics {
			if d.Code == dialect.CodeUnreadable {
				t.broken++
			}
			l.Report(d)
		}
	}
	if f.object != nil {
		if b, ok := f.object.Value.(*Broken); ok {
			t.broken++
			t.doubted = t.doubted || f.notObject && b.Policy && b.Kind == ""
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
			Message: fmt.Sprintf("%d more are no Kubernetes objects", t.notObjects-maxNotObjects)})
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
	file *file
	last bool // it ends the file
	live bool // it is a list of a live cluster, which may be empty
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

// input cuts one input into jobs. It reports whether to go on with the next.
func (p *pipeline) input(in Input) bool {
	if in.Live != nil {
		return p.live(in)
	}
	f := &file{input: in, limits: p.reader.limits, count: p.reader.progress}
	text, err := f.begin()
	if f.stream != nil {
		p.reader.remember(f)
	}
	if err != nil {
		defer f.close()
		var encoded *encodingError
		if errors.As(err, &encoded) {
			return p.submit(&job{file: f, last: true, run: func(emit func(found)) {
				emit(broken(model.Origin{File: in.Name}, 1, 1, dialect.CodeSyntax, encoded.message, &Broken{Policy: true}))
			}})
		}
		return p.fail(f, err)
	}
	if f.json {
		ok := p.submit(&job{file: f, last: true, run: func(emit func(found)) {
			defer f.close()
			p.reader.readJSON(p.ctx, f, text, emit)
		}})
		if !ok {
			f.close()
		}
		return ok
	}
	defer f.close()
	s := p.reader.limits.splitter(text, f.bom, 1, 0)
	for !f.stop.Load() {
		d, err := s.next()
		if err != nil && err != io.EOF {
			return p.fail(f, err)
		}
		if err == io.EOF {
			break
		}
		if !p.submit(&job{file: f, run: func(emit func(found)) { p.reader.readDocument(in.Name, d, emit) }}) {
			return false
		}
	}
	return p.submit(&job{file: f, last: true})
}

// fail submits that a file cannot be read on. What it holds there is not known.
func (p *pipeline) fail(f *file, err error) bool {
	rest := f.unreadableRest(model.Origin{File: f.input.Name}, err)
	return p.submit(&job{file: f, last: true, run: func(emit func(found)) { emit(rest) }})
}

// unreadableRest is a file that cannot be read to its end, or at all. What it
// holds there is not known.
func (f *file) unreadableRest(o model.Origin, err error) found {
	d := unreadableFile(o.File, err)
	d.Line, d.Column = f.end()
	return found{diagnostics: []dialect.Diagnostic{d}, object: &Object{Origin: o, Value: &Broken{Policy: true}}}
}

// Know makes positions in an input known that is read by somebody else, such as
// a configuration file in YAML.
func (r *Reader) Know(in Input) { r.remember(&file{input: in, limits: r.limits}) }

// remember makes positions in the file known.
func (r *Reader) remember(f *file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[f.input.Name] = f
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
