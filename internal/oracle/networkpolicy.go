package oracle

import (
	"fmt"
	"net/netip"
	"regexp"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podreach/podreach/model"
)

// peer is the other end, at a definite address.
type peer struct {
	*endpoint
	addr netip.Addr
}

// verdict is R108 for one direction: may the subject x and its peer y have the
// connection c? own says that y is the host network of x's own node; dst is
// the destination, on which named ports resolve (R33).
func (o *Oracle) verdict(d networkingv1.PolicyType, x *endpoint, y peer, own bool, c connection, dst *endpoint) model.Other {
	if !x.subjectable() || x.unmanaged { // R3, R55, R69
		return model.OtherYes
	}
	if len(o.uncertain) > 0 && o.undecided(d, x, y) { // R66
		return either(c.hope, model.OtherYes, model.OtherNo)
	}
	if d == networkingv1.PolicyTypeIngress && own && !o.profile.ownNodeLast { // R52, R57
		return model.OtherYes
	}
	if o.undefined(d, x) {
		return either(c.hope, model.OtherYes, model.OtherNo)
	}
	switch o.adminAnswer(adminTier, d, x, y, c, dst) {
	case allow:
		return model.OtherYes
	case deny:
		return model.OtherNo
	}
	isolated := false
	for i := range o.policies {
		p := &o.policies[i]
		if !p.selects(x) || !p.isolates[d] { // R10, R17
			continue
		}
		isolated = true
		for _, r := range p.rules[d] {
			if o.peerMatches(p, r, y) && o.portMatches(r, c, dst) { // R11
				return o.allowed(c)
			}
		}
	}
	if isolated && !o.profile.isolationLast {
		return o.denied(c)
	}
	switch o.adminAnswer(baselineTier, d, x, y, c, dst) {
	case allow:
		return model.OtherYes
	case deny:
		return model.OtherNo
	}
	if isolated && !own { // what own still means here is R128
		return o.denied(c)
	}
	return model.OtherYes // R9, R95
}

// allowed and denied are the answers of the NetworkPolicy tier. Kubernetes does
// not say what an isolated pod may do with protocols outside U (R84).
func (o *Oracle) allowed(c connection) model.Other {
	if c.other && !o.profile.otherAsPortless {
		return model.OtherUnspecified
	}
	return model.OtherYes
}

func (o *Oracle) denied(c connection) model.Other {
	if c.other && !o.profile.otherAsPortless {
		return model.OtherUnspecified
	}
	return model.OtherNo
}

// subjectable: outside addresses, nodes and host-network pods are never
// subjects (R55, R114).
func (e *endpoint) subjectable() bool { return e.kind == pod && !e.hostNetwork }

// selectable: selectors mean pods alone, no host-network pods (R27, R56), and in
// Cilium none that it does not manage (R69).
func (o *Oracle) selectable(y peer) bool {
	return y.kind == pod && !y.hostNetwork && (!o.profile.unmanagedEntity || !y.unmanaged)
}

// selects reports whether x is a subject of the policy.
func (p *policy) selects(x *endpoint) bool {
	return x.subjectable() && !x.unmanaged && p.namespace == x.end.Namespace && p.subject.Matches(labels.Set(x.labels))
}

func (o *Oracle) peerMatches(p *policy, r rule, y peer) bool {
	if len(r.peers) == 0 { // R23
		return true
	}
	for _, element := range r.peers {
		if o.elementMatches(p, element, y) {
			return true
		}
	}
	return false
}

func (o *Oracle) elementMatches(p *policy, e peerElement, y peer) bool {
	if e.block { // R41, R45
		if o.profile.externalBlocks && y.kind != outside {
			return false
		}
		if !e.cidr.Contains(y.addr) {
			return false
		}
		for _, except := range e.except {
			if except.Contains(y.addr) {
				return false
			}
		}
		return true
	}
	if !o.selectable(y) {
		return false
	}
	return o.inNamespaces(p, e, y) && (e.pods == nil || e.pods.Matches(labels.Set(y.labels))) // R22
}

// inNamespaces reports whether y is in a namespace that the element means:
// without a selector of namespaces that of the policy.
func (o *Oracle) inNamespaces(p *policy, e peerElement, y peer) bool {
	if e.namespaces == nil { // R22 (a)
		return y.end.Namespace == p.namespace
	}
	return e.namespaces.Matches(labels.Set(o.namespaces[y.end.Namespace])) // R22 (b), (c)
}

