package cyclonus

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	utilnet "k8s.io/utils/net"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// end is one end of a connection, for both sides.
type end struct {
	name string // as outputs of podreach have it
	kind endKind
	id   engine.EndpointID
	node string                          // of a node its name; of a pod that of its node, "" if it is not said
	at   [model.NumFamilies][]trafficEnd // several: one of them
	// names are those of a pod's ports.
	names map[namedPort][]string
}

type endKind uint8

const (
	podObject endKind = iota
	podTemplate
	hostPod // on the host network
	node
	outside
	numEndKinds
)

// trafficEnd is an end as cyclonus wants it, with one address.
type trafficEnd struct {
	addr netip.Addr
	peer *matcher.TrafficPeer
}

type namedPort struct {
	protocol corev1.Protocol
	number   int
}

// add gives the end one more address that it may have.
func (e *end) add(a netip.Addr, as *matcher.InternalPeer) {
	f := model.FamilyOf(a)
	e.at[f] = append(e.at[f], trafficEnd{a, &matcher.TrafficPeer{Internal: as, IP: a.String()}})
}

func (e *end) pod() bool { return e.kind <= podTemplate }

// ends are the pods, nodes and outside addresses of a cluster.
func ends(c *gen.Cluster, x *engine.Index) ([]end, error) {
	w := facts{c: c, x: x, namespaces: map[string]map[string]string{}}
	for _, ns := range c.Namespaces {
		w.namespaces[ns.Name] = maps.Clone(ns.Labels)
	}
	w.cuts = cuts(c)
	out, err := w.pods()
	if err != nil {
		return nil, err
	}
	out = append(out, w.templates()...)
	return append(append(out, w.nodes()...), w.outside()...), nil
}

// facts reads a cluster.
type facts struct {
	c          *gen.Cluster
	x          *engine.Index
	namespaces map[string]map[string]string
	cuts       []netip.Addr // both sides of the bounds of every block
}

// space is the namespace that an object is in (R7).
func space(c *gen.Cluster, written string) string {
	return cmp.Or(written, c.DefaultNamespace, "default")
}

// internal is a pod for cyclonus. The name is always among the labels of a
// namespace, and all that one without an object has (R24, R25).
func (w *facts) internal(namespace string, labels map[string]string) *matcher.InternalPeer {
	l := w.namespaces[namespace]
	if l == nil {
		l = map[string]string{}
		w.namespaces[namespace] = l
	}
	l[corev1.LabelMetadataName] = namespace
	return &matcher.InternalPeer{Namespace: namespace, NamespaceLabels: l, PodLabels: labels}
}

// pods are the ends that Pod objects are. podreach must have each.
func (w *facts) pods() ([]end, error) {
	live := slices.ContainsFunc(w.c.Pods, func(p corev1.Pod) bool { return len(addresses(&p)) > 0 })
	seen := map[string]bool{}
	var out []end
	for i := range w.c.Pods {
		p := &w.c.Pods[i]
		namespace := space(w.c, p.Namespace)
		e := end{name: namespace + "/pod/" + p.Name, kind: podObject, node: p.Spec.NodeName}
		if seen[e.name] { // R7
			continue
		}
		seen[e.name] = true
		known := addresses(p)
		switch {
		case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed, // R59
			live && len(known) == 0: // R61
			continue
		}
		var ok bool
		if e.id, ok = w.x.Pod(namespace, p.Name); !ok {
			return nil, fmt.Errorf("podreach lacks %s", e.name)
		}
		if p.Spec.HostNetwork {
			e.kind = hostPod
			for _, a := range w.hostAddresses(e.node) {
				if len(a) == 1 {
					e.add(a[0], nil)
				}
			}
			out = append(out, e)
			continue
		}
		w.settle(&e, w.internal(namespace, p.Labels), &p.Spec, known)
		out = append(out, e)
	}
	return out, nil
}

