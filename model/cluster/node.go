package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest"
)

// nodeFacts reads the Node objects (R58, R110).
func (s *State) nodeFacts(out *model.Snapshot) {
	for _, n := range s.nodes {
		ref := model.ObjectRef{Kind: "Node", Name: n.name}
		node := model.Node{Name: n.name, Labels: n.value.Labels, Origin: n.origin}
		for i, a := range n.value.Status.Addresses {
			addr, ok := parseAddr(a.Address)
			switch {
			case ok && !slices.Contains(node.Addresses, addr):
				node.Addresses = append(node.Addresses, addr)
			case !ok && strings.HasSuffix(a.Type, "IP"): // InternalIP, ExternalIP; host names are no addresses
				s.badAddress(n.origin.Field("status", "addresses", i, "address"), ref, a.Address, "an address")
			}
		}
		out.Nodes = append(out.Nodes, node)
		cidrs, at := n.value.Spec.PodCIDRs, n.origin.Field("spec", "podCIDRs")
		if len(cidrs) == 0 && n.value.Spec.PodCIDR != "" {
			cidrs, at = []string{n.value.Spec.PodCIDR}, n.origin.Field("spec", "podCIDR")
		}
		for _, text := range cidrs {
			if p, ok := parsePrefix(text); ok {
				out.PodCIDRs = append(out.PodCIDRs, p)
			} else {
				s.badAddress(at, ref, text, "a CIDR")
			}
		}
	}
}

// locate finds the node of each Pod object and adds what the pods say of
// their nodes: addresses, and nodes that have no Node object (R58). It also
// reports whether the list of Node objects can be taken for whole (R47).
//
// Pods that do not name their node are on the node that has an address which
// they give. Those that share an address are on one node, so that they are
// looked at together; when their addresses belong to several nodes, the input
// contradicts itself and their node is not known.
func (s *State) locate(out *model.Snapshot) (nodeOf []string, whole bool) {
	l := locator{out: out, objects: len(out.Nodes), at: map[string]int{}, owners: map[netip.Addr]int{}, group: map[netip.Addr]netip.Addr{}}
	for i := range out.Nodes {
		l.at[out.Nodes[i].Name] = i
		for _, a := range out.Nodes[i].Addresses {
			l.own(a, i)
		}
	}
	l.said = make([][]netip.Addr, len(out.Nodes))
	nodeOf, whole = make([]string, len(s.pods)), true
	var hosts []netip.Addr
	for i := range s.pods {
		p := &s.pods[i]
		name := p.value.Spec.NodeName
		hosts = hostAddresses(hosts[:0], p.value)
		if name != "" {
			n, found := l.at[name]
			if found {
				name = out.Nodes[n].Name // one text for all pods of a node
			}
			nodeOf[i] = name
			if !found || n >= l.objects {
				whole = false
			}
			if len(hosts) > 0 {
				n := l.node(name, p.origin)
				for _, a := range hosts {
					l.give(a, n)
				}
			}
			continue
		}
		for _, a := range hosts {
			l.join(hosts[0], a)
		}
	}
	nodes := l.groups(s.pods)
	for i := range s.pods {
		if p := s.pods[i].value; p.Spec.NodeName == "" {
			if hosts = hostAddresses(hosts[:0], p); len(hosts) > 0 {
				if n := nodes[l.root(hosts[0])]; n >= 0 {
					nodeOf[i] = out.Nodes[n].Name
				}
			}
		}
	}
	amended := 0
	for i := range out.Nodes {
		whole = whole && !out.Nodes[i].Synthesized
		if len(l.said[i]) > 0 {
			slices.SortFunc(l.said[i], netip.Addr.Compare)
			out.Nodes[i].Addresses = append(out.Nodes[i].Addresses, l.said[i]...)
			if i < l.objects {
				amended++
			}
		}
		whole = whole && len(out.Nodes[i].Addresses) > 0
	}
	if amended > 0 {
		s.ledger.Assume(fmt.Sprintf("nodes have, besides the addresses of their Node object, those that their pods give as hostIP: %d", amended))
	}
	if n := len(out.Nodes) - l.objects; n > 0 {
		s.ledger.Assume(fmt.Sprintf("nodes without a Node object have the addresses that their pods give as hostIP: %d", n))
	}
	return nodeOf, whole
}