func (o *Oracle) portMatches(r rule, c connection, dst *endpoint) bool {
	if len(r.ports) == 0 { // R28
		return true
	}
	if c.other { // R84
		return false
	}
	for _, e := range r.ports {
		if e.protocol != c.protocol { // R29, R39
			continue
		}
		switch {
		case e.all: // R30
			return true
		case e.name == "": // R31, R32
			if e.first <= c.port && c.port <= e.last {
				return true
			}
		case dst.portsUnknown && c.named[e.name] && dst.subjectable(): // R66
			return true
		case dst.subjectable(): // R33, R36: host-network destinations are nodes
			for _, number := range o.resolve(dst, e.name, e.protocol) {
				if number == c.port {
					return true
				}
			}
		}
	}
	return false
}

// resolve returns the ports that a name means on a pod (R33, R37). With
// namedPortDuplicates=last it means the last of them alone, and nothing in the
// other protocols (R35).
func (o *Oracle) resolve(dst *endpoint, name string, p model.Protocol) []uint16 {
	var named []namedPort
	for _, port := range dst.ports {
		if port.name == name {
			named = append(named, port)
		}
	}
	if o.profile.lastOfName && !dst.portsShared && len(named) > 0 {
		if dst.portsUnknown { // another container may declare it too
			return nil
		}
		named = named[len(named)-1:]
	}
	var numbers []uint16
	for _, port := range named {
		if port.protocol == p {
			numbers = append(numbers, port.number)
		}
	}
	return numbers
}

// policy is a NetworkPolicy that passed validation, with its fields parsed.
// Nothing else about it is changed.
type policy struct {
	namespace string
	subject   labels.Selector
	isolates  map[networkingv1.PolicyType]bool
	rules     map[networkingv1.PolicyType][]rule
}

type rule struct {
	peers []peerElement
	ports []portEntry
}

type peerElement struct {
	pods, namespaces labels.Selector // nil: not set (R18)
	block            bool
	cidr             netip.Prefix
	except           []netip.Prefix
}

type portEntry struct {
	protocol    model.Protocol
	all         bool
	name        string
	first, last uint16
}

func (o *Oracle) readPolicies(w World) {
	seen := map[string]bool{}
	for i := range w.Policies {
		np := &w.Policies[i]
		namespace := np.Namespace
		if namespace == "" { // R7
			namespace = w.DefaultNamespace
		}
		id := namespace + "/" + np.Name
		if seen[id] {
			continue
		}
		seen[id] = true
		if validatePolicy(np, namespace) != nil { // R115
			o.rejected = append(o.rejected, model.ObjectRef{Kind: "NetworkPolicy", Namespace: namespace, Name: np.Name})
			continue
		}
		p := policy{
			namespace: namespace,
			subject:   o.visible(parseSelector(&np.Spec.PodSelector)),
			isolates:  map[networkingv1.PolicyType]bool{},
			rules:     map[networkingv1.PolicyType][]rule{},
		}
		if len(np.Spec.PolicyTypes) == 0 { // R15
			p.isolates[networkingv1.PolicyTypeIngress] = true
			p.isolates[networkingv1.PolicyTypeEgress] = len(np.Spec.Egress) > 0
		}
		for _, d := range np.Spec.PolicyTypes { // R14
			p.isolates[d] = true
		}
		if o.profile.typesFromRules { // R14, Cilium: rules count whatever policyTypes says
			p.isolates[networkingv1.PolicyTypeIngress] = p.isolates[networkingv1.PolicyTypeIngress] || len(np.Spec.Ingress) > 0
			p.isolates[networkingv1.PolicyTypeEgress] = p.isolates[networkingv1.PolicyTypeEgress] || len(np.Spec.Egress) > 0
		}
		if matchesNothing(p.subject) {
			continue
		}
		for _, r := range np.Spec.Ingress {
			p.rules[networkingv1.PolicyTypeIngress] = append(p.rules[networkingv1.PolicyTypeIngress], o.readRule(r.From, r.Ports))
		}
		for _, r := range np.Spec.Egress {
			p.rules[networkingv1.PolicyTypeEgress] = append(p.rules[networkingv1.PolicyTypeEgress], o.readRule(r.To, r.Ports))
		}
		o.policies = append(o.policies, p)
	}
}

