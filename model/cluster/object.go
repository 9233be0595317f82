package cluster

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/admin"
	"github.com/podreach/podreach/model/dialect/netpol"
	"github.com/podreach/podreach/model/manifest"
)

// object is an object of the State. A policy is a *policy here: it is lowered
// when it is put, and only the result is kept.
type object struct {
	manifest.Object
	twin      *object // the next one of the same identity; none of them counts
	gone      bool    // replaced or deleted
	left      bool    // gone, a Pod, whose node is still there: it says which addresses that has (R58)
	duplicate bool    // one of its identity came before
	planned   bool    // applied, and new
	renewal           // the pods that its controller will make beside those that there are (R139)
}

// renewal is the pods that a template stands for beside those of its workload
// that there are (R139). The zero renewal is none.
type renewal struct {
	renewed bool
	sets    map[int]bool // of a custom resource, those of which new pods come; nil means all
	fill    bool         // of numbered pods, only numbers that no pod has
}

// renewSets lets new pods come of some sets of a custom resource too.
func (r *renewal) renewSets(sets []int) {
	if r.renewed && r.sets == nil {
		return
	}
	r.renewed = true
	if r.sets == nil {
		r.sets = map[int]bool{}
	}
	for _, i := range sets {
		r.sets[i] = true
	}
}

// unread reports whether the reader refused the object. It is answered as
// absent (R115), so that another may have its identity.
func (o *object) unread() bool {
	_, ok := o.Value.(*manifest.Rejected)
	return ok
}

// objects is a list of objects that keep their addresses. It grows without
// copying.
type objects struct {
	chunks [][]object
	n      int
}

// The sizes of the chunks: as many as there are objects, within these bounds.
const (
	minChunk = 16
	maxChunk = 4096
)

func (l *objects) add(o manifest.Object) *object {
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == cap(l.chunks[last]) {
		l.chunks = append(l.chunks, make([]object, 0, min(max(l.n, minChunk), maxChunk)))
		last++
	}
	l.chunks[last] = append(l.chunks[last], object{Object: o})
	l.n++
	return &l.chunks[last][len(l.chunks[last])-1]
}

// all yields the objects in order, those that are gone too.
func (l *objects) all() iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for _, c := range l.chunks {
			for i := range c {
				if !yield(&c[i]) {
					return
				}
			}
		}
	}
}

// live yields the objects that count.
func (s *State) live() iter.Seq[*object] {
	return func(yield func(*object) bool) {
		for o := range s.objects.all() {
			if !o.gone && !o.duplicate && !yield(o) {
				return
			}
		}
	}
}

// identity is what makes two objects the same one. Versions of a group are
// representations of the same object.
type identity struct{ group, kind, namespace, name string }

// identity returns the identity of an object, if it has one.
func (s *State) identity(o *manifest.Object) (identity, bool) {
	if _, broken := o.Value.(*manifest.Broken); broken || o.Name == "" {
		return identity{}, false
	}
	return identity{groupOf(o.APIVersion), o.Kind, s.namespace(o), o.Name}, true
}

// namespace is the namespace that an object is in, "" when its kind has none.
// Of kinds that the analysis does not know it may be a guess (R7).
func (s *State) namespace(o *manifest.Object) string {
	switch {
	case clusterScoped(groupOf(o.APIVersion), o.Kind):
		return ""
	case o.Namespace == "":
		return s.options.DefaultNamespace
	}
	return o.Namespace
}

func clusterScoped(group, kind string) bool {
	switch kind {
	case "Namespace", "Node":
		return group == ""
	case "ServiceCIDR":
		return group == "networking.k8s.io"
	case "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy":
		return group == "policy.networking.k8s.io"
	}
	return false
}

func (s *State) ref(o *object) model.ObjectRef {
	return model.ObjectRef{Kind: o.Kind, Namespace: s.namespace(&o.Object), Name: o.Name}
}

// remark is a diagnostic that is about no object.
type remark struct {
	before int // how many objects had been put
	dialect.Diagnostic
}

// add puts an object at the end.
func (s *State) add(o manifest.Object) *object {
	said := s.listen(&o)
	h := s.objects.add(o)
	s.lower(h)
	if len(said) > 0 {
		s.said[h] = said
	}
	return h
}

