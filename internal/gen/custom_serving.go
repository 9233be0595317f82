package gen

import (
	corev1 "k8s.io/api/core/v1"
)

// servingKinds are the kinds that serve models, run applications and machines,
// and watch them.
var servingKinds = []customKind{
	{"serving.kserve.io/v1beta1", "InferenceService", CustomInferenceService, (*generator).inferenceService},
	{"serving.kserve.io/v1alpha1", "LLMInferenceService", CustomLLMInferenceService, (*generator).llmInferenceService},
	{"serving.knative.dev/v1", "Service", CustomKnativeService, (*generator).knativeService},
	{"serving.knative.dev/v1", "Configuration", CustomKnativeConfiguration, func(g *generator, c *Custom, name string) {
		g.knativePods(c, name)
		if g.pct(40) {
			c.meta()["labels"] = tree{"serving.knative.dev/service": "a"}
			c.label("serving.knative.dev/service", "a")
		}
	}},
	{"sparkoperator.k8s.io/v1beta2", "SparkApplication", CustomSparkApplication, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = g.spark(c)
		c.label("sparkoperator.k8s.io/app-name", name)
		g.status(c, []string{"applicationState", "state"}, []string{"COMPLETED", "FAILED"}, []string{"RUNNING", "FAILING", "SUBMISSION_FAILED"})
	}},
	{"sparkoperator.k8s.io/v1beta2", "ScheduledSparkApplication", CustomScheduledSparkApplication, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"schedule": "@daily", "template": g.spark(c)}
		c.opaque("sparkoperator.k8s.io/app-name")
		c.label("sparkoperator.k8s.io/scheduled-app-name", name)
	}},
	{"argoproj.io/v1alpha1", "Workflow", CustomWorkflow, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = g.workflow(c)
		c.label("workflows.argoproj.io/workflow", name)
		g.status(c, []string{"phase"}, []string{"Succeeded", "Failed", "Error"}, []string{"Running", "Pending"})
	}},
	{"argoproj.io/v1alpha1", "CronWorkflow", CustomCronWorkflow, func(g *generator, c *Custom, _ string) {
		c.Object["spec"] = tree{"schedule": "@daily", "workflowSpec": g.workflow(c)}
		c.opaque("workflows.argoproj.io/workflow")
		g.child(c, "argoproj.io/v1alpha1", "Workflow", func(o *Custom) {
			o.Object["spec"] = g.workflow(o)
			o.label("workflows.argoproj.io/workflow", o.name())
		})
	}},
	{"argoproj.io/v1alpha1", "Rollout", CustomRollout, (*generator).rollout},
	{"kubevirt.io/v1", "VirtualMachine", CustomVirtualMachine, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = g.virtualMachine(c, name)
		g.child(c, "kubevirt.io/v1", "VirtualMachineInstance", func(o *Custom) { g.machine(o, o.meta(), o.Object, o.name()) })
	}},
	{"kubevirt.io/v1", "VirtualMachineInstance", CustomVirtualMachineInstance, func(g *generator, c *Custom, name string) {
		if g.pct(20) {
			g.hit(MachineDot)
			c.meta()["name"] = name + ".a"
		}
		g.machine(c, c.meta(), c.Object, name)
		g.status(c, []string{"phase"}, []string{"Succeeded", "Failed"}, []string{"Running", "Scheduling"})
	}},
	{"kubevirt.io/v1", "VirtualMachineInstanceReplicaSet", CustomVirtualMachineInstanceReplicaSet, func(g *generator, c *Custom, name string) {
		t := tree{"metadata": tree{}}
		g.machine(c, t["metadata"].(tree), t, name)
		spec := tree{"template": t}
		g.setCount(spec, "replicas", 0, 1, 2)
		c.Object["spec"] = spec
	}},
	{"pool.kubevirt.io/v1alpha1", "VirtualMachinePool", CustomVirtualMachinePool, func(g *generator, c *Custom, name string) {
		spec := tree{"virtualMachineTemplate": tree{"spec": g.virtualMachine(c, name+"-0")}}
		g.setCount(spec, "replicas", 0, 1, 2)
		c.Object["spec"] = spec
		c.label("vmi.kubevirt.io/id", name+"-0", name+"-1")
		c.opaque("kubevirt.io/vm-pool-revision-name")
	}},
	{"monitoring.coreos.com/v1", "Prometheus", CustomPrometheus, func(g *generator, c *Custom, name string) {
		spec := g.monitoring(c, name, "prometheus")
		if g.pct(40) {
			g.hit(PrometheusShards)
			spec["shards"] = g.between(0, 2)
		}
		if g.pct(30) {
			g.hit(PrometheusThanos)
			spec["thanos"] = tree{"version": "v0.36.0"}
		}
		c.label("prometheus", name)
		c.label("operator.prometheus.io/name", name)
		c.label("operator.prometheus.io/shard", 0, 1)
		g.childWorkload(c, "statefulset", "prometheus-"+name)
	}},
	{"monitoring.coreos.com/v1alpha1", "PrometheusAgent", CustomPrometheusAgent, func(g *generator, c *Custom, name string) {
		spec := g.monitoring(c, name, "prometheus-agent")
		c.label("operator.prometheus.io/name", name)
		c.label("operator.prometheus.io/shard", 0, 1)
		if g.pct(35) {
			g.hit(PrometheusDaemonSet)
			spec["mode"] = "DaemonSet"
			c.opaque("pod-template-generation")
		}
	}},
	{"monitoring.coreos.com/v1", "Alertmanager", CustomAlertmanager, func(g *generator, c *Custom, name string) {
		g.monitoring(c, name, "alertmanager")
		c.label("alertmanager", name)
		c.label("statefulset.kubernetes.io/pod-name", "alertmanager-"+name+"-0", "alertmanager-"+name+"-1")
	}},
	{"monitoring.coreos.com/v1", "ThanosRuler", CustomThanosRuler, func(g *generator, c *Custom, name string) {
		g.monitoring(c, name, "thanos-ruler")
		c.label("thanos-ruler", name)
		c.label("statefulset.kubernetes.io/pod-name", "thanos-ruler-"+name+"-0", "thanos-ruler-"+name+"-1")
	}},
	{"apps.kruise.io/v1alpha1", "CloneSet", CustomCloneSet, func(g *generator, c *Custom, _ string) {
		g.replicated(c, "template", "pod-template-hash")
		c.opaque("controller-revision-hash", "pod-template-hash", "apps.kruise.io/cloneset-instance-id", "lifecycle.apps.kruise.io/state")
	}},
	{"apps.kruise.io/v1beta1", "StatefulSet", CustomKruiseStatefulSet, func(g *generator, c *Custom, name string) {
		g.replicated(c, "template", "apps.kubernetes.io/pod-index")
		if g.pct(20) {
			g.hit(KruiseReserved)
			c.Object["spec"].(tree)["reserveOrdinals"] = []any{0}
		}
		c.label("statefulset.kubernetes.io/pod-name", name+"-0", name+"-1")
		c.label("apps.kubernetes.io/pod-index", 0, 1)
		c.opaque("controller-revision-hash", "lifecycle.apps.kruise.io/state")
	}},
	{"apps.kruise.io/v1alpha1", "DaemonSet", CustomKruiseDaemonSet, func(g *generator, c *Custom, _ string) {
		spec := tree{}
		g.setTemplate(spec, "template")
		c.Object["spec"] = spec
		c.opaque("controller-revision-hash", "pod-template-generation")
	}},
	{"kubeflow.org/v1", "Notebook", CustomNotebook, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"template": tree{"spec": g.podSpecTree()}}
		if g.pct(15) {
			g.hit(NotebookStopped)
			c.meta()["annotations"] = tree{"kubeflow-resource-stopped": "2026-01-02T03:04:05Z"}
		}
		c.label("statefulset", name)
		c.label("notebook-name", name)
		c.label("statefulset.kubernetes.io/pod-name", name+"-0")
		g.childWorkload(c, "statefulset", name)
	}},
	{"agents.x-k8s.io/v1alpha1", "Sandbox", CustomSandbox, func(g *generator, c *Custom, _ string) {
		g.replicated(c, "podTemplate")
		c.opaque("agents.x-k8s.io/sandbox-name-hash")
	}},
}

