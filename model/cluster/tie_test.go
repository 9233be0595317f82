package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
)

// Looking for ties does not cost the square of the policies: where there are
// too many of one priority, all of them are named.
func TestTiesOfMany(t *testing.T) {
	for n, want := range map[int]string{
		300:  "",
		2000: "ClusterNetworkPolicy p0000, ClusterNetworkPolicy p0001, ClusterNetworkPolicy p0002, ClusterNetworkPolicy p0003 and 1996 more have priority 7 of the admin tier in common",
	} {
		var b strings.Builder
		for i := range n {
			action := []string{"Accept", "Deny"}[i%2]
			fmt.Fprintf(&b, `---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: p%04d}
spec: {tier: Admin, priority: 7, subject: {pods: {podSelector: {matchLabels: {app: a%d}}}}, egress: [{action: %s, to: [{namespaces: {}}]}]}
`, i, i, action)
		}
		s := read(t, cluster.Options{}, yamlFile(b.String()))
		s.Snapshot()
		var notes []string
		for _, d := range s.Ledger().Diagnostics {
			require.Equal(t, dialect.CodeTie, d.Code, d.Message)
			notes = append(notes, d.Message)
		}
		if want == "" {
			require.Empty(t, notes)
			continue
		}
		require.Len(t, notes, 1)
		require.Contains(t, notes[0], want+";")
	}
}
