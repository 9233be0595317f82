package cyclonus

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/gen"
)

// groups are those of the API whose objects cyclonus knows, or that it can be
// told of.
var groups = []string{"", "apps", "batch", "networking.k8s.io"}

// parse reads YAML documents into a cluster, and returns the text of those
// that it read: objects of other API groups are left out of both.
func parse(text []byte) (*gen.Cluster, []byte, error) {
	c := &gen.Cluster{}
	var kept [][]byte
	for doc := range bytes.SplitSeq(text, []byte("---\n")) {
		var m metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &m); err != nil {
			return nil, nil, err
		}
		if !slices.Contains(groups, m.GroupVersionKind().Group) {
			continue
		}
		if err := read(c, m.GroupVersionKind(), doc); err != nil {
			return nil, nil, fmt.Errorf("%w in\n%s", err, doc)
		}
		kept = append(kept, doc)
	}
	return c, bytes.Join(kept, []byte("---\n")), nil
}

func read(c *gen.Cluster, kind schema.GroupVersionKind, doc []byte) error {
	switch kind.Kind {
	case "Namespace":
		return appendTo(&c.Namespaces, doc)
	case "Node":
		return appendTo(&c.Nodes, doc)
	case "Pod":
		return appendTo(&c.Pods, doc)
	case "NetworkPolicy":
		return appendTo(&c.Policies, doc)
	case "Service":
		return nil
	case "List":
		var list struct{ Items []map[string]any }
		if err := yaml.Unmarshal(doc, &list); err != nil {
			return err
		}
		for _, item := range list.Items {
			one, err := yaml.Marshal(item)
			if err != nil {
				return err
			}
			var m metav1.TypeMeta
			if err := yaml.Unmarshal(one, &m); err != nil {
				return err
			}
			if err := read(c, m.GroupVersionKind(), one); err != nil {
				return err
			}
		}
		return nil
	case "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob":
		return readWorkload(c, strings.ToLower(kind.Kind), doc)
	}
	return fmt.Errorf("no kind %q", kind.Kind)
}

// readWorkload reads of a workload what templateLabels wants.
func readWorkload(c *gen.Cluster, kind string, doc []byte) error {
	type spec struct {
		gen.Workload // numbers and template have the names that they have in JSON
	}
	var o struct {
		Metadata metav1.ObjectMeta
		Spec     struct {
			spec
			JobTemplate struct{ Spec spec }
		}
	}
	if err := yaml.Unmarshal(doc, &o); err != nil {
		return err
	}
	w := o.Spec.Workload
	if kind == "cronjob" {
		w = o.Spec.JobTemplate.Spec.Workload
	}
	w.Kind, w.Namespace, w.Name, w.OwnerReferences = kind, o.Metadata.Namespace, o.Metadata.Name, o.Metadata.OwnerReferences
	if w.Template == nil {
		w.Template = &corev1.PodTemplateSpec{}
	}
	c.Workloads = append(c.Workloads, w)
	return nil
}

func appendTo[T any](list *[]T, doc []byte) error {
	var v T
	err := yaml.UnmarshalStrict(doc, &v)
	*list = append(*list, v)
	return err
}
