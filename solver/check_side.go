package solver

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// element is what one side of an assertion means by an endpoint: all of it, or
// what it is at one address or in one family.
type element struct {
	owners  []engine.EndpointID // one; several for an address that several own (R62)
	addr    netip.Addr
	family  engine.Families
	named   bool            // a host that is named: its own pods count (R52)
	outside *engine.Outside // a part of an atom
	// marks are the exceptions whose side holds the element, in each family: bits.
	marks [model.NumFamilies]string
}

// exception is an Exception against an Index. A nil side is everything.
type exception struct {
	from, to []Ends
	ports    PortQuery
}

func (e *exception) side(dst bool) []Ends {
	if dst {
		return e.to
	}
	return e.from
}

// marker gathers the exceptions that hold an element.
type marker struct{ bits []byte }

func (m *marker) set(k int) {
	for len(m.bits) <= k/8 {
		m.bits = append(m.bits, 0)
	}
	m.bits[k/8] |= 1 << (k % 8)
}

func marked(marks string, k int) bool { return k/8 < len(marks) && marks[k/8]>>(k%8)&1 != 0 }

// elements lists what a side means. What is meant as a whole is not meant
// again by one of its addresses, except where each has to be reachable.
func (c *checker) elements(ends []Ends, dst bool) []element {
	type key struct {
		id     engine.EndpointID
		addr   netip.Addr
		family engine.Families
	}
	at := map[key]int{}
	var out []element
	var outside netipx.IPSetBuilder
	for i := range ends {
		e := &ends[i]
		var ids []engine.EndpointID
		for id := range e.Set.All() {
			if !id.IsOutside() {
				ids = append(ids, id)
			}
		}
		for _, part := range e.Set.Outside() {
			for _, r := range part.Ranges {
				outside.AddRange(r)
			}
		}
		if e.Contested {
			out = append(out, element{owners: ids, addr: e.Addr})
			continue
		}
		for _, id := range ids {
			k := key{id, e.Addr, e.Family}
			j, ok := at[k]
			if !ok {
				j = len(out)
				at[k] = j
				out = append(out, element{owners: []engine.EndpointID{id}, addr: e.Addr, family: e.Family})
			}
			if e.Named && isHostEnd(c.x, id) {
				out[j].named = true
			}
		}
	}
	if c.a.Expect != Reachable && c.a.Expect != DNS {
		out = slices.DeleteFunc(out, func(e element) bool {
			if len(e.owners) > 1 || !e.addr.IsValid() && e.family == 0 {
				return false
			}
			_, whole := at[key{id: e.owners[0]}]
			return whole
		})
	}
	for i := range out {
		c.mark(&out[i], dst)
	}
	return append(out, c.outsideElements(build(&outside), dst)...)
}

// mark finds the exceptions that hold an element.
func (c *checker) mark(e *element, dst bool) {
	var marks [model.NumFamilies]marker
	for k := range c.except {
		side := c.except[k].side(dst)
		for f := range marks {
			if side == nil || slices.ContainsFunc(side, func(s Ends) bool { return c.holds(&s, e, model.Family(f)) }) {
				marks[f].set(k)
			}
		}
	}
	for f := range marks {
		e.marks[f] = string(marks[f].bits)
	}
	// What the element has no address for says nothing.
	for f := range e.marks {
		if other := 1 - f; c.lacks(e, model.Family(f)) {
			e.marks[f] = e.marks[other]
		}
	}
}

// lacks reports whether an element has certainly nothing in a family.
func (c *checker) lacks(e *element, f model.Family) bool {
	switch {
	case e.addr.IsValid():
		return model.FamilyOf(e.addr) != f
	case e.family != 0:
		return e.family != engine.Only(f)
	}
	addrs, known := c.addresses(e.owners[0], f)
	return known && len(addrs) == 0
}

// addresses are those of a pod or node in a family; known says that it has no
// others.
func (c *checker) addresses(id engine.EndpointID, f model.Family) (out []netip.Addr, known bool) {
	s := c.x.Snapshot()
	node := func(n *model.Node) {
		for _, a := range n.Addresses {
			if model.FamilyOf(a) == f {
				out = append(out, a.Unmap())
			}
		}
		known = known || len(n.Addresses) > 0
	}
	if id.IsNode() {
		node(&s.Nodes[id.NodeIndex()])
		return out, known
	}
	p := &s.Pods[id]
	switch p.Addresses[f].State {
	case model.AddressKnown:
		out, known = append(out, p.Addresses[f].Addr), true
	case model.AddressNone:
		known = !p.HostNetwork
	}
	if p.HostNetwork {
		known = false
		if n, ok := c.x.Node(p.NodeName); ok && !p.EveryNode {
			node(&s.Nodes[n.NodeIndex()])
		}
	}
	return out, known
}

