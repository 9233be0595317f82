package fuzz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// views holds what callers may ask of one index against each other. Between is
// the measure: the comparison with the oracle judges it.
type views struct {
	x     *engine.Index
	r     *rand.Rand
	pods  []engine.EndpointID // that are endpoints
	ends  []named             // pods, nodes, parts of outside address space
	ports []portProbe
	n     int // verdicts compared
}

// portProbe is a port of a protocol.
type portProbe struct {
	protocol model.Protocol
	port     uint16
}

// named is an endpoint.
type named struct {
	id   engine.EndpointID
	name string
	addr netip.Addr // the first that nobody owns, of a part of outside address space
}

// compareViews compares, for every pair of endpoints, list, can, Matrix,
// Between of classes, single verdicts and the deciding rules of Explain, and
// for some questions about sets the answers with counts made pair by pair. It
// returns how many verdicts were compared.
func compareViews(x *engine.Index, r *rand.Rand) (int, error) {
	v := &views{x: x, r: r}
	outside, err := solver.Find(x, solver.WordOutside)
	if err != nil {
		return 0, err
	}
	everyone := x.AllPods().Union(x.AllNodes()).Union(outside.Set)
	parts := everyone.Outside()
	for id := range everyone.All() {
		e := named{id: id, name: solver.EndpointName(x, id)}
		if id.IsOutside() {
			e.addr, parts = parts[0].Witness, parts[1:]
			e.name = e.addr.String()
		}
		if id.IsPod() {
			v.pods = append(v.pods, id)
		}
		v.ends = append(v.ends, e)
	}
	v.probes()
	for _, step := range []func(engine.Set) error{v.pairs, v.listed, v.rows, v.reached, v.asked} {
		if err := step(everyone); err != nil {
			return v.n, err
		}
	}
	return v.n, nil
}

// probes are the bounds of some port atoms, which are the neighbours of the
// bounds of others.
func (v *views) probes() {
	seen := map[portProbe]bool{}
	add := func(p portProbe) {
		if !seen[p] {
			seen[p] = true
			v.ports = append(v.ports, p)
		}
	}
	atoms := v.x.PortAtoms()
	for _, i := range v.r.Perm(len(atoms))[:min(6, len(atoms))] {
		add(portProbe{atoms[i].Protocol, atoms[i].First})
		add(portProbe{atoms[i].Protocol, atoms[i].Last})
	}
}

// mismatch says that a view differs from what another says of a pair.
func mismatch(view string, s, d *named, want, got any) error {
	return fmt.Errorf("%s: %s to %s: want %v, got %v", view, s.name, d.name, want, got)
}

func sameBounds(a, b model.Bounds) bool { return a.Lower.Equal(b.Lower) && a.Upper.Equal(b.Upper) }

func text(b model.Bounds) string { return fmt.Sprintf("%v to %v", b.Lower, b.Upper) }

// relations returns what policies say of a pair, and whether the two are or
// may be related, so that this is not all (R50, R52).
func (v *views) relations(s, d *named) (policies model.Bounds, related bool) {
	if s.id == d.id && s.id.IsPod() {
		return model.Bounds{}, true
	}
	return v.x.BetweenClasses(v.x.Class(s.id), v.x.Class(d.id)), v.x.OwnNode(s.id, d.id) != model.Denied
}

