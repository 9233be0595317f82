package gen

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// controllerLabels are the keys that controllers add to the pods of a template
// (R65), with the construct that a selector on each stands for.
var controllerLabels = []struct {
	key     string
	feature Feature
}{
	{"statefulset.kubernetes.io/pod-name", SelectorPodName},
	{"apps.kubernetes.io/pod-index", SelectorPodIndex},
	{"controller-revision-hash", SelectorRevisionHash},
	{"pod-template-generation", SelectorTemplateGeneration},
	{"pod-template-hash", SelectorTemplateHash},
	{"batch.kubernetes.io/job-name", SelectorJobName},
	{"job-name", SelectorJobNameLegacy},
	{"batch.kubernetes.io/controller-uid", SelectorControllerUID},
	{"controller-uid", SelectorControllerUIDLegacy},
	{"batch.kubernetes.io/job-completion-index", SelectorCompletionIndex},
}

// controllerTerm makes a term of a pod selector on a label that controllers
// add: on one that pods of some workload have, mostly, and with a value that
// they have, often.
func (g *generator) controllerTerm() metav1.LabelSelectorRequirement {
	k := pick(g, controllerLabels)
	w := pick(g, g.c.Workloads)
	for tries := 3; tries > 0 && len(w.controllerKeys()) < 2; tries-- { // rather one whose pods have several
		w = pick(g, g.c.Workloads)
	}
	if keys := w.controllerKeys(); len(keys) > 0 && g.pct(90) {
		want := pick(g, keys)
		for _, c := range controllerLabels {
			if w.Template != nil && w.Template.Labels[c.key] != "" && g.pct(60) {
				want = c.key
			}
		}
		for _, c := range controllerLabels {
			if c.key == want {
				k = c
			}
		}
	}
	g.hit(k.feature)
	x := g.expression(k.key, false)
	if x.Operator != metav1.LabelSelectorOpIn && g.pct(30) {
		x.Operator, x.Values = metav1.LabelSelectorOpIn, g.values()
	}
	if w.Template != nil && w.Template.Labels[k.key] != "" && len(x.Values) > 0 && g.pct(60) {
		g.hit(SelectorControllerOfTemplate)
		x.Values = []string{w.Template.Labels[k.key]}
		return x
	}
	for i := range x.Values {
		x.Values[i] = fmt.Sprint(i, "x") // no pod has it
		if !g.pct(85) {
			g.hit(SelectorControllerMismatch)
			continue
		}
		n := min(g.r.IntN(6), g.r.IntN(6), g.r.IntN(6))
		if w.Ordinals != nil && g.pct(80) {
			n += int(w.Ordinals.Start)
		}
		switch k.feature {
		case SelectorPodName:
			x.Values[i] = fmt.Sprintf("%s-%d", w.Name, n)
		case SelectorPodIndex, SelectorCompletionIndex:
			x.Values[i] = fmt.Sprint(n)
		case SelectorJobName, SelectorJobNameLegacy:
			x.Values[i] = w.Name
		default: // of the template, if it has the key
			x.Values[i] = pick(g, controllerValues)
		}
	}
	return x
}

// controllerKeys are the labels that the pods of w may get from a controller.
func (w Workload) controllerKeys() []string {
	switch w.Kind {
	case "statefulset":
		return []string{"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-revision-hash"}
	case "daemonset":
		return []string{"controller-revision-hash", "pod-template-generation"}
	case "deployment":
		return []string{"pod-template-hash"}
	case "job", "cronjob":
		return []string{"batch.kubernetes.io/job-name", "job-name", "batch.kubernetes.io/controller-uid", "controller-uid", "batch.kubernetes.io/job-completion-index"}
	}
	return nil
}