// holds reports whether an exception's side holds all of an element in a
// family. An address or a range holds of a pod only what it is there; one of
// several owners of an address is held only where c.contested says so.
func (c *checker) holds(s *Ends, e *element, f model.Family) bool {
	for _, id := range e.owners {
		if !s.Set.Contains(id) {
			return false
		}
	}
	if s.Contested && !c.contested {
		return slices.Equal(e.owners, slices.Collect(s.Set.All())) && e.addr == s.Addr
	}
	var in func(netip.Addr) bool
	switch {
	case s.Addr.IsValid():
		in = func(a netip.Addr) bool { return a == s.Addr }
	case s.Family != 0:
		in = s.Expr.Prefix.Contains
	default:
		return true
	}
	if e.addr.IsValid() {
		return model.FamilyOf(e.addr) == f && in(e.addr)
	}
	addrs, known := c.addresses(e.owners[0], f)
	return known && len(addrs) > 0 && !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !in(a) })
}

// outsideElements cuts outside addresses along the exceptions.
func (c *checker) outsideElements(set *netipx.IPSet, dst bool) []element {
	type piece struct {
		set  *netipx.IPSet
		mark marker
	}
	pieces := []piece{{set: set}}
	for k := range c.except {
		side := c.except[k].side(dst)
		if side == nil {
			for i := range pieces {
				pieces[i].mark.set(k)
			}
			continue
		}
		var held netipx.IPSetBuilder
		for i := range side {
			for _, part := range side[i].Set.Outside() {
				for _, r := range part.Ranges {
					held.AddRange(r)
				}
			}
		}
		cut := build(&held)
		if len(cut.Ranges()) == 0 {
			continue
		}
		var next []piece
		for _, p := range pieces {
			var in, out netipx.IPSetBuilder
			in.AddSet(p.set)
			in.Intersect(cut)
			out.AddSet(p.set)
			out.RemoveSet(cut)
			if rest := build(&out); len(rest.Ranges()) > 0 {
				next = append(next, piece{rest, marker{slices.Clone(p.mark.bits)}})
			}
			if both := build(&in); len(both.Ranges()) > 0 {
				m := marker{slices.Clone(p.mark.bits)}
				m.set(k)
				next = append(next, piece{both, m})
			}
		}
		pieces = next
	}
	var out []element
	for _, p := range pieces {
		parts := c.x.Outside(p.set).Outside()
		for i := range parts {
			m := string(p.mark.bits)
			out = append(out, element{owners: []engine.EndpointID{parts[i].Endpoint}, outside: &parts[i], marks: [model.NumFamilies]string{m, m}})
		}
	}
	return out
}

// want is the ports that an assertion asks about at a destination.
type want struct {
	// lower are asked about for certain, upper may be. They differ for an address
	// that several own.
	lower, upper model.PortSet
	// doubt are the names that may mean any port of their protocol, because the
	// ports there are not known (R66).
	doubt          []model.NamedPort
	lacks, mayLack []string       // names that nothing there has, or may not have
	except         []model.Bounds // of each exception
}

func (c *checker) wantAt(id engine.EndpointID) want {
	var w want
	q := c.a.Ports
	if q.everyPort() {
		w.lower, w.upper = model.AllPorts(), model.AllPorts()
	} else {
		w.lower = PortsAt(c.x, q, id).Lower
		w.upper = w.lower
		has, known := namesAt(c.x, q, id)
		for _, n := range q.Names {
			list := &w.lacks
			if !known {
				w.doubt = append(w.doubt, n)
				list = &w.mayLack
			}
			if !has[n.Name] && !slices.Contains(*list, n.Name) {
				*list = append(*list, n.Name)
			}
		}
	}
	for i := range c.except {
		ports := model.Bounds{Lower: model.AllPorts(), Upper: model.AllPorts()}
		if q := c.except[i].ports; !q.everyPort() {
			ports = PortsAt(c.x, q, id)
		}
		w.except = append(w.except, ports)
	}
	return w
}

// namesAt are the names of a query that a destination certainly has. Where not
// all its ports are known it may have the others (R66).
func namesAt(x *engine.Index, q PortQuery, id engine.EndpointID) (has map[string]bool, known bool) {
	has = map[string]bool{}
	if !id.IsPod() {
		return has, true
	}
	p := &x.Snapshot().Pods[id]
	for _, d := range p.Ports {
		if slices.Contains(q.Names, d.NamedPort) {
			has[d.Name] = true
		}
	}
	return has, !p.PortsUnknown
}

// sideCell is elements of one side that the assertion cannot tell apart.
type sideCell struct {
	class   engine.Class
	like    element // owners: of a contested address all of them, otherwise those of a named host
	marks   [model.NumFamilies]int
	want    int // into checker.wants; of a destination
	n       int
	parties []share
}

// share is the elements of a cell that belong to one party.
type share struct {
	party, n int
	ends     [2]engine.EndpointID // the first two
}

