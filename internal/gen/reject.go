package gen

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// spoil makes a policy one that the API server rejects, for exactly one reason
// of R116, drawn from faults.
func (g *generator) spoil(np *networkingv1.NetworkPolicy) {
	f := pick(g, faults)
	g.hit(f.feature)
	port := func(p networkingv1.NetworkPolicyPort) {
		np.Spec.Ingress = append(np.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{p}})
	}
	peer := func(p networkingv1.NetworkPolicyPeer) {
		np.Spec.Egress = append(np.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{p}})
	}
	switch {
	case f.port != nil:
		port(*f.port)
	case f.peer != nil:
		peer(*f.peer)
	default:
		f.policy(np)
	}
}

// fault is one way to be rejected: a port entry, a peer, or a change of the
// whole policy.
type fault struct {
	feature Feature
	port    *networkingv1.NetworkPolicyPort
	peer    *networkingv1.NetworkPolicyPeer
	policy  func(*networkingv1.NetworkPolicy)
}

func badPort(f Feature, protocol *corev1.Protocol, port *intstr.IntOrString, end *int32) fault {
	return fault{feature: f, port: &networkingv1.NetworkPolicyPort{Protocol: protocol, Port: port, EndPort: end}}
}

func badBlock(f Feature, cidr string, except ...string) fault {
	return fault{feature: f, peer: &networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}}
}

func badSelector(f Feature, key string, op metav1.LabelSelectorOperator, values ...string) fault {
	s := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}
	return fault{feature: f, peer: &networkingv1.NetworkPolicyPeer{PodSelector: s}}
}

func badTypes(f Feature, types ...networkingv1.PolicyType) fault {
	return fault{feature: f, policy: func(np *networkingv1.NetworkPolicy) { np.Spec.PolicyTypes = types }}
}

func number(n int32) *intstr.IntOrString { return ptr(intstr.FromInt32(n)) }
func name(s string) *intstr.IntOrString  { return ptr(intstr.FromString(s)) }
func protocol(s string) *corev1.Protocol { return ptr(corev1.Protocol(s)) }

// faults are the conditions of R116.
var faults = []fault{
	{feature: BadName, policy: func(np *networkingv1.NetworkPolicy) { np.Name = "Policy_" + np.Name }},

	badPort(BadProtocolCase, protocol("tcp"), number(80), nil),
	badPort(BadProtocolOther, protocol("ICMP"), nil, nil),
	badPort(BadProtocolEmpty, protocol(""), number(80), nil),
	badPort(BadPortZero, nil, number(0), nil),
	badPort(BadPortHigh, nil, number(65536), nil),
	badPort(BadPortNegative, nil, number(-1), nil),
	badPort(BadPortNameDigits, nil, name("80"), nil),
	badPort(BadPortNameLong, nil, name("sixteen-letters-"+"x"), nil),
	badPort(BadPortNameUpper, nil, name("HTTP"), nil),
	badPort(BadPortNameUnderscore, nil, name("ht_tp"), nil),
	badPort(BadPortNameHyphens, nil, name("ht--tp"), nil),
	badPort(BadPortNameEdge, nil, name("-http"), nil),
	badPort(BadPortNameEmpty, nil, name(""), nil),
	badPort(BadEndPortAlone, nil, nil, ptr[int32](80)),
	badPort(BadEndPortNamed, nil, name("http"), ptr[int32](90)),
	badPort(BadEndPortLow, nil, number(80), ptr[int32](79)),
	badPort(BadEndPortHigh, nil, number(80), ptr[int32](65536)),

	{feature: BadPeerEmpty, peer: &networkingv1.NetworkPolicyPeer{}},
	{feature: BadPeerMixed, peer: &networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{}, IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8"}}},
	badBlock(BadCIDRMissing, ""),
	badBlock(BadCIDRBare, "10.0.0.1"),
	badBlock(BadCIDRText, "internet"),
	badBlock(BadCIDRLength, "10.0.0.0/33"),
	badBlock(BadExceptEqual, "10.0.0.0/8", "10.0.0.0/8"),
	badBlock(BadExceptWider, "10.0.0.0/8", "10.0.0.0/7"),
	badBlock(BadExceptElsewhere, "10.0.0.0/8", "11.0.0.0/16"),
	badBlock(BadExceptFamily, "0.0.0.0/0", "fd00::/8"),
	badBlock(BadExceptMapped, "::ffff:10.0.0.0/104", "10.1.0.0/16"),
	badBlock(BadExceptText, "10.0.0.0/8", "10.0.0.1"),

	badSelector(BadSelectorNoValues, "app", metav1.LabelSelectorOpIn),
	badSelector(BadSelectorValues, "app", metav1.LabelSelectorOpExists, "a"),
	badSelector(BadSelectorOperator, "app", "Gt", "1"),
	badSelector(BadSelectorOperator, "app", "in", "a"),
	badSelector(BadSelectorKey, "-app", metav1.LabelSelectorOpExists),
	badSelector(BadSelectorValue, "app", metav1.LabelSelectorOpIn, strings.Repeat("a", 64)),
	{feature: BadSelectorOfSubjects, policy: func(np *networkingv1.NetworkPolicy) {
		np.Spec.PodSelector = metav1.LabelSelector{MatchLabels: map[string]string{"app": "no spaces"}}
	}},

	badTypes(BadTypesThree, "Ingress", "Egress", "Ingress"),
	badTypes(BadTypesUnknown, "Ingress", "Both"),
	badTypes(BadTypesCase, "ingress"),
}
