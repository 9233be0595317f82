package custom

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is what is wrong with a row, and where in its file.
type Error struct {
	Line, Column int
	Message      string
}

// Error is "LINE:COLUMN: message".
func (e Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Parse reads rows: the list that builtin.yaml is, and that stands under the
// key workloads of podreach.yaml. Of a row with an error nothing is returned.
func Parse(n *yaml.Node) ([]*Row, []Error) {
	p := parser{compile: compiler{}}
	if expanded(n, 0, maxValues) == 0 {
		p.report(n, "workloads hold more than %d values, those of aliases included, or are nested more than %d levels deep", maxValues, maxLevels)
		return nil, p.errors
	}
	var out []*Row
	seen := map[string]bool{}
	for _, n := range p.list(n, "workloads") {
		before := len(p.errors)
		r := p.row(n)
		if len(p.errors) > before {
			continue
		}
		if seen[r.GVK()] {
			p.report(n, "%s is given twice", r.GVK())
			continue
		}
		seen[r.GVK()] = true
		out = append(out, r)
	}
	return out, p.errors
}

// What rows may hold.
const (
	maxValues = 200_000
	maxLevels = 32
)

// expanded takes the values of n, those that aliases stand for included, from
// what is left; 0 is that they are too many, or nested too deep, as those of an
// alias that is in itself are.
func expanded(n *yaml.Node, level, left int) int {
	n = aliased(n)
	if left--; left <= 0 || level > maxLevels {
		return 0
	}
	for _, c := range n.Content {
		if left = expanded(c, level+1, left); left == 0 {
			return 0
		}
	}
	return left
}

// shared is what a row says beside its templates, for all of them.
type shared struct {
	replicas   *number
	fallback   *int
	labelsFrom []labelMap
	labels     []label
	opaque     []string
	uncertain  []string
}

func (p *parser) row(n *yaml.Node) *Row {
	out := &Row{}
	var common shared
	var templates []*yaml.Node
	named := n.Kind != yaml.MappingNode
	p.fields(n, "a workload", map[string]func(*yaml.Node){
		"gvk":        func(n *yaml.Node) { named = true; p.gvk(n, out) },
		"sources":    func(n *yaml.Node) { out.Sources = p.strings(n, "sources") },
		"finished":   func(n *yaml.Node) { out.finished = p.condition(n, "finished") },
		"unknown":    func(n *yaml.Node) { out.unknown = p.doubt(n, "unknown") },
		"anyCase":    func(n *yaml.Node) { out.anyCase = p.anyCase(n) },
		"templates":  func(n *yaml.Node) { templates = p.list(n, "templates") },
		"replicas":   func(n *yaml.Node) { v := p.number(n, "replicas"); common.replicas = &v },
		"default":    func(n *yaml.Node) { v := p.constant(n, "default"); common.fallback = &v },
		"labelsFrom": func(n *yaml.Node) { common.labelsFrom = p.labelMaps(n, "labelsFrom") },
		"labels":     func(n *yaml.Node) { common.labels = p.labels(n, "labels") },
		"opaque":     func(n *yaml.Node) { common.opaque = p.keys(n, "opaque") },
		"uncertain":  func(n *yaml.Node) { common.uncertain = p.keys(n, "uncertain") },
	})
	if !named {
		p.report(n, "a workload has no gvk")
	}
	for _, t := range templates {
		out.templates = append(out.templates, p.template(t, &common))
	}
	return out
}

// anyCase reads {path: PATH, keys: [KEY, ...]}; the path has names alone.
func (p *parser) anyCase(n *yaml.Node) *anyCase {
	out := &anyCase{}
	p.fields(n, "anyCase", map[string]func(*yaml.Node){
		"path": func(n *yaml.Node) { out.path = p.path(n, "anyCase") },
		"keys": func(n *yaml.Node) { out.keys = p.strings(n, "keys") },
	})
	if out.path == nil || !out.path.plain || out.path.member {
		p.report(n, "anyCase has no path of names, such as {.spec.replicaSpecs}")
		return nil
	}
	return out
}

func (p *parser) gvk(n *yaml.Node, r *Row) {
	s := p.scalar(n, "gvk")
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" || strings.ToLower(parts[2][:1]) == parts[2][:1] {
		p.report(n, "gvk is %q, expected GROUP/VERSION/Kind such as ray.io/v1/RayCluster; the version may be *", s)
		return
	}
	switch group, kind := parts[0], parts[2]; {
	case ours[group] != nil && slices.Contains(ours[group], kind):
		p.report(n, "gvk: %s is built in", s)
	case group == "" && (kind == "Secret" || kind == "ConfigMap"): // nothing of what they hold is to be printed
		p.report(n, "gvk: a %s makes no pods", kind)
	case strings.HasSuffix(kind, "Policy"):
		p.report(n, "gvk: a %s makes no pods", kind)
	default:
		r.Group, r.Version, r.Kind = group, parts[1], kind
	}
}

