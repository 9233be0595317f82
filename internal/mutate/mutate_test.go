package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"log"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sourceOf is a package of one file that imports nothing.
func sourceOf(t *testing.T, text string) *source {
	t.Helper()
	s := &source{folder: "tiny", path: "tiny", fset: token.NewFileSet(), config: &types.Config{}}
	require.NoError(t, s.add("tiny.go", []byte(text)))
	require.NoError(t, s.check())
	return s
}

// after is the mutated lines of what compiles, in the order of the text.
func after(s *source) (out []string) {
	for _, m := range s.mutants() {
		if m.compiles() {
			out = append(out, m.after)
		}
	}
	return out
}

func TestMutants(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"bound", "return a < b", []string{"return !(a < b)", "return a <= b", "return a >= b"}},
		{"equality", "return a == 1", []string{"return !(a == 1)", "return a != 1", "return a == 2", "return a == 0"}},
		{"logic", "return p && q", []string{"return !(p && q)", "return p || q", "return q", "return p"}},
		{"negation", "return !p", []string{"return !(!p)", "return p"}},
		{"truth", "return true", []string{"return false"}},
		{"condition", "if p {\nreturn q\n}\nreturn false", []string{"if !p {", "", "return !(q)", "return true"}},
		{"branch", "for a < b {\na++\nif p {\nbreak\n}\n}\nreturn q", []string{
			"for a < b { a++ if p { break } } ...", "for a < b { ...; break }", "for a <= b {", "for a >= b {",
			"a--", "", "if !p {", "", "continue", "return !(q)"}},
		{"else", "if p {\na++\n} else {\na--\n}\nreturn q", []string{"if !p {", "", "a--", "", "a++", "", "return !(q)"}},
		{"bits", "a &^= b\nreturn q", []string{"a |= b", "", "return !(q)"}},
		{"enumeration", "return x == Deny", []string{"return !(x == Deny)", "return x != Deny", "return x == Pass"}},
		{"the last of an enumeration", "x = Pass\nreturn q", []string{"", "x = Allow", "return !(q)"}},
		{"field", "r = rule{x: Deny, n: a}\nreturn q", []string{"", "r = rule{n: a}", "r = rule{x: Deny}", "r = rule{x: Pass, n: a}", "return !(q)"}},
		{"extremes", "a = min(a, b)\nreturn q", []string{"", "a = max(a, b)", "return !(q)"}},
		{"text for people", "if p {\npanic(1)\n}\nreturn q", []string{"if !p {", "", "return !(q)"}},
		{"capacity", "s = make([]int, a, 4)\nreturn q", []string{"", "return !(q)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sourceOf(t, "package tiny\ntype action int\nconst (\nAllow action = iota\nDeny\nPass\n)\ntype rule struct { x action; n int }\n"+
				"var s []int\nfunc f(a, b int, p, q bool, x action, r rule) bool {\n"+c.body+"\n}\nfunc (action) String() string { if 1 < 2 { return \"\" }; return \"x\" }\n")
			got := after(s)
			if c.name == "branch" { // the dropped body keeps the lines around it
				got[0] = c.want[0]
			}
			require.Equal(t, c.want, got)
		})
	}
}

// All mutants of a package are in one text of it, which is correct.
func TestWeave(t *testing.T) {
	s := sourceOf(t, `package tiny

var table = []int{1, 2} // two

func f(a, b int) (c int) {
	if a < b { // a bound
		return g(a)
	}
	h()
	return table[0]
}

func g(a int) int { return -a }

func h() { table = append(table, 3) }
`)
	ms := sample(s.mutants(), 1000, func(string) bool { return true })
	require.Greater(t, len(ms), 12)
	temp := t.TempDir()
	path, err := weave("/root", temp, ms)
	require.NoError(t, err)
	var overlay struct{ Replace map[string]string }
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &overlay))
	require.Len(t, overlay.Replace, 2)
	text, err = os.ReadFile(overlay.Replace["/root/tiny/tiny.go"])
	require.NoError(t, err)
	for i, m := range ms {
		marks := []string{fmt.Sprintf("case %d:\n%s\n", i+1, m.whole()), fmt.Sprintf("mutant__choose(%d, %s, ", i+1, m.whole())}
		require.True(t, slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(string(text), mark) }), "%v\n%s", m.key, text)
	}
	chooser, err := os.ReadFile(overlay.Replace["/root/tiny/mutant__.go"])
	require.NoError(t, err)

	both := &source{path: "tiny", fset: token.NewFileSet(), config: &types.Config{Importer: stub{}}}
	require.NoError(t, both.add("tiny.go", text))
	require.NoError(t, both.add("mutant__.go", chooser))
	require.NoError(t, both.check())
}

// stub is what a chooser imports.
type stub struct{}

func (stub) Import(path string) (*types.Package, error) {
	text := map[string]string{"os": "package os\nfunc Getenv(string) string { return \"\" }", "strconv": "package strconv\nfunc Atoi(string) (int, error) { return 0, nil }"}[path]
	s := &source{path: path, fset: token.NewFileSet(), config: &types.Config{}}
	if err := errors.Join(s.add(path+".go", []byte(text)), s.check()); err != nil {
		return nil, err
	}
	return s.types, nil
}

const twice = `package tiny

func f(a, b int) int {
	if a < b {
		a++
	}
	if a < b {
		a++
	}
	return a + b
}
`

