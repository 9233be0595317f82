package engine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// Generated clusters have few classes. These sets have many: in windows, and
// scattered.
func TestClassSet(t *testing.T) {
	for _, ids := range [][]int32{
		nil, {0}, {63}, {64}, {63, 64}, {5, 5000}, {0, 64, 128, 192, 256}, {130, 131, 190, 700, 701},
		{64, 320, 321}, {64, 319}, {0, 64, 64 * 8}, {0, 64, 64 * 9}, {0, 64, 64 * 11}, {0, 1000, 2000, 3000, 3001, 9999}, {100, 10_000, 10_001, 20_000},
	} {
		s := newClassSet(ids)
		for c := range Class(21_000) {
			_, want := slices.BinarySearch(ids, int32(c))
			require.Equal(t, want, s.has(c), "%d in %v", c, ids)
		}
		var index []uint32
		var words []uint64
		for w := range uint32(21_000 / 64) {
			if b := s.word(w); b != 0 {
				index, words = append(index, w), append(words, b)
			}
		}
		require.Equal(t, s, newWordSet(index, words), "%v", ids)
	}
	// What a set costs: 8 bytes a word of a window, 12 of a sparse one.
	require.Nil(t, newClassSet([]int32{64, 319}).index, "a short window")
	require.Len(t, newClassSet([]int32{64, 319}).words, 4)
	require.Nil(t, newClassSet([]int32{0, 64, 64 * 8}).index, "one word in three is used")
	require.Equal(t, []uint32{0, 1, 9}, newClassSet([]int32{0, 64, 64 * 9}).index)
}

func TestSpans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		in := map[int32]bool{}
		var s spans
		for range r.IntN(14) {
			lo := r.Int32N(60)
			n := span{lo, lo + 1 + r.Int32N(4)}
			s = append(s, n)
			for i := n.lo; i < n.hi; i++ {
				in[i] = true
			}
		}
		s = s.normal()
		whole := span{3, 57}
		rest := whole.minus(s)
		for i := range int32(70) {
			require.Equal(t, in[i], s.has(i), "%d in %v", i, s)
			require.Equal(t, whole.lo <= i && i < whole.hi && !in[i], rest.has(i), "%d in %v without %v", i, whole, s)
		}
		for i := 1; i < len(s); i++ {
			require.Less(t, s[i-1].hi, s[i].lo, "%v", s)
		}
		require.Equal(t, rest, slices.Clone(rest).normal())
	}
}

func TestAddrAtoms(t *testing.T) {
	var blocks []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "255.255.255.255/32", "240.0.0.0/4",
		"::/1", "fd00::/8", "fd00::1/128", "ff00::/8", "::fffe:0:0/95"} {
		blocks = append(blocks, netip.MustParsePrefix(s))
	}
	a := newAddrAtoms(blocks)
	families := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	atom := int32(0)
	for f := model.IPv4; f <= model.IPv6; f++ {
		next := families[f] // atoms are a partition in order
		all := a.all(f)
		require.Len(t, all, 1)
		require.Equal(t, atom, all[0].lo)
		for ; atom < all[0].hi; atom++ {
			first, last := a.bounds(atom)
			require.Equal(t, next, first)
			require.Equal(t, f, a.family(atom))
			require.Equal(t, atom, a.of(first))
			require.Equal(t, atom, a.of(last))
			for _, b := range blocks {
				require.Equal(t, b.Contains(first), b.Contains(last), "an atom is inside %v or outside of it", b)
				is := a.blockSpans([]model.Block{{CIDR: b}}, false)
				require.Equal(t, b.Contains(first), is.has(atom), "%v", b)
				require.Equal(t, b.Contains(first), a.touching([]netip.Prefix{b}, f).has(atom), "%v", b)
			}
			next = last.Next()
		}
		require.False(t, next.IsValid(), "the last atom ends the family")
	}
	require.Equal(t, int(atom), a.count())
	part := netip.MustParsePrefix("10.1.2.0/24") // not of the partition
	require.Len(t, a.touching([]netip.Prefix{part}, model.IPv4), 1)
	require.True(t, a.touching([]netip.Prefix{part}, model.IPv4).has(a.of(netip.MustParseAddr("10.1.2.3"))))
	require.False(t, a.touching([]netip.Prefix{part}, model.IPv4).has(a.of(netip.MustParseAddr("10.2.0.0"))))
}

