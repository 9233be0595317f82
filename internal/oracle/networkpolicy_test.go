package oracle

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podreach/podreach/model"
)

// The subject of most policies below is xa: namespace x, label app=a.
const (
	subject = `podSelector: {matchLabels: {app: a}}`
	in      = `x {` + subject + `, policyTypes: [Ingress], ingress: [`
	eg      = `x {` + subject + `, policyTypes: [Egress], egress: [`
)

func TestIsolation(t *testing.T) {
	run(t, []scenario{
		{rule: "R9 nothing is isolated", want: []string{"xb>xa ALL", "8.8.8.8>xa ALL", "xa>8.8.8.8 ALL", "xa>node/n2 ALL"}},
		{rule: "R10 ingress alone", policies: []string{in + `]}`},
			want: []string{"xb>xa NONE", "8.8.8.8>xa NONE", "node/n2>xa NONE", "xa>yb ALL", "xb>xc ALL", "ya>yb ALL"}},
		{rule: "R10 egress alone", policies: []string{eg + `]}`},
			want: []string{"xa>xb NONE", "xa>8.8.8.8 NONE", "xa>node/n2 NONE", "xb>xa ALL"}},
		{rule: "R11 union", policies: []string{in + `{ports: [{port: 80}]}]}`, in + `{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 81}]}]}`},
			want: []string{"xb>xa TCP 80-81", "xc>xa TCP 80"}},
		{rule: "R3 R12 both ends", policies: []string{eg + `{ports: [{port: 80, endPort: 90}]}]}`, `x {podSelector: {matchLabels: {app: b}}, policyTypes: [Ingress], ingress: [{ports: [{port: 85, endPort: 100}]}]}`},
			want: []string{"xa>xb TCP 85-90", "xa>xc TCP 80-90", "xc>xb TCP 85-100"}},
		{rule: "R13 an empty rule", policies: []string{in + `{}]}`}, want: []string{"xb>xa ALL", "8.8.8.8>xa ALL"}},
		{rule: "R14 rules of an unlisted direction", policies: []string{`x {` + subject + `, policyTypes: [Ingress], ingress: [{}], egress: [{to: [{ipBlock: {cidr: 1.1.1.0/24}}]}]}`},
			want: []string{"xa>yb ALL", "xa>8.8.8.8 ALL", "xb>xa ALL"}},
		{rule: "R14 cilium", profile: "cilium", policies: []string{`x {` + subject + `, policyTypes: [Ingress], ingress: [{}], egress: [{to: [{ipBlock: {cidr: 1.1.1.0/24}}]}]}`},
			want: []string{"xa>yb NONE", "xa>8.8.8.8 NONE", "xa>1.1.1.1 ALL", "xb>xa ALL"}},
		{rule: "R15 empty egress adds nothing", policies: []string{`x {` + subject + `, egress: []}`}, want: []string{"xb>xa NONE", "xa>xb ALL"}},
		{rule: "R15 egress rules add egress", policies: []string{`x {` + subject + `, egress: [{to: [{podSelector: {matchLabels: {app: b}}}]}]}`},
			want: []string{"xb>xa NONE", "xa>xb ALL", "xa>xc NONE"}},
		{rule: "R15 an empty list is absent", policies: []string{`x {` + subject + `, policyTypes: [], ingress: [{}]}`}, want: []string{"xb>xa ALL", "xa>xb ALL"}},
		{rule: "R16 a direction twice", policies: []string{`x {` + subject + `, policyTypes: [Ingress, Ingress]}`}, want: []string{"xb>xa NONE", "xa>xb ALL"}},
		{rule: "R17 own namespace", policies: []string{in + `]}`}, want: []string{"xb>ya ALL", "xb>za ALL"}},
		{rule: "R7 default namespace", policies: []string{` {podSelector: {}, policyTypes: [Ingress]}`},
			world: func(w *World) { w.Pods[0].Namespace = "" }, want: []string{"xb>default/a NONE", "xb>xc ALL"}},
	})
}

