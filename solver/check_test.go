package solver

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// view is what a side means by one endpoint, for the reference.
type view struct {
	id     engine.EndpointID
	addr   netip.Addr
	family engine.Families
	named  bool
	marks  [model.NumFamilies]map[int]bool // exceptions that hold it
}

// slowCheck judges an assertion pair by pair.
type slowCheck struct {
	x       *engine.Index
	a       *Assertion
	excepts []exception
	strict  bool // an address is a view of its own beside the whole
}

func addressesOf(x *engine.Index, id engine.EndpointID, f model.Family) (out []netip.Addr, complete bool) {
	s := x.Snapshot()
	var nodes []model.Node
	if id.IsNode() {
		nodes = []model.Node{s.Nodes[id.NodeIndex()]}
	} else {
		p := s.Pods[id]
		if p.Addresses[f].State == model.AddressKnown {
			out, complete = append(out, p.Addresses[f].Addr), true
		}
		if !p.HostNetwork {
			return out, complete || p.Addresses[f].State == model.AddressNone
		}
		complete = false
		for _, n := range s.Nodes {
			if n.Name == p.NodeName && !p.EveryNode {
				nodes = append(nodes, n)
			}
		}
	}
	for _, n := range nodes {
		complete = complete || len(n.Addresses) > 0
		for _, a := range n.Addresses {
			if model.FamilyOf(a) == f {
				out = append(out, a.Unmap())
			}
		}
	}
	return out, complete
}

func (c *slowCheck) views(ends []Ends, dst bool) []view {
	var out []view
	var space netipx.IPSetBuilder
	whole := map[engine.EndpointID]bool{}
	for _, e := range ends {
		for id := range e.Set.All() {
			if !id.IsOutside() && !e.Addr.IsValid() && e.Family == 0 {
				whole[id] = true
			}
		}
	}
	for _, e := range ends {
		for _, part := range e.Set.Outside() {
			for _, r := range part.Ranges {
				space.AddRange(r)
			}
		}
		for id := range e.Set.All() {
			if id.IsOutside() || (e.Addr.IsValid() || e.Family != 0) && whole[id] && !c.strict {
				continue
			}
			v := view{id: id, addr: e.Addr, family: e.Family}
			i := slices.IndexFunc(out, func(w view) bool { return w.id == id && w.addr == v.addr && w.family == v.family })
			if i < 0 {
				i = len(out)
				out = append(out, v)
			}
			if e.Named && isHost(c.x, id) {
				out[i].named = true
			}
		}
	}
	for i := range out {
		v := &out[i]
		var none [model.NumFamilies]bool
		for f := range v.marks {
			v.marks[f] = map[int]bool{}
			addrs, complete := addressesOf(c.x, v.id, model.Family(f))
			switch {
			case v.addr.IsValid():
				addrs, complete = nil, true
				if model.FamilyOf(v.addr) == model.Family(f) {
					addrs = []netip.Addr{v.addr}
				}
			case v.family != 0 && v.family != engine.Only(model.Family(f)):
				addrs, complete = nil, true
			case v.family != 0:
				complete = complete && len(addrs) > 0
			}
			none[f] = complete && len(addrs) == 0
			for k := range c.excepts {
				side := c.excepts[k].side(dst)
				if side == nil {
					v.marks[f][k] = true
				}
				for _, s := range side {
					if !s.Set.Contains(v.id) {
						continue
					}
					all := complete && len(addrs) > 0
					for _, a := range addrs {
						if s.Addr.IsValid() && a != s.Addr || s.Family != 0 && !s.Expr.Prefix.Contains(a) {
							all = false
						}
					}
					if s.Addr.IsValid() && model.FamilyOf(s.Addr) != model.Family(f) || s.Family != 0 && s.Family != engine.Only(model.Family(f)) {
						all = false
					}
					if all || !s.Addr.IsValid() && s.Family == 0 {
						v.marks[f][k] = true
					}
				}
			}
		}
		for f := range v.marks {
			if none[f] {
				v.marks[f] = v.marks[1-f]
			}
		}
	}
	return append(out, c.outsideViews(build(&space), dst)...)
}

