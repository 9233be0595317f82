package gen

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
)

// Cluster is API objects and what a configuration says about them.
type Cluster struct {
	Namespaces []corev1.Namespace
	Nodes      []corev1.Node
	Pods       []corev1.Pod
	Workloads  []Workload
	Custom     []Custom
	Policies   []networkingv1.NetworkPolicy
	Admin      []map[string]any // AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy

	PodCIDRs         []string       // of the configuration, besides those of the nodes (R110)
	ServiceCIDRs     []string       // also a ServiceCIDR object in JSON and YAML
	Families         []string       // "IPv4", "IPv6"; nil: by evidence (R47)
	Profile          string         // "", "spec", "cilium", "calico"
	DefaultNamespace string         // "" is "default"
	Unmanaged        []model.PodSet // R69
	Spelling         uint64         // decides how fields of NetworkPolicies that hold nothing are written

	Features map[Feature]int // how often each construct occurs
}

// Options say what to make. The zero Options are small clusters with
// everything.
type Options struct {
	Pods     int    // at most; 0: 10
	Policies int    // at most; 0: 6
	Valid    bool   // nothing that the API server rejects
	Profile  string // of every cluster; "": any
	Plain    bool   // NetworkPolicies alone: no admin policies (R86), no unmanaged pods (R69)
}

// New makes a cluster. It costs O(pods + policies).
func New(r *rand.Rand, o Options) *Cluster {
	if o.Pods == 0 {
		o.Pods = maxPods
	}
	if o.Policies == 0 {
		o.Policies = maxPolicies
	}
	g := &generator{r: r, o: o, c: &Cluster{Features: map[Feature]int{}}}
	g.snapshot()
	g.namespaces()
	g.nodes()
	g.workloads()
	g.customObjects()
	g.pods()
	g.policies()
	if !o.Plain {
		g.unmanaged()
		g.adminPolicies()
	}
	g.observe()
	return g.c
}

// generator holds a cluster in the making.
type generator struct {
	r *rand.Rand
	o Options
	c *Cluster

	live         bool     // some pod has an address (R61)
	v4, v6       bool     // the families of the cluster
	spaces       []string // namespace names in use
	free4, free6 []string // pod addresses that no pod has yet
	nodeFree4    []string
	nodeFree6    []string
	controllers  bool // policies are much about labels that controllers add (R65)
	customs      bool // policies are much about labels that controllers of custom kinds add (R66)
	named        int  // objects named so far, for names that are unique across kinds
}

// snapshot decides what the whole cluster is like.
func (g *generator) snapshot() {
	g.live = g.pct(pctLive)
	g.controllers = g.pct(pctControllers)
	g.v4, g.v6 = true, false
	switch n := g.r.IntN(100); {
	case n < pctDual:
		g.v6 = true
		g.hit(FamilyDual)
	case n < pctDual+pctIPv6:
		g.v4, g.v6 = false, true
		g.hit(FamilyIPv6)
	default:
		g.hit(FamilyIPv4)
	}
	g.hit(either(g.live, SnapshotLive, SnapshotStatic))
	if g.pct(pctFamiliesConfigured) {
		g.hit(FamiliesConfigured)
		if g.v4 {
			g.c.Families = append(g.c.Families, "IPv4")
		}
		if g.v6 {
			g.c.Families = append(g.c.Families, "IPv6")
		}
	}
	if g.pct(pctPodCIDRsConfigured) {
		g.hit(PodCIDRsConfigured)
		g.c.PodCIDRs = g.ofFamilies(pick(g, podCIDRs4), pick(g, podCIDRs6))
	}
	if g.pct(pctServiceCIDRs) {
		g.hit(ServiceCIDRs)
		g.c.ServiceCIDRs = g.ofFamilies(serviceCIDRs4, serviceCIDRs6)
	}
	if g.c.Profile = g.o.Profile; g.c.Profile == "" && g.pct(pctProfile) {
		g.c.Profile = pick(g, []string{"spec", "cilium", "calico"})
	}
	if g.c.Profile != "" {
		g.hit(map[string]Feature{"spec": ProfileSpec, "cilium": ProfileCilium, "calico": ProfileCalico}[g.c.Profile])
	}
	if g.pct(pctOtherDefault) {
		g.hit(DefaultNamespaceOther)
		g.c.DefaultNamespace = pick(g, namespaceNames)
	}
	g.free4, g.free6 = g.shuffled(podAddrs4), g.shuffled(podAddrs6)
	if g.pct(pctPodsInside) {
		g.hit(PodsInsideDomain)
		g.free4, g.free6 = inside(g.free4, g.c.PodCIDRs, private4), inside(g.free6, g.c.PodCIDRs, private6)
	}
	g.nodeFree4, g.nodeFree6 = g.shuffled(nodeAddrs4), g.shuffled(nodeAddrs6)
}

