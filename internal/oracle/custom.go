package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Object is a custom object (R66), as JSON or YAML decodes to.
type Object map[string]any

// podSet is the pods of one template of a custom object: groups of pods that
// differ by their group and index, if they differ.
type podSet struct {
	name     string // base of the instances' names
	template corev1.PodTemplateSpec
	groups   int
	size     int // pods of a group: indexes from..size-1
	from     int
	// labels are those of the pod with an index in a group. If indexed is set
	// they tell the pods apart, and each is an instance of its own.
	labels  func(group, index int) map[string]string
	indexed bool
	// incomplete: not all containers are in the object, so that a port may have
	// any name that is not among those of template.
	incomplete bool
}

// many stands for a number of pods, or of groups, that is not known (R64).
const many = 1 << 30

// customKind is what is known of a custom kind.
type customKind struct {
	group, version, kind string // without a version: of any
	output               string // as output names it, if not by the kind in lower case
	sets                 func(o Object) []podSet
	finished             func(o Object) bool
	unknown              func(o Object) bool // it has pods beside those of sets that cannot be known
}

// customKinds is R66. Those without sets are links between pods and the
// objects above them alone (R67).
func customKinds() []customKind {
	var out []customKind
	for _, family := range [][]customKind{jobSetKinds, rayKinds, kubeflowKinds, leaderWorkerSetKinds, volcanoKinds, kserveKinds, knativeKinds, sparkKinds, argoKinds, kubevirtKinds, prometheusKinds, kruiseKinds} {
		out = append(out, family...)
	}
	return out
}

// customKindOf returns what is known of an object's kind, or nil.
func customKindOf(o Object) *customKind {
	group, version, _ := strings.Cut(o.text("apiVersion"), "/")
	for _, k := range customKinds() {
		if k.group == group && k.kind == o.text("kind") && (k.version == "" || k.version == version) {
			if k.output == "" {
				k.output = strings.ToLower(k.kind)
			}
			return &k
		}
	}
	return nil
}

// instances returns the pods of a set: where they are alike two of them, if
// they are numbered all, or, where their number is not known, those that a
// selector names and two others (R65, R66).
func (s podSet) instances(base string, terms []term) []instance {
	groups, indexes := counted(0, min(s.groups, 2)), counted(s.from, min(s.size, s.from+2))
	if s.indexed {
		if s.groups >= many || s.size >= many {
			groups, indexes = s.named(terms)
		} else {
			groups, indexes = counted(0, s.groups), counted(s.from, s.size)
		}
	}
	var out []instance
	for _, group := range groups {
		for _, index := range indexes {
			name := fmt.Sprintf("%s[%d]", base, group*s.size+index)
			switch {
			case s.size < many:
			case s.groups == 1:
				name = fmt.Sprintf("%s[%d]", base, index)
			default:
				name = fmt.Sprintf("%s[%d.%d]", base, group, index)
			}
			out = append(out, instance{name, s.labels(group, index)})
		}
	}
	if !s.indexed && len(out) > 2 {
		out = out[:2]
	}
	if len(out) == 1 {
		out[0].name = base
	}
	return out
}

// counted are the numbers from first on that are less than end.
func counted(first, end int) []int {
	var out []int
	for n := first; n < end; n++ {
		out = append(out, n)
	}
	return out
}

// probed is how far numbers are looked at of which there may be any: what the
// selectors of tests name is less.
const probed = 12

// named returns the groups, and the indexes of pods in a group, that selectors
// name by a label that holds the number, and two others of each.
func (s podSet) named(terms []term) (groups, indexes []int) {
	endOfGroups, end := min(s.groups, probed), min(s.size, s.from+probed)
	byGroup, byIndex := map[int]bool{}, map[int]bool{}
	first, nextGroup, nextIndex := s.labels(0, s.from), s.labels(1, s.from), s.labels(0, s.from+1)
	for _, group := range counted(0, endOfGroups) {
		for _, index := range counted(s.from, end) {
			l := s.labels(group, index)
			for _, t := range terms {
				if !slices.Contains(t.values, l[t.key]) {
					continue
				}
				byGroup[group] = byGroup[group] || first[t.key] != nextGroup[t.key]
				byIndex[index] = byIndex[index] || first[t.key] != nextIndex[t.key]
			}
		}
	}
	return andTwo(byGroup, 0, endOfGroups, maps.Equal(first, nextGroup)), andTwo(byIndex, s.from, end, maps.Equal(first, nextIndex))
}

// andTwo returns the named numbers of first to end, and two others; only two
// numbers where no label tells pods apart by it.
func andTwo(named map[int]bool, first, end int, alike bool) []int {
	if alike {
		return counted(first, min(end, first+2))
	}
	var out []int
	others := 0
	for _, n := range counted(first, end) {
		if !named[n] {
			others++
		}
		if named[n] || others <= 2 {
			out = append(out, n)
		}
	}
	return out
}

