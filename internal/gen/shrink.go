package gen

import (
	"maps"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podreach/podreach/model"
)

// maxTries is how often Shrink asks.
const maxTries = 3000

// Shrink takes away from a copy of c whatever it can while fails still says
// yes: objects first, then what is in them (rules, peers, ports, requirements,
// labels, containers, addresses, ...) and of the configuration, level by level.
// Kinds, names and what else makes an object the object it is stay, and fields
// that say the same thing twice keep doing so. The result has no Features; it
// is the same each time. fails is asked at most maxTries times and must not
// change the cluster.
func Shrink(c *Cluster, fails func(*Cluster) bool) *Cluster {
	s := &shrinker{c: clone(reflect.ValueOf(*c)).Interface().(Cluster), fails: fails, tries: maxTries}
	s.c.Features = nil
	for s.progress = true; s.progress; {
		s.progress = false
		level := s.fields(reflect.ValueOf(&s.c).Elem())
		for len(level) > 0 {
			var next []place
			for _, p := range level {
				next = append(next, s.reduce(p)...)
			}
			level = next
		}
	}
	agree(&s.c)
	return &s.c
}

type shrinker struct {
	c        Cluster
	fails    func(*Cluster) bool
	tries    int
	progress bool
}

// place is a value in the cluster and how to replace it.
type place struct {
	value reflect.Value
	set   func(reflect.Value)
	keep  bool // it may not be emptied, only what is in it
}

// at is the place of a variable. Structs are not emptied as a whole, so that
// their fields can be set where they are.
func at(v reflect.Value, keep bool) place {
	if v.Kind() == reflect.Struct {
		return place{v, v.Set, true}
	}
	now := reflect.New(v.Type()).Elem()
	now.Set(v)
	return place{now, v.Set, keep}
}

// try replaces the value of a place, and takes that back when the cluster does
// not fail any more.
func (s *shrinker) try(p *place, value reflect.Value) bool {
	if s.tries == 0 {
		return false
	}
	s.tries--
	p.set(value)
	agree(&s.c)
	if s.fails(&s.c) {
		p.value = value
		s.progress = true
		return true
	}
	p.set(p.value)
	return false
}

// reduce empties a place if it can, else makes it smaller, and returns the
// places in what is left.
func (s *shrinker) reduce(p place) []place {
	if p.value.IsZero() {
		return nil
	}
	if !p.keep && s.try(&p, reflect.Zero(p.value.Type())) {
		return nil
	}
	switch p.value.Kind() {
	case reflect.Pointer:
		return []place{at(p.value.Elem(), true)}
	case reflect.Interface: // of an object as JSON decodes to
		return []place{{p.value.Elem(), p.set, true}}
	case reflect.Struct:
		return s.fields(p.value)
	case reflect.Slice:
		return s.slice(&p)
	case reflect.Map:
		return s.entries(&p)
	}
	return nil
}

// atomic are the types that make no sense by halves.
var atomic = map[reflect.Type]bool{
	reflect.TypeFor[metav1.TypeMeta](): true, reflect.TypeFor[metav1.OwnerReference](): true, reflect.TypeFor[metav1.Time](): true,
	reflect.TypeFor[intstr.IntOrString](): true, reflect.TypeFor[corev1.NodeAddress](): true, reflect.TypeFor[corev1.PodIP](): true,
	reflect.TypeFor[corev1.HostIP](): true,
}

// kept are the fields without which a value would be no such value.
var kept = map[reflect.Type][]string{
	reflect.TypeFor[metav1.ObjectMeta]():               {"Name", "GenerateName"},
	reflect.TypeFor[metav1.LabelSelectorRequirement](): {"Key", "Operator"},
	reflect.TypeFor[networkingv1.IPBlock]():            {"CIDR"},
	reflect.TypeFor[corev1.ContainerPort]():            {"ContainerPort"},
	reflect.TypeFor[corev1.Container]():                {"Name"},
	reflect.TypeFor[Workload]():                        {"Kind", "Name"},
	reflect.TypeFor[model.Requirement]():               {"Key", "Operator"},
}

