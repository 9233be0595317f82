package cli

import (
	"github.com/podreach/podreach/model/dialect"
)

// strictCode reports whether --strict makes a diagnostic an error: something
// was not understood, and could change an answer.
func strictCode(c dialect.Code) bool {
	switch c {
	case dialect.CodeNotModelled, dialect.CodeBrokenDocument, dialect.CodeBadAddress, dialect.CodeUnread, dialect.CodeUnknownPods:
		return true
	}
	return false
}

// notUnderstood lists, with --strict, the ignored kinds that may stand for
// pods or policies. A controller can make pods of any custom resource, so only
// kinds that are known to do neither are left out.
func (in *input) notUnderstood() []dialect.KindCount {
	if !in.strict {
		return nil
	}
	known := map[string]bool{}
	for _, d := range in.ledger.Diagnostics {
		switch d.Code {
		case dialect.CodeMeshPolicy, dialect.CodeUnknownPods: // a kind that is known to have no part, or an error already
			known[d.Object.Kind] = true
		}
	}
	var out []dialect.KindCount
	for _, k := range in.ledger.IgnoredKinds() {
		if !known[k.Kind] && !inert[k.Kind] {
			out = append(out, k)
		}
	}
	return out
}

// inert are kinds that make no pods and say nothing about connections between
// endpoints: the rest of Kubernetes' own API, and custom resources that are
// often met.
var inert = kindSet(
	// core, apps, batch, policy
	"Binding", "ComponentStatus", "ConfigMap", "ControllerRevision", "Endpoints", "EndpointSlice", "Event", "LimitRange",
	"PersistentVolume", "PersistentVolumeClaim", "PodDisruptionBudget", "PodSecurityPolicy", "PodTemplate", "ResourceQuota", "Secret", "Service",
	"ServiceAccount", "HorizontalPodAutoscaler", "VerticalPodAutoscaler", "Lease", "PriorityClass", "RuntimeClass",
	"FlowSchema", "PriorityLevelConfiguration", "Ingress", "IngressClass", "IPAddress",
	// access, admission, API machinery
	"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
	"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	"CustomResourceDefinition", "APIService", "CertificateSigningRequest", "ClusterTrustBundle",
	// storage and devices
	"StorageClass", "CSIDriver", "CSINode", "CSIStorageCapacity", "VolumeAttachment", "VolumeAttributesClass", "VolumeSnapshot",
	"VolumeSnapshotClass", "VolumeSnapshotContent", "DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice",
	// custom resources
	"Certificate", "CertificateRequest", "Issuer", "ClusterIssuer", "ServiceMonitor", "PodMonitor", "Probe", "PrometheusRule",
	"ScrapeConfig", "AlertmanagerConfig", "ExternalSecret", "SecretStore", "ClusterSecretStore", "SealedSecret", "GatewayClass",
	"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "ReferenceGrant", "VirtualService", "DestinationRule", "ServiceEntry",
	"ResourceFlavor", "ClusterQueue", "LocalQueue", "CiliumIdentity", "CiliumEndpoint", "CiliumNode",
	// what podreach check reads
	"AssertionSet",
	// staged policies are never enforced
	"StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "StagedKubernetesNetworkPolicy",
)

func kindSet(kinds ...string) map[string]bool {
	out := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		out[k] = true
	}
	return out
}
