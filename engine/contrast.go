package engine

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/podreach/podreach/model"
)

// Contrast compares versions of an index of which one has fewer rules: it says
// whether any connection differs, and shows one. What it learns of classes it
// keeps from one comparison to the next. Not safe for concurrent use.
type Contrast struct {
	x *Index // of the line
	r *factored
	p *partition

	sides []bool // of parts: whether they certainly differ

	masks  *scratch
	lo, up mask

	subjects [model.NumDirections][]programSubject // nil: not asked for
	trial    *Index                                // of Shadowed: x with two more segments
}

// Contrast prepares comparisons of x and what Apply makes of it. Cost:
// O(endpoints).
func (x *Index) Contrast() *Contrast {
	n := x.Classes()
	r := &factored{x: x, words: (n + 63) / 64, opens: newOpenings(x)}
	r.every = r.run(0, n)
	r.sort()
	return &Contrast{x: x, r: r, p: newPartition(r, r.opens), masks: x.newScratch(), lo: make(mask, x.port.words), up: make(mask, x.port.words)}
}

// Takes reports whether y has the classes of the index that c was made of:
// Apply compiles anew once there are very many versions.
func (c *Contrast) Takes(y *Index) bool { return c.x == y || c.x.line != nil && c.x.line == y.line }

// Pair is two ends between which two versions differ.
type Pair struct{ Src, Dst EndpointID }

// changed is subjects of which a direction changes in the same way.
type changed struct {
	dir      model.Direction
	old, now uint32 // programs
	sig      uint32 // for ingress, where it is the subjects that port names mean ports of
	classes  []Class
}

// Between returns ends between which after opens something else than before,
// of which it has all rules but some: what of TCP, UDP and SCTP is certainly or
// possibly open in some family and for some address of a host, or whether other
// protocols certainly are. It looks at dormant pods too: what a policy does for
// them is not nothing.
//
// Cost: for each two programs that differ an evaluation of both for each part
// of the classes that the old one tells apart; then the pairs of those parts,
// of which mostly the first one differs.
func (c *Contrast) Between(before, after *Index) (Pair, bool) {
	if !c.Takes(before) || !c.Takes(after) {
		panic("engine: Contrast of an index of another line")
	}
	for _, g := range c.changed(before, after) {
		if p, ok := c.inGroup(&g, before, after); ok {
			return p, true
		}
	}
	return Pair{}, false
}

// changed groups the classes whose programs are not the same.
func (c *Contrast) changed(a, b *Index) []changed {
	type key struct {
		dir           model.Direction
		old, now, sig uint32
	}
	at := map[key]int{}
	var out []changed
	for cl := range a.podClasses {
		p, q := a.programOf.get(cl), b.programOf.get(cl)
		for d := range model.NumDirections {
			if p[d] == q[d] {
				continue
			}
			k := key{dir: model.Direction(d), old: p[d], now: q[d]}
			if k.dir == model.Ingress {
				k.sig = a.classes[cl].sig
			}
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k] = i
				out = append(out, changed{dir: k.dir, old: p[d], now: q[d], sig: k.sig})
			}
			out[i].classes = append(out[i].classes, Class(cl))
		}
	}
	return out
}

// Sides reports whether the rules of some pod, by themselves, let out or in
// something else, whatever the other end says and even if there is no such pair.
// Cost: as Between without the pairs.
func (c *Contrast) Sides(before, after *Index) bool {
	for _, g := range c.changed(before, after) {
		old, now := &before.programs[g.old], &after.programs[g.now]
		for _, f := range c.families(before, old) {
			c.parts(g.dir, f, before, old, after, now, g.classes[0])
			if slices.Contains(c.sides, true) {
				return true
			}
		}
	}
	return false
}

func (c *Contrast) inGroup(g *changed, a, b *Index) (Pair, bool) {
	old, now := &a.programs[g.old], &b.programs[g.now]
	for _, f := range c.families(a, old) {
		differ := c.parts(g.dir, f, a, old, b, now, g.classes[0])
		if !slices.Contains(differ, true) {
			continue
		}
		others := c.members(differ)
		for _, s := range g.classes {
			if p, ok := c.from(g.dir, s, others, a, b); ok {
				return p, true
			}
		}
	}
	return Pair{}, false
}

// families are those in which a program has to be looked at.
func (c *Contrast) families(x *Index, prog *program) []model.Family {
	if x.traits(prog).addresses {
		return []model.Family{model.IPv4, model.IPv6}
	}
	return []model.Family{model.IPv4}
}

// parts says of each part of the other ends that a program tells apart whether
// it and one of fewer rules decide differently.
func (c *Contrast) parts(d model.Direction, f model.Family, a *Index, old *program, b *Index, now *program, dst Class) []bool {
	c.r.x = a
	c.p.begin(old, a.traits(old), d, f, c.r.every)
	c.p.evaluate(a, old, d, f, dst)
	was := slices.Clone(c.p.decided)
	c.p.evaluate(b, now, d, f, dst)
	differ := make([]bool, len(was))
	c.sides = c.sides[:0]
	for i := range was {
		if s := c.p.stands[i]; s.some {
			differ[i] = c.differ(was[i], c.p.decided[i])
			c.sides = append(c.sides, differ[i])
			// Of a host with several addresses they open what one of them does.
			differ[i] = differ[i] || len(c.addresses(s.class, f)) > 1
		}
	}
	return differ
}