// templates are the ends that stand for the pods of workload templates.
func (w *facts) templates() []end {
	var out []end
	pods := w.x.Snapshot().Pods
	for i := range w.c.Workloads {
		wl := &w.c.Workloads[i]
		namespace := space(w.c, wl.Namespace)
		if wl.Template == nil || wl.Template.Spec.HostNetwork || len(wl.OwnerReferences) > 0 || w.owns(wl) {
			continue
		}
		for id := range pods {
			p := &pods[id]
			if !p.Template || p.Dormant || p.Namespace != namespace || p.Workload != (model.Workload{Kind: wl.Kind, Name: wl.Name}) {
				continue
			}
			e := end{name: p.Path(), kind: podTemplate, id: engine.EndpointID(id)}
			w.settle(&e, w.internal(namespace, templateLabels(wl, templateIndex(wl, p.Name))), &wl.Template.Spec, nil)
			out = append(out, e)
		}
	}
	return out
}

// owns reports whether another workload says that it is of this one (R67).
func (w *facts) owns(wl *gen.Workload) bool {
	return slices.ContainsFunc(w.c.Workloads, func(o gen.Workload) bool {
		return len(o.OwnerReferences) > 0 && o.OwnerReferences[0].Name == wl.Name
	})
}

// settle fills in the addresses and ports of a pod.
func (w *facts) settle(e *end, as *matcher.InternalPeer, spec *corev1.PodSpec, known []netip.Addr) {
	e.names = portNames(spec)
	for _, a := range known {
		e.add(a, as)
	}
	if len(known) > 0 {
		return // it has no address of another family (R46)
	}
	for f := range model.Family(model.NumFamilies) {
		if len(w.c.Families) == 0 || slices.Contains(w.c.Families, f.String()) {
			for _, a := range w.possible(f) {
				e.add(a, as)
			}
		}
	}
}

