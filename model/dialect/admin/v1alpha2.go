package admin

import (
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model"
)

const kindCluster = "ClusterNetworkPolicy"

var clusterWords = words{allow: "Accept", actions: []string{"Accept", "Deny", "Pass"}, ports: "protocols", rules: 25, most: 25, prioritised: true, tiered: true}

func readCluster(o *v1alpha2.ClusterNetworkPolicy) *Policy {
	p := &Policy{
		object: model.ObjectRef{Kind: kindCluster, Name: o.Name}, metadata: &o.ObjectMeta, words: &clusterWords,
		tier: string(o.Spec.Tier), priority: o.Spec.Priority, subject: subject{o.Spec.Subject.Namespaces, clusterPods(o.Spec.Subject.Pods)},
	}
	for i := range o.Spec.Ingress {
		r := &o.Spec.Ingress[i]
		peers := make([]peer, len(r.From))
		for j := range r.From {
			peers[j] = peer{namespaces: r.From[j].Namespaces, pods: clusterPods(r.From[j].Pods)}
		}
		p.ingress = append(p.ingress, clusterRule(r.Name, r.Action, peers, r.Protocols))
	}
	for i := range o.Spec.Egress {
		r := &o.Spec.Egress[i]
		peers := make([]peer, len(r.To))
		for j := range r.To {
			e := &r.To[j]
			peers[j] = peer{e.Namespaces, clusterPods(e.Pods), e.Nodes, e.Networks, e.DomainNames}
		}
		p.egress = append(p.egress, clusterRule(r.Name, r.Action, peers, r.Protocols))
	}
	return p
}

// clusterPods: a namespaceSelector that is left out is every namespace (R96).
func clusterPods(p *v1alpha2.NamespacedPod) *pods {
	if p == nil {
		return nil
	}
	return &pods{&p.NamespaceSelector, &p.PodSelector}
}

func clusterRule(name string, action v1alpha2.ClusterNetworkPolicyRuleAction, peers []peer, protocols []v1alpha2.ClusterNetworkPolicyProtocol) rule {
	r := rule{name: name, action: string(action), peers: peers, ported: protocols != nil}
	for i := range protocols {
		e := &protocols[i]
		var p port
		form := func(given bool, field string, destination func() *v1alpha2.Port) {
			if given {
				forms := p.forms + 1
				p = clusterPort(field, destination())
				p.forms = forms
			}
		}
		form(e.TCP != nil, "tcp", func() *v1alpha2.Port { return e.TCP.DestinationPort })
		form(e.UDP != nil, "udp", func() *v1alpha2.Port { return e.UDP.DestinationPort })
		form(e.SCTP != nil, "sctp", func() *v1alpha2.Port { return e.SCTP.DestinationPort })
		if e.DestinationNamedPort != "" {
			p = port{forms: p.forms + 1, path: []any{"destinationNamedPort"}, name: &e.DestinationNamedPort}
		}
		r.ports = append(r.ports, p)
	}
	return r
}

func clusterPort(field string, destination *v1alpha2.Port) port {
	p := port{path: []any{field}, protocol: map[string]string{"tcp": "TCP", "udp": "UDP", "sctp": "SCTP"}[field], strict: true}
	if destination == nil {
		p.bare = true
		return p
	}
	p.path = append(p.path, "destinationPort")
	switch number, span := destination.Number, destination.Range; {
	case span != nil:
		p.double = number != 0
		p.ranged, p.first, p.last = true, span.Start, span.End
		p.path = append(p.path, "range")
	case number != 0:
		p.numbered, p.first, p.last = true, number, number
	}
	return p
}
