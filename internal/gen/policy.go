package gen

import (
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// policies makes the NetworkPolicies. Lists without elements are nil in the
// typed objects; spelling.go writes them as absent, null or empty.
func (g *generator) policies() {
	g.c.Spelling = g.r.Uint64()
	n := max(g.r.IntN(g.o.Policies+1), g.r.IntN(g.o.Policies+1)) // rather many than few: it is policies that decide
	if n == 0 {
		g.hit(PoliciesNone)
	}
	for range n {
		np := networkingv1.NetworkPolicy{TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: g.meta("policy")}
		if np.Namespace != "" && g.pct(8) {
			np.Namespace = pick(g, namespaceNames) // perhaps one without pods (R117)
		}
		if !g.pct(pctSubjectsAll) {
			np.Spec.PodSelector = *g.selector(false)
			g.hit(SubjectsSelected)
		}
		for _, t := range draw(g, typesWeights) {
			np.Spec.PolicyTypes = append(np.Spec.PolicyTypes, networkingv1.PolicyType(t))
		}
		if !g.pct(pctNoRules) {
			for range g.between(1, maxRules) {
				np.Spec.Ingress = g.repeatIngress(append(np.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: g.peers(), Ports: g.portEntries()}))
			}
		}
		if !g.pct(pctNoRules) {
			for range g.between(1, maxRules) {
				np.Spec.Egress = append(np.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: g.peers(), Ports: g.portEntries()})
			}
		}
		g.observeTypes(&np.Spec)
		if !g.o.Valid && g.pct(pctRejected) {
			g.spoil(&np)
		}
		g.observeSpelling(&np)
		g.c.Policies = append(g.c.Policies, np)
	}
}

func (g *generator) repeatIngress(r []networkingv1.NetworkPolicyIngressRule) []networkingv1.NetworkPolicyIngressRule {
	if g.pct(pctRepeat) {
		g.hit(RuleDuplicate)
		r = append(r, r[len(r)-1])
	}
	return r
}

// observeTypes counts the forms of policyTypes and how they go with the rules
// (R14-R16).
func (g *generator) observeTypes(s *networkingv1.NetworkPolicySpec) {
	in := slices.Contains(s.PolicyTypes, networkingv1.PolicyTypeIngress)
	eg := slices.Contains(s.PolicyTypes, networkingv1.PolicyTypeEgress)
	switch {
	case in && eg:
		g.hit(TypesBoth)
	case in:
		g.hit(TypesIngress)
	case eg:
		g.hit(TypesEgress)
	case len(s.Egress) > 0:
		g.hit(EgressRulesWithoutTypes)
	}
	if len(s.PolicyTypes) == 2 && in != eg {
		g.hit(TypesDuplicate)
	}
	if (in || eg) && (!in && len(s.Ingress) > 0 || !eg && len(s.Egress) > 0) {
		g.hit(RulesOfUnlistedDirection)
	}
	for _, r := range s.Ingress {
		if r.From == nil && r.Ports == nil {
			g.hit(RuleEmpty)
		}
	}
	for _, r := range s.Egress {
		if r.To == nil && r.Ports == nil {
			g.hit(RuleEmpty)
		}
	}
}

// peers makes the from or to of a rule; nil means everybody (R23).
func (g *generator) peers() []networkingv1.NetworkPolicyPeer {
	if g.pct(pctNoPeers) {
		return nil
	}
	var out []networkingv1.NetworkPolicyPeer
	for len(out) < g.between(1, maxPeers) {
		switch g.r.IntN(5) {
		case 0:
			g.hit(PeerPods)
			out = append(out, networkingv1.NetworkPolicyPeer{PodSelector: g.selector(false)})
		case 1:
			g.hit(PeerNamespaces)
			out = append(out, networkingv1.NetworkPolicyPeer{NamespaceSelector: g.selector(true)})
		case 2:
			g.hit(PeerPodsAndNamespaces)
			out = append(out, networkingv1.NetworkPolicyPeer{PodSelector: g.selector(false), NamespaceSelector: g.selector(true)})
		default:
			for _, b := range g.blocks() {
				g.hit(PeerBlock)
				out = append(out, networkingv1.NetworkPolicyPeer{IPBlock: b})
			}
		}
	}
	if g.pct(pctRepeat) {
		g.hit(PeerDuplicate)
		out = append(out, out[0])
	}
	return out
}

// portEntries makes the ports of a rule; nil means every port (R28).
func (g *generator) portEntries() []networkingv1.NetworkPolicyPort {
	if g.pct(pctNoPorts) {
		return nil
	}
	var out []networkingv1.NetworkPolicyPort
	for range g.between(1, maxPortEntries) {
		out = append(out, g.portEntry())
	}
	if g.pct(pctRepeat) {
		g.hit(EntryDuplicate)
		out = append(out, out[0])
	}
	return out
}

func (g *generator) portEntry() networkingv1.NetworkPolicyPort {
	var p networkingv1.NetworkPolicyPort
	switch g.r.IntN(6) {
	case 0, 1: // absent: TCP (R29)
	case 2, 3:
		g.hit(EntryTCP)
		p.Protocol = ptr(corev1.ProtocolTCP)
	case 4:
		g.hit(EntryUDP)
		p.Protocol = ptr(corev1.ProtocolUDP)
	case 5:
		g.hit(EntrySCTP)
		p.Protocol = ptr(corev1.ProtocolSCTP)
	}
	switch n := g.r.IntN(10); {
	case n < 1: // every port of the protocol (R30)
	case n < 5:
		g.hit(EntryNumber)
		p.Port = ptr(intstr.FromInt32(pick(g, portNumbers)))
	case n < 7:
		g.rangeEntry(&p)
	default:
		name := pick(g, append([]string{unresolvedName}, append(portNames, portNames...)...))
		g.hit(either(name == unresolvedName, EntryNameUnresolved, EntryName))
		p.Port = ptr(intstr.FromString(name))
	}
	if reflect.ValueOf(p).IsZero() {
		g.hit(EntryEmpty)
	}
	return p
}

func (g *generator) rangeEntry(p *networkingv1.NetworkPolicyPort) {
	first, last := pick(g, portNumbers), pick(g, portNumbers)
	if first > last {
		first, last = last, first
	}
	g.hit(EntryRange)
	switch {
	case first == last:
		g.hit(EntryRangeOfOne)
	case first == 1 && last == 65535:
		g.hit(EntryRangeAll)
	}
	p.Port, p.EndPort = ptr(intstr.FromInt32(first)), ptr(last)
}
