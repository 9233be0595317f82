// Package fuzz holds the differential tests: the whole line from bytes to
// verdict is compared with the oracle on generated clusters, and what callers
// see of it with itself. A Comparison goes over seeds or over a fuzzer's bytes,
// and shows a disagreement with the smallest cluster that has it.
package fuzz

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Oracle gives a generated cluster to the reference interpreter, as objects.
func Oracle(c *gen.Cluster) (*oracle.Oracle, error) {
	w := oracle.World{
		Namespaces: c.Namespaces, Nodes: c.Nodes, Pods: c.Pods, Policies: c.Policies,
		ServiceCIDRs: c.ServiceCIDRs, PodCIDRs: c.PodCIDRs, Families: c.Families,
		Profile: c.Profile, DefaultNamespace: c.DefaultNamespace,
	}
	for _, set := range c.Unmanaged {
		w.Unmanaged = append(w.Unmanaged, set.String())
	}
	for i := range c.Custom {
		w.Custom = append(w.Custom, c.Custom[i].Object)
	}
	for _, p := range c.Admin {
		w.Admin = append(w.Admin, p)
	}
	for _, wl := range c.Workloads {
		if wl.Template == nil {
			wl.Template = &corev1.PodTemplateSpec{}
			wl.Replicas = new(int32)
		}
		w.Workloads = append(w.Workloads, oracle.Workload{Kind: wl.Kind, Namespace: wl.Namespace, Name: wl.Name,
			Replicas: wl.Replicas, OwnerReferences: wl.OwnerReferences, Template: *wl.Template,
			Ordinals: wl.Ordinals, CompletionMode: wl.CompletionMode, Completions: wl.Completions, ManualSelector: wl.ManualSelector, JobStatus: wl.JobStatus})
	}
	return oracle.New(w)
}

// Index takes text through the whole line: manifest, cluster, engine.
func Index(c *gen.Cluster, text []byte) (*engine.Index, *dialect.Ledger, error) {
	return index(c, text, manifest.Options{})
}

func index(c *gen.Cluster, text []byte, reading manifest.Options) (*engine.Index, *dialect.Ledger, error) {
	o := cluster.Options{DefaultNamespace: c.DefaultNamespace, Profile: cluster.Profile(c.Profile), Unmanaged: c.Unmanaged}
	for _, s := range c.PodCIDRs {
		o.PodCIDRs = append(o.PodCIDRs, netip.MustParsePrefix(s))
	}
	for _, s := range c.ServiceCIDRs {
		o.ServiceCIDRs = append(o.ServiceCIDRs, netip.MustParsePrefix(s))
	}
	for _, f := range c.Families {
		switch f {
		case "IPv4":
			o.Families = append(o.Families, model.IPv4)
		case "IPv6":
			o.Families = append(o.Families, model.IPv6)
		default:
			return nil, nil, fmt.Errorf("fuzz: family %q", f)
		}
	}
	state := cluster.New(o)
	for obj := range manifest.NewReader(reading).Read([]manifest.Input{manifest.Bytes("cluster", text)}, state.Ledger()) {
		state.Put(obj)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	return x, state.Ledger(), err
}
