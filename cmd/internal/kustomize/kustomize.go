// Package kustomize builds a kustomization by the user's own kustomize or
// kubectl. (As a library it is 128 packages more, a third of the whole command.)
package kustomize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Files are the names under which a folder may hold its kustomization.
var Files = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Built is what a kustomization stands for.
type Built struct {
	Text []byte // the objects as YAML documents, as the tool prints them
	// Fetched are the repositories that the build has read from elsewhere.
	Fetched []string

	began []began // sorted by line
}

// began says which file the object began as whose document is at a line.
type began struct {
	line int
	file string // "" when that is not known
}

// File is the file that the object at a line of Text began as, "" when that is
// not known.
func (b *Built) File(line int) string {
	i, exact := slices.BinarySearchFunc(b.began, line, func(x began, line int) int { return x.line - line })
	if !exact {
		i--
	}
	if i < 0 {
		return ""
	}
	return b.began[i].file
}

// origin is what kustomize notes on an object on demand
// (https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/buildmetadata/).
const origin = "config.kubernetes.io/origin"

// File is the kustomization of a folder, "" if it has none.
func File(dir string) string {
	for _, name := range Files {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// Build builds the kustomization of a folder. An error is what the tool says,
// in one line.
//
// The folder is built as it is. Which file an object comes from is then asked
// of a second build, of a kustomization in a temporary folder that only names
// this one and wants origins: what it builds is not used, for the outermost
// kustomization has a say in the result.
func Build(ctx context.Context, dir string) (Built, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return Built{}, err
	case !info.IsDir():
		return Built{}, errors.New("not a folder")
	case File(dir) == "":
		return Built{}, fmt.Errorf("holds none of %s", strings.Join(Files, ", "))
	}
	tool, err := find()
	if err != nil {
		return Built{}, err
	}
	text, err := tool.run(ctx, dir)
	if err != nil {
		return Built{}, err
	}
	origins, fetched := tool.origins(ctx, dir)
	b := Built{Text: text, Fetched: fetched}
	line := 1
	for _, d := range documents(text) {
		o, _ := parse(d)
		b.began = append(b.began, began{line, origins[o.identity()]})
		line += bytes.Count(d, []byte("\n")) + 1 // and the separator
	}
	return b, nil
}

// tool is a command that builds the folder that is its last argument.
type tool []string

func find() (tool, error) {
	if path, err := exec.LookPath("kustomize"); err == nil {
		return tool{path, "build"}, nil
	}
	if path, err := exec.LookPath("kubectl"); err == nil {
		return tool{path, "kustomize"}, nil
	}
	return nil, errors.New("there is neither kustomize nor kubectl on the PATH, and a kustomization is built by one of them")
}

func (t tool) run(ctx context.Context, dir string) ([]byte, error) {
	if strings.HasPrefix(dir, "-") {
		dir = "./" + dir
	}
	cmd := exec.CommandContext(ctx, t[0], append(slices.Clone(t[1:]), dir)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err == nil {
		return text, nil
	}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	said := strings.Join(strings.Fields(stderr.String()), " ")
	said = strings.TrimPrefix(strings.TrimPrefix(said, "Error: "), "error: ")
	if said == "" {
		said = err.Error()
	}
	return nil, fmt.Errorf("%s %s: %s", filepath.Base(t[0]), t[1], said)
}

// origins maps objects to the files that they began as. It is empty when the
// tool cannot say.
func (t tool) origins(ctx context.Context, dir string) (files map[identity]string, fetched []string) {
	around, err := os.MkdirTemp("", "podreach-kustomize-")
	if err != nil {
		return nil, nil
	}
	defer os.RemoveAll(around) //nolint:errcheck // it is the system's temporary folder
	// Both without links: one in between would make the relative path lead elsewhere.
	real, err := filepath.EvalSymlinks(around)
	if err != nil {
		return nil, nil
	}
	inner, err := filepath.Abs(dir)
	if err == nil {
		inner, err = filepath.EvalSymlinks(inner)
	}
	if err != nil {
		return nil, nil
	}
	relative, err := filepath.Rel(real, inner) // kustomize takes no absolute one
	if err != nil {
		return nil, nil
	}
	outer, err := yaml.Marshal(map[string]any{"resources": []string{filepath.ToSlash(relative)}, "buildMetadata": []string{"originAnnotations"}})
	if err != nil || os.WriteFile(filepath.Join(real, Files[0]), outer, 0o600) != nil {
		return nil, nil
	}
	text, err := t.run(ctx, real)
	if err != nil {
		return nil, nil
	}
	files = map[identity]string{}
	for _, d := range documents(text) {
		o, ok := parse(d)
		var from struct{ Path, Repo, Ref, ConfiguredIn string }
		if !ok || yaml.Unmarshal([]byte(o.Metadata.Annotations[origin]), &from) != nil {
			continue
		}
		if from.Path == "" {
			from.Path = from.ConfiguredIn // a generator's
		}
		switch {
		case from.Path == "":
		case from.Repo != "":
			repository := strings.TrimSuffix(from.Repo+"@"+from.Ref, "@")
			files[o.identity()] = repository + "/" + from.Path
			if !slices.Contains(fetched, repository) {
				fetched = append(fetched, repository)
			}
		default:
			files[o.identity()] = named(filepath.Join(real, filepath.FromSlash(from.Path)))
		}
	}
	slices.Sort(fetched)
	return files, fetched
}

// named is a file as seen from the current folder, when it is below.
func named(file string) string {
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err == nil {
		if relative, err := filepath.Rel(here, file); err == nil && filepath.IsLocal(relative) {
			return filepath.ToSlash(relative)
		}
	}
	return filepath.ToSlash(file)
}

// object is as much of an object as tells it apart from others.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
}

type identity struct{ apiVersion, kind, namespace, name string }

func (o *object) identity() identity {
	return identity{o.APIVersion, o.Kind, o.Metadata.Namespace, o.Metadata.Name}
}

func parse(document []byte) (*object, bool) {
	o := &object{}
	return o, yaml.Unmarshal(document, o) == nil && o.Kind != ""
}

// separator is what kustomize writes between documents; nothing inside of one
// begins a line with it, for block scalars are indented.
var separator = []byte("---\n")

func documents(text []byte) [][]byte {
	var out [][]byte
	start := 0
	for at := 0; at < len(text); {
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if bytes.Equal(text[at:end], separator) {
			out = append(out, text[start:at])
			start = end
		}
		at = end
	}
	return append(out, text[start:])
}
