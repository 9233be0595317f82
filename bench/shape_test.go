package bench

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

func TestShapesAreDeterministic(t *testing.T) {
	for _, s := range Shapes {
		var a, b bytes.Buffer
		require.NoError(t, s.WriteTo(&a, 500))
		require.NoError(t, s.WriteTo(&b, 500))
		require.True(t, bytes.Equal(a.Bytes(), b.Bytes()), s.Name)
	}
}

// What is said of the shapes is so: pods and policies, and in the ordinary ones
// a share of everything that makes an engine slower.
func TestShapes(t *testing.T) {
	policies := map[string]int{"replicas": 100, "unique": 100, "tiers": 150, "antrea-xl": 750, "identical": k1, "per-pod": k1, "medium": 110}
	for _, s := range Shapes {
		snap := snapshot(t, s, k1)
		require.InDelta(t, k1, len(snap.Pods), 50, s.Name)
		objects := map[model.ObjectRef]bool{}
		names, blocks6 := 0, 0
		for _, r := range snap.Rules {
			objects[r.Object] = r.Object != model.ObjectRef{}
			names += len(r.Ports.Named)
			for _, b := range r.Peer.Blocks {
				if b.CIDR.Addr().Is6() {
					blocks6++
				}
			}
		}
		delete(objects, model.ObjectRef{})
		if n, ok := policies[s.Name]; ok {
			require.Len(t, objects, n, s.Name)
		}
		host, unknown, both := 0, 0, 0
		for i := range snap.Pods {
			p := &snap.Pods[i]
			switch four, six := p.Addresses[model.IPv4].State, p.Addresses[model.IPv6].State; {
			case p.HostNetwork:
				host++
			case four == model.AddressUnknown:
				unknown++
			case four == model.AddressKnown && six == model.AddressKnown:
				both++
			}
		}
		switch s.Name {
		case "replicas", "unique", "tiers":
			require.Positive(t, names, s.Name)
			require.Positive(t, blocks6, s.Name)
			require.InDelta(t, 20, host, 5, s.Name)
			require.InDelta(t, 500, both, 150, s.Name)
			require.Positive(t, unknown, s.Name)
		}
	}
}

func TestNextSet(t *testing.T) {
	set := []int{0, 1}
	var all [][2]int
	for range 7 {
		all = append(all, [2]int(set))
		nextSet(set, 4)
	}
	require.Equal(t, [][2]int{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}, {0, 1}}, all)
}
