package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// settleClashes finds addresses of several pods or nodes (R62). A running pod
// puts those that are not running into the shade: it is what the address means
// in a question. Nothing puts two running pods, or two nodes, before each
// other. Host-network pods have their node's addresses.
func (s *State) settleClashes(pods []model.Pod, running []bool, nodes []model.Node) {
	owner := make(map[netip.Addr]int, len(pods)+len(nodes)) // pods, and behind them nodes
	clashes := map[netip.Addr][]int{}
	claim := func(a netip.Addr, i int) {
		first, found := owner[a]
		if !found {
			owner[a] = i
			return
		}
		if len(clashes[a]) == 0 {
			clashes[a] = []int{first}
		}
		clashes[a] = append(clashes[a], i)
	}
	for i := range pods {
		for _, a := range pods[i].Addresses {
			if a.State == model.AddressKnown && !pods[i].HostNetwork {
				claim(a.Addr, i)
			}
		}
	}
	for i := range nodes {
		for _, a := range nodes[i].Addresses {
			claim(a, len(pods)+i)
		}
	}
	addrs := make([]netip.Addr, 0, len(clashes))
	for a := range clashes {
		addrs = append(addrs, a)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	path := func(i int) string {
		if i >= len(pods) {
			return "node/" + nodes[i-len(pods)].Name
		}
		return pods[i].Path()
	}
	for _, addr := range addrs {
		sharers := clashes[addr]
		some := func(want func(int) bool) []int {
			return slices.DeleteFunc(slices.Clone(sharers), func(i int) bool { return !want(i) })
		}
		isPod := func(i int) bool { return i < len(pods) }
		best := some(func(i int) bool { return isPod(i) && running[i] })
		if len(best) > 0 {
			for _, i := range sharers {
				if isPod(i) && !running[i] {
					pods[i].Addresses[model.FamilyOf(addr)].Shadowed = true
				}
			}
		} else if best = some(isPod); len(best) == 0 {
			best = sharers
		}
		// The report is about one that does not have the address to itself.
		about := some(func(i int) bool { return len(best) > 1 || i != best[0] })
		last := slices.MaxFunc(about, func(i, j int) int { return strings.Compare(path(i), path(j)) })
		d := dialect.Diagnostic{Code: dialect.CodeAddressClash}
		if isPod(last) {
			p := &pods[last]
			d.Object, d.Origin = model.ObjectRef{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}, p.Origin
		} else {
			n := &nodes[last-len(pods)]
			d.Object, d.Origin = model.ObjectRef{Kind: "Node", Name: n.Name}, n.Origin
		}
		what := "pods and nodes"
		switch len(some(isPod)) {
		case 0:
			what = "nodes"
		case len(sharers):
			what = "pods"
		}
		means := "it means " + path(best[0])
		if len(best) > 1 {
			means = "which one it means is not known"
		}
		names := make([]string, len(sharers))
		for i, sharer := range sharers {
			names[i] = path(sharer)
		}
		slices.Sort(names)
		d.Message = fmt.Sprintf("%d %s have the address %v: %s; %s", len(sharers), what, addr, listed(names), means)
		s.ledger.Report(d)
	}
}
