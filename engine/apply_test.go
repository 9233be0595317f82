package engine_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// named gives rules an object.
func named(name string, rules ...model.Rule) []model.Rule {
	for i := range rules {
		rules[i].Object = model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: name}
	}
	return rules
}

// updatable is small with its policies as objects: one isolates and opens db,
// the other web.
func updatable(t testing.TB) *engine.Index {
	t.Helper()
	r := shopRules()
	x := small(t, append(named("db", r[:2]...), named("web", r[2:]...)...)...)
	x, err := engine.Compile(x.Snapshot(), engine.Options{Updates: true})
	require.NoError(t, err)
	return x
}

func apply(t testing.TB, x *engine.Index, d model.Delta) *engine.Index {
	t.Helper()
	n, err := x.Apply(d)
	require.NoError(t, err)
	return n
}

func verdict(t testing.TB, x *engine.Index, src, dst string, port uint16) model.Verdict {
	t.Helper()
	return x.Verdict(engine.Flow{Src: mustPod(t, x, src), Dst: mustPod(t, x, dst), Protocol: model.TCP, Port: port})
}

func gone(name string) model.Delta {
	return model.Delta{Gone: []model.PodName{{Namespace: "shop", Name: name}}}
}

func TestApplyPods(t *testing.T) {
	x := updatable(t)
	twin := x.Snapshot().Pods[mustPod(t, x, "web-0")]
	twin.Name = "web-2"

	y := apply(t, x, model.Delta{Pods: []model.Pod{twin}})
	require.Equal(t, engine.Updates{Pods: 1}, y.Updates())
	require.Equal(t, model.Allowed, verdict(t, y, "web-2", "db", 5432))
	require.Equal(t, model.Denied, verdict(t, y, "web-2", "db", 80))
	require.Equal(t, []engine.EndpointID{mustPod(t, y, "web-0"), mustPod(t, y, "web-2")}, y.Owners(netip.MustParseAddr("10.0.0.1")))

	z := apply(t, y, gone("web-0"))
	_, ok := z.Pod("shop", "web-0")
	require.False(t, ok)
	require.Equal(t, mustPod(t, y, "web-2"), mustPod(t, z, "web-2"))
	require.Equal(t, []engine.EndpointID{mustPod(t, y, "web-2")}, z.Owners(netip.MustParseAddr("10.0.0.1")))
	require.Equal(t, 3, z.AllPods().Pods())
	require.Len(t, z.Members(z.Class(mustPod(t, z, "web-2"))), 1)

	// The place of the pod that is gone goes to the next one.
	other := twin
	other.Name = "web-3"
	w := apply(t, z, model.Delta{Pods: []model.Pod{other}})
	require.Equal(t, mustPod(t, y, "web-0"), mustPod(t, w, "web-3"))
	require.Equal(t, engine.Updates{Pods: 3}, w.Updates())

	// Older versions answer as before.
	require.Equal(t, model.Allowed, verdict(t, y, "web-0", "db", 5432))
	_, ok = y.Pod("shop", "web-3")
	require.False(t, ok)
	_, ok = x.Pod("shop", "web-2")
	require.False(t, ok)

	// A pod in place of another keeps its endpoint, whatever its class.
	relabelled := twin
	relabelled.Labels = map[string]string{"app": "db"}
	v := apply(t, y, model.Delta{Pods: []model.Pod{relabelled}})
	require.Equal(t, mustPod(t, y, "web-2"), mustPod(t, v, "web-2"))
}

func TestApplyPolicies(t *testing.T) {
	x := updatable(t)
	db := model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: "db"}

	without := apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: db}}})
	require.Equal(t, engine.Updates{Policies: 1}, without.Updates())
	require.Equal(t, model.Allowed, verdict(t, without, "web-0", "db", 5000))
	require.Equal(t, model.Denied, verdict(t, x, "web-0", "db", 5000))
	for _, r := range without.Snapshot().Rules {
		require.NotEqual(t, db, r.Object)
	}

	// Another policy with the same subject merges; taking the first one away
	// leaves it.
	second := named("second", isolate("shop", app("db"), model.Ingress), allow("shop", app("db"), model.Ingress, model.Peer{Any: true},
		model.RulePorts{Set: model.Ports(model.PortRange{Protocol: model.TCP, First: 5000, Last: 6000})}))
	both := apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: second[0].Object, Rules: second}}})
	require.Equal(t, model.Allowed, verdict(t, both, "web-0", "db", 5000))
	only := apply(t, both, model.Delta{Policies: []model.PolicyChange{{Object: db}}})
	require.Equal(t, model.Allowed, verdict(t, only, "web-0", "db", 5000))
	require.Equal(t, model.Denied, verdict(t, only, "web-0", "db", 80))
	require.Equal(t, engine.Updates{Policies: 2}, only.Updates())

	// Every set of a peer counts, not only the first.
	two := named("db", isolate("shop", app("db"), model.Ingress), allow("shop", app("db"), model.Ingress,
		model.Peer{Pods: []model.PodSet{{Namespace: "shop", Pods: app("db")}, {Namespace: "shop", Pods: app("web")}}},
		model.RulePorts{Set: model.Ports(model.PortRange{Protocol: model.TCP, First: 5000, Last: 6000})}))
	opened := apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: db, Rules: two}}})
	require.Equal(t, model.Allowed, verdict(t, opened, "web-0", "db", 5000))
	require.Equal(t, engine.Updates{Policies: 1}, opened.Updates())

	// Explain speaks of the rules of its version.
	trace := only.Explain(engine.Flow{Src: mustPod(t, only, "web-0"), Dst: mustPod(t, only, "db"), Protocol: model.TCP, Port: 5000})
	for _, s := range trace.Families[0].Ingress.Steps {
		if s.Decides {
			require.Equal(t, second[0].Object, only.Snapshot().Rules[s.Rule].Object)
		}
	}
}

