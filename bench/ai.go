package bench

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// makeAI is a cluster that trains: a namespace for each team of researchers,
// with a few indexed Jobs of 16 workers, whose labels all differ by their
// index, and where only the rendezvous at index 0 matters; and one namespace of
// inference servers that all of them share. Nothing leaves a namespace but for
// names, inference, and public downloads of some Jobs.
func makeAI(pods int, add func(any)) {
	const workers, jobs = 16, 4
	servers := max(1, pods/50)
	teams := max(1, (pods-servers)/(workers*jobs))
	nodes := max(2, pods/8)
	add(newNamespace("inference", map[string]string{"role": "inference"}))
	for i := range teams {
		add(newNamespace(fmt.Sprintf("team-%05d", i), map[string]string{"role": "training", "group": fmt.Sprint("g", i%10)}))
	}
	for i := range nodes {
		add(newNode(i, false))
	}
	n := 0
	place := func(p *corev1.Pod) {
		p.Spec.NodeName = nodeName(n % nodes)
		n++
		add(p)
	}
	for i := range servers {
		model := fmt.Sprint("llm-", i%20)
		p := newPod(n, "inference", fmt.Sprint(model, "-", i), map[string]string{"app": model, "serves": "models"},
			corev1.ContainerPort{Name: "http", ContainerPort: 8000})
		owned(p, "apps/v1", "ReplicaSet", model)
		place(p)
	}
	for team := range teams {
		for job := range jobs {
			name := fmt.Sprint("train-", job)
			for index := range workers {
				p := newPod(n, fmt.Sprintf("team-%05d", team), fmt.Sprintf("%s-%d-%05x", name, index, n), map[string]string{
					"batch.kubernetes.io/job-name": name, "batch.kubernetes.io/job-completion-index": fmt.Sprint(index),
					"batch.kubernetes.io/controller-uid": fmt.Sprintf("%08x-%04x", team, job), "stage": []string{"train", "fetch"}[job%2],
				})
				owned(p, "batch/v1", "Job", name)
				place(p)
			}
		}
	}
	tokens := from(far(having("role", "training"), metav1.LabelSelector{}))
	tokens.Ports = []networkingv1.NetworkPolicyPort{namedPort("http")}
	add(newPolicy("inference", "training", having("serves", "models"), []networkingv1.NetworkPolicyIngressRule{tokens}, nil))
	for team := range teams {
		ns := fmt.Sprintf("team-%05d", team)
		all := metav1.LabelSelector{}
		dns := to(far(having("kubernetes.io/metadata.name", "kube-system"), having("k8s-app", "kube-dns")))
		dns.Ports = []networkingv1.NetworkPolicyPort{{Protocol: udp, Port: new(intstr.FromInt(53))}, port(53)}
		models := to(far(having("role", "inference"), having("serves", "models")))
		models.Ports = []networkingv1.NetworkPolicyPort{namedPort("http")}
		add(newPolicy(ns, "closed", all, []networkingv1.NetworkPolicyIngressRule{}, []networkingv1.NetworkPolicyEgressRule{}))
		add(newPolicy(ns, "names-and-models", all, nil, []networkingv1.NetworkPolicyEgressRule{dns, models}))
		fetch := to(block("0.0.0.0/0", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"))
		fetch.Ports = []networkingv1.NetworkPolicyPort{port(443)}
		add(newPolicy(ns, "fetch", having("stage", "fetch"), nil, []networkingv1.NetworkPolicyEgressRule{fetch}))
		for job := range jobs {
			workers := having("batch.kubernetes.io/job-name", fmt.Sprint("train-", job))
			first := having("batch.kubernetes.io/job-name", fmt.Sprint("train-", job))
			first.MatchLabels["batch.kubernetes.io/job-completion-index"] = "0"
			rendezvous := from(near(workers))
			rendezvous.Ports = []networkingv1.NetworkPolicyPort{port(29500)}
			all := to(near(workers))
			all.Ports = []networkingv1.NetworkPolicyPort{portRange(20000, 29500)}
			collective := from(near(workers))
			collective.Ports = []networkingv1.NetworkPolicyPort{portRange(20000, 20999)}
			add(newPolicy(ns, fmt.Sprint("rendezvous-", job), first, []networkingv1.NetworkPolicyIngressRule{rendezvous}, nil))
			add(newPolicy(ns, fmt.Sprint("collective-", job), workers, []networkingv1.NetworkPolicyIngressRule{collective}, []networkingv1.NetworkPolicyEgressRule{all}))
		}
	}
}
