package cyclonus

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// everything asks for every port of every pair.
const everything = 0

// maxOutside is how many outside addresses are asked about where not
// everything is.
const maxOutside = 8

// comparison is one cluster for both sides.
type comparison struct {
	x        *engine.Index
	policies []*networkingv1.NetworkPolicy
	simplify bool // cyclonus may merge rules before it is asked
	ends     []end
	ports    []namedPort

	concerned int                     // bits of the corrections that change a policy
	read      map[int]*matcher.Policy // as cyclonus reads them with corrections, by their bits
	raw       *matcher.Policy         // with none
	corrected *matcher.Policy         // with all

	count     fuzz.Count
	uncertain int              // questions that podreach leaves open
	compared  map[compared]int // verdicts
}

// compared is a sort of verdict.
type compared struct {
	from, to endKind
	family   model.Family
	named    bool // the port has a name
	allowed  bool
}

// load takes the text of a cluster through podreach, and its objects to
// cyclonus. Admin policies, unmanaged pods and profiles must not be in it.
func load(c *gen.Cluster, text []byte, simplify bool) (*comparison, error) {
	x, l, err := fuzz.Index(c, text)
	if err != nil {
		return nil, err
	}
	return hand(c, x, l, simplify)
}

// hand gives the objects of a cluster that podreach has read to cyclonus.
func hand(c *gen.Cluster, x *engine.Index, l *dialect.Ledger, simplify bool) (*comparison, error) {
	w := &comparison{x: x, simplify: simplify, read: map[int]*matcher.Policy{}, count: fuzz.Count{Explained: map[string]int{}}, compared: map[compared]int{}}
	var err error
	if w.policies, err = accepted(c, l); err != nil {
		return nil, err
	}
	if w.ends, err = ends(c, x); err != nil {
		return nil, err
	}
	w.ports = ports(w.policies, w.ends)
	for i := range ledger {
		if ledger[i].concerns(w.policies) {
			w.concerned |= 1 << i
		}
	}
	w.raw, w.corrected = w.reading(0), w.reading(w.concerned)
	return w, nil
}

// reading returns the policies as cyclonus reads them with some corrections.
func (w *comparison) reading(corrections int) *matcher.Policy {
	corrections &= w.concerned
	if w.read[corrections] == nil {
		policies := w.policies
		for i := range ledger {
			if corrections&(1<<i) != 0 {
				policies = ledger[i].reworded(policies)
			}
		}
		w.read[corrections] = matcher.BuildNetworkPolicies(w.simplify, policies)
	}
	return w.read[corrections]
}

// ports are worth asking about: every bound of a policy's ports and every
// named container port, with their neighbours, and some others.
func ports(policies []*networkingv1.NetworkPolicy, ends []end) []namedPort {
	numbers := []int{1, 80, 65535}
	around := func(n int) { numbers = append(numbers, n-1, n, n+1) }
	for _, np := range policies {
		for _, p := range portsOf(&np.Spec) {
			if p.Port != nil && p.Port.Type == intstr.Int {
				around(p.Port.IntValue())
				if p.EndPort != nil {
					around(int(*p.EndPort))
				}
			}
		}
	}
	for _, e := range ends {
		for p := range e.names {
			around(p.number)
		}
	}
	slices.Sort(numbers)
	var out []namedPort
	for _, n := range slices.Compact(numbers) {
		for _, p := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP} {
			if 1 <= n && n <= model.MaxPort {
				out = append(out, namedPort{p, n})
			}
		}
	}
	return out
}

func peersOf(s *networkingv1.NetworkPolicySpec) []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	for _, r := range s.Ingress {
		out = append(out, r.From...)
	}
	for _, r := range s.Egress {
		out = append(out, r.To...)
	}
	return out
}

func portsOf(s *networkingv1.NetworkPolicySpec) []networkingv1.NetworkPolicyPort {
	var out []networkingv1.NetworkPolicyPort
	for _, r := range s.Ingress {
		out = append(out, r.Ports...)
	}
	for _, r := range s.Egress {
		out = append(out, r.Ports...)
	}
	return out
}

