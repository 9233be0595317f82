package custom

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What one object may make of its row.
const (
	MaxSets   = 1_000 // sets of pods
	MaxLabels = 1_000 // labels of one map
	// MaxText is how long a label value may be; what is longer no object can have.
	MaxText = 63
	maxName = 253
)

// Many is a number of pods that is not known: there may be any.
const Many = math.MaxInt32

// GeneratedName stands for the name of an object that has only a generateName,
// which nobody knows before the cluster has completed it.
const GeneratedName = "\x00generated"

// Uncertain stands for a value that the object does not tell and that a policy
// may name with success; whether there is one is not known either (R66).
const Uncertain = "\x00uncertain"

// UnsaidNamespace stands for the namespace of an object that says none, which
// whoever reads it decides.
const UnsaidNamespace = "\x00namespace"

// Pods evaluates the row on an object: its apiVersion, kind, metadata, spec and
// status, as encoding/json has them, but with int64 for whole numbers. Objects
// with only a generateName have GeneratedName as metadata.name, those without a
// namespace UnsaidNamespace. The object is not changed, and the result shares parts of it. When there are problems the
// object is not to be used. Cost: O(object) for each path of the row, for paths
// about a member O(member).
func (r *Row) Pods(object map[string]any) (Pods, []Problem) {
	e := evaluation{top: maps.Clone(object), object: map[*path][]any{}}
	if e.top == nil {
		e.top = map[string]any{}
	}
	for _, name := range []string{varItem, varKey, varLower, varPlace} {
		delete(e.top, name)
	}
	delete(e.top, varHost)
	if m, ok := e.top["metadata"].(map[string]any); ok {
		if name, ok := m["name"].(string); ok {
			host, _, _ := strings.Cut(name, ".")
			e.top[varHost] = host[:min(len(host), MaxText)]
		}
	}
	if r.anyCase != nil {
		e.top = r.anyCase.mend(e.top, r.anyCase.path.fields)
	}
	var out Pods
	out.Finished = r.finished != nil && e.holds(r.finished)
	out.Unknown = e.reason(r.unknown)
	for _, t := range r.templates {
		out.Sets = e.sets(out.Sets, t)
	}
	out.Absent = !r.builtin && e.absent && len(out.Sets) == 0 && !out.Finished && out.Unknown == ""
	return out, e.problems
}

// mend returns v with the keys at the end of the fields as they should be
// written. Of keys that differ in case alone one that is written otherwise wins.
func (a *anyCase) mend(v map[string]any, fields []string) map[string]any {
	out := maps.Clone(v)
	if len(fields) > 0 {
		if below, ok := v[fields[0]].(map[string]any); ok {
			out[fields[0]] = a.mend(below, fields[1:])
		}
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		for _, want := range a.keys {
			if key != want && strings.EqualFold(key, want) {
				delete(out, key)
				out[want] = v[key]
			}
		}
	}
	return out
}

// evaluation is a row at work on one object.
type evaluation struct {
	top                map[string]any
	at                 string          // where the member of each is
	object             map[*path][]any // what paths lead to that no member has a part in
	values, itemValues int             // in the object and in the member of each, once somebody asks
	work               int             // values that paths may have looked at
	spent              bool            // that was too many
	absent             bool            // the paths of a template led to nothing

	bad      map[string]bool // places that a problem was told of
	problems []Problem
}

func (e *evaluation) problem(path string, value any, want string) {
	if e.bad == nil {
		e.bad = map[string]bool{}
	}
	if !e.bad[path] {
		e.bad[path] = true
		e.problems = append(e.problems, Problem{Path: path, Value: value, Want: want})
	}
}

func (e *evaluation) limit(path string, value any, want string) {
	e.problems = append(e.problems, Problem{Path: path, Value: value, Want: want, Limit: true})
}

// find evaluates a path; nil is a path that is not there.
func (e *evaluation) find(p *path) []any {
	if p == nil {
		return nil
	}
	if out, found := e.object[p]; found {
		return out
	}
	var out []any
	if p.plain {
		out = e.follow(p)
	} else if e.affords(p) {
		var err error
		if out, err = p.find(e.top); err != nil {
			e.problem(e.place(p), nil, "what "+p.text+" goes through")
		}
	}
	if !p.member {
		e.object[p] = out
	}
	return out
}

// maxWork is how many values the paths of a row that are more than names may
// look at in one object; maxChosen how many those of one path with unions.
const (
	maxWork   = 20_000_000
	maxChosen = 1_000_000
)

// affords reports whether there is work left for a path; if not, the object is
// not to be used.
func (e *evaluation) affords(p *path) bool {
	n := &e.values
	if p.member {
		n = &e.itemValues
	}
	if *n == 0 && p.member {
		*n = values(e.top[varItem])
	} else if *n == 0 {
		*n = values(e.top)
	}
	e.work += *n * p.ways
	if p.ways > 1 && *n*p.ways > maxChosen || e.work > maxWork {
		if !e.spent {
			e.limit(e.place(p), nil, "smaller: its row chooses among too many values")
		}
		e.spent = true
	}
	return !e.spent
}

