package solver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// idleness says whether a policy has no effect, and because of whom.
type idleness struct {
	idle   bool
	same   bool      // its own pods' rules are the same without it: it is no matter of the other ends
	beside []*policy // without any one of these it would not be the same
	all    []*policy // that have a part for some pod of it in some direction of it
}

// idle finds NetworkPolicies without which every connection is as it is
// (PR4003).
func (l *linter) idle(p *policy) {
	if !p.networkPolicy() || len(p.classes) == 0 || p.doubted {
		return
	}
	open, rules := l.opensAll(p)
	if rules == 0 && len(p.subject.Pods) == 0 || !l.idleness(p).idle {
		return // the floor of a namespace, for pods to come
	}
	i := l.because(p)
	f := Finding{Code: dialect.CodeLintNoEffect, Object: p.object, Origin: l.origin(p), Message: fmt.Sprintf("without %v every connection is as it is", p.object)}
	switch {
	case !i.same:
		f.Severity = dialect.Note // others may come
		f.Message += ": what it changes for its pods the other ends do not let through, or there is no other end"
	case rules == 0:
		f.Severity = dialect.Note // a floor, in case that the others go
		f.Message += ": its pods are isolated without it, by " + names(refs(i.all))
	case open && len(i.all) == 0:
		f.Severity = dialect.Note // it says what is so anyway
		f.Message += ": it allows everything, and no other policy isolates its pods"
	case l.missesPeers(p):
		f.Severity = dialect.Note // PR4002 says so
		f.Message += ": of what it opens besides, the input holds nothing"
	case len(i.beside) > 0:
		f.Message += ", because of " + names(refs(i.beside))
	case len(i.all) > 0:
		do := " do what it does, also without any one of them"
		switch {
		case l.underAdmin(p):
			do = ", with what admin policies decide, do what it does"
		case len(i.all) == 1:
			do = " does what it does"
		case len(i.all) > tried:
			do = " do what it does"
		}
		f.Message += ": " + names(refs(i.all)) + do
	default:
		f.Message += ": admin policies, or that its pods are not managed, decide"
	}
	if len(i.beside) == 1 {
		if q := i.beside[0]; l.idleness(q).idle && slices.Contains(l.because(q).beside, p) && l.differ(nil, []*policy{p, q}) {
			f.Message += "; likewise that one because of this: one can go, not both"
		}
	}
	for _, q := range i.beside[:min(maxNames, len(i.beside))] {
		f.Related = append(f.Related, Related{Object: q.object, Origin: l.origin(q), Message: "what does the same, or more"})
	}
	l.report(f)
}

// underAdmin reports whether an admin policy selects some pod of a policy.
func (l *linter) underAdmin(p *policy) bool {
	return slices.ContainsFunc(l.policies, func(q *policy) bool { return !q.networkPolicy() && len(common(p.classes, q.classes)) > 0 })
}

// missesPeers reports whether some peer of a policy selects nothing.
func (l *linter) missesPeers(p *policy) bool {
	return slices.ContainsFunc(p.rules, func(i int) bool {
		return slices.ContainsFunc(l.s.Rules[i].Peer.Pods, func(s model.PodSet) bool { return len(l.selects(s)) == 0 })
	})
}

func refs(list []*policy) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.object.String()
	}
	return out
}

// opensAll reports whether a policy allows everything in each direction in
// which it isolates, and how many rules it has.
func (l *linter) opensAll(p *policy) (open bool, rules int) {
	open = true
	for d := range model.Direction(model.NumDirections) {
		if l.isolating(p, d) < 0 {
			continue
		}
		allows := l.allows(p, d)
		rules += len(allows)
		open = open && slices.ContainsFunc(allows, func(i int) bool { r := &l.s.Rules[i]; return r.Peer.Any && r.Ports.All })
	}
	return open, rules
}

// idleness compares the cluster with that without the policy.
func (l *linter) idleness(p *policy) *idleness {
	if p.idle == nil {
		p.idle = &idleness{idle: len(p.classes) > 0 && (len(l.twins[p.says]) > 1 || !l.differ(nil, []*policy{p}))}
	}
	return p.idle
}

