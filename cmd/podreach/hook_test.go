package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// hook is an entry of .pre-commit-hooks.yaml (https://pre-commit.com/#new-hooks).
type hook struct {
	ID            string   `yaml:"id"`
	Name          string   `yaml:"name"`
	Description   string   `yaml:"description"`
	Entry         string   `yaml:"entry"`
	Args          []string `yaml:"args"`
	Language      string   `yaml:"language"`
	TypesOr       []string `yaml:"types_or"`
	PassFilenames *bool    `yaml:"pass_filenames"`
	RequireSerial bool     `yaml:"require_serial"`
}

func hooks(t *testing.T) []hook {
	t.Helper()
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	require.NoError(t, err)
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var out []hook
	require.NoError(t, d.Decode(&out))
	return out
}

// TestHooksAreWhole requires that a hook runs this binary and is given no file
// names: of some of the manifests every answer would be about another cluster.
func TestHooksAreWhole(t *testing.T) {
	ids := map[string]bool{}
	for _, h := range hooks(t) {
		require.Equal(t, "golang", h.Language, h.ID)
		require.NotNil(t, h.PassFilenames, h.ID)
		require.False(t, *h.PassFilenames, h.ID)
		require.NotEmpty(t, h.Name, h.ID)
		words := strings.Fields(h.Entry)
		require.Len(t, words, 2, h.ID)
		require.Equal(t, []string{"podreach", strings.TrimPrefix(h.ID, "podreach-")}, words)
		ids[h.ID] = true
	}
	require.Equal(t, map[string]bool{"podreach-lint": true, "podreach-check": true}, ids)
}
