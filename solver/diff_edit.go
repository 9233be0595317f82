package solver

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"github.com/podreach/podreach/model"
)

// edits are what is different between two versions of a snapshot, in what
// rules say and in what they can see.
type edits struct {
	snap       [versions]*model.Snapshot
	objects    []objectEdit                           // policies, sorted
	rules      [versions][]*model.Rule                // that the other version lacks, whatever object they are of; by direction and subject
	labels     [versions]map[string]map[string]string // of namespaces
	spaces     map[string]bool                        // namespaces with other labels
	nodes      map[string]bool                        // that come, go or have other addresses
	everywhere bool                                   // where unknown addresses can be is different
}

// objectEdit is an object whose rules are different.
type objectEdit struct {
	object model.ObjectRef
	lacks  [versions][]*model.Rule // rules that it has in this version only
	there  [versions]bool          // it has rules
}

// find compares two snapshots. Cost: O(pods + nodes + rules).
func (e *edits) find(before, after *model.Snapshot) {
	e.snap = [...]*model.Snapshot{before, after}
	e.spaces, e.nodes = map[string]bool{}, map[string]bool{}
	for v, s := range e.snap {
		e.labels[v] = make(map[string]map[string]string, len(s.Namespaces))
		for i := range s.Namespaces {
			e.labels[v][s.Namespaces[i].Name] = s.Namespaces[i].Labels
		}
	}
	for ns, labels := range e.labels[was] {
		if now, ok := e.labels[is][ns]; ok && !maps.Equal(labels, now) {
			e.spaces[ns] = true
		}
	}
	addresses := make(map[string][]netip.Addr, len(before.Nodes))
	for i := range before.Nodes {
		addresses[before.Nodes[i].Name] = before.Nodes[i].Addresses
		e.nodes[before.Nodes[i].Name] = true
	}
	for i := range after.Nodes {
		n := &after.Nodes[i]
		if old, ok := addresses[n.Name]; ok && sameAddresses(old, n.Addresses) {
			delete(e.nodes, n.Name)
		} else {
			e.nodes[n.Name] = true
		}
	}
	e.findRules()
	pods, hosts := e.unknown()
	e.everywhere = pods && !slices.Equal(before.PodDomain, after.PodDomain) ||
		hosts && (!slices.Equal(before.NodeDomain, after.NodeDomain) || before.UnknownNode != after.UnknownNode)
}

// none reports whether the versions are the same: also their pods, in the same
// order.
func (e *edits) none() bool {
	old, now := e.snap[was].Pods, e.snap[is].Pods
	if len(e.rules[was])+len(e.rules[is])+len(e.spaces)+len(e.nodes) > 0 || e.everywhere || len(old) != len(now) {
		return false
	}
	for i := range old {
		p, q := &old[i], &now[i]
		if p.Name != q.Name || p.Namespace != q.Namespace || p.Workload != q.Workload || p.Dormant != q.Dormant || aspectsOf(p, q) != 0 {
			return false
		}
	}
	return true
}

