// Package demo holds the example cluster that is built into the command:
// `podreach demo` tours it and every command reads it as `-f demo:`.
//
// It is a generative-AI cluster as a live snapshot, with careful policies and
// three mistakes that a review would miss. cluster/README.md describes it,
// with the exact pods and connections that each mistake opens or closes.
package demo

import (
	"embed"
	"io/fs"
	"slices"
)

//go:embed cluster/*.yaml cluster/policies/*.yaml
var embedded embed.FS

// AssertionsName is the name of the assertions file; it is no part of the
// cluster.
const AssertionsName = "assertions.yaml"

//go:embed assertions.yaml
var assertions []byte

// Assertions returns the text of the assertions file, a copy.
func Assertions() []byte { return slices.Clone(assertions) }

// Files returns the manifests. It is read-only, never changes and is safe for
// concurrent use; its paths are those that Names lists.
func Files() fs.FS {
	sub, err := fs.Sub(embedded, "cluster")
	if err != nil {
		panic(err) // "cluster" is a valid path
	}
	return sub
}

// Names lists the paths of the manifests in Files, sorted: the order in which
// they are to be read. The caller owns the slice.
func Names() []string {
	names := make([]string, 0, 16)
	err := fs.WalkDir(Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		panic(err) // an embedded file system cannot fail
	}
	slices.Sort(names)
	return names
}
