package oracle

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
)

// scenario is a world and what must be true in it. The world starts as
// standardWorld; the fields below are added to it or replace it.
type scenario struct {
	rule     string   // what is tested, by rule number
	policies []string // "namespace {spec}" or "namespace/name {spec}", specs in YAML flow style
	profile  string
	world    func(*World) // changes to the standard world
	want     []string     // see check
	rejected []model.ObjectRef
}

// standardWorld: nodes n1 (192.168.0.11) and n2 (192.168.0.12); namespaces
// x{team=red}, y{team=blue}, z; pods xa, xb, xc on n1, ya, yb, za on n2, each
// with ports http TCP 80, alt TCP 8080, dns UDP 53.
func standardWorld() World {
	w := World{
		Namespaces: []corev1.Namespace{namespace("x", "team=red"), namespace("y", "team=blue"), namespace("z", "")},
		Nodes:      []corev1.Node{nodeObject("n1", "192.168.0.11"), nodeObject("n2", "192.168.0.12")},
	}
	for _, p := range []struct{ ns, name, labels, node, ip string }{
		{"x", "a", "app=a", "n1", "10.1.0.1"},
		{"x", "b", "app=b", "n1", "10.1.0.2"},
		{"x", "c", "app=c tier=", "n1", "10.1.0.3"},
		{"y", "a", "app=a", "n2", "10.2.0.1"},
		{"y", "b", "app=b", "n2", "10.2.0.2"},
		{"z", "a", "app=a", "n2", "10.3.0.1"},
	} {
		w.Pods = append(w.Pods, podObject(p.ns, p.name, p.labels, p.node, p.ip))
	}
	return w
}

// static takes away what only a live cluster says: addresses and nodes.
func static(w *World) {
	w.Nodes = nil
	for i := range w.Pods {
		w.Pods[i].Spec.NodeName = ""
		w.Pods[i].Status = corev1.PodStatus{}
	}
}

func labelSet(s string) map[string]string {
	out := map[string]string{}
	for _, kv := range strings.Fields(s) {
		k, v, _ := strings.Cut(kv, "=")
		out[k] = v
	}
	return out
}

func namespace(name, labels string) corev1.Namespace {
	return corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labelSet(labels)}}
}

func nodeObject(name string, addresses ...string) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
	}
	return n
}

func podObject(ns, name, labels, node string, ips ...string) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: labelSet(labels)},
		Spec:       podSpec("http TCP 80, alt TCP 8080, dns UDP 53"),
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	p.Spec.NodeName = node
	for _, ip := range ips {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
	}
	return p
}

// podSpec has one container for each part of s between semicolons.
func podSpec(s string) corev1.PodSpec {
	var spec corev1.PodSpec
	for i, c := range strings.Split(s, ";") {
		spec.Containers = append(spec.Containers, container(fmt.Sprintf("c%d", i), c))
	}
	return spec
}

func container(name, ports string) corev1.Container {
	c := corev1.Container{Name: name}
	for p := range strings.SplitSeq(ports, ",") {
		f := strings.Fields(p)
		number, _ := strconv.Atoi(f[len(f)-1])
		port := corev1.ContainerPort{Name: f[0], ContainerPort: int32(number)}
		if len(f) == 3 {
			port.Protocol = corev1.Protocol(f[1])
		}
		c.Ports = append(c.Ports, port)
	}
	return c
}

func deployment(ns, name, labels string, replicas int32) Workload {
	return Workload{Kind: "deployment", Namespace: ns, Name: name, Replicas: &replicas, Template: template(labels)}
}

func template(labels string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labelSet(labels)}, Spec: podSpec("http TCP 80")}
}

// pod finds a pod of the world for a change.
func (w *World) pod(ns, name string) *corev1.Pod {
	for i := range w.Pods {
		if w.Pods[i].Namespace == ns && w.Pods[i].Name == name {
			return &w.Pods[i]
		}
	}
	panic("no pod " + ns + "/" + name)
}

