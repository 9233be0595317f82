package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// many is a cluster of more classes than generated ones have, so that sets of
// classes are several words: pods of all sorts of addresses, each of a label
// that rules tell apart, and blocks that cut the outside into many atoms.
func many(t testing.TB) *engine.Index {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	s := &model.Snapshot{
		Namespaces:  []model.Namespace{{Name: "shop"}},
		UnknownNode: [model.NumFamilies]model.AddressState{model.IPv4: model.AddressUnknown, model.IPv6: model.AddressMaybe},
		Nodes:       []model.Node{{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("192.168.0.1")}}, {Name: "n2", Addresses: []netip.Addr{netip.MustParseAddr("fd00::2")}}, {Name: "n3"}},
		Rules:       slices.Clone(builtin),
	}
	for i := range 160 {
		p := pod("shop", fmt.Sprint("p", i), "", map[string]string{"id": fmt.Sprint(i / 2), "app": fmt.Sprint(i % 5)})
		v4, v6 := netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), netip.MustParseAddr(fmt.Sprintf("fd00::1:%x", i))
		for f, a := range [...]netip.Addr{v4, v6} {
			p.Addresses[f].State = model.AddressState(r.IntN(4))
			if f == 0 && i%4 != 0 {
				p.Addresses[f].State = model.AddressKnown // a cluster is mostly this
			}
			if p.Addresses[f].State == model.AddressKnown {
				p.Addresses[f].Addr = a
			}
		}
		p.Ports = []model.ContainerPort{{NamedPort: model.NamedPort{Name: "web", Protocol: model.TCP}, Port: uint16(80 + i%3)}}
		p.Dormant, p.NodeName = i%40 == 7, "n1"
		s.Pods = append(s.Pods, p, model.Pod{Namespace: "shop", Name: p.Name + "-b", Labels: p.Labels, NodeName: "n2", Ports: p.Ports, Addresses: p.Addresses, Workload: p.Workload})
		for f := range p.Addresses {
			s.Pods[len(s.Pods)-1].Addresses[f].Shadowed = p.Addresses[f].State == model.AddressKnown
		}
	}
	ids := func(n int) (q model.Selector) {
		var values []string
		for range n {
			values = append(values, fmt.Sprint(r.IntN(80)))
		}
		return model.Selector{{Key: "id", Operator: model.In, Values: values}}.Canonical()
	}
	all := model.Selector{}
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		s.Rules = append(s.Rules, isolate("shop", app("1"), d), isolate("shop", app("2"), d), isolate("shop", ids(30), d))
		for i := range 20 {
			rule := allow("shop", app(fmt.Sprint(i%3)), d, model.Peer{Pods: []model.PodSet{{Namespace: "shop", Pods: ids(1 + r.IntN(40))}}}, model.RulePorts{All: true, Other: model.OtherYes})
			if i%2 == 0 {
				rule.Subject.Pods = ids(10)
			}
			if i%3 == 0 {
				rule.Ports = model.RulePorts{Set: model.Port(model.TCP, uint16(80+i%4)), Named: []model.NamedPort{{Name: "web", Protocol: model.TCP}}}
			}
			s.Rules = append(s.Rules, rule)
		}
		for i := range 40 {
			block := model.Block{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(4 * i), 0}), 22)}
			if i%4 == 0 {
				block.CIDR = netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/48", i))
			}
			if i%4 == 1 {
				block = model.Block{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i), 0, 0}), 16), ExternalOnly: i%8 == 1}
			}
			s.Rules = append(s.Rules, allow("shop", ids(3), d, model.Peer{Blocks: []model.Block{block}}, model.RulePorts{Set: model.Port(model.TCP, 443)}))
		}
		s.Rules = append(s.Rules, allow("shop", ids(6), d, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), Except: []netip.Prefix{netip.MustParsePrefix("10.0.32.0/19")}}}}, model.RulePorts{Set: model.Port(model.UDP, 53)}),
			allow("shop", all, d, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("::/0")}}}, model.RulePorts{Set: model.Port(model.TCP, 22)}))
	}
	for i, d := range []model.Direction{model.Ingress, model.Egress} { // whatever is no pod, and no set or block beside it
		s.Rules = append(s.Rules, isolate("shop", model.Selector{{Key: "id", Operator: model.In, Values: []string{fmt.Sprint(78 + i)}}}, d),
			allow("shop", model.Selector{{Key: "id", Operator: model.In, Values: []string{fmt.Sprint(78 + i)}}}, d, model.Peer{NoPods: true}, model.RulePorts{All: true, Other: model.OtherYes}))
	}
	x, err := engine.Compile(s, engine.Options{})
	require.NoError(t, err)
	require.Greater(t, x.Classes(), 3*64)
	return x
}

