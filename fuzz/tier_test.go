package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// The properties of section 14 of docs/SEMANTICS.md that are about what a
// policy adds and what it cannot touch: P2, P3, P7, P12.

var bothDirections = []model.Direction{model.Ingress, model.Egress}

// TestP02AddingAPolicy: a NetworkPolicy N whose subjects are isolated already
// only grows conn. One that newly isolates a subject makes what N alone lets
// through, below the Admin tier, of what was; without a Baseline tier that only
// shrinks conn, with one it stands in the place of what Baseline said.
//
// A side of conn is what one end's own policies say (R3), so each is held alone:
//
//   - x is no subject of N in the direction: nothing changes (R3, R10, R17).
//   - x is isolated already: N is one more part of a union (R11). Without admin
//     policies upper' = upper ∪ upper(N), and lower' ⊇ lower ∪ lower(N), for two
//     blocks may be certain together that are not alone (R6). With them N counts
//     for what the Admin tier leaves (R87), so that both bounds still only grow.
//   - x is newly isolated: the tier consists of N, and decides (R93), as in a
//     cluster with N as its only NetworkPolicy. Without Baseline what it decides
//     was allowed before (R95): both bounds shrink.
//
// conn is the intersection of the sides, in each family (R46): it grows if no
// end is newly isolated; it shrinks without Baseline if none was isolated
// already; and without admin policies it is then conn ∩ conn(N). Pairs with a
// pod of uncertain labels are left out: a selector that is undecided of it makes
// the whole pair uncertain (R66), so that to allow more is to know less.
func TestP02AddingAPolicy(t *testing.T) { holds(t, "P2", 40, addingAPolicy((*world).isolated)) }

func TestP02NoticesAnIsolationThatIsForgotten(t *testing.T) {
	notices(t, "(in|e)gress of a newly isolated subject is that of the policy: ", addingAPolicy(func(w *world, e end, d model.Direction) bool { return d == model.Egress && w.isolated(e, d) }))
}

func addingAPolicy(isolated func(*world, end, model.Direction) bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		if len(c.Policies) == 0 {
			return Count{}, nil
		}
		before, alone := clone(c), clone(c)
		i := r.IntN(len(c.Policies))
		added := &c.Policies[i]
		before.Policies = slices.Delete(before.Policies, i, i+1)
		alone.Policies = []networkingv1.NetworkPolicy{*added}
		only := clone(alone)
		only.Admin = nil
		worlds, err := readAll(c, before, alone, only)
		if err != nil {
			return Count{}, err
		}
		after, then := worlds[0], worlds[1]
		return ask(r, worlds, func(q *question) (bool, error) {
			if q.doubtful() {
				return false, nil
			}
			joined, renewed, baseline, admin := false, false, false, false
			for _, d := range bothDirections {
				x := q.subject(d)
				was, is, withN, onlyN := q.side(1, d), q.side(0, d), q.side(2, d), q.side(3, d)
				hasBaseline := after.tierSelects("Baseline", x, d)
				hasAdmin := hasBaseline || after.tierSelects("Admin", x, d)
				baseline, admin = baseline || hasBaseline, admin || hasAdmin
				switch {
				case !after.selects(added, x, d):
					if !same(was, is) {
						return true, q.fail(d.String()+" of no subject", was, is)
					}
				case isolated(then, x, d):
					joined = true
					if !within(was, is) {
						return true, q.fail(d.String()+" of an isolated subject grows", was, is)
					}
					if union := was.Upper.Union(onlyN.Upper); !hasAdmin && !union.Equal(is.Upper) {
						return true, q.fail(d.String()+" of an isolated subject is a union", union, is)
					}
					if union := was.Lower.Union(onlyN.Lower); !hasAdmin && !is.Lower.ContainsAll(union) {
						return true, q.fail(d.String()+" of an isolated subject is certain of a union", union, is)
					}
				default:
					renewed = true
					if !same(withN, is) {
						return true, q.fail(d.String()+" of a newly isolated subject is that of the policy", withN, is)
					}
					if !hasBaseline && !within(is, was) {
						return true, q.fail(d.String()+" of a newly isolated subject shrinks", was, is)
					}
				}
			}
			was, is, onlyN := q.between(1), q.between(0), q.between(3)
			switch {
			case !renewed && !within(was, is):
				return true, q.fail("isolated ends gain", was, is)
			case !joined && !baseline && !within(is, was):
				return true, q.fail("newly isolated ends lose", was, is)
			case !joined && !admin && !same(intersect(was, onlyN), is):
				return true, q.fail("of what was remains what the policy allows", intersect(was, onlyN), is)
			}
			return true, nil
		})
	}
}

