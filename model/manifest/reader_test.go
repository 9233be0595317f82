package manifest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

// reading is what reading one text gave, rendered.
type reading struct {
	reader  *Reader
	ledger  dialect.Ledger
	objects []Object
}

func read(text string) *reading { return readInputs(Options{}, Bytes("in.yaml", []byte(text))) }

func readInputs(o Options, inputs ...Input) *reading {
	r := &reading{reader: NewReader(o)}
	for object := range r.reader.Read(inputs, &r.ledger) {
		r.objects = append(r.objects, object)
	}
	return r
}

// names lists the objects: "Pod ml/a @items[0]=Pod".
func (r *reading) names() []string {
	out := []string{}
	for _, o := range r.objects {
		s := o.Ref().String()
		if o.Origin.Path != "" {
			s += " @" + o.Origin.Path
		}
		if o.Value != nil {
			s += " " + strings.TrimPrefix(fmt.Sprintf("%T", o.Value), "*manifest.")
		}
		out = append(out, strings.Join(strings.Fields(s), " "))
	}
	return out
}

// diagnostics lists them as errors are printed.
func (r *reading) diagnostics() []string {
	out := []string{}
	for _, d := range r.ledger.Diagnostics {
		p := r.reader.Locate(d.Origin)
		if d.Line > 0 {
			p.Line, p.Column = d.Line, d.Column
		}
		out = append(out, fmt.Sprintf("%v: %s (%v)", p, d.Message, d.Code))
	}
	return out
}

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: a
  namespace: ml
  labels: {app: web}
spec:
  containers:
  - name: c
    ports:
    - {name: http, containerPort: 8080}
`

func TestBrokenDocuments(t *testing.T) {
	const broken = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n  namespace: ml\nspec: {\n"
	for _, c := range []struct {
		text        string
		names       []string
		diagnostics []string
		broken      *Broken
	}{
		{
			"# 1\n" + pod + "---\n" + pod + "---\n" + broken + "---\n" + pod + "---\n" + pod,
			[]string{"Pod ml/a Pod", "Pod ml/a Pod", "Pod ml/ Broken", "Pod ml/a Pod", "Pod ml/a Pod"},
			[]string{"in.yaml:31:1: broken YAML: did not find expected node content (PR1001)"},
			&Broken{Kind: "Pod", Namespace: "ml"},
		},
		{
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy # c\nmetadata:\n  name: p\n  namespace: \"ml\"\nspec:\n  podSelector: {}\n   ingress: []\n",
			[]string{"NetworkPolicy ml/ Broken"},
			[]string{"in.yaml:8:4: broken YAML: did not find expected key (PR1001)"},
			&Broken{Kind: "NetworkPolicy", Namespace: "ml", Policy: true},
		},
		{
			"kind: NetworkPolicy\nmetadata:\n  namespace: a\nspec: [\n  namespace: b\nkind: Pod\n",
			[]string{"Broken"},
			[]string{"in.yaml:6:1: broken YAML: did not find expected ',' or ']'; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"apiVersion: v1\nkind: {{ .Values.kind }}\n",
			[]string{"Broken"},
			[]string{"in.yaml:2:8: broken YAML: a mapping key is itself a list or a mapping (this looks like a Helm template: render it first, with helm template); it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"{{- if .Values.on }}\nkind: Pod\n{{ end }}", []string{"Pod Broken"},
			[]string{"in.yaml:1:1: broken YAML: did not find expected node content (this looks like a Helm template: render it first, with helm template) (PR1001)"},
			&Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec:\n\t- x\n",
			[]string{"Pod Broken"},
			[]string{"in.yaml:3:2: broken YAML: found character that cannot start any token (a tab does not indent in YAML) (PR1001)"},
			&Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec: a\x00b\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:8: broken YAML: control character 0x00 is not allowed (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec: äb\xffb\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:9: broken YAML: byte 0xff is not UTF-8 (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			"\xff\xfeP\x00", []string{"Broken"},
			[]string{"in.yaml:1:1: the file is UTF-16; save it as UTF-8 (PowerShell: ... | Out-File -Encoding utf8 FILE); it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Pod\",\n \"spec\": tru}\n{}",
			[]string{"Pod a Pod", "Broken"},
			[]string{"in.yaml:3:13: broken JSON: invalid character '}' in literal true (expecting 'e') in spec; what follows in this file is not read; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			`{"kind":"List","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}},`,
			[]string{"Pod a @items[0] Pod", "Broken"},
			[]string{"in.yaml:1:82: broken JSON: the file ends in the middle of a value; what follows in this file is not read; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			pod + "---\n*nowhere\n", []string{"Pod ml/a Pod", "Broken"},
			[]string{"in.yaml:13:1: broken YAML: unknown anchor 'nowhere' referenced; it may hold a policy of any namespace (PR1001)"}, &Broken{Policy: true},
		},
		{
			"kind: Pod\na: &a [*a]\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:8: broken YAML: anchor \"a\" contains itself (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			pod + pod, []string{"Broken"},
			[]string{
				"in.yaml:12:1: Pod ml/a: the key apiVersion is given twice in one mapping (PR1010)",
				"in.yaml:13:1: Pod ml/a: the key kind is given twice in one mapping (PR1010)",
				"in.yaml:14:1: Pod ml/a: the key metadata is given twice in one mapping (PR1010)",
				"in.yaml:18:1: Pod ml/a: the key spec is given twice in one mapping (PR1010)",
			},
			&Broken{Policy: true},
		},
		{
			"apiVersion: v1\nkind: NetworkPolicyList\nItems: []\n", []string{"NetworkPolicyList Broken"},
			[]string{"in.yaml:3:1: NetworkPolicyList has a field Items; the members of a list are in items (PR1002)"},
			&Broken{Kind: "NetworkPolicyList", Policy: true},
		},
	} {
		r := read(c.text)
		require.Equal(t, c.diagnostics, r.diagnostics(), c.text)
		require.Equal(t, c.names, r.names(), c.text)
		for _, o := range r.objects {
			if b, ok := o.Value.(*Broken); ok {
				require.Equal(t, c.broken, b, c.text)
			}
		}
	}
}

