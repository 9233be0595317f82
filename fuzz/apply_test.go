package fuzz

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// The clusters of a sequence, and the deltas between them.
type sequence struct {
	states []*model.Snapshot
	deltas []model.Delta // deltas[i] takes states[i] to states[i+1]
}

// item is where a list holds an object, which is no property of the object.
var item = regexp.MustCompile(`^items\[\d+\]\.?`)

// snapshotOf reads a cluster. Origins are relative to their objects, so that
// objects that stay are equal.
func snapshotOf(c *gen.Cluster) (*model.Snapshot, error) {
	x, _, err := Index(c, c.JSON())
	if err != nil {
		return nil, err
	}
	s := x.Snapshot()
	for i := range s.Pods {
		s.Pods[i].Origin = model.Origin{}
	}
	for i := range s.Nodes {
		s.Nodes[i].Origin = model.Origin{}
	}
	for i := range s.Namespaces {
		s.Namespaces[i].Origin = model.Origin{}
	}
	for i := range s.Rules {
		s.Rules[i].Origin = model.Origin{Path: item.ReplaceAllString(s.Rules[i].Origin.Path, "")}
	}
	return s, nil
}

// changed is a cluster with one to three changes.
func changed(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
	n := *c
	n.Pods, n.Policies, n.Nodes, n.Namespaces, n.Admin = slices.Clone(c.Pods), slices.Clone(c.Policies), slices.Clone(c.Nodes), slices.Clone(c.Namespaces), slices.Clone(c.Admin)
	for range 1 + r.IntN(3) {
		change(&n, r)
	}
	return &n
}

func change(c *gen.Cluster, r *rand.Rand) {
	name := fmt.Sprint("edit-", r.IntN(20))
	onPod := func(do func(p, other *corev1.Pod)) {
		if n := len(c.Pods); n > 0 {
			do(&c.Pods[r.IntN(n)], &c.Pods[r.IntN(n)])
		}
	}
	onPolicy := func(do func(p, other *networkingv1.NetworkPolicy)) {
		if n := len(c.Policies); n > 0 {
			do(&c.Policies[r.IntN(n)], &c.Policies[r.IntN(n)])
		}
	}
	switch r.IntN(15) {
	case 0, 1: // another replica
		onPod(func(p, _ *corev1.Pod) {
			twin := *p
			twin.Name = name
			if r.IntN(2) == 0 {
				twin.Status.PodIP, twin.Status.PodIPs = "", nil
			}
			c.Pods = append(c.Pods, twin)
		})
	case 2, 3:
		if n := len(c.Pods); n > 0 {
			i := r.IntN(n)
			c.Pods = slices.Delete(c.Pods, i, i+1)
		}
	case 4: // relabelled
		onPod(func(p, other *corev1.Pod) { p.Labels = other.Labels })
	case 5:
		onPod(func(p, other *corev1.Pod) {
			p.Status.PodIP, p.Status.PodIPs, other.Status.PodIP, other.Status.PodIPs = other.Status.PodIP, other.Status.PodIPs, p.Status.PodIP, p.Status.PodIPs
		})
	case 6:
		onPod(func(p, other *corev1.Pod) {
			p.Spec.NodeName, p.Spec.HostNetwork = other.Spec.NodeName, other.Spec.HostNetwork
		})
	case 7:
		if n := len(c.Policies); n > 0 {
			i := r.IntN(n)
			c.Policies = slices.Delete(c.Policies, i, i+1)
		}
	case 8, 9:
		onPolicy(func(p, _ *networkingv1.NetworkPolicy) {
			twin := *p
			twin.Name = name
			c.Policies = append(c.Policies, twin)
		})
	case 10:
		onPolicy(func(p, other *networkingv1.NetworkPolicy) { p.Spec.PodSelector = other.Spec.PodSelector })
	case 11:
		onPolicy(func(p, other *networkingv1.NetworkPolicy) {
			p.Spec.Ingress, p.Spec.Egress = other.Spec.Ingress, other.Spec.Egress
		})
	case 12:
		onPolicy(func(p, other *networkingv1.NetworkPolicy) { p.Spec.PolicyTypes = other.Spec.PolicyTypes })
	case 13:
		if n := len(c.Namespaces); n > 0 {
			c.Namespaces[r.IntN(n)].Labels = c.Namespaces[r.IntN(n)].Labels
		}
	case 14:
		if n := len(c.Admin); n > 0 {
			i := r.IntN(n)
			c.Admin = slices.Delete(c.Admin, i, i+1)
		}
	}
}

