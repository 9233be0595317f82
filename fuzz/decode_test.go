package fuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// maxText and limits keep inputs small, so that the time of one is known.
const maxText = 1 << 16

var limits = manifest.Options{Limits: manifest.Limits{Document: 1 << 20, Expansion: 1 << 16, Depth: 100}}

// FuzzDecode takes any bytes through the whole line, and the text of generated
// clusters with edits. Nothing panics or takes long; reading again gives the
// same; errors can be found; JSON and YAML of one tree mean the same.
func FuzzDecode(f *testing.F) {
	for _, doc := range dialect.Codes {
		f.Add([]byte(doc.Example), []byte(nil))
	}
	f.Add([]byte("a cluster"), []byte{0})
	f.Add([]byte("another"), []byte{1})
	f.Add([]byte("edited"), []byte{0, 40, 7, 0, 'x', 90, 9, 1, '{', 200, 5, 2, 3, 120, 1, 3, 0})
	f.Add([]byte("edited, too"), []byte{1, 140, 7, 3, 0, 30, 9, 0, ' ', 60, 5, 2, 9})
	f.Fuzz(func(t *testing.T, b, edits []byte) {
		if len(edits) == 0 {
			decode(t, b)
			return
		}
		c := gen.New(rand.New(gen.Bytes(b)), gen.Options{Pods: 3, Policies: 3})
		if len(edits) == 1 {
			sameMeaning(t, decode(t, c.JSON()), decode(t, c.YAML()), string(c.YAML()))
			return
		}
		text := c.JSON()
		if edits[0]%2 == 1 {
			text = c.YAML()
		}
		decode(t, edited(text, edits[1:]))
	})
}

// edited changes a text: four bytes are a place (in two), what to do there, and
// with what.
func edited(text, edits []byte) []byte {
	for ; len(edits) >= 4 && len(text) > 0; edits = edits[4:] {
		at := (int(edits[0])<<8 | int(edits[1])) * len(text) >> 16
		switch edits[2] % 4 {
		case 0:
			text = slices.Concat(text[:at], edits[3:4], text[at+1:])
		case 1:
			text = slices.Concat(text[:at], edits[3:4], text[at:])
		case 2:
			text = slices.Concat(text[:at], text[min(at+1+int(edits[3]%16), len(text)):])
		case 3: // a line twice
			from := bytes.LastIndexByte(text[:at], '\n') + 1
			to := len(text)
			if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
				to = at + n + 1
			}
			text = slices.Concat(text[:to], text[from:to], text[to:])
		}
	}
	return text
}

// decoded is what a text comes to.
type decoded struct {
	snapshot *model.Snapshot
	ledger   *dialect.Ledger
}

// decode takes a text through the line, twice, and asks a little of the index.
func decode(t *testing.T, text []byte) decoded {
	t.Helper()
	if len(text) > maxText {
		return decoded{}
	}
	begin := time.Now()
	x, ledger, err := index(&gen.Cluster{}, text, limits)
	require.NoError(t, err, "%q", text)
	again, second, err := index(&gen.Cluster{}, text, limits)
	require.NoError(t, err, "%q", text)
	require.Equal(t, x.Snapshot(), again.Snapshot(), "%q", text)
	require.Equal(t, ledger, second, "%q", text)
	for _, d := range ledger.Diagnostics {
		require.NotEmpty(t, d.Message)
		if d.Severity() == dialect.Error && d.Code != dialect.CodeNoObjects { // that is about the input as a whole
			require.True(t, d.Origin.Known() || d.Object != model.ObjectRef{}, "nobody can find %v in %q", d, text)
		}
	}
	require.Equal(t, ledger.Count(dialect.Error) > 0, ledger.Err() != nil, "%q", text)
	everyone := solver.Ends{Set: x.AllPods().Union(x.AllNodes())}
	if n := everyone.Set.Pods() + everyone.Set.Nodes(); 0 < n && n < 60 {
		l := solver.List(x, everyone, everyone, solver.ByPod)
		require.LessOrEqual(t, len(l.Certain)+len(l.Uncertain), 2*n*n)
		bounds := solver.Between(x, everyone, everyone)
		require.True(t, bounds.Upper.ContainsAll(bounds.Lower), "%q", text)
	}
	require.Less(t, time.Since(begin), 30*time.Second, "%q", text) // three orders more than it takes on an idle machine
	out := decoded{x.Snapshot(), ledger}
	if tree, ok := plainTree(text); ok {
		x, ledger, err := index(&gen.Cluster{}, tree, limits)
		require.NoError(t, err, "%q", text)
		asYAML, yamlLedger, err := index(&gen.Cluster{}, slices.Concat([]byte("# YAML\n"), tree), limits)
		require.NoError(t, err, "%q", text)
		sameMeaning(t, decoded{x.Snapshot(), ledger}, decoded{asYAML.Snapshot(), yamlLedger}, string(tree))
	}
	return out
}

