package custom

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/client-go/util/jsonpath"
)

// path is a JSONPath.
type path struct {
	text   string
	eval   *jsonpath.JSONPath // shared between goroutines: it changes nothing where there is no {range}
	fields []string           // the names that it begins with, before anything else than names
	plain  bool               // it has nothing but names
	spread bool               // its last step chooses members of a list or map: what it gives are members
	ways   int                // how often it may lead to one value, by unions
	secret string             // the field that it ends with, if all that is known of it is whether it is there
	member bool               // it is about a member of each, not about the object alone
}

// Names that stand beside the object's own fields.
const (
	varItem  = "item"  // the member of each
	varKey   = "key"   // its name, where each is a map
	varLower = "lower" // its name in lower case
	varPlace = "place" // its number, where each is a list
	varHost  = "host"  // the name of the object up to a dot, as a host is called
	varIndex = "index" // the number of a pod in its group
	varGroup = "group" // the number of its group

	varOpaque    = "opaque"    // a part of a text that nobody knows, such as a hash
	varUncertain = "uncertain" // what a text is, and whether there is one, the object does not say
)

// What a path may cost. Rows come from a file in the current folder, which may
// be anybody's.
const (
	maxPath  = 1_000 // bytes of a path
	maxSteps = 64    // steps of a path, those in its filters and unions among them
	maxWays  = 16    // ways that the unions of a path may be chosen
)

// roots are where a path may begin.
var roots = []string{"apiVersion", "kind", "metadata", "spec", "status", varItem, varKey, varLower, varPlace, varHost}

// relaxed is a path without braces, as kubectl takes it too in custom columns.
var relaxed = regexp.MustCompile(`^[$.]?[.]?[^{}]+$`)

// compiler compiles paths, each once: rows have many in common.
type compiler map[string]*path

// path compiles a path that stands alone: '{.spec.template}'.
func (c compiler) path(s string) (*path, error) {
	if p := c[s]; p != nil {
		return p, nil
	}
	p, err := compilePath(s)
	if err == nil {
		c[s] = p
	}
	return p, err
}

func compilePath(s string) (*path, error) {
	if len(s) > maxPath {
		return nil, fmt.Errorf("a path is longer than %d bytes", maxPath)
	}
	if s != "" && relaxed.MatchString(s) {
		s = "{." + strings.TrimLeft(s, "$.") + "}"
	}
	parser, err := jsonpath.Parse("", s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a JSONPath: %w", s, err)
	case len(parser.Root.Nodes) != 1:
		return nil, fmt.Errorf("%q is not one JSONPath such as {.spec.template}", s)
	}
	list, ok := parser.Root.Nodes[0].(*jsonpath.ListNode)
	if !ok || len(list.Nodes) == 0 {
		return nil, fmt.Errorf("%q is not a JSONPath such as {.spec.template}", s)
	}
	n, ways := cost(list)
	switch {
	case n > maxSteps:
		return nil, fmt.Errorf("%q has more than %d steps", s, maxSteps)
	case ways > maxWays:
		return nil, fmt.Errorf("%q leads more than %d ways; unions multiply", s, maxWays)
	}
	p := &path{text: s, plain: true, ways: ways, eval: jsonpath.New(s).AllowMissingKeys(true)}
	if err := p.eval.Parse(s); err != nil {
		return nil, err
	}
	for i, n := range list.Nodes {
		p.spread = false
		switch n := n.(type) {
		case *jsonpath.FieldNode:
			if p.plain {
				p.fields = append(p.fields, n.Value)
			}
			continue
		case *jsonpath.ArrayNode:
			p.spread = !n.Params[1].Derived // [0] means the member itself
		case *jsonpath.FilterNode, *jsonpath.UnionNode, *jsonpath.WildcardNode:
			p.spread = true
		case *jsonpath.RecursiveNode:
			return nil, fmt.Errorf("%q searches at every depth; name the fields that lead there", s)
		default:
			return nil, fmt.Errorf("%q holds more than steps of a path", s)
		}
		if i == 0 {
			break
		}
		p.plain = false
	}
	if len(p.fields) == 0 || !slices.Contains(roots, p.fields[0]) {
		return nil, fmt.Errorf("%q does not begin with one of .spec, .metadata, .status, .item, .key and .lower", s)
	}
	name, last := secret(list, false)
	if name != "" && !last {
		return nil, errSecret(s, name)
	}
	p.secret = name
	p.member = slices.Contains([]string{varItem, varKey, varLower, varPlace}, p.fields[0])
	return p, nil
}

