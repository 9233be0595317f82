package layers

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.." // of the module

func TestFloors(t *testing.T) {
	packages := list(t)
	require.True(t, slices.ContainsFunc(packages, func(p listed) bool { return p.ImportPath == module+"/model" }), "go list sees the module")
	require.Empty(t, check(packages))
}

// list is every package of the module and all that they depend on.
func list(t *testing.T) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		require.NoError(t, d.Decode(&p))
		packages = append(packages, p)
	}
	return packages
}

// Each row is a package that breaks one rule, and what check says of it.
func TestCheckFindsEachKindOfBreach(t *testing.T) {
	at := func(path string, imports ...string) listed {
		return listed{ImportPath: module + "/" + path, Imports: imports}
	}
	test := func(p listed, imports ...string) listed { p.XTestImports = imports; return p }
	in := func(path string) string { return module + "/" + path }
	for _, c := range []struct {
		name     string
		packages []listed
		want     []string
	}{
		{"nothing", nil, nil},
		{"the straight line", []listed{
			at("model", "strings"),
			at("model/cluster", in("model"), in("model/dialect"), in("model/dialect/netpol"), in("model/manifest"), "k8s.io/api/networking/v1"),
			at("engine", in("model"), "github.com/bits-and-blooms/bitset"),
			at("solver", in("engine"), in("model")),
			at("cmd/podreach", in("cmd/internal/cli")),
		}, nil},
		{"upwards", []listed{at("model", in("engine"))}, []string{"model imports engine"}},
		{"sideways", []listed{at("model/manifest", in("model/dialect/netpol"))}, []string{"model/manifest imports model/dialect/netpol"}},
		{"dialect to dialect", []listed{at("model/dialect/cilium", in("model/dialect/netpol"))}, []string{"model/dialect/cilium imports model/dialect/netpol"}},
		{"parent of the dialects", []listed{at("model/dialect", in("internal/nearest"))}, []string{"model/dialect imports internal/nearest"}},
		{"oracle to engine", []listed{at("internal/oracle", in("engine"))}, []string{"internal/oracle imports engine"}},
		{"oracle's test to lowering", []listed{test(at("internal/oracle"), in("model/dialect/netpol"))}, []string{"internal/oracle (test) imports model/dialect/netpol"}},
		{"engine's test to oracle", []listed{test(at("engine"), in("internal/oracle"), in("engine"), "github.com/stretchr/testify/require")}, nil},
		{"to the command", []listed{at("fuzz", in("cmd/internal/demo"))}, []string{"fuzz imports cmd/internal/demo"}},
		{"to the fuzzers", []listed{at("corpus", in("fuzz"))}, []string{"corpus imports fuzz"}},
		{"testify outside tests", []listed{at("solver", "github.com/stretchr/testify/require")},
			[]string{"solver depends on github.com/stretchr/testify/require: solver -> github.com/stretchr/testify/require",
				"solver imports github.com/stretchr/testify/require"}},
		{"a module away from its home", []listed{at("model/cluster", "github.com/bits-and-blooms/bitset")}, []string{"model/cluster imports github.com/bits-and-blooms/bitset"}},
		{"no floor", []listed{at("engine2"), at("internal/other")}, []string{"engine2 has no floor", "internal/other has no floor"}},
		{"the module's root", []listed{{ImportPath: module}}, []string{". has no floor"}},
		{"heavy through another module", []listed{
			at("engine", "go4.org/netipx"),
			{ImportPath: "go4.org/netipx", Imports: []string{"k8s.io/api/core/v1"}},
		}, []string{"engine depends on k8s.io/api/core/v1: engine -> go4.org/netipx -> k8s.io/api/core/v1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, check(c.packages))
		})
	}
}

// plainValues is what the oracle may use of model: values that mean the same
// in any implementation, and nothing of the normal form.
var plainValues = []string{
	"Protocol", "TCP", "UDP", "SCTP", "NumProtocols", "ParseProtocol", "MaxPort", "NamedPort",
	"PortSet", "PortRange", "Port", "Ports", "AllPorts",
	"Family", "IPv4", "IPv6", "AnyFamily", "NumFamilies", "FamilyOf",
	"Verdict", "Unknown", "Allowed", "Denied", "Bounds",
	"Other", "OtherNo", "OtherUnspecified", "OtherYes",
	"ObjectRef", // the name of an API object
}

func TestOracleUsesPlainValuesOnly(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(root, "internal/oracle/*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		src, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, beyondPlainValues(t, name, src))
	}
	require.Equal(t, []string{"model.Rule"}, beyondPlainValues(t, "x.go",
		[]byte("package x\nimport \""+module+"/model\"\nvar r []model.Rule; var v model.Verdict")), "the check can fail")
}

func beyondPlainValues(t *testing.T, name string, src []byte) (found []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, i := range f.Imports {
		if strings.Trim(i.Path.Value, `"`) == module+"/model" {
			require.Nil(t, i.Name, "%s imports model under another name", name)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "model" && !slices.Contains(plainValues, s.Sel.Name) {
				found = append(found, "model."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}
