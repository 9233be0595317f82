package engine

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/podreach/podreach/model"
)

// names finds pods by name and endpoints by address. All versions of an Index
// share one: it holds what any of them ever had, and each takes what it has
// itself. It is filled when it is first asked.
type names struct {
	once sync.Once
	mu   sync.RWMutex
	pod  multimap[model.PodName]
	work multimap[model.PodName] // by the name of the workload
	addr multimap[netip.Addr]    // of pods and nodes
}

// multimap is a map with mostly one value a key.
type multimap[K comparable] struct {
	one  map[K]EndpointID
	more map[K][]EndpointID
}

func newMultimap[K comparable](n int) multimap[K] {
	return multimap[K]{make(map[K]EndpointID, n), map[K][]EndpointID{}}
}

func (m *multimap[K]) add(k K, e EndpointID) {
	first, ok := m.one[k]
	switch {
	case !ok:
		m.one[k] = e
	case first != e && !slices.Contains(m.more[k], e):
		m.more[k] = append(m.more[k], e)
	}
}

// find appends the values of a key that are so in this version, sorted.
func (m *multimap[K]) find(k K, is func(EndpointID) bool, out []EndpointID) []EndpointID {
	first, ok := m.one[k]
	if !ok {
		return out
	}
	if is(first) {
		out = append(out, first)
	}
	if more := m.more[k]; more != nil {
		for _, e := range more {
			if is(e) {
				out = append(out, e)
			}
		}
		slices.Sort(out)
	}
	return out
}

// add takes up a pod.
func (n *names) add(e EndpointID, p *model.Pod) {
	n.pod.add(model.PodName{Namespace: p.Namespace, Name: p.Name}, e)
	n.work.add(model.PodName{Namespace: p.Namespace, Name: p.Workload.Name}, e)
	for _, a := range p.Addresses {
		if a.State == model.AddressKnown && !a.Shadowed {
			n.addr.add(a.Addr, e)
		}
	}
}

// ready fills x.names from x, unless it is filled.
func (x *Index) ready() *names {
	n := x.names
	n.once.Do(func() {
		n.pod = newMultimap[model.PodName](x.pods.n)
		n.work = newMultimap[model.PodName](x.pods.n / 4)
		n.addr = newMultimap[netip.Addr](x.pods.n + len(x.rest.Nodes))
		for e, p := range x.everyPod() {
			n.add(e, p)
		}
		for i := range x.rest.Nodes {
			for _, a := range x.rest.Nodes[i].Addresses {
				n.addr.add(a.Unmap(), NodeID(i))
			}
		}
	})
	return n
}

// Pod returns the pod of a name, dormant ones included. The first call costs
// O(pods).
func (x *Index) Pod(namespace, name string) (EndpointID, bool) {
	n := x.ready()
	n.mu.RLock()
	defer n.mu.RUnlock()
	var one [1]EndpointID
	found := n.pod.find(model.PodName{Namespace: namespace, Name: name}, func(e EndpointID) bool {
		p := x.pod(e)
		return p != nil && p.Name == name && p.Namespace == namespace
	}, one[:0])
	if len(found) == 0 {
		return 0, false
	}
	return found[0], true
}

// WorkloadPods returns the pods, dormant ones included, of every workload of a
// name, whatever its kind. The first call costs O(pods).
func (x *Index) WorkloadPods(namespace, name string) []EndpointID {
	n := x.ready()
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.work.find(model.PodName{Namespace: namespace, Name: name}, func(e EndpointID) bool {
		p := x.pod(e)
		return p != nil && p.Workload.Name == name && p.Namespace == namespace
	}, nil)
}

// Node returns the node of a name. Cost: O(nodes).
func (x *Index) Node(name string) (EndpointID, bool) {
	for i := range x.rest.Nodes {
		if x.rest.Nodes[i].Name == name {
			return NodeID(i), true
		}
	}
	return 0, false
}

// Addr returns the endpoint that an address literal means: the pod or node
// that is known to own it, otherwise the atom of outside addresses that holds
// it (R47). A pod comes before a node, a node before its host-network pods,
// and of two pods with one address the first of the snapshot is taken (R62).
// The first call costs O(pods + nodes).
func (x *Index) Addr(a netip.Addr) EndpointID {
	a = a.Unmap().WithZone("")
	var one [1]EndpointID
	if owners := x.owners(a, one[:0]); len(owners) > 0 {
		return owners[0]
	}
	return atomBit | EndpointID(x.addr.of(a))
}

// Owners returns the pods or nodes that are known to own an address: none,
// one, or those that nothing puts before one another, such as two running pods
// of a snapshot that was taken while the address changed hands (R62).
func (x *Index) Owners(a netip.Addr) []EndpointID {
	return x.owners(a.Unmap().WithZone(""), nil)
}

// owners appends the owners of an address, those that are asked about by it: a
// pod comes before a node, a node before its host-network pods.
func (x *Index) owners(a netip.Addr, out []EndpointID) []EndpointID {
	n := x.ready()
	n.mu.RLock()
	defer n.mu.RUnlock()
	out = n.addr.find(a, func(e EndpointID) bool { return x.owns(e, a) }, out)
	if len(out) < 2 {
		return out
	}
	kind := func(e EndpointID) int {
		switch {
		case e.IsNode():
			return 1
		case x.pod(e).HostNetwork:
			return 2
		}
		return 0
	}
	first := kind(out[0])
	for _, e := range out {
		first = min(first, kind(e))
	}
	return slices.DeleteFunc(out, func(e EndpointID) bool { return kind(e) != first })
}

// owns reports whether an address is one of a pod or node.
func (x *Index) owns(e EndpointID, a netip.Addr) bool {
	if e.IsNode() {
		return slices.ContainsFunc(x.rest.Nodes[e.NodeIndex()].Addresses, func(b netip.Addr) bool { return b.Unmap() == a })
	}
	p := x.pod(e)
	return p != nil && slices.ContainsFunc(p.Addresses[:], func(b model.Address) bool {
		return b.State == model.AddressKnown && !b.Shadowed && b.Addr == a
	})
}
