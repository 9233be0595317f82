package manifest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest/custom"
)

// MaxCustom is how many bytes of JSON an object with pod templates of a custom
// resource may have. The API server's store takes 1.5 MiB.
const MaxCustom = 4 << 20

// customSource is an object of a kind of the table (R66) while it is being
// read: its metadata, spec and status, without what is secret or of no use.
type customSource struct {
	row    *custom.Row
	object map[string]any
	size   int
	result *Workload
}

// row is what the table says of a kind, or nil. podreach's own table, which
// takes some milliseconds to make, has no kinds of Kubernetes itself.
func (d *decoder) row(t typeMeta) *custom.Row {
	if d.table != nil {
		return d.table.Lookup(t.apiVersion, t.kind)
	}
	if group, _, _ := strings.Cut(t.apiVersion, "/"); group == t.apiVersion || kubernetesGroups[group] {
		return nil
	}
	return custom.Builtin().Lookup(t.apiVersion, t.kind)
}

// customField takes a field of an object of the table.
func (d *decoder) customField(e *element, c *customSource, name, path string, v jsontext.Value) {
	if name == "metadata" {
		d.unmarshalRaw(e, path, v, &e.meta)
	}
	if c.size += len(v); c.size > MaxCustom {
		e.add(problem{dialect.CodeLimit, path, "a custom resource is larger than " + size(MaxCustom)})
		return
	}
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true)) // twice is told elsewhere
	if value, err := tree(dec, name); err == nil && value != nil {
		c.object[name] = value
	}
}

