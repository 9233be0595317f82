// Package manifest reads Kubernetes objects: YAML with many documents, JSON,
// JSON lines and lists, from files, folders and streams, each object with the
// place where it was read.
//
// # The way of a byte
//
//	gzip, zstd -> text
//	JSON  stream of values -> members of lists one by one -> Object
//	YAML  stream -> documents -> node -> JSON bytes       -> Object
//
// There is one decoder, for JSON, that reads straight into the few fields that
// the analysis needs; everything else is skipped, never kept: Secret and
// ConfigMap contents and environment values do not reach this package's
// results. NetworkPolicies are decoded strictly into k8s.io/api types. YAML
// scalars mean what they mean to kubectl (scalar.go).
//
// Documents of YAML are decoded in parallel, as are files; objects come out in
// input order. A big JSON list costs the memory of one member at a time.
//
// Positions are those of the text, and are found by reading it again: a file
// that is not any more what was read has none. The text of a pipe, and of what
// is compressed, is kept in memory, compressed in blocks.
//
// # What goes wrong
//
// Everything that is left out is reported to the ledger with a code of the
// PR1xxx block and a position; the rest is still read. A document that cannot
// be parsed comes out as a [*Broken], an object that the API server would
// refuse as a [*Rejected], so that whoever answers questions can say which
// subjects are affected (R115). Every size that hostile input could blow up is
// bounded by [Limits].
package manifest
