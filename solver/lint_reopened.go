package solver

import (
	"fmt"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// reopened finds what a NetworkPolicy closes on purpose and another opens,
// because policies are a union (PR4004): addresses that it excepts, pods that
// it singles out to deny them everything, a direction as a whole.
func (l *linter) reopened(p *policy) {
	if !p.networkPolicy() || len(p.classes) == 0 {
		return
	}
	for d := range model.Direction(model.NumDirections) {
		if l.isolating(p, d) < 0 {
			continue
		}
		own := l.allows(p, d)
		for _, i := range own {
			l.excepted(p, i)
		}
		if slices.ContainsFunc(own, func(i int) bool { r := &l.s.Rules[i]; return everything(r) }) {
			continue // it opens the direction itself
		}
		if len(own) == 0 && len(p.subject.Pods) > 0 && l.singledOut(p, d) {
			continue
		}
		l.void(p, d, len(own) > 0)
	}
}

func everything(r *model.Rule) bool { return r.Peer.Any && r.Ports.All }

// maxBeside is how many other policies of its pods a policy is held against;
// nobody reads of more.
const maxBeside = 256

// beside are the NetworkPolicies that isolate some pod of p in a direction, in
// order, p itself included; of very many only some.
func (l *linter) beside(p *policy, d model.Direction) []*policy {
	seen := map[*policy]bool{}
	var out []*policy
	for _, c := range p.classes {
		for _, q := range l.isolators[d][c] {
			if !seen[q] {
				seen[q] = true
				out = append(out, q)
			}
			if len(out) == maxBeside {
				break
			}
		}
		if len(out) == maxBeside {
			break
		}
	}
	slices.SortFunc(out, func(a, b *policy) int { return a.number - b.number })
	return out
}

// common are the classes of both, in order.
func common(a, b []int32) []int32 {
	var out []int32
	for _, c := range a {
		if _, ok := slices.BinarySearch(b, c); ok {
			out = append(out, c)
		}
	}
	return out
}

// excepted finds rules that open all that a rule's ipBlock excepts, and more,
// for all of its ports.
func (l *linter) excepted(p *policy, rule int) {
	r := &l.s.Rules[rule]
	for j, b := range r.Peer.Blocks {
		if len(b.Except) == 0 {
			continue
		}
		for _, q := range l.beside(p, r.Direction) {
			for _, i := range l.allows(q, r.Direction) {
				if o := &l.s.Rules[i]; portsCover(&o.Ports, &r.Ports) {
					l.reopens(p, r, j, q, o, i == rule)
				}
			}
		}
	}
}

// reopens reports the exceptions of block j of a rule that another rule opens.
func (l *linter) reopens(p *policy, r *model.Rule, j int, q *policy, o *model.Rule, same bool) {
	var opened []netip.Prefix
	at := o.Origin
	for _, e := range r.Peer.Blocks[j].Except {
		whole := o.Peer.Any
		for k, b := range o.Peer.Blocks {
			if (!same || k != j) && b.CIDR.Bits() < e.Bits() && hasRange(b, e) {
				whole = true
				at = peerPlace(o, len(o.Peer.Pods)+k)
			}
		}
		if whole && l.reaches(common(p.classes, q.classes), r.Direction, ipSet(e), &r.Ports) {
			opened = append(opened, e)
		}
	}
	if len(opened) == 0 {
		return
	}
	list := make([]string, len(opened))
	for i, e := range opened {
		list[i] = e.String()
	}
	except := peerPlace(r, len(r.Peer.Pods)+j).Field("ipBlock", "except")
	who, to := p.object.String(), "to"
	if p == q {
		who = "another peer of the same policy"
	}
	if r.Direction == model.Ingress {
		to = "from"
	}
	l.report(Finding{
		Code: dialect.CodeLintReopened, Object: q.object, Origin: at, About: fmt.Sprintf("%v %v %v", r.Direction, p.object, r.Peer.Blocks[j].CIDR),
		Message: fmt.Sprintf("%s of %v opens %v %s %s, which %s excepts: policies are a union, so the exception closes nothing for %s",
			ruleName(o), q.object, r.Direction, to, names(list), who, l.podsText(common(p.classes, q.classes))),
		Related: []Related{{Object: p.object, Origin: except, Message: "the exception"}},
	})
}

// hasRange reports whether a block has all addresses of a range.
func hasRange(b model.Block, e netip.Prefix) bool {
	return b.CIDR.Addr().Is4() == e.Addr().Is4() && b.CIDR.Contains(e.Addr()) && b.CIDR.Bits() <= e.Bits() &&
		!slices.ContainsFunc(b.Except, func(x netip.Prefix) bool { return x.Overlaps(e) })
}

// portsCover reports whether a has all ports of b, whatever names mean.
func portsCover(a, b *model.RulePorts) bool {
	if a.All {
		return true
	}
	return !b.All && a.Set.ContainsAll(b.Set) && !slices.ContainsFunc(b.Named, func(n model.NamedPort) bool { return !slices.Contains(a.Named, n) })
}

// reaches reports whether all of the classes certainly get through, in one
// direction, to some of the addresses, on a port of a rule: nothing before
// NetworkPolicies denies it.
func (l *linter) reaches(classes []int32, d model.Direction, to *netipx.IPSet, ports *model.RulePorts) bool {
	parts := l.x.Outside(to).Outside()
	if len(parts) == 0 || len(classes) == 0 {
		return false
	}
	want := ports.Set
	if ports.All || len(ports.Named) > 0 {
		want = model.AllPorts()
	}
	for _, c := range classes {
		if !slices.ContainsFunc(parts, func(o engine.Outside) bool { return l.side(c, o.Endpoint, d).Lower.Overlaps(want) }) {
			return false
		}
	}
	return true
}

// side is what one direction admits between a class and another end.
func (l *linter) side(c int32, other engine.EndpointID, d model.Direction) model.Bounds {
	f := engine.Flow{Src: l.classes[c].id, Dst: other}
	if d == model.Ingress {
		f.Src, f.Dst = f.Dst, f.Src
	}
	return l.x.Side(f, d)
}

// singledOut finds a policy of more pods that opens the internet to those for
// which p has nothing but a denial.
func (l *linter) singledOut(p *policy, d model.Direction) bool {
	for _, q := range l.beside(p, d) {
		if q == p || len(common(p.classes, q.classes)) < len(p.classes) {
			continue // an exception for some of them
		}
		for _, i := range l.allows(q, d) {
			o := &l.s.Rules[i]
			at, opens := l.opensInternet(o)
			if !opens || !l.reaches(p.classes, d, l.internet(), &o.Ports) {
				continue
			}
			f := Finding{
				Code: dialect.CodeLintReopened, Object: q.object, Origin: at, About: fmt.Sprintf("%v %v", d, p.object),
				Message: fmt.Sprintf("%s of %v opens the internet for %s, for which %v denies %v: policies are a union, so the denial does not hold there",
					ruleName(o), q.object, l.podsText(p.classes), p.object, d),
				Related: []Related{{Object: p.object, Origin: l.s.Rules[l.isolating(p, d)].Origin, Message: "the denial"}},
			}
			if len(q.classes) == len(p.classes) {
				f.Severity = dialect.Note // a denial and what it leaves open, in two policies
			}
			l.report(f)
			return true
		}
	}
	return false
}

func (l *linter) internet() *netipx.IPSet { return NamedAddresses(l.s, WordInternet) }

// opensInternet reports whether a rule opens all of the internet of a family,
// and where it says so.
func (l *linter) opensInternet(r *model.Rule) (model.Origin, bool) {
	if r.Peer.Any {
		return r.Origin, true
	}
	for f := range model.Family(model.NumFamilies) {
		want := inFamily(l.internet(), f)
		for k, b := range r.Peer.Blocks {
			if model.FamilyOf(b.CIDR.Addr()) == f && containsAll(blockSet(b), want) {
				return peerPlace(r, len(r.Peer.Pods)+k), true
			}
		}
	}
	return model.Origin{}, false
}

func inFamily(s *netipx.IPSet, f model.Family) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, r := range s.Ranges() {
		if model.FamilyOf(r.From()) == f {
			b.AddRange(r)
		}
	}
	return build(&b)
}