// at returns what a path of keys leads to, or nil.
func (o Object) at(path ...string) any {
	var v any = map[string]any(o)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (o Object) has(path ...string) bool { return o.at(path...) != nil }

// text returns a text, or "".
func (o Object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return s
}

func (o Object) is(path ...string) bool {
	b, _ := o.at(path...).(bool)
	return b
}

// number returns a number, or otherwise where there is none.
func (o Object) number(otherwise int, path ...string) int {
	if v := o.at(path...); v != nil {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil {
			f, _ := strconv.ParseFloat(fmt.Sprint(v), 64)
			n = int(f)
		}
		return n
	}
	return otherwise
}

// object returns the part of an object that a path leads to.
func (o Object) object(path ...string) Object {
	m, _ := o.at(path...).(map[string]any)
	return m
}

// list returns the members of a list.
func (o Object) list(path ...string) []Object {
	var out []Object
	items, _ := o.at(path...).([]any)
	for _, item := range items {
		m, _ := item.(map[string]any)
		out = append(out, m)
	}
	return out
}

func (o Object) stringMap(path ...string) map[string]string {
	out := map[string]string{}
	for k, v := range o.object(path...) {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

func (o Object) name() string { return o.text("metadata", "name") }

// named returns the object with its namespace, and with a name that stands for
// the one that the API server will generate. No selector can name that: label
// values have no asterisk, so what a controller makes of it is opaque (R66).
func (o Object) named(namespace string, generated map[string]int) Object {
	meta := maps.Clone(o.object("metadata"))
	meta["namespace"] = namespace
	if o.name() == "" {
		name := o.text("metadata", "generateName") + "*"
		key := o.text("kind") + " " + name
		if generated[key]++; generated[key] > 1 {
			name += strconv.Itoa(generated[key])
		}
		meta["name"] = name
	}
	out := maps.Clone(o)
	out["metadata"] = map[string]any(meta)
	return out
}

// template returns the pod template that a path leads to.
func (o Object) template(path ...string) (out corev1.PodTemplateSpec) {
	o.decode(&out, path...)
	return out
}

// podSpec returns a template around the bare pod spec that a path leads to.
func (o Object) podSpec(path ...string) (out corev1.PodTemplateSpec) {
	o.decode(&out.Spec, path...)
	return out
}

func (o Object) decode(into any, path ...string) {
	b, err := json.Marshal(o.at(path...))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		panic(fmt.Sprintf("oracle: %s: %v", strings.Join(path, "."), err))
	}
}

// controller returns the reference to the object's controller, or nil.
func (o Object) controller() *metav1.OwnerReference {
	var m metav1.ObjectMeta
	o.decode(&m.OwnerReferences, "metadata", "ownerReferences")
	return metav1.GetControllerOf(&m)
}

// condition reports whether the status has a condition of one of some types
// that is "True".
func (o Object) condition(types ...string) bool {
	for _, c := range o.list("status", "conditions") {
		if c.text("status") == "True" && slices.Contains(types, c.text("type")) {
			return true
		}
	}
	return false
}

// over puts label sets over one another, the last one on top.
func over(sets ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// uncertains are labels of which the object does not say whether pods have them,
// and with what values (R66).
func uncertains(keys ...string) map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		out[k] = uncertain
	}
	return out
}

// missing adds the labels that l lacks.
func missing(l map[string]string, add map[string]string) map[string]string {
	return over(add, l)
}

// opaques are labels whose values cannot be known (R65).
func opaques(keys ...string) map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		out[k] = opaque
	}
	return out
}

// jobLabels are what the pods of a batch Job get: added where the template
// lacks them, and those that cannot be known.
func jobLabels(l map[string]string, job string) map[string]string {
	l = missing(l, map[string]string{"batch.kubernetes.io/job-name": job, "job-name": job})
	return over(l, opaques("batch.kubernetes.io/controller-uid", "controller-uid"))
}

// statefulSetLabels are what the pods of a StatefulSet get.
func statefulSetLabels(l map[string]string, pod string, ordinal int) map[string]string {
	return over(l, map[string]string{
		"statefulset.kubernetes.io/pod-name": pod, "apps.kubernetes.io/pod-index": strconv.Itoa(ordinal),
	}, opaques("controller-revision-hash"))
}

// withPort returns the template with a container port that the controller
// declares, unless a container has one of that name.
func withPort(t corev1.PodTemplateSpec, name string, number int32) corev1.PodTemplateSpec {
	for _, c := range t.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name {
				return t
			}
		}
	}
	t.Spec.Containers = append(slices.Clone(t.Spec.Containers), corev1.Container{Ports: []corev1.ContainerPort{{Name: name, ContainerPort: number, Protocol: corev1.ProtocolTCP}}})
	return t
}

// alike is the labels of a set whose pods all have the same.
func alike(l map[string]string) func(group, index int) map[string]string {
	return func(int, int) map[string]string { return l }
}
