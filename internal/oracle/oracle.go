// Package oracle is the reference interpreter of network policies: it reads
// Kubernetes API objects and decides one connection at a time, rule by rule of
// docs/SEMANTICS.md. It is literal and slow on purpose. It shares no code with
// the lowering, the cluster state and the engine, so that what they get wrong
// it does not get wrong in the same way.
//
// Facts that the objects do not say (the address of a pod, whether it has an
// IPv6 address, the node it is on, which of its addresses a node uses) are
// enumerated: in every possible world the connection is decided for definite
// facts (networkpolicy.go), and the verdict is what all worlds agree on (R6).
package oracle

import (
	"fmt"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
)

// World is the input: API objects as they are written, and the configuration.
type World struct {
	Namespaces []corev1.Namespace
	Nodes      []corev1.Node
	Pods       []corev1.Pod
	Workloads  []Workload
	Custom     []Object // of kinds that Kubernetes does not have itself (R66)
	Policies   []networkingv1.NetworkPolicy
	Admin      []Object // AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy

	ServiceCIDRs     []string
	PodCIDRs         []string // besides those of the Node objects (R110)
	Families         []string // "IPv4", "IPv6"; none: by evidence (R47)
	Profile          string   // "", "spec", "cilium", "calico"
	DefaultNamespace string   // "" is "default" (R7)
	Unmanaged        []string // selectors of pods: "NS:", "NS:SELECTOR", "{NSSELECTOR}:SELECTOR", ":SELECTOR" (R69)
}

// Workload is a built-in object with a pod template (R63).
type Workload struct {
	Kind            string // lower case: "deployment", "replicaset", "replicationcontroller", "statefulset", "daemonset", "job", "cronjob"
	Namespace, Name string
	Replicas        *int32 // replicas, or a Job's parallelism (R64)
	OwnerReferences []metav1.OwnerReference
	Template        corev1.PodTemplateSpec

	Ordinals       *appsv1.StatefulSetOrdinals // of a StatefulSet
	CompletionMode *batchv1.CompletionMode     // this and the rest: of a Job, or of a CronJob's Jobs
	Completions    *int32
	ManualSelector *bool
	JobStatus      batchv1.JobStatus // of a Job
}

// End is one end of a connection: a pod or an instance of a template
// (Namespace and Name), a node (Node), or an address (Addr).
type End struct {
	Namespace, Name string
	Node            string
	Addr            netip.Addr
}

// String is "namespace/name", "node/name" or the address.
func (e End) String() string {
	switch {
	case e.Name != "":
		return e.Namespace + "/" + e.Name
	case e.Node != "":
		return "node/" + e.Node
	}
	return e.Addr.String()
}

// Oracle answers questions about one World. It is immutable and safe for
// concurrent use.
type Oracle struct {
	profile    profile
	namespaces map[string]map[string]string // labels that namespace selectors see (R24, R25)
	endpoints  []*endpoint                  // pods, instances, nodes
	hosts      []*endpoint                  // nodes without a Node object
	byEnd      map[End]*endpoint
	holders    []*holder
	kinds      map[End]string             // of the workloads that instances are of
	nodeOf     map[End]string             // of pods, where it is known
	nodesWhole bool                       // every node that a pod names has a Node object
	byAddr     map[netip.Addr][]*endpoint // owners, those that nothing puts before one another (R62)
	uncertain  map[string]bool            // keys of labels that some pod may have or not (R66)
	policies   []policy                   // those that the API server accepts
	admin      []*adminPolicy             // the same, by tier and priority
	rejected   []model.ObjectRef
	boundaries []netip.Prefix // what separates addresses (R109)

	bothVersions bool                         // of the API of admin policies (R106)
	nodeLabels   map[string]map[string]string // of nodes that have a Node object
}

// New reads a world. The error is about the configuration; objects that the
// API server would reject are answered as absent (R115, see Rejected). Of
// objects of one kind, namespace and name the first counts (R7).
func New(w World) (*Oracle, error) {
	o := &Oracle{
		namespaces: map[string]map[string]string{},
		byEnd:      map[End]*endpoint{},
		kinds:      map[End]string{},
		uncertain:  map[string]bool{},
		byAddr:     map[netip.Addr][]*endpoint{},
	}
	var err error
	if o.profile, err = parseProfile(w.Profile); err != nil {
		return nil, err
	}
	if w.DefaultNamespace == "" {
		w.DefaultNamespace = "default"
	}
	o.readNodes(w)
	domains, err := o.readDomains(w)
	if err != nil {
		return nil, err
	}
	o.readPolicies(w)
	if err := o.readAdmin(w); err != nil {
		return nil, err
	}
	if err := o.readPods(w); err != nil {
		return nil, err
	}
	o.readNamespaces(w)
	if err := o.readUnmanaged(w); err != nil {
		return nil, err
	}
	o.locate(domains)
	return o, nil
}

// Ends returns the pods and instances that are endpoints, then the nodes, in
// input order.
func (o *Oracle) Ends() []End {
	out := make([]End, len(o.endpoints))
	for i, e := range o.endpoints {
		out[i] = e.end
	}
	return out
}

// Path is "NS/KIND/NAME" of a pod, with the kind of its workload for an
// instance of a template; "node/NAME" or the address of another end.
func (o *Oracle) Path(e End) string {
	switch kind := o.kinds[e]; {
	case e.Name == "":
		return e.String()
	case kind != "":
		return e.Namespace + "/" + kind + "/" + e.Name
	}
	return e.Namespace + "/pod/" + e.Name
}

// Rejected returns the policies that the API server would reject (R116, R104),
// in input order, NetworkPolicies first.
func (o *Oracle) Rejected() []model.ObjectRef { return o.rejected }