// TestP03Locality: conn(s,d) depends only on policies that select s at egress
// or d at ingress; to take others away changes nothing.
//
// conn is egress by the policies whose subject is s, and ingress by those whose
// subject is d (R3); a policy has no part in a direction in which it isolates
// nothing (R10, R14) or has no rules (R92), nor in other namespaces (R17). A
// policy whose subjects cannot be told may select everybody (R66, R96). Where
// both versions of the admin API make each other undefined (R106), all admin
// policies stay.
func TestP03Locality(t *testing.T) { holds(t, "P3", 20, locality((*world).selects)) }

func TestP03NoticesAPolicyThatSelects(t *testing.T) {
	notices(t, "without policies of others: ", locality(func(*world, *networkingv1.NetworkPolicy, end, model.Direction) bool { return false }))
}

func locality(selects func(*world, *networkingv1.NetworkPolicy, end, model.Direction) bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		less := clone(c)
		less.Policies, less.Admin = nil, nil
		var gone []networkingv1.NetworkPolicy
		var goneAdmin []map[string]any
		for _, np := range c.Policies {
			if r.IntN(3) == 0 {
				gone = append(gone, np)
			} else {
				less.Policies = append(less.Policies, np)
			}
		}
		for _, p := range c.Admin {
			if !w.mixed && r.IntN(3) == 0 {
				goneAdmin = append(goneAdmin, p)
			} else {
				less.Admin = append(less.Admin, p)
			}
		}
		if len(gone)+len(goneAdmin) == 0 {
			return Count{}, nil
		}
		v, err := read(less)
		if err != nil {
			return Count{}, err
		}
		return ask(r, []*world{w, v}, func(q *question) (bool, error) {
			for _, d := range bothDirections {
				for i := range gone {
					if selects(w, &gone[i], q.subject(d), d) {
						return false, nil
					}
				}
				for _, p := range goneAdmin {
					if w.adminSelects(p, q.subject(d), d) {
						return false, nil
					}
				}
			}
			if want, got := q.between(0), q.between(1); !same(want, got) {
				return true, q.fail("without policies of others", want, got)
			}
			return true, nil
		})
	}
}

// TestP07NoAdminPolicies: what admin policies without effect leave is what a
// cluster without any says.
//
// Without admin policies R108 goes through its NetworkPolicy tier alone, which
// is sections 1 to 4: isolated, then what some rule allows; else everything. An
// object without rules of a direction does not affect it (R92), one whose
// subject selects nobody has none, and a rule whose peers select nobody matches
// no tuple (R90), whatever its action is.
func TestP07NoAdminPolicies(t *testing.T) { holds(t, "P7 none", 20, withoutEffect("nobody")) }

func TestP07NoticesARuleWithAPeer(t *testing.T) {
	notices(t, "written in another way: ", withoutEffect("app"))
}

func withoutEffect(key string) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		none := clone(c)
		none.Admin = nil
		some := clone(none)
		nobody := map[string]any{"matchLabels": map[string]any{key: "nothing"}}
		peers := []any{map[string]any{"pods": map[string]any{"namespaceSelector": map[string]any{}, "podSelector": nobody}}}
		if key != "nobody" {
			peers = []any{map[string]any{"namespaces": map[string]any{}}}
		}
		rules := func() (out []any) {
			for _, action := range shuffled(r, []string{"Deny", "Accept", "Pass"}) {
				out = append(out, map[string]any{"action": action, "from": peers})
			}
			return out
		}
		everybody := map[string]any{"namespaces": map[string]any{}}
		for i, spec := range []map[string]any{
			{"subject": everybody, "ingress": []any{}},
			{"subject": everybody, "ingress": rules()},
			{"subject": map[string]any{"namespaces": nobody}, "ingress": []any{map[string]any{"action": "Deny", "from": []any{everybody}}}},
		} {
			for _, tier := range []string{"Admin", "Baseline"} {
				spec := cloneTree(spec).(map[string]any)
				spec["tier"], spec["priority"] = tier, i
				some.Admin = append(some.Admin, clusterPolicy(fmt.Sprintf("%s-%d", either(tier == "Admin", "a", "b"), i), spec))
			}
		}
		worlds, err := readAll(none, some)
		if err != nil {
			return Count{}, err
		}
		return equal(r, worlds[0], worlds[1])
	}
}

