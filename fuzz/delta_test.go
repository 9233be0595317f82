package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// after applies a delta in the plainest way.
func after(s *model.Snapshot, d *model.Delta) *model.Snapshot {
	out := *s
	if d.Rest != nil {
		out = *d.Rest
	}
	base := out.Rules
	out.Pods, out.Rules = nil, nil
	var pods []model.Pod
	take := func(n model.PodName) {
		pods = slices.DeleteFunc(pods, func(p model.Pod) bool { return p.Namespace == n.Namespace && p.Name == n.Name })
	}
	put := func(p model.Pod) {
		if !p.Hole() {
			take(model.PodName{Namespace: p.Namespace, Name: p.Name})
			pods = append(pods, p)
		}
	}
	for _, p := range s.Pods {
		put(p)
	}
	for _, n := range d.Gone {
		take(n)
	}
	for _, p := range d.Pods {
		put(p)
	}
	out.Pods = pods
	for _, r := range base {
		if r.Object == (model.ObjectRef{}) {
			out.Rules = append(out.Rules, r)
		}
	}
	rules := slices.DeleteFunc(slices.Clone(s.Rules), func(r model.Rule) bool { return r.Object == model.ObjectRef{} })
	for _, c := range d.Policies {
		rules = slices.DeleteFunc(rules, func(r model.Rule) bool { return r.Object == c.Object })
		rules = append(rules, c.Rules...)
	}
	out.Rules = append(out.Rules, rules...)
	return &out
}

// contents is a snapshot as text, whatever the order of its pods and rules.
func contents(s *model.Snapshot) string {
	var out []string
	for _, p := range s.Pods {
		if !p.Hole() {
			out = append(out, fmt.Sprintf("%+v", p))
		}
	}
	for _, r := range s.Rules {
		out = append(out, fmt.Sprintf("%+v", r))
	}
	slices.Sort(out)
	return fmt.Sprintf("%+v %+v %v %v %v\n%s", s.Namespaces, s.Nodes, s.PodDomain, s.NodeDomain, s.UnknownNode, strings.Join(out, "\n"))
}

// sameSets holds an index against a compiled one in what is asked of sets: rows,
// columns, members, numbers of pairs, answers and listings.
func sameSets(n *Count, x *engine.Index, s *model.Snapshot, r *rand.Rand) error {
	y, err := engine.Compile(s, engine.Options{})
	if err != nil {
		return err
	}
	rows, err := sameRows(x)
	if n.Verdicts += rows.Verdicts; err != nil {
		return err
	}
	if err := sameColumn(x, r, n); err != nil {
		return err
	}
	for c := range engine.Class(x.Classes()) {
		for _, e := range x.Members(c) {
			if x.Class(e) != c {
				return fmt.Errorf("endpoint %d is a member of class %d, and of class %d", e, c, x.Class(e))
			}
		}
	}
	for name, e := range idsOf(x) {
		f, _ := y.Pod(name.Namespace, name.Name)
		for k, what := range []string{"from", "to"} {
			if got, want := reachedBy(x, e, k), reachedBy(y, f, k); got != want {
				return fmt.Errorf("%s %v: %s\ncompiled %s", what, name, got, want)
			}
		}
	}
	if got, want := pairsByBounds(x), pairsByBounds(y); got != want {
		return fmt.Errorf("pairs: %s, compiled %s", got, want)
	}
	words := []string{"any", "cluster", "nodes", "outside", "internet", "10.0.0.0/8", "8.8.8.8", "10.0.0.2", ":k0", ":k0=v0", "ns0:"}
	for range 4 {
		from, to := oneWord(r, words), oneWord(r, words)
		if got, want := answers(x, from, to), answers(y, from, to); got != want {
			return fmt.Errorf("%s to %s: %s\ncompiled %s", from, to, got, want)
		}
	}
	return nil
}

func oneWord(r *rand.Rand, words []string) string { return words[r.IntN(len(words))] }

