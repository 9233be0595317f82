package solver

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// The two versions of a cluster that are compared.
const (
	was = iota
	is
	versions
)

// joint is two versions of a cluster seen as one: what is in both is paired by
// name, and endpoints that neither version tells apart are one cell.
type joint struct {
	x       [versions]*engine.Index
	parties []jointParty // pods by name, then the nodes, then outside addresses in order
	edits   edits
}

// jointParty is an end of changes: a workload, all nodes together, or a range
// of outside addresses that neither version tells apart.
type jointParty struct {
	Party
	cells   []*jointCell
	there   [versions]bool
	addr    netip.Addr                // outside: an address that nobody owns
	part    netipx.IPRange            // outside
	touched [model.NumDirections]bool // see joint.touch
}

// jointCell is endpoints of a party with one class in each version. Of a pod that
// comes or goes the other version has no class.
type jointCell struct {
	has     [versions]bool
	class   [versions]engine.Class
	end     [versions]engine.EndpointID // a member, in both versions the same one
	second  [versions]engine.EndpointID // another one, if there are several
	n       int
	changed bool // something that rules can see of its members differs
}

// newJoint pairs two versions; nil when nothing that rules say or see differs.
// Cost: O(pods + nodes + rules + atoms).
func newJoint(before, after *engine.Index) *joint {
	j := &joint{x: [...]*engine.Index{before, after}}
	j.edits.find(before.Snapshot(), after.Snapshot())
	if j.edits.none() {
		return nil
	}
	j.workloads()
	j.nodes()
	j.outside()
	j.touch()
	return j
}

// cellKey tells the cells of a party apart: also by whether something is
// different about their members.
type cellKey struct {
	party   int
	has     [versions]bool
	class   [versions]engine.Class
	changed bool
}

type cells struct {
	j  *joint
	at map[cellKey]*jointCell
}

// add puts an endpoint into a cell.
func (c *cells) add(party int, has [versions]bool, end [versions]engine.EndpointID, changed bool) {
	k := cellKey{party: party, has: has, changed: changed}
	p := &c.j.parties[party]
	for v := range has {
		if has[v] {
			k.class[v] = c.j.x[v].Class(end[v])
			p.there[v] = true
		}
	}
	cl := c.at[k]
	if cl == nil {
		cl = &jointCell{has: has, class: k.class, end: end, changed: changed}
		c.at[k] = cl
		p.cells = append(p.cells, cl)
	}
	if cl.n == 1 {
		cl.second = end
	}
	cl.n++
}

// workloads makes the parties of pods. A pod is the same in both versions when
// its name and its workload are.
func (j *joint) workloads() {
	at := map[string]int{}
	c := &cells{j, map[cellKey]*jointCell{}}
	party := func(p *model.Pod) int {
		name := WorkloadPath(p)
		i, ok := at[name]
		if !ok {
			i = len(j.parties)
			at[name] = i
			j.parties = append(j.parties, jointParty{Party: Party{Namespace: p.Namespace, Name: name}})
		}
		return i
	}
	old, now := j.x[was].Snapshot(), j.x[is].Snapshot()
	paired := make([]bool, len(now.Pods))
	same := func(p, q *model.Pod) bool {
		return q.Name == p.Name && q.Namespace == p.Namespace && q.Workload == p.Workload && !q.Dormant
	}
	for i := range old.Pods {
		p := &old.Pods[i]
		if p.Dormant {
			continue
		}
		k := i
		if k >= len(now.Pods) || !same(p, &now.Pods[k]) {
			e, ok := j.x[is].Pod(p.Namespace, p.Name)
			if k = int(e); !ok || !same(p, &now.Pods[k]) {
				c.add(party(p), [...]bool{true, false}, [...]engine.EndpointID{engine.EndpointID(i), 0}, false)
				continue
			}
		}
		paired[k] = true
		c.add(party(p), [...]bool{true, true}, [...]engine.EndpointID{engine.EndpointID(i), engine.EndpointID(k)}, j.edits.pod(p, &now.Pods[k]))
	}
	for i := range now.Pods {
		if p := &now.Pods[i]; !paired[i] && !p.Dormant {
			c.add(party(p), [...]bool{false, true}, [...]engine.EndpointID{0, engine.EndpointID(i)}, false)
		}
	}
	slices.SortFunc(j.parties, func(a, b jointParty) int { return cmp.Compare(a.Name, b.Name) })
}

