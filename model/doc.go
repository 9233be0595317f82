// Package model is podreach's vocabulary: what a cluster snapshot holds and
// the one rule form that every policy dialect lowers to. It uses the standard
// library only and does no I/O.
//
// # Terms
//
// An endpoint is a [Pod], a [Node] or a set of outside addresses. A [Rule]
// allows, denies or passes on connections between a subject and a peer in one
// [Direction]. A connection set is a [PortSet]: TCP, UDP and SCTP destination
// ports. A [Snapshot] is everything the engine needs, as plain data.
//
// # The normal form
//
// Every policy becomes rules (Rank, Direction, Subject, Peer, Ports, Action).
// For one subject, direction, peer and destination port the matching rule of
// the lowest [Rank] decides; [Pass] skips the rest of its tier; a connection
// that no rule matches is allowed, as Kubernetes does. NetworkPolicy isolation
// is an ordinary Deny one priority below the allows of its tier.
//
// # Invariants
//
//   - M1: a rule's Subject selects pods only; host-network pods are never
//     subjects and never match a PodSet of a rule (R55, R56).
//   - M2: rules of equal rank have equal actions, so their order is of no
//     consequence and they may be merged. What those of one subject say of
//     other protocols is the same, or nothing (OtherNo).
//   - M3: a PortSet is canonical; two equal sets have one representation (R4).
//   - M4: an endpoint is named once: (namespace, name) is unique among Pods,
//     and name among Nodes.
//   - M5: what the input does not say is a state of its own ([AddressUnknown],
//     [AddressMaybe], an empty NodeName, PortsUnknown, [Uncertain]), never a
//     guess (R6).
//   - M6: with pods of unknown ports in the snapshot, rules that do not allow
//     have at most [MaxDoubtedNames] port names: each of them may stand for a
//     port or not, and every combination is looked at.
//   - M7: a snapshot's rules select no nodes by labels; blocks stand for their
//     addresses (R99).
//   - M8: Pods may have holes, where pods were before a [Delta]: the index of
//     a pod that stays is stable.
//
// Rule numbers such as R47 refer to docs/SEMANTICS.md.
package model