// tree decodes the value of a field that dec stands before. Of secret fields
// only that they are there is kept. Whole numbers are int64; null is nil, and
// no field.
func tree(dec *jsontext.Decoder, field string) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		out := map[string]any{}
		labels := custom.Labels(field)
		for dec.PeekKind() != '}' {
			token, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name := token.String()
			if custom.Secret(name) && !labels {
				if dec.PeekKind() != 'n' {
					out[name] = true
				}
				if err := dec.SkipValue(); err != nil {
					return nil, err
				}
				continue
			}
			value, err := tree(dec, name)
			if err != nil {
				return nil, err
			}
			if value != nil {
				out[name] = value
			}
		}
		_, err := dec.ReadToken()
		return out, err
	case '[':
		out := []any{}
		for dec.PeekKind() != ']' {
			value, err := tree(dec, "")
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		_, err := dec.ReadToken()
		return out, err
	case '"':
		return token.String(), nil
	case '0':
		text := token.String()
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		return token.Float()
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

// custom finishes an object of a kind of the table.
func (d *decoder) custom(e *element, c *customSource) {
	meta, _ := c.object["metadata"].(map[string]any)
	if meta != nil && e.meta.Name == "" && e.meta.GenerateName != "" {
		meta["name"] = custom.GeneratedName
	}
	if meta != nil && e.meta.Namespace == "" {
		meta["namespace"] = custom.UnsaidNamespace
	}
	c.object["apiVersion"], c.object["kind"] = e.apiVersion, e.kind
	c.result = &Workload{Kind: KindName(e.apiVersion, e.kind), OwnerReferences: e.meta.OwnerReferences, Custom: &Custom{Row: c.row}}
	pods, problems := c.row.Pods(c.object)
	for _, p := range problems {
		d.misfit(e, p)
	}
	c.result.Finished, c.result.Custom.Unknown, c.result.Custom.Absent = pods.Finished, pods.Unknown, pods.Absent
	for i := range pods.Sets {
		c.result.Custom.Sets = append(c.result.Custom.Sets, d.podSet(e, &pods.Sets[i]))
	}
	c.object = nil
}

// misfit makes a value that the row cannot take a problem of e.
func (d *decoder) misfit(e *element, p custom.Problem) {
	path := join(e.path, p.Path)
	code, message := dialect.CodeWrongType, clip(p.Path)
	if p.Limit {
		code = dialect.CodeLimit
	} else if raw, err := json.Marshal(p.Value, json.Deterministic(true)); err == nil && p.Value != nil {
		v := jsontext.Value(raw)
		if k := v.Kind(); k == '{' || k == '[' {
			v = nil
		}
		message += " " + d.describe(jsontext.Value(raw).Kind(), v, path)
	} else {
		message += " does not fit"
	}
	e.add(problem{code, path, message + "; it must be " + p.Want})
}

// podSet makes a set of pods of what the row found.
func (d *decoder) podSet(e *element, in *custom.Set) PodSet {
	out := PodSet{Name: in.Name, Groups: in.Groups, Replicas: max(0, in.Replicas-in.From), From: in.From, Incomplete: in.Incomplete}
	if in.Replicas == custom.Many {
		out.Replicas = custom.Many
	}
	var t template
	d.part(e, in.TemplatePath, in.Template, &t)
	d.part(e, in.SpecPath, in.Spec, &t.Spec)
	spec := &t.Spec
	if in.DropPorts {
		spec.Containers = nil
	}
	for _, c := range in.Containers {
		list, ok := c.Value.([]any)
		if !ok {
			list = []any{c.Value}
		}
		for i, member := range list {
			path := c.Path
			if ok {
				path += "[" + strconv.Itoa(i) + "]"
			}
			var container Container
			d.part(e, path, member, &container)
			spec.Containers = append(spec.Containers, container)
		}
	}
	spec.settle()
	spec.HostNetwork = spec.HostNetwork || in.HostNetwork
	if spec.ServiceAccountName == "" {
		spec.ServiceAccountName = in.ServiceAccount
	}
	if len(in.Ports) > 0 {
		var c Container
		for _, p := range in.Ports {
			if !p.UnlessDeclared || !spec.declares(p.Name) {
				c.Ports = append(c.Ports, ContainerPort{Name: p.Name, ContainerPort: int32(p.Number), Protocol: p.Protocol})
			}
		}
		spec.Containers = append(spec.Containers, c)
	}
	d.setLabels(e, &out, in, t.Metadata.Labels.values)
	out.Template.Spec = *spec
	return out
}

// declares reports whether some container has a port of the name.
func (s *PodSpec) declares(name string) bool {
	return slices.ContainsFunc(s.Containers, func(c Container) bool {
		return slices.ContainsFunc(c.Ports, func(p ContainerPort) bool { return p.Name == name })
	})
}

// setLabels merges the labels of a set: those of the object, under the
// template's own, under those that the controller sets.
func (d *decoder) setLabels(e *element, out *PodSet, in *custom.Set, own map[string]string) {
	all := map[string]string{}
	lay := func(list []custom.Located, over map[string]string) {
		for _, from := range list {
			var l labels
			d.part(e, from.Path, from.Value, &l)
			maps.Copy(over, l.values)
		}
	}
	lay(in.LabelsFrom, all)
	maps.Copy(all, own)
	given := map[string]bool{}    // what the row has a value for
	begins := map[string]string{} // what the values begin with that are known no further
	set := func(key string, value custom.Text, stands bool) {
		_, found := all[key]
		given[key] = true
		if found && stands {
			return
		}
		if !found {
			out.Added = append(out.Added, key)
		}
		out.Numbered = slices.DeleteFunc(out.Numbered, func(l custom.Label) bool { return l.Key == key })
		if all[key] = value.Of(0, in.From); strings.Contains(all[key], custom.Uncertain) {
			if begins[key] = value.Beginning(); len(begins[key]) > model.MaxBeginning {
				begins[key] = ""
			}
		} else if strings.Contains(all[key], custom.GeneratedName) {
			all[key] = model.OpaqueValue
		} else if group, index := value.Has(); group || index {
			out.Numbered = append(out.Numbered, custom.Label{Key: key, Value: value})
		}
	}
	for _, l := range in.AddMissing {
		set(l.Key, l.Value, true)
	}
	for _, l := range in.Labels {
		set(l.Key, l.Value, false)
	}
	over := map[string]string{}
	lay(in.LabelsOver, over)
	maps.Copy(all, over)
	for key := range over {
		given[key] = true
		out.Numbered = slices.DeleteFunc(out.Numbered, func(l custom.Label) bool { return l.Key == key })
		out.Added = slices.DeleteFunc(out.Added, func(added string) bool { return added == key })
	}
	for _, key := range in.Opaque {
		if !given[key] {
			set(key, custom.Text{{Literal: model.OpaqueValue}}, false)
		}
	}
	for _, key := range in.Uncertain {
		if !given[key] {
			all[key] = custom.Uncertain
		}
	}
	for key, value := range all { // in braces are what controllers replace
		if strings.Contains(value, custom.Uncertain) || strings.Contains(value, "{{") {
			out.Uncertain = append(out.Uncertain, key)
		}
	}
	slices.Sort(out.Uncertain)
	for _, key := range out.Uncertain {
		beginning := ""
		if strings.Contains(all[key], custom.Uncertain) {
			beginning = begins[key]
		}
		all[model.UncertainKey(key)] = beginning
		if beginning == "" {
			delete(all, key)
		} else {
			all[key] = model.OpaqueValue
		}
	}
	out.Numbered = slices.DeleteFunc(out.Numbered, func(l custom.Label) bool { return slices.Contains(out.Uncertain, l.Key) })
	out.Added = slices.DeleteFunc(out.Added, func(key string) bool { return slices.Contains(out.Uncertain, key) })
	out.Template.Labels = all
}

// part decodes a part of the object into target. What does not fit becomes a
// problem of e, at its place.
func (d *decoder) part(e *element, path string, value, target any) {
	if value == nil {
		return
	}
	raw, err := json.Marshal(value, json.Deterministic(true)) // or which of two problems is told would differ from run to run
	if err != nil {                                           // it was JSON before
		e.add(problem{dialect.CodeWrongType, join(e.path, path), fmt.Sprint(err)})
		return
	}
	d.unmarshalRaw(e, join(e.path, path), raw, target)
	if t, ok := target.(*template); ok {
		for _, err := range t.Metadata.Labels.bad {
			d.problem(e, join(e.path, path), err)
		}
	}
	if l, ok := target.(*labels); ok {
		for _, err := range l.bad {
			d.problem(e, join(e.path, path), err)
		}
	}
}

// nativeGroups are the API groups of Kubernetes' own kinds that paths name.
var nativeGroups = map[string]string{
	"pod": "", "node": "", "service": "", "replicationcontroller": "",
	"deployment": "apps", "replicaset": "apps", "statefulset": "apps", "daemonset": "apps",
	"job": "batch", "cronjob": "batch",
}

// KindName is how paths name a kind: in lower case, with the API group behind
// it, as kubectl writes it, if another kind of Kubernetes itself has the name:
// "job.batch.volcano.sh". Without an apiVersion it is Kubernetes' own.
func KindName(apiVersion, kind string) string {
	lower := strings.ToLower(kind)
	native, known := nativeGroups[lower]
	if !known || apiVersion == "" {
		return lower
	}
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = ""
	}
	if group == native || group == "extensions" || group == "" { // extensions is where some of them were before
		return lower
	}
	return lower + "." + group
}

