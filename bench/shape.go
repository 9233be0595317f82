// Package bench measures podreach on generated clusters: shapes of known
// structure, in sizes from a thousand pods up. The benchmarks are one function
// for each operation, with sub-benchmarks shape/size; the table in
// table_test.go says which operation runs on what, and why:
//
//	go test ./bench -run '^$' -bench 'Compile/replicas'
package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Shape is a family of clusters.
type Shape struct {
	Name string
	make func(pods int, add func(object any))
}

// Shapes lists all shapes. What each stands for is said where it is made.
var Shapes = []Shape{
	{"replicas", workloads{replicas: 10}.make},
	{"unique", workloads{replicas: 1}.make},
	{"tiers", workloads{replicas: 10, admin: 50}.make},
	{"ai", makeAI},
	{"antrea-xl", makeAntreaXL},
	{"identical", makeIdentical},
	{"per-pod", makePerPod},
	{"medium", makeMedium},
}

// Objects makes a cluster of about the given number of pods, as API objects in
// the order in which kubectl would list them if asked for namespaces, nodes,
// pods and policies. Equal arguments give equal clusters.
func (s Shape) Objects(pods int) iter.Seq[any] {
	return func(yield func(any) bool) {
		more := true
		s.make(pods, func(o any) { more = more && yield(o) })
	}
}

// WriteTo writes a cluster as compact JSON, an object a line.
func (s Shape) WriteTo(w io.Writer, pods int) error {
	for o := range s.Objects(pods) {
		line, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func newNamespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func newNode(i int, dual bool) *corev1.Node {
	n := &corev1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: nodeName(i)},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: nodeIP(i)}}}}
	if dual {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("fd01::%x", i+1)})
	}
	return n
}

func nodeName(i int) string { return fmt.Sprint("node-", i) }

func nodeIP(i int) string { return fmt.Sprintf("192.%d.%d.%d", 168+i/62500, i/250%250, i%250+1) }

// newPod makes pod number i of the cluster, running, with one container.
func newPod(i int, namespace, name string, labels map[string]string, ports ...corev1.ContainerPort) *corev1.Pod {
	ip := fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255)
	return &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example/app:1", Ports: ports,
			Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}}}
}

// owned gives a pod its controller.
func owned(p *corev1.Pod, apiVersion, kind, name string) {
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, Controller: new(true)}}
}

// dual gives pod number i an IPv6 address beside the other.
func dual(p *corev1.Pod, i int) {
	p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: fmt.Sprintf("fd00::%x:%x", i>>16, i&0xffff)})
}

// newPolicy makes a policy of the types of the rules that it has, or for
// neither of ingress alone.
func newPolicy(namespace, name string, subject metav1.LabelSelector, in []networkingv1.NetworkPolicyIngressRule, out []networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicy {
	p := &networkingv1.NetworkPolicy{TypeMeta: metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       networkingv1.NetworkPolicySpec{PodSelector: subject, Ingress: in, Egress: out}}
	if in != nil || out == nil {
		p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	}
	if out != nil {
		p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
	}
	return p
}

// having selects by one label.
func having(key, value string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

// among selects by one label of several values.
func among(key string, values ...string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values}}}
}

// near is a peer in the policy's own namespace, far one in those of a selector.
func near(pods metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{PodSelector: &pods}
}

func far(namespaces, pods metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: &namespaces, PodSelector: &pods}
}

func block(cidr string, except ...string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}
}

func from(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyIngressRule {
	return networkingv1.NetworkPolicyIngressRule{From: peers}
}

func to(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: peers}
}

var tcp, udp = new(corev1.ProtocolTCP), new(corev1.ProtocolUDP)

func port(n int) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: tcp, Port: new(intstr.FromInt(n))}
}

func portRange(first, last int) networkingv1.NetworkPolicyPort {
	p := port(first)
	p.EndPort = new(int32(last))
	return p
}

func namedPort(name string) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: tcp, Port: new(intstr.FromString(name))}
}
