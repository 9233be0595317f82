package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A value may be that of a label whose beginning it has; long beginnings are none.
func TestUndecided(t *testing.T) {
	q := Undecided(Requirement{Key: "app", Operator: NotIn, Values: []string{"ab", "ac"}})
	require.Equal(t, Requirement{Key: UncertainKey("app"), Operator: In, Values: []string{"", "a", "ab", "ac"}}, q)
	require.Equal(t, []string{""}, Undecided(Requirement{Key: "app", Operator: Exists}).Values)
	require.Len(t, Undecided(Requirement{Key: "app", Operator: In, Values: []string{strings.Repeat("a", 63)}}).Values, MaxBeginning+1)
}
