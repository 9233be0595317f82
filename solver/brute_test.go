package solver

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
)

// generated compiles the generated cluster of a seed.
func generated(t *testing.T, seed uint64) (*engine.Index, *gen.Cluster) {
	t.Helper()
	c := gen.New(rand.New(rand.NewPCG(seed, 7)), gen.Options{Valid: true})
	state := cluster.New(cluster.Options{DefaultNamespace: c.DefaultNamespace, Profile: cluster.Profile(c.Profile)})
	in := manifest.Bytes("cluster", c.JSON())
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{in}, state.Ledger()) {
		state.Put(o)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	require.NoError(t, err)
	return x, c
}

// expressions are some that mean something in a snapshot.
func expressions(x *engine.Index) []string {
	out := []string{"any", "cluster", "outside", "internet", "private", "metadata", "nodes", "8.8.8.8", "10.0.0.0/8", "0.0.0.0/0", "::/0", ":app", ":!app"}
	s := x.Snapshot()
	for i := range s.Namespaces {
		out = append(out, s.Namespaces[i].Name+":")
	}
	for i := range s.Pods {
		p := &s.Pods[i]
		out = append(out, p.Path(), WorkloadPath(p), p.Namespace+"/"+p.Name)
		for k, v := range p.Labels {
			if _, uncertain := model.UncertainLabel(k); uncertain { // no question is by it (R66)
				continue
			}
			if v == model.OpaqueValue || strings.Contains(v, "{{") { // no selector names it (R65), nor what a workflow leaves open
				out = append(out, p.Namespace+":"+k, p.Namespace+":"+k+"!=a")
				continue
			}
			out = append(out, p.Namespace+":"+k+"="+v)
		}
		for _, a := range p.Addresses {
			if a.State == model.AddressKnown {
				out = append(out, a.Addr.String())
			}
		}
	}
	for i := range s.Nodes {
		for _, a := range s.Nodes[i].Addresses {
			out = append(out, a.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func ends(t *testing.T, x *engine.Index, text string) (Ends, bool) {
	t.Helper()
	e, err := ParseExpr(text)
	require.NoError(t, err, text)
	out, err := Resolve(x, e)
	return out, err == nil && !out.Contested // see TestAskContestedAddress
}

// slow is the answer to a question, pair by pair.
type slow struct {
	lower, upper              model.PortSet
	from, to, reaching, maybe int
	allConnect, allMay        bool
}

func isHost(x *engine.Index, e engine.EndpointID) bool {
	return e.IsNode() || e.IsPod() && x.Snapshot().Pods[e].HostNetwork
}

func selfPair(x *engine.Index, from, to Ends) (engine.EndpointID, bool) {
	f, g := slices.Collect(from.Set.All()), slices.Collect(to.Set.All())
	return f[0], from.Named && to.Named && len(f) == 1 && len(g) == 1 && f[0] == g[0] && f[0].IsPod()
}

// pairBoundsOf are the bounds of a pair as a question counts it: with
// relations only where the expression names a host, and at the addresses that
// the expressions name.
func pairBoundsOf(x *engine.Index, from, to Ends, s, d engine.EndpointID) model.Bounds {
	if from.Named && isHost(x, s) {
		return x.BetweenFlow(flowOf(&from, &to, s, d))
	}
	return x.BetweenClassesAt(x.Class(s), x.Class(d), flowOf(&from, &to, 0, 0))
}

// meansPod reports whether an expression that names one pod means that pod,
// not the workload.
func meansPod(x *engine.Index, e Ends, p engine.EndpointID) bool {
	pod := x.Snapshot().Pods[p]
	return e.Expr.Form != FormPath || e.Expr.Kind == "pod" || e.Expr.Name == pod.Name && (!pod.Template || pod.Name != pod.Workload.Name)
}

func askSlowly(x *engine.Index, from, to Ends, ports PortQuery) slow {
	a := slow{allConnect: true, allMay: true}
	self, isSelf := selfPair(x, from, to)
	srcs, dsts := slices.Collect(from.Set.All()), slices.Collect(to.Set.All())
	inside := func(es []engine.EndpointID) bool {
		return slices.ContainsFunc(es, func(e engine.EndpointID) bool { return !e.IsOutside() })
	}
	fromInside, toInside := inside(srcs), inside(dsts)
	for _, d := range dsts {
		if !d.IsOutside() || fromInside {
			a.to++
		}
	}
	for _, s := range srcs {
		if s.IsOutside() && !toInside {
			continue
		}
		a.from++
		reach, may := false, false
		for _, d := range dsts {
			var b model.Bounds
			switch {
			case isSelf && meansPod(x, from, self) && meansPod(x, to, self):
				b = x.BetweenFlow(flowOf(&from, &to, self, self))
			case isSelf: // two different pods of the workload
				b = x.BetweenClasses(x.Class(self), x.Class(self))
			case s == d && s.IsPod(), s.IsOutside() && d.IsOutside():
				continue
			default:
				b = pairBoundsOf(x, from, to, s, d)
			}
			want := PortsAt(x, ports, d)
			lo, up := b.Lower.Intersect(want.Lower), b.Upper.Intersect(want.Upper)
			a.lower, a.upper = a.lower.Union(lo), a.upper.Union(up)
			reach, may = reach || !lo.Empty(), may || !up.Empty()
			a.allConnect, a.allMay = a.allConnect && !lo.Empty(), a.allMay && !up.Empty()
		}
		if reach {
			a.reaching++
		}
		if may {
			a.maybe++
		}
	}
	return a
}

// holds reports whether a set holds an endpoint, outside atoms included.
func holds(s *engine.Set, e engine.EndpointID) bool {
	for o := range s.All() {
		if o == e {
			return true
		}
	}
	return false
}

func TestAskPairByPair(t *testing.T) {
	truths, rows := map[Truth]int{}, map[Truth]int{}
	ownNodes := map[model.Verdict]int{} // questions that name several hosts of a class, by what one of them is to a pod
	for seed := range uint64(400) {
		x, c := generated(t, seed)
		all := expressions(x)
		r := rand.New(rand.NewPCG(seed, 8))
		for range 40 {
			fromText, toText := all[r.IntN(len(all))], all[r.IntN(len(all))]
			if r.IntN(4) == 0 {
				fromText = "nodes"
			}
			portText := []string{"", "80", "UDP/53", "TCP/1-1023", "http", "web,443"}[r.IntN(6)]
			from, ok1 := ends(t, x, fromText)
			to, ok2 := ends(t, x, toText)
			if !ok1 || !ok2 {
				continue
			}
			ports, err := ParsePorts(portText)
			require.NoError(t, err)
			want := askSlowly(x, from, to, ports)
			what := question{c, fmt.Sprintf("seed %d: %s reach %s on %q", seed, fromText, toText, portText)}
			if want.from == 0 || want.to == 0 {
				continue // both are outside
			}
			countOwnNodes(x, from, to, ownNodes)
			for mode, truth := range map[Mode]Truth{
				Any:  three(!want.lower.Empty(), !want.upper.Empty()),
				None: three(want.upper.Empty(), want.lower.Empty()),
				All:  three(want.allConnect, want.allMay),
			} {
				got := Ask(x, Question{From: from, To: to, Ports: ports, Mode: mode})
				other := newAsker(x, Question{From: from, To: to, Ports: ports, Mode: mode})
				if other.rowsPay = 0; other.byRows() {
					rows[got.Truth]++
					require.Equal(t, got, ask(x, other.q, 0), "by rows, mode %d, %s", mode, what)
				}
				require.Equal(t, truth, got.Truth, "mode %d, %s", mode, what)
				require.Equal(t, want.lower.String(), got.Ports.String(), "%v", what)
				require.Equal(t, want.upper.String(), got.MaybePorts.String(), "%v", what)
				require.Equal(t, [4]int{want.from, want.to, want.reaching, want.maybe}, [4]int{got.From, got.To, got.Reaching, got.Maybe}, "%v", what)
				checkWitness(t, x, from, to, ports, mode, got, what)
				truths[got.Truth]++
			}
			if portText == "" {
				b := Between(x, from, to)
				require.Equal(t, want.lower.String(), b.Lower.String(), "%v", what)
				require.Equal(t, want.upper.String(), b.Upper.String(), "%v", what)
			}
		}
	}
	for _, own := range []model.Verdict{model.Allowed, model.Denied, model.Unknown} {
		require.Greater(t, ownNodes[own], 50, "too few hosts and pods %v to be on one node: %v", own, ownNodes)
	}
	for _, truth := range []Truth{Yes, No, Uncertain} {
		require.Greater(t, truths[truth], 500, "too few answers %v: %v", truth, truths)
		require.Greater(t, rows[truth], 200, "too few answers %v by rows: %v", truth, rows)
	}
}

// countOwnNodes counts a question that names hosts of which two share a class,
// for each answer to whether one of them is on the node of a pod.
func countOwnNodes(x *engine.Index, from, to Ends, count map[model.Verdict]int) {
	if !from.Named {
		return
	}
	hosts := map[engine.Class]int{}
	some := map[model.Verdict]bool{}
	for s := range from.Set.All() {
		if !isHost(x, s) {
			continue
		}
		hosts[x.Class(s)]++
		for d := range to.Set.All() {
			if hosts[x.Class(s)] > 1 && d.IsPod() && !isHost(x, d) {
				some[x.OwnNode(s, d)] = true
			}
		}
	}
	for own := range some {
		count[own]++
	}
}

// question is printed when a test fails.
type question struct {
	cluster *gen.Cluster
	text    string
}

func (q question) String() string { return q.text + "\n" + string(q.cluster.YAML()) }

// three is yes, or uncertain when only maybe holds.
func three(yes, maybe bool) Truth {
	switch {
	case yes:
		return Yes
	case maybe:
		return Uncertain
	}
	return No
}

func checkWitness(t *testing.T, x *engine.Index, from, to Ends, ports PortQuery, mode Mode, got Answer, what fmt.Stringer) {
	t.Helper()
	want := map[Mode]map[Truth]model.Verdict{
		Any:  {Yes: model.Allowed, Uncertain: model.Unknown},
		None: {No: model.Allowed, Uncertain: model.Unknown},
		All:  {No: model.Denied, Uncertain: model.Unknown},
	}[mode]
	verdict, some := want[got.Truth]
	require.Equal(t, some, got.Witness != nil, "%v", what)
	if !some {
		return
	}
	w := got.Witness
	require.Equal(t, verdict, w.Verdict, "%+v %s", w, what)
	if w.Flow.Src == w.Flow.Dst && w.Flow.Src.IsPod() && (!meansPod(x, from, w.Flow.Src) || !meansPod(x, to, w.Flow.Src)) {
		return // one pod stands for two of its workload
	}
	if verdict == model.Unknown && x.Verdict(w.Flow) == model.Allowed && x.Snapshot().Pods[w.Flow.Dst].PortsUnknown { // the port is open; its name is not known
		return
	}
	if x.Verdict(w.Flow) != verdict { // R52 does not count for a selection
		require.False(t, from.Named, "%+v %s", w, what)
		require.True(t, isHost(x, w.Flow.Src) && x.Verdict(w.Flow) != model.Denied, "%+v %s", w, what)
		return
	}
	require.True(t, holds(&from.Set, w.Flow.Src) && holds(&to.Set, w.Flow.Dst), "%+v %s", w, what)
	for _, end := range []struct {
		e engine.EndpointID
		a netip.Addr
	}{{w.Flow.Src, w.From}, {w.Flow.Dst, w.To}} {
		if end.e.IsOutside() {
			require.Equal(t, end.e, x.Addr(end.a), "%+v %s", w, what)
		}
	}
	if verdict != model.Denied {
		require.True(t, PortsAt(x, ports, w.Flow.Dst).Upper.Contains(w.Flow.Protocol, w.Flow.Port), "%+v %s", w, what)
	}
	if verdict == model.Unknown {
		require.NotEmpty(t, Reason(x, w.Flow), "%v", what)
		require.NotEmpty(t, Settle(x, w.Flow), "%v", what)
	}
	deciding := Deciding(x, w.Flow)
	require.Equal(t, verdict == model.Allowed && w.Flow.Src.IsPod() && !isHost(x, w.Flow.Src), verdict == model.Allowed && len(deciding[model.Egress]) > 0, "%+v %s", w, what)
}

// partyOf names an inside endpoint as a listing does.
func partyOf(x *engine.Index, e engine.EndpointID, by By) string {
	if e.IsNode() {
		return EndpointName(x, e)
	}
	p := &x.Snapshot().Pods[e]
	return [...]string{ByWorkload: WorkloadPath(p), ByPod: p.Path(), ByNamespace: p.Namespace}[by]
}

// TestListPairByPair compares the rows between pods and nodes with all pairs,
// and the rows with outside addresses at one address of each part.
func TestListPairByPair(t *testing.T) {
	rows, doubtful, outsideRows := 0, 0, 0
	for seed := range uint64(300) {
		x, c := generated(t, seed)
		all := expressions(x)
		r := rand.New(rand.NewPCG(seed, 9))
		for range 10 {
			fromText, toText := all[r.IntN(len(all))], all[r.IntN(len(all))]
			if r.IntN(3) == 0 {
				fromText, toText = "any", "any"
			}
			if r.IntN(5) == 0 {
				fromText = "nodes"
			}
			from, ok1 := ends(t, x, fromText)
			to, ok2 := ends(t, x, toText)
			if !ok1 || !ok2 {
				continue
			}
			by := By(r.IntN(3))
			what := question{c, fmt.Sprintf("seed %d: list --from %s --to %s by %d", seed, fromText, toText, by)}
			got := list(x, from, to, by, 0)
			require.Equal(t, list(x, from, to, by, math.MaxInt), got, "by rows of classes, and pair by pair: %v", what)
			type key struct{ from, to string }
			lower, upper := map[key]model.PortSet{}, map[key]model.PortSet{}
			for s := range from.Set.All() {
				for d := range to.Set.All() {
					if s == d || s.IsOutside() || d.IsOutside() {
						continue
					}
					b := pairBoundsOf(x, from, to, s, d)
					k := key{partyOf(x, s, by), partyOf(x, d, by)}
					lower[k], upper[k] = lower[k].Union(b.Lower), upper[k].Union(b.Upper)
				}
			}
			wantRows := map[string]bool{}
			for k := range upper {
				if !lower[k].Empty() {
					wantRows["certain "+k.from+" "+k.to+" "+lower[k].String()] = true
				}
				if rest := upper[k].Minus(lower[k]); !rest.Empty() {
					wantRows["uncertain "+k.from+" "+k.to+" "+rest.String()] = true
				}
			}
			gotRows := map[string]bool{}
			left := 5 // reasons that are compared
			collect := func(list []Connection, word string) {
				for _, c := range list {
					require.Equal(t, word == "uncertain", c.Reason != "", "%+v %s", c, what)
					if c.CIDRs != nil {
						require.NotContains(t, c.Reason, "R52", "the reason is of a flow that is certain: %+v %s", c, what)
						outsideRows++
						continue
					}
					if word == "uncertain" && left > 0 {
						left--
						require.Equal(t, firstDoubt(x, from, to, by, &c), c.Reason, "%+v %s", c, what)
					}
					k := word + " " + c.From.Name + " " + c.To.Name + " " + c.Ports.String()
					require.False(t, gotRows[k], "row %s twice: %s", k, what)
					gotRows[k] = true
				}
			}
			collect(got.Certain, "certain")
			collect(got.Uncertain, "uncertain")
			require.Equal(t, wantRows, gotRows, "%v", what)
			rows += len(got.Certain)
			doubtful += len(got.Uncertain)
			checkOutside(t, x, from.Set, to.Set.Outside(), got, by, what, flowOf(&from, &to, 0, 0), func(s, d engine.EndpointID) (engine.EndpointID, engine.EndpointID) { return s, d })
			checkOutside(t, x, to.Set, from.Set.Outside(), got, by, what, flowOf(&from, &to, 0, 0), func(s, d engine.EndpointID) (engine.EndpointID, engine.EndpointID) { return d, s })
		}
	}
	require.Greater(t, rows, 1000)
	require.Greater(t, doubtful, 300)
	require.Greater(t, outsideRows, 1000)
}

// firstDoubt is the reason of an uncertain row between pods and nodes, pair by
// pair: that of the first two classes, in the order of their first members,
// that are uncertain about some of its ports, and of their first members that
// are; then that of hosts and the pods of their nodes.
func firstDoubt(x *engine.Index, from, to Ends, by By, c *Connection) string {
	members := func(s engine.Set, party string) (order []engine.Class, of map[engine.Class][]engine.EndpointID) {
		of = map[engine.Class][]engine.EndpointID{}
		for e := range s.All() {
			if e.IsOutside() {
				continue
			}
			k := x.Class(e)
			if !slices.Contains(order, k) {
				order = append(order, k)
			}
			if partyOf(x, e, by) == party {
				of[k] = append(of[k], e)
			}
		}
		return order, of
	}
	sources, src := members(from.Set, c.From.Name)
	destinations, dst := members(to.Set, c.To.Name)
	at := flowOf(&from, &to, 0, 0)
	flow := func(s, d engine.EndpointID, b model.Bounds) (engine.Flow, bool) {
		f := at
		f.Src, f.Dst = s, d
		ports := b.Upper.Minus(b.Lower).Intersect(c.Ports)
		f.Protocol, f.Port = telling(ports)
		return f, !ports.Empty()
	}
	for _, s := range sources {
		for _, d := range destinations {
			var last engine.Flow
			some := false
			for _, e := range src[s] {
				for _, o := range dst[d] {
					f, uncertain := flow(e, o, x.BetweenClassesAt(s, d, at))
					if !uncertain || e == o && len(src[s]) == 1 && len(dst[d]) == 1 {
						continue
					}
					if e != o && x.Verdict(f) == model.Unknown {
						return Reason(x, f)
					}
					last, some = f, true
				}
			}
			if some { // all of them are hosts and pods of their nodes
				return Reason(x, last)
			}
		}
	}
	for e := range from.Set.All() {
		for o := range to.Set.All() {
			if from.Named && isHost(x, e) && o.IsPod() && !isHost(x, o) && x.OwnNode(e, o) != model.Denied && partyOf(x, e, by) == c.From.Name && partyOf(x, o, by) == c.To.Name {
				if f, uncertain := flow(e, o, x.BetweenFlow(engine.Flow{Src: e, Dst: o, SrcAddr: at.SrcAddr, DstAddr: at.DstAddr, Family: at.Family})); uncertain {
					return Reason(x, f)
				}
			}
		}
	}
	return ""
}

// checkOutside compares what a listing says of one address of each part with
// what the engine says.
func checkOutside(t *testing.T, x *engine.Index, inside engine.Set, parts []engine.Outside, got Listing, by By, what fmt.Stringer,
	at engine.Flow, order func(inside, outside engine.EndpointID) (src, dst engine.EndpointID)) {
	t.Helper()
	for _, part := range parts {
		want := map[string]model.Bounds{}
		for e := range inside.All() {
			if e.IsOutside() {
				continue
			}
			src, dst := order(e, part.Endpoint)
			b := x.BetweenClassesAt(x.Class(src), x.Class(dst), at)
			w := want[partyOf(x, e, by)]
			want[partyOf(x, e, by)] = model.Bounds{Lower: w.Lower.Union(b.Lower), Upper: w.Upper.Union(b.Upper)}
		}
		listed := func(list []Connection, party string) (out model.PortSet) {
			for _, c := range list {
				end, other := c.From, c.To
				if src, _ := order(0, 1); src == 1 {
					end, other = other, end
				}
				if end.Name == party && other.Kind >= PartyExternal && slices.ContainsFunc(c.CIDRs, func(p netip.Prefix) bool { return p.Contains(part.Witness) }) {
					out = out.Union(c.Ports)
				}
			}
			return out
		}
		for party, b := range want {
			require.Equal(t, b.Lower.String(), listed(got.Certain, party).String(), "%s %v: %s", party, part.Witness, what)
			rest := b.Upper.Minus(b.Lower)
			shown := listed(got.Uncertain, party)
			if part.Witness.Is6() && b.Lower.Empty() && shown.Empty() {
				continue // R47: an IPv6 answer that says nothing new
			}
			require.Equal(t, rest.String(), shown.String(), "%s %v: %s", party, part.Witness, what)
		}
	}
}
