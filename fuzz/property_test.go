package fuzz

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// property compares answers about one cluster; it is Comparison.Check.
type property func(c *gen.Cluster, r *rand.Rand) (Count, error)

// holds tests a property over generated clusters. Of the verdicts that the
// flags ask for it takes one in share: a verdict is the whole answer about two
// ends in a family, for every port, and clusters have more of them to compare
// for some properties than for others.
func holds(t *testing.T, name string, share int64, p property) {
	t.Helper()
	o := *options
	o.Verdicts /= share
	if testing.Short() { // under the race detector
		o.Verdicts /= 20
	}
	(&Comparison{Counterpart: name, Package: "./fuzz", Check: p}).Run(t, o)
}

// except leaves clusters out.
func except(out func(*gen.Cluster) bool, p property) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		if out(c) {
			return Count{}, nil
		}
		return p(c, r)
	}
}

// ofCilium: clusters of the profile cilium, in which Baseline comes before
// isolation (R124) and v1alpha1 does not count (R106).
func ofCilium(c *gen.Cluster) bool { return c.Profile == "cilium" }

// unreadable: where a selector of a peer cannot be read, what it means in
// Cilium is not known (R103).
func unreadable(c *gen.Cluster) bool {
	return ofCilium(c) && c.Features[gen.AdminClosedOperator]+c.Features[gen.AdminClosedNoValues]+c.Features[gen.AdminClosedLabel] > 0
}

// notices tests that a property can fail: with something wrong planted in it,
// it does on one of the first clusters, and says what begins with what. An error
// of another kind is a defect of the property, or of what it is about.
func notices(t *testing.T, what string, planted property) {
	t.Helper()
	on := Comparison{}
	for seed := range uint64(400) {
		if _, err := planted(on.cluster(seed+1), questions(seed+1)(0)); err != nil {
			require.Regexp(t, "^(?:"+what+")", err.Error(), "seed %d", seed+1)
			return
		}
	}
	require.Fail(t, "what was planted is not noticed")
}

// end is a pod, a node or an address.
type end = oracle.End

// world is a cluster with its index.
type world struct {
	*gen.Cluster
	x       *engine.Index
	refused map[model.ObjectRef]bool // policies that are answered as absent (R115)
	mixed   bool                     // admin policies of both versions (R106)
	// uncertain are the keys of labels of which the input does not tell whether
	// some pod has them (R66).
	uncertain  map[string]bool
	namespaces map[string]map[string]string // labels
}

// read takes a cluster through the whole line.
func read(c *gen.Cluster) (*world, error) { return readText(c, c.JSON()) }

func readText(c *gen.Cluster, text []byte) (*world, error) {
	x, ledger, err := Index(c, text)
	if err != nil {
		return nil, err
	}
	w := &world{Cluster: c, x: x, refused: map[model.ObjectRef]bool{}, uncertain: map[string]bool{}, namespaces: map[string]map[string]string{}}
	for _, d := range ledger.Diagnostics {
		switch {
		case d.Code == dialect.CodeMixedAdmin:
			w.mixed = true
		case d.Severity() == dialect.Error:
			w.refused[d.Object] = true
		}
	}
	s := x.Snapshot()
	for i := range s.Pods {
		for k := range s.Pods[i].Labels {
			if key, ok := model.UncertainLabel(k); ok {
				w.uncertain[key] = true
			}
		}
	}
	for i := range s.Namespaces {
		w.namespaces[s.Namespaces[i].Name] = s.Namespaces[i].Labels
	}
	return w, nil
}

