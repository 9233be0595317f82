package solver

import (
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// askKey tells apart what is asked of pairs of cells.
type askKey struct {
	from, to [model.NumFamilies]int
	want     int
}

// outsidePair is what tells pairs with one outside destination apart.
type outsidePair struct {
	from  engine.OutsideKey
	marks [model.NumFamilies]int
	to    *sideCell
}

// asked is what is asked of a pair: ports in each family, or of both at once.
type asked struct {
	same         bool // in both families
	lower, upper [model.NumFamilies]model.PortSet
	any          model.PortSet // of upper, in some family
	// names that the destination lacks, or may lack
	lacks, mayLack []string
}

func (a *asked) nothing() bool { return a.any.Empty() && len(a.lacks)+len(a.mayLack) == 0 }

func (c *checker) askedOf(src, dst *sideCell) *asked {
	k := askKey{src.marks, dst.marks, dst.want}
	if a := c.asks[k]; a != nil {
		return a
	}
	a := &asked{same: src.marks[0] == src.marks[1] && dst.marks[0] == dst.marks[1]}
	w := &c.wants[dst.want]
	for f := range a.lower {
		a.lower[f], a.upper[f] = w.lower, w.upper
		lacks, mayLack, doubt := slices.Clone(w.lacks), slices.Clone(w.mayLack), slices.Clone(w.doubt)
		for k := range c.except {
			if !marked(c.allMarks[src.marks[f]], k) || !marked(c.allMarks[dst.marks[f]], k) {
				continue
			}
			a.lower[f], a.upper[f] = a.lower[f].Minus(w.except[k].Upper), a.upper[f].Minus(w.except[k].Lower)
			ports := c.except[k].ports
			named := func(name string) bool {
				return ports.everyPort() || slices.ContainsFunc(ports.Names, func(n model.NamedPort) bool { return n.Name == name })
			}
			lacks, mayLack = slices.DeleteFunc(lacks, named), slices.DeleteFunc(mayLack, named)
			doubt = slices.DeleteFunc(doubt, func(n model.NamedPort) bool { return ports.everyPort() || slices.Contains(ports.Names, n) })
		}
		for _, n := range doubt {
			may := model.Ports(model.PortRange{Protocol: n.Protocol, First: 1, Last: model.MaxPort})
			for k := range c.except { // what is carved out by number is so whatever its name
				if marked(c.allMarks[src.marks[f]], k) && marked(c.allMarks[dst.marks[f]], k) {
					may = may.Minus(w.except[k].Lower)
				}
			}
			a.upper[f] = a.upper[f].Union(may)
		}
		a.any = a.any.Union(a.upper[f])
		a.lacks, a.mayLack = merge(a.lacks, lacks), merge(a.mayLack, mayLack)
	}
	if c.asks == nil {
		c.asks = map[askKey]*asked{}
	}
	c.asks[k] = a
	return a
}

// violation is whether a pair is not as the assertion wants, and at which
// ports. For Exists it is whether a pair connects.
type violation struct {
	certain, maybe bool
	ports          model.PortSet // where it is certain; otherwise where it may be
}

// opens are the bounds of what a pair opens, in each family.
type opens [model.NumFamilies]model.Bounds

// violation judges what a pair opens.
func (c *checker) violation(a *asked, open *opens) violation {
	reach := c.a.Expect == Reachable || c.a.Expect == DNS
	// What is open counts where it is asked about for certain, and, where each port
	// has to be open, where it may be.
	counts := &a.lower
	if reach && !c.a.Ports.everyPort() {
		counts = &a.upper
	}
	lower, upper := open[0].Lower.Intersect(counts[0]), open[0].Upper.Intersect(a.upper[0])
	askedLower, askedUpper := a.lower[0], a.upper[0]
	if !a.same {
		lower, upper = lower.Union(open[1].Lower.Intersect(counts[1])), upper.Union(open[1].Upper.Intersect(a.upper[1]))
		askedLower, askedUpper = askedLower.Union(a.lower[1]), a.any
	}
	if !reach {
		return violationOf(lower, upper)
	}
	if a.nothing() {
		return violation{}
	}
	if c.a.Ports.everyPort() {
		switch {
		case upper.Empty():
			return violation{certain: !askedLower.Empty(), maybe: true, ports: askedUpper}
		case lower.Empty():
			return violation{maybe: true, ports: askedUpper}
		}
		return violation{}
	}
	v := violationOf(askedLower.Minus(upper), askedUpper.Minus(lower))
	switch {
	case len(a.lacks) > 0:
		v.certain, v.maybe = true, true
	case len(a.mayLack) > 0 && !v.maybe:
		v = violation{maybe: true, ports: a.any}
	}
	return v
}

func violationOf(certain, maybe model.PortSet) violation {
	switch {
	case !certain.Empty():
		return violation{certain: true, maybe: true, ports: certain}
	case !maybe.Empty():
		return violation{maybe: true, ports: maybe}
	}
	return violation{}
}

// pair judges a pair of cells. Where own is not Denied the pair is a host that is
// named and a pod on its node, which at stands for.
func (c *checker) pair(src, dst *sideCell, own model.Verdict, at [2]engine.EndpointID) violation {
	a := c.askedOf(src, dst)
	if a.nothing() {
		return violation{}
	}
	if c.self != nil {
		return c.violation(a, &opens{c.selfIs, c.selfIs})
	}
	if src.contested() || dst.contested() {
		return c.worlds(a, src, dst)
	}
	if dst.outside() && !src.outside() && src.plain() {
		k := outsidePair{c.x.OutsideKey(src.class), src.marks, dst}
		v, ok := c.known[k]
		if !ok {
			v = c.violation(a, c.opens(a, &src.like, &dst.like, src.class, dst.class, own, at))
			c.known[k] = v
		}
		return v
	}
	return c.violation(a, c.opens(a, &src.like, &dst.like, src.class, dst.class, own, at))
}

func (c *checker) opens(a *asked, src, dst *element, from, to engine.Class, own model.Verdict, at [2]engine.EndpointID) *opens {
	f := engine.Flow{Src: at[0], Dst: at[1], SrcAddr: src.addr, DstAddr: dst.addr, Family: src.family.And(dst.family)}
	between := func(f engine.Flow) model.Bounds {
		if own != model.Denied {
			return c.x.BetweenFlow(f)
		}
		return c.x.BetweenClassesAt(from, to, f)
	}
	if a.same {
		b := between(f)
		return &opens{b, b}
	}
	var out opens
	for fam := range out {
		one := f
		one.Family = f.Family.And(engine.Only(model.Family(fam)))
		out[fam] = between(one)
	}
	return &out
}

// worlds judges a pair with an address that several own, for each of them.
func (c *checker) worlds(a *asked, src, dst *sideCell) violation {
	out, first := violation{certain: true}, true
	for _, s := range src.members() {
		for _, d := range dst.members() {
			if src.like.addr.IsValid() && src.like.addr == dst.like.addr && s != d {
				continue
			}
			v := violation{}
			if s != d || !s.IsPod() || c.oneEach {
				own := model.Denied
				if isHostEnd(c.x, s) && (src.contested() || src.like.named) {
					own = c.x.OwnNode(s, d)
				}
				if s == d {
					own = model.Allowed // BetweenFlow knows self traffic (R50)
				}
				v = c.violation(a, c.opens(a, &src.like, &dst.like, c.x.Class(s), c.x.Class(d), own, [2]engine.EndpointID{s, d}))
			}
			out.certain = out.certain && v.certain
			out.maybe = out.maybe || v.maybe
			out.ports = out.ports.Union(v.ports)
			first = false
		}
	}
	out.certain = out.certain && !first
	return out
}
