package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is a package that is mutated: its files, parsed and type-checked.
type source struct {
	folder string // below the root of the module
	path   string // import path
	names  []string
	text   [][]byte
	files  []*ast.File
	fset   *token.FileSet
	types  *types.Package
	info   *types.Info
	config *types.Config
}

// load reads the packages of the folders. What they import is taken from the
// compiler's export data, which `go list` names.
func load(root string, folders []string) ([]*source, error) {
	list := exec.Command("go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export,Module"}, dotted(folders)...)...)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
		Module                  *struct {
			Main      bool
			GoVersion string
		}
	}
	export := map[string]string{}
	inFolder := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		export[p.ImportPath] = p.Export
		if folder, err := filepath.Rel(root, p.Dir); err == nil && p.Module != nil && p.Module.Main {
			inFolder[filepath.ToSlash(folder)] = p
		}
	}
	fset := token.NewFileSet()
	from := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(export[path]) })
	var sources []*source
	for _, folder := range folders {
		p, ok := inFolder[folder]
		if !ok {
			return nil, fmt.Errorf("no package in %s", folder)
		}
		s := &source{folder: folder, path: p.ImportPath, fset: fset, config: &types.Config{Importer: from, GoVersion: "go" + p.Module.GoVersion}}
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			if err := s.add(name, text); err != nil {
				return nil, err
			}
		}
		if err := s.check(); err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

func dotted(folders []string) []string {
	out := make([]string, len(folders))
	for i, f := range folders {
		out[i] = "./" + f
	}
	return out
}

func (s *source) add(name string, text []byte) error {
	f, err := parser.ParseFile(s.fset, name, text, parser.SkipObjectResolution)
	s.names, s.text, s.files = append(s.names, name), append(s.text, text), append(s.files, f)
	return err
}

func (s *source) check() error {
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	p, err := s.config.Check(s.path, s.fset, s.files, s.info)
	s.types = p
	return err
}

// compiles reports whether the package is still correct with a mutant in it,
// and, where that is of a variable's value, whether the type is the same.
func (m *mutant) compiles() bool {
	s := m.source
	f, err := parser.ParseFile(s.fset, s.names[m.file], m.mutated(), parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	files := slices.Clone(s.files)
	files[m.file] = f
	p, err := s.config.Check(s.path, s.fset, files, nil)
	if err != nil {
		return false
	}
	return !m.of.value || p.Scope().Lookup(m.function).Type().String() == s.types.Scope().Lookup(m.function).Type().String()
}
