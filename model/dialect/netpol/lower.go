package netpol

import (
	"cmp"
	"net"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	netutils "k8s.io/utils/net"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/meta"
)

// Options are the points in which implementations of NetworkPolicy differ. The
// zero value is what the specification says.
type Options struct {
	PolicyTypesFromRules bool // a direction with rules counts although policyTypes leaves it out (R14, Cilium)
	ExternalOnlyBlocks   bool // ipBlock never matches pods and nodes (R45, Cilium)
	IsolationLast        bool // isolation comes after the Baseline tier (R93, Cilium)
	OtherAsPortless      bool // rules without ports admit ICMP and the like, isolation denies them (R84, Cilium and Calico)
}

// Lower validates np and turns it into rules. np must carry its namespace.
//
// The diagnostics are all that there is to say of np, in the order of its
// fields. When one of them is an error the API server would reject np, which
// is then answered as absent: there are no rules (R115). Paths of rules and
// diagnostics are below origin, which is where np itself was read. The rules
// share nothing with np. The cost is linear in the size of np. Lower may be
// called concurrently.
func Lower(np *networkingv1.NetworkPolicy, origin model.Origin, o Options) ([]model.Rule, []dialect.Diagnostic) {
	v := validate(np, origin)
	if v.rejected {
		return nil, v.diagnostics
	}
	l := lowering{
		options: o,
		object:  v.object,
		subject: model.PodSet{Namespace: np.Namespace, Pods: meta.Selector(&np.Spec.PodSelector)},
		origin:  origin,
	}
	ingress, egress := directions(&np.Spec, o)
	v.inert(&np.Spec, ingress, egress, origin)
	if ingress {
		l.isolate(model.Ingress, np.Spec.PolicyTypes)
		for i, r := range np.Spec.Ingress {
			l.allow(model.Ingress, r.From, r.Ports, origin.Field("spec", "ingress", i))
		}
	}
	if egress {
		l.isolate(model.Egress, np.Spec.PolicyTypes)
		for i, r := range np.Spec.Egress {
			l.allow(model.Egress, r.To, r.Ports, origin.Field("spec", "egress", i))
		}
	}
	return l.rules, v.diagnostics
}

// Subject returns the pods that np selects, and whether its selector can be
// read at all. It serves to say what a rejected policy would have selected
// (R115).
func Subject(np *networkingv1.NetworkPolicy) (model.PodSet, bool) {
	v := validator{}
	v.selector(&np.Spec.PodSelector, model.Origin{})
	if v.rejected {
		return model.PodSet{}, false
	}
	return model.PodSet{Namespace: np.Namespace, Pods: meta.Selector(&np.Spec.PodSelector)}, true
}

// directions says which directions the policy isolates (R10, R14, R15).
// Duplicate policyTypes are a set (R16).
func directions(spec *networkingv1.NetworkPolicySpec, o Options) (ingress, egress bool) {
	if len(spec.PolicyTypes) == 0 {
		return true, len(spec.Egress) > 0
	}
	ingress = slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	egress = slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	if o.PolicyTypesFromRules {
		ingress = ingress || len(spec.Ingress) > 0
		egress = egress || len(spec.Egress) > 0
	}
	return ingress, egress
}

type lowering struct {
	options Options
	object  model.ObjectRef
	subject model.PodSet
	origin  model.Origin
	rules   []model.Rule
}

func (l *lowering) isolate(d model.Direction, types []networkingv1.PolicyType) {
	at := l.origin.Field("spec")
	if len(types) > 0 {
		at = l.origin.Field("spec", "policyTypes")
	}
	other := model.OtherUnspecified
	if l.options.OtherAsPortless {
		other = model.OtherYes
	}
	tier := model.TierNetworkPolicy
	if l.options.IsolationLast {
		tier = model.TierDefault
	}
	l.rules = append(l.rules, model.Rule{
		Rank:      model.Rank{Tier: tier, Priority: model.PriorityDefaultDeny},
		Direction: d,
		Subject:   l.subject,
		Peer:      model.Peer{Any: true},
		Ports:     model.RulePorts{All: true, Other: other},
		Action:    model.Deny,
		Object:    l.object,
		Origin:    at,
	})
}