func TestFilesWithoutObjects(t *testing.T) {
	ok := Bytes("ok.yaml", []byte(pod))
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"# c\n---\n---\n", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"null\n", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"a: 1\n---\n- b\n---\nc\n", []string{"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)"}},
		{"{}", []string{"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)"}},
		{`{"kind":"List","apiVersion":"v1","items":[]}`, []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{`{"apiVersion":"v1","items":null,"kind":"PodList"}`, []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"a: 1\n---\n" + pod + "---\n- b\n---\nkind: Pod\n---\napiVersion: v1\n---\nkind: 5\n", []string{
			"in.yaml:1:1: apiVersion and kind are missing (PR1002)",
			"in.yaml:15:1: this is not a mapping: a Kubernetes object has apiVersion, kind and metadata (PR1002)",
			"in.yaml:17:1: apiVersion is missing; for Pod it is v1 (PR1002)",
			"in.yaml:19:1: apiVersion is there but kind is missing (PR1002)",
			"in.yaml:21:1: apiVersion is missing, and kind is the number 5; it must be a string (PR1002)",
		}},
		{`{"kind":"List","apiVersion":"v1","items":[3,{"metadata":{}},{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]}`, []string{
			"in.yaml:1:43: this is not a mapping: a Kubernetes object has apiVersion, kind and metadata; it may hold a policy of any namespace (PR1002)",
			"in.yaml:1:45: apiVersion and kind are missing; it may hold a policy of any namespace (PR1002)",
		}},
		{`{"items":[{"metadata":{}},{"kind":"Pod"}],"kind":"List","apiVersion":"v1"}`, []string{ // a list says that they are objects
			"in.yaml:1:11: apiVersion and kind are missing; it may hold a policy of any namespace (PR1002)",
			"in.yaml:1:28: apiVersion is missing; for Pod it is v1 (PR1002)",
		}},
	} {
		r := readInputs(Options{}, Bytes("in.yaml", []byte(c.text)), ok)
		require.Equal(t, c.want, r.diagnostics(), c.text)
	}
	r := read("a: 1\n")
	require.Equal(t, []string{
		"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)",
		": the input holds no Kubernetes object (PR1012)",
	}, r.diagnostics())
	r = read(pod + strings.Repeat("---\n- x\n", 1000))
	require.Len(t, r.ledger.Diagnostics, maxNotObjects+1)
	require.Equal(t, "980 more are no Kubernetes objects", r.ledger.Diagnostics[maxNotObjects].Message)
}

