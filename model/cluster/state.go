package cluster

import (
	"net/netip"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
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

// State collects the objects of one cluster: an ordered set. It keeps the
// objects that it is given and shares their label maps with snapshots; they
// must not be changed afterwards. It is not safe for concurrent use.
//
// Put reads a cluster; Apply and Delete change it afterwards. Snapshot may be
// called before and after: what was replaced or deleted leaves no trace in a
// later one, nor in the ledger, but for what its pods say of addresses (R139).
type State struct {
	options Options
	ledger  *dialect.Ledger
	objects objects
	at      map[identity]*object
	said    map[*object][]dialect.Diagnostic // what reading and filing it reported
	kept    map[dialect.Code]int             // of said, by say
	unsaid  map[dialect.Code]int             // diagnostics beyond dialect.MaxKept of their code; they stay, whatever becomes of their objects
	left    map[dialect.Code]int             // ledger.Left when the last Snapshot was made

	loose   []remark          // what reading reported of no object
	heard   int               // of ledger.Diagnostics, how many are in said and loose, or were made by Snapshot
	assumed []string          // before a snapshot added to it
	noted   int               // of ledger.Assumptions, how many are in assumed, or were made by Snapshot
	changes []string          // what Apply and Delete did
	inert   map[typeMeta]bool // kinds that are only counted

	mode        mode // of the cluster before it was changed
	modeSettled bool
	addressless []model.Pod // of the last Snapshot

	facts
}

// typeMeta is the type of an object.
type typeMeta struct{ apiVersion, kind string }

// facts are what one Snapshot works with: the objects by kind.
type facts struct {
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
	admin      []entry[*policy]          // of the admin and baseline tiers
	rejected   []rejected

	doubtful   []doubtful
	unlabelled bool // namespaces of a live cluster could not be read, so their labels are not known
}

// entry is an object with what its manifest struct does not hold.
type entry[T any] struct {
	value           T
	namespace, name string
	origin          model.Origin
	planned         bool // it was applied and is new: what its status lacks, it lacks only yet
	left            bool // a Pod that only says which addresses its node has (R58)
}

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
	return &State{options: o, ledger: &dialect.Ledger{}, at: map[identity]*object{}, said: map[*object][]dialect.Diagnostic{}, inert: map[typeMeta]bool{}, kept: map[dialect.Code]int{}, unsaid: map[dialect.Code]int{}}
}

// Ledger is the account of this State. The reader of its objects reports into
// it too; Snapshot completes it. Until a Snapshot diagnostics must keep their
// places.
func (s *State) Ledger() *dialect.Ledger { return s.ledger }

// Put adds an object. Of two objects of one identity the first counts and the
// second is reported (R7). Objects that the analysis does not understand are
// counted, and where they are policies their scope becomes uncertain (R120).
func (s *State) Put(o manifest.Object) {
	h := s.add(o)
	id, ok := s.identity(&h.Object)
	if !ok {
		return
	}
	first := s.at[id]
	switch {
	case first == nil:
		s.at[id] = h
	case h.unread():
		h.twin, first.twin = first.twin, h
	case first.unread(): // what the API server refuses is not there
		h.twin, s.at[id] = first, h
	default:
		h.twin, first.twin = first.twin, h
		s.duplicate(h, first)
	}
}

// duplicate makes h one that does not count, because first has its identity.
func (s *State) duplicate(h, first *object) {
	h.duplicate = true
	ref := h.Ref()
	if _, unlisted := h.Value.(*manifest.Unlisted); h.Value != nil && !unlisted { // else whether the kind has a namespace is not known
		ref = s.ref(h)
	}
	where := "before in the same file"
	if first.Origin.File != h.Origin.File {
		where = "in " + first.Origin.File
	}
	s.say(h, dialect.CodeDuplicateObject, "%v is given twice; the one %s counts", ref, where)
}
