package cluster

import (
	"fmt"
	"net/netip"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/netpol"
	"github.com/podreach/podreach/model/manifest"
)

// Options are what the input does not say. The zero value is useful.
type Options struct {
	DefaultNamespace string  // of namespaced objects that carry none (R7); "" is "default"
	Profile          Profile // "" is ProfileSpec

	PodCIDRs     []netip.Prefix // besides those of the Node objects (R110)
	ServiceCIDRs []netip.Prefix // besides those of the ServiceCIDR objects (R110)

	// Unmanaged are pods that the network plugin does not manage: no policy
	// applies to them, but selectors still match them as peers (R69).
	// UnmanagedOrigin is where the list stands, if it stands somewhere.
	Unmanaged       []model.PodSet
	UnmanagedOrigin model.Origin

	// Families are those that pods of unknown address have; nil means IPv4,
	// and IPv6 by evidence (R47).
	Families []model.Family
}

// State collects the objects of one cluster. It keeps the objects that it is
// given and shares their label maps with the snapshot; they must not be
// changed afterwards. It is not safe for concurrent use.
type State struct {
	options Options
	ledger  *dialect.Ledger
	seen    map[identity]model.Origin

	namespaces   []entry[*manifest.Namespace]
	nodes        []entry[*manifest.Node]
	pods         []entry[*manifest.Pod]
	workloads    []*workload
	workload     map[workloadKey]*workload
	serviceCIDRs []entry[*manifest.ServiceCIDR]

	custom     map[workloadKey]*workload // of custom kinds, by their lower-case kind alone; the first of a name
	podAt      map[podKey]int            // the places of pods, once somebody asks
	kindNames  map[typeKey]string        // kinds as paths name them
	references map[string]model.Origin   // namespaces that some object is in -> the first such object
	uncertain  []model.Rule              // of policies that are not modelled and of broken documents
	policies   []model.Rule              // in the order of the input
	rejected   []rejected
}

// entry is an object with what its manifest struct does not hold.
type entry[T any] struct {
	value           T
	namespace, name string
	origin          model.Origin
}

// identity is what makes two objects the same one. Versions of a group are
// representations of the same object.
type identity struct{ group, kind, namespace, name string }

// New returns an empty State. A Profile that ParseProfile does not know is a
// programming error and panics.
func New(o Options) *State {
	profile, err := ParseProfile(string(o.Profile))
	if err != nil {
		panic("cluster: " + err.Error())
	}
	o.Profile = profile
	if o.DefaultNamespace == "" {
		o.DefaultNamespace = "default"
	}
	return &State{
		options:    o,
		ledger:     &dialect.Ledger{},
		seen:       map[identity]model.Origin{},
		workload:   map[workloadKey]*workload{},
		custom:     map[workloadKey]*workload{},
		kindNames:  map[typeKey]string{},
		references: map[string]model.Origin{},
	}
}

// Ledger is the account of this State. The reader of its objects reports into
// it too; Snapshot completes it, and until then diagnostics must keep their
// places.
func (s *State) Ledger() *dialect.Ledger { return s.ledger }

// Put adds an object. Of two objects of one identity the first counts and the
// second is reported (R7). Objects that the analysis does not understand are
// counted, and where they are policies their scope becomes uncertain (R120).
// The reader has already counted the object itself.
func (s *State) Put(o manifest.Object) {
	if b, ok := o.Value.(*manifest.Broken); ok {
		s.putBroken(o, b)
		return
	}
	if r, ok := o.Value.(*manifest.Rejected); ok {
		if r.Subjects != nil || o.Kind == "NetworkPolicy" {
			s.rejectUnread(o, r)
		}
		return
	}
	namespace := o.Namespace
	if namespace == "" {
		namespace = s.options.DefaultNamespace
	}
	if s.duplicate(o, namespace) {
		return
	}
	switch v := o.Value.(type) {
	case *manifest.Namespace:
		s.namespaces = append(s.namespaces, entry[*manifest.Namespace]{v, "", o.Name, o.Origin})
	case *manifest.Node:
		s.nodes = append(s.nodes, entry[*manifest.Node]{v, "", o.Name, o.Origin})
	case *manifest.ServiceCIDR:
		s.serviceCIDRs = append(s.serviceCIDRs, entry[*manifest.ServiceCIDR]{v, "", o.Name, o.Origin})
	case *manifest.Pod:
		s.ledger.Pods++
		s.refer(namespace, o.Origin)
		s.pods = append(s.pods, entry[*manifest.Pod]{v, namespace, o.Name, o.Origin})
	case *manifest.Workload:
		s.ledger.Workloads++
		if v.Custom == nil || !v.Custom.Row.Link() {
			s.refer(namespace, o.Origin)
		}
		w := &workload{entry: entry[*manifest.Workload]{v, namespace, o.Name, o.Origin}}
		s.workloads = append(s.workloads, w)
		s.workload[workloadKey{v.Kind, namespace, o.Name}] = w
		if key := (workloadKey{strings.ToLower(o.Kind), namespace, o.Name}); v.Custom != nil && s.custom[key] == nil {
			s.custom[key] = w
		}
	case *networkingv1.NetworkPolicy:
		s.refer(namespace, o.Origin)
		s.putPolicy(v, namespace, o.Origin)
	default:
		s.putOther(o, namespace)
	}
}

// duplicate reports the second object of one identity.
func (s *State) duplicate(o manifest.Object, namespace string) bool {
	if o.Name == "" {
		return false
	}
	switch o.Value.(type) {
	case *manifest.Namespace, *manifest.Node, *manifest.ServiceCIDR:
		namespace = ""
	}
	id := identity{groupOf(o.APIVersion), o.Kind, namespace, o.Name}
	first, found := s.seen[id]
	if !found {
		s.seen[id] = o.Origin
		return false
	}
	ref := model.ObjectRef{Kind: o.Kind, Namespace: namespace, Name: o.Name}
	if _, unlisted := o.Value.(*manifest.Unlisted); unlisted || o.Value == nil {
		ref.Namespace = o.Namespace // whether the kind has a namespace is not known
	}
	where := "before in the same file"
	if first.File != o.Origin.File {
		where = "in " + first.File
	}
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeDuplicateObject, Origin: o.Origin, Object: ref,
		Message: fmt.Sprintf("%v is given twice; the one %s counts", ref, where),
	})
	return true
}

// refer remembers that there is a namespace of this name (R25).
func (s *State) refer(namespace string, origin model.Origin) {
	if _, found := s.references[namespace]; !found {
		s.references[namespace] = origin
	}
}

func (s *State) putPolicy(np *networkingv1.NetworkPolicy, namespace string, origin model.Origin) {
	if np.Namespace != namespace {
		named := *np
		named.Namespace = namespace
		np = &named
	}
	rules, diagnostics := netpol.Lower(np, origin, s.options.Profile.netpol())
	refused := false
	for _, d := range diagnostics {
		refused = refused || d.Severity() == dialect.Error
		s.ledger.Report(d)
	}
	if refused {
		s.rejectInvalid(np, origin)
		return
	}
	s.ledger.Policies++
	s.policies = append(s.policies, rules...)
}
