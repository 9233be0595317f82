package engine

import (
	"net/netip"

	"github.com/podreach/podreach/model"
)

// relation says whether something that is decided pair by pair holds.
type relation uint8

const (
	relNo relation = iota
	relYes
	relMaybe
)

// pair is two ends with the relations between them.
type pair struct {
	src, dst Class
	self     bool
	own      relation // src is the host network namespace of dst's node (R52)
	// Where the question is about one address of an end: its atom; else -1.
	srcAtom, dstAtom int32
	families         Families
}

// classPair is two different endpoints of which only the classes are known.
func classPair(src, dst Class) pair {
	return pair{src: src, dst: dst, srcAtom: -1, dstAtom: -1}
}

// flowPair is a pair with what a flow says of families and addresses.
func (x *Index) flowPair(f *Flow) pair {
	p := x.pair(f.Src, f.Dst)
	x.restrict(&p, f)
	return p
}

// restrict makes the question one about the family and the addresses of f,
// where it has some.
func (x *Index) restrict(p *pair, f *Flow) {
	p.families = f.Family
	fix := func(a netip.Addr, atom *int32) {
		if a.IsValid() {
			a = a.Unmap().WithZone("")
			*atom = x.addr.of(a)
			p.families = p.families.And(Only(model.FamilyOf(a)))
		}
	}
	fix(f.SrcAddr, &p.srcAtom)
	fix(f.DstAddr, &p.dstAtom)
}

func (x *Index) pair(src, dst EndpointID) pair {
	p := classPair(x.Class(src), x.Class(dst))
	if !dst.IsPod() || src.IsOutside() {
		return p
	}
	p.self = src == dst
	if int(p.dst) < x.podClasses && int(p.src) >= x.podClasses {
		node := int32(src.NodeIndex())
		if src.IsPod() {
			node = x.pods.get(int(src)).node
		}
		p.own = sameNode(node, x.pods.get(int(dst)).node)
	}
	return p
}

// sameNode compares node numbers: an unknown one may be any (R57).
func sameNode(src, dst int32) relation {
	switch {
	case src == nodeEvery || dst == nodeEvery:
		return relYes
	case src == nodeUnknown || dst == nodeUnknown:
		return relMaybe
	case src == dst:
		return relYes
	}
	return relNo
}

// view is one end of a connection as the rules of the other end see it, with
// every unknown fact fixed to one possibility.
type view struct {
	class     Class // for pod sets; host and outside classes are in none
	atom      int32 // of its address; -1: matches no block
	outside   bool
	lost      bool // a host of unknown address
	self, own bool
}

// view is the other end of a side, with what does not differ between the
// possibilities.
func (x *Index) view(s *side, f model.Family) view {
	v := view{class: s.other, outside: int(s.other) >= len(x.classes), self: s.self}
	if kind := x.slotKind(s.other, f); int(s.other) >= x.podClasses && (kind == slotUnknown || kind == slotMaybe) {
		v.lost = true
	}
	return v
}

func (x *Index) matches(p *peer, v *view) bool {
	if p.any || p.lost && v.lost {
		return true
	}
	if int(v.class) < x.podClasses {
		for _, s := range p.sets {
			if x.sets[s].has(v.class) {
				return true
			}
		}
	} else if p.noPods {
		return true
	}
	if v.atom >= 0 && (p.blocks.has(v.atom) || v.outside && p.external.has(v.atom)) {
		return true
	}
	switch p.relation {
	case model.Self:
		return v.self
	case model.OwnNode:
		return v.own
	}
	return false
}

// decide returns whether a program allows one port atom: what the first
// matching rule does, Allow when none matches. sig is the destination's. Where
// a program is unsure the answer is that of one bound, best or worst.
func (x *Index) decide(prog *program, v *view, sig []named, atom int32, best bool) bool {
	var t tied
	passed := -1
	for _, g := range prog.segments {
		s := &x.segments[g]
		if t.tie != s.tie {
			switch a := t.end(); a {
			case 0:
			case model.Pass:
				passed = int(t.tier)
			default:
				return a == model.Allow
			}
		}
		if int(s.tier) == passed || t.has(s) || s.action == model.MayAllow && !best || !x.hits(s, v, sig, atom) {
			continue
		}
		a := s.action.As(best)
		switch {
		case s.tie != 0:
			t.add(s, a, best)
		case a == model.Pass:
			passed = int(s.tier)
		default:
			return a == model.Allow
		}
	}
	return t.end() != model.Deny
}