func networkPolicy(t *testing.T, s string, i int) networkingv1.NetworkPolicy {
	t.Helper()
	head, spec, ok := strings.Cut(s, " ")
	require.True(t, ok, s)
	np := networkingv1.NetworkPolicy{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(spec), &np.Spec), s)
	ns, name, named := strings.Cut(head, "/")
	if !named {
		name = fmt.Sprintf("p%d", i)
	}
	np.Namespace, np.Name = ns, name
	return np
}

func (s scenario) oracle(t *testing.T) *Oracle {
	t.Helper()
	w := standardWorld()
	for i, p := range s.policies {
		w.Policies = append(w.Policies, networkPolicy(t, p, i))
	}
	w.Profile = s.profile
	if s.world != nil {
		s.world(&w)
	}
	o, err := New(w)
	require.NoError(t, err)
	return o
}

func run(t *testing.T, scenarios []scenario) {
	for _, s := range scenarios {
		t.Run(s.rule, func(t *testing.T) {
			o := s.oracle(t)
			require.Equal(t, s.rejected, o.Rejected())
			for _, want := range s.want {
				check(t, o, want)
			}
		})
	}
}

// check verifies one line: "xb>xa TCP 80-90,443 UDP 53" (certain ports), "xb>xa
// NONE .. ALL" (lower and upper bound), "xb>xa 6 ALL" (IPv6 alone, or 4), "xb>xa
// other yes". Ends are "xa" for pod a of x, "x/name", "node/n1", or an address.
func check(t *testing.T, o *Oracle, line string) {
	t.Helper()
	pair, want, _ := strings.Cut(line, " ")
	from, to, ok := strings.Cut(pair, ">")
	require.True(t, ok, line)
	src, dst := end(from), end(to)
	if other, ok := strings.CutPrefix(want, "other "); ok {
		require.Equal(t, other, o.Other(src, dst).String(), line)
		return
	}
	family := model.AnyFamily
	if rest, ok := strings.CutPrefix(want, "4 "); ok {
		family, want = model.IPv4, rest
	} else if rest, ok := strings.CutPrefix(want, "6 "); ok {
		family, want = model.IPv6, rest
	}
	lower, upper, bounds := strings.Cut(want, " .. ")
	if !bounds {
		upper = lower
	}
	lo, up := portSet(t, lower), portSet(t, upper)
	for _, p := range o.Ports() {
		verdict := model.Unknown
		switch {
		case lo.Contains(p.Protocol, p.Port):
			verdict = model.Allowed
		case !up.Contains(p.Protocol, p.Port):
			verdict = model.Denied
		}
		require.Equal(t, verdict.String(), o.Verdict(src, dst, p.Protocol, p.Port, family).String(), "%s: at %v %d", line, p.Protocol, p.Port)
	}
}

func end(s string) End {
	if n, ok := strings.CutPrefix(s, "node/"); ok {
		return End{Node: n}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return End{Addr: a}
	}
	if ns, name, ok := strings.Cut(s, "/"); ok {
		return End{Namespace: ns, Name: name}
	}
	return End{Namespace: s[:1], Name: s[1:]}
}

func portSet(t *testing.T, s string) model.PortSet {
	t.Helper()
	if s == "ALL" {
		return model.AllPorts()
	}
	if s == "NONE" {
		return model.PortSet{}
	}
	var ranges []model.PortRange
	fields := strings.Fields(s)
	for i := 0; i+1 < len(fields); i += 2 {
		p, ok := model.ParseProtocol(fields[i])
		require.True(t, ok, s)
		for r := range strings.SplitSeq(fields[i+1], ",") {
			first, last, isRange := strings.Cut(r, "-")
			if !isRange {
				last = first
			}
			a, err := strconv.ParseUint(first, 10, 16)
			require.NoError(t, err)
			b, err := strconv.ParseUint(last, 10, 16)
			require.NoError(t, err)
			ranges = append(ranges, model.PortRange{Protocol: p, First: uint16(a), Last: uint16(b)})
		}
	}
	require.NotEmpty(t, ranges, s)
	return model.Ports(ranges...)
}