// all asks about every pair of ends in each family that both have, perPair
// ports each. It returns the first disagreement that the ledger does not
// explain.
func (w *comparison) all(r *rand.Rand, perPair int) error {
	asked := w.ends
	if first := slices.IndexFunc(asked, func(e end) bool { return e.kind == outside }); perPair != everything && first >= 0 {
		others := slices.Clone(asked[first:])
		r.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		asked = slices.Concat(asked[:first], others[:min(maxOutside, len(others))])
	}
	for i := range asked {
		for j := range asked {
			if err := w.pair(&asked[i], &asked[j], r, perPair); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *comparison) pair(src, dst *end, r *rand.Rand, perPair int) error {
	switch {
	case !src.pod() && !dst.pod(), // nothing is decided there (R3)
		src.id == dst.id, // R50
		(src.kind == node || src.kind == hostPod) && (dst.node == "" || dst.node == src.node): // R52
		return nil
	}
	if perPair == everything || perPair > len(w.ports) {
		perPair = len(w.ports)
	}
	for f := range model.Family(model.NumFamilies) {
		if len(src.at[f]) == 0 || len(dst.at[f]) == 0 { // R46
			continue
		}
		from, to := src.at[f][r.IntN(len(src.at[f]))], dst.at[f][r.IntN(len(dst.at[f]))]
		flow := engine.Flow{Src: src.id, Dst: dst.id, Family: engine.Only(f)}
		if src.kind == node { // of its addresses, this one
			flow.SrcAddr = from.addr
		}
		if dst.kind == node {
			flow.DstAddr = to.addr
		}
		for _, i := range r.Perm(len(w.ports))[:perPair] {
			p := w.ports[i]
			q := question{from: from.peer, to: to.peer, port: p, names: dst.names[p]}
			flow.Protocol, flow.Port = protocols[p.protocol], uint16(p.number)
			verdict := w.x.Verdict(flow)
			if verdict == model.Unknown {
				w.uncertain++
				continue
			}
			w.compared[compared{src.kind, dst.kind, f, len(q.names) > 0, verdict == model.Allowed}]++
			if err := w.hold(verdict, q); err != nil {
				return fmt.Errorf("%s (%s) to %s (%s), %s %d: %w", src.name, from.addr, dst.name, to.addr, p.protocol, p.number, err)
			}
		}
	}
	return nil
}

var protocols = map[corev1.Protocol]model.Protocol{corev1.ProtocolTCP: model.TCP, corev1.ProtocolUDP: model.UDP, corev1.ProtocolSCTP: model.SCTP}

// hold holds a verdict of podreach against that of cyclonus.
func (w *comparison) hold(verdict model.Verdict, q question) error {
	w.count.Verdicts++
	ours := verdict == model.Allowed
	corrected := q.allowed(w.corrected)
	raw := corrected
	if w.raw != w.corrected {
		raw = q.allowed(w.raw)
	}
	switch {
	case corrected != ours && raw == corrected:
		return fmt.Errorf("podreach says %v, cyclonus the opposite", verdict)
	case corrected != ours:
		return fmt.Errorf("podreach says %v, and so does cyclonus, but not when it is corrected", verdict)
	case raw != ours:
		w.count.Explained[w.explanation(q, ours)]++
	}
	return nil
}

// explanation names the fewest entries of the ledger with which cyclonus gives
// our answer.
func (w *comparison) explanation(q question, ours bool) string {
	best := w.concerned
	for set := range 1 << len(ledger) {
		if bits.OnesCount(uint(set)) < bits.OnesCount(uint(best)) && q.allowed(w.reading(set)) == ours {
			best = set
		}
	}
	var ids []string
	for i := range ledger {
		if best&(1<<i) != 0 {
			ids = append(ids, ledger[i].ID)
		}
	}
	return strings.Join(ids, "+")
}

// question is one connection as cyclonus is asked about it.
type question struct {
	from, to *matcher.TrafficPeer
	port     namedPort
	names    []string // that the destination has for the port
}

var noName = []string{""}

// allowed is the verdict of cyclonus.
func (q question) allowed(p *matcher.Policy) bool {
	t := matcher.Traffic{Source: q.from, Destination: q.to, ResolvedPort: q.port.number, Protocol: q.port.protocol}
	names := q.names
	if len(names) == 0 {
		names = noName
	}
	by := func(ingress bool) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			t.ResolvedPortName = name
			return p.IsIngressOrEgressAllowed(&t, ingress).IsAllowed()
		})
	}
	return by(false) && by(true)
}
