package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The documentation of the configuration names every field, and its examples
// can be read.
func TestConfigIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/CONFIG.md")
	require.NoError(t, err)
	for _, f := range configFields {
		require.Contains(t, string(doc), "`"+f+"`")
	}
	var examples []string
	block := ""
	for line := range strings.Lines(string(doc) + "\nend\n") {
		if text, found := strings.CutPrefix(line, "    "); found {
			block += text
			continue
		}
		if block != "" {
			examples = append(examples, block)
		}
		block = ""
	}
	require.Len(t, examples, 2)
	head, _, _ := strings.Cut(examples[0], "podCIDRs")
	file := filepath.Join(t.TempDir(), "podreach.yaml")
	for i, text := range []string{examples[0], head + examples[1]} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		c, _, bad, err := readConfig(file)
		require.NoError(t, err)
		require.Empty(t, bad, text)
		require.Len(t, c.workloads, 1)
		require.Len(t, c.unmanaged, []int{3, 0}[i])
		require.NotNil(t, c.table().Lookup("example.com/v1", "Trainer"))
		require.NotNil(t, c.table().Lookup("ray.io/v1", "RayCluster"))
	}
}
