package manifest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// endless repeats a text for ever.
type endless struct {
	text string
	read int64
}

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.text[(e.read+int64(i))%int64(len(e.text))]
	}
	e.read += int64(len(b))
	return len(b), nil
}

func (e *endless) Close() error { return nil }

// TestEndless reads streams that do not end: what is held of them is bounded.
func TestEndless(t *testing.T) {
	limits := Options{Limits: Limits{Document: 4 << 20, YAML: 1 << 20}}
	const yaml = "-:1:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this) and no line --- that would end it is near; what follows in this file is not read; it may hold a policy of any namespace (PR1008)"
	const json = "-:1:1: a JSON value is larger than 4 MiB (--limit document=8Mi raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)"
	for _, c := range []struct{ start, text, want string }{
		{"", "\x00", yaml},
		{"", "\n", yaml},
		{"", " ", yaml},
		{"", "#", yaml},
		{"", "# c\n", yaml},
		{"", "a: b\n", yaml},
		{"--- ", "x", yaml},
		{"---", " ", yaml},
		{`{"a":"`, "x", json},
		{"{", " ", json},
		{"{", `"a":[],`, json},
	} {
		e := &endless{text: c.text}
		var l dialect.Ledger
		r := reading{reader: NewReader(limits)}
		for o := range r.reader.Read(Paths([]string{"-"}, io.MultiReader(strings.NewReader(c.start), e), &l), &l) {
			r.objects = append(r.objects, o)
		}
		r.ledger = l
		require.Equal(t, []string{c.want}, r.diagnostics(), "%q", c.text)
		require.Equal(t, []string{"Broken"}, r.names())
		require.Equal(t, 1, r.reader.Locate(r.objects[0].Origin).Line)
		require.Less(t, e.read, int64(10<<20), "%q", c.text) // of a stream as much is kept
		// An input that can be read again costs no more either.
		again := &endless{text: c.start + c.text}
		require.NotEmpty(t, readInputs(limits, Input{Name: "x", Open: func() (io.ReadCloser, error) { return again, nil }}).ledger.Diagnostics)
		require.Less(t, again.read, int64(20<<20))
	}
	// A large document that ends costs only itself.
	large := "a: " + strings.Repeat("x", 2<<20) + "\n"
	r := readInputs(limits, Bytes("in", []byte(pod+"---\n"+large+"---\n"+pod+"---\n"+strings.Repeat(large, 4)+"---\n"+pod)))
	require.Equal(t, []string{"Pod ml/a Pod", "Broken", "Pod ml/a Pod", "Broken"}, r.names())
	require.Equal(t, []string{
		"in:12:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this); JSON lists may be of any size (kubectl get -o json); it may hold a policy of any namespace (PR1008)",
		"in:26:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this) and no line --- that would end it is near; what follows in this file is not read; it may hold a policy of any namespace (PR1008)",
	}, r.diagnostics())
}

func TestDefaultLimits(t *testing.T) {
	require.Equal(t, Limits{Document: MaxDocument, YAML: MaxYAML, Expansion: MaxExpansion, Depth: MaxDepth,
		Text: MaxText, Kept: MaxKept, Objects: MaxObjects, Problems: MaxProblems}, NewReader(Options{}).limits)
	require.Equal(t, int64(300), NewReader(Options{Limits: Limits{Document: 300}}).limits.YAML)
	var peak runtime.MemStats
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n" + strings.Repeat("  k: |\n    v\n", MaxYAML/12)
	r := read(pod + "---\n" + text + "---\n" + pod)
	runtime.ReadMemStats(&peak)
	require.Equal(t, []string{"Pod ml/a Pod", "Broken", "Pod ml/a Pod"}, r.names())
	require.Equal(t, dialect.CodeLimit, r.ledger.Diagnostics[0].Code)
	require.Less(t, peak.HeapSys, uint64(1<<30))
}

// TestKept reads a text that is kept from many places, beyond what was read
// before.
func TestKept(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	for b.Len() < 5*keptBlock/2 { // one part shrinks, the other does not
		fmt.Fprintf(&b, "line %d: %x\n", b.Len(), rnd.Uint64())
	}
	text := b.String()
	k := keep(iotest.HalfReader(strings.NewReader(text)), Limits{}.complete())
	for _, from := range []int64{0, 1, 70_000, 3, keptBlock - 1, keptBlock, keptBlock + 1, 2 * keptBlock, int64(len(text)) - 1, int64(len(text)), int64(len(text)) + 9} {
		for _, n := range []int64{1, 100, keptBlock, 1 << 30} {
			got, err := io.ReadAll(io.LimitReader(&keptReader{k, from}, n))
			require.NoError(t, err)
			at := min(from, int64(len(text)))
			require.Equal(t, text[at:min(int64(len(text)), at+n)], string(got))
		}
	}
	require.Less(t, k.stored, int64(len(text)))

	k = keep(strings.NewReader(text), Limits{}.complete())
	_, err := io.ReadFull(&keptReader{k, 0}, make([]byte, 10))
	require.NoError(t, err)
	k.close()
	got, err := io.ReadAll(&keptReader{k, 0})
	require.NoError(t, err)
	require.Equal(t, text[:k.length()], string(got), "nothing is read behind the end")
	require.Less(t, k.length(), int64(len(text)))
}