func (o *Oracle) readRule(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) rule {
	var r rule
	for _, p := range peers {
		e := peerElement{pods: o.visible(parseSelector(p.PodSelector)), namespaces: parseSelector(p.NamespaceSelector)}
		if p.IPBlock != nil {
			e.block = true
			e.cidr, _ = parseCIDR(p.IPBlock.CIDR)
			o.boundaries = append(o.boundaries, e.cidr)
			for _, s := range p.IPBlock.Except {
				except, _ := parseCIDR(s)
				e.except = append(e.except, except)
				o.boundaries = append(o.boundaries, except)
			}
		}
		r.peers = append(r.peers, e)
	}
	for _, p := range ports {
		var e portEntry
		if p.Protocol != nil { // absent: TCP, the zero Protocol (R29)
			e.protocol, _ = model.ParseProtocol(string(*p.Protocol))
		}
		switch {
		case p.Port == nil:
			e.all = true
		case p.Port.Type == intstr.String:
			e.name = p.Port.StrVal
		default:
			e.first, e.last = uint16(p.Port.IntVal), uint16(p.Port.IntVal)
			if p.EndPort != nil {
				e.last = uint16(*p.EndPort)
			}
		}
		r.ports = append(r.ports, e)
	}
	return r
}

// parseSelector returns nil for a selector that is not set: that is neither
// "nothing" nor "everything" (R18).
func parseSelector(s *metav1.LabelSelector) labels.Selector {
	if s == nil {
		return nil
	}
	out, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		panic(fmt.Sprintf("oracle: selector passed validation: %v", err))
	}
	return out
}

// visible is what a selector of pods asks where policies see the labels of
// Cilium's identities alone: the others are absent (R26).
func (o *Oracle) visible(s labels.Selector) labels.Selector {
	if s == nil || !o.profile.identityLabels {
		return s
	}
	out := labels.NewSelector()
	requirements, selectable := s.Requirements()
	if !selectable {
		return s
	}
	for _, r := range requirements {
		if InIdentity(r.Key()) {
			out = out.Add(r)
		} else if !r.Matches(labels.Set{}) {
			return labels.Nothing()
		}
	}
	return out
}

func matchesNothing(s labels.Selector) bool {
	_, selectable := s.Requirements()
	return !selectable
}

// InIdentity reports whether Cilium's identities keep a label of a pod (R26).
func InIdentity(key string) bool { return !ignoredLabel.MatchString(key) }

var ignoredLabel = regexp.MustCompile(`^(kubernetes\.io|k8s\.io|topology\.kubernetes\.io|io\.kubernetes|statefulset\.kubernetes\.io/pod-name|` +
	`apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/(job-completion-index|controller-uid)|controller-uid|` +
	`pod-template-(generation|hash)|controller-revision-hash|annotation|etcd_node)|beta\.kubernetes\.io`)

// profile is the options of section 13.
type profile struct {
	typesFromRules  bool // policyTypesMode=cilium (R14)
	externalBlocks  bool // ipBlockMatches=external-only (R45)
	initContainers  func(corev1.Container) bool
	lastOfName      bool // namedPortDuplicates=last (R35)
	otherAsPortless bool // other=as-portless (R84)
	identityLabels  bool // policyLabels=identity (R26)
	isolationLast   bool // ciliumBaseline=observed (R93, R124)
	externalNets    bool // networkMatches=external-only (R98)
	beyondPods      bool // namespacesMatch=identities (R97)
	refusesDomains  bool // domainNames=cilium (R100)
	dnsByDomains    bool // the same
	brokenOpen      bool // brokenSelectors=open (R103)
	newVersionOnly  bool // admin=v1alpha2 (R106)
	unmanagedEntity bool // unmanagedAsPeer=entity (R69)
	ownNodeLast     bool // ownNodeIngress=last (R52, R128)
}

func parseProfile(name string) (profile, error) {
	switch name {
	case "", "spec":
		return profile{initContainers: isSidecar}, nil
	case "cilium":
		return profile{
			typesFromRules: true, externalBlocks: true, lastOfName: true, otherAsPortless: true, identityLabels: true,
			isolationLast: true, externalNets: true, beyondPods: true, refusesDomains: true, dnsByDomains: true, brokenOpen: true, newVersionOnly: true,
			unmanagedEntity: true, ownNodeLast: true,
			initContainers: func(corev1.Container) bool { return false },
		}, nil
	case "calico":
		return profile{
			otherAsPortless: true,
			initContainers:  func(corev1.Container) bool { return true },
		}, nil
	}
	return profile{}, fmt.Errorf("oracle: unknown profile %q", name)
}

// isSidecar: named ports of sidecars count, those of plain init containers do
// not (R34).
func isSidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
