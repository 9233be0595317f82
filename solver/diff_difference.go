package solver

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// difference is something that differs for a pair.
type difference struct {
	object *objectEdit
	end    int // of an aspect
	aspect aspect
	space  string // a namespace
	nodes  bool
	ranges bool // where unknown addresses can be
}

// text tells elements apart.
func (e *difference) text() string {
	if e.object != nil {
		return e.object.object.String()
	}
	return fmt.Sprint(e.end, e.aspect, e.space, e.nodes, e.ranges)
}

// elements lists what differs for a pair.
func (b *blamer) elements(c *contrast) []difference {
	var out []difference
	objects := slices.Concat(b.concerned(c, model.Egress), b.concerned(c, model.Ingress))
	slices.Sort(objects)
	for _, i := range slices.Compact(objects) {
		out = append(out, difference{object: &b.edits.objects[i]})
	}
	nodes := false
	for k := range c.ends {
		e := &c.ends[k]
		switch {
		case e.pod[was] != nil:
			if k == 1 && c.alike {
				continue
			}
			a := aspectsOf(e.pod[was], e.pod[is])
			for bit := aspectLabels; bit < allAspects; bit <<= 1 {
				if a&bit != 0 {
					out = append(out, difference{end: k, aspect: bit})
				}
			}
			if ns := e.pod[was].Namespace; b.edits.spaces[ns] && (k == 0 || c.ends[0].pod[was] == nil || c.ends[0].pod[was].Namespace != ns) {
				out = append(out, difference{space: ns})
			}
			for _, p := range e.pod {
				nodes = nodes || p.HostNetwork && b.edits.nodes[p.NodeName]
			}
		case e.node[was] != nil:
			nodes = nodes || e.node[was].Name != e.node[is].Name || b.edits.nodes[e.node[is].Name]
		}
	}
	if nodes {
		out = append(out, difference{nodes: true})
	}
	if b.edits.everywhere {
		out = append(out, difference{ranges: true})
	}
	return out
}

// concerned lists the objects of which a rule that differs selects the end of a
// pair that a direction is about.
func (b *blamer) concerned(c *contrast, d model.Direction) []int {
	e := &c.ends[0]
	if d == model.Ingress {
		e = &c.ends[1]
	}
	if e.pod[was] == nil {
		return nil
	}
	k := endKey{e.id, d}
	if known, ok := b.ofEnd[k]; ok {
		return known
	}
	if b.byNamespace[d] == nil {
		b.byNamespace[d] = map[string][]int{}
		for i := range b.edits.objects {
			spaces := map[string]bool{}
			for _, r := range slices.Concat(b.edits.objects[i].lacks[was], b.edits.objects[i].lacks[is]) {
				if ns := r.Subject.Namespace; r.Direction == d && !spaces[ns] {
					spaces[ns] = true
					b.byNamespace[d][ns] = append(b.byNamespace[d][ns], i)
				}
			}
		}
	}
	var out []int
	for _, i := range slices.Concat(b.byNamespace[d][""], b.byNamespace[d][e.pod[was].Namespace]) {
		o := &b.edits.objects[i]
		if slices.ContainsFunc(slices.Concat(o.lacks[was], o.lacks[is]), func(r *model.Rule) bool { return r.Direction == d && b.selects(r, c) }) {
			out = append(out, i)
		}
	}
	b.ofEnd[k] = out
	return out
}

// selects reports whether a rule may select its end of a pair, with the labels
// of whichever version.
func (b *blamer) selects(r *model.Rule, c *contrast) bool {
	e := &c.ends[0]
	if r.Direction == model.Ingress {
		e = &c.ends[1]
	}
	if e.pod[was] == nil || e.pod[was].HostNetwork && e.pod[is].HostNetwork {
		return false
	}
	ns := e.pod[was].Namespace
	if s := &r.Subject; s.Namespace != "" && s.Namespace != ns || s.Namespace == "" && !s.Namespaces.Matches(b.edits.labels[was][ns]) && !s.Namespaces.Matches(b.edits.labels[is][ns]) {
		return false
	}
	return r.Subject.Pods.Matches(e.pod[was].Labels) || r.Subject.Pods.Matches(e.pod[is].Labels)
}

// objectCause is an object as a cause, with the rule of it that decides.
func (b *blamer) objectCause(e *objectEdit, c *contrast) Cause {
	k := placeKey{e.object, c.port, c.up}
	p := b.places[k]
	if p == nil {
		p = &placed{alike: true}
		b.places[k] = p
	}
	if p.n >= explainedAlike && p.alike || p.n > 0 && b.explained >= maxExplained {
		return p.cause
	}
	b.explained++
	out := b.policyCause(e, c)
	if p.n++; p.n == 1 {
		p.cause = out
	}
	p.alike = p.alike && p.cause.key() == out.key()
	return out
}

