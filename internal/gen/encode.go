package gen

import (
	"bytes"
	"encoding/json"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// JSON is the cluster as one v1 List, as kubectl get -o json prints it. The
// configuration (Families, PodCIDRs, Profile, DefaultNamespace) is not in it.
func (c *Cluster) JSON() []byte {
	return encode(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": c.items()})
}

// YAML is the same objects as YAML documents.
func (c *Cluster) YAML() []byte {
	var b bytes.Buffer
	for i, item := range c.items() {
		if i > 0 {
			b.WriteString("---\n")
		}
		doc, err := yaml.JSONToYAML(encode(item))
		if err != nil {
			panic(fmt.Sprintf("gen: %v", err)) // encode made it
		}
		b.Write(doc)
	}
	return b.Bytes()
}

// Objects is how many objects there are in JSON and YAML.
func (c *Cluster) Objects() int { return len(c.items()) }

// items are the objects as trees.
func (c *Cluster) items() []any {
	out := []any{}
	add := func(object any) any {
		var tree any
		d := json.NewDecoder(bytes.NewReader(encode(object)))
		d.UseNumber()
		if err := d.Decode(&tree); err != nil {
			panic(fmt.Sprintf("gen: %v", err))
		}
		out = append(out, tree)
		return tree
	}
	for i := range c.Namespaces {
		add(&c.Namespaces[i])
	}
	for i := range c.Nodes {
		add(&c.Nodes[i])
	}
	if len(c.ServiceCIDRs) > 0 {
		add(&networkingv1.ServiceCIDR{TypeMeta: typeMeta("networking.k8s.io/v1", "ServiceCIDR"), ObjectMeta: metav1.ObjectMeta{Name: "kubernetes"},
			Spec: networkingv1.ServiceCIDRSpec{CIDRs: c.ServiceCIDRs}})
	}
	for i := range c.Workloads {
		add(c.Workloads[i].Object())
	}
	for i := range c.Custom {
		add(c.Custom[i].Object)
	}
	for i := range c.Pods {
		add(&c.Pods[i])
	}
	for i := range c.Policies {
		c.spell(add(&c.Policies[i]), &c.Policies[i])
	}
	for i := range c.Admin {
		add(c.Admin[i])
	}
	return out
}

// encode cannot fail: what the package makes is plain data.
func encode(v any) []byte {
	b, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		panic(fmt.Sprintf("gen: %v", err))
	}
	return b
}
