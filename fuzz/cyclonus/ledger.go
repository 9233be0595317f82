package cyclonus

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/fuzz"
)

// correction is an entry of the ledger and what would make cyclonus agree: a
// selector of a policy in other words, as one or several that together select
// what it selects (R20), or nil if it can stay. So a disagreement is explained
// only if it goes away when cyclonus is asked in these words.
type correction struct {
	fuzz.Entry
	reword func(metav1.LabelSelector) []metav1.LabelSelector
}

// ledger is every disagreement that is meant.
var ledger = []correction{
	{
		Entry: fuzz.Entry{
			ID:       "not-in-absent",
			Rule:     "R20",
			Upstream: "pkg/kube/labelselector.go:40",
			Why:      "NotIn does not match where the key is absent",
			Example: `
apiVersion: v1
kind: Pod
metadata: {namespace: x, name: a}
spec: {containers: [{name: c, image: none}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: x, name: p}
spec:
  podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}
`,
			From: "8.8.8.8", To: "x/pod/a", Port: "TCP/80", Ours: false,
		},
		// Several NotIn of one selector are each a choice of two.
		reword: func(s metav1.LabelSelector) []metav1.LabelSelector {
			var out []metav1.LabelSelector
			for i, e := range s.MatchExpressions {
				if e.Operator != metav1.LabelSelectorOpNotIn {
					continue
				}
				if out == nil {
					out = append(out, s)
				}
				for _, with := range slices.Clone(out) {
					with.MatchExpressions = slices.Clone(with.MatchExpressions)
					with.MatchExpressions[i] = metav1.LabelSelectorRequirement{Key: e.Key, Operator: metav1.LabelSelectorOpDoesNotExist}
					out = append(out, with)
				}
			}
			return out
		},
	},
	{
		Entry: fuzz.Entry{
			ID:       "empty-value-absent",
			Rule:     "R20",
			Upstream: "pkg/kube/labelselector.go:71",
			Why:      `matchLabels k: "" matches where the key is absent`,
			Example: `
apiVersion: v1
kind: Pod
metadata: {namespace: x, name: a}
spec: {containers: [{name: c, image: none}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {namespace: x, name: p}
spec:
  podSelector: {matchLabels: {app: ""}}
`,
			From: "8.8.8.8", To: "x/pod/a", Port: "TCP/80", Ours: true,
		},
		reword: func(s metav1.LabelSelector) []metav1.LabelSelector {
			if !slices.Contains(slices.Collect(maps.Values(s.MatchLabels)), "") {
				return nil
			}
			labels, expressions := map[string]string{}, slices.Clone(s.MatchExpressions)
			for _, k := range slices.Sorted(maps.Keys(s.MatchLabels)) {
				if v := s.MatchLabels[k]; v != "" {
					labels[k] = v
				} else {
					expressions = append(expressions, metav1.LabelSelectorRequirement{Key: k, Operator: metav1.LabelSelectorOpIn, Values: []string{""}})
				}
			}
			return []metav1.LabelSelector{{MatchLabels: labels, MatchExpressions: expressions}}
		},
	},
}

// concerns reports whether it changes one of the policies.
func (c *correction) concerns(policies []*networkingv1.NetworkPolicy) bool {
	for _, np := range policies {
		for _, s := range selectorsOf(&np.Spec) {
			if c.reword(*s) != nil {
				return true
			}
		}
	}
	return false
}

// reworded returns policies that mean the same. A policy for several sets of
// subjects is one for each, a peer of several sets of pods one peer for each.
func (c *correction) reworded(policies []*networkingv1.NetworkPolicy) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, np := range policies {
		np = np.DeepCopy()
		for i := range np.Spec.Ingress {
			np.Spec.Ingress[i].From = c.peers(np.Spec.Ingress[i].From)
		}
		for i := range np.Spec.Egress {
			np.Spec.Egress[i].To = c.peers(np.Spec.Egress[i].To)
		}
		for _, s := range c.optional(&np.Spec.PodSelector) {
			one := *np
			one.Spec.PodSelector = *s
			out = append(out, &one)
		}
	}
	return out
}

func (c *correction) peers(peers []networkingv1.NetworkPolicyPeer) []networkingv1.NetworkPolicyPeer {
	var out []networkingv1.NetworkPolicyPeer
	for _, p := range peers {
		for _, namespaces := range c.optional(p.NamespaceSelector) {
			for _, pods := range c.optional(p.PodSelector) {
				out = append(out, networkingv1.NetworkPolicyPeer{IPBlock: p.IPBlock, NamespaceSelector: namespaces, PodSelector: pods})
			}
		}
	}
	return out
}

func (c *correction) optional(s *metav1.LabelSelector) []*metav1.LabelSelector {
	if s == nil {
		return []*metav1.LabelSelector{nil}
	}
	var out []*metav1.LabelSelector
	for _, one := range c.reword(*s) {
		out = append(out, &one)
	}
	if out == nil {
		out = append(out, s)
	}
	return out
}

func selectorsOf(s *networkingv1.NetworkPolicySpec) []*metav1.LabelSelector {
	out := []*metav1.LabelSelector{&s.PodSelector}
	for _, p := range peersOf(s) {
		out = append(out, p.NamespaceSelector, p.PodSelector)
	}
	return slices.DeleteFunc(out, func(s *metav1.LabelSelector) bool { return s == nil })
}
