package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// An interner is a map from keys to numbers in order of first sight.
func TestInterner(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var m interner
		want := map[string]uint32{}
		var keys [][]int32
		_, known := m.number(nil)
		require.False(t, known)
		if r.IntN(2) == 0 {
			m.grow(r.IntN(300))
		}
		for range 500 {
			key := make([]int32, r.IntN(4)) // the empty one, and many twice
			for i := range key {
				key[i] = r.Int32N(5) - 2
			}
			n, found := want[fmt.Sprint(key)]
			got, known := m.number(key)
			require.Equal(t, found, known)
			if found {
				require.Equal(t, n, got)
			}
			got, known = m.get(key)
			require.Equal(t, found, known)
			if !found {
				n = uint32(len(want))
				want[fmt.Sprint(key)] = n
				keys = append(keys, append([]int32{}, key...))
			}
			require.Equal(t, n, got)
		}
		for n, key := range keys {
			require.Equal(t, key, append([]int32{}, m.key(uint32(n))...))
		}
	}
}

// Half of the hash may be that of another key: the keys decide.
func TestInternerComparesKeys(t *testing.T) {
	var m interner
	m.get([]int32{1})
	m.get([]int32{2})
	h, _, _ := m.find([]int32{3})
	for at := range m.table { // all have the hash of 3, wherever it looks
		m.table[at] = h<<32 | uint64(at%2+1)
	}
	m.table[(h+5)&uint64(len(m.table)-1)] = 0
	_, known := m.number([]int32{3})
	require.False(t, known)
}

// Texts of one beginning in memory are not one text.
func TestWords(t *testing.T) {
	all := strings.Clone("node-10")
	c := compiler{nodeWords: make(words, 1), nodeNames: map[string]int32{"node-1": 1, "node-10": 10}}
	for range 3 {
		require.EqualValues(t, 10, c.nodeNumber(&model.Pod{NodeName: all}))
		require.EqualValues(t, 1, c.nodeNumber(&model.Pod{NodeName: all[:6]}))
		require.EqualValues(t, 1, c.nodeNumber(&model.Pod{NodeName: strings.Clone(all[:6])}))
		require.EqualValues(t, 2, c.nodeNumber(&model.Pod{NodeName: "new"}))
	}
}

// Wherever the namespace before was, a name has its own number.
func TestNamespaceNumbers(t *testing.T) {
	c := compiler{snap: &model.Snapshot{Namespaces: []model.Namespace{{Name: "c"}, {Name: "a"}, {Name: "b"}}}}
	for _, i := range []int{0, 1, 2, 2, 0, 2, 1, 1, 0} {
		require.Equal(t, i, c.namespace(c.snap.Namespaces[i].Name))
		require.Equal(t, -1, c.namespace("d"))
	}
}
