package cyclonus

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/corpus"
)

// TestCorpus compares on the conformance corpus, on every pair and port of
// each case. Profiles and unmanaged pods are left out, and objects of other API
// groups than Kubernetes' own, so not all cases show here what they are for.
func TestCorpus(t *testing.T) {
	verdicts, uncertain, compared := 0, 0, 0
	explained := map[string]int{}
	for _, one := range corpus.Cases() {
		t.Run(one.ID, func(t *testing.T) {
			c, text, err := parse(one.YAML)
			require.NoError(t, err)
			for _, p := range one.Facts.PodCIDRs {
				c.PodCIDRs = append(c.PodCIDRs, p.String())
			}
			for _, p := range one.Facts.ServiceCIDRs {
				c.ServiceCIDRs = append(c.ServiceCIDRs, p.String())
			}
			for _, f := range one.Facts.Families {
				c.Families = append(c.Families, f.String())
			}
			w, err := load(c, text, false)
			require.NoError(t, err)
			require.NoError(t, w.all(rand.New(rand.NewPCG(1, 1)), everything), "%s", one.YAML)
			verdicts, uncertain = verdicts+w.count.Verdicts, uncertain+w.uncertain
			if w.count.Verdicts > 0 {
				compared++
			}
			for id, n := range w.count.Explained {
				explained[id] += n
			}
		})
	}
	t.Logf("%d of %d cases, %d verdicts; explained: %v; %d questions left out, because podreach is not certain",
		compared, len(corpus.Cases()), verdicts, explained, uncertain)
	require.Greater(t, compared, len(corpus.Cases())*95/100)
}
