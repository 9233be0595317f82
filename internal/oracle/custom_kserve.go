package oracle

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

var kserveKinds = []customKind{
	{group: "serving.kserve.io", version: "v1beta1", kind: "InferenceService", sets: inferenceService, finished: kserveStopped, unknown: func(o Object) bool { return served(o, "predictor") }},
	{group: "serving.kserve.io", kind: "LLMInferenceService", sets: llmInferenceService, finished: kserveStopped, unknown: func(o Object) bool { return len(o.list("spec", "baseRefs")) > 0 }},
}

func kserveStopped(o Object) bool {
	return strings.EqualFold(o.text("metadata", "annotations", "serving.kserve.io/stop"), "true")
}

// inferenceService: a component is a Deployment, or a Knative Service.
func inferenceService(o Object) (out []podSet) {
	mode := o.text("status", "deploymentMode")
	if mode == "" {
		mode = o.text("metadata", "annotations", "serving.kserve.io/deploymentMode")
	}
	if mode == "ModelMesh" { // the pods are those of a ServingRuntime
		return nil
	}
	standard := mode == "Standard" || mode == "RawDeployment"
	known := standard || mode == "Knative" || mode == "Serverless"
	for _, c := range []string{"predictor", "transformer", "explainer"} {
		if !o.has("spec", c) {
			continue
		}
		name := o.name() + "-" + c
		union := over(o.stringMap("metadata", "labels"), o.stringMap("spec", c, "labels"), map[string]string{
			"serving.kserve.io/inferenceservice": o.name(), "component": c,
		})
		t := o.podSpec("spec", c)
		served := served(o, c)
		var agent []corev1.ContainerPort
		if o.has("spec", c, "logger") || o.has("spec", c, "batcher") {
			agent = append(agent, tcp("agent-port", 9081))
		}
		workers := standard && o.has("spec", c, "workerSpec") && c == "predictor"
		if standard {
			l := over(union, map[string]string{"app": "isvc." + name}, opaques("pod-template-hash"), uncertains("isvc.generation"))
			out = append(out, podSet{name: name, template: declaring(t, agent...), groups: 1, size: many, incomplete: served, labels: alike(l)})
		} else if !known { // the cluster's configuration decides; the ports are those of either
			t.Spec.Containers, t.Spec.InitContainers = nil, nil
			l := over(union, opaques("pod-template-hash"), uncertains("app", "isvc.generation", "networking.knative.dev/visibility",
				"serving.knative.dev/service", "serving.knative.dev/configuration", "serving.knative.dev/configurationGeneration",
				"serving.knative.dev/configurationUID", "serving.knative.dev/revision", "serving.knative.dev/revisionUID", "serving.knative.dev/serviceUID"))
			out = append(out, podSet{name: name, template: t, groups: 1, size: many, incomplete: true, labels: alike(l)})
		} else {
			s := knativePods(name, t, union, uncertain)
			s.incomplete = s.incomplete || served
			s.template = declaring(s.template, agent...)
			own := over(uncertains("networking.knative.dev/visibility"), s.labels(0, 0), map[string]string{"serving.knative.dev/service": name}, opaques("serving.knative.dev/serviceUID"))
			s.name, s.labels = name, alike(own)
			out = append(out, s)
		}
		if workers {
			l := over(union, map[string]string{"app": "isvc." + name + "-worker"}, opaques("pod-template-hash"), uncertains("isvc.generation"))
			out = append(out, podSet{name: name + "-worker", incomplete: true, template: o.podSpec("spec", c, "workerSpec"), groups: 1, size: many, labels: alike(l)})
		}
	}
	return out
}

// served reports whether the containers of a component are those of a
// ServingRuntime.
func served(o Object, component string) bool {
	return slices.ContainsFunc([]string{"model", "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle"},
		func(field string) bool { return len(o.object("spec", component, field)) > 0 })
}

// tcp is a port that a controller declares.
func tcp(name string, number int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: number, Protocol: corev1.ProtocolTCP}
}

// declaring returns the template with a container more, for ports that the
// controller declares.
func declaring(t corev1.PodTemplateSpec, ports ...corev1.ContainerPort) corev1.PodTemplateSpec {
	t.Spec.Containers = append(slices.Clone(t.Spec.Containers), corev1.Container{Ports: ports})
	return t
}

