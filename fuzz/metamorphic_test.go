package fuzz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect/meta"
)

// The properties of section 14 of docs/SEMANTICS.md that are about writing the
// same in another way: P1, P4, P5, P6, and P11 in version_test.go. Those that are about what a policy
// adds or cannot touch are in tier_test.go. Each is held by the semantics, so
// that no oracle is needed; beside each is a test that plants something wrong
// and sees the property fail.

// TestP01OrderIsNothing: the order of objects, of rules of a NetworkPolicy, of
// peers, of ports, and how a text orders objects and keys, changes no answer.
//
// NetworkPolicies are a union over policies and rules (R11), from and to are a
// union over their elements (R22, R23), ports over their entries (R28), blocks
// take away the union of their excepts (R41), and a selector is a conjunction
// (R19) of requirements whose values are a set (R20); all matching container
// ports count (R33, R35), but for profile cilium, where the last one of a name
// does and containers stay as they are. YAML maps have no order. Of admin policies the order
// of rules counts (R89) and stays, that of objects does not: priorities order
// them (R88), and of ties every outcome is counted (R105); peers and ports are
// unions there too (R97, R102), also beside nodes and domain names that leave
// something open, for a rule is looked at as a whole (R99). R7 lets the order
// decide between objects of one name; the generator makes none.
func TestP01OrderIsNothing(t *testing.T) { holds(t, "P1", 20, orderIsNothing(reorder)) }

func orderIsNothing(reorder func(*gen.Cluster, *rand.Rand) *gen.Cluster) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		v, err := readText(c, scramble(reorder(c, r), r))
		if err != nil {
			return Count{}, err
		}
		return equal(r, w, v)
	}
}

func TestP01NoticesARuleThatIsGone(t *testing.T) {
	notices(t, "written in another way: ", orderIsNothing(func(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
		c = reorder(c, r)
		for i := range c.Policies {
			c.Policies[i].Spec.Ingress = c.Policies[i].Spec.Ingress[:len(c.Policies[i].Spec.Ingress)/2]
		}
		return c
	}))
}

// TestP04SplittingIsNeutral: a rule may be written as one rule for each of its
// peers and ports, a block as its two halves, a range as two ranges.
//
// Peers × ports is what a rule matches, and it is the union of its parts (R22,
// R28, R41); for NetworkPolicy a union over rules is what counts (R11). Rules
// of an admin policy that stand one behind another with one action decide as
// one does (R90). Whom a nodes peer means may be open (R99), and a rule is open
// only where no other peer matches for sure, so nodes peers stay together and
// come last. A closed peer makes a rule with Pass deny as a whole (R103); such
// a rule stays. Halves of a block take the excepts that are in them; a half that
// is all excepted is none. Two ranges are one where they meet (R4). Nothing of
// this holds for the numbers that policies may have at most (R104).
func TestP04SplittingIsNeutral(t *testing.T) {
	holds(t, "P4", 20, except(unreadable, neutral(func(w *world, r *rand.Rand) *gen.Cluster { return split(w, r, 1) })))
}

func TestP04NoticesAGapBetweenRanges(t *testing.T) {
	notices(t, "written in another way: ", neutral(func(w *world, r *rand.Rand) *gen.Cluster { return split(w, r, 2) }))
}