// More than 64 atoms, so that a mask has several words.
func TestPortAtoms(t *testing.T) {
	var ranges []model.PortRange
	for i := range uint16(50) {
		ranges = append(ranges, model.PortRange{Protocol: model.TCP, First: 100 + 10*i, Last: 104 + 10*i},
			model.PortRange{Protocol: model.SCTP, First: 65535 - 7*i, Last: 65535})
	}
	a := newPortAtoms(ranges)
	require.Greater(t, a.count(), 128)
	for p := model.TCP; p < model.NumProtocols; p++ {
		require.EqualValues(t, -1, a.of(p, 0))
		for port := uint32(1); port <= model.MaxPort; port++ {
			atom := a.of(p, uint16(port))
			r := a.ports(atom)
			require.Equal(t, p, r.Protocol)
			if uint32(r.First) > port || uint32(r.Last) < port || port > 1 && a.of(p, uint16(port-1)) != atom && r.First != uint16(port) {
				t.Fatalf("port %d is of the atom %v", port, r)
			}
		}
	}
	require.EqualValues(t, -1, a.of(model.NumProtocols, 80))
	for _, r := range ranges {
		m := make(mask, a.words)
		a.fill(m, r)
		require.True(t, a.portSet(m).Equal(model.Ports(r)), "%v", r)
	}
	require.True(t, a.portSet(a.fullMask()).Equal(model.AllPorts()))
	require.True(t, a.portSet(make(mask, a.words)).Empty())
}

// Postings answer as the selectors themselves do, on many more members than a
// generated cluster has.
func TestPostings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	keys, values := []string{"a", "b", "c", "d"}, []string{"", "1", "2", "3", "4"}
	for range 30 {
		var selectors []model.Selector
		for range 12 {
			var s model.Selector
			for range r.IntN(4) {
				q := model.Requirement{Key: keys[r.IntN(3)], Operator: model.In + model.Operator(r.IntN(4))}
				if q.Operator == model.In || q.Operator == model.NotIn {
					for range 1 + r.IntN(3) {
						q.Values = append(q.Values, values[r.IntN(4)])
					}
				}
				s = append(s, q)
			}
			selectors = append(selectors, s.Canonical())
		}
		labels := newLabelAtoms()
		for _, s := range selectors {
			labels.mention(s, nil)
		}
		var members []map[string]string
		var atoms [][]int32
		for range 200 {
			m := map[string]string{}
			for range r.IntN(6) {
				m[keys[r.IntN(4)]] = values[r.IntN(5)]
			}
			members = append(members, m)
			atoms = append(atoms, newProjection(labels).project(m, nil))
		}
		p := newPostings(labels, atoms)
		for _, s := range selectors {
			lo := r.Int32N(200)
			hi := lo + r.Int32N(201-lo)
			before := []int32{-5}
			got := p.selectRange(new(terms).read(labels.mention(s, nil)), lo, hi, before)
			want := before
			for m := lo; m < hi; m++ {
				if s.Matches(members[m]) {
					want = append(want, m)
				}
			}
			require.Equal(t, want, got, "%v in [%d, %d)", s, lo, hi)
		}
	}
}

// Of one selector the rarest positive term is what is walked.
func TestPostingsStartFromTheRarest(t *testing.T) {
	labels := newLabelAtoms()
	common, rare := model.Requirement{Key: "app", Operator: model.In, Values: []string{"web"}}, model.Requirement{Key: "id", Operator: model.In, Values: []string{"7"}}
	labels.mention(model.Selector{common, rare}, nil)
	var atoms [][]int32
	for i := range 100 {
		atoms = append(atoms, newProjection(labels).project(map[string]string{"app": "web", "id": fmt.Sprint(i)}, nil))
	}
	p := newPostings(labels, atoms)
	terms := new(terms).read(labels.mention(model.Selector{common, rare}, nil))
	n, ok := p.cost(&terms[0], 0, 100)
	require.True(t, ok)
	require.Equal(t, 100, n)
	n, ok = p.cost(&terms[1], 0, 100)
	require.True(t, ok)
	require.Equal(t, 1, n)
	n, _ = p.cost(&terms[1], 8, 100)
	require.Zero(t, n)
	n, ok = p.cost(&term{key: terms[1].key, op: model.Exists}, 10, 40)
	require.True(t, ok)
	require.Equal(t, 30, n)
	_, ok = p.cost(&term{key: terms[1].key, op: model.DoesNotExist}, 0, 100)
	require.False(t, ok)
}

