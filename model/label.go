package model

import "strings"

// OpaqueValue is the value of a label that a controller sets and that no input
// says, such as a hash: the key is there, and equal to no literal (R65). It
// holds bytes that label values cannot have, so that no valid selector names
// it, and is longer than they can be, so that it is near to no misspelt one.
// It is never shown.
const OpaqueValue = "\x00 set by a controller: the key is there, and what its value is no selector can know or name"

// UncertainKey is the key of a label that pods have instead of one with the
// given key when the input says neither whether they have that nor with what
// value (R66). Keys have no question mark, so that no valid selector names it.
// It is never shown; UncertainLabel tells what it stands for.
func UncertainKey(key string) string { return uncertainPrefix + key }

// UncertainLabel returns the key of the label that an UncertainKey stands for,
// and false for every other key.
func UncertainLabel(key string) (string, bool) { return strings.CutPrefix(key, uncertainPrefix) }

const uncertainPrefix = "?"
