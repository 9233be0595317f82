package custom

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Table holds rows by kind. The zero Table knows no kind.
type Table struct {
	rows map[gvk]*Row
}

// gvk names a kind; the version may be "*".
type gvk struct{ group, version, kind string }

// Row is what is known of one kind.
type Row struct {
	Group, Version, Kind string // Version may be "*"
	// Sources say where the row's facts come from: "module@version path:lines".
	Sources []string

	finished  *condition
	anyCase   *anyCase // nil when every key counts as it is written
	unknown   *doubt   // nil when all pods can be known
	templates []*template
	builtin   bool
}

// doubt is why something of an object cannot be known.
type doubt struct {
	when    *condition // nil: always
	because string
}

//go:embed builtin.yaml
var builtin []byte

// Builtin returns the table that podreach comes with. It is made once.
var Builtin = sync.OnceValue(func() *Table {
	var n yaml.Node
	if err := yaml.Unmarshal(builtin, &n); err != nil {
		panic("custom: builtin.yaml: " + err.Error())
	}
	rows, bad := Parse(n.Content[0])
	if len(bad) > 0 { // a test reads it
		panic(fmt.Sprintf("custom: builtin.yaml:%d:%d: %s", bad[0].Line, bad[0].Column, bad[0].Message))
	}
	for _, r := range rows {
		r.builtin = true
	}
	return (&Table{}).With(rows)
})

// With returns a table that has rows too. A row replaces that of the same kind
// and version; one for every version replaces all of the kind.
func (t *Table) With(rows []*Row) *Table {
	out := &Table{rows: maps.Clone(t.rows)}
	if out.rows == nil {
		out.rows = map[gvk]*Row{}
	}
	for _, r := range rows {
		if r.Version == anyVersion {
			maps.DeleteFunc(out.rows, func(k gvk, _ *Row) bool { return k.group == r.Group && k.kind == r.Kind })
		}
	}
	for _, r := range rows {
		out.rows[gvk{r.Group, r.Version, r.Kind}] = r
	}
	return out
}

const anyVersion = "*"

// Lookup returns the row for objects of a type, or nil. It does not allocate.
func (t *Table) Lookup(apiVersion, kind string) *Row {
	group, version, found := strings.Cut(apiVersion, "/")
	if !found {
		group, version = "", apiVersion
	}
	if r := t.rows[gvk{group, version, kind}]; r != nil {
		return r
	}
	return t.rows[gvk{group, anyVersion, kind}]
}

// Kinds lists the kinds of an API group that the table knows in some version.
func (t *Table) Kinds(group string) []string {
	var out []string
	for k := range t.rows {
		if k.group == group {
			out = append(out, k.kind)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Rows lists the rows by group, kind and version.
func (t *Table) Rows() []*Row {
	return slices.SortedFunc(maps.Values(t.rows), func(a, b *Row) int {
		return strings.Compare(a.Group+"/"+a.Kind+"/"+a.Version, b.Group+"/"+b.Kind+"/"+b.Version)
	})
}

// GVK is "group/version/Kind", as rows are named.
func (r *Row) GVK() string { return r.Group + "/" + r.Version + "/" + r.Kind }

// Link reports whether the row only says that objects of the kind can stand
// between pods and the top of their chain of owners (R67).
func (r *Row) Link() bool { return len(r.templates) == 0 && r.unknown == nil }

// Source is the first of Sources without the place in it: "module@version", or
// "" where the row has none.
func (r *Row) Source() string {
	if len(r.Sources) == 0 {
		return ""
	}
	source, _, _ := strings.Cut(r.Sources[0], " ")
	return source
}

// anyCase is a map of the object whose keys may be written in other cases, as
// controllers take them that mend the case themselves.
type anyCase struct {
	path *path
	keys []string
}

// template is one entry of a row's templates: a set of pods, or one for each
// member of a list or map.
type template struct {
	each         *path // nil: one set
	when, unless *condition
	name         text

	template, podSpec           *path // nil when the row has none
	containers                  []*path
	hostNetwork, serviceAccount *path
	ports                       []declared
	dropPorts                   bool
	incomplete                  *doubt

	replicas, groups count
	from             int

	labelsFrom         []labelMap
	labelsOver         []labelMap // over the template's own labels, and over labels
	labels, addMissing []label
	opaque, uncertain  []string
}

// labelMap is a map of labels in the object, or a part of it.
type labelMap struct {
	path      *path
	only, but string // a prefix that all keys have, or none; "" says nothing
}

// label is a label that a controller sets.
type label struct {
	key   string
	value text
}

// declared is a port that a controller declares on its pods.
type declared struct {
	name     text
	fallback string // where name gives nothing
	port     number
	protocol string

	when, unless   *condition
	unlessDeclared bool // by a container
}

// number is a number in the row or in the object. The zero number is 0.
type number struct {
	path  *path // nil: value
	value int
}

// count is how many there are: a number, or what stands in its place when the
// object does not say it.
type count struct {
	number
	fallback int
	least    int // what a smaller number in the object means
}
