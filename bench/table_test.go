package bench

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run is one shape on which an operation runs, in the given sizes, and what it
// shows there that no other run of the operation does.
type run struct {
	op, shape string
	sizes     []int
	why       string
}

const (
	k1, k10, k100 = 1_000, 10_000, 100_000
	m1            = 1_000_000
)

// table says what runs. A run costs the reader of the results as much as it
// costs the machine: there are at most mostRuns.
var table = []run{
	{"ReadJSON", "replicas", []int{k10, k100}, "what kubectl prints of an ordinary cluster; how it grows"},
	{"ReadJSON", "medium", []int{k10}, "where most of the text is policies"},
	{"ReadYAML", "replicas", []int{k1, k10}, "the same objects; how it grows"},

	{"Compile", "replicas", []int{k1, k10, k100, m1}, "the ordinary cluster: growth from small to the largest there are"},
	{"Compile", "unique", []int{k10, k100, m1}, "as many classes as pods: the worst that labels can do"},
	{"Compile", "ai", []int{k100}, "labels that all differ and of which few matter"},
	{"Compile", "tiers", []int{k100}, "what admin policies add to replicas"},
	{"Compile", "antrea-xl", []int{k100}, "many namespaces; another program's times are published"},
	{"Compile", "identical", []int{k10}, "equal policies must merge"},
	{"Compile", "per-pod", []int{k10}, "a selector for each pod of one namespace: what is linear in both is square"},
	{"Compile", "medium", []int{k100}, "no two selectors are equal, and each goes through ten namespaces"},

	{"Verdict", "replicas", []int{k100, m1}, "in the processor's cache, and out of it"},
	{"Verdict", "unique", []int{k100, m1}, "programs as many as pods"},
	{"Verdict", "tiers", []int{k100}, "long programs"},

	{"AnyToInternet", "replicas", []int{k100, m1}, "a pass over the bits of the sources"},
	{"AnyToInternet", "unique", []int{m1}, "must cost the same, whatever the classes"},

	{"AllPairs", "replicas", []int{k10, k100}, "growth with the square of the classes, for all that rows do"},
	{"AllPairs", "unique", []int{k10}, "as many classes as pods"},
	{"AllPairs", "medium", []int{k10}, "few classes, many entries"},

	{"Explain", "replicas", []int{k100}, "the ordinary cluster"},
	{"Explain", "tiers", []int{k100}, "long programs"},

	{"PolicyChange", "replicas", []int{k100, m1}, "ten pods selected; what grows with the cluster beside them"},
	{"PolicyChange", "unique", []int{k100}, "one class selected"},
	{"PolicyChange", "identical", []int{k10}, "a change that changes nothing"},

	{"PodChurn", "replicas", []int{k10, k100}, "must not grow"},
	{"PodRelabel", "replicas", []int{k100}, "into a class that there is"},

	{"Diff", "replicas", []int{k10}, "a policy less: what grows with the cluster beside what it selects"},
	{"Diff", "unique", []int{k10}, "rows to as many classes as pods"},
	{"DiffMany", "replicas", []int{k100}, "a hundredth of the policies less: must stay below compiling"},
	{"DiffNothing", "replicas", []int{k10}, "to see that nothing differs"},

	{"Check", "replicas", []int{k10}, "ten assertions of an ordinary cluster"},
	{"Check", "unique", []int{k10}, "as many classes as pods"},
}

const mostRuns = 45

// sizeName is the size as it stands in the name of a benchmark.
func sizeName(pods int) string {
	if pods >= m1 {
		return fmt.Sprint(pods/m1, "M")
	}
	return fmt.Sprint(pods/k1, "k")
}

func shapeOf(name string) Shape {
	for _, s := range Shapes {
		if s.Name == name {
			return s
		}
	}
	panic("no shape " + name)
}

// each runs what the table has for the operation after which b is named.
func each(b *testing.B, f func(b *testing.B, s Shape, pods int)) {
	op := strings.TrimPrefix(b.Name(), "Benchmark")
	for _, r := range table {
		if r.op != op {
			continue
		}
		for _, pods := range r.sizes {
			b.Run(r.shape+"/"+sizeName(pods), func(b *testing.B) { f(b, shapeOf(r.shape), pods) })
			if pods >= m1 {
				clusters.Delete(r.shape + "/" + sizeName(pods)) // or the collector would go through it in all that follow
			}
		}
	}
}

// What the table says runs, nothing else does, and it is not too much.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	ops, shapes := map[string]bool{}, map[string]bool{}
	for _, r := range table {
		require.NotEmpty(t, r.why)
		require.Contains(t, r.op+r.shape, shapeOf(r.shape).Name)
		ops[r.op], shapes[r.shape] = true, true
		for _, pods := range r.sizes {
			name := r.op + "/" + r.shape + "/" + sizeName(pods)
			require.False(t, names[name], name)
			names[name] = true
		}
	}
	require.LessOrEqual(t, len(names), mostRuns)
	for _, s := range Shapes {
		require.True(t, shapes[s.Name], s.Name)
	}

	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool { return strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // one folder, no build tags
	require.NoError(t, err)
	functions := map[string]bool{}
	for _, file := range packages["bench"].Files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Benchmark") {
				functions[strings.TrimPrefix(f.Name.Name, "Benchmark")] = true
			}
		}
	}
	require.Equal(t, ops, functions)
}
