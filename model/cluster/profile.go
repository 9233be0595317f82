package cluster

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model/dialect/admin"
	"github.com/podreach/podreach/model/dialect/netpol"
)

// Profile bundles the behaviours in which implementations differ
// (docs/SEMANTICS.md section 13). The zero value is ProfileSpec.
type Profile string

// The profiles.
const (
	ProfileSpec   Profile = "spec"
	ProfileCilium Profile = "cilium"
	ProfileCalico Profile = "calico"
)

var profiles = []string{string(ProfileSpec), string(ProfileCilium), string(ProfileCalico)}

// ParseProfile reads a profile name; "" is ProfileSpec.
func ParseProfile(s string) (Profile, error) {
	switch Profile(s) {
	case "":
		return ProfileSpec, nil
	case ProfileSpec, ProfileCilium, ProfileCalico:
		return Profile(s), nil
	}
	hint := "valid are " + strings.Join(profiles, ", ")
	if n := nearest.Of(s, profiles); n != "" {
		hint = "did you mean " + n + "?"
	}
	return "", fmt.Errorf("unknown profile %q; %s", s, hint)
}

// admin is what the profile means for ClusterNetworkPolicy, and for the kinds
// of v1alpha1 where it reads them.
func (p Profile) admin() admin.Options {
	if p != ProfileCilium {
		return admin.Options{}
	}
	return admin.Options{ExternalOnlyNetworks: true, NamespacesMatchOutside: true, BrokenSelectorsOpen: true, DomainsOpenDNS: true}
}

// ignores is why the profile has no part for a policy, or "".
func (p Profile) ignores(a *admin.Policy, kind string) string {
	switch {
	case p != ProfileCilium:
	case admin.Version(kind) == "v1alpha1":
		return "Cilium reads no policies of policy.networking.k8s.io/v1alpha1"
	case a.DomainsInVain():
		return "Cilium refuses the whole policy, because a rule that does not accept has domainNames"
	}
	return ""
}

// netpol is what the profile means for NetworkPolicy.
func (p Profile) netpol() netpol.Options {
	return netpol.Options{
		PolicyTypesFromRules: p == ProfileCilium,
		ExternalOnlyBlocks:   p == ProfileCilium,
		IsolationLast:        p == ProfileCilium,
		OtherAsPortless:      p == ProfileCilium || p == ProfileCalico,
	}
}
