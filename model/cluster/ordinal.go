package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// ordinal is which pod of a template an instance is. Only custom resources
// have more than one group.
type ordinal struct{ group, index int }

// hasIndexes reports whether labels tell the pods of w from each other.
func (w *workload) hasIndexes() bool { return w.value.Kind == "statefulset" || w.value.Indexed }

// Where labels hold an index, every pod of the template is an instance, so that
// any selector, also of a question that comes later, finds those that it
// names. These bounds keep that affordable: for one template, and for all
// together, each with an equal share.
const (
	maxIndexes    = 1_000
	maxAllIndexes = 100_000
	// maxNamed is how many numbers that policies name count for each of the two
	// numbers of a custom resource's pods, whose combinations are instances.
	maxNamed = 300
)

// ordinals chooses the pods that are instances.
type ordinals struct {
	limit int
	named map[string]map[string]bool // key of a label -> values that rules name; nil before it is needed
	rules []model.Rule
	short int // templates with more than limit numbered pods
	open  int // sets of a number of numbered pods that is not known
	cut   int // of them, those of which policies name too many
}

func (s *State) ordinals(all []*expansion) *ordinals {
	numbered := 0
	for _, x := range all {
		if x.numbered() {
			numbered++
		}
	}
	return &ordinals{limit: max(2, min(maxIndexes, maxAllIndexes/max(1, numbered))), rules: slices.Concat(s.unmanaged(), s.policies)}
}

// of returns the instances of x, sorted: two for pods that are alike (R64);
// where labels tell pods from each other all, or, beyond the limit, those that
// some rule names and two others (R65).
func (o *ordinals) of(x *expansion) []ordinal {
	if x.set != nil {
		return o.ofSet(x.set)
	}
	var out []ordinal
	for _, i := range o.indexes(x.workload) {
		out = append(out, ordinal{index: i})
	}
	return out
}

func (o *ordinals) indexes(w *workload) []int {
	n, first := podCount(w), int(w.value.FirstOrdinal)
	if !w.hasIndexes() {
		n = min(n, 2)
	}
	if !w.hasIndexes() || n <= o.limit {
		return numbers(first, n)
	}
	o.short++
	var named []int
	for _, key := range []string{statefulSetPodName, podIndex, jobCompletionIndex} {
		for value := range o.names(key) {
			if stem, found := strings.CutPrefix(value, w.name+"-"); found && w.value.Kind == "statefulset" {
				value = stem
			}
			if i, err := strconv.Atoi(value); err == nil {
				named = append(named, i)
			}
		}
	}
	return withOthers(named, first, n)
}

// ofSet is of for a set of pods of a custom resource: groups of pods, which
// labels may tell by the number of the group, of the pod in it, or both.
func (o *ordinals) ofSet(s *manifest.PodSet) []ordinal {
	byGroup, byIndex := false, false
	for _, l := range s.Numbered {
		group, index := l.Value.Has()
		byGroup, byIndex = byGroup || group, byIndex || index
	}
	groups, pods := s.Groups, s.Replicas
	if !byGroup && !byIndex {
		return combined(numbers(0, min(groups, 2)), numbers(s.From, min(pods, 2)), 2)
	}
	if groups <= o.limit && pods <= o.limit && groups*pods <= o.limit {
		return combined(numbers(0, groups), numbers(s.From, pods), o.limit)
	}
	if groups == custom.Many || pods == custom.Many {
		o.open++
	} else {
		o.short++
	}
	var namedGroups, named []int
	for _, l := range s.Numbered {
		for value := range o.names(l.Key) {
			if g, i, ok := l.Value.Match(value); ok {
				namedGroups, named = append(namedGroups, g), append(named, i)
			}
		}
	}
	if byGroup {
		namedGroups = o.few(withOthers(namedGroups, 0, groups))
	} else {
		namedGroups = numbers(0, min(groups, 2))
	}
	if byIndex {
		named = o.few(withOthers(named, s.From, pods))
	} else {
		named = numbers(s.From, min(pods, 2))
	}
	return combined(namedGroups, named, maxAllIndexes)
}

func (o *ordinals) few(n []int) []int {
	if len(n) > maxNamed {
		o.cut++
		n = n[:maxNamed]
	}
	return n
}

// numbers are n numbers from first on.
func numbers(first, n int) []int {
	out := make([]int, 0, max(0, n))
	for i := range n {
		out = append(out, first+i)
	}
	return out
}

// withOthers are those of the named numbers that are among n from first on,
// and two others, sorted.
func withOthers(named []int, first, n int) []int {
	out := slices.DeleteFunc(named, func(i int) bool { return i < first || i >= first+n })
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

// combined are the first pods of the groups, at most so many.
func combined(groups, indexes []int, limit int) []ordinal {
	var out []ordinal
	for _, g := range groups {
		for _, i := range indexes {
			if len(out) < limit {
				out = append(out, ordinal{g, i})
			}
		}
	}
	return out
}

// names returns the values that rules name for a label.
func (o *ordinals) names(key string) map[string]bool {
	if o.named == nil {
		o.named = map[string]map[string]bool{}
		for i := range o.rules {
			for r := range requirements(&o.rules[i]) {
				if o.named[r.Key] == nil {
					o.named[r.Key] = map[string]bool{}
				}
				for _, v := range r.Values {
					o.named[r.Key][v] = true
				}
			}
		}
	}
	return o.named[key]
}

// report says what the limits left out.
func (o *ordinals) report(l *dialect.Ledger) {
	if o.short > 0 {
		l.Assume(fmt.Sprintf("of workloads with more than %d numbered pods, those whose number a policy names and two more stand for all: %d", o.limit, o.short))
	}
	if o.open > 0 {
		l.Assume(fmt.Sprintf("of custom resources with a number of numbered pods that is not known, those whose number a policy names and two more stand for all: %d", o.open))
	}
	if o.cut > 0 {
		l.Assume(fmt.Sprintf("of custom resources of whose numbered pods policies name more than %d, the first of these stand for all: %d", maxNamed, o.cut))
	}
}