// says is what a policy says, without its name: policies of one namespace that
// say the same are as one.
func (l *linter) says(p *policy) string {
	var b strings.Builder
	for _, i := range p.rules {
		r := &l.s.Rules[i]
		fmt.Fprintln(&b, r.Rank, r.Direction, r.Subject, r.Peer.Any, r.Peer.Pods, r.Peer.Blocks, r.Peer.NoPods, r.Peer.Relation, r.Ports, r.Action)
	}
	return b.String()
}

// tried is how many policies are taken away to see whether they make another
// one idle: each costs a comparison.
const tried = 16

// because finds the policies that make one idle.
func (l *linter) because(p *policy) *idleness {
	i := l.idleness(p)
	if i.all != nil {
		return i
	}
	i.all = []*policy{}
	if twins := l.twins[p.says]; len(twins) > 1 {
		i.same, i.all = true, twins[:min(maxBeside, len(twins))]
		i.all = slices.DeleteFunc(slices.Clone(i.all), func(q *policy) bool { return q == p })
		i.beside = i.all
		return i
	}
	for d := range model.Direction(model.NumDirections) {
		if l.isolating(p, d) < 0 {
			continue
		}
		for _, q := range l.beside(p, d) {
			if q != p && !slices.Contains(i.all, q) {
				i.all = append(i.all, q)
			}
		}
	}
	slices.SortFunc(i.all, func(a, b *policy) int { return a.number - b.number })
	if i.same = !l.sidesDiffer(nil, []*policy{p}); !i.same {
		return i
	}
	for _, q := range i.all[:min(tried, len(i.all))] {
		if l.sidesDiffer([]*policy{q}, []*policy{q, p}) {
			i.beside = append(i.beside, q)
		}
	}
	return i
}

// differ reports whether some connection differs between the cluster without
// the policies before and that without those after, which are more.
func (l *linter) differ(before, after []*policy) (differ bool) {
	l.compare(before, after, func(a, b *engine.Index) { _, differ = l.contrast.Between(a, b) })
	return differ
}

// sidesDiffer is differ of what the rules of each pod say by themselves.
func (l *linter) sidesDiffer(before, after []*policy) (differ bool) {
	l.compare(before, after, func(a, b *engine.Index) { differ = l.contrast.Sides(a, b) })
	return differ
}

func (l *linter) compare(before, after []*policy, with func(a, b *engine.Index)) {
	a, b := l.without(before), l.without(after)
	if !l.contrast.Takes(a) || !l.contrast.Takes(b) {
		l.begin() // there have been very many versions
		a, b = l.without(before), l.without(after)
	}
	with(a, b)
}

// without returns the index without the rules of some policies.
func (l *linter) without(gone []*policy) *engine.Index {
	if len(gone) == 0 {
		return l.x
	}
	var d model.Delta
	for _, p := range gone {
		d.Policies = append(d.Policies, model.PolicyChange{Object: p.object})
	}
	x, err := l.x.Apply(d)
	if err != nil {
		panic("solver: " + err.Error()) // taking rules away breaks nothing
	}
	return x
}

// begin compiles the snapshot for changes.
func (l *linter) begin() {
	x, err := engine.Compile(l.s, engine.Options{Updates: true})
	if err != nil {
		panic("solver: " + err.Error()) // it has been compiled before
	}
	l.x, l.contrast = x, x.Contrast()
}

// shadowed finds rules of admin policies that decide nothing (PR4005).
func (l *linter) shadowed(p *policy) {
	if p.networkPolicy() || len(p.classes) == 0 || p.doubted {
		return
	}
	for _, same := range l.byOrigin(p) {
		if !l.matchesSome(same) || slices.ContainsFunc(same, func(i int) bool { return !l.contrast.Shadowed(i) }) {
			continue
		}
		r := &l.s.Rules[same[0]]
		f := Finding{
			Code: dialect.CodeLintShadowed, Object: p.object, Origin: r.Origin, About: fmt.Sprintf("%v %d", r.Direction, model.AdminNumber(r.Rank.Index)),
			Message: fmt.Sprintf("%s of %v decides nothing: rules before it decide all that it matches", ruleName(r), p.object),
		}
		before := l.covering(same)
		if before < 0 {
			f.Severity = dialect.Note // there may be pods for which it would
			f.Message = fmt.Sprintf("%s of %v decides nothing now: rules before it decide for all the pods that it matches today", ruleName(r), p.object)
			before = l.decider(p, same)
		}
		if before >= 0 {
			b := &l.s.Rules[before]
			f.Message += fmt.Sprintf(", such as %s of %v", ruleName(b), b.Object)
			f.Related = append(f.Related, Related{Object: b.Object, Origin: b.Origin, Message: "what decides before it"})
		}
		l.report(f)
	}
}

