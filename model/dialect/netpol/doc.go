// Package netpol is the dialect of networking.k8s.io/v1 NetworkPolicy: it
// says what the API server would reject (R116) and lowers what remains to
// model.Rule (R9 to R47).
//
// A policy becomes, for each direction that it isolates, one Deny of every
// peer at model.PriorityDefaultDeny and one Allow for each of its rules at
// model.PriorityAllow. All policies share these two ranks, so that they merge
// (R11) and their order is of no consequence (R10, M2). With
// Options.IsolationLast the Deny is in model.TierDefault instead, behind the
// Baseline tier (R93).
package netpol
