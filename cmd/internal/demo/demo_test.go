package demo

import (
	"bytes"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// objects is the example, decoded strictly: a misspelled field is an error.
type objects struct {
	namespaces   map[string]corev1.Namespace
	nodes        map[string]corev1.Node
	pods         []corev1.Pod
	jobs         []batchv1.Job
	policies     []networkingv1.NetworkPolicy
	serviceCIDRs []networkingv1.ServiceCIDR
}

func read(t *testing.T) objects {
	t.Helper()
	o := objects{namespaces: map[string]corev1.Namespace{}, nodes: map[string]corev1.Node{}}
	for _, name := range Names() {
		b, err := fs.ReadFile(Files(), name)
		require.NoError(t, err)
		for _, doc := range bytes.Split(b, []byte("\n---\n")) {
			var meta metav1.TypeMeta
			require.NoError(t, yaml.Unmarshal(doc, &meta), name)
			switch meta.Kind {
			case "Namespace":
				v := decode[corev1.Namespace](t, doc)
				o.namespaces[v.Name] = v
			case "Node":
				v := decode[corev1.Node](t, doc)
				o.nodes[v.Name] = v
			case "Pod":
				o.pods = append(o.pods, decode[corev1.Pod](t, doc))
			case "Job":
				o.jobs = append(o.jobs, decode[batchv1.Job](t, doc))
			case "ServiceCIDR":
				o.serviceCIDRs = append(o.serviceCIDRs, decode[networkingv1.ServiceCIDR](t, doc))
			case "NetworkPolicy":
				o.policies = append(o.policies, decode[networkingv1.NetworkPolicy](t, doc))
			default:
				require.Failf(t, "unexpected kind", "%s: %q", name, meta.Kind)
			}
		}
	}
	return o
}

func decode[T any](t *testing.T, doc []byte) (v T) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict(doc, &v), string(doc))
	return v
}

func TestNamesAreTheFilesInOrder(t *testing.T) {
	names := Names()
	require.Equal(t, "00-namespaces.yaml", names[0])
	require.Contains(t, names, "policies/ml-training.yaml")
	require.True(t, slices.IsSorted(names))
	for _, n := range names {
		require.True(t, strings.HasSuffix(n, ".yaml"), n)
	}
}

// The figures are those of cluster/README.md.
func TestFigures(t *testing.T) {
	o := read(t)
	require.Len(t, o.namespaces, 7)
	require.Len(t, o.nodes, 4)
	require.Len(t, o.serviceCIDRs, 1)
	require.Len(t, o.pods, 54)
	require.Len(t, o.policies, 28)
	require.Len(t, o.jobs, 6)
	require.Len(t, o.selected("ml-training", "app.kubernetes.io/component=training"), 18)
	host, finished := 0, 0
	for _, p := range o.pods {
		if p.Spec.HostNetwork {
			host++
		}
		if p.Status.Phase == corev1.PodSucceeded {
			finished++
		}
	}
	require.Equal(t, 4, host)
	require.Equal(t, 1, finished)
}

