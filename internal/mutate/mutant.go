package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
)

// mutant is one edit of one file.
type mutant struct {
	source     *source
	file       int // into source.files
	of         place
	start, end int // bytes that are replaced
	text       string

	key
}

// place is what a mutant is an edit of: the statements of a function, or the
// value of a variable of the package.
type place struct {
	start, end int  // bytes
	value      bool // it is the value of a variable
	results    bool // it is of a function that returns something
}

// key names a mutant by what it says, so that it is the same after edits
// elsewhere in the file.
type key struct {
	file, function string
	before, after  string // the lines, white space collapsed
	nth            int    // of equal ones in the function, from 0
}

func (k key) String() string {
	nth := ""
	if k.nth > 0 {
		nth = fmt.Sprintf(" #%d", k.nth+1)
	}
	return fmt.Sprintf("%s %s%s\n- %s\n+ %s\n", k.file, k.function, nth, k.before, k.after)
}

// mutated is the text of the file with the edit.
func (m *mutant) mutated() []byte {
	text := m.source.text[m.file]
	return slices.Concat(text[:m.start], []byte(m.text), text[m.end:])
}

// whole is the place of a mutant with its edit.
func (m *mutant) whole() string {
	text := m.source.text[m.file]
	return string(text[m.of.start:m.start]) + m.text + string(text[m.end:m.of.end])
}

// describe fills the lines of the key.
func (m *mutant) describe() {
	text := m.source.text[m.file]
	from := bytes.LastIndexByte(text[:m.start], '\n') + 1
	to := len(text)
	if i := bytes.IndexByte(text[m.end:], '\n'); i >= 0 {
		to = m.end + i
	}
	m.before = oneLine(string(text[from:to]))
	m.after = oneLine(string(text[from:m.start]) + m.text + string(text[m.end:to]))
}

// oneLine collapses white space, and shortens what is long in its middle.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 240 {
		return string(r[:160]) + " ... " + string(r[len(r)-70:])
	}
	return s
}

// number tells equal mutants of a function apart.
func number(ms []*mutant) {
	seen := map[key]int{}
	for _, m := range ms {
		k := m.key
		m.nth = seen[k]
		seen[k]++
	}
}

// shuffle puts mutants into the order of the seed. It is by a hash of each, and
// not by their number, so that an edit changes a sample only by the mutants
// that came or went, and so that a sample is the beginning of a larger one.
// Files have their share in proportion to what there is to mutate in them.
func shuffle(ms []*mutant, seed uint64) {
	rank := map[*mutant][sha256.Size]byte{}
	for _, m := range ms {
		rank[m] = sha256.Sum256(fmt.Appendf(nil, "%d\n%v", seed, m.key))
	}
	slices.SortFunc(ms, func(a, b *mutant) int {
		ra, rb := rank[a], rank[b]
		return cmp.Or(bytes.Compare(ra[:], rb[:]), strings.Compare(a.String(), b.String()))
	})
}

// sample returns the first n mutants that compile and that match.
func sample(ms []*mutant, n int, matches func(string) bool) []*mutant {
	var out []*mutant
	for _, m := range ms {
		if len(out) == n {
			break
		}
		if matches(m.String()) && m.compiles() {
			out = append(out, m)
		}
	}
	return out
}
