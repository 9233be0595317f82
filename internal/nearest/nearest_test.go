package nearest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	fields := []string{"podSelector", "ingress", "egress", "policyTypes"}
	for _, c := range []struct{ word, want string }{
		{"ingres", "ingress"},
		{"podselector", "podSelector"},
		{"podSelectors", "podSelector"},
		{"gress", "egress"},
		{"ergess", "egress"},
		{"policyType", "policyTypes"},
		{"type", ""},
		{"", ""},
		{"x", ""},
	} {
		require.Equal(t, c.want, Of(c.word, fields), c.word)
	}
	require.Equal(t, "port", Of("Port", []string{"part", "port"}))
	require.Equal(t, "a", Of("b", []string{"a", "c"}), "the first of equals")
	require.Equal(t, "", Of("port", nil))
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"größe", "grosse", 3}} {
		require.Equal(t, c.want, distance([]rune(c.a), []rune(c.b)), c.a+" "+c.b)
	}
}

func TestWithin(t *testing.T) {
	require.True(t, Within(0, "networkpolicy", "NetworkPolicy"))
	require.True(t, Within(3, "NetworkPolicies", "NetworkPolicy"))
	require.False(t, Within(3, "NetworkTopology", "NetworkPolicy"))
	require.False(t, Within(200, strings.Repeat("a", 101), "a"))
}