func newSequence(c *gen.Cluster, r *rand.Rand, steps int) (sequence, error) {
	first, err := snapshotOf(c)
	if err != nil {
		return sequence{}, err
	}
	q := sequence{states: []*model.Snapshot{first}}
	for range steps {
		c = changed(c, r)
		next, err := snapshotOf(c)
		if err != nil {
			return q, err
		}
		q.deltas = append(q.deltas, model.Difference(q.states[len(q.states)-1], next))
		q.states = append(q.states, next)
	}
	return q, nil
}

// expanders make other lists of deltas of a sequence, which all lead to its
// last state.
var expanders = map[string]func(q sequence, r *rand.Rand) []model.Delta{
	"as it is": func(q sequence, _ *rand.Rand) []model.Delta { return q.deltas },
	"squashed": func(q sequence, _ *rand.Rand) []model.Delta {
		return []model.Delta{model.Difference(q.states[0], q.states[len(q.states)-1])}
	},
	"split": func(q sequence, r *rand.Rand) (out []model.Delta) {
		for _, d := range q.deltas {
			if d.Rest != nil { // what pods need may be in it, and what they leave
				out = append(out, d)
				continue
			}
			var parts []model.Delta
			for _, g := range d.Gone {
				parts = append(parts, model.Delta{Gone: []model.PodName{g}})
			}
			for i := range d.Pods {
				parts = append(parts, model.Delta{Pods: d.Pods[i : i+1]})
			}
			var admin []model.PolicyChange // their ordinals are of all of them
			for i := range d.Policies {
				if d.Policies[i].Object.Kind != "NetworkPolicy" {
					admin = append(admin, d.Policies[i])
					continue
				}
				parts = append(parts, model.Delta{Policies: d.Policies[i : i+1]})
			}
			parts = append(parts, model.Delta{Policies: admin})
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			out = append(out, parts...)
		}
		return out
	},
	"duplicated": func(q sequence, _ *rand.Rand) (out []model.Delta) {
		for _, d := range q.deltas {
			out = append(out, d, d)
		}
		return out
	},
	"there and back": func(q sequence, _ *rand.Rand) []model.Delta {
		out := slices.Clone(q.deltas)
		for i := len(q.states) - 1; i > 0; i-- {
			out = append(out, model.Difference(q.states[i], q.states[i-1]))
		}
		return append(out, q.deltas...)
	},
	"deleted and added again": func(q sequence, _ *rand.Rand) (out []model.Delta) {
		for _, d := range q.deltas {
			gone := model.Delta{}
			for i := range d.Pods {
				gone.Gone = append(gone.Gone, model.PodName{Namespace: d.Pods[i].Namespace, Name: d.Pods[i].Name})
			}
			for _, p := range d.Policies {
				if p.Object.Kind != "NetworkPolicy" {
					continue
				}
				gone.Policies = append(gone.Policies, model.PolicyChange{Object: p.Object})
			}
			if d.Rest == nil {
				out = append(out, gone)
			}
			out = append(out, d)
		}
		return out
	},
}

// updates counts the ways that Apply took, over all clusters.
var updates struct{ pods, policies, compiled atomic.Int64 }

// withCompile compares indexes that came about by changes with compiled ones.
var withCompile = Comparison{Counterpart: "apply", Package: "./fuzz", Check: checkApply}

