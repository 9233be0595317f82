package oracle

import (
	"slices"
	"strconv"
)

var jobSetKinds = []customKind{{
	group: "jobset.x-k8s.io", kind: "JobSet", sets: jobSet,
	finished: func(o Object) bool {
		return slices.Contains([]string{"Completed", "Failed"}, o.text("status", "terminalState"))
	},
}}

// jobSet: replicas Jobs for each replicated job, which are Indexed by default.
func jobSet(o Object) (out []podSet) {
	for _, r := range o.list("spec", "replicatedJobs") {
		if !r.has("template", "spec", "template") {
			continue
		}
		t := r.template("template", "spec", "template")
		base := o.name() + "-" + r.text("name")
		replicas := r.number(1, "replicas")
		job := r.object("template", "spec")
		size := job.number(1, "completions")
		indexed := job.text("completionMode") != "NonIndexed"
		if !indexed {
			size = job.number(1, "parallelism")
		}
		group := r.text("groupName")
		if group == "" {
			group = "default"
		}
		out = append(out, podSet{name: base, template: t, groups: replicas, size: size, indexed: true, labels: func(g, i int) map[string]string {
			l := over(t.Labels, map[string]string{
				"jobset.sigs.k8s.io/jobset-name":            o.name(),
				"jobset.sigs.k8s.io/replicatedjob-name":     r.text("name"),
				"jobset.sigs.k8s.io/replicatedjob-replicas": strconv.Itoa(replicas),
				"jobset.sigs.k8s.io/job-index":              strconv.Itoa(g),
				"jobset.sigs.k8s.io/group-name":             group,
				"jobset.sigs.k8s.io/restart-attempt":        strconv.Itoa(o.number(0, "status", "restarts")),
			})
			if indexed {
				l["batch.kubernetes.io/job-completion-index"] = strconv.Itoa(i)
			}
			l = jobLabels(l, base+"-"+strconv.Itoa(g))
			return over(l, opaques("jobset.sigs.k8s.io/jobset-uid"), uncertains(
				"jobset.sigs.k8s.io/job-key", "jobset.sigs.k8s.io/priority", "jobset.sigs.k8s.io/coordinator",
				"jobset.sigs.k8s.io/global-replicas", "jobset.sigs.k8s.io/job-global-index",
				"jobset.sigs.k8s.io/group-replicas", "jobset.sigs.k8s.io/job-group-index",
			))
		}})
	}
	return out
}

var leaderWorkerSetKinds = []customKind{{group: "leaderworkerset.x-k8s.io", kind: "LeaderWorkerSet", sets: leaderWorkerSet}}

// leaderWorkerSetMore are labels that hang on a hash, or on subgroups.
func leaderWorkerSetMore() map[string]string {
	return over(opaques("leaderworkerset.sigs.k8s.io/template-revision-hash"), uncertains("leaderworkerset.sigs.k8s.io/group-key",
		"leaderworkerset.sigs.k8s.io/subgroup-index", "leaderworkerset.sigs.k8s.io/subgroup-key"))
}

// leaderWorkerSet: replicas groups of size pods, the first of which leads.
func leaderWorkerSet(o Object) (out []podSet) {
	name, spec := o.name(), o.object("spec", "leaderWorkerTemplate")
	replicas, size := o.number(1, "spec", "replicas"), spec.number(1, "size")
	common := func(l map[string]string, g, i int) map[string]string {
		l = over(l, map[string]string{
			"leaderworkerset.sigs.k8s.io/name":         name,
			"leaderworkerset.sigs.k8s.io/worker-index": strconv.Itoa(i),
		}, leaderWorkerSetMore())
		return missing(l, map[string]string{"leaderworkerset.sigs.k8s.io/group-index": strconv.Itoa(g)})
	}
	leader := "leaderTemplate"
	if !spec.has(leader) {
		leader = "workerTemplate"
	}
	if spec.has(leader) {
		t := spec.template(leader)
		out = append(out, podSet{name: name + "-leader", template: t, groups: replicas, size: 1, indexed: true, labels: func(g, _ int) map[string]string {
			return statefulSetLabels(common(t.Labels, g, 0), name+"-"+strconv.Itoa(g), g)
		}})
	}
	if spec.has("workerTemplate") {
		t := spec.template("workerTemplate")
		out = append(out, podSet{name: name + "-worker", template: t, groups: replicas, size: size, from: 1, indexed: true, labels: func(g, i int) map[string]string {
			l := over(t.Labels, map[string]string{"leaderworkerset.sigs.k8s.io/group-index": strconv.Itoa(g)})
			return statefulSetLabels(common(l, g, i), name+"-"+strconv.Itoa(g)+"-"+strconv.Itoa(i), i)
		}})
	}
	return out
}
