// Package dialect holds what every policy API and every reader shares: the
// [Diagnostic] with its stable [Code], and the [Ledger] of what was read, left
// out and assumed. The dialects themselves are its sub-packages; each lowers
// the policies of one API to model.Rule.
package dialect
