package gen

// Every probability of the package, in percent unless it says otherwise. A
// construct that only matters together with another is made likely, one that
// spoils a cluster for everything else is made rare.
const (
	// The snapshot.
	pctLive               = 55
	pctDual               = 30
	pctIPv6               = 12
	pctFamiliesConfigured = 25
	pctPodCIDRsConfigured = 20
	pctServiceCIDRs       = 20
	pctProfile            = 30 // other than the default, for each of the three alike
	pctOtherDefault       = 10
	pctUnmanaged          = 12
	pctUnmanagedEntity    = 35 // in the profile cilium
	pctPodsInside         = 60 // of clusters: no pod outside the pod ranges, nor outside the private ones
	pctNamespaceNotSaid   = 6

	pctNamespaceMissing   = 20
	pctNamespaceWrongName = 12
	pctNamespaceLabel     = 55 // for each label of the alphabet

	// Nodes.
	pctNoNodes        = 30
	pctNodeNoAddress  = 10
	pctNodeSeveral    = 25
	pctNodeHostname   = 30
	pctNodePodCIDRs   = 35
	pctNodeOneFamily  = 25 // of a dual-stack cluster
	pctNodePodCIDROld = 20 // of those with a pod range: in spec.podCIDR alone

	// Pods.
	pctPodNoAddress   = 10
	pctPodIPOnly      = 20
	pctPodClash       = 8
	pctPodLabel       = 60 // for each label of the alphabet
	pctTerminating    = 8
	pctHostNetwork    = 20
	pctHostNetworkOwn = 40 // of host-network pods of a live snapshot: with status addresses
	pctNodeName       = 65
	pctAbsentNode     = 12 // of those with a node name
	pctHostIP         = 50 // of a live snapshot
	pctHostIPElse     = 25 // of those: not the first address of the node
	pctHostIPMore     = 30 // of those: a second one
	pctNodeAddrClash  = 6  // of nodes: with an address of another one
	pctPodOnNodeAddr  = 4  // of pods: with an address of a node

	// Container ports.
	pctSidecar      = 20
	pctInit         = 20
	pctPortUnnamed  = 20
	pctPortNoProto  = 30
	pctHostPort     = 10
	pctSecondOfName = 25

	// Workloads.
	pctWorkloads         = 50
	pctTemplateAbsent    = 15 // of ReplicationControllers
	pctTemplateNamespace = 10
	pctOwnsPods          = 25
	pctOwned             = 20
	pctOrdinals          = 30 // of StatefulSets
	pctManualSelector    = 15 // of Jobs
	pctOwnerForeign      = 12 // of owner references: of another API group; as many without one

	pctTemplateControllerLabel = 40
	pctControllers             = 45 // of clusters: with many templates and many selectors on labels of controllers
	pctControllerTerm          = 75 // of a pod selector in such a cluster
	pctControllerTermElse      = 8  // in another one with workloads

	// Custom resources.
	pctCustom         = 45
	pctCustomTerms    = 70 // of clusters with custom objects: with many selectors on labels of their controllers
	pctCustomTerm     = 65 // of a pod selector in such a cluster
	pctCustomTermElse = 10 // in another one with custom objects
	pctCustomChild    = 25
	pctGenerateName   = 8

	// Policies.
	pctSubjectsAll   = 35
	pctNoRules       = 35 // for each direction
	pctNoPeers       = 20
	pctNoPorts       = 40
	pctRepeat        = 6 // an element of a list once more
	pctRejected      = 6 // for each policy
	pctAbsent        = 55
	pctEmptySelector = 15

	// Admin policies.
	pctAdmin              = 45 // of clusters
	pctAdminMixed         = 5  // of those: both versions of the API
	pctAdminNoRules       = 25 // for each direction
	pctAdminClosed        = 6  // of elements
	pctNamespacesNegative = 25 // of namespaces peers in profile cilium
	pctClosedPortName     = 40 // of rules with such an element that have ports
	pctAdminUnclear       = 2  // subjects with a selector that is none
	pctAdminRejected      = 20 // for each policy
	pctNodeLabel          = 45 // for each label of the alphabet

	// Blocks.
	pctExcept      = 45
	pctExceptMore  = 45
	pctSloppy      = 15
	pctBlockIPv6   = 12 // in a cluster without IPv6
	pctBlockPieces = 20
)

