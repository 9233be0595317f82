package live

import (
	"slices"
	"strings"

	"github.com/podreach/podreach/model/manifest"
)

// mayMakePods reports whether a controller may make pods of a kind that nothing
// is known of: from the name nobody can tell. A kubectl takes some 70 ms, so all
// kinds are read but those of harmless; what is read shows itself as a pod
// template (PR3010) or is counted. Pods have a namespace, and so has what they
// are made of.
func mayMakePods(r resource) bool {
	group := groupOf(r.apiVersion)
	if !r.namespaced || manifest.OwnGroup(group) {
		return false
	}
	return !slices.ContainsFunc(harmless, func(h string) bool { return group == h || strings.HasSuffix(group, "."+h) })
}

// harmless are API groups, with those below them, that are found in many
// clusters, often with many objects, and of whose kinds no controller makes
// pods but through objects of built-in kinds, which are read.
var harmless = []string{
	"k8s.io",                         // snapshots, gateways, metrics; not x-k8s.io
	"cilium.io", "projectcalico.org", // an endpoint for each pod, blocks of addresses
	"istio.io", "linkerd.io", "kuma.io", // routes and policies of meshes
	"cert-manager.io",                    // certificates
	"external-secrets.io", "bitnami.com", // secrets
	"kyverno.io", "gatekeeper.sh", // policies of admission
	"wgpolicyk8s.io", "openreports.io", // and their reports
	"aquasecurity.github.io", // scan reports
	"operators.coreos.com",   // operators as packages, with Deployments in them
	"toolkit.fluxcd.io",      // what is to be deployed, by reference
}
