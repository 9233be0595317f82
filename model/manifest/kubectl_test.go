package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// seen is an object as far as both readers tell it.
type seen struct {
	kind, namespace, name string
	labels                map[string]string
}

// kubectlReads is what kubectl apply -f makes of a text: the objects up to the
// first thing that it refuses.
func kubectlReads(text []byte) (out []seen, err error) {
	dec := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var ext runtime.RawExtension
		if err := dec.Decode(&ext); err != nil {
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			return out, err
		}
		raw := bytes.TrimSpace(ext.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		if out, err = kubectlObject(out, raw, ""); err != nil {
			return out, err
		}
	}
}

func kubectlObject(out []seen, raw []byte, kind string) ([]seen, error) {
	var o struct {
		APIVersion string
		Kind       string
		Items      []json.RawMessage
		Metadata   struct {
			Name, Namespace string
			Labels          map[string]string
		}
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return out, err
	}
	if o.Kind == "" {
		o.Kind, o.APIVersion = kind, kind
	}
	if o.APIVersion == "" || o.Kind == "" {
		return out, errors.New("no kind or version")
	}
	if strings.HasSuffix(o.Kind, "List") && o.Items != nil {
		var err error
		for _, item := range o.Items {
			if out, err = kubectlObject(out, item, strings.TrimSuffix(o.Kind, "List")); err != nil {
				return out, err
			}
		}
		return out, nil
	}
	return append(out, seen{o.Kind, o.Metadata.Namespace, o.Metadata.Name, o.Metadata.Labels}), nil
}

// weRead is what this package makes of it; ok tells that nothing was wrong.
func weRead(text []byte) (out []seen, ok bool) {
	r := readInputs(Options{}, Bytes("in", text))
	for _, o := range r.objects {
		name, _, _ := strings.Cut(o.Name, "*")
		if name != o.Name { // generated
			name = ""
		}
		s := seen{o.Kind, o.Namespace, name, nil}
		switch v := o.Value.(type) {
		case *Broken:
			continue
		case *Pod:
			s.labels = v.Labels
		case *Namespace:
			s.labels = v.Labels
		}
		out = append(out, s)
	}
	for _, d := range r.ledger.Diagnostics {
		if d.Code.String() != "PR1003" && d.Code.String() != "PR1012" {
			return out, false
		}
	}
	return out, true
}

// kubectlStops are the places at which kubectl refuses the rest of a text, and
// this package reads on. YAML has a meaning for each of them.
var kubectlStops = []struct {
	name string
	at   *regexp.Regexp
}{
	{"content on the line of the marker: --- {a: b}", regexp.MustCompile(`(?m)^(\x{feff})?---[ \t]+[^#\s]`)},
	{"a directive: its document is cut off it at the marker", regexp.MustCompile(`(?m)^(\x{feff})?%`)},
	{"a blank line with a tab before the first marker", regexp.MustCompile(`\A[ \r\n]*\t`)},
	{"YAML behind two or more values of JSON", regexp.MustCompile(`\A\s*\{`)},
}

// kubectlDrops are the places behind which kubectl passes over a document in
// silence: it decodes only the first one of a chunk. This package reads it.
var kubectlDrops = []struct {
	name string
	at   *regexp.Regexp
}{
	{"the end marker", regexp.MustCompile(`(?m)^\.\.\.[ \t\r\n]`)},
}

// weRefuse are the places that kubectl passes over in silence and that are
// errors here.
var weRefuse = []struct {
	name string
	at   *regexp.Regexp
}{
	{"content behind the end of a flow mapping, as behind an indented marker", regexp.MustCompile(`(?m)\}[ \t\r\n]+---`)},
}

// difference compares the two. reason names the exception that explains a
// difference, "" when there is none; problem is a difference without reason.
func difference(text []byte) (reason, problem string) {
	want, err := kubectlReads(text)
	got, ok := weRead(text)
	same := func() bool {
		n := min(len(want), len(got))
		return slices.EqualFunc(want[:n], got[:n], sameObject)
	}
	switch {
	case err == nil && ok && same() && len(got) == len(want):
		return "", ""
	case len(want) == 0 && len(got) == 0: // a file of something else
		return "", ""
	case err != nil && !ok: // both refuse something; what they do with the rest differs
		return "", ""
	}
	for _, e := range slices.Concat(kubectlStops, kubectlDrops) {
		if e.at.Match(text) && subsequence(want, got) {
			return e.name, ""
		}
	}
	for _, e := range weRefuse {
		if e.at.Match(text) && !ok {
			return e.name, ""
		}
	}
	return "", fmt.Sprintf("kubectl: %v (%v)\nhere:    %v (without error: %v)", want, err, got, ok)
}

