package gen

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trainingKinds are the kinds that train models, and those that gang pods.
var trainingKinds = []customKind{
	{"jobset.x-k8s.io/v1alpha2", "JobSet", CustomJobSet, (*generator).jobSet},
	{"ray.io/v1", "RayCluster", CustomRayCluster, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = g.rayCluster(c, name)
		g.rayTolerance(c)
	}},
	{"ray.io/v1", "RayJob", CustomRayJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = g.rayJob(c, name)
		g.rayTolerance(c)
		g.status(c, []string{"jobDeploymentStatus"}, []string{"Complete", "Failed", "ValidationFailed"}, []string{"Running", "Retrying", "Suspended"})
		g.child(c, "ray.io/v1", "RayCluster", func(o *Custom) { o.Object["spec"] = g.rayCluster(o, o.name()) })
		g.childWorkload(c, "job", name)
	}},
	{"ray.io/v1", "RayService", CustomRayService, func(g *generator, c *Custom, name string) {
		spec := tree{"rayClusterConfig": g.rayCluster(c, "")}
		if g.pct(40) {
			g.hit(RayHeadNotServing)
			spec["excludeHeadPodFromServeSvc"] = g.pct(70)
		}
		c.label("ray.io/serve", true, false)
		c.Object["spec"] = spec
		g.rayTolerance(c)
		g.child(c, "ray.io/v1", "RayCluster", func(o *Custom) { o.Object["spec"] = g.rayCluster(o, o.name()) })
	}},
	{"ray.io/v1", "RayCronJob", CustomRayCronJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"schedule": "0 0 * * *", "jobTemplate": g.rayJob(c, name)}
		g.child(c, "ray.io/v1", "RayJob", func(o *Custom) { o.Object["spec"] = g.rayJob(o, o.name()) })
	}},
	{"kubeflow.org/v1", "PyTorchJob", CustomPyTorchJob, func(g *generator, c *Custom, name string) {
		spec := tree{"pytorchReplicaSpecs": g.replicaSpecs(c, name, "Master", "Worker")}
		if g.pct(30) {
			g.hit(CustomAutoscaled)
			spec["elasticPolicy"] = tree{"maxReplicas": 3, "metrics": []any{tree{"type": "Resource"}}}
		} else if g.pct(20) {
			g.hit(TrainingElasticFixed)
			spec["elasticPolicy"] = tree{"maxReplicas": 3}
		}
		c.Object["spec"] = spec
	}},
	{"kubeflow.org/v1", "TFJob", CustomTFJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"tfReplicaSpecs": g.replicaSpecs(c, name, "PS", "Worker", "Chief", "Master", "Evaluator")}
	}},
	{"kubeflow.org/v1", "XGBoostJob", CustomXGBoostJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"xgbReplicaSpecs": g.replicaSpecs(c, name, "Master", "Worker")}
	}},
	{"kubeflow.org/v1", "PaddleJob", CustomPaddleJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"paddleReplicaSpecs": g.replicaSpecs(c, name, "Master", "Worker")}
	}},
	{"kubeflow.org/v1", "JAXJob", CustomJAXJob, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"jaxReplicaSpecs": g.replicaSpecs(c, name, "Worker")}
	}},
	{"kubeflow.org/v1", "MPIJob", CustomMPIJobV1, func(g *generator, c *Custom, name string) {
		c.Object["spec"] = tree{"mpiReplicaSpecs": g.replicaSpecs(c, name, "Launcher", "Worker")}
	}},
	{"kubeflow.org/v2beta1", "MPIJob", CustomMPIJobV2, func(g *generator, c *Custom, name string) {
		spec := tree{"mpiReplicaSpecs": g.replicaSpecs(c, name, "Launcher", "Worker")}
		if g.pct(40) {
			g.hit(MPILauncherWorks)
			spec["runLauncherAsWorker"] = g.pct(70)
		}
		c.label("batch.kubernetes.io/job-name", name+"-launcher")
		c.opaque("controller-uid")
		c.Object["spec"] = spec
		g.childWorkload(c, "job", name+"-launcher")
	}},
	{"trainer.kubeflow.org/v1alpha1", "TrainJob", CustomTrainJob, func(g *generator, c *Custom, _ string) {
		c.Object["spec"] = tree{"runtimeRef": tree{"name": "torch"}}
		g.conditions(c, "Complete", "Failed")
		g.child(c, "jobset.x-k8s.io/v1alpha2", "JobSet", func(o *Custom) { g.jobSet(o, o.name()) })
	}},
	{"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", CustomLeaderWorkerSet, (*generator).leaderWorkerSet},
	{"batch.volcano.sh/v1alpha1", "Job", CustomVolcanoJob, (*generator).volcanoJob},
}

