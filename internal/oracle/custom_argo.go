package oracle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

var argoKinds = []customKind{
	{group: "argoproj.io", version: "v1alpha1", kind: "Workflow",
		sets: func(o Object) []podSet { return workflow(o, o.object("spec"), o.name()) },
		finished: func(o Object) bool {
			return slices.Contains([]string{"Succeeded", "Failed", "Error"}, o.text("status", "phase"))
		}},
	{group: "argoproj.io", version: "v1alpha1", kind: "CronWorkflow",
		sets: func(o Object) []podSet { return workflow(o, o.object("spec", "workflowSpec"), opaque) }},
	{group: "argoproj.io", version: "v1alpha1", kind: "Rollout", sets: rollout, unknown: func(o Object) bool { return o.has("spec", "workloadRef") }},
}

// workflow: each template that makes pods makes any number of them.
func workflow(o, spec Object, name string) (out []podSet) {
	own := map[string]string{"workflows.argoproj.io/workflow": name, "workflows.argoproj.io/completed": uncertain,
		"workflows.argoproj.io/on-exit": uncertain, "workflows.argoproj.io/controller-instanceid": uncertain}
	podMetadata := spec.stringMap("podMetadata", "labels")
	agent := false
	for _, item := range spec.list("templates") {
		agent = agent || item.has("http") || item.has("plugin")
		if !item.has("container") && !item.has("script") && !item.has("containerSet") && !item.has("resource") && !item.has("data") {
			continue
		}
		var t corev1.PodTemplateSpec
		t.Spec.HostNetwork = spec.is("hostNetwork")
		for _, one := range []string{"container", "script"} {
			var c corev1.Container
			item.decode(&c, one)
			t.Spec.Containers = append(t.Spec.Containers, c)
		}
		for _, several := range [][]string{{"containerSet", "containers"}, {"sidecars"}} {
			var list []corev1.Container
			item.decode(&list, several...)
			t.Spec.Containers = append(t.Spec.Containers, list...)
		}
		l := over(own, podMetadata, spec.stringMap("templateDefaults", "metadata", "labels"), item.stringMap("metadata", "labels"))
		out = append(out, podSet{name: o.name() + "-" + item.text("name"), template: t, groups: 1, size: many, labels: alike(l)})
	}
	if agent {
		l := over(own, map[string]string{"workflows.argoproj.io/component": "agent"}, podMetadata)
		out = append(out, podSet{name: o.name() + "-agent", groups: 1, size: 1, labels: alike(l)})
	}
	return out
}

func rollout(o Object) (out []podSet) {
	if !o.has("spec", "template") {
		return nil
	}
	t := o.template("spec", "template")
	strategy := o.object("spec", "strategy")
	stable := over(strategy.stringMap("canary", "stableMetadata", "labels"), strategy.stringMap("blueGreen", "activeMetadata", "labels"))
	out = append(out, podSet{name: o.name(), template: t, groups: 1, size: o.number(1, "spec", "replicas"),
		labels: alike(over(t.Labels, stable, opaques("rollouts-pod-template-hash")))})
	if strategy.has("canary", "canaryMetadata") || strategy.has("blueGreen", "previewMetadata") {
		next := over(strategy.stringMap("canary", "canaryMetadata", "labels"), strategy.stringMap("blueGreen", "previewMetadata", "labels"))
		out = append(out, podSet{name: o.name() + "-canary", template: t, groups: 1, size: many,
			labels: alike(over(t.Labels, next, opaques("rollouts-pod-template-hash")))})
	}
	return out
}
