// Package accept compares what podreach and the API server accept: the
// NetworkPolicies that the server takes are the ones that podreach takes, and
// with the defaults that it fills in they mean the same (R7, R116); and so are
// the admin policies that it takes by their custom resource definitions (R104).
//
// The server's code runs in the test's own process, from the bytes of a
// request to those of the answer, without a store. The tests take the flags
// of package fuzz:
//
//	go test ./accept -run 'TestNetworkPolicies$' -verdicts 5000000
//	go test ./accept -run 'TestAdminPolicies$' -seed 7
package accept
