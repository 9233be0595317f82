package demo

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
)

// verdicts asks the reference interpreter about the example.
type verdicts struct {
	objects
	oracle *oracle.Oracle
}

func newVerdicts(t *testing.T) verdicts {
	t.Helper()
	o := read(t)
	w := oracle.World{
		Namespaces: slices.Collect(maps.Values(o.namespaces)),
		Nodes:      slices.Collect(maps.Values(o.nodes)),
		Pods:       o.pods,
		Policies:   o.policies,
	}
	for _, c := range o.serviceCIDRs {
		w.ServiceCIDRs = append(w.ServiceCIDRs, c.Spec.CIDRs...)
	}
	for _, j := range o.jobs {
		w.Workloads = append(w.Workloads, oracle.Workload{Kind: "job", Namespace: j.Namespace, Name: j.Name,
			Replicas: j.Spec.Parallelism, OwnerReferences: j.OwnerReferences, Template: j.Spec.Template, JobStatus: j.Status})
	}
	x, err := oracle.New(w)
	require.NoError(t, err)
	require.Empty(t, x.Rejected())
	require.Len(t, x.Ends(), 53+4, "running pods and nodes; no job stands for pods beside its own (R59, R67)")
	return verdicts{o, x}
}

// ends are the pods that an app.kubernetes.io/name (or k8s-app) stands for, a
// node, or an address.
func (v verdicts) ends(t *testing.T, name string) (ends []oracle.End) {
	t.Helper()
	if a, err := netip.ParseAddr(name); err == nil {
		return []oracle.End{{Addr: a}}
	}
	if _, ok := v.nodes[name]; ok {
		return []oracle.End{{Node: name}}
	}
	for _, e := range v.oracle.Ends() {
		i := slices.IndexFunc(v.pods, func(p corev1.Pod) bool { return p.Namespace == e.Namespace && p.Name == e.Name })
		if i >= 0 && appOf(v.pods[i]) == name {
			ends = append(ends, e)
		}
	}
	require.NotEmpty(t, ends, name)
	return ends
}

// sources counts the pods, by app, that may open a TCP connection to some pod
// of the destination.
func (v verdicts) sources(t *testing.T, to string, port uint16) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, p := range v.pods {
		if p.Spec.HostNetwork || p.Status.Phase == "Succeeded" {
			continue
		}
		from := oracle.End{Namespace: p.Namespace, Name: p.Name}
		for _, d := range v.ends(t, to) {
			if d == from {
				continue
			}
			got := v.oracle.Verdict(from, d, model.TCP, port, model.AnyFamily)
			require.NotEqual(t, model.Unknown, got, "%v -> %v: a live snapshot leaves nothing open", from, d)
			if got == model.Allowed {
				n[appOf(p)]++
				break
			}
		}
	}
	return n
}

func TestMistake1TrainingReachesTheInternet(t *testing.T) {
	v := newVerdicts(t)
	require.Equal(t, map[string]int{
		"llama-sft":      6, // the mistake
		"hub-download":   1,
		"research-agent": 2,
		"coredns":        2, // kube-system has no default deny
		"metrics-server": 1,
	}, v.sources(t, "8.8.8.8", 443))
	require.Equal(t, map[string]int{"coredns": 2, "metrics-server": 1}, v.sources(t, "8.8.8.8", 80))
	require.Equal(t, map[string]int{"coredns": 2, "metrics-server": 1}, v.sources(t, "169.254.169.254", 443))
}

func TestMistake2AgentsReachTheVectorStore(t *testing.T) {
	v := newVerdicts(t)
	agents := map[string]int{"retriever": 2, "research-agent": 2, "code-sandbox": 2}
	with := func(m map[string]int, app string, n int) map[string]int {
		m = maps.Clone(m)
		m[app] = n
		return m
	}
	require.Equal(t, with(agents, "prometheus", 1), v.sources(t, "qdrant", 6333))
	require.Equal(t, with(agents, "corpus-index", 4), v.sources(t, "qdrant", 6334))
	require.Equal(t, map[string]int{"qdrant": 3}, v.sources(t, "qdrant", 6335))
}