// pairs compares what is asked of one pair: Between, can, Verdict, Explain.
func (v *views) pairs(engine.Set) error {
	c := &comparison{x: v.x}
	for i := range v.ends {
		for j := range v.ends {
			s, d := &v.ends[i], &v.ends[j]
			if s.id.IsOutside() && d.id.IsOutside() { // R114
				continue
			}
			between := v.x.Between(s.id, d.id)
			if !between.Upper.ContainsAll(between.Lower) {
				return mismatch("lower bound within the upper", s, d, between.Upper, between.Lower)
			}
			if classes, related := v.relations(s, d); !related && !sameBounds(classes, between) {
				return mismatch("Between of classes", s, d, text(between), text(classes))
			}
			if err := v.can(s, d, between); err != nil {
				return err
			}
			for _, p := range v.ports {
				want := between.Verdict(p.protocol, p.port)
				f := engine.Flow{Src: s.id, Dst: d.id, Protocol: p.protocol, Port: p.port}
				fail := func(what string, want, got any) error {
					return mismatch(fmt.Sprintf("Between and %s at %v %d", what, p.protocol, p.port), s, d, want, got)
				}
				v.n++
				if got := v.x.Verdict(f); got != want {
					return fail("Verdict", want, got)
				}
				if err := c.trace(f, want, fail); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// single is an end as a question names it.
func (v *views) single(e *named) (solver.Ends, error) {
	found, err := solver.Find(v.x, e.name)
	if err != nil {
		return found, fmt.Errorf("name of an end: %w", err)
	}
	if !found.Set.Contains(e.id) {
		return found, fmt.Errorf("name of an end: %s does not mean it", e.name)
	}
	if !e.id.IsOutside() { // a path may name several: a union
		found.Set = engine.Of(e.id)
	}
	return found, nil
}

// can asks about one pair: any port, and one of those that are probed.
func (v *views) can(s, d *named, between model.Bounds) error {
	from, err := v.single(s)
	if err != nil {
		return err
	}
	to, err := v.single(d)
	if err != nil {
		return err
	}
	if s.id == d.id && s.id.IsPod() && v.x.Snapshot().Pods[s.id].Template {
		return nil // the name of a workload: two pods of it are meant
	}
	if got := solver.Between(v.x, from, to); !sameBounds(got, between) {
		return mismatch("Between and solver.Between", s, d, text(between), text(got))
	}
	p := v.ports[v.r.IntN(len(v.ports))]
	for _, ports := range []model.PortSet{model.AllPorts(), model.Port(p.protocol, p.port)} {
		q := solver.Question{From: from, To: to, Ports: solver.PortQuery{Set: ports}}
		want := model.Bounds{Lower: between.Lower.Intersect(ports), Upper: between.Upper.Intersect(ports)}
		truth := map[solver.Mode]solver.Truth{solver.Any: three(!want.Lower.Empty(), !want.Upper.Empty())}
		truth[solver.All] = truth[solver.Any]
		truth[solver.None] = map[solver.Truth]solver.Truth{solver.Yes: solver.No, solver.No: solver.Yes}[truth[solver.Any]]
		for mode, want := range truth {
			q.Mode = mode
			v.n++
			if got := solver.Ask(v.x, q); got.Truth != want {
				return mismatch(fmt.Sprintf("Between and can, mode %d", mode), s, d, want, got.Truth)
			} else if err := v.witness(&q, &got); err != nil {
				return err
			}
		}
		q.Mode = solver.Any
		if a := solver.Ask(v.x, q); !a.Ports.Equal(want.Lower) || !a.MaybePorts.Equal(want.Upper) {
			return mismatch("Between and the ports of can", s, d, text(want), text(model.Bounds{Lower: a.Ports, Upper: a.MaybePorts}))
		}
	}
	return nil
}

func three(yes, maybe bool) solver.Truth {
	switch {
	case yes:
		return solver.Yes
	case maybe:
		return solver.Uncertain
	}
	return solver.No
}

// witness checks that the pair that an answer shows is one of the question and
// shows it: it connects, does not, or is uncertain.
func (v *views) witness(q *solver.Question, a *solver.Answer) error {
	w := a.Witness
	want := map[solver.Mode]map[solver.Truth]model.Verdict{
		solver.Any:  {solver.Yes: model.Allowed, solver.Uncertain: model.Unknown},
		solver.None: {solver.No: model.Allowed, solver.Uncertain: model.Unknown},
		solver.All:  {solver.No: model.Denied, solver.Uncertain: model.Unknown},
	}[q.Mode]
	shows, some := want[a.Truth]
	if some != (w != nil) {
		return fmt.Errorf("witness: %v of mode %d has %+v", a.Truth, q.Mode, w)
	}
	if w == nil {
		return nil
	}
	src, dst := &named{id: w.Flow.Src, name: solver.EndpointName(v.x, w.Flow.Src)}, &named{id: w.Flow.Dst, name: solver.EndpointName(v.x, w.Flow.Dst)}
	if w.Verdict != shows {
		return mismatch("verdict of a witness", src, dst, shows, w.Verdict)
	}
	if !q.From.Set.Contains(src.id) || !q.To.Set.Contains(dst.id) {
		return mismatch("witness is in the question", src, dst, q.From.Expr.Text+" to "+q.To.Expr.Text, w)
	}
	if shows != model.Denied && !solver.PortsAt(v.x, q.Ports, dst.id).Upper.Contains(w.Flow.Protocol, w.Flow.Port) {
		return mismatch("port of a witness", src, dst, q.Ports, w.Flow)
	}
	got := v.x.Verdict(w.Flow)
	if len(q.Ports.Names) > 0 && shows == model.Unknown && got == model.Allowed && !solver.PortsAt(v.x, q.Ports, dst.id).Lower.Contains(w.Flow.Protocol, w.Flow.Port) {
		return nil // the port is open, and whether it has the name is not known (R66)
	}
	if !q.From.Named && got != shows && v.x.OwnNode(src.id, dst.id) != model.Denied { // the relation does not count (R52)
		at := w.Flow
		at.Family = q.From.Family.And(q.To.Family)
		got = v.x.BetweenClassesAt(v.x.Class(src.id), v.x.Class(dst.id), at).Verdict(w.Flow.Protocol, w.Flow.Port)
	}
	if got != shows {
		return mismatch("engine's verdict of a witness", src, dst, shows, got)
	}
	return nil
}

// listed compares list with Between: a selection without relations, and ends
// that are named with them.
func (v *views) listed(everyone engine.Set) error {
	for _, named := range []bool{false, true} {
		side := solver.Ends{Set: everyone, Named: named}
		l := solver.List(v.x, side, side, solver.ByPod)
		lower, upper := rowsOf(l.Certain), rowsOf(l.Uncertain)
		for i := range v.ends {
			for j := range v.ends {
				s, d := &v.ends[i], &v.ends[j]
				if i == j || s.id.IsOutside() && d.id.IsOutside() {
					continue
				}
				want := v.x.Between(s.id, d.id)
				if !named {
					want, _ = v.relations(s, d)
				}
				var got model.Bounds
				got.Lower = lower.between(s, d)
				got.Upper = got.Lower.Union(upper.between(s, d))
				v.n++
				if !sameBounds(got, want) && !v.hidden(s, d, want, got) {
					return mismatch(fmt.Sprintf("Between and list, named %t", named), s, d, text(want), text(got))
				}
			}
		}
	}
	return nil
}

// rows are the rows of a listing by the names of their parties, which are ""
// for outside addresses.
type rows map[[2]string][]solver.Connection

func rowsOf(list []solver.Connection) rows {
	out := rows{}
	name := func(p *solver.Party) string {
		if p.Kind == solver.PartyExternal || p.Kind == solver.PartyUnassigned {
			return ""
		}
		return p.Name
	}
	for i := range list {
		k := [2]string{name(&list[i].From), name(&list[i].To)}
		out[k] = append(out[k], list[i])
	}
	return out
}

// between joins the rows of two ends.
func (r rows) between(s, d *named) model.PortSet {
	var out model.PortSet
	k, outside := [2]string{s.name, d.name}, netip.Addr{}
	if s.id.IsOutside() {
		k[0], outside = "", s.addr
	}
	if d.id.IsOutside() {
		k[1], outside = "", d.addr
	}
	for _, c := range r[k] {
		if !outside.IsValid() || slices.ContainsFunc(c.CIDRs, func(p netip.Prefix) bool { return p.Contains(outside) }) {
			out = out.Union(c.Ports)
		}
	}
	return out
}

// hidden reports whether a listing leaves a pair out on purpose: outside IPv6,
// of which nothing says that it exists and which allows no more than every
// IPv4 address does (R47).
func (v *views) hidden(s, d *named, want, got model.Bounds) bool {
	out, in := d, s
	if s.id.IsOutside() {
		out, in = s, d
	}
	if !out.id.IsOutside() || out.addr.Is4() || !want.Lower.Empty() || !got.Upper.Empty() {
		return false
	}
	everywhere := model.AllPorts()
	for i := range v.ends {
		e := &v.ends[i]
		if !e.id.IsOutside() || !e.addr.Is4() {
			continue
		}
		if out == s {
			everywhere = everywhere.Intersect(v.x.Between(e.id, in.id).Lower)
		} else {
			everywhere = everywhere.Intersect(v.x.Between(in.id, e.id).Lower)
		}
	}
	return everywhere.ContainsAll(want.Upper)
}

// rows compares the rows of Matrix: of one port each, and of all.
func (v *views) rows(engine.Set) error {
	sets := []model.PortSet{model.AllPorts()}
	for _, p := range v.ports {
		sets = append(sets, model.Port(p.protocol, p.port))
	}
	for _, ports := range sets {
		m := v.x.Matrix(ports)
		for i := range v.ends {
			s := &v.ends[i]
			lower, upper := m.Row(v.x.Class(s.id))
			for j := range v.ends {
				d := &v.ends[j]
				if s.id.IsOutside() && d.id.IsOutside() {
					continue
				}
				between := v.x.BetweenClasses(v.x.Class(s.id), v.x.Class(d.id))
				want := three(!between.Lower.Intersect(ports).Empty(), !between.Upper.Intersect(ports).Empty())
				class := uint(v.x.Class(d.id))
				v.n++
				if got := three(lower.Test(class), upper.Test(class)); got != want {
					return mismatch("Between and the row of Matrix", s, d, want, got)
				}
			}
			if !s.id.IsPod() {
				continue
			}
			podLower, podUpper := m.Pod(s.id)
			for _, d := range v.pods {
				class := uint(v.x.Class(d))
				want := three(lower.Test(class) && d != s.id, upper.Test(class) && d != s.id)
				if got := three(podLower.Test(uint(d)), podUpper.Test(uint(d))); got != want {
					return mismatch("Matrix of a pod", s, &named{id: d, name: solver.EndpointName(v.x, d)}, want, got)
				}
			}
		}
	}
	return nil
}

// reached compares From and To, which leave out what cannot be reached.
func (v *views) reached(engine.Set) error {
	for i := range v.ends {
		s := &v.ends[i]
		from, to := map[engine.EndpointID]model.Bounds{}, map[engine.EndpointID]model.Bounds{}
		for id, b := range v.x.From(s.id) {
			from[id] = b
		}
		for id, b := range v.x.To(s.id) {
			to[id] = b
		}
		for j := range v.ends {
			d := &v.ends[j]
			if i == j || s.id.IsOutside() && d.id.IsOutside() {
				continue
			}
			if want := v.x.Between(s.id, d.id); !sameBounds(from[d.id], want) {
				return mismatch("Between and From", s, d, text(want), text(from[d.id]))
			}
			if want := v.x.Between(d.id, s.id); !sameBounds(to[d.id], want) {
				return mismatch("Between and To", d, s, text(want), text(to[d.id]))
			}
		}
	}
	return nil
}

// asked asks about sets, also of nodes that are named and so count as on one
// node with their pods (R52), and for a port name; and counts for itself.
func (v *views) asked(everyone engine.Set) error {
	if everyone.Pods()+everyone.Nodes() == 0 {
		return nil // of outside addresses alone nothing is asked (R114)
	}
	sides := []solver.Ends{{Set: everyone}, {Set: v.x.AllPods()}}
	for _, n := range v.x.Snapshot().Namespaces {
		sides = append(sides, solver.Ends{Set: v.x.Select(model.PodSet{Namespace: n.Name})})
	}
	named := solver.PortQuery{}
	for i := range v.x.Snapshot().Pods {
		for _, p := range v.x.Snapshot().Pods[i].Ports {
			named.Names = []model.NamedPort{p.NamedPort}
		}
	}
	for _, from := range append(slices.Clone(sides), solver.Ends{Set: v.x.AllNodes(), Named: true}) {
		p := v.ports[v.r.IntN(len(v.ports))]
		for _, ports := range []solver.PortQuery{{Set: model.AllPorts()}, {Set: model.Port(p.protocol, p.port)}, named} {
			for _, mode := range []solver.Mode{solver.Any, solver.All, solver.None} {
				q := solver.Question{From: from, To: sides[v.r.IntN(len(sides))], Ports: ports, Mode: mode}
				if q.From.Set.Empty() || q.To.Set.Empty() {
					continue
				}
				if err := v.ask(&q); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ask holds one answer against what is counted pair by pair.
func (v *views) ask(q *solver.Question) error {
	var reaching, maybe int
	var lower, upper model.PortSet
	every, possible := true, true // every pair certainly connects, or may
	sides := [2]int{}
	for i := range v.ends {
		s := &v.ends[i]
		if q.To.Set.Contains(s.id) {
			sides[1]++
		}
		if !q.From.Set.Contains(s.id) {
			continue
		}
		sides[0]++
		reaches, may := false, false
		for j := range v.ends {
			d := &v.ends[j]
			if !q.To.Set.Contains(d.id) || s.id.IsOutside() && d.id.IsOutside() || s.id == d.id && s.id.IsPod() {
				continue
			}
			b := v.x.BetweenClasses(v.x.Class(s.id), v.x.Class(d.id))
			if q.From.Named {
				b = v.x.Between(s.id, d.id)
			}
			ports := solver.PortsAt(v.x, q.Ports, d.id)
			lo, up := b.Lower.Intersect(ports.Lower), b.Upper.Intersect(ports.Upper)
			lower, upper = lower.Union(lo), upper.Union(up)
			reaches, may = reaches || !lo.Empty(), may || !up.Empty()
			every, possible = every && !lo.Empty(), possible && !up.Empty()
		}
		if reaches {
			reaching++
		}
		if may {
			maybe++
		}
	}
	truth := three(reaching > 0, maybe > 0)
	switch q.Mode {
	case solver.All:
		truth = three(every, possible)
	case solver.None:
		truth = three(maybe == 0, reaching == 0)
	}
	v.n++
	got := solver.Ask(v.x, *q)
	want := fmt.Sprint(truth, lower, upper, sides, reaching, maybe)
	if have := fmt.Sprint(got.Truth, got.Ports, got.MaybePorts, [2]int{got.From, got.To}, got.Reaching, got.Maybe); have != want {
		return fmt.Errorf("answer about sets: mode %d, ports %v, %d to %d endpoints: want %s, got %s", q.Mode, q.Ports, sides[0], sides[1], want, have)
	}
	return v.witness(q, &got)
}
