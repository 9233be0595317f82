package bench

import (
	"fmt"
	"math/rand/v2"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	adminv1 "sigs.k8s.io/network-policy-api/apis/v1alpha1"
)

// workloads is the shapes of an ordinary cluster: 200 pods a namespace and
// pods/10 policies, a third of them with egress rules, with numeric, ranged and
// named ports, selectors within and across namespaces, and ipBlocks of both
// families with exceptions. The pods of every second namespace have addresses
// of both families, one pod in fifty is on its node's network, and one workload
// in a hundred is only a template, so that the addresses of its pods are not
// known.
type workloads struct {
	replicas int // pods that share all labels
	admin    int // AdminNetworkPolicies
}

const podsPerNamespace = 200

func (w workloads) make(pods int, add func(any)) {
	r := rand.New(rand.NewPCG(uint64(pods), uint64(w.replicas)))
	namespaces := max(1, pods/podsPerNamespace)
	nodes := max(2, pods/50)
	for i := range namespaces {
		add(newNamespace(namespaceName(i), map[string]string{"team": fmt.Sprint("t", i%20), "env": []string{"prod", "dev"}[i%2]}))
	}
	for i := range nodes {
		add(newNode(i, true))
	}
	for i := range pods {
		switch p := w.pod(i, i/podsPerNamespace%namespaces, nodes); {
		case i/w.replicas%100 != 13:
			add(p)
		case i%w.replicas == 0:
			add(w.template(p))
		}
	}
	for i := range pods / 10 {
		workload := i * 10 / w.replicas
		add(w.policy(r, i, workload, namespaceName(workload*w.replicas/podsPerNamespace%namespaces)))
	}
	for i := range w.admin {
		add(adminPolicy(i))
	}
}

func namespaceName(i int) string { return fmt.Sprintf("ns-%05d", i) }

func (w workloads) pod(i, namespace, nodes int) *corev1.Pod {
	workload := i / w.replicas
	hash := fmt.Sprintf("%08x", workload*2654435761%(1<<32))
	name := fmt.Sprint("app-", workload)
	p := newPod(i, namespaceName(namespace), fmt.Sprint(name, "-", i), map[string]string{
		"app": name, "tier": []string{"web", "api", "db"}[workload%3], "version": fmt.Sprint("v", workload%5),
		"app.kubernetes.io/managed-by": "helm", "pod-template-hash": hash,
	}, corev1.ContainerPort{Name: "http", ContainerPort: 8080}, corev1.ContainerPort{Name: "metrics", ContainerPort: int32(9090 + workload%2)})
	owned(p, "apps/v1", "ReplicaSet", name+"-"+hash)
	p.Spec.NodeName = nodeName(i % nodes)
	switch {
	case i%50 == 7:
		p.Spec.HostNetwork = true
		p.Status.HostIP = nodeIP(i % nodes)
		p.Status.PodIP, p.Status.PodIPs = p.Status.HostIP, []corev1.PodIP{{IP: p.Status.HostIP}}
	case namespace%2 == 0:
		dual(p, i)
	}
	return p
}

// template makes the Deployment of a pod.
func (w workloads) template(p *corev1.Pod) *appsv1.Deployment {
	p.Spec.NodeName = ""
	labels := map[string]string{"app": p.Labels["app"]}
	return &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: labels["app"]},
		Spec: appsv1.DeploymentSpec{Replicas: new(int32(w.replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.Labels}, Spec: p.Spec}}}
}

func (w workloads) policy(r *rand.Rand, i, workload int, ns string) *networkingv1.NetworkPolicy {
	// Every tenth pod has a policy; the peers are of as many workloads as it
	// takes for all labels to matter.
	var clients []string
	for k := range 10 / w.replicas {
		clients = append(clients, fmt.Sprint("app-", workload+1+k))
	}
	in := []networkingv1.NetworkPolicyIngressRule{
		from(near(among("app", clients...)), near(having("tier", "web"))),
		from(far(having("team", fmt.Sprint("t", r.IntN(20))), among("tier", "api", "db"))),
	}
	in[0].Ports = []networkingv1.NetworkPolicyPort{namedPort("http"), port(1000 + r.IntN(20))}
	var out []networkingv1.NetworkPolicyEgressRule
	if i%3 == 0 {
		out = []networkingv1.NetworkPolicyEgressRule{
			to(near(having("tier", "db"))),
			to(block(fmt.Sprintf("%d.0.0.0/8", 20+r.IntN(60))), block("172.16.0.0/12", fmt.Sprintf("172.16.%d.0/24", r.IntN(64)))),
		}
		out[0].Ports = []networkingv1.NetworkPolicyPort{portRange(9000, 9100)}
		if i%2 == 0 {
			first := 0x2600 + r.IntN(64)
			out[1].To = append(out[1].To, block(fmt.Sprintf("%x::/16", first), fmt.Sprintf("%x:%x::/32", first, r.IntN(64))))
		}
	}
	return newPolicy(ns, fmt.Sprint("policy-", i), having("app", fmt.Sprint("app-", workload)), in, out)
}

// adminPolicy makes AdminNetworkPolicy i, of a priority of its own: it passes
// monitoring on, denies a team, allows another, and lets the rest pass.
func adminPolicy(i int) *adminv1.AdminNetworkPolicy {
	team := func(n int) metav1.LabelSelector { return having("team", fmt.Sprint("t", n%20)) }
	peer := func(n int) []adminv1.AdminNetworkPolicyIngressPeer {
		return []adminv1.AdminNetworkPolicyIngressPeer{{Namespaces: new(team(n))}}
	}
	ports := []adminv1.AdminNetworkPolicyPort{{PortNumber: &adminv1.Port{Protocol: corev1.ProtocolTCP, Port: int32(2000 + i)}}}
	return &adminv1.AdminNetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy.networking.k8s.io/v1alpha1", Kind: "AdminNetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("admin-", i)},
		Spec: adminv1.AdminNetworkPolicySpec{Priority: int32(i), Subject: adminv1.AdminNetworkPolicySubject{Namespaces: new(team(i))},
			Ingress: []adminv1.AdminNetworkPolicyIngressRule{
				{Name: "monitoring", Action: adminv1.AdminNetworkPolicyRuleActionPass, From: peer(i + 1), Ports: &ports},
				{Name: "strangers", Action: adminv1.AdminNetworkPolicyRuleActionDeny, From: peer(i + 7)},
				{Name: "friends", Action: adminv1.AdminNetworkPolicyRuleActionAllow, From: peer(i + 3), Ports: &ports},
			},
			Egress: []adminv1.AdminNetworkPolicyEgressRule{
				{Name: "outside", Action: adminv1.AdminNetworkPolicyRuleActionDeny, To: []adminv1.AdminNetworkPolicyEgressPeer{{Networks: []adminv1.CIDR{adminv1.CIDR(fmt.Sprintf("%d.0.0.0/8", 100+i))}}}},
				{Name: "inside", Action: adminv1.AdminNetworkPolicyRuleActionPass, To: []adminv1.AdminNetworkPolicyEgressPeer{{Namespaces: new(team(i))}}},
			}},
	}
}
