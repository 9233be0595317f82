package report

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// places turns the names of files, as the user gave them, into paths relative
// to the repository. It asks the file system once for each name.
type places struct {
	root  string
	known map[string]spot
}

// spot is what became of a name.
type spot struct {
	path string // relative to the root, with forward slashes; absolute outside of it
	file bool   // a file of the repository, or what may be one: not live:Pod/a/b, not standard input
	text bool   // a regular file that is there
}

func (f *Findings) places() *places {
	p := &places{root: f.Root, known: map[string]spot{}}
	if p.root == "" {
		p.root = "."
	}
	if abs, err := filepath.Abs(p.root); err == nil {
		p.root = abs
	}
	// Code scanning shows nothing in a file that is named through a link.
	if real, err := filepath.EvalSymlinks(p.root); err == nil {
		p.root = real
	}
	return p
}

// scheme begins what is no path: live:NetworkPolicy/ml/deny-all, demo:a.yaml,
// git:main:a.yaml. One letter is a drive.
var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]+:`)

func (p *places) spot(name string) spot {
	s, ok := p.known[name]
	if !ok {
		s = p.look(name)
		p.known[name] = s
	}
	return s
}

func (p *places) look(name string) spot {
	info, err := os.Stat(name)
	if err != nil || name == "" {
		// A chart's template, for one, which positions in the output of helm name.
		clean := filepath.ToSlash(filepath.Clean(name))
		file := name != "" && name != "-" && !scheme.MatchString(name) && filepath.IsLocal(name)
		if !file {
			clean = name
		}
		return spot{path: clean, file: file}
	}
	abs, err := filepath.Abs(name)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return spot{path: name}
	}
	s := spot{path: filepath.ToSlash(abs), file: true, text: info.Mode().IsRegular()}
	if rel, err := filepath.Rel(p.root, abs); err == nil && filepath.IsLocal(rel) {
		s.path = filepath.ToSlash(rel)
	}
	return s
}

// primary is where a finding is shown: its first place that is in a file, else
// where the check is stated, else the input. The result has no File if there is
// none of these.
func (p *places) primary(x *Finding, c *Check, input string) Place {
	for _, at := range x.At {
		if p.spot(at.File).file {
			return at
		}
	}
	if c != nil && c.At != nil && p.spot(c.At.File).file {
		return *c.At
	}
	if p.spot(input).text {
		return Place{File: input}
	}
	return Place{}
}

// shown is a place for people.
func (p *places) shown(at Place) string {
	at.File = p.spot(at.File).path
	return at.String()
}

// uri is a path as a relative reference, or as a file URI outside of the
// repository. What is no path is one segment after the other all the same: a
// colon in the first would begin a scheme.
func (p *places) uri(name string) (reference string, relative bool) {
	s := p.spot(name)
	if filepath.IsAbs(filepath.FromSlash(s.path)) {
		path := s.path
		if !strings.HasPrefix(path, "/") { // C:/x
			path = "/" + path
		}
		return (&url.URL{Scheme: "file", Path: path}).String(), false
	}
	segments := strings.Split(s.path, "/")
	for i := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(segments[i]), ":", "%3A")
	}
	return strings.Join(segments, "/"), true
}
