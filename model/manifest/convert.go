package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// nodeError is what is wrong with a node.
type nodeError struct {
	node  *yaml.Node
	limit bool // it exceeds one of Limits
	err   error
}

func (e *nodeError) Error() string { return e.err.Error() }

// repeatedKey is a mapping key that was given twice.
type repeatedKey struct {
	path         string // of the field, from the document's root
	line, column int    // of the second, from 1; 0 when not known
}

// parseYAML parses the text of one document. A nil node means that it is null
// or empty.
func parseYAML(text []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // the parser is not ours; hostile input must not stop the run
			root, err = nil, fmt.Errorf("yaml: %v", r)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch err := dec.Decode(&more); {
	case err == nil:
		return nil, &nodeError{node: &more, err: errors.New("more content after the end of the document")}
	case err != io.EOF:
		return nil, err
	}
	root = doc.Content[0]
	markBareTags(root, text)
	if root.Kind == yaml.ScalarNode {
		if v, err := scalarOf(root); err == nil && v == nil {
			return nil, nil
		}
	}
	return root, nil
}

// converter renders a node as JSON, as sigs.k8s.io/yaml.YAMLToJSON does:
// aliases and merge keys are expanded, keys become strings, the last of equal
// keys wins; and it lists the keys that were given twice.
type converter struct {
	limits   Limits
	out      []byte
	repeated []repeatedKey
	path     []byte
	depth    int
	inside   map[*yaml.Node]bool // anchors that are being expanded
	outer    *yaml.Node          // the alias that began the outermost of them
	start    int                 // length of out there
	expanded int                 // bytes that aliases added before that
	merged   int                 // mergedKey for each field that merge keys visited

	discarding int // depth of fields that another overrides
}

// mergedKey is what a key that a merge key visits counts for, in bytes: as much
// as it costs to keep.
const mergedKey = 64

// convert renders the document. It costs O(text + expansion of aliases), the
// latter bounded by Limits.Expansion and returned, also with an error.
func convert(root *yaml.Node, limits Limits) (out []byte, repeated []repeatedKey, expansion int64, err error) {
	c := converter{limits: limits}
	err = c.node(root)
	expansion = int64(c.expanded) + int64(c.merged)
	if err != nil {
		return nil, nil, expansion, err
	}
	return c.out, c.repeated, expansion, nil
}

func (c *converter) node(n *yaml.Node) error {
	switch n.Kind {
	case yaml.AliasNode:
		return c.alias(n, func() error { return c.node(n.Alias) })
	case yaml.ScalarNode:
		if isText(n) {
			c.out, _ = jsontext.AppendQuote(c.out, n.Value)
			return c.grown()
		}
		v, err := scalarOf(n)
		if err == nil {
			c.out, err = appendScalar(c.out, v)
		}
		if err != nil && !c.tolerates(err) {
			return &nodeError{node: n, err: err}
		}
		return c.grown()
	}
	if c.depth++; int64(c.depth) > c.limits.Depth {
		return &nodeError{node: n, limit: true, err: fmt.Errorf("nested more than %d levels deep%s", c.limits.Depth, c.limits.raise("depth"))}
	}
	render := c.mapping
	if n.Kind == yaml.SequenceNode {
		render = c.sequence
	}
	if err := render(n); err != nil {
		return err
	}
	c.depth--
	return nil
}

// alias runs expand, which renders what n refers to, inside the bounds.
func (c *converter) alias(n *yaml.Node, expand func() error) error {
	if c.inside[n.Alias] {
		return &nodeError{node: n, err: fmt.Errorf("anchor %q contains itself", n.Value)}
	}
	if c.inside == nil {
		c.inside = map[*yaml.Node]bool{}
	}
	if len(c.inside) == 0 {
		c.outer, c.start = n, len(c.out)
	}
	c.inside[n.Alias] = true
	err := expand()
	delete(c.inside, n.Alias)
	if len(c.inside) == 0 {
		c.expanded += len(c.out) - c.start
	}
	return err
}

// grown checks the bound on expansion where output grows.
func (c *converter) grown() error {
	if len(c.inside) > 0 && int64(c.expanded+len(c.out)-c.start) > c.limits.Expansion {
		return tooMuch(c.outer, c.limits)
	}
	return nil
}

func tooMuch(n *yaml.Node, limits Limits) error {
	return &nodeError{node: n, limit: true, err: fmt.Errorf("aliases expand to more than %s%s", size(limits.Expansion), limits.raise("aliases"))}
}

func (c *converter) sequence(n *yaml.Node) error {
	c.out = append(c.out, '[')
	length := len(c.path)
	for i, item := range n.Content {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		c.path = append(strconv.AppendInt(append(c.path, '['), int64(i), 10), ']')
		if err := c.node(item); err != nil {
			return err
		}
		c.path = c.path[:length]
	}
	c.out = append(c.out, ']')
	return c.grown()
}

// field is a key of a mapping with the value that wins.
type field struct {
	name  string
	value *yaml.Node
	alias *yaml.Node // the alias that merged it in, or nil
}