func TestSelectorsAndPeers(t *testing.T) {
	from := func(peer string) []string { return []string{in + `{from: [` + peer + `]}]}`} }
	run(t, []scenario{
		{rule: "R20 NotIn holds for an absent key", policies: from(`{podSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]}}`), want: []string{"xb>xa ALL", "xc>xa ALL"}},
		{rule: "R20 absent is not empty", policies: from(`{podSelector: {matchLabels: {tier: ""}}}`), want: []string{"xc>xa ALL", "xb>xa NONE"}},
		{rule: "R20 Exists", policies: from(`{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}`), want: []string{"xc>xa ALL", "xb>xa NONE"}},
		{rule: "R20 DoesNotExist", policies: from(`{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}`), want: []string{"xc>xa NONE", "xb>xa ALL"}},
		{rule: "R20 In of the empty value", policies: from(`{podSelector: {matchExpressions: [{key: tier, operator: In, values: [""]}]}}`), want: []string{"xc>xa ALL", "xb>xa NONE"}},
		{rule: "R19 conjunction", policies: []string{`x {podSelector: {matchExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: In, values: [b]}]}}`}, want: []string{"xb>xa ALL", "xa>xb ALL"}},
		{rule: "R22 both selectors", policies: from(`{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: b}}}`), want: []string{"yb>xa ALL", "ya>xa NONE", "xb>xa NONE"}},
		{rule: "R22 two elements", policies: from(`{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: b}}}`), want: []string{"ya>xa ALL", "yb>xa ALL", "xb>xa ALL", "xc>xa NONE"}},
		{rule: "R22 podSelector stays at home", policies: from(`{podSelector: {}}`), want: []string{"xb>xa ALL", "ya>xa NONE", "8.8.8.8>xa NONE"}},
		{rule: "R22 R27 namespaceSelector", policies: from(`{namespaceSelector: {}}`), want: []string{"xb>xa ALL", "za>xa ALL", "8.8.8.8>xa NONE", "node/n2>xa NONE"}},
		{rule: "R23 empty from", policies: []string{in + `{from: []}]}`}, want: []string{"8.8.8.8>xa ALL", "node/n2>xa ALL"}},
		{rule: "R24 metadata.name", policies: from(`{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "y"}}}`),
			world: func(w *World) { w.Namespaces[1].Labels["kubernetes.io/metadata.name"] = "evil" }, want: []string{"ya>xa ALL", "xb>xa NONE"}},
		{rule: "R24 metadata.name as written", policies: from(`{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: evil}}}`),
			world: func(w *World) { w.Namespaces[1].Labels["kubernetes.io/metadata.name"] = "evil" }, want: []string{"ya>xa NONE"}},
		{rule: "R25 missing namespace", policies: append(from(`{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "w"}}}`), `x {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}]}]}`),
			world: func(w *World) { w.Pods = append(w.Pods, podObject("w", "a", "", "n2", "10.4.0.1")) }, want: []string{"wa>xa ALL", "ya>xa NONE", "wa>xb ALL", "xa>xb NONE"}},
	})
}

