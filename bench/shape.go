// Package bench measures podreach on generated clusters: shapes of known
// structure, in sizes from a thousand pods up. The benchmarks are one function
// for each operation, with sub-benchmarks shape/size:
//
//	go test ./bench -run '^$' -bench 'Compile/replicas'
package bench

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Shape is a family of clusters.
type Shape struct {
	Name     string
	Replicas int // pods that share all labels
}

// The shapes. Both have 200 pods a namespace and pods/10 policies, a third of
// them with egress rules, with numeric, ranged and named ports, selectors
// within and across namespaces, and ipBlocks with exceptions.
var (
	Replicas = Shape{"replicas", 10}
	Unique   = Shape{"unique", 1}
)

// Cluster is a generated cluster, as API objects.
type Cluster struct {
	Namespaces []corev1.Namespace
	Nodes      []corev1.Node
	Pods       []corev1.Pod
	Policies   []networkingv1.NetworkPolicy
}

const podsPerNamespace = 200

// Generate makes a cluster of a shape with the given number of pods. Equal
// arguments give equal clusters.
func (s Shape) Generate(pods int) *Cluster {
	r := rand.New(rand.NewPCG(uint64(pods), uint64(s.Replicas)))
	c := &Cluster{}
	namespaces := max(1, pods/podsPerNamespace)
	nodes := max(2, pods/50)
	for i := range namespaces {
		c.Namespaces = append(c.Namespaces, corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: namespace(i), Labels: map[string]string{"team": fmt.Sprint("t", i%20), "env": []string{"prod", "dev"}[i%2]}},
		})
	}
	for i := range nodes {
		c.Nodes = append(c.Nodes, corev1.Node{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Node"},
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("node-", i)},
			Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.168.%d.%d", i/250, i%250+1)}}},
		})
	}
	for i := range pods {
		workload := i / s.Replicas
		ns := namespace(i / podsPerNamespace % namespaces)
		labels := map[string]string{
			"app": fmt.Sprint("app-", workload), "tier": []string{"web", "api", "db"}[workload%3], "version": fmt.Sprint("v", workload%5),
			"app.kubernetes.io/managed-by": "helm", "pod-template-hash": fmt.Sprintf("%08x", workload*2654435761%(1<<32)),
		}
		c.Pods = append(c.Pods, corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprint("app-", workload, "-", i), Labels: labels,
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "app-" + fmt.Sprint(workload) + "-" + labels["pod-template-hash"], Controller: new(true)}}},
			Spec: corev1.PodSpec{NodeName: fmt.Sprint("node-", i%nodes), Containers: []corev1.Container{{Name: "main", Image: "registry.example/app:1",
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: int32(9090 + workload%2)}},
				Env:   []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}}}}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: podIP(i), PodIPs: []corev1.PodIP{{IP: podIP(i)}}},
		})
	}
	for i := range pods / 10 {
		workload := i * 10 / s.Replicas
		c.Policies = append(c.Policies, policy(r, i, workload, namespace(workload*s.Replicas/podsPerNamespace%namespaces)))
	}
	return c
}

func namespace(i int) string { return fmt.Sprintf("ns-%05d", i) }

func podIP(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255) }

func policy(r *rand.Rand, i, workload int, ns string) networkingv1.NetworkPolicy {
	tcp := corev1.ProtocolTCP
	port := func(p int) networkingv1.NetworkPolicyPort {
		v := intstr.FromInt(p)
		return networkingv1.NetworkPolicyPort{Protocol: &tcp, Port: &v}
	}
	named := intstr.FromString("http")
	end := int32(9100)
	near := func(k, v string) networkingv1.NetworkPolicyPeer {
		return networkingv1.NetworkPolicyPeer{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{k: v}}}
	}
	p := networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: fmt.Sprint("policy-", i)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": fmt.Sprint("app-", workload)}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{From: []networkingv1.NetworkPolicyPeer{near("app", fmt.Sprint("app-", workload+1)), near("tier", "web")},
					Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &named}, port(1000 + r.IntN(20))}},
				{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"team": fmt.Sprint("t", r.IntN(20))}},
					PodSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "tier", Operator: metav1.LabelSelectorOpIn, Values: []string{"api", "db"}}}}}}},
			},
		},
	}
	if i%3 == 0 {
		p.Spec.PolicyTypes = append(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		p.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{
			{To: []networkingv1.NetworkPolicyPeer{near("tier", "db")}, Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: new(intstr.FromInt(9000)), EndPort: &end}}},
			{To: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: fmt.Sprintf("%d.0.0.0/8", 20+r.IntN(60)), Except: nil}},
				{IPBlock: &networkingv1.IPBlock{CIDR: "172.16.0.0/12", Except: []string{fmt.Sprintf("172.16.%d.0/24", r.IntN(64))}}}}},
		}
	}
	return p
}