// A snapshot of a live cluster: each pod runs on a node that is there, has an
// address of that node, an owner, and the labels that its owner puts on it.
func TestPodsAreConsistent(t *testing.T) {
	o := read(t)
	seen := map[string]bool{}
	gpus := map[string]int64{}
	for _, p := range o.pods {
		id := p.Namespace + "/" + p.Name
		require.False(t, seen[id], "%s twice", id)
		seen[id] = true
		require.Contains(t, o.namespaces, p.Namespace, id)
		require.Contains(t, o.nodes, p.Spec.NodeName, id)
		node := o.nodes[p.Spec.NodeName]
		require.Equal(t, node.Status.Addresses[0].Address, p.Status.HostIP, id)
		require.Equal(t, []corev1.PodIP{{IP: p.Status.PodIP}}, p.Status.PodIPs, id)
		if p.Spec.HostNetwork {
			require.Equal(t, p.Status.HostIP, p.Status.PodIP, id)
		} else {
			require.True(t, netip.MustParsePrefix(node.Spec.PodCIDR).Contains(netip.MustParseAddr(p.Status.PodIP)), id)
			require.False(t, seen[p.Status.PodIP], "address of %s twice", id)
			seen[p.Status.PodIP] = true
		}
		if p.Status.Phase == corev1.PodRunning {
			for _, c := range p.Spec.Containers {
				n := c.Resources.Limits["nvidia.com/gpu"]
				gpus[p.Spec.NodeName] += n.Value()
			}
		}
		owner := metav1.GetControllerOf(&p)
		require.NotNil(t, owner, id)
		require.True(t, strings.HasPrefix(p.Name, owner.Name+"-"), id)
		switch owner.Kind {
		case "Job":
			require.Equal(t, owner.Name, p.Labels[batchv1.JobNameLabel], id)
			require.Equal(t, string(owner.UID), p.Labels[batchv1.ControllerUidLabel], id)
		case "ReplicaSet":
			require.True(t, strings.HasSuffix(owner.Name, "-"+p.Labels["pod-template-hash"]), id)
		case "StatefulSet":
			require.Equal(t, p.Name, p.Labels["statefulset.kubernetes.io/pod-name"], id)
		case "DaemonSet":
			require.NotEmpty(t, p.Labels["controller-revision-hash"], id)
		default:
			require.Failf(t, "unexpected owner", "%s: %s", id, owner.Kind)
		}
	}
	for name, n := range gpus {
		capacity := o.nodes[name].Status.Capacity["nvidia.com/gpu"]
		require.LessOrEqual(t, n, capacity.Value(), "GPUs of %s", name)
	}
}

// Every job's pods carry the labels of its template, and their number is its
// parallelism.
func TestJobsMatchTheirPods(t *testing.T) {
	o := read(t)
	for _, j := range o.jobs {
		pods := o.selected(j.Namespace, batchv1.JobNameLabel+"="+j.Name)
		require.Len(t, pods, int(*j.Spec.Parallelism), j.Name)
		for _, p := range pods {
			require.Subset(t, p.Labels, j.Spec.Template.Labels, p.Name)
			require.Equal(t, j.Spec.Template.Spec.Containers, p.Spec.Containers, p.Name)
		}
	}
}

// Each namespace but kube-system isolates every pod in both directions.
func TestDefaultDeny(t *testing.T) {
	o := read(t)
	denied := []string{"kube-system"}
	for _, np := range o.policies {
		if np.Name == "default-deny" {
			require.Equal(t, networkingv1.NetworkPolicySpec{
				PodSelector: metav1.LabelSelector{},
				PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			}, np.Spec)
			denied = append(denied, np.Namespace)
		}
	}
	for ns := range o.namespaces {
		require.Contains(t, denied, ns)
	}
	require.Len(t, denied, len(o.namespaces))
}

// Apart from the mistakes the policies have no slip: every selector selects a
// pod, every policyTypes is what the rules say, every named port exists on
// every pod that it is meant for.
func TestPoliciesHaveNoOtherSlips(t *testing.T) {
	o := read(t)
	var nothing, noPort []string
	for _, np := range o.policies {
		id := np.Namespace + "/" + np.Name
		require.Equal(t, len(np.Spec.Ingress) > 0 || np.Name == "default-deny", slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeIngress), id)
		require.Equal(t, len(np.Spec.Egress) > 0 || np.Name == "default-deny", slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeEgress), id)
		subjects := o.peers(t, np.Namespace, networkingv1.NetworkPolicyPeer{PodSelector: &np.Spec.PodSelector})
		require.NotEmpty(t, subjects, id)
		named := func(ports []networkingv1.NetworkPolicyPort, pods []corev1.Pod) {
			for _, port := range ports {
				if port.Port == nil || port.Port.Type == intstr.Int {
					continue
				}
				for _, p := range pods {
					if !hasPort(p, port) {
						noPort = append(noPort, id+" "+port.Port.StrVal+" "+p.Labels["app.kubernetes.io/name"])
					}
				}
			}
		}
		peers := func(list []networkingv1.NetworkPolicyPeer) (all []corev1.Pod) {
			for _, peer := range list {
				if peer.IPBlock != nil {
					continue
				}
				pods := o.peers(t, np.Namespace, peer)
				if len(pods) == 0 {
					nothing = append(nothing, id)
				}
				all = append(all, pods...)
			}
			return all
		}
		for _, r := range np.Spec.Ingress {
			peers(r.From)
			named(r.Ports, subjects)
		}
		for _, r := range np.Spec.Egress {
			named(r.Ports, peers(r.To))
		}
	}
	require.Equal(t, []string{"ml-data/vector-store"}, nothing, "mistake 2")
	require.Equal(t, []string{"ml-inference/allow-prometheus metrics vllm"}, slices.Compact(noPort), "mistake 3")
}

