package cluster

import (
	"slices"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
)

// effect is what a kind that is not lowered to rules means for the answer.
type effect uint8

const (
	notModelled effect = iota + 1 // an L3/L4 policy: what it selects is uncertain
	egressOnly                    // the same, but it governs egress alone
	mesh                          // L7 or mesh policy: a note
	secondary                     // governs secondary networks only: a note
	hosts                         // makes nodes subjects of policies: a note
	staged                        // never enforced: no part in the answer
)

// policyKind is one row of the table of policies that are not lowered.
type policyKind struct {
	group, kind string
	cluster     bool // cluster-scoped: it can select every pod
	effect      effect
}

// policyKinds are the policy kinds that are known but not lowered (R120). Of
// other kinds see resembles. The group counts: several projects have a
// NetworkPolicy.
var policyKinds = []policyKind{
	{"networking.k8s.io", "NetworkPolicy", false, notModelled}, // in a version that no cluster serves
	{"extensions", "NetworkPolicy", false, notModelled},        // served until Kubernetes 1.15

	// In versions that are not understood:
	{"policy.networking.k8s.io", "AdminNetworkPolicy", true, notModelled},
	{"policy.networking.k8s.io", "BaselineAdminNetworkPolicy", true, notModelled},
	{"policy.networking.k8s.io", "ClusterNetworkPolicy", true, notModelled},

	{"cilium.io", "CiliumNetworkPolicy", false, notModelled},
	{"cilium.io", "CiliumClusterwideNetworkPolicy", true, notModelled},
	{"cilium.io", "CiliumLocalRedirectPolicy", false, mesh},
	{"cilium.io", "CiliumEgressGatewayPolicy", true, mesh},
	{"cilium.io", "CiliumEnvoyConfig", false, mesh},
	{"cilium.io", "CiliumClusterwideEnvoyConfig", true, mesh},

	{"crd.projectcalico.org", "NetworkPolicy", false, notModelled},
	{"crd.projectcalico.org", "GlobalNetworkPolicy", true, notModelled},
	{"crd.projectcalico.org", "HostEndpoint", true, hosts},
	{"crd.projectcalico.org", "StagedNetworkPolicy", false, staged},
	{"crd.projectcalico.org", "StagedGlobalNetworkPolicy", true, staged},
	{"crd.projectcalico.org", "StagedKubernetesNetworkPolicy", false, staged},
	{"projectcalico.org", "NetworkPolicy", false, notModelled},
	{"projectcalico.org", "GlobalNetworkPolicy", true, notModelled},
	{"projectcalico.org", "HostEndpoint", true, hosts},
	{"projectcalico.org", "StagedNetworkPolicy", false, staged},
	{"projectcalico.org", "StagedGlobalNetworkPolicy", true, staged},
	{"projectcalico.org", "StagedKubernetesNetworkPolicy", false, staged},

	{"crd.antrea.io", "NetworkPolicy", false, notModelled},
	{"crd.antrea.io", "ClusterNetworkPolicy", true, notModelled},
	{"security.antrea.tanzu.vmware.com", "NetworkPolicy", false, notModelled},
	{"security.antrea.tanzu.vmware.com", "ClusterNetworkPolicy", true, notModelled},

	{"k8s.ovn.org", "EgressFirewall", false, egressOnly},
	{"network.openshift.io", "EgressNetworkPolicy", false, egressOnly},
	{"networking.gke.io", "FQDNNetworkPolicy", false, egressOnly},
	{"networking.k8s.aws", "ApplicationNetworkPolicy", false, notModelled},
	{"networking.k8s.aws", "ClusterNetworkPolicy", true, notModelled},
	{"crd.nsx.vmware.com", "SecurityPolicy", false, notModelled},
	{"vpcresources.k8s.aws", "SecurityGroupPolicy", false, notModelled},

	{"k8s.cni.cncf.io", "MultiNetworkPolicy", false, secondary},

	{"security.istio.io", "AuthorizationPolicy", false, mesh},
	{"security.istio.io", "PeerAuthentication", false, mesh},
	{"security.istio.io", "RequestAuthentication", false, mesh},
	{"networking.istio.io", "Sidecar", false, mesh},
	{"policy.linkerd.io", "Server", false, mesh},
	{"policy.linkerd.io", "ServerAuthorization", false, mesh},
	{"policy.linkerd.io", "AuthorizationPolicy", false, mesh},
	{"policy.linkerd.io", "MeshTLSAuthentication", false, mesh},
	{"policy.linkerd.io", "NetworkAuthentication", false, mesh},
	{"policy.linkerd.io", "EgressNetwork", false, mesh},
	{"kuma.io", "MeshTrafficPermission", false, mesh},
	{"kuma.io", "TrafficPermission", true, mesh},
	{"consul.hashicorp.com", "ServiceIntentions", false, mesh},
	{"access.smi-spec.io", "TrafficTarget", false, mesh},
}

// lookupKind returns the row of a kind, or nil. The version has no part in it.
func lookupKind(apiVersion, kind string) *policyKind {
	group := groupOf(apiVersion)
	for i := range policyKinds {
		if k := &policyKinds[i]; k.kind == kind && k.group == group {
			return k
		}
	}
	return nil
}

// nodes reports whether the kind can have nodes as subjects too.
func (k *policyKind) nodes() bool {
	return k.kind == "CiliumClusterwideNetworkPolicy" || k.kind == "GlobalNetworkPolicy"
}

// policyVersion is the API version of the NetworkPolicy that is understood.
const policyVersion = "networking.k8s.io/v1"

// adminGroup is the API group of the admin policies, and holds nothing else.
const adminGroup = "policy.networking.k8s.io"

