package gen

import (
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observe counts what only the finished cluster shows.
func (g *generator) observe() {
	pods := map[string]bool{}
	for i := range g.c.Pods {
		pods[g.c.space(g.c.Pods[i].ObjectMeta)] = true
	}
	for _, w := range g.c.Workloads {
		pods[g.c.space(metav1.ObjectMeta{Namespace: w.Namespace})] = true
	}
	for i := range g.c.Custom {
		pods[g.c.space(metav1.ObjectMeta{Namespace: g.c.Custom[i].space()})] = true
	}
	for _, ns := range g.c.Namespaces {
		if !pods[ns.Name] {
			g.hit(NamespaceWithoutPods)
		}
	}
	policies := map[string]int{}
	for i := range g.c.Policies {
		np := &g.c.Policies[i]
		space := g.c.space(np.ObjectMeta)
		if policies[space]++; policies[space] == 2 {
			g.hit(PoliciesSeveralTogether)
		}
		if !pods[space] {
			g.hit(PolicyWithoutSubjects)
		}
		for _, r := range np.Spec.Ingress {
			g.observeCuts(r.From)
		}
		for _, r := range np.Spec.Egress {
			g.observeCuts(r.To)
		}
	}
}

// observeCuts counts blocks that hold some of the pod or node addresses and
// not others.
func (g *generator) observeCuts(peers []networkingv1.NetworkPolicyPeer) {
	for _, p := range peers {
		if p.IPBlock == nil {
			continue
		}
		cidr, err := netip.ParsePrefix(p.IPBlock.CIDR)
		if err != nil {
			continue
		}
		inside, outside := false, false
		count := func(s string) {
			if a, err := netip.ParseAddr(s); err == nil && a.Is4() == cidr.Addr().Is4() {
				inside = inside || cidr.Contains(a)
				outside = outside || !cidr.Contains(a)
			}
		}
		for i := range g.c.Pods {
			count(g.c.Pods[i].Status.PodIP)
		}
		if inside && outside {
			g.hit(BlockCutsPods)
		}
		inside, outside = false, false
		for i := range g.c.Nodes {
			for _, a := range g.c.Nodes[i].Status.Addresses {
				count(a.Address)
			}
		}
		if inside && outside {
			g.hit(BlockCutsNodes)
		}
	}
}