func readAll(clusters ...*gen.Cluster) (out []*world, err error) {
	for _, c := range clusters {
		w, err := read(c)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func (w *world) id(e end) (engine.EndpointID, bool) { return (&comparison{x: w.x}).id(e) }

// pod is the pod that an end is, or nil.
func (w *world) pod(e end) *model.Pod {
	if id, ok := w.id(e); ok && id.IsPod() {
		return &w.x.Snapshot().Pods[id]
	}
	return nil
}

// inside returns the pods and nodes.
func (w *world) inside() (out []end) {
	s := w.x.Snapshot()
	for i := range s.Pods {
		if p := &s.Pods[i]; !p.Dormant {
			out = append(out, end{Namespace: p.Namespace, Name: p.Name})
		}
	}
	for i := range s.Nodes {
		out = append(out, end{Node: s.Nodes[i].Name})
	}
	return out
}

// starts returns the first address of every atom of outside addresses.
func (w *world) starts() (out []netip.Addr) {
	var b netipx.IPSetBuilder
	b.AddPrefix(netip.MustParsePrefix("0.0.0.0/0"))
	b.AddPrefix(netip.MustParsePrefix("::/0"))
	everything, err := b.IPSet()
	if err != nil {
		panic(err) // of two constants
	}
	for _, part := range w.x.Outside(everything).Outside() {
		out = append(out, part.Ranges[0].From())
	}
	return out
}

// commonEnds returns the pods and nodes that all worlds have, and some outside
// addresses: among those that it draws from is one of every set that no world
// tells apart, unless pods and nodes own all of it.
func commonEnds(r *rand.Rand, worlds []*world) (inside, outside []end) {
	inside = worlds[0].inside()
	var starts []netip.Addr
	for i, w := range worlds {
		starts = append(starts, w.starts()...)
		if i > 0 {
			there := map[end]bool{}
			for _, e := range w.inside() {
				there[e] = true
			}
			inside = slices.DeleteFunc(slices.Clone(inside), func(e end) bool { return !there[e] })
		}
	}
	seen := map[netip.Addr]bool{}
	var addrs []netip.Addr
	for _, a := range starts {
		for range 16 { // past the addresses that have an owner
			if !a.IsValid() || !slices.ContainsFunc(worlds, func(w *world) bool { return len(w.x.Owners(a)) > 0 }) {
				break
			}
			a = a.Next()
		}
		if a.IsValid() && !a.Is4In6() && !seen[a] && !slices.ContainsFunc(worlds, func(w *world) bool { return len(w.x.Owners(a)) > 0 }) {
			seen[a] = true
			addrs = append(addrs, a)
		}
	}
	for _, i := range r.Perm(len(addrs))[:min(10, len(addrs))] {
		outside = append(outside, end{Addr: addrs[i]})
	}
	return inside, outside
}

// question is two ends in a family, in each of some worlds.
type question struct {
	s, d   end
	family model.Family
	worlds []*world
	flows  []engine.Flow
}

// between is the answer of a world.
func (q *question) between(i int) model.Bounds { return q.worlds[i].x.BetweenFlow(q.flows[i]) }

// side is what the rules of one end alone say.
func (q *question) side(i int, d model.Direction) model.Bounds {
	return q.worlds[i].x.Side(q.flows[i], d)
}

// subject and peer are the two ends as the rules of a direction see them.
func (q *question) subject(d model.Direction) end { return either(d == model.Egress, q.s, q.d) }
func (q *question) peer(d model.Direction) end    { return either(d == model.Egress, q.d, q.s) }

// doubtful reports whether one of the ends may have labels or not (R66).
func (q *question) doubtful() bool {
	for _, e := range []end{q.s, q.d} {
		if p := q.worlds[0].pod(e); p != nil && hasUncertainLabels(p) {
			return true
		}
	}
	return false
}

func hasUncertainLabels(p *model.Pod) bool {
	for k := range p.Labels {
		if _, ok := model.UncertainLabel(k); ok {
			return true
		}
	}
	return false
}

// fail is what a property says that does not hold.
func (q *question) fail(what string, want, got any) error {
	return fmt.Errorf("%s: %v to %v, %v: want %s, got %s", what, q.s, q.d, q.family, show(want), show(got))
}

func show(v any) string {
	if b, ok := v.(model.Bounds); ok {
		return fmt.Sprintf("[%v to %v, other %v]", b.Lower, b.Upper, b.Other)
	}
	return fmt.Sprint(v)
}

// ask asks about every pair of ends in each family and counts what was
// compared.
func ask(r *rand.Rand, worlds []*world, about func(q *question) (compared bool, err error)) (Count, error) {
	inside, outside := commonEnds(r, worlds)
	n := Count{}
	for _, s := range inside {
		for _, d := range slices.Concat(inside, outside) {
			if err := askPair(worlds, s, d, about, &n); err != nil {
				return n, err
			}
		}
		for _, e := range outside {
			if err := askPair(worlds, e, s, about, &n); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func askPair(worlds []*world, s, d end, about func(*question) (bool, error), n *Count) error {
	q := &question{s: s, d: d, worlds: worlds, flows: make([]engine.Flow, len(worlds))}
	for i, w := range worlds {
		src, _ := w.id(s)
		dst, _ := w.id(d)
		q.flows[i] = engine.Flow{Src: src, Dst: dst}
	}
	for q.family = range model.AnyFamily {
		for i := range q.flows {
			q.flows[i].Family = engine.Only(q.family)
		}
		compared, err := about(q)
		if err != nil {
			return err
		}
		if compared && q.mayHave(s) && q.mayHave(d) {
			n.Verdicts++
		}
	}
	return nil
}

// mayHave reports whether an end may have an address of the family. Otherwise
// its answers, which are empty, do not count.
func (q *question) mayHave(e end) bool {
	if e.Addr.IsValid() {
		return model.FamilyOf(e.Addr) == q.family
	}
	p := q.worlds[0].pod(e)
	return p == nil || p.HostNetwork || p.Addresses[q.family].State != model.AddressNone
}

func same(a, b model.Bounds) bool { return samePorts(a, b) && a.Other == b.Other }

func samePorts(a, b model.Bounds) bool { return a.Lower.Equal(b.Lower) && a.Upper.Equal(b.Upper) }

// within reports whether b allows all that a does, in both bounds.
func within(a, b model.Bounds) bool {
	return b.Lower.ContainsAll(a.Lower) && b.Upper.ContainsAll(a.Upper) && a.Other <= b.Other
}

func intersect(a, b model.Bounds) model.Bounds {
	return model.Bounds{Lower: a.Lower.Intersect(b.Lower), Upper: a.Upper.Intersect(b.Upper), Other: min(a.Other, b.Other)}
}

// neutral is the check that two ways of writing a cluster have the same ends
// and the same answers. rewrite does not change w; nil: w has nothing of it.
func neutral(rewrite func(w *world, r *rand.Rand) *gen.Cluster) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil {
			return Count{}, err
		}
		out := rewrite(w, r)
		if out == nil {
			return Count{}, nil
		}
		v, err := read(out)
		if err != nil {
			return Count{}, err
		}
		n, err := equal(r, w, v)
		if err != nil {
			err = fmt.Errorf("%w\nrewritten:\n%s\n---", err, out.YAML())
		}
		return n, err
	}
}

// equal checks that two worlds have the same ends and the same answers.
func equal(r *rand.Rand, w, v *world) (Count, error) {
	if a, b := w.inside(), v.inside(); !slices.Equal(a, b) {
		return Count{}, fmt.Errorf("the ends were %v, and are %v", a, b)
	}
	return ask(r, []*world{w, v}, func(q *question) (bool, error) {
		if want, got := q.between(0), q.between(1); !same(want, got) {
			return true, q.fail("written in another way", want, got)
		}
		return true, nil
	})
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
