package cluster

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// reportUnlisted says that a controller makes pods of an ignored object.
func (s *State) reportUnlisted(o manifest.Object) {
	if _, ok := o.Value.(*manifest.Unlisted); !ok {
		return
	}
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeUnknownPods, Origin: o.Origin, Object: o.Ref(),
		Message: fmt.Sprintf("pods of %v cannot be known: what a controller makes of a %s (%s) is not in the table; add a row under workloads in podreach.yaml", o.Ref(), o.Kind, o.APIVersion),
	})
}

// reportUnknown says what of the pods of a custom resource cannot be known.
func (s *State) reportUnknown(w *workload) {
	c := w.value.Custom
	ref := model.ObjectRef{Kind: c.Row.Kind, Namespace: w.namespace, Name: w.name}
	report := func(format string, args ...any) {
		s.ledger.Report(dialect.Diagnostic{Code: dialect.CodeUnknownPods, Origin: w.origin, Object: ref, Message: fmt.Sprintf(format, args...)})
	}
	if c.Unknown != "" {
		which := "pods"
		if len(c.Sets) > 0 {
			which = "some pods"
		}
		report("%s of %v cannot be known: %s", which, ref, c.Unknown)
	}
	var reasons []string
	for i := range c.Sets {
		if why := c.Sets[i].Incomplete; why != "" && !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	if len(reasons) > 0 {
		report("named ports of pods of %v cannot be known: %s", ref, strings.Join(reasons, "; "))
	}
}

// reportAbsent says of rows of a configuration that they find no pods in any
// object of their kind: likely a path is wrong.
func (s *State) reportAbsent() {
	first, count, found := map[*custom.Row]*workload{}, map[*custom.Row]int{}, map[*custom.Row]bool{}
	var rows []*custom.Row
	for _, w := range s.workloads {
		c := w.value.Custom
		switch {
		case c == nil:
		case !c.Absent:
			found[c.Row] = true
		default:
			if count[c.Row]++; first[c.Row] == nil {
				first[c.Row] = w
				rows = append(rows, c.Row)
			}
		}
	}
	for _, row := range rows {
		if w := first[row]; !found[row] {
			s.ledger.Report(dialect.Diagnostic{
				Code: dialect.CodeUnknownPods, Origin: w.origin, Object: model.ObjectRef{Kind: row.Kind, Namespace: w.namespace, Name: w.name},
				Message: fmt.Sprintf("the templates of the row for %s lead to nothing in any of %d objects of the kind; is a path wrong? If such objects have no pods, say so in the row with when", row.GVK(), count[row]),
			})
		}
	}
}

// reportControllerLabels tells which policies select by labels that pods have
// only from the controllers of custom resources: these facts are the table's,
// not the input's, and depend on versions (R66). A value that nobody knows is
// taken to be none that a policy names (R65); if one does, that is a warning.
func (s *State) reportControllerLabels(all []*expansion) {
	adders := map[string][]*custom.Row{} // key of a label -> who adds it
	opaque := map[string]bool{}          // keys with a value that is not known
	for _, x := range all {
		if x.set == nil || len(x.instances) == 0 {
			continue
		}
		for _, key := range x.set.Added {
			opaque[key] = opaque[key] || x.set.Template.Labels[key] == model.OpaqueValue
			if row := x.value.Custom.Row; !slices.Contains(adders[key], row) {
				adders[key] = append(adders[key], row)
			}
		}
	}
	if len(adders) == 0 {
		return
	}
	type use struct {
		object model.ObjectRef
		key    string
	}
	told := map[use]bool{}
	used := map[*custom.Row]map[string]bool{}
	for i := range s.policies {
		rule := &s.policies[i]
		for r := range requirements(rule) {
			rows := adders[r.Key]
			if len(rows) == 0 || told[use{rule.Object, r.Key}] {
				continue
			}
			told[use{rule.Object, r.Key}] = true
			var kinds []string
			for _, row := range rows {
				kinds = append(kinds, row.Kind)
				if used[row] == nil {
					used[row] = map[string]bool{}
				}
				used[row][r.Key] = true
			}
			slices.Sort(kinds)
			d := dialect.Diagnostic{
				Code: dialect.CodeControllerLabel, Origin: rule.Origin, Object: rule.Object,
				Message: fmt.Sprintf("%v selects by %s, a label that only the controller of %s adds", rule.Object, r.Key, strings.Join(slices.Compact(kinds), ", ")),
			}
			if opaque[r.Key] && len(r.Values) > 0 {
				d.Code = dialect.CodeUnknownPods
				d.Message += "; what its value is cannot be known, it is taken to be none that the policy names"
			}
			s.ledger.Report(d)
		}
	}
	var lines []string
	for row, keys := range used {
		source := row.Source()
		if source == "" {
			source = "the configuration"
		}
		lines = append(lines, fmt.Sprintf("labels that the %s controller adds (%s) are taken from %s", row.Kind, strings.Join(slices.Sorted(maps.Keys(keys)), ", "), source))
	}
	slices.Sort(lines)
	for _, line := range lines {
		s.ledger.Assume(line)
	}
}

// requirements are those of the selectors of pods in a rule.
func requirements(r *model.Rule) iter.Seq[model.Requirement] {
	return func(yield func(model.Requirement) bool) {
		for _, q := range r.Subject.Pods {
			if !yield(q) {
				return
			}
		}
		for _, p := range r.Peer.Pods {
			for _, q := range p.Pods {
				if !yield(q) {
					return
				}
			}
		}
	}
}