// nodes makes the one party of all nodes.
func (j *joint) nodes() {
	old, now := j.x[was].Snapshot(), j.x[is].Snapshot()
	if len(old.Nodes)+len(now.Nodes) == 0 {
		return
	}
	party := len(j.parties)
	j.parties = append(j.parties, jointParty{Party: Party{Kind: PartyNode, Name: WordNodes}})
	c := &cells{j, map[cellKey]*jointCell{}}
	at := make(map[string]int, len(now.Nodes))
	for i := range now.Nodes {
		at[now.Nodes[i].Name] = i
	}
	for i := range old.Nodes {
		k, ok := at[old.Nodes[i].Name]
		if !ok {
			c.add(party, [...]bool{true, false}, [...]engine.EndpointID{engine.NodeID(i), 0}, false)
			continue
		}
		delete(at, old.Nodes[i].Name)
		c.add(party, [...]bool{true, true}, [...]engine.EndpointID{engine.NodeID(i), engine.NodeID(k)}, j.edits.nodes[old.Nodes[i].Name])
	}
	for _, k := range slices.Sorted(maps.Values(at)) {
		c.add(party, [...]bool{false, true}, [...]engine.EndpointID{0, engine.NodeID(k)}, false)
	}
}

// outside makes a party of each range of addresses that no version tells
// apart and that in each version holds one without an owner.
func (j *joint) outside() {
	a, b := j.x[was].Outside(everyAddress()).Outside(), j.x[is].Outside(everyAddress()).Outside()
	for len(a) > 0 && len(b) > 0 {
		p, q := a[0].Ranges[0], b[0].Ranges[0] // an atom is one range
		lo, hi := p.From(), p.To()
		if lo.Less(q.From()) {
			lo = q.From()
		}
		if q.To().Less(hi) {
			hi = q.To()
		}
		if !hi.Less(lo) && lo.BitLen() == hi.BitLen() {
			r := netipx.IPRangeFrom(lo, hi)
			if addr := j.unowned(r); addr.IsValid() {
				c := &jointCell{has: [...]bool{true, true}, end: [...]engine.EndpointID{a[0].Endpoint, b[0].Endpoint}, n: 1}
				for v := range c.class {
					c.class[v] = j.x[v].Class(c.end[v])
				}
				j.parties = append(j.parties, jointParty{Party: Party{Kind: PartyExternal, Name: "external"}, cells: []*jointCell{c}, there: c.has, part: r, addr: addr})
			}
		}
		if p.To().Less(q.To()) {
			a = a[1:]
		} else if q.To().Less(p.To()) {
			b = b[1:]
		} else {
			a, b = a[1:], b[1:]
		}
	}
}

// unowned returns the first address of a range that in no version has an owner,
// if there is one.
func (j *joint) unowned(r netipx.IPRange) netip.Addr {
	for a := r.From(); a.IsValid() && !r.To().Less(a); a = a.Next() {
		if len(j.x[was].Owners(a)) == 0 && len(j.x[is].Owners(a)) == 0 {
			return a
		}
	}
	return netip.Addr{}
}

// touch marks the parties that changes can begin at: egress of a source, or
// ingress of a destination.
//
// What a source may open to a destination is a function of: the egress rules
// that select the source, in the order of their ranks, and what they see of the
// destination; the ingress rules that select the destination, and what they see
// of the source; the families that both have; and where unknown addresses can
// be. What a rule sees of an endpoint, and whether it selects it, is a function
// of the rule and of the endpoint's labels, those of its namespace, its ports,
// its addresses (those of its node, for a host) and that it is a host. So when
// both endpoints are in both versions with nothing of this different, and no
// rule that differs selects the source for egress or the destination for
// ingress, the two versions say the same of the pair; and when that is so for
// all pairs of two parties there is nothing to tell of them. A party is
// touched for both directions when an endpoint of it comes, goes or is
// different, and for one when a rule that came or went selects one of it, in
// the version that has the rule. Pairs without a touched source or destination
// are never looked at. One member stands for a cell: a class agrees about the
// rules of its version. That rules moved, were renamed or split is no
// difference: see edits.rules.
func (j *joint) touch() {
	for i := range j.parties {
		p := &j.parties[i]
		for _, c := range p.cells {
			if !c.has[was] || !c.has[is] || c.changed {
				p.touched = [...]bool{true, true}
			}
		}
		if j.edits.everywhere && p.Kind != PartyExternal {
			p.touched = [...]bool{true, true}
		}
	}
	at := map[string][]int{} // the parties of a namespace
	for i := range j.parties {
		if p := &j.parties[i]; p.Kind == PartyPods {
			at[p.Namespace] = append(at[p.Namespace], i)
		}
	}
	spaces := slices.Sorted(maps.Keys(at))
	for v, rules := range j.edits.rules {
		labels := j.edits.labels[v]
		for k, r := range rules {
			if k > 0 && r.Direction == rules[k-1].Direction && samePodSet(&r.Subject, &rules[k-1].Subject) {
				continue
			}
			for _, ns := range spaces {
				if r.Subject.Namespace != "" && r.Subject.Namespace != ns || r.Subject.Namespace == "" && !r.Subject.Namespaces.Matches(labels[ns]) {
					continue
				}
				for _, i := range at[ns] {
					p := &j.parties[i]
					p.touched[r.Direction] = p.touched[r.Direction] || slices.ContainsFunc(p.cells, func(c *jointCell) bool {
						return c.has[v] && r.Subject.Pods.Matches(j.x[v].Snapshot().Pods[c.end[v]].Labels)
					})
				}
			}
		}
	}
}
