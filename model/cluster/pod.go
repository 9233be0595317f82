package cluster

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/model"
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
	done, pending := 0, 0
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
		if e.live && !found && !p.planned { // R61, R139
			pending++
			continue
		}
		pod := model.Pod{
			Namespace:      p.namespace,
			Name:           p.name,
			Workload:       s.owner(p),
			Labels:         p.value.Labels,
			Ports:          s.containerPorts(&p.value.Spec),
			HostNetwork:    p.value.Spec.HostNetwork,
			NodeName:       e.nodeOf[i],
			ServiceAccount: serviceAccount(&p.value.Spec),
			Origin:         p.origin,
		}
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
	if pending > 0 {
		s.ledger.Assume(fmt.Sprintf("pods without an address are not endpoints where others have one: %d", pending))
	}
	return pods, running
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

// containerPorts returns the named ports of the containers that count under
// the profile (R34), with duplicate names settled (R35).
func (s *State) containerPorts(spec *manifest.PodSpec) []model.ContainerPort {
	var out []model.ContainerPort
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
	if s.options.Profile == ProfileCilium { // a name for two numbers of one protocol means nothing
		all := out
		out = slices.DeleteFunc(slices.Clone(all), func(p model.ContainerPort) bool {
			return slices.ContainsFunc(all, func(q model.ContainerPort) bool { return p.NamedPort == q.NamedPort && p.Port != q.Port })
		})
	}
	return out
}

// namedPorts appends the named ports of c that out lacks.
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
		if ok && !slices.Contains(out, port) {
			out = append(out, port)
		}
	}
	return out
}