func checkApply(c *gen.Cluster, r *rand.Rand) (Count, error) {
	var n Count
	q, err := newSequence(c, r, 1+r.IntN(5))
	if err != nil {
		return n, err
	}
	for _, name := range slices.Sorted(maps.Keys(expanders)) {
		deltas := expanders[name](q, r)
		flush := r.IntN(2) == 0 // compare at every step
		x, err := engine.Compile(q.states[0], engine.Options{Updates: r.IntN(4) > 0})
		if err != nil {
			return n, err
		}
		start, before := x, x.Updates()
		state := q.states[0]
		for i := range deltas {
			ids := idsOf(x)
			if x, err = x.Apply(deltas[i]); err != nil {
				return n, fmt.Errorf("%s, delta %d: %w", name, i, err)
			}
			state = state.After(&deltas[i])
			for name, id := range idsOf(x) {
				if was, ok := ids[name]; ok && was != id {
					return n, fmt.Errorf("%v was endpoint %d and is %d", name, was, id)
				}
			}
			if flush {
				if err := sameAnswers(&n, x, state, r); err != nil {
					return n, fmt.Errorf("%s, after delta %d: %w", name, i, err)
				}
			}
		}
		if err := sameAnswers(&n, x, q.states[len(q.states)-1], r); err != nil {
			return n, fmt.Errorf("%s, at the end: %w", name, err)
		}
		if err := sameAnswers(&n, start, q.states[0], r); err != nil {
			return n, fmt.Errorf("%s, the first version: %w", name, err)
		}
		u := x.Updates()
		updates.pods.Add(int64(u.Pods - before.Pods))
		updates.policies.Add(int64(u.Policies - before.Policies))
		updates.compiled.Add(int64(u.Compiled - before.Compiled))
	}
	return n, nil
}

func idsOf(x *engine.Index) map[model.PodName]engine.EndpointID {
	out := map[model.PodName]engine.EndpointID{}
	s := x.Snapshot()
	for i := range s.Pods {
		if p := &s.Pods[i]; !p.Hole() {
			out[model.PodName{Namespace: p.Namespace, Name: p.Name}] = engine.EndpointID(i)
		}
	}
	return out
}

