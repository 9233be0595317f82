package admin

import (
	"cmp"

	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model"
)

const (
	kindAdmin    = "AdminNetworkPolicy"
	kindBaseline = "BaselineAdminNetworkPolicy"
)

var (
	adminWords    = words{allow: "Allow", actions: []string{"Allow", "Deny", "Pass"}, ports: "ports", rules: 100, most: 100, prioritised: true}
	baselineWords = words{allow: "Allow", actions: []string{"Allow", "Deny"}, ports: "ports", rules: 100, most: 100, onlyName: "default"}
)

func readAdmin(o *v1alpha1.AdminNetworkPolicy) *Policy {
	p := &Policy{
		object: model.ObjectRef{Kind: kindAdmin, Name: o.Name}, metadata: &o.ObjectMeta, words: &adminWords,
		tier: "Admin", priority: o.Spec.Priority, subject: adminSubject(&o.Spec.Subject),
	}
	for i := range o.Spec.Ingress {
		r := &o.Spec.Ingress[i]
		p.ingress = append(p.ingress, adminRule(r.Name, string(r.Action), adminIngressPeers(r.From), r.Ports))
	}
	for i := range o.Spec.Egress {
		r := &o.Spec.Egress[i]
		peers := make([]peer, len(r.To))
		for j := range r.To {
			e := &r.To[j]
			peers[j] = peer{e.Namespaces, adminPods(e.Pods), e.Nodes, convert[v1alpha2.CIDR](e.Networks), convert[v1alpha2.DomainName](e.DomainNames)}
		}
		p.egress = append(p.egress, adminRule(r.Name, string(r.Action), peers, r.Ports))
	}
	return p
}

func readBaseline(o *v1alpha1.BaselineAdminNetworkPolicy) *Policy {
	p := &Policy{
		object: model.ObjectRef{Kind: kindBaseline, Name: o.Name}, metadata: &o.ObjectMeta, words: &baselineWords,
		tier: "Baseline", subject: adminSubject(&o.Spec.Subject),
	}
	for i := range o.Spec.Ingress {
		r := &o.Spec.Ingress[i]
		p.ingress = append(p.ingress, adminRule(r.Name, string(r.Action), adminIngressPeers(r.From), r.Ports))
	}
	for i := range o.Spec.Egress {
		r := &o.Spec.Egress[i]
		peers := make([]peer, len(r.To))
		for j := range r.To {
			e := &r.To[j]
			peers[j] = peer{namespaces: e.Namespaces, pods: adminPods(e.Pods), nodes: e.Nodes, networks: convert[v1alpha2.CIDR](e.Networks)}
		}
		p.egress = append(p.egress, adminRule(r.Name, string(r.Action), peers, r.Ports))
	}
	return p
}

func adminSubject(s *v1alpha1.AdminNetworkPolicySubject) subject {
	return subject{s.Namespaces, adminPods(s.Pods)}
}

func adminPods(p *v1alpha1.NamespacedPod) *pods {
	if p == nil {
		return nil
	}
	return &pods{&p.NamespaceSelector, &p.PodSelector}
}

func adminIngressPeers(from []v1alpha1.AdminNetworkPolicyIngressPeer) []peer {
	out := make([]peer, len(from))
	for i := range from {
		out[i] = peer{namespaces: from[i].Namespaces, pods: adminPods(from[i].Pods)}
	}
	return out
}

// convert keeps the difference between nil and an empty list.
func convert[To, From ~string](in []From) []To {
	if in == nil {
		return nil
	}
	out := make([]To, len(in))
	for i := range in {
		out[i] = To(in[i])
	}
	return out
}

func adminRule(name, action string, peers []peer, ports *[]v1alpha1.AdminNetworkPolicyPort) rule {
	r := rule{name: name, action: action, peers: peers, ported: ports != nil}
	if ports == nil {
		return r
	}
	for _, e := range *ports {
		var p port
		if n := e.PortNumber; n != nil {
			p = port{forms: p.forms + 1, path: []any{"portNumber"}, protocol: cmp.Or(string(n.Protocol), "TCP"), numbered: true, first: n.Port, last: n.Port}
		}
		if n := e.PortRange; n != nil {
			p = port{forms: p.forms + 1, path: []any{"portRange"}, protocol: cmp.Or(string(n.Protocol), "TCP"), ranged: true, first: n.Start, last: n.End}
		}
		if e.NamedPort != nil {
			p = port{forms: p.forms + 1, path: []any{"namedPort"}, name: e.NamedPort}
		}
		r.ports = append(r.ports, p)
	}
	return r
}