func (l *lowering) allow(d model.Direction, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, at model.Origin) {
	l.rules = append(l.rules, model.Rule{
		Rank:      model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityAllow},
		Direction: d,
		Subject:   l.subject,
		Peer:      l.peer(peers),
		Ports:     l.ports(ports),
		Action:    model.Allow,
		Object:    l.object,
		Origin:    at,
	})
}

// peer is the union of the elements, or everyone when there is none (R22, R23).
func (l *lowering) peer(peers []networkingv1.NetworkPolicyPeer) model.Peer {
	if len(peers) == 0 {
		return model.Peer{Any: true}
	}
	var out model.Peer
	for i := range peers {
		p := &peers[i]
		switch {
		case p.IPBlock != nil:
			out.Blocks = append(out.Blocks, l.block(p.IPBlock))
			out.BlocksAt |= 1 << i // past 32 it is nothing
		case p.NamespaceSelector != nil:
			s := model.PodSet{Namespaces: meta.Selector(p.NamespaceSelector)}
			if p.PodSelector != nil {
				s.Pods = meta.Selector(p.PodSelector)
			}
			out.Pods = append(out.Pods, s)
		default:
			out.Pods = append(out.Pods, model.PodSet{Namespace: l.subject.Namespace, Pods: meta.Selector(p.PodSelector)})
		}
	}
	if len(out.Pods) == 0 || len(peers) > 32 {
		out.BlocksAt = 0
	}
	return out
}

func (l *lowering) block(b *networkingv1.IPBlock) model.Block {
	cidr, _, _ := parseCIDR(b.CIDR)
	out := model.Block{CIDR: cidr, ExternalOnly: l.options.ExternalOnlyBlocks}
	for _, e := range b.Except {
		except, _, _ := parseCIDR(e)
		out.Except = append(out.Except, except)
	}
	return out
}

// ports is the union of the entries, or every port when there is none (R28).
func (l *lowering) ports(entries []networkingv1.NetworkPolicyPort) model.RulePorts {
	if len(entries) == 0 {
		out := model.RulePorts{All: true}
		if l.options.OtherAsPortless {
			out.Other = model.OtherYes
		}
		return out
	}
	var out model.RulePorts
	var ranges []model.PortRange
	for _, e := range entries {
		protocol := model.TCP // R29
		if e.Protocol != nil {
			protocol, _ = model.ParseProtocol(string(*e.Protocol))
		}
		switch {
		case e.Port == nil: // R30
			ranges = append(ranges, model.PortRange{Protocol: protocol, First: 1, Last: model.MaxPort})
		case e.Port.Type == intstr.String: // R33
			out.Named = append(out.Named, model.NamedPort{Name: e.Port.StrVal, Protocol: protocol})
		default: // R31, R32
			r := model.PortRange{Protocol: protocol, First: uint16(e.Port.IntVal), Last: uint16(e.Port.IntVal)}
			if e.EndPort != nil {
				r.Last = uint16(*e.EndPort)
			}
			ranges = append(ranges, r)
		}
	}
	out.Set = model.Ports(ranges...)
	slices.SortFunc(out.Named, func(a, b model.NamedPort) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Protocol, b.Protocol))
	})
	out.Named = slices.Compact(out.Named)
	return out
}

// parseCIDR reads a CIDR as the API server does (R43): leading zeros are
// decimal, host bits are masked off, and IPv4-mapped IPv6 is IPv4 where the
// prefix covers the mapping. The second result is the form that upstream's
// subset check looks at.
func parseCIDR(s string) (netip.Prefix, *net.IPNet, bool) {
	_, n, err := netutils.ParseCIDRSloppy(s)
	if err != nil {
		return netip.Prefix{}, nil, false
	}
	bits, size := n.Mask.Size()
	addr, _ := netip.AddrFromSlice(n.IP)
	if size == 128 && bits >= 96 && addr.Is4In6() {
		// ::ffff:10.1.0.0/112 is 10.1.0.0/16: Go's net package, and so every
		// plugin that uses it, sees no IPv6 here.
		addr, bits = addr.Unmap(), bits-96
	}
	return netip.PrefixFrom(addr, bits), n, true
}

// protocolNames are the protocols that a port entry may name.
var protocolNames = []string{string(corev1.ProtocolTCP), string(corev1.ProtocolUDP), string(corev1.ProtocolSCTP)}
