package cluster

import (
	"fmt"
	"maps"
	"slices"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// uncertainLabels are the keys of labels of which the input does not say
// whether pods have them, and with what values (R66), with the objects whose
// pods these are.
type uncertainLabels map[string][]*expansion

// gatherUncertain gathers them from the templates that stand for pods.
func gatherUncertain(all []*expansion) uncertainLabels {
	out := uncertainLabels{}
	for _, x := range all {
		if x.set == nil || len(x.instances) == 0 {
			continue
		}
		for _, key := range x.set.Uncertain {
			out[key] = append(out[key], x)
		}
	}
	return out
}

// split returns a selector without what it asks of uncertain labels, and the
// keys of those.
func (u uncertainLabels) split(s model.Selector) (rest model.Selector, keys []string) {
	for _, r := range s {
		if u[r.Key] == nil {
			rest = append(rest, r)
		} else if !slices.Contains(keys, r.Key) {
			keys = append(keys, r.Key)
		}
	}
	return rest, keys
}

// may are the pods of a set of which it is not known whether they have the
// label that the set asks for, but that fit otherwise.
func may(set model.PodSet, rest model.Selector, key string) model.PodSet {
	set.Pods = append(slices.Clone(rest), model.Requirement{Key: model.UncertainKey(key), Operator: model.Exists})
	return set
}

// doubts are the rules for the connections that uncertain labels decide: as the
// subject of policies all, as a peer those with the subjects (R66).
func (u uncertainLabels) doubts(policies []model.Rule) []model.Rule {
	if len(u) == 0 {
		return nil
	}
	type subject struct {
		object    model.ObjectRef
		direction model.Direction
		key       string
	}
	told := map[subject]bool{}
	var out []model.Rule
	doubt := func(r *model.Rule, key string, subject model.PodSet, peer model.Peer) {
		out = append(out, model.Rule{
			Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled},
			Direction: r.Direction,
			Subject:   subject,
			Peer:      peer,
			Ports:     model.RulePorts{All: true, Other: model.OtherUnspecified},
			Action:    model.Uncertain,
			Object:    r.Object,
			Origin:    r.Origin,
			Note:      fmt.Sprintf("whether %s gives its pods the label %s that %v names is not known (R66)", u.who(key), key, r.Object),
		})
	}
	for i := range policies {
		r := &policies[i]
		rest, keys := u.split(r.Subject.Pods)
		for _, key := range keys {
			if s := (subject{r.Object, r.Direction, key}); !told[s] {
				told[s] = true
				doubt(r, key, may(r.Subject, rest, key), model.Peer{Any: true})
			}
		}
		for _, set := range r.Peer.Pods {
			rest, keys := u.split(set.Pods)
			for _, key := range keys {
				doubt(r, key, r.Subject, model.Peer{Pods: []model.PodSet{may(set, rest, key)}})
			}
		}
	}
	return out
}

// unmanaged adds to the rules for pods that are not managed (R69) those for
// pods of which that is not known.
func (u uncertainLabels) unmanaged(rules []model.Rule) []model.Rule {
	var out []model.Rule
	for _, r := range rules {
		rest, keys := u.split(r.Subject.Pods)
		sure := r
		sure.Subject.Pods = slices.Clone(r.Subject.Pods)
		for _, key := range keys {
			sure.Subject.Pods = append(sure.Subject.Pods, model.Requirement{Key: model.UncertainKey(key), Operator: model.DoesNotExist})
			maybe := r
			maybe.Rank.Priority, maybe.Action, maybe.Ports.Other = model.PriorityNotModelled, model.Uncertain, model.OtherUnspecified
			maybe.Subject = may(r.Subject, rest, key)
			maybe.Note = fmt.Sprintf("whether %s gives its pods the label %s, by which pods are not managed, is not known (R66)", u.who(key), key)
			out = append(out, maybe)
		}
		out = append(out, sure)
	}
	return out
}

// who names the objects whose pods may have the label.
func (u uncertainLabels) who(key string) string {
	x := u[key][0]
	first := model.ObjectRef{Kind: x.value.Custom.Row.Kind, Namespace: x.namespace, Name: x.workload.name}.String()
	others := map[*workload]bool{}
	for _, x := range u[key] {
		others[x.workload] = true
	}
	if n := len(others) - 1; n > 0 {
		return fmt.Sprintf("%s (and %d more)", first, n)
	}
	return first
}

// report tells which policies name uncertain labels, once for each policy and
// kind of object.
func (u uncertainLabels) report(policies []model.Rule, l *dialect.Ledger) {
	if len(u) == 0 {
		return
	}
	type use struct {
		object model.ObjectRef
		kind   string
	}
	told := map[use]bool{}
	for i := range policies {
		rule := &policies[i]
		for r := range requirements(rule) {
			kinds := map[string]bool{}
			for _, x := range u[r.Key] {
				kinds[x.value.Custom.Row.Kind] = true
			}
			for _, kind := range slices.Sorted(maps.Keys(kinds)) {
				if told[use{rule.Object, kind}] {
					continue
				}
				told[use{rule.Object, kind}] = true
				l.Report(dialect.Diagnostic{
					Code: dialect.CodeUnknownPods, Origin: rule.Origin, Object: rule.Object,
					Message: fmt.Sprintf("%v selects by %s; whether pods of a %s have that label, and with what value, cannot be known; what the policy says of them is uncertain", rule.Object, r.Key, kind),
				})
			}
		}
	}
}
