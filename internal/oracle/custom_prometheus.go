package oracle

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

var prometheusKinds = []customKind{
	{group: "monitoring.coreos.com", kind: "Prometheus", sets: func(o Object) []podSet {
		t := monitoringTemplate(o, 9090, tcp("reloader-web", 8080))
		if o.has("spec", "thanos") {
			t = declaring(t, tcp("http", 10902), tcp("grpc", 10901))
		}
		return []podSet{sharded(o, "prometheus-"+o.name(), t, over(monitoringLabels(o, "prometheus", true), map[string]string{
			"prometheus": o.name(), "operator.prometheus.io/name": o.name(),
		}))}
	}},
	{group: "monitoring.coreos.com", kind: "PrometheusAgent", sets: func(o Object) []podSet {
		base := "prom-agent-" + o.name()
		t := monitoringTemplate(o, 9090, tcp("reloader-web", 8080))
		l := over(monitoringLabels(o, "prometheus-agent", true), map[string]string{"operator.prometheus.io/name": o.name()})
		if o.text("spec", "mode") == "DaemonSet" {
			l = over(l, opaques("controller-revision-hash", "pod-template-generation"))
			return []podSet{{name: base, template: t, groups: 1, size: many, labels: alike(l), incomplete: o.is("spec", "listenLocal")}}
		}
		return []podSet{sharded(o, base, t, l)}
	}},
	{group: "monitoring.coreos.com", kind: "Alertmanager", sets: func(o Object) []podSet {
		mesh := corev1.ContainerPort{Name: "mesh-udp", ContainerPort: 9094, Protocol: corev1.ProtocolUDP}
		t := monitoringTemplate(o, 9093, tcp("mesh-tcp", 9094), mesh, tcp("reloader-web", 8080))
		t.Spec.HostNetwork = false
		return []podSet{numbered(o, "alertmanager-"+o.name(), t, over(monitoringLabels(o, "alertmanager", true), map[string]string{"alertmanager": o.name()}))}
	}},
	{group: "monitoring.coreos.com", kind: "ThanosRuler", sets: func(o Object) []podSet {
		t := monitoringTemplate(o, 10902, tcp("grpc", 10901), tcp("reloader-web", 8080))
		t.Spec.HostNetwork = false
		return []podSet{numbered(o, "thanos-ruler-"+o.name(), t, over(monitoringLabels(o, "thanos-ruler", false), map[string]string{"thanos-ruler": o.name()}))}
	}},
}

// monitoringTemplate is the pods' spec: what the object adds to the containers
// of the operator, and those.
func monitoringTemplate(o Object, web int32, ports ...corev1.ContainerPort) (t corev1.PodTemplateSpec) {
	o.decode(&t.Spec.Containers, "spec", "containers")
	t.Spec.HostNetwork = o.is("spec", "hostNetwork")
	name := o.text("spec", "portName")
	if name == "" {
		name = "web"
	}
	if o.is("spec", "listenLocal") { // then the port is not declared
		return declaring(t, slices.DeleteFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == "reloader-web" })...)
	}
	return declaring(t, append(ports, tcp(name, web))...)
}

func monitoringLabels(o Object, name string, version bool) map[string]string {
	l := map[string]string{}
	if version {
		l["app.kubernetes.io/version"] = uncertain // of the image
	}
	return over(l, o.stringMap("spec", "podMetadata", "labels"), map[string]string{
		"app.kubernetes.io/managed-by": "prometheus-operator", "app.kubernetes.io/name": name, "app.kubernetes.io/instance": o.name(),
	})
}

// sharded: a StatefulSet for each shard.
func sharded(o Object, base string, t corev1.PodTemplateSpec, l map[string]string) podSet {
	shards := max(1, o.number(1, "spec", "shards"))
	return podSet{name: base, template: t, groups: shards, size: o.number(1, "spec", "replicas"), indexed: true, incomplete: o.is("spec", "listenLocal"), labels: func(g, i int) map[string]string {
		// The name of a pod has the shard's number, but for the first shard.
		return over(statefulSetLabels(over(l, map[string]string{"operator.prometheus.io/shard": strconv.Itoa(g)}), "", i), uncertains("statefulset.kubernetes.io/pod-name"))
	}}
}

// numbered is the pods of one StatefulSet.
func numbered(o Object, base string, t corev1.PodTemplateSpec, l map[string]string) podSet {
	return podSet{name: base, template: t, groups: 1, size: o.number(1, "spec", "replicas"), indexed: true, incomplete: o.is("spec", "listenLocal"), labels: func(_, i int) map[string]string {
		return statefulSetLabels(l, base+"-"+strconv.Itoa(i), i)
	}}
}
