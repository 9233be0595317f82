package manifest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// extensions are the names that are read in folders, also with .gz or .zst
// behind.
var extensions = []string{".yaml", ".yml", ".json", ".jsonl"}

// folder is a folder while it is being walked.
type folder struct {
	root    string // as named
	real    string // without links
	entries []entry
	walked  map[string]bool // real paths of the files and folders that were met, links not among them
	left    []string        // links and special files that are not followed
}

// entry is a file that is read, or a link that may be.
type entry struct {
	Input
	link   bool
	target string // real path of what a link leads to, "" when it leads nowhere
	inside bool   // that is a file of the folder
}

// readFolder lists the files of a folder that are read.
func readFolder(root string, l *dialect.Ledger) []Input {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return []Input{unreadable(root, err)}
	}
	f := folder{root: root, real: real, walked: map[string]bool{}}
	_ = filepath.WalkDir(real, f.visit) // visit returns no error of its own
	var out []Input
	for _, e := range f.entries {
		switch {
		case !e.link:
			out = append(out, e.Input)
		case f.walked[e.target]: // it is read under its own name
		case !e.inside:
			f.left = append(f.left, e.Name)
		default:
			f.walked[e.target] = true // once
			out = append(out, e.Input)
		}
	}
	if len(f.left) > 0 {
		message := "1 link or special file in the folder is not followed: " + f.left[0]
		if len(f.left) > 1 {
			message = fmt.Sprintf("%d links and special files in the folder are not followed, such as %s", len(f.left), f.left[0])
		}
		l.Report(dialect.Diagnostic{Code: dialect.CodeNotFollowed, Origin: model.Origin{File: root}, Message: message})
	}
	if len(out) == 0 {
		l.Report(dialect.Diagnostic{Code: dialect.CodeEmptyFile, Origin: model.Origin{File: root},
			Message: fmt.Sprintf("the folder holds no file named *%s", strings.Join(extensions, ", *"))})
	}
	return out
}

// Named reports whether a file of a folder is read, by its name.
func Named(file string) bool {
	return slices.Contains(extensions, filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(file, ".gz"), ".zst")))
}

func (f *folder) visit(p string, e fs.DirEntry, err error) error {
	name := f.root
	if rel, err := filepath.Rel(f.real, p); err == nil && rel != "." {
		name = filepath.Join(f.root, rel)
	}
	named := Named(p)
	switch {
	case err != nil:
		f.entries = append(f.entries, entry{Input: unreadable(name, err)})
		if e != nil && e.IsDir() {
			return fs.SkipDir
		}
	case e.IsDir():
		if p != f.real && strings.HasPrefix(e.Name(), ".") {
			return fs.SkipDir
		}
		f.walked[p] = true
	case e.Type()&fs.ModeSymlink != 0:
		link := entry{Input: regular(name, 0), link: true}
		isFolder := false
		if target, err := filepath.EvalSymlinks(p); err == nil {
			if info, err := os.Stat(target); err == nil {
				isFolder, link.Size = info.IsDir(), info.Size()
				link.target, link.inside = target, info.Mode().IsRegular() && f.contains(target)
			}
		}
		if hidden := strings.HasPrefix(e.Name(), "."); isFolder && !hidden || !isFolder && named {
			f.entries = append(f.entries, link)
		}
	case !named:
	case e.Type().IsRegular():
		f.walked[p] = true
		var size int64
		if info, err := e.Info(); err == nil {
			size = info.Size()
		}
		f.entries = append(f.entries, entry{Input: regular(name, size)})
	default:
		f.left = append(f.left, name)
	}
	return nil
}

// contains reports whether a real path lies inside the folder.
func (f *folder) contains(p string) bool {
	rel, err := filepath.Rel(f.real, p)
	return err == nil && filepath.IsLocal(rel)
}
