package oracle

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const isolateX = `x {podSelector: {}, policyTypes: [Ingress, Egress]}`

func TestSelfAndHostNetwork(t *testing.T) {
	hostNetwork := func(ns, name string) func(*World) {
		return func(w *World) {
			p := w.pod(ns, name)
			p.Spec.HostNetwork = true
			p.Status.PodIPs = []corev1.PodIP{{IP: map[string]string{"n1": "192.168.0.11", "n2": "192.168.0.12"}[p.Spec.NodeName]}}
		}
	}
	agents := func(w *World) {
		w.Workloads = []Workload{{Kind: "daemonset", Namespace: "y", Name: "agent", Template: template("app=agent")}}
		w.Workloads[0].Template.Spec.HostNetwork = true
	}
	run(t, []scenario{
		{rule: "R50 self", policies: []string{isolateX}, want: []string{"xa>xa ALL", "xa>xb NONE"}},
		{rule: "R50 replicas are different pods", policies: []string{isolateX},
			world: func(w *World) { w.Workloads = []Workload{deployment("x", "w", "", 2)} },
			want:  []string{"x/w[0]>x/w[0] ALL", "x/w[0]>x/w[1] NONE"}},
		{rule: "R52 own node", policies: []string{isolateX}, want: []string{"node/n1>xa ALL", "node/n2>xa NONE"}},
		{rule: "R53 to the own node", policies: []string{isolateX}, want: []string{"xa>node/n1 NONE"}},
		{rule: "R54 another node by address", policies: []string{in + `{from: [{ipBlock: {cidr: 192.168.0.12/32}}], ports: [{port: 80}]}]}`},
			want: []string{"node/n2>xa TCP 80", "192.168.0.12>xa TCP 80", "node/n1>xa ALL"}},
		{rule: "R55 host-network subject", policies: []string{isolateX}, world: hostNetwork("x", "a"), want: []string{"ya>xa ALL", "xa>ya ALL"}},
		{rule: "R56 host-network peer by selector", policies: []string{in + `{from: [{namespaceSelector: {}}]}]}`}, world: hostNetwork("y", "a"), want: []string{"ya>xa NONE", "yb>xa ALL"}},
		{rule: "R56 host-network peer by address", policies: []string{in + `{from: [{ipBlock: {cidr: 192.168.0.12/32}}]}]}`}, world: hostNetwork("y", "a"), want: []string{"ya>xa ALL"}},
		{rule: "R57 host-network pod on the own node", policies: []string{isolateX}, world: hostNetwork("x", "b"), want: []string{"xb>xa ALL", "xa>xb NONE"}},
		{rule: "R57 node unknown", policies: []string{isolateX},
			world: func(w *World) {
				hostNetwork("y", "a")(w)
				w.pod("y", "a").Spec.NodeName = ""
				for i := range w.Pods {
					w.Pods[i].Status = corev1.PodStatus{}
				}
			},
			want: []string{"ya>xa NONE .. ALL", "ya>xa other unspecified"}},
		{rule: "R57 host-network DaemonSet", policies: []string{isolateX}, world: agents, want: []string{"y/agent[0]>xa ALL", "y/agent[1]>xa NONE .. ALL"}},
		{rule: "R57 nodes by name without Node objects", policies: []string{isolateX},
			world: func(w *World) { hostNetwork("x", "b")(w); hostNetwork("y", "a")(w); w.Nodes = nil }, want: []string{"xb>xa ALL", "ya>xa NONE"}},
		{rule: "R58 own node by hostIP", policies: []string{isolateX},
			world: func(w *World) {
				w.pod("x", "a").Spec.NodeName = ""
				w.pod("x", "a").Status.HostIP = "192.168.0.12"
			}, want: []string{"node/n2>xa ALL", "node/n1>xa NONE", "node/n1>xb ALL"}},
		{rule: "R58 several node addresses", policies: []string{in + `{from: [{ipBlock: {cidr: 172.16.0.2/32}}]}]}`, `x {podSelector: {matchLabels: {app: b}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 172.16.0.2/32}}]}]}`},
			world: func(w *World) { w.Nodes[1] = nodeObject("n2", "192.168.0.12", "172.16.0.2", "n2.example") },
			want:  []string{"node/n2>xa NONE .. ALL", "xb>node/n2 ALL", "xb>node/n1 NONE"}},
	})
}

