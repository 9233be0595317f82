package model_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// An opaque label is there and equal to no literal, and its value is never
// shown (R65).
func TestOpaqueValue(t *testing.T) {
	labels := map[string]string{"hash": model.OpaqueValue}
	for _, c := range []struct {
		operator model.Operator
		values   []string
		want     bool
	}{
		{model.In, []string{"", "abc"}, false},
		{model.NotIn, []string{"", "abc"}, true},
		{model.Exists, nil, true},
		{model.DoesNotExist, nil, false},
	} {
		require.Equal(t, c.want, model.Requirement{Key: "hash", Operator: c.operator, Values: c.values}.Matches(labels), "%v", c.operator)
	}
	p := model.Pod{Namespace: "x", Name: "p", Labels: labels, ServiceAccount: "default"}
	require.Contains(t, p.String(), "| hash=?")
	require.NotContains(t, p.String(), model.OpaqueValue)
	require.True(t, strings.ContainsRune(model.OpaqueValue, 0))
	// More than a third of the longest label value may not be near (63 letters).
	require.Greater(t, len(model.OpaqueValue), 63+63/3)
}
