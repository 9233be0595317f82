package fuzz

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// The properties of section 14 of docs/SEMANTICS.md that are about what is
// known: P9 and P10.

// TestP09LowerWithinUpper: what is certainly possible is possible.
//
// The bounds are the intersection and the union over the possibilities of what
// is not known (R6), of which there is at least one; and both operations keep
// that, over the sides (R3) and over the families (R46).
func TestP09LowerWithinUpper(t *testing.T) {
	holds(t, "P9 within", 20, func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		return ask(r, []*world{w}, func(q *question) (bool, error) {
			for _, b := range []model.Bounds{q.between(0), q.side(0, model.Ingress), q.side(0, model.Egress)} {
				if !b.Upper.ContainsAll(b.Lower) {
					return true, q.fail("bounds", b.Upper, b.Lower)
				}
			}
			return true, nil
		})
	})
}

// TestP09NothingUnknown: where no fact is unknown, the bounds are one.
//
// With a single possibility intersection and union over it are equal (R6). The
// clusters are made such that nothing is unknown:
//
//   - every endpoint is a Pod object with an address, or a node: instances of
//     templates have none (R47), so that workloads and custom objects, and with
//     them uncertain labels and ports (R66), are left out;
//   - every pod names its node, and every node has a Node object with one
//     address of each family: of several nobody knows which it uses as source
//     (R58), and whether a pod is on a node decides R52;
//   - host-network pods have the addresses of their node (R56);
//   - no two admin policies of a tier have one priority (R105), all are of one
//     version (R106), and all selectors of subjects can be read (R96);
//   - no rule is about domain names, whose addresses nobody knows (R113).
//
// What other protocols may do is left out: Kubernetes itself does not say (R84).
func TestP09NothingUnknown(t *testing.T) {
	holds(t, "P9 known", 20, except(unreadable, nothingUnknown(known)))
}

func TestP09NoticesAnUnknownAddress(t *testing.T) {
	notices(t, "nothing is unknown: .* want equal bounds", nothingUnknown(func(w *world, r *rand.Rand) *gen.Cluster {
		c := known(w, r)
		c.Nodes[0].Status.Addresses = nil
		return c
	}))
}

func nothingUnknown(known func(*world, *rand.Rand) *gen.Cluster) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		c = known(w, r)
		if w, err = read(c); err != nil {
			return Count{}, err
		}
		n, err := ask(r, []*world{w}, func(q *question) (bool, error) {
			if got := q.between(0); !got.Exact() {
				return true, q.fail("nothing is unknown", "equal bounds", got)
			}
			return true, nil
		})
		if err != nil {
			err = errors.Join(err, errors.New(string(c.YAML())))
		}
		return n, err
	}
}

// known is a cluster of which everything is known.
func known(w *world, r *rand.Rand) *gen.Cluster {
	c := clone(w.Cluster)
	c.Workloads, c.Custom = nil, nil
	families := func(v4, v6 string) (out []string) {
		if c.Features[gen.FamilyIPv6] == 0 {
			out = append(out, v4)
		}
		if c.Features[gen.FamilyIPv4] == 0 {
			out = append(out, v6)
		}
		return out
	}
	c.Nodes = nil
	for _, n := range w.Nodes {
		c.Nodes = append(c.Nodes, *n.DeepCopy())
	}
	if len(c.Nodes) == 0 {
		c.Nodes = []corev1.Node{{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}, ObjectMeta: metav1.ObjectMeta{Name: "node-0"}}}
	}
	hosts := [][]string{families("10.0.1.1", "fd01::1"), families("192.168.1.1", "2a00::1"), families("7.0.0.1", "fd01::2")}
	for i := range c.Nodes {
		c.Nodes[i].Status.Addresses = nil
		for _, a := range hosts[i] {
			c.Nodes[i].Status.Addresses = append(c.Nodes[i].Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
		}
	}
	free4 := shuffled(r, []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.128.0.1", "172.16.0.1", "100.64.0.1", "5.0.0.1"})
	free6 := shuffled(r, []string{"fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00::5", "fd00::6", "fd80::1", "fd00:1::1", "fc00::1", "2a01::1"})
	c.Pods = nil
	for i := range w.Pods {
		p := w.Pods[i].DeepCopy()
		on := r.IntN(len(c.Nodes))
		p.Spec.NodeName = c.Nodes[on].Name
		ips := families(free4[i], free6[i])
		if len(ips) == 2 && r.IntN(2) == 0 {
			ips = ips[r.IntN(2):][:1]
		}
		if p.Spec.HostNetwork {
			ips = hosts[on]
		}
		p.Status.HostIP, p.Status.HostIPs, p.Status.PodIPs = "", nil, nil
		for _, ip := range ips {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: ip})
		}
		p.Status.PodIP = ips[0]
		c.Pods = append(c.Pods, *p)
	}
	old := r.IntN(2) == 0
	c = withoutAdmin(c, func(p map[string]any) bool {
		if !w.accepted(p) {
			return false
		}
		_, _, clear := adminSubject(p)
		domains := false
		eachAdminRule(p, func(direction string, one map[string]any) {
			domains = domains || slices.ContainsFunc(elements(one, peersOf(direction)), func(e map[string]any) bool { return e["domainNames"] != nil })
		})
		return !clear || domains || w.mixed && adminHead(p).old != old
	})
	for i, p := range c.Admin {
		if a := adminHead(p); w.accepted(p) && a.kind != "BaselineAdminNetworkPolicy" {
			p["spec"].(map[string]any)["priority"] = i
		}
	}
	return c
}

