package oracle

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/podreach/podreach/model"
)

// blocks makes a policy for xa with one ipBlock per element.
func blocks(head string, elements ...string) string {
	peer := "from"
	if head == eg {
		peer = "to"
	}
	s := head + `{` + peer + `: [`
	for i, e := range elements {
		if i > 0 {
			s += ", "
		}
		s += `{ipBlock: {` + e + `}}`
	}
	return s + `]}]}`
}

func TestBlocks(t *testing.T) {
	run(t, []scenario{
		{rule: "R41 except", policies: []string{blocks(in, `cidr: 10.1.0.0/16, except: [10.1.0.2/32]`)}, want: []string{"xc>xa ALL", "xb>xa NONE", "ya>xa NONE"}},
		{rule: "R41 another element", policies: []string{blocks(in, `cidr: 10.1.0.0/16, except: [10.1.0.2/32]`, `cidr: 10.1.0.2/32`)}, want: []string{"xb>xa ALL"}},
		{rule: "R42 overlapping excepts", policies: []string{blocks(in, `cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.0.0/24]`)}, want: []string{"xb>xa NONE", "ya>xa ALL"}},
		{rule: "R42 nothing is left", policies: []string{blocks(in, `cidr: 10.0.0.0/8, except: [10.0.0.0/9, 10.128.0.0/9]`)}, want: []string{"xb>xa NONE", "8.8.8.8>xa NONE"}},
		{rule: "R43 host bits", policies: []string{blocks(in, `cidr: 10.1.2.3/16`)}, want: []string{"xb>xa ALL", "ya>xa NONE"}},
		{rule: "R43 leading zeros", policies: []string{blocks(in, `cidr: 010.01.0.0/016`)}, want: []string{"xb>xa ALL", "ya>xa NONE"}},
		{rule: "R43 IPv4-mapped", policies: []string{blocks(in, `cidr: "::ffff:10.1.0.0/112"`)}, want: []string{"xb>xa ALL", "ya>xa NONE"}},
		{rule: "R43 short IPv4-mapped is IPv6", policies: []string{blocks(in, `cidr: "::ffff:10.1.0.0/80"`)}, want: []string{"xb>xa NONE"}},
		{rule: "R44 IPv6 block", policies: []string{blocks(in, `cidr: "::/0"`)}, want: []string{"xb>xa NONE", "8.8.8.8>xa NONE", "2001:db8::1>xa NONE"}},
		{rule: "R45 pod addresses", policies: []string{blocks(eg, `cidr: 10.2.0.1/32`)}, want: []string{"xa>ya ALL", "xa>yb NONE", "xa>10.2.0.1 ALL"}},
		{rule: "R45 external-only", profile: "cilium", policies: []string{blocks(eg, `cidr: 0.0.0.0/0`)}, want: []string{"xa>ya NONE", "xa>node/n2 NONE", "xa>8.8.8.8 ALL"}},
	})
}

func TestFamilies(t *testing.T) {
	dual := func(w *World) {
		for i := range w.Pods {
			v4 := netip.MustParseAddr(w.Pods[i].Status.PodIPs[0].IP).As4()
			v6 := netip.AddrFrom16([16]byte{0: 0xfd, 14: v4[1], 15: v4[3]})
			w.Pods[i].Status.PodIPs = append(w.Pods[i].Status.PodIPs, corev1.PodIP{IP: v6.String()})
		}
	}
	only6 := func(w *World) { w.pod("x", "b").Status.PodIPs = []corev1.PodIP{{IP: "fd00::2"}} }
	run(t, []scenario{
		{rule: "R46 union", policies: []string{blocks(in, `cidr: 0.0.0.0/0`)}, world: dual, want: []string{"xb>xa ALL", "xb>xa 4 ALL", "xb>xa 6 NONE"}},
		{rule: "R46 both", policies: []string{blocks(in, `cidr: 0.0.0.0/0`, `cidr: "::/0"`)}, world: dual, want: []string{"xb>xa 6 ALL"}},
		{rule: "R46 no common family", world: only6, want: []string{"xa>xb NONE", "xa>xb other no", "xb>xa NONE", "8.8.8.8>xb NONE", "2001:db8::1>xb ALL", "xa>xa 6 ALL"}},
		{rule: "R46 IPv4-mapped question", want: []string{"::ffff:10.1.0.2>xa ALL", "::ffff:8.8.8.8>xa 4 ALL", "8.8.8.8>xa 6 NONE"}},
	})
}

