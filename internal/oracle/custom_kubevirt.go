package oracle

import (
	"slices"
	"strconv"
	"strings"
)

var kubevirtKinds = []customKind{
	{group: "kubevirt.io", kind: "VirtualMachine",
		sets: func(o Object) []podSet {
			m := o.object("spec", "template")
			return []podSet{launcher(o, 1, func(int) map[string]string { return launcherLabels(m, o.name(), o.name()) })}
		},
		finished: func(o Object) bool { return halted(o.object("spec")) }},
	{group: "kubevirt.io", kind: "VirtualMachineInstance",
		sets: func(o Object) []podSet {
			return []podSet{launcher(o, 1, func(int) map[string]string { return launcherLabels(o, o.name(), o.name()) })}
		},
		finished: func(o Object) bool {
			return slices.Contains([]string{"Succeeded", "Failed"}, o.text("status", "phase"))
		}},
	{group: "kubevirt.io", kind: "VirtualMachineInstanceReplicaSet", sets: func(o Object) []podSet {
		m := o.object("spec", "template")
		return []podSet{launcher(o, o.number(1, "spec", "replicas"), func(int) map[string]string { return launcherLabels(m, opaque, opaque) })}
	}},
	{group: "pool.kubevirt.io", kind: "VirtualMachinePool",
		sets: func(o Object) []podSet {
			m := o.object("spec", "virtualMachineTemplate", "spec", "template")
			s := launcher(o, o.number(1, "spec", "replicas"), func(i int) map[string]string {
				return over(launcherLabels(m, o.name()+"-"+strconv.Itoa(i), uncertain), opaques("kubevirt.io/vm-pool-revision-name"))
			})
			s.indexed = true
			return []podSet{s}
		},
		finished: func(o Object) bool { return halted(o.object("spec", "virtualMachineTemplate", "spec")) }},
}

// halted reports whether a machine is not to run.
func halted(vm Object) bool {
	return vm.text("runStrategy") == "Halted" || vm.has("running") && !vm.is("running")
}

func launcher(o Object, n int, labels func(i int) map[string]string) podSet {
	return podSet{name: "virt-launcher-" + o.name(), groups: 1, size: n, labels: func(_, i int) map[string]string { return labels(i) }}
}

// launcherLabels are the labels of the pod of an instance m of a machine.
func launcherLabels(m Object, id, name string) map[string]string {
	name, _, _ = strings.Cut(name, ".")
	if host := m.text("spec", "hostname"); host != "" {
		name = host
	}
	l := over(m.stringMap("metadata", "labels"), map[string]string{
		"kubevirt.io": "virt-launcher", "vm.kubevirt.io/name": name, "vmi.kubevirt.io/id": id,
	}, opaques("kubevirt.io/created-by", "kubevirt.io/nodeName"))
	if inject := m.text("metadata", "annotations", "sidecar.istio.io/inject"); inject != "" {
		l["sidecar.istio.io/inject"] = inject
	}
	return l
}
