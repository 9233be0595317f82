package oracle

import (
	"slices"
	"strconv"
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
	l := over(executors.labels(0, 0), opaques("spark-exec-id"))
	if !s.before(3, 1) {
		l["spark-exec-resourceprofile-id"] = opaque
	}
	executors.labels = alike(l)
	return []podSet{driver, executors}
}

// pods are the driver or the executors, but for their number.
func (s spark) pods(role string) podSet {
	spec := s.spec.object(role)
	t := spec.template("template")
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
	if !spec.has("template") || s.before(3, 0) {
		operator["sparkoperator.k8s.io/mutated-by-spark-operator"] = "true"
	}
	application := map[string]string{}
	for k, v := range s.application {
		if !strings.HasPrefix(k, "kueue.x-k8s.io/") {
			application[k] = v
		}
	}
	l := over(t.Labels, operator, application, spec.stringMap("labels"), map[string]string{"spark-role": role, "spark-app-selector": opaque})
	return podSet{name: s.o.name() + "-" + role, template: t, groups: 1, labels: alike(l)}
}

// before reports whether the version of Spark is said and older.
func (s spark) before(major, minor int) bool {
	parts := strings.SplitN(s.spec.text("sparkVersion"), ".", 3)
	if len(parts) < 2 {
		return false
	}
	x, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	y, _ := strconv.Atoi(parts[1])
	return x < major || x == major && y < minor
}
