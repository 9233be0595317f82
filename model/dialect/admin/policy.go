package admin

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect/meta"
)

// Policy is a policy of either version. It shares memory with the object that
// it was read from and does not change it.
type Policy struct {
	object   model.ObjectRef
	metadata *metav1.ObjectMeta
	words    *words
	tier     string // "Admin", "Baseline"
	priority int32
	subject  subject
	ingress  []rule
	egress   []rule
}

// words are the differences between the kinds that matter.
type words struct {
	allow       string   // the word for it (R91)
	actions     []string // all of them
	ports       string   // the field of a rule
	rules, most int      // how many rules a direction has at most, and how many peers and ports a rule (R104)
	prioritised bool     // it says its priority
	tiered      bool     // it says its tier
	onlyName    string   // the one name that it may have (R106), or ""
}

// subject is who a policy is about: one of the two (R96).
type subject struct {
	namespaces *metav1.LabelSelector
	pods       *pods
}

// pods are pods by the labels of their namespace and their own.
type pods struct{ namespaces, pods *metav1.LabelSelector }

type rule struct {
	name, action string
	peers        []peer
	ported       bool // ports are given
	ports        []port
}

// peer is an element of from or to: one of these (R97).
type peer struct {
	namespaces *metav1.LabelSelector
	pods       *pods
	nodes      *metav1.LabelSelector
	networks   []v1alpha2.CIDR
	domains    []v1alpha2.DomainName
}

// port is an element of ports or protocols.
type port struct {
	forms    int // how many of the forms are given
	path     []any
	protocol string
	numbered bool  // it is the one port first
	ranged   bool  // it is first to last
	bare     bool  // a protocol without any port, which v1alpha2 refuses
	double   bool  // both number and range
	first    int32 // of a range
	last     int32
	name     *string // of container ports of any protocol (R101)
	strict   bool    // the API refuses an empty range and unknown protocols
}

// Read returns what one of the three API types says, and false for any other
// value. It costs O(1) per rule.
func Read(object any) (*Policy, bool) {
	switch o := object.(type) {
	case *v1alpha1.AdminNetworkPolicy:
		return readAdmin(o), true
	case *v1alpha1.BaselineAdminNetworkPolicy:
		return readBaseline(o), true
	case *v1alpha2.ClusterNetworkPolicy:
		return readCluster(o), true
	}
	return nil, false
}

// Version is the API version, without the group, that a kind is of, or "".
func Version(kind string) string {
	switch kind {
	case kindAdmin, kindBaseline:
		return "v1alpha1"
	case kindCluster:
		return "v1alpha2"
	}
	return ""
}

// Subject returns the pods that a policy selects, and whether that can be told
// at all. It serves to say what a policy that is not in force would have
// selected (R115).
func (p *Policy) Subject() (model.PodSet, bool) { return p.subject.podSet() }

// Subject returns the pods that the subject of a policy selects, and whether
// that can be told at all. The two versions agree in it but for what may be
// left out.
func Subject(s *v1alpha2.ClusterNetworkPolicySubject) (model.PodSet, bool) {
	return subject{s.Namespaces, clusterPods(s.Pods)}.podSet()
}

func (s subject) podSet() (model.PodSet, bool) {
	if (s.namespaces == nil) == (s.pods == nil) {
		return model.PodSet{}, false
	}
	if s.pods != nil {
		return s.pods.podSet()
	}
	return namespaceSet(s.namespaces)
}

func (p *pods) podSet() (model.PodSet, bool) {
	if broken(p.namespaces) != nil || broken(p.pods) != nil {
		return model.PodSet{}, false
	}
	return model.PodSet{Namespaces: meta.Selector(p.namespaces), Pods: meta.Selector(p.pods)}, true
}

func namespaceSet(s *metav1.LabelSelector) (model.PodSet, bool) {
	if broken(s) != nil {
		return model.PodSet{}, false
	}
	return model.PodSet{Namespaces: meta.Selector(s)}, true
}

// broken is why a selector cannot be understood, or nil. The custom resource
// definitions do not look into selectors (R102).
func broken(s *metav1.LabelSelector) error {
	_, err := metav1.LabelSelectorAsSelector(s)
	return err
}