// What cluster/README.md says of the three mistakes, read off the objects.
func TestMistakes(t *testing.T) {
	o := read(t)

	hubs := o.policy(t, "ml-training", "allow-public-hubs")
	require.Equal(t, map[string]int{"llama-sft": 6, "hub-download": 2},
		byName(o.peers(t, hubs.Namespace, networkingv1.NetworkPolicyPeer{PodSelector: &hubs.Spec.PodSelector})))
	for _, j := range o.jobs {
		require.NotEmpty(t, j.Labels["data-class"], "each Job is labelled")
	}

	store := o.policy(t, "ml-data", "vector-store").Spec.Ingress[0]
	require.Len(t, store.From, 2)
	require.Equal(t, map[string]int{"research-agent": 2, "retriever": 2, "code-sandbox": 2},
		byName(o.peers(t, "ml-data", store.From[0])))
	agents := o.policy(t, "ml-agents", "agents")
	require.Empty(t, agents.Spec.PodSelector)
	require.Equal(t, map[string]int{"qdrant": 3}, byName(o.peers(t, "ml-agents", agents.Spec.Egress[1].To[0])))

	scrape := o.policy(t, "ml-inference", "allow-prometheus")
	require.Empty(t, scrape.Spec.PodSelector)
	open := map[string]int{}
	for _, p := range o.selected("ml-inference", "") {
		if hasPort(p, scrape.Spec.Ingress[0].Ports[0]) {
			open[p.Labels["app.kubernetes.io/name"]]++
		}
	}
	require.Equal(t, map[string]int{"router": 2, "text-embeddings-inference": 2}, open)
}

func (o objects) policy(t *testing.T, ns, name string) networkingv1.NetworkPolicy {
	t.Helper()
	i := slices.IndexFunc(o.policies, func(np networkingv1.NetworkPolicy) bool { return np.Namespace == ns && np.Name == name })
	require.GreaterOrEqual(t, i, 0, "%s/%s", ns, name)
	return o.policies[i]
}

func (o objects) selected(ns, selector string) (pods []corev1.Pod) {
	s := labels.SelectorFromSet(nil)
	if selector != "" {
		s, _ = labels.Parse(selector)
	}
	for _, p := range o.pods {
		if p.Namespace == ns && s.Matches(labels.Set(p.Labels)) {
			pods = append(pods, p)
		}
	}
	return pods
}

// peers is R22 for selector peers, with the API's own selector matching.
func (o objects) peers(t *testing.T, ns string, peer networkingv1.NetworkPolicyPeer) (pods []corev1.Pod) {
	t.Helper()
	matches := func(s *metav1.LabelSelector, set map[string]string) bool {
		if s == nil {
			return true
		}
		sel, err := metav1.LabelSelectorAsSelector(s)
		require.NoError(t, err)
		return sel.Matches(labels.Set(set))
	}
	for _, p := range o.pods {
		inScope := p.Namespace == ns
		if peer.NamespaceSelector != nil {
			inScope = matches(peer.NamespaceSelector, o.namespaces[p.Namespace].Labels)
		}
		if inScope && !p.Spec.HostNetwork && matches(peer.PodSelector, p.Labels) {
			pods = append(pods, p)
		}
	}
	return pods
}

func hasPort(p corev1.Pod, want networkingv1.NetworkPolicyPort) bool {
	protocol := corev1.ProtocolTCP
	if want.Protocol != nil {
		protocol = *want.Protocol
	}
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			if port.Name == want.Port.StrVal && (port.Protocol == protocol || port.Protocol == "" && protocol == corev1.ProtocolTCP) {
				return true
			}
		}
	}
	return false
}

func byName(pods []corev1.Pod) map[string]int {
	n := map[string]int{}
	for _, p := range pods {
		n[p.Labels["app.kubernetes.io/name"]]++
	}
	return n
}
