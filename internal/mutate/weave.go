package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// variable says, in the environment, which mutant a test binary is.
const variable = "PODREACH_MUTANT"

// chooser is added to each mutated package.
const chooser = `

import (
	"os"
	"strconv"
)

var mutant__ = func() int { n, _ := strconv.Atoi(os.Getenv("` + variable + `")); return n }()

func mutant__choose[T any](n int, mutant, value T) T {
	if mutant__ == n {
		return mutant
	}
	return value
}
`

// weave writes all mutants into one text of each file, numbered from 1, and
// returns the path of an overlay for the go command. Building costs more than
// testing; in this way every test is built once.
//
// A function begins with a copy of itself for each of its mutants; a value is
// chosen from its own and its mutants'.
func weave(root, temp string, ms []*mutant) (string, error) {
	type file struct {
		source *source
		file   int
	}
	numbers := map[*mutant]int{}
	places := map[file]map[place][]*mutant{}
	for i, m := range ms {
		numbers[m] = i + 1
		f := file{m.source, m.file}
		if places[f] == nil {
			places[f] = map[place][]*mutant{}
		}
		places[f][m.of] = append(places[f][m.of], m)
	}
	overlay := map[string]string{}
	add := func(path string, text string) error {
		to := filepath.Join(temp, fmt.Sprintf("%d.go", len(overlay)))
		overlay[filepath.Join(root, filepath.FromSlash(path))] = to
		return os.WriteFile(to, []byte(text), 0o644)
	}
	for f, byPlace := range places {
		text := string(f.source.text[f.file])
		order := make([]place, 0, len(byPlace))
		for p := range byPlace {
			order = append(order, p)
		}
		slices.SortFunc(order, func(a, b place) int { return cmp.Compare(b.start, a.start) }) // the last first, so that offsets stay
		for _, p := range order {
			text = text[:p.start] + woven(text[p.start:p.end], p, byPlace[p], numbers) + text[p.end:]
		}
		if err := add(f.source.folder+"/"+f.source.names[f.file], text); err != nil {
			return "", err
		}
		name := f.source.folder + "/mutant__.go"
		if _, done := overlay[filepath.Join(root, filepath.FromSlash(name))]; !done {
			if err := add(name, "package "+f.source.types.Name()+chooser); err != nil {
				return "", err
			}
		}
	}
	path := filepath.Join(temp, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": overlay})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, replace, 0o644)
}

// woven is the text of a place with all of its mutants.
func woven(text string, p place, ms []*mutant, numbers map[*mutant]int) string {
	if p.value {
		for _, m := range ms {
			text = fmt.Sprintf("mutant__choose(%d, %s, %s)", numbers[m], m.whole(), text)
		}
		return text
	}
	var b strings.Builder
	b.WriteString("\nif mutant__ != 0 { switch mutant__ {\n")
	for _, m := range ms {
		fmt.Fprintf(&b, "case %d:\n%s\n", numbers[m], m.whole())
		if !p.results {
			b.WriteString("return\n")
		}
	}
	b.WriteString("}}\n")
	return b.String() + text
}