func reachedBy(x *engine.Index, e engine.EndpointID, direction int) string {
	var out []string
	seq := x.From(e)
	if direction == 1 {
		seq = x.To(e)
	}
	for o, b := range seq {
		if !o.IsOutside() {
			out = append(out, fmt.Sprint(solver.EndpointName(x, o), b))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// pairsByBounds counts the pairs of pods.
func pairsByBounds(x *engine.Index) string {
	pairs := map[string]int{}
	for row := range x.Rows() {
		for i := range row.Layers {
			if n := row.Pairs(i); n > 0 {
				pairs[fmt.Sprint(row.Layers[i].Bounds)] += n
			}
		}
	}
	return fmt.Sprint(pairs)
}

// answers are those of Ask and List. Parts of outside addresses may be finer in
// one index than in another: what counts them is left out.
func answers(x *engine.Index, from, to string) string {
	src, err := solver.Find(x, from)
	if err != nil {
		return "no source"
	}
	dst, err := solver.Find(x, to)
	if err != nil {
		return "no destination"
	}
	out := []string{fmt.Sprint(solver.Between(x, src, dst))}
	for _, mode := range []solver.Mode{solver.Any, solver.All, solver.None} {
		a := solver.Ask(x, solver.Question{From: src, To: dst, Ports: solver.PortQuery{Any: true, Set: model.AllPorts()}, Mode: mode})
		out = append(out, fmt.Sprint(a.Truth, a.Ports, a.MaybePorts, a.Everywhere))
		if len(src.Set.Outside()) == 0 {
			out = append(out, fmt.Sprint(a.From, a.Reaching, a.Maybe))
		}
	}
	l := solver.List(x, src, dst, solver.ByPod)
	for _, list := range [][]solver.Connection{l.Certain, l.Uncertain} {
		for _, c := range list {
			if c.CIDRs == nil {
				out = append(out, fmt.Sprint(c.From.Name, " ", c.To.Name, " ", c.Ports))
			}
		}
	}
	return strings.Join(out, "\n")
}

// revision is a version of an index, and the snapshot that it should answer about.
type revision struct {
	x *engine.Index
	s *model.Snapshot
}

// edit applies deltas to a snapshot, each to any of the versions so far, and
// compares all versions at the end, when most have others made of them.
func edit(seed uint64, deltas int) (n Count, by engine.Updates, refused int, err error) {
	r := rand.New(rand.NewPCG(seed, 99))
	g := newSnapshots(r)
	s := g.snapshot()
	x, err := engine.Compile(s, engine.Options{Updates: true})
	if err != nil {
		return n, by, refused, err
	}
	versions := []revision{{x, s}}
	for range deltas {
		base := versions[len(versions)-1]
		if g.one(3) {
			base = versions[r.IntN(len(versions))]
		}
		d := g.delta(base.s)
		want := after(base.s, &d)
		if got := base.s.After(&d); contents(got) != contents(want) {
			return n, by, refused, fmt.Errorf("after a delta\n%s\nplainly\n%s", contents(got), contents(want))
		}
		same := model.Difference(base.s, want)
		if got := base.s.After(&same); contents(got) != contents(want) {
			return n, by, refused, fmt.Errorf("after a difference\n%s\nplainly\n%s", contents(got), contents(want))
		}
		next, err := base.x.Apply(d)
		if invalid := want.Validate(); (invalid != nil) != (err != nil) {
			return n, by, refused, fmt.Errorf("apply says %w, the snapshot is %w", err, invalid)
		}
		if err != nil {
			refused++
			continue
		}
		ids := idsOf(base.x)
		for name, id := range idsOf(next) {
			if was, ok := ids[name]; ok && was != id && !slices.Contains(d.Gone, name) {
				return n, by, refused, fmt.Errorf("%v was endpoint %d and is %d", name, was, id)
			}
		}
		u, before := next.Updates(), base.x.Updates()
		by.Pods += u.Pods - before.Pods
		by.Policies += u.Policies - before.Policies
		by.Compiled += u.Compiled - before.Compiled
		versions = append(versions, revision{next, want})
	}
	for i, v := range versions {
		if err := sameAnswers(&n, v.x, v.s, r); err != nil {
			return n, by, refused, fmt.Errorf("version %d: %w", i, err)
		}
		if err := sameSets(&n, v.x, v.s, r); err != nil {
			return n, by, refused, fmt.Errorf("version %d, sets: %w", i, err)
		}
	}
	return n, by, refused, nil
}

// TestApplyOfAnyDelta is TestApply at the level of the model, with versions that
// are the base of several.
func TestApplyOfAnyDelta(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	var total engine.Updates
	var verdicts int64
	refused := 0
	for seed := range seeds {
		n, by, no, err := edit(seed, 8)
		require.NoError(t, err, "seed %d", seed)
		verdicts += int64(n.Verdicts)
		total.Pods += by.Pods
		total.Policies += by.Policies
		total.Compiled += by.Compiled
		refused += no
	}
	require.Greater(t, verdicts, int64(1000*seeds))
	require.Greater(t, total.Pods, int(seeds)/2)
	require.Greater(t, total.Policies, int(seeds)/4)
	require.Greater(t, total.Compiled, int(seeds))
	require.Positive(t, refused)
	t.Logf("%d verdicts; %d changes of pods, %d of policies, %d compilations, %d refused", verdicts, total.Pods, total.Policies, total.Compiled, refused)
}

// TestApplyCompacts: a long line of changes that could each be made in place
// compiles only to compact, at the bound that engine.Index.Apply names, and
// answers as before.
func TestApplyCompacts(t *testing.T) {
	const slack = 1024
	r := rand.New(rand.NewPCG(1, 1))
	g := newSnapshots(r)
	s := g.snapshot()
	x, err := engine.Compile(s, engine.Options{Updates: true})
	require.NoError(t, err)
	var n Count
	bound := slack + len(s.Pods)
	var at []int
	for i := range 2*bound + 10 {
		p := s.Pods[i%len(s.Pods)]
		before := x.Updates()
		x, err = x.Apply(model.Delta{Pods: []model.Pod{p}})
		require.NoError(t, err)
		u := x.Updates()
		require.Equal(t, u.Compacted, u.Compiled)
		if u.Compacted > before.Compacted {
			at = append(at, i)
			require.NoError(t, sameAnswers(&n, x, s, r))
		}
	}
	require.Equal(t, []int{bound + 1, 2*bound + 3}, at)
	require.NoError(t, sameAnswers(&n, x, s, r))
}