// layerOf returns the layer of a row that has a class, -1 for none.
func layerOf(r *engine.Row, c engine.Class) int {
	return slices.IndexFunc(r.Layers, func(l engine.Layer) bool { return l.Classes.Test(uint(c)) })
}

// Rows say what pairs of classes do, and count the pairs of pods.
func TestRowsOfManyClasses(t *testing.T) {
	x := many(t)
	pods := make([]int, x.Classes())
	for i := range x.Snapshot().Pods {
		if !x.Snapshot().Pods[i].Dormant {
			pods[x.Class(engine.EndpointID(i))]++
		}
	}
	seen, rows := map[engine.Class]bool{}, 0
	between := make([]model.Bounds, x.Classes())
	for row := range x.Rows() {
		rows++
		pairs := make([]int, len(row.Layers))
		for _, src := range row.Sources {
			require.False(t, seen[src])
			seen[src] = true
			for dst := range engine.Class(x.Classes()) {
				want := x.BetweenClasses(src, dst)
				if src != row.Sources[0] {
					require.Equal(t, between[dst], want, "sources of a row are alike")
				}
				between[dst] = want
				var got model.Bounds
				if i := layerOf(row, dst); i >= 0 {
					got = row.Layers[i].Bounds
					n := pods[dst]
					if src == dst {
						n--
					}
					pairs[i] += pods[src] * n
				}
				require.True(t, got.Lower.Equal(want.Lower) && got.Upper.Equal(want.Upper) && got.Other == want.Other, "%d to %d: %v, not %v", src, dst, got, want)
			}
		}
		for i := range row.Layers {
			require.Equal(t, max(0, pairs[i]), row.Pairs(i), "of %v", row.Sources)
		}
	}
	require.Len(t, seen, x.Classes())
	require.Less(t, rows, x.Classes()*9/10, "sources share rows")
}

// Rows between two sets are parts of the rows, whether few or most of the
// classes are destinations.
func TestRowsBetweenParts(t *testing.T) {
	x := many(t)
	all := slices.Collect(x.AllPods().Union(x.AllNodes()).All())
	for _, n := range []int{0, 1, 30, 200, len(all)} {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		var ends [2][]engine.EndpointID
		for i := range ends {
			for _, k := range r.Perm(len(all))[:n] {
				ends[i] = append(ends[i], all[k])
			}
		}
		classes := func(ids []engine.EndpointID) map[engine.Class]bool {
			out := map[engine.Class]bool{}
			for _, e := range ids {
				out[x.Class(e)] = true
			}
			return out
		}
		from, to := classes(ends[0]), classes(ends[1])
		seen := 0
		for row := range x.RowsBetween(engine.Of(ends[0]...), engine.Of(ends[1]...)) {
			for _, src := range row.Sources {
				seen++
				require.True(t, from[src])
				for dst := range engine.Class(x.Classes()) {
					var got, want model.Bounds
					if i := layerOf(row, dst); i >= 0 {
						got = row.Layers[i].Bounds
					}
					if to[dst] {
						want = x.BetweenClasses(src, dst)
					}
					require.True(t, got.Lower.Equal(want.Lower) && got.Upper.Equal(want.Upper) && got.Other == want.Other, "%d to %d: %v, not %v", src, dst, got, want)
				}
			}
		}
		require.Equal(t, len(from), seen)
	}
}

