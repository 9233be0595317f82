package oracle

import (
	"slices"
	"strconv"
)

var rayKinds = []customKind{
	{group: "ray.io", kind: "RayCluster", sets: func(o Object) []podSet {
		return ray{name: o.name(), cluster: o.name(), spec: o.object("spec"), ft: ftEnabled(o)}.sets()
	}},
	{group: "ray.io", kind: "RayJob", sets: func(o Object) []podSet {
		return rayJob(o, o.object("spec"), o.name(), ftEnabled(o))
	}, finished: func(o Object) bool {
		return slices.Contains([]string{"Complete", "Failed", "ValidationFailed"}, o.text("status", "jobDeploymentStatus"))
	}},
	{group: "ray.io", kind: "RayService", sets: func(o Object) []podSet {
		r := ray{name: o.name(), cluster: opaque, spec: o.object("spec", "rayClusterConfig"), ft: ftEnabled(o), serves: true}
		r.headServes = uncertain // while its proxy is healthy
		if o.is("spec", "excludeHeadPodFromServeSvc") {
			r.headServes = "false"
		}
		return r.sets()
	}},
	{group: "ray.io", kind: "RayCronJob", sets: func(o Object) []podSet {
		return rayJob(o, o.object("spec", "jobTemplate"), opaque, false)
	}},
}

func ftEnabled(o Object) bool {
	return slices.Contains([]string{"true", "True", "TRUE"}, o.text("metadata", "annotations", "ray.io/ft-enabled"))
}

// ray is one Ray cluster.
type ray struct {
	name       string // of the object, by which instances are named
	cluster    string // of the RayCluster, which may be opaque
	spec       Object
	ft         bool   // the annotation ray.io/ft-enabled
	serves     bool   // of a RayService
	headServes string // then, the label ray.io/serve of the head
}

// rayJob is the cluster of a RayJob and what submits to it.
func rayJob(o, spec Object, job string, ft bool) (out []podSet) {
	if len(spec.object("clusterSelector")) == 0 && spec.has("rayClusterSpec") {
		out = ray{name: o.name(), cluster: opaque, spec: spec.object("rayClusterSpec"), ft: ft}.sets()
	}
	if mode := spec.text("submissionMode"); mode == "" || mode == "K8sJobMode" {
		t := spec.template("submitterPodTemplate")
		out = append(out, podSet{name: o.name() + "-submitter", template: t, groups: 1, size: 1, labels: alike(jobLabels(t.Labels, job))})
	}
	return out
}

func (r ray) sets() (out []podSet) {
	if r.spec.has("headGroupSpec", "template") {
		t := withPort(r.spec.template("headGroupSpec", "template"), "metrics", 8080)
		own := over(t.Labels, r.spec.stringMap("headGroupSpec", "labels"))
		out = append(out, podSet{name: r.name + "-head", template: t, groups: 1, size: 1, labels: alike(r.labels(own, "head", "headgroup", r.headServes))})
		if r.ft || r.spec.has("gcsFaultToleranceOptions") {
			l := r.labels(own, "head", "headgroup", "false")
			l["ray.io/node-type"] = "redis-cleanup"
			job := r.name + "-redis-cleanup"
			if r.cluster == opaque {
				job = opaque
			}
			out = append(out, podSet{name: r.name + "-redis-cleanup", template: t, groups: 1, size: 1, labels: alike(jobLabels(l, job))})
		}
	}
	for _, w := range r.spec.list("workerGroupSpecs") {
		if !w.has("template") {
			continue
		}
		t := withPort(w.template("template"), "metrics", 8080)
		l := r.labels(over(t.Labels, w.stringMap("labels")), "worker", w.text("groupName"), "true")
		hosts := max(1, w.number(1, "numOfHosts"))
		replicas := w.number(0, "replicas")
		if replicas == 0 {
			replicas = w.number(0, "minReplicas")
		}
		s := podSet{name: r.name + "-" + w.text("groupName"), template: t, groups: replicas, size: hosts, indexed: true}
		autoscaled := r.spec.is("enableInTreeAutoscaling")
		if autoscaled {
			s.groups, s.size = 1, many
		}
		s.labels = func(g, i int) map[string]string {
			replica := g
			if autoscaled {
				replica = i
			}
			return over(l, map[string]string{"ray.io/worker-group-replica-index": strconv.Itoa(replica)}, uncertains("ray.io/replica-host-index", "ray.io/worker-group-replica-name"))
		}
		out = append(out, s)
	}
	return out
}

// labels puts what KubeRay sets over the labels of a template and its group.
func (r ray) labels(own map[string]string, nodeType, group, serve string) map[string]string {
	l := over(own, map[string]string{"ray.io/cluster": r.cluster, "ray.io/node-type": nodeType, "ray.io/group": group})
	if r.serves {
		l["ray.io/serve"] = serve
	}
	if r.cluster != opaque { // a RayService may own the RayCluster
		l["ray.io/serve"] = uncertain
	}
	identifier := r.cluster
	if identifier != opaque {
		identifier += "-" + nodeType
	}
	return missing(l, map[string]string{
		"ray.io/is-ray-node":           "yes",
		"ray.io/identifier":            identifier,
		"app.kubernetes.io/name":       "kuberay",
		"app.kubernetes.io/created-by": "kuberay-operator",
	})
}
