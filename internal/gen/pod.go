package gen

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodes makes the nodes.
func (g *generator) nodes() {
	if g.pct(pctNoNodes) {
		g.hit(NodesAbsent)
		return
	}
	for i := range g.between(1, maxNodes) {
		n := corev1.Node{TypeMeta: typeMeta("v1", "Node"), ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)}}
		v4, v6 := g.v4, g.v6
		if v4 && v6 && g.pct(pctNodeOneFamily) {
			v4 = g.pct(50)
			v6 = !v4
		}
		count := 1
		switch {
		case g.pct(pctNodeNoAddress):
			count = 0
			g.hit(NodeWithoutAddress)
		case g.pct(pctNodeSeveral):
			count = 2
			g.hit(NodeWithSeveralAddresses)
		default:
			g.hit(NodeWithOneAddress)
		}
		for j := range count {
			kind := either(j == 0, corev1.NodeInternalIP, corev1.NodeExternalIP)
			if a, ok := take(&g.nodeFree4); ok && v4 {
				n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: kind, Address: a})
			}
			if a, ok := take(&g.nodeFree6); ok && v6 {
				n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: kind, Address: a})
			}
		}
		if i > 0 && g.pct(pctNodeAddrClash) {
			if other := g.c.Nodes[0].Status.Addresses; len(other) > 0 {
				g.hit(NodeAddressClash)
				n.Status.Addresses = append(n.Status.Addresses, other[0])
			}
		}
		if v4 && v6 && count > 0 {
			g.hit(NodeOfBothFamilies)
		}
		if g.pct(pctNodeHostname) {
			g.hit(NodeWithHostname)
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeHostName, Address: n.Name})
		}
		if g.pct(pctNodePodCIDRs) {
			n.Spec.PodCIDRs = g.ofFamilies(podCIDRs4[i], podCIDRs6[i])
			n.Spec.PodCIDR = n.Spec.PodCIDRs[0]
			g.hit(NodeWithPodCIDRs)
			if len(n.Spec.PodCIDRs) == 1 && g.pct(pctNodePodCIDROld) {
				n.Spec.PodCIDRs = nil
				g.hit(NodeWithPodCIDR)
			}
		}
		g.c.Nodes = append(g.c.Nodes, n)
	}
}

// pods makes the Pod objects.
func (g *generator) pods() {
	most := either(g.controllers, min(minPods, g.o.Pods), g.o.Pods) // there are many instances then
	for range g.between(min(minPods, most), most) {
		p := corev1.Pod{TypeMeta: typeMeta("v1", "Pod"), ObjectMeta: g.meta("pod"), Spec: g.podSpec()}
		p.Labels = g.podLabels()
		g.phase(&p)
		g.place(&p)
		if g.live {
			g.address(&p)
		}
		g.own(&p)
		g.c.Pods = append(g.c.Pods, p)
	}
	g.makeLive()
}

func (g *generator) podLabels() map[string]string {
	l := g.labels(pctPodLabel)
	if l == nil {
		g.hit(PodWithoutLabels)
	}
	for _, v := range l {
		if v == "" {
			g.hit(PodEmptyLabelValue)
		}
	}
	return l
}

// podSpec makes the part of a spec that pods and templates share.
func (g *generator) podSpec() corev1.PodSpec {
	s := corev1.PodSpec{HostNetwork: g.pct(pctHostNetwork)}
	for i := range g.between(1, 2) {
		s.Containers = append(s.Containers, corev1.Container{Name: fmt.Sprintf("c%d", i), Image: "none", Ports: g.containerPorts()})
	}
	if len(s.Containers) > 1 && g.pct(pctSecondOfName) {
		g.repeatPortName(&s)
	}
	if g.pct(pctSidecar) {
		always := corev1.ContainerRestartPolicyAlways
		c := corev1.Container{Name: "sidecar", Image: "none", RestartPolicy: &always, Ports: g.containerPorts()}
		if len(c.Ports) > 0 {
			g.hit(PortOfSidecar)
		}
		s.InitContainers = append(s.InitContainers, c)
	}
	if g.pct(pctInit) {
		c := corev1.Container{Name: "init", Image: "none", Ports: g.containerPorts()}
		if len(c.Ports) > 0 {
			g.hit(PortOfInitContainer)
		}
		s.InitContainers = append(s.InitContainers, c)
	}
	return s
}