// split splits what can be; ranges end one before the next begins if step is 1.
func split(w *world, r *rand.Rand, step int) *gen.Cluster {
	c := clone(w.Cluster)
	w.rewriteRules(c, func(_ *networkingv1.NetworkPolicy, _ networkingv1.PolicyType, one rule) (out []rule) {
		var peers []networkingv1.NetworkPolicyPeer
		for _, p := range one.peers {
			peers = append(peers, splitPeer(p)...)
		}
		var ports []networkingv1.NetworkPolicyPort
		for _, p := range one.ports {
			first, last := portRange(p)
			if isName(p) || first == last {
				ports = append(ports, p)
				continue
			}
			middle := first + int32(r.IntN(int(last-first)))
			ports = append(ports, numbered(p.Protocol, first, middle), numbered(p.Protocol, min(middle+int32(step), last), last))
		}
		for i := range max(1, len(peers)) {
			for j := range max(1, len(ports)) {
				out = append(out, rule{peers[min(i, len(peers)):min(i+1, len(peers))], ports[min(j, len(ports)):min(j+1, len(ports))]})
			}
		}
		return out
	})
	w.rewriteAdmin(c, func(a adminOf, direction string, one map[string]any) (out []map[string]any) {
		var peers, nodes []map[string]any
		for _, e := range elements(one, peersOf(direction)) {
			switch {
			case one["action"] == "Pass" && a.closed(direction, one, e):
				return []map[string]any{one}
			case e["nodes"] != nil:
				nodes = append(nodes, e)
			default:
				peers = append(peers, splitNetworks(e)...)
			}
		}
		var ports []map[string]any
		for _, e := range elements(one, a.ports()) {
			p := parsePort(e)
			if p.name != "" || p.none() || p.first == p.last {
				ports = append(ports, e)
				continue
			}
			low, high := p, p
			low.last = p.first + r.IntN(p.last-p.first)
			high.first = min(low.last+step, p.last)
			ports = append(ports, low.entry(a.old), high.entry(a.old))
		}
		groups := [][]map[string]any{}
		for _, p := range peers {
			groups = append(groups, []map[string]any{p})
		}
		if nodes != nil {
			groups = append(groups, nodes)
		}
		for _, group := range groups {
			if ports == nil {
				out = append(out, with(one, direction, group, a.ports(), nil))
			}
			for _, p := range ports {
				out = append(out, with(one, direction, group, a.ports(), []map[string]any{p}))
			}
		}
		return out
	})
	return c
}

func splitPeer(p networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	if p.IPBlock == nil {
		return []networkingv1.NetworkPolicyPeer{p}
	}
	two, ok := halves(parseBlock(p.IPBlock.CIDR))
	if !ok {
		return []networkingv1.NetworkPolicyPeer{p}
	}
	var out []networkingv1.NetworkPolicyPeer
	for _, half := range two {
		b := &networkingv1.IPBlock{CIDR: half.String()}
		gone := false
		for _, text := range p.IPBlock.Except {
			switch e := parseBlock(text); {
			case contains(e, half):
				gone = true
			case contains(half, e):
				b.Except = append(b.Except, e.String())
			}
		}
		if !gone {
			out = append(out, networkingv1.NetworkPolicyPeer{IPBlock: b})
		}
	}
	if out == nil { // no element would be everybody (R23)
		return []networkingv1.NetworkPolicyPeer{p}
	}
	return out
}

// splitNetworks makes an element of each network, and one of its halves.
func splitNetworks(e map[string]any) (out []map[string]any) {
	list, ok := e["networks"].([]any)
	if !ok {
		return []map[string]any{e}
	}
	for _, n := range list {
		two, ok := halves(parseBlock(n.(string)))
		if !ok {
			out = append(out, map[string]any{"networks": []any{n}})
			continue
		}
		out = append(out, map[string]any{"networks": []any{two[0].String(), two[1].String()}})
	}
	return out
}

// TestP05ExceptIsACover: a block with excepts may be written as the blocks that
// make up the difference.
//
// A block is the set cidr \ ∪except (R41), and peers are a union (R22). An
// empty difference is no block: the element goes, and the rule if it has no
// other, for without elements it would be everybody (R23). A block with
// ::ffff:0:0/96 in its cover stays: text cannot say that one (R43).
func TestP05ExceptIsACover(t *testing.T) { holds(t, "P5", 20, neutral(covered(cover))) }

func TestP05NoticesACoverWithoutAPiece(t *testing.T) {
	notices(t, "written in another way: ", neutral(covered(func(p netip.Prefix, excepts []netip.Prefix) ([]netip.Prefix, bool) {
		out, ok := cover(p, excepts)
		return out[:max(0, len(out)-1)], ok
	})))
}