// keptKeys are the same in objects as JSON decodes to.
var keptKeys = []string{"apiVersion", "kind", "metadata", "name", "generateName", "key", "operator", "containerPort"}

// fields are the places of a struct that may change.
func (s *shrinker) fields(v reflect.Value) []place {
	t := v.Type()
	if atomic[t] {
		return nil
	}
	var out []place
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || atomic[f.Type] && f.Type.Kind() == reflect.Struct || slices.Contains(kept[t], f.Name) {
			continue
		}
		p := at(v.Field(i), false)
		switch x := v.Addr().Interface().(type) {
		case *Workload: // only a ReplicationController can be without one
			p.keep = p.keep || f.Name == "Template" && x.Kind != "replicationcontroller"
		case *Custom:
			p.keep = true
		case *model.Requirement:
			p.keep = p.keep || f.Name == "Values"
		case *corev1.PodStatus: // see agree
			if f.Name == "PodIP" && len(x.PodIPs) > 0 || f.Name == "HostIP" && len(x.HostIPs) > 0 {
				continue
			}
		case *corev1.NodeSpec:
			if f.Name == "PodCIDR" && len(x.PodCIDRs) > 0 {
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// slice takes elements away, half of them at a time, a quarter, and so on.
func (s *shrinker) slice(p *place) []place {
	for size := (p.value.Len() + 1) / 2; size > 0; size /= 2 {
		for from := 0; from < p.value.Len(); {
			end := min(from+size, p.value.Len())
			if end-from == p.value.Len() && p.keep {
				break
			}
			rest := reflect.MakeSlice(p.value.Type(), 0, p.value.Len())
			rest = reflect.AppendSlice(rest, p.value.Slice(0, from))
			rest = reflect.AppendSlice(rest, p.value.Slice(end, p.value.Len()))
			if !s.try(p, rest) {
				from = end
			}
		}
	}
	var out []place
	for i := range p.value.Len() {
		out = append(out, at(p.value.Index(i), true))
	}
	return out
}

// entries takes the entries of a map away, one at a time.
func (s *shrinker) entries(p *place) []place {
	var out []place
	m := p.value
	_, typed := m.Interface().(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(keys(m))) {
		key := reflect.ValueOf(name).Convert(m.Type().Key())
		entry := place{m.MapIndex(key), func(v reflect.Value) { m.SetMapIndex(key, v) }, true}
		if !typed && slices.Contains(keptKeys, name) {
			out = append(out, entry)
			continue
		}
		if s.tries == 0 {
			return nil
		}
		s.tries--
		m.SetMapIndex(key, reflect.Value{})
		agree(&s.c)
		if s.fails(&s.c) {
			s.progress = true
			continue
		}
		m.SetMapIndex(key, entry.value)
		if !typed {
			out = append(out, entry)
		}
	}
	return out
}

func keys(m reflect.Value) map[string]bool {
	out := map[string]bool{}
	for _, k := range m.MapKeys() {
		out[k.String()] = true
	}
	return out
}

// agree makes the fields that say one thing twice say the same.
func agree(c *Cluster) {
	for i := range c.Pods {
		s := &c.Pods[i].Status
		if len(s.PodIPs) > 0 {
			s.PodIP = s.PodIPs[0].IP
		}
		if len(s.HostIPs) > 0 {
			s.HostIP = s.HostIPs[0].IP
		}
	}
	for i := range c.Nodes {
		if s := &c.Nodes[i].Spec; len(s.PodCIDRs) > 0 {
			s.PodCIDR = s.PodCIDRs[0]
		}
	}
}

// clone copies a value with all that it points to. Values without exported
// fields, such as times, are copied as they are.
func clone(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			break
		}
		if inner := clone(v.Elem()); v.Kind() == reflect.Interface {
			out.Set(inner)
		} else {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(inner)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(clone(v.Field(i)))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(clone(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for _, k := range v.MapKeys() {
			out.SetMapIndex(k, clone(v.MapIndex(k)))
		}
	}
	return out
}
