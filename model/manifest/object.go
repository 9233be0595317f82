package manifest

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/manifest/custom"
)

// Object is one Kubernetes object with the place where it was read. Lists are
// flattened: an Object is never a List.
type Object struct {
	Kind       string
	APIVersion string
	Namespace  string       // as written; "" when absent
	Name       string       // with only a generateName: that and "*"
	Origin     model.Origin // Path is "" or, for a member of a list, "items[3]"; File names a live object itself
	Live       bool         // a live cluster has it: its API server has accepted it
	Stored     *Stored      // what an API server that has stored it says of its origin; nil for a plain manifest, and for kinds that are ignored

	// UnknownFields are the fields of the peers of an admin policy that have none
	// which is known (R103), by the peer: "spec.ingress[0].from[1]". It is nil
	// where there are none, and must not be changed.
	UnknownFields map[string][]string

	// Value is what the analysis needs of the object:
	//
	//   - *Pod, *Namespace, *Node, *Workload, *ServiceCIDR, and
	//     *networkingv1.NetworkPolicy, for the API versions that clusters serve;
	//   - *v1alpha1.AdminNetworkPolicy, *v1alpha1.BaselineAdminNetworkPolicy and
	//     *v1alpha2.ClusterNetworkPolicy of policy.networking.k8s.io;
	//   - *Unlisted, for a kind of nobody's table whose objects hold pod templates (R66);
	//   - *Rejected, when the API server would refuse the object (R115);
	//   - *Broken, when the document could not be parsed;
	//   - nil for every other kind.
	Value any
}