// Conflicting returns the admin policies that are accepted and not defined
// together (R106).
func (o *Oracle) Conflicting() []model.ObjectRef {
	var out []model.ObjectRef
	for _, p := range o.admin {
		if o.bothVersions {
			out = append(out, model.ObjectRef{Kind: p.kind, Name: p.name})
		}
	}
	return out
}

// Verdict decides whether a connection from src to dst is possible. The family
// AnyFamily asks for the union of both (R46). An end that the world does not
// hold is a mistake of the caller and panics.
func (o *Oracle) Verdict(src, dst End, p model.Protocol, port uint16, f model.Family) model.Verdict {
	if port == 0 || p >= model.NumProtocols { // not in U (R1)
		return model.Denied
	}
	lower, upper := o.bounds(o.endpoint(src), o.endpoint(dst), connection{protocol: p, port: port}, f)
	switch {
	case lower == model.OtherYes:
		return model.Allowed
	case upper == model.OtherNo:
		return model.Denied
	}
	return model.Unknown
}

// Other decides the protocols outside TCP, UDP and SCTP in the same way (R84).
// When not all worlds agree it is unspecified.
func (o *Oracle) Other(src, dst End) model.Other {
	lower, upper := o.bounds(o.endpoint(src), o.endpoint(dst), connection{other: true}, model.AnyFamily)
	if lower == upper {
		return lower
	}
	return model.OtherUnspecified
}

// connection is what R108 calls a tuple: a destination port, or "the protocols
// outside U".
type connection struct {
	protocol model.Protocol
	port     uint16
	other    bool
	// A world: what is assumed of what is not known.
	hope  bool            // of what may be the best is: uncertain labels (R66), nodes (R99), domain names (R100), ties (R105)
	named map[string]bool // names that the port has if not all names are known (R66)
}

// bounds evaluates the connection in every possible world and returns the
// least and the most that it comes to. Answers are OtherNo < OtherUnspecified
// < OtherYes (R1); for ports only OtherNo and OtherYes occur.
//
// A world is: which names the ports of dst have, and what becomes of uncertain
// labels, nodes, ties and domain names, of which the worst and the best are
// enough; whether src is the host network of dst's own node, the address
// that src uses and the addresses that dst has, in each family. The worlds of
// the two families are independent of each other once the node is settled, so
// the least union over families is the union of the least of each.
func (o *Oracle) bounds(src, dst *endpoint, c connection, f model.Family) (lower, upper model.Other) {
	if src.end == dst.end && src.kind == pod { // R50: over its own address or loopback
		return model.OtherYes, model.OtherYes
	}
	lower, upper = model.OtherYes, model.OtherNo
	for _, c.named = range o.nameWorlds(dst) {
		for _, c.hope = range []bool{false, true} {
			least, most := o.places(src, dst, c, f)
			lower, upper = min(lower, least), max(upper, most)
			if len(o.uncertain)+len(o.admin) == 0 { // nothing to hope for
				break
			}
		}
	}
	return lower, upper
}

// places is bounds for the worlds that differ in places and addresses alone.
func (o *Oracle) places(src, dst *endpoint, c connection, f model.Family) (lower, upper model.Other) {
	lower, upper = model.OtherYes, model.OtherNo
	for _, own := range ownNode(src, dst) {
		leastOfNode, mostOfNode := model.OtherNo, model.OtherNo
		for _, family := range familiesOf(f) {
			// The source's address matters to ingress alone and the
			// destination's to egress alone, so each is asked once.
			var egress, ingress []model.Other
			for _, addrs := range dst.addresses[family].asDestination() {
				answer := model.OtherNo // no address: not defined in this family (R46)
				for _, a := range addrs {
					answer = max(answer, o.verdict(networkingv1.PolicyTypeEgress, src, peer{dst, a}, false, c, dst))
				}
				egress = append(egress, answer)
			}
			for _, a := range src.addresses[family].asSource() {
				answer := model.OtherNo
				if a.IsValid() {
					answer = o.verdict(networkingv1.PolicyTypeIngress, dst, peer{src, a}, own, c, dst)
				}
				ingress = append(ingress, answer)
			}
			least, most := model.OtherYes, model.OtherNo
			for _, e := range egress {
				for _, i := range ingress {
					answer := min(e, i) // R3
					least, most = min(least, answer), max(most, answer)
				}
			}
			leastOfNode, mostOfNode = max(leastOfNode, least), max(mostOfNode, most)
		}
		lower, upper = min(lower, leastOfNode), max(upper, mostOfNode)
	}
	return lower, upper
}

func familiesOf(f model.Family) []model.Family {
	if f == model.AnyFamily {
		return []model.Family{model.IPv4, model.IPv6}
	}
	return []model.Family{f}
}

// endpoint returns what an End means. An address means its owner (R47), of
// several the first, over this address alone.
func (o *Oracle) endpoint(e End) *endpoint {
	if e.Name == "" && e.Node == "" && e.Addr.IsValid() {
		addr := e.Addr.Unmap()
		if owners := o.byAddr[addr]; owners != nil {
			only := *owners[0]
			only.addresses = [model.NumFamilies]fact{}
			only.addresses[model.FamilyOf(addr)] = fact{known: []netip.Addr{addr}}
			return &only
		}
		out := &endpoint{kind: outside, end: End{Addr: addr}}
		out.addresses[model.FamilyOf(addr)] = fact{known: []netip.Addr{addr}}
		return out
	}
	if found := o.byEnd[e]; found != nil {
		return found
	}
	panic(fmt.Sprintf("oracle: no endpoint %v", e))
}
