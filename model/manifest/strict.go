package manifest

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model/dialect"
)

// policySource is a NetworkPolicy or an admin policy while it is being read.
// Its fields are kept raw and decoded strictly once it is complete.
type policySource struct {
	result any // a policy of an API package, or *Rejected
}

// policyFields are the fields of a policy. Kubernetes 1.24 to 1.27 wrote a status
// of NetworkPolicies, and admin policies have one; it says nothing about connections.
var policyFields = []string{"apiVersion", "kind", "metadata", "spec", "status"}

// policy decodes the fields of a policy as the API server does with strict
// field validation: what it does not know or what is of the wrong type is a
// problem of e.
func (d *decoder) policy(e *element, p *policySource) {
	object, meta, target := newPolicy(e.typeMeta)
	_, core := object.(*networkingv1.NetworkPolicy)
	admin := !core
	var spec jsontext.Value
	for _, f := range e.later {
		switch f.name {
		case "metadata":
			d.strict(e, f, meta)
			_ = json.Unmarshal(f.value, &identity{&e.meta}, jsontext.AllowDuplicateNames(true)) // takes what fits and never fails
			e.meta.UID, e.meta.ResourceVersion = meta.UID != "", meta.ResourceVersion != ""
			e.meta.Annotations.read(meta.Annotations[lastAppliedKey])
			meta.Annotations = nil
		case "spec":
			if spec = f.value; admin {
				d.admin(e, f, target)
			} else {
				d.strict(e, f, target)
			}
		case "status":
		default:
			d.unknownField(e, f.path, f.name, policyFields)
		}
	}
	if admin && (spec == nil || spec.Kind() == 'n') {
		e.add(problem{dialect.CodeMissingField, e.path, "spec is missing"})
	}
	switch p.result = object; {
	case len(e.problems) > 0 && admin:
		p.result = &Rejected{Subject: adminSubject(spec)}
	case len(e.problems) > 0:
		p.result = &Rejected{Subjects: subjects(spec)}
	}
}

// strict decodes f into target. The decoder stops at the first problem; all of
// them are told.
func (d *decoder) strict(e *element, f keptField, target any) {
	options := json.JoinOptions(json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(d.tolerant))
	if json.Unmarshal(f.value, target, options) == nil {
		return
	}
	d.unknownFields(e, jsontext.NewDecoder(bytes.NewReader(f.value), jsontext.AllowDuplicateNames(d.tolerant)), f.path, reflect.TypeOf(target))
	d.unmarshalRaw(e, f.path, f.value, target)
}

// subjects is the podSelector of a policy that is refused, or nil when it
// cannot be read without doubt. An absent one selects every pod.
func subjects(spec jsontext.Value) *metav1.LabelSelector {
	var s struct {
		PodSelector jsontext.Value `json:"podSelector"`
	}
	out := &metav1.LabelSelector{}
	if spec == nil || spec.Kind() == 'n' {
		return out
	}
	if json.Unmarshal(spec, &s) != nil {
		return nil
	}
	if s.PodSelector == nil {
		return out
	}
	if json.Unmarshal(s.PodSelector, out, json.RejectUnknownMembers(true)) != nil {
		return nil
	}
	return out
}

// unknownFields walks the value that dec stands before along the Go type t and
// reports the fields that t lacks.
func (d *decoder) unknownFields(e *element, dec *jsontext.Decoder, path string, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind := dec.PeekKind()
	_, text := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	_, own := reflect.New(t).Interface().(json.Unmarshaler)
	switch {
	case kind == '{' && t.Kind() == reflect.Struct && !text && !own:
		fields := fieldsOf(t)
		_, _ = dec.ReadToken() // the value was read before: it cannot be broken
		for dec.PeekKind() != '}' {
			token, err := dec.ReadToken()
			if err != nil {
				return
			}
			name := token.String()
			at := join(path, name)
			if i := indexOf(fields, name); i >= 0 {
				d.unknownFields(e, dec, at, fields[i].t)
				continue
			}
			names := make([]string, len(fields))
			for i := range fields {
				names[i] = fields[i].name
			}
			d.unknownField(e, at, name, names)
			_ = dec.SkipValue()
		}
		_, _ = dec.ReadToken()
	case kind == '[' && t.Kind() == reflect.Slice:
		_, _ = dec.ReadToken()
		for i := 0; dec.PeekKind() != ']'; i++ {
			if dec.PeekKind() == 0 {
				return
			}
			d.unknownFields(e, dec, path+"["+strconv.Itoa(i)+"]", t.Elem())
		}
		_, _ = dec.ReadToken()
	default:
		_ = dec.SkipValue()
	}
}

