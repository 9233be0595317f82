package cluster

import "strings"

// effect is what a kind that is not lowered to rules means for the answer.
type effect uint8

const (
	notModelled effect = iota + 1 // an L3/L4 policy: what it selects is uncertain
	egressOnly                    // the same, but it governs egress alone
	mesh                          // L7 or mesh policy: a note
	secondary                     // governs secondary networks only: a note
	staged                        // never enforced: no part in the answer
)

// policyKind is one row of the table of policies that are not lowered.
type policyKind struct {
	group, kind string
	cluster     bool // cluster-scoped: it can select every pod
	effect      effect
}

// policyKinds are the policy kinds that are known but not lowered (R120). A
// kind that is in no row has no part in the answer. The group counts: several
// projects have a NetworkPolicy.
var policyKinds = []policyKind{
	{"networking.k8s.io", "NetworkPolicy", false, notModelled}, // in a version that no cluster serves
	{"extensions", "NetworkPolicy", false, notModelled},        // served until Kubernetes 1.15

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
	{"crd.projectcalico.org", "StagedNetworkPolicy", false, staged},
	{"crd.projectcalico.org", "StagedGlobalNetworkPolicy", true, staged},
	{"crd.projectcalico.org", "StagedKubernetesNetworkPolicy", false, staged},
	{"projectcalico.org", "NetworkPolicy", false, notModelled},
	{"projectcalico.org", "GlobalNetworkPolicy", true, notModelled},
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
