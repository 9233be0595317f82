package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest/custom"
)

// decoder decodes one top-level JSON value into objects. It reads forward
// only, in one pass, one member of a list at a time; what it cannot understand
// yet (a spec before its kind) it keeps until it can.
//
// It has two ways. The fast one decodes as it scans and ends the stream at a
// value of the wrong type (errTolerate) and at a key that is given twice
// (jsontext.ErrDuplicateName). The tolerant one takes fields as a whole before
// it decodes them, at about twice the cost, and goes on.
type decoder struct {
	dec    *jsontext.Decoder
	origin model.Origin // of the document
	root   *yaml.Node   // of a YAML document, for positions; nil for JSON
	table  *custom.Table
	emit   func(found)
	member func() // called before each member of a list: the allowance of bytes starts again

	lists    int  // that the value which is being read is in
	listed   bool // a top-level value was a list
	tolerant bool
	fields   *fields                  // of the fast way
	shared   *sharedText              // what dec reads, if other goroutines help with the members of lists
	repeated map[string][]repeatedKey // keys that the document gives twice, by listPath
}

// errTolerate says that the value must be read in the tolerant way.
var errTolerate = errors.New("a value is of the wrong type")

// maxUntyped is how many members of a list may come without a type before the
// list has said its own.
const maxUntyped = 100_000

// maxListDepth is how deep lists may be in lists.
const maxListDepth = 16

// typeMeta is the type of an object.
type typeMeta struct{ apiVersion, kind string }

func (t typeMeta) known() bool { return t.apiVersion != "" && t.kind != "" }

// isListKind reports whether objects of the kind are lists, if they have items.
func isListKind(kind string) bool { return strings.HasSuffix(kind, "List") }

// element is an object, or a list of them, while it is being read.
type element struct {
	typeMeta
	path  string
	value any // what newValue made of the type; nil before it is known and for ignored kinds
	typed bool
	meta  metadata

	oddVersion, oddKind string // what apiVersion and kind are if they are no strings: "is the number 1"

	later []keptField // what came before the type was known, and all fields of a policy

	items    bool       // it has a field items that can be a list's
	members  bool       // some member said its own type
	untyped  []*element // members that did not
	scalars  int        // members that are not even mappings
	misspelt string     // a name that is items but for its case
	oddItems string     // what items is if it can be no list's: "is a mapping"
	complete bool

	template bool // an object of an ignored kind holds a pod template

	unknown map[string][]string // Object.UnknownFields

	problems []problem
}

// keptField is a field that waits for the type of its object. value is nil
// when only its name matters.
type keptField struct {
	name, path string
	value      jsontext.Value
}

// isList reports whether e, which is complete, is a list: its kind ends in
// List and it has items, or it has no kind but members that say theirs.
func (e *element) isList() bool {
	return e.kind == "List" && e.misspelt == "" || e.items && (isListKind(e.kind) || e.kind == "" && e.members)
}

// memberType is the type that a list gives members that do not say theirs.
func (e *element) memberType() typeMeta {
	if e == nil || e.kind == "List" || !isListKind(e.kind) {
		return typeMeta{}
	}
	return typeMeta{e.apiVersion, strings.TrimSuffix(e.kind, "List")}
}

