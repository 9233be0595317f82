package oracle

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
)

type kind int

const (
	outside kind = iota // an address that nobody owns
	pod                 // a pod, or an instance of a template
	node
)

// endpoint is one end of connections (R5).
type endpoint struct {
	kind         kind
	end          End
	labels       map[string]string // of the pod (R26)
	ports        []namedPort
	hostNetwork  bool
	nodeName     string // the node it is on, or is; "" when not said
	everyNode    bool   // on whichever node the other end is (R57)
	running      bool
	unmanaged    bool              // no policy has it as a subject (R69)
	uncertain    map[string]string // labels that it may have or not, with any value, or with one that begins so (R66)
	maybeManaged bool              // whether it is unmanaged hangs on those
	portsUnknown bool              // it may have more named ports
	portsShared  bool              // its ports are those of all pods that Cilium does not manage (R69)
	implied      bool              // a node without a Node object
	status       []netip.Addr      // what its status says
	addresses    [model.NumFamilies]fact
}

type namedPort struct {
	name     string
	protocol model.Protocol
	number   uint16
}

// ownNode returns whether src is the host network of dst's own node (R52), for
// each world (R57). A bare address is nobody's node.
func ownNode(src, dst *endpoint) []bool {
	switch {
	case src.kind == outside || src.kind == pod && !src.hostNetwork, dst.kind != pod:
		return []bool{false}
	case src.everyNode:
		return []bool{true}
	case src.nodeName == "" || dst.nodeName == "":
		return []bool{false, true}
	}
	return []bool{src.nodeName == dst.nodeName}
}

func (o *Oracle) readPods(w World) error {
	live := false // R61
	for i := range w.Pods {
		live = live || len(statusAddresses(&w.Pods[i])) > 0
	}
	var err error
	if o.holders, err = holders(w, o.terms(w)); err != nil {
		return err
	}
	objects := map[End]bool{}
	for i := range w.Pods {
		p := &w.Pods[i]
		end := End{Namespace: orDefault(p.Namespace, w), Name: p.Name}
		if objects[end] {
			continue
		}
		objects[end] = true
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed { // R59
			continue
		}
		status := statusAddresses(p)
		if live && len(status) == 0 { // R61
			continue
		}
		if owner := metav1.GetControllerOf(p); owner != nil {
			o.markOwners(end.Namespace, p.Labels, owner)
		}
		o.add(&endpoint{
			kind: pod, end: end, labels: p.Labels, ports: o.namedPorts(&p.Spec),
			hostNetwork: p.Spec.HostNetwork, nodeName: o.nodeOf[end],
			running: p.Status.Phase == corev1.PodRunning, status: status,
		})
	}
	o.readTemplates()
	for i := range w.Nodes {
		if e := o.byEnd[End{Node: w.Nodes[i].Name}]; !slices.Contains(o.endpoints, e) {
			o.endpoints = append(o.endpoints, e)
		}
	}
	o.endpoints = append(o.endpoints, o.hosts...)
	return nil
}

func (o *Oracle) add(e *endpoint) {
	o.byEnd[e.end] = e
	o.endpoints = append(o.endpoints, e)
}

// readTemplates adds the instances of templates (R63, R66) of workloads that no
// endpoint is owned by (R67).
func (o *Oracle) readTemplates() {
	taken := map[End]int{} // how many want a name
	for _, e := range o.endpoints {
		taken[e.end]++
	}
	var expanded []*holder
	for _, h := range o.holders {
		if h.ownsPods || h.finished || o.stoodFor(h) {
			continue
		}
		expanded = append(expanded, h)
		for _, s := range h.sets {
			for _, x := range s.instances(s.base) {
				taken[End{Namespace: h.key.namespace, Name: x.name}]++
			}
		}
	}
	for _, h := range expanded {
		for _, s := range h.sets {
			base, want := s.base, 1 // it wants the plain names itself
			list := s.instances(base)
			for slices.ContainsFunc(list, func(x instance) bool { return taken[End{Namespace: h.key.namespace, Name: x.name}] > want }) {
				base, want = h.key.kind+"."+base, 0 // others of that name: "deployment.web"
				list = s.instances(base)
			}
			for n, x := range list {
				end := End{Namespace: h.key.namespace, Name: x.name}
				if want == 0 {
					taken[end]++
				}
				o.kinds[end] = h.key.kind
				known, uncertain := o.told(x.labels)
				o.add(&endpoint{
					kind: pod, end: end, labels: known, uncertain: uncertain, portsUnknown: s.incomplete, ports: o.namedPorts(&s.spec), hostNetwork: s.spec.HostNetwork,
					everyNode: h.key.kind == "daemonset" && s.spec.HostNetwork && n == 0,
				})
			}
		}
	}
}