// llmInferenceService: what presets merge under the pod specs is not in the
// object, so that the pods exist without any of them.
func llmInferenceService(o Object) (out []podSet) {
	base := o.name() + "-kserve"
	kueue := map[string]string{}
	for k, v := range o.stringMap("metadata", "labels") {
		if strings.HasPrefix(k, "kueue.x-k8s.io/") {
			kueue[k] = v
		}
	}
	component := func(name string) map[string]string {
		return map[string]string{
			"app.kubernetes.io/name": o.name(), "app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/component": "llminferenceservice-" + name,
		}
	}
	for _, p := range []struct {
		path, suffix, role string
		own                map[string]string
	}{{"", "", "both", nil}, {"prefill", "-prefill", "prefill", o.stringMap("spec", "prefill", "labels")}} {
		spec := o.object("spec")
		if p.path != "" {
			if !o.has("spec", p.path) {
				continue
			}
			spec = o.object("spec", p.path)
		} else if o.has("spec", "prefill") {
			p.role = "decode"
		}
		labels := func(name string, more map[string]string) map[string]string {
			return over(component(name), more, kueue, o.stringMap("spec", "labels"), p.own)
		}
		serving := map[string]string{"kserve.io/component": "workload", "llm-d.ai/role": p.role}
		replicas := spec.number(many, "replicas")
		if !spec.has("worker") {
			l := over(labels("workload"+p.suffix, serving), opaques("pod-template-hash"))
			out = append(out, podSet{name: base + p.suffix, incomplete: true, template: spec.podSpec("template"), groups: 1, size: replicas, labels: alike(l)})
			continue
		}
		lws := base + "-mn" + p.suffix
		leaders, workers := labels("workload-leader"+p.suffix, serving), labels("workload-worker"+p.suffix, nil)
		group := func(l map[string]string, g, i int) map[string]string {
			return over(l, map[string]string{
				"leaderworkerset.sigs.k8s.io/name":         lws,
				"leaderworkerset.sigs.k8s.io/group-index":  strconv.Itoa(g),
				"leaderworkerset.sigs.k8s.io/worker-index": strconv.Itoa(i),
			}, leaderWorkerSetMore())
		}
		out = append(out, podSet{name: lws, incomplete: true, template: spec.podSpec("template"), groups: replicas, size: 1, indexed: true, labels: func(g, _ int) map[string]string {
			return statefulSetLabels(group(leaders, g, 0), lws+"-"+strconv.Itoa(g), g)
		}})
		size := spec.number(many, "parallelism", "pipeline")
		out = append(out, podSet{name: lws + "-worker", incomplete: true, template: spec.podSpec("worker"), groups: replicas, size: size, from: 1, indexed: true, labels: func(g, i int) map[string]string {
			return statefulSetLabels(group(workers, g, i), lws+"-"+strconv.Itoa(g)+"-"+strconv.Itoa(i), i)
		}})
	}
	if o.has("spec", "router", "scheduler") && !o.has("spec", "router", "scheduler", "pool", "ref") {
		scheduler := o.object("spec", "router", "scheduler")
		l := over(component("router-scheduler"), scheduler.stringMap("labels"), opaques("pod-template-hash"))
		t := declaring(scheduler.podSpec("template"), tcp("grpc", 9002), tcp("grpc-health", 9003), tcp("metrics", 9090), tcp("zmq", 5557))
		out = append(out, podSet{name: base + "-router-scheduler", incomplete: true, template: t, groups: 1, size: scheduler.number(1, "replicas"), labels: alike(l)})
	}
	return out
}

var knativeKinds = []customKind{
	{group: "serving.knative.dev", version: "v1", kind: "Service", output: "service.serving.knative.dev", sets: func(o Object) []podSet {
		s := knative(o)
		for i := range s {
			l := over(s[i].labels(0, 0), map[string]string{"serving.knative.dev/service": o.name()}, opaques("serving.knative.dev/serviceUID"))
			s[i].labels = alike(l)
		}
		return s
	}},
	{group: "serving.knative.dev", version: "v1", kind: "Configuration", sets: func(o Object) []podSet {
		s := knative(o)
		if service := o.text("metadata", "labels", "serving.knative.dev/service"); service != "" {
			for i := range s {
				s[i].labels = alike(over(s[i].labels(0, 0), map[string]string{"serving.knative.dev/service": service}))
			}
		}
		return s
	}},
	{group: "serving.knative.dev", version: "v1", kind: "Revision"},
}

func knative(o Object) []podSet {
	if !o.has("spec", "template") {
		return nil
	}
	t := o.template("spec", "template")
	revision := uncertain // NAME-00001 and up
	if t.Name != "" {
		revision = t.Name
	}
	return []podSet{knativePods(o.name(), t, t.Labels, revision)}
}

// knativePods are the pods of a Configuration. The port of the serving
// container becomes user-port; what it was called is gone.
func knativePods(configuration string, t corev1.PodTemplateSpec, own map[string]string, revision string) podSet {
	user, queue := tcp("user-port", 8080), tcp("queue-port", 8012)
	incomplete := slices.ContainsFunc(t.Spec.InitContainers, func(c corev1.Container) bool { return len(c.Ports) > 0 })
	t.Spec.InitContainers = nil // what becomes of their ports is not known
	containers := slices.Clone(t.Spec.Containers)
	for i, c := range containers {
		if len(c.Ports) == 0 {
			continue
		}
		user.ContainerPort = c.Ports[0].ContainerPort
		if c.Ports[0].Name == "h2c" {
			queue.ContainerPort = 8013
		}
		containers[i].Ports = nil
	}
	t.Spec.Containers = containers
	t = declaring(t, user, queue, tcp("https-port", 8112), tcp("http-autometric", 9090), tcp("http-usermetric", 9091))
	l := over(own, map[string]string{
		"serving.knative.dev/configuration": configuration, "serving.knative.dev/revision": revision, "serving.knative.dev/configurationGeneration": uncertain,
	}, opaques(
		"serving.knative.dev/configurationUID", "serving.knative.dev/revisionUID", "pod-template-hash",
	))
	l = missing(l, map[string]string{"app": revision})
	return podSet{name: configuration + "-deployment", template: t, groups: 1, size: many, incomplete: incomplete, labels: alike(l)}
}
