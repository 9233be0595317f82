// Package engine compiles a model.Snapshot into an immutable [Index] that
// answers what can talk to what. It does no I/O, knows no Kubernetes API type,
// reads no clock and leaves no goroutine behind.
//
// # Design
//
// Nothing is quadratic in pods. Compile makes, in this order:
//
//   - atoms: the coarsest partitions of addresses and of ports such that every
//     ipBlock, port range and resolved port name of a rule is a union of atoms
//     (atom.go). What holds for one address or port of an atom holds for all.
//   - classes: endpoints that no rule tells apart, as subject or as peer: same
//     namespace, same labels as far as selectors mention them, same named
//     ports as far as rules use them, same address atoms (class.go). Replicas
//     fall together.
//   - sets: selectors evaluated over classes through postings of label atoms
//     (select.go), kept as windows of words or sparse words (classset.go).
//   - segments: runs of rules with one subject in rank order; a program is the
//     list of segments that apply to a class in one direction (lower.go).
//
// A question about two endpoints walks the program of each end once and takes
// the first rule that matches (decide.go, mask.go). What is stored is factored, class →
// program → segment → peer sets; the class × class relation exists only as
// rows of a [Matrix] that somebody asks for.
//
// # Changes
//
// Apply makes a new version: lists by pod and by class are vectors whose pages
// versions share (vector.go), everything that programs are made of is appended
// to (tables), and classes stay. A pod that comes finds its class by key; a
// policy that changes is a new segment in the programs of the classes that it
// selects. Whatever needs a new class, atom or rank compiles anew, and so does
// an index whose tables hold more dead than living. Names and addresses are
// found through one table for all versions, which each version checks against
// its own pods (names.go).
//
// # Rows
//
// Questions about all classes are answered by sets (Rows, RowsBetween, Column,
// Matrix). The sets of a program's rules, the runs of atoms between the edges of
// its blocks, the kinds of address that are not known and, for a destination,
// the meanings of port names split the classes into parts that the program
// cannot tell apart (partition.go). One class of each part is decided as any
// pair is, whatever is uncertain, tied or named; parts with equal openings are
// one layer. So there is one evaluation of rules and no second reading of them.
//
// The ingress side is decided once for all destinations and turned round: what
// each lets in usually, which is what it lets in from most classes, and for
// each distinct set of other sources what it opens to whom (factored.go).
// Sources with one egress program, the same families and the same groups share
// a row: the layers of the program over what the groups and the usual let in,
// family by family where these differ (row.go). Openings combine by number
// (opening.go), classes as words (wide.go).
//
// # Uncertainty
//
// An address that the snapshot does not say ranges over its domain. Blocks of
// the subject's own program cut the domain into runs that the program cannot
// tell apart; one atom of each represents it (R47). A side is decided at each
// representative; lower is the intersection, upper the union. A source's
// address matters only at ingress and a destination's only at egress, so the
// two sides are independent and their bounds intersect bound by bound; bounds
// of the two families unite bound by bound. The own-node relation of an
// unknown node is two possibilities in the same way (R57). What port names mean
// at a destination that does not say it (R66) matters to both sides and in both
// families, so each possibility goes through all four first.
//
// Policies that nothing orders (R105), actions that nobody knows and rules that
// may allow (model.MayAllow) give a program two answers for one view: it is
// decided twice, for the worst and for the best case. Allow, Pass and Deny are
// ordered, Pass being what the later tiers make of it, so these two are the
// ends of what is possible. Programs without any of these are decided once.
//
// # Invariants
//
//   - E1: two endpoints of one class get equal answers against any third
//     endpoint, relations between the two ends aside.
//   - E2: Between(s, d) holds a port in a bound exactly when Verdict of that
//     port says so.
//   - E3: the steps of Explain that decide give the verdict of their side.
//   - E4: an Index never changes; every method may be called concurrently.
//   - E5: Apply(Compile(s), d) answers as Compile(s.After(d)), by name.
//
// # Cost
//
// E endpoints, L labels of a pod, C classes, A address atoms, R rules, k
// rules that apply to one class, u representatives (1 unless an address is
// unknown and blocks cut its domain), W = (C+A)/64 words, l layers of a row
// (few), p parts that a program tells apart (few):
//
//	Compile       O(E·L + R·(selector candidates) + sum of subject sets)
//	Verdict       O(k·u), no allocation
//	Between       O(k·u) words
//	Rows          once O(ingress programs·(words of their sets + p·k·u)), then
//	              for each distinct row O(W·l) and its egress program alike
//	Matrix row    as one of Rows, when first asked for
//	Column        as Rows, for the destinations in it alone; then a pass over
//	              the bits of the sources, no allocation
//	From, To      O(E + (C+A)·k·u)
//	Explain       O(k·u)
//	Select        O(E·requirements)
//	Apply         a page for each pod, and O(k) for each class that a policy selects
//
// Memory: 12 bytes a pod, about 24 bytes a class plus its program (shared when
// equal), and the rules' sets; the ingress side of Rows, when it is first asked
// for, with the size of the rules' sets; Pod and Addr build maps by name and by address
// when they are first asked, about 100 bytes a pod each.
package engine
