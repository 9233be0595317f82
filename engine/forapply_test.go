package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// An index that is ready for changes is not compiled again; every other one is.
func TestForApply(t *testing.T) {
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "ml"}}, Pods: []model.Pod{{Namespace: "ml", Name: "web"}}}
	plain, err := Compile(s, Options{})
	require.NoError(t, err)
	ready, err := plain.ForApply()
	require.NoError(t, err)
	require.NotSame(t, plain, ready)

	again, err := ready.ForApply()
	require.NoError(t, err)
	require.Same(t, ready, again)

	later, err := ready.Apply(model.Delta{Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "ml", Name: "none"}}}})
	require.NoError(t, err)
	again, err = later.ForApply()
	require.NoError(t, err)
	require.NotSame(t, later, again)
}
