package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/bench"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/netpol"
	"github.com/podreach/podreach/model/manifest"
)

// ranges are where the pods of all shapes have their addresses.
var ranges = []string{"10.0.0.0/8", "fd00::/64"}

// objects are a generated cluster in the forms in which the sides take it.
type objects struct {
	api       *gen.Cluster
	documents []json.RawMessage
	read      []manifest.Object
}

func newObjects(s bench.Shape, pods int) (*objects, error) {
	o := &objects{api: &gen.Cluster{PodCIDRs: ranges}}
	var text []byte
	for object := range s.Objects(pods) {
		switch v := object.(type) {
		case *corev1.Namespace:
			o.api.Namespaces = append(o.api.Namespaces, *v)
		case *corev1.Node:
			o.api.Nodes = append(o.api.Nodes, *v)
		case *corev1.Pod:
			o.api.Pods = append(o.api.Pods, *v)
		case *appsv1.Deployment:
			o.api.Workloads = append(o.api.Workloads, gen.Workload{Kind: "deployment", Namespace: v.Namespace, Name: v.Name, Replicas: v.Spec.Replicas, Template: &v.Spec.Template})
		case *networkingv1.NetworkPolicy:
			o.api.Policies = append(o.api.Policies, *v)
		default:
			return nil, fmt.Errorf("the peers have no %T", object)
		}
		raw, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		o.documents = append(o.documents, raw)
		text = append(append(text, raw...), '\n')
	}
	l := cluster.New(cluster.Options{}).Ledger()
	for object := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("cluster.jsonl", text)}, l) {
		o.read = append(o.read, object)
	}
	if len(l.Diagnostics) > 0 {
		return nil, fmt.Errorf("podreach says of its own cluster: %v", l.Diagnostics[0])
	}
	return o, nil
}

// side is podreach with one cluster.
type side struct {
	o       *objects
	profile cluster.Profile
	lower   netpol.Options // of the profile
	x       *engine.Index
	ledger  *dialect.Ledger
}

// load goes from objects to an index.
func (s *side) load() (err error) {
	options := cluster.Options{Profile: s.profile}
	for _, r := range ranges {
		options.PodCIDRs = append(options.PodCIDRs, netip.MustParsePrefix(r))
	}
	state := cluster.New(options)
	for _, o := range s.o.read {
		state.Put(o)
	}
	s.ledger = state.Ledger()
	s.x, err = engine.Compile(state.Snapshot(), engine.Options{Updates: true})
	return err
}

// change deletes a policy or adds it again.
func (s *side) change(np *networkingv1.NetworkPolicy, present bool) error {
	c := model.PolicyChange{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: np.Namespace, Name: np.Name}}
	if present {
		rules, diagnostics := netpol.Lower(np, model.Origin{}, s.lower)
		if len(diagnostics) > 0 {
			return fmt.Errorf("%v", diagnostics[0])
		}
		for i := range rules {
			rules[i].Object = c.Object
		}
		c.Rules = rules
	}
	x, err := s.x.Apply(model.Delta{Policies: []model.PolicyChange{c}})
	if err != nil {
		return err
	}
	s.x = x
	return nil
}

func (s *side) allowed(f engine.Flow) (bool, error) {
	v := s.x.Verdict(f)
	if v == model.Unknown {
		return false, fmt.Errorf("podreach is not certain of %+v", f)
	}
	return v == model.Allowed, nil
}

// since is what an operation has taken. It is never nothing.
func since(begin time.Time) time.Duration { return max(1, time.Since(begin)) }
