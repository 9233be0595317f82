package gen

import (
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workload is an object with a pod template (R63).
type Workload struct {
	Kind            string            // lower case: "deployment", "cronjob"
	Namespace, Name string            // Namespace as written
	Labels          map[string]string // of the workload itself; they mean nothing (R26)
	OwnerReferences []metav1.OwnerReference
	Replicas        *int32                  // or a Job's parallelism; nil: absent
	Template        *corev1.PodTemplateSpec // nil: a ReplicationController without one

	Ordinals       *appsv1.StatefulSetOrdinals // of a StatefulSet
	CompletionMode *batchv1.CompletionMode     // this and the rest: of a Job, or of a CronJob's Jobs
	Completions    *int32
	ManualSelector *bool
	JobStatus      batchv1.JobStatus // of a Job
}

// workloadKinds are the built-in kinds with the construct that each stands for.
var workloadKinds = []struct {
	kind, version, name string
	scales              bool
	feature             Feature
}{
	{"deployment", "apps/v1", "Deployment", true, WorkloadDeployment},
	{"replicaset", "apps/v1", "ReplicaSet", true, WorkloadReplicaSet},
	{"replicationcontroller", "v1", "ReplicationController", true, WorkloadReplicationController},
	{"statefulset", "apps/v1", "StatefulSet", true, WorkloadStatefulSet},
	{"daemonset", "apps/v1", "DaemonSet", false, WorkloadDaemonSet},
	{"job", "batch/v1", "Job", true, WorkloadJob},
	{"cronjob", "batch/v1", "CronJob", false, WorkloadCronJob},
}

// workloads makes the workloads; some own others, or Pod objects (see own).
func (g *generator) workloads() {
	if !g.controllers && !g.pct(pctWorkloads) {
		return
	}
	for range g.between(either(g.controllers, maxWorkloads, 1), maxWorkloads) {
		k := pick(g, workloadKinds)
		g.hit(k.feature)
		m := g.meta(k.kind)
		w := Workload{Kind: k.kind, Namespace: m.Namespace, Name: m.Name, Labels: g.labels(pctPodLabel)}
		if k.scales {
			w.Replicas = pick(g, []*int32{nil, new(int32), ptr[int32](1), ptr[int32](2), ptr[int32](5)})
			switch {
			case w.Replicas == nil:
				g.hit(ReplicasAbsent)
			case *w.Replicas == 0:
				g.hit(ReplicasZero)
			case *w.Replicas == 1:
				g.hit(ReplicasOne)
			default:
				g.hit(ReplicasMany)
			}
		}
		if k.kind == "replicationcontroller" && g.pct(pctTemplateAbsent) {
			g.hit(TemplateAbsent)
		} else {
			w.Template = g.template(k.kind)
		}
		g.numbers(&w)
		if w.Kind == "job" {
			w.JobStatus = g.jobStatus()
		}
		if owner := g.ownerOf(w); owner != nil {
			g.hit(WorkloadOwned)
			w.OwnerReferences = []metav1.OwnerReference{*owner}
		}
		g.c.Workloads = append(g.c.Workloads, w)
	}
}

// numbers says how the controller numbers and names the pods (R65).
func (g *generator) numbers(w *Workload) {
	switch w.Kind {
	case "statefulset":
		if g.pct(pctOrdinals) {
			g.hit(OrdinalsStart)
			w.Ordinals = &appsv1.StatefulSetOrdinals{Start: 1}
		}
	case "job", "cronjob":
		if g.pct(pctManualSelector) {
			g.hit(JobManualSelector)
			w.ManualSelector = ptr(true)
		}
		w.Completions = pick(g, []*int32{nil, new(int32), ptr[int32](1), ptr[int32](3)})
		switch g.r.IntN(3) {
		case 0: // absent
		case 1:
			w.CompletionMode = ptr(batchv1.NonIndexedCompletion)
		case 2:
			w.CompletionMode = ptr(batchv1.IndexedCompletion)
			g.hit(either(w.Kind == "job", JobIndexed, CronJobIndexed))
			switch {
			case w.Completions == nil:
				g.hit(CompletionsAbsent)
			case *w.Completions == 0:
				g.hit(CompletionsZero)
			case *w.Completions > 1:
				g.hit(CompletionsMany)
			}
		}
	}
}

// jobStatus says, sometimes, that a Job has ended (R67), or that it has not.
func (g *generator) jobStatus() (out batchv1.JobStatus) {
	condition := func(t batchv1.JobConditionType, s corev1.ConditionStatus) {
		out.Conditions = append(out.Conditions, batchv1.JobCondition{Type: t, Status: s})
	}
	switch g.r.IntN(10) {
	case 0:
		at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		out.CompletionTime = &at
		g.hit(JobCompletionTime)
	case 1:
		condition(batchv1.JobSuspended, corev1.ConditionFalse)
		condition(pick(g, []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed, batchv1.JobSuccessCriteriaMet}), corev1.ConditionTrue)
		g.hit(JobEnded)
	case 2:
		condition(batchv1.JobSuspended, corev1.ConditionTrue)
		condition(pick(g, []batchv1.JobConditionType{batchv1.JobComplete, batchv1.JobFailed}), pick(g, []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionUnknown}))
		g.hit(JobNotEnded)
	}
	return out
}