func (d *decoder) unknownField(e *element, path, name string, known []string) {
	if len(e.problems) == maxProblems {
		return
	}
	inner, _ := within(path, e.path)
	message := fmt.Sprintf("%s: there is no such field", clip(inner))
	if n := nearest.Of(name, known); n != "" {
		message += "; did you mean " + n + "?"
	} else if len(known) <= 8 {
		message += "; the fields here are " + strings.Join(known, ", ")
	}
	e.add(problem{dialect.CodeUnknownField, path, message})
}

// typedField is a JSON field of a Go struct.
type typedField struct {
	name     string
	t        reflect.Type
	required bool // its tag says so: it has no omitempty
}

// fieldsOf lists the JSON fields of a struct of the Kubernetes API.
func fieldsOf(t reflect.Type) []typedField {
	var out []typedField
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous:
			out = append(out, fieldsOf(f.Type)...)
		case name != "" && name != "-":
			out = append(out, typedField{name, f.Type, !strings.Contains(options, "omitempty")})
		}
	}
	return out
}

func indexOf(fields []typedField, name string) int {
	for i := range fields {
		if fields[i].name == name {
			return i
		}
	}
	return -1
}

// mismatch says in one sentence what does not fit.
func (d *decoder) mismatch(e *element, path string, err *json.SemanticError) string {
	have := d.describe(err.JSONKind, err.JSONValue, path)
	quote := err.JSONKind == '0' || err.JSONKind == 't' || err.JSONKind == 'f'
	path, _ = within(path, e.path)
	if err.GoType == nil {
		return clip(path) + " " + have
	}
	t := err.GoType
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want := ""
	switch {
	case t == reflect.TypeFor[intstr.IntOrString]():
		want = "a whole number or a string"
	case t == reflect.TypeFor[metav1.Time](), t == reflect.TypeFor[metav1.MicroTime]():
		want = "a time such as 2006-01-02T15:04:05Z"
	case t.Kind() == reflect.String:
		want = "a string"
		if quote {
			want += ": quote it"
		}
	case t.Kind() == reflect.Bool:
		want = "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		want = fmt.Sprintf("a whole number of %d bits", t.Bits())
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		want = "a list"
	case t.Kind() == reflect.Map || t.Kind() == reflect.Struct:
		want = "a mapping"
	default:
		return clip(path) + " " + have
	}
	return fmt.Sprintf("%s %s; it must be %s", clip(path), have, want)
}

// describe says what a JSON value at path is: "is the number 1". A value that
// is not at hand is nil.
func (d *decoder) describe(kind jsontext.Kind, value jsontext.Value, path string) string {
	have := ""
	switch kind {
	case '"':
		have = "is the string " + clip(string(value))
		if len(value) == 0 {
			have = "is a string"
		}
	case '0':
		have = "is the number " + clip(string(value))
		if len(value) == 0 {
			have = "is a number"
		}
	case 't':
		have = "is the boolean true"
	case 'f':
		have = "is the boolean false"
	case 'n':
		have = "is null"
	case '{':
		have = "is a mapping"
	case '[':
		have = "is a list"
	default:
		have = "does not fit"
	}
	isBare := kind == '0' || kind == 't' || kind == 'f'
	switch text := scalarText(d.root, path); {
	case text == "":
	case have == "is a string":
		have = "is the string " + strconv.Quote(clip(text))
	case have == "is a number":
		have = "is the number " + clip(text)
	case isBare && !strings.HasSuffix(have, " "+text):
		have += " (written " + clip(text) + ")"
	}
	return have
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
