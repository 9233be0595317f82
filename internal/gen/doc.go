// Package gen makes random clusters for differential tests: small ones, from
// small alphabets, so that selectors often match, blocks often cut, and names
// often collide, and with every construct that docs/SEMANTICS.md R1-R70 and
// R115-R117 speak of. The same random source gives the same cluster.
//
// A [Cluster] is API objects and configuration. Its typed objects are what a
// reference reads; [Cluster.JSON] and [Cluster.YAML] are the same objects as
// bytes, with the spellings that typed objects cannot hold: absent, null and
// empty are written where Kubernetes takes them for the same (R13, R18, R23,
// R28). Which constructs a cluster has is counted in [Cluster.Features].
//
// Probabilities are in weight.go, the constructs in feature.go; the other
// files each make one sort of thing.
package gen