// Equal changes of an index make equal versions: rules of one rank are explained
// in one order.
func TestApplyOrder(t *testing.T) {
	var rules []model.Rule
	for i, key := range []string{"x", "y", "z"} {
		rules = append(rules, allow("shop", model.Selector{{Key: key, Operator: model.Exists}}, model.Ingress, model.Peer{Any: true},
			model.RulePorts{Set: model.Port(model.TCP, uint16(i+1))}))
	}
	rules = named("p", rules...)
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "shop"}}, Rules: rules,
		Pods: []model.Pod{pod("shop", "p", "10.0.0.1", map[string]string{"x": "", "y": "", "z": ""}), pod("shop", "q", "10.0.0.2", nil)}}
	var first []engine.Step
	for i := range 20 {
		x, err := engine.Compile(s, engine.Options{Updates: true})
		require.NoError(t, err)
		x = apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: rules[0].Object, Rules: rules}}})
		require.Equal(t, 1, x.Updates().Policies)
		steps := x.Explain(engine.Flow{Src: 1, Dst: 0, Protocol: model.TCP, Port: 1}).Families[0].Ingress.Steps
		require.Len(t, steps, 3)
		if i == 0 {
			first = steps
		}
		require.Equal(t, first, steps)
	}
}

func TestApplyCompiles(t *testing.T) {
	x := updatable(t)
	for name, d := range map[string]model.Delta{
		"a label that no rule knows": {Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: "new"},
			Rules: named("new", isolate("shop", app("none"), model.Ingress))}}},
		"an address between atoms": {Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: "new"},
			Rules: named("new", allow("shop", app("db"), model.Ingress, model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix("10.0.0.0/9")}}}, model.RulePorts{All: true}))}}},
		"a port between atoms": {Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: "new"},
			Rules: named("new", allow("shop", app("db"), model.Ingress, model.Peer{Any: true}, model.RulePorts{Set: model.Ports(model.PortRange{Protocol: model.TCP, First: 5001, Last: 5001})}))}}},
		"a pod of a new class": {Pods: []model.Pod{pod("shop", "odd", "10.0.0.9", map[string]string{"app": "cache"})}},
		"a namespace":          {Rest: &model.Snapshot{Namespaces: []model.Namespace{{Name: "shop"}, {Name: "other"}}, Nodes: x.Snapshot().Nodes, Rules: builtin}},
	} {
		y := apply(t, x, d)
		require.Equal(t, engine.Updates{Compiled: 1}, y.Updates(), name)
		z := apply(t, y, gone("web-0"))
		require.Equal(t, engine.Updates{Compiled: 1, Pods: 1}, z.Updates(), name)
	}
	plain := small(t, shopRules()...)
	require.Equal(t, engine.Updates{Compiled: 1}, apply(t, plain, gone("web-0")).Updates(), "nothing was kept")
}

func TestApplyErrors(t *testing.T) {
	x := updatable(t)
	for name, d := range map[string]model.Delta{
		"no object":         {Policies: []model.PolicyChange{{Rules: builtin}}},
		"another object":    {Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Name: "p"}, Rules: builtin}}},
		"no such namespace": {Pods: []model.Pod{pod("nowhere", "p", "", nil)}},
		"no action":         {Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Name: "p"}, Rules: []model.Rule{{Object: model.ObjectRef{Kind: "NetworkPolicy", Name: "p"}}}}}},
	} {
		_, err := x.Apply(d)
		require.Error(t, err, name)
	}
	require.Equal(t, model.Allowed, verdict(t, x, "web-0", "db", 5432))

	// What 40 names that are not known may mean is never listed (M6).
	deny := isolate("shop", app("db"), model.Ingress)
	deny.Rank.Priority, deny.Ports = model.PriorityDefaultDeny, model.RulePorts{}
	for i := range 40 {
		deny.Ports.Named = append(deny.Ports.Named, model.NamedPort{Name: fmt.Sprintf("n%02d", i), Protocol: model.TCP})
	}
	x, err := engine.Compile(small(t, deny).Snapshot(), engine.Options{Updates: true})
	require.NoError(t, err)
	unknown := pod("shop", "unknown", "10.0.0.7", nil)
	unknown.PortsUnknown = true
	_, err = x.Apply(model.Delta{Pods: []model.Pod{unknown}})
	require.ErrorContains(t, err, "M6")
}