// TestP10NamesAreNumbers: for one destination a rule with port names is the
// rule with the numbers that the names stand for there.
//
// A port name is resolved on the destination (R33), to every container port
// that has it, in the protocol of a NetworkPolicy's entry or in its own (R101);
// all of them count (R35). A name that is not there, and any on a destination
// that is no pod, stands for nothing (R36, R37): the entry goes, and the rule if
// it has no other, for without entries it would match every port (R28). In an
// admin rule names say nothing of peers that are addresses (R101), so that such
// a rule becomes two with one action, one behind the other (R90). Left out are
// destinations of which not all ports are known, and pairs with a pod of
// uncertain labels: a peer that is undecided of it makes the pair uncertain on
// all ports, whatever those of the rule are, and goes with the rule (R66).
func TestP10NamesAreNumbers(t *testing.T) {
	holds(t, "P10", 100, namesAreNumbers(func(_ *world, d *model.Pod) *model.Pod { return d }))
}

func TestP10NoticesTheNumbersOfAnother(t *testing.T) {
	notices(t, "numbers for names: ", namesAreNumbers(func(w *world, d *model.Pod) *model.Pod {
		for i := range w.x.Snapshot().Pods {
			if p := &w.x.Snapshot().Pods[i]; p != d && len(p.Ports) > 0 {
				return p
			}
		}
		return d
	}))
}

func namesAreNumbers(resolveOn func(w *world, d *model.Pod) *model.Pod) property {
	return func(c *gen.Cluster, r *rand.Rand) (n Count, err error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		inside, outside := commonEnds(r, []*world{w})
		for _, d := range shuffled(r, slices.Concat(inside, outside[:min(1, len(outside))]))[:min(4, len(inside))] {
			var ports []model.ContainerPort
			if p := w.pod(d); p != nil && !p.HostNetwork {
				if p.PortsUnknown {
					continue
				}
				ports = resolveOn(w, p).Ports
			}
			v, err := read(w.withNumbers(ports))
			if err != nil {
				return n, err
			}
			for _, s := range slices.Concat(inside, outside) {
				if s.Addr.IsValid() && d.Addr.IsValid() {
					continue
				}
				if err := askPair([]*world{w, v}, s, d, func(q *question) (bool, error) {
					if want, got := q.between(0), q.between(1); !q.doubtful() && !same(want, got) {
						return true, q.fail("numbers for names", want, got)
					}
					return !q.doubtful(), nil
				}, &n); err != nil {
					return n, errors.Join(err, errors.New(string(v.YAML())))
				}
			}
		}
		return n, nil
	}
}

// withNumbers puts the numbers that names have among some ports in the place of
// the names.
func (w *world) withNumbers(of []model.ContainerPort) *gen.Cluster {
	c := clone(w.Cluster)
	w.rewriteRules(c, func(_ *networkingv1.NetworkPolicy, _ networkingv1.PolicyType, one rule) []rule {
		var ports []networkingv1.NetworkPolicyPort
		for _, e := range one.ports {
			if !isName(e) {
				ports = append(ports, e)
				continue
			}
			protocol := model.TCP // R29
			if e.Protocol != nil {
				protocol, _ = model.ParseProtocol(string(*e.Protocol))
			}
			for _, p := range of {
				if p.Name == e.Port.StrVal && p.Protocol == protocol {
					ports = append(ports, numbered(e.Protocol, int32(p.Port), int32(p.Port)))
				}
			}
		}
		if ports == nil && one.ports != nil {
			return nil
		}
		return []rule{{one.peers, ports}}
	})
	w.rewriteAdmin(c, func(a adminOf, direction string, one map[string]any) (out []map[string]any) {
		var names, numbers []map[string]any
		named := false
		for _, e := range elements(one, a.ports()) {
			port := parsePort(e)
			if port.name == "" {
				numbers = append(numbers, e)
				continue
			}
			named = true
			for _, p := range of {
				if p.Name == port.name {
					names = append(names, adminPort{protocol: p.Protocol.String(), first: int(p.Port), last: int(p.Port)}.entry(a.old))
				}
			}
		}
		if !named {
			return []map[string]any{one}
		}
		all := elements(one, peersOf(direction))
		selected := slices.DeleteFunc(slices.Clone(all), func(e map[string]any) bool { return addressed(e) && !a.closed(direction, one, e) })
		if len(selected) > 0 && names != nil {
			out = append(out, with(one, direction, selected, a.ports(), names))
		}
		if numbers != nil {
			out = append(out, with(one, direction, all, a.ports(), numbers))
		}
		return out
	})
	return c
}
