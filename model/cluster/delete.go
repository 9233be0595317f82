package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Delete takes objects out, and with them what the cluster would collect
// (R139): what they own, what is in a namespace, the pods of a node. When a
// target does not exist the error, a *TargetError, names the nearest, and
// nothing is deleted. It costs O(targets x objects).
func (s *State) Delete(targets ...Target) error {
	s.settleMode()
	d := deletion{State: s, gone: map[identity]bool{}}
	for _, t := range targets {
		found, err := s.resolve(t)
		if err != nil {
			return err
		}
		for _, id := range found {
			d.gone[id] = true
			ref := model.ObjectRef{Kind: id.kind, Namespace: id.namespace, Name: id.name}
			if change := "deleted " + ref.String(); !slices.Contains(s.changes, change) {
				s.changes = append(s.changes, change)
			}
		}
	}
	d.named()
	d.scopes()
	for range maxOwners {
		if !d.collect() {
			break
		}
	}
	if text := d.with.String(); text != "" {
		s.changes = append(s.changes, "with what is deleted goes: "+text)
	}
	d.renew()
	return nil
}

// deletion is one Delete.
type deletion struct {
	*State
	gone map[identity]bool // what was named, and owners that the input knows by name only
	with tally             // what went along
	lost []*object         // pods that went although their owners stay
}

// remove takes an object and all others of its identity out.
func (s *State) remove(o *object) {
	o.gone = true
	if id, ok := s.identity(&o.Object); ok {
		for t := s.at[id]; t != nil; t = t.twin {
			t.gone = true
		}
		delete(s.at, id)
	}
}

// named removes the objects that were named.
func (d *deletion) named() {
	for id := range d.gone {
		if o := d.at[id]; o != nil {
			if _, ok := o.Value.(*manifest.Pod); ok {
				d.lost = append(d.lost, o)
			}
			d.dismiss(o)
		}
	}
	slices.SortFunc(d.lost, func(a, b *object) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}

// scopes removes what is in a deleted namespace, and the pods of a deleted
// node (pkg/controller/podgc/gc_controller.go, "orphaned pods").
func (d *deletion) scopes() {
	for o := range d.live() {
		pod, isPod := o.Value.(*manifest.Pod)
		switch {
		case d.gone[identity{"", "Namespace", "", d.namespace(&o.Object)}] && (o.Namespace != "" || known(o.Value)):
		case isPod && d.onDeletedNode(pod):
			d.lost = append(d.lost, o)
		default:
			continue
		}
		d.take(o)
	}
}

func (d *deletion) onDeletedNode(p *manifest.Pod) bool {
	return p.Spec.NodeName != "" && d.gone[identity{"", "Node", "", p.Spec.NodeName}]
}

// known reports whether the analysis knows the kind of an object, and so that
// it has a namespace.
func known(value any) bool {
	switch value.(type) {
	case *manifest.Pod, *manifest.Workload, *policy:
		return true
	}
	return false
}

func (d *deletion) take(o *object) {
	d.with.add(o.Kind)
	if id, ok := d.identity(&o.Object); ok {
		d.gone[id] = true
	}
	d.dismiss(o)
}

// dismiss removes an object. The node of a pod stays, if it was there.
func (d *deletion) dismiss(o *object) {
	d.remove(o)
	pod, ok := o.Value.(*manifest.Pod)
	o.left = ok && !o.planned && !d.onDeletedNode(pod)
}

// collect removes what only deleted objects own, and reports whether there was
// anything.
func (d *deletion) collect() bool {
	some := false
	for o := range d.live() {
		refs := ownersOf(o)
		if len(refs) == 0 {
			continue
		}
		namespace := d.namespace(&o.Object)
		orphan := !slices.ContainsFunc(refs, func(r manifest.OwnerReference) bool { return !d.went(&r, namespace) })
		if !orphan && len(refs) == 1 { // the ReplicaSet between may be missing from the input
			links := d.chain(o)
			orphan = len(links) == 2 && links[0].object == nil && d.went(&links[1].ref, namespace)
		}
		if orphan {
			d.take(o)
			some = true
		}
	}
	return some
}

// went reports whether a reference is to something deleted.
func (d *deletion) went(r *manifest.OwnerReference, namespace string) bool {
	return d.gone[ownerIdentity(r, namespace)]
}

// renew settles which controllers make new pods for those that went (R139).
func (d *deletion) renew() {
	var others map[*object]int // objects -> pods that they still have; nil before it is needed
	for _, p := range d.lost {
		pod := p.Value.(*manifest.Pod)
		links := d.chain(p)
		if len(links) == 0 || finished(pod) || slices.ContainsFunc(links, func(l link) bool { return d.went(&l.ref, d.namespace(&p.Object)) }) {
			continue
		}
		var top *object
		for _, l := range links {
			if l.object != nil {
				top = l.object
			}
		}
		if top != nil {
			if w, ok := top.Value.(*manifest.Workload); ok && d.renewOf(top, w, pod, &others) {
				continue
			}
		}
		last := links[len(links)-1].ref
		if last.Kind == "DaemonSet" && d.onDeletedNode(pod) {
			continue
		}
		d.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeNotAsApplied, Origin: p.Origin, Object: d.ref(p),
			Message: fmt.Sprintf("%v is deleted, but its controller %s %s makes another, which the answer does not know", d.ref(p), last.Kind, last.Name),
		})
	}
}