// covering returns a rule before the given ones that matches all that they
// match, whatever pods there are; -1 when no single one does.
func (l *linter) covering(rules []int) int {
	found := -1
	for _, i := range rules {
		r := &l.s.Rules[i]
		at := slices.IndexFunc(l.s.Rules, func(b model.Rule) bool {
			return b.Direction == r.Direction && b.Rank.Compare(r.Rank) < 0 && b.Rank.Tier == r.Rank.Tier && (b.Action == model.Allow || b.Action == model.Deny || b.Action == model.Pass) &&
				setCovers(&b.Subject, &r.Subject) && peerCovers(&b.Peer, &r.Peer) && portsCover(&b.Ports, &r.Ports)
		})
		if at < 0 {
			return -1
		}
		found = at
	}
	return found
}

func peerCovers(a, b *model.Peer) bool {
	if a.Any {
		return true
	}
	if b.Any || b.NoPods && !a.NoPods || b.UnknownHosts || b.Relation != model.NoRelation {
		return false
	}
	for i := range b.Pods {
		if !slices.ContainsFunc(a.Pods, func(s model.PodSet) bool { return setCovers(&s, &b.Pods[i]) }) {
			return false
		}
	}
	for _, block := range b.Blocks {
		if !slices.ContainsFunc(a.Blocks, func(o model.Block) bool { return (!o.ExternalOnly || block.ExternalOnly) && hasRange(o, block.CIDR) }) {
			return false
		}
	}
	return true
}

// setCovers reports whether whatever is in b is in a: a asks for nothing that b
// does not.
func setCovers(a, b *model.PodSet) bool {
	return (a.Namespace == "" || a.Namespace == b.Namespace) && (a.Namespace != "" || len(a.Namespaces) == 0 || b.Namespace == "" && selectorCovers(a.Namespaces, b.Namespaces)) &&
		selectorCovers(a.Pods, b.Pods)
}

func selectorCovers(a, b model.Selector) bool {
	return !slices.ContainsFunc(a, func(r model.Requirement) bool {
		return !slices.ContainsFunc(b, func(q model.Requirement) bool { return q.Key == r.Key && implies(q, r) })
	})
}

// implies reports whether what meets q meets r, which is of the same key.
func implies(q, r model.Requirement) bool {
	switch q.Operator {
	case model.In:
		return !slices.ContainsFunc(q.Values, func(v string) bool { return !r.Matches(map[string]string{r.Key: v}) })
	case model.NotIn:
		return r.Operator == model.NotIn && !slices.ContainsFunc(r.Values, func(v string) bool { return !slices.Contains(q.Values, v) })
	case model.Exists:
		return r.Operator == model.Exists
	}
	return r.Operator == model.DoesNotExist || r.Operator == model.NotIn
}

// matchesSome reports whether rules may match anything at all, for certain: what
// they say of peers that are not known is not judged.
func (l *linter) matchesSome(rules []int) bool {
	some := false
	for _, i := range rules {
		r := &l.s.Rules[i]
		if r.Action == model.Uncertain || r.Action == model.MayAllow {
			return false
		}
		ports := r.Ports.All || !r.Ports.Set.Empty() || len(r.Ports.Named) > 0
		some = some || ports && (r.Peer.Any || r.Peer.NoPods || len(r.Peer.Blocks) > 0 ||
			slices.ContainsFunc(r.Peer.Pods, func(s model.PodSet) bool { return len(l.selects(s)) > 0 }))
	}
	return some
}