// outsideViews has one view for each atom and set of exceptions of which some
// address has no owner.
func (c *slowCheck) outsideViews(space *netipx.IPSet, dst bool) []view {
	starts := []netip.Addr{}
	var held []*netipx.IPSet
	add := func(s *netipx.IPSet) {
		for _, r := range s.Ranges() {
			starts = append(starts, r.From())
			if n := r.To().Next(); n.IsValid() {
				starts = append(starts, n)
			}
		}
	}
	add(space)
	for k := range c.excepts {
		var b netipx.IPSetBuilder
		side := c.excepts[k].side(dst)
		if side == nil {
			b.AddSet(everyAddress())
		}
		for _, s := range side {
			for _, part := range s.Set.Outside() {
				for _, r := range part.Ranges {
					b.AddRange(r)
				}
			}
		}
		held = append(held, build(&b))
		add(held[k])
	}
	for _, part := range c.x.Outside(everyAddress()).Outside() {
		starts = append(starts, part.Ranges[0].From())
	}
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	var out []view
	for i, from := range starts {
		if !space.Contains(from) {
			continue
		}
		a := from
		for len(c.x.Owners(a)) > 0 && a.IsValid() && (i+1 == len(starts) || a.Less(starts[i+1])) {
			a = a.Next()
		}
		if !a.IsValid() || a.BitLen() != from.BitLen() || i+1 < len(starts) && !a.Less(starts[i+1]) {
			continue
		}
		v := view{id: c.x.Addr(a)}
		for f := range v.marks {
			v.marks[f] = map[int]bool{}
			for k := range held {
				if held[k].Contains(a) {
					v.marks[f][k] = true
				}
			}
		}
		if !slices.ContainsFunc(out, func(w view) bool { return w.id == v.id && fmt.Sprint(w.marks) == fmt.Sprint(v.marks) }) {
			out = append(out, v)
		}
	}
	return out
}

// slowFound is what slowCheck counts.
type slowFound struct {
	total, certain, maybe int
	groups                map[[2]string]int // pairs that violate, or may when none does
	ports, maybePorts     model.PortSet
}

func (c *slowCheck) party(v view) string {
	switch {
	case v.id.IsOutside():
		return "external"
	case v.id.IsNode():
		return "nodes"
	}
	return WorkloadPath(&c.x.Snapshot().Pods[v.id])
}

func (c *slowCheck) run(from, to []Ends) slowFound {
	var out slowFound
	type groupCount struct{ certain, maybe int }
	groups := map[[2]string]groupCount{}
	srcs, dsts := c.views(from, false), c.views(to, true)
	bothSelf := len(srcs) == 1 && len(dsts) == 1 && srcs[0].id == dsts[0].id && srcs[0].id.IsPod() && c.a.Expect != Only
	for _, e := range slices.Concat(from, to) {
		bothSelf = bothSelf && e.Named
	}
	for _, s := range srcs {
		for _, d := range dsts {
			if s.id.IsOutside() && d.id.IsOutside() || s.id == d.id && s.id.IsPod() && !bothSelf {
				continue
			}
			var open, maybe, asked model.PortSet
			lacks := false
			for f := range s.marks {
				at := engine.Flow{Src: s.id, Dst: d.id, SrcAddr: s.addr, DstAddr: d.addr, Family: s.family.And(d.family).And(engine.Only(model.Family(f)))}
				want := model.AllPorts()
				var missing []string
				if c.a.Ports.Text != "" {
					want = PortsAt(c.x, c.a.Ports, d.id).Lower
					for _, n := range c.a.Ports.Names {
						if PortsAt(c.x, PortQuery{Names: namesOf(n.Name)}, d.id).Lower.Empty() {
							missing = append(missing, n.Name)
						}
					}
				}
				for k := range c.excepts {
					if !s.marks[f][k] || !d.marks[f][k] {
						continue
					}
					ports := model.AllPorts()
					if q := c.excepts[k].ports; q.Text != "" {
						ports = PortsAt(c.x, q, d.id).Lower
						missing = slices.DeleteFunc(missing, func(m string) bool {
							return slices.ContainsFunc(q.Names, func(n model.NamedPort) bool { return n.Name == m })
						})
					} else {
						missing = nil
					}
					want = want.Minus(ports)
				}
				var b model.Bounds
				switch {
				case bothSelf && meansAny(c.x, from, s.id) && meansAny(c.x, to, s.id):
					b = c.x.BetweenFlow(at)
					if at.Family.Family() == model.AnyFamily {
						b = model.Bounds{}
					}
				case bothSelf:
					at.SrcAddr, at.DstAddr = netip.Addr{}, netip.Addr{}
					b = c.x.BetweenClassesAt(c.x.Class(s.id), c.x.Class(d.id), at)
				case s.named:
					b = c.x.BetweenFlow(at)
				default:
					b = c.x.BetweenClassesAt(c.x.Class(s.id), c.x.Class(d.id), at)
				}
				open, maybe, asked = open.Union(b.Lower.Intersect(want)), maybe.Union(b.Upper.Intersect(want)), asked.Union(want)
				lacks = lacks || len(missing) > 0
			}
			if asked.Empty() && !lacks {
				continue
			}
			out.total++
			violates, may, ports := !open.Empty(), !maybe.Empty(), open
			if !violates {
				ports = maybe
			}
			if c.a.Expect == Reachable {
				if c.a.Ports.Text == "" {
					violates, may, ports = maybe.Empty(), open.Empty(), asked
				} else {
					violates, may = !asked.Minus(maybe).Empty() || lacks, !asked.Minus(open).Empty() || lacks
					if ports = asked.Minus(maybe); ports.Empty() {
						ports = asked.Minus(open)
					}
				}
			}
			g := groups[[2]string{c.party(s), c.party(d)}]
			switch {
			case violates:
				out.certain++
				out.ports = out.ports.Union(ports)
				g.certain++
			case may:
				out.maybe++
				out.maybePorts = out.maybePorts.Union(ports)
				g.maybe++
			default:
				continue
			}
			groups[[2]string{c.party(s), c.party(d)}] = g
		}
	}
	out.groups = map[[2]string]int{}
	for k, g := range groups {
		if out.groups[k] = g.certain; g.certain == 0 {
			out.groups[k] = g.maybe
		}
	}
	return out
}