func TestLimits(t *testing.T) {
	small := Options{Limits: Limits{Document: 300, Expansion: 100, Depth: 10}}
	long := strings.Repeat("x", 400)
	for _, c := range []struct {
		text  string
		names []string
		want  []string
	}{
		{pod + "---\na: " + long + "\n---\n" + pod, []string{"Pod ml/a Pod", "Broken", "Pod ml/a Pod"},
			[]string{"in.yaml:12:1: the YAML document is larger than 300 bytes (--limit yaml=600 raises this); JSON lists may be of any size (kubectl get -o json); it may hold a policy of any namespace (PR1008)"}},
		{"--- # " + long + "\n" + pod + "---\n" + pod, []string{"Broken", "Pod ml/a Pod"},
			[]string{"in.yaml:1:1: the YAML document is larger than 300 bytes (--limit yaml=600 raises this); JSON lists may be of any size (kubectl get -o json); it may hold a policy of any namespace (PR1008)"}},
		{"kind: Pod\na: &a [xxxxxxxxxxxxxxxxxxxxxxxxxxx]\nb: &b [*a, *a]\nc: [*b, *b]\n", []string{"Pod Broken"},
			[]string{"in.yaml:4:5: aliases expand to more than 100 bytes (--limit aliases=200 raises this) (PR1008)"}},
		{"kind: Pod\na: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:13: nested more than 10 levels deep (--limit depth=20 raises this) (PR1008)"}},
		{`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}{"a":"` + long + `"}`, []string{"Pod a Pod", "Broken"},
			[]string{"in.yaml:1:57: a JSON value is larger than 300 bytes (--limit document=600 raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)"}},
	} {
		r := readInputs(small, Bytes("in.yaml", []byte(c.text)))
		require.Equal(t, c.names, r.names(), c.text)
		require.Equal(t, c.want, r.diagnostics(), c.text)
	}
	// A list counts member by member, whatever its length.
	member := `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}`
	r := readInputs(small, Bytes("in.json", []byte(`{"apiVersion":"v1","items":[`+strings.Repeat(member+",", 500)+member+`],"kind":"List"}`)))
	require.Empty(t, r.diagnostics())
	require.Len(t, r.objects, 501)
}