// A version is asked for names and addresses that only other versions have,
// of pods on pages that it has not.
func TestApplyMorePages(t *testing.T) {
	x := updatable(t)
	twin := x.Snapshot().Pods[mustPod(t, x, "web-0")]
	var d model.Delta
	for i := range 600 {
		twin.Name = fmt.Sprint("w-", i)
		d.Pods = append(d.Pods, twin)
	}
	y := apply(t, x, d)
	require.Equal(t, 1, y.Updates().Pods)
	require.Len(t, y.Owners(netip.MustParseAddr("10.0.0.1")), 601)

	require.Equal(t, []engine.EndpointID{mustPod(t, x, "web-0")}, x.Owners(netip.MustParseAddr("10.0.0.1")))
	_, ok := x.Pod("shop", "w-599")
	require.False(t, ok)
	require.Equal(t, []engine.EndpointID{mustPod(t, x, "web-0")}, x.WorkloadPods("shop", "web-0"))

	fork := apply(t, x, model.Delta{Pods: d.Pods[599:], Gone: []model.PodName{{Namespace: "shop", Name: "w-598"}}})
	require.Equal(t, 1, fork.Updates().Pods)
	require.Equal(t, 4, fork.AllPods().Pods())
	_, ok = fork.Pod("shop", "w-598")
	require.False(t, ok)
}

// Pods with new names come and go, until what they left is compiled away.
func TestApplyCompacts(t *testing.T) {
	x := updatable(t)
	twin := x.Snapshot().Pods[mustPod(t, x, "web-0")]
	for i := range 3000 {
		old := twin.Name
		twin.Name = fmt.Sprint("web-", 10+i)
		x = apply(t, x, model.Delta{Gone: []model.PodName{{Namespace: "shop", Name: old}}, Pods: []model.Pod{twin}})
	}
	u := x.Updates()
	require.Equal(t, 2, u.Compacted)
	require.Equal(t, u.Compacted, u.Compiled)
	require.Equal(t, 2998, u.Pods)
	require.Len(t, x.Snapshot().Pods, 3)
	require.Equal(t, model.Allowed, verdict(t, x, twin.Name, "db", 5432))
}

// A change of a rule about all pods makes a program for each class.
func TestApplyCompactsPrograms(t *testing.T) {
	rule := allow("", nil, model.Ingress, model.Peer{Any: true}, model.RulePorts{All: true})
	rule.Subject = model.PodSet{} // all pods
	rule.Rank = model.Rank{Tier: model.TierAdmin}
	rule.Object = model.ObjectRef{Kind: "ClusterNetworkPolicy", Name: "all"}
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "shop"}}, Rules: []model.Rule{rule}}
	for i := range 200 {
		name := fmt.Sprint("p", i)
		s.Pods = append(s.Pods, pod("shop", name, "10.0.0.1", map[string]string{"app": name}))
		s.Rules = append(s.Rules, isolate("shop", app(name), model.Ingress))
	}
	x, err := engine.Compile(s, engine.Options{Updates: true})
	require.NoError(t, err)
	for range 100 {
		x = apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: rule.Object, Rules: []model.Rule{rule}}}})
	}
	require.Equal(t, 7, x.Updates().Compacted)
}

// Objects that have no rules, before and after, leave nothing behind.
func TestApplyNoRules(t *testing.T) {
	x := updatable(t)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	for i := range 20000 {
		x = apply(t, x, model.Delta{Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "shop", Name: fmt.Sprint("none-", i)}}}})
	}
	require.Equal(t, engine.Updates{Policies: 20000}, x.Updates())
	require.Less(t, heap()-before, 1<<20)
	runtime.KeepAlive(x)
}

// Versions of one line are made and asked at the same time.
func TestApplyConcurrent(t *testing.T) {
	x := updatable(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			y := x
			for j := range 50 {
				p := x.Snapshot().Pods[mustPod(t, x, "web-0")]
				p.Name = fmt.Sprint("w", i, "-", j)
				var err error
				if y, err = y.Apply(model.Delta{Pods: []model.Pod{p}}); err != nil {
					t.Error(err)
					return
				}
				if e, ok := y.Pod("shop", p.Name); !ok || y.Verdict(engine.Flow{Src: e, Dst: mustPod(t, y, "db"), Protocol: model.TCP, Port: 5432}) != model.Allowed {
					t.Error(p.Name)
				}
			}
			if n := y.AllPods().Pods(); n != 53 {
				t.Error(n, "pods")
			}
		})
	}
	wg.Wait()
	require.Equal(t, 3, x.AllPods().Pods())
}