// addresses are the atoms of a class of which each has to be looked at; nil
// for what has one at most.
func (c *Contrast) addresses(cl Class, f model.Family) []int32 {
	if int(cl) >= len(c.x.classes) {
		return nil
	}
	if s := &c.x.slots[c.x.classes[cl].slot[f]]; s.kind == slotKnown && len(s.atoms) > 1 {
		return s.atoms
	}
	return nil
}

// differ reports whether two openings open different things: that they say more
// or less of what Kubernetes leaves open (R84) is none.
func (c *Contrast) differ(a, b uint32) bool {
	if a == b {
		return false
	}
	p, q := &c.r.opens.all[a], &c.r.opens.all[b]
	return !slices.Equal(p.worldLo, q.worldLo) || !slices.Equal(p.worldUp, q.worldUp) || othersDiffer(p.other, q.other)
}

func othersDiffer(a, b model.Other) bool {
	return a == model.OtherNo && b == model.OtherYes || a == model.OtherYes && b == model.OtherNo
}

// member is a class of a part.
type member struct {
	class Class
	part  int32
}

// members are the classes of parts; outside addresses first, to which nothing
// but their source has policies.
func (c *Contrast) members(of []bool) iter.Seq[member] {
	return func(yield func(member) bool) {
		for w := len(c.p.within) - 1; w >= 0; w-- {
			cells := c.p.cells[w]
			if len(cells) == 0 {
				cells = []cell{{bits: c.p.within[w]}}
			}
			for _, cell := range slices.Backward(cells) {
				for b := cell.bits; of[cell.part] && b != 0; {
					i := bits.Len64(b) - 1
					b &^= 1 << i
					if !yield(member{Class(w<<6 | i), cell.part}) {
						return
					}
				}
			}
		}
	}
}

// alike is what of an other end the answer hangs on, beside its part and the
// subject.
type alike struct {
	part     int32
	old, now uint32 // programs of the other direction
	slot     [model.NumFamilies]uint32
	sig      uint32
	atom     int32
}

// from looks for an other end between which and the subject the versions
// differ.
func (c *Contrast) from(d model.Direction, subject Class, others iter.Seq[member], a, b *Index) (Pair, bool) {
	seen := map[alike]bool{} // of which none differs
	other := model.Egress
	if d == model.Egress {
		other = model.Ingress
	}
	for m := range others {
		k := alike{part: m.part, atom: -1}
		switch cl := int(m.class); {
		case cl >= len(a.classes):
			k.atom = int32(a.addr.family(int32(cl - len(a.classes))))
		case cl < a.podClasses:
			k.old, k.now = a.programOf.get(cl)[other], b.programOf.get(cl)[other]
			k.sig = a.classes[cl].sig
			fallthrough
		default:
			k.slot = a.classes[cl].slot
			if cl >= a.podClasses {
				k.atom = -2
			}
		}
		if seen[k] || k.atom >= 0 && !c.unowned(m.class) {
			continue
		}
		src, dst := subject, m.class
		if d == model.Ingress {
			src, dst = dst, src
		}
		if !c.pairDiffers(classPair(src, dst), a, b) {
			seen[k] = true
			continue
		}
		// Two different endpoints that no relation opens: of the classes there
		// may be none.
		for _, s := range a.Members(src) {
			for _, e := range a.Members(dst) {
				if s != e && c.pairDiffers(a.pair(s, e), a, b) {
					return Pair{s, e}, true
				}
			}
		}
	}
	return Pair{}, false
}

// unowned reports whether some address of an outside class is nobody's.
func (c *Contrast) unowned(cl Class) bool {
	from, to := c.x.addr.bounds(int32(int(cl) - len(c.x.classes)))
	return c.x.unowned(from, to).IsValid()
}

// pairDiffers compares the connections of one pair, in each family and for each
// address.
func (c *Contrast) pairDiffers(p pair, a, b *Index) bool {
	for f := range model.Family(model.NumFamilies) {
		p.families = Only(f)
		from, to := c.addresses(p.src, f), c.addresses(p.dst, f)
		for i := range max(1, len(from)) {
			for j := range max(1, len(to)) {
				p.srcAtom, p.dstAtom = -1, -1
				if from != nil {
					p.srcAtom = from[i]
				}
				if to != nil {
					p.dstAtom = to[j]
				}
				if c.oneDiffers(&p, a, b) {
					return true
				}
			}
		}
	}
	return false
}

func (c *Contrast) oneDiffers(p *pair, a, b *Index) bool {
	was := a.betweenMasks(p, c.masks)
	copy(c.lo, c.masks.lo)
	copy(c.up, c.masks.up)
	is := b.betweenMasks(p, c.masks)
	return othersDiffer(was, is) || !slices.Equal(c.lo, c.masks.lo) || !slices.Equal(c.up, c.masks.up)
}

