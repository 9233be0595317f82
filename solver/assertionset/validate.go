package assertionset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/docs/schema"
	"github.com/podreach/podreach/internal/nearest"
)

// compiled is the schema, and its text as a value.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, any) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.AssertionSet))
	if err != nil {
		panic(err) // a test reads it
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("assertionset.json", v); err != nil {
		panic(err)
	}
	s, err := c.Compile("assertionset.json")
	if err != nil {
		panic(err)
	}
	return s, v
})

// validate tells what of a document does not meet the schema.
func (r *reader) validate(n *yaml.Node, v any) bool {
	s, _ := compiled()
	text, err := json.Marshal(v)
	if err != nil { // a number that JSON lacks
		r.report(r.place(n), "%v", err)
		return false
	}
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
		r.report(r.place(n), "%v", err)
		return false
	}
	err = s.Validate(v)
	if err == nil {
		return true
	}
	invalid, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // what Validate documents
	if !ok {
		r.report(r.place(n), "%v", err)
		return false
	}
	var found []problem
	r.leaves(n, invalid, &found)
	slices.SortStableFunc(found, func(a, b problem) int {
		if a.at.Line != b.at.Line {
			return a.at.Line - b.at.Line
		}
		return a.at.Column - b.at.Column
	})
	for _, p := range slices.Compact(found) {
		r.report(p.at, "%s", p.message)
	}
	return false
}

type problem struct {
	at      Place
	message string
}

// leaves gathers the errors that have no cause in another.
func (r *reader) leaves(top *yaml.Node, e *jsonschema.ValidationError, out *[]problem) {
	for _, c := range e.Causes {
		r.leaves(top, c, out)
	}
	if len(e.Causes) > 0 {
		return
	}
	n, name := top, "the document"
	for _, step := range e.InstanceLocation {
		name = step
		if i, err := strconv.Atoi(step); err == nil && resolve(n).Kind == yaml.SequenceNode {
			n = items(n)[i]
			continue
		}
		n = child(n, step)
	}
	if _, err := strconv.Atoi(name); err == nil && len(e.InstanceLocation) > 1 {
		name = "an item of " + e.InstanceLocation[len(e.InstanceLocation)-2]
	}
	add := func(n *yaml.Node, format string, args ...any) {
		*out = append(*out, problem{r.place(n), fmt.Sprintf(format, args...)})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, field := range slices.Sorted(slices.Values(k.Properties)) {
			key, _ := member(n, field)
			add(key, "unknown field %q%s%s", field, notYet(field), didYouMean(field, fields(e.SchemaURL)))
		}
	case *kind.Required:
		add(n, "field %q is missing", strings.Join(k.Missing, `", "`))
	case *kind.FalseSchema:
		at := n
		parent := top
		for _, step := range e.InstanceLocation[:len(e.InstanceLocation)-1] {
			if i, err := strconv.Atoi(step); err == nil && resolve(parent).Kind == yaml.SequenceNode {
				parent = items(parent)[i]
			} else {
				parent = child(parent, step)
			}
		}
		if key, _ := member(parent, name); key != nil {
			at = key
		}
		add(at, "field %q does not go with expect: %s", name, text(parent, "expect"))
	case *kind.Enum:
		var words []string
		for _, w := range k.Want {
			words = append(words, fmt.Sprint(w))
		}
		add(n, "%s is %s%s", name, shown(k.Got), didYouMean(fmt.Sprint(k.Got), words))
	case *kind.Const:
		add(n, "%s is %s, expected %v", name, shown(k.Got), k.Want)
	case *kind.Type:
		add(n, "%s is %s, expected %s", name, typeName(k.Got), typeNames(k.Want))
	case *kind.Pattern:
		want := map[string]string{
			"id":       "letters, digits, '-', '_' and '.', at most 100, with a letter or digit at both ends",
			"expires":  "a day such as 2027-01-31",
			"workload": "NS/KIND/NAME or NS/NAME",
		}[name]
		add(n, "%s is %s, expected %s", name, shown(k.Got), want)
	case *kind.MinItems, *kind.MinLength, *kind.MinProperties:
		add(n, "%s is empty", name)
	case *kind.MaxItems:
		add(n, "%s does not go with this operator", name)
	case *kind.MaxProperties:
		add(n, "%s has workload, cidr or named beside other fields; each stands alone", name)
	case *kind.UniqueItems:
		add(n, "%s has an item twice", name)
	case *kind.Minimum, *kind.Maximum:
		add(n, "%s is %s, expected 1 to 65535", name, n.Value)
	default:
		add(n, "%s: %s", name, e.Error())
	}
}

// notYet says that a field of later versions is not there yet.
func notYet(field string) string {
	if field == "role" {
		return " (roles are not available yet)"
	}
	return ""
}

func didYouMean(word string, candidates []string) string {
	if h := hint(word, candidates); h != "" || len(candidates) == 0 {
		return h
	}
	return "; valid are " + strings.Join(candidates, ", ")
}

func hint(word string, candidates []string) string {
	if near := nearest.Of(word, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// fields are the properties that the schema has at a place.
func fields(url string) []string {
	_, v := compiled()
	_, pointer, _ := strings.Cut(url, "#")
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		}
	}
	at, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	properties, ok := at["properties"].(map[string]any)
	if !ok {
		return nil
	}
	return slices.Sorted(maps.Keys(properties))
}

func typeNames(types []string) string {
	var out []string
	for _, t := range types {
		out = append(out, typeName(t))
	}
	return strings.Join(out, " or ")
}

func typeName(t string) string {
	switch t {
	case "object":
		return "a mapping"
	case "array":
		return "a list"
	case "string":
		return "a text"
	case "null":
		return "empty"
	case "integer":
		return "an integer"
	}
	return "a " + t
}