// setCount writes a number of pods, or leaves it out.
func (g *generator) setCount(into tree, key string, numbers ...int) {
	n := pick(g, append([]int{-1}, numbers...))
	switch n {
	case -1:
		g.hit(CustomCountAbsent)
		return
	case 0:
		g.hit(CustomCountZero)
	case 1:
		g.hit(CustomCountOne)
	default:
		g.hit(CustomCountMany)
	}
	into[key] = n
}

// setTemplate writes a pod template, mostly.
func (g *generator) setTemplate(into tree, key string, controller ...string) {
	if g.pct(8) {
		g.hit(CustomTemplateAbsent)
		return
	}
	into[key] = g.podTemplate(controller...)
}

// status says, sometimes, that an object has ended, or that it has not.
func (g *generator) status(c *Custom, path []string, ended, running []string) {
	var v any
	switch g.r.IntN(6) {
	case 0:
		g.hit(CustomFinished)
		v = pick(g, ended)
	case 1:
		g.hit(CustomNotFinished)
		v = pick(g, running)
	default:
		return
	}
	for i := len(path) - 1; i >= 0; i-- {
		v = tree{path[i]: v}
	}
	c.Object["status"] = v
}

// conditions is status for conditions.
func (g *generator) conditions(c *Custom, ended ...string) {
	condition := func(t, s string) tree { return tree{"type": t, "status": s} }
	switch g.r.IntN(6) {
	case 0:
		g.hit(CustomFinished)
		c.Object["status"] = tree{"conditions": []any{condition("Running", "False"), condition(pick(g, ended), "True")}}
	case 1:
		g.hit(CustomNotFinished)
		c.Object["status"] = tree{"conditions": []any{condition("Running", "True"), condition(pick(g, ended), "False")}}
	}
}

func (g *generator) jobSet(c *Custom, name string) {
	var jobs []any
	for _, r := range g.shuffled([]string{"w", "ps"})[:g.between(1, 2)] {
		prefix := "jobset.sigs.k8s.io/"
		job := tree{}
		g.setTemplate(job, "template", prefix+"jobset-name", prefix+"job-index", "job-name", "batch.kubernetes.io/job-completion-index", "controller-uid")
		g.setCount(job, "parallelism", 0, 1, 2)
		g.setCount(job, "completions", 1, 2)
		if g.pct(60) {
			job["completionMode"] = either(g.pct(50), "NonIndexed", "Indexed")
			g.hit(either(job["completionMode"] == "Indexed", JobSetIndexed, JobSetNonIndexed))
		}
		replicated := tree{"name": r, "template": tree{"spec": job}}
		g.setCount(replicated, "replicas", 0, 1, 2)
		if g.pct(30) {
			g.hit(JobSetGroup)
			replicated["groupName"] = "a"
		}
		jobs = append(jobs, replicated)
		c.label(prefix+"replicatedjob-name", r)
		c.label("job-name", name+"-"+r+"-0", name+"-"+r+"-1")
	}
	c.Object["spec"] = tree{"replicatedJobs": jobs}
	g.status(c, []string{"terminalState"}, []string{"Completed", "Failed"}, []string{"Suspended"})
	if c.Object["status"] == nil && g.pct(20) {
		g.hit(JobSetRestarted)
		c.Object["status"] = tree{"restarts": 1}
	}
	prefix := "jobset.sigs.k8s.io/"
	c.label(prefix+"jobset-name", name)
	c.label(prefix+"replicatedjob-replicas", 0, 1, 2)
	c.label(prefix+"job-index", 0, 1)
	c.label(prefix+"group-name", "default", "a")
	c.label(prefix+"restart-attempt", 0, 1)
	c.label("batch.kubernetes.io/job-name", name+"-w-0")
	c.label("batch.kubernetes.io/job-completion-index", 0, 1)
	c.opaque(prefix+"jobset-uid", prefix+"job-key", prefix+"priority", prefix+"global-replicas", prefix+"job-global-index",
		prefix+"group-replicas", prefix+"job-group-index", prefix+"coordinator", "batch.kubernetes.io/controller-uid")
	g.childWorkload(c, "job", name+"-w-0")
}

