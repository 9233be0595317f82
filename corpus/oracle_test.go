package corpus

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

func TestOracle(t *testing.T) {
	Suite{Verdict: oracleSystem, Other: oracleOther, Internet: oracleInternet}.Run(t)
}

// The oracle has no diagnostic codes, but it must reject the same cases.
func TestOracleRejects(t *testing.T) {
	for _, c := range Cases() {
		s, err := newOracle(c)
		require.NoError(t, err, c.ID)
		if len(c.Errors) > 0 {
			var got []string
			for _, o := range slices.Concat(s.Rejected(), s.Conflicting()) {
				got = append(got, strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"))
			}
			slices.Sort(got)
			require.Equal(t, c.Errors, got, c.ID)
			continue
		}
		rejected := slices.ContainsFunc(c.Invalid, func(code dialect.Code) bool { return code >= 2000 })
		require.Equal(t, rejected, len(s.Rejected()) > 0, "%s: rejected %v, want errors %v", c.ID, s.Rejected(), c.Invalid)
	}
}

func oracleSystem(c Case) (func(Query) (model.Verdict, error), error) {
	s, err := newOracle(c)
	if err != nil {
		return nil, err
	}
	return func(q Query) (model.Verdict, error) {
		from, err := s.end(q.From)
		if err != nil {
			return 0, err
		}
		to, err := s.end(q.To)
		if err != nil {
			return 0, err
		}
		return s.Verdict(from, to, q.Protocol, q.Port, q.Family), nil
	}, nil
}

func oracleOther(c Case) (func(from, to string) (model.Other, error), error) {
	s, err := newOracle(c)
	if err != nil {
		return nil, err
	}
	return func(from, to string) (model.Other, error) {
		src, err := s.end(from)
		if err != nil {
			return 0, err
		}
		dst, err := s.end(to)
		if err != nil {
			return 0, err
		}
		return s.Other(src, dst), nil
	}, nil
}

// oracleInternet puts R112 together from single verdicts, at one port of each
// interval between ports that the case names.
func oracleInternet(c Case) (func(string, model.Family) (anywhere, everywhere model.PortSet, err error), error) {
	s, err := newOracle(c)
	if err != nil {
		return nil, err
	}
	cuts := []uint16{1}
	for _, p := range s.Ports() {
		cuts = append(cuts, p.Port)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	return func(pod string, f model.Family) (anywhere, everywhere model.PortSet, err error) {
		src, err := s.end(pod)
		if err != nil {
			return anywhere, everywhere, err
		}
		return internet(s, c.Facts, f, func(a netip.Addr) model.PortSet {
			var open []model.PortRange
			for p := range model.Protocol(model.NumProtocols) {
				for i, first := range cuts {
					last := uint16(model.MaxPort)
					if i+1 < len(cuts) {
						last = cuts[i+1] - 1
					}
					if s.Verdict(src, oracle.End{Addr: a}, p, first, f) == model.Allowed {
						open = append(open, model.PortRange{Protocol: p, First: first, Last: last})
					}
				}
			}
			return model.Ports(open...)
		})
	}, nil
}

// internet is R112 over one address of each piece of the internet.
func internet(s loaded, facts Facts, f model.Family, to func(netip.Addr) model.PortSet) (anywhere, everywhere model.PortSet, err error) {
	everywhere = model.AllPorts()
	asked := 0
	for _, a := range s.Atoms() {
		if model.FamilyOf(a) == f && isInternet(a, facts) {
			set := to(a)
			anywhere, everywhere = anywhere.Union(set), everywhere.Intersect(set)
			asked++
		}
	}
	if asked == 0 {
		return anywhere, everywhere, fmt.Errorf("no piece of the internet in %v", f)
	}
	return anywhere, everywhere, nil
}

// isInternet is internet4 and internet6 of R111.
func isInternet(a netip.Addr, facts Facts) bool {
	in := func(list []netip.Prefix) bool {
		return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	if in(facts.PodCIDRs) || in(facts.ServiceCIDRs) {
		return false
	}
	if a.Is4() {
		return !in(model.Special4)
	}
	return in(model.Public6) && !in(model.Public6Except)
}

// loaded is an oracle with the names of its endpoints.
type loaded struct {
	*oracle.Oracle
	ends map[string]oracle.End // "x/pod/a", "x/deployment/w[0]", "node/n1"
}

func (s loaded) end(name string) (oracle.End, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return oracle.End{Addr: a}, nil
	}
	end, ok := s.ends[name]
	if !ok {
		return oracle.End{}, fmt.Errorf("no endpoint %s", name)
	}
	return end, nil
}

func newOracle(c Case) (loaded, error) {
	w, err := world(c)
	if err != nil {
		return loaded{}, err
	}
	o, err := oracle.New(w)
	if err != nil {
		return loaded{}, err
	}
	s := loaded{o, map[string]oracle.End{}}
	for _, end := range o.Ends() {
		s.ends[o.Path(end)] = end
	}
	return s, nil
}

// world decodes a case into API objects, strictly.
func world(c Case) (oracle.World, error) {
	w := oracle.World{Profile: c.Profile}
	for _, p := range c.Facts.PodCIDRs {
		w.PodCIDRs = append(w.PodCIDRs, p.String())
	}
	for _, p := range c.Facts.ServiceCIDRs {
		w.ServiceCIDRs = append(w.ServiceCIDRs, p.String())
	}
	for _, f := range c.Facts.Families {
		w.Families = append(w.Families, f.String())
	}
	for _, set := range c.Facts.Unmanaged {
		w.Unmanaged = append(w.Unmanaged, set.String())
	}
	for doc := range bytes.SplitSeq(c.YAML, []byte("---\n")) {
		if err := decode(&w, doc); err != nil {
			return w, fmt.Errorf("%w in\n%s", err, doc)
		}
	}
	return w, nil
}

// builtin are the API groups that Kubernetes has itself.
var builtin = []string{"", "apps", "batch", "networking.k8s.io"}

func decode(w *oracle.World, doc []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		return err
	}
	if group := kind.GroupVersionKind().Group; !slices.Contains(builtin, group) {
		var o oracle.Object
		err := yaml.Unmarshal(doc, &o)
		if err == nil && oracle.IsAdmin(o) {
			w.Admin = append(w.Admin, o)
		} else {
			w.Custom = append(w.Custom, o)
		}
		return nil
	}
	switch kind.Kind {
	case "Namespace":
		return appendTo(&w.Namespaces, doc)
	case "Node":
		return appendTo(&w.Nodes, doc)
	case "Pod":
		return appendTo(&w.Pods, doc)
	case "NetworkPolicy":
		return appendTo(&w.Policies, doc)
	case "Deployment":
		var list []appsv1.Deployment
		err := appendTo(&list, doc)
		for _, d := range list {
			w.Workloads = append(w.Workloads, workload(kind.Kind, d.ObjectMeta, d.Spec.Replicas, d.Spec.Template))
		}
		return err
	case "ReplicaSet":
		var list []appsv1.ReplicaSet
		err := appendTo(&list, doc)
		for _, r := range list {
			w.Workloads = append(w.Workloads, workload(kind.Kind, r.ObjectMeta, r.Spec.Replicas, r.Spec.Template))
		}
		return err
	case "StatefulSet":
		var list []appsv1.StatefulSet
		err := appendTo(&list, doc)
		for _, s := range list {
			wl := workload(kind.Kind, s.ObjectMeta, s.Spec.Replicas, s.Spec.Template)
			wl.Ordinals = s.Spec.Ordinals
			w.Workloads = append(w.Workloads, wl)
		}
		return err
	case "DaemonSet":
		var list []appsv1.DaemonSet
		err := appendTo(&list, doc)
		for _, d := range list {
			w.Workloads = append(w.Workloads, workload(kind.Kind, d.ObjectMeta, nil, d.Spec.Template))
		}
		return err
	case "Job":
		var list []batchv1.Job
		err := appendTo(&list, doc)
		for _, j := range list {
			wl := job(workload(kind.Kind, j.ObjectMeta, j.Spec.Parallelism, j.Spec.Template), j.Spec)
			wl.JobStatus = j.Status
			w.Workloads = append(w.Workloads, wl)
		}
		return err
	case "CronJob":
		var list []batchv1.CronJob
		err := appendTo(&list, doc)
		for _, j := range list {
			spec := j.Spec.JobTemplate.Spec
			w.Workloads = append(w.Workloads, job(workload(kind.Kind, j.ObjectMeta, nil, spec.Template), spec))
		}
		return err
	case "List":
		var list struct {
			metav1.TypeMeta
			Items []map[string]any
		}
		if err := yaml.UnmarshalStrict(doc, &list); err != nil {
			return err
		}
		for _, item := range list.Items {
			b, err := yaml.Marshal(item)
			if err == nil {
				err = decode(w, b)
			}
			if err != nil {
				return err
			}
		}
		return nil
	case "Service":
		return nil // has no part in the answer
	}
	return fmt.Errorf("no kind %q", kind.Kind)
}

func appendTo[T any](list *[]T, doc []byte) error {
	var v T
	err := yaml.UnmarshalStrict(doc, &v)
	*list = append(*list, v)
	return err
}

func workload(kind string, m metav1.ObjectMeta, replicas *int32, template corev1.PodTemplateSpec) oracle.Workload {
	return oracle.Workload{
		Kind: strings.ToLower(kind), Namespace: cmp.Or(m.Namespace, "default"), Name: cmp.Or(m.Name, m.GenerateName+"*"),
		Replicas: replicas, OwnerReferences: m.OwnerReferences, Template: template,
	}
}

func job(wl oracle.Workload, spec batchv1.JobSpec) oracle.Workload {
	wl.CompletionMode, wl.Completions, wl.ManualSelector = spec.CompletionMode, spec.Completions, spec.ManualSelector
	return wl
}