func (s *sideCell) outside() bool   { return s.like.outside != nil }
func (s *sideCell) contested() bool { return len(s.like.owners) > 1 && !s.like.named }

// plain reports whether rows of classes say all about a cell.
func (s *sideCell) plain() bool {
	return !s.like.named && !s.contested() && !s.like.addr.IsValid() && s.like.family == 0 && s.marks[0] == s.marks[1]
}

// cells groups the elements of a side. byEnd are the cells of each pod.
func (c *checker) cells(elements []element, dst bool) (out []sideCell, byEnd map[engine.EndpointID][]int) {
	type key struct {
		class     engine.Class
		addr      netip.Addr
		family    engine.Families
		named     bool
		contested int
		owner     engine.EndpointID // that a contested address may mean: it is looked at alone
		marks     [model.NumFamilies]int
		want      int
	}
	byEnd = map[engine.EndpointID][]int{}
	at := map[key]int{}
	shareAt := map[[2]int]int{} // sideCell, party
	for i := range elements {
		e := &elements[i]
		id := e.owners[0]
		k := key{class: c.x.Class(id), addr: e.addr, family: e.family, named: e.named}
		if len(e.owners) > 1 {
			k.contested = i + 1
		} else if c.owners[id] {
			k.owner = id + 1
		}
		for f := range k.marks {
			k.marks[f] = c.markID(e.marks[f])
		}
		if dst {
			k.want = c.wantID(e.owners)
		}
		j, ok := at[k]
		if !ok {
			j = len(out)
			at[k] = j
			out = append(out, sideCell{class: k.class, like: *e, marks: k.marks, want: k.want})
		} else if e.named {
			out[j].like.owners = append(out[j].like.owners, id)
		}
		party := c.party(e)
		at2, ok := shareAt[[2]int{j, party}]
		if !ok {
			at2 = len(out[j].parties)
			shareAt[[2]int{j, party}] = at2
			out[j].parties = append(out[j].parties, share{party: party})
		}
		p := &out[j].parties[at2]
		if p.n < 2 {
			p.ends[p.n] = id
		}
		p.n++
		out[j].n++
		if id.IsPod() && len(e.owners) == 1 {
			byEnd[id] = append(byEnd[id], j)
		}
	}
	return out, byEnd
}

func (c *checker) markID(marks string) int {
	id, ok := c.markAt[marks]
	if !ok {
		id = len(c.allMarks)
		c.markAt[marks] = id
		c.allMarks = append(c.allMarks, marks)
	}
	return id
}

// wantID is the number of what is asked about at a destination. Of the owners
// of a contested address what any has counts as possible.
func (c *checker) wantID(owners []engine.EndpointID) int {
	if c.sameWant && len(c.wants) > 0 {
		return 0
	}
	w := c.wantAt(owners[0])
	for _, id := range owners[1:] {
		v := c.wantAt(id)
		w.lower, w.upper = w.lower.Intersect(v.lower), w.upper.Union(v.upper)
		for i := range w.except {
			w.except[i] = model.Bounds{Lower: w.except[i].Lower.Intersect(v.except[i].Lower), Upper: w.except[i].Upper.Union(v.except[i].Upper)}
		}
		w.doubt = merge(w.doubt, v.doubt)
		w.mayLack = merge(merge(w.mayLack, v.mayLack), merge(w.lacks, v.lacks))
		w.lacks = slices.DeleteFunc(w.lacks, func(name string) bool { return !slices.Contains(v.lacks, name) })
	}
	k := fmt.Sprint(w.lower, w.upper, w.doubt, w.lacks, w.mayLack)
	for i := range w.except {
		k += fmt.Sprint(" ", w.except[i].Lower, w.except[i].Upper)
	}
	id, ok := c.wantAtKey[k]
	if !ok {
		id = len(c.wants)
		c.wantAtKey[k] = id
		c.wants = append(c.wants, w)
	}
	return id
}

// merge is a list and what of another it lacks.
func merge[T comparable](list, other []T) []T {
	for _, v := range other {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// The parties that are no workload.
const (
	partyNodes    = "nodes"
	partyExternal = "external"
)

// party is who an element belongs to: a workload, the nodes, or what is outside.
func (c *checker) party(e *element) int {
	id := e.owners[0]
	name := ""
	switch {
	case e.outside != nil:
		name = partyExternal
	case len(e.owners) > 1:
		name = e.addr.String()
	case id.IsNode():
		name = partyNodes
	default:
		name = WorkloadPath(&c.x.Snapshot().Pods[id])
	}
	p, ok := c.partyAt[name]
	if !ok {
		p = len(c.parties)
		c.partyAt[name] = p
		c.parties = append(c.parties, name)
	}
	return p
}

// members are the endpoints that a cell can mean where an address of either
// side has several owners.
func (s *sideCell) members() []engine.EndpointID {
	if s.contested() {
		return s.like.owners
	}
	return s.parties[0].ends[:1]
}