// Secret reports whether fields of this name are never read in custom
// resources: what containers are given, and what other controllers keep in an
// object. Labels may have these names too.
func Secret(field string) bool {
	switch field {
	case "env", "envFrom", "args", "command", "data", "stringData", "managedFields", "kubectl.kubernetes.io/last-applied-configuration":
		return true
	}
	return false
}

// Labels reports whether what is in a field of this name are labels.
func Labels(field string) bool {
	return strings.HasSuffix(field, "labels") || strings.HasSuffix(field, "Labels")
}

func errSecret(path, field string) error {
	return fmt.Errorf("%q leads to %s, which is never read", path, field)
}

// secret is a field to which steps lead and of which only that it is there is
// read, or "". last is that they end with it, which is all that a condition
// needs.
func secret(list *jsonpath.ListNode, labels bool) (name string, last bool) {
	last = true
	for i, node := range list.Nodes {
		var inner []*jsonpath.ListNode
		switch node := node.(type) {
		case *jsonpath.FieldNode:
			if Secret(node.Value) && !labels {
				return node.Value, i == len(list.Nodes)-1
			}
			labels = Labels(node.Value)
		case *jsonpath.UnionNode:
			inner = node.Nodes
		case *jsonpath.FilterNode:
			inner, last = []*jsonpath.ListNode{node.Left, node.Right}, node.Operator == "exists"
		case *jsonpath.ListNode:
			inner = []*jsonpath.ListNode{node}
		}
		for _, l := range inner {
			if l == nil {
				continue
			}
			if found, ends := secret(l, labels); found != "" {
				if _, filter := node.(*jsonpath.FilterNode); !filter {
					last = i == len(list.Nodes)-1
				} else if ends && last {
					continue // only whether it is there decides
				}
				if name, last = found, last && ends; !last {
					return name, false
				}
			}
		}
	}
	return name, last
}

// cost is how many steps a path has, and how many ways its unions give: their
// members multiply. Both stop a little above their bounds.
func cost(list *jsonpath.ListNode) (n, ways int) {
	ways = 1
	for _, node := range list.Nodes {
		n++
		var inner []*jsonpath.ListNode
		sum := 0
		switch node := node.(type) {
		case *jsonpath.UnionNode:
			inner = node.Nodes
		case *jsonpath.FilterNode:
			for _, l := range []*jsonpath.ListNode{node.Left, node.Right} {
				if l != nil { // what is compared leads one way, as a rule
					m, w := cost(l)
					n, sum = min(n+m, maxSteps+1), max(sum, w)
				}
			}
		case *jsonpath.ListNode:
			inner = []*jsonpath.ListNode{node}
		}
		for _, l := range inner {
			m, w := cost(l)
			n, sum = min(n+m, maxSteps+1), min(sum+w, maxWays+1)
		}
		ways = min(ways*max(1, sum), maxWays+1)
	}
	return n, ways
}

// find evaluates the path. What it leads to may be nothing.
func (p *path) find(top map[string]any) (out []any, err error) {
	defer func() {
		if r := recover(); r != nil { // the evaluation is not ours; hostile input must not stop the run
			out, err = nil, fmt.Errorf("%v", r)
		}
	}()
	results, err := p.eval.FindResults(top)
	if err != nil {
		if strings.HasPrefix(err.Error(), "array index out of bounds") {
			return nil, nil
		}
		return nil, err
	}
	for _, group := range results {
		for _, v := range group {
			if v.IsValid() && v.CanInterface() {
				if v := v.Interface(); v != nil {
					out = append(out, v)
				}
			}
		}
	}
	return out, nil
}

// condition is what an object must be like.
type condition struct {
	paths []*path  // one of them is enough
	in    []string // nil: what a path gives must be more than nothing
	given bool     // what is empty, 0 or false is more than nothing too
	first bool     // only the first path that gives something counts

	all []*condition // instead: all of them must hold
}

// paths compiles paths that stand side by side: '{.spec.a}{.spec.b}'.
func (c compiler) paths(s string) ([]*path, error) {
	t, err := c.text(s)
	if err != nil || len(t) < 2 {
		p, err := c.path(s)
		return []*path{p}, err
	}
	var out []*path
	for _, piece := range t {
		if piece.path == nil {
			return nil, fmt.Errorf("%q holds more than paths", s)
		}
		out = append(out, piece.path)
	}
	return out, nil
}

