package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Difference names the first line that differs, on either side.
func TestDifference(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for _, c := range []struct {
		old, now, path string
		keys           []string
		was, is        int // lines; 0: nothing differs
	}{
		{"data:\n  a: x\n  b: y\n", "data:\n  a: x\n  b: z\n", "data", nil, 6, 6},
		{"data:\n  a: x\n  b: y\n", "data:\n  b: y\n  a: x\n", "data", nil, 0, 0},
		{"data:\n  a: x\n", "data:\n  # a word\n  a: x\n  b: y\n", "data", nil, 4, 7},
		{"data:\n  a: x\n  b: y\n", "data:\n  b: y\n", "data", nil, 5, 4},
		{"data:\n  a: x\n  b: y\n", "data:\n  a: z\n  c: y\n", "data", nil, 6, 6},
		{"data:\n  a: x\n", "data:\n  a: x\nmore: 1\n", "data", nil, 0, 0},
		{"data:\n- 1\n- 2\n- 3\n", "data:\n- 1\n- 3\n", "data", nil, 6, 4},
		{"data:\n- 1\n- 3\n", "data:\n- 1\n- 2\n- 3\n", "data", nil, 4, 6},
		{"data:\n- 1\n- 2\n", "data:\n- 1\n- 4\n", "data", nil, 6, 6},
		{"data:\n- a: 1\n  b: 2\n", "data:\n- a: 1\n  b: 3\n", "data[0]", nil, 6, 6},
		{"data: 1\n", "data: \"1\"\n", "data", nil, 4, 4},
		{"data: &x {a: 1}\nmore: *x\n", "data: {a: 1}\nmore: {a: 1}\n", "", nil, 0, 0},
		{"data:\n- image: x\n  ports: [1]\n", "data:\n- image: y\n  ports: [2]\n", "data", []string{"ports"}, 6, 6},
		{"data:\n- image: x\n", "data:\n- image: y\n", "data", []string{"ports"}, 0, 0},
		{"data:\n- image: x\n", "data:\n- image: y\n  ports: [2]\n", "data", []string{"ports"}, 5, 6},
	} {
		side := func(text string) (*manifest.Reader, model.Origin) {
			var l dialect.Ledger
			r := manifest.NewReader(manifest.Options{})
			for range r.Read([]manifest.Input{manifest.Bytes("in", []byte(head+text))}, &l) {
			}
			return r, model.Origin{File: "in", Path: c.path}
		}
		old, o := side(c.old)
		now, p := side(c.now)
		was, is, ok := manifest.Difference(old, o, now, p, c.keys...)
		require.Equal(t, c.was > 0, ok, c)
		if ok {
			require.Equal(t, []int{c.was, c.is}, []int{was.Line, is.Line}, c)
		}
	}
	r := manifest.NewReader(manifest.Options{})
	_, _, ok := manifest.Difference(r, model.Origin{File: "none"}, r, model.Origin{File: "none"})
	require.False(t, ok)
}
