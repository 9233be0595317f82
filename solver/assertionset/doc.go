// Package assertionset reads assertions files: YAML or JSON documents of kind
// AssertionSet, which docs/ASSERTIONS.md describes and
// docs/schema/assertionset.json says exactly. What is wrong is told with its
// place and the nearest word that is right.
package assertionset
