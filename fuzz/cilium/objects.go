package cilium

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	slimcorev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	slimnetworkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	slimmetav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
)

// objects are what Cilium's policies depend on, as its agents read it from the
// API server.
type objects struct {
	namespaces map[string]namespace
	pods       []pod
	policies   []*slimnetworkingv1.NetworkPolicy
	admin      []*v1alpha2.ClusterNetworkPolicy
	nodes      bool // some rule of admin has nodes
}

// pod is a pod that is not on the host network.
type pod struct {
	*slimcorev1.Pod
	number    int  // in the snapshot
	unmanaged bool // by Cilium (R69)
	guessed   bool // its ports are what podreach says
	addresses [model.NumFamilies]model.Address
}

// object is what any object may have of what is of use here.
type object struct {
	APIVersion string                `json:"apiVersion"`
	Kind       string                `json:"kind"`
	Metadata   slimmetav1.ObjectMeta `json:"metadata"`
	Spec       struct {
		Template    *template `json:"template"`
		JobTemplate *struct {
			Spec struct {
				Template *template `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

type template struct {
	Spec slimcorev1.PodSpec `json:"spec"`
}

// read reads YAML documents. Which pods and instances of templates there are,
// and the labels of instances, the snapshot says; all else is read anew.
func read(text []byte, s *model.Snapshot, defaultNamespace string) (*objects, error) {
	documents, err := split(text)
	if err != nil {
		return nil, err
	}
	return decode(documents, s, defaultNamespace)
}

// decode does that for documents that are JSON already.
func decode(documents []json.RawMessage, s *model.Snapshot, defaultNamespace string) (*objects, error) {
	if defaultNamespace == "" {
		defaultNamespace = "default"
	}
	o := &objects{namespaces: map[string]namespace{}}
	found := map[string]*slimcorev1.Pod{}
	templates := map[string]*template{}
	seen := map[string]bool{}
	for _, raw := range documents {
		var m object
		if err := json.Unmarshal(raw, &m); err != nil {
			m.Spec.Template = nil // of a custom resource that has other things there
		}
		if m.Metadata.Namespace == "" {
			m.Metadata.Namespace = defaultNamespace
		}
		id := m.Metadata.Namespace + "/" + m.Metadata.Name
		if seen[m.Kind+m.APIVersion+id] { // the first counts (R7)
			continue
		}
		seen[m.Kind+m.APIVersion+id] = true
		switch m.Kind + "." + m.APIVersion {
		case "Namespace.v1":
			o.namespaces[m.Metadata.Name] = named(m.Metadata.Name, m.Metadata.Labels)
		case "Pod.v1":
			p := &slimcorev1.Pod{}
			if err := json.Unmarshal(raw, p); err != nil {
				return nil, err
			}
			p.Namespace = m.Metadata.Namespace
			found[id] = p
		case "NetworkPolicy.networking.k8s.io/v1":
			np := &slimnetworkingv1.NetworkPolicy{}
			if err := json.Unmarshal(raw, np); err != nil {
				return nil, err
			}
			np.Namespace = m.Metadata.Namespace
			stored(np)
			o.policies = append(o.policies, np)
		case "ClusterNetworkPolicy.policy.networking.k8s.io/v1alpha2":
			cnp := &v1alpha2.ClusterNetworkPolicy{}
			if err := json.Unmarshal(raw, cnp); err != nil {
				return nil, err
			}
			for _, r := range cnp.Spec.Egress {
				for _, e := range r.To {
					o.nodes = o.nodes || e.Nodes != nil
				}
			}
			o.admin = append(o.admin, cnp)
		default:
			if m.Spec.JobTemplate != nil {
				m.Spec.Template = m.Spec.JobTemplate.Spec.Template
			}
			if group, _, _ := strings.Cut(m.APIVersion, "/"); !slices.Contains([]string{"v1", "apps", "batch"}, group) {
				continue // its controller adds ports (R66)
			}
			templates[m.Metadata.Namespace+"/"+strings.ToLower(m.Kind)+"/"+m.Metadata.Name] = m.Spec.Template
		}
	}
	for i := range s.Pods {
		p := &s.Pods[i]
		if _, ok := o.namespaces[p.Namespace]; !ok {
			o.namespaces[p.Namespace] = named(p.Namespace, nil)
		}
		if p.Dormant || p.HostNetwork || p.PortsUnknown {
			continue
		}
		out := pod{Pod: found[p.Namespace+"/"+p.Name], number: i, addresses: p.Addresses}
		if p.Template {
			if uncertain(p.Labels) {
				continue
			}
			out.Pod = &slimcorev1.Pod{ObjectMeta: slimmetav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels}}
			if t := templates[p.Namespace+"/"+p.Workload.Kind+"/"+p.Workload.Name]; t != nil {
				out.Spec = t.Spec
			} else {
				out.guessed = true
				out.Spec.Containers = []slimcorev1.Container{{Ports: portsOf(p)}}
			}
		}
		if out.Pod == nil {
			return nil, fmt.Errorf("cilium: no pod %s/%s in the text", p.Namespace, p.Name)
		}
		o.pods = append(o.pods, out)
	}
	return o, nil
}

// split takes YAML documents, and v1 Lists, apart.
func split(text []byte) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for doc := range bytes.SplitSeq(text, []byte("---\n")) {
		raw, err := yaml.YAMLToJSON(doc)
		if err != nil {
			return nil, err
		}
		var list struct {
			Kind  string            `json:"kind"`
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		if list.Kind == "List" {
			out = append(out, list.Items...)
		} else {
			out = append(out, raw)
		}
	}
	return out, nil
}

// portsOf are the ports that the pods of a custom resource have.
func portsOf(p *model.Pod) []slimcorev1.ContainerPort {
	var out []slimcorev1.ContainerPort
	for _, port := range p.Ports {
		out = append(out, slimcorev1.ContainerPort{Name: port.Name, ContainerPort: int32(port.Port), Protocol: slimcorev1.Protocol(port.Protocol.String())})
	}
	return out
}

// uncertain labels are those of custom resources (R66).
func uncertain(labels map[string]string) bool {
	for key := range labels {
		if _, ok := model.UncertainLabel(key); ok {
			return true
		}
	}
	return false
}

// named gives a namespace the label that the API server gives it (R24, R25).
func named(name string, labels map[string]string) namespace {
	out := namespace{name, map[string]string{}}
	for k, v := range labels {
		out.labels[k] = v
	}
	out.labels["kubernetes.io/metadata.name"] = name
	return out
}

// stored does to a NetworkPolicy what an API server has done to it before an
// agent reads it (R15, R29), and writes blocks in the canonical form: of the
// others (R43) Cilium cannot read some and panics (pkg/policy/types/selector.go,
// NewCIDRSelector), and takes v4-mapped ones for IPv6.
func stored(np *slimnetworkingv1.NetworkPolicy) {
	if len(np.Spec.PolicyTypes) == 0 {
		np.Spec.PolicyTypes = []slimnetworkingv1.PolicyType{slimnetworkingv1.PolicyTypeIngress}
		if len(np.Spec.Egress) > 0 {
			np.Spec.PolicyTypes = append(np.Spec.PolicyTypes, slimnetworkingv1.PolicyTypeEgress)
		}
	}
	peers := func(list []slimnetworkingv1.NetworkPolicyPeer) {
		for i := range list {
			b := list[i].IPBlock
			if b == nil {
				continue
			}
			b.CIDR = canonical(b.CIDR)
			for j := range b.Except {
				b.Except[j] = canonical(b.Except[j])
			}
		}
	}
	for i := range np.Spec.Ingress {
		peers(np.Spec.Ingress[i].From)
	}
	for i := range np.Spec.Egress {
		peers(np.Spec.Egress[i].To)
	}
}

// canonical is R43.
func canonical(cidr string) string {
	address, bits, _ := strings.Cut(cidr, "/")
	if !strings.Contains(address, ":") {
		parts := strings.Split(address, ".")
		for i, p := range parts {
			if p = strings.TrimLeft(p, "0"); p == "" {
				p = "0"
			}
			parts[i] = p
		}
		address = strings.Join(parts, ".")
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return cidr // Cilium will say so
	}
	var n int
	if _, err := fmt.Sscan(bits, &n); err != nil {
		return cidr
	}
	if a.Is4In6() && n >= 96 {
		a, n = a.Unmap(), n-96
	}
	return netip.PrefixFrom(a, n).Masked().String()
}
