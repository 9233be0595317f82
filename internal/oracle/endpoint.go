package oracle

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
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
	kind        kind
	end         End
	labels      map[string]string // of the pod (R26)
	ports       []namedPort
	hostNetwork bool
	nodeName    string // the node it is on, or is; "" when not said
	everyNode   bool   // on whichever node the other end is (R57)
	running     bool
	implied     bool         // a node without a Node object
	status      []netip.Addr // what its status says
	addresses   [model.NumFamilies]fact
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

func (o *Oracle) readNodes(w World) {
	for i := range w.Nodes {
		n := &w.Nodes[i]
		e := &endpoint{kind: node, end: End{Node: n.Name}, nodeName: n.Name}
		for _, a := range n.Status.Addresses { // R58
			if addr, ok := parseAddr(a.Address); ok && !slices.Contains(e.status, addr) {
				e.status = append(e.status, addr)
			}
		}
		if o.byEnd[e.end] == nil {
			o.byEnd[e.end] = e
		}
	}
}

// readHosts adds nodes without a Node object, of which the status of pods gives
// addresses (R58). A node that no pod names has its first address as name.
func (o *Oracle) readHosts(w World) {
	isNodeAddress := map[netip.Addr]bool{}
	object := map[string]bool{}
	for _, n := range w.Nodes {
		object[n.Name] = true
		for _, a := range o.byEnd[End{Node: n.Name}].status {
			isNodeAddress[a] = true
		}
	}
	seen := map[End]bool{}
	for i := range w.Pods {
		p := &w.Pods[i]
		pod := End{Namespace: orDefault(p.Namespace, w), Name: p.Name}
		if seen[pod] {
			continue
		}
		seen[pod] = true
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		var hosts []netip.Addr
		named := p.Spec.NodeName
		known := false
		for _, ip := range append([]corev1.HostIP{{IP: p.Status.HostIP}}, p.Status.HostIPs...) {
			if a, ok := parseAddr(ip.IP); ok {
				hosts = append(hosts, a)
				known = known || isNodeAddress[a]
			}
		}
		if len(hosts) == 0 || named == "" && known || object[named] {
			continue
		}
		if named == "" {
			named = hosts[0].String()
		}
		e := o.byEnd[End{Node: named}]
		if e == nil {
			e = &endpoint{kind: node, end: End{Node: named}, nodeName: named, implied: true}
			o.byEnd[e.end] = e
			o.hosts = append(o.hosts, e)
		}
		for _, a := range hosts {
			if !slices.Contains(e.status, a) {
				e.status = append(e.status, a)
			}
		}
	}
}