// adminKinds are the admin policies that are understood, and their versions.
var adminKinds = []struct{ kind, apiVersion string }{
	{"AdminNetworkPolicy", adminGroup + "/v1alpha1"},
	{"BaselineAdminNetworkPolicy", adminGroup + "/v1alpha1"},
	{"ClusterNetworkPolicy", adminGroup + "/v1alpha2"},
}

// resembles reports whether a kind that is in no row may be a network policy
// all the same: by its name, in whatever group, by the group of the admin
// policies, or of the makers of Cilium. A policy that passed in silence would
// be a wrong answer (R120).
func resembles(apiVersion, kind string) bool {
	group := groupOf(apiVersion)
	return strings.HasSuffix(strings.ToLower(kind), "networkpolicy") || nearest.Within(3, kind, "NetworkPolicy") || meantAdmin(kind) != "" ||
		group == adminGroup || group == "isovalent.com" && strings.Contains(kind, "Policy")
}

// meantAdmin is the kind of admin policies that a kind is a misspelling of, or
// "".
func meantAdmin(kind string) string {
	for _, k := range adminKinds {
		if kind != k.kind && nearest.Within(3, kind, k.kind) {
			return k.kind
		}
	}
	return ""
}

// meantPolicy is what the writer of a policy that is not understood may have
// meant, as the end of a message, or "".
func meantPolicy(apiVersion, kind string) string {
	switch {
	case !strings.HasSuffix(kind, "NetworkPolicy") && nearest.Within(3, kind, "NetworkPolicy"):
		return "; did you mean NetworkPolicy?"
	case kind == "NetworkPolicy" && (apiVersion == "v1" || nearest.Within(5, apiVersion, policyVersion)):
		return "; did you mean " + policyVersion + "?"
	case meantAdmin(kind) != "":
		return "; did you mean " + meantAdmin(kind) + "?"
	}
	for _, k := range adminKinds {
		if kind == k.kind && (groupOf(apiVersion) == adminGroup || nearest.Within(5, apiVersion, k.apiVersion)) {
			return "; did you mean " + k.apiVersion + "?"
		}
	}
	return ""
}

// versionOf is the API version that an admin policy is of, when it says the
// other one, which does not have its kind; else "".
func versionOf(apiVersion, kind string) string {
	of, known := "", false
	for _, k := range adminKinds {
		known = known || apiVersion == k.apiVersion
		if kind == k.kind && apiVersion != k.apiVersion {
			of = k.apiVersion
		}
	}
	if !known { // a version to come may have it
		return ""
	}
	return of
}

// objectKinds are the kinds that pods and what selectors see of them come from,
// with their API version.
var objectKinds = []struct{ kind, apiVersion string }{
	{"Pod", "v1"}, {"Namespace", "v1"}, {"Node", "v1"}, {"ReplicationController", "v1"},
	{"Deployment", "apps/v1"}, {"ReplicaSet", "apps/v1"}, {"StatefulSet", "apps/v1"}, {"DaemonSet", "apps/v1"},
	{"Job", "batch/v1"}, {"CronJob", "batch/v1"},
}

// groupKind names a kind of any version.
type groupKind struct{ group, kind string }

// readKinds yields the kinds that have a part in the answer, or are worth a
// note.
func readKinds(yield func(groupKind) bool) {
	for _, k := range objectKinds {
		if !yield(groupKind{groupOf(k.apiVersion), k.kind}) {
			return
		}
	}
	if !yield(groupKind{groupOf(policyVersion), "ServiceCIDR"}) {
		return
	}
	for _, k := range policyKinds {
		if !yield(groupKind{k.group, k.kind}) {
			return
		}
	}
}

// Reads reports whether objects of a kind have a part in the answer, or are
// worth a note; of a live cluster no others need be read. The version has no
// part in it.
func Reads(apiVersion, kind string) bool {
	want := groupKind{groupOf(apiVersion), kind}
	for k := range readKinds {
		if k == want {
			return true
		}
	}
	return resembles(apiVersion, kind)
}

// KindsOf lists the kinds of an API group that Reads knows by name.
func KindsOf(group string) []string {
	var out []string
	for k := range readKinds {
		if k.group == group {
			out = append(out, k.kind)
		}
	}
	return out
}

// otherKinds are the other kinds of the same API groups.
var otherKinds = []string{
	"Binding", "ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange", "List", "PersistentVolume", "PersistentVolumeClaim",
	"PodTemplate", "ResourceQuota", "Secret", "Service", "ServiceAccount", "ControllerRevision",
}

// meantObject is what the writer of an object of a kind that is not known may
// have meant, or "".
func meantObject(apiVersion, kind string) string {
	switch groupOf(apiVersion) {
	case "", "apps", "batch", "extensions":
	default:
		return ""
	}
	if slices.Contains(otherKinds, kind) {
		return ""
	}
	var kinds []string
	for _, k := range objectKinds {
		if k.kind == kind {
			return k.apiVersion
		}
		kinds = append(kinds, k.kind)
	}
	return nearest.Of(kind, kinds)
}

// groupOf returns the API group of "group/version"; the core group is "".
func groupOf(apiVersion string) string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return group
}

// worst returns what a broken document of this kind and unknown group may be:
// the row that makes most uncertain. A kind that is in no row is nil.
func worst(kind string) *policyKind {
	var out *policyKind
	for i := range policyKinds {
		k := &policyKinds[i]
		if k.kind == kind && (out == nil || k.effect < out.effect || k.effect == out.effect && k.cluster) {
			out = k
		}
	}
	return out
}