// Shadowed reports whether a rule of Snapshot decides nothing, because rules of
// lower rank decide all that it matches: whatever it did, each direction of
// each pod would be as it is. It is false for a rule that selects no pod, and
// for one of a policy that nothing orders among others (R105). Cost: as Between
// for the programs that have it.
func (c *Contrast) Shadowed(rule int) bool {
	x := c.x
	if x.Snapshot(); x.ruleAt != nil {
		panic(fmt.Sprintf("engine: rule %d of a version that Apply made", rule))
	}
	d := x.rule(int32(rule)).Direction
	some := false
	for _, k := range c.subjectsOf(d) {
		prog := &x.programs[k.program]
		at := slices.IndexFunc(prog.segments, func(g uint32) bool { return slices.Contains(x.segments[g].rules, int32(rule)) })
		if at < 0 {
			continue
		}
		some = true
		if x.segments[prog.segments[at]].tie != 0 || c.decides(prog, at, rule, d, k.class) {
			return false
		}
	}
	return some
}

// programSubject is a program, and a class of those that have it; for ingress
// the port names of these too.
type programSubject struct {
	program, sig uint32
	class        Class
}

func (c *Contrast) subjectsOf(d model.Direction) []programSubject {
	if c.subjects[d] != nil {
		return c.subjects[d]
	}
	seen := map[[2]uint32]bool{}
	for cl := range c.x.podClasses {
		k := programSubject{program: c.x.programOf.get(cl)[d], class: Class(cl)}
		if d == model.Ingress {
			k.sig = c.x.classes[cl].sig
		}
		if !seen[[2]uint32{k.program, k.sig}] {
			seen[[2]uint32{k.program, k.sig}] = true
			c.subjects[d] = append(c.subjects[d], k)
		}
	}
	return c.subjects[d]
}

// decides reports whether a rule in a segment of a program decides for some
// other end: whether it makes a difference if it allows or denies what comes to
// it.
func (c *Contrast) decides(prog *program, at, rule int, d model.Direction, dst Class) bool {
	x := c.x
	n := len(x.segments)
	if c.trial == nil {
		c.trial = &Index{rest: x.rest, addr: x.addr, port: x.port, full: x.full, nodeClass: x.nodeClass, podClasses: x.podClasses, classes: x.classes, tables: x.tables}
		c.trial.segments = append(slices.Clip(x.segments), segment{}, segment{}) // a copy
	}
	with := func(slot int, action model.Action) *program {
		g := x.segments[prog.segments[at]]
		g.action, g.entries, g.rules = action, []entry{{x.rulePeer[rule], x.rulePorts[rule]}}, []int32{int32(rule)}
		c.trial.segments[n+slot] = g
		p := *prog
		p.segments = append(slices.Clone(prog.segments[:at]), uint32(n+slot))
		return &p
	}
	allow, deny := with(0, model.Allow), with(1, model.Deny)
	for _, f := range c.families(c.trial, allow) {
		if slices.Contains(c.parts(d, f, c.trial, allow, c.trial, deny, dst), true) {
			return true
		}
	}
	return false
}

// Ordered returns a version in which the policies of one tier and priority,
// which nothing orders (R105), have an order: that of their ordinals. Where it
// answers as the index itself, every order does, because that takes the best
// and the worst of all. It is for Between only. Cost: O(segments + programs +
// classes).
func (c *Contrast) Ordered(t model.Tier, priority int32) *Index {
	x := c.x
	y := &Index{
		rest: x.rest, addr: x.addr, port: x.port, full: x.full, nodeClass: x.nodeClass, podClasses: x.podClasses, classes: x.classes,
		names: x.names, line: x.line, tables: x.tables, pods: x.pods,
	}
	firm := map[uint32]uint32{} // segment of the tie -> one of none
	y.segments = x.segments[:len(x.segments):len(x.segments)]
	for i := range x.segments {
		g := x.segments[i]
		if rank := x.rule(g.rules[0]).Rank; g.tie == 0 || rank.Tier != t || rank.Priority != priority {
			continue
		}
		firm[uint32(i)] = uint32(len(y.segments))
		g.tie = 0
		y.segments = append(y.segments, g)
	}
	y.programs = slices.Clone(x.programs)
	now := make([]uint32, len(x.programs))
	for i := range x.programs {
		now[i] = uint32(i)
		p := x.programs[i]
		if !slices.ContainsFunc(p.segments, func(g uint32) bool { _, tied := firm[g]; return tied }) {
			continue
		}
		p.segments = slices.Clone(p.segments)
		for j, g := range p.segments {
			if f, tied := firm[g]; tied {
				p.segments[j] = f
			}
		}
		p.unsure = y.unsure(p.segments)
		now[i] = uint32(len(y.programs))
		y.programs = append(y.programs, p)
	}
	programs := make([][model.NumDirections]uint32, x.podClasses)
	for cl := range programs {
		for d, p := range x.programOf.get(cl) {
			programs[cl][d] = now[p]
		}
	}
	y.programOf = newVector(programs)
	return y
}