// sameAnswers holds an index against one compiled from a snapshot, in all that
// can be asked by name.
func sameAnswers(n *Count, x *engine.Index, s *model.Snapshot, r *rand.Rand) error {
	y, err := engine.Compile(s, engine.Options{})
	if err != nil {
		return err
	}
	mine, theirs := idsOf(x), idsOf(y)
	if len(mine) != len(theirs) {
		return fmt.Errorf("%d pods, compiled %d", len(mine), len(theirs))
	}
	type both struct {
		name string
		x, y engine.EndpointID
	}
	var ends []both
	for name, id := range theirs {
		e, ok := x.Pod(name.Namespace, name.Name)
		if !ok || e != mine[name] {
			return fmt.Errorf("pod %v is %d and %v", name, mine[name], e)
		}
		if f, ok := y.Pod(name.Namespace, name.Name); !ok || f != id {
			return fmt.Errorf("compiled pod %v is %d and %v", name, id, f)
		}
		ends = append(ends, both{fmt.Sprint(name), e, id})
	}
	slices.SortFunc(ends, func(a, b both) int { return strings.Compare(a.name, b.name) })
	for i := range s.Nodes {
		e, ok := x.Node(s.Nodes[i].Name)
		f, _ := y.Node(s.Nodes[i].Name)
		if !ok {
			return fmt.Errorf("no node %s", s.Nodes[i].Name)
		}
		ends = append(ends, both{"node " + s.Nodes[i].Name, e, f})
	}
	for _, a := range []string{"8.8.8.8", "10.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.7", "2001:db8::1", "fd00::1"} {
		addr := netip.MustParseAddr(a)
		o, p := x.Owners(addr), y.Owners(addr)
		if len(o) != len(p) {
			return fmt.Errorf("%s is of %v, compiled %v", a, o, p)
		}
		if len(o) == 0 {
			ends = append(ends, both{a, x.Addr(addr), y.Addr(addr)})
		}
	}
	for i := range s.Pods {
		for _, a := range s.Pods[i].Addresses {
			if a.State == model.AddressKnown && names(x, x.Owners(a.Addr)) != names(y, y.Owners(a.Addr)) {
				return fmt.Errorf("%v is of %s, compiled %s", a.Addr, names(x, x.Owners(a.Addr)), names(y, y.Owners(a.Addr)))
			}
		}
		w := s.Pods[i].Workload.Name
		if ns := s.Pods[i].Namespace; names(x, x.WorkloadPods(ns, w)) != names(y, y.WorkloadPods(ns, w)) {
			return fmt.Errorf("workload %s/%s has %s, compiled %s", ns, w, names(x, x.WorkloadPods(ns, w)), names(y, y.WorkloadPods(ns, w)))
		}
	}
	for i := range s.Rules {
		if a, b := x.Select(s.Rules[i].Subject), y.Select(s.Rules[i].Subject); names(x, slices.Collect(a.All())) != names(y, slices.Collect(b.All())) {
			return fmt.Errorf("%v selects %s, compiled %s", s.Rules[i].Subject, names(x, slices.Collect(a.All())), names(y, slices.Collect(b.All())))
		}
	}
	if a, b := rules(x.Snapshot()), rules(s); !slices.Equal(a, b) {
		return fmt.Errorf("rules\n%s\ncompiled\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	some := model.Ports(model.PortRange{Protocol: model.TCP, First: 80, Last: 443}, model.PortRange{Protocol: model.UDP, First: 53, Last: 53})
	mx, my := x.Matrix(some), y.Matrix(some)
	for _, a := range ends {
		for _, b := range ends {
			if a.x.IsOutside() && b.x.IsOutside() {
				continue
			}
			n.Verdicts++
			got, want := x.Between(a.x, b.x), y.Between(a.y, b.y)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("%s to %s: %v, compiled %v", a.name, b.name, got, want)
			}
			if x.OwnNode(a.x, b.x) != y.OwnNode(a.y, b.y) {
				return fmt.Errorf("%s to %s: own node %v, compiled %v", a.name, b.name, x.OwnNode(a.x, b.x), y.OwnNode(a.y, b.y))
			}
			lo, up := mx.Row(x.Class(a.x))
			lo2, up2 := my.Row(y.Class(a.y))
			if lo.Test(uint(x.Class(b.x))) != lo2.Test(uint(y.Class(b.y))) || up.Test(uint(x.Class(b.x))) != up2.Test(uint(y.Class(b.y))) {
				return fmt.Errorf("%s to %s differ in the matrix", a.name, b.name)
			}
			if r.IntN(8) != 0 {
				continue
			}
			f := engine.Flow{Src: a.x, Dst: b.x, Protocol: model.TCP, Port: []uint16{80, 443, 8080}[r.IntN(3)]}
			g := f
			g.Src, g.Dst = a.y, b.y
			if t, u := traced(x, f), traced(y, g); t != u {
				return fmt.Errorf("%s to %s, %d: explained\n%s\ncompiled\n%s", a.name, b.name, f.Port, t, u)
			}
		}
	}
	return nil
}

// traced is what Explain says, without the order of rules of one rank.
func traced(x *engine.Index, f engine.Flow) string {
	t := x.Explain(f)
	var out []string
	for _, ft := range t.Families {
		for _, side := range []engine.SideTrace{ft.Egress, ft.Ingress} {
			var steps []string
			for _, s := range side.Steps {
				rule := "default"
				if s.Rule != engine.DefaultAllow {
					rule = x.Snapshot().Rules[s.Rule].String()
				}
				steps = append(steps, fmt.Sprint(rule, s.Match, s.Decides))
			}
			slices.Sort(steps)
			out = append(out, fmt.Sprint(ft.Family, ft.Exists, ft.Verdict, side.Direction, side.Exempt, side.Verdict, steps))
		}
	}
	return t.Verdict.String() + strings.Join(out, "\n")
}

func names(x *engine.Index, ids []engine.EndpointID) string {
	var out []string
	for _, e := range ids {
		switch {
		case e.IsPod():
			out = append(out, x.Snapshot().Pods[e].Path())
		case e.IsNode():
			out = append(out, x.Snapshot().Nodes[e.NodeIndex()].Name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func rules(s *model.Snapshot) []string {
	var out []string
	for i := range s.Rules {
		out = append(out, s.Rules[i].String())
	}
	slices.Sort(out)
	return out
}

// TestApply: Apply(Compile(s), d) answers as Compile(s + d).
func TestApply(t *testing.T) {
	o := *options
	o.Verdicts /= 5
	if testing.Short() {
		o.Verdicts /= 20
	}
	withCompile.Run(t, o)
	if o.Seed == 0 {
		require.NotZero(t, updates.pods.Load())
		require.NotZero(t, updates.policies.Load())
		require.NotZero(t, updates.compiled.Load())
	}
	t.Logf("%d changes of pods, %d of policies, %d compilations", updates.pods.Load(), updates.policies.Load(), updates.compiled.Load())
}

// FuzzApply is TestApply on clusters made of the fuzzer's bytes.
func FuzzApply(f *testing.F) {
	for s := range uint64(8) {
		f.Add(binary.LittleEndian.AppendUint64(nil, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { withCompile.Bytes(t, b) })
}
