package apiserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/fuzz/apiserver/accept"
	"github.com/podreach/podreach/internal/gen"
)

// mutations is how many policies are made from generated ones by changing them
// in one or two places.
const mutations = 3000

// TestValidation sends generated policies, good ones, ones with one fault, and
// mutations of both, to the server without storing them. It must refuse what
// podreach refuses and nothing else, and what it gives back with its defaults
// filled in must mean what the policy meant.
func TestValidation(t *testing.T) {
	var texts []string
	for seed := uint64(0); len(texts) < 600; seed++ {
		c := gen.New(rand.New(rand.NewPCG(seed, 0)), gen.Options{Policies: 20, Profile: "spec", Valid: seed%3 == 0})
		of, err := accept.Texts(c, "NetworkPolicy")
		require.NoError(t, err)
		texts = append(texts, of...)
	}
	generated := len(texts)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range mutations {
		texts = append(texts, accept.Mutate(r, texts[i%generated], accept.NetworkPolicyFields))
	}
	for i := range texts {
		if i%4 == 0 {
			text, err := yaml.JSONToYAML([]byte(texts[i]))
			require.NoError(t, err)
			texts[i] = string(text)
		}
	}
	for _, e := range accept.NetworkPolicies {
		texts = append(texts, e.Example)
	}

	refused, explained, failed := 0, map[string]int{}, 0
	results := dryRun(t, texts)
	for i, text := range texts {
		ours := accept.Read(text)
		if ours.Err != "" && results[i].Message != "" {
			refused++
		}
		ids, err := accept.Compare(accept.NetworkPolicies, text, ours, results[i])
		for _, id := range ids {
			explained[id]++
		}
		if err == nil {
			continue
		}
		failed++
		t.Error(err)
		if failed == 40 {
			t.Fatal("and so on")
		}
	}
	t.Logf("%d policies, %d of them mutated; %d refused by both; explained %v", len(texts), mutations, refused, explained)
	require.Greater(t, refused, len(texts)/10)
	require.Greater(t, len(texts)-refused, len(texts)/10)
	for _, e := range accept.NetworkPolicies {
		require.NotZero(t, explained[e.ID], "the entry %q (%s) is not needed any more", e.ID, e.Why)
	}
}

func dryRun(t *testing.T, texts []string) []accept.Answer {
	t.Helper()
	out := make([]accept.Answer, len(texts))
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := 0
	var broken error
	fail := func(err error, text string) {
		if err != nil {
			mu.Lock()
			broken = fmt.Errorf("%w\n%s", err, text)
			mu.Unlock()
		}
	}
	for range 8 {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(texts) {
					return
				}
				raw, err := server.client.NetworkingV1().RESTClient().Post().AbsPath("/apis/networking.k8s.io/v1/namespaces", accept.NamespaceOf(texts[i]), "networkpolicies").
					Param("dryRun", "All").Param("fieldValidation", "Strict").SetHeader("Content-Type", accept.ContentType(texts[i])).SetHeader("Accept", "application/json").
					Body([]byte(texts[i])).DoRaw(t.Context())
				var status apierrors.APIStatus
				switch {
				case err == nil:
					out[i].Object = string(raw)
				case errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500:
					out[i], err = accept.Refusal(raw)
					fail(err, texts[i])
				default:
					fail(err, texts[i])
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, broken)
	return out
}
