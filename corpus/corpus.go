// Package corpus is podreach's conformance corpus: small whole clusters with
// the connections that must, and must not, be possible in them. [Run] takes any
// implementation through it; an implementation is one function, [System], that
// reads Kubernetes objects and answers one connection at a time.
//
// # Cases
//
// A case is named for a rule of docs/SEMANTICS.md: C20-4 is the fourth case of
// R20, C35-2c a variant of C35-2 under other circumstances. The cases of a rule
// are in testdata/R<rule>.txtar, one archive section each: a comment that says
// what the case shows, settings, expectations, and after a line "---" the
// Kubernetes objects that the case lays over its world. An object replaces one
// of the same kind, namespace and name.
//
// Cases that others have written down first are in archives of their own, in
// our words, with the name of the test that they come from: those of Kubernetes'
// network-policy suite in e2e.txtar, those of the network-policy-api in
// anp.txtar and cnp.txtar, its user stories in stories.txtar. Their ids begin
// with another letter and a setting names their rule.
//
//	-- C11-3 --
//	# What it shows, and why.
//	profile: cilium             spec (default), cilium, calico
//	world: static               live (default): world.yaml; static, e2e, houses; none
//	pods: x/a,y/a               the pods that the world has, all if nothing is said
//	rule: R11                   only where the id does not say it
//	upstream: policy.go:80 NAME the test that the case comes from; a line for each
//	podCIDRs: 10.244.0.0/16     also serviceCIDRs; comma separated
//	ipFamilies: IPv4,IPv6       the families that the cluster has
//	unmanaged: x:app=a          pods to which no policy applies (R69); a line for each
//	invalid: PR2003             codes of the errors that reading must give, and no others
//	errors: p,x/q               what the errors must be about, whatever their codes: NAME or NS/NAME
//	noted: PR3004               codes that it must give besides, all warnings and notes about policies among them
//	xb>xa ALL                   connections from x/pod/b to x/pod/a
//	xa>ya,G v4 TCP 80,443 UDP 53
//	x/*>ya,z/* NONE             from each pod of x to y/pod/a and to each pod of z
//	rest ALL                    every other pair of two pods
//	x/deployment/a>xb lo NONE up TCP 80-90
//	*>xa NONE
//	xb>xa other unspecified     protocols that have no ports (R84)
//	xa internet v4 TCP 443 everywhere NONE
//	absent x/pod/done           there is no such endpoint
//	---
//	apiVersion: networking.k8s.io/v1
//	...
//
// Endpoints are NS/KIND/NAME, node/NAME or an address; kinds of other API groups
// that have the name of a built-in one are job.batch.volcano.sh. World pods are written
// shortly: xa is x/pod/a; n1 and n2 are the nodes, G (8.8.8.8) an internet
// address and P (172.20.0.5) a private one outside the cluster. On one side of
// a pair, "pods" means every other pod, "*" every other pod, G, P and every
// node but the pod's own; "allpairs" is every pair of two pods. Host-network
// pods are only meant by name.
//
// A policy that the API server would reject is not in the cluster (R115), so
// the expectations of such cases are those of the cluster without it.
//
// Every case also expects what no policy can change: a pod reaches
// itself (R50), and a node its own pods (R52), unless it says something about
// the two (R128).
package corpus

import (
	"net/netip"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Case is one cluster with what is expected of it.
type Case struct {
	ID   string // "C20-4"
	Rule int    // 20: the rule of docs/SEMANTICS.md that it is about
	Note string // what it shows and why, one or two sentences

	Upstream []string // the tests of others that it comes from, "FILE:LINE NAME"

	YAML    []byte // the whole cluster, as multi-document YAML
	Profile string // "" (spec), "cilium" or "calico"
	Facts   Facts

	Invalid []dialect.Code // the errors that reading the cluster must give, sorted; none otherwise
	Errors  []string       // instead: objects that the errors must be about, "NAME" or "NS/NAME", sorted
	Noted   []dialect.Code // warnings and notes that it must give: all but notes that are not about policies

	Expect   []Expectation
	Absent   []string // endpoints that must not exist: asking about them is an error
	Other    []OtherExpectation
	Internet []InternetExpectation

	text  string   // as the archive has it
	ports []uint16 // the port numbers that the objects name, sorted
}

// Facts is what manifests do not say and a configuration would.
type Facts struct {
	PodCIDRs     []netip.Prefix
	ServiceCIDRs []netip.Prefix
	Families     []model.Family // nil: by evidence (R47)
	Unmanaged    []model.PodSet // pods that the network plugin does not manage (R69)
}

// Query is one connection.
type Query struct {
	From, To string // "x/pod/a", "x/deployment/w[0]", "node/n1", "8.8.8.8"
	Protocol model.Protocol
	Port     uint16
	Family   model.Family // AnyFamily: the union over both (R46)
}

// Expectation is the exact set of connections between two endpoints, or bounds
// of it where the case leaves something unknown: allowed in Lower, denied
// outside Upper, unknown in between (R6).
type Expectation struct {
	From, To     string
	Family       model.Family
	Lower, Upper model.PortSet
}

// String is the expectation in the notation of the corpus.
func (e Expectation) String() string {
	s := e.From + ">" + e.To + " " + familyWord(e.Family)
	if e.Lower.Equal(e.Upper) {
		return s + e.Lower.String()
	}
	return s + "lo " + e.Lower.String() + " up " + e.Upper.String()
}

// OtherExpectation is what is known of protocols that have no ports (R84).
type OtherExpectation struct {
	From, To string
	Other    model.Other
}

// InternetExpectation is what a pod reaches of the internet in one family
// (R112): on some address, and on every address.
type InternetExpectation struct {
	Pod                  string
	Family               model.Family // IPv4 or IPv6
	Anywhere, Everywhere model.PortSet
}

func familyWord(f model.Family) string {
	switch f {
	case model.IPv4:
		return "v4 "
	case model.IPv6:
		return "v6 "
	}
	return ""
}
