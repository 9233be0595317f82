package gen

import "slices"

// Feature names a construct that a cluster may have.
type Feature string

// Features lists every construct. A test fails when a few thousand seeds do
// not reach one of them.
var Features = slices.Concat([]Feature{
	// The snapshot.
	SnapshotLive, SnapshotStatic, FamilyIPv4, FamilyIPv6, FamilyDual, FamiliesConfigured, PodCIDRsConfigured, ServiceCIDRs,
	ProfileSpec, ProfileCilium, ProfileCalico, DefaultNamespaceOther, NamespaceNotWritten,
	NamespaceMissing, NamespaceWrongName, NamespaceWithoutLabels, NamespaceWithoutPods,
	// Nodes.
	NodesAbsent, NodeWithoutAddress, NodeWithOneAddress, NodeWithSeveralAddresses, NodeOfBothFamilies, NodeWithHostname, NodeWithPodCIDRs, NodeWithPodCIDR,
	// Pods.
	PodWithoutAddress, PodIPv4, PodIPv6, PodDual, PodIPOnly, PodAddressClash, PodAddressReused, PodPublicAddress, PodsInsideDomain,
	PodRunning, PodPending, PodSucceeded, PodFailed, PodPhaseUnknown, PodPhaseAbsent, PodTerminating, PodTerminatingFinished,
	PodWithoutLabels, PodEmptyLabelValue, PodOnNode, PodOnAbsentNode, PodNodeByHostIP, PodNodeNotSaid, PodOwned,
	HostIPNotOfNode, HostIPSeveral, HostIPOfFinished, NodeAddressClash, PodAddressOfNode, HostNetworkNodeByAddress,
	HostNetworkOnNode, HostNetworkOnAbsentNode, HostNetworkNodeNotSaid, HostNetworkWithAddress, HostNetworkWithoutAddress,
	// Container ports.
	PortNamed, PortUnnamed, PortProtocolDefault, PortUDP, PortSCTP, PortOfSidecar, PortOfInitContainer, PortHost,
	PortNameTwiceOtherNumber, PortNameTwiceOtherProtocol,
	// Workloads.
	WorkloadDeployment, WorkloadReplicaSet, WorkloadReplicationController, WorkloadStatefulSet, WorkloadDaemonSet, WorkloadJob, WorkloadCronJob,
	ReplicasAbsent, ReplicasZero, ReplicasOne, ReplicasMany, TemplateAbsent, TemplateNamespace, TemplateHostNetwork, DaemonSetHostNetwork,
	WorkloadOwnsPods, WorkloadOwned, OwnerOfOtherGroup, OwnerWithoutGroup, JobCompletionTime, JobEnded, JobNotEnded, OrdinalsStart, JobManualSelector, JobIndexed, CronJobIndexed, CompletionsAbsent, CompletionsZero, CompletionsMany, TemplateControllerLabel,
	// Custom resources.
	CustomJobSet, CustomRayCluster, CustomRayJob, CustomRayService, CustomRayCronJob, CustomPyTorchJob, CustomTFJob, CustomXGBoostJob,
	CustomPaddleJob, CustomJAXJob, CustomMPIJobV1, CustomMPIJobV2, CustomTrainJob, CustomLeaderWorkerSet, CustomVolcanoJob,
	CustomCountAbsent, CustomCountZero, CustomCountOne, CustomCountMany, CustomAutoscaled, CustomFinished, CustomNotFinished,
	CustomOwned, CustomOwnsWorkload, CustomOwnsPods, CustomGenerateName, CustomTemplateAbsent, CustomTemplateControllerLabel,
	JobSetIndexed, JobSetNonIndexed, JobSetGroup, JobSetRestarted, RayGroupLabels, RayFaultTolerance, RayMinReplicas, RayHosts,
	RayClusterSelector, RaySubmissionMode, RaySubmitterTemplate, RayHeadNotServing, TrainingElasticFixed, TrainingTypeAbsent,
	MPILauncherWorks, LeaderTemplate, VolcanoQueue, VolcanoOwnLabels, SelectorCustom, SelectorCustomOpaque,
	CustomInferenceService, CustomLLMInferenceService, CustomKnativeService, CustomKnativeConfiguration, CustomSparkApplication,
	CustomScheduledSparkApplication, CustomWorkflow, CustomCronWorkflow, CustomRollout, CustomVirtualMachine, CustomVirtualMachineInstance,
	CustomVirtualMachineInstanceReplicaSet, CustomVirtualMachinePool, CustomPrometheus, PrometheusShards, PrometheusThanos,
	CustomPrometheusAgent, PrometheusDaemonSet, CustomAlertmanager, CustomThanosRuler, CustomCloneSet, CustomKruiseStatefulSet,
	CustomKruiseDaemonSet, CustomNotebook, NotebookStopped, CustomSandbox, InferenceModeAbsent, InferenceModelMesh, InferenceKnative,
	InferenceModeOfStatus, InferenceLabels, InferenceAgent, InferenceWorkers, LLMTemplateAbsent, LLMWorkers, LLMPipeline, LLMLabels,
	LLMPrefill, LLMScheduler, LLMPool, LLMQueue, KnativeRevisionNamed, KnativeChain, SparkTemplateAbsent, SparkSidecars, SparkHostNetwork,
	SparkLabels, SparkMonitoring, WorkflowContainerSet, WorkflowNoPods, WorkflowAgent, WorkflowSidecars, WorkflowLabels, WorkflowHostNetwork,
	RolloutWorkloadRef, RolloutCanary, RolloutBlueGreen, MachineHalted, MachineSidecar, MachineHostname, MonitoringPortName,
	MonitoringContainers, MonitoringLabels, MonitoringHostNetwork,
	MonitoringLocal, VolcanoPlugins,
	MachineDot,
	InferenceModel,
	KruiseReserved,
	TrainingTypeEmpty,
	// Unmanaged pods.
	UnmanagedNamespace, UnmanagedPods, UnmanagedByNamespaceLabels, UnmanagedEverywhere, UnmanagedPortsUnknown, UnmanagedSeveral,
	// Policies.
	PoliciesNone, PoliciesSeveralTogether, PolicyWithoutSubjects,
	TypesAbsent, TypesEmpty, TypesNull, TypesIngress, TypesEgress, TypesBoth, TypesDuplicate, RulesOfUnlistedDirection, EgressRulesWithoutTypes, EgressEmptyWithoutTypes,
	RulesAbsent, RulesNull, RulesEmpty, RuleEmpty, PeersAbsent, PeersNull, PeersEmpty, PortsAbsent, PortsNull, PortsEmpty, RuleDuplicate,
	SubjectsEmpty, SubjectsAbsent, SubjectsNull, SubjectsSelected,
	// Peers and selectors.
	PeerPods, PeerNamespaces, PeerPodsAndNamespaces, PeerBlock, PeerDuplicate, PeerFieldNull,
	SelectorEmpty, SelectorMapNull, SelectorMapEmpty, SelectorListNull, SelectorListEmpty, SelectorLabels,
	SelectorIn, SelectorNotIn, SelectorExists, SelectorDoesNotExist, SelectorEmptyValue, SelectorAbsentKey, SelectorKeyTwice, SelectorContradiction,
	SelectorPodName, SelectorPodIndex, SelectorRevisionHash, SelectorTemplateGeneration, SelectorTemplateHash,
	SelectorJobName, SelectorJobNameLegacy, SelectorControllerUID, SelectorControllerUIDLegacy, SelectorCompletionIndex, SelectorControllerMismatch, SelectorControllerOfTemplate,
	NamespaceSelectorIn, NamespaceSelectorNotIn, NamespaceSelectorExists, NamespaceSelectorDoesNotExist, NamespaceSelectorName,
	// Ports of rules.
	EntryEmpty, EntryProtocolAbsent, EntryProtocolNull, EntryTCP, EntryUDP, EntrySCTP, EntryPortAbsent, EntryPortNull, EntryNumber, EntryRange, EntryRangeOfOne,
	EntryRangeAll, EntryName, EntryNameUnresolved, EntryDuplicate, EntryEndPortNull,
	// Blocks.
	Block0, Block1, Block32, Block6, Block6All, Block128, BlockHalves, BlockPrivatePieces, BlockMetadata, BlockCutsPods, BlockCutsNodes, BlockCutsPodCIDR,
	BlockExcept, BlockExceptNested, BlockExceptOverlapping, BlockExceptCovering, BlockExceptTwice, BlockExceptNull, BlockExceptEmpty, BlockExceptElsewhereAllowed,
	BlockHostBits, BlockLeadingZeros, BlockMapped, BlockMappedShort, BlockLetters, ExceptSloppy, ExceptMapped, ExceptMappedEqual,
	// What the API server rejects (R116).
	BadName, BadProtocolCase, BadProtocolOther, BadProtocolEmpty, BadPortZero, BadPortHigh, BadPortNegative,
	BadPortNameDigits, BadPortNameLong, BadPortNameUpper, BadPortNameUnderscore, BadPortNameHyphens, BadPortNameEdge, BadPortNameEmpty,
	BadEndPortAlone, BadEndPortNamed, BadEndPortLow, BadEndPortHigh,
	BadPeerEmpty, BadPeerMixed, BadCIDRMissing, BadCIDRBare, BadCIDRText, BadCIDRLength, BadExceptEqual, BadExceptWider, BadExceptElsewhere, BadExceptFamily, BadExceptMapped, BadExceptText,
	BadSelectorNoValues, BadSelectorValues, BadSelectorOperator, BadSelectorKey, BadSelectorValue, BadSelectorOfSubjects,
	BadTypesThree, BadTypesUnknown, BadTypesCase,
}, adminFeatures)