func TestMistake3PrometheusDoesNotReachTheModel(t *testing.T) {
	v := newVerdicts(t)
	prometheus := v.ends(t, "prometheus")[0]
	for _, d := range v.ends(t, "vllm") {
		for port := range uint16(10000) {
			require.Equal(t, model.Denied, v.oracle.Verdict(prometheus, d, model.TCP, port+1, model.AnyFamily), "%v:%d", d, port+1)
		}
	}
	require.Equal(t, map[string]int{"prometheus": 1}, v.sources(t, "text-embeddings-inference", 9000))
	require.Equal(t, map[string]int{"prometheus": 1}, v.sources(t, "router", 9901))
}

// What the policies are meant to allow, they allow: between every pod of one
// side and every pod of the other.
func TestIntendedConnections(t *testing.T) {
	v := newVerdicts(t)
	for _, c := range []struct {
		from, to string
		protocol model.Protocol
		port     uint16
	}{
		{"llama-pretrain", "coredns", model.UDP, 53},
		{"llama-pretrain", "llama-pretrain", model.TCP, 29500},
		{"llama-pretrain", "minio", model.TCP, 9000},
		{"llama-sft", "mlflow", model.TCP, 5000},
		{"sft-eval", "mlflow", model.TCP, 5000},
		{"hub-download", "minio", model.TCP, 9000},
		{"vllm", "minio", model.TCP, 9000},
		{"router", "vllm", model.TCP, 8000},
		{"router", "text-embeddings-inference", model.TCP, 8000},
		{"api-gateway", "router", model.TCP, 8080},
		{"api-gateway", "research-agent", model.TCP, 8080},
		{"research-agent", "retriever", model.TCP, 8080},
		{"research-agent", "code-sandbox", model.TCP, 8080},
		{"research-agent", "router", model.TCP, 8080},
		{"retriever", "qdrant", model.TCP, 6333},
		{"corpus-index", "qdrant", model.TCP, 6334},
		{"corpus-index", "router", model.TCP, 8080},
		{"corpus-index", "minio", model.TCP, 9000},
		{"minio", "minio", model.TCP, 9000},
		{"mlflow", "minio", model.TCP, 9000},
		{"qdrant", "qdrant", model.TCP, 6335},
		{"8.8.8.8", "api-gateway", model.TCP, 8443},
		{"prometheus", "coredns", model.TCP, 9153},
		{"prometheus", "api-gateway", model.TCP, 9901},
		{"prometheus", "node-exporter", model.TCP, 9100},
		{"prometheus", "gpu-a", model.TCP, 10250},
		{"gpu-a", "coredns", model.UDP, 53},
	} {
		for _, s := range v.ends(t, c.from) {
			for _, d := range v.ends(t, c.to) {
				require.Equal(t, model.Allowed, v.oracle.Verdict(s, d, c.protocol, c.port, model.AnyFamily), "%v -> %v %v %d", s, d, c.protocol, c.port)
			}
		}
	}
}

// What they are meant to forbid, they forbid, but for the three mistakes.
func TestIntendedDenials(t *testing.T) {
	v := newVerdicts(t)
	for _, c := range []struct {
		from, to string
		port     uint16
	}{
		{"llama-sft", "qdrant", 6333},
		{"llama-sft", "vllm", 8000},
		{"vllm", "llama-sft", 29500},
		{"vllm", "8.8.8.8", 443},
		{"code-sandbox", "8.8.8.8", 443},
		{"code-sandbox", "minio", 9000},
		{"code-sandbox", "vllm", 8000},
		{"code-sandbox", "10.0.0.14", 6443},
		{"retriever", "8.8.8.8", 443},
		{"corpus-index", "8.8.8.8", 443},
		{"api-gateway", "vllm", 8000},
		{"api-gateway", "qdrant", 6333},
		{"8.8.8.8", "router", 8080},
		{"8.8.8.8", "api-gateway", 9901},
		{"llama-sft", "minio", 9001},
	} {
		for _, s := range v.ends(t, c.from) {
			for _, d := range v.ends(t, c.to) {
				require.Equal(t, model.Denied, v.oracle.Verdict(s, d, model.TCP, c.port, model.AnyFamily), "%v -> %v TCP %d", s, d, c.port)
			}
		}
	}
}

func appOf(p corev1.Pod) string {
	if app := p.Labels["app.kubernetes.io/name"]; app != "" {
		return app
	}
	return strings.Replace(p.Labels["k8s-app"], "kube-dns", "coredns", 1)
}