// inside keeps the addresses that are in one of the configured ranges, or in
// the others when none is configured.
func inside(addrs, configured, others []string) []string {
	if len(configured) == 0 {
		configured = others
	}
	return slices.DeleteFunc(addrs, func(a string) bool {
		return !slices.ContainsFunc(configured, func(cidr string) bool { return netip.MustParsePrefix(cidr).Contains(netip.MustParseAddr(a)) })
	})
}

// namespaces makes the namespaces. Some have no Namespace object.
func (g *generator) namespaces() {
	g.spaces = g.shuffled(namespaceNames)[:g.between(minNamespaces, maxNamespaces)]
	for _, name := range g.spaces {
		if g.pct(pctNamespaceMissing) {
			g.hit(NamespaceMissing)
			continue
		}
		ns := corev1.Namespace{TypeMeta: typeMeta("v1", "Namespace"), ObjectMeta: metav1.ObjectMeta{Name: name, Labels: g.labels(pctNamespaceLabel)}}
		if ns.Labels == nil {
			g.hit(NamespaceWithoutLabels)
		}
		switch {
		case g.pct(pctNamespaceWrongName):
			g.hit(NamespaceWrongName)
			ns.Labels = with(ns.Labels, corev1.LabelMetadataName, pick(g, namespaceNames))
		case g.pct(50):
			ns.Labels = with(ns.Labels, corev1.LabelMetadataName, name)
		}
		g.c.Namespaces = append(g.c.Namespaces, ns)
	}
}

// meta names a new object in a namespace, which is sometimes left out (R7).
// Names are unique across kinds.
func (g *generator) meta(prefix string) metav1.ObjectMeta {
	g.named++
	m := metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", prefix, g.named), Namespace: pick(g, g.spaces)}
	if g.pct(pctNamespaceNotSaid) {
		g.hit(NamespaceNotWritten)
		m.Namespace = ""
	}
	return m
}

// space is the namespace that an object is in.
func (c *Cluster) space(m metav1.ObjectMeta) string {
	switch {
	case m.Namespace != "":
		return m.Namespace
	case c.DefaultNamespace != "":
		return c.DefaultNamespace
	}
	return "default"
}

// labels makes a label set in which each key of the alphabet is with the given
// probability; nil when it would be empty.
func (g *generator) labels(percent int) map[string]string {
	var out map[string]string
	for _, k := range labelKeys {
		if g.pct(percent) {
			out = with(out, k, pick(g, labelValues))
		}
	}
	return out
}

// ofFamilies keeps what belongs to the families of the cluster.
func (g *generator) ofFamilies(v4, v6 string) []string {
	var out []string
	if g.v4 {
		out = append(out, v4)
	}
	if g.v6 {
		out = append(out, v6)
	}
	return out
}

func (g *generator) hit(f Feature)             { g.c.Features[f]++ }
func (g *generator) pct(percent int) bool      { return g.r.IntN(100) < percent }
func (g *generator) between(low, high int) int { return low + g.r.IntN(high-low+1) }
func pick[T any](g *generator, from []T) T     { return from[g.r.IntN(len(from))] }
func typeMeta(version, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: version, Kind: kind}
}
func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
func with(m map[string]string, k, v string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[k] = v
	return m
}

func (g *generator) shuffled(s []string) []string {
	s = slices.Clone(s)
	g.r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

// weighted is a value with the share in which it is drawn.
type weighted[T any] struct {
	weight int
	value  T
}

func draw[T any](g *generator, from []weighted[T]) T {
	total := 0
	for _, w := range from {
		total += w.weight
	}
	n := g.r.IntN(total)
	for _, w := range from {
		if n -= w.weight; n < 0 {
			return w.value
		}
	}
	panic("gen: no weight")
}

// take removes the first element; the second result is false when there is none.
func take(from *[]string) (string, bool) {
	if len(*from) == 0 {
		return "", false
	}
	s := (*from)[0]
	*from = (*from)[1:]
	return s, true
}