// TestHostile reads what is meant to use up time, memory or the stack.
func TestHostile(t *testing.T) {
	deep := 10_001
	merges := "x0: &x0 {a: b}\n"
	for i := range 40 {
		merges += fmt.Sprintf("x%d: &x%d {<<: [*x%d, *x%d], k%d: *x%d}\n", i+1, i+1, i, i, i, i)
	}
	aliases := "x0: &x0 [y, y, y, y, y, y, y, y, y, y]\n"
	for i := range 40 {
		aliases += fmt.Sprintf("x%d: &x%d [*x%d, *x%d]\n", i+1, i+1, i, i)
	}
	for name, text := range map[string]string{
		"flow":         strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"flow mapping": strings.Repeat("{a: ", deep) + strings.Repeat("}", deep),
		"block":        strings.Repeat("- ", deep) + "a",
		"open":         strings.Repeat("[", 100_000),
		"JSON":         `{"a":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}",
		"JSON lists":   strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 4000) + strings.Repeat("]}", 4000),
		"JSON objects": strings.Repeat(`{"items":[`, 4000) + strings.Repeat("]}", 4000),
		"aliases":      aliases,
		"merges":       merges,
		"long line":    "a: " + strings.Repeat("b ", 1<<20),
		"markers":      strings.Repeat("---\n", 100_000) + strings.Repeat("...\n", 100_000),
		"marker":       "---" + strings.Repeat(" ", 1<<20),
		"scalars":      `{"kind":"PodList","apiVersion":"v1","items":[` + strings.Repeat("1,", 100_000) + "1]}",
		"untyped":      `{"items":[` + strings.Repeat("{},", 150_000) + `{}],"kind":"List"}`,
		"keys":         `{"kind":"Pod","apiVersion":"v1",` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`,
		"NUL":          strings.Repeat("\x00", 1<<20),
		"carriage":     strings.Repeat("a: b\r", 10_000),
		"questions":    strings.Repeat("? ", deep),
		"anchors":      strings.Repeat("&a ", 10_000) + "b",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := read(text)
			require.NotEmpty(t, r.ledger.Diagnostics)
			require.Less(t, len(r.ledger.Diagnostics), 30)
			for _, d := range r.ledger.Diagnostics {
				r.reader.Locate(d.Origin)
			}
			require.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

// TestOrder reads the same at any parallelism.
func TestOrder(t *testing.T) {
	var inputs []Input
	for i := range 40 {
		var b strings.Builder
		for j := range 30 {
			switch (i + j) % 5 {
			case 0:
				fmt.Fprintf(&b, "---\na: [%d\n", j)
			case 1:
				fmt.Fprintf(&b, "---\na: %d\n", j)
			default:
				fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d-%d, labels: {x: %d}}\n", i, j, j)
			}
		}
		inputs = append(inputs, Bytes(fmt.Sprint(i), []byte(b.String())))
		inputs = append(inputs, Bytes(fmt.Sprint("j", i), []byte(strings.Repeat(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}`, i*10)+"{")))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := readInputs(Options{}, inputs...)
	require.Greater(t, want.ledger.Objects, 8000)
	for _, n := range []int{2, 3, 8} {
		runtime.GOMAXPROCS(n)
		got := readInputs(Options{}, inputs...)
		require.Equal(t, want.ledger, got.ledger)
		require.Equal(t, want.objects, got.objects)
	}
}

// TestBreak stops in the middle: no goroutine stays.
func TestBreak(t *testing.T) {
	before := runtime.NumGoroutine()
	many := strings.Repeat("---\n"+pod, 500)
	lines := strings.Repeat(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}`, 5000)
	for stop := range 20 {
		var l dialect.Ledger
		n := 0
		for range NewReader(Options{}).Read([]Input{Bytes("a", []byte(many)), Bytes("b", []byte(lines)), Bytes("c", []byte(many))}, &l) {
			if n++; n > stop*100 {
				break
			}
		}
		require.Equal(t, stop*100+1, l.Objects)
		require.Empty(t, l.Diagnostics)
		for deadline := time.Now().Add(time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
			runtime.Gosched() // they have ended but for their last instruction
		}
		require.LessOrEqual(t, runtime.NumGoroutine(), before)
	}
}

type failing struct{ io.Reader }

func (f failing) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err == io.EOF {
		err = errors.New("the disk is gone")
	}
	return n, err
}
func (failing) Close() error { return nil }

func TestUnreadable(t *testing.T) {
	for _, text := range []string{"", pod + "---\n" + pod, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}} {`} {
		r := readInputs(Options{}, Input{Name: "bad", Open: func() (io.ReadCloser, error) { return failing{strings.NewReader(text)}, nil }}, Bytes("ok", []byte(pod)))
		require.Equal(t, "PR1007", r.ledger.Diagnostics[0].Code.String(), text)
		require.Equal(t, "the disk is gone", r.ledger.Diagnostics[0].Message)
		require.Len(t, r.ledger.Diagnostics, 1)
		require.Equal(t, "Pod ml/a Pod", r.names()[len(r.objects)-1])
		require.Equal(t, "Broken", r.names()[len(r.objects)-2])
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(pod), 0o644))
	}
	for _, name := range []string{"b.yaml", "a/z.json", "a/y.yml", "a/x.jsonl", "a/readme.md", ".git/c.yaml", "c/.hidden/d.yaml", "odd.txt"} {
		write(name)
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(dir, "b.yaml"), filepath.Join(dir, "link.yaml"))) // read under its own name
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	names := func(paths ...string) (out []string, l dialect.Ledger) {
		for _, in := range Paths(paths, strings.NewReader(pod), &l) {
			rel, err := filepath.Rel(dir, in.Name)
			if err != nil {
				rel = in.Name
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return out, l
	}
	got, l := names(dir)
	require.Equal(t, []string{"a/x.jsonl", "a/y.yml", "a/z.json", "b.yaml"}, got)
	require.Empty(t, l.Diagnostics)
	got, l = names(filepath.Join(dir, "odd.txt"), filepath.Join(dir, "b.yaml"), dir, filepath.Join(dir, "link.yaml"), "-", "-")
	require.Equal(t, []string{"odd.txt", "b.yaml", "a/x.jsonl", "a/y.yml", "a/z.json", "link.yaml", "-"}, got)
	require.Empty(t, l.Diagnostics)
	got, l = names(filepath.Join(dir, "empty"))
	require.Empty(t, got)
	require.Len(t, l.Diagnostics, 1)
	require.Equal(t, dialect.CodeEmptyFile, l.Diagnostics[0].Code)

	l = dialect.Ledger{}
	r := NewReader(Options{})
	var objects []Object
	for o := range r.Read(Paths([]string{"-", filepath.Join(dir, "b.yaml")}, strings.NewReader(pod), &l), &l) {
		objects = append(objects, o)
	}
	require.Len(t, objects, 2)
	require.Equal(t, "-:8:3", r.Locate(objects[0].Origin.Field("spec", "containers")).String())
	require.Equal(t, filepath.Join(dir, "b.yaml")+":6:12", r.Locate(objects[1].Origin.Field("metadata", "labels", "app")).String())
}

// TestExamples runs the example of every code that is about reading.
func TestExamples(t *testing.T) {
	for _, doc := range dialect.Codes {
		if doc.Code > dialect.CodeNotFollowed {
			break
		}
		require.NotEmpty(t, doc.Text, doc.Code)
		require.NotEmpty(t, doc.Example, doc.Code)
		companion := Bytes("ok.yaml", []byte(pod))
		var inputs []Input
		var l dialect.Ledger
		want := []dialect.Code{doc.Code}
		switch doc.Code {
		case dialect.CodeDuplicateObject, dialect.CodeBadAddress:
			want = nil // found when the objects are put together
		case dialect.CodeUnreadable:
			inputs = Paths([]string{doc.Example}, nil, &l)
		case dialect.CodeNotFollowed:
			t.Chdir(t.TempDir())
			require.NoError(t, os.Mkdir(doc.Example, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(doc.Example, "in.yaml"), []byte(pod), 0o644))
			require.NoError(t, os.Symlink("../out.yaml", filepath.Join(doc.Example, "out.yaml")))
			inputs = Paths([]string{doc.Example}, nil, &l)
		case dialect.CodeNoObjects:
			companion = Bytes("ok.yaml", nil)
			want = []dialect.Code{dialect.CodeEmptyFile, dialect.CodeEmptyFile, doc.Code}
		}
		if inputs == nil {
			inputs = []Input{Bytes("in.yaml", []byte(doc.Example))}
		}
		for range NewReader(Options{}).Read(append(inputs, companion), &l) {
		}
		var got []dialect.Code
		for _, d := range l.Diagnostics {
			got = append(got, d.Code)
			require.NotEmpty(t, d.Message)
		}
		require.Equal(t, want, got, doc.Code)
	}
}
