package solver

import (
	"cmp"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// world is a pair alone, with what differs as elements.
type world struct {
	b        *blamer
	c        *contrast
	elements []difference
	rules    []*model.Rule             // that do not differ
	objects  [][versions][]*model.Rule // by element
}

func (b *blamer) world(c *contrast, elements []difference) *world {
	w := &world{b: b, c: c, elements: elements, objects: make([][versions][]*model.Rule, len(elements))}
	at := map[model.ObjectRef]int{}
	for i := range elements {
		if o := elements[i].object; o != nil {
			at[o.object] = i
		}
	}
	for v := range versions {
		for _, r := range b.rulesOf(c, v) {
			if i, ok := at[r.Object]; ok {
				w.objects[i][v] = append(w.objects[i][v], r)
			} else if v == was {
				w.rules = append(w.rules, r)
			}
		}
	}
	return w
}

// bounds decides the pair with the elements of a mask as they are, and the
// others as they were.
func (w *world) bounds(mask uint) (model.Bounds, error) {
	version := func(is func(e *difference) bool) int {
		for i := range w.elements {
			if is(&w.elements[i]) {
				return int(mask >> i & 1)
			}
		}
		return was
	}
	snap := &w.b.edits.snap
	ranges := snap[version(func(e *difference) bool { return e.ranges })]
	s := &model.Snapshot{PodCIDRs: ranges.PodCIDRs, ServiceCIDRs: ranges.ServiceCIDRs, PodDomain: ranges.PodDomain, NodeDomain: ranges.NodeDomain, UnknownNode: ranges.UnknownNode}
	nodes := version(func(e *difference) bool { return e.nodes })
	addNode := func(name string) {
		if name == "" || slices.ContainsFunc(s.Nodes, func(n model.Node) bool { return n.Name == name }) {
			return
		}
		if id, ok := w.b.x[nodes].Node(name); ok {
			s.Nodes = append(s.Nodes, snap[nodes].Nodes[id.NodeIndex()])
		}
	}
	for k := range w.c.ends {
		e := &w.c.ends[k]
		switch {
		case e.node[nodes] != nil:
			addNode(e.node[nodes].Name)
		case e.pod[was] != nil:
			end := k
			if w.c.alike {
				end = 0
			}
			take := func(a aspect) *model.Pod {
				return e.pod[version(func(x *difference) bool { return x.object == nil && x.aspect == a && x.end == end })]
			}
			p := *e.pod[was]
			p.Name = string(rune('a' + k))
			p.Labels = take(aspectLabels).Labels
			p.Ports, p.PortsUnknown = take(aspectPorts).Ports, take(aspectPorts).PortsUnknown
			n := take(aspectNetwork)
			p.Addresses, p.HostNetwork, p.NodeName, p.EveryNode = n.Addresses, n.HostNetwork, n.NodeName, n.EveryNode
			if p.HostNetwork {
				addNode(p.NodeName)
			}
			s.Pods = append(s.Pods, p)
			if !slices.ContainsFunc(s.Namespaces, func(n model.Namespace) bool { return n.Name == p.Namespace }) {
				v := version(func(x *difference) bool { return x.space == p.Namespace })
				s.Namespaces = append(s.Namespaces, model.Namespace{Name: p.Namespace, Labels: w.b.edits.labels[v][p.Namespace]})
			}
		}
	}
	rules := slices.Clone(w.rules)
	for i := range w.elements {
		if w.elements[i].object != nil {
			rules = append(rules, w.objects[i][mask>>i&1]...)
		}
	}
	s.Rules = ordered(rules)
	x, err := engine.Compile(s, engine.Options{})
	if err != nil {
		return model.Bounds{}, err
	}
	var class [2]engine.Class
	pods := 0
	for k := range class {
		e := &w.c.ends[k]
		id := x.Addr(e.addr)
		switch {
		case e.pod[was] != nil:
			id = engine.EndpointID(pods)
			pods++
		case e.node[nodes] != nil:
			id, _ = x.Node(e.node[nodes].Name)
		}
		class[k] = x.Class(id)
	}
	return x.BetweenClasses(class[0], class[1]), nil
}

// ordered copies rules, those of admin policies with ordinals of their own:
// those of two versions may be the same for different policies.
func ordered(rules []*model.Rule) []model.Rule {
	out := make([]model.Rule, len(rules))
	ordinals := map[model.ObjectRef]int32{}
	var objects []model.ObjectRef
	for i, r := range rules {
		out[i] = *r
		if r.Rank.Tier == model.TierAdmin || r.Rank.Tier == model.TierBaseline {
			if _, ok := ordinals[r.Object]; !ok {
				ordinals[r.Object] = 0
				objects = append(objects, r.Object)
			}
		}
	}
	slices.SortFunc(objects, compareObjects)
	for i, o := range objects {
		ordinals[o] = int32(i) + 1
	}
	for i := range out {
		if n, ok := ordinals[out[i].Object]; ok && n > 0 && (out[i].Rank.Tier == model.TierAdmin || out[i].Rank.Tier == model.TierBaseline) {
			out[i].Rank.Ordinal = n
		}
	}
	slices.SortStableFunc(out, func(r, s model.Rule) int { return cmp.Compare(r.Rank.Tier, s.Rank.Tier) })
	return out
}
