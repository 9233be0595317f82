package manifest

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model/dialect"
)

// found is one thing that a document held: an object, or nothing with the
// reason why.
type found struct {
	object      *Object
	diagnostics []dialect.Diagnostic
	notObject   bool  // the diagnostic is that it is no Kubernetes object
	expansion   int64 // bytes that the aliases of a document added; the diagnostic only says where it is
	generated   bool  // the object's name is only its generateName
}

// problem is a field for which the API server would refuse the object.
type problem struct {
	code    dialect.Code
	path    string
	message string
}

// maxProblems is how many problems of one object are told.
const maxProblems = 20

func (e *element) add(p problem) {
	if len(e.problems) < maxProblems {
		e.problems = append(e.problems, p)
	}
}

// object makes the result of an element that is an object of known type.
func (d *decoder) object(e *element) found {
	o := &Object{Kind: e.kind, APIVersion: e.apiVersion, Namespace: e.meta.Namespace, Name: e.meta.Name, Origin: d.origin}
	o.Origin.Path = e.path
	f := found{object: o}
	if e.value != nil {
		o.Stored, o.UnknownFields = e.meta.stored(), e.unknown
		o.Value = e.finished()
		switch {
		case o.Name != "":
		case e.meta.GenerateName != "":
			o.Name, f.generated = e.meta.GenerateName, true
		default:
			e.add(problem{dialect.CodeNoName, join(e.path, "metadata"), "metadata.name is missing"})
		}
	} else {
		e.problems = nil // nothing of it is used
		if e.template {
			o.Value = &Unlisted{}
		}
	}
	ambiguous, noKind, unsure := false, false, false
	for _, r := range d.repeated[e.path] {
		inner, ok := within(r.path, e.path)
		if !ok {
			continue
		}
		a := isIdentity(inner)
		if e.value == nil && !a {
			continue
		}
		ambiguous = ambiguous || a
		unsure = unsure || inner == "spec" || strings.HasPrefix(inner, "spec.podSelector") || strings.HasPrefix(inner, "spec.subject")
		diagnostic := d.diagnostic(o, problem{dialect.CodeDuplicateKey, r.path, "the key " + lastKey(inner) + " is given twice in one mapping"})
		if r.line > 0 {
			diagnostic.Line, diagnostic.Column = r.line, r.column
		}
		f.diagnostics = append(f.diagnostics, diagnostic)
		noKind = noKind || inner == "kind" || inner == "apiVersion"
	}
	delete(d.repeated, e.path)
	for _, p := range e.problems {
		f.diagnostics = append(f.diagnostics, d.diagnostic(o, p))
	}
	switch {
	case ambiguous: // perhaps two objects without a line --- between them
		if noKind {
			o.Kind = ""
		}
		o.Value = &Broken{Kind: o.Kind, Policy: mayHoldPolicy(o.Kind)}
		o.Namespace, o.Name, f.generated = "", "", false
	case len(f.diagnostics) > 0:
		rejected := &Rejected{}
		switch v := o.Value.(type) {
		case *Rejected:
			rejected = v
		case *networkingv1.NetworkPolicy:
			rejected.Subjects = &v.Spec.PodSelector
		default:
			rejected.Subject = subjectOf(v)
		}
		if unsure {
			rejected.Subjects, rejected.Subject = nil, nil
		}
		o.Value = rejected
	}
	return f
}

// isIdentity reports whether an object of which this field is not certain is
// not certain itself.
func isIdentity(path string) bool {
	switch path {
	case "apiVersion", "kind", "metadata", "metadata.namespace":
		return true
	}
	return false
}

// repeat notes a key that is given twice.
func (d *decoder) repeat(k repeatedKey) {
	if d.repeated == nil {
		d.repeated = map[string][]repeatedKey{}
	}
	object := listPath(k.path)
	list := d.repeated[object]
	inner, _ := within(k.path, object)
	if slices.ContainsFunc(list, func(r repeatedKey) bool { return r.path == k.path }) || len(list) >= maxProblems && !isIdentity(inner) {
		return
	}
	d.repeated[object] = append(list, k)
}

// notObject emits that what stands at path is no Kubernetes object.
func (d *decoder) notObject(path, message string) {
	o := d.origin
	o.Path = path
	diagnostic := dialect.Diagnostic{Code: dialect.CodeNotAnObject, Origin: o, Message: message}
	d.locate(&diagnostic)
	d.emit(found{notObject: true, diagnostics: []dialect.Diagnostic{diagnostic}})
}

// noMember emits that what stands at path is no Kubernetes object. If it is a
// member of a list, which says that it is one, it is an object that cannot be
// read, and without a kind it may be a policy.
func (d *decoder) noMember(list *element, kind, path, message string) {
	if list == nil || !isListKind(list.kind) {
		d.notObject(path, message)
		return
	}
	o := d.origin
	o.Path = path
	f := broken(o, 0, 0, dialect.CodeNotAnObject, message, &Broken{Kind: kind, Policy: mayHoldPolicy(kind)})
	f.notObject = true
	d.locate(&f.diagnostics[0])
	d.emit(f)
}

func (d *decoder) diagnostic(o *Object, p problem) dialect.Diagnostic {
	diagnostic := dialect.Diagnostic{Code: p.code, Origin: o.Origin, Object: o.Ref(), Message: o.Ref().String() + ": " + p.message}
	if o.Name == "" {
		diagnostic.Message = strings.TrimSpace(o.Kind+" without a name") + ": " + p.message
	}
	diagnostic.Origin.Path = p.path
	d.locate(&diagnostic)
	return diagnostic
}

// locate fills in the position of a diagnostic in a YAML document, which is at
// hand; one in JSON is found when somebody asks.
func (d *decoder) locate(diagnostic *dialect.Diagnostic) {
	if d.root != nil {
		diagnostic.Line, diagnostic.Column = nodePosition(d.root, diagnostic.Origin.Path)
	}
}

// listWithout is a list whose members nobody will see, such as one with "Items".
func (d *decoder) listWithout(e *element, path, why string) found {
	o := d.origin
	o.Path = e.path
	f := broken(o, 0, 0, dialect.CodeNotAnObject, clip(e.kind)+" "+why, &Broken{Kind: e.kind, Policy: mayHoldPolicy(e.kind)})
	f.diagnostics[0].Origin.Path = path
	d.locate(&f.diagnostics[0])
	return f
}

// checkRepeated finds the first key that v gives twice, if the decoder lets
// such values through.
func (d *decoder) checkRepeated(v jsontext.Value, path string) {
	if !d.tolerant || v.IsValid() {
		return
	}
	var syntactic *jsontext.SyntacticError
	if err := jsontext.NewDecoder(bytes.NewReader(v)).SkipValue(); errors.As(err, &syntactic) {
		d.repeat(repeatedKey{path: pointerPath(path, syntactic.JSONPointer)})
	}
}
