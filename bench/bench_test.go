package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// sizes are the numbers of pods; the short names stand in benchmark names.
var sizes = []struct {
	name string
	pods int
}{{"1k", 1_000}, {"10k", 10_000}, {"100k", 100_000}}

// each runs a benchmark over shapes and sizes.
func each(b *testing.B, most int, run func(b *testing.B, s Shape, pods int)) {
	for _, s := range []Shape{Replicas, Unique} {
		for _, size := range sizes {
			if size.pods <= most {
				b.Run(s.Name+"/"+size.name, func(b *testing.B) { run(b, s, size.pods) })
			}
		}
	}
}

// text renders a cluster as `kubectl get -o json` does.
func text(b *testing.B, s Shape, pods int) []byte {
	b.Helper()
	c := s.Generate(pods)
	var items []any
	for i := range c.Namespaces {
		items = append(items, &c.Namespaces[i])
	}
	for i := range c.Nodes {
		items = append(items, &c.Nodes[i])
	}
	for i := range c.Pods {
		items = append(items, &c.Pods[i])
	}
	for i := range c.Policies {
		items = append(items, &c.Policies[i])
	}
	out, err := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, "", "    ")
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// read takes text to a snapshot.
func read(b *testing.B, in []byte) *model.Snapshot {
	b.Helper()
	state := cluster.New(cluster.Options{})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("bench", in)}, state.Ledger()) {
		state.Put(o)
	}
	s := state.Snapshot()
	if l := state.Ledger(); l.Count(0) > 0 {
		b.Fatal(l.Diagnostics)
	}
	return s
}

var snapshots sync.Map // "shape/pods" -> *model.Snapshot

func snapshot(b *testing.B, s Shape, pods int) *model.Snapshot {
	b.Helper()
	k := fmt.Sprint(s.Name, "/", pods)
	if v, ok := snapshots.Load(k); ok {
		return v.(*model.Snapshot)
	}
	v := read(b, text(b, s, pods))
	snapshots.Store(k, v)
	return v
}

func compile(b *testing.B, s *model.Snapshot) *engine.Index {
	b.Helper()
	x, err := engine.Compile(s, engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// BenchmarkReadJSON reads a List as kubectl prints it, up to the snapshot.
func BenchmarkReadJSON(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		in := text(b, s, pods)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			read(b, in)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pods), "ns/pod")
	})
}

// BenchmarkReadYAML reads the same objects as YAML documents.
func BenchmarkReadYAML(b *testing.B) {
	each(b, 10_000, func(b *testing.B, s Shape, pods int) {
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(text(b, s, pods), &list); err != nil {
			b.Fatal(err)
		}
		var in bytes.Buffer
		for _, item := range list.Items {
			doc, err := yaml.JSONToYAML(item)
			if err != nil {
				b.Fatal(err)
			}
			in.WriteString("---\n")
			in.Write(doc)
		}
		b.SetBytes(int64(in.Len()))
		b.ReportAllocs()
		for b.Loop() {
			read(b, in.Bytes())
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pods), "ns/pod")
	})
}

// BenchmarkCompile compiles a snapshot; heap-B/pod is what the Index keeps.
func BenchmarkCompile(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		var x *engine.Index
		b.ReportAllocs()
		for b.Loop() {
			x = compile(b, snap)
		}
		b.StopTimer()
		classes := x.Classes()
		x = nil
		before := heap()
		x = compile(b, snap)
		b.ReportMetric(float64(heap()-before)/float64(pods), "heap-B/pod")
		b.ReportMetric(float64(classes), "classes")
		b.ReportMetric(float64(len(x.PortAtoms())), "port-atoms")
		runtime.KeepAlive(x)
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkVerdict asks about random pairs of pods, one port each.
func BenchmarkVerdict(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		x := compile(b, snapshot(b, s, pods))
		r := rand.New(rand.NewPCG(1, 1))
		flows := make([]engine.Flow, 1<<13)
		for i := range flows {
			flows[i] = engine.Flow{Src: engine.EndpointID(r.IntN(pods)), Dst: engine.EndpointID(r.IntN(pods)),
				Protocol: model.TCP, Port: []uint16{80, 8080, 1005, 9050}[i%4]}
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			x.Verdict(flows[i&(1<<13-1)])
			i++
		}
	})
}

// BenchmarkBetween asks for all ports of random pairs of pods.
func BenchmarkBetween(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		x := compile(b, snapshot(b, s, pods))
		r := rand.New(rand.NewPCG(1, 1))
		b.ReportAllocs()
		for b.Loop() {
			x.Between(engine.EndpointID(r.IntN(pods)), engine.EndpointID(r.IntN(pods)))
		}
	})
}

// BenchmarkAnyToInternet asks whether any pod with a label reaches the
// internet, and how many do.
func BenchmarkAnyToInternet(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		x := compile(b, snapshot(b, s, pods))
		from, err := solver.ParseExpr("tier=web")
		if err != nil {
			b.Fatal(err)
		}
		src, err := solver.Resolve(x, from)
		if err != nil {
			b.Fatal(err)
		}
		internet, err := solver.ParseExpr("internet")
		if err != nil {
			b.Fatal(err)
		}
		dst, err := solver.Resolve(x, internet)
		if err != nil {
			b.Fatal(err)
		}
		ports, err := solver.ParsePorts("443")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if a := solver.Ask(x, solver.Question{From: src, To: dst, Ports: ports}); a.Truth != solver.Yes {
				b.Fatal(a.Truth)
			}
		}
	})
}

