// Package layers keeps the floors of the house: which package may import
// which. Its test reads `go list` and fails on an import that the table below
// does not allow, and on a package that has no floor.
package layers

import (
	"slices"
	"strings"
)

const module = "github.com/podreach/podreach"

// floor says what the packages of a folder may import besides the standard
// library. A pattern is a path, or a path with "/..." for everything at and
// below it. Inside the module paths are relative to its root.
type floor struct {
	packages string   // whom it is for; see floorOf
	imports  []string // from this module
	modules  []string // from other modules: each requirement has one home
	tests    []string // what its test files may import from this module in addition
}

// Test files may in addition import their own package and testModules.
var floors = []floor{
	// The vocabulary: the standard library only.
	{packages: "model"},
	// What every dialect and reader shares. A dialect lowers one API.
	{packages: "model/dialect",
		imports: []string{"model"}},
	{packages: "model/dialect/...",
		imports: []string{"model", "model/dialect", "model/dialect/meta", "internal/nearest"},
		modules: kubernetes},
	// Which custom resources make pods, as data.
	{packages: "model/manifest/custom",
		imports: []string{"internal/nearest"},
		modules: []string{"go.yaml.in/yaml/v3", "k8s.io/client-go/util/jsonpath", "k8s.io/apimachinery/pkg/util/validation"}},
	// Bytes to objects.
	{packages: "model/manifest",
		imports: []string{"model", "model/dialect", "model/manifest/custom", "internal/nearest"},
		modules: slices.Concat(kubernetes, []string{"go.yaml.in/yaml/v3", "sigs.k8s.io/yaml", "github.com/go-json-experiment/json/...",
			"github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"}),
		tests: []string{"model/dialect/netpol"}},
	// Objects to a snapshot: the one place that knows readers and dialects.
	{packages: "model/cluster",
		imports: []string{"model", "model/dialect/...", "model/manifest/...", "internal/nearest"},
		modules: kubernetes,
		tests:   []string{"internal/gen"}}, // changes of generated clusters

	// Snapshot to index. No Kubernetes here: a snapshot is plain data.
	{packages: "engine",
		imports: []string{"model"},
		modules: []string{"github.com/bits-and-blooms/bitset", "go4.org/netipx"},
		tests:   []string{"model/...", "internal/oracle", "internal/gen", "corpus"}},
	{packages: "engine/internal/...",
		imports: []string{"model"},
		modules: []string{"github.com/bits-and-blooms/bitset", "go4.org/netipx"}},
	// Questions over an index. Of the dialects only the diagnostics.
	{packages: "solver",
		imports: []string{"engine", "model", "model/dialect", "internal/nearest"},
		modules: []string{"go4.org/netipx", "github.com/bits-and-blooms/bitset"},
		tests:   []string{"model/...", "internal/oracle", "internal/gen", "corpus"}},
	// Assertions files to assertions: the one place of solver that knows YAML.
	{packages: "solver/assertionset",
		imports: []string{"solver", "model", "model/dialect", "internal/nearest", "docs/schema"},
		modules: []string{"go.yaml.in/yaml/v3", "github.com/santhosh-tekuri/jsonschema/v6/..."}},
	{packages: "docs/schema"}, // what of the schemas the command itself uses

	// The reference shares no code with what it judges: of model only plain
	// values (see TestOracleUsesPlainValuesOnly), and neither lowering nor
	// engine, not even in its tests.
	{packages: "internal/oracle",
		imports: []string{"model"},
		modules: kubernetes,
		tests:   []string{"internal/gen"}},
	{packages: "internal/gen",
		imports: []string{"model"},
		modules: slices.Concat(kubernetes, []string{"sigs.k8s.io/yaml"}), // it prints what it made as manifests
		tests:   []string{"model/...", "internal/oracle"}},
	{packages: "internal/nearest"},
	{packages: "internal/layers"},
	{packages: "internal/mutate"}, // reads sources, imports none of them
	// Cases for any implementation. That engine and oracle pass them is tested
	// here too.
	{packages: "corpus",
		imports: []string{"model/...", "internal/oracle"},
		modules: slices.Concat(kubernetes, []string{"golang.org/x/tools/txtar", "sigs.k8s.io/yaml", "github.com/stretchr/testify"}),
		tests:   []string{"engine"}},

	// Comparisons and measurements see everything but the command.
	{packages: "fuzz/soak", imports: []string{"fuzz", "internal/gen"}, modules: testModules},
	{packages: "fuzz/...", imports: everythingBelowCmd, modules: slices.Concat(kubernetes, testModules, []string{"go4.org/netipx"})},
	// Shapes are measured against other programs too.
	{packages: "bench/versus"},
	{packages: "bench/command", imports: []string{"bench", "bench/versus"}, modules: slices.Concat(kubernetes, []string{"sigs.k8s.io/yaml"})},
	{packages: "bench/...", imports: slices.Concat(everythingBelowCmd, []string{"solver/assertionset"}), modules: slices.Concat(kubernetes, testModules)},

	// The command.
	{packages: "cmd/podreach",
		imports: []string{"cmd/internal/..."}},
	{packages: "cmd/internal/live", // streams for the reader, of the kinds that cluster knows
		imports: []string{"model/manifest", "model/manifest/custom", "model/cluster"}},
	{packages: "cmd/internal/...",
		imports: []string{"cmd/internal/...", "solver/...", "engine", "model/...", "internal/nearest"},
		modules: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "go.yaml.in/yaml/v3", "sigs.k8s.io/yaml", "go4.org/netipx",
			"github.com/schollz/progressbar/v3", "golang.org/x/term"},
		tests: []string{"internal/oracle", "internal/gen", "corpus"}},
}

