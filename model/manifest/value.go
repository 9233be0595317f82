package manifest

import (
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// metadata is the part of an object's metadata that the analysis needs.
type metadata struct {
	Name              string           `json:"name"`
	GenerateName      string           `json:"generateName"`
	Namespace         string           `json:"namespace"`
	Labels            labels           `json:"labels"`
	OwnerReferences   []OwnerReference `json:"ownerReferences"`
	DeletionTimestamp present          `json:"deletionTimestamp"`
	UID               filled           `json:"uid"`
	ResourceVersion   filled           `json:"resourceVersion"`
	Annotations       lastApplied      `json:"annotations"`
}

// identity is the metadata of an object of a kind that is ignored.
type identity struct{ *metadata }

// UnmarshalJSONFrom takes what fits and passes over the rest.
func (i identity) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return eachField(dec, func(name string) error {
		var field *string
		switch name {
		case "name":
			field = &i.Name
		case "generateName":
			field = &i.GenerateName
		case "namespace":
			field = &i.Namespace
		}
		if field == nil || dec.PeekKind() != '"' {
			return dec.SkipValue()
		}
		value, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*field = value.String()
		return nil
	})
}

// present is whether a field is there and not null.
type present bool

// UnmarshalJSONFrom does not look at the value.
func (p *present) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*p = dec.PeekKind() != 'n'
	return dec.SkipValue()
}

// filled is whether a field is a text that is not empty.
type filled bool

// UnmarshalJSONFrom takes any value.
func (f *filled) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	*f = v.Kind() == '"' && len(v) > len(`""`)
	return err
}

// labels is a map of labels, with the values that are not strings. They do not
// stop the decoder, so that an object keeps its name and all of them are told.
type labels struct {
	values map[string]string
	bad    []*json.SemanticError
}

var stringType = reflect.TypeFor[string]()

// UnmarshalJSONFrom decodes a mapping of strings.
func (l *labels) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return json.UnmarshalDecode(dec, &l.values)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	l.values = map[string]string{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		switch kind := dec.PeekKind(); kind {
		case '"':
			value, err := dec.ReadToken()
			if err != nil {
				return err
			}
			l.values[key] = value.String()
		case 'n':
			l.values[key] = ""
			if err := dec.SkipValue(); err != nil {
				return err
			}
		default:
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			bad := &json.SemanticError{JSONPointer: dec.StackPointer(), JSONKind: kind, GoType: stringType}
			if kind != '{' && kind != '[' {
				bad.JSONValue = value.Clone()
			}
			l.bad = append(l.bad, bad)
		}
	}
	_, err := dec.ReadToken()
	return err
}

// workloadSource is a workload while it is being read.
type workloadSource struct {
	spec   workloadSpec
	status jobStatus
}

// jobStatus is what the status of a Job says of its end.
type jobStatus struct {
	CompletionTime present `json:"completionTime"`
	Conditions     []struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	} `json:"conditions"`
}

// finished reports whether no pods will come any more.
func (s *jobStatus) finished() bool {
	for _, c := range s.Conditions {
		if c.Status == "True" && (c.Type == "Complete" || c.Type == "Failed" || c.Type == "SuccessCriteriaMet") {
			return true
		}
	}
	return bool(s.CompletionTime)
}

// workloadSpec is the spec of every kind that has a pod template.
type workloadSpec struct {
	Replicas *int32    `json:"replicas"`
	Template *template `json:"template"`
	Selector rawValue  `json:"selector"`
	Ordinals struct {
		Start int32 `json:"start"`
	} `json:"ordinals"`

	Parallelism    *int32 `json:"parallelism"`
	Completions    *int32 `json:"completions"`
	CompletionMode string `json:"completionMode"`
	ManualSelector bool   `json:"manualSelector"`

	JobTemplate *struct {
		Spec workloadSpec `json:"spec"`
	} `json:"jobTemplate"`
}

// rawValue is a value of any type.
type rawValue []byte

// UnmarshalJSONFrom takes any value.
func (r *rawValue) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	*r = append((*r)[:0], v...)
	return err
}

// selector is the value as a selector of the kinds of apps/v1, or nil.
func (r rawValue) selector() *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	if len(r) == 0 || jsontext.Value(r).Kind() != '{' || json.Unmarshal(r, s, jsontext.AllowDuplicateNames(true)) != nil {
		return nil
	}
	return s
}

type template struct {
	Metadata struct {
		Labels labels `json:"labels"`
	} `json:"metadata"`
	Spec PodSpec `json:"spec"`
}

// pods is the template of the workload's pods, or nil.
func (s *workloadSpec) pods() *template {
	if s.Template == nil && s.JobTemplate != nil {
		return s.JobTemplate.Spec.Template
	}
	return s.Template
}

