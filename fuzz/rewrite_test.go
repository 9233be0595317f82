package fuzz

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	netutils "k8s.io/utils/net"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// rule is a rule of a NetworkPolicy, of either direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// clone copies a cluster as far as rewritings change it.
func clone(c *gen.Cluster) *gen.Cluster {
	out := *c
	out.Policies = make([]networkingv1.NetworkPolicy, len(c.Policies))
	for i := range c.Policies {
		out.Policies[i] = *c.Policies[i].DeepCopy()
	}
	out.Admin = make([]map[string]any, len(c.Admin))
	for i, p := range c.Admin {
		out.Admin[i] = cloneTree(p).(map[string]any)
	}
	return &out
}

func cloneTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = cloneTree(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneTree(e)
		}
		return out
	}
	return v
}

// rewriteRules replaces each rule of the NetworkPolicies that the API server
// accepts. Those that it rejects stay: written in another way they might be
// accepted. Directions stay as they are: where the last rule of one goes, it is
// listed (R15).
func (w *world) rewriteRules(c *gen.Cluster, rewrite func(np *networkingv1.NetworkPolicy, d networkingv1.PolicyType, r rule) []rule) {
	for i := range c.Policies {
		np := &c.Policies[i]
		if w.refused[w.ref(np)] {
			continue
		}
		directions := w.directions(np)
		var in []networkingv1.NetworkPolicyIngressRule
		for _, r := range np.Spec.Ingress {
			for _, n := range rewrite(np, networkingv1.PolicyTypeIngress, rule{r.From, r.Ports}) {
				in = append(in, networkingv1.NetworkPolicyIngressRule{From: n.peers, Ports: n.ports})
			}
		}
		var eg []networkingv1.NetworkPolicyEgressRule
		for _, r := range np.Spec.Egress {
			for _, n := range rewrite(np, networkingv1.PolicyTypeEgress, rule{r.To, r.Ports}) {
				eg = append(eg, networkingv1.NetworkPolicyEgressRule{To: n.peers, Ports: n.ports})
			}
		}
		if len(in) == 0 && len(np.Spec.Ingress) > 0 || len(eg) == 0 && len(np.Spec.Egress) > 0 {
			np.Spec.PolicyTypes = directions
		}
		np.Spec.Ingress, np.Spec.Egress = in, eg
	}
}

// ref names a NetworkPolicy as diagnostics do.
func (w *world) ref(np *networkingv1.NetworkPolicy) model.ObjectRef {
	return model.ObjectRef{Kind: "NetworkPolicy", Namespace: w.space(np.ObjectMeta), Name: np.Name}
}

// space is the namespace that an object is in (R7).
func (w *world) space(m metav1.ObjectMeta) string {
	switch {
	case m.Namespace != "":
		return m.Namespace
	case w.DefaultNamespace != "":
		return w.DefaultNamespace
	}
	return "default"
}

// directions are those that a policy isolates (R14, R15).
func (w *world) directions(np *networkingv1.NetworkPolicy) (out []networkingv1.PolicyType) {
	types := np.Spec.PolicyTypes
	fromRules := len(types) > 0 && w.Profile == "cilium"
	if len(types) == 0 || slices.Contains(types, networkingv1.PolicyTypeIngress) || fromRules && len(np.Spec.Ingress) > 0 {
		out = append(out, networkingv1.PolicyTypeIngress)
	}
	if slices.Contains(types, networkingv1.PolicyTypeEgress) || (len(types) == 0 || fromRules) && len(np.Spec.Egress) > 0 {
		out = append(out, networkingv1.PolicyTypeEgress)
	}
	return out
}

