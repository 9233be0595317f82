package oracle

import (
	"slices"
	"strconv"
)

var volcanoKinds = []customKind{{
	group: "batch.volcano.sh", kind: "Job", output: "job.batch.volcano.sh", sets: volcanoJob,
	finished: func(o Object) bool {
		return slices.Contains([]string{"Completed", "Terminated", "Failed"}, o.text("status", "state", "phase"))
	},
}}

func volcanoJob(o Object) (out []podSet) {
	labels := map[string]string{
		"volcano.sh/job-name":      o.name(),
		"volcano.sh/job-namespace": o.text("metadata", "namespace"),
		"volcano.sh/queue-name":    o.text("spec", "queue"),
	}
	if labels["volcano.sh/queue-name"] == "" {
		labels["volcano.sh/queue-name"] = "default"
	}
	for _, key := range []string{"volcano.sh/preemptable", "volcano.sh/cooldown-time"} {
		if o.has("metadata", "labels", key) {
			labels[key] = o.text("metadata", "labels", key)
		}
	}
	for _, task := range o.list("spec", "tasks") {
		if !task.has("template") {
			continue
		}
		t := task.template("template")
		plugins := o.object("spec", "plugins")
		out = append(out, podSet{name: o.name() + "-" + task.text("name"), template: t, groups: 1, size: task.number(0, "replicas"), indexed: true, incomplete: plugins.has("pytorch") || plugins.has("mpi") || plugins.has("ray"), labels: func(_, i int) map[string]string {
			l := over(t.Labels, labels, map[string]string{"volcano.sh/task-index": strconv.Itoa(i)}, uncertains("volcano.sh/job-forwarding", "volcano.sh/task-spec"))
			if name := task.text("name"); name != "" {
				l["volcano.sh/task-spec"] = name
			}
			return l
		}})
	}
	return out
}