// A policy that nothing else has the priority of is in no tie: what is tied
// costs more to decide.
func TestTies(t *testing.T) {
	rule := func(d model.Direction, tier model.Tier, priority, ordinal int32) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: tier, Priority: priority, Ordinal: ordinal}, Direction: d}
	}
	c := compiler{x: &Index{}, snap: &model.Snapshot{Rules: []model.Rule{
		rule(model.Ingress, model.TierAdmin, 1, 1), rule(model.Ingress, model.TierAdmin, 1, 1),
		rule(model.Egress, model.TierAdmin, 1, 2), rule(model.Ingress, model.TierBaseline, 1, 2), rule(model.Ingress, model.TierAdmin, 2, 2),
		rule(model.Egress, model.TierAdmin, 3, 1), rule(model.Egress, model.TierAdmin, 3, 2), rule(model.Egress, model.TierAdmin, 3, 3), rule(model.Egress, model.TierAdmin, 3, 1),
		rule(model.Egress, model.TierBaseline, 3, 0), rule(model.Egress, model.TierBaseline, 3, 1),
	}}}
	c.labels, c.nsLabels = newLabelAtoms(), newLabelAtoms()
	c.names, c.doubted = map[model.NamedPort]int32{}, map[string]bool{}
	c.collect()
	order := c.byRank()
	require.Equal(t, map[tier]int32{{model.Egress, model.TierAdmin, 3}: 1, {model.Egress, model.TierBaseline, 3}: 2}, c.ties(order))
}

// The rules of all policies with one subject are one segment of two ranks.
func TestSegmentsAreShared(t *testing.T) {
	rule := func(priority int32, cidr string) model.Rule {
		return model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: priority}, Direction: model.Egress, Subject: model.PodSet{Namespace: "x"},
			Peer: model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix(cidr)}}}, Ports: model.RulePorts{All: true}, Action: model.Allow}
	}
	x, err := Compile(&model.Snapshot{Namespaces: []model.Namespace{{Name: "x"}}, Rules: []model.Rule{
		rule(1, "10.0.0.0/8"), rule(1, "11.0.0.0/8"), rule(2, "10.0.0.0/8"), rule(1, "10.0.0.0/8"),
	}}, Options{})
	require.NoError(t, err)
	require.Len(t, x.segments, 2)
	require.Equal(t, []int32{0, 1, 3}, x.segments[0].rules)
	require.Len(t, x.segments[0].entries, 2, "equal rules are one entry")
}

// Sources from which several destinations let in something unusual are one
// group, whatever the programs of the destinations.
func TestSourceGroupsAreShared(t *testing.T) {
	app := func(v string) model.PodSet {
		return model.PodSet{Namespace: "x", Pods: model.Selector{{Key: "app", Operator: model.In, Values: []string{v}}}}
	}
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "x"}}}
	for i, v := range []string{"a", "b", "c"} {
		p := model.Pod{Namespace: "x", Name: v, Labels: map[string]string{"app": v}, Workload: model.Workload{Kind: "pod", Name: v}}
		p.Addresses[model.IPv4] = model.Address{State: model.AddressKnown, Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}
		s.Pods = append(s.Pods, p)
	}
	for _, v := range []string{"a", "b"} {
		rule := model.Rule{Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityAllow}, Direction: model.Ingress, Subject: app(v),
			Peer: model.Peer{Pods: []model.PodSet{app("c")}}, Ports: model.RulePorts{Set: model.Port(model.TCP, 80)}, Action: model.Allow}
		deny := rule
		deny.Rank.Priority, deny.Peer, deny.Ports, deny.Action = model.PriorityDefaultDeny, model.Peer{Any: true}, model.RulePorts{All: true, Other: model.OtherUnspecified}, model.Deny
		s.Rules = append(s.Rules, rule, deny)
	}
	x, err := Compile(s, Options{})
	require.NoError(t, err)
	require.Len(t, newFactored(x, nil).groups, 1)
}
