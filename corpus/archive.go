package corpus

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

//go:embed testdata/*.txtar testdata/*.yaml
var testdata embed.FS

var load = sync.OnceValues(func() ([]Case, error) { return read(testdata) })

// Cases returns every case, sorted by rule and number. The first call parses
// the corpus, a few milliseconds; it is safe for concurrent use. What the cases
// point to is shared and must not be changed.
func Cases() []Case {
	cases, err := load()
	if err != nil {
		panic(err) // the corpus is embedded, so this is a defect of this package
	}
	return slices.Clone(cases)
}

func read(fs embed.FS) ([]Case, error) {
	worlds := map[string][]document{"none": nil}
	for name, file := range map[string]string{"live": "world.yaml", "static": "static.yaml"} {
		b, err := fs.ReadFile("testdata/" + file)
		if err != nil {
			return nil, err
		}
		if worlds[name], err = documents(b); err != nil {
			return nil, fmt.Errorf("corpus: %s: %w", file, err)
		}
	}
	entries, err := fs.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	var cases []Case
	for _, entry := range entries {
		if path.Ext(entry.Name()) != ".txtar" {
			continue
		}
		b, err := fs.ReadFile("testdata/" + entry.Name())
		if err != nil {
			return nil, err
		}
		for _, section := range txtar.Parse(b).Files {
			c, err := parseCase(section.Name, string(section.Data), worlds)
			if err != nil {
				return nil, fmt.Errorf("corpus: %s: %s: %w", entry.Name(), section.Name, err)
			}
			cases = append(cases, c)
		}
	}
	slices.SortFunc(cases, func(a, b Case) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(len(number(a.ID)), len(number(b.ID))), strings.Compare(a.ID, b.ID))
	})
	return cases, nil
}

var (
	idForm     = regexp.MustCompile(`^C([1-9]\d*)-([1-9]\d*)[a-z]?$`)
	portNumber = regexp.MustCompile(`(?:port|endPort|containerPort|number|start|end): (\d+)`)
	separator  = regexp.MustCompile(`(?m)^---\n`)
)

// number is the part of an id after the rule, without the letter of a variant.
func number(id string) string { return idForm.FindStringSubmatch(id)[2] }

// document is one object of a cluster: its text, and what the notation needs
// to know of it.
type document struct {
	text []byte
	object
}

type object struct {
	Kind     string
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		NodeName    string
		HostNetwork bool
	}
	Status struct{ Phase, PodIP string }
}

func (d document) same(o document) bool { return d.Kind == o.Kind && d.Metadata == o.Metadata }

// documents splits multi-document YAML. Documents without an object, such as
// the comment at the head of a file, are left out.
func documents(b []byte) ([]document, error) {
	var out []document
	for _, text := range separator.Split(string(b), -1) {
		d := document{text: []byte(text)}
		if err := yaml.Unmarshal(d.text, &d.object); err != nil {
			return nil, err
		}
		if d.Kind != "" {
			out = append(out, d)
		}
	}
	return out, nil
}

// parseCase reads one section of an archive.
func parseCase(id, text string, worlds map[string][]document) (Case, error) {
	m := idForm.FindStringSubmatch(id)
	if m == nil {
		return Case{}, fmt.Errorf("not a case id")
	}
	c := Case{ID: id, text: text}
	c.Rule, _ = strconv.Atoi(m[1])
	head := text
	var own []document
	if at := separator.FindStringIndex(text); at != nil {
		var err error
		if own, err = documents([]byte(text[at[1]:])); err != nil {
			return c, err
		}
		head = text[:at[0]]
	}

	world := "live"
	var expectations []string
	for line := range strings.Lines(head) {
		line = strings.TrimSpace(line)
		key, value, setting := strings.Cut(line, ": ")
		var err error
		switch {
		case line == "":
		case line[0] == '#':
			c.Note = strings.TrimSpace(c.Note + " " + strings.TrimSpace(line[1:]))
		case !setting:
			expectations = append(expectations, line)
		case key == "world":
			world = value
		default:
			err = c.set(key, value)
		}
		if err != nil {
			return c, fmt.Errorf("%q: %w", line, err)
		}
	}
	under, ok := worlds[world]
	if !ok {
		return c, fmt.Errorf("no world %q", world)
	}
	var cluster []document
	for _, d := range under {
		if !slices.ContainsFunc(own, d.same) {
			cluster = append(cluster, d)
		}
	}
	cluster = append(cluster, own...)
	texts := make([][]byte, len(cluster))
	for i, d := range cluster {
		texts[i] = append(bytes.TrimSpace(d.text), '\n')
	}
	c.YAML = bytes.Join(texts, []byte("---\n"))
	for _, m := range portNumber.FindAllSubmatch(c.YAML, -1) {
		if n, err := strconv.ParseUint(string(m[1]), 10, 16); err == nil && n > 0 {
			c.ports = append(c.ports, uint16(n))
		}
	}
	slices.Sort(c.ports)
	c.ports = slices.Compact(c.ports)

	ends := endsOf(cluster)
	for _, line := range expectations {
		if err := c.expect(line, ends); err != nil {
			return c, fmt.Errorf("%q: %w", line, err)
		}
	}
	c.expectExemptions(ends)
	return c, nil
}