// TestUnreadablePaths: what a path holds that cannot be read is not known.
func TestUnreadablePaths(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("ok.yaml"), []byte(pod), 0o644))
	want := []string{at("none.yaml") + ": no such file or directory (PR1007)"}
	arguments := []string{at("none.yaml"), at("none.yaml"), at("ok.yaml")}
	names := []string{"Broken", "Pod ml/a Pod"}
	if os.Geteuid() != 0 { // root may read everything
		require.NoError(t, os.WriteFile(at("closed.yaml"), []byte(pod), 0))
		require.NoError(t, os.MkdirAll(at("folder/closed"), 0o755))
		require.NoError(t, os.Chmod(at("folder/closed"), 0))
		t.Cleanup(func() { _ = os.Chmod(at("folder/closed"), 0o755) })
		arguments = append(arguments, at("closed.yaml"), at("folder"), at("folder/closed"))
		want = append(want, at("closed.yaml")+": cannot open: permission denied (PR1007)", at("folder/closed")+": cannot open: permission denied (PR1007)")
		names = append(names, "Broken", "Broken")
	}
	var l dialect.Ledger
	r := reading{reader: NewReader(Options{})}
	for o := range r.reader.Read(Paths(arguments, nil, &l), &l) {
		r.objects = append(r.objects, o)
		if b, ok := o.Value.(*Broken); ok {
			require.Equal(t, &Broken{Policy: true}, b)
			require.True(t, o.Origin.Known())
		}
	}
	r.ledger = l
	require.Equal(t, want, r.diagnostics())
	require.Equal(t, names, r.names())
	in := unreadable("x", os.ErrPermission)
	require.Equal(t, []string{"Broken"}, readInputs(Options{}, in).names())
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(at(name)), 0o755))
		require.NoError(t, os.WriteFile(at(name), []byte(pod), 0o644))
	}
	link := func(target, name string) { require.NoError(t, os.Symlink(target, at(name))) }
	// A mounted ConfigMap.
	write("cm/..2024_01/x.yaml")
	write("cm/..2024_01/y.yaml")
	link("..2024_01", "cm/..data")
	link("..data/x.yaml", "cm/x.yaml")
	link("..data/y.yaml", "cm/y.yaml")
	// All kinds of links.
	write("f/a.yaml")
	write("f/sub/b.yaml")
	write("f/text.md")
	write("out/o.yaml")
	link("a.yaml", "f/again.yaml")
	link("text.md", "f/md.yaml")
	link("text.md", "f/md2.yaml")
	link("sub", "f/sub2")
	link("loop.yaml", "f/loop.yaml")
	link(".", "f/self")
	link("../out", "f/out")
	link("../out/o.yaml", "f/o.yaml")
	link("none", "f/none.yaml")
	link("none", "f/none.txt")
	link("../out", "f/.hidden")
	// Links that are named.
	link("f/sub", "named")
	link("f/a.yaml", "named.yaml")
	for _, c := range []struct {
		path, want string
		note       string
	}{
		{"cm", "cm/x.yaml cm/y.yaml", ""},
		{"f", "f/a.yaml f/md.yaml f/sub/b.yaml", "4 links and special files in the folder are not followed, such as " + at("f/loop.yaml")},
		{"named", "named/b.yaml", ""},
		{"named.yaml", "named.yaml", ""},
	} {
		var l dialect.Ledger
		var got []string
		inputs := Paths([]string{at(c.path)}, nil, &l)
		for _, in := range inputs {
			rel, err := filepath.Rel(dir, in.Name)
			require.NoError(t, err)
			got = append(got, filepath.ToSlash(rel))
		}
		require.Equal(t, c.want, strings.Join(got, " "))
		if c.note == "" {
			require.Empty(t, l.Diagnostics)
		} else {
			require.Equal(t, []dialect.Diagnostic{{Code: dialect.CodeNotFollowed, Origin: model.Origin{File: at(c.path)}, Message: c.note}}, l.Diagnostics)
			require.Equal(t, dialect.Note, l.Diagnostics[0].Severity())
		}
		require.Len(t, readInputs(Options{}, inputs...).objects, len(inputs))
	}
}
