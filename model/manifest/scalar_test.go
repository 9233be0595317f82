package manifest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sigs "sigs.k8s.io/yaml"
)

// plain holds scalars at the borders of YAML 1.1, YAML 1.2 and this package.
var plain = strings.Split(`y Y yes Yes YES yEs n N no No NO on On ON off Off OFF true True TRUE tRUE false False FALSE
~ null Null NULL nULL 0 -0 +0 1 -1 +1 007 08 0777 -017 +017 0o17 0O17 -0o17 0x1F 0X1f -0x1F 0b101 0B1 -0b11 0b 0b2 0b+1 -0b-1 --1
1_000 _1 1_ 1__0 0_7 0x_f 0b_1 1_000.5 1.5 -1.5 +1.5 1. .5 -.5 +.5 . .. ... .5_0 ._5 1e3 1E3 1e+3 1e-3 1.5e3 1e 1e400 -1e400 1e-400
.inf .Inf .INF -.inf +.inf .nan .NaN .NAN -.nan inf nan Inf NaN infinity
190:20:30 1:20 12:30:45 0:0 22:22 2001-01-01 2001-1-1 2001-13-01 2001-12-14t21:59:43.10Z 2001-12-14T21:59:43.10-05:00
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616
0x7fffffffffffffff 0xffffffffffffffff 0x10000000000000000 0b1111111111111111111111111111111111111111111111111111111111111111
1.0 100.0 80.0 1e21 1e20 123456789012345678901234567890 0.1 1.7976931348623157e308 5e-324 1.10 1.20.3 10.0.0.0/8 v1 1a 0xg
<< = 1,000 1.2.3 + - +a -a 0. 00 0_ -_1 +_1 1e5_0 .1e2 .e2 p.5 .0x1p-2 0x1p-2 0x1.8p1 1p2 in a:b a#b`, " ")

func TestScalarsMeanWhatTheyMeanToKubectl(t *testing.T) {
	words := append([]string{""}, strings.Fields(strings.Join(plain, " "))...)
	for _, w := range words {
		if w == "-" || w == "..." {
			continue // not scalars
		}
		compare(t, "k: "+w+"\n")
		compare(t, w+": v\n")
		compare(t, "k: [ "+strings.ReplaceAll(w, ",", "")+" ]\n")
		compare(t, "k: "+fmt.Sprintf("%q", w)+"\n")
		compare(t, "k: '"+w+"'\n")
		compare(t, "k: |\n  "+w+"\n")
		for _, tag := range []string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary", "!own", "!!own"} {
			compare(t, "k: "+tag+" "+w+"\n")
			compare(t, "k: "+tag+" '"+w+"'\n")
		}
	}
	compare(t, "k: 2001-12-14 21:59:43.10\n")
	compare(t, "k: 2001-12-14 21:59:43.10 -5\n")
	compare(t, "k: !!binary aGVsbG8=\n")
	compare(t, "k: !!binary /w==\n")
	compare(t, "k: \"\\xff\\u263a\\U0001F600\\0\"\n")
}

func TestStructuresMeanWhatTheyMeanToKubectl(t *testing.T) {
	for _, doc := range []string{
		"a: &x {b: 1}\nc: *x\n",
		"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n",
		"a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n",
		"a: &x {b: 1}\ny: &y {b: 2, c: 3}\nd:\n  <<: [*x, *y]\n",
		"d:\n  <<: {b: 1}\n  b: 2\n",
		"d:\n  <<: [{b: 1}, {b: 2, c: 3}]\n",
		"d:\n  \"<<\": {b: 1}\n",
		"d:\n  !!merge <<: {b: 1}\n",
		"d:\n  <<: 1\n", "d:\n  <<: [1]\n", "d:\n  <<: [[{b: 1}]]\n", "a: &x [1]\nd:\n  <<: *x\n",
		"a: &x [{b: 1}]\nd:\n  <<: *x\n",
		"x: &x {a: 1}\ny: &y\n  <<: *x\n  b: 2\nz:\n  <<: *y\n  c: 3\n",
		"a: &x\n  b: *x\n",
		"x: &x\n  a: {<<: *x}\n",
		"a: *nowhere\n",
		"? [a]\n: b\n", "? {a: b}\n: c\n", "~: a\n", "? &k key\n: v\n*k : w\n", "&k a: *k\n",
		"a: >\n  folded\n  text\n\n  more\nb: |-\n  x\nc: |+\n  y\n\n",
		"- 1\n- a: b\n-\n- []\n",
		"a:\n- 1\n- 2\n",
		"{a: 1, b: [x, y], }\n",
		"{\"a\":1,\"b\":{\"c\":[true,null,1.50]}}",
		"a: !!map {b: c}\n", "a: !!seq [b]\n", "a: !!set {b, c}\n", "a: !!str [b]\n", "a: !!str {b: c}\n",
		"\ta: b\n", "a:\n\t- b\n", "a: b\tc\n", "a: 'it''s'\n", "a: \"\\q\"\n", "a: b: c\n", "a: [b\n", "\"a\n", "a: @b\n", "a: `b\n", "%YAML 1.1\n---\na: b\n",
		"a: b\r\nc: d\r\n", "a: \"x\r\n  y\"\r\n", "\uFEFFa: b\n", "a: \x00\n", "a: \xff\n", "a: \u0085b\n", "a: \u2028b\n",
	} {
		compare(t, doc)
	}
}