// renewOf lets the template of a workload stand for a new pod in the place of
// one that went. It reports false when it is not known which template that is.
func (d *deletion) renewOf(top *object, w *manifest.Workload, pod *manifest.Pod, others *map[*object]int) bool {
	switch {
	case w.Kind == "daemonset" && d.onDeletedNode(pod): // it has no pod where there is no node
	case w.Custom != nil && len(w.Custom.Sets) > 0:
		sets := setsOf(w.Custom, pod.Labels)
		if len(sets) == 0 && d.others(others)[top] > 0 {
			return false
		}
		if len(sets) == 0 {
			top.renewal = renewal{renewed: true}
		}
		top.renewSets(sets)
	case !top.renewed:
		wrapped := workload{entry: entry[*manifest.Workload]{value: w}}
		top.renewal = renewal{renewed: true, fill: wrapped.hasIndexes() && w.Kind != "cronjob"}
	}
	return true
}

// others counts the pods that objects own, once.
func (d *deletion) others(count *map[*object]int) map[*object]int {
	if *count == nil {
		*count = map[*object]int{}
		for o := range d.live() {
			if pod, ok := o.Value.(*manifest.Pod); ok && !finished(pod) {
				for _, l := range d.chain(o) {
					(*count)[l.object]++
				}
			}
		}
	}
	return *count
}

// link is an owner in a chain of controllers.
type link struct {
	ref    manifest.OwnerReference
	object *object // nil when the input lacks it
}

// chain follows the controllers of an object to the top one, as State.owner
// does.
func (s *State) chain(o *object) []link {
	ref := controllerOf(ownersOf(o))
	if ref == nil {
		return nil
	}
	var hash string
	if p, ok := o.Value.(*manifest.Pod); ok {
		hash = p.Labels[podTemplateHash]
	}
	namespace := s.namespace(&o.Object)
	var out []link
	for range maxOwners {
		l := link{ref: *ref, object: s.at[ownerIdentity(ref, namespace)]}
		out = append(out, l)
		ref = nil
		if l.object != nil {
			ref = controllerOf(ownersOf(l.object))
		}
		if ref == nil && strings.EqualFold(l.ref.Kind, "replicaset") && hasGroup(&l.ref, "apps") && hash != "" {
			if stem, found := strings.CutSuffix(l.ref.Name, "-"+hash); found && stem != "" {
				ref = &manifest.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: stem, Controller: true}
			}
		}
		if ref == nil {
			break
		}
	}
	return out
}

func ownersOf(o *object) []manifest.OwnerReference {
	switch v := o.Value.(type) {
	case *manifest.Pod:
		return v.OwnerReferences
	case *manifest.Workload:
		return v.OwnerReferences
	}
	return nil
}

// ownerIdentity is what a reference means. One without a group means the
// built-in kind, if there is one of the name.
func ownerIdentity(r *manifest.OwnerReference, namespace string) identity {
	id := identity{groupOf(r.APIVersion), r.Kind, namespace, r.Name}
	for _, k := range objectKinds {
		if strings.EqualFold(k.kind, r.Kind) && hasGroup(r, groupOf(k.apiVersion)) {
			id.group, id.kind = groupOf(k.apiVersion), k.kind
		}
	}
	if clusterScoped(id.group, id.kind) {
		id.namespace = ""
	}
	return id
}

// tally counts objects by kind.
type tally map[string]int

func (t *tally) add(kind string) {
	if *t == nil {
		*t = tally{}
	}
	(*t)[kind]++
}

// String is "3 Pod, 1 ReplicaSet".
func (t tally) String() string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		out = append(out, fmt.Sprintf("%d of kind %s", t[kind], kind))
	}
	return strings.Join(out, ", ")
}