// podSpecTree is a bare pod spec.
func (g *generator) podSpecTree() tree { return toTree(g.podSpec()).(tree) }

// oneWithPorts leaves ports to at most one container, as Knative asks for.
func oneWithPorts(spec tree) {
	found := false
	for _, c := range spec["containers"].([]any) {
		ports, _ := c.(tree)["ports"].([]any)
		if found || len(ports) == 0 {
			delete(c.(tree), "ports")
			continue
		}
		found = true
		c.(tree)["ports"] = ports[:1]
	}
}

// replicated is a spec of one template and a number.
func (g *generator) replicated(c *Custom, template string, controller ...string) {
	spec := tree{}
	g.setTemplate(spec, template, controller...)
	g.setCount(spec, "replicas", 0, 1, 2)
	c.Object["spec"] = spec
}

func (g *generator) inferenceService(c *Custom, name string) {
	annotations := tree{}
	mode := pick(g, []string{"", "Standard", "RawDeployment", "Standard", "Knative", "Serverless", "ModelMesh"})
	if mode != "" {
		annotations["serving.kserve.io/deploymentMode"] = mode
	}
	switch mode {
	case "":
		g.hit(InferenceModeAbsent)
	case "ModelMesh":
		g.hit(InferenceModelMesh)
	case "Knative", "Serverless":
		g.hit(InferenceKnative)
	}
	if g.pct(10) {
		g.hit(CustomFinished)
		annotations["serving.kserve.io/stop"] = pick(g, []string{"true", "True"})
	}
	if g.pct(15) {
		g.hit(InferenceModeOfStatus)
		mode = pick(g, []string{"Standard", "Knative"})
		c.Object["status"] = tree{"deploymentMode": mode}
	}
	standard := mode == "Standard" || mode == "RawDeployment"
	if len(annotations) > 0 {
		c.meta()["annotations"] = annotations
	}
	spec := tree{}
	for i, part := range []string{"predictor", "transformer", "explainer"} {
		if i > 0 && g.pct(65) {
			continue
		}
		s := g.podSpecTree()
		if !standard {
			oneWithPorts(s)
		}
		if g.pct(40) {
			g.hit(InferenceLabels)
			s["labels"] = tree{"app": "a", "role": part}
		}
		if g.pct(25) {
			g.hit(InferenceAgent)
			s[pick(g, []string{"logger", "batcher"})] = tree{"mode": "all"}
		}
		if part == "predictor" && g.pct(30) {
			g.hit(InferenceWorkers)
			s["workerSpec"] = g.podSpecTree()
		}
		if g.pct(15) {
			g.hit(InferenceModel)
			s[pick(g, []string{"model", "sklearn"})] = tree{"runtime": "a"}
		}
		spec[part] = s
		c.label("app", "isvc."+name+"-"+part, "a")
		c.label("serving.knative.dev/service", name+"-"+part)
		c.label("serving.knative.dev/configuration", name+"-"+part)
	}
	c.Object["spec"] = spec
	c.label("serving.kserve.io/inferenceservice", name)
	c.label("component", "predictor", "transformer")
	c.opaque("pod-template-hash", "serving.knative.dev/revision", "serving.knative.dev/serviceUID", "isvc.generation", "app", "serving.knative.dev/service")
	if standard {
		g.childWorkload(c, "deployment", name+"-predictor")
		return
	}
	g.child(c, "serving.knative.dev/v1", "Service", func(o *Custom) { g.knativeService(o, o.name()) })
}

