package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotThere(t *testing.T) {
	require.Equal(t, `"a" does not exist any more`, notThere([]string{"a"}, isGone))
	require.Equal(t, `"a" and "b" do not exist any more`, notThere([]string{"a", "b"}, isGone))
	require.Equal(t, `"a" and "b" did not exist`, notThere([]string{"a", "b"}, didNotExist))
}
