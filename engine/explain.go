package engine

import (
	"slices"

	"github.com/podreach/podreach/model"
)

// Match says how far a rule matched.
type Match uint8

// The matches of a consulted rule.
const (
	MatchNo        Match = iota // the peer does not match
	MatchPeer                   // the peer matches or may match, the port does not
	MatchMaybe                  // whether the peer matches hangs on what the snapshot does not say
	MatchPortMaybe              // the peer matches or may match; whether the port does hangs on the ports of the destination, which are not known
	MatchYes                    // it matches
)

// String is "no", "port differs", "maybe", "port maybe" or "yes".
func (m Match) String() string {
	return [...]string{"no", "port differs", "maybe", "port maybe", "yes"}[m]
}

// Maybe reports whether the match hangs on what the snapshot does not say.
func (m Match) Maybe() bool { return m == MatchMaybe || m == MatchPortMaybe }

// DefaultAllow is Step.Rule for Kubernetes' own last rule: what no rule
// decides is allowed (R9, R95).
const DefaultAllow = -1

// Step is one consulted rule.
type Step struct {
	Rule    int // into Snapshot.Rules, or DefaultAllow
	Match   Match
	Decides bool // it decides the flow, alone, with others of its rank, or for some of what is not known
}

// SideTrace is one direction of a Trace: the rules consulted at one end, in
// rank order, up to the last one that decides.
type SideTrace struct {
	Direction model.Direction
	Subject   EndpointID
	Exempt    bool          // the subject is a node, a host-network pod or outside: no policy applies (R3, R55)
	Verdict   model.Verdict // of this direction alone
	Steps     []Step        // empty when Exempt
}

// FamilyTrace explains a flow in one address family.
type FamilyTrace struct {
	Family  model.Family
	Exists  model.Verdict // Allowed: both ends have an address of the family; Unknown: they may; Denied: they do not, and there are no sides
	Verdict model.Verdict
	Egress  SideTrace
	Ingress SideTrace
}

// Trace explains a flow.
type Trace struct {
	Flow     Flow
	Verdict  model.Verdict
	Families []FamilyTrace // those of Flow.Family; IPv4 first
}

// Explain decides f as Verdict does and tells which rules were consulted.
// Cost: O(rules of both programs), times the representatives of an unknown
// address.
func (x *Index) Explain(f Flow) Trace {
	t := Trace{Flow: f, Verdict: x.Verdict(f)}
	p := x.flowPair(&f)
	atom := x.port.of(f.Protocol, f.Port)
	for fam := model.IPv4; fam <= model.IPv6; fam++ {
		if !p.families.has(fam) {
			continue
		}
		t.Families = append(t.Families, x.explainFamily(f, &p, fam, atom))
	}
	return t
}

func (x *Index) explainFamily(f Flow, p *pair, fam model.Family, atom int32) FamilyTrace {
	ft := FamilyTrace{Family: fam, Exists: model.Allowed, Verdict: model.Denied}
	ks, kd := x.slotKind(p.src, fam), x.slotKind(p.dst, fam)
	switch {
	case p.self:
	case ks == slotNone || kd == slotNone:
		ft.Exists = model.Denied
		return ft
	case ks == slotMaybe || kd == slotMaybe:
		ft.Exists = model.Unknown
	}
	if atom < 0 {
		return ft
	}
	ft.Verdict = boundsVerdict(x.verdict(p, Only(fam), atom))
	sides := x.sides(p)
	ft.Egress = x.explainSide(&sides[model.Egress], f.Src, fam, atom)
	ft.Ingress = x.explainSide(&sides[model.Ingress], f.Dst, fam, atom)
	return ft
}

func (x *Index) explainSide(s *side, subject EndpointID, fam model.Family, atom int32) SideTrace {
	t := SideTrace{Direction: s.dir, Subject: subject, Exempt: s.prog == nil}
	names := x.portNames(s.dst)
	lower, upper := true, false
	for _, sig := range names {
		lo, up := x.decideSide(s, fam, sig, atom)
		lower, upper = lower && lo, upper || up
	}
	t.Verdict = boundsVerdict(lower, upper)
	if s.prog == nil {
		return t
	}
	var single [1]int32
	atoms, usable := x.views(s, fam, &single)
	var rules []int32
	for _, g := range s.prog.segments {
		rules = append(rules, x.segments[g].rules...)
	}
	decides, end := x.deciders(rules, s, fam, atoms, usable, names, atom)
	for i, r := range rules[:end] {
		step := Step{Rule: x.ruleIndex(r), Match: x.matchViews(r, s, fam, atoms, usable), Decides: decides[i]}
		if ports := &x.ports[x.rulePorts[r]]; step.Match != MatchNo && !x.portsMatch(ports, names[0], atom) {
			if x.portsMatch(ports, names[len(names)-1], atom) {
				step.Match = MatchPortMaybe
			} else {
				step.Match = MatchPeer
			}
		}
		t.Steps = append(t.Steps, step)
	}
	if decides[len(rules)] {
		t.Steps = append(t.Steps, Step{Rule: DefaultAllow, Match: MatchYes, Decides: true})
	}
	return t
}