func (g *generator) llmInferenceService(c *Custom, name string) {
	base := "llminferenceservice-"
	part := func(labels string) tree {
		s := tree{}
		if g.pct(70) {
			s["template"] = g.podSpecTree()
		} else {
			g.hit(LLMTemplateAbsent)
		}
		if g.pct(35) {
			g.hit(LLMWorkers)
			s["worker"] = g.podSpecTree()
			if g.pct(60) {
				g.hit(LLMPipeline)
				s["parallelism"] = tree{"pipeline": g.between(1, 2)}
			}
		}
		g.setCount(s, "replicas", 0, 1, 2)
		if g.pct(40) {
			g.hit(LLMLabels)
			s["labels"] = tree{"role": labels, "app.kubernetes.io/part-of": "a"}
		}
		return s
	}
	spec := part("main")
	if g.pct(35) {
		g.hit(LLMPrefill)
		spec["prefill"] = part("prefill")
	}
	if g.pct(40) {
		g.hit(LLMScheduler)
		scheduler := tree{}
		switch g.r.IntN(3) {
		case 0: // empty, and there all the same
		case 1:
			scheduler["template"] = g.podSpecTree()
			scheduler["labels"] = tree{"role": "scheduler"}
			g.setCount(scheduler, "replicas", 0, 1)
		case 2:
			g.hit(LLMPool)
			scheduler["pool"] = tree{"ref": tree{"name": "pool"}}
		}
		spec["router"] = tree{"scheduler": scheduler}
	}
	if g.pct(20) {
		g.hit(LLMQueue)
		c.meta()["labels"] = tree{"kueue.x-k8s.io/queue-name": "q", "app": "a"}
		c.label("kueue.x-k8s.io/queue-name", "q")
	}
	if g.pct(8) {
		g.hit(CustomFinished)
		c.meta()["annotations"] = tree{"serving.kserve.io/stop": "true"}
	}
	c.Object["spec"] = spec
	c.label("app.kubernetes.io/name", name)
	c.label("app.kubernetes.io/part-of", "llminferenceservice", "a")
	c.label("app.kubernetes.io/component", base+"workload", base+"workload-prefill", base+"workload-leader", base+"workload-worker", base+"router-scheduler")
	c.label("kserve.io/component", "workload")
	c.label("llm-d.ai/role", "both", "decode", "prefill")
	c.label("role", "main", "prefill", "scheduler")
	c.label("leaderworkerset.sigs.k8s.io/name", name+"-kserve-mn", name+"-kserve-mn-prefill")
	c.label("leaderworkerset.sigs.k8s.io/group-index", 0, 1)
	c.label("leaderworkerset.sigs.k8s.io/worker-index", 0, 1)
	c.label("statefulset.kubernetes.io/pod-name", name+"-kserve-mn-0", name+"-kserve-mn-1-1")
	c.opaque("leaderworkerset.sigs.k8s.io/group-key", "pod-template-hash", "controller-revision-hash")
	g.childWorkload(c, "deployment", name+"-kserve")
}

