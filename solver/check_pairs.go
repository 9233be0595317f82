package solver

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/bits-and-blooms/bitset"
	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// look judges every pair of cells.
func (c *checker) look() {
	c.violating = make([]*bitset.BitSet, len(c.parties))
	c.count()
	var src, dst []int // plain
	for i := range c.from {
		if c.from[i].plain() {
			src = append(src, i)
		}
	}
	for j := range c.to {
		if c.to[j].plain() {
			dst = append(dst, j)
		}
	}
	byRows := c.self == nil && len(src)*len(dst) >= c.rowsPay
	if byRows {
		c.rows(src, dst)
	}
	for i := range c.from {
		for j := range c.to {
			if s, d := &c.from[i], &c.to[j]; (!byRows || !s.plain() || !d.plain()) && !(s.outside() && d.outside()) { // R114
				c.lookAt(i, j)
			}
		}
	}
	c.diagonal()
}

// count counts the pairs that something is asked of.
func (c *checker) count() {
	type kind struct {
		marks   [model.NumFamilies]int
		want    int
		outside bool
	}
	type kinds struct {
		like *cell
		n    int
	}
	gather := func(cells []cell) map[kind]*kinds {
		out := map[kind]*kinds{}
		for i := range cells {
			s := &cells[i]
			k := kind{s.marks, s.want, s.outside()}
			if out[k] == nil {
				out[k] = &kinds{like: s}
			}
			out[k].n += s.n
		}
		return out
	}
	from, to := gather(c.from), gather(c.to)
	for k, s := range from {
		for l, d := range to {
			if !(k.outside && l.outside) && !c.askedOf(s.like, d.like).nothing() {
				c.out.total += s.n * d.n
			}
		}
	}
	for k, n := range c.overlap {
		if !c.askedOf(&c.from[k[0]], &c.to[k[1]]).nothing() {
			c.out.total -= n
		}
	}
}

// tally adds pairs that are judged alike.
func (c *checker) tally(v violation, n int) {
	switch {
	case n <= 0 || !v.maybe:
	case v.certain:
		c.out.certain += n
		c.out.ports = union(c.out.ports, v.ports)
	default:
		c.out.maybe += n
		c.out.maybePorts = union(c.out.maybePorts, v.ports)
	}
}

func (c *checker) row(p int) *bitset.BitSet {
	if c.violating[p] == nil {
		c.violating[p] = bitset.New(uint(len(c.parties)))
	}
	return c.violating[p]
}

// lookAt judges the pairs of two cells.
func (c *checker) lookAt(i, j int) {
	src, dst := &c.from[i], &c.to[j]
	left := src.n * dst.n
	for _, near := range c.near[[2]int{i, j}] {
		v := c.pair(src, dst, near.own, near.sample)
		c.tally(v, near.n)
		if v.maybe {
			c.row(near.p).Set(uint(near.q))
		}
		left -= near.n
	}
	if left == 0 {
		return
	}
	v := c.pair(src, dst, model.Denied, [2]engine.EndpointID{})
	if !v.maybe {
		return
	}
	var to *bitset.BitSet
	for _, s := range src.parties {
		left -= c.overlap[[3]int{i, j, s.party}]
		if len(c.near[[2]int{i, j}]) > 0 {
			c.lookNear(i, j, &s)
			continue
		}
		if to == nil {
			to = bitset.New(uint(len(c.parties)))
			for _, d := range dst.parties {
				to.Set(uint(d.party))
			}
		}
		c.row(s.party).InPlaceUnion(to)
	}
	c.tally(v, left)
}

// lookNear notes the parties with a pair that is not on one node.
func (c *checker) lookNear(i, j int, s *share) {
	near := map[int]int{}
	for _, n := range c.near[[2]int{i, j}] {
		if n.p == s.party {
			near[n.q] += n.n
		}
	}
	for _, d := range c.to[j].parties {
		if s.n*d.n-c.overlap[[3]int{i, j, s.party}]*count(s.party == d.party) > near[d.party] {
			c.row(s.party).Set(uint(d.party))
		}
	}
}

