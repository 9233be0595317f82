// Package custom knows which custom resources make pods, as rows of a table
// (R66): where in an object of a kind the pod templates are, how many pods each
// stands for, and which labels the kind's controller adds to them.
//
// The rows that podreach comes with are in builtin.yaml, each with the sources
// of what it says; podreach.yaml adds rows of the same form and replaces them.
// A row finds things by JSONPath, as `kubectl -o jsonpath` understands it.
// [Row.Pods] evaluates a row on one object, which is whatever a manifest says:
// what does not fit becomes a [Problem] with the place, and what one object can
// make of a row is bounded ([MaxSets], [MaxLabels]).
//
// Tables and rows do not change once they are made and may be shared.
package custom
