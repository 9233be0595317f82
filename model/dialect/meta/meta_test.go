package meta_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/meta"
)

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		m          metav1.ObjectMeta
		namespaced bool
		want       []string
	}{
		{metav1.ObjectMeta{Name: "a", Namespace: "x"}, true, nil},
		{metav1.ObjectMeta{Name: "a", Namespace: "x"}, false, nil}, // which is taken away
		{metav1.ObjectMeta{Name: "a"}, true, []string{"PR2014 metadata.namespace"}},
		{metav1.ObjectMeta{Name: "trainer-*", GenerateName: "trainer-", Namespace: "x"}, true, nil},
		{metav1.ObjectMeta{Name: "trainer-*", Namespace: "x"}, true, []string{"PR2001 metadata.name"}},
		{metav1.ObjectMeta{Name: "other-*", GenerateName: "trainer-", Namespace: "x"}, true, []string{"PR2001 metadata.name"}},
		{metav1.ObjectMeta{Name: "*", Namespace: "x"}, true, []string{"PR2001 metadata.name"}},
		{metav1.ObjectMeta{Name: "T*", GenerateName: "T", Namespace: "x"}, true, []string{"PR2014 metadata.generateName", "PR2001 metadata.name"}},
	} {
		var got []string
		checked := c.m
		meta.Validate(&checked, c.namespaced, func(code dialect.Code, path, message string) { got = append(got, fmt.Sprint(code, " ", path)) })
		require.Equal(t, c.want, got, "%v", c.m)
		require.Equal(t, c.m, checked)
	}
}