func containsAll(s, part *netipx.IPSet) bool {
	return !slices.ContainsFunc(part.Ranges(), func(r netipx.IPRange) bool { return !s.ContainsRange(r) })
}

// blockSet is the addresses of a block.
func blockSet(b model.Block) *netipx.IPSet {
	var out netipx.IPSetBuilder
	out.AddPrefix(b.CIDR)
	for _, e := range b.Except {
		out.RemovePrefix(e)
	}
	return build(&out)
}

// void finds a direction in which other policies open everything for all pods
// of p, which has an effect otherwise. A denial beside a policy that opens
// everything may be meant so; rules that say what is open are not.
func (l *linter) void(p *policy, d model.Direction, rules bool) {
	covered := map[int32]bool{}
	var by []int
	for _, q := range l.beside(p, d) {
		if q == p {
			continue
		}
		for _, i := range l.allows(q, d) {
			if !everything(&l.s.Rules[i]) {
				continue
			}
			for _, c := range common(p.classes, q.classes) {
				covered[c] = true
			}
			by = append(by, i)
			break
		}
	}
	if len(by) == 0 || len(covered) < len(p.classes) || l.idleness(p).idle || !l.reaches(p.classes, d, l.internet(), &model.RulePorts{All: true}) {
		return
	}
	o := &l.s.Rules[by[0]]
	var who []string
	for _, i := range by {
		who = append(who, l.s.Rules[i].Object.String())
	}
	f := Finding{
		Code: dialect.CodeLintReopened, Object: o.Object, Origin: o.Origin, About: fmt.Sprintf("%v %v", d, p.object),
		Message: fmt.Sprintf("%v restricts %v of no pod: everything is opened to all that it selects, %s, by %s", p.object, d, l.podsText(p.classes), names(who)),
		Related: []Related{{Object: p.object, Origin: l.s.Rules[l.isolating(p, d)].Origin, Message: "the restriction"}},
	}
	if !rules {
		f.Severity = dialect.Note
	}
	l.report(f)
}
