package oracle

import (
	"strconv"
	"strings"
)

func trainingEnded(o Object) bool { return o.condition("Succeeded", "Failed") }

var kubeflowKinds = []customKind{
	{group: "kubeflow.org", version: "v1", kind: "PyTorchJob", finished: trainingEnded, sets: func(o Object) []podSet {
		j := training{
			replicas: "pytorchReplicaSpecs", types: []string{"Master", "Worker"},
			operator: "pytorchjob-controller", port: "pytorchjob-port", number: 23456, masters: []string{"Master"},
			manyWorkers: o.has("spec", "elasticPolicy", "metrics"),
		}
		j.firstWorkerLeads = !o.has("spec", j.replicas, "Master")
		return j.sets(o)
	}},
	{group: "kubeflow.org", version: "v1", kind: "TFJob", finished: trainingEnded, sets: func(o Object) []podSet {
		j := training{
			replicas: "tfReplicaSpecs", types: []string{"PS", "Worker", "Chief", "Master", "Evaluator"},
			operator: "tfjob-controller", port: "tfjob-port", number: 2222, masters: []string{"Chief", "Master"},
		}
		j.firstWorkerLeads = !o.has("spec", j.replicas, "Chief") && !o.has("spec", j.replicas, "Master")
		return j.sets(o)
	}},
	{group: "kubeflow.org", version: "v1", kind: "XGBoostJob", finished: trainingEnded, sets: training{
		replicas: "xgbReplicaSpecs", types: []string{"Master", "Worker"},
		operator: "xgboostjob-controller", port: "xgboostjob-port", number: 9999, masters: []string{"Master"},
	}.sets},
	{group: "kubeflow.org", version: "v1", kind: "PaddleJob", finished: trainingEnded, sets: training{
		replicas: "paddleReplicaSpecs", types: []string{"Master", "Worker"},
		operator: "paddlejob-controller", port: "master", number: 36543, masters: []string{"Master"},
	}.sets},
	{group: "kubeflow.org", version: "v1", kind: "JAXJob", finished: trainingEnded, sets: training{
		replicas: "jaxReplicaSpecs", types: []string{"Worker"},
		operator: "jaxjob-controller", port: "jaxjob-port", number: 6666, firstWorkerLeads: true,
	}.sets},
	{group: "kubeflow.org", version: "v1", kind: "MPIJob", finished: trainingEnded, sets: mpiJobV1},
	{group: "kubeflow.org", version: "v2beta1", kind: "MPIJob", finished: trainingEnded, sets: mpiJobV2},
	// The pods of a TrainJob are those of its JobSet, which its runtime makes.
	{group: "trainer.kubeflow.org", kind: "TrainJob"},
}

// training is what the kinds of the training operator differ in.
type training struct {
	replicas         string   // the map of replica specs
	types            []string // its keys
	operator         string
	port             string // that the operator declares
	number           int32
	masters          []string // types whose pods are all masters
	firstWorkerLeads bool     // worker 0 is the master
	manyWorkers      bool     // the operator scales them
}

func (j training) sets(o Object) (out []podSet) {
	for _, t := range j.types {
		spec := o.object("spec", j.replicas, t)
		if !spec.has("template") {
			continue
		}
		s := podSet{
			name: o.name() + "-" + strings.ToLower(t), template: withPort(spec.template("template"), j.port, j.number),
			groups: 1, size: spec.number(1, "replicas"), indexed: true,
		}
		own := s.template.Labels
		labels := func(i int, master bool) map[string]string {
			l := over(own, map[string]string{
				"training.kubeflow.org/operator-name": j.operator,
				"training.kubeflow.org/job-name":      o.name(),
				"training.kubeflow.org/replica-type":  strings.ToLower(t),
				"training.kubeflow.org/replica-index": strconv.Itoa(i),
			})
			if master {
				l["training.kubeflow.org/job-role"] = "master"
			}
			return l
		}
		master := false
		for _, m := range j.masters {
			master = master || m == t
		}
		if t == "Worker" && j.firstWorkerLeads {
			first := s
			first.name, first.size = s.name+"-0", 1
			first.labels = func(int, int) map[string]string { return labels(0, true) }
			out = append(out, first)
			s.from = 1
		}
		if t == "Worker" && j.manyWorkers {
			s.size = many
		}
		s.labels = func(_, i int) map[string]string { return labels(i, master) }
		out = append(out, s)
	}
	return out
}

// mpiJobV1 is the MPIJob of the training operator: all its pods are its own.
func mpiJobV1(o Object) (out []podSet) {
	labels := func(own map[string]string, replicaType string) map[string]string {
		return over(own, map[string]string{
			"training.kubeflow.org/operator-name": "mpijob-controller",
			"training.kubeflow.org/job-name":      o.name(),
			"training.kubeflow.org/replica-type":  replicaType,
		})
	}
	if launcher := o.object("spec", "mpiReplicaSpecs", "Launcher"); launcher.has("template") {
		t := launcher.template("template")
		l := labels(t.Labels, "launcher")
		l["training.kubeflow.org/job-role"] = "master"
		out = append(out, podSet{name: o.name() + "-launcher", template: t, groups: 1, size: 1, labels: alike(l)})
	}
	if worker := o.object("spec", "mpiReplicaSpecs", "Worker"); worker.has("template") {
		t := worker.template("template")
		out = append(out, podSet{name: o.name() + "-worker", template: t, groups: 1, size: worker.number(0, "replicas"), indexed: true, labels: func(_, i int) map[string]string {
			l := labels(t.Labels, "worker")
			l["training.kubeflow.org/replica-index"] = strconv.Itoa(i)
			return l
		}})
	}
	return out
}

// mpiJobV2 is the MPIJob of the MPI operator: its launcher is a Job.
func mpiJobV2(o Object) (out []podSet) {
	launcherWorks := o.is("spec", "runLauncherAsWorker")
	labels := func(own map[string]string, role string) map[string]string {
		return over(own, map[string]string{
			"training.kubeflow.org/operator-name": "mpi-operator",
			"training.kubeflow.org/job-name":      o.name(),
			"training.kubeflow.org/job-role":      role,
		})
	}
	if launcher := o.object("spec", "mpiReplicaSpecs", "Launcher"); launcher.has("template") {
		t := launcher.template("template")
		l := labels(t.Labels, "launcher")
		if launcherWorks {
			l["training.kubeflow.org/replica-index"] = "0"
		}
		out = append(out, podSet{name: o.name() + "-launcher", template: t, groups: 1, size: 1, labels: alike(jobLabels(l, o.name()+"-launcher"))})
	}
	if worker := o.object("spec", "mpiReplicaSpecs", "Worker"); worker.has("template") {
		t := worker.template("template")
		out = append(out, podSet{name: o.name() + "-worker", template: t, groups: 1, size: worker.number(0, "replicas"), indexed: !launcherWorks, labels: func(_, i int) map[string]string {
			l := labels(t.Labels, "worker")
			l["training.kubeflow.org/replica-index"] = strconv.Itoa(i)
			if launcherWorks { // it has 0, and the workers' are not computed
				l["training.kubeflow.org/replica-index"] = uncertain
			}
			return l
		}})
	}
	return out
}