func (o *Oracle) readPods(w World) error {
	live := false // R61
	for i := range w.Pods {
		live = live || len(statusAddresses(&w.Pods[i])) > 0
	}
	nodeOfAddr := map[netip.Addr]string{}
	for i := len(w.Nodes) - 1; i >= 0; i-- {
		for _, a := range o.byEnd[End{Node: w.Nodes[i].Name}].status {
			nodeOfAddr[a] = w.Nodes[i].Name
		}
	}
	hostOfAddr := map[netip.Addr]string{}
	for i := len(o.hosts) - 1; i >= 0; i-- {
		for _, a := range o.hosts[i].status {
			hostOfAddr[a] = o.hosts[i].nodeName
		}
	}
	objects := map[End]bool{}
	owned := map[ownerKey]bool{} // workloads that own Pod objects
	for i := range w.Pods {
		p := &w.Pods[i]
		end := End{Namespace: orDefault(p.Namespace, w), Name: p.Name}
		if objects[end] {
			continue
		}
		objects[end] = true
		if owner := metav1.GetControllerOf(p); owner != nil {
			markOwners(w, owned, end.Namespace, p.Labels["pod-template-hash"], owner)
		}
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed { // R59
			continue
		}
		status := statusAddresses(p)
		if live && len(status) == 0 { // R61
			continue
		}
		o.add(&endpoint{
			kind: pod, end: end, labels: p.Labels, ports: o.namedPorts(&p.Spec),
			hostNetwork: p.Spec.HostNetwork, nodeName: nodeOf(p, nodeOfAddr, hostOfAddr),
			running: p.Status.Phase == corev1.PodRunning, status: status,
		})
	}
	if err := o.readTemplates(w, owned); err != nil {
		return err
	}
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

// readTemplates adds the instances of templates (R63), of which the input holds
// no Pod object (R67).
func (o *Oracle) readTemplates(w World, owned map[ownerKey]bool) error {
	taken := map[End]int{} // how many want a name
	for _, e := range o.endpoints {
		taken[e.end]++
	}
	var expanded []*Workload
	seen := map[ownerKey]bool{}
	for i := range w.Workloads {
		wl := &w.Workloads[i]
		key := ownerKey{wl.Kind, orDefault(wl.Namespace, w), wl.Name}
		if seen[key] {
			continue
		}
		seen[key] = true
		names, err := instances(wl, wl.Name)
		if err != nil {
			return err
		}
		if owned[key] || ownedByWorkload(w, wl) {
			continue
		}
		expanded = append(expanded, wl)
		for _, name := range names {
			taken[End{Namespace: key.namespace, Name: name}]++
		}
	}
	for _, wl := range expanded {
		namespace := orDefault(wl.Namespace, w)
		base, want := wl.Name, 1 // it wants the plain names itself
		names, _ := instances(wl, base)
		for slices.ContainsFunc(names, func(n string) bool { return taken[End{Namespace: namespace, Name: n}] > want }) {
			base, want = wl.Kind+"."+base, 0 // others of that name: "deployment.web"
			names, _ = instances(wl, base)
		}
		for n, name := range names {
			if want == 0 {
				taken[End{Namespace: namespace, Name: name}]++
			}
			o.add(&endpoint{
				kind: pod, end: End{Namespace: namespace, Name: name}, labels: wl.Template.Labels, ports: o.namedPorts(&wl.Template.Spec),
				hostNetwork: wl.Template.Spec.HostNetwork,
				everyNode:   wl.Kind == "daemonset" && wl.Template.Spec.HostNetwork && n == 0,
			})
		}
	}
	return nil
}

// instances returns the names of the pods that a template stands for (R64).
// Labels that controllers add (R65) and custom resources (R66) come here.
func instances(wl *Workload, base string) ([]string, error) {
	n := int32(1)
	switch wl.Kind {
	case "replicationcontroller":
		if reflect.DeepEqual(wl.Template, corev1.PodTemplateSpec{}) { // R63
			return nil, nil
		}
		fallthrough
	case "deployment", "replicaset", "statefulset", "job":
		if wl.Replicas != nil {
			n = *wl.Replicas
		}
	case "daemonset":
		n = 2
	case "cronjob":
	default:
		return nil, fmt.Errorf("oracle: workload %s/%s has unknown kind %q", wl.Namespace, wl.Name, wl.Kind)
	}
	switch {
	case n <= 0:
		return nil, nil
	case n == 1:
		return []string{base}, nil
	}
	return []string{base + "[0]", base + "[1]"}, nil
}

type ownerKey struct{ kind, namespace, name string }

// markOwners marks the owners of a pod, up to the top one (R67). A Deployment's
// ReplicaSet that is not in the world is known by its name: the Deployment's,
// and the hash that its pods carry.
func markOwners(w World, owned map[ownerKey]bool, namespace, hash string, owner *metav1.OwnerReference) {
	visited := map[ownerKey]bool{}
	for owner != nil {
		key := ownerKey{strings.ToLower(owner.Kind), namespace, owner.Name}
		if visited[key] {
			return
		}
		visited[key], owned[key] = true, true
		owner = ownerOf(w, key)
		if owner == nil && key.kind == "replicaset" && hash != "" {
			if stem, ok := strings.CutSuffix(key.name, "-"+hash); ok {
				owner = &metav1.OwnerReference{Kind: "Deployment", Name: stem}
			}
		}
	}
}

// ownerOf returns the controller of a workload of the world.
func ownerOf(w World, key ownerKey) *metav1.OwnerReference {
	for i := range w.Workloads {
		wl := &w.Workloads[i]
		if wl.Kind == key.kind && orDefault(wl.Namespace, w) == key.namespace && wl.Name == key.name {
			return metav1.GetControllerOf(&metav1.ObjectMeta{OwnerReferences: wl.OwnerReferences})
		}
	}
	return nil
}

// ownedByWorkload reports whether the workload's controller is in the world
// too: then that one's template stands for the pods (R67).
func ownedByWorkload(w World, wl *Workload) bool {
	owner := metav1.GetControllerOf(&metav1.ObjectMeta{OwnerReferences: wl.OwnerReferences})
	if owner == nil {
		return false
	}
	for i := range w.Workloads {
		other := &w.Workloads[i]
		if other.Kind == strings.ToLower(owner.Kind) && other.Name == owner.Name && orDefault(other.Namespace, w) == orDefault(wl.Namespace, w) {
			return true
		}
	}
	return false
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
	whole := !slices.ContainsFunc(o.endpoints, func(e *endpoint) bool {
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
	o.own(func(e *endpoint) bool { return e.kind == pod && !e.hostNetwork && e.running }) // R62
	o.own(func(e *endpoint) bool { return e.kind == pod && !e.hostNetwork })
	o.own(func(e *endpoint) bool { return e.kind == node })
	o.own(func(e *endpoint) bool { return e.hostNetwork && e.running })
	o.own(func(e *endpoint) bool { return e.hostNetwork })
}

// own gives the addresses that nobody owns yet to the endpoints of a sort, in
// input order.
func (o *Oracle) own(sort func(*endpoint) bool) {
	for _, e := range o.endpoints {
		if !sort(e) {
			continue
		}
		for _, f := range e.addresses {
			for _, a := range f.known {
				if o.byAddr[a] == nil {
					o.byAddr[a] = e
				}
			}
		}
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

// nodeOf returns the pod's own node, "" when it is not said (R58). Node
// objects count before nodes that other pods imply.
func nodeOf(p *corev1.Pod, byAddr ...map[netip.Addr]string) string {
	if p.Spec.NodeName != "" {
		return p.Spec.NodeName
	}
	for _, nodes := range byAddr {
		for _, ip := range append([]corev1.HostIP{{IP: p.Status.HostIP}}, p.Status.HostIPs...) {
			if a, ok := parseAddr(ip.IP); ok && nodes[a] != "" {
				return nodes[a]
			}
		}
	}
	return ""
}

func orDefault(namespace string, w World) string {
	if namespace == "" {
		return w.DefaultNamespace
	}
	return namespace
}
