package oracle

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
)

// tier is one of the two that admin policies are in (R87).
type tier string

const (
	adminTier    tier = "Admin"
	baselineTier tier = "Baseline"
)

// action is what an admin rule does with what it matches (R91). They are in the
// order of what becomes of a connection: what is passed on may yet be denied.
type action int

const (
	deny action = iota
	pass
	allow
)

// adminPolicy is an AdminNetworkPolicy, BaselineAdminNetworkPolicy or
// ClusterNetworkPolicy that passed validation, with its fields parsed.
type adminPolicy struct {
	kind, name string
	tier       tier
	priority   int64
	namespaces labels.Selector // of the subject (R96)
	pods       labels.Selector // nil: all pods of the namespaces
	unclear    bool            // its subject has a selector that is none: who it is about is not known (R96)
	rules      map[networkingv1.PolicyType][]adminRule
}

type adminRule struct {
	action action
	peers  []adminPeer
	ports  []adminPort // nil: every protocol, also those without ports (R86)
}

// adminPeer is one element of from or to; exactly one group of fields is set,
// or none in an element that matches nothing (R103).
type adminPeer struct {
	everybody  bool            // the rule fails closed (R103)
	open       bool            // nobody knows whom it means (R103)
	namespaces labels.Selector // nil: not set
	pods       labels.Selector // with namespaces; nil: all pods there
	nodes      labels.Selector
	networks   []netip.Prefix
	domains    bool
}

// adminPort is one element of ports or protocols: a range, which is empty if
// last < first, or a name.
type adminPort struct {
	protocol    model.Protocol
	first, last int64
	named       bool
	name        string
}

// adminAnswer is a whole tier of R108: allow, deny, or pass, which is also what
// a tier without a match does. Of policies of equal priority each may come
// first, so what each of them does is possible (R105): the best of it is taken
// in hope, else the worst.
func (o *Oracle) adminAnswer(t tier, d networkingv1.PolicyType, x *endpoint, y peer, c connection, dst *endpoint) action {
	var possible []action
	for i, p := range o.admin { // by tier and priority
		if p.tier != t {
			continue
		}
		if len(possible) > 0 && p.priority != o.admin[i-1].priority {
			break
		}
		if !o.adminSelects(p, x) {
			continue
		}
		for _, r := range p.rules[d] { // R89
			sure, maybe := o.adminMatches(r, y, c, dst)
			if sure { // R90
				possible = append(possible, r.action)
				break
			}
			if maybe { // R99
				possible = append(possible, either(c.hope, allow, deny))
				break
			}
		}
	}
	switch {
	case len(possible) == 0:
		return pass
	case c.hope:
		return slices.Max(possible)
	}
	return slices.Min(possible)
}

// undefined: with objects of both versions of the API in one cluster it is not
// defined what their subjects may do (R106), and nobody knows the subjects of
// an object whose selector is none (R96).
func (o *Oracle) undefined(d networkingv1.PolicyType, x *endpoint) bool {
	return slices.ContainsFunc(o.admin, func(p *adminPolicy) bool {
		return len(p.rules[d]) > 0 && (p.unclear || o.bothVersions && o.adminSelects(p, x))
	})
}

// adminUndecided reports whether uncertain labels decide what the admin
// policies say of x and its peer (R66).
func (o *Oracle) adminUndecided(d networkingv1.PolicyType, x *endpoint, y peer) bool {
	for _, p := range o.admin {
		if len(p.rules[d]) == 0 || p.unclear || !p.namespaces.Matches(labels.Set(o.namespaces[x.end.Namespace])) {
			continue
		}
		if p.pods != nil && o.doubtful(p.pods, x) {
			return true
		}
		if !o.adminSelects(p, x) || !o.selectable(y) || o.bothVersions {
			continue
		}
		for _, r := range p.rules[d] {
			for _, e := range r.named() {
				if o.maybeEntity(y) && e.namespaces != nil && (e.pods == nil || !matchesNothing(e.pods)) {
					return true
				}
				if e.pods != nil && e.namespaces.Matches(labels.Set(o.namespaces[y.end.Namespace])) && o.doubtful(e.pods, y.endpoint) {
					return true
				}
			}
		}
	}
	return false
}