func TestOrderHangsOnSeedAndMutantsOnly(t *testing.T) {
	any := func(string) bool { return true }
	draw := func(text string, seed uint64, n int) (out []key) {
		ms := sourceOf(t, text).mutants()
		shuffle(ms, seed)
		for _, m := range sample(ms, n, any) {
			out = append(out, m.key)
		}
		return out
	}
	all := draw(twice, 1, 1000)
	require.Equal(t, all[:5], draw(twice, 1, 5), "a sample is the beginning of a larger one")
	require.NotEqual(t, all, draw(twice, 2, 1000))
	require.ElementsMatch(t, all, draw(twice, 2, 1000))

	edited := strings.Replace(twice, "return a + b", "a *= b\n\treturn a + b", 1)
	kept := slices.DeleteFunc(draw(edited, 1, 1000), func(k key) bool { return !slices.Contains(all, k) })
	require.Equal(t, all, kept, "an edit adds mutants and moves none")
}

func TestMutantsThatDoNotCompileAreNotDrawn(t *testing.T) {
	s := sourceOf(t, "package tiny\nfunc f() int {\nx := 1\nreturn x\n}\n")
	ms := s.mutants()
	require.Contains(t, befores(ms), "return x")
	drawn := sample(ms, 10, func(string) bool { return true })
	require.NotContains(t, befores(drawn), "return x", "without it a result is missing")
	require.Len(t, drawn, 2, "1 is 2, or 0")
	require.Empty(t, sample(ms, 10, func(text string) bool { return !strings.HasPrefix(text, "tiny/tiny.go f\n") }))
}

func befores(ms []*mutant) (out []string) {
	for _, m := range ms {
		out = append(out, m.before)
	}
	return out
}

func TestSurvivorsAreReadAsTheyAreWritten(t *testing.T) {
	want := explained{
		key{"a.go", "T.f", "if a < b {", "if a <= b {", 0}: "equal ones are merged",
		key{"a.go", "T.f", "if a < b {", "if a <= b {", 2}: "- as above",
		key{"b.go", "g", "x++", "", 0}:                     "nobody reads x",
	}
	var b strings.Builder
	b.WriteString("# a comment\n\n")
	for k, why := range want {
		b.WriteString(k.String() + "why: " + why + "\n\n")
	}
	got, err := parse(b.String())
	require.NoError(t, err)
	require.Equal(t, want, got)

	for _, wrong := range []string{
		"a.go f\n- x\n+ y\n",
		"a.go f\n- x\n+ y\nwhy: \n",
		"a.go\n- x\n+ y\nwhy: z\n",
		"a.go f #1\n- x\n+ y\nwhy: z\n",
		"a.go f\n- x\n+ y\nwhy: z\n\na.go f\n- x\n+ y\nwhy: w\n",
	} {
		_, err := parse(wrong)
		require.Error(t, err, wrong)
	}
}

// The committed file is one that the command can read.
func TestSurvivorsFile(t *testing.T) {
	text, err := os.ReadFile("survivors.txt")
	require.NoError(t, err)
	_, err = parse(string(text))
	require.NoError(t, err)
}

func TestJudge(t *testing.T) {
	ms := sourceOf(t, twice).mutants()[:10]
	require.Len(t, ms, 10)
	killed := slices.Repeat([]outcome{{killer: "engine"}}, 9)
	one := append(slices.Clone(killed), outcome{})
	last := ms[9].key
	print := func(r report) (string, error) {
		var b bytes.Buffer
		err := r.print(log.New(&b, "", 0))
		return b.String(), err
	}

	text, err := print(judge(ms, one, explained{last: "equal"}, ms))
	require.NoError(t, err)
	require.Contains(t, text, "killed 9, 90.0 %: engine 9\nsurvive 1, explained 1\n")

	text, err = print(judge(ms, one, nil, ms))
	require.ErrorContains(t, err, "1 survive without a reason")
	require.Contains(t, text, last.String())

	_, err = print(judge(ms, append(slices.Clone(killed), outcome{killer: "fuzz"}), explained{last: "equal"}, ms))
	require.ErrorContains(t, err, "1 are explained in internal/mutate/survivors.txt and are killed or gone")

	_, err = print(judge(ms, one, explained{last: "equal", key{file: "gone.go"}: "equal"}, ms))
	require.ErrorContains(t, err, "1 are explained")

	_, err = print(judge(ms[:9], killed, explained{last: "equal"}, ms))
	require.NoError(t, err, "one that was not drawn is not judged")

	two := append(slices.Clone(killed[:8]), outcome{}, outcome{})
	_, err = print(judge(ms, two, explained{last: "equal", ms[8].key: "equal"}, ms))
	require.EqualError(t, err, "fewer than 90 % are killed")
}

func TestReason(t *testing.T) {
	require.Equal(t, "panic: boom", reason([]byte("--- FAIL: TestA\npanic: boom\n"), os.ErrClosed))
	require.Equal(t, "--- FAIL: TestA", reason([]byte("x\n--- FAIL: TestA\n"), os.ErrClosed))
	require.Equal(t, os.ErrClosed.Error(), reason(nil, os.ErrClosed))
}

func TestKillers(t *testing.T) {
	got := killers("own -test.short; fuzz -test.run=X -verdicts=10; fuzz -test.run=Y;")
	require.Equal(t, []killer{{"own", []string{"-test.short"}}, {"fuzz", []string{"-test.run=X", "-verdicts=10"}}, {"fuzz", []string{"-test.run=Y"}}}, got)
	b := bench{killers: append(got, killer{"corpus", nil}, killer{"engine", nil}), needs: map[string]map[string]bool{
		"engine": {"m/engine": true}, "fuzz": {"m/engine": true}, "corpus": {"m/model": true},
	}}
	require.Equal(t, []killer{{"engine", []string{"-test.short"}}, got[1], got[2]}, b.of(&source{folder: "engine", path: "m/engine"}))
}
