package model

import "net/netip"

// Workload names the top controller of a pod. A stand-alone pod has Kind "pod"
// and its own name.
type Workload struct {
	Kind string // lower case: "deployment", "job", "pod"
	Name string
}

// ContainerPort is a named container port that policies can refer to. Which
// containers count, and what happens to duplicate names, was decided when the
// pod was read (R34, R35); all entries of a name and protocol match.
type ContainerPort struct {
	NamedPort
	Port uint16
}

// Pod is a pod, or an instance that a workload template stands for.
type Pod struct {
	Namespace string
	Name      string // unique in its namespace; a template's instances are "name[0]", "name[1]", or "name" when there is one (R64, R65)
	Workload  Workload
	Labels    map[string]string // of a template's instances also what controllers add; see OpaqueValue (R65)
	Ports     []ContainerPort
	// PortsUnknown is set when the containers are not in the input, or not all
	// of them: a port name that Ports does not give may stand for any port, or
	// for none (R66).
	PortsUnknown bool
	Addresses    [NumFamilies]Address

	// HostNetwork pods share their node's addresses. Policies do not apply to
	// them and pod selectors of rules do not match them (R55, R56).
	HostNetwork bool
	NodeName    string // "" when not known; need not be in Snapshot.Nodes
	EveryNode   bool   // an instance of a DaemonSet that stands for the one on whichever node the other end is (R57)

	// Dormant is set for the one instance that stands for a workload with zero
	// replicas. It is no endpoint (R64): no selector of a question, no listing
	// and no count holds it. Only a path that names the workload finds it, to
	// answer for the pods that it would have.
	Dormant bool

	Template       bool   // stands for a pod of a workload template; there is no such Pod object
	ServiceAccount string // "default" when the pod names none (R68)
	Origin         Origin
}

// Path is "NS/KIND/NAME": the pod as endpoint expressions and outputs name it.
// A pod of a workload template has the workload's kind.
func (p *Pod) Path() string {
	if p.Template {
		return p.Namespace + "/" + p.Workload.Kind + "/" + p.Name
	}
	return p.Namespace + "/pod/" + p.Name
}

// Hole reports whether this is no pod but the place of one that is gone: a Pod
// that is Dormant and has no name (M8).
func (p *Pod) Hole() bool { return p.Dormant && p.Name == "" }

// Node is a cluster node: its host network namespace.
type Node struct {
	Name      string
	Labels    map[string]string
	Addresses []netip.Addr // of both families (R58)
	// Synthesized is set when there is no Node object: pods say that they are
	// on this node, and Addresses are the host addresses that they give.
	Synthesized bool
	Origin      Origin
}

// Namespace is a namespace with the labels that namespace selectors see,
// kubernetes.io/metadata.name included (R24).
type Namespace struct {
	Name   string
	Labels map[string]string
	// Synthesized is set when there is no Namespace object and the labels are
	// therefore only kubernetes.io/metadata.name (R25).
	Synthesized bool
	Origin      Origin
}