// containerPorts makes the ports of one container; names are unique in it.
func (g *generator) containerPorts() []corev1.ContainerPort {
	var out []corev1.ContainerPort
	for _, name := range g.shuffled(portNames)[:g.between(0, 2)] {
		p := corev1.ContainerPort{Name: name, ContainerPort: pick(g, portNumbers), Protocol: pick(g, []corev1.Protocol{"TCP", "TCP", "UDP", "SCTP"})}
		if g.pct(pctPortUnnamed) {
			p.Name = ""
		}
		if g.pct(pctPortNoProto) {
			p.Protocol = ""
		}
		if g.pct(pctHostPort) {
			p.HostPort = 30080
			g.hit(PortHost)
		}
		g.hit(either(p.Name == "", PortUnnamed, PortNamed))
		switch p.Protocol {
		case "":
			g.hit(PortProtocolDefault)
		case "UDP":
			g.hit(PortUDP)
		case "SCTP":
			g.hit(PortSCTP)
		}
		out = append(out, p)
	}
	return out
}

// repeatPortName declares a port name of the first container in the second one
// again, with another number or another protocol (R35).
func (g *generator) repeatPortName(s *corev1.PodSpec) {
	for _, p := range s.Containers[0].Ports {
		named := func(q corev1.ContainerPort) bool { return q.Name == p.Name }
		if p.Name == "" || slices.ContainsFunc(s.Containers[1].Ports, named) {
			continue
		}
		if g.pct(50) {
			p.ContainerPort = p.ContainerPort%9000 + 1
			g.hit(PortNameTwiceOtherNumber)
		} else {
			p.Protocol = either(p.Protocol == "UDP", corev1.ProtocolTCP, corev1.ProtocolUDP)
			g.hit(PortNameTwiceOtherProtocol)
		}
		s.Containers[1].Ports = append(s.Containers[1].Ports, p)
		return
	}
}

// place says which node the pod is on, or does not.
func (g *generator) place(p *corev1.Pod) {
	host := p.Spec.HostNetwork
	switch {
	case g.pct(pctNodeName) && (len(g.c.Nodes) == 0 || g.pct(pctAbsentNode)):
		p.Spec.NodeName = "node-elsewhere"
		g.hit(either(host, HostNetworkOnAbsentNode, PodOnAbsentNode))
		g.hostIP(p, nil)
	case len(g.c.Nodes) > 0 && g.pct(pctNodeName):
		n := pick(g, g.c.Nodes)
		p.Spec.NodeName = n.Name
		g.hit(either(host, HostNetworkOnNode, PodOnNode))
		g.hostIP(p, &n)
	default:
		if g.hostIP(p, g.nodeWithAddress()); p.Status.HostIP != "" {
			g.hit(PodNodeByHostIP)
			return
		}
		g.hit(either(host, HostNetworkNodeNotSaid, PodNodeNotSaid))
	}
}

// hostIP gives a pod of a live snapshot an address of its node, sometimes one
// that no Node object lists, or that another node has too (R58).
func (g *generator) hostIP(p *corev1.Pod, n *corev1.Node) {
	if !g.live || !g.pct(pctHostIP) {
		return
	}
	add := func(a string) { p.Status.HostIPs = append(p.Status.HostIPs, corev1.HostIP{IP: a}) }
	someNode := func() string { return pick(g, either(g.v4 && (!g.v6 || g.pct(50)), nodeAddrs4, nodeAddrs6)) }
	if n == nil || len(n.Status.Addresses) == 0 || n.Status.Addresses[0].Type == corev1.NodeHostName || g.pct(pctHostIPElse) {
		add(someNode())
		g.hit(HostIPNotOfNode)
	} else {
		add(n.Status.Addresses[0].Address)
	}
	if g.pct(pctHostIPMore) {
		add(someNode())
		g.hit(HostIPSeveral)
	}
	p.Status.HostIP = p.Status.HostIPs[0].IP
	if finished(p) {
		g.hit(HostIPOfFinished)
	}
}

func (g *generator) nodeWithAddress() *corev1.Node {
	for i := range g.c.Nodes {
		if a := g.c.Nodes[i].Status.Addresses; len(a) > 0 && a[0].Type != corev1.NodeHostName {
			return &g.c.Nodes[i]
		}
	}
	return nil
}