// tied collects the first matches of policies that nothing orders (R105).
type tied struct {
	tie, policy int32
	tier        model.Tier
	action      model.Action // 0: none has matched
}

// has reports whether the policy of s has had its first match.
func (t *tied) has(s *segment) bool {
	return s.tie != 0 && t.action != 0 && t.tie == s.tie && t.policy == s.policy
}

// add takes the first match of a policy.
func (t *tied) add(s *segment, a model.Action, best bool) {
	if t.action != 0 {
		a = t.action.Tied(a, best)
	}
	*t = tied{s.tie, s.policy, s.tier, a}
}

// end returns what the policies come to, and forgets them; 0 if none matched.
func (t *tied) end() model.Action {
	a := t.action
	t.tie, t.action = 0, 0
	return a
}

// hits reports whether some rule of a segment matches.
func (x *Index) hits(s *segment, v *view, sig []named, atom int32) bool {
	for i := range s.entries {
		e := &s.entries[i]
		if x.portsMatch(&x.ports[e.ports], sig, atom) && x.matches(&x.peers[e.peer], v) {
			return true
		}
	}
	return false
}

func (x *Index) portsMatch(p *rulePorts, sig []named, atom int32) bool {
	if p.mask.has(atom) {
		return true
	}
	for _, n := range p.named {
		for _, s := range sig {
			if s.name == n && s.first <= atom && atom <= s.last {
				return true
			}
		}
	}
	return false
}

// side is one direction of a pair: the subject's program and the other end.
type side struct {
	prog  *program // nil: the end is no subject, everything is allowed (R3)
	other Class    // the peer
	dir   model.Direction
	dst   Class // for named ports
	atom  int32 // of the one address of other that is asked about; else -1
	self  bool
	own   relation
}

func (x *Index) sides(p *pair) [model.NumDirections]side {
	out := [...]side{
		model.Egress:  {other: p.dst, dir: model.Egress, dst: p.dst, atom: p.dstAtom, self: p.self},
		model.Ingress: {other: p.src, dir: model.Ingress, dst: p.dst, atom: p.srcAtom, self: p.self, own: p.own},
	}
	if int(p.src) < x.podClasses {
		out[model.Egress].prog = &x.programs[x.programOf.get(int(p.src))[model.Egress]]
	}
	if int(p.dst) < x.podClasses {
		out[model.Ingress].prog = &x.programs[x.programOf.get(int(p.dst))[model.Ingress]]
	}
	return out
}

// slotKind returns what is known of a class's address in a family. Outside
// classes have an address of exactly one.
func (x *Index) slotKind(c Class, f model.Family) slotKind {
	if int(c) < len(x.classes) {
		return x.slots[x.classes[c].slot[f]].kind
	}
	if x.addr.family(int32(int(c)-len(x.classes))) == f {
		return slotKnown
	}
	return slotNone
}

// portNames returns what port names mean at a class: one possibility, or the
// two ends of what is possible.
func (x *Index) portNames(c Class) portNames {
	if int(c) < x.podClasses {
		return x.sigs[x.classes[c].sig]
	}
	return noNames
}

// noAtom is the list of representatives of an address that no block sees.
var noAtom = []int32{-1}

// views returns the atoms at which the other end of a side has to be looked
// at, and how their answers combine: usable means that the connection may use
// any of them (a destination host with several addresses), otherwise they are
// possibilities of which one is real (R6).
func (x *Index) views(s *side, f model.Family, single *[1]int32) (atoms []int32, usable bool) {
	switch {
	case int(s.other) >= len(x.classes):
		single[0] = int32(int(s.other) - len(x.classes))
		return single[:], false
	case s.atom >= 0:
		single[0] = s.atom
		return single[:], false
	}
	sl := &x.slots[x.classes[s.other].slot[f]]
	if sl.kind == slotKnown {
		return sl.atoms, s.dir == model.Egress
	}
	if reps := s.prog.reps; reps != nil && len(reps[sl.where][f]) > 0 {
		return reps[sl.where][f], false
	}
	return noAtom, false
}