// ends resolves an expression.
func ends(b *testing.B, x *engine.Index, expr string) solver.Ends {
	b.Helper()
	e, err := solver.Find(x, expr)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// ask asks about one pair of sides, at any port and at one.
func ask(b *testing.B, from, to string, truth solver.Truth) {
	for _, port := range []string{"any", "443"} {
		b.Run(port, func(b *testing.B) {
			each(b, 10_000, func(b *testing.B, s Shape, pods int) {
				x := compile(b, snapshot(b, s, pods))
				q := solver.Question{From: ends(b, x, from), To: ends(b, x, to)}
				var err error
				if q.Ports, err = solver.ParsePorts(strings.TrimPrefix(port, "any")); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if a := solver.Ask(x, q); a.Truth != truth {
						b.Fatal(a.Truth)
					}
				}
			})
		})
	}
}

// BenchmarkAskClusterToCluster asks whether any pod reaches any other, and how
// many do.
func BenchmarkAskClusterToCluster(b *testing.B) { ask(b, "cluster", "cluster", solver.Yes) }

// BenchmarkAskNodes asks about hosts that are named, so that their own pods
// count.
func BenchmarkAskNodes(b *testing.B) { ask(b, "nodes", "cluster", solver.Yes) }

// BenchmarkList lists every connection, outside addresses included.
func BenchmarkList(b *testing.B) {
	for _, by := range []struct {
		name string
		by   solver.By
	}{{"workload", solver.ByWorkload}, {"pod", solver.ByPod}} {
		b.Run(by.name, func(b *testing.B) {
			each(b, 1_000, func(b *testing.B, s Shape, pods int) {
				x := compile(b, snapshot(b, s, pods))
				every := ends(b, x, "any")
				b.ReportAllocs()
				for b.Loop() {
					if l := solver.List(x, every, every, by.by); len(l.Certain) == 0 {
						b.Fatal("no row")
					}
				}
			})
		})
	}
}

// BenchmarkExplain explains random flows.
func BenchmarkExplain(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		x := compile(b, snapshot(b, s, pods))
		r := rand.New(rand.NewPCG(1, 1))
		x.Addr(netip.MustParseAddr("8.8.8.8"))
		b.ReportAllocs()
		for b.Loop() {
			x.Explain(engine.Flow{Src: engine.EndpointID(r.IntN(pods)), Dst: engine.EndpointID(r.IntN(pods)), Protocol: model.TCP, Port: 80, Family: engine.Only(model.IPv4)})
		}
	})
}

// updatable compiles a snapshot for changes, and does what the first one costs.
func updatable(b *testing.B, s *model.Snapshot) *engine.Index {
	b.Helper()
	x, err := engine.Compile(s, engine.Options{Updates: true})
	if err != nil {
		b.Fatal(err)
	}
	if x, err = x.Apply(model.Delta{Pods: s.Pods[:1]}); err != nil {
		b.Fatal(err)
	}
	return x
}

// apply applies deltas one after the other, and fails if more than one in a
// hundred compiles.
func apply(b *testing.B, x *engine.Index, next func(i int) model.Delta) {
	b.Helper()
	before := x.Updates()
	b.ReportAllocs()
	i := 0
	var err error
	for b.Loop() {
		if x, err = x.Apply(next(i)); err != nil {
			b.Fatal(err)
		}
		i++
	}
	if n := x.Updates().Compiled - before.Compiled; n*100 > i {
		b.Fatalf("%d of %d changes compiled", n, i)
	}
}

// BenchmarkPodChurn deletes a pod, and adds it again in the next change.
func BenchmarkPodChurn(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		apply(b, updatable(b, snap), func(i int) model.Delta {
			k := i / 2 * 7919 % pods
			if p := &snap.Pods[k]; i%2 == 0 {
				return model.Delta{Gone: []model.PodName{{Namespace: p.Namespace, Name: p.Name}}}
			}
			return model.Delta{Pods: snap.Pods[k : k+1]}
		})
	})
}

// BenchmarkPodRelabel gives a pod the labels of another of its namespace, which
// is another class.
func BenchmarkPodRelabel(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		apply(b, updatable(b, snap), func(i int) model.Delta {
			k := i * 7919 % pods
			p := snap.Pods[k]
			if other := &snap.Pods[k/podsPerNamespace*podsPerNamespace+i%podsPerNamespace]; other.Namespace == p.Namespace {
				p.Labels, p.Ports = other.Labels, other.Ports
			}
			return model.Delta{Pods: []model.Pod{p}}
		})
	})
}

// BenchmarkPolicyChange deletes a policy, and adds it again in the next change.
func BenchmarkPolicyChange(b *testing.B) {
	each(b, 100_000, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		var changes []model.PolicyChange
		at := map[model.ObjectRef]int{}
		for _, r := range snap.Rules {
			if r.Object == (model.ObjectRef{}) {
				continue
			}
			k, ok := at[r.Object]
			if !ok {
				k = len(changes)
				at[r.Object] = k
				changes = append(changes, model.PolicyChange{Object: r.Object})
			}
			changes[k].Rules = append(changes[k].Rules, r)
		}
		apply(b, updatable(b, snap), func(i int) model.Delta {
			c := changes[i/2*7919%len(changes)]
			if i%2 == 0 {
				c.Rules = nil
			}
			return model.Delta{Policies: []model.PolicyChange{c}}
		})
	})
}
