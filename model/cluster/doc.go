// Package cluster turns objects into a model.Snapshot: it names workloads,
// settles which pods are endpoints, what their addresses and named ports are,
// lowers policies through the dialects, and keeps the account (the Ledger) of
// everything that was left out, assumed or not understood.
//
// [State.Put] only files objects away; what depends on several of them (owners,
// live or static, address families, clashes) is decided in [State.Snapshot], so
// the order of the input has no part in it, except that the first of two
// objects of one identity counts.
package cluster