// rows judges the pairs of plain cells by rows of classes.
func (c *checker) rows(src, dst []int) {
	type kind struct {
		mark, want int
		outside    bool
	}
	type target struct {
		kind
		classes *bitset.BitSet
		at      map[engine.Class]int
	}
	n := uint(c.x.Classes())
	var targets []*target
	at := map[kind]*target{}
	var fromEnds, toEnds []engine.EndpointID
	var fromOutside, toOutside netipx.IPSetBuilder
	ends := func(s *cell, ids *[]engine.EndpointID, outside *netipx.IPSetBuilder) {
		if s.outside() {
			for _, r := range s.like.outside.Ranges {
				outside.AddRange(r)
			}
			return
		}
		*ids = append(*ids, s.parties[0].ends[0])
	}
	for _, j := range dst {
		d := &c.to[j]
		ends(d, &toEnds, &toOutside)
		k := kind{d.marks[0], d.want, d.outside()}
		t := at[k]
		if t == nil {
			t = &target{kind: k, classes: bitset.New(n), at: map[engine.Class]int{}}
			at[k] = t
			targets = append(targets, t)
		}
		// Two cells of one class and kind: one of an owner of a contested
		// address. Such are looked at pair by pair.
		if _, ok := t.at[d.class]; ok {
			t = &target{kind: k, classes: bitset.New(n), at: map[engine.Class]int{}}
			targets = append(targets, t)
		}
		t.classes.Set(uint(d.class))
		t.at[d.class] = j
	}
	byClass := map[engine.Class][]int{}
	for _, i := range src {
		ends(&c.from[i], &fromEnds, &fromOutside)
		byClass[c.from[i].class] = append(byClass[c.from[i].class], i)
	}
	from := engine.Of(fromEnds...).Union(c.x.Outside(build(&fromOutside)))
	to := engine.Of(toEnds...).Union(c.x.Outside(build(&toOutside)))
	rest := bitset.New(n)
	for r := range c.x.RowsBetween(from, to) {
		byMark := map[int][]int{}
		var marks []int
		for _, class := range r.Sources {
			for _, i := range byClass[class] {
				m := c.from[i].marks[0]
				if byMark[m] == nil {
					marks = append(marks, m)
				}
				byMark[m] = append(byMark[m], i)
			}
		}
		judge := func(b *model.Bounds, classes *bitset.BitSet) {
			for _, t := range targets {
				if classes.IntersectionCardinality(t.classes) == 0 {
					continue
				}
				hit := classes.Intersection(t.classes)
				first, _ := hit.NextSet(0)
				like := &c.to[t.at[engine.Class(first)]]
				for _, m := range marks {
					a := c.askedOf(&c.from[byMark[m][0]], like)
					if a.nothing() {
						continue
					}
					v := c.violation(a, &opens{*b, *b})
					if !v.maybe {
						continue
					}
					n, parties := 0, bitset.New(uint(len(c.parties)))
					for class, ok := hit.NextSet(0); ok; class, ok = hit.NextSet(class + 1) {
						d := &c.to[t.at[engine.Class(class)]]
						n += d.n
						for _, p := range d.parties {
							parties.Set(uint(p.party))
						}
					}
					for _, i := range byMark[m] {
						s := &c.from[i]
						if s.outside() && t.outside { // R114
							continue
						}
						pairs := s.n * n
						for _, p := range s.parties {
							if hit.Test(uint(s.class)) {
								pairs -= c.overlap[[3]int{i, t.at[s.class], p.party}]
							}
							c.row(p.party).InPlaceUnion(parties)
						}
						c.tally(v, pairs)
					}
				}
			}
		}
		rest.ClearAll()
		for i := range r.Layers {
			judge(&r.Layers[i].Bounds, r.Layers[i].Classes)
			rest.InPlaceUnion(r.Layers[i].Classes)
		}
		judge(&model.Bounds{}, rest.Complement())
	}
}

// diagonal decides exactly which parties violate with themselves: where one
// pod is on both sides there may be no pair.
func (c *checker) diagonal() {
	var from, to map[int][][2]int
	for p, row := range c.violating {
		if row == nil || !row.Test(uint(p)) {
			continue
		}
		if from == nil {
			from, to = sharesOf(c.from), sharesOf(c.to)
		}
		if g := c.group(p, p, from[p], to[p]); g.Pairs == 0 {
			row.Clear(uint(p))
		}
	}
}

// sharesOf are the cells and shares of each party.
func sharesOf(cells []cell) map[int][][2]int {
	out := map[int][][2]int{}
	for i := range cells {
		for k := range cells[i].parties {
			p := cells[i].parties[k].party
			out[p] = append(out[p], [2]int{i, k})
		}
	}
	return out
}

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
	add := func(v violation, n int, src, dst *cell, ends [2]engine.EndpointID) {
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
		for i, s := range []*cell{src, dst} {
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
	for _, f := range c.sources(from, c.parties[q] == partyExternal) {
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
				add(c.pair(src, dst, model.Denied, [2]engine.EndpointID{}), n, src, dst, c.two(src, s, d))
			}
		}
	}
	if !g.Certain {
		g.Pairs, g.Ports, g.Samples = maybe.Pairs, maybe.Ports, maybe.Samples
		outside = outsideMaybe
	}
	g.FromCIDRs, g.ToCIDRs = prefixesOf(outside[0]), prefixesOf(outside[1])
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
func (c *checker) two(src *cell, s, d *share) [2]engine.EndpointID {
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
func (c *checker) sample(v violation, src, dst *cell, ends [2]engine.EndpointID) Sample {
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
		one := w.Flow
		one.Family = one.Family.And(engine.Only(fam))
		if verdict != model.Denied && c.x.Verdict(one) == verdict && c.askedAt(src, dst, fam).Contains(one.Protocol, one.Port) {
			w.Flow.Family = one.Family
		}
	}
	return Sample{Witness: w, Ports: v.ports, Lacks: c.askedOf(src, dst).lacks}
}

// askedAt is what is asked of a pair in one family.
func (c *checker) askedAt(src, dst *cell, f model.Family) model.PortSet {
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
			ends := c.two(src, &src.parties[0], &dst.parties[0])
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