// sameMeaning compares everything but positions.
func sameMeaning(t *testing.T, a, b decoded, text string) {
	t.Helper()
	if a.snapshot == nil || b.snapshot == nil { // too long
		return
	}
	require.Equal(t, withoutOrigins(a.snapshot), withoutOrigins(b.snapshot), "%s", text)
	require.Equal(t, told(a.ledger), told(b.ledger), "%s", text)
	require.Equal(t, a.ledger.Objects, b.ledger.Objects, "%s", text)
}

func withoutOrigins(s *model.Snapshot) *model.Snapshot {
	out := *s
	out.Namespaces, out.Pods, out.Nodes, out.Rules = slices.Clone(s.Namespaces), slices.Clone(s.Pods), slices.Clone(s.Nodes), slices.Clone(s.Rules)
	for i := range out.Namespaces {
		out.Namespaces[i].Origin = model.Origin{}
	}
	for i := range out.Pods {
		out.Pods[i].Origin = model.Origin{}
	}
	for i := range out.Nodes {
		out.Nodes[i].Origin = model.Origin{}
	}
	for i := range out.Rules {
		out.Rules[i].Origin = model.Origin{}
	}
	return &out
}

// told is what the diagnostics are about.
func told(l *dialect.Ledger) []string {
	var out []string
	for _, d := range l.Diagnostics {
		out = append(out, fmt.Sprint(d.Code, " ", d.Object))
	}
	slices.Sort(out)
	return out
}

var wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,14})$`)

// plainTree is a JSON object without what JSON and YAML write in different
// ways or only one of them has: keys given twice, fractions, characters that
// YAML does not print, names that are too long for it.
func plainTree(text []byte) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree map[string]any
	if d.Decode(&tree) != nil || d.More() || !plainValue(tree, 50) {
		return nil, false
	}
	out, err := json.Marshal(tree)
	if err != nil || len(out) > maxText || bytes.ContainsFunc(out, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, false
	}
	return out, true
}

func plainValue(v any, depth int) bool {
	if depth == 0 {
		return false
	}
	switch v := v.(type) {
	case json.Number:
		return wholeNumber.MatchString(v.String())
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !plainValue(e, depth-1) })
	case map[string]any:
		for k, e := range v {
			if len(k) > 200 || !plainValue(e, depth-1) {
				return false
			}
		}
	}
	return true
}

// TestDecodeComparesTrees: the comparison of JSON and YAML sees what it should.
func TestDecodeComparesTrees(t *testing.T) {
	c := gen.New(rand.New(gen.Bytes([]byte("x"))), gen.Options{Pods: 3, Policies: 3})
	tree, ok := plainTree(c.JSON())
	require.True(t, ok)
	require.JSONEq(t, string(c.JSON()), string(tree))
	for _, no := range []string{"", "[]", `{"a":1.5}`, `{"a":1e3}`, `{"a":"é"}`, `{"a":1}{}`, `{"` + strings.Repeat("k", 300) + `":1}`, strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60)} {
		_, ok := plainTree([]byte(no))
		require.False(t, ok, no)
	}
	require.Equal(t, "axc", string(edited([]byte("abc"), []byte{86, 0, 0, 'x'})))
	require.Equal(t, "axbc", string(edited([]byte("abc"), []byte{86, 0, 1, 'x'})))
	require.Equal(t, "ac", string(edited([]byte("abc"), []byte{86, 0, 2, 0})))
	require.Equal(t, "a\nb\nb\nc", string(edited([]byte("a\nb\nc"), []byte{120, 0, 3, 0})))
}