// kubernetesGroups are the API groups of Kubernetes itself. No kind of theirs
// that the reader passes over makes pods.
var kubernetesGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "extensions": true, "policy": true, "autoscaling": true,
	"networking.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true, "node.k8s.io": true, "coordination.k8s.io": true,
	"rbac.authorization.k8s.io": true, "authorization.k8s.io": true, "authentication.k8s.io": true, "certificates.k8s.io": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true,
	"storage.k8s.io": true, "storagemigration.k8s.io": true, "scheduling.k8s.io": true, "resource.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "internal.apiserver.k8s.io": true, "metrics.k8s.io": true,
}

// OwnGroup reports whether an API group is of Kubernetes itself. Of its kinds
// those that make pods are known; of others nobody can tell by their name.
func OwnGroup(group string) bool { return kubernetesGroups[group] }

// mayMakePods reports whether e, of a kind that is ignored, is worth a look for
// a pod template.
func (e *element) mayMakePods() bool {
	if !e.typed || e.value != nil {
		return false
	}
	group, _, found := strings.Cut(e.apiVersion, "/")
	return found && !kubernetesGroups[group]
}

// holdsTemplate reports whether somewhere in v a mapping has a list of
// containers with images, as a pod spec does.
func holdsTemplate(v jsontext.Value) bool {
	if !bytes.Contains(v, []byte(`"containers"`)) || !bytes.Contains(v, []byte(`"image"`)) {
		return false
	}
	found := false
	dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowDuplicateNames(true))
	for !found {
		token, err := dec.ReadToken()
		if err != nil {
			break
		}
		if token.Kind() != '"' || token.String() != "image" {
			continue
		}
		kind, names := dec.StackIndex(dec.StackDepth())
		if kind != '{' || names%2 == 0 { // a value, not a name
			continue
		}
		found = inContainers(dec.StackPointer())
	}
	return found
}

// inContainers reports whether a pointer ends in containers/N/image.
func inContainers(p jsontext.Pointer) bool {
	p, image := p.Parent(), p.LastToken()
	p, index := p.Parent(), p.LastToken()
	_, err := strconv.Atoi(index)
	return err == nil && image == "image" && p.LastToken() == "containers"
}