func (g *generator) template(kind string) *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{Spec: g.podSpec()}
	t.Labels = g.podLabels()
	if g.pct(pctTemplateControllerLabel) {
		g.hit(TemplateControllerLabel)
		key := pick(g, controllerLabels).key
		if keys := (Workload{Kind: kind}).controllerKeys(); len(keys) > 0 {
			key = pick(g, keys)
		}
		t.Labels = with(t.Labels, key, pick(g, controllerValues))
	}
	if t.Spec.HostNetwork {
		g.hit(either(kind == "daemonset", DaemonSetHostNetwork, TemplateHostNetwork))
	}
	if g.pct(pctTemplateNamespace) {
		t.Namespace = pick(g, namespaceNames)
		g.hit(TemplateNamespace)
	}
	return t
}

// ownerOf returns a controller for a ReplicaSet or Job among the Deployments
// and CronJobs of its namespace, sometimes.
func (g *generator) ownerOf(w Workload) *metav1.OwnerReference {
	kind := map[string]string{"replicaset": "deployment", "job": "cronjob"}[w.Kind]
	for _, o := range g.c.Workloads {
		if o.Kind == kind && g.sameSpace(o, w.Namespace) && g.pct(pctOwned*3) {
			return g.spelled(o.reference())
		}
	}
	return nil
}

// spelled gives a reference another API group, or none, sometimes (R67).
func (g *generator) spelled(r *metav1.OwnerReference) *metav1.OwnerReference {
	switch n := g.r.IntN(100); {
	case n < pctOwnerForeign:
		r.APIVersion = pick(g, []string{"batch.volcano.sh/v1alpha1", "apps.kruise.io/v1beta1", "v1", "apps/v1", "batch/v1"})
		g.hit(OwnerOfOtherGroup)
	case n < 2*pctOwnerForeign:
		r.APIVersion = ""
		g.hit(OwnerWithoutGroup)
	}
	return r
}

// own makes a pod the property of a workload, sometimes, as its controller
// would: with the template's labels.
func (g *generator) own(p *corev1.Pod) {
	for _, w := range g.c.Workloads {
		if w.Template == nil || !g.sameSpace(w, p.Namespace) || !g.pct(either(g.controllers, pctOwnsPods/5, pctOwnsPods)) {
			continue
		}
		p.OwnerReferences = []metav1.OwnerReference{*g.spelled(w.reference())}
		p.Labels = w.Template.Labels
		g.hit(PodOwned)
		g.hit(WorkloadOwnsPods)
		return
	}
	g.ownCustom(p)
}

func (g *generator) sameSpace(w Workload, namespace string) bool {
	return g.c.space(metav1.ObjectMeta{Namespace: w.Namespace}) == g.c.space(metav1.ObjectMeta{Namespace: namespace})
}

func (w Workload) reference() *metav1.OwnerReference {
	for _, k := range workloadKinds {
		if k.kind == w.Kind {
			return &metav1.OwnerReference{APIVersion: k.version, Kind: k.name, Name: w.Name, UID: "0", Controller: ptr(true)}
		}
	}
	panic("gen: workload of kind " + w.Kind)
}

// Object is the workload as an API object.
func (w Workload) Object() any {
	r := w.reference()
	tm := metav1.TypeMeta{APIVersion: r.APIVersion, Kind: r.Kind}
	om := metav1.ObjectMeta{Namespace: w.Namespace, Name: w.Name, Labels: w.Labels, OwnerReferences: w.OwnerReferences}
	var t corev1.PodTemplateSpec
	if w.Template != nil {
		t = *w.Template
	}
	// The selector has no say in connections (R26).
	sel := &metav1.LabelSelector{MatchLabels: t.Labels}
	switch w.Kind {
	case "deployment":
		return &appsv1.Deployment{TypeMeta: tm, ObjectMeta: om, Spec: appsv1.DeploymentSpec{Replicas: w.Replicas, Selector: sel, Template: t}}
	case "replicaset":
		return &appsv1.ReplicaSet{TypeMeta: tm, ObjectMeta: om, Spec: appsv1.ReplicaSetSpec{Replicas: w.Replicas, Selector: sel, Template: t}}
	case "replicationcontroller":
		return &corev1.ReplicationController{TypeMeta: tm, ObjectMeta: om, Spec: corev1.ReplicationControllerSpec{Replicas: w.Replicas, Selector: t.Labels, Template: w.Template}}
	case "statefulset":
		return &appsv1.StatefulSet{TypeMeta: tm, ObjectMeta: om, Spec: appsv1.StatefulSetSpec{Replicas: w.Replicas, Selector: sel, Template: t, ServiceName: strings.ToLower(w.Name), Ordinals: w.Ordinals}}
	case "daemonset":
		return &appsv1.DaemonSet{TypeMeta: tm, ObjectMeta: om, Spec: appsv1.DaemonSetSpec{Selector: sel, Template: t}}
	case "job":
		return &batchv1.Job{TypeMeta: tm, ObjectMeta: om, Spec: w.job(t), Status: w.JobStatus}
	case "cronjob":
		return &batchv1.CronJob{TypeMeta: tm, ObjectMeta: om, Spec: batchv1.CronJobSpec{Schedule: "0 0 * * *", JobTemplate: batchv1.JobTemplateSpec{Spec: w.job(t)}}}
	}
	panic("gen: workload of kind " + w.Kind)
}

func (w Workload) job(t corev1.PodTemplateSpec) batchv1.JobSpec {
	return batchv1.JobSpec{Parallelism: w.Replicas, Completions: w.Completions, CompletionMode: w.CompletionMode, ManualSelector: w.ManualSelector, Template: t}
}

func ptr[T any](v T) *T { return &v }