// rewriteSelectors replaces every label selector of policies that is not empty.
func rewriteSelectors(c *gen.Cluster, rewrite func(s *metav1.LabelSelector)) {
	some := func(s *metav1.LabelSelector) {
		if s != nil {
			rewrite(s)
		}
	}
	for i := range c.Policies {
		spec := &c.Policies[i].Spec
		some(&spec.PodSelector)
		for _, r := range spec.Ingress {
			for _, p := range r.From {
				some(p.PodSelector)
				some(p.NamespaceSelector)
			}
		}
		for _, r := range spec.Egress {
			for _, p := range r.To {
				some(p.PodSelector)
				some(p.NamespaceSelector)
			}
		}
	}
	for _, p := range c.Admin {
		rewriteTreeSelectors(p, rewrite)
	}
}

// rewriteTreeSelectors does so below a tree. Selectors that are none stay.
func rewriteTreeSelectors(v any, rewrite func(s *metav1.LabelSelector)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			rewriteTreeSelectors(e, rewrite)
		}
	case map[string]any:
		for k, e := range v {
			tree, ok := e.(map[string]any)
			switch {
			case ok && (tree["matchLabels"] != nil || tree["matchExpressions"] != nil):
				if s := selectorOf(tree); s != nil {
					rewrite(s)
					v[k] = treeOf(s)
				}
			default:
				rewriteTreeSelectors(e, rewrite)
			}
		}
	}
}

// selectorOf reads a selector from a tree; nil: it is none.
func selectorOf(tree any) *metav1.LabelSelector {
	b, err := json.Marshal(tree)
	if err != nil {
		return nil
	}
	s := &metav1.LabelSelector{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(s) != nil {
		return nil
	}
	if _, err := metav1.LabelSelectorAsSelector(s); err != nil {
		return nil
	}
	return s
}

func treeOf(v any) (out any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err) // it is plain data
	}
	return out
}

// parseBlock reads a CIDR in any form that is accepted (R43).
func parseBlock(s string) netip.Prefix {
	_, n, err := netutils.ParseCIDRSloppy(s)
	if err != nil {
		return netip.Prefix{}
	}
	a, _ := netip.AddrFromSlice(n.IP)
	bits, size := n.Mask.Size()
	if size == 128 && bits >= 96 && a.Is4In6() {
		return netip.PrefixFrom(a.Unmap(), bits-96)
	}
	return netip.PrefixFrom(a, bits)
}

// halves cuts a prefix in two. ok is false for a single address, and where
// text cannot say a half: ::ffff:0:0/96 is read as all of IPv4 (R43).
func halves(p netip.Prefix) (out [2]netip.Prefix, ok bool) {
	bits := p.Bits()
	if bits == p.Addr().BitLen() {
		return out, false
	}
	b := p.Masked().Addr().AsSlice()
	low, _ := netip.AddrFromSlice(b)
	b[bits/8] |= 0x80 >> (bits % 8)
	high, _ := netip.AddrFromSlice(b)
	out = [2]netip.Prefix{netip.PrefixFrom(low, bits+1), netip.PrefixFrom(high, bits+1)}
	return out, !sayless(out[0]) && !sayless(out[1])
}

func sayless(p netip.Prefix) bool { return p.Addr().Is4In6() && p.Bits() >= 96 }

