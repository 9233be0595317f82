package fuzz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go4.org/netipx"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// Lint's findings, and what is true of the cluster: a policy has no effect if
// the text without it has equal answers, by the engine for all pairs and by the
// oracle for many flows; what selects nothing, by the API's own selectors.
var withLint = Comparison{Counterpart: "lint", Package: "./fuzz", Clusters: gen.Options{Pods: 7, Policies: 5}, Check: checkLint}

func TestLint(t *testing.T) { withLint.Run(t, *lintOptions) }

var lintOptions = &Options{Verdicts: 150_000}

func checkLint(c *gen.Cluster, r *rand.Rand) (Count, error) {
	var n Count
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return n, err
	}
	found := map[dialect.Code]map[model.ObjectRef][]solver.Finding{}
	for f := range solver.Lint(x) {
		if found[f.Code] == nil {
			found[f.Code] = map[model.ObjectRef][]solver.Finding{}
		}
		found[f.Code][f.Object] = append(found[f.Code][f.Object], f)
	}
	s := x.Snapshot()
	seen := map[model.ObjectRef]bool{}
	for i := range c.Policies {
		ref := refOf(c, &c.Policies[i])
		sure := true
		var subject *model.PodSet
		for j := range s.Rules {
			if q := &s.Rules[j]; q.Object == ref {
				sure = sure && q.Action != model.Uncertain
				if q.Isolates() {
					subject = &q.Subject
				}
			}
		}
		if seen[ref] || subject == nil {
			continue // a second one of the name, or one that the API server rejects
		}
		seen[ref] = true
		less := *c
		less.Policies = slices.DeleteFunc(slices.Clone(c.Policies), func(p networkingv1.NetworkPolicy) bool { return refOf(c, &p) == ref })
		y, _, err := Index(&less, less.JSON())
		if err != nil {
			return n, err
		}
		differ, compared := differs(x, y)
		n.Verdicts += compared
		empty := !slices.ContainsFunc(s.Pods, func(p model.Pod) bool {
			return !p.Hole() && !p.HostNetwork && p.Namespace == subject.Namespace && subject.Pods.Matches(p.Labels)
		})
		nothing, idle := len(found[dialect.CodeLintSelectsNothing][ref]) > 0, len(found[dialect.CodeLintNoEffect][ref]) > 0
		switch {
		case nothing != (empty && sure):
			return n, fmt.Errorf("%v selects nothing: lint says %v, its pods that %v", ref, nothing, empty && sure)
		case idle && doubted(s, subject):
			return n, fmt.Errorf("%v is for pods of which all is uncertain, and lint says that it has no effect", ref)
		case (nothing || idle) && differ != "":
			return n, fmt.Errorf("%v: lint says that it has no effect, but it has: %s", ref, differ)
		case !empty && !idle && differ == "" && !doubted(s, subject) && (len(subject.Pods) > 0 || hasRules(s, ref)): // the floor of a namespace is not told
			return n, fmt.Errorf("%v has no effect, and lint does not say so", ref)
		}
		if idle || nothing {
			asked, err := sameVerdicts(c, &less, r)
			n.Verdicts += asked
			if err != nil {
				return n, fmt.Errorf("%v has no effect: %w", ref, err)
			}
		}
		if c.Profile != "cilium" && sure { // where selectors are what is written (R26)
			if err := samePeers(s, &c.Policies[i], ref, nothing, found[dialect.CodeLintNoPeer][ref]); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// doubted reports whether of some pod all is uncertain.
func doubted(s *model.Snapshot, of *model.PodSet) bool {
	in := func(set *model.PodSet, p *model.Pod) bool {
		if set.Namespace != "" && set.Namespace != p.Namespace {
			return false
		}
		i := slices.IndexFunc(s.Namespaces, func(n model.Namespace) bool { return n.Name == p.Namespace })
		return (set.Namespace != "" || set.Namespaces.Matches(s.Namespaces[i].Labels)) && set.Pods.Matches(p.Labels)
	}
	return slices.ContainsFunc(s.Pods, func(p model.Pod) bool {
		return !p.Hole() && !p.HostNetwork && in(of, &p) && slices.ContainsFunc(s.Rules, func(r model.Rule) bool {
			return r.Rank.Tier == model.TierExempt && r.Action == model.Uncertain && r.Peer.Any && in(&r.Subject, &p)
		})
	})
}

// hasRules reports whether a policy has more than its isolation.
func hasRules(s *model.Snapshot, ref model.ObjectRef) bool {
	return slices.ContainsFunc(s.Rules, func(r model.Rule) bool { return r.Object == ref && !r.Isolates() })
}

func refOf(c *gen.Cluster, p *networkingv1.NetworkPolicy) model.ObjectRef {
	ref := model.ObjectRef{Kind: "NetworkPolicy", Namespace: p.Namespace, Name: p.Name}
	if ref.Namespace == "" {
		ref.Namespace = c.DefaultNamespace
	}
	if ref.Namespace == "" {
		ref.Namespace = "default"
	}
	return ref
}

// place is an end with an address that is asked about.
type place struct {
	id   func(*engine.Index) engine.EndpointID
	addr netip.Addr // of a host
	name string
}

// differs says where two indexes with the same endpoints differ, and how many
// pairs were compared.
func differs(x, y *engine.Index) (string, int) {
	s := x.Snapshot()
	var places []place
	for i := range s.Pods {
		p := &s.Pods[i]
		if p.Hole() {
			continue
		}
		at := place{name: p.Path(), id: func(x *engine.Index) engine.EndpointID {
			e, _ := x.Pod(p.Namespace, p.Name)
			return e
		}}
		places = append(places, at)
		var addrs []netip.Addr
		for k := range s.Nodes {
			if p.HostNetwork && s.Nodes[k].Name == p.NodeName {
				addrs = s.Nodes[k].Addresses
			}
		}
		for _, a := range p.Addresses {
			if p.HostNetwork && a.State == model.AddressKnown {
				addrs = append(slices.Clip(addrs), a.Addr)
			}
		}
		for _, at.addr = range addrs {
			places = append(places, at)
		}
	}
	for i := range s.Nodes {
		at := place{name: "node/" + s.Nodes[i].Name, id: func(*engine.Index) engine.EndpointID { return engine.NodeID(i) }}
		places = append(places, at)
		for _, at.addr = range s.Nodes[i].Addresses {
			places = append(places, at)
		}
	}
	for _, z := range []*engine.Index{x, y} { // each has other atoms
		for _, o := range z.Outside(everyAddress()).Outside() {
			a := o.Witness
			places = append(places, place{name: a.String(), id: func(x *engine.Index) engine.EndpointID {
				return x.Outside(oneAddress(a)).Outside()[0].Endpoint
			}})
		}
	}
	n := 0
	ids := make([][2]engine.EndpointID, len(places))
	for i, p := range places {
		ids[i] = [2]engine.EndpointID{p.id(x), p.id(y)}
	}
	for i, from := range places {
		for j, to := range places {
			if ids[i][0].IsOutside() && ids[j][0].IsOutside() {
				continue
			}
			for f := range model.Family(model.NumFamilies) {
				flow := engine.Flow{SrcAddr: from.addr, DstAddr: to.addr, Family: engine.Only(f)}
				flow.Src, flow.Dst = ids[i][0], ids[j][0]
				a := x.BetweenFlow(flow)
				flow.Src, flow.Dst = ids[i][1], ids[j][1]
				b := y.BetweenFlow(flow)
				n++
				others := a.Other == model.OtherNo && b.Other == model.OtherYes || a.Other == model.OtherYes && b.Other == model.OtherNo
				if others || !a.Lower.Equal(b.Lower) || !a.Upper.Equal(b.Upper) {
					return fmt.Sprintf("%s %v to %s %v, %v: %v, without it %v", from.name, from.addr, to.name, to.addr, f, a, b), n
				}
			}
		}
	}
	return "", n
}

func everyAddress() *netipx.IPSet {
	return addressSet(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
}

func oneAddress(a netip.Addr) *netipx.IPSet { return addressSet(netip.PrefixFrom(a, a.BitLen())) }

func addressSet(ps ...netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range ps {
		b.AddPrefix(p)
	}
	s, err := b.IPSet()
	if err != nil {
		panic(err) // prefixes of a test are valid
	}
	return s
}

// sameVerdicts asks the oracle about flows of two clusters that should be equal.
func sameVerdicts(c, less *gen.Cluster, r *rand.Rand) (int, error) {
	a, err := Oracle(c)
	if err != nil {
		return 0, err
	}
	b, err := Oracle(less)
	if err != nil {
		return 0, err
	}
	ends := a.Ends()
	for _, i := range r.Perm(len(a.Atoms()))[:min(8, len(a.Atoms()))] {
		ends = append(ends, oracle.End{Addr: a.Atoms()[i]})
	}
	ports := a.Ports()
	n := 0
	for range 150 {
		s, d, p := ends[r.IntN(len(ends))], ends[r.IntN(len(ends))], ports[r.IntN(len(ports))]
		if s.Addr.IsValid() && d.Addr.IsValid() {
			continue
		}
		n++
		if was, is := a.Verdict(s, d, p.Protocol, p.Port, model.AnyFamily), b.Verdict(s, d, p.Protocol, p.Port, model.AnyFamily); was != is {
			return n, &Mismatch{"the oracle without the policy", s, d, p.Protocol, p.Port, model.AnyFamily, was, is}
		}
	}
	return n, nil
}

// member is the path of a peer in a policy, or of a rule.
var member = regexp.MustCompile(`spec\.(ingress|egress)\[(\d+)\]\.(?:from|to)\[(\d+)\]$`)

// samePeers compares what lint says of peers with the selectors of the API.
func samePeers(s *model.Snapshot, p *networkingv1.NetworkPolicy, ref model.ObjectRef, nothing bool, found []solver.Finding) error {
	type at struct {
		direction  string
		rule, peer int
	}
	said := map[at]bool{}
	for _, f := range found {
		m := member.FindStringSubmatch(f.Origin.Path)
		if m == nil {
			return fmt.Errorf("%v: a finding of no peer at %s", ref, f.Origin.Path)
		}
		i, _ := strconv.Atoi(m[2])
		j, _ := strconv.Atoi(m[3])
		said[at{m[1], i, j}] = true
	}
	inForce := func(d model.Direction) bool {
		return slices.ContainsFunc(s.Rules, func(r model.Rule) bool { return r.Object == ref && r.Direction == d })
	}
	check := func(d model.Direction, rule int, peers []networkingv1.NetworkPolicyPeer) error {
		for j := range peers {
			if peers[j].IPBlock != nil || nothing || !inForce(d) {
				continue
			}
			none := !slices.ContainsFunc(s.Pods, func(q model.Pod) bool { return !q.Hole() && !q.HostNetwork && isPeer(s, ref.Namespace, &peers[j], &q) })
			if k := (at{d.String(), rule, j}); said[k] != none {
				return fmt.Errorf("%v: peer %d of %v rule %d: lint says that it matches nothing: %v, the API's selectors: %v", ref, j, d, rule, said[k], none)
			}
		}
		return nil
	}
	for i, r := range p.Spec.Ingress {
		if err := check(model.Ingress, i, r.From); err != nil {
			return err
		}
	}
	for i, r := range p.Spec.Egress {
		if err := check(model.Egress, i, r.To); err != nil {
			return err
		}
	}
	return nil
}

func isPeer(s *model.Snapshot, namespace string, p *networkingv1.NetworkPolicyPeer, pod *model.Pod) bool {
	matches := func(sel *metav1.LabelSelector, set map[string]string) bool {
		m, err := metav1.LabelSelectorAsSelector(sel)
		return err == nil && m.Matches(labels.Set(set))
	}
	if p.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else {
		i := slices.IndexFunc(s.Namespaces, func(n model.Namespace) bool { return n.Name == pod.Namespace })
		if !matches(p.NamespaceSelector, s.Namespaces[i].Labels) {
			return false
		}
	}
	return p.PodSelector == nil || matches(p.PodSelector, pod.Labels)
}

// A mutant of lint is noticed: one that calls every policy idle, and one that
// calls none so.
func TestLintFindsSomething(t *testing.T) {
	idle, busy, empty, peers := 0, 0, 0, 0
	for seed := range uint64(300) {
		c := withLint.cluster(seed + 1)
		x, _, err := Index(c, c.JSON())
		require.NoError(t, err)
		n := 0
		for f := range solver.Lint(x) {
			switch f.Code {
			case dialect.CodeLintNoEffect:
				n++
				idle++
			case dialect.CodeLintSelectsNothing:
				empty++
			case dialect.CodeLintNoPeer:
				peers++
			}
		}
		busy += len(c.Policies) - n
	}
	require.Greater(t, idle, 20)
	require.Greater(t, busy, 100)
	require.Greater(t, empty, 20)
	require.Greater(t, peers, 20)
}