// elementCause is an element as a cause.
func (b *blamer) elementCause(e *difference, c *contrast) Cause {
	switch {
	case e.object != nil:
		return b.objectCause(e.object, c)
	case e.space != "":
		out := Cause{Kind: CauseNamespace, Object: "Namespace " + e.space,
			Text: labelText(b.edits.labels[was][e.space], b.edits.labels[is][e.space], func(string) bool { return false })}
		for v, place := range [...]*CausePlace{&out.Was, &out.Is} {
			for i := range b.edits.snap[v].Namespaces {
				if n := &b.edits.snap[v].Namespaces[i]; n.Name == e.space {
					place.Origin = labelOrigin(n.Origin, []any{"metadata", "labels"}, b.edits.labels[was][e.space], b.edits.labels[is][e.space], func(string) bool { return false })
				}
			}
		}
		return out
	case e.nodes:
		return Cause{Kind: CauseNode, Text: "nodes or their addresses differ"}
	case e.ranges:
		return Cause{Kind: CauseCluster, Text: "where unknown addresses can be differs"}
	}
	end := &c.ends[e.end]
	out := Cause{Kind: CausePod, Object: end.name}
	p, q := end.pod[was], end.pod[is]
	out.Was.Origin, out.Is.Origin = p.Origin, q.Origin
	switch e.aspect {
	case aspectLabels:
		out.Kind, out.Text = CauseLabels, labelText(p.Labels, q.Labels, b.asked(c))
		out.Was.Origin = labelOrigin(p.Origin, labelPath(p), p.Labels, q.Labels, b.asked(c))
		out.Is.Origin = labelOrigin(q.Origin, labelPath(q), p.Labels, q.Labels, b.asked(c))
	case aspectPorts:
		out.Text = "its named ports differ"
	case aspectNetwork:
		switch {
		case p.HostNetwork == q.HostNetwork:
			out.Text = "its addresses differ"
		case q.HostNetwork:
			out.Text = "it is in the host network now"
		default:
			out.Text = "it is not in the host network any more"
		}
	}
	return out
}

// asked reports which label keys the rules of a pair ask for.
func (b *blamer) asked(c *contrast) func(string) bool {
	keys := map[string]bool{}
	for v := range versions {
		for _, r := range b.rulesOf(c, v) {
			for _, s := range append([]model.PodSet{r.Subject}, r.Peer.Pods...) {
				for _, q := range s.Pods {
					keys[q.Key] = true
				}
			}
		}
	}
	return func(k string) bool { return keys[k] }
}

// decider is the rule of an object that decides a pair in a version: one that
// lets through in the version that lets through more, one that does not in the
// other. Nil when there is none.
func (b *blamer) decider(e *objectEdit, c *contrast, v int) *model.Rule {
	opens := c.up == (v == is)
	f := engine.Flow{Src: c.ends[0].id[v], Dst: c.ends[1].id[v], Protocol: c.port.Protocol, Port: c.port.First}
	s := b.edits.snap[v]
	var found []*model.Rule
	for _, ft := range b.x[v].Explain(f).Families {
		for _, side := range []engine.SideTrace{ft.Egress, ft.Ingress} {
			for _, step := range side.Steps {
				if !step.Decides || step.Rule < 0 {
					continue
				}
				r := &s.Rules[step.Rule]
				if r.Object == e.object && (opens == (r.Action == model.Allow) || r.Action == model.Uncertain || r.Action == model.MayAllow) {
					found = append(found, r)
				}
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	// What differs comes first.
	slices.SortStableFunc(found, func(r, s *model.Rule) int {
		return -compareTrue(slices.Contains(e.lacks[v], r), slices.Contains(e.lacks[v], s))
	})
	return found[0]
}

// rulesOf lists the rules of a version that may select an end of a pair.
func (b *blamer) rulesOf(c *contrast, v int) []*model.Rule {
	if b.rules[v][0] == nil {
		b.rules[v] = [...]map[string][]*model.Rule{{}, {}}
		for i := range b.edits.snap[v].Rules {
			r := &b.edits.snap[v].Rules[i]
			at := b.rules[v][r.Direction]
			at[r.Subject.Namespace] = append(at[r.Subject.Namespace], r)
		}
	}
	var out []*model.Rule
	for d, e := range [...]*contrastEnd{model.Egress: &c.ends[0], model.Ingress: &c.ends[1]} {
		if e.pod[was] == nil {
			continue
		}
		for _, ns := range []string{"", e.pod[was].Namespace} {
			for _, r := range b.rules[v][d][ns] {
				if b.selects(r, c) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}