// knativePods makes the spec of a Service or Configuration.
func (g *generator) knativePods(c *Custom, name string) {
	t := g.podTemplate("serving.knative.dev/configuration")
	oneWithPorts(t["spec"].(tree))
	if g.pct(30) {
		g.hit(KnativeRevisionNamed)
		meta, _ := t["metadata"].(tree)
		if meta == nil {
			meta = tree{}
			t["metadata"] = meta
		}
		meta["name"] = name + "-v1"
	}
	c.Object["spec"] = tree{"template": t}
	c.label("serving.knative.dev/configuration", name)
	c.label("serving.knative.dev/revision", name+"-v1")
	c.label("app", name+"-v1", "a")
	c.opaque("serving.knative.dev/configurationGeneration", "serving.knative.dev/configurationUID", "serving.knative.dev/revisionUID", "pod-template-hash")
}

// knativeService is a Service, sometimes with the objects between it and its
// pods.
func (g *generator) knativeService(c *Custom, name string) {
	g.knativePods(c, name)
	c.label("serving.knative.dev/service", name)
	c.opaque("serving.knative.dev/serviceUID")
	if !g.pct(pctCustomChild) {
		return
	}
	g.hit(KnativeChain)
	configuration := g.custom("serving.knative.dev/v1", "Configuration")
	g.give(c, &configuration)
	g.knativePods(&configuration, configuration.name())
	revision := g.custom("serving.knative.dev/v1", "Revision")
	g.give(&configuration, &revision)
	revision.Object["spec"] = tree{"containers": []any{}}
	g.childWorkload(&revision, "deployment", revision.name()+"-deployment")
	g.c.Custom = append(g.c.Custom, configuration, revision)
}

