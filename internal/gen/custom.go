package gen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Custom is an object of a kind that Kubernetes does not have itself (R66).
type Custom struct {
	Object tree
	labels []customLabel // that the pods get from its controller
	owns   bool          // something in the cluster, by its name
}

// tree is an object as JSON decodes to.
type tree = map[string]any

// customLabel is a label that a controller adds, with values that pods may
// have; none: they cannot be known.
type customLabel struct {
	key    string
	values []string
}

// customKind makes the spec of objects of a kind, in c.Object, and says in
// c.labels what their pods get.
type customKind struct {
	version, kind string
	feature       Feature
	make          func(g *generator, c *Custom, name string)
}

// customObjects makes objects of custom kinds, and some of those that their
// controllers would make of them.
func (g *generator) customObjects() {
	if !g.pct(pctCustom) {
		return
	}
	g.customs = g.pct(pctCustomTerms)
	for range g.between(1, maxCustom) {
		k := pick(g, customKinds())
		g.hit(k.feature)
		c := g.custom(k.version, k.kind)
		k.make(g, &c, c.name())
		if !c.owns && g.pct(pctGenerateName) {
			g.hit(CustomGenerateName)
			c.meta()["generateName"] = c.name() + "-"
			delete(c.meta(), "name")
		}
		g.c.Custom = append(g.c.Custom, c)
	}
}

func customKinds() []customKind { return slices.Concat(trainingKinds, servingKinds) }

// child adds, sometimes, an object that the controller of c makes of it.
func (g *generator) child(c *Custom, version, kind string, build func(*Custom)) {
	if !g.pct(pctCustomChild) {
		return
	}
	g.hit(CustomOwned)
	o := g.custom(version, kind)
	g.give(c, &o)
	build(&o)
	g.c.Custom = append(g.c.Custom, o)
}

// give makes o the property of c, in whose namespace it is.
func (g *generator) give(c, o *Custom) {
	c.owns = true
	o.meta()["ownerReferences"] = toTree([]metav1.OwnerReference{*g.spelled(c.reference())})
	delete(o.meta(), "namespace")
	if ns := c.space(); ns != "" {
		o.meta()["namespace"] = ns
	}
}

// childWorkload is child for a workload.
func (g *generator) childWorkload(c *Custom, kind, name string) {
	if !g.pct(pctCustomChild) {
		return
	}
	g.hit(CustomOwnsWorkload)
	c.owns = true
	w := Workload{Kind: kind, Namespace: c.space(), Name: name, Template: g.template(kind), OwnerReferences: []metav1.OwnerReference{*g.spelled(c.reference())}}
	g.c.Workloads = append(g.c.Workloads, w)
}

// ownCustom makes a pod the property of a custom object, sometimes, with some
// of the labels that the pod would have then.
func (g *generator) ownCustom(p *corev1.Pod) {
	for i := range g.c.Custom {
		c := &g.c.Custom[i]
		if c.name() == "" || g.c.space(metav1.ObjectMeta{Namespace: c.space()}) != g.c.space(p.ObjectMeta) || !g.pct(pctOwnsPods/2) {
			continue
		}
		g.hit(CustomOwnsPods)
		c.owns = true
		p.OwnerReferences = []metav1.OwnerReference{*g.spelled(c.reference())}
		for _, l := range c.labels {
			if len(l.values) > 0 && g.pct(60) {
				p.Labels = with(p.Labels, l.key, pick(g, l.values))
			}
		}
		return
	}
}

// custom is a new object without spec.
func (g *generator) custom(version, kind string) Custom {
	m := g.meta(strings.ToLower(kind))
	meta := tree{"name": m.Name}
	if m.Namespace != "" {
		meta["namespace"] = m.Namespace
	}
	if l := g.labels(pctPodLabel / 2); l != nil {
		meta["labels"] = toTree(l)
	}
	return Custom{Object: tree{"apiVersion": version, "kind": kind, "metadata": meta}}
}

func (c *Custom) meta() tree      { return c.Object["metadata"].(tree) }
func (c *Custom) version() string { return c.Object["apiVersion"].(string) }
func (c *Custom) kind() string    { return c.Object["kind"].(string) }

// name is "" where it will be generated.
func (c *Custom) name() string {
	s, _ := c.meta()["name"].(string)
	return s
}

// space is the namespace as it is written.
func (c *Custom) space() string {
	s, _ := c.meta()["namespace"].(string)
	return s
}

func (c *Custom) reference() *metav1.OwnerReference {
	return &metav1.OwnerReference{APIVersion: c.version(), Kind: c.kind(), Name: c.name(), UID: "0", Controller: ptr(true)}
}

// label says that pods get a label, with one of some values.
func (c *Custom) label(key string, values ...any) {
	l := customLabel{key: key}
	for _, v := range values {
		l.values = append(l.values, fmt.Sprint(v))
	}
	c.labels = append(c.labels, l)
}

// opaque says that pods get labels whose values cannot be known.
func (c *Custom) opaque(keys ...string) {
	for _, k := range keys {
		c.label(k)
	}
}

// podTemplate is a pod template. Sometimes it has a label itself that the
// controller adds.
func (g *generator) podTemplate(controller ...string) tree {
	t := corev1.PodTemplateSpec{Spec: g.podSpec()}
	t.Labels = g.podLabels()
	if len(controller) > 0 && g.pct(pctTemplateControllerLabel/2) {
		g.hit(CustomTemplateControllerLabel)
		t.Labels = with(t.Labels, pick(g, controller), pick(g, controllerValues))
	}
	return toTree(t).(tree)
}

// toTree is an object as JSON decodes to.
func toTree(v any) any {
	var out any
	if err := json.Unmarshal(encode(v), &out); err != nil {
		panic(fmt.Sprintf("gen: %v", err)) // encode made it
	}
	return out
}

// customTerm makes a term of a pod selector on a label that the controller of a
// custom object adds.
func (g *generator) customTerm() metav1.LabelSelectorRequirement {
	c := pick(g, g.c.Custom)
	for tries := 3; tries > 0 && len(c.labels) == 0; tries-- {
		c = pick(g, g.c.Custom)
	}
	if len(c.labels) == 0 {
		return g.expression(pick(g, labelKeys), false)
	}
	l := pick(g, c.labels)
	g.hit(either(len(l.values) == 0, SelectorCustomOpaque, SelectorCustom))
	x := g.expression(l.key, false)
	if x.Operator != metav1.LabelSelectorOpIn && g.pct(40) {
		x.Operator, x.Values = metav1.LabelSelectorOpIn, g.values()
	}
	for i := range x.Values {
		switch {
		case len(l.values) > 0 && g.pct(85):
			x.Values[i] = pick(g, l.values)
		case g.pct(50):
			x.Values[i] = pick(g, controllerValues) // of the template, if it has the key
		default:
			x.Values[i] = fmt.Sprint(i, "x") // no pod has it
		}
	}
	return x
}
