package cluster

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
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

// netpol is what the profile means for NetworkPolicy.
func (p Profile) netpol() netpol.Options {
	return netpol.Options{
		PolicyTypesFromRules: p == ProfileCilium,
		ExternalOnlyBlocks:   p == ProfileCilium,
		OtherAsPortless:      p == ProfileCilium || p == ProfileCalico,
	}
}