func TestWhichPodsAreEndpoints(t *testing.T) {
	ends := func(change func(*World)) []End {
		w := World{Pods: []corev1.Pod{podObject("x", "a", "", "", "10.1.0.1"), podObject("x", "b", "", "", "10.1.0.2")}}
		change(&w)
		o, err := New(w)
		require.NoError(t, err)
		return o.Ends()
	}
	a, b := End{Namespace: "x", Name: "a"}, End{Namespace: "x", Name: "b"}
	for _, tt := range []struct {
		rule   string
		change func(*World)
		want   []End
	}{
		{"R59 Succeeded", func(w *World) { w.Pods[0].Status.Phase = corev1.PodSucceeded }, []End{b}},
		{"R59 Failed", func(w *World) { w.Pods[0].Status.Phase = corev1.PodFailed }, []End{b}},
		{"R59 Pending with an address", func(w *World) { w.Pods[0].Status.Phase = corev1.PodPending }, []End{a, b}},
		{"R59 Unknown", func(w *World) { w.Pods[0].Status.Phase = corev1.PodUnknown }, []End{a, b}},
		{"R60 terminating", func(w *World) { w.Pods[0].DeletionTimestamp = &metav1.Time{} }, []End{a, b}},
		{"R61 live, no address", func(w *World) { w.Pods[0].Status.PodIPs = nil }, []End{b}},
		{"R61 static", func(w *World) { w.Pods[0].Status.PodIPs, w.Pods[1].Status.PodIPs = nil, nil }, []End{a, b}},
		{"R61 a template in a live snapshot", func(w *World) { w.Workloads = []Workload{deployment("y", "d", "", 1)} }, []End{a, b, {Namespace: "y", Name: "d"}}},
		{"R64 no replicas", func(w *World) { w.Workloads = []Workload{deployment("y", "d", "", 0)} }, []End{a, b}},
		{"R64 replicas absent", func(w *World) {
			w.Workloads = []Workload{{Kind: "job", Namespace: "y", Name: "j", Template: template("")}}
		}, []End{a, b, {Namespace: "y", Name: "j"}}},
		{"R64 DaemonSet", func(w *World) {
			w.Workloads = []Workload{{Kind: "daemonset", Namespace: "y", Name: "d", Template: template("")}}
		},
			[]End{a, b, {Namespace: "y", Name: "d[0]"}, {Namespace: "y", Name: "d[1]"}}},
		{"R67 pods of a Deployment", func(w *World) {
			yes := true
			w.Pods[0].OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "d-5d4f", Controller: &yes}}
			w.Pods[0].Labels["pod-template-hash"] = "5d4f"
			w.Workloads = []Workload{deployment("x", "d", "", 3)}
		}, []End{a, b}},
		{"R67 pods of another ReplicaSet", func(w *World) {
			yes := true
			w.Pods[0].OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "d-1", Controller: &yes}}
			w.Workloads = []Workload{deployment("x", "d", "", 1)}
		}, []End{a, b, {Namespace: "x", Name: "d"}}},
		{"R67 a ReplicaSet of a Deployment", func(w *World) {
			yes := true
			w.Workloads = []Workload{
				{Kind: "replicaset", Namespace: "x", Name: "d-1", Template: template(""), OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: "d", Controller: &yes}}},
				deployment("x", "d", "", 1),
			}
		}, []End{a, b, {Namespace: "x", Name: "d"}}},
		{"R64 a name that a pod has", func(w *World) { w.Workloads = []Workload{deployment("x", "a", "", 1), deployment("y", "a", "", 1)} },
			[]End{a, b, {Namespace: "x", Name: "deployment.a"}, {Namespace: "y", Name: "a"}}},
		{"R7 the first of two", func(w *World) { w.Pods = append(w.Pods, podObject("x", "b", "", "", "10.1.0.9")) }, []End{a, b}},
	} {
		t.Run(tt.rule, func(t *testing.T) { require.Equal(t, tt.want, ends(tt.change)) })
	}
	run(t, []scenario{
		{rule: "R62 Running owns the address", policies: []string{in + `{from: [{podSelector: {matchLabels: {app: d}}}]}]}`},
			world: func(w *World) {
				w.pod("x", "c").Status.Phase = corev1.PodPending
				w.Pods = append(w.Pods, podObject("x", "d", "app=d", "n1", "10.1.0.3"))
			}, want: []string{"10.1.0.3>xa ALL", "xc>xa NONE"}},
		{rule: "R62 else the first", policies: []string{in + `{from: [{podSelector: {matchLabels: {app: d}}}]}]}`},
			world: func(w *World) { w.Pods = append(w.Pods, podObject("x", "d", "app=d", "n1", "10.1.0.3")) },
			want:  []string{"10.1.0.3>xa NONE", "xd>xa ALL"}},
		{rule: "R63 template labels", policies: []string{in + `]}`},
			world: func(w *World) {
				w.Workloads = []Workload{{Kind: "cronjob", Namespace: "x", Name: "cj", Template: template("app=a")}}
			},
			want: []string{"yb>x/cj NONE"}},
	})
}

func TestConfiguration(t *testing.T) {
	for name, w := range map[string]World{
		"profile":      {Profile: "nosuch"},
		"pod CIDR":     {PodCIDRs: []string{"10.0.0.1"}},
		"service CIDR": {ServiceCIDRs: []string{"x"}},
		"family":       {Families: []string{"IPv5"}},
		"kind":         {Workloads: []Workload{{Kind: "nosuch"}}},
	} {
		_, err := New(w)
		require.Error(t, err, name)
	}
	o, err := New(World{})
	require.NoError(t, err)
	require.Empty(t, o.Ends())
	require.Panics(t, func() { o.Verdict(End{Namespace: "x", Name: "a"}, End{Addr: netip.MustParseAddr("1.1.1.1")}, 0, 80, 0) })
}