func covered(cover func(netip.Prefix, []netip.Prefix) ([]netip.Prefix, bool)) func(w *world, r *rand.Rand) *gen.Cluster {
	return func(w *world, _ *rand.Rand) *gen.Cluster {
		c := clone(w.Cluster)
		some := false
		w.rewriteRules(c, func(_ *networkingv1.NetworkPolicy, _ networkingv1.PolicyType, one rule) []rule {
			var peers []networkingv1.NetworkPolicyPeer
			for _, p := range one.peers {
				if p.IPBlock == nil || len(p.IPBlock.Except) == 0 {
					peers = append(peers, p)
					continue
				}
				var excepts []netip.Prefix
				for _, e := range p.IPBlock.Except {
					excepts = append(excepts, parseBlock(e))
				}
				blocks, ok := cover(parseBlock(p.IPBlock.CIDR), excepts)
				if !ok {
					peers = append(peers, p)
					continue
				}
				some = true
				for _, b := range blocks {
					peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: b.String()}})
				}
			}
			if len(peers) == 0 && len(one.peers) > 0 {
				return nil
			}
			return []rule{{peers, one.ports}}
		})
		if !some {
			return nil
		}
		return c
	}
}

// TestP06OneValueIsALabel: matchLabels k: v and k In [v] are the same, wherever
// a selector stands.
//
// Both hold where the key is there with that value and nowhere else, absent
// keys included (R20), and both leave undecided the same of uncertain labels
// (R66).
func TestP06OneValueIsALabel(t *testing.T) {
	holds(t, "P6 labels", 20, neutral(respelled(metav1.LabelSelectorOpIn)))
}

func TestP06NoticesAnotherOperator(t *testing.T) {
	notices(t, "written in another way: ", neutral(respelled(metav1.LabelSelectorOpNotIn)))
}

// respelled writes labels as expressions, and expressions with one value as
// labels.
func respelled(in metav1.LabelSelectorOperator) func(w *world, r *rand.Rand) *gen.Cluster {
	return func(w *world, _ *rand.Rand) *gen.Cluster {
		c := clone(w.Cluster)
		rewriteSelectors(c, func(s *metav1.LabelSelector) {
			out := metav1.LabelSelector{}
			for k, v := range s.MatchLabels {
				out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{Key: k, Operator: in, Values: []string{v}})
			}
			for _, e := range s.MatchExpressions {
				if _, taken := out.MatchLabels[e.Key]; !taken && e.Operator == metav1.LabelSelectorOpIn && len(e.Values) == 1 {
					if out.MatchLabels == nil {
						out.MatchLabels = map[string]string{}
					}
					out.MatchLabels[e.Key] = e.Values[0]
					continue
				}
				out.MatchExpressions = append(out.MatchExpressions, e)
			}
			*s = out
		})
		return c
	}
}

// TestP06Dichotomies: for every key, value list and label set exactly one of In
// and NotIn holds, and exactly one of Exists and DoesNotExist (R20); In with one
// value is what matchLabels says.
func TestP06Dichotomies(t *testing.T) {
	keys, values := []string{"app", "tier", "nobody"}, []string{"", "a", "b", "A", "0"}
	var sets []map[string]string
	for _, app := range append(values, "-") {
		for _, tier := range append(values, "-", model.OpaqueValue) {
			l := map[string]string{}
			if app != "-" {
				l["app"] = app
			}
			if tier != "-" {
				l["tier"] = tier
			}
			sets = append(sets, l)
		}
	}
	matches := func(l map[string]string, key string, op metav1.LabelSelectorOperator, values ...string) bool {
		return meta.Selector(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: op, Values: values}}}).Matches(l)
	}
	for _, l := range sets {
		for _, k := range keys {
			require.NotEqual(t, matches(l, k, metav1.LabelSelectorOpExists), matches(l, k, metav1.LabelSelectorOpDoesNotExist), "%v of %v", k, l)
			for list := range 1 << len(values) {
				var of []string
				for i, v := range values {
					if list>>i&1 != 0 {
						of = append(of, v)
					}
				}
				if of == nil {
					continue // not valid (R21)
				}
				require.NotEqual(t, matches(l, k, metav1.LabelSelectorOpIn, of...), matches(l, k, metav1.LabelSelectorOpNotIn, of...), "%v %v of %v", k, of, l)
				if len(of) == 1 {
					label := meta.Selector(&metav1.LabelSelector{MatchLabels: map[string]string{k: of[0]}})
					require.Equal(t, label.Matches(l), matches(l, k, metav1.LabelSelectorOpIn, of[0]), "%v %v of %v", k, of, l)
				}
			}
		}
	}
}