// ruleIndex returns where Snapshot.Rules has a rule.
func (x *Index) ruleIndex(r int32) int {
	if x.Snapshot(); x.ruleAt != nil {
		r = x.ruleAt[r]
	}
	return int(r)
}

// deciders marks the rules that decide at some view of the other end, in some
// bound, the default allow as the last mark, and returns how many rules are
// consulted before all views are decided. Rules that each only may match can be
// certain together: then each view has its own decider, and all are marked.
// Where the connection may use any of several addresses, those that deny do not
// count once one allows in the same bound, and once one allows for certain only
// that counts.
func (x *Index) deciders(rules []int32, s *side, fam model.Family, atoms []int32, usable bool, names portNames, atom int32) (decides []bool, end int) {
	decides = make([]bool, len(rules)+1)
	v := x.view(s, fam)
	var decisions []decision
	var some [2]bool // by bound
	look := func(sig []named, best bool) {
		for _, v.own = range ownStates[s.own] {
			for _, v.atom = range atoms {
				d := x.decision(rules, best, func(r int32) bool {
					return x.portsMatch(&x.ports[x.rulePorts[r]], sig, atom) && x.matches(&x.peers[x.rulePeer[r]], &v)
				})
				d.best = best
				decisions = append(decisions, d)
				some[bound(best)] = some[bound(best)] || d.allow
			}
		}
	}
	for _, sig := range names {
		decisions, some = decisions[:0], [2]bool{}
		look(sig, false)
		if s.prog.unsure {
			look(sig, true)
		}
		for _, d := range decisions {
			if usable && (some[bound(d.best)] && !d.allow || some[bound(false)] && d.best) {
				continue
			}
			for _, i := range d.at {
				decides[i] = true
				end = max(end, i+1)
			}
			if len(d.at) == 0 {
				decides[len(rules)] = true
				end = len(rules)
			}
		}
	}
	// What shares the last deciding rank was consulted as well, and what
	// nothing orders before it.
	for end > 0 && end < len(rules) {
		a, b := x.rule(rules[end]).Rank, x.rule(rules[end-1]).Rank
		if a != b && (a.Tier != b.Tier || a.Priority != b.Priority || a.Ordinal == b.Ordinal) {
			break
		}
		end++
	}
	return decides, end
}

// decision is the rules that decide for one view in one bound, which share a
// rank or are tied; none for the default.
type decision struct {
	at    []int // into the rules of the side
	allow bool
	best  bool // the bound
}

// bound numbers the two bounds.
func bound(best bool) int {
	if best {
		return 1
	}
	return 0
}

// decision mirrors decide for rules in rank order.
func (x *Index) decision(rules []int32, best bool, matches func(rule int32) bool) decision {
	passed := -1
	for i := 0; i < len(rules); {
		// One rank, or policies of one tier and priority: each has its first match.
		first := &x.rule(rules[i]).Rank
		var found []int
		action := model.Action(0)
		for ; i < len(rules); i++ {
			r := x.rule(rules[i])
			if r.Rank.Tier != first.Tier || r.Rank.Priority != first.Priority {
				break
			}
			if int(r.Rank.Tier) == passed || r.Action == model.MayAllow && !best {
				continue
			}
			if n := len(found); n > 0 {
				last := &x.rule(rules[found[n-1]]).Rank
				if last.Ordinal == r.Rank.Ordinal && *last != r.Rank {
					continue // its policy has had its first match
				}
			}
			if !matches(rules[i]) {
				continue
			}
			found = append(found, i)
			if a := r.Action.As(best); action == 0 {
				action = a
			} else {
				action = action.Tied(a, best)
			}
		}
		switch action {
		case 0:
		case model.Pass:
			passed = int(first.Tier)
		default:
			return decision{
				at:    slices.DeleteFunc(found, func(i int) bool { return x.rule(rules[i]).Action.As(best) != action }),
				allow: action == model.Allow,
			}
		}
	}
	return decision{allow: true}
}

// matchViews says whether a rule's peer matches the other end, over all that
// is not known of it.
func (x *Index) matchViews(rule int32, s *side, fam model.Family, atoms []int32, usable bool) Match {
	v := x.view(s, fam)
	yes, no := false, false
	for _, v.own = range ownStates[s.own] {
		for _, v.atom = range atoms {
			if x.matches(&x.peers[x.rulePeer[rule]], &v) {
				yes = true
			} else {
				no = true
			}
		}
	}
	switch {
	case yes && (!no || usable):
		return MatchYes
	case yes:
		return MatchMaybe
	}
	return MatchNo
}

func boundsVerdict(lower, upper bool) model.Verdict {
	switch {
	case lower:
		return model.Allowed
	case upper:
		return model.Unknown
	}
	return model.Denied
}
