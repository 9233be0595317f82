package fuzz

// Entry is a known disagreement with another implementation: one that is
// meant, with what it takes to see it. A disagreement that no entry explains
// fails the comparison.
type Entry struct {
	ID       string // a word or two, in tallies
	Rule     string // "R20" of docs/SEMANTICS.md, which says that podreach is right
	Upstream string // "pkg/kube/labelselector.go:38", in the version that go.mod names
	Why      string // what upstream does, in a sentence
	Example  string // the smallest cluster that shows it, as YAML
	From, To string // what to ask of the example: "x/pod/a", "8.8.8.8"
	Port     string // "TCP/80"
	Ours     bool   // whether podreach allows it; the other one says the opposite
}
