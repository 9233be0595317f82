package model

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Delta is how one snapshot of a cluster differs from another: what
// engine.Index.Apply takes. Pods and policies are named, so that the order of
// a snapshot's lists is of no account. The zero Delta is no change. It must
// not be changed after it was applied.
type Delta struct {
	Gone     []PodName      // pods that are no more; a name that no pod has is passed over
	Pods     []Pod          // new ones, and those that take the place of the pod of their name; of two with one name the last counts
	Policies []PolicyChange // of objects; of two changes of one object the last counts
	// Rest is set when anything else differs. It then has the namespaces, the
	// nodes, the rules that come from no object, the ranges and the domains as
	// they are now; its Pods are not looked at, nor its rules of objects.
	Rest *Snapshot
}

// PodName names a pod.
type PodName struct{ Namespace, Name string }

// PolicyChange is the rules of one object as they are now: none when it is
// gone.
type PolicyChange struct {
	Object ObjectRef // not the zero one
	Rules  []Rule    // of this object
}

// Validate checks that changes of policies are of objects, each with its own
// rules: what else they would take away or leave behind nobody could tell.
func (d *Delta) Validate() error {
	for i := range d.Policies {
		c := &d.Policies[i]
		if c.Object == (ObjectRef{}) {
			return errors.New("model: a change of policies names no object")
		}
		for j := range c.Rules {
			if o := c.Rules[j].Object; o != c.Object {
				return fmt.Errorf("model: a change of %v has a rule of %v", c.Object, o)
			}
		}
	}
	return nil
}

// Difference returns what takes before to after. Cost: O(pods + nodes +
// rules), by reflection: for tests, and for callers that have two snapshots
// anyway.
func Difference(before, after *Snapshot) Delta {
	var d Delta
	old := make(map[PodName]*Pod, len(before.Pods))
	for i := range before.Pods {
		if p := &before.Pods[i]; !p.Hole() {
			old[PodName{p.Namespace, p.Name}] = p
		}
	}
	for i := range after.Pods {
		p := &after.Pods[i]
		if p.Hole() {
			continue
		}
		name := PodName{p.Namespace, p.Name}
		if o := old[name]; o == nil || !reflect.DeepEqual(o, p) {
			d.Pods = append(d.Pods, *p)
		}
		delete(old, name)
	}
	for i := range before.Pods {
		name := PodName{before.Pods[i].Namespace, before.Pods[i].Name}
		if old[name] != nil {
			d.Gone = append(d.Gone, name)
		}
	}
	was, is := before.byObject(), after.byObject()
	for _, o := range slices.Concat(before.objects(), after.objects()) {
		if rules, ok := is[o]; (ok || was[o] != nil) && !reflect.DeepEqual(was[o], rules) {
			d.Policies = append(d.Policies, PolicyChange{o, rules})
		}
		delete(was, o)
		delete(is, o)
	}
	if !reflect.DeepEqual(before.rest(), after.rest()) {
		d.Rest = after.rest()
	}
	return d
}

// objects lists what the rules come from, in the order of the rules.
func (s *Snapshot) objects() []ObjectRef {
	seen := map[ObjectRef]bool{{}: true}
	var out []ObjectRef
	for i := range s.Rules {
		if o := s.Rules[i].Object; !seen[o] {
			seen[o] = true
			out = append(out, o)
		}
	}
	return out
}

func (s *Snapshot) byObject() map[ObjectRef][]Rule {
	out := map[ObjectRef][]Rule{}
	for i := range s.Rules {
		if r := &s.Rules[i]; r.Object != (ObjectRef{}) {
			out[r.Object] = append(out[r.Object], *r)
		}
	}
	return out
}

// rest is the snapshot without pods and without rules of objects.
func (s *Snapshot) rest() *Snapshot {
	out := *s
	out.Pods, out.Rules = nil, nil
	for i := range s.Rules {
		if s.Rules[i].Object == (ObjectRef{}) {
			out.Rules = append(out.Rules, s.Rules[i])
		}
	}
	return &out
}

// After returns the snapshot that d makes of s. Pods that stay keep their
// index; the places of those that are gone are filled with new ones, or become
// holes. Cost: O(pods + rules).
func (s *Snapshot) After(d *Delta) *Snapshot {
	out := *s
	if d.Rest != nil {
		out = *d.Rest
	}
	out.Pods = slices.Clone(s.Pods)
	at := make(map[PodName]int, len(s.Pods))
	var holes []int
	for i := range out.Pods {
		if p := &out.Pods[i]; p.Hole() {
			holes = append(holes, i)
		} else {
			at[PodName{p.Namespace, p.Name}] = i
		}
	}
	for _, name := range d.Gone {
		if i, ok := at[name]; ok {
			out.Pods[i] = Pod{Dormant: true}
			holes = append(holes, i)
			delete(at, name)
		}
	}
	for i := range d.Pods {
		name := PodName{d.Pods[i].Namespace, d.Pods[i].Name}
		k, ok := at[name]
		if !ok {
			if n := len(holes); n > 0 {
				k, holes = holes[n-1], holes[:n-1]
			} else {
				k = len(out.Pods)
				out.Pods = append(out.Pods, Pod{})
			}
			at[name] = k
		}
		out.Pods[k] = d.Pods[i]
	}
	changed := make(map[ObjectRef][]Rule, len(d.Policies))
	for _, c := range d.Policies {
		changed[c.Object] = c.Rules
	}
	out.Rules = nil
	for i := range s.Rules {
		r := &s.Rules[i]
		if _, ok := changed[r.Object]; !ok && (r.Object != (ObjectRef{}) || d.Rest == nil) {
			out.Rules = append(out.Rules, *r)
		}
	}
	if d.Rest != nil {
		for i := range d.Rest.Rules {
			if d.Rest.Rules[i].Object == (ObjectRef{}) {
				out.Rules = append(out.Rules, d.Rest.Rules[i])
			}
		}
	}
	for _, c := range d.Policies {
		out.Rules = append(out.Rules, changed[c.Object]...)
		delete(changed, c.Object)
	}
	return &out
}