// Sizes of a cluster; Options can raise them.
const (
	minNamespaces, maxNamespaces = 2, 4
	minPods, maxPods             = 3, 10
	maxNodes                     = 3
	maxWorkloads                 = 4
	maxCustom                    = 2
	maxPolicies                  = 6
	maxRules                     = 3 // of one direction
	maxPeers                     = 3
	maxPortEntries               = 3
	maxTerms                     = 3 // of a selector
	maxAdmin                     = 5
	maxAdminRules                = 3
)

// phaseWeights say how often each phase occurs.
var phaseWeights = []weighted[string]{{60, "Running"}, {15, "Pending"}, {6, "Succeeded"}, {6, "Failed"}, {5, "Unknown"}, {8, ""}}

// typesWeights say how often each form of policyTypes occurs.
var typesWeights = []weighted[[]string]{
	{28, nil}, {20, []string{"Ingress"}}, {20, []string{"Egress"}}, {16, []string{"Ingress", "Egress"}}, {8, []string{"Egress", "Ingress"}},
	{4, []string{"Ingress", "Ingress"}}, {4, []string{"Egress", "Egress"}},
}

// adminActions say how often each action occurs; Allow is Accept in v1alpha2.
var adminActions = []weighted[string]{{38, "Allow"}, {40, "Deny"}, {22, "Pass"}}

// adminPriorities are few, so that there are ties.
var adminPriorities = []int{0, 5, 5, 6, 1000}

// blockBits are the prefix lengths of blocks, out of 32; an IPv6 block takes
// the same share of its 128 bits, but for the last few.
var blockBits = []weighted[int]{{12, 0}, {8, 1}, {2, 3}, {6, 8}, {5, 9}, {4, 12}, {5, 16}, {8, 24}, {6, 29}, {6, 30}, {8, 31}, {14, 32}}

// The alphabets. They are small so that things meet.
var (
	namespaceNames = []string{"red", "blue", "green", "default"}
	labelKeys      = []string{"app", "tier", "example.com/x"}
	labelValues    = []string{"a", "b", ""}
	absentKey      = "nobody"

	controllerValues = []string{"a", "0", "1"} // where a template has the label itself

	domainNames    = []string{"a.example", "*.a.example", "B.example."}
	portNames      = []string{"http", "dns", "metrics"}
	unresolvedName = "nowhere"
	portNumbers    = []int32{1, 53, 80, 81, 443, 8080, 65535}

	// Neighbours, so that blocks of 29 to 31 bits cut between them; and one
	// address of each other sort of space.
	podAddrs4  = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.128.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", publicPod4}
	podAddrs6  = []string{"fd00::1", "fd00::2", "fd00::3", "fd00::4", "fd00::5", "fd00::6", "fd80::1", "fd00:1::1", "fc00::1", "fd00::7", publicPod6}
	nodeAddrs4 = []string{"10.0.1.1", "10.0.1.2", "10.0.1.3", "192.168.1.1", "192.168.1.2", "7.0.0.1", "7.0.0.2", "10.0.1.4", "10.0.1.5"}
	nodeAddrs6 = []string{"fd01::1", "fd01::2", "fd01::3", "fd01::4", "2a00::1", "2a00::2", "fd01::5", "fd01::6", "fd01::7"}
	outside4   = []string{"8.8.8.8", "1.1.1.1", "10.9.9.9", "172.31.0.1", "203.0.113.1"}
	outside6   = []string{"2606:4700::1111", "2001:4860::8888", "fe80::1", "fd09::9"}

	podCIDRs4     = []string{"10.0.0.0/30", "10.0.0.4/30", "10.128.0.0/16", "10.0.0.0/8"}
	podCIDRs6     = []string{"fd00::/126", "fd00::4/126", "fd80::/64", "fd00::/8"}
	private4      = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}
	private6      = []string{"fc00::/7"}
	serviceCIDRs4 = "10.96.0.0/12"
	serviceCIDRs6 = "fd96::/112"
)

const (
	publicPod4 = "5.0.0.1"
	publicPod6 = "2a01::1"
)
