package assertionset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// APIVersion and Kind are those of an assertions file.
const (
	APIVersion = "podreach.io/v1alpha1"
	Kind       = "AssertionSet"
)

// MaxBytes is how long a file may be: some ten thousand assertions.
const MaxBytes = 4 << 20

// maxNodes bounds what a file may come to when its aliases are followed.
const maxNodes = 1 << 20

// maxDepth bounds how deep values may nest, aliases followed.
const maxDepth = 40

// maxErrors is how many errors are told.
const maxErrors = 1_000

// File is the text of a file, and its name as the user gave it.
type File struct {
	Name string
	Text []byte
}

// Place is a position in a File.
type Place struct {
	File         string
	Line, Column int // from 1
}

// Stated is an assertion and where its parts are stated.
type Stated struct {
	solver.Assertion
	Set     string // metadata.name
	At      Place
	Waivers []Place          // of each of Assertion.Waivers
	Exprs   map[string]Place // by the text of an expression, where it stands first in the assertion
}

// Read reads files. Today is the day against which waivers expire, in UTC. With
// an error, whose place is in the diagnostic, the assertions must not be used:
// one that is left out would read like one that holds.
func Read(files []File, today time.Time) ([]Stated, []dialect.Diagnostic) {
	r := &reader{today: today.UTC().Format(time.DateOnly), ids: map[string]Place{}}
	for _, f := range files {
		r.file(f)
	}
	r.waive()
	if len(r.out) == 0 && len(r.bad) == 0 {
		name := ""
		if len(files) > 0 {
			name = files[0].Name
		}
		r.report(Place{name, 1, 1}, "there is no assertion")
	}
	return r.out, r.bad
}

type reader struct {
	today   string
	name    string // of the file
	ids     map[string]Place
	out     []Stated
	waivers []waiver
	bad     []dialect.Diagnostic
	budget  int
}

func (r *reader) report(p Place, format string, args ...any) {
	r.reportCode(dialect.CodeBadAssertions, p, fmt.Sprintf(format, args...))
}

func (r *reader) reportCode(code dialect.Code, p Place, message string) {
	if len(r.bad) < maxErrors {
		r.bad = append(r.bad, dialect.Diagnostic{Code: code, Origin: model.Origin{File: p.File}, Line: max(p.Line, 1), Column: p.Column, Message: message})
	}
}

func (r *reader) place(n *yaml.Node) Place { return Place{r.name, max(n.Line, 1), n.Column} }

func (r *reader) file(f File) {
	r.name = f.Name
	if len(f.Text) > MaxBytes {
		r.report(Place{f.Name, 1, 1}, "an assertions file has at most %d MiB", MaxBytes>>20)
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(f.Text))
	some := false
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.syntax(err)
			return
		}
		if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
			continue
		}
		some = true
		r.document(doc.Content[0])
	}
	if !some {
		r.report(Place{f.Name, 1, 1}, "the file is empty, expected kind %s", Kind)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)`)

func (r *reader) syntax(err error) {
	p, message := Place{r.name, 1, 1}, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1]) // it is digits
		message = m[2]
	}
	r.report(p, "%s", message)
}

// document reads one document.
func (r *reader) document(n *yaml.Node) {
	r.budget = maxNodes
	v, ok := r.value(n, 0)
	if !ok {
		return
	}
	if top, isMap := v.(map[string]any); isMap && top["kind"] != Kind {
		at := n
		if k := child(n, "kind"); k != nil {
			at = k
		}
		r.report(r.place(at), "kind is %s, expected %s", shown(top["kind"]), Kind)
		return
	}
	if !r.validate(n, v) {
		return
	}
	set := v.(map[string]any)
	name := set["metadata"].(map[string]any)["name"].(string)
	spec := child(n, "spec")
	for _, a := range items(child(spec, "assertions")) {
		r.assertion(a, name)
	}
	for _, w := range items(child(spec, "waivers")) {
		r.waiver(w)
	}
}

// value turns a node into what a JSON Schema is about, and finds what no
// schema says: keys given twice, and aliases that never end.
func (r *reader) value(n *yaml.Node, depth int) (any, bool) {
	if r.budget--; r.budget < 0 || depth > maxDepth {
		r.report(r.place(n), "the document is too large or too deep when its aliases are followed")
		return nil, false
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, ok := r.value(c, depth+1)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := resolve(n.Content[i])
			if k.Kind != yaml.ScalarNode {
				r.report(r.place(n.Content[i]), "a field name is a text")
				return nil, false
			}
			if _, twice := out[k.Value]; twice {
				r.report(r.place(n.Content[i]), "field %q is given twice", k.Value)
				return nil, false
			}
			v, ok := r.value(n.Content[i+1], depth+1)
			if !ok {
				return nil, false
			}
			out[k.Value] = v
		}
		return out, true
	}
	switch n.ShortTag() {
	case "!!null":
		return nil, true
	case "!!bool":
		return n.Value == "true", true
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i, true
		}
		return n.Value, true
	case "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f, true
		}
	}
	return n.Value, true
}

// resolve follows an alias; value has seen that it ends.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// child is the value of a field; nil when it is absent.
func child(n *yaml.Node, field string) *yaml.Node {
	_, v := member(n, field)
	return v
}

func member(n *yaml.Node, field string) (key, value *yaml.Node) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if resolve(n.Content[i]).Value == field {
			return n.Content[i], resolve(n.Content[i+1])
		}
	}
	return nil, nil
}

// items are those of a list; of anything else none.
func items(n *yaml.Node) []*yaml.Node {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := slices.Clone(n.Content)
	for i := range out {
		out[i] = resolve(out[i])
	}
	return out
}

func text(n *yaml.Node, field string) string {
	if v := child(n, field); v != nil && v.ShortTag() != "!!null" {
		return v.Value
	}
	return ""
}

// shown is a value in an error.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	case string:
		if len(v) > 60 {
			v = v[:60] + "..."
		}
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}
