package corpus

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
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
	for name, file := range map[string]string{"live": "world.yaml", "static": "static.yaml", "e2e": "e2e.yaml", "houses": "houses.yaml"} {
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
		one, two := idForm.FindStringSubmatch(a.ID), idForm.FindStringSubmatch(b.ID)
		order := cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(order(a.ID), order(b.ID)))
		for i := 2; i <= 3; i++ { // numbers, by their value
			order = cmp.Or(order, cmp.Compare(len(one[i]), len(two[i])), strings.Compare(one[i], two[i]))
		}
		return cmp.Or(order, strings.Compare(a.ID, b.ID))
	})
	return cases, nil
}

// series are the first letters of ids, in the order of cases of one rule: C for
// a rule's own, K for those of Kubernetes, A and P for those of the
// network-policy-api (AdminNetworkPolicy and ClusterNetworkPolicy), U for its
// user stories.
const series = "CKAPU"

func order(id string) int { return strings.IndexByte(series, id[0]) }

var (
	idForm     = regexp.MustCompile(`^([` + series + `])([1-9]\d*)-([1-9]\d*)[a-z]?$`)
	portNumber = regexp.MustCompile(`(?:port|endPort|containerPort|number|start|end): (\d+)`)
	separator  = regexp.MustCompile(`(?m)^---\n`)
)

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

// meet returns an error unless a world has all pods, "NS/NAME".
func meet(pods []string, world []document) error {
	for _, name := range pods {
		if !slices.ContainsFunc(world, func(d document) bool {
			return d.Kind == "Pod" && d.Metadata.Namespace+"/"+d.Metadata.Name == name
		}) {
			return fmt.Errorf("the world has no pod %q", name)
		}
	}
	return nil
}

// parseCase reads one section of an archive.
func parseCase(id, text string, worlds map[string][]document) (Case, error) {
	m := idForm.FindStringSubmatch(id)
	if m == nil {
		return Case{}, fmt.Errorf("not a case id")
	}
	c := Case{ID: id, text: text}
	ruled := m[1] == "C" // its number is that of its rule
	if ruled {
		c.Rule, _ = strconv.Atoi(m[2])
	}
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
	var expectations, pods []string
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
		case key == "pods":
			pods = strings.Split(value, ",")
		case key == "rule" && ruled:
			err = errors.New("the id says the rule")
		default:
			err = c.set(key, value)
		}
		if err != nil {
			return c, fmt.Errorf("%q: %w", line, err)
		}
	}
	if c.Rule == 0 {
		return c, errors.New("no rule")
	}
	under, ok := worlds[world]
	if !ok {
		return c, fmt.Errorf("no world %q", world)
	}
	if err := meet(pods, under); err != nil {
		return c, err
	}
	var cluster []document
	for _, d := range under {
		absent := pods != nil && d.Kind == "Pod" && !slices.Contains(pods, d.Metadata.Namespace+"/"+d.Metadata.Name)
		if !absent && !slices.ContainsFunc(own, d.same) {
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
	ends.said = c.speaksOf
	for _, line := range expectations {
		if err := c.expect(line, ends); err != nil {
			return c, fmt.Errorf("%q: %w", line, err)
		}
	}
	c.expectExemptions(ends)
	return c, nil
}
