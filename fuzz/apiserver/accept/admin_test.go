package accept

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
)

var adminKinds = []string{"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"}

// kindOf is the kind of the object that a text made.
func kindOf(text string) (string, error) {
	var head struct{ Kind string }
	err := json.Unmarshal([]byte(text), &head)
	return head.Kind, err
}

// TestAdminPolicies holds what podreach accepts of generated admin policies, of
// ones with one fault, and of changed ones, against their custom resource
// definitions, as the server applies them.
func TestAdminPolicies(t *testing.T) {
	servers, err := adminPolicies()
	require.NoError(t, err)
	var j judged
	run(t, fuzz.Comparison{Counterpart: "crd", Clusters: gen.Options{Pods: 1, Policies: 1, Profile: "spec"},
		Check: func(c *gen.Cluster, r *rand.Rand) (n fuzz.Count, err error) {
			texts, err := Texts(c, adminKinds...)
			for _, text := range texts {
				kind, bad := kindOf(text)
				err = errors.Join(err, bad)
				for _, v := range variants(r, text, AdminPolicyFields) {
					err = errors.Join(err, j.judge(servers[kind], AdminPolicies, v, "", &n))
				}
			}
			return n, err
		}}, &j)
}
