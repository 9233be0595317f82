package manifest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Live names the kind that an [Input] lists, and so what is missing when it
// cannot be read.
//
// Such an input is the JSON of one list, as `kubectl get KIND -A -o json`
// prints it; anything else is refused, and a stream that ends with an error, or
// before the list does, is never taken for the whole list. What cannot be read
// comes out as a [*Broken] that is Unread, and is reported as a warning
// (PR1014): what is missing is known, and makes the answer uncertain where it
// matters.
//
// The bytes are not kept and Open is called once, so positions are names:
// "live:NetworkPolicy/ml/deny-all:spec.ingress[0]".
//
// A list whose members are of another kind is not the list that was asked for.
type Live struct {
	APIVersion, Kind string

	// Doubtful says that nobody knows whether the kind has a part in the answer:
	// it is read for what it may show. That it cannot be read is no warning.
	Doubtful bool
}

// lists reports whether an object may be in the list of the kind. Of one that is
// broken the kind may not be known.
func (k *Live) lists(o *Object) bool {
	asked, _, _ := strings.Cut(k.APIVersion, "/")
	group, _, _ := strings.Cut(o.APIVersion, "/")
	if _, broken := o.Value.(*Broken); broken && o.Kind == "" {
		return true
	}
	return o.Kind == k.Kind && group == asked
}

// livePrefix begins the names of objects and inputs that are in no file.
const livePrefix = "live:"

// LiveInput is an input for what a live cluster lists of a kind. resource is
// the name that its API has for the kind: "networkpolicies.networking.k8s.io".
func LiveInput(resource string, kind Live, open func() (io.ReadCloser, error)) Input {
	return Input{Name: livePrefix + resource, Open: open, Live: &kind}
}

// isLive reports whether an origin's file is the name of a live object.
func isLive(file string) bool { return strings.HasPrefix(file, livePrefix) }

// live submits the list of one kind. It is opened here, in the order of the
// inputs, and read by a worker.
func (p *pipeline) live(in Input) bool {
	stream, err := in.Open()
	return p.submit(&job{file: &file{input: in}, last: true, live: true, run: func(emit func(found)) {
		n := 0
		if err == nil {
			defer stream.Close()
			n, err = p.reader.readLive(in, stream, emit)
		}
		if err != nil {
			emit(unread(in, n, err))
		}
	}})
}

// readLive decodes a list and returns how many members it has emitted.
func (r *Reader) readLive(in Input, stream io.Reader, emit func(found)) (n int, err error) {
	a := &allowance{in: stream, limits: r.limits}
	said := &ended{in: a}
	// The tolerant way needs no second look at the bytes.
	dec := jsontext.NewDecoder(said, jsontext.AllowDuplicateNames(true))
	d := decoder{dec: dec, tolerant: true, table: r.table, origin: model.Origin{File: in.Name}}
	d.member = func() { a.limit = dec.InputOffset() + a.limits.Document }
	odd := false
	var other error // the list is not of the kind that was asked for
	d.emit = func(f found) {
		if odd = odd || f.notObject; f.notObject || f.object == nil {
			return
		}
		if o := f.object; other == nil && !in.Live.lists(o) {
			other = fmt.Errorf("what kubectl printed has a %s (%s) in it", o.Kind, o.APIVersion)
		}
		if other != nil {
			return
		}
		n++
		f.nameLive()
		emit(f)
	}
	d.member()
	err = d.value("", nil)
	switch {
	case err == nil && (odd || !d.listed):
		err = errNoList
	case err == nil && other != nil:
		err = other
	case err == nil:
		if _, err = dec.ReadToken(); err == io.EOF {
			return n, nil
		} else if err == nil {
			err = errNoList
		}
	case err == io.EOF:
		err = errNoList
	}
	if said.err != nil { // the decoder wraps it in words of its own
		err = said.err
	}
	return n, liveProblem(err)
}

// ended keeps the error that ends a stream before its end.
type ended struct {
	in  io.Reader
	err error
}

func (f *ended) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

var errNoList = errors.New("what kubectl printed is not one list of objects")

// liveProblem is what ended a list, without the words of the decoder.
func liveProblem(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the list ends in the middle")
	case errors.As(err, &syntactic):
		return errors.New("what kubectl printed is " + jsonMessage(syntactic))
	}
	return err
}

// nameLive gives a live object its name as its place.
func (f *found) nameLive() {
	o := f.object
	o.Live = true
	if _, broken := o.Value.(*Broken); broken || o.Name == "" {
		return
	}
	member := o.Origin.Path
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	o.Origin = model.Origin{File: livePrefix + o.Kind + "/" + name}
	for i := range f.diagnostics {
		inner, _ := within(f.diagnostics[i].Origin.Path, member)
		f.diagnostics[i].Origin = model.Origin{File: o.Origin.File, Path: inner}
	}
}

// unread is a kind of which n objects could be read, and then no more.
func unread(in Input, n int, err error) found {
	o := model.Origin{File: in.Name}
	message := in.Live.Kind + " objects cannot be read: " + err.Error()
	if n > 0 {
		message = fmt.Sprintf("%s objects cannot be read to the end, only the first %d: %v", in.Live.Kind, n, err)
	}
	b := &Broken{Kind: in.Live.Kind, Policy: mayHoldPolicy(in.Live.Kind), Unread: true, Doubtful: in.Live.Doubtful}
	out := found{object: &Object{APIVersion: in.Live.APIVersion, Kind: in.Live.Kind, Origin: o, Live: true, Value: b}}
	if !b.Doubtful {
		out.diagnostics = []dialect.Diagnostic{{
			Code: dialect.CodeUnread, Origin: o, Object: model.ObjectRef{Kind: in.Live.Kind}, Message: message,
		}}
	}
	return out
}
