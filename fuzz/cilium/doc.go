// Package cilium compares podreach, in its profile cilium, with the policy
// engine of Cilium, the version in go.mod: generated clusters, and the cases of
// the corpus.
//
// The objects go to Cilium as to its agents: pods and namespaces become
// identities (labels through the default filter, named ports), NetworkPolicies
// and ClusterNetworkPolicies go through its own parsers, and an outside address
// has the identity of the longest prefix around it that a policy names. A
// verdict is looked up in the map states of both ends, which an agent would
// give to the datapath; some are asked once more of policy.LookupFlow and of
// the simulator with which Cilium tests its map states. ICMP stands for the
// protocols without ports (R84).
//
// No difference is meant: every disagreement fails.
//
// What podreach does not know is not compared, nor is what this model of Cilium
// cannot express:
//
//   - a pod and itself (R50);
//   - nodes and host-network pods as ends, own node included (R52-R58): their
//     identities are not pods', and the datapath has the exemptions;
//   - two ends in a family that one of them lacks (R46): identities have no
//     addresses;
//   - pods that Cilium does not manage as ends (R69): podreach lets them match
//     as peers, Cilium gives them an identity of their own;
//   - pods of custom resources with labels or ports that are not known (R66);
//     of the others' ports podreach says which they are;
//   - with a nodes peer in the cluster, a destination with the address of a
//     node (R62, R99): an identity has no addresses;
//   - in the simulator and in LookupFlow, port names of SCTP, which they do not
//     know;
//   - what is outside in a rule with domainNames, of which podreach is
//     uncertain (R113), and selectors that cannot be read (R103);
//   - invalid objects (R115), which an API server keeps from it;
//   - blocks that are not in canonical form are put into it before (R43): some
//     of them make Cilium panic, and the server refuses new ones.
//
// It is a module of its own because Cilium needs other versions of the
// Kubernetes libraries.
package cilium