// apiVersions are the versions of the kinds that newValue knows.
var apiVersions = map[string]string{
	"Pod": "v1", "Namespace": "v1", "Node": "v1", "ReplicationController": "v1",
	"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
	"Job": "batch/v1", "CronJob": "batch/v1",
	"NetworkPolicy": "networking.k8s.io/v1", "ServiceCIDR": "networking.k8s.io/v1",
	"AdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1",
	"ClusterNetworkPolicy": "policy.networking.k8s.io/v1alpha2",
}

// newValue makes what objects of a type are decoded into, or nil for a type
// that is ignored or in the table of custom resources.
func newValue(t typeMeta) any {
	switch t.apiVersion {
	case "v1":
		switch t.kind {
		case "Pod":
			return &Pod{}
		case "Namespace":
			return &Namespace{}
		case "Node":
			return &Node{}
		case "ReplicationController":
			return &workloadSource{}
		}
	case "apps/v1":
		switch t.kind {
		case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet":
			return &workloadSource{}
		}
	case "batch/v1":
		switch t.kind {
		case "Job", "CronJob":
			return &workloadSource{}
		}
	case "networking.k8s.io/v1":
		switch t.kind {
		case "NetworkPolicy":
			return &policySource{}
		case "ServiceCIDR":
			return &ServiceCIDR{}
		}
	case "policy.networking.k8s.io/v1alpha1":
		switch t.kind {
		case "AdminNetworkPolicy", "BaselineAdminNetworkPolicy":
			return &policySource{}
		}
	case "policy.networking.k8s.io/v1alpha2":
		if t.kind == "ClusterNetworkPolicy" {
			return &policySource{}
		}
	case "networking.k8s.io/v1beta1":
		if t.kind == "ServiceCIDR" {
			return &ServiceCIDR{}
		}
	}
	return nil
}

// target is what the field of e is decoded into, or nil when it is skipped.
func (e *element) target(name string) any {
	if name == "metadata" {
		if e.value == nil {
			return &identity{&e.meta}
		}
		return &e.meta
	}
	switch v := e.value.(type) {
	case *Pod:
		switch name {
		case "spec":
			return &v.Spec
		case "status":
			return &v.Status
		}
	case *Node:
		switch name {
		case "spec":
			return &v.Spec
		case "status":
			return &v.Status
		}
	case *workloadSource:
		switch {
		case name == "spec":
			return &v.spec
		case name == "status" && e.kind == "Job":
			return &v.status
		}
	case *ServiceCIDR:
		if name == "spec" {
			return v
		}
	}
	return nil
}

// labelsOf is the label map in a target, or nil.
func labelsOf(target any) *labels {
	switch t := target.(type) {
	case *metadata:
		return &t.Labels
	case *workloadSpec:
		if p := t.pods(); p != nil {
			return &p.Metadata.Labels
		}
	}
	return nil
}

// finished is the exported form of e's value.
func (e *element) finished() any {
	switch v := e.value.(type) {
	case *Pod:
		v.Labels, v.OwnerReferences, v.DeletionTimestamp = e.meta.Labels.values, e.meta.OwnerReferences, bool(e.meta.DeletionTimestamp)
		v.Spec.settle()
	case *Namespace:
		v.Labels = e.meta.Labels.values
	case *Node:
		v.Labels = e.meta.Labels.values
	case *workloadSource:
		w := &Workload{Kind: strings.ToLower(e.kind), OwnerReferences: e.meta.OwnerReferences}
		switch e.kind {
		case "Job":
			w.Replicas = v.spec.Parallelism
			w.setJob(&v.spec)
			w.Finished = v.status.finished()
		case "CronJob":
			if v.spec.JobTemplate != nil {
				w.setJob(&v.spec.JobTemplate.Spec)
			}
		case "DaemonSet":
		case "StatefulSet":
			w.Replicas, w.FirstOrdinal = v.spec.Replicas, v.spec.Ordinals.Start
		default:
			w.Replicas = v.spec.Replicas
		}
		if strings.HasPrefix(e.apiVersion, "apps/") {
			w.Selector = v.spec.Selector.selector()
		}
		if t := v.spec.pods(); t != nil {
			t.Spec.settle()
			w.Template = &PodTemplate{Labels: t.Metadata.Labels.values, Spec: t.Spec}
		}
		return w
	case *customSource:
		return v.result
	case *policySource:
		return v.result
	}
	return e.value
}

// setJob sets what the spec of a Job says besides its parallelism.
func (w *Workload) setJob(spec *workloadSpec) {
	w.Indexed = spec.CompletionMode == "Indexed"
	w.Completions, w.ManualSelector = spec.Completions, spec.ManualSelector
}

// settle applies the API's own conversion of the deprecated field.
func (s *PodSpec) settle() {
	if s.ServiceAccountName == "" {
		s.ServiceAccountName = s.DeprecatedServiceAccount
	}
	s.DeprecatedServiceAccount = ""
}
