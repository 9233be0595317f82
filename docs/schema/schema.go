// Package schema holds the JSON Schemas that the command itself uses.
package schema

import _ "embed"

// AssertionSet is the schema of an assertions file. It must not be changed.
//
//go:embed assertionset.json
var AssertionSet []byte