func sameObject(a, b seen) bool {
	if a.kind != b.kind || a.namespace != b.namespace || a.name != b.name {
		return false
	}
	return b.labels == nil || maps.Equal(a.labels, b.labels)
}

// subsequence reports whether got holds everything of want, in order.
func subsequence(want, got []seen) bool {
	for _, w := range want {
		i := slices.IndexFunc(got, func(g seen) bool { return sameObject(w, g) })
		if i < 0 {
			return false
		}
		got = got[i+1:]
	}
	return true
}

// TestSplitsAsKubectlDoes generates streams of documents.
func TestSplitsAsKubectlDoes(t *testing.T) {
	n := 0
	object := func(rnd *rand.Rand) string {
		n++
		name := fmt.Sprint("p", n)
		switch rnd.IntN(10) {
		case 8:
			return "--- {apiVersion: v1, kind: Pod, metadata: {name: " + name + ", labels: {a: b}}}\n"
		case 0:
			return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  labels:\n    a: |\n      ---\n      kind: Secret\n      ...\n    b: \"x\n      --- y\"\n"
		case 1:
			return "{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", labels: {a: '---'}}}\n"
		case 2:
			return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + name + `","labels":{"a":"---\n"}}}` + "\n"
		case 3:
			return "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: " + name + "}\n- {apiVersion: v1, kind: Namespace, metadata: {name: " + name + ", labels: {a: b}}}\n"
		case 4:
			return "# comment\n\napiVersion: v1 # ---\nkind: Namespace\nmetadata: {name: " + name + "}\n\n# end\n"
		case 5:
			return "null\n"
		case 6:
			return "# only a comment\n"
		case 7:
			return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata:\n  a: >-\n    ---\n\n    ---\n  b: |2\n      ---\n"
		}
		return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  labels: {a: \"1\"}\nspec:\n  containers:\n  - name: c\n    args: [\"---\", '...']"
	}
	markers := []string{"---\n", "---\n", "---\n", "--- \n", "---\t \n", "--- # c\n", "---  # --- c\n", "---\n---\n", "\n---\n\n", "---\n# c\n---\n", "...\n---\n", "...\n", "--- \n%YAML 1.1\n---\n", "----\n", " ---\n"}
	heads := []string{"", "", "", "---\n", "\n\n", " \n", "# c\n", "# c\n---\n", "\uFEFF", "\uFEFF---\n", "%YAML 1.1\n---\n", "--- \n---\n", "\t\n", "--- # c\n"}
	reasons := map[string]int{}
	seeds := uint64(20_000)
	if testing.Short() {
		seeds = 5000
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 3))
		text := heads[rnd.IntN(len(heads))]
		for i := range 1 + rnd.IntN(4) {
			if i > 0 {
				if text != "" && !strings.HasSuffix(text, "\n") {
					text += "\n"
				}
				text += markers[rnd.IntN(len(markers))]
			}
			text += object(rnd)
		}
		switch rnd.IntN(6) {
		case 0:
			text = strings.TrimSuffix(text, "\n")
		case 1:
			text = strings.ReplaceAll(text, "\n", "\r\n")
		case 2:
			text = strings.TrimSuffix(text, "\n") + "\n---"
		}
		reason, problem := difference([]byte(text))
		require.Empty(t, problem, "%q\n%s", text, text)
		reasons[reason]++
	}
	for _, e := range slices.Concat(kubectlStops, kubectlDrops, weRefuse) {
		require.NotZero(t, reasons[e.name], "no text needs the exception: %s", e.name)
	}
	require.Greater(t, reasons[""], int(seeds/2))
}

// TestOurFilesAsKubectlReadsThem compares what lies about in this repository,
// but for what is an error here.
func TestOurFilesAsKubectlReadsThem(t *testing.T) {
	n := 0
	compareFile := func(name string, text []byte) {
		n++
		if _, ok := weRead(text); ok {
			_, problem := difference(text)
			require.Empty(t, problem, name)
		}
	}
	require.NoError(t, filepath.WalkDir("../..", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		}
		if e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json", ".txtar"}, filepath.Ext(name)) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if filepath.Ext(name) != ".txtar" {
			compareFile(name, text)
			return nil
		}
		for _, f := range txtar.Parse(text).Files {
			if slices.Contains(extensions, filepath.Ext(f.Name)) {
				compareFile(name+"/"+f.Name, f.Data)
			}
		}
		return nil
	}))
	require.Greater(t, n, 300)
}
