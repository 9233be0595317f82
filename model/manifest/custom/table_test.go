package custom

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func parse(t *testing.T, text string) ([]*Row, []Error) {
	t.Helper()
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &n))
	return Parse(n.Content[0])
}

// Every row of the table can be read and says where it comes from.
func TestBuiltin(t *testing.T) {
	rows, bad := parse(t, string(builtin))
	require.Empty(t, bad)
	require.Len(t, Builtin().Rows(), len(rows))
	for _, r := range rows {
		require.NotEmpty(t, r.Sources, r.GVK())
		require.Contains(t, r.Source(), "@", r.GVK())
	}
}
