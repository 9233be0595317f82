package manifest

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// bareTag is the tag "!", which makes a string of a plain scalar, and an anchor
// before it.
var (
	bareTag   = regexp.MustCompile(`!(\s|<!>|$)`)
	bareTagAt = regexp.MustCompile(`^(&\S+\s+)?!(\s|<!>|$)`)
	lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")
)

// markBareTags gives scalars that are tagged "!" the tag of strings. The parser
// forgets that tag, but not where the scalar began. It costs O(text), and
// nothing more than a look for the tag where there is none.
func markBareTags(root *yaml.Node, text []byte) {
	if !bareTag.Match(text) {
		return
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	lines := []int{0} // where they begin
	for _, at := range lineBreak.FindAllIndex(text, -1) {
		lines = append(lines, at[1])
	}
	var mark func(n *yaml.Node)
	mark = func(n *yaml.Node) {
		for _, c := range n.Content {
			mark(c)
		}
		if n.Kind != yaml.ScalarNode || n.Style&(quoted|yaml.TaggedStyle) != 0 || n.Value == "<<" || n.Line < 1 || n.Line > len(lines) { // a merge key stays one
			return
		}
		at := text[lines[n.Line-1]:]
		for range n.Column - 1 {
			_, size := utf8.DecodeRune(at)
			at = at[size:]
		}
		if len(at) > 0 && (at[0] == '!' || at[0] == '&') && bareTagAt.Match(at) {
			n.Style, n.Tag = n.Style|yaml.TaggedStyle, tagString
		}
	}
	mark(root)
}
