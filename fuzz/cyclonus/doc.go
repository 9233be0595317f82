// Package cyclonus holds podreach against cyclonus
// (github.com/mattfenwick/cyclonus), the tool with which network plugins are
// tested: the same policies, pods and ports are given to its matcher, and the
// verdicts are compared one by one.
//
// Its matcher decides one packet between two ends, of which it wants to know
// all. So it gets facts that are worked out here, from API objects. What is
// taken from podreach is no fact about an end, but which there are: which pods
// stand for a template (R64), and whether an address is someone's (R62).
//
// What is done before it is asked, because it would panic or could not say it:
//
//   - Policies are those that podreach accepts (R115), with what the API
//     server fills in (R15, R29) and blocks in canonical form (R43).
//   - A port has one name for it. Where a pod gives a port several (R35), each
//     is tried: entries of a rule are a union (R28).
//   - A label that a controller adds with a value nobody knows (R65) gets a
//     value that no selector can name.
//   - A pod whose address is not said (R47) gets one out of its domain: what
//     podreach is certain of must hold for each.
//   - A node (R54) is an end outside the cluster, with one of its addresses, and
//     so is a pod on the host network (R55, R56), whose node has just one.
//   - It may simplify its rules, as its commands do, or not.
//
// What it cannot express, and is left out:
//
//   - admin policies (R86) and pods that are not managed (R69): the clusters
//     have none;
//   - pods of custom resources (R66), whose labels, ports and number the
//     fuzzing of engine and oracle is about;
//   - pods of a workload whose pods another workload's template makes (R67);
//   - host-network pods of templates, and those whose node or its address is
//     not known, or not the only one (R57, R58);
//   - a node with an address that others have too (R58, R62);
//   - traffic of a pod with itself (R50);
//   - traffic from a node to a pod that is, or may be, on it (R52);
//   - connections between two ends that are no pods (R3);
//   - protocols outside TCP, UDP and SCTP (R84);
//   - questions of which podreach is not certain (R6).
package cyclonus