func clusterPolicy(name string, spec map[string]any) map[string]any {
	return map[string]any{"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": map[string]any{"name": name}, "spec": spec}
}

// TestP07PassEverything: with a rule that passes everything at priority 0,
// before all others, there is no Admin tier.
//
// The first rule that matches decides (R90), and Pass skips the rest of its
// tier and no other (R91). Ingress rules never match hosts and outside addresses
// (R97), so their tuples fall through to other Admin rules, which do not match
// them either, but for rules that fail closed (R103). Left out are subjects
// that are not the tier's business: of selectors that cannot be read (R96) or
// that are undecided (R66); such come before every tier.
func TestP07PassEverything(t *testing.T) { holds(t, "P7 pass", 50, passEverything(0)) }

func TestP07NoticesAPassThatComesLate(t *testing.T) {
	notices(t, "behind a rule that passes everything: ", passEverything(7))
}

func passEverything(priority int) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil || c.Profile != "" && c.Profile != "spec" {
			return Count{}, err
		}
		old := r.IntN(2) == 0
		failsClosed := false
		c = withoutAdmin(c, func(p map[string]any) bool {
			a := adminHead(p)
			if _, _, clear := adminSubject(p); !w.accepted(p) || !clear {
				return true
			}
			return w.mixed && a.old != old // both together are not defined (R106)
		})
		for _, p := range c.Admin {
			a := adminHead(p)
			old = a.old
			if spec := p["spec"].(map[string]any); a.tier == "Admin" && a.priority == 0 {
				spec["priority"] = 1 // behind the one that passes everything, and still before the others
			}
			eachAdminRule(p, func(direction string, one map[string]any) {
				for _, e := range elements(one, peersOf(direction)) {
					failsClosed = failsClosed || a.tier == "Admin" && direction == "ingress" && a.closed(direction, one, e)
				}
			})
		}
		passed := clone(c)
		everybody := map[string]any{"namespaces": map[string]any{}}
		pass := map[string]any{
			"subject": everybody, "priority": priority,
			"ingress": []any{map[string]any{"action": "Pass", "from": []any{everybody}}},
			"egress":  []any{map[string]any{"action": "Pass", "to": []any{everybody, map[string]any{"networks": []any{"0.0.0.0/0", "::/0"}}}}},
		}
		if old {
			passed.Admin = append(passed.Admin, map[string]any{"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy", "metadata": map[string]any{"name": "pass"}, "spec": pass})
		} else {
			pass["tier"] = "Admin"
			passed.Admin = append(passed.Admin, clusterPolicy("pass", pass))
		}
		without := withoutAdmin(c, func(p map[string]any) bool { return adminHead(p).tier == "Admin" })
		worlds, err := readAll(without, passed)
		if err != nil {
			return Count{}, err
		}
		return ask(r, worlds, func(q *question) (bool, error) {
			src := worlds[0].pod(q.s)
			if q.doubtful() || failsClosed && (src == nil || src.HostNetwork) {
				return false, nil
			}
			if want, got := q.between(0), q.between(1); !same(want, got) {
				return true, q.fail("behind a rule that passes everything", want, got)
			}
			return true, nil
		})
	}
}

// TestP07BaselineIsInert: Baseline has no say in a direction in which a pod is
// isolated; so none in what is between two ends that are isolated, or are no
// subjects.
//
// The NetworkPolicy tier is final, per direction (R93). What is uncertain
// before any tier stays: subjects that cannot be read (R96), both versions
// together (R106), and labels that are uncertain (R66).
func TestP07BaselineIsInert(t *testing.T) {
	holds(t, "P7 baseline", 100, except(ofCilium, baselineIsInert((*world).isolated)))
}

func TestP07NoticesTheOtherDirection(t *testing.T) {
	notices(t, "(in|e)gress of an isolated pod with a baseline: ", baselineIsInert(func(w *world, e end, d model.Direction) bool { return w.isolated(e, 1-d) }))
}