func namesOf(name string) []model.NamedPort {
	return []model.NamedPort{{Name: name, Protocol: model.TCP}, {Name: name, Protocol: model.UDP}, {Name: name, Protocol: model.SCTP}}
}

func meansAny(x *engine.Index, ends []Ends, id engine.EndpointID) bool {
	return slices.ContainsFunc(ends, func(e Ends) bool { return meansPod(x, e, id) })
}

// side picks one or two expressions that mean something and no contested
// address, of which TestCheckContested is.
func side(t *testing.T, x *engine.Index, all []string, r *rand.Rand) (Side, []Ends) {
	t.Helper()
	var s Side
	var out []Ends
	for range 1 + r.IntN(2)*r.IntN(2) {
		text := all[r.IntN(len(all))]
		if r.IntN(6) == 0 {
			text = []string{"nodes", "cluster", "any", "outside"}[r.IntN(4)]
		}
		if e, ok := ends(t, x, text); ok {
			s, out = append(s, e.Expr), append(out, e)
		}
	}
	return s, out
}

func TestCheckPairByPair(t *testing.T) {
	truths := map[string]int{}
	for seed := range uint64(200) {
		x, cl := generated(t, seed)
		if slices.ContainsFunc(x.Snapshot().Pods, func(p model.Pod) bool { return p.PortsUnknown }) {
			continue // see TestUnknownPortNamesInEveryWorld
		}
		all := expressions(x)
		r := rand.New(rand.NewPCG(seed, 11))
		for range 40 {
			a := Assertion{ID: "a", Expect: []Expect{Isolated, Isolated, Reachable, Exists, Only}[r.IntN(5)], AllowEmpty: true}
			slow := slowCheck{x: x, a: &a}
			var from, to []Ends
			a.From, from = side(t, x, all, r)
			a.To, to = side(t, x, all, r)
			if a.From == nil || a.To == nil {
				continue
			}
			ports := func() PortQuery {
				q, err := ParsePorts([]string{"", "80", "UDP/53", "TCP/1-1023", "http", "web,443"}[r.IntN(6)])
				require.NoError(t, err)
				return q
			}
			a.Ports = ports()
			for range r.IntN(3) {
				e := Exception{Ports: ports()}
				var x exception
				if r.IntN(3) > 0 {
					e.From, x.from = side(t, slow.x, all, r)
				}
				if r.IntN(3) > 0 {
					e.To, x.to = side(t, slow.x, all, r)
				}
				x.ports = e.Ports
				a.Except = append(a.Except, e)
				slow.excepts = append(slow.excepts, x)
			}
			what := question{cl, fmt.Sprintf("seed %d: %v reach %v on %q is %v, except %+v", seed, a.From, a.To, a.Ports.Text, a.Expect, a.Except)}
			if undecided(x, &a) != "" {
				continue
			}
			if a.Expect == Only {
				slow.excepts = append(slow.excepts, exception{from: from})
				from = []Ends{{Set: x.AllPods().Union(x.AllNodes()).Union(x.Outside(everyAddress()))}}
			}
			slow.strict = a.Expect == Reachable
			want := slow.run(from, to)
			truth := three(want.certain == 0 && want.maybe == 0, want.certain == 0)
			if a.Expect == Exists {
				truth = three(want.certain > 0, want.maybe > 0)
			}
			for _, pay := range []int{rowsPay, 0} {
				got := checkOne(x, &a, pay)
				require.Equal(t, truth.String(), got.Truth.String(), "rows from %d: %v", pay, what)
				require.Equal(t, want.total, got.Total, "rows from %d: %v", pay, what)
				if a.Expect == Exists {
					continue
				}
				require.Equal(t, [2]int{want.certain, want.maybe}, [2]int{got.Violating, got.MaybeViolating}, "rows from %d: %v", pay, what)
				wantPorts := want.ports
				if want.certain == 0 {
					wantPorts = want.maybePorts
				}
				require.Equal(t, wantPorts.String(), got.Ports.String(), "rows from %d: %v", pay, what)
				groups := map[[2]string]int{}
				for _, g := range got.Groups {
					groups[[2]string{g.From, g.To}] = g.Pairs
					require.NotEmpty(t, g.Samples)
				}
				require.Equal(t, want.groups, groups, "rows from %d: %v", pay, what)
				require.Len(t, got.Groups, got.GroupCount, what)
			}
			truths[a.Expect.String()+" "+truth.String()]++
		}
	}
	for _, e := range []Expect{Isolated, Reachable, Exists, Only} {
		for _, truth := range []Truth{Yes, No, Uncertain} {
			require.Greater(t, truths[e.String()+" "+truth.String()], 10, "%v", truths)
		}
	}
	t.Log(truths)
}