func contains(outer, inner netip.Prefix) bool {
	return outer.Addr().Is4() == inner.Addr().Is4() && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// cover is the prefixes that make up p without the excepts: p, nothing, or what
// that is of either half. ok is false where text cannot say one of them.
func cover(p netip.Prefix, excepts []netip.Prefix) (out []netip.Prefix, ok bool) {
	if slices.ContainsFunc(excepts, func(e netip.Prefix) bool { return contains(e, p) }) {
		return nil, true
	}
	excepts = slices.DeleteFunc(slices.Clone(excepts), func(e netip.Prefix) bool { return !contains(p, e) })
	if len(excepts) == 0 {
		return []netip.Prefix{p}, !sayless(p)
	}
	ok = true
	low, _ := halves(p)
	for _, half := range low {
		more, fine := cover(half, excepts)
		out, ok = append(out, more...), ok && fine
	}
	return out, ok
}

// shuffled is a list in another order.
func shuffled[T any](r *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// reorder puts everything that is a set into another order.
func reorder(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
	c = clone(c)
	for i := range c.Policies {
		spec := &c.Policies[i].Spec
		spec.PolicyTypes = shuffled(r, spec.PolicyTypes)
		spec.Ingress = shuffled(r, spec.Ingress)
		spec.Egress = shuffled(r, spec.Egress)
		peers := func(list []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
			for _, p := range list {
				if p.IPBlock != nil {
					p.IPBlock.Except = shuffled(r, p.IPBlock.Except)
				}
			}
			return shuffled(r, list)
		}
		for j := range spec.Ingress {
			spec.Ingress[j].From, spec.Ingress[j].Ports = peers(spec.Ingress[j].From), shuffled(r, spec.Ingress[j].Ports)
		}
		for j := range spec.Egress {
			spec.Egress[j].To, spec.Egress[j].Ports = peers(spec.Egress[j].To), shuffled(r, spec.Egress[j].Ports)
		}
	}
	rewriteSelectors(c, func(s *metav1.LabelSelector) {
		for i := range s.MatchExpressions {
			s.MatchExpressions[i].Values = shuffled(r, s.MatchExpressions[i].Values)
		}
		s.MatchExpressions = shuffled(r, s.MatchExpressions)
	})
	for _, p := range c.Admin {
		eachAdminRule(p, func(_ string, a map[string]any) {
			for _, field := range []string{"from", "to", "ports", "protocols"} {
				if list, ok := a[field].([]any); ok {
					a[field] = shuffled(r, list)
				}
			}
		})
	}
	containers := func(spec *corev1.PodSpec) {
		if ofCilium(c) { // the last port of a name counts (R35)
			return
		}
		spec.Containers = shuffled(r, spec.Containers)
		for i := range spec.Containers {
			spec.Containers[i].Ports = shuffled(r, spec.Containers[i].Ports)
		}
	}
	c.Pods = shuffled(r, c.Pods)
	for i := range c.Pods {
		c.Pods[i] = *c.Pods[i].DeepCopy()
		containers(&c.Pods[i].Spec)
	}
	c.Workloads = shuffled(r, c.Workloads)
	for i := range c.Workloads {
		if t := c.Workloads[i].Template; t != nil {
			c.Workloads[i].Template = t.DeepCopy()
			containers(&c.Workloads[i].Template.Spec)
		}
	}
	return c
}

// scramble writes the objects of a cluster in any order, each with its keys in
// any order: as a list, or as documents.
func scramble(c *gen.Cluster, r *rand.Rand) []byte {
	var list struct{ Items []any }
	d := json.NewDecoder(bytes.NewReader(c.JSON()))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		panic(err) // gen wrote it
	}
	items := shuffled(r, list.Items)
	var b bytes.Buffer
	if r.IntN(2) == 0 {
		write(&b, r, map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
		return b.Bytes()
	}
	for _, item := range items {
		b.WriteString("---\n")
		write(&b, r, item)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func write(b *bytes.Buffer, r *rand.Rand, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range shuffled(r, slices.Sorted(maps.Keys(v))) {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, r, k)
			b.WriteByte(':')
			write(b, r, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			write(b, r, e)
		}
		b.WriteByte(']')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // it was decoded from JSON
		}
		b.Write(text)
	}
}

// portRange is a port entry with numbers: TCP 1-65535 where it has none (R29,
// R30).
func portRange(p networkingv1.NetworkPolicyPort) (first, last int32) {
	if p.Port == nil {
		return 1, 65535
	}
	first, last = p.Port.IntVal, p.Port.IntVal
	if p.EndPort != nil {
		last = *p.EndPort
	}
	return first, last
}

func isName(p networkingv1.NetworkPolicyPort) bool {
	return p.Port != nil && p.Port.Type == intstr.String
}

func numbered(protocol *corev1.Protocol, first, last int32) networkingv1.NetworkPolicyPort {
	port := intstr.FromInt32(first)
	out := networkingv1.NetworkPolicyPort{Protocol: protocol, Port: &port}
	if first != last {
		out.EndPort = &last
	}
	return out
}
