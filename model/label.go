package model

import (
	"slices"
	"strings"
)

// OpaqueValue is the value of a label that a controller sets and that no input
// says, such as a hash: the key is there, and equal to no literal (R65). It
// holds bytes that label values cannot have, so that no valid selector names
// it, and is longer than they can be, so that it is near to no misspelt one.
// It is never shown.
const OpaqueValue = "\x00 set by a controller: the key is there, and what its value is no selector can know or name"

// UncertainKey is the key of a label that pods have instead of one with the
// given key when the input says neither whether they have that nor with what
// value (R66). Its value is "", or what the unknown value begins with: then the
// label is there, and beside this one with OpaqueValue. Keys have no question
// mark, so that no valid selector names it. It is never shown; UncertainLabel
// tells what it stands for.
func UncertainKey(key string) string { return uncertainPrefix + key }

// UncertainLabel returns the key of the label that an UncertainKey stands for,
// and false for every other key.
func UncertainLabel(key string) (string, bool) { return strings.CutPrefix(key, uncertainPrefix) }

// MaxBeginning is how long the beginning of an uncertain value may be: longer
// names are shortened by controllers, so that it would not be the beginning.
const MaxBeginning = 40

// Undecided returns the requirement that pods meet of whose labels it is not
// known whether they meet r (R66): those with an uncertain label of its key,
// whose beginning, if it has one, is that of one of the values. Cost:
// O(MaxBeginning) for each value of r.
func Undecided(r Requirement) Requirement {
	values := []string{""}
	for _, v := range r.Values {
		for n := 1; n <= min(len(v), MaxBeginning); n++ {
			values = append(values, v[:n])
		}
	}
	slices.Sort(values)
	return Requirement{Key: UncertainKey(r.Key), Operator: In, Values: slices.Compact(values)}
}

const uncertainPrefix = "?"

// UnmanagedLabel is the key of the label that pods have in whose place the
// network plugin sees something else (R69, Cilium): UnmanagedYes, or
// UnmanagedMaybe where the input does not say which pods these are. Keys have no
// exclamation mark, so that no valid selector names it. It is never shown.
const (
	UnmanagedLabel = "!unmanaged"
	UnmanagedYes   = "yes"
	UnmanagedMaybe = "maybe"
)
