package gen

// adminFeatures are the constructs of admin policies. Those that begin with
// "bad" are rejected, those with "admin-closed" fail closed (R103).
var adminFeatures = []Feature{
	AdminAllow, AdminClosedEmpty, AdminClosedLabel, AdminClosedNoValues, AdminClosedNotAtIngress, AdminClosedNotInBaseline,
	AdminClosedOperator, AdminClosedPortName, AdminClosedPortNameAllowed, AdminClosedUnknown, AdminDeny, AdminDomainsDenied, AdminDomainsNearDNS, AdminMixed, AdminNamespaceWritten, AdminNamespacesNegative, AdminNetworkAll,
	AdminNetworkHostBits, AdminNetworkPolicy, AdminNodesAll, AdminPass, AdminPassOfClusterNetworkPolicy, AdminPeerDomains,
	AdminPeerDuplicate, AdminPeerFieldNull, AdminPeerNamespaces, AdminPeerNetworks, AdminPeerNodes, AdminPeerPods,
	AdminPodsOfAllNamespaces, AdminPortName, AdminPortNameBesideAddresses, AdminPortNameUnresolved,
	AdminPortNumber, AdminPortRange, AdminPortRangeAll, AdminPortRangeOfOne, AdminPortRangeReversed, AdminPortsNull,
	AdminProtocolDefault, AdminProtocolUnknown, AdminRuleName, AdminRulesAtLimit, AdminRulesEmpty, AdminRulesNull, AdminSCTP,
	AdminSubjectAll, AdminSubjectNamespaces, AdminSubjectPods, AdminSubjectUnclear, AdminTCP, AdminTie, AdminTierBaseline, AdminUDP,
	BaselineAdminNetworkPolicy, ClusterNetworkPolicy, NodeWithLabels, BadAdminAction, BadAdminActionPass, BadAdminDomains,
	BadAdminField, BadAdminName, BadAdminNetwork, BadAdminNetworkMapped, BadAdminNetworks, BadAdminPeerPods, BadAdminPeerTwo,
	BadAdminPeersEmpty, BadAdminPeersMany, BadAdminPortEmpty, BadAdminPortName, BadAdminPortNumber, BadAdminPortRange, BadAdminPortTwo,
	BadAdminPortsEmpty, BadAdminPortsMany, BadAdminPriority, BadAdminProtocolBare, BadAdminRuleName, BadAdminRules,
	BadAdminSelectorForm, BadAdminSubject, BadAdminTier,
}