// Ref names the object, with the namespace as written. Admin policies are in
// none, whatever they write.
func (o Object) Ref() model.ObjectRef {
	if strings.HasPrefix(o.APIVersion, "policy.networking.k8s.io/") {
		o.Namespace = ""
	}
	return model.ObjectRef{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Stored is the mark of an object that an API server has stored: it has a
// metadata.uid or resourceVersion, or the annotation of kubectl apply. It holds what kubectl apply has set of the
// fields that planned changes ask for (R139), by its annotation
// kubectl.kubernetes.io/last-applied-configuration. It must not be changed.
type Stored struct {
	Labels      []string // the keys of metadata.labels
	PolicyTypes bool     // spec.policyTypes of a NetworkPolicy
}

// Broken is a document that could not be parsed, or a path, or the rest of a
// file, that could not be read. An error was reported. If it may hold a policy,
// the subjects of its namespace are uncertain (R115).
type Broken struct {
	Kind      string // "" when it cannot be read without doubt
	Namespace string // "" when it cannot be read without doubt
	Policy    bool   // it may hold a policy: Kind is a policy or a list, or is not known
	Unread    bool   // all objects of the kind that a live cluster has, or the rest of them (PR1014); no error was reported
	Doubtful  bool   // nobody knows whether these have a part in the answer; nothing was reported
}

// Rejected is an object that the API server would refuse: an unknown field in
// a policy, a value of the wrong type, a key given twice, no name. An error
// was reported. It is answered as absent (R115).
type Rejected struct {
	// Subjects is the podSelector of a rejected NetworkPolicy, so that the
	// pods it would have selected can be told. nil when it could not be read.
	Subjects *metav1.LabelSelector
	// Subject is that of a rejected admin policy, of either version. nil when
	// it could not be read.
	Subject *v1alpha2.ClusterNetworkPolicySubject
}

// Pod is what the analysis needs of a v1 Pod.
type Pod struct {
	Labels            map[string]string
	OwnerReferences   []OwnerReference
	DeletionTimestamp bool // it is set
	Spec              PodSpec
	Status            PodStatus
}

// OwnerReference is an entry of metadata.ownerReferences.
type OwnerReference struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Controller bool   `json:"controller"`
}

// PodSpec is the part of a pod's or template's spec that decides connections.
type PodSpec struct {
	HostNetwork        bool        `json:"hostNetwork"`
	NodeName           string      `json:"nodeName"`
	ServiceAccountName string      `json:"serviceAccountName"` // or the deprecated serviceAccount
	Containers         []Container `json:"containers"`
	InitContainers     []Container `json:"initContainers"`

	DeprecatedServiceAccount string `json:"serviceAccount"`
}

// Container is a container with its declared ports.
type Container struct {
	Name          string          `json:"name"`
	RestartPolicy string          `json:"restartPolicy"` // "Always" makes an init container a sidecar (R34)
	Ports         []ContainerPort `json:"ports"`
}

// ContainerPort is a declared port. Protocol "" means TCP.
type ContainerPort struct {
	Name          string `json:"name"`
	ContainerPort int32  `json:"containerPort"`
	Protocol      string `json:"protocol"`
}

// PodStatus is what a live pod says about itself.
type PodStatus struct {
	Phase   string `json:"phase"`
	PodIP   string `json:"podIP"`
	PodIPs  []IP   `json:"podIPs"`
	HostIP  string `json:"hostIP"`
	HostIPs []IP   `json:"hostIPs"`
}

// IP is an entry of podIPs or hostIPs.
type IP struct {
	IP string `json:"ip"`
}

// Namespace is what the analysis needs of a v1 Namespace.
type Namespace struct {
	Labels map[string]string
}

// Node is what the analysis needs of a v1 Node.
type Node struct {
	Labels map[string]string
	Spec   NodeSpec
	Status NodeStatus
}

// NodeSpec holds a node's pod ranges.
type NodeSpec struct {
	PodCIDR  string   `json:"podCIDR"`
	PodCIDRs []string `json:"podCIDRs"`
}

// NodeStatus holds a node's addresses.
type NodeStatus struct {
	Addresses []NodeAddress `json:"addresses"`
}

// NodeAddress is an entry of a node's status.addresses; Address may be a host name.
type NodeAddress struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

// Workload is an object with a pod template (R63): apps/v1 Deployment,
// ReplicaSet, StatefulSet and DaemonSet, v1 ReplicationController, batch/v1
// Job and CronJob; and objects of the kinds in the table of custom resources
// (R66), of which only Kind, OwnerReferences, Finished and Custom are set.
type Workload struct {
	Kind            string // as paths name it: "deployment", "job.batch.volcano.sh" (KindName)
	Replicas        *int32 // spec.replicas; Job: spec.parallelism; nil when absent and for DaemonSet and CronJob
	OwnerReferences []OwnerReference
	Template        *PodTemplate // nil when there is none, as a ReplicationController may have it

	Selector *metav1.LabelSelector // of apps/v1: which pods are the workload's; nil when absent or of the wrong type

	FirstOrdinal   int32  // StatefulSet: spec.ordinals.start
	Indexed        bool   // Job, CronJob: the Job's spec.completionMode is Indexed
	Completions    *int32 // Job, CronJob: the Job's spec.completions; nil when absent
	ManualSelector bool   // Job, CronJob: the Job's spec.manualSelector; its pods get no names of it as labels
	Finished       bool   // Job, Custom: its status says that it has ended; no pods of it will come (R67)

	Custom *Custom // nil for built-in kinds
}

// Custom is what a custom resource says of its pods (R66). A link in a chain of
// owners has neither sets nor a reason.
type Custom struct {
	Row     *custom.Row
	Sets    []PodSet
	Absent  bool   // no pods were found where the row of a configuration looks for them
	Unknown string // why pods beside Sets, or all of them, cannot be known; "" when there are no others
}

// PodSet is pods of a custom resource that one template stands for.
type PodSet struct {
	Name             custom.Text // of each pod; may hold custom.GeneratedName
	Groups, Replicas int         // that many groups of so many pods each; custom.Many when that is not known
	From             int         // the number of the first pod of a group

	Template   PodTemplate    // Labels are those of the first pod, those that the controller adds included
	Numbered   []custom.Label // the labels that hold the numbers of the pod
	Added      []string       // keys of labels that the pods have from the controller alone
	Uncertain  []string       // keys of labels that the pods may have or not; or with a value of which only the beginning is known; Template has a model.UncertainKey for each
	Incomplete string         // why not all containers, and so not all named ports, are known; "" when they are
}

// Unlisted is an object of a kind that the table lacks and that nevertheless
// holds a pod template: some controller makes pods of it.
type Unlisted struct{}

// PodTemplate is a workload's pod template; its own namespace means nothing (R63).
type PodTemplate struct {
	Labels map[string]string
	Spec   PodSpec
}

// ServiceCIDR is what the analysis needs of a networking.k8s.io ServiceCIDR.
type ServiceCIDR struct {
	CIDRs []string `json:"cidrs"`
}