// text is a text with paths in it.
type text []piece

// piece is a part of a text: exactly one field is set.
type piece struct {
	literal string
	path    *path
	number  numeral
}

// text compiles a text as `kubectl -o jsonpath` has it.
func (c compiler) text(s string) (text, error) {
	if len(s) > maxPath {
		return nil, fmt.Errorf("a text is longer than %d bytes", maxPath)
	}
	if strings.ContainsFunc(s, unicode.IsControl) { // what is not known is marked by one
		return nil, fmt.Errorf("%q holds control characters", s)
	}
	var out text
	for rest := s; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		if open > 0 {
			out, rest = append(out, piece{literal: rest[:open]}), rest[open:]
			continue
		}
		end := closing(rest)
		if end < 0 {
			return nil, fmt.Errorf("%q has a { without its }", s)
		}
		inner := rest[:end+1]
		rest = rest[end+1:]
		switch strings.ReplaceAll(inner, " ", "") {
		case "{." + varIndex + "}":
			out = append(out, piece{number: theIndex})
			continue
		case "{." + varGroup + "}":
			out = append(out, piece{number: theGroup})
			continue
		case "{." + varOpaque + "}":
			out = append(out, piece{literal: GeneratedName})
			continue
		case "{." + varUncertain + "}":
			out = append(out, piece{literal: Uncertain})
			continue
		}
		p, err := c.path(inner)
		if err != nil {
			return nil, err
		}
		out = append(out, piece{path: p})
	}
	for i := 1; i < len(out); i++ {
		if out[i].number != 0 && out[i-1].number != 0 {
			return nil, errors.New("two numbers stand side by side, so that they could not be told from each other")
		}
	}
	return out, nil
}

// closing is where the brace is closed that s begins with, or -1. A brace in
// quotes is a character like others.
func closing(s string) int {
	quote := byte(0)
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote && s[i-1] != '\\' {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '}':
			return i
		}
	}
	return -1
}

// numeral is a number that tells the pods of a set from each other.
type numeral uint8

const (
	theIndex numeral = iota + 1
	theGroup
)

// Text is a text that holds the numbers of a pod. The zero Text is empty.
type Text []Piece

// Piece is a part of a Text: a literal, or, where that is "", a number.
type Piece struct {
	Literal string
	Group   bool // the number is that of the pod's group, not its index in the group
}

// Of is the text of one pod.
func (t Text) Of(group, index int) string {
	if len(t) == 1 && t[0].Literal != "" {
		return t[0].Literal
	}
	var b strings.Builder
	for _, p := range t {
		switch {
		case p.Literal != "":
			b.WriteString(p.Literal)
		case p.Group:
			b.WriteString(strconv.Itoa(group))
		default:
			b.WriteString(strconv.Itoa(index))
		}
	}
	return b.String()
}

// Beginning is what the text of every pod begins with, if all of it but what
// stands behind is not known.
func (t Text) Beginning() string {
	if len(t) == 0 {
		return ""
	}
	beginning, _, _ := strings.Cut(t[0].Literal, "\x00") // GeneratedName, UnsaidNamespace, Uncertain
	return beginning
}

// Has reports whether the text tells pods from each other by the number of
// their group, and by their index in it.
func (t Text) Has() (group, index bool) {
	for _, p := range t {
		if p.Literal == "" {
			group, index = group || p.Group, index || !p.Group
		}
	}
	return group, index
}

// Match finds the numbers of pods whose text is s; -1 stands for a number that
// the text does not hold.
func (t Text) Match(s string) (group, index int, ok bool) {
	pattern := "^"
	for _, p := range t {
		if p.Literal == "" {
			pattern += "(0|[1-9][0-9]*)"
		} else {
			pattern += regexp.QuoteMeta(p.Literal)
		}
	}
	found := regexp.MustCompile(pattern + "$").FindStringSubmatch(s)
	if found == nil {
		return -1, -1, false
	}
	group, index = -1, -1
	for _, p := range t {
		if p.Literal != "" {
			continue
		}
		n, err := strconv.Atoi(found[1])
		found = found[1:]
		known := &index
		if p.Group {
			known = &group
		}
		if err != nil || *known >= 0 && *known != n {
			return -1, -1, false
		}
		*known = n
	}
	return group, index, true
}