func (c *converter) mapping(n *yaml.Node) error {
	m := merger{converter: c, fields: make([]field, 0, len(n.Content)/2)}
	if err := m.add(n, nil, 0); err != nil {
		return err
	}
	length := len(c.path)
	for _, key := range m.twice {
		c.push(key.Value)
		c.repeated = append(c.repeated, repeatedKey{path: string(c.path), line: key.Line, column: key.Column})
		c.path = c.path[:length]
	}
	for _, f := range m.overridden {
		if err := c.check(f); err != nil {
			return err
		}
	}
	c.out = append(c.out, '{')
	for i, f := range m.fields {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.field(f); err != nil {
			return err
		}
	}
	c.out = append(c.out, '}')
	return c.grown()
}

// check renders a field that another overrides, only to see that it is well formed.
func (c *converter) check(f field) error {
	length, repeated := len(c.out), len(c.repeated)
	c.discarding++
	err := c.field(f)
	c.discarding--
	if len(c.inside) > 0 {
		c.expanded += len(c.out) - length // it was work, although nothing is left of it
	}
	c.out, c.repeated = c.out[:length], c.repeated[:repeated]
	return err
}

func (c *converter) tolerates(err error) bool {
	var n notJSON
	return c.discarding > 0 && errors.As(err, &n)
}

func (c *converter) field(f field) error {
	c.out, _ = jsontext.AppendQuote(c.out, f.name)
	c.out = append(c.out, ':')
	length := len(c.path)
	c.push(f.name)
	var err error
	if f.alias != nil {
		err = c.alias(f.alias, func() error { return c.node(f.value) })
	} else {
		err = c.node(f.value)
	}
	c.path = c.path[:length]
	return err
}

func (c *converter) push(name string) {
	if len(c.path) > 0 {
		c.path = append(c.path, '.')
	}
	c.path = append(c.path, name...)
}

// merger collects the fields of a mapping. A merge key is applied where it
// stands: it overrides what is above it and yields to what is below it, which
// is what kubectl does.
type merger struct {
	*converter
	fields     []field
	at         map[string]int // name -> index in fields, once there are more than fewFields
	overridden []field
	twice      []*yaml.Node
}

func (m *merger) add(n, alias *yaml.Node, depth int) error {
	if int64(depth) > m.limits.Depth {
		return &nodeError{node: n, limit: true, err: fmt.Errorf("merge keys nested more than %d levels deep%s", m.limits.Depth, m.limits.raise("depth"))}
	}
	// What an anchor repeats is reported where it stands. Without merge keys all
	// fields are the mapping's own.
	var own map[string]bool
	merges := false
	if alias == nil {
		for i := 0; i < len(n.Content); i += 2 {
			merges = merges || isMerge(n.Content[i])
		}
		if merges || depth > 0 {
			own = make(map[string]bool, len(n.Content)/2)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if alias != nil {
			if m.merged += mergedKey; int64(m.merged) > m.limits.Expansion {
				return tooMuch(alias, m.limits)
			}
		}
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) {
			if err := m.merge(value, alias, depth); err != nil {
				return err
			}
			continue
		}
		name, err := keyOf(key)
		if err != nil && !m.tolerates(err) {
			return &nodeError{node: key, err: err}
		}
		j, known := m.find(name)
		switch {
		case own[name], alias == nil && own == nil && known:
			m.twice = append(m.twice, key)
		case own != nil:
			own[name] = true
		}
		if known {
			m.overridden = append(m.overridden, m.fields[j])
			m.fields[j] = field{name, value, alias}
			continue
		}
		if m.at != nil {
			m.at[name] = len(m.fields)
		}
		m.fields = append(m.fields, field{name, value, alias})
	}
	return nil
}

// fewFields is up to how many fields looking through them costs less than a map.
const fewFields = 16

// find returns the place of a field.
func (m *merger) find(name string) (i int, known bool) {
	if m.at == nil && len(m.fields) <= fewFields {
		for i := range m.fields {
			if m.fields[i].name == name {
				return i, true
			}
		}
		return 0, false
	}
	if m.at == nil {
		m.at = make(map[string]int, 2*len(m.fields))
		for i := range m.fields {
			m.at[m.fields[i].name] = i
		}
	}
	i, known = m.at[name]
	return i, known
}

func (m *merger) merge(n, alias *yaml.Node, depth int) error {
	target := n
	if n.Kind == yaml.AliasNode {
		target, alias = n.Alias, n
	}
	switch {
	case target.Kind == yaml.MappingNode:
		return m.add(target, alias, depth+1)
	case n.Kind == yaml.SequenceNode:
		for i := len(n.Content) - 1; i >= 0; i-- { // earlier ones win
			item := n.Content[i]
			if item.Kind == yaml.SequenceNode {
				return errMerge(item)
			}
			if err := m.merge(item, alias, depth); err != nil {
				return err
			}
		}
		return nil
	}
	return errMerge(n)
}

func errMerge(n *yaml.Node) error {
	return &nodeError{node: n, err: errors.New("a merge key needs a mapping or a list of mappings")}
}

func isMerge(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && (n.Style&(quoted|yaml.TaggedStyle) == 0 || n.Style&yaml.TaggedStyle != 0 && n.Tag == tagMerge)
}