// rayCluster is the spec of a RayCluster; without a name, that is not known.
func (g *generator) rayCluster(c *Custom, name string) tree {
	head := tree{}
	g.setTemplate(head, "template", "ray.io/cluster", "ray.io/identifier", "ray.io/is-ray-node", "app.kubernetes.io/name")
	spec := tree{"headGroupSpec": head}
	if g.pct(20) {
		g.hit(RayGroupLabels)
		head["labels"] = tree{"app": "a", "ray.io/is-ray-node": "a"}
	}
	if g.pct(15) {
		g.hit(CustomAutoscaled)
		spec["enableInTreeAutoscaling"] = true
	}
	if g.pct(10) {
		g.hit(RayFaultTolerance)
		spec["gcsFaultToleranceOptions"] = either(g.pct(50), tree{"redisAddress": "redis:6379"}, tree{})
	}
	groups := []any{}
	for _, n := range g.shuffled([]string{"cpu", "gpu"})[:g.between(0, 2)] {
		w := tree{"groupName": n}
		g.setTemplate(w, "template", "ray.io/group", "ray.io/node-type", "ray.io/worker-group-replica-index", "app.kubernetes.io/created-by")
		g.setCount(w, "replicas", 0, 1, 2)
		if g.pct(40) {
			g.hit(RayMinReplicas)
			w["minReplicas"] = g.between(0, 2)
		}
		if g.pct(30) {
			g.hit(RayHosts)
			w["numOfHosts"] = g.between(0, 2)
		}
		if g.pct(20) {
			g.hit(RayGroupLabels)
			w["labels"] = tree{"tier": "b", "ray.io/group": "a", "app.kubernetes.io/name": "a"}
		}
		groups = append(groups, w)
	}
	spec["workerGroupSpecs"] = groups
	if name == "" {
		c.opaque("ray.io/cluster", "ray.io/identifier")
	} else {
		c.label("ray.io/cluster", name)
		c.label("ray.io/identifier", name+"-head", name+"-worker")
	}
	c.label("ray.io/node-type", "head", "worker", "redis-cleanup")
	c.label("ray.io/group", "headgroup", "cpu", "gpu")
	c.label("ray.io/is-ray-node", "yes", "a")
	c.label("app.kubernetes.io/name", "kuberay", "a")
	c.label("app.kubernetes.io/created-by", "kuberay-operator")
	c.label("ray.io/worker-group-replica-index", 0, 1, 5)
	c.opaque("ray.io/replica-host-index", "ray.io/serve")
	return spec
}

// rayTolerance asks, sometimes, for what tolerates the loss of the head.
func (g *generator) rayTolerance(c *Custom) {
	if g.pct(15) {
		g.hit(RayFaultTolerance)
		c.meta()["annotations"] = tree{"ray.io/ft-enabled": pick(g, []string{"true", "True", "TRUE", "false"})}
		c.label("job-name", c.name()+"-redis-cleanup")
	}
}

func (g *generator) rayJob(c *Custom, name string) tree {
	spec := tree{}
	switch n := g.r.IntN(10); {
	case n < 7:
		spec["rayClusterSpec"] = g.rayCluster(c, "")
	case n < 9:
		g.hit(RayClusterSelector)
		spec["clusterSelector"] = tree{"ray.io/cluster": "other"}
		if g.pct(50) {
			spec["rayClusterSpec"] = g.rayCluster(c, "")
		}
	}
	if g.pct(60) {
		mode := pick(g, []string{"K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"})
		g.hit(RaySubmissionMode)
		spec["submissionMode"] = mode
	}
	if g.pct(50) {
		g.hit(RaySubmitterTemplate)
		spec["submitterPodTemplate"] = g.podTemplate("job-name", "controller-uid")
	}
	c.label("job-name", name)
	c.opaque("controller-uid", "batch.kubernetes.io/controller-uid")
	return spec
}