// possible are addresses of a family that a pod may have if nothing is said
// (R47): in each range the first one, and those at the bounds of blocks. What
// the domain of podreach is when these ranges prove wrong holds them too.
func (w *facts) possible(f model.Family) []netip.Addr {
	ranges := slices.Clone(w.c.PodCIDRs)
	for _, n := range w.c.Nodes {
		ranges = append(append(ranges, n.Spec.PodCIDRs...), n.Spec.PodCIDR)
	}
	of := func(list []string) []netip.Prefix {
		var out []netip.Prefix
		for _, s := range list {
			if p, ok := prefix(s); ok && model.FamilyOf(p.Addr()) == f {
				out = append(out, p)
			}
		}
		return out
	}
	in := of(ranges)
	if len(in) == 0 {
		in = of([]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"})
	}
	var out []netip.Addr
	for _, p := range in {
		out = append(out, p.Addr())
		for _, a := range w.cuts {
			if p.Contains(a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// hostAddresses are those of a node that has an object: what that lists, and
// what the pods on the node say (R58). They are none where pods that do not say
// their node give one of them, for these may know more.
func (w *facts) hostAddresses(name string) (out [model.NumFamilies][]netip.Addr) {
	i := slices.IndexFunc(w.c.Nodes, func(n corev1.Node) bool { return n.Name == name })
	if i < 0 {
		return out
	}
	add := func(text string) {
		if a, ok := address(text); ok && !slices.Contains(out[model.FamilyOf(a)], a) {
			out[model.FamilyOf(a)] = append(out[model.FamilyOf(a)], a)
		}
	}
	for _, a := range w.c.Nodes[i].Status.Addresses {
		add(a.Address)
	}
	for i := range w.c.Pods {
		if p := &w.c.Pods[i]; p.Spec.NodeName == name {
			for _, text := range saidOfNode(p) {
				add(text)
			}
		}
	}
	for i := range w.c.Pods {
		if p := &w.c.Pods[i]; p.Spec.NodeName == "" && slices.ContainsFunc(saidOfNode(p), func(text string) bool {
			a, ok := address(text)
			return ok && slices.Contains(out[model.FamilyOf(a)], a)
		}) {
			return [model.NumFamilies][]netip.Addr{}
		}
	}
	return out
}

// saidOfNode are the addresses of its node that a pod gives (R58).
func saidOfNode(p *corev1.Pod) []string {
	out := []string{p.Status.HostIP}
	for _, ip := range p.Status.HostIPs {
		out = append(out, ip.IP)
	}
	if p.Spec.HostNetwork {
		for _, a := range addresses(p) {
			out = append(out, a.String())
		}
	}
	return out
}

// nodes are the ends that Node objects are, with the addresses that are theirs
// alone (R58, R62).
func (w *facts) nodes() []end {
	var out []end
	for _, n := range w.c.Nodes {
		e := end{name: "node/" + n.Name, kind: node, node: n.Name}
		var ok bool
		if e.id, ok = w.x.Node(n.Name); !ok {
			continue // named twice (R7)
		}
		for _, na := range n.Status.Addresses {
			if a, ok := address(na.Address); ok && slices.Equal(w.x.Owners(a), []engine.EndpointID{e.id}) {
				e.add(a, nil)
			}
		}
		out = append(out, e)
	}
	return out
}

// outside are addresses that no pod or node has: at the bounds of blocks, and
// one of each family that none is likely to hold.
func (w *facts) outside() []end {
	var out []end
	for _, a := range append(slices.Clone(w.cuts), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888")) {
		if len(w.x.Owners(a)) == 0 {
			e := end{name: a.String(), kind: outside, id: w.x.Addr(a)}
			e.add(a, nil)
			out = append(out, e)
		}
	}
	return out
}

// cuts are the addresses on both sides of the bounds of every block, sorted.
func cuts(c *gen.Cluster) []netip.Addr {
	var out []netip.Addr
	add := func(cidr string) {
		p, ok := prefix(cidr)
		if !ok {
			return
		}
		b := p.Addr().AsSlice() // the last address: every bit after the prefix is set
		for i := p.Bits(); i < p.Addr().BitLen(); i++ {
			b[i/8] |= 1 << (7 - i%8)
		}
		last, _ := netip.AddrFromSlice(b)
		for _, a := range []netip.Addr{p.Addr().Prev(), p.Addr(), last, last.Next()} {
			if a.IsValid() && !a.Is4In6() {
				out = append(out, a)
			}
		}
	}
	for i := range c.Policies {
		for _, peer := range peersOf(&c.Policies[i].Spec) {
			if peer.IPBlock != nil {
				add(peer.IPBlock.CIDR)
				for _, e := range peer.IPBlock.Except {
					add(e)
				}
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// addresses are the pod's, the first of each family (R46).
func addresses(p *corev1.Pod) []netip.Addr {
	list := []string{p.Status.PodIP}
	if len(p.Status.PodIPs) > 0 {
		list = list[:0]
		for _, ip := range p.Status.PodIPs {
			list = append(list, ip.IP)
		}
	}
	var out []netip.Addr
	for _, s := range list {
		a, ok := address(s)
		if ok && !slices.ContainsFunc(out, func(b netip.Addr) bool { return a.Is4() == b.Is4() }) {
			out = append(out, a)
		}
	}
	return out
}

func address(s string) (netip.Addr, bool) {
	a, ok := netip.AddrFromSlice(utilnet.ParseIPSloppy(s))
	return a.Unmap(), ok
}

func prefix(s string) (netip.Prefix, bool) {
	if canonical(&s) != nil {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// portNames are the names of a pod's ports: of its containers and sidecars
// (R34).
func portNames(spec *corev1.PodSpec) map[namedPort][]string {
	out := map[namedPort][]string{}
	containers := slices.Clone(spec.Containers)
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.Name != "" {
				k := namedPort{cmp.Or(p.Protocol, corev1.ProtocolTCP), int(p.ContainerPort)}
				out[k] = append(out[k], p.Name)
			}
		}
	}
	return out
}
