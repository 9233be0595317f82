package model

import "cmp"

// Direction is the side of a connection that a rule controls.
type Direction uint8

// The directions. Ingress rules have the destination as subject, egress rules
// the source.
const (
	Ingress Direction = iota
	Egress
	NumDirections = 2
)

// String is "ingress" or "egress".
func (d Direction) String() string { return [...]string{"ingress", "egress"}[d] }

// Tier is the coarsest part of a Rank (R87).
type Tier uint8

// The tiers, in the order in which they decide.
const (
	TierExempt        Tier = iota // self traffic, own node, and what is not modelled
	TierAdmin                     // AdminNetworkPolicy, ClusterNetworkPolicy tier Admin
	TierNetworkPolicy             // NetworkPolicy
	TierBaseline                  // BaselineAdminNetworkPolicy, ClusterNetworkPolicy tier Baseline
	TierDefault                   // behind Baseline: the own node's allow (R128), the isolation of NetworkPolicies (R93), both in Cilium
)

// String is the tier's name in lower case.
func (t Tier) String() string {
	return [...]string{"exempt", "admin", "networkpolicy", "baseline", "default"}[t]
}

// Priorities of TierExempt.
const (
	PriorityUnmanaged   = iota - 1 // the network plugin does not manage the pod (R69)
	PrioritySelf                   // a pod always reaches itself (R50)
	PriorityNotModelled            // endpoints in the scope of policies that could not be understood
	PriorityOwnNode                // a node always reaches its own pods (R52)
	PriorityUndecided              // subjects of admin policies of which nobody knows what these say (R96, R106)
)

// Priorities of TierNetworkPolicy; the last two also of TierDefault.
const (
	PriorityExplicitDeny = iota // dialects that have one
	PriorityAllow
	PriorityDefaultDeny // isolation (R10)
)

// Rank orders rules: the lowest that matches decides. Rules of NetworkPolicy
// that allow share one rank, as do those that isolate, so that they merge
// (R11, M2). Nothing orders policies of equal tier and priority but different
// ordinals: of the actions that their own first matches take, each may be the
// one that counts (R105), so the lower bound takes the worst of Allow, Pass,
// Deny and the upper one the best.
type Rank struct {
	Tier     Tier
	Priority int32
	Ordinal  int32 // of the policy among those of equal tier and priority
	Index    int32 // of the rule inside its policy and direction; see AdminIndex
}

// AdminIndex is Rank.Index of rule i of a policy of the admin and baseline
// tiers. The two numbers behind it are for what the rule says of peers that are
// not known, which takes another action (M2): MayAllow, then Uncertain.
func AdminIndex(i int) int32 { return int32(3 * i) }

// AdminNumber is the number, from 1, of the rule that has an index of
// AdminIndex, or one of those behind it.
func AdminNumber(index int32) int { return int(index)/3 + 1 }

// AdminUncertain is the index for what of the rule that has an index is not
// known at all.
func AdminUncertain(index int32) int32 { return index - index%3 + 2 }

// Compare returns -1, 0 or +1: r decides before, with, or after s.
func (r Rank) Compare(s Rank) int {
	return cmp.Or(cmp.Compare(r.Tier, s.Tier), cmp.Compare(r.Priority, s.Priority),
		cmp.Compare(r.Ordinal, s.Ordinal), cmp.Compare(r.Index, s.Index))
}

// Action is what a matching rule does. The zero value is invalid.
type Action uint8

// The actions.
const (
	Allow Action = iota + 1
	Deny
	Pass      // skip the rest of the rule's tier
	Uncertain // nobody knows: allowed in the upper bound, denied in the lower
	MayAllow  // whom it allows is not known: allows in the upper bound, is passed over in the lower
)

// String is the action's name in lower case.
func (a Action) String() string {
	return [...]string{"invalid", "allow", "deny", "pass", "uncertain", "may allow"}[a]
}

// As is what an action comes to in the best or the worst case: Allow, Deny or
// Pass.
func (a Action) As(best bool) Action {
	switch {
	case a != Uncertain && a != MayAllow:
		return a
	case best:
		return Allow
	}
	return Deny // of a MayAllow only what does not pass it over
}

// Tied is the action of two policies that nothing orders (R105): the best or
// the worst of Allow, Pass, Deny.
func (a Action) Tied(b Action, best bool) Action {
	for _, rank := range [...]Action{Deny, Pass, Allow} {
		if best {
			rank = [...]Action{Deny: Allow, Pass: Pass, Allow: Deny}[rank]
		}
		if a == rank || b == rank {
			return rank
		}
	}
	return a
}

// Relation is a peer that is decided pair by pair.
type Relation uint8

// The relations between a subject pod and its peer.
const (
	NoRelation Relation = iota
	Self                // the subject itself
	OwnNode             // the host network namespace of the subject's node, host-network pods on it included
)

// Peer is the other end that a rule speaks of: the union of its parts. The
// zero Peer matches nothing.
type Peer struct {
	Any    bool // every pod, node and address
	NoPods bool // every address outside, node and host-network pod: what is in no namespace (R97, Cilium)
	// BlocksAt says, for a list of a NetworkPolicy that mixes Pods and Blocks
	// and has at most 32 members, which of these are Blocks: bit i of member i.
	BlocksAt uint32
	Pods     []PodSet
	Blocks   []Block
	Nodes    []Selector // nodes by their labels (R99); package cluster puts Blocks in their place, so that no snapshot has any
	Relation Relation

	// UnknownHosts matches nodes and host-network pods in the families in
	// which their address is not known.
	UnknownHosts bool
}

// Rule is one line of the normal form. Rules are plain data and may be shared.
type Rule struct {
	Rank      Rank
	Direction Direction
	Subject   PodSet
	Peer      Peer
	Ports     RulePorts
	Action    Action
	Name      string    // that the policy gives the rule, or ""
	Object    ObjectRef // the policy it comes from; zero for a rule that Kubernetes implies
	Origin    Origin    // the field it comes from
	Note      string    // what it says, for rules without an Object; why, for Uncertain
}

// Isolates reports whether r is what isolates its subjects: it denies what no
// rule before it allows (R10).
func (r *Rule) Isolates() bool {
	return r.Rank.Priority == PriorityDefaultDeny && (r.Rank.Tier == TierNetworkPolicy || r.Rank.Tier == TierDefault)
}
