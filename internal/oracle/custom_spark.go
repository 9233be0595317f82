package oracle

import (
	"slices"
	"strings"
)

var sparkKinds = []customKind{
	{group: "sparkoperator.k8s.io", version: "v1beta2", kind: "SparkApplication",
		sets: func(o Object) []podSet {
			return spark{o: o, spec: o.object("spec"), app: o.name(), application: o.stringMap("metadata", "labels")}.sets()
		},
		finished: func(o Object) bool {
			return slices.Contains([]string{"COMPLETED", "FAILED"}, o.text("status", "applicationState", "state"))
		}},
	{group: "sparkoperator.k8s.io", version: "v1beta2", kind: "ScheduledSparkApplication", sets: func(o Object) []podSet {
		application := over(map[string]string{"sparkoperator.k8s.io/scheduled-app-name": o.name()}, o.stringMap("metadata", "labels"))
		return spark{o: o, spec: o.object("spec", "template"), app: opaque, application: application, manyExecutors: true}.sets()
	}},
}

// spark is one application.
type spark struct {
	o, spec       Object
	app           string            // its name
	application   map[string]string // its labels
	manyExecutors bool
}

func (s spark) sets() []podSet {
	driver := s.pods("driver")
	driver.size = 1
	driver.template = declaring(driver.template, tcp("driver-rpc-port", 7078), tcp("blockmanager", 7079), tcp("spark-ui", 4040))
	if s.spec.has("monitoring", "prometheus") {
		name := s.spec.text("monitoring", "prometheus", "portName")
		if name == "" {
			name = "jmx-exporter"
		}
		driver.template = declaring(driver.template, tcp(name, 8090))
	}
	executors := s.pods("executor")
	executors.name = s.o.name() + "-exec"
	executors.size = s.spec.number(1, "executor", "instances")
	if s.manyExecutors || s.spec.is("dynamicAllocation", "enabled") {
		executors.size = many
	}
	executors.template = declaring(executors.template, tcp("blockmanager", 7079))
	// The numbers of executors, and what versions of Spark add.
	executors.labels = alike(missing(executors.labels(0, 0), uncertains("spark-exec-id", "spark-exec-resourceprofile-id")))
	return []podSet{driver, executors}
}

// pods are the driver or the executors, but for their number.
func (s spark) pods(role string) podSet {
	spec := s.spec.object(role)
	t := spec.template("template")
	incomplete := len(spec.list("ports")) > 0
	if role == "executor" { // Spark drops the ports of the executor's container
		incomplete = s.spec.is("monitoring", "exposeExecutorMetrics")
		for _, c := range t.Spec.Containers {
			incomplete = incomplete || len(c.Ports) > 0
		}
		t.Spec.Containers = nil
	}
	var sidecars podSet
	spec.decode(&sidecars.template.Spec.Containers, "sidecars")
	t.Spec.Containers = append(slices.Clone(t.Spec.Containers), sidecars.template.Spec.Containers...)
	if spec.is("hostNetwork") {
		t.Spec.HostNetwork = true
	}
	operator := map[string]string{
		"sparkoperator.k8s.io/app-name":                   s.app,
		"sparkoperator.k8s.io/launched-by-spark-operator": "true",
		"sparkoperator.k8s.io/submission-id":              opaque,
	}
	operator["sparkoperator.k8s.io/mutated-by-spark-operator"] = uncertain
	operator["spark-version"], operator["spark-app-name"] = uncertain, uncertain
	application := map[string]string{}
	for k, v := range s.application {
		if !strings.HasPrefix(k, "kueue.x-k8s.io/") {
			application[k] = v
		}
	}
	l := over(t.Labels, operator, application, spec.stringMap("labels"), map[string]string{"spark-role": role, "spark-app-selector": opaque})
	return podSet{name: s.o.name() + "-" + role, template: t, groups: 1, incomplete: incomplete, labels: alike(l)}
}
