package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
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
}

// many stands for a number of pods that is not known (R64).
const many = 2

// customKind is what is known of a custom kind.
type customKind struct {
	group, kind string // as references name it; kind in lower case
	output      string // as output names it, if not by kind
	sets        func(o Object) []podSet
	finished    func(o Object) bool
}

// customKinds is R66. Those without sets are links between pods and the
// objects above them alone (R67).
func customKinds() []customKind {
	var out []customKind
	for _, family := range [][]customKind{} {
		out = append(out, family...)
	}
	return out
}

// customKindOf returns what is known of an object's kind, or nil.
func customKindOf(o Object) *customKind {
	group, _, _ := strings.Cut(o.text("apiVersion"), "/")
	kind := strings.ToLower(o.text("kind"))
	for _, k := range customKinds() {
		if k.group == group && k.kind == kind {
			if k.output == "" {
				k.output = k.kind
			}
			return &k
		}
	}
	return nil
}

func (s podSet) instances(base string) []instance {
	var out []instance
	for group := range s.groups {
		for index := s.from; index < s.size; index++ {
			out = append(out, instance{fmt.Sprintf("%s[%d]", base, group*s.size+index), s.labels(group, index)})
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

// over puts label sets over one another, the last one on top.
func over(sets ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// alike is the labels of a set whose pods all have the same.
func alike(l map[string]string) func(group, index int) map[string]string {
	return func(int, int) map[string]string { return l }
}