// TestP06OneOfTwo is the same through clusters: policies whose only selector is
// In isolate, and let in, those pods that the same policies with NotIn do not.
// Where it is not known whether a pod has the label (R66), it is not known of
// both. Likewise Exists and DoesNotExist.
func TestP06OneOfTwo(t *testing.T) { holds(t, "P6 dichotomies", 100, oneOfTwo(false)) }

func TestP06NoticesEqualOperators(t *testing.T) {
	notices(t, "(in|e)gress of .*: want one of ", oneOfTwo(true))
}

func oneOfTwo(planted bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		s := metav1.LabelSelectorRequirement{Key: pick(r, []string{"app", "tier", "example.com/x", "nobody", "job-name", "apps.kubernetes.io/pod-index", "ray.io/group", corev1.LabelMetadataName})}
		operators := []metav1.LabelSelectorOperator{metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}
		if r.IntN(3) > 0 {
			operators = []metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn}
			s.Values = shuffled(r, []string{"a", "b", "", "0", "red"})[:1+r.IntN(3)]
		}
		if planted {
			operators[1] = operators[0]
		}
		namespaces := r.IntN(3) == 0
		free := clone(c)
		free.Policies, free.Admin = nil, nil
		clusters := []*gen.Cluster{free}
		for _, s.Operator = range operators {
			clusters = append(clusters, decidedBy(free, s, namespaces))
		}
		worlds, err := readAll(clusters...)
		if err != nil {
			return Count{}, err
		}
		return ask(r, worlds, func(q *question) (bool, error) {
			compared := false
			for _, d := range []model.Direction{model.Ingress, model.Egress} {
				open := q.side(0, d)
				peer := worlds[0].pod(q.peer(d))
				if worlds[0].subjectable(q.subject(d)) == nil || peer == nil || peer.HostNetwork || q.s == q.d || open.Upper.Empty() {
					continue
				}
				if ofCilium(c) && worlds[0].subjectable(q.peer(d)) == nil { // no selector means it (R69)
					continue
				}
				compared = true
				a, b := q.side(1, d), q.side(2, d)
				opposite := samePorts(a, open) && b.Upper.Empty() || samePorts(b, open) && a.Upper.Empty()
				undecided := q.doubtful() && a.Lower.Empty() && b.Lower.Empty() && a.Upper.Equal(open.Upper) && b.Upper.Equal(open.Upper)
				if !opposite && !undecided {
					return true, q.fail(fmt.Sprintf("%v of %s %v", d, s.Key, s.Values), "one of "+show(open), show(a)+" and "+show(b))
				}
			}
			return compared, nil
		})
	}
}

// decidedBy is a cluster in which a requirement alone decides: at ingress whom
// it isolates, at egress whom it lets through; of namespaces, whom it lets
// through at both.
func decidedBy(free *gen.Cluster, s metav1.LabelSelectorRequirement, namespaces bool) *gen.Cluster {
	c := clone(free)
	selector := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{s}}
	peer := networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}, PodSelector: &selector}
	if namespaces {
		peer = networkingv1.NetworkPolicyPeer{NamespaceSelector: &selector}
	}
	for _, ns := range []string{"red", "blue", "green", "default"} {
		policy := func(name string, t networkingv1.PolicyType) *networkingv1.NetworkPolicy {
			c.Policies = append(c.Policies, networkingv1.NetworkPolicy{
				TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
				ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
				Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{t}},
			})
			return &c.Policies[len(c.Policies)-1]
		}
		in := policy("in", networkingv1.PolicyTypeIngress)
		if in.Spec.PodSelector = selector; namespaces {
			in.Spec.PodSelector = metav1.LabelSelector{}
			in.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{peer}}}
		}
		policy("out", networkingv1.PolicyTypeEgress).Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{peer}}}
	}
	return c
}