// verdict returns the bounds for one port atom over some families. What port
// names mean at the destination is a fact that both sides and both families
// share, so each possibility is followed through all of them.
func (x *Index) verdict(p *pair, families Families, atom int32) (lower, upper bool) {
	if p.self {
		return families != noFamily, families != noFamily
	}
	lower = true
	sides := x.sides(p)
	for _, sig := range x.portNames(p.dst) {
		some := false
		for f := model.IPv4; f <= model.IPv6; f++ {
			if !families.has(f) {
				continue
			}
			lo, up := x.inFamily(p, &sides, f, sig, atom)
			some, upper = some || lo, upper || up
		}
		lower = lower && some
	}
	return lower, upper
}

// inFamily returns the bounds for one port atom in one family, for one meaning
// of port names.
func (x *Index) inFamily(p *pair, sides *[model.NumDirections]side, f model.Family, sig []named, atom int32) (lower, upper bool) {
	ks, kd := x.slotKind(p.src, f), x.slotKind(p.dst, f)
	if ks == slotNone || kd == slotNone {
		return false, false
	}
	lower, upper = true, true
	for i := range sides {
		lo, up := x.decideSide(&sides[i], f, sig, atom)
		lower, upper = lower && lo, upper && up
		if !upper {
			return false, false
		}
	}
	// Without certainty that both have the family, nothing is certain in it.
	return lower && ks != slotMaybe && kd != slotMaybe, upper
}

// decideSide returns the bounds of one direction for one port atom, for one
// meaning of port names.
func (x *Index) decideSide(s *side, f model.Family, sig []named, atom int32) (lower, upper bool) {
	if s.prog == nil {
		return true, true
	}
	var single [1]int32
	atoms, usable := x.views(s, f, &single)
	v := x.view(s, f)
	some, all := false, true
	for _, own := range ownStates[s.own] {
		v.own = own
		for _, v.atom = range atoms {
			allow := x.decide(s.prog, &v, sig, atom, false)
			some, all = some || allow, all && allow
			upper = upper || allow || s.prog.unsure && x.decide(s.prog, &v, sig, atom, true)
		}
	}
	return all || usable && some, upper
}

// ownStates lists the possibilities of each relation.
var ownStates = [...][]bool{relNo: {false}, relYes: {true}, relMaybe: {false, true}}

// decideOther is decide for protocols outside U (R84).
func (x *Index) decideOther(prog *program, v *view, best bool) model.Other {
	var t tied
	passed := -1
	for _, g := range prog.segments {
		s := &x.segments[g]
		if t.tie != s.tie {
			switch a := t.end(); a {
			case 0:
			case model.Pass:
				passed = int(t.tier)
			default:
				return otherOf(a)
			}
		}
		if int(s.tier) == passed || t.has(s) || s.action == model.MayAllow && !best {
			continue
		}
		o := x.other(s, v)
		if o == model.OtherNo {
			continue
		}
		a := s.action.As(best)
		switch {
		case o == model.OtherUnspecified || s.action == model.Uncertain:
			return model.OtherUnspecified
		case s.tie != 0:
			t.add(s, a, best)
		case a == model.Pass:
			passed = int(s.tier)
		default:
			return otherOf(a)
		}
	}
	return otherOf(t.end())
}

func otherOf(a model.Action) model.Other {
	if a == model.Deny {
		return model.OtherNo
	}
	return model.OtherYes
}

// other returns what the first rule of s that matches v says of protocols
// outside U.
func (x *Index) other(s *segment, v *view) model.Other {
	for i := range s.entries {
		e := &s.entries[i]
		if o := x.ports[e.ports].other; o != model.OtherNo && x.matches(&x.peers[e.peer], v) {
			return o
		}
	}
	return model.OtherNo
}