func (o *Oracle) readNamespaces(w World) {
	for i := range w.Namespaces {
		ns := &w.Namespaces[i]
		if o.namespaces[ns.Name] != nil {
			continue
		}
		l := maps.Clone(ns.Labels)
		if l == nil {
			l = map[string]string{}
		}
		l["kubernetes.io/metadata.name"] = ns.Name // R24
		o.namespaces[ns.Name] = l
	}
	for _, e := range o.endpoints {
		if e.kind == pod && o.namespaces[e.end.Namespace] == nil { // R25
			o.namespaces[e.end.Namespace] = map[string]string{"kubernetes.io/metadata.name": e.end.Namespace}
		}
	}
}

// locate settles the addresses of all endpoints, and who owns an address.
func (o *Oracle) locate(d domains) {
	for _, e := range o.endpoints {
		for _, a := range e.status {
			o.boundaries = append(o.boundaries, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	// Where host-network pods of unknown node are: on one of the nodes, when the
	// Node objects say where those are.
	var nodes [model.NumFamilies][]netip.Prefix
	whole := o.nodesWhole && !slices.ContainsFunc(o.endpoints, func(e *endpoint) bool {
		return e.kind == node && (e.implied || len(e.status) == 0)
	})
	for _, e := range o.endpoints {
		if e.kind == node && whole {
			for _, a := range e.status {
				f := model.FamilyOf(a)
				nodes[f] = append(nodes[f], netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	d.hold(o.endpoints)
	for _, e := range o.endpoints {
		all := slices.Clone(e.status)
		if n := o.byEnd[End{Node: e.nodeName}]; e.hostNetwork && n != nil { // R5: an alias of its node
			for _, a := range n.status {
				if !slices.Contains(all, a) {
					all = append(all, a)
				}
			}
		}
		for f := range e.addresses {
			for _, a := range all {
				// One address per family for a pod (R46), any number for a node.
				if model.FamilyOf(a) == model.Family(f) && (e.kind == node || e.hostNetwork || len(e.addresses[f].known) == 0) {
					e.addresses[f].known = append(e.addresses[f].known, a)
				}
			}
			if len(all) > 0 || d.state[f] == absent {
				continue
			}
			domain := []netip.Prefix{anywhere[f]} // a node without addresses, and nothing known of nodes
			switch {
			case e.kind == pod && !e.hostNetwork:
				domain = d.pods[f]
			case e.kind == pod && e.nodeName == "" && len(nodes[f]) > 0:
				domain = nodes[f]
			}
			e.addresses[f].unknown = o.candidates(domain)
			e.addresses[f].maybe = d.state[f] == perhaps
		}
	}
	// R62
	o.own(func(e *endpoint) bool { return e.kind == pod && !e.hostNetwork && e.running })
	o.own(func(e *endpoint) bool { return e.kind == pod && !e.hostNetwork })
	o.own(func(e *endpoint) bool { return e.kind == node })
	o.own(func(e *endpoint) bool { return e.hostNetwork })
}

// own gives the addresses that nobody owns yet to the endpoints of a sort, in
// the order of their names.
func (o *Oracle) own(sort func(*endpoint) bool) {
	found := map[netip.Addr][]*endpoint{}
	for _, e := range o.endpoints {
		if !sort(e) {
			continue
		}
		for _, f := range e.addresses {
			for _, a := range f.known {
				if o.byAddr[a] == nil {
					found[a] = append(found[a], e)
				}
			}
		}
	}
	for a, owners := range found {
		slices.SortFunc(owners, func(x, y *endpoint) int {
			return cmp.Or(strings.Compare(x.end.Namespace, y.end.Namespace), strings.Compare(x.end.Name, y.end.Name), strings.Compare(x.end.Node, y.end.Node))
		})
		o.byAddr[a] = owners
	}
}

// namedPorts returns the container ports that a name can mean (R34).
func (o *Oracle) namedPorts(spec *corev1.PodSpec) []namedPort {
	containers := slices.Clone(spec.Containers)
	for _, c := range spec.InitContainers {
		if o.profile.initContainers(c) {
			containers = append(containers, c)
		}
	}
	var out []namedPort
	for _, c := range containers {
		for _, p := range c.Ports {
			protocol, ok := model.TCP, true // the default
			if p.Protocol != "" {
				protocol, ok = model.ParseProtocol(string(p.Protocol))
			}
			if ok && p.Name != "" && 1 <= p.ContainerPort && p.ContainerPort <= 65535 {
				out = append(out, namedPort{p.Name, protocol, uint16(p.ContainerPort)})
			}
		}
	}
	return out
}

// statusAddresses returns the addresses of status.podIPs, or of podIP.
func statusAddresses(p *corev1.Pod) []netip.Addr {
	ips := p.Status.PodIPs
	if len(ips) == 0 {
		ips = []corev1.PodIP{{IP: p.Status.PodIP}}
	}
	var out []netip.Addr
	for _, ip := range ips {
		if a, ok := parseAddr(ip.IP); ok && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func orDefault(namespace string, w World) string {
	if namespace == "" {
		return w.DefaultNamespace
	}
	return namespace
}
