package engine

import (
	"slices"

	"github.com/podreach/podreach/model"
)

// scratch is the masks of one Between.
type scratch struct {
	undecided, passed, allow, hit, lo, up, sideLo, sideUp, famLo, famUp mask

	world mask // the lower bound for one meaning of port names
	begun mask
	tied  [3]mask // by Allow, Deny, Pass
}

func (x *Index) newScratch() *scratch {
	w := x.port.words
	m := make(mask, 15*w)
	cut := func() mask { c := m[:w:w]; m = m[w:]; return c }
	return &scratch{cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), [3]mask{cut(), cut(), cut()}}
}

// between returns the bounds over all port atoms. It mirrors verdict.
func (x *Index) between(p *pair) model.Bounds {
	s := x.newScratch()
	other := x.betweenMasks(p, s)
	return x.bounds(s.lo, s.up, other)
}

func (x *Index) bounds(lo, up mask, other model.Other) model.Bounds {
	b := model.Bounds{Lower: x.port.portSet(lo), Other: other}
	b.Upper = b.Lower
	if !slices.Equal(lo, up) {
		b.Upper = x.port.portSet(up)
	}
	return b
}

// betweenMasks fills s.lo and s.up.
func (x *Index) betweenMasks(p *pair, s *scratch) model.Other {
	other := model.OtherNo
	if p.self && p.families != noFamily { // over its own address or loopback, in any family (R50)
		copy(s.lo, x.full)
		copy(s.up, x.full)
		return model.OtherYes
	}
	s.up.clear()
	sides := x.sides(p)
	for w, sig := range x.portNames(p.dst) { // which both sides and both families share
		s.world.clear()
		for f := model.IPv4; f <= model.IPv6; f++ {
			ks, kd := x.slotKind(p.src, f), x.slotKind(p.dst, f)
			if ks == slotNone || kd == slotNone || !p.families.has(f) {
				continue
			}
			copy(s.famLo, x.full)
			copy(s.famUp, x.full)
			famOther := model.OtherYes
			for i := range sides {
				o := x.decideSideMask(&sides[i], f, sig, s)
				s.famLo.and(s.sideLo)
				s.famUp.and(s.sideUp)
				famOther = min(famOther, o)
			}
			if ks == slotMaybe || kd == slotMaybe {
				s.famLo.clear()
				famOther = min(famOther, model.OtherUnspecified)
			}
			s.world.or(s.famLo)
			s.up.or(s.famUp)
			other = max(other, famOther)
		}
		s.narrow(w)
	}
	return other
}

// narrow leaves in the lower bound what holds for each meaning of port names
// so far, of which this is number i.
func (m *scratch) narrow(i int) {
	if i == 0 {
		copy(m.lo, m.world)
	} else {
		m.lo.and(m.world)
	}
}

// decideSideMask fills sideLo and sideUp with the bounds of one direction, for
// one meaning of port names, and returns what is known of other protocols, for
// which names mean nothing.
func (x *Index) decideSideMask(s *side, f model.Family, sig []named, m *scratch) model.Other {
	copy(m.sideLo, x.full)
	if s.prog == nil {
		copy(m.sideUp, x.full)
		return model.OtherYes
	}
	m.sideUp.clear()
	var single [1]int32
	atoms, usable := x.views(s, f, &single)
	v := x.view(s, f)
	if usable {
		m.sideLo.clear()
	}
	for _, own := range ownStates[s.own] {
		v.own = own
		for _, v.atom = range atoms {
			x.decideMask(s.prog, &v, sig, m, false)
			if usable {
				m.sideLo.or(m.allow)
			} else {
				m.sideLo.and(m.allow)
			}
			m.sideUp.or(m.allow)
			if s.prog.unsure {
				x.decideMask(s.prog, &v, sig, m, true)
				m.sideUp.or(m.allow)
			}
		}
	}
	var other model.Other
	first := true
	for _, own := range ownStates[s.own] {
		v.own = own
		for _, v.atom = range atoms {
			o := x.decideOther(s.prog, &v, false)
			if s.prog.unsure && o != x.decideOther(s.prog, &v, true) {
				o = model.OtherUnspecified
			}
			switch {
			case first:
				other = o
			case usable:
				other = max(other, o)
			case o != other:
				other = model.OtherUnspecified
			}
			first = false
		}
	}
	return other
}

// decideMask is decide for all port atoms at once: allow receives those that
// the program allows.
func (x *Index) decideMask(prog *program, v *view, sig []named, m *scratch, best bool) {
	copy(m.undecided, x.full)
	m.passed.clear()
	m.allow.clear()
	tier, tie, policy := model.Tier(0), int32(0), int32(0)
	for _, g := range prog.segments {
		s := &x.segments[g]
		if s.tie != tie && tie != 0 {
			m.endTie(best)
		}
		if s.tier != tier {
			tier = s.tier
			m.undecided.or(m.passed)
			m.passed.clear()
		}
		switch {
		case s.tie != tie:
			if tie, policy = s.tie, s.policy; tie != 0 {
				m.beginTie()
			}
		case s.tie != 0 && s.policy != policy: // it begins where all of them do
			policy = s.policy
			copy(m.undecided, m.begun)
		}
		if s.action == model.MayAllow && !best {
			continue
		}
		a := s.action.As(best)
		for i := range s.entries {
			e := &s.entries[i]
			if !x.matches(&x.peers[e.peer], v) {
				continue
			}
			x.hit(&x.ports[e.ports], sig, m)
			switch {
			case s.tie != 0:
				m.tied[a-model.Allow].or(m.hit)
			case a == model.Allow:
				m.allow.or(m.hit)
			case a == model.Pass:
				m.passed.or(m.hit)
			}
		}
		if s.tie == 0 && m.undecided.empty() && m.passed.empty() {
			return
		}
	}
	if tie != 0 {
		m.endTie(best)
	}
	m.allow.or(m.undecided)
	m.allow.or(m.passed)
}

// beginTie notes what policies that nothing orders begin with.
func (m *scratch) beginTie() {
	copy(m.begun, m.undecided)
	for _, t := range m.tied {
		t.clear()
	}
}

// endTie takes for each atom the best or worst of what the policies come to.
func (m *scratch) endTie(best bool) {
	allow, deny, pass := m.tied[0], m.tied[model.Deny-model.Allow], m.tied[model.Pass-model.Allow]
	for i := range allow {
		m.undecided[i] = m.begun[i] &^ (allow[i] | deny[i] | pass[i])
		if best {
			pass[i] &^= allow[i]
		} else {
			pass[i] &^= deny[i]
			allow[i] &^= deny[i] | pass[i]
		}
	}
	m.allow.or(allow)
	m.passed.or(pass)
}

// hit sets m.hit to the undecided atoms that the ports match, and takes them
// out of m.undecided.
func (x *Index) hit(p *rulePorts, sig []named, m *scratch) {
	copy(m.hit, p.mask)
	for _, n := range p.named {
		for _, s := range sig {
			if s.name != n {
				continue
			}
			for a := s.first; a <= s.last; a++ {
				m.hit.set(a)
			}
		}
	}
	for i := range m.hit {
		m.hit[i] &= m.undecided[i]
		m.undecided[i] &^= m.hit[i]
	}
}
