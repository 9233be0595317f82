package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
)

// Difference finds the first place in which two YAML values differ: was, below
// o as old read it, and is, below p as now did. What one of them has
// alone is there the key or member itself, and in the other what would hold it.
// With keys only what is at or below one of these keys counts. It is not ok when nothing
// differs, and for origins that Locate knows no line of or that are of JSON. Cost: as
// of Locate, and O(size of the values); beyond a bound they count as equal.
func Difference(old *Reader, o model.Origin, now *Reader, p model.Origin, keys ...string) (was, is Position, ok bool) {
	a, was := old.node(o)
	b, is := now.node(p)
	if a.value == nil || b.value == nil {
		return was, is, false
	}
	d := comparison{keys: keys, visits: maxFollow}
	x, y := d.first(a, b, len(keys) == 0)
	if x == nil {
		return was, is, false
	}
	was.Line, was.Column = x.Line, x.Column
	is.Line, is.Column = y.Line, y.Column
	return was, is, true
}

// placed is a value and the node that says where it is: the key or the member.
type placed struct{ at, value *yaml.Node }

// node finds the node of an origin: of a YAML document that can be parsed, and
// only if the path leads somewhere.
func (r *Reader) node(o model.Origin) (placed, Position) {
	p := r.Locate(o)
	if p.Line == 0 || p.Changed {
		return placed{}, p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.files[o.File]
	document, ok := f.spans.document(o.Document)
	if !ok || f.json && (!f.turns || o.Document < f.first) {
		return placed{}, p
	}
	root := r.parse(f, o.Document, document).root
	if root == nil {
		return placed{}, p
	}
	at, value := follow(root, o.Path)
	return placed{at, value}, p
}

// comparison looks for where two values differ.
type comparison struct {
	keys   []string
	visits int // that are left
}

// first returns the first nodes that differ, nil if nothing does that counts.
func (d *comparison) first(a, b placed, counts bool) (was, is *yaml.Node) {
	if d.visits--; d.visits < 0 {
		return nil, nil
	}
	x, y := aliased(a.value), aliased(b.value)
	switch {
	case x == nil || y == nil:
		return nil, nil
	case x.Kind == yaml.MappingNode && y.Kind == yaml.MappingNode:
		return d.inMapping(a, b, counts)
	case x.Kind == yaml.SequenceNode && y.Kind == yaml.SequenceNode:
		return d.inSequence(a, b, counts)
	case counts && (x.Kind != y.Kind || x.Value != y.Value || x.Tag != y.Tag):
		return a.at, b.at
	}
	return nil, nil
}

func (d *comparison) inMapping(a, b placed, counts bool) (was, is *yaml.Node) {
	x, y := aliased(a.value).Content, aliased(b.value).Content
	find := func(in []*yaml.Node, key string) (placed, bool) {
		for i := 0; i+1 < len(in); i += 2 {
			if in[i].Value == key {
				return placed{in[i], in[i+1]}, true
			}
		}
		return placed{}, false
	}
	// What one has alone; of both, a key is another now.
	alone := func(in, other []*yaml.Node) *yaml.Node {
		for i := 0; i+1 < len(in); i += 2 {
			if _, ok := find(other, in[i].Value); !ok && (counts || slices.Contains(d.keys, in[i].Value)) {
				return in[i]
			}
		}
		return nil
	}
	switch gone, come := alone(x, y), alone(y, x); {
	case gone != nil && come != nil:
		return gone, come
	case gone != nil:
		return gone, b.at
	case come != nil:
		return a.at, come
	}
	for i := 0; i+1 < len(x); i += 2 {
		v, ok := find(y, x[i].Value)
		if !ok {
			continue
		}
		if was, is = d.first(placed{x[i], x[i+1]}, v, counts || slices.Contains(d.keys, x[i].Value)); was != nil {
			return was, is
		}
	}
	return nil, nil
}

// inSequence leaves away what is alike at both ends.
func (d *comparison) inSequence(a, b placed, counts bool) (was, is *yaml.Node) {
	x, y := aliased(a.value).Content, aliased(b.value).Content
	same := func(v, w *yaml.Node) bool {
		was, _ := d.first(placed{v, v}, placed{w, w}, counts)
		return was == nil
	}
	for len(x) > 0 && len(y) > 0 && same(x[0], y[0]) {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && same(x[len(x)-1], y[len(y)-1]) {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	switch {
	case len(x) == 0 && len(y) == 0 || !counts && (len(x) == 0 || len(y) == 0):
		return nil, nil
	case len(x) == 0:
		return a.at, y[0]
	case len(y) == 0:
		return x[0], b.at
	}
	return d.first(placed{x[0], x[0]}, placed{y[0], y[0]}, counts)
}

func aliased(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
