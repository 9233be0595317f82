package solver

import (
	"net/netip"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Witness is one pair that shows an answer, and one port.
type Witness struct {
	Flow     engine.Flow
	From, To netip.Addr // the address, for an outside end
	// Verdict is what the pair shows. Where all pairs of a selection are a
	// host and a pod on its node, which does not count there, the engine's
	// verdict on Flow may be Allowed all the same.
	Verdict model.Verdict
	// Twins is set when both ends are the one pod of a workload, which stands
	// for two different pods of it; the engine's verdict on Flow is then about
	// self traffic and not meant.
	Twins bool
}

// flow is a flow between two ends, of the family and at the addresses that the
// question names.
func (a *asker) flow(src, dst engine.EndpointID) engine.Flow {
	return flowOf(&a.q.From, &a.q.To, src, dst)
}

func flowOf(from, to *Ends, src, dst engine.EndpointID) engine.Flow {
	return engine.Flow{Src: src, Dst: dst, SrcAddr: from.Addr, DstAddr: to.Addr, Family: from.Family.And(to.Family)}
}

// witness picks a port and a family for a pair that shows a verdict.
func (a *asker) witness(f *found, shows model.Verdict) *Witness {
	w := &Witness{Flow: a.flow(f.pair[0], f.pair[1]), Verdict: shows}
	w.Flow.Protocol, w.Flow.Port = telling(f.ports)
	if p := w.Flow.Src; p == w.Flow.Dst && p.IsPod() {
		w.Twins = !a.q.From.namesPod(a.x, p) || !a.q.To.namesPod(a.x, p)
	}
	a.plainPair(f, w)
	if f.src.outside != nil {
		w.From = a.tellingAddress(f.src.outside)
	}
	if f.dst.outside != nil {
		w.To = a.tellingAddress(f.dst.outside)
	}
	if w.Verdict == model.Unknown && nameDoubted(a.x, w.Flow) {
		return w // in every family
	}
	for _, fam := range []model.Family{model.IPv6, model.IPv4} {
		one := w.Flow
		one.Family = one.Family.And(engine.Only(fam))
		if a.x.Verdict(one) == w.Verdict && w.Verdict != model.Denied {
			w.Flow.Family = one.Family
		}
	}
	return w
}

// maxPlainPairs bounds the search for a pair of hosts without a relation.
const maxPlainPairs = 10_000

// plainPair replaces the pair of a witness where a node's own pods do not
// count (R52), but would show another verdict, by one of the same classes that
// is not on one node, if there is one.
func (a *asker) plainPair(f *found, w *Witness) {
	if a.x.Verdict(w.Flow) == w.Verdict {
		return
	}
	try := w.Flow
	left := maxPlainPairs
	for _, try.Src = range a.x.Members(f.src.class) {
		if !a.q.From.Set.Contains(try.Src) {
			continue
		}
		for _, try.Dst = range a.x.Members(f.dst.class) {
			if left--; left < 0 {
				return
			}
			if try.Src != try.Dst && a.inGroup(f.dst, try.Dst) && a.x.Verdict(try) == w.Verdict {
				w.Flow = try
				return
			}
		}
	}
}

// tellingAddresses are outside addresses that readers know.
var tellingAddresses = []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888")}

// tellingAddress returns the address of a part that says most to a reader.
func (a *asker) tellingAddress(o *engine.Outside) netip.Addr {
	for _, t := range tellingAddresses {
		if len(a.x.Owners(t)) > 0 {
			continue
		}
		for _, r := range o.Ranges {
			if r.Contains(t) {
				return t
			}
		}
	}
	return o.Witness
}

// telling returns the port of a set that says most to a reader.
func telling(s model.PortSet) (model.Protocol, uint16) {
	for _, p := range []uint16{443, 80} {
		if s.Contains(model.TCP, p) {
			return model.TCP, p
		}
	}
	if r := s.Ranges(); len(r) > 0 {
		return r[0].Protocol, r[0].First
	}
	return model.TCP, 0
}

// doubt returns a flow that shows why ports between two parties are uncertain:
// of the first pair of classes that is unsure about some of them. What hosts
// reach on their own nodes comes last.
func (l *lister) doubt(from, to uint32, ports model.PortSet) engine.Flow {
	for _, i := range l.srcOf[from] {
		for _, k := range l.dstOf[to] {
			s, d := &l.src[i], &l.dst[k]
			src, dst := s.member(from), d.member(to)
			if s.class == d.class && src.itself(dst) {
				continue
			}
			b := l.x.BetweenClassesAt(s.class, d.class, l.flow(0, 0))
			if rest := b.Upper.Minus(b.Lower).Intersect(ports); !rest.Empty() {
				f := l.flow(src.first, dst.first)
				f.Protocol, f.Port = telling(rest)
				return l.doubtOf(f, [2]engine.Class{s.class, d.class})
			}
		}
	}
	f := l.flow(0, 0)
	if own := l.near[[2]uint32{from, to}]; own != nil {
		for _, d := range own.doubtful {
			if rest := d.ports.Intersect(ports); !rest.Empty() {
				f.Src, f.Dst = d.ends[0], d.ends[1]
				f.Protocol, f.Port = telling(rest)
				break
			}
		}
	}
	return f
}

// doubtOf finds a flow that shows why ports of f are uncertain, between members
// of two classes of the parties that f is between: not from a pod to itself,
// nor, if there is another, from a host to a pod of its node, where that does
// not count.
func (l *lister) doubtOf(f engine.Flow, classes [2]engine.Class) engine.Flow {
	src, dst := l.of(f.Src), l.of(f.Dst)
	try := f
	left := maxPlainPairs
	for _, try.Src = range l.x.Members(classes[0]) {
		if l.of(try.Src) != src || !l.from.Set.Contains(try.Src) {
			continue
		}
		for _, try.Dst = range l.x.Members(classes[1]) {
			if left--; left < 0 {
				return f
			}
			if try.Src == try.Dst || l.of(try.Dst) != dst || !l.to.Set.Contains(try.Dst) {
				continue
			}
			if f = try; l.x.Verdict(f) == model.Unknown {
				return f
			}
		}
	}
	return f
}

// Pair is two endpoints, with an address for an outside one.
type Pair struct {
	Src, Dst engine.EndpointID
	From, To netip.Addr
}

// FirstPair returns the first pair that a question about two sides would look
// at; false when there is none.
func FirstPair(x *engine.Index, from, to Ends) (Pair, bool) {
	a := newAsker(x, Question{From: from, To: to, Ports: PortQuery{Any: true, Set: model.AllPorts()}})
	if p, ok := a.selfTraffic(); ok {
		return Pair{Src: p, Dst: p}, true
	}
	a.split()
	for i := range a.from {
		for j := range a.to {
			src, dst := &a.from[i], &a.to[j]
			if src.outside != nil && dst.outside != nil {
				continue
			}
			ends, n := a.distinct(src, dst)
			if n == 0 {
				continue
			}
			p := Pair{Src: ends[0], Dst: ends[1]}
			if src.outside != nil {
				p.From = a.tellingAddress(src.outside)
			}
			if dst.outside != nil {
				p.To = a.tellingAddress(dst.outside)
			}
			return p, true
		}
	}
	return Pair{}, false
}

// Deciding returns the rules that decide a flow at each end, in one family (or
// the first in which its verdict holds, for AnyFamily); where the snapshot does
// not say which one does, every one that may. engine.DefaultAllow stands for Kubernetes' own allow.
func Deciding(x *engine.Index, f engine.Flow) (out [model.NumDirections][]int) {
	t := x.Explain(f)
	for _, ft := range t.Families {
		if ft.Verdict != t.Verdict || ft.Exists == model.Denied {
			continue
		}
		for _, s := range []engine.SideTrace{ft.Egress, ft.Ingress} {
			for _, step := range s.Steps {
				if step.Decides {
					out[s.Direction] = append(out[s.Direction], step.Rule)
				}
			}
		}
		break
	}
	return out
}
