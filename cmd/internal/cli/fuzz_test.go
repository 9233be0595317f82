package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

// FuzzConfig: a configuration is read, or every diagnostic says where in it
// something is wrong; twice the same.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		dialect.CodeBadConfig.Doc().Example,
		"", "# nothing\n", "a", "[]", "{", "\x00", "\uFEFF", "? a\n: b",
		"apiVersion: podreach.io/v1alpha1\nkind: Config\npodCIDRs: [10.0.0.0/16, fd00::/48]\nserviceCIDRs: [10.96.0.0/12]\nipFamilies: [IPv4, IPv6]\n",
		"apiVersion: podreach.io/v1alpha1\nkind: Config\npodCIDRs: &a [*a]\n",
		"apiVersion: podreach.io/v1alpha1\nkind: Config\n---\nkind: Config\n",
		"apiVersion: 1\nkind: [Config]\nkind: Config\npodCIDRs: {a: b}\nipFamilies: [4]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, second := configParser{file: "in"}, configParser{file: "in"}
		first.parse(bytes.NewReader(text))
		second.parse(bytes.NewReader(text))
		require.Equal(t, first, second)
		if len(first.bad) > 0 {
			require.Equal(t, dialect.CodeBadConfig, first.bad[0].Code)
		}
		lines := 2 + strings.Count(string(text), "\n") + strings.Count(string(text), "\r")
		for _, d := range first.bad {
			require.NotEmpty(t, d.Message)
			require.LessOrEqual(t, d.Line, lines)
			require.LessOrEqual(t, d.Column, len(text)+1)
		}
	})
}
