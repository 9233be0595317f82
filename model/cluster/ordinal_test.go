package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/cluster"
)

// Numbered pods are all there up to a limit, which many workloads share (R65).
func TestNumberedPods(t *testing.T) {
	for _, c := range []struct{ workloads, replicas, pods int }{
		{1, 1_000, 1_000},
		{1, 1_001, 2},
		{100, 1_000, 100_000},
		{101, 991, 202},
		{101, 990, 99_990},
		{2_000, 3, 6_000},
	} {
		var b strings.Builder
		for i := range c.workloads {
			fmt.Fprintf(&b, "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s%d}\nspec: {replicas: %d, template: {}}\n---\n", i, c.replicas)
		}
		s := read(t, cluster.Options{}, yamlFile(b.String()))
		require.Len(t, s.Snapshot().Pods, c.pods, "%v", c)
		assumed := strings.Contains(strings.Join(s.Ledger().Assumptions, "\n"), "numbered pods")
		require.Equal(t, c.pods < c.workloads*c.replicas, assumed, "%v", c)
	}
}