var (
	kubernetes         = []string{"k8s.io/api/...", "k8s.io/apimachinery/...", "k8s.io/utils/...", "sigs.k8s.io/network-policy-api/apis/..."}
	everythingBelowCmd = []string{"model/...", "engine", "solver", "corpus", "internal/..."}

	// testModules are what the test files of any package may import.
	testModules = []string{"github.com/stretchr/testify/...", "github.com/rogpeppe/go-internal/...", "golang.org/x/tools/txtar",
		"sigs.k8s.io/yaml", "go.yaml.in/yaml/v3", "k8s.io/...", "github.com/santhosh-tekuri/jsonschema/v6", "github.com/klauspost/compress/..."}
)

// lean are the packages that a library user gets without paying for more:
// nothing that they need, directly or not, is outside these modules.
var lean = map[string][]string{
	"model":  nil,
	"engine": {"github.com/bits-and-blooms/bitset", "go4.org/netipx/..."},
	"solver": {"github.com/bits-and-blooms/bitset", "go4.org/netipx/..."},
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// check returns what the packages do that the floors do not allow, sorted. The
// packages are those of the module with all that they depend on.
func check(packages []listed) []string {
	var problems []string
	for _, p := range packages {
		own, inModule := relative(p.ImportPath)
		if !inModule {
			continue
		}
		f, ok := floorOf(own)
		if !ok {
			problems = append(problems, own+" has no floor")
			continue
		}
		inTests := f
		inTests.imports = slices.Concat(f.imports, f.tests, []string{own})
		inTests.modules = slices.Concat(f.modules, testModules)
		problems = append(problems, f.forbidden(own, p.Imports)...)
		problems = append(problems, inTests.forbidden(own+" (test)", slices.Concat(p.TestImports, p.XTestImports))...)
	}
	for root, modules := range lean {
		problems = append(problems, overweight(packages, root, modules)...)
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

// forbidden names the imports that f does not allow.
func (f floor) forbidden(who string, imports []string) (problems []string) {
	for _, path := range imports {
		if standard(path) {
			continue
		}
		to, inModule := relative(path)
		if inModule && !matchAny(f.imports, to) || !inModule && !matchAny(f.modules, path) {
			problems = append(problems, who+" imports "+to)
		}
	}
	return problems
}

// overweight names what a lean package depends on and should not, with the
// chain of imports that leads there.
func overweight(packages []listed, root string, modules []string) (problems []string) {
	imports := map[string][]string{}
	for _, p := range packages {
		imports[p.ImportPath] = p.Imports
	}
	seen := map[string]bool{}
	var walk func(path, chain string)
	walk = func(path, chain string) {
		if standard(path) || seen[path] {
			return
		}
		seen[path] = true
		if _, inModule := relative(path); !inModule && !matchAny(modules, path) {
			problems = append(problems, root+" depends on "+path+": "+chain)
			return
		}
		for _, next := range imports[path] {
			walk(next, chain+" -> "+next)
		}
	}
	walk(module+"/"+root, root)
	return problems
}

// standard reports whether path is of the standard library, by the rule of the
// go command: there is no dot in its first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// relative is the path of a package inside the module.
func relative(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// floorOf is the floor that names path, else that of the nearest folder above.
func floorOf(path string) (floor, bool) {
	var best floor
	for _, f := range floors {
		switch {
		case f.packages == path:
			return f, true
		case match(f.packages, path) && len(f.packages) > len(best.packages):
			best = f
		}
	}
	return best, best.packages != ""
}

func match(pattern, path string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == folder || strings.HasPrefix(path, folder+"/")
	}
	return path == pattern
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, path) })
}
