package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// hasIndexes reports whether labels tell the pods of w from each other.
func (w *workload) hasIndexes() bool { return w.value.Kind == "statefulset" || w.value.Indexed }

// Where labels hold an index, every pod of the template is an instance, so that
// any selector, also of a question that comes later, finds those that it
// names. These bounds keep that affordable: for one workload, and for all
// together, each with an equal share.
const (
	maxIndexes    = 1_000
	maxAllIndexes = 100_000
)

// ordinals chooses the indexes of instances.
type ordinals struct {
	limit int
	named map[string]bool // values of index labels that rules name; nil before it is needed
	rules []model.Rule
	short int // workloads with more than limit indexes
}

func (s *State) ordinals() *ordinals {
	indexed := 0
	for _, w := range s.workloads {
		if w.hasIndexes() && s.expands(w) {
			indexed++
		}
	}
	return &ordinals{limit: max(2, min(maxIndexes, maxAllIndexes/max(1, indexed))), rules: s.policies}
}

// of returns the indexes of the instances of w, sorted: two for pods that are
// alike (R64); where labels tell pods from each other all, or, beyond the
// limit, those that some rule names and two others (R65).
func (o *ordinals) of(w *workload) []int {
	n, first := podCount(w), int(w.value.FirstOrdinal)
	if !w.hasIndexes() {
		n = min(n, 2)
	}
	var out []int
	if !w.hasIndexes() || n <= o.limit {
		for i := range n {
			out = append(out, first+i)
		}
		return out
	}
	o.short++
	for value := range o.names() {
		if stem, found := strings.CutPrefix(value, w.name+"-"); found && w.value.Kind == "statefulset" {
			value = stem
		}
		if i, err := strconv.Atoi(value); err == nil && first <= i && i < first+n {
			out = append(out, i)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	for i, others := first, 0; others < 2 && i < first+n; i++ {
		if at, named := slices.BinarySearch(out, i); !named {
			out = slices.Insert(out, at, i)
			others++
		}
	}
	return out
}

// names returns the values that rules name for a label that holds an index.
func (o *ordinals) names() map[string]bool {
	if o.named != nil {
		return o.named
	}
	o.named = map[string]bool{}
	collect := func(s model.Selector) {
		for _, r := range s {
			if r.Key == statefulSetPodName || r.Key == podIndex || r.Key == jobCompletionIndex {
				for _, v := range r.Values {
					o.named[v] = true
				}
			}
		}
	}
	for i := range o.rules {
		collect(o.rules[i].Subject.Pods)
		for _, p := range o.rules[i].Peer.Pods {
			collect(p.Pods)
		}
	}
	return o.named
}

// report says what the limit left out.
func (o *ordinals) report(l *dialect.Ledger) {
	if o.short > 0 {
		l.Assume(fmt.Sprintf("of workloads with more than %d numbered pods, those whose number a policy names and two more stand for all: %d", o.limit, o.short))
	}
}