// value decodes the value that the decoder stands before. path is its place in
// the document, parent the list that it is a member of. An error ends the
// stream.
func (d *decoder) value(path string, parent *element) error {
	if d.dec.PeekKind() == '[' {
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		if bytes.Contains(v, []byte(`"apiVersion"`)) && bytes.Contains(v, []byte(`"kind"`)) {
			d.bareList(path)
			return nil
		}
		d.noMember(parent, "", path, notMapping)
		return nil
	}
	if d.dec.PeekKind() != '{' {
		if err := d.dec.SkipValue(); err != nil {
			return err
		}
		d.noMember(parent, "", path, notMapping)
		return nil
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	e := &element{path: path, typeMeta: parent.memberType()}
	var seen map[string]bool
	if d.tolerant {
		seen = map[string]bool{}
	}
	for d.dec.PeekKind() != '}' {
		raw, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		name := fieldName(raw)
		if seen[name] {
			d.repeat(repeatedKey{path: join(path, name)})
		} else if seen != nil {
			seen[name] = true
		}
		if err := d.field(e, name); err != nil {
			return err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	return d.finish(e, parent)
}

const notMapping = "this is not a mapping: a Kubernetes object has apiVersion, kind and metadata"

// bareList emits that objects are in a list that no object holds, as jq gives
// them. kubectl reads none of them.
func (d *decoder) bareList(path string) {
	o := d.origin
	o.Path = path
	f := broken(o, 0, 0, dialect.CodeNotAnObject, "this is a list of objects; it must be the items of a List: {apiVersion: v1, kind: List, items: [...]} (jq: .items without it gives a bare list)", &Broken{Policy: true})
	d.locate(&f.diagnostics[0])
	d.emit(f)
}

// fieldName returns the name in a raw JSON string, without allocating for the
// names that every object has.
func fieldName(raw jsontext.Value) string {
	switch string(raw) {
	case `"apiVersion"`:
		return "apiVersion"
	case `"kind"`:
		return "kind"
	case `"metadata"`:
		return "metadata"
	case `"spec"`:
		return "spec"
	case `"status"`:
		return "status"
	case `"items"`:
		return "items"
	}
	name, _ := jsontext.AppendUnquote(nil, raw)
	return string(name)
}

func (d *decoder) field(e *element, name string) error {
	path := join(e.path, name)
	if name == "apiVersion" || name == "kind" {
		return d.typeField(e, name, path)
	}
	d.settle(e)
	switch name {
	case "items":
		switch d.dec.PeekKind() {
		case '[':
			e.items = true
			return d.list(e, path)
		case 'n': // what Go makes of a list without members
			e.items = true
		default:
			e.oddItems = d.describe(d.dec.PeekKind(), nil, path)
		}
	case "metadata", "spec", "status":
		if _, policy := e.value.(*policySource); policy || !e.typed {
			v, err := d.dec.ReadValue()
			if err != nil {
				return err
			}
			d.checkRepeated(v, path)
			e.later = append(e.later, keptField{name, path, v.Clone()})
			return nil
		}
		if c, ok := e.value.(*customSource); ok {
			v, err := d.dec.ReadValue()
			if err != nil {
				return err
			}
			d.checkRepeated(v, path)
			d.customField(e, c, name, path, v)
			return nil
		}
		if target := e.target(name); target != nil {
			return d.unmarshal(e, path, target)
		}
		if name == "spec" && e.mayMakePods() {
			v, err := d.dec.ReadValue()
			e.template = err == nil && holdsTemplate(v)
			return err
		}
	}
	if strings.EqualFold(name, "items") && name != "items" {
		e.misspelt = name
	}
	if _, policy := e.value.(*policySource); (policy || !e.typed) && len(e.later) < 64 {
		e.later = append(e.later, keptField{name: name, path: path}) // a policy with an unknown field is refused; 64 are enough to say so
	}
	return d.dec.SkipValue()
}

// settle fixes the type of e once it is known.
func (d *decoder) settle(e *element) {
	if !e.typed && e.known() {
		e.typed, e.value = true, newValue(e.typeMeta)
		if e.value != nil {
			return
		}
		if row := d.row(e.typeMeta); row != nil {
			e.value = &customSource{row: row, object: map[string]any{}}
		}
	}
}

func (d *decoder) typeField(e *element, name, path string) error {
	v, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	field, odd := &e.apiVersion, &e.oddVersion
	if name == "kind" {
		field, odd = &e.kind, &e.oddKind
	}
	s := ""
	if *odd = ""; v.Kind() == '"' {
		b, _ := jsontext.AppendUnquote(nil, v)
		s = string(b)
	} else {
		*odd = d.describe(v.Kind(), v, path)
	}
	if e.typed && s != *field {
		e.add(problem{dialect.CodeWrongType, path, fmt.Sprintf("%s is %q in a list whose members are %q", name, clip(s), *field)})
	}
	*field = s
	return nil
}

// list decodes the members of what may be a list. Whether it is one may not be
// known yet: `kubectl get -o json` writes items before kind. Members that say
// their own type are emitted; the others wait for the end of the list.
func (d *decoder) list(e *element, path string) error {
	if d.lists == maxListDepth {
		return &limitError{fmt.Sprintf("lists are nested more than %d deep", maxListDepth)}
	}
	d.lists++
	defer func() { d.lists-- }()
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		single := (isListKind(e.kind) || e.members) && len(e.untyped) == 0
		if single {
			d.member()
		}
		if single && d.shared != nil && d.lists == 1 {
			i += d.shared.settle(e, path, i)
		}
		if d.dec.PeekKind() == ']' {
			break
		}
		var err error
		if d.dec.PeekKind() != '{' && !isListKind(e.kind) {
			e.scalars++
			err = d.dec.SkipValue()
		} else {
			err = d.value(path+"["+strconv.Itoa(i)+"]", e)
		}
		if err != nil {
			return err
		}
	}
	if d.shared != nil && d.lists == 1 {
		d.shared.separator = nil
	}
	_, err := d.dec.ReadToken()
	return err
}

// finish emits e, or its members, or makes it wait for its list.
func (d *decoder) finish(e, parent *element) error {
	e.complete = true
	if e.oddItems != "" && isListKind(e.kind) {
		d.emit(d.listWithout(e, join(e.path, "items"), "has items that are no list: items "+e.oddItems))
		return nil
	}
	if !e.items && e.misspelt == "" && (e.kind == "List" || newValue(e.memberType()) != nil) {
		d.emit(d.listWithout(e, e.path, "has no items"))
		return nil
	}
	if e.isList() {
		d.listed = d.listed || parent == nil
		if e.scalars > 0 {
			d.notObject(join(e.path, "items"), "the list has members that are not mappings")
		}
		for _, u := range e.untyped {
			if err := d.finish(u, e); err != nil {
				return err
			}
		}
		return nil
	}
	if e.misspelt != "" && isListKind(e.kind) && !e.items {
		d.emit(d.listWithout(e, join(e.path, e.misspelt), fmt.Sprintf("has a field %s; the members of a list are in items", e.misspelt)))
		return nil
	}
	if e.known() {
		if parent != nil {
			parent.members = true
		}
		return d.settled(e)
	}
	switch def := parent.memberType(); {
	case def.known() && e.kind == "":
		e.typeMeta = def
		return d.settled(e)
	case def.known() && e.kind == def.kind:
		e.apiVersion = def.apiVersion
		return d.settled(e)
	case parent != nil && !parent.complete && parent.kind != "" && !isListKind(parent.kind):
		return nil // a field items of an object that is no list
	case parent != nil && !parent.complete && parent.kind != "List" && !def.known():
		if len(parent.untyped) == maxUntyped {
			return &limitError{fmt.Sprintf("more than %d members of a list say no type and come before that of the list", maxUntyped)}
		}
		parent.untyped = append(parent.untyped, e)
		return nil
	}
	path, message := e.untypedAt()
	if !strings.Contains(e.kind, "Policy") && !strings.HasPrefix(e.apiVersion, "networking.k8s.io/") {
		d.noMember(parent, e.kind, path, message)
		return nil
	}
	// Half of its type is missing, but what is there speaks of policies.
	o := d.origin
	o.Path = e.path
	f := broken(o, 0, 0, dialect.CodeNotAnObject, message, &Broken{Kind: e.kind, Namespace: e.meta.Namespace, Policy: true})
	f.diagnostics[0].Origin.Path = path
	d.locate(&f.diagnostics[0])
	d.emit(f)
	return nil
}

// untypedAt says where and why e, which is no list, has no type.
func (e *element) untypedAt() (path, message string) {
	version, kind := "apiVersion is missing", "kind is missing"
	if e.oddVersion != "" {
		version = "apiVersion " + e.oddVersion + "; it must be a string"
	}
	if e.oddKind != "" {
		kind = "kind " + e.oddKind + "; it must be a string"
	}
	switch {
	case e.kind != "":
		path, message = join(e.path, "kind"), "kind is "+clip(e.kind)+" but "+version
		if e.oddVersion != "" {
			path = join(e.path, "apiVersion")
		}
		if known := apiVersions[e.kind]; known != "" {
			message = version + "; for " + e.kind + " it is " + known
		}
	case e.apiVersion != "":
		path, message = join(e.path, "apiVersion"), "apiVersion is there but "+kind
		if e.oddKind != "" {
			path = join(e.path, "kind")
		}
	case e.oddVersion == "" && e.oddKind == "":
		path, message = e.path, "apiVersion and kind are missing"
	default:
		path, message = e.path, version+", and "+kind
	}
	return path, message
}

// settled emits e, whose type is known.
func (d *decoder) settled(e *element) error {
	d.settle(e)
	switch v := e.value.(type) {
	case *policySource:
		d.policy(e, v)
	case *customSource:
		for _, f := range e.later {
			if f.value != nil {
				d.customField(e, v, f.name, f.path, f.value)
			}
		}
		d.custom(e, v)
	default:
		for _, f := range e.later {
			if target := e.target(f.name); target != nil && f.value != nil {
				d.unmarshalRaw(e, f.path, f.value, target)
			} else if f.name == "spec" && e.mayMakePods() {
				e.template = holdsTemplate(f.value)
			}
		}
	}
	d.emit(d.object(e))
	return nil
}

// unmarshal decodes the value that the decoder stands before into target. What
// does not fit becomes a problem of e. An error ends the stream.
func (d *decoder) unmarshal(e *element, path string, target any) error {
	if d.tolerant {
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		d.checkRepeated(v, path)
		d.unmarshalRaw(e, path, v, target)
		return nil
	}
	switch t := target.(type) {
	case *metadata:
		return d.fields.metadata(t)
	case *PodSpec:
		return d.fields.podSpec(t)
	case *PodStatus:
		return d.fields.podStatus(t)
	}
	if err := json.UnmarshalDecode(d.dec, target); err != nil {
		var syntactic *jsontext.SyntacticError
		var semantic *json.SemanticError
		if errors.As(err, &semantic) && !errors.As(err, &syntactic) {
			return errTolerate
		}
		return err
	}
	if l := labelsOf(target); l != nil && len(l.bad) > 0 {
		return errTolerate
	}
	return nil
}

// unmarshalRaw is unmarshal for a value that was read before.
func (d *decoder) unmarshalRaw(e *element, path string, v jsontext.Value, target any) {
	err := json.Unmarshal(v, target, jsontext.AllowDuplicateNames(d.tolerant))
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		d.problem(e, path, semantic)
	} else if err != nil {
		e.add(problem{dialect.CodeWrongType, path, err.Error()})
	}
	if l := labelsOf(target); l != nil {
		for _, err := range l.bad {
			d.problem(e, path, err)
		}
	}
}

func (d *decoder) problem(e *element, base string, err *json.SemanticError) {
	path := pointerPath(base, err.JSONPointer)
	e.add(problem{dialect.CodeWrongType, path, d.mismatch(e, path, err)})
}