func (g *generator) phase(p *corev1.Pod) {
	p.Status.Phase = corev1.PodPhase(draw(g, phaseWeights))
	g.hit(map[corev1.PodPhase]Feature{"Running": PodRunning, "Pending": PodPending, "Succeeded": PodSucceeded,
		"Failed": PodFailed, "Unknown": PodPhaseUnknown, "": PodPhaseAbsent}[p.Status.Phase])
	if g.pct(pctTerminating) {
		at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		p.DeletionTimestamp = &at
		g.hit(either(finished(p), PodTerminatingFinished, PodTerminating))
	}
}

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// address gives a pod of a live snapshot its addresses.
func (g *generator) address(p *corev1.Pod) {
	if p.Spec.HostNetwork {
		if !g.pct(pctHostNetworkOwn) {
			g.hit(HostNetworkWithoutAddress)
			return
		}
		g.hit(HostNetworkWithAddress)
		on := p.Spec.NodeName
		if n := g.nodeWithAddress(); on == "" && n != nil && g.pct(50) {
			on = n.Name
			g.hit(HostNetworkNodeByAddress)
		}
		for i := range g.c.Nodes { // as the kubelet does: the node's own
			if g.c.Nodes[i].Name != on {
				continue
			}
			for _, a := range g.c.Nodes[i].Status.Addresses {
				if a.Type == corev1.NodeInternalIP {
					p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a.Address})
				}
			}
		}
		if len(p.Status.PodIPs) == 0 {
			if a, ok := take(&g.nodeFree4); ok && g.v4 {
				p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a})
			}
			if a, ok := take(&g.nodeFree6); ok && g.v6 {
				p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a})
			}
		}
		g.setPodIP(p)
		return
	}
	if g.pct(pctPodNoAddress) {
		g.hit(PodWithoutAddress)
		return
	}
	if g.pct(pctPodClash) {
		for _, q := range g.c.Pods {
			if !q.Spec.HostNetwork && len(q.Status.PodIPs) > 0 {
				p.Status.PodIPs = slices.Clone(q.Status.PodIPs)
				g.hit(either(finished(&q), PodAddressReused, PodAddressClash))
				g.setPodIP(p)
				return
			}
		}
	}
	if n := g.nodeWithAddress(); n != nil && g.pct(pctPodOnNodeAddr) {
		p.Status.PodIPs = []corev1.PodIP{{IP: n.Status.Addresses[0].Address}}
		g.hit(PodAddressOfNode)
		g.setPodIP(p)
		return
	}
	v4, v6 := g.v4, g.v6
	if v4 && v6 {
		switch g.r.IntN(4) {
		case 0:
			v4 = false
		case 1:
			v6 = false
		}
	}
	if a, ok := take(&g.free4); ok && v4 {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a})
	}
	if a, ok := take(&g.free6); ok && v6 {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: a})
	}
	switch {
	case v4 && v6:
		g.hit(PodDual)
	case v4:
		g.hit(PodIPv4)
	default:
		g.hit(PodIPv6)
	}
	g.setPodIP(p)
}

// setPodIP completes the two fields that hold a pod's addresses.
func (g *generator) setPodIP(p *corev1.Pod) {
	if len(p.Status.PodIPs) == 0 {
		return
	}
	p.Status.PodIP = p.Status.PodIPs[0].IP
	for _, ip := range p.Status.PodIPs {
		if ip.IP == publicPod4 || ip.IP == publicPod6 {
			g.hit(PodPublicAddress)
		}
	}
	if len(p.Status.PodIPs) == 1 && g.pct(pctPodIPOnly) {
		p.Status.PodIPs = nil
		g.hit(PodIPOnly)
	}
}

// makeLive keeps the promise of a live snapshot: some pod has an address.
func (g *generator) makeLive() {
	if !g.live || slices.ContainsFunc(g.c.Pods, func(p corev1.Pod) bool { return p.Status.PodIP != "" }) {
		return
	}
	p := &g.c.Pods[0]
	p.Status.PodIP = either(g.v4, podAddrs4[0], podAddrs6[0])
	p.Status.PodIPs = []corev1.PodIP{{IP: p.Status.PodIP}}
}
