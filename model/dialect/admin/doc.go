// Package admin is the dialect of policy.networking.k8s.io: AdminNetworkPolicy
// and BaselineAdminNetworkPolicy of v1alpha1, ClusterNetworkPolicy of v1alpha2.
// It says what the API server would reject (R104) and lowers what remains to
// model.Rule (R86 to R108).
//
// Both versions say the same in different words, so they are read into one
// form first: [Read] in v1alpha1.go and v1alpha2.go. Validation is that of the
// custom resource definitions, the experimental ones as far as fields go (R97):
// config/crd of sigs.k8s.io/network-policy-api v0.1.7 for v1alpha1 and v0.2.0
// for v1alpha2.
//
// Rule i of a direction has the rank (tier, priority, ordinal,
// model.AdminIndex(i)), in which only the ordinal is not settled here: it
// depends on the other policies of a cluster (R105).
package admin