// named are the peers of a rule that says something with them: none where one
// of them is not known and the rule denies everything (R103).
func (r *adminRule) named() []adminPeer {
	if slices.ContainsFunc(r.peers, func(e adminPeer) bool { return e.everybody }) {
		return nil
	}
	return r.peers
}

// nameWorlds returns, for a destination of which not all port names are known,
// which of the names that policies use a port has (R66). Where names only allow
// that is none or all of them; admin policies use them to deny too.
func (o *Oracle) nameWorlds(dst *endpoint) []map[string]bool {
	out := []map[string]bool{nil}
	if !dst.portsUnknown {
		return out
	}
	names := map[string]bool{}
	for i := range o.policies {
		for _, rules := range o.policies[i].rules {
			for _, r := range rules {
				for _, e := range r.ports {
					names[e.name] = true
				}
			}
		}
	}
	for _, p := range o.admin {
		for _, rules := range p.rules {
			for _, r := range rules {
				for _, e := range r.ports {
					names[e.name] = true
				}
			}
		}
	}
	delete(names, "")
	if len(o.admin) == 0 {
		return append(out, names)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		for _, has := range out {
			next := maps.Clone(has)
			if next == nil {
				next = map[string]bool{}
			}
			next[name] = true
			out = append(out, next)
		}
	}
	return out
}

// adminSelects is R96; the caller has seen to it that x can be a subject.
func (o *Oracle) adminSelects(p *adminPolicy, x *endpoint) bool {
	return !p.unclear && p.namespaces.Matches(labels.Set(o.namespaces[x.end.Namespace])) && (p.pods == nil || p.pods.Matches(labels.Set(x.labels)))
}

func (o *Oracle) adminMatches(r adminRule, y peer, c connection, dst *endpoint) (sure, maybe bool) {
	for _, e := range r.peers {
		if !o.adminPortMatches(r, e, c, dst) {
			continue
		}
		if e.open {
			maybe = true
			continue
		}
		if e.nodes == nil {
			sure = sure || o.adminPeerMatches(e, y, c)
			continue
		}
		is, may := o.onNodes(e.nodes, y)
		sure, maybe = sure || is, maybe || may
	}
	return sure, maybe
}

// adminPeerMatches is for elements other than nodes.
func (o *Oracle) adminPeerMatches(e adminPeer, y peer, c connection) bool {
	switch {
	case e.everybody:
		return true
	case e.namespaces != nil && !o.selectable(y): // R97
		return o.profile.beyondPods && e.pods == nil && !e.namespaces.Empty() && e.namespaces.Matches(labels.Set{})
	case e.namespaces != nil:
		return e.namespaces.Matches(labels.Set(o.namespaces[y.end.Namespace])) &&
			(e.pods == nil || e.pods.Matches(labels.Set(y.labels)))
	case e.networks != nil: // R98
		return (y.kind == outside || !o.profile.externalNets) && slices.ContainsFunc(e.networks, func(p netip.Prefix) bool { return p.Contains(y.addr) })
	case e.domains: // R100, R113: any outside address may be among the set, none need be
		return y.kind == outside && c.hope
	}
	return false
}

// adminPortMatches is R101 and R102. A name is one of a pod's ports, so it has
// no meaning for elements that are about addresses.
func (o *Oracle) adminPortMatches(r adminRule, e adminPeer, c connection, dst *endpoint) bool {
	if r.ports == nil {
		return true
	}
	if c.other { // R86
		return false
	}
	for _, p := range r.ports {
		switch {
		case !p.named:
			if p.protocol == c.protocol && p.first <= int64(c.port) && int64(c.port) <= p.last {
				return true
			}
		case (e.everybody || e.open || e.namespaces != nil) && dst.subjectable():
			if dst.portsUnknown && c.named[p.name] || slices.Contains(o.resolve(dst, p.name, c.protocol), c.port) {
				return true
			}
		}
	}
	return false
}

// sortAdmin puts the admin policies in the order in which they are asked.
func (o *Oracle) sortAdmin() {
	slices.SortStableFunc(o.admin, func(a, b *adminPolicy) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.priority, b.priority))
	})
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
