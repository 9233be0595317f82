package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// livePods returns the Pod objects that are endpoints, in input order, and
// which of them are running. Workloads that own such pods are marked.
func (s *State) livePods(nodes []model.Node, e evidence) (pods []model.Pod, running []bool) {
	located := map[string]bool{} // nodes whose addresses are known
	for i := range nodes {
		located[nodes[i].Name] = len(nodes[i].Addresses) > 0
	}
	pods = make([]model.Pod, 0, len(s.pods))
	done := 0
	var ports, now []model.ContainerPort // of the pod before, which replicas share; of this one
	s.addressless = nil
	for i := range s.pods {
		p := &s.pods[i]
		if p.left {
			continue
		}
		status := &p.value.Status
		if finished(p.value) {
			done++
			continue
		}
		addrs, found := s.podAddresses(p, false)
		if now = s.containerPorts(now[:0], &p.value.Spec); !slices.Equal(now, ports) {
			ports = append([]model.ContainerPort(nil), now...)
		}
		pod := model.Pod{
			Namespace:      p.namespace,
			Name:           p.name,
			Labels:         p.value.Labels,
			Ports:          ports,
			HostNetwork:    p.value.Spec.HostNetwork,
			NodeName:       e.nodeOf[i],
			ServiceAccount: serviceAccount(&p.value.Spec),
			Origin:         p.origin,
		}
		if e.live && !found && !p.planned { // R61, R139
			pod.Workload = model.Workload{Kind: "pod", Name: p.name} // its workload has none of it, so that the template may stand for it
			s.addressless = append(s.addressless, pod)
			continue
		}
		pod.Workload = s.owner(p)
		switch {
		case found:
			for f, a := range addrs {
				if a.IsValid() {
					pod.Addresses[f] = model.Address{State: model.AddressKnown, Addr: a}
				}
			}
		case pod.HostNetwork && located[pod.NodeName]:
			// It has its node's addresses and no other.
		default:
			e.unknown(&pod.Addresses)
		}
		pods = append(pods, pod)
		running = append(running, status.Phase == "Running")
	}
	if done > 0 {
		s.ledger.Assume(fmt.Sprintf("pods that have finished are not endpoints: %d", done))
	}
	s.reportAddressless()
	return pods, running
}

// maxTold is how many objects a message names.
const maxTold = 3

// reportAddressless says which pods have no part in the answer because others
// have an address (R61). Pods that start are such, but so is a dump in which one
// pod has a status and the others are manifests.
func (s *State) reportAddressless() {
	n := len(s.addressless)
	if n == 0 {
		return
	}
	s.ledger.Assume(fmt.Sprintf("pods without an address are not endpoints where others have one: %d", n))
	what := fmt.Sprintf("%d pods have no address in a live snapshot and are no endpoints", n)
	if n == 1 {
		what = "1 pod has no address in a live snapshot and is no endpoint"
	}
	var names []string
	for i := range s.addressless[:min(n, maxTold)] {
		names = append(names, s.addressless[i].Namespace+"/"+s.addressless[i].Name)
	}
	if n > maxTold {
		names = append(names, "...")
	}
	s.ledger.Report(dialect.Diagnostic{Code: dialect.CodeAddressless, Origin: s.addressless[0].Origin,
		Message: fmt.Sprintf("%s (R61): %s", what, strings.Join(names, ", "))})
}

// Addressless are the Pod objects that are no endpoints in the last Snapshot
// because they have no address and others do (R61), each as if nothing owned it.
func (s *State) Addressless() []model.Pod { return s.addressless }

// mode is whether a snapshot is live or static (R61).
type mode uint8

const (
	modeOfPods mode = iota // as the pods that there are say
	modeStatic
	modeLive
)

// settleMode keeps the mode before the cluster is changed: pods that are applied
// or deleted do not make that of others another. It is called before the first
// change, and has an effect only if there are pods.
func (s *State) settleMode() {
	if s.modeSettled {
		return
	}
	s.modeSettled = true
	for o := range s.live() {
		pod, ok := o.Value.(*manifest.Pod)
		if !ok {
			continue
		}
		s.mode = modeStatic
		if _, found := s.podAddresses(&entry[*manifest.Pod]{value: pod}, false); found {
			s.mode = modeLive
			return
		}
	}
}

// finished reports whether a pod is no endpoint any more (R59).
func finished(p *manifest.Pod) bool {
	return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed"
}

func serviceAccount(spec *manifest.PodSpec) string {
	switch {
	case spec.ServiceAccountName != "":
		return spec.ServiceAccountName
	case spec.DeprecatedServiceAccount != "":
		return spec.DeprecatedServiceAccount
	}
	return "default"
}

// containerPorts appends, to an empty list, the named ports of the containers
// that count under the profile (R34), with duplicate names settled (R35).
func (s *State) containerPorts(out []model.ContainerPort, spec *manifest.PodSpec) []model.ContainerPort {
	for i := range spec.Containers {
		out = namedPorts(out, &spec.Containers[i])
	}
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		switch s.options.Profile {
		case ProfileCilium:
		case ProfileCalico:
			out = namedPorts(out, c)
		default:
			if c.RestartPolicy == "Always" { // a sidecar
				out = namedPorts(out, c)
			}
		}
	}
	if s.options.Profile == ProfileCilium { // the last port of a name, whatever its protocol
		last := map[string]model.ContainerPort{}
		for _, p := range out {
			last[p.Name] = p
		}
		out = slices.DeleteFunc(out, func(p model.ContainerPort) bool { return p != last[p.Name] })
	}
	return distinct(out)
}

// distinct keeps the first of equal ports, in the same memory.
func distinct(ports []model.ContainerPort) []model.ContainerPort {
	out := ports[:0]
	for _, p := range ports {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// namedPorts appends the named ports of c.
func namedPorts(out []model.ContainerPort, c *manifest.Container) []model.ContainerPort {
	for i := range c.Ports {
		p := &c.Ports[i]
		if p.Name == "" || p.ContainerPort < 1 || p.ContainerPort > model.MaxPort {
			continue
		}
		protocol, ok := model.TCP, true
		if p.Protocol != "" {
			protocol, ok = model.ParseProtocol(p.Protocol)
		}
		port := model.ContainerPort{NamedPort: model.NamedPort{Name: p.Name, Protocol: protocol}, Port: uint16(p.ContainerPort)}
		if ok {
			out = append(out, port)
		}
	}
	return out
}
