package solver

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
)

// reference reads a selector with k8s.io/apimachinery. ok is false when it is
// an error there, or uses what this package leaves out on purpose.
func reference(s string) (labels.Selector, bool) {
	sel, err := labels.Parse(s)
	return sel, err == nil && !strings.ContainsAny(s, "<>\x00")
}

// sameSelector requires that s means here what it means to kubectl: on the
// label sets made of its own keys and values, and on the empty one.
func sameSelector(t *testing.T, s string) {
	t.Helper()
	want, ok := reference(s)
	got, bad := parseSelector(s)
	if !ok {
		require.NotNil(t, bad, "%q is accepted", s)
		return
	}
	require.Nil(t, bad, "%q is rejected", s)
	require.Equal(t, got, got.Canonical(), "%q is not canonical", s)
	sets := []map[string]string{nil}
	for _, r := range got {
		for _, v := range append([]string{"", "other"}, r.Values...) {
			for _, base := range slices.Clone(sets) {
				if len(sets) > 200 {
					break
				}
				set := map[string]string{r.Key: v}
				for k, v := range base {
					set[k] = v
				}
				sets = append(sets, set)
			}
		}
	}
	for _, set := range sets {
		require.Equal(t, want.Matches(labels.Set(set)), got.Matches(set), "%q on %v", s, set)
	}
	if len(got) > 0 {
		again, bad := parseSelector(got.String())
		require.Nil(t, bad, "%q", got.String())
		require.Equal(t, got, again, "%q", got.String())
	}
}

func TestSelector(t *testing.T) {
	for _, s := range []string{
		"", "  ", "app=web", "app==web", "app!=web", "app=", "app!=", "app=,tier", "app = web", "app\t==\nweb",
		"tier in (a,b)", "tier in (b,a,b)", "tier notin (a,b)", "tier in(a)", "tier in ()", "tier notin ()", "tier in (,)",
		"tier in (,a)", "tier in (a,)", "tier in (a,,b)", "tier in (a b)", "tier in a", "tier in", "tier in (a", "tier in (a,",
		"gpu", "!gpu", "! gpu", "!!gpu", "!gpu=a", "!gpu in (a)", "!", "gpu,", ",gpu", "gpu,,web", "gpu web", "gpu (a)",
		"in", "notin", "in in (in)", "notin notin (notin)", "in=in", "!in", "in,notin", "in in in", "in (a)",
		"app=web=x", "app=!web", "app===web", "app=(web)", "app=web,app=db", "app=web,app=web", "a=b,!c,d in (e,f),g notin (h)",
		"example.com/app=web", "example.com/app", "/app", "example.com/", "a/b/c", "Example.com/app", "example..com/app", "-.com/a",
		strings.Repeat("a", 63), strings.Repeat("a", 64), "k=" + strings.Repeat("v", 63), "k=" + strings.Repeat("v", 64),
		strings.Repeat("a", 253) + "/k", strings.Repeat("a", 254) + "/k", strings.Repeat("a.", 126) + "a/k",
		"-a", "a-", "_a", "a_", ".a", "a.", "a_b-c.d", "A=B", "k=-v", "k=v-", "k=ä", "ä", "k=\xff", "a>1", "a<1", "a > 1", "a\x00b",
	} {
		sameSelector(t, s)
	}
}

func TestSelectorMeaning(t *testing.T) {
	for text, want := range map[string]model.Selector{
		"app!=web":           {{Key: "app", Operator: model.NotIn, Values: []string{"web"}}},
		"b,a in (z,y,z)":     {{Key: "a", Operator: model.In, Values: []string{"y", "z"}}, {Key: "b", Operator: model.Exists}},
		"!gpu":               {{Key: "gpu", Operator: model.DoesNotExist}},
		"app=web,app == web": {{Key: "app", Operator: model.In, Values: []string{"web"}}},
	} {
		got, err := parseSelector(text)
		require.Nil(t, err, text)
		require.Equal(t, want, got, text)
	}
	notWeb, _ := parseSelector("app!=web")
	require.True(t, notWeb.Matches(nil), "R20: an absent key matches !=")
}

// TestSelectorRandom compares with k8s.io/apimachinery on strings made of the
// pieces of the grammar.
func TestSelectorRandom(t *testing.T) {
	pieces := []string{"a", "b1", "in", "notin", "x.io/k", "=", "==", "!=", "!", "(", ")", ",", ",", " ", "\t", "-", ">", "A_b", "é"}
	r := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 200_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		if _, ok := reference(b.String()); ok {
			valid++
		}
		sameSelector(t, b.String())
	}
	require.Greater(t, valid, 5000, "too few valid selectors to compare anything")
}