func TestPorts(t *testing.T) {
	ports := func(list string) []string { return []string{in + `{ports: [` + list + `]}]}`} }
	web := func(w *World) { w.pod("x", "a").Spec = podSpec("web TCP 80; web TCP 81") }
	dns := func(w *World) { w.pod("x", "a").Spec = podSpec("dns TCP 53; dns UDP 53") }
	sidecar := func(always bool) func(*World) {
		return func(w *World) {
			c := container("init", "metrics TCP 9100")
			if always {
				policy := corev1.ContainerRestartPolicyAlways
				c.RestartPolicy = &policy
			}
			w.pod("x", "a").Spec.InitContainers = []corev1.Container{c}
		}
	}
	run(t, []scenario{
		{rule: "R28 no ports", policies: ports(``), want: []string{"xb>xa ALL"}},
		{rule: "R29 the default is TCP", policies: ports(`{port: 53}`), want: []string{"xb>xa TCP 53"}},
		{rule: "R30 port absent", policies: ports(`{protocol: UDP}`), want: []string{"xb>xa UDP 1-65535"}},
		{rule: "R30 an empty entry", policies: ports(`{}`), want: []string{"xb>xa TCP 1-65535"}},
		{rule: "R31 undeclared port", policies: ports(`{port: 9999}`), want: []string{"xb>xa TCP 9999"}},
		{rule: "R32 endPort", policies: ports(`{protocol: UDP, port: 5000, endPort: 5001}, {port: 80, endPort: 80}`), want: []string{"xb>xa TCP 80 UDP 5000-5001"}},
		{rule: "R33 protocol of a name", policies: ports(`{port: dns}`), want: []string{"xb>xa NONE"}},
		{rule: "R33 a name", policies: ports(`{port: http}, {protocol: UDP, port: dns}`), want: []string{"xb>xa TCP 80 UDP 53"}},
		{rule: "R33 container protocol defaults to TCP", policies: ports(`{port: h}`), world: func(w *World) { w.pod("x", "a").Spec = podSpec("h 90") }, want: []string{"xb>xa TCP 90"}},
		{rule: "R33 on the destination", policies: []string{eg + `{ports: [{port: http}]}]}`},
			world: func(w *World) {
				w.pod("z", "a").Spec = podSpec("http TCP 9090")
				w.pod("x", "a").Spec = podSpec("http TCP 1111")
			}, want: []string{"xa>yb TCP 80", "xa>za TCP 9090"}},
		{rule: "R34 sidecar", policies: ports(`{port: metrics}`), world: sidecar(true), want: []string{"xb>xa TCP 9100"}},
		{rule: "R34 init container", policies: ports(`{port: metrics}`), world: sidecar(false), want: []string{"xb>xa NONE"}},
		{rule: "R34 calico", profile: "calico", policies: ports(`{port: metrics}`), world: sidecar(false), want: []string{"xb>xa TCP 9100"}},
		{rule: "R34 cilium", profile: "cilium", policies: ports(`{port: metrics}`), world: sidecar(true), want: []string{"xb>xa NONE"}},
		{rule: "R35 two protocols", policies: ports(`{port: dns}, {protocol: UDP, port: dns}`), world: dns, want: []string{"xb>xa TCP 53 UDP 53"}},
		{rule: "R35 two numbers", policies: ports(`{port: web}`), world: web, want: []string{"xb>xa TCP 80-81"}},
		{rule: "R35 cilium two numbers", profile: "cilium", policies: ports(`{port: web}`), world: web, want: []string{"xb>xa TCP 81"}},
		{rule: "R35 cilium two protocols", profile: "cilium", policies: ports(`{port: dns}, {protocol: UDP, port: dns}`), world: dns, want: []string{"xb>xa UDP 53"}},
		{rule: "R36 not on addresses and nodes", policies: []string{eg + `{ports: [{port: http}, {port: 443}]}]}`}, want: []string{"xa>xb TCP 80,443", "xa>8.8.8.8 TCP 443", "xa>node/n2 TCP 443"}},
		{rule: "R36 not on host-network pods", policies: []string{eg + `{ports: [{port: http}]}]}`},
			world: func(w *World) { w.pod("y", "a").Spec.HostNetwork = true }, want: []string{"xa>ya NONE", "xa>yb TCP 80"}},
		{rule: "R37 unknown name", policies: ports(`{port: nosuch}, {port: 80}`), want: []string{"xb>xa TCP 80"}},
		{rule: "R38 digits", policies: ports(`{port: "80"}`), rejected: []model.ObjectRef{{Kind: "NetworkPolicy", Namespace: "x", Name: "p0"}}, want: []string{"xb>xa ALL"}},
		{rule: "R39 SCTP", policies: ports(`{protocol: SCTP, port: 80}`), want: []string{"xb>xa SCTP 80"}},
	})
}

func TestOther(t *testing.T) {
	peerOnly := []string{in + `{from: [{podSelector: {matchLabels: {app: b}}}]}]}`}
	withPorts := []string{in + `{ports: [{}, {protocol: UDP}, {protocol: SCTP}]}]}`}
	run(t, []scenario{
		{rule: "R84 not isolated", want: []string{"xb>xa other yes"}},
		{rule: "R84 isolated", policies: peerOnly, want: []string{"xb>xa other unspecified", "xc>xa other unspecified", "xa>xb other yes"}},
		{rule: "R84 R52 own node, self", policies: peerOnly, want: []string{"node/n1>xa other yes", "node/n2>xa other unspecified", "xa>xa other yes"}},
		{rule: "R84 as-portless", profile: "calico", policies: peerOnly, want: []string{"xb>xa other yes", "xc>xa other no"}},
		{rule: "R84 every port is not portless", policies: withPorts, want: []string{"xb>xa ALL", "xb>xa other unspecified"}},
		{rule: "R84 as-portless, every port", profile: "cilium", policies: withPorts, want: []string{"xb>xa ALL", "xb>xa other no"}},
	})
}
