package manifest

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	sigs "sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model/dialect"
)

// FuzzRead: no input makes reading panic; reading twice gives the same; every
// origin that comes out can be located.
func FuzzRead(f *testing.F) {
	for _, doc := range dialect.Codes {
		f.Add([]byte(doc.Example))
	}
	for _, seed := range []string{
		pod, pod + "---\n" + pod, "{", "[", "---\n---\n", "a: &a [*a]", "{\"a\":1}\n---\na: b\n", "\xff\xfe", "\uFEFFa: b", "? a\n: b", "- - - a",
		"a: !!int x", "a: !!binary /w==", "<<: {a: b}\nc: *x", "a: |\n  x\n...\nb: c", "%YAML 1.1\n---\na: b", "--- # Source: x\nkind: Pod",
		`{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"a":1}}},{"metadata":{}},3]}`,
		`{"items":[{"metadata":{"name":"a"}}],"kind":"PodList","apiVersion":"v1"}`,
		`{"kind":"NetworkPolicy","apiVersion":"networking.k8s.io/v1","metadata":{"name":"p"},"spec":{"podSelector":{"x":1},"podSelector":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	limits := Options{Limits: Limits{Document: 1 << 20, Expansion: 1 << 16, Depth: 100}}
	f.Fuzz(func(t *testing.T, b []byte) {
		first := readInputs(limits, Bytes("in", b))
		second := readInputs(limits, Bytes("in", b))
		require.Equal(t, first.objects, second.objects)
		require.Equal(t, first.ledger, second.ledger)
		for _, o := range first.objects {
			p := first.reader.Locate(o.Origin)
			require.Positive(t, p.Line, "%+v", o)
			require.Positive(t, p.Column, "%+v", o)
		}
		for _, d := range first.ledger.Diagnostics {
			if d.Code == dialect.CodeNoObjects {
				continue
			}
			p := first.reader.Locate(d.Origin)
			require.Positive(t, p.Line, "%+v", d)
			require.NotEmpty(t, d.Message)
		}
		require.NotZero(t, len(first.objects)+len(first.ledger.Diagnostics), "something must be said")
	})
}

var bareTag = regexp.MustCompile(`!([\s,\]}]|$)`)

// FuzzYAML: a document that both read means what it means to kubectl. The
// parsers are two versions of one and differ in what they refuse.
func FuzzYAML(f *testing.F) {
	for _, w := range plain {
		f.Add("k: " + w)
	}
	f.Add(pod)
	f.Add("a: &x {b: 1}\nc:\n  <<: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if bareTag.MatchString(text) {
			t.Skip("the parser does not tell whether a scalar has the tag !")
		}
		_, err := sigs.YAMLToJSON([]byte(text))
		if _, _, ours := toJSON([]byte(text)); err == nil && ours == nil {
			compare(t, text)
		}
	})
}