func baselineIsInert(isolated func(*world, end, model.Direction) bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil || w.mixed {
			return Count{}, err
		}
		without := withoutAdmin(c, func(p map[string]any) bool {
			_, _, clear := adminSubject(p)
			return adminHead(p).tier == "Baseline" && clear && w.accepted(p)
		})
		if len(without.Admin) == len(c.Admin) {
			return Count{}, nil
		}
		v, err := read(without)
		if err != nil {
			return Count{}, err
		}
		return ask(r, []*world{w, v}, func(q *question) (bool, error) {
			if q.doubtful() {
				return false, nil
			}
			inert := 0
			for _, d := range bothDirections {
				if w.subjectable(q.subject(d)) != nil && !isolated(w, q.subject(d), d) {
					continue
				}
				inert++
				if want, got := q.side(1, d), q.side(0, d); !same(want, got) {
					return true, q.fail(d.String()+" of an isolated pod with a baseline", want, got)
				}
			}
			if want, got := q.between(1), q.between(0); inert == 2 && !same(want, got) {
				return true, q.fail("isolated pods with a baseline", want, got)
			}
			return inert > 0, nil
		})
	}
}

// TestP12Exemptions: no set of NetworkPolicies touches what a pod may do with
// itself, and what its node may do with it.
//
// Both exemptions come before every tier (R50, R52, R107, R108). So the answer
// is that of a cluster without any policy: everything, in every family for a
// pod and itself, and in those that they share for a node and its pods. Where
// it is not known which node a pod is on it may be its own (R57), so that all
// of it is possible. What is undecided of uncertain labels comes before the own
// node (R66), so that pods with such labels are looked at for themselves alone.
// In Cilium admin policies come before the own node (R128), so that there it is
// NetworkPolicies alone.
func TestP12Exemptions(t *testing.T) { holds(t, "P12", 200, exemptions(false)) }

func TestP12NoticesAnotherNode(t *testing.T) {
	notices(t, `the own node \(allowed\) with policies: `, exemptions(true))
}

func exemptions(planted bool) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		if ofCilium(c) {
			c = withoutAdmin(c, func(map[string]any) bool { return true })
		}
		free := clone(c)
		free.Policies, free.Admin = nil, nil
		closed := clone(c)
		for _, ns := range []string{"red", "blue", "green", "default"} {
			closed.Policies = append(closed.Policies, networkingv1.NetworkPolicy{
				TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
				ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "closed"},
				Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}},
			})
		}
		shut := clone(closed)
		shut.Policies = slices.DeleteFunc(shut.Policies, func(np networkingv1.NetworkPolicy) bool { return np.Name != "closed" })
		worlds, err := readAll(free, c, closed, shut)
		if err != nil {
			return Count{}, err
		}
		return ask(r, worlds, func(q *question) (bool, error) {
			dst := worlds[0].pod(q.d)
			if q.s == q.d && dst != nil {
				for i := range worlds {
					if got := q.between(i); !got.Lower.All() || got.Other != model.OtherYes {
						return true, q.fail("a pod and itself", "ALL", got)
					}
				}
				return true, nil
			}
			own := onNodeOf(worlds[0], q)
			if planted && own == model.Denied && worlds[0].pod(q.s) == nil && q.s.Node != "" {
				own = model.Allowed
			}
			if dst == nil || q.doubtful() || own == model.Denied {
				return false, nil
			}
			want := q.between(0)
			for i := range worlds {
				got := q.between(i)
				if own == model.Allowed && !same(want, got) || own == model.Unknown && !want.Upper.Equal(got.Upper) {
					return true, q.fail(fmt.Sprintf("the own node (%v) with policies", own), want, got)
				}
			}
			return true, nil
		})
	}
}

// onNodeOf says whether the source is the host network of the destination's
// node (R52, R57).
func onNodeOf(w *world, q *question) model.Verdict {
	dst, src := w.pod(q.d), w.pod(q.s)
	switch {
	case dst == nil || dst.HostNetwork || src == nil && q.s.Node == "" || src != nil && !src.HostNetwork:
		return model.Denied
	case src != nil && src.EveryNode:
		return model.Allowed
	}
	node := q.s.Node
	if src != nil {
		node = src.NodeName
	}
	switch {
	case node == "" || dst.NodeName == "":
		return model.Unknown
	case node == dst.NodeName:
		return model.Allowed
	}
	return model.Denied
}
