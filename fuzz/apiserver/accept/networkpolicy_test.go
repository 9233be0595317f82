package accept

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
)

var options = fuzz.Flags(flag.CommandLine, 10_000)

// judged is what a comparison has met, for the test to look at.
type judged struct{ refused, elsewhere atomic.Int64 }

// judge compares what podreach and the server say of one text.
func (j *judged) judge(s *server, ledger []Entry, text, namespace string, n *fuzz.Count) error {
	ours := Read(text)
	theirs, err := s.create(text, namespace)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	n.Verdicts++
	if ours.Err != "" && theirs.Message != "" {
		j.refused.Add(1)
		if len(theirs.Fields) > 0 && !SameField(ours, theirs) {
			j.elsewhere.Add(1)
		}
	}
	explained, err := Compare(ledger, text, ours, theirs)
	for _, id := range explained {
		if n.Explained == nil {
			n.Explained = map[string]int{}
		}
		n.Explained[id]++
	}
	return err
}

// variants is what is made of a policy: itself, as JSON or YAML, and changed
// in structure and in spelling.
func variants(r *rand.Rand, text string, fields []string) []string {
	out := []string{text, Mutate(r, text, fields), Mutate(r, text, fields), Mutate(r, text, fields), Respell(r, text)}
	for i := range out[:4] {
		if r.IntN(4) == 0 {
			y, err := yaml.JSONToYAML([]byte(out[i]))
			if err != nil {
				panic(err)
			}
			out[i] = string(y)
		}
	}
	return out
}

func run(t *testing.T, c fuzz.Comparison, j *judged) {
	t.Helper()
	o := *options
	if testing.Short() {
		o.Verdicts /= 10
	}
	c.Package = "-C fuzz/apiserver ./accept"
	c.Run(t, o)
	t.Logf("both refuse %d, for other fields %d of them", j.refused.Load(), j.elsewhere.Load())
	if o.Seed == 0 {
		require.Positive(t, j.refused.Load())
		require.LessOrEqual(t, j.elsewhere.Load()*50, j.refused.Load(), "podreach seldom blames a field that the server blames")
	}
}

// TestNetworkPolicies holds what podreach accepts of generated NetworkPolicies,
// of ones with one fault, and of changed ones, against the server.
func TestNetworkPolicies(t *testing.T) {
	s, err := networkPolicies()
	require.NoError(t, err)
	var j judged
	run(t, fuzz.Comparison{Counterpart: "apiserver", Clusters: gen.Options{Pods: 1, Policies: 20, Profile: "spec"},
		Check: func(c *gen.Cluster, r *rand.Rand) (n fuzz.Count, err error) {
			texts, err := Texts(c, "NetworkPolicy")
			for _, text := range texts {
				for _, v := range variants(r, text, NetworkPolicyFields) {
					err = errors.Join(err, j.judge(s, NetworkPolicies, v, NamespaceOf(v), &n))
				}
			}
			return n, err
		}}, &j)
}

// TestLedger holds every entry against its example.
func TestLedger(t *testing.T) {
	core, err := networkPolicies()
	require.NoError(t, err)
	custom, err := adminPolicies()
	require.NoError(t, err)
	test := func(ledger []Entry, of func(kind string) (*server, string)) {
		for _, e := range ledger {
			s, namespace := of(regexp.MustCompile(`kind"?: "?(\w+)`).FindStringSubmatch(e.Example)[1])
			ours := Read(e.Example)
			theirs, err := s.create(e.Example, namespace)
			require.NoError(t, err, e.ID)
			require.Equal(t, e.Ours, ours.Err == "", "%s: podreach says %s", e.ID, ours.Err)
			require.Equal(t, e.Ours, theirs.Message != "", "%s: the server says %s", e.ID, theirs.Message)
			require.Equal(t, []string{e.ID}, Explain(ledger, ours, theirs), "the entry %q (%s) is not needed any more: %v, %v", e.ID, e.Why, ours.Errors, theirs.Complaints)
			require.NotEmpty(t, e.Rule, e.ID)
			require.NotEmpty(t, e.Upstream, e.ID)
		}
	}
	test(NetworkPolicies, func(string) (*server, string) { return core, "x" })
	test(AdminPolicies, func(kind string) (*server, string) { return custom[kind], "" })
}