func sameAddresses(a, b []netip.Addr) bool {
	if slices.Equal(a, b) {
		return true
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

// unknown reports whether in some version some pod, or some host, has an
// address that the snapshot does not say.
func (e *edits) unknown() (pods, hosts bool) {
	for _, s := range e.snap {
		for i := range s.Pods {
			for _, a := range s.Pods[i].Addresses {
				if a.State == model.AddressUnknown || a.State == model.AddressMaybe {
					hosts = hosts || s.Pods[i].HostNetwork
					pods = pods || !s.Pods[i].HostNetwork
				}
			}
		}
		for i := range s.Nodes {
			hosts = hosts || len(s.Nodes[i].Addresses) == 0
		}
	}
	return pods, hosts
}

// pod reports whether rules can see a difference between two versions of a
// pod, its namespace and its node.
func (e *edits) pod(p, q *model.Pod) bool {
	return aspectsOf(p, q) != 0 || e.spaces[p.Namespace] || p.HostNetwork && (e.nodes[p.NodeName] || e.nodes[q.NodeName])
}

// aspect is what may be different about a pod, as a bit.
type aspect uint8

const (
	aspectLabels aspect = 1 << iota
	aspectPorts
	aspectNetwork // addresses; host network and the node, which give some
	allAspects    = aspectLabels | aspectPorts | aspectNetwork
)

// aspectsOf returns what differs between two pods. The node of a pod with an
// address of its own is no difference: what hosts reach on their own node is
// not compared (R52).
func aspectsOf(p, q *model.Pod) (a aspect) {
	if !maps.Equal(p.Labels, q.Labels) {
		a |= aspectLabels
	}
	if p.PortsUnknown != q.PortsUnknown || !slices.Equal(p.Ports, q.Ports) {
		a |= aspectPorts
	}
	if p.HostNetwork != q.HostNetwork || p.HostNetwork && (p.NodeName != q.NodeName || p.EveryNode != q.EveryNode) {
		a |= aspectNetwork
	}
	for f := range p.Addresses {
		if p.Addresses[f].State != q.Addresses[f].State || p.Addresses[f].Addr != q.Addresses[f].Addr {
			a |= aspectNetwork
		}
	}
	return a
}

// findRules compares the rules: of each object, and whatever object they are
// of.
func (e *edits) findRules() {
	old, now := e.snap[was].Rules, e.snap[is].Rules
	alone := unaligned(old, now)
	if len(alone[was])+len(alone[is]) == 0 {
		return
	}
	left := rulesLeft(alone, func(r *model.Rule) string { return r.Object.String() + "\x00" + ruleKey(r) })
	at := map[model.ObjectRef]int{}
	for v, rules := range left {
		for _, r := range rules {
			i, ok := at[r.Object]
			if !ok {
				i = len(e.objects)
				at[r.Object] = i
				e.objects = append(e.objects, objectEdit{object: r.Object})
			}
			e.objects[i].lacks[v] = append(e.objects[i].lacks[v], r)
		}
	}
	for v, s := range e.snap {
		for i := range s.Rules {
			if k, ok := at[s.Rules[i].Object]; ok {
				e.objects[k].there[v] = true
			}
		}
	}
	slices.SortFunc(e.objects, func(a, b objectEdit) int { return compareObjects(a.object, b.object) })
	e.rules = rulesLeft(left, func(r *model.Rule) string {
		if r.Rank.Tier == model.TierAdmin || r.Rank.Tier == model.TierBaseline {
			return r.Object.String() + "\x00" + ruleKey(r) // the first match of each policy counts
		}
		return ruleKey(r)
	})
	for _, rules := range e.rules {
		slices.SortStableFunc(rules, func(r, s *model.Rule) int {
			return cmp.Or(cmp.Compare(r.Direction, s.Direction), cmp.Compare(r.Subject.String(), s.Subject.String()))
		})
	}
}

func compareObjects(a, b model.ObjectRef) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// lookAhead is how many rules a version may have more at one place: those of a
// few policies.
const lookAhead = 16

// unaligned takes away rules that are the same and stand in the same order, so
// that what is left follows the change. It may leave some that are the same.
func unaligned(old, now []model.Rule) (alone [versions][]*model.Rule) {
	at := func(in []model.Rule, r *model.Rule) int {
		for i := range min(lookAhead, len(in)) {
			if sameRule(&in[i], r) {
				return i
			}
		}
		return -1
	}
	keep := func(v int, rules []model.Rule) {
		for i := range rules {
			alone[v] = append(alone[v], &rules[i])
		}
	}
	for len(old) > 0 && len(now) > 0 {
		if n := at(now, &old[0]); n >= 0 {
			keep(is, now[:n])
			old, now = old[1:], now[n+1:]
		} else if n = at(old, &now[0]); n >= 0 {
			keep(was, old[:n])
			old, now = old[n+1:], now[1:]
		} else {
			keep(was, old[:1])
			keep(is, now[:1])
			old, now = old[1:], now[1:]
		}
	}
	keep(was, old)
	keep(is, now)
	return alone
}

// rulesLeft returns the rules of each version that the other lacks; those of
// one key are the same, and as often as they are there.
func rulesLeft(rules [versions][]*model.Rule, key func(*model.Rule) string) (left [versions][]*model.Rule) {
	count := map[string]int{}
	keys := make([]string, len(rules[was]))
	for _, r := range rules[is] {
		count[key(r)]++
	}
	for i, r := range rules[was] {
		keys[i] = key(r)
		count[keys[i]]--
	}
	more := maps.Clone(count)
	for i, r := range rules[was] {
		if count[keys[i]] < 0 {
			count[keys[i]]++
			left[was] = append(left[was], r)
		}
	}
	for i := len(rules[is]) - 1; i >= 0; i-- {
		r := rules[is][i]
		if k := key(r); more[k] > 0 {
			more[k]--
			left[is] = append(left[is], r)
		}
	}
	slices.Reverse(left[is])
	return left
}

// ruleKey is what a rule says, without its object and its place. Ordinals only
// keep policies apart, which their names do as well.
func ruleKey(r *model.Rule) string {
	return fmt.Sprintf("%v/%d/%d|%v|%q|%v|%v|%v", r.Rank.Tier, r.Rank.Priority, r.Rank.Index, r.Direction, r.Subject, r.Action, r.Peer, r.Ports)
}

// sameRule reports whether two rules of one object say the same.
func sameRule(r, s *model.Rule) bool {
	return r.Object == s.Object && r.Rank.Tier == s.Rank.Tier && r.Rank.Priority == s.Rank.Priority && r.Rank.Index == s.Rank.Index &&
		r.Direction == s.Direction && r.Action == s.Action && samePodSet(&r.Subject, &s.Subject) && samePeer(&r.Peer, &s.Peer) && samePorts(&r.Ports, &s.Ports)
}

func samePodSet(p, q *model.PodSet) bool {
	return p.Namespace == q.Namespace && equalSelector(p.Namespaces, q.Namespaces) && equalSelector(p.Pods, q.Pods)
}

func equalSelector(s, t model.Selector) bool {
	return slices.EqualFunc(s, t, func(a, b model.Requirement) bool {
		return a.Key == b.Key && a.Operator == b.Operator && slices.Equal(a.Values, b.Values)
	})
}

func samePeer(p, q *model.Peer) bool {
	return p.Any == q.Any && p.NoPods == q.NoPods && p.Relation == q.Relation && p.UnknownHosts == q.UnknownHosts &&
		slices.EqualFunc(p.Pods, q.Pods, func(a, b model.PodSet) bool { return samePodSet(&a, &b) }) &&
		slices.EqualFunc(p.Blocks, q.Blocks, func(a, b model.Block) bool {
			return a.CIDR == b.CIDR && a.ExternalOnly == b.ExternalOnly && slices.Equal(a.Except, b.Except)
		}) && len(p.Nodes) == len(q.Nodes) && (len(p.Nodes) == 0 || reflect.DeepEqual(p.Nodes, q.Nodes))
}

func samePorts(p, q *model.RulePorts) bool {
	return p.All == q.All && p.Other == q.Other && p.Set.Equal(q.Set) && slices.Equal(p.Named, q.Named)
}