// replicaSpecs are the pods of the kinds of Kubeflow, by type.
func (g *generator) replicaSpecs(c *Custom, name string, types ...string) tree {
	out := tree{}
	prefix := "training.kubeflow.org/"
	var names []any
	for _, t := range types {
		names = append(names, strings.ToLower(t))
		if g.pct(100 / (len(types) + 1)) {
			g.hit(TrainingTypeAbsent)
			continue
		}
		spec := tree{}
		if g.pct(5) {
			g.hit(TrainingTypeEmpty)
			out[t] = spec
			continue
		}
		g.setTemplate(spec, "template", prefix+"replica-index", prefix+"job-role", prefix+"replica-type")
		g.setCount(spec, "replicas", 0, 1, 2, 3)
		out[t] = spec
	}
	c.label(prefix+"job-role", "master", "launcher", "worker")
	c.label(prefix+"job-name", name)
	c.label(prefix+"replica-type", names...)
	c.label(prefix+"replica-index", 0, 1, 2)
	c.label(prefix+"operator-name", strings.ToLower(c.kind())+"-controller", "mpi-operator")
	g.conditions(c, "Succeeded", "Failed")
	return out
}

func (g *generator) leaderWorkerSet(c *Custom, name string) {
	prefix := "leaderworkerset.sigs.k8s.io/"
	t := tree{}
	if g.pct(60) {
		g.hit(LeaderTemplate)
		t["leaderTemplate"] = g.podTemplate(prefix+"group-index", prefix+"worker-index", "apps.kubernetes.io/pod-index")
	}
	g.setTemplate(t, "workerTemplate", prefix+"group-index", prefix+"group-key", "apps.kubernetes.io/pod-index")
	g.setCount(t, "size", 1, 2, 3)
	spec := tree{"leaderWorkerTemplate": t}
	g.setCount(spec, "replicas", 0, 1, 2)
	c.Object["spec"] = spec
	c.label(prefix+"name", name)
	c.label(prefix+"group-index", 0, 1)
	c.label(prefix+"worker-index", 0, 1, 2)
	c.label("statefulset.kubernetes.io/pod-name", name+"-0", name+"-1-1")
	c.label("apps.kubernetes.io/pod-index", 0, 1, 2)
	c.opaque(prefix+"group-key", prefix+"template-revision-hash", prefix+"subgroup-index", "controller-revision-hash")
	g.childWorkload(c, "statefulset", name)
}

func (g *generator) volcanoJob(c *Custom, name string) {
	var tasks []any
	for _, n := range g.shuffled([]string{"ps", "worker"})[:g.between(1, 2)] {
		task := tree{"name": n}
		g.setTemplate(task, "template", "volcano.sh/task-index", "volcano.sh/job-name")
		g.setCount(task, "replicas", 0, 1, 3)
		tasks = append(tasks, task)
		c.label("volcano.sh/task-spec", n)
	}
	spec := tree{"tasks": tasks}
	if g.pct(50) {
		g.hit(VolcanoQueue)
		spec["queue"] = "q"
	}
	if g.pct(25) {
		g.hit(VolcanoPlugins)
		spec["plugins"] = tree{pick(g, []string{"pytorch", "svc", "mpi"}): []any{}}
	}
	if g.pct(30) {
		g.hit(VolcanoOwnLabels)
		c.meta()["labels"] = tree{"volcano.sh/preemptable": "true", "volcano.sh/cooldown-time": "1"}
		c.label("volcano.sh/preemptable", true)
		c.label("volcano.sh/cooldown-time", 1)
	}
	c.Object["spec"] = spec
	g.status(c, []string{"state", "phase"}, []string{"Completed", "Terminated", "Failed"}, []string{"Aborted", "Running", "Pending"})
	c.label("volcano.sh/job-name", name)
	c.label("volcano.sh/job-namespace", g.c.space(metav1.ObjectMeta{Namespace: c.space()}))
	c.label("volcano.sh/queue-name", "default", "q")
	c.label("volcano.sh/task-index", 0, 1, 2)
	c.opaque("volcano.sh/job-forwarding")
}