// ours are the kinds that the reader knows without a table.
var ours = map[string][]string{
	"":                  {"Pod", "Namespace", "Node", "ReplicationController", "List"},
	"apps":              {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"},
	"batch":             {"Job", "CronJob"},
	"networking.k8s.io": {"ServiceCIDR"},
}

// doubt reads TEXT or {when: COND, because: TEXT}.
func (p *parser) doubt(n *yaml.Node, what string) *doubt {
	out := &doubt{}
	if n.Kind != yaml.MappingNode {
		out.because = p.scalar(n, what)
		return out
	}
	p.fields(n, what, map[string]func(*yaml.Node){
		"when":    func(n *yaml.Node) { out.when = p.condition(n, "when of "+what) },
		"because": func(n *yaml.Node) { out.because = p.scalar(n, "because") },
	})
	if out.because == "" {
		p.report(n, "%s has no because", what)
	}
	return out
}

func (p *parser) template(n *yaml.Node, common *shared) *template {
	name, err := p.compile.text("{.metadata.name}")
	if err != nil {
		panic("custom: " + err.Error())
	}
	out := &template{
		name:     name,
		replicas: count{number: number{value: 1}, fallback: 1},
		groups:   count{number: number{value: 1}, fallback: 1},
	}
	var own shared
	before := len(p.errors)
	if n.Kind == yaml.ScalarNode {
		out.template = p.path(n, "templates")
	} else {
		p.fields(n, "a template", map[string]func(*yaml.Node){
			"each":               func(n *yaml.Node) { out.each = p.path(n, "each") },
			"when":               func(n *yaml.Node) { out.when = p.condition(n, "when") },
			"unless":             func(n *yaml.Node) { out.unless = p.condition(n, "unless") },
			"name":               func(n *yaml.Node) { out.name = p.literals(n, nameText, p.text(n, "name")) },
			"template":           func(n *yaml.Node) { out.template = p.path(n, "template") },
			"podSpec":            func(n *yaml.Node) { out.podSpec = p.path(n, "podSpec") },
			"containers":         func(n *yaml.Node) { out.containers = p.paths(n, "containers") },
			"hostNetwork":        func(n *yaml.Node) { out.hostNetwork = p.path(n, "hostNetwork") },
			"serviceAccountName": func(n *yaml.Node) { out.serviceAccount = p.path(n, "serviceAccountName") },
			"ports":              func(n *yaml.Node) { out.ports = p.ports(n) },
			"dropPorts":          func(n *yaml.Node) { out.dropPorts = p.yes(n, "dropPorts") },
			"incomplete":         func(n *yaml.Node) { out.incomplete = p.doubt(n, "incomplete") },
			"replicas":           func(n *yaml.Node) { v := p.number(n, "replicas"); own.replicas = &v },
			"default":            func(n *yaml.Node) { v := p.constant(n, "default"); own.fallback = &v },
			"atLeast":            func(n *yaml.Node) { out.replicas.least = p.constant(n, "atLeast") },
			"groups":             func(n *yaml.Node) { out.groups.number = p.number(n, "groups") },
			"groupsAtLeast":      func(n *yaml.Node) { out.groups.least = p.constant(n, "groupsAtLeast") },
			"labelsOver":         func(n *yaml.Node) { out.labelsOver = p.labelMaps(n, "labelsOver") },
			"groupsDefault":      func(n *yaml.Node) { out.groups.fallback = p.constant(n, "groupsDefault") },
			"from":               func(n *yaml.Node) { out.from = p.constant(n, "from") },
			"labelsFrom":         func(n *yaml.Node) { own.labelsFrom = p.labelMaps(n, "labelsFrom") },
			"labels":             func(n *yaml.Node) { own.labels = p.labels(n, "labels") },
			"addMissing":         func(n *yaml.Node) { out.addMissing = p.labels(n, "addMissing") },
			"opaque":             func(n *yaml.Node) { own.opaque = p.keys(n, "opaque") },
			"uncertain":          func(n *yaml.Node) { own.uncertain = p.keys(n, "uncertain") },
		})
	}
	if out.template == nil && out.podSpec == nil && out.containers == nil && out.incomplete == nil && len(p.errors) == before {
		p.report(n, "a template has none of template, podSpec, containers and incomplete")
	}
	out.merge(&own, common)
	if out.each == nil {
		p.noMember(n, out)
	}
	return out
}

// merge settles what a template says itself and what the row says for all.
func (t *template) merge(own, common *shared) {
	for _, s := range []*shared{common, own} {
		if s.replicas != nil {
			t.replicas.number = *s.replicas
		}
		if s.fallback != nil {
			t.replicas.fallback = *s.fallback
		}
	}
	t.labelsFrom = common.labelsFrom
	if own.labelsFrom != nil {
		t.labelsFrom = own.labelsFrom
	}
	has := func(labels []label, key string) bool {
		return slices.ContainsFunc(labels, func(l label) bool { return l.key == key })
	}
	settled := func(key string) bool {
		return has(own.labels, key) || has(t.addMissing, key) || slices.Contains(own.opaque, key) || slices.Contains(own.uncertain, key)
	}
	t.labels, t.opaque, t.uncertain = own.labels, own.opaque, own.uncertain
	for _, l := range common.labels {
		if !settled(l.key) {
			t.labels = append(t.labels, l)
		}
	}
	for _, key := range common.opaque {
		if !settled(key) {
			t.opaque = append(t.opaque, key)
		}
	}
	for _, key := range common.uncertain {
		if !settled(key) {
			t.uncertain = append(t.uncertain, key)
		}
	}
}

// noMember reports paths that lead to a member of a list where there is no list.
func (p *parser) noMember(n *yaml.Node, t *template) {
	for _, q := range t.paths() {
		if q != nil && q.member {
			p.report(n, "%s stands in a template without each", q.text)
			return
		}
	}
}

// paths lists the paths of t; some are nil.
func (t *template) paths() []*path {
	out := slices.Concat([]*path{t.template, t.podSpec, t.hostNetwork, t.serviceAccount, t.replicas.path, t.groups.path}, t.containers)
	for _, m := range slices.Concat(t.labelsFrom, t.labelsOver) {
		out = append(out, m.path)
	}
	addText := func(texts ...text) {
		for _, x := range texts {
			for _, piece := range x {
				out = append(out, piece.path)
			}
		}
	}
	addText(t.name)
	for _, l := range slices.Concat(t.labels, t.addMissing) {
		addText(l.value)
	}
	conditions := []*condition{t.when, t.unless}
	if t.incomplete != nil {
		conditions = append(conditions, t.incomplete.when)
	}
	for _, c := range conditions {
		out = append(out, c.everyPath()...)
	}
	for _, port := range t.ports {
		addText(port.name)
		out = append(out, port.port.path)
		out = append(out, slices.Concat(port.when.everyPath(), port.unless.everyPath())...)
	}
	return out
}

// everyPath lists the paths of c; c may be nil.
func (c *condition) everyPath() []*path {
	if c == nil {
		return nil
	}
	out := c.paths
	for _, part := range c.all {
		out = slices.Concat(out, part.everyPath())
	}
	return out
}

func (p *parser) ports(n *yaml.Node) []declared {
	var out []declared
	for _, e := range p.list(n, "ports") {
		var d declared
		p.fields(e, "a port", map[string]func(*yaml.Node){
			"name":           func(n *yaml.Node) { d.name = p.literals(n, nameText, p.text(n, "name")) },
			"default":        func(n *yaml.Node) { d.fallback = p.scalar(n, "default") },
			"port":           func(n *yaml.Node) { d.port = p.number(n, "port") },
			"protocol":       func(n *yaml.Node) { d.protocol = p.scalar(n, "protocol") },
			"when":           func(n *yaml.Node) { d.when = p.condition(n, "when") },
			"unless":         func(n *yaml.Node) { d.unless = p.condition(n, "unless") },
			"unlessDeclared": func(n *yaml.Node) { d.unlessDeclared = p.yes(n, "unlessDeclared") },
		})
		if d.name == nil {
			p.report(e, "a port has no name")
		}
		if !nameText.MatchString(d.fallback) {
			p.report(e, "default is %q, expected the name of a port", d.fallback)
		}
		if d.protocol != "" && !slices.Contains([]string{"TCP", "UDP", "SCTP"}, d.protocol) {
			p.report(e, "protocol is %q, expected TCP, UDP or SCTP", d.protocol)
		}
		out = append(out, d)
	}
	return out
}