// locator gathers which node has which address.
type locator struct {
	out     *model.Snapshot
	objects int                  // out.Nodes[:objects] have Node objects
	at      map[string]int       // node name -> out.Nodes
	owners  map[netip.Addr]int   // -> out.Nodes, or contested
	said    [][]netip.Addr       // of each node, what only pods say
	pairs   map[nodeAddress]bool // what is in said, and of contested addresses
	group   map[netip.Addr]netip.Addr
}

type nodeAddress struct {
	node int
	addr netip.Addr
}

// What a group of pods, or an address, has instead of a node.
const (
	nowhere   = -1
	contested = -2
)

// own notes that a node has an address.
func (l *locator) own(a netip.Addr, n int) {
	if first, found := l.owners[a]; found && first != n {
		n = contested
	}
	l.owners[a] = n
}

// give adds an address that a pod gives to a node.
func (l *locator) give(a netip.Addr, n int) {
	if owner, found := l.owners[a]; found && owner == n {
		return
	}
	pair := nodeAddress{n, a}
	if l.pairs[pair] || slices.Contains(l.out.Nodes[n].Addresses, a) {
		return
	}
	if l.pairs == nil {
		l.pairs = map[nodeAddress]bool{}
	}
	l.pairs[pair] = true
	l.said[n] = append(l.said[n], a)
	l.own(a, n)
}

// node returns the node of a name, a new one if need be.
func (l *locator) node(name string, pod model.Origin) int {
	n, found := l.at[name]
	if !found {
		n = len(l.out.Nodes)
		l.at[name] = n
		l.out.Nodes = append(l.out.Nodes, model.Node{Name: name, Synthesized: true, Origin: pod.Field("status", "hostIP")})
		l.said = append(l.said, nil)
	}
	return n
}

// root returns the address that stands for the group of a.
func (l *locator) root(a netip.Addr) netip.Addr {
	for l.group[a] != a {
		l.group[a] = l.group[l.group[a]]
		a = l.group[a]
	}
	return a
}

// join puts two addresses into one group; the lower one stands for it.
func (l *locator) join(a, b netip.Addr) {
	for _, x := range [...]netip.Addr{a, b} {
		if _, found := l.group[x]; !found {
			l.group[x] = x
		}
	}
	if a, b = l.root(a), l.root(b); a.Less(b) {
		l.group[b] = a
	} else {
		l.group[a] = b
	}
}

// groups settles the node of every group, or contested, and gives the node the
// addresses of the group. A group that no node has an address of is a node of
// its own, named for its lowest address.
func (l *locator) groups(pods []entry[*manifest.Pod]) map[netip.Addr]int {
	nodes := make(map[netip.Addr]int, len(l.group))
	for a := range l.group {
		root := l.root(a)
		if _, found := nodes[root]; !found {
			nodes[root] = nowhere
		}
		owner, owned := l.owners[a]
		switch {
		case !owned || owner == nodes[root]:
		case nodes[root] == nowhere:
			nodes[root] = owner
		default:
			nodes[root] = contested
		}
	}
	var hosts []netip.Addr
	for i := range pods { // in the order of the input, for the origins of new nodes
		if pods[i].value.Spec.NodeName != "" {
			continue
		}
		if hosts = hostAddresses(hosts[:0], pods[i].value); len(hosts) == 0 {
			continue
		}
		root := l.root(hosts[0])
		if nodes[root] == nowhere {
			nodes[root] = l.node(strings.ReplaceAll(root.String(), ":", "-"), pods[i].origin)
		}
		for _, a := range hosts {
			if n := nodes[root]; n >= 0 {
				l.give(a, n)
			}
		}
	}
	return nodes
}

// hostAddresses appends what a pod says of its node's addresses to out. A
// host-network pod has its node's.
func hostAddresses(out []netip.Addr, p *manifest.Pod) []netip.Addr {
	add := func(s string) {
		if s == "" {
			return
		}
		if a, ok := parseAddr(s); ok && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	add(p.Status.HostIP)
	for _, ip := range p.Status.HostIPs {
		add(ip.IP)
	}
	if p.Spec.HostNetwork {
		for _, ip := range p.Status.PodIPs {
			add(ip.IP)
		}
		if len(p.Status.PodIPs) == 0 {
			add(p.Status.PodIP)
		}
	}
	return out
}