// The constructs.
const (
	SnapshotLive          Feature = "snapshot-live"
	SnapshotStatic        Feature = "snapshot-static"
	FamilyIPv4            Feature = "family-ipv4"
	FamilyIPv6            Feature = "family-ipv6"
	FamilyDual            Feature = "family-dual"
	FamiliesConfigured    Feature = "families-configured"
	PodCIDRsConfigured    Feature = "pod-cidrs-configured"
	ServiceCIDRs          Feature = "service-cidrs"
	ProfileSpec           Feature = "profile-spec"
	ProfileCilium         Feature = "profile-cilium"
	ProfileCalico         Feature = "profile-calico"
	DefaultNamespaceOther Feature = "default-namespace-other"
	NamespaceNotWritten   Feature = "namespace-not-written"

	NamespaceMissing       Feature = "namespace-missing"
	NamespaceWrongName     Feature = "namespace-wrong-name"
	NamespaceWithoutLabels Feature = "namespace-without-labels"
	NamespaceWithoutPods   Feature = "namespace-without-pods"

	NodesAbsent              Feature = "nodes-absent"
	NodeWithoutAddress       Feature = "node-without-address"
	NodeWithOneAddress       Feature = "node-with-one-address"
	NodeWithSeveralAddresses Feature = "node-with-several-addresses" // of one family
	NodeOfBothFamilies       Feature = "node-of-both-families"
	NodeWithHostname         Feature = "node-with-hostname"
	NodeWithPodCIDRs         Feature = "node-with-pod-cidrs"
	NodeWithPodCIDR          Feature = "node-with-pod-cidr" // the singular field alone

	PodWithoutAddress      Feature = "pod-without-address" // in a live snapshot
	PodIPv4                Feature = "pod-ipv4"
	PodIPv6                Feature = "pod-ipv6"
	PodDual                Feature = "pod-dual"
	PodIPOnly              Feature = "pod-ip-only" // status.podIP without podIPs
	PodAddressClash        Feature = "pod-address-clash"
	PodAddressReused       Feature = "pod-address-reused" // after its pod has finished
	PodPublicAddress       Feature = "pod-public-address"
	PodsInsideDomain       Feature = "pods-inside-domain" // no pod contradicts where unknown addresses can be (R47)
	PodRunning             Feature = "pod-running"
	PodPending             Feature = "pod-pending"
	PodSucceeded           Feature = "pod-succeeded"
	PodFailed              Feature = "pod-failed"
	PodPhaseUnknown        Feature = "pod-phase-unknown"
	PodPhaseAbsent         Feature = "pod-phase-absent"
	PodTerminating         Feature = "pod-terminating"
	PodTerminatingFinished Feature = "pod-terminating-finished"
	PodWithoutLabels       Feature = "pod-without-labels"
	PodEmptyLabelValue     Feature = "pod-empty-label-value"
	PodOnNode              Feature = "pod-on-node"
	PodOnAbsentNode        Feature = "pod-on-absent-node"
	PodNodeByHostIP        Feature = "pod-node-by-host-ip"
	PodNodeNotSaid         Feature = "pod-node-not-said"
	PodOwned               Feature = "pod-owned"

	HostIPNotOfNode          Feature = "host-ip-not-of-node" // none that its Node object has, as a rule
	HostIPSeveral            Feature = "host-ip-several"
	HostIPOfFinished         Feature = "host-ip-of-finished"
	NodeAddressClash         Feature = "node-address-clash"
	PodAddressOfNode         Feature = "pod-address-of-node"
	HostNetworkNodeByAddress Feature = "host-network-node-by-address"

	OwnerOfOtherGroup Feature = "owner-of-other-group"
	OwnerWithoutGroup Feature = "owner-without-group"
	JobCompletionTime Feature = "job-completion-time"
	JobEnded          Feature = "job-ended"
	JobNotEnded       Feature = "job-not-ended"

	HostNetworkOnNode         Feature = "host-network-on-node"
	HostNetworkOnAbsentNode   Feature = "host-network-on-absent-node"
	HostNetworkNodeNotSaid    Feature = "host-network-node-not-said"
	HostNetworkWithAddress    Feature = "host-network-with-address"
	HostNetworkWithoutAddress Feature = "host-network-without-address"

	PortNamed                  Feature = "port-named"
	PortUnnamed                Feature = "port-unnamed"
	PortProtocolDefault        Feature = "port-protocol-default"
	PortUDP                    Feature = "port-udp"
	PortSCTP                   Feature = "port-sctp"
	PortOfSidecar              Feature = "port-of-sidecar"
	PortOfInitContainer        Feature = "port-of-init-container"
	PortHost                   Feature = "port-host"
	PortNameTwiceOtherNumber   Feature = "port-name-twice-other-number"
	PortNameTwiceOtherProtocol Feature = "port-name-twice-other-protocol"

	WorkloadDeployment            Feature = "workload-deployment"
	WorkloadReplicaSet            Feature = "workload-replicaset"
	WorkloadReplicationController Feature = "workload-replicationcontroller"
	WorkloadStatefulSet           Feature = "workload-statefulset"
	WorkloadDaemonSet             Feature = "workload-daemonset"
	WorkloadJob                   Feature = "workload-job"
	WorkloadCronJob               Feature = "workload-cronjob"
	ReplicasAbsent                Feature = "replicas-absent"
	ReplicasZero                  Feature = "replicas-zero"
	ReplicasOne                   Feature = "replicas-one"
	ReplicasMany                  Feature = "replicas-many"
	TemplateAbsent                Feature = "template-absent"
	TemplateNamespace             Feature = "template-namespace"
	TemplateHostNetwork           Feature = "template-host-network"
	DaemonSetHostNetwork          Feature = "daemonset-host-network"
	WorkloadOwnsPods              Feature = "workload-owns-pods"
	WorkloadOwned                 Feature = "workload-owned"
	OrdinalsStart                 Feature = "ordinals-start"
	JobManualSelector             Feature = "job-manual-selector"
	JobIndexed                    Feature = "job-indexed"
	CronJobIndexed                Feature = "cronjob-indexed"
	CompletionsAbsent             Feature = "completions-absent"
	CompletionsZero               Feature = "completions-zero"
	CompletionsMany               Feature = "completions-many"
	TemplateControllerLabel       Feature = "template-controller-label"

	MonitoringLocal               Feature = "monitoring-local"
	MachineDot                    Feature = "machine-dot"
	InferenceModel                Feature = "inference-model"
	KruiseReserved                Feature = "kruise-reserved"
	TrainingTypeEmpty             Feature = "training-type-empty"
	VolcanoPlugins                Feature = "volcano-plugins"
	CustomJobSet                  Feature = "custom-jobset"
	CustomRayCluster              Feature = "custom-raycluster"
	CustomRayJob                  Feature = "custom-rayjob"
	CustomRayService              Feature = "custom-rayservice"
	CustomRayCronJob              Feature = "custom-raycronjob"
	CustomPyTorchJob              Feature = "custom-pytorchjob"
	CustomTFJob                   Feature = "custom-tfjob"
	CustomXGBoostJob              Feature = "custom-xgboostjob"
	CustomPaddleJob               Feature = "custom-paddlejob"
	CustomJAXJob                  Feature = "custom-jaxjob"
	CustomMPIJobV1                Feature = "custom-mpijob-v1"
	CustomMPIJobV2                Feature = "custom-mpijob-v2beta1"
	CustomTrainJob                Feature = "custom-trainjob"
	CustomLeaderWorkerSet         Feature = "custom-leaderworkerset"
	CustomVolcanoJob              Feature = "custom-volcano-job"
	CustomCountAbsent             Feature = "custom-count-absent"
	CustomCountZero               Feature = "custom-count-zero"
	CustomCountOne                Feature = "custom-count-one"
	CustomCountMany               Feature = "custom-count-many"
	CustomAutoscaled              Feature = "custom-autoscaled"
	CustomFinished                Feature = "custom-finished"
	CustomNotFinished             Feature = "custom-not-finished"
	CustomOwned                   Feature = "custom-owned"
	CustomOwnsWorkload            Feature = "custom-owns-workload"
	CustomOwnsPods                Feature = "custom-owns-pods"
	CustomGenerateName            Feature = "custom-generate-name"
	CustomTemplateAbsent          Feature = "custom-template-absent"
	CustomTemplateControllerLabel Feature = "custom-template-controller-label"
	JobSetIndexed                 Feature = "jobset-indexed"
	JobSetNonIndexed              Feature = "jobset-non-indexed"
	JobSetGroup                   Feature = "jobset-group"
	JobSetRestarted               Feature = "jobset-restarted"
	RayGroupLabels                Feature = "ray-group-labels"
	RayFaultTolerance             Feature = "ray-fault-tolerance"
	RayMinReplicas                Feature = "ray-min-replicas"
	RayHosts                      Feature = "ray-hosts"
	RayClusterSelector            Feature = "ray-cluster-selector"
	RaySubmissionMode             Feature = "ray-submission-mode"
	RaySubmitterTemplate          Feature = "ray-submitter-template"
	RayHeadNotServing             Feature = "ray-head-not-serving"
	TrainingElasticFixed          Feature = "training-elastic-fixed"
	TrainingTypeAbsent            Feature = "training-type-absent"
	MPILauncherWorks              Feature = "mpi-launcher-works"
	LeaderTemplate                Feature = "leader-template"
	VolcanoQueue                  Feature = "volcano-queue"
	VolcanoOwnLabels              Feature = "volcano-own-labels"
	SelectorCustom                Feature = "selector-custom"
	SelectorCustomOpaque          Feature = "selector-custom-opaque"

	CustomInferenceService                 Feature = "custom-inference-service"
	CustomLLMInferenceService              Feature = "custom-llm-inference-service"
	CustomKnativeService                   Feature = "custom-knative-service"
	CustomKnativeConfiguration             Feature = "custom-knative-configuration"
	CustomSparkApplication                 Feature = "custom-spark-application"
	CustomScheduledSparkApplication        Feature = "custom-scheduled-spark-application"
	CustomWorkflow                         Feature = "custom-workflow"
	CustomCronWorkflow                     Feature = "custom-cron-workflow"
	CustomRollout                          Feature = "custom-rollout"
	CustomVirtualMachine                   Feature = "custom-virtual-machine"
	CustomVirtualMachineInstance           Feature = "custom-virtual-machine-instance"
	CustomVirtualMachineInstanceReplicaSet Feature = "custom-virtual-machine-instance-replica-set"
	CustomVirtualMachinePool               Feature = "custom-virtual-machine-pool"
	CustomPrometheus                       Feature = "custom-prometheus"
	PrometheusShards                       Feature = "prometheus-shards"
	PrometheusThanos                       Feature = "prometheus-thanos"
	CustomPrometheusAgent                  Feature = "custom-prometheus-agent"
	PrometheusDaemonSet                    Feature = "prometheus-daemon-set"
	CustomAlertmanager                     Feature = "custom-alertmanager"
	CustomThanosRuler                      Feature = "custom-thanos-ruler"
	CustomCloneSet                         Feature = "custom-clone-set"
	CustomKruiseStatefulSet                Feature = "custom-kruise-stateful-set"
	CustomKruiseDaemonSet                  Feature = "custom-kruise-daemon-set"
	CustomNotebook                         Feature = "custom-notebook"
	NotebookStopped                        Feature = "notebook-stopped"
	CustomSandbox                          Feature = "custom-sandbox"
	InferenceModeAbsent                    Feature = "inference-mode-absent"
	InferenceModelMesh                     Feature = "inference-model-mesh"
	InferenceKnative                       Feature = "inference-knative"
	InferenceModeOfStatus                  Feature = "inference-mode-of-status"
	InferenceLabels                        Feature = "inference-labels"
	InferenceAgent                         Feature = "inference-agent"
	InferenceWorkers                       Feature = "inference-workers"
	LLMTemplateAbsent                      Feature = "llm-template-absent"
	LLMWorkers                             Feature = "llm-workers"
	LLMPipeline                            Feature = "llm-pipeline"
	LLMLabels                              Feature = "llm-labels"
	LLMPrefill                             Feature = "llm-prefill"
	LLMScheduler                           Feature = "llm-scheduler"
	LLMPool                                Feature = "llm-pool"
	LLMQueue                               Feature = "llm-queue"
	KnativeRevisionNamed                   Feature = "knative-revision-named"
	KnativeChain                           Feature = "knative-chain"
	SparkTemplateAbsent                    Feature = "spark-template-absent"
	SparkSidecars                          Feature = "spark-sidecars"
	SparkHostNetwork                       Feature = "spark-host-network"
	SparkLabels                            Feature = "spark-labels"
	SparkMonitoring                        Feature = "spark-monitoring"
	WorkflowContainerSet                   Feature = "workflow-container-set"
	WorkflowNoPods                         Feature = "workflow-no-pods"
	WorkflowAgent                          Feature = "workflow-agent"
	WorkflowSidecars                       Feature = "workflow-sidecars"
	WorkflowLabels                         Feature = "workflow-labels"
	WorkflowHostNetwork                    Feature = "workflow-host-network"
	RolloutWorkloadRef                     Feature = "rollout-workload-ref"
	RolloutCanary                          Feature = "rollout-canary"
	RolloutBlueGreen                       Feature = "rollout-blue-green"
	MachineHalted                          Feature = "machine-halted"
	MachineSidecar                         Feature = "machine-sidecar"
	MachineHostname                        Feature = "machine-hostname"
	MonitoringPortName                     Feature = "monitoring-port-name"
	MonitoringContainers                   Feature = "monitoring-containers"
	MonitoringLabels                       Feature = "monitoring-labels"
	MonitoringHostNetwork                  Feature = "monitoring-host-network"

	UnmanagedNamespace         Feature = "unmanaged-namespace"
	UnmanagedPods              Feature = "unmanaged-pods"
	UnmanagedByNamespaceLabels Feature = "unmanaged-by-namespace-labels"
	UnmanagedEverywhere        Feature = "unmanaged-everywhere"
	UnmanagedPortsUnknown      Feature = "unmanaged-ports-unknown" // pods of known address share the names of pods of unknown ports (R69, Cilium)
	UnmanagedSeveral           Feature = "unmanaged-several"

	PoliciesNone             Feature = "policies-none"
	PoliciesSeveralTogether  Feature = "policies-several-in-one-namespace"
	PolicyWithoutSubjects    Feature = "policy-without-subjects" // its namespace has no pods
	TypesAbsent              Feature = "types-absent"
	TypesEmpty               Feature = "types-empty"
	TypesNull                Feature = "types-null"
	TypesIngress             Feature = "types-ingress"
	TypesEgress              Feature = "types-egress"
	TypesBoth                Feature = "types-both"
	TypesDuplicate           Feature = "types-duplicate"
	RulesOfUnlistedDirection Feature = "rules-of-unlisted-direction"
	EgressRulesWithoutTypes  Feature = "egress-rules-without-types"
	EgressEmptyWithoutTypes  Feature = "egress-empty-without-types" // policyTypes absent, egress: []
	RulesAbsent              Feature = "rules-absent"
	RulesNull                Feature = "rules-null"
	RulesEmpty               Feature = "rules-empty"
	RuleEmpty                Feature = "rule-empty"
	RuleDuplicate            Feature = "rule-duplicate"
	PeersAbsent              Feature = "peers-absent"
	PeersNull                Feature = "peers-null"
	PeersEmpty               Feature = "peers-empty"
	PortsAbsent              Feature = "ports-absent"
	PortsNull                Feature = "ports-null"
	PortsEmpty               Feature = "ports-empty"
	SubjectsEmpty            Feature = "subjects-empty"
	SubjectsAbsent           Feature = "subjects-absent"
	SubjectsNull             Feature = "subjects-null"
	SubjectsSelected         Feature = "subjects-selected"

	PeerPods              Feature = "peer-pods"
	PeerNamespaces        Feature = "peer-namespaces"
	PeerPodsAndNamespaces Feature = "peer-pods-and-namespaces"
	PeerBlock             Feature = "peer-block"
	PeerDuplicate         Feature = "peer-duplicate"
	PeerFieldNull         Feature = "peer-field-null"

	SelectorEmpty                 Feature = "selector-empty"
	SelectorMapNull               Feature = "selector-map-null"
	SelectorMapEmpty              Feature = "selector-map-empty"
	SelectorListNull              Feature = "selector-list-null"
	SelectorListEmpty             Feature = "selector-list-empty"
	SelectorLabels                Feature = "selector-labels"
	SelectorIn                    Feature = "selector-in"
	SelectorNotIn                 Feature = "selector-notin"
	SelectorExists                Feature = "selector-exists"
	SelectorDoesNotExist          Feature = "selector-doesnotexist"
	SelectorEmptyValue            Feature = "selector-empty-value"
	SelectorAbsentKey             Feature = "selector-absent-key"
	SelectorKeyTwice              Feature = "selector-key-twice"
	SelectorContradiction         Feature = "selector-contradiction"
	SelectorPodName               Feature = "selector-pod-name"
	SelectorPodIndex              Feature = "selector-pod-index"
	SelectorRevisionHash          Feature = "selector-revision-hash"
	SelectorTemplateGeneration    Feature = "selector-template-generation"
	SelectorTemplateHash          Feature = "selector-template-hash"
	SelectorJobName               Feature = "selector-job-name"
	SelectorJobNameLegacy         Feature = "selector-job-name-legacy"
	SelectorControllerUID         Feature = "selector-controller-uid"
	SelectorControllerUIDLegacy   Feature = "selector-controller-uid-legacy"
	SelectorCompletionIndex       Feature = "selector-completion-index"
	SelectorControllerMismatch    Feature = "selector-controller-mismatch"
	SelectorControllerOfTemplate  Feature = "selector-controller-of-template"
	NamespaceSelectorIn           Feature = "namespace-selector-in"
	NamespaceSelectorNotIn        Feature = "namespace-selector-notin"
	NamespaceSelectorExists       Feature = "namespace-selector-exists"
	NamespaceSelectorDoesNotExist Feature = "namespace-selector-doesnotexist"
	NamespaceSelectorName         Feature = "namespace-selector-name"

	EntryEmpty          Feature = "entry-empty"
	EntryProtocolAbsent Feature = "entry-protocol-absent"
	EntryProtocolNull   Feature = "entry-protocol-null"
	EntryTCP            Feature = "entry-tcp"
	EntryUDP            Feature = "entry-udp"
	EntrySCTP           Feature = "entry-sctp"
	EntryPortAbsent     Feature = "entry-port-absent"
	EntryPortNull       Feature = "entry-port-null"
	EntryNumber         Feature = "entry-number"
	EntryRange          Feature = "entry-range"
	EntryRangeOfOne     Feature = "entry-range-of-one"
	EntryRangeAll       Feature = "entry-range-all"
	EntryName           Feature = "entry-name"
	EntryNameUnresolved Feature = "entry-name-unresolved"
	EntryDuplicate      Feature = "entry-duplicate"
	EntryEndPortNull    Feature = "entry-end-port-null"

	Block0                      Feature = "block-0"
	Block1                      Feature = "block-1"
	Block32                     Feature = "block-32"
	Block6                      Feature = "block-ipv6"
	Block6All                   Feature = "block-ipv6-0"
	Block128                    Feature = "block-128"
	BlockHalves                 Feature = "block-halves"
	BlockPrivatePieces          Feature = "block-private-pieces"
	BlockMetadata               Feature = "block-metadata"
	BlockCutsPods               Feature = "block-cuts-pods"
	BlockCutsNodes              Feature = "block-cuts-nodes"
	BlockCutsPodCIDR            Feature = "block-cuts-pod-cidr"
	BlockExcept                 Feature = "block-except"
	BlockExceptNested           Feature = "block-except-nested"
	BlockExceptOverlapping      Feature = "block-except-overlapping" // with a second, wider or equal one
	BlockExceptCovering         Feature = "block-except-covering"
	BlockExceptTwice            Feature = "block-except-twice"
	BlockExceptNull             Feature = "block-except-null"
	BlockExceptEmpty            Feature = "block-except-empty"
	BlockExceptElsewhereAllowed Feature = "block-except-elsewhere-allowed"
	BlockHostBits               Feature = "block-host-bits"
	BlockLeadingZeros           Feature = "block-leading-zeros"
	BlockMapped                 Feature = "block-mapped"
	BlockMappedShort            Feature = "block-mapped-short" // ::ffff:0:0/p with p < 96 is plain IPv6
	BlockLetters                Feature = "block-letters"
	ExceptSloppy                Feature = "except-sloppy"
	ExceptMapped                Feature = "except-mapped"
	ExceptMappedEqual           Feature = "except-mapped-equal" // to the block, which is accepted only in this form

	BadName               Feature = "bad-name"
	BadProtocolCase       Feature = "bad-protocol-case"
	BadProtocolOther      Feature = "bad-protocol-other"
	BadProtocolEmpty      Feature = "bad-protocol-empty"
	BadPortZero           Feature = "bad-port-zero"
	BadPortHigh           Feature = "bad-port-high"
	BadPortNegative       Feature = "bad-port-negative"
	BadPortNameDigits     Feature = "bad-port-name-digits"
	BadPortNameLong       Feature = "bad-port-name-long"
	BadPortNameUpper      Feature = "bad-port-name-upper"
	BadPortNameUnderscore Feature = "bad-port-name-underscore"
	BadPortNameHyphens    Feature = "bad-port-name-hyphens"
	BadPortNameEdge       Feature = "bad-port-name-edge"
	BadPortNameEmpty      Feature = "bad-port-name-empty"
	BadEndPortAlone       Feature = "bad-end-port-alone"
	BadEndPortNamed       Feature = "bad-end-port-named"
	BadEndPortLow         Feature = "bad-end-port-low"
	BadEndPortHigh        Feature = "bad-end-port-high"
	BadPeerEmpty          Feature = "bad-peer-empty"
	BadPeerMixed          Feature = "bad-peer-mixed"
	BadCIDRMissing        Feature = "bad-cidr-missing"
	BadCIDRBare           Feature = "bad-cidr-bare"
	BadCIDRText           Feature = "bad-cidr-text"
	BadCIDRLength         Feature = "bad-cidr-length"
	BadExceptEqual        Feature = "bad-except-equal"
	BadExceptWider        Feature = "bad-except-wider"
	BadExceptElsewhere    Feature = "bad-except-elsewhere"
	BadExceptFamily       Feature = "bad-except-family"
	BadExceptMapped       Feature = "bad-except-mapped" // IPv4 inside an IPv4-mapped block
	BadExceptText         Feature = "bad-except-text"
	BadSelectorNoValues   Feature = "bad-selector-no-values"
	BadSelectorValues     Feature = "bad-selector-values"
	BadSelectorOperator   Feature = "bad-selector-operator"
	BadSelectorKey        Feature = "bad-selector-key"
	BadSelectorValue      Feature = "bad-selector-value"
	BadSelectorOfSubjects Feature = "bad-selector-of-subjects"
	BadTypesThree         Feature = "bad-types-three"
	BadTypesUnknown       Feature = "bad-types-unknown"
	BadTypesCase          Feature = "bad-types-case"
)
