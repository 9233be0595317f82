package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/cmd/internal/demo"
)

// leastEdits is how many edits that make a difference there must be.
const leastEdits = 40

// How often each kind of edit is made in each cluster, and in how many places
// it is tried for that.
const (
	editsOfKind  = 2
	placesOfKind = 4
)

// editedClusters are what edits are made in: the files of each.
func editedClusters(t *testing.T) map[string]fs.FS {
	t.Helper()
	return map[string]fs.FS{"demo": demo.Files(), "shop": os.DirFS("testdata/edits")}
}

// Edits of seeded kinds and places are named by diff or lint, by their line: the
// one that has changed in the new file. For what is gone, it is a line of it in
// the old file, or that of the nearest key or element around it. Of
// rules in another order, the first line of either. An edit that neither
// opens nor closes anything, and that lint has nothing new to say of, does not count.
func TestEditsAreNamed(t *testing.T) {
	counted, without := 0, 0
	var table strings.Builder
	for _, name := range []string{"demo", "shop"} {
		files := editedClusters(t)[name]
		dir := t.TempDir()
		base := filepath.Join(dir, "old")
		require.NoError(t, os.CopyFS(base, files))
		var manuscripts []*manuscript
		require.NoError(t, fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := fs.ReadFile(files, path)
			manuscripts = append(manuscripts, newManuscript(t, path, string(text)))
			return err
		}))
		before, ok := lintOf(t, base)
		require.True(t, ok)
		for _, kind := range editKinds {
			var sites []func(r *rand.Rand) *edit
			for _, m := range manuscripts {
				for _, s := range m.spots {
					if kind.make(m, s, rand.New(rand.NewPCG(0, 0))) != nil {
						sites = append(sites, func(r *rand.Rand) *edit { return kind.make(m, s, r) })
					}
				}
			}
			seed := rand.New(rand.NewPCG(6, uint64(len(kind.name))))
			seed.Shuffle(len(sites), func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
			made := 0
			for i, site := range sites[:min(placesOfKind, len(sites))] {
				if made == editsOfKind {
					break
				}
				e := site(rand.New(rand.NewPCG(6, uint64(i))))
				now := filepath.Join(dir, "new")
				require.NoError(t, os.RemoveAll(now))
				require.NoError(t, os.CopyFS(now, files))
				text, err := fs.ReadFile(files, e.file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(now, filepath.FromSlash(e.file)), []byte(e.apply(string(text))), 0o600))

				after, ok := lintOf(t, now)
				if !ok {
					continue // no such object can be in a cluster
				}
				lint := newPlaces(before, after, now)
				diff := diffPlaces(t, base, now)
				by := []string{}
				if e.namedIn(diff) {
					by = append(by, "diff")
				}
				if e.namedIn(lint) {
					by = append(by, "lint")
				}
				line := fmt.Sprintf("%-5s %-31s %-50s %s:%d", name, kind.name, e.what, e.file, e.first)
				switch {
				case len(diff)+len(lint) == 0:
					without++
					fmt.Fprintf(&table, "%s: no difference\n", line)
					continue
				case len(by) == 0:
					t.Errorf("%s: not named\nwanted new %v old %v\ndiff %v\nlint %v", line, e.new, e.old, diff, lint)
				}
				counted++
				made++
				fmt.Fprintf(&table, "%s: %s\n", line, strings.Join(by, ", "))
			}
		}
	}
	t.Logf("%d edits, %d more make no difference\n%s", counted, without, table.String())
	require.GreaterOrEqual(t, counted, leastEdits)
}

// namedIn reports whether places name the edit: "new/FILE:LINE" and "old/FILE:LINE".
func (e *edit) namedIn(places []string) bool {
	return slices.ContainsFunc(places, func(p string) bool {
		for _, n := range e.new {
			if p == fmt.Sprintf("new/%s:%d", e.file, n) {
				return true
			}
		}
		for _, n := range e.old {
			if p == fmt.Sprintf("old/%s:%d", e.file, n) {
				return true
			}
		}
		return false
	})
}

// diffPlaces are the places that diff names as causes.
func diffPlaces(t *testing.T, old, now string) []string {
	t.Helper()
	stdout, stderr, code := exec("", "diff", old, now, "-o", "json")
	require.Contains(t, []int{exitYes, exitNo}, code, stderr)
	type change struct {
		Because causeDocument
		And     []causeDocument
	}
	var doc struct{ Opened, Closed []change }
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	require.Equal(t, code == exitNo, len(doc.Opened)+len(doc.Closed) > 0, stdout)
	places := []string{}
	for _, c := range slices.Concat(doc.Opened, doc.Closed) {
		for _, b := range append([]causeDocument{c.Because}, c.And...) {
			for _, p := range []string{b.At, b.Was} {
				p, err := filepath.Rel(filepath.Dir(old), p)
				if err == nil && !slices.Contains(places, filepath.ToSlash(p)) {
					places = append(places, filepath.ToSlash(p))
				}
			}
		}
	}
	return places
}

// lintOf is what lint finds, by what it is and of what. It is not ok if something
// of the input is no valid object.
func lintOf(t *testing.T, dir string) (out map[string][]string, ok bool) {
	t.Helper()
	stdout, stderr, code := exec("", "lint", "-f", dir, "-o", "json")
	if code == exitError {
		return nil, false
	}
	require.Contains(t, []int{exitYes, exitNo}, code, stderr)
	var doc lintDocument
	require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
	out = map[string][]string{}
	for _, f := range doc.Findings {
		if key := fmt.Sprint(f.Code, f.Object, f.About); f.Place != nil {
			out[key] = append(out[key], fmt.Sprintf("%s:%d", f.Place.File, f.Place.Line))
		}
	}
	return out, true
}

// newPlaces are the places of the findings that there were not before.
func newPlaces(before, after map[string][]string, dir string) []string {
	var out []string
	for key, places := range after {
		if _, ok := before[key]; ok {
			continue
		}
		for _, p := range places {
			if p, err := filepath.Rel(filepath.Dir(dir), p); err == nil {
				out = append(out, filepath.ToSlash(p))
			}
		}
	}
	slices.Sort(out)
	return out
}
