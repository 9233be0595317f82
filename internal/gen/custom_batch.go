package gen

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// spark is the spec of a SparkApplication.
func (g *generator) spark(c *Custom) tree {
	spec := tree{"type": "Scala", "sparkVersion": "3.5.0"}
	for _, role := range []string{"driver", "executor"} {
		s := tree{}
		if g.pct(60) {
			s["template"] = g.podTemplate("spark-role", "sparkoperator.k8s.io/app-name", "sparkoperator.k8s.io/mutated-by-spark-operator")
		} else {
			g.hit(SparkTemplateAbsent)
		}
		if g.pct(40) {
			g.hit(SparkSidecars)
			s["sidecars"] = []any{toTree(corev1.Container{Name: "s", Ports: g.containerPorts()})}
		}
		if g.pct(15) {
			g.hit(SparkHostNetwork)
			s["hostNetwork"] = true
		}
		if g.pct(40) {
			g.hit(SparkLabels)
			s["labels"] = tree{"app": "b", "role": role}
		}
		if role == "executor" {
			g.setCount(s, "instances", 0, 1, 2)
		}
		spec[role] = s
	}
	if g.pct(20) {
		g.hit(CustomAutoscaled)
		spec["dynamicAllocation"] = tree{"enabled": true}
	}
	if g.pct(30) {
		g.hit(SparkMonitoring)
		p := tree{"jmxExporterJar": "/jmx.jar"}
		if g.pct(50) {
			p["portName"] = "metrics"
		}
		spec["monitoring"] = tree{"prometheus": p, "exposeExecutorMetrics": g.pct(30)}
	}
	c.label("spark-role", "driver", "executor")
	c.label("sparkoperator.k8s.io/launched-by-spark-operator", "true")
	c.label("role", "driver", "executor")
	c.label("app", "b")
	c.opaque("spark-app-selector", "sparkoperator.k8s.io/mutated-by-spark-operator", "spark-app-name", "spark-exec-id", "spark-exec-resourceprofile-id", "sparkoperator.k8s.io/submission-id")
	return spec
}

func (g *generator) workflow(c *Custom) tree {
	container := func(name string) any {
		return toTree(corev1.Container{Name: name, Image: "none", Ports: g.containerPorts()})
	}
	var templates []any
	for i := range g.between(1, 2) {
		t := tree{"name": fmt.Sprintf("t%d", i)}
		sort := pick(g, []string{"container", "script", "containerSet", "resource", "data", "dag", "suspend", "http", "plugin"})
		switch sort {
		case "container", "script":
			t[sort] = container("main")
		case "containerSet":
			g.hit(WorkflowContainerSet)
			t[sort] = tree{"containers": []any{container("a"), container("b")}}
		case "dag":
			g.hit(WorkflowNoPods)
			t[sort] = tree{"tasks": []any{tree{"name": "a", "template": "t0"}}}
		case "suspend":
			g.hit(WorkflowNoPods)
			t[sort] = tree{"duration": "1"}
		case "http", "plugin":
			g.hit(WorkflowAgent)
			t[sort] = tree{"url": "http://a"}
		default:
			t[sort] = tree{"action": "get"}
		}
		if g.pct(25) {
			g.hit(WorkflowSidecars)
			t["sidecars"] = []any{container("s")}
		}
		if g.pct(40) {
			g.hit(WorkflowLabels)
			t["metadata"] = tree{"labels": tree{"app": "a", "tier": "{{inputs.parameters.x}}"}}
		}
		templates = append(templates, t)
	}
	spec := tree{"templates": templates, "entrypoint": "t0"}
	if g.pct(30) {
		g.hit(WorkflowLabels)
		spec["podMetadata"] = tree{"labels": tree{"app": "b", "role": "a", "workflows.argoproj.io/completed": "a"}}
	}
	if g.pct(25) {
		g.hit(WorkflowLabels)
		spec["templateDefaults"] = tree{"metadata": tree{"labels": tree{"role": "b"}}}
	}
	if g.pct(15) {
		g.hit(WorkflowHostNetwork)
		spec["hostNetwork"] = true
	}
	c.label("app", "a", "b")
	c.label("role", "a", "b")
	c.label("tier", "a")
	c.label("workflows.argoproj.io/completed", "a", "false")
	c.label("workflows.argoproj.io/component", "agent")
	c.opaque("workflows.argoproj.io/on-exit", "workflows.argoproj.io/completed")
	return spec
}
