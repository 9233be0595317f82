package custom

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podreach/podreach/internal/nearest"
)

// parser reads rows and goes on after an error.
type parser struct {
	compile compiler
	errors  []Error
}

func (p *parser) report(n *yaml.Node, format string, args ...any) {
	p.errors = append(p.errors, Error{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// fields calls the function of each field of a mapping.
func (p *parser) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	n = aliased(n)
	if n.Kind != yaml.MappingNode {
		p.report(n, "%s is %s, expected fields", what, describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read := known[key.Value]
		switch {
		case seen[key.Value]:
			p.report(key, "field %q is given twice", key.Value)
		case read == nil:
			hint := ""
			if near := nearest.Of(key.Value, slices.Sorted(maps.Keys(known))); near != "" {
				hint = "; did you mean " + near + "?"
			}
			p.report(key, "unknown field %q of %s%s", key.Value, what, hint)
		default:
			read(aliased(value))
		}
		seen[key.Value] = true
	}
}

func aliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// describe says what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	return strconv.Quote(n.Value)
}

func (p *parser) list(n *yaml.Node, what string) []*yaml.Node {
	n = aliased(n)
	if n.Kind != yaml.SequenceNode {
		p.report(n, "%s is %s, expected a list", what, describe(n))
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = aliased(c)
	}
	return out
}

func (p *parser) scalar(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.report(n, "%s is %s, expected a text", what, describe(n))
		return ""
	}
	return n.Value
}

func (p *parser) strings(n *yaml.Node, what string) []string {
	var out []string
	for _, e := range p.list(n, what) {
		out = append(out, p.scalar(e, what))
	}
	return out
}

func (p *parser) path(n *yaml.Node, what string) *path {
	s := p.scalar(n, what)
	if s == "" {
		return nil
	}
	out, err := p.compile.path(s)
	if err == nil && out.secret != "" {
		err = errSecret(out.text, out.secret)
	}
	if err != nil {
		p.report(n, "%s: %v", what, err)
	}
	return out
}

func (p *parser) paths(n *yaml.Node, what string) []*path {
	out := []*path{}
	for _, e := range p.list(n, what) {
		out = append(out, p.path(e, what))
	}
	return out
}

// labelMaps reads a list of PATH or {path: PATH, only: PREFIX, but: PREFIX}.
func (p *parser) labelMaps(n *yaml.Node, what string) []labelMap {
	out := []labelMap{}
	for _, e := range p.list(n, what) {
		var m labelMap
		if e.Kind != yaml.MappingNode {
			m.path = p.path(e, what)
		} else {
			p.fields(e, what, map[string]func(*yaml.Node){
				"path": func(n *yaml.Node) { m.path = p.path(n, what) },
				"only": func(n *yaml.Node) { m.only = p.scalar(n, "only") },
				"but":  func(n *yaml.Node) { m.but = p.scalar(n, "but") },
			})
			if m.path == nil {
				p.report(e, "%s has no path", what)
				continue
			}
		}
		out = append(out, m)
	}
	return out
}

func (p *parser) text(n *yaml.Node, what string) text {
	out, err := p.compile.text(p.scalar(n, what))
	for _, piece := range out {
		if piece.path != nil && piece.path.secret != "" {
			err = errSecret(piece.path.text, piece.path.secret)
		}
	}
	if err != nil {
		p.report(n, "%s: %v", what, err)
	}
	return out
}

// What may stand in a text beside its paths.
var (
	labelText = regexp.MustCompile(`^[-A-Za-z0-9_.]*$`)
	nameText  = regexp.MustCompile(`^[-a-z0-9.]*$`)
)

// literals reports what no text of the form can hold.
func (p *parser) literals(n *yaml.Node, form *regexp.Regexp, t text) text {
	for _, piece := range t {
		if piece.literal != GeneratedName && piece.literal != Uncertain && !form.MatchString(piece.literal) {
			p.report(aliased(n), "%q holds what a name or label value cannot hold", piece.literal)
			break
		}
	}
	return t
}

// key reports what cannot be the key of a label.
func (p *parser) key(n *yaml.Node, what string) {
	if len(validation.IsQualifiedName(n.Value)) > 0 {
		p.report(n, "%s: %q is not the key of a label such as example.com/job", what, n.Value)
	}
}

// keys are those of labels.
func (p *parser) keys(n *yaml.Node, what string) []string {
	out := p.strings(n, what)
	for _, e := range aliased(n).Content {
		if e = aliased(e); e.Kind == yaml.ScalarNode {
			p.key(e, what)
		}
	}
	return out
}

// labels are in the order of their keys.
func (p *parser) labels(n *yaml.Node, what string) []label {
	if n.Kind != yaml.MappingNode {
		p.report(n, "%s is %s, expected labels", what, describe(n))
		return nil
	}
	var out []label
	for i := 0; i+1 < len(n.Content); i += 2 {
		p.key(n.Content[i], what)
		out = append(out, label{n.Content[i].Value, p.literals(n.Content[i+1], labelText, p.text(aliased(n.Content[i+1]), what+" "+n.Content[i].Value))})
	}
	slices.SortStableFunc(out, func(a, b label) int { return strings.Compare(a.key, b.key) })
	return out
}

// many is how rows write a number that is not known.
const many = "many"

func (p *parser) number(n *yaml.Node, what string) number {
	switch v, err := strconv.Atoi(n.Value); {
	case n.Kind == yaml.ScalarNode && n.Value == many:
		return number{value: Many}
	case n.Kind == yaml.ScalarNode && err == nil && 0 <= v && v < Many:
		return number{value: v}
	case n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "."):
		return number{path: p.path(n, what)}
	}
	p.report(n, "%s is %s, expected a JSONPath, a number or many", what, describe(n))
	return number{}
}

func (p *parser) constant(n *yaml.Node, what string) int {
	out := p.number(n, what)
	if out.path != nil {
		p.report(n, "%s is %s, expected a number or many", what, describe(n))
	}
	return out.value
}

// condition reads '{.spec.x}', {path: '{.spec.x}', in: [a, b]} or a list of
// conditions.
func (p *parser) condition(n *yaml.Node, what string) *condition {
	out := &condition{}
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			out.all = append(out.all, p.condition(aliased(c), what))
		}
		return out
	}
	read := func(n *yaml.Node) {
		var err error
		if out.paths, err = p.compile.paths(p.scalar(n, what)); err != nil {
			p.report(n, "%s: %v", what, err)
		}
	}
	if n.Kind != yaml.MappingNode {
		read(n)
		return out
	}
	before := len(p.errors)
	p.fields(n, what, map[string]func(*yaml.Node){
		"path":  read,
		"in":    func(n *yaml.Node) { out.in = append([]string{}, p.strings(n, "in of "+what)...) },
		"given": func(n *yaml.Node) { out.given = p.yes(n, "given") },
		"first": func(n *yaml.Node) { out.first = p.yes(n, "first") },
	})
	if out.paths == nil && len(p.errors) == before {
		p.report(n, "%s has no path", what)
	}
	return out
}

// yes reads what is only ever true.
func (p *parser) yes(n *yaml.Node, what string) bool {
	if n.Value != "true" {
		p.report(n, "%s is %s, expected true", what, describe(n))
	}
	return n.Value == "true"
}
