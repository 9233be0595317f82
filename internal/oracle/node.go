package oracle

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// readNodes reads the nodes and what pods say of them (R58): a pod gives
// addresses of the node that it is on. Pods that do not name their node but
// have an address in common are on one node: the one that has any of their
// addresses, none that is known if several have, and if none has, a node that
// is named for the lowest of them.
func (o *Oracle) readNodes(w World) {
	for i := range w.Nodes {
		n := &w.Nodes[i]
		e := &endpoint{kind: node, end: End{Node: n.Name}, nodeName: n.Name}
		for _, a := range n.Status.Addresses {
			if addr, ok := parseAddr(a.Address); ok {
				e.has(addr)
			}
		}
		if o.byEnd[e.end] == nil {
			o.byEnd[e.end] = e
		}
	}
	type group struct {
		pods  []End
		addrs []netip.Addr
	}
	var groups []group
	o.nodesWhole = true
	o.nodeOf = map[End]string{}
	seen := map[End]bool{}
	for i := range w.Pods {
		p := &w.Pods[i]
		end := End{Namespace: orDefault(p.Namespace, w), Name: p.Name}
		if seen[end] {
			continue
		}
		seen[end] = true
		addrs := hostAddresses(p)
		if name := p.Spec.NodeName; name != "" {
			o.nodeOf[end] = name
			if !slices.ContainsFunc(w.Nodes, func(n corev1.Node) bool { return n.Name == name }) {
				o.nodesWhole = false // R47
			}
			if len(addrs) > 0 {
				o.node(name).has(addrs...)
			}
			continue
		}
		if len(addrs) == 0 {
			continue
		}
		// Take in every group that has an address of this pod.
		joined := group{[]End{end}, addrs}
		var rest []group
		for _, g := range groups {
			if slices.ContainsFunc(g.addrs, func(a netip.Addr) bool { return slices.Contains(addrs, a) }) {
				joined.pods = append(joined.pods, g.pods...)
				joined.addrs = append(joined.addrs, g.addrs...)
			} else {
				rest = append(rest, g)
			}
		}
		rest = append(rest, joined)
		groups = rest
	}
	for _, g := range groups {
		var on []string
		for end, e := range o.byEnd {
			if slices.ContainsFunc(e.status, func(a netip.Addr) bool { return slices.Contains(g.addrs, a) }) {
				on = append(on, end.Node)
			}
		}
		switch len(on) {
		case 0:
			on = []string{strings.ReplaceAll(slices.MinFunc(g.addrs, netip.Addr.Compare).String(), ":", "-")}
		case 1:
		default:
			continue
		}
		o.node(on[0]).has(g.addrs...)
		for _, p := range g.pods {
			o.nodeOf[p] = on[0]
		}
	}
}

// node returns the node of a name. It is implied if there is no such Node
// object.
func (o *Oracle) node(name string) *endpoint {
	e := o.byEnd[End{Node: name}]
	if e == nil {
		e = &endpoint{kind: node, end: End{Node: name}, nodeName: name, implied: true}
		o.byEnd[e.end] = e
		o.hosts = append(o.hosts, e)
	}
	return e
}

// has adds what is not there yet to the addresses of a node.
func (e *endpoint) has(addrs ...netip.Addr) {
	for _, a := range addrs {
		if !slices.Contains(e.status, a) {
			e.status = append(e.status, a)
		}
	}
}

// hostAddresses returns what a pod says of its node's addresses. A host-network
// pod has those of its node. What a finished pod says counts too.
func hostAddresses(p *corev1.Pod) []netip.Addr {
	var out []netip.Addr
	for _, ip := range append([]corev1.HostIP{{IP: p.Status.HostIP}}, p.Status.HostIPs...) {
		if a, ok := parseAddr(ip.IP); ok {
			out = append(out, a)
		}
	}
	if p.Spec.HostNetwork {
		out = append(out, statusAddresses(p)...)
	}
	return out
}
