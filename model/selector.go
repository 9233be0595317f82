package model

import (
	"slices"
	"strings"
)

// Operator is a label selector operator (R20). The zero value is invalid.
type Operator uint8

// The operators of a Kubernetes label selector.
const (
	In           Operator = iota + 1 // the key is present and its value is one of Values
	NotIn                            // the key is absent, or its value is none of Values
	Exists                           // the key is present
	DoesNotExist                     // the key is absent
)

// Requirement is one term of a Selector. matchLabels k=v is In with one value.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string // In, NotIn: at least one, sorted, without duplicates
}

// Matches reports whether the label set meets r (R20). It does not allocate.
func (r Requirement) Matches(labels map[string]string) bool {
	v, ok := labels[r.Key]
	switch r.Operator {
	case In:
		return ok && slices.Contains(r.Values, v)
	case NotIn:
		return !ok || !slices.Contains(r.Values, v)
	case Exists:
		return ok
	case DoesNotExist:
		return !ok
	}
	return false
}

// Selector is a conjunction of requirements; an empty or nil Selector matches
// everything (R18, R19).
type Selector []Requirement

// Matches reports whether the label set meets every requirement.
func (s Selector) Matches(labels map[string]string) bool {
	for i := range s {
		if !s[i].Matches(labels) {
			return false
		}
	}
	return true
}

// Canonical returns an equal selector with sorted values and requirements and
// without duplicates. Selectors that differ only in order become equal. One
// that is canonical is returned itself.
func (s Selector) Canonical() Selector {
	switch {
	case len(s) == 0:
		return nil
	case s.canonical():
		return s
	}
	out := make(Selector, len(s))
	for i, r := range s {
		v := slices.Clone(r.Values)
		slices.Sort(v)
		out[i] = Requirement{r.Key, r.Operator, slices.Compact(v)}
	}
	slices.SortFunc(out, compareRequirements)
	return slices.CompactFunc(out, func(a, b Requirement) bool { return compareRequirements(a, b) == 0 })
}

func (s Selector) canonical() bool {
	for i := range s {
		for j := 1; j < len(s[i].Values); j++ {
			if s[i].Values[j-1] >= s[i].Values[j] {
				return false
			}
		}
		if i > 0 && compareRequirements(s[i-1], s[i]) >= 0 {
			return false
		}
	}
	return true
}

func compareRequirements(a, b Requirement) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	if a.Operator != b.Operator {
		return int(a.Operator) - int(b.Operator)
	}
	return slices.Compare(a.Values, b.Values)
}

// String renders s in kubectl's syntax: "app=web,tier in (a,b),!legacy". The
// empty selector is "{}".
func (s Selector) String() string {
	if len(s) == 0 {
		return "{}"
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		switch {
		case r.Operator == In && len(r.Values) == 1:
			b.WriteString(r.Key + "=" + r.Values[0])
		case r.Operator == NotIn && len(r.Values) == 1:
			b.WriteString(r.Key + "!=" + r.Values[0])
		case r.Operator == In:
			b.WriteString(r.Key + " in (" + strings.Join(r.Values, ",") + ")")
		case r.Operator == NotIn:
			b.WriteString(r.Key + " notin (" + strings.Join(r.Values, ",") + ")")
		case r.Operator == Exists:
			b.WriteString(r.Key)
		case r.Operator == DoesNotExist:
			b.WriteString("!" + r.Key)
		}
	}
	return b.String()
}

// PodSet selects pods by namespace and labels. The zero PodSet is every pod.
//
// In a Rule it never matches host-network pods (M1); in a question
// (engine.Index.Select) it does.
type PodSet struct {
	Namespace  string   // exactly this namespace; "" means by Namespaces
	Namespaces Selector // on the labels of the Namespace object; used when Namespace is ""
	Pods       Selector // on the labels of the pod
}

// String renders p as an endpoint expression: "ml:app=web", "{team=red}:app=web".
func (p PodSet) String() string {
	pods := ""
	if len(p.Pods) > 0 {
		pods = p.Pods.String()
	}
	switch {
	case p.Namespace != "":
		return p.Namespace + ":" + pods
	case len(p.Namespaces) > 0:
		return "{" + p.Namespaces.String() + "}:" + pods
	case pods == "":
		return "cluster"
	}
	return ":" + pods
}