// listen takes what was reported since the last object and returns what is
// about o. nil is no object.
func (s *State) listen(o *manifest.Object) (about []dialect.Diagnostic) {
	for _, d := range s.ledger.Diagnostics[min(s.heard, len(s.ledger.Diagnostics)):] {
		if o != nil && inside(d.Origin, o.Origin) {
			about = append(about, d)
		} else {
			s.loose = append(s.loose, remark{s.objects.n, d})
		}
	}
	s.heard = len(s.ledger.Diagnostics)
	return about
}

// inside reports whether a place is in the object at another.
func inside(o, object model.Origin) bool {
	if o.File != object.File || o.Document != object.Document {
		return false
	}
	rest, found := strings.CutPrefix(o.Path, object.Path)
	return found && (object.Path == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// say reports something that is about o and goes with it.
func (s *State) say(o *object, code dialect.Code, format string, args ...any) {
	if s.kept[code] == dialect.MaxKept {
		s.unsaid[code]++
		return
	}
	s.kept[code]++
	s.said[o] = append(s.said[o], dialect.Diagnostic{Code: code, Origin: o.Origin, Object: s.ref(o), Message: fmt.Sprintf(format, args...)})
}

// policy is a policy, lowered.
type policy struct {
	rules       []model.Rule
	diagnostics []dialect.Diagnostic
	subject     model.PodSet
	readable    bool   // subject can be told
	refused     bool   // by the API server
	version     string // of the API, for admin policies; else ""
	ignored     bool   // by the implementation that the profile is about
	object      model.ObjectRef

	types    []networkingv1.PolicyType // in force
	ownTypes bool                      // the user wrote them, and not the API server (R15)
}

// defaultTypes is what the API server makes of a policy without policyTypes
// (R15).
func defaultTypes(np *networkingv1.NetworkPolicy) []networkingv1.PolicyType {
	if len(np.Spec.Egress) > 0 {
		return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	}
	return []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
}

// lower puts the lowered form of a policy in its place.
func (s *State) lower(o *object) {
	p := &policy{object: s.ref(o)}
	if np, ok := o.Value.(*networkingv1.NetworkPolicy); ok {
		if namespace := s.namespace(&o.Object); np.Namespace != namespace {
			named := *np
			named.Namespace = namespace
			np = &named
		}
		p.types, p.ownTypes = np.Spec.PolicyTypes, len(np.Spec.PolicyTypes) > 0
		if o.Stored != nil {
			p.ownTypes = o.Stored.PolicyTypes
		}
		if len(p.types) == 0 {
			p.types = defaultTypes(np)
		}
		p.rules, p.diagnostics = netpol.Lower(np, o.Origin, s.options.Profile.netpol())
		p.subject, p.readable = netpol.Subject(np)
	} else if a, ok := admin.Read(o.Value); ok {
		options := s.options.Profile.admin()
		options.UnknownFields = o.UnknownFields
		p.rules, p.diagnostics = a.Lower(o.Origin, options)
		p.subject, p.readable = a.Subject()
		p.version = admin.Version(o.Kind)
		if why := s.options.Profile.ignores(a, o.Kind); why != "" && !hasError(p.diagnostics) {
			p.ignored, p.rules = true, nil
			p.diagnostics = []dialect.Diagnostic{{
				Code: dialect.CodePluginIgnores, Origin: o.Origin, Object: p.object,
				Message: fmt.Sprintf("%v has no effect in the profile %s: %s", p.object, s.options.Profile, why),
			}}
		}
	} else {
		return
	}
	p.refused = hasError(p.diagnostics)
	if s.options.Profile == ProfileCilium {
		p.diagnostics = append(p.diagnostics, outsideIdentities(p.rules)...)
		p.rules = onIdentities(p.rules)
		p.subject.Pods, _ = onIdentity(p.subject.Pods)
	}
	o.Value = p
}

func hasError(diagnostics []dialect.Diagnostic) bool {
	return slices.ContainsFunc(diagnostics, func(d dialect.Diagnostic) bool { return d.Severity() == dialect.Error })
}