func TestUnknownAddresses(t *testing.T) {
	families := func(f ...string) func(*World) {
		return func(w *World) { static(w); w.Families = f }
	}
	podCIDR := func(cidr ...string) func(*World) {
		return func(w *World) { static(w); w.PodCIDRs = cidr }
	}
	run(t, []scenario{
		{rule: "R47 part of the domain", policies: []string{blocks(eg, `cidr: 10.0.0.0/8`)}, world: static, want: []string{"xa>yb NONE .. ALL", "xa>8.8.8.8 NONE", "xa>10.9.9.9 ALL"}},
		{rule: "R47 all of IPv4", policies: []string{blocks(eg, `cidr: 0.0.0.0/0`)}, world: static, want: []string{"xa>yb ALL", "xa>yb 4 ALL", "xa>yb 6 NONE", "xb>yb 6 NONE .. ALL"}},
		{rule: "R6 two halves", policies: []string{blocks(eg, `cidr: 0.0.0.0/1`, `cidr: 128.0.0.0/1`)}, world: static, want: []string{"xa>yb ALL"}},
		{rule: "R6 complementary policies", policies: []string{
			eg + `{to: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}]}]}`,
			eg + `{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 80}]}]}`},
			world: static, want: []string{"xa>yb TCP 80"}},
		{rule: "R47 except outside the domain", policies: []string{blocks(eg, `cidr: 0.0.0.0/0, except: [169.254.169.254/32]`)}, world: static, want: []string{"xa>yb ALL"}},
		{rule: "R47 except inside", policies: []string{blocks(eg, `cidr: 0.0.0.0/0, except: [192.168.7.7/32]`)}, world: static, want: []string{"xa>yb NONE .. ALL"}},
		{rule: "R47 as source", policies: []string{blocks(in, `cidr: 10.0.0.0/8`)}, world: static, want: []string{"yb>xa NONE .. ALL"}},
		{rule: "R47 pod CIDR inside", policies: []string{blocks(eg, `cidr: 10.244.0.0/16`)}, world: podCIDR("10.244.0.0/16"), want: []string{"xa>yb ALL"}},
		{rule: "R47 pod CIDR outside", policies: []string{blocks(eg, `cidr: 192.168.0.0/16`)}, world: podCIDR("10.244.0.0/16"), want: []string{"xa>yb NONE"}},
		{rule: "R47 no evidence of IPv6", policies: []string{blocks(eg, `cidr: "::/0"`)}, world: static, want: []string{"xa>yb NONE .. ALL", "xa>yb 4 NONE"}},
		{rule: "R47 evidence of IPv6", policies: []string{blocks(eg, `cidr: "::/0"`)}, world: podCIDR("10.244.0.0/16", "fd00::/48"), want: []string{"xa>yb ALL", "xa>yb 6 ALL"}},
		{rule: "R47 configured families", policies: []string{blocks(eg, `cidr: "::/0"`)}, world: families("IPv4"), want: []string{"xa>yb NONE", "xb>yb ALL"}},
		{rule: "R110 pod CIDRs of nodes", policies: []string{blocks(eg, `cidr: 10.7.0.0/24`)},
			world: func(w *World) {
				static(w)
				w.Nodes = []corev1.Node{nodeObject("n1")}
				w.Nodes[0].Spec.PodCIDR = "10.7.0.0/24"
			},
			want: []string{"xa>yb ALL", "xa>node/n1 NONE .. ALL"}},
		{rule: "R57 static nodes", policies: []string{isolateX}, world: func(w *World) { static(w); w.Nodes = []corev1.Node{nodeObject("n1", "192.168.0.11")} },
			want: []string{"node/n1>xa NONE .. ALL", "xa>node/n1 NONE"}},
		{rule: "R45 unknown addresses, external-only", profile: "cilium", policies: []string{blocks(eg, `cidr: 0.0.0.0/0`)}, world: static, want: []string{"xa>yb NONE"}},
		{rule: "R56 host-network pods are at node addresses", policies: []string{blocks(eg, `cidr: 192.168.0.0/24`)},
			world: func(w *World) {
				static(w)
				w.Nodes = []corev1.Node{nodeObject("n1", "192.168.0.11"), nodeObject("n2", "192.168.0.12")}
				w.pod("y", "a").Spec.HostNetwork = true
			}, want: []string{"xa>ya ALL", "xa>yb NONE .. ALL"}},
	})
}

func TestParseCIDR(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.0/8":            "10.0.0.0/8",
		"10.1.2.3/08":           "10.0.0.0/8",
		"010.001.000.000/16":    "10.1.0.0/16",
		"::ffff:10.1.0.0/112":   "10.1.0.0/16",
		"::FFFF:0a01:0000/96":   "0.0.0.0/0",
		"::ffff:10.1.0.0/95":    "::fffe:0:0/95",
		"2001:DB8:0:0::1/32":    "2001:db8::/32",
		"2001:0000db8::/32":     "2001:db8::/32",
		"0.0.0.0/0":             "0.0.0.0/0",
		"10.1.0.2":              "",
		"10.0.0.0/33":           "",
		"10.0.0.0/":             "",
		"10.0.0.0/+8":           "",
		"10.0.0/8":              "",
		"256.0.0.0/8":           "",
		"fe80::1%eth0/64":       "",
		"::1::/64":              "",
		"/8":                    "",
		"":                      "",
		"10.0.0.0/999999999999": "",
	} {
		got, ok := parseCIDR(s)
		require.Equal(t, want != "", ok, s)
		if ok {
			require.Equal(t, want, got.String(), s)
		}
	}
}

func TestProbes(t *testing.T) {
	o := scenario{policies: []string{blocks(in, `cidr: 8.8.8.0/24, except: [8.8.8.8/32]`), in + `{ports: [{port: 1000, endPort: 1010}]}]}`}}.oracle(t)
	atoms := o.Atoms()
	for _, a := range []string{"8.8.7.255", "8.8.8.0", "8.8.8.7", "8.8.8.8", "8.8.8.9", "8.8.8.255", "8.8.9.0", "10.1.0.0"} {
		require.Contains(t, atoms, netip.MustParseAddr(a))
	}
	require.NotContains(t, atoms, netip.MustParseAddr("10.1.0.1"), "owned")
	for _, n := range []uint16{999, 1000, 1001, 1009, 1010, 1011, 79, 81, 8081} {
		require.Contains(t, o.Ports(), PortProbe{model.UDP, n})
	}
}
