package solver

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// conclude turns what was found into an answer.
func (c *checker) conclude() finding {
	f := &c.out
	if c.a.Expect == Exists {
		switch {
		case f.certain > 0:
			f.truth = Yes
		case f.maybe > 0:
			f.truth = Uncertain
		default:
			f.truth = No
		}
		f.groups = c.noneExists()
		f.groupCount = len(f.groups)
		f.certain, f.maybe, f.ports = 0, 0, model.PortSet{}
		switch f.truth {
		case No:
			f.certain, f.ports = f.total, c.a.ports()
		case Uncertain:
			f.maybe = f.total
		}
		return *f
	}
	switch {
	case f.certain > 0:
		f.truth = No
	case f.maybe > 0:
		f.truth = Uncertain
	default:
		f.truth = Yes
	}
	c.groups()
	return *f
}

// ports are the numbers that an assertion names; all when it names none.
func (a *Assertion) ports() model.PortSet {
	if a.Ports.everyPort() {
		return model.AllPorts()
	}
	return a.Ports.Set
}

// groups lists the violations by the parties of both sides.
func (c *checker) groups() {
	order := make([]int, len(c.parties))
	for p := range order {
		order[p] = p
	}
	slices.SortFunc(order, func(p, q int) int { return cmp.Compare(c.parties[p], c.parties[q]) })
	from, to := sharesOf(c.from), sharesOf(c.to)
	for _, p := range order {
		row := c.violating[p]
		if row == nil {
			continue
		}
		c.out.groupCount += int(row.Count())
		if len(c.out.groups) == MaxGroups {
			continue
		}
		for _, q := range order {
			if row.Test(uint(q)) && len(c.out.groups) < MaxGroups {
				c.out.groups = append(c.out.groups, c.group(p, q, from[p], to[q]))
			}
		}
	}
	slices.SortStableFunc(c.out.groups, func(a, b Group) int {
		return cmp.Or(count(b.Certain)-count(a.Certain), strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
}

// maxSamples is how many pairs a group keeps to show why.
const maxSamples = 4

// group judges the pairs of two parties.
func (c *checker) group(p, q int, from, to [][2]int) Group {
	g := Group{From: c.parties[p], To: c.parties[q], Waiver: -1, opens: c.a.Expect != Reachable && c.a.Expect != DNS}
	var maybe Group
	var outside, outsideMaybe [2]map[*engine.Outside]bool // of either side
	add := func(v violation, n int, src, dst *sideCell, ends [2]engine.EndpointID) {
		if n <= 0 || !v.maybe {
			return
		}
		to, parts := &maybe, &outsideMaybe
		if v.certain {
			g.Certain = true
			to, parts = &g, &outside
		}
		to.Pairs += n
		to.Ports = union(to.Ports, v.ports)
		for i, s := range []*sideCell{src, dst} {
			if s.outside() {
				if parts[i] == nil {
					parts[i] = map[*engine.Outside]bool{}
				}
				parts[i][s.like.outside] = true
			}
		}
		if len(to.Samples) < maxSamples {
			to.Samples = append(to.Samples, c.sample(v, src, dst, ends))
		}
	}
	sources := c.sources(from, c.parties[q] == partyExternal)
	var alike *alikeKey // sources of one key only: to what is outside they are as another party is
	if len(sources) == 1 && c.parties[q] == partyExternal && c.self == nil {
		if src := &c.from[sources[0].cell]; src.plain() && !src.outside() {
			alike = &alikeKey{c.x.OutsideKey(src.class), src.marks}
			if like, ok := c.alike[*alike]; ok {
				return like.of(c.parties[p], &sources[0].share)
			}
		}
	}
	for _, f := range sources {
		src, s := &c.from[f.cell], &f.share
		for _, t := range to {
			dst := &c.to[t[0]]
			d := &dst.parties[t[1]]
			if src.outside() && dst.outside() {
				continue
			}
			n := s.n * d.n
			if p == q {
				n -= c.overlap[[3]int{f.cell, t[0], p}]
			}
			for _, near := range c.near[[2]int{f.cell, t[0]}] {
				if near.p == p && near.q == q {
					add(c.pair(src, dst, near.own, near.sample), near.n, src, dst, near.sample)
					n -= near.n
				}
			}
			if n > 0 {
				add(c.pair(src, dst, model.Denied, [2]engine.EndpointID{}), n, src, dst, c.two(s, d))
			}
		}
	}
	if !g.Certain {
		g.Pairs, g.Ports, g.Samples = maybe.Pairs, maybe.Ports, maybe.Samples
		outside = outsideMaybe
	}
	g.FromCIDRs, g.ToCIDRs = prefixesOf(outside[0]), prefixesOf(outside[1])
	if alike != nil {
		c.alike[*alike] = alikeGroup{g, sources[0].share.n}
	}
	return g
}

// alikeKey is what tells apart the sources of groups to what is outside.
type alikeKey struct {
	outside engine.OutsideKey
	marks   [model.NumFamilies]int
}

// alikeGroup is the group of n sources of one key.
type alikeGroup struct {
	group Group
	n     int
}

// of is the group for another party with sources of the key.
func (a *alikeGroup) of(party string, s *share) Group {
	g := a.group
	g.From, g.Pairs = party, g.Pairs/a.n*s.n
	g.Samples = slices.Clone(g.Samples)
	for i := range g.Samples {
		g.Samples[i].Witness.Flow.Src = s.ends[0]
	}
	return g
}

// source is a share of a cell, or of several that are alike to what is outside.
type source struct {
	cell  int
	share share
}

// sources are shares of cells. To what is outside those of one key are one.
func (c *checker) sources(from [][2]int, toOutside bool) []source {
	type key struct {
		outside engine.OutsideKey
		marks   [model.NumFamilies]int
	}
	at := map[key]int{}
	var out []source
	for _, f := range from {
		s := &c.from[f[0]]
		if toOutside && s.plain() && !s.outside() {
			k := key{c.x.OutsideKey(s.class), s.marks}
			if i, ok := at[k]; ok {
				out[i].share.n += s.parties[f[1]].n
				continue
			}
			at[k] = len(out)
		}
		out = append(out, source{f[0], s.parties[f[1]]})
	}
	return out
}

// prefixesOf are the addresses of parts; nil when there are none.
func prefixesOf(parts map[*engine.Outside]bool) []netip.Prefix {
	if len(parts) == 0 {
		return nil
	}
	var b netipx.IPSetBuilder
	for o := range parts {
		for _, r := range o.Ranges {
			b.AddRange(r)
		}
	}
	return build(&b).Prefixes()
}

// two are different endpoints of two shares, if there are any, and for a named
// host a pod that is not on its node.
func (c *checker) two(s, d *share) [2]engine.EndpointID {
	if c.self != nil {
		return [2]engine.EndpointID{*c.self, *c.self}
	}
	out, ok := [2]engine.EndpointID{s.ends[0], d.ends[0]}, false
	for _, a := range s.ends[:min(s.n, 2)] {
		for _, b := range d.ends[:min(d.n, 2)] {
			if a == b && a.IsPod() {
				continue
			}
			if !ok || isHostEnd(c.x, a) && c.x.OwnNode(a, b) == model.Denied && c.x.OwnNode(out[0], out[1]) != model.Denied {
				out, ok = [2]engine.EndpointID{a, b}, true
			}
		}
	}
	return out
}

// sample shows a violation by one pair.
func (c *checker) sample(v violation, src, dst *sideCell, ends [2]engine.EndpointID) Sample {
	verdict := model.Unknown
	if v.certain {
		verdict = model.Allowed
		if c.a.Expect == Reachable || c.a.Expect == DNS {
			verdict = model.Denied
		}
	}
	w := Witness{Verdict: verdict, Flow: engine.Flow{Src: ends[0], Dst: ends[1], SrcAddr: src.like.addr, DstAddr: dst.like.addr, Family: src.like.family.And(dst.like.family)}}
	w.Flow.Protocol, w.Flow.Port = telling(v.ports)
	w.Twins = c.twins
	a := asker{x: c.x}
	if src.outside() {
		w.From = a.tellingAddress(src.like.outside)
	}
	if dst.outside() {
		w.To = a.tellingAddress(dst.like.outside)
	}
	for _, fam := range []model.Family{model.IPv6, model.IPv4} {
		if verdict == model.Unknown && nameDoubted(c.x, w.Flow) {
			break // in every family
		}
		one := w.Flow
		one.Family = one.Family.And(engine.Only(fam))
		if verdict != model.Denied && c.x.Verdict(one) == verdict && c.askedAt(src, dst, fam).Contains(one.Protocol, one.Port) {
			w.Flow.Family = one.Family
		}
	}
	return Sample{Witness: w, Ports: v.ports, Lacks: c.askedOf(src, dst).lacks}
}

// askedAt is what is asked of a pair in one family.
func (c *checker) askedAt(src, dst *sideCell, f model.Family) model.PortSet {
	return c.askedOf(src, dst).upper[f]
}

// noneExists is the one group of an assertion that some pair connects: pairs
// that do not, or may not.
func (c *checker) noneExists() []Group {
	if c.out.truth == Yes {
		return nil
	}
	g := Group{From: c.a.From.String(), To: c.a.To.String(), Waiver: -1, Certain: c.out.truth == No, Pairs: c.out.total, Ports: c.a.ports()}
	if !g.Certain {
		g.Ports = c.out.maybePorts
	}
	for i := range c.from {
		for j := range c.to {
			src, dst := &c.from[i], &c.to[j]
			a := c.askedOf(src, dst)
			if src.outside() && dst.outside() || a.nothing() {
				continue
			}
			ends := c.two(&src.parties[0], &dst.parties[0])
			if c.self == nil && ends[0] == ends[1] && ends[0].IsPod() {
				continue
			}
			v := violation{certain: true, maybe: true, ports: a.any}
			if !g.Certain {
				if v = c.pair(src, dst, model.Denied, ends); !v.maybe {
					continue
				}
			}
			s := c.sample(v, src, dst, ends)
			if g.Certain {
				s.Witness.Verdict = model.Denied
			}
			if g.Samples = append(g.Samples, s); len(g.Samples) == maxSamples {
				return []Group{g}
			}
		}
	}
	return []Group{g}
}
