package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

func TestSamePorts(t *testing.T) {
	a := model.ContainerPort{NamedPort: model.NamedPort{Name: "a"}, Port: 1}
	b := model.ContainerPort{NamedPort: model.NamedPort{Name: "b"}, Port: 1}
	for _, c := range []struct {
		x, y []model.ContainerPort
		want bool
	}{
		{nil, nil, true},
		{[]model.ContainerPort{a, b}, []model.ContainerPort{b, a}, true},
		{[]model.ContainerPort{a}, []model.ContainerPort{b}, false},
		{[]model.ContainerPort{a}, []model.ContainerPort{a, b}, false},
		{[]model.ContainerPort{a, b}, []model.ContainerPort{a}, false},
		{nil, []model.ContainerPort{a}, false},
	} {
		require.Equal(t, c.want, samePorts(c.x, c.y), "%v %v", c.x, c.y)
	}
}