// decider returns a rule that decides something that the given ones match, or
// -1.
func (l *linter) decider(p *policy, rules []int) int {
	for _, i := range rules {
		r := &l.s.Rules[i]
		for _, c := range p.classes[:min(4, len(p.classes))] {
			for _, peer := range l.peersOf(r) {
				if peer == l.classes[c].id {
					continue
				}
				f := engine.Flow{Src: l.classes[c].id, Dst: peer, Protocol: model.TCP, Port: 1}
				if r.Direction == model.Ingress {
					f.Src, f.Dst = f.Dst, f.Src
				}
				if set := r.Ports.Set.Ranges(); len(set) > 0 {
					f.Protocol, f.Port = set[0].Protocol, set[0].First
				}
				for _, family := range l.x.Explain(f).Families {
					side := family.Egress
					if r.Direction == model.Ingress {
						side = family.Ingress
					}
					for _, s := range side.Steps {
						if s.Decides && s.Rule >= 0 && l.s.Rules[s.Rule].Object != (model.ObjectRef{}) && l.s.Rules[s.Rule].Rank.Compare(r.Rank) < 0 {
							return s.Rule
						}
					}
				}
			}
		}
	}
	return -1
}

// peersOf returns a few endpoints that a rule matches.
func (l *linter) peersOf(r *model.Rule) []engine.EndpointID {
	var out []engine.EndpointID
	for _, s := range r.Peer.Pods {
		for _, c := range l.selects(s) {
			if out = append(out, l.classes[c].id); len(out) >= 4 {
				return out
			}
		}
	}
	if r.Peer.Any {
		for i := range l.classes[:min(4, len(l.classes))] {
			out = append(out, l.classes[i].id)
		}
	}
	for _, b := range r.Peer.Blocks {
		if parts := l.x.Outside(blockSet(b)).Outside(); len(parts) > 0 {
			out = append(out, parts[0].Endpoint)
		}
	}
	return out
}

// ties finds admin policies of equal tier and priority that decide differently
// about some connection (PR4006).
func (l *linter) ties() {
	type level struct {
		tier     model.Tier
		priority int32
	}
	groups := map[level][]*policy{}
	var levels []level
	for _, p := range l.policies {
		if p.networkPolicy() {
			continue
		}
		for _, i := range p.rules {
			if r := &l.s.Rules[i]; r.Rank.Tier == model.TierAdmin || r.Rank.Tier == model.TierBaseline {
				k := level{r.Rank.Tier, r.Rank.Priority}
				if groups[k] == nil {
					levels = append(levels, k)
				}
				groups[k] = append(groups[k], p)
				break
			}
		}
	}
	for _, k := range levels {
		if group := groups[k]; len(group) > 1 {
			l.tied(group, k.tier, k.priority)
		}
	}
}

// tied compares the cluster with one in which the policies of a group have an
// order: where that makes no difference, none would.
func (l *linter) tied(group []*policy, tier model.Tier, priority int32) {
	pair, differ := l.contrast.Between(l.x, l.contrast.Ordered(tier, priority))
	if !differ {
		return
	}
	group = slices.DeleteFunc(slices.Clone(group), func(p *policy) bool { return len(p.classes) == 0 })
	p := group[0]
	f := Finding{
		Code: dialect.CodeLintTie, Object: p.object, Origin: l.origin(p), About: fmt.Sprintf("priority %d", priority),
		Message: fmt.Sprintf("%s have priority %d of the %v tier in common and disagree, for example about %s to %s: which of them counts nothing says",
			names(refs(group)), priority, tier, l.endpointText(pair.Src), l.endpointText(pair.Dst)),
	}
	for _, q := range group[1:] {
		f.Related = append(f.Related, Related{Object: q.object, Origin: l.origin(q), Message: "of the same priority"})
	}
	l.report(f)
}

func (l *linter) endpointText(e engine.EndpointID) string {
	switch {
	case e.IsPod():
		return l.s.Pods[e].Path()
	case e.IsNode():
		return "node " + l.s.Nodes[e.NodeIndex()].Name
	}
	return "outside addresses"
}