// What is certain where the ports of pods are not known is so whatever they are (R66).
func TestUnknownPortNamesInEveryWorld(t *testing.T) {
	truths := map[string]int{}
	for seed := range uint64(60) {
		x, cl := generated(t, seed)
		r := rand.New(rand.NewPCG(seed, 13))
		s := *x.Snapshot()
		s.Pods = slices.Clone(s.Pods)
		for i := range s.Pods {
			s.Pods[i].PortsUnknown = s.Pods[i].PortsUnknown || r.IntN(2) == 0
		}
		unknown, err := engine.Compile(&s, engine.Options{})
		require.NoError(t, err)
		var worlds []*engine.Index
		for range 6 {
			w := s
			w.Pods = slices.Clone(s.Pods)
			for i := range w.Pods {
				p := &w.Pods[i]
				if !p.PortsUnknown {
					continue
				}
				p.PortsUnknown, p.Ports = false, slices.Clone(p.Ports)
				for range r.IntN(4) {
					p.Ports = append(p.Ports, model.ContainerPort{
						NamedPort: model.NamedPort{Name: []string{"http", "web", "dns"}[r.IntN(3)], Protocol: model.Protocol(r.IntN(2))}, Port: []uint16{53, 80, 443, 8080}[r.IntN(4)],
					})
				}
			}
			world, err := engine.Compile(&w, engine.Options{})
			require.NoError(t, err)
			worlds = append(worlds, world)
		}
		all := expressions(unknown)
		for range 30 {
			a := Assertion{ID: "a", Expect: []Expect{Isolated, Reachable, Exists, Only}[r.IntN(4)], AllowEmpty: true}
			var from, to []Ends
			a.From, from = side(t, unknown, all, r)
			a.To, to = side(t, unknown, all, r)
			if a.From == nil || a.To == nil {
				continue
			}
			ports := func(texts ...string) PortQuery {
				q, err := ParsePorts(texts[r.IntN(len(texts))])
				require.NoError(t, err)
				return q
			}
			a.Ports = ports("", "http", "web,443", "TCP/http", "80")
			for range r.IntN(2) {
				a.Except = append(a.Except, Exception{Ports: ports("http", "80,web", "UDP/dns")})
			}
			if undecided(unknown, &a) != "" {
				continue
			}
			what := question{cl, fmt.Sprintf("seed %d: %v reach %v on %q is %v, except %+v", seed, a.From, a.To, a.Ports.Text, a.Expect, a.Except)}
			got := checkOne(unknown, &a, rowsPay)
			q := Question{From: from[0], To: to[0], Ports: a.Ports, Mode: Mode(r.IntN(3))}
			answer := Ask(unknown, q)
			truths[a.Expect.String()+" "+got.Truth.String()]++
			truths["ask "+answer.Truth.String()]++
			for _, w := range worlds {
				if got.Truth != Uncertain {
					require.Equal(t, got.Truth.String(), checkOne(w, &a, rowsPay).Truth.String(), "%v", what)
				}
				if answer.Truth != Uncertain {
					// Both sides mean the same endpoints there.
					q.From, _ = ends(t, w, from[0].Expr.Text)
					q.To, _ = ends(t, w, to[0].Expr.Text)
					require.Equal(t, answer.Truth.String(), Ask(w, q).Truth.String(), "mode %d, %v", q.Mode, what)
				}
			}
		}
	}
	for _, e := range []string{"isolated", "reachable", "exists", "only", "ask"} {
		for _, truth := range []Truth{Yes, No, Uncertain} {
			require.Greater(t, truths[e+" "+truth.String()], 5, "%v", truths)
		}
	}
}
