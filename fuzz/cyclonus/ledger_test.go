package cyclonus

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Each entry is needed: on its example podreach and cyclonus differ, and only
// with its own correction they do not.
func TestLedger(t *testing.T) {
	for i, entry := range ledger {
		t.Run(entry.ID, func(t *testing.T) {
			c, text, err := parse([]byte(entry.Example))
			require.NoError(t, err)
			w, err := load(c, text, false)
			require.NoError(t, err)
			src, dst := w.end(t, entry.From), w.end(t, entry.To)
			protocol, number, _ := strings.Cut(entry.Port, "/")
			n, err := strconv.Atoi(number)
			require.NoError(t, err)
			q := question{from: src.at[model.IPv4][0].peer, to: dst.at[model.IPv4][0].peer, port: namedPort{corev1.Protocol(protocol), n}}

			verdict := w.x.Verdict(engine.Flow{Src: src.id, Dst: dst.id, Protocol: protocols[q.port.protocol], Port: uint16(n)})
			require.NotEqual(t, model.Unknown, verdict)
			require.Equal(t, entry.Ours, verdict == model.Allowed, "podreach")
			for set := range 1 << len(ledger) {
				require.Equal(t, entry.Ours == (set&(1<<i) != 0), q.allowed(w.reading(set)), "cyclonus, corrections %b", set)
			}
			require.Equal(t, entry.ID, w.explanation(q, entry.Ours))

			require.NoError(t, w.all(rand.New(rand.NewPCG(1, 1)), everything))
			require.Positive(t, w.count.Explained[entry.ID])
		})
	}
}

func (w *comparison) end(t *testing.T, name string) *end {
	t.Helper()
	if a, err := netip.ParseAddr(name); err == nil {
		name = a.String()
	} else if parts := strings.Split(name, "/"); len(parts) == 2 && parts[0] != "node" {
		name = parts[0] + "/pod/" + parts[1]
	}
	for i := range w.ends {
		if w.ends[i].name == name {
			return &w.ends[i]
		}
	}
	require.Fail(t, "no end "+name)
	return nil
}

// What a correction makes of a selector selects the same, for Kubernetes.
func TestCorrections(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	changed := make([]int, len(ledger))
	for range 20_000 {
		s, set := selector(r), map[string]string{}
		for _, k := range keys {
			if r.IntN(2) == 0 {
				set[k] = values[r.IntN(len(values))]
			}
		}
		want := selects(t, s, set)
		for i, entry := range ledger {
			reworded := entry.reword(*s.DeepCopy())
			if reworded == nil {
				continue
			}
			changed[i]++
			got := slices.ContainsFunc(reworded, func(one metav1.LabelSelector) bool { return selects(t, one, set) })
			require.Equal(t, want, got, "%s: %v of %v", entry.ID, s, set)
		}
	}
	for i, n := range changed {
		require.Greater(t, n, 1000, ledger[i].ID)
	}
}

var keys, values = []string{"a", "b", "c"}, []string{"", "1", "2"}

func selector(r *rand.Rand) (s metav1.LabelSelector) {
	for _, k := range keys {
		if r.IntN(3) == 0 {
			s.MatchLabels = labels.Merge(s.MatchLabels, labels.Set{k: values[r.IntN(len(values))]})
		}
	}
	for range r.IntN(4) {
		e := metav1.LabelSelectorRequirement{Key: keys[r.IntN(len(keys))], Operator: []metav1.LabelSelectorOperator{
			metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}[r.IntN(4)]}
		if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
			e.Values = values[:1+r.IntN(2)]
		}
		s.MatchExpressions = append(s.MatchExpressions, e)
	}
	return s
}

func selects(t *testing.T, s metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	parsed, err := metav1.LabelSelectorAsSelector(&s)
	require.NoError(t, err)
	return parsed.Matches(set)
}