// TestGeneratedDocumentsMeanWhatTheyMeanToKubectl joins scalars and structures at random.
func TestGeneratedDocumentsMeanWhatTheyMeanToKubectl(t *testing.T) {
	words := strings.Fields(strings.Join(plain, " "))
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var block func(indent string, depth int) string
		anchors := 0
		scalar := func() string {
			switch rnd.IntN(6) {
			case 0:
				return fmt.Sprintf("%q", words[rnd.IntN(len(words))])
			case 1:
				if anchors > 0 {
					return fmt.Sprintf("*a%d", rnd.IntN(anchors))
				}
			case 2:
				return fmt.Sprintf("[ %s , {k: %s} ]", strings.Trim(words[rnd.IntN(len(words))], ",-.:"), strings.Trim(words[rnd.IntN(len(words))], ",-.:"))
			}
			return words[rnd.IntN(len(words))]
		}
		block = func(indent string, depth int) string {
			var b strings.Builder
			list := rnd.IntN(4) == 0
			for i := range 1 + rnd.IntN(4) {
				key := fmt.Sprintf("k%d:", i)
				if rnd.IntN(6) == 0 {
					key = words[rnd.IntN(len(words))] + ":"
				}
				if rnd.IntN(8) == 0 && anchors > 0 && !list {
					fmt.Fprintf(&b, "%s<<: *a%d\n", indent, rnd.IntN(anchors))
					continue
				}
				if list {
					key = "-"
				}
				if depth > 0 && rnd.IntN(2) == 0 {
					anchor := ""
					if rnd.IntN(3) == 0 {
						anchor = fmt.Sprintf(" &a%d", anchors)
					}
					inner := block(indent+"  ", depth-1)
					if anchor != "" {
						anchors++
					}
					fmt.Fprintf(&b, "%s%s%s\n%s", indent, key, anchor, inner)
					continue
				}
				fmt.Fprintf(&b, "%s%s %s\n", indent, key, scalar())
			}
			return b.String()
		}
		compare(t, block("", 3))
	}
}

// compare requires that the text means what it means to sigs.k8s.io/yaml. A
// key given twice is compared only when it is one and the same word: kubectl's
// choice between yes and true is a matter of chance.
func compare(t *testing.T, text string) {
	t.Helper()
	want, wantErr := sigs.YAMLToJSON([]byte(text))
	got, repeated, err := toJSON([]byte(text))
	if len(repeated) > 0 {
		return
	}
	if wantErr != nil {
		require.Error(t, err, "kubectl refuses %q: %v; here it is %s", text, wantErr, got)
		return
	}
	require.NoError(t, err, "kubectl reads %q as %s", text, want)
	var w, g any
	decode := func(b []byte, v *any) {
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		require.NoError(t, d.Decode(v), "%q: %s", text, b)
	}
	decode(want, &w)
	decode(got, &g)
	require.Equal(t, w, g, "%q", text)
}

func toJSON(text []byte) ([]byte, []repeatedKey, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, nil, err
	}
	if root == nil {
		return []byte("null"), nil, nil
	}
	out, repeated, _, err := convert(root, Limits{Document: MaxDocument, Expansion: MaxExpansion, Depth: MaxDepth})
	return out, repeated, err
}
