package cilium

import (
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/cilium/cilium/pkg/policy/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/model"
)

// corrections are changes of Cilium's input, each of which makes it do what a
// rule of docs/SEMANTICS.md says. A disagreement is explained by those without
// which it would not be.
type corrections struct {
	isolation  bool         // the default deny of NetworkPolicies is a rule, above the Baseline tier (R93)
	networks   bool         // networks match pods by their addresses in family (R98)
	family     model.Family // of networks
	namespaces bool         // a selector of namespaces matches nothing that is in none (R97)
}

// entry is an Entry with what corrects it.
type entry struct {
	fuzz.Entry
	correct func(*corrections)
}

// Ledger lists the disagreements with Cilium that are meant.
func Ledger() []fuzz.Entry {
	var out []fuzz.Entry
	for _, e := range ledger {
		out = append(out, e.Entry)
	}
	return out
}

var ledger = []entry{
	{
		Entry: fuzz.Entry{
			ID: "baseline", Rule: "R93",
			Upstream: "pkg/policy/repository.go:485",
			Why:      "the default deny of an isolating NetworkPolicy comes after the Baseline tier, so that a Baseline Accept opens what the NetworkPolicy does not",
			Example:  baselineExample, From: "x/pod/b", To: "x/pod/a", Port: "TCP/80",
		},
		correct: func(c *corrections) { c.isolation = true },
	},
	{
		Entry: fuzz.Entry{
			ID: "networks", Rule: "R98",
			Upstream: "pkg/policy/types/selector.go:526",
			Why:      "networks match what is outside the cluster alone, unless policy-cidr-match-mode says otherwise",
			Example:  networksExample, From: "x/pod/a", To: "x/pod/b", Port: "TCP/80",
		},
		correct: func(c *corrections) { c.networks = true },
	},
	{
		Entry: fuzz.Entry{
			ID: "namespaces", Rule: "R97",
			Upstream: "pkg/k8s/cluster_network_policy.go:269",
			Why:      "a selector of namespaces becomes one of identities, so that one with NotIn or DoesNotExist alone matches the world, which is in no namespace",
			Example:  namespacesExample, From: "8.8.8.8", To: "x/pod/a", Port: "TCP/80",
		},
		correct: func(c *corrections) { c.namespaces = true },
	},
}

// podLabel is on every pod when networks are corrected, with its name.
const podLabel = "corrected.podreach.io/pod"

// isolation are Deny entries behind the allows of NetworkPolicies.
func isolation(entries types.PolicyEntries) types.PolicyEntries {
	var out types.PolicyEntries
	for _, e := range entries {
		if e.DefaultDeny {
			out = append(out, &types.PolicyEntry{Tier: e.Tier, Priority: math.MaxInt16, Subject: e.Subject, L3: types.WildcardSelectors, DefaultDeny: true, Verdict: types.Deny, Ingress: e.Ingress})
		}
	}
	return out
}

// admin is the policy with its peers corrected.
func (c corrections) admin(o *objects, p *v1alpha2.ClusterNetworkPolicy) *v1alpha2.ClusterNetworkPolicy {
	if !c.namespaces && !c.networks {
		return p
	}
	p = p.DeepCopy()
	inSome := func(s *metav1.LabelSelector) {
		if c.namespaces && s != nil {
			s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: "kubernetes.io/metadata.name", Operator: metav1.LabelSelectorOpExists})
		}
	}
	for i := range p.Spec.Ingress {
		for _, e := range p.Spec.Ingress[i].From {
			inSome(e.Namespaces)
		}
	}
	var egress []v1alpha2.ClusterNetworkPolicyEgressRule
	for _, r := range p.Spec.Egress {
		inside := *r.DeepCopy()
		inside.To = nil
		for _, e := range r.To {
			inSome(e.Namespaces)
			if c.networks {
				inside.To = append(inside.To, podsIn(o, e.Networks, c.family)...)
			}
		}
		egress = append(egress, r)
		named := func(p v1alpha2.ClusterNetworkPolicyProtocol) bool { return p.DestinationNamedPort != "" }
		inside.Protocols = slices.DeleteFunc(inside.Protocols, named) // R101
		if len(inside.To) > 0 && len(inside.Protocols) > 0 == (len(r.Protocols) > 0) {
			egress = append(egress, inside)
		}
	}
	p.Spec.Egress = egress
	return p
}

// podsIn selects the pods with an address in one of the networks.
func podsIn(o *objects, networks []v1alpha2.CIDR, f model.Family) []v1alpha2.ClusterNetworkPolicyEgressPeer {
	var out []v1alpha2.ClusterNetworkPolicyEgressPeer
	for _, n := range networks {
		prefix, err := netip.ParsePrefix(string(n))
		if err != nil {
			continue // Cilium has said so
		}
		for _, p := range o.pods {
			a := p.assumed[f] // what is certain holds for this one too (R47)
			if known := p.addresses[f]; known.State == model.AddressKnown {
				a = known.Addr
			}
			if prefix.Contains(a) {
				out = append(out, v1alpha2.ClusterNetworkPolicyEgressPeer{Pods: &v1alpha2.NamespacedPod{
					PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{podLabel: p.Namespace + "." + p.Name}}}})
			}
		}
	}
	return out
}

// explain names the entries whose corrections make the answer agree: one, or
// as few as it takes.
func explain(agrees func(corrections) (bool, error), f model.Family) (string, error) {
	for size := 1; size <= len(ledger); size++ {
		for set := range 1 << len(ledger) {
			c := corrections{family: f}
			var ids []string
			for i, e := range ledger {
				if set>>i&1 == 1 {
					e.correct(&c)
					ids = append(ids, e.ID)
				}
			}
			if len(ids) != size {
				continue
			}
			if ok, err := agrees(c); ok || err != nil {
				return strings.Join(ids, "+"), err
			}
		}
	}
	return "", nil
}