func (g *generator) rollout(c *Custom, name string) {
	spec := tree{}
	if g.pct(10) {
		g.hit(RolloutWorkloadRef)
		spec["workloadRef"] = tree{"kind": "Deployment", "name": "other"}
	} else {
		spec["template"] = g.podTemplate("rollouts-pod-template-hash", "role")
	}
	g.setCount(spec, "replicas", 0, 1, 2)
	labels := func(v string) tree { return tree{"labels": tree{"role": v}} }
	switch g.r.IntN(4) {
	case 0:
		g.hit(RolloutCanary)
		spec["strategy"] = tree{"canary": tree{"stableMetadata": labels("stable"), "canaryMetadata": labels("canary")}}
	case 1:
		g.hit(RolloutBlueGreen)
		spec["strategy"] = tree{"blueGreen": tree{"activeMetadata": labels("stable"), "previewMetadata": labels("canary")}}
	case 2:
		spec["strategy"] = tree{"canary": tree{}}
	}
	c.Object["spec"] = spec
	c.label("role", "stable", "canary")
	c.opaque("rollouts-pod-template-hash")
	g.childWorkload(c, "replicaset", name+"-abc")
}

// virtualMachine is the spec of a VirtualMachine.
func (g *generator) virtualMachine(c *Custom, name string) tree {
	t := tree{"metadata": tree{}}
	g.machine(c, t["metadata"].(tree), t, name)
	spec := tree{"template": t}
	switch g.r.IntN(6) {
	case 0:
		g.hit(MachineHalted)
		spec["runStrategy"] = "Halted"
	case 1:
		g.hit(MachineHalted)
		spec["running"] = false
	case 2:
		spec["running"] = true
	case 3:
		spec["runStrategy"] = "Always"
	}
	return spec
}

// machine writes the labels and the spec of a VirtualMachineInstance.
func (g *generator) machine(c *Custom, meta, into tree, name string) {
	delete(meta, "labels")
	if l := g.podLabels(); l != nil {
		meta["labels"] = toTree(l)
	}
	if g.pct(20) {
		g.hit(MachineSidecar)
		meta["annotations"] = tree{"sidecar.istio.io/inject": "false"}
	}
	spec := tree{"domain": tree{}}
	if g.pct(30) {
		g.hit(MachineHostname)
		spec["hostname"] = "host"
	}
	into["spec"] = spec
	c.label("kubevirt.io", "virt-launcher")
	c.label("vm.kubevirt.io/name", name, "host")
	c.label("vmi.kubevirt.io/id", name)
	c.label("sidecar.istio.io/inject", "false")
	c.opaque("kubevirt.io/created-by", "kubevirt.io/nodeName")
}

// monitoring is the spec of a kind of the Prometheus operator.
func (g *generator) monitoring(c *Custom, name, app string) tree {
	spec := tree{}
	g.setCount(spec, "replicas", 0, 1, 2)
	if g.pct(20) {
		g.hit(MonitoringLocal)
		spec["listenLocal"] = true
	}
	if g.pct(30) {
		g.hit(MonitoringPortName)
		spec["portName"] = "http"
	}
	if g.pct(30) {
		g.hit(MonitoringContainers)
		spec["containers"] = []any{toTree(corev1.Container{Name: "extra", Image: "none", Ports: g.containerPorts()})}
	}
	if g.pct(40) {
		g.hit(MonitoringLabels)
		spec["podMetadata"] = tree{"labels": tree{"role": "a", "app.kubernetes.io/version": "1", "app.kubernetes.io/name": "a"}}
	}
	if (app == "prometheus" || app == "prometheus-agent") && g.pct(15) {
		g.hit(MonitoringHostNetwork)
		spec["hostNetwork"] = true
	}
	c.Object["spec"] = spec
	c.label("app.kubernetes.io/name", app)
	c.label("app.kubernetes.io/instance", name)
	c.label("app.kubernetes.io/managed-by", "prometheus-operator")
	c.label("app.kubernetes.io/version", "1")
	c.label("role", "a")
	c.label("apps.kubernetes.io/pod-index", 0, 1)
	c.opaque("controller-revision-hash", "app.kubernetes.io/version", "statefulset.kubernetes.io/pod-name")
	return spec
}