// A column says what the pairs do that it is made of.
func TestColumnOfManyClasses(t *testing.T) {
	x := many(t)
	sources := x.AllPods().Union(x.AllNodes())
	all := slices.Collect(sources.All())
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		var ids []engine.EndpointID
		for _, i := range r.Perm(len(all))[:1+r.IntN(5)] {
			ids = append(ids, all[i])
		}
		to := engine.Of(ids...)
		ports := []model.PortSet{model.AllPorts(), model.Port(model.TCP, 443), model.Port(model.TCP, 81), model.Port(model.UDP, 53)}[r.IntN(4)]
		column := x.Column(to, ports)
		var certain, possible []engine.EndpointID
		for _, src := range all {
			lower, upper := false, false
			for _, dst := range ids {
				if src == dst && src.IsPod() {
					continue
				}
				b := x.BetweenClasses(x.Class(src), x.Class(dst))
				lower, upper = lower || b.Lower.Overlaps(ports), upper || b.Upper.Overlaps(ports)
			}
			want := model.Denied
			if upper {
				possible, want = append(possible, src), model.Unknown
			}
			if lower {
				certain, want = append(certain, src), model.Allowed
			}
			got, first := column.Any(engine.Of(src))
			require.Equal(t, want, got, "%d to %v", src, ids)
			require.True(t, got == model.Denied || first == src)
			got, first = column.All(engine.Of(src))
			require.Equal(t, want, got, "%d to %v", src, ids)
			require.True(t, got == model.Allowed || first == src)
		}
		c, p := column.Count(sources)
		require.Equal(t, [2]int{len(certain), len(possible)}, [2]int{c, p})
		cp, pp := column.Count(x.AllPods())
		cn, pn := column.Count(x.AllNodes())
		require.Equal(t, [2]int{c, p}, [2]int{cp + cn, pp + pn})
		if len(certain) > 0 {
			got, first := column.Any(sources)
			require.Equal(t, model.Allowed, got)
			require.Equal(t, certain[0], first)
		}
	}
}

// Sets without pods or nodes, and a column that was not made.
func TestColumnOfNothing(t *testing.T) {
	x := small(t, shopRules()...)
	all := x.AllPods().Union(x.AllNodes())
	var none engine.Column
	for name, column := range map[string]*engine.Column{"zero": &none, "to nothing": x.Column(engine.Set{}, model.AllPorts()), "no port": x.Column(all, model.PortSet{})} {
		for _, from := range []engine.Set{all, x.AllPods(), x.AllNodes()} {
			got, _ := column.Any(from)
			require.Equal(t, model.Denied, got, name)
			got, first := column.All(from)
			require.Equal(t, model.Denied, got, name)
			require.True(t, from.Contains(first), name)
			certain, possible := column.Count(from)
			require.Zero(t, certain+possible, name)
		}
		got, _ := column.Any(engine.Set{})
		require.Equal(t, model.Denied, got, name)
		got, _ = column.All(engine.Set{})
		require.Equal(t, model.Allowed, got, "every one of none: %s", name)
	}
}

// Peers that begin with the same set and are as long are not the same.
func TestPeersOfSeveralSets(t *testing.T) {
	set := func(v string) model.PodSet { return model.PodSet{Namespace: "shop", Pods: app(v)} }
	peer := func(last string) model.Peer { return model.Peer{Pods: []model.PodSet{set("db"), set(last)}} }
	x := small(t, isolate("shop", app("db"), model.Ingress),
		allow("shop", app("nobody"), model.Ingress, peer("web"), model.RulePorts{All: true}),
		allow("shop", app("db"), model.Ingress, peer("none"), model.RulePorts{All: true}))
	require.True(t, x.Between(mustPod(t, x, "web-0"), mustPod(t, x, "db")).Upper.Empty())
}
