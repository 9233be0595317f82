package bench

import (
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// ranges are where the pods of all shapes have their addresses.
var ranges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/64")}

// read takes inputs to a snapshot.
func read(t testing.TB, in manifest.Input) *model.Snapshot {
	t.Helper()
	state := cluster.New(cluster.Options{PodCIDRs: ranges})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{in}, state.Ledger()) {
		state.Put(o)
	}
	s := state.Snapshot()
	require.Empty(t, state.Ledger().Diagnostics)
	return s
}

// stream is a cluster as input, made while it is read.
func stream(s Shape, pods int) manifest.Input {
	return manifest.Input{Name: s.Name + ".jsonl", Open: func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(s.WriteTo(w, pods)) }()
		return r, nil
	}}
}

// made is a cluster that benchmarks of this process share.
type made struct {
	once sync.Once
	snap *model.Snapshot

	index sync.Once
	x     *engine.Index
	heap  int64 // that x keeps, beside the snapshot
}

var clusters sync.Map // "shape/size" -> *made

func cached(s Shape, pods int) *made {
	v, _ := clusters.LoadOrStore(s.Name+"/"+sizeName(pods), &made{})
	return v.(*made)
}

func snapshot(t testing.TB, s Shape, pods int) *model.Snapshot {
	t.Helper()
	m := cached(s, pods)
	m.once.Do(func() { m.snap = read(t, stream(s, pods)) })
	return m.snap
}

func compile(t testing.TB, s *model.Snapshot, o engine.Options) *engine.Index {
	t.Helper()
	x, err := engine.Compile(s, o)
	require.NoError(t, err)
	return x
}

// index returns the index of a cluster, and the bytes that it keeps.
func index(t testing.TB, s Shape, pods int) (*engine.Index, int64) {
	t.Helper()
	snap := snapshot(t, s, pods)
	m := cached(s, pods)
	m.index.Do(func() {
		before := heap()
		m.x = compile(t, snap, engine.Options{})
		m.heap = heap() - before
	})
	return m.x, m.heap
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// report says beside the time what the index is like.
func report(b *testing.B, s Shape, pods int) {
	b.Helper()
	b.StopTimer()
	x, heap := index(b, s, pods)
	b.ReportMetric(float64(x.Classes()), "classes")
	b.ReportMetric(float64(x.AddressAtoms()), "addr-atoms")
	b.ReportMetric(float64(len(x.PortAtoms())), "port-atoms")
	b.ReportMetric(float64(heap)/float64(pods), "heap-B/pod")
}

// perSecond reports how many answers n a round come to.
func perSecond(b *testing.B, n float64) {
	b.Helper()
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "verdicts/s")
}

// BenchmarkCompile compiles a snapshot.
func BenchmarkCompile(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		b.ReportAllocs()
		for b.Loop() {
			compile(b, snap, engine.Options{})
		}
		report(b, s, pods)
	})
}

// ports are what the shapes' policies speak of, and one that none does.
var ports = []uint16{80, 8080, 1005, 9050}

// flows are connections between random pods.
func flows(x *engine.Index) []engine.Flow {
	pods := len(x.Snapshot().Pods)
	r := rand.New(rand.NewPCG(1, 1))
	out := make([]engine.Flow, 1<<16)
	for i := range out {
		out[i] = engine.Flow{Src: engine.EndpointID(r.IntN(pods)), Dst: engine.EndpointID(r.IntN(pods)), Protocol: model.TCP, Port: ports[i%len(ports)]}
	}
	return out
}

// BenchmarkVerdict asks about random pairs of pods, one port each.
func BenchmarkVerdict(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		list := flows(x)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			x.Verdict(list[i&(len(list)-1)])
			i++
		}
		perSecond(b, 1)
		report(b, s, pods)
	})
}

// BenchmarkExplain explains random flows.
func BenchmarkExplain(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		list := flows(x)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			x.Explain(list[i&(len(list)-1)])
			i++
		}
		perSecond(b, 1)
		report(b, s, pods)
	})
}

// ends resolves an expression.
func ends(b *testing.B, x *engine.Index, expr string) solver.Ends {
	b.Helper()
	e, err := solver.Find(x, expr)
	require.NoError(b, err)
	return e
}

// BenchmarkAnyToInternet asks the standing column of the internet whether any
// of all pods reaches it, and how many do.
func BenchmarkAnyToInternet(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		x, _ := index(b, s, pods)
		p, err := solver.ParsePorts("443")
		require.NoError(b, err)
		from := ends(b, x, "cluster").Set
		column := x.Column(ends(b, x, "internet").Set, p.Set)
		b.ReportAllocs()
		for b.Loop() {
			if v, _ := column.Any(from); v != model.Allowed {
				b.Fatal(v)
			}
			if n, _ := column.Count(from); n == 0 {
				b.Fatal("none")
			}
		}
		perSecond(b, float64(from.Pods()))
		report(b, s, pods)
	})
}

// BenchmarkAllPairs goes over the port-exact relation of all classes of a new
// Index, and counts the pairs of pods that connect on some port.
func BenchmarkAllPairs(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		snap := snapshot(b, s, pods)
		rows := 0
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			x := compile(b, snap, engine.Options{})
			b.StartTimer()
			pairs := 0
			rows = 0
			for row := range x.Rows() {
				rows++
				for i := range row.Layers {
					pairs += row.Pairs(i)
				}
			}
			if pairs == 0 {
				b.Fatal("no pair")
			}
		}
		perSecond(b, float64(pods)*float64(pods))
		b.ReportMetric(float64(rows), "rows")
		report(b, s, pods)
	})
}
