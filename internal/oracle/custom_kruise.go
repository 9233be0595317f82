package oracle

// Kinds of OpenKruise, Kubeflow's notebooks, and sandboxes of agents: one set
// of pods each.
var kruiseKinds = []customKind{
	{group: "apps.kruise.io", kind: "CloneSet", sets: func(o Object) []podSet {
		s := templated(o, "spec", "template")
		for i := range s {
			s[i].labels = alike(over(s[i].template.Labels, opaques("controller-revision-hash", "pod-template-hash",
				"apps.kruise.io/cloneset-instance-id"), uncertains("lifecycle.apps.kruise.io/state")))
		}
		return s
	}},
	{group: "apps.kruise.io", kind: "StatefulSet", output: "statefulset.apps.kruise.io", sets: func(o Object) []podSet {
		if !o.has("spec", "template") {
			return nil
		}
		t := o.template("spec", "template")
		s := numbered(o, o.name(), t, over(t.Labels, uncertains("lifecycle.apps.kruise.io/state")))
		if o.has("spec", "reserveOrdinals") { // those are left out
			s.indexed = false
			s.labels = alike(over(s.labels(0, 0), uncertains("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index")))
		}
		return []podSet{s}
	}},
	{group: "apps.kruise.io", kind: "DaemonSet", output: "daemonset.apps.kruise.io", sets: func(o Object) []podSet {
		s := templated(o, "spec", "template")
		for i := range s {
			s[i].size = many
			s[i].labels = alike(over(s[i].template.Labels, opaques("controller-revision-hash", "pod-template-generation")))
		}
		return s
	}},
	{group: "kubeflow.org", kind: "Notebook", sets: func(o Object) []podSet {
		n := 1
		if o.has("metadata", "annotations", "kubeflow-resource-stopped") {
			n = 0
		}
		t := o.podSpec("spec", "template", "spec")
		if c := t.Spec.Containers; len(c) == 0 || len(c[0].Ports) == 0 {
			t = declaring(t, tcp("notebook-port", 8888))
		}
		l := over(map[string]string{"statefulset": o.name(), "notebook-name": o.name()}, o.stringMap("metadata", "labels"))
		return []podSet{{name: o.name(), template: t, groups: 1, size: n, labels: alike(statefulSetLabels(l, o.name()+"-0", 0))}}
	}},
	{group: "agents.x-k8s.io", kind: "Sandbox", sets: func(o Object) []podSet {
		s := templated(o, "spec", "podTemplate")
		for i := range s {
			s[i].labels = alike(missing(s[i].template.Labels, uncertains("agents.x-k8s.io/sandbox-name-hash")))
		}
		return s
	}},
	{group: "extensions.agents.x-k8s.io", kind: "SandboxClaim"},
	{group: "extensions.agents.x-k8s.io", kind: "SandboxWarmPool"},
}

// templated is a set of spec.replicas pods of one template, but for what the
// controller adds; none where there is no template.
func templated(o Object, path ...string) []podSet {
	if !o.has(path...) {
		return nil
	}
	return []podSet{{name: o.name(), template: o.template(path...), groups: 1, size: o.number(1, "spec", "replicas")}}
}
