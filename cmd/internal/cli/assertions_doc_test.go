package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of docs/ASSERTIONS.md is about the built-in cluster, and every
// form of endpoints that it shows can be read.
func TestAssertionsDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/ASSERTIONS.md")
	require.NoError(t, err)
	var blocks []string
	for _, part := range strings.Split(string(text), "\n\n") {
		if strings.HasPrefix(part, "    ") {
			blocks = append(blocks, strings.ReplaceAll("\n"+part, "\n    ", "\n"))
		}
	}
	require.Len(t, blocks, 3)
	file := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(file, []byte(blocks[0]), 0o600))
	stdout, stderr, code := exec("", "check", file, "-f", demoPath)
	require.Zero(t, code, stdout+stderr)
	require.Contains(t, stdout, "waived    training-no-internet")
	require.Contains(t, stdout, "3 of 3 assertions hold (1 with waivers)")

	stated := "apiVersion: podreach.io/v1alpha1\nkind: AssertionSet\nmetadata: {name: forms}\nspec:\n  assertions:\n"
	for i, form := range strings.Split(strings.TrimSpace(blocks[1]), "\n") {
		stated += "  - {id: f" + string(rune('a'+i)) + ", expect: isolated, to: 'ml-data:', from: " + form + "}\n"
	}
	require.NoError(t, os.WriteFile(file, []byte(stated), 0o600))
	stdout, stderr, code = exec("", "check", file, "-f", demoPath, "--allow-empty")
	require.Less(t, code, exitError, stderr)
	require.Contains(t, stdout, "4 assertions hold")
}