// values counts what is in v, v included.
func values(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, m := range v {
			n += values(m)
		}
	case []any:
		for _, m := range v {
			n += values(m)
		}
	}
	return n
}

// follow evaluates a path of names. A value on the way that has no fields is a
// problem: nobody could tell what the object means.
func (e *evaluation) follow(p *path) []any {
	var v any = e.top
	for i, f := range p.fields {
		m, ok := v.(map[string]any)
		if !ok {
			if v != nil {
				on := *p
				on.fields = p.fields[:i]
				e.problem(e.place(&on), v, "a mapping")
			}
			return nil
		}
		v = m[f]
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// place is where a path leads in the object, as far as it has names alone.
func (e *evaluation) place(p *path) string {
	fields, at := p.fields, ""
	switch fields[0] {
	case varItem, varKey, varLower, varPlace:
		fields, at = fields[1:], e.at
	}
	for _, f := range fields {
		at = join(at, f)
	}
	return at
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// one is the value that a path leads to, with its place; nil when there is none.
func (e *evaluation) one(p *path) Located {
	found := e.find(p)
	switch len(found) {
	case 0:
		return Located{}
	case 1:
		return Located{found[0], e.place(p)}
	}
	e.problem(e.place(p), nil, "one value where "+p.text+" leads")
	return Located{}
}

// member is a member of a list or map, with its place.
type member struct {
	Located
	key   string // in a map
	place int    // in a list
}

// members are what a path names one by one.
func (e *evaluation) members(p *path) []member {
	var out []member
	found, at := e.find(p), e.place(p)
	if p.spread {
		for _, v := range found {
			out = append(out, member{Located: Located{v, at}})
		}
		return out
	}
	for _, v := range found {
		switch v := v.(type) {
		case []any:
			for i, m := range v {
				out = append(out, member{Located: Located{m, at + "[" + strconv.Itoa(i) + "]"}, place: i})
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				out = append(out, member{Located: Located{v[key], join(at, key)}, key: key})
			}
		default:
			e.problem(at, v, "a list or a mapping")
		}
	}
	return out
}

// sets appends the sets of pods that t finds.
func (e *evaluation) sets(out []Set, t *template) []Set {
	if t.each == nil {
		if s := e.set(t); s != nil {
			out = append(out, *s)
		}
		return out
	}
	defer func() { e.at = "" }()
	members := e.members(t.each)
	e.absent = e.absent || len(members) == 0
	for _, m := range members {
		e.itemValues = 0
		e.at, e.top[varItem], e.top[varKey], e.top[varLower] = m.Path, m.Value, m.key, strings.ToLower(m.key)
		e.top[varPlace] = int64(m.place)
		if s := e.set(t); s != nil {
			if len(out) == MaxSets {
				e.limit(e.place(t.each), nil, fmt.Sprintf("at most %d sets of pods", MaxSets))
				break
			}
			out = append(out, *s)
		}
	}
	for _, name := range []string{varItem, varKey, varLower, varPlace} {
		delete(e.top, name)
	}
	return out
}

// set is the pods of t, or of its current member; nil when there are none.
func (e *evaluation) set(t *template) *Set {
	if t.when != nil && !e.holds(t.when) || t.unless != nil && e.holds(t.unless) {
		return nil
	}
	s := &Set{
		Name:       e.text(t.name, maxName),
		Groups:     e.count(t.groups),
		Replicas:   e.count(t.replicas),
		From:       t.from,
		Opaque:     t.opaque,
		Uncertain:  t.uncertain,
		DropPorts:  t.dropPorts,
		Incomplete: e.reason(t.incomplete),
	}
	found := t.template == nil && t.podSpec == nil || t.containers != nil || s.Incomplete != ""
	mapping := func(p *path) (any, string) {
		v := e.one(p)
		if v.Value == nil {
			return nil, ""
		}
		if _, ok := v.Value.(map[string]any); !ok {
			e.problem(v.Path, v.Value, "a mapping")
			return nil, ""
		}
		found = true
		return v.Value, v.Path
	}
	s.Template, s.TemplatePath = mapping(t.template)
	template, _ := s.Template.(map[string]any)
	if template != nil && template["spec"] == nil && template["metadata"] == nil && len(template) > 0 {
		e.problem(s.TemplatePath, nil, "a pod template, with metadata or spec")
	}
	if template["spec"] == nil {
		s.Spec, s.SpecPath = mapping(t.podSpec)
	}
	for _, p := range t.containers {
		for _, v := range e.find(p) {
			s.Containers = append(s.Containers, Located{v, e.place(p)})
		}
	}
	if !found {
		e.absent = true
		return nil
	}
	s.HostNetwork = e.boolean(t.hostNetwork)
	if v := e.one(t.serviceAccount); v.Value != nil {
		s.ServiceAccount = e.scalar(v)
	}
	for _, d := range t.ports {
		if (d.when == nil || e.holds(d.when)) && (d.unless == nil || !e.holds(d.unless)) {
			if name := e.text(d.name, maxName).Of(0, 0); name != "" || d.fallback != "" {
				if name == "" {
					name = d.fallback
				}
				s.Ports = append(s.Ports, Port{Name: name, Protocol: d.protocol, Number: e.number(d.port, 0), UnlessDeclared: d.unlessDeclared})
			}
		}
	}
	s.LabelsFrom, s.LabelsOver = e.maps(t.labelsFrom), e.maps(t.labelsOver)
	s.Labels, s.AddMissing = e.labels(t.labels), e.labels(t.addMissing)
	return s
}

// maps are the maps of labels that paths lead to.
func (e *evaluation) maps(from []labelMap) []Located {
	var out []Located
	for _, l := range from {
		if v := e.one(l.path); v.Value != nil {
			if m, ok := v.Value.(map[string]any); ok && len(m) > MaxLabels {
				e.limit(v.Path, nil, fmt.Sprintf("at most %d labels", MaxLabels))
				continue
			} else if ok && l.only+l.but != "" {
				m = maps.Clone(m)
				maps.DeleteFunc(m, func(key string, _ any) bool {
					return !strings.HasPrefix(key, l.only) || l.but != "" && strings.HasPrefix(key, l.but)
				})
				v.Value = m
			}
			out = append(out, v)
		}
	}
	return out
}

// labels are those whose text gives something.
func (e *evaluation) labels(in []label) []Label {
	var out []Label
	for _, l := range in {
		if len(l.value) == 1 && l.value[0].path != nil && len(e.find(l.value[0].path)) == 0 {
			continue
		}
		out = append(out, Label{l.key, e.text(l.value, MaxText)})
	}
	return out
}

// text evaluates all of a text but the numbers of pods. What is longer than
// limit cannot be what it stands for, so that its value is not known.
func (e *evaluation) text(t text, limit int) Text {
	var out Text
	length := 0
	for _, p := range t {
		literal := p.literal
		switch {
		case p.number != 0:
			out = append(out, Piece{Group: p.number == theGroup})
			continue
		case p.path != nil:
			literal = ""
			for i, v := range e.find(p.path) {
				if i > 0 {
					literal += " "
				}
				literal += e.scalar(Located{v, e.place(p.path)})
				if length+len(literal) > limit {
					break
				}
			}
		}
		length += len(literal)
		switch {
		case length > limit && slices.ContainsFunc(t, func(p piece) bool { return p.literal == Uncertain }):
			return Text{{Literal: Uncertain}}
		case length > limit:
			return Text{{Literal: GeneratedName}}
		case literal == "":
		case len(out) > 0 && out[len(out)-1].Literal != "":
			out[len(out)-1].Literal += literal
		default:
			out = append(out, Piece{Literal: literal})
		}
	}
	return out
}

// scalar is a value as kubectl prints it.
func (e *evaluation) scalar(v Located) string {
	switch x := v.Value.(type) {
	case string:
		return x
	case bool, int64, float64:
		return fmt.Sprint(x)
	}
	e.problem(v.Path, v.Value, "a string")
	return ""
}

func (e *evaluation) boolean(p *path) bool {
	v := e.one(p)
	b, ok := v.Value.(bool)
	if v.Value != nil && !ok {
		e.problem(v.Path, v.Value, "true or false")
	}
	return b
}

// count is a number of pods, or of groups.
func (e *evaluation) count(c count) int { return max(c.least, e.number(c.number, c.fallback)) }

func (e *evaluation) number(n number, fallback int) int {
	if n.path == nil {
		return n.value
	}
	v := e.one(n.path)
	if v.Value == nil {
		return fallback
	}
	i, ok := v.Value.(int64)
	if !ok || i >= Many || i <= -Many {
		want := "a whole number of 32 bits"
		if ok && i >= Many { // which stands for a number that is not known
			want = fmt.Sprintf("less than %d", Many)
		}
		e.problem(v.Path, v.Value, want)
		return 0
	}
	return max(0, int(i))
}

// reason is why something is not known, or "" when it is.
func (e *evaluation) reason(d *doubt) string {
	if d == nil || d.when != nil && !e.holds(d.when) {
		return ""
	}
	return d.because
}

// holds reports whether the object is as the condition says.
func (e *evaluation) holds(c *condition) bool {
	if c.all != nil {
		return !slices.ContainsFunc(c.all, func(part *condition) bool { return !e.holds(part) })
	}
	var found []any
	for _, p := range c.paths {
		if found = append(found, e.find(p)...); c.first && len(found) > 0 {
			break
		}
	}
	if c.given {
		return slices.ContainsFunc(found, func(v any) bool { return v != nil })
	}
	return slices.ContainsFunc(found, func(v any) bool {
		if c.in != nil {
			switch v.(type) {
			case string, bool, int64, float64:
				return slices.Contains(c.in, fmt.Sprint(v))
			}
			return false
		}
		switch v := v.(type) {
		case string:
			return v != ""
		case bool:
			return v
		case int64:
			return v != 0
		case float64:
			return v != 0
		case []any:
			return len(v) > 0
		case map[string]any:
			return len(v) > 0
		}
		return false
	})
}