// The constructs of admin policies.
const (
	AdminAllow                      Feature = "admin-allow"
	AdminClosedEmpty                Feature = "admin-closed-empty"
	AdminClosedLabel                Feature = "admin-closed-label"
	AdminClosedNoValues             Feature = "admin-closed-no-values"
	AdminClosedNotAtIngress         Feature = "admin-closed-not-at-ingress" // fields that only egress has
	AdminClosedNotInBaseline        Feature = "admin-closed-not-in-baseline"
	AdminClosedOperator             Feature = "admin-closed-operator"
	AdminClosedPortName             Feature = "admin-closed-port-name"         // ports of containers in a rule that fails closed
	AdminClosedPortNameAllowed      Feature = "admin-closed-port-name-allowed" // the same in one that allows
	AdminClosedUnknown              Feature = "admin-closed-unknown"           // fields of a version to come
	AdminDeny                       Feature = "admin-deny"
	AdminDomainsNearDNS             Feature = "admin-domains-near-dns"    // some pod has the label of the cluster's DNS
	AdminDomainsDenied              Feature = "admin-domains-denied"      // domain names in another rule than Allow (R100)
	AdminMixed                      Feature = "admin-mixed"               // both versions of the API (R106)
	AdminNamespaceWritten           Feature = "admin-namespace-written"   // which means nothing
	AdminNamespacesNegative         Feature = "admin-namespaces-negative" // of profile cilium: they mean what is no pod too (R97)
	AdminNetworkAll                 Feature = "admin-network-all"
	AdminNetworkHostBits            Feature = "admin-network-host-bits"
	AdminNetworkPolicy              Feature = "admin-network-policy"
	AdminNodesAll                   Feature = "admin-nodes-all"
	AdminPass                       Feature = "admin-pass"
	AdminPassOfClusterNetworkPolicy Feature = "admin-pass-of-cluster-network-policy"
	AdminPeerDomains                Feature = "admin-peer-domains"
	AdminPeerDuplicate              Feature = "admin-peer-duplicate"
	AdminPeerFieldNull              Feature = "admin-peer-field-null"
	AdminPeerNamespaces             Feature = "admin-peer-namespaces"
	AdminPeerNetworks               Feature = "admin-peer-networks"
	AdminPeerNodes                  Feature = "admin-peer-nodes"
	AdminPeerPods                   Feature = "admin-peer-pods"
	AdminPodsOfAllNamespaces        Feature = "admin-pods-of-all-namespaces"
	AdminPortName                   Feature = "admin-port-name"
	AdminPortNameBesideAddresses    Feature = "admin-port-name-beside-addresses"
	AdminPortNameUnresolved         Feature = "admin-port-name-unresolved"
	AdminPortNumber                 Feature = "admin-port-number"
	AdminPortRange                  Feature = "admin-port-range"
	AdminPortRangeAll               Feature = "admin-port-range-all"
	AdminPortRangeOfOne             Feature = "admin-port-range-of-one"
	AdminPortRangeReversed          Feature = "admin-port-range-reversed"
	AdminPortsNull                  Feature = "admin-ports-null"
	AdminProtocolDefault            Feature = "admin-protocol-default"
	AdminProtocolUnknown            Feature = "admin-protocol-unknown"
	AdminRuleName                   Feature = "admin-rule-name"
	AdminRulesAtLimit               Feature = "admin-rules-at-limit"
	AdminRulesEmpty                 Feature = "admin-rules-empty"
	AdminRulesNull                  Feature = "admin-rules-null"
	AdminSCTP                       Feature = "admin-sctp"
	AdminSubjectAll                 Feature = "admin-subject-all"
	AdminSubjectNamespaces          Feature = "admin-subject-namespaces"
	AdminSubjectPods                Feature = "admin-subject-pods"
	AdminSubjectUnclear             Feature = "admin-subject-unclear" // a selector that is none, which the CRDs let through
	AdminTCP                        Feature = "admin-tcp"
	AdminTie                        Feature = "admin-tie" // of equal tier and priority (R105)
	AdminTierBaseline               Feature = "admin-tier-baseline"
	AdminUDP                        Feature = "admin-udp"
	BaselineAdminNetworkPolicy      Feature = "baseline-admin-network-policy"
	ClusterNetworkPolicy            Feature = "cluster-network-policy"
	NodeWithLabels                  Feature = "node-with-labels"

	BadAdminAction        Feature = "bad-admin-action"
	BadAdminActionPass    Feature = "bad-admin-action-pass"
	BadAdminDomains       Feature = "bad-admin-domains"
	BadAdminField         Feature = "bad-admin-field"
	BadAdminName          Feature = "bad-admin-name"
	BadAdminNetwork       Feature = "bad-admin-network"
	BadAdminNetworkMapped Feature = "bad-admin-network-mapped"
	BadAdminNetworks      Feature = "bad-admin-networks"
	BadAdminPeerPods      Feature = "bad-admin-peer-pods"
	BadAdminPeerTwo       Feature = "bad-admin-peer-two"
	BadAdminPeersEmpty    Feature = "bad-admin-peers-empty"
	BadAdminPeersMany     Feature = "bad-admin-peers-many"
	BadAdminPortEmpty     Feature = "bad-admin-port-empty"
	BadAdminPortName      Feature = "bad-admin-port-name" // empty, which the CRDs let through
	BadAdminPortNumber    Feature = "bad-admin-port-number"
	BadAdminPortRange     Feature = "bad-admin-port-range"
	BadAdminPortTwo       Feature = "bad-admin-port-two"
	BadAdminPortsEmpty    Feature = "bad-admin-ports-empty"
	BadAdminPortsMany     Feature = "bad-admin-ports-many"
	BadAdminPriority      Feature = "bad-admin-priority"
	BadAdminProtocolBare  Feature = "bad-admin-protocol-bare"
	BadAdminRuleName      Feature = "bad-admin-rule-name"
	BadAdminRules         Feature = "bad-admin-rules"
	BadAdminSelectorForm  Feature = "bad-admin-selector-form"
	BadAdminSubject       Feature = "bad-admin-subject"
	BadAdminTier          Feature = "bad-admin-tier"
)
