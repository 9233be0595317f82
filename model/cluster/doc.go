// Package cluster turns objects into a model.Snapshot: it names workloads,
// settles which pods are endpoints, what their addresses and named ports are,
// lowers policies through the dialects, and keeps the account (the Ledger) of
// everything that was left out, assumed or not understood.
//
// A [State] is an ordered set of objects: [State.Put] only adds to it, and what
// depends on several of them (owners, live or static, address families,
// clashes) is decided in [State.Snapshot], so the order of the input has no
// part in it, except that the first of two objects of one identity counts.
//
// [State.Apply] and [State.Delete] change the set afterwards, with what the
// cluster would do of itself (R139). Whatever an object adds to a snapshot and
// to the ledger it adds in Snapshot, so that one that was replaced or deleted
// leaves no trace.
package cluster
