package manifest

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// A path is the form of model.Origin.Path: "spec.ingress[0].from[1]". Keys may
// hold dots and brackets themselves ("metadata.labels.app.kubernetes.io/name"),
// so a path is never cut up by itself, but matched along a document: the
// longest key that fits wins.

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// pointerPath appends a JSON pointer to a path. A number becomes an index,
// although it may be a key; whoever follows the path tries both.
func pointerPath(path string, p jsontext.Pointer) string {
	for token := range p.Tokens() {
		if n, err := strconv.Atoi(token); err == nil && n >= 0 && strconv.Itoa(n) == token {
			path += "[" + token + "]"
		} else {
			path = join(path, token)
		}
	}
	return path
}

// within cuts the path of an object off the path of a field in it.
func within(path, object string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(path, object)
	switch {
	case !ok:
		return "", false
	case object == "":
		return inner, true
	}
	return strings.CutPrefix(inner, ".")
}

var listMembers = regexp.MustCompile(`^items\[\d+\](\.items\[\d+\])*`)

// listPath is the path of the list member that a path leads into, or "" for
// one that leads into no list.
func listPath(path string) string { return listMembers.FindString(path) }

// lastKey is the last key of a path, for messages.
func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// cutKey cuts a mapping key off the front of a path.
func cutKey(path, key string) (rest string, ok bool) {
	path = strings.TrimPrefix(path, ".")
	rest, ok = strings.CutPrefix(path, key)
	if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		return rest, true
	}
	if rest, ok = strings.CutPrefix(path, "["+key+"]"); ok {
		return rest, true
	}
	return "", false
}

// cutIndex cuts "[3]" off the front of a path.
func cutIndex(path string) (index int, rest string, ok bool) {
	digits, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	if !ok || !strings.HasPrefix(path, "[") {
		return 0, "", false
	}
	index, err := strconv.Atoi(digits)
	return index, rest, err == nil && index >= 0
}

// maxFollow bounds how deep a path, and how many merge keys, are followed.
const maxFollow = 10_000

// follow returns the node that stands for the path: the key of a field, the
// member of a list; and the node of its value. Where the path leads nowhere it
// is the nearest parent that exists.
func follow(root *yaml.Node, path string) (at, value *yaml.Node) {
	at, value = root, root
	for range maxFollow {
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if path == "" {
			break
		}
		switch value.Kind {
		case yaml.SequenceNode:
			i, rest, ok := cutIndex(path)
			if !ok || i >= len(value.Content) {
				return at, value
			}
			at, value, path = value.Content[i], value.Content[i], rest
		case yaml.MappingNode:
			visits := maxFollow
			key, v, rest := followKey(value, path, &visits)
			if key == nil {
				return at, value
			}
			at, value, path = key, v, rest
		default:
			return at, value
		}
	}
	return at, value
}

// followKey finds the field of a mapping, merged ones included, whose key is
// the longest at the front of the path; the last one, if it is repeated.
func followKey(n *yaml.Node, path string, visits *int) (key, value *yaml.Node, rest string) {
	longest := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, err := keyOf(n.Content[i])
		if err != nil || isMerge(n.Content[i]) {
			continue
		}
		if r, ok := cutKey(path, name); ok && len(name) >= longest {
			key, value, rest, longest = n.Content[i], n.Content[i+1], r, len(name)
		}
	}
	if key != nil {
		return key, value, rest
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		from := []*yaml.Node{n.Content[i+1]}
		if from[0].Kind == yaml.SequenceNode {
			from = from[0].Content
		}
		for _, m := range from {
			if m.Kind == yaml.AliasNode {
				m = m.Alias
			}
			if *visits--; m.Kind == yaml.MappingNode && *visits > 0 {
				if key, value, rest = followKey(m, path, visits); key != nil {
					return key, value, rest
				}
			}
		}
	}
	return nil, nil, ""
}

// nodePosition is the line and column of a path, from 1.
func nodePosition(root *yaml.Node, path string) (line, column int) {
	at, _ := follow(root, path)
	return at.Line, at.Column
}

// scalarText is the scalar at the path as the author wrote it, or "".
func scalarText(root *yaml.Node, path string) string {
	if root == nil {
		return ""
	}
	if _, v := follow(root, path); v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// followJSON reads the value that dec stands before and returns the offset of
// the key or member that stands for the path, or of the nearest parent that
// exists. An error ends the stream; the offset is good even so.
func followJSON(dec *jsontext.Decoder, path string) (int64, error) {
	return followFrom(dec, path, valueOffset(dec))
}

func followFrom(dec *jsontext.Decoder, path string, at int64) (int64, error) {
	kind := dec.PeekKind()
	if path == "" || kind != '{' && kind != '[' {
		return at, dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return at, err
	}
	longest := -1
	index, after, isIndex := cutIndex(path)
	for i := 0; dec.PeekKind() != '}' && dec.PeekKind() != ']'; i++ {
		var err error
		if kind == '[' {
			if isIndex && i == index {
				at, err = followFrom(dec, after, valueOffset(dec))
			} else {
				err = dec.SkipValue()
			}
		} else {
			var raw jsontext.Value
			if raw, err = dec.ReadValue(); err != nil {
				return at, err
			}
			name := fieldName(raw)
			start := dec.InputOffset() - int64(len(raw))
			if rest, ok := cutKey(path, name); ok && len(name) >= longest {
				longest = len(name)
				at, err = followFrom(dec, rest, start)
			} else {
				err = dec.SkipValue()
			}
		}
		if err != nil {
			return at, err
		}
	}
	_, err := dec.ReadToken()
	return at, err
}

// valueOffset is where the value begins that dec stands before.
func valueOffset(dec *jsontext.Decoder) int64 {
	dec.PeekKind() // so that it is in the buffer
	for i, c := range dec.UnreadBuffer() {
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return dec.InputOffset() + int64(i)
		}
	}
	return dec.InputOffset()
}
