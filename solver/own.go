package solver

import (
	"cmp"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// nodePods are the pods of a set by their node: of all pairs of a host and a
// pod, only those with a pod near the host can be on one node (R52). Pods on
// the host network are left out, as no rule applies to them.
type nodePods struct {
	snap     *model.Snapshot
	all      []engine.EndpointID
	on       map[string][]engine.EndpointID // by node name
	anywhere []engine.EndpointID            // on a node that is not known, or on every node (R57)
}

func podsByNode(x *engine.Index, set engine.Set) nodePods {
	n := nodePods{snap: x.Snapshot(), on: map[string][]engine.EndpointID{}}
	for e := range set.All() {
		if !e.IsPod() || isHostEnd(x, e) {
			continue
		}
		n.all = append(n.all, e)
		if name := n.node(e); name != "" {
			n.on[name] = append(n.on[name], e)
		} else {
			n.anywhere = append(n.anywhere, e)
		}
	}
	return n
}

// node returns the name of the one node that a pod or node is on; "" where
// that is not known or not one.
func (n *nodePods) node(e engine.EndpointID) string {
	switch {
	case e.IsNode():
		return n.snap.Nodes[e.NodeIndex()].Name
	case n.snap.Pods[e].EveryNode:
		return ""
	}
	return n.snap.Pods[e].NodeName
}

// near returns the pods that are or may be on the node of a host, and perhaps
// others.
func (n *nodePods) near(host engine.EndpointID) []engine.EndpointID {
	name := n.node(host)
	if name == "" {
		return n.all
	}
	return slices.Concat(n.on[name], n.anywhere)
}

// isHostEnd reports whether an endpoint is a node or on a node's network.
func isHostEnd(x *engine.Index, e engine.EndpointID) bool {
	return e.IsNode() || e.IsPod() && x.Snapshot().Pods[e].HostNetwork
}

// ownNodes pairs hosts that are named one by one with pods. What a class pair
// opens is looked at once for each answer to whether both are on one node; the
// counts of hosts that reach something are completed.
func (a *asker) ownNodes(src *group, reaching, maybe *reached) {
	type opens struct{ looked, lower, upper bool }
	rows := make([][3]opens, a.inside) // by Index.OwnNode
	look := func(i int, own model.Verdict, host, pod engine.EndpointID) opens {
		o := &rows[i][own]
		if !o.looked {
			o.looked = true
			o.lower, o.upper = a.record(src, &a.to[i], [2]engine.EndpointID{host, pod}, a.x.BetweenFlow(a.flow(host, pod)))
		}
		return *o
	}
	var hosts []engine.EndpointID
	for _, e := range a.x.Members(src.class) {
		if a.q.From.Set.Contains(e) {
			hosts = append(hosts, e)
		}
	}
	lower, upper := 0, 0 // pods that a host reaches if they are not on its node
	for i := range a.to[:a.inside] {
		dst := &a.to[i]
		if isHostEnd(a.x, dst.ends[0]) {
			continue
		}
		if host, pod, ok := a.apart(hosts, dst); ok {
			o := look(i, model.Denied, host, pod)
			lower += dst.n * count(o.lower)
			upper += dst.n * count(o.upper)
		}
	}
	var lowerHosts, upperHosts int
	for _, host := range hosts {
		lo, up := reaching.has(src, host), maybe.has(src, host)
		otherLower, otherUpper := lower, upper
		for _, pod := range a.byNode.near(host) {
			own := a.x.OwnNode(host, pod)
			if own == model.Denied {
				continue
			}
			k, _ := a.key(pod, true)
			i := a.groupOf[k]
			o := look(i, own, host, pod)
			lo, up = lo || o.lower, up || o.upper
			otherLower -= count(rows[i][model.Denied].lower)
			otherUpper -= count(rows[i][model.Denied].upper)
		}
		lowerHosts += count(lo || otherLower > 0)
		upperHosts += count(up || otherUpper > 0)
	}
	reaching.n, maybe.n = lowerHosts, upperHosts
}

// apart finds a host and a pod of a group that are certainly on two nodes.
func (a *asker) apart(hosts []engine.EndpointID, dst *group) (host, pod engine.EndpointID, ok bool) {
	for _, pod = range a.x.Members(dst.class) {
		if !a.inGroup(dst, pod) || a.byNode.node(pod) == "" {
			continue
		}
		for _, host = range hosts {
			if a.x.OwnNode(host, pod) == model.Denied {
				return host, pod, true
			}
		}
	}
	return 0, 0, false
}

// ownPairs is what hosts of one party reach on their own nodes of another.
type ownPairs struct {
	opens    uint32
	doubtful []ownPair // each differs at a port where those before do not
	doubtAt  model.PortSet
}

type ownPair struct {
	ends  [2]engine.EndpointID
	ports model.PortSet // that are uncertain
}

// own adds what a named host reaches on its own node (R52): the rows have what
// holds on any node, and a host reaches no less on its own.
func (l *lister) own() {
	if !l.from.Named {
		return
	}
	type key struct {
		src, dst engine.Class
		own      model.Verdict
	}
	known := map[key]model.Bounds{}
	byNode := podsByNode(l.x, l.to.Set)
	for e := range l.from.Set.All() {
		if !isHostEnd(l.x, e) {
			continue
		}
		for _, d := range byNode.near(e) {
			k := key{l.x.Class(e), l.x.Class(d), l.x.OwnNode(e, d)}
			if k.own == model.Denied {
				continue
			}
			b, ok := known[k]
			if !ok {
				b = l.x.BetweenFlow(l.flow(e, d))
				known[k] = b
			}
			l.addOwn(e, d, b)
		}
	}
	byParty := map[uint32][]cell{}
	for k, p := range l.near {
		byParty[k[0]] = append(byParty[k[0]], cell{k[1], p.opens})
	}
	for from, cells := range byParty {
		slices.SortFunc(cells, func(a, b cell) int { return cmp.Compare(a.party, b.party) })
		r := &l.rows[from]
		r.cells = l.opens.mergeCells(r.cells, cells)
		if p := l.near[[2]uint32{from, from}]; p != nil {
			r.self = l.opens.join(r.self, p.opens)
		}
	}
}

func (l *lister) addOwn(host, pod engine.EndpointID, b model.Bounds) {
	if b.Upper.Empty() {
		return
	}
	k := [2]uint32{l.of(host), l.of(pod)}
	p := l.near[k]
	if p == nil {
		p = &ownPairs{}
		l.near[k] = p
	}
	p.opens = l.opens.join(p.opens, l.opens.number(b))
	if ports := b.Upper.Minus(b.Lower); !p.doubtAt.ContainsAll(ports) {
		p.doubtAt = p.doubtAt.Union(ports)
		p.doubtful = append(p.doubtful, ownPair{[2]engine.EndpointID{host, pod}, ports})
	}
}
