package fuzz

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// What lint says of admin policies and of DNS, held against clusters in which
// the policies are other ones, and against the oracle.

// TestLintShadowed: whatever a rule that decides nothing (PR4005) did, and if it
// were not there, every connection would be as it is.
func TestLintShadowed(t *testing.T) {
	c := Comparison{Counterpart: "lint, shadowed", Package: "./fuzz", Clusters: gen.Options{Pods: 6, Policies: 3}, Check: checkShadowed}
	c.Run(t, *adminLintOptions)
}

var adminLintOptions = &Options{Verdicts: 60_000}

// adminAt returns the place of the one admin policy of a reference, -1 if there
// is none or several.
func adminAt(c *gen.Cluster, ref model.ObjectRef) int {
	found := -1
	for i, p := range c.Admin {
		if a := adminHead(p); a.kind == ref.Kind && a.name == ref.Name {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

func checkShadowed(c *gen.Cluster, _ *rand.Rand) (Count, error) {
	var n Count
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return n, err
	}
	for f := range solver.Lint(x) {
		if f.Code != dialect.CodeLintShadowed {
			continue
		}
		at := adminAt(c, f.Object)
		if at < 0 {
			continue
		}
		var direction string
		var number int
		if _, err := fmt.Sscanf(f.About, "%s %d", &direction, &number); err != nil {
			return n, fmt.Errorf("%q: %w", f.About, err)
		}
		a := adminHead(c.Admin[at])
		for _, action := range []string{a.allow(), "Deny", ""} {
			other := clone(c)
			spec := other.Admin[at]["spec"].(map[string]any)
			rules := spec[direction].([]any)
			if action == "" {
				spec[direction] = slices.Delete(rules, number-1, number)
			} else {
				rules[number-1].(map[string]any)["action"] = action
			}
			y, _, err := Index(other, other.JSON())
			if err != nil {
				return n, err
			}
			differ, compared := differs(x, y)
			n.Verdicts += compared
			if differ != "" {
				return n, fmt.Errorf("%v %s decides nothing, lint says, but with the action %q: %s", f.Object, f.About, action, differ)
			}
		}
	}
	return n, nil
}

// TestLintTies: admin policies of equal priority disagree (PR4006) exactly if two
// orders of them connect something differently.
func TestLintTies(t *testing.T) {
	c := Comparison{Counterpart: "lint, ties", Package: "./fuzz", Clusters: gen.Options{Pods: 6, Policies: 3}, Check: checkTies}
	c.Run(t, *adminLintOptions)
}

var errOrders = errors.New("lint and the orders of policies")

func checkTies(c *gen.Cluster, _ *rand.Rand) (Count, error) {
	var n Count
	x, ledger, err := Index(c, c.JSON())
	if err != nil {
		return n, err
	}
	refused := map[model.ObjectRef]bool{}
	for _, d := range ledger.Diagnostics {
		if d.Severity() == dialect.Error {
			refused[d.Object] = true
		}
	}
	type level struct {
		tier     string
		priority int
	}
	groups := map[level][]int{}
	var levels []level
	of := func(p map[string]any) level { a := adminHead(p); return level{a.tier, a.priority} }
	for i, p := range c.Admin {
		a := adminHead(p)
		ref := model.ObjectRef{Kind: a.kind, Name: a.name}
		if refused[ref] || adminAt(c, ref) < 0 || a.kind == "BaselineAdminNetworkPolicy" {
			continue
		}
		k := of(p)
		if groups[k] == nil {
			levels = append(levels, k)
		}
		groups[k] = append(groups[k], i)
	}
	tied := map[level]bool{}
	for f := range solver.Lint(x) {
		if f.Code == dialect.CodeLintTie {
			if at := adminAt(c, f.Object); at >= 0 {
				tied[of(c.Admin[at])] = true
			}
		}
	}
	for _, k := range levels {
		group := groups[k]
		if len(group) < 2 || len(group) > 3 {
			if tied[k] && len(group) < 2 {
				return n, fmt.Errorf("%w: one policy of %v ties", errOrders, k)
			}
			continue
		}
		differ := ""
		first := ordered(c, k.tier, group)
		y, _, err := Index(first, first.JSON())
		if err != nil {
			return n, err
		}
		for order := range permutations(group) {
			other := ordered(c, k.tier, order)
			z, _, err := Index(other, other.JSON())
			if err != nil {
				return n, err
			}
			is, compared := differs(y, z)
			n.Verdicts += compared
			if is != "" {
				differ = is
				break
			}
		}
		if tied[k] != (differ != "") {
			return n, fmt.Errorf("%w: lint says that policies of %v disagree: %v; two orders: %q", errOrders, k, tied[k], differ)
		}
	}
	return n, nil
}

// ordered gives some policies of one tier and priority an order: room is made
// behind that priority.
func ordered(c *gen.Cluster, tier string, group []int) *gen.Cluster {
	c = clone(c)
	base := adminHead(c.Admin[group[0]]).priority
	var ranks []int
	for _, p := range c.Admin {
		if a := adminHead(p); a.tier == tier && a.kind != "BaselineAdminNetworkPolicy" {
			ranks = append(ranks, a.priority)
		}
	}
	slices.Sort(ranks)
	ranks = slices.Compact(ranks)
	for i, p := range c.Admin {
		a := adminHead(p)
		k, known := slices.BinarySearch(ranks, a.priority)
		if a.tier != tier || a.kind == "BaselineAdminNetworkPolicy" || !known || a.priority < 0 || a.priority > 1000 {
			continue // what the API server rejects stays so
		}
		at := 10 * k
		if j := slices.Index(group, i); j >= 0 && a.priority == base {
			at += j
		}
		p["spec"].(map[string]any)["priority"] = at
	}
	return c
}

// permutations are all orders of a few numbers but the first.
func permutations(list []int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		var from func(done, rest []int) bool
		from = func(done, rest []int) bool {
			if len(rest) == 0 {
				return slices.Equal(done, list) || yield(done)
			}
			for i := range rest {
				if !from(append(slices.Clone(done), rest[i]), slices.Delete(slices.Clone(rest), i, i+1)) {
					return false
				}
			}
			return true
		}
		from(nil, list)
	}
}

// TestLintDNS: policies open something to pods that can ask no DNS (PR4008),
// exactly if the oracle keeps a pod that they open something to from every
// server.
func TestLintDNS(t *testing.T) {
	c := Comparison{Counterpart: "lint, DNS", Package: "./fuzz", Clusters: gen.Options{Pods: 7, Policies: 5}, Check: checkDNS}
	c.Run(t, Options{Verdicts: 6_000})
}

// withServer makes one of the pods a DNS server, mostly.
func withServer(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
	c = clone(c)
	if len(c.Pods) == 0 || r.IntN(4) == 0 {
		return c
	}
	c.Pods = slices.Clone(c.Pods)
	i := r.IntN(len(c.Pods))
	c.Pods[i] = *c.Pods[i].DeepCopy()
	if c.Pods[i].Labels == nil {
		c.Pods[i].Labels = map[string]string{}
	}
	c.Pods[i].Labels["k8s-app"] = "kube-dns"
	return c
}

func checkDNS(c *gen.Cluster, r *rand.Rand) (Count, error) {
	var n Count
	c = withServer(c, r)
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return n, err
	}
	o, err := Oracle(c)
	if err != nil {
		return n, err
	}
	found := map[model.ObjectRef]bool{}
	for f := range solver.Lint(x) {
		if f.Code == dialect.CodeLintNoDNS {
			found[f.Object] = true
		}
	}
	want := map[model.ObjectRef]string{}
	s := x.Snapshot()
	opens53 := func(q *model.Rule) bool {
		return q.Ports.All || q.Ports.Set.Contains(model.UDP, 53) || q.Ports.Set.Contains(model.TCP, 53) || len(q.Ports.Named) > 0
	}
	var servers []*model.Pod
	for i := range s.Pods {
		p := &s.Pods[i]
		named := slices.ContainsFunc(p.Ports, func(q model.ContainerPort) bool { return q.Name == "dns" && q.Protocol == model.UDP })
		if !p.Hole() && !p.HostNetwork && (p.Labels["k8s-app"] == "kube-dns" || p.Labels["k8s-app"] == "coredns" || named) {
			servers = append(servers, p)
		}
	}
	selects := func(set *model.PodSet, p *model.Pod) bool {
		if p.Hole() || p.HostNetwork || set.Namespace != "" && set.Namespace != p.Namespace {
			return false
		}
		i := slices.IndexFunc(s.Namespaces, func(n model.Namespace) bool { return n.Name == p.Namespace })
		return (set.Namespace != "" || set.Namespaces.Matches(s.Namespaces[i].Labels)) && set.Pods.Matches(p.Labels)
	}
	ends := map[oracle.End]bool{}
	for _, e := range o.Ends() {
		ends[e] = true
	}
	endOf := func(p *model.Pod) oracle.End { return oracle.End{Namespace: p.Namespace, Name: p.Name} }
	for i := range s.Pods {
		pod := &s.Pods[i]
		if pod.Hole() || pod.HostNetwork || slices.Contains(servers, pod) {
			continue
		}
		var opens *model.ObjectRef // the first policy that opens something
		asks := false
		for j := range s.Rules {
			q := &s.Rules[j]
			if q.Direction != model.Egress || q.Rank.Tier == model.TierExempt || !selects(&q.Subject, pod) {
				continue
			}
			switch {
			case q.Object.Kind != "NetworkPolicy":
				asks = asks || q.Action != model.Deny && q.Action != model.Pass && opens53(q)
			case q.Action == model.Allow:
				somebody := q.Peer.Any || slices.ContainsFunc(q.Peer.Blocks, func(b model.Block) bool { return b.CIDR.Bits() == 0 }) ||
					slices.ContainsFunc(q.Peer.Pods, func(set model.PodSet) bool {
						return slices.ContainsFunc(s.Pods, func(p model.Pod) bool { return selects(&set, &p) })
					})
				if somebody && (opens == nil || q.Object.Name < opens.Name) {
					opens = &q.Object
				}
				asks = asks || opens53(q) && (len(servers) == 0 || q.Peer.Any || len(q.Peer.Blocks) > 0)
			}
		}
		if opens == nil || asks {
			continue
		}
		open := func(to oracle.End, protocol model.Protocol, port uint16) bool {
			n.Verdicts++
			if from := endOf(pod); ends[from] && (to.Addr.IsValid() || ends[to]) {
				return o.Verdict(from, to, protocol, port, model.AnyFamily) != model.Denied
			}
			// The oracle knows no dormant pods.
			src, _ := x.Pod(pod.Namespace, pod.Name)
			if to.Addr.IsValid() {
				return x.Between(src, x.Outside(oneAddress(to.Addr)).Outside()[0].Endpoint).Upper.Contains(protocol, port)
			}
			dst, _ := x.Pod(to.Namespace, to.Name)
			return x.Between(src, dst).Upper.Contains(protocol, port)
		}
		reaches := false
		for _, d := range servers {
			reaches = reaches || open(endOf(d), model.UDP, 53) || open(endOf(d), model.TCP, 53)
			for _, p := range d.Ports {
				reaches = reaches || p.Name == "dns" && open(endOf(d), p.Protocol, p.Port)
			}
		}
		for _, a := range o.Atoms() {
			reaches = reaches || open(oracle.End{Addr: a}, model.UDP, 53) || open(oracle.End{Addr: a}, model.TCP, 53)
		}
		if !reaches {
			want[*opens] = pod.Path()
		}
	}
	for ref, pod := range want {
		if !found[ref] {
			return n, fmt.Errorf("%s, to which %v opens something, reaches no DNS, and lint does not say so", pod, ref)
		}
	}
	for ref := range found {
		if want[ref] == "" {
			return n, fmt.Errorf("lint says that pods of %v reach no DNS, and all that it opens something to do", ref)
		}
	}
	return n, nil
}

// The findings that these tests are about occur among their clusters.
func TestLintFindsAdminAndDNS(t *testing.T) {
	found := map[dialect.Code]int{}
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := withServer(withLint.cluster(seed+1), r)
		x, _, err := Index(c, c.JSON())
		require.NoError(t, err)
		for f := range solver.Lint(x) {
			found[f.Code]++
		}
	}
	require.Greater(t, found[dialect.CodeLintShadowed], 5)
	require.Greater(t, found[dialect.CodeLintTie], 1)
	require.Greater(t, found[dialect.CodeLintNoDNS], 5)
}
