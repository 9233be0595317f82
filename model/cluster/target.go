package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/internal/nearest"
)

// Target names an object to delete, as it is written for kubectl: by a kind in
// singular or plural, or its short name, in any case, perhaps with the group.
// The zero Target names nothing.
type Target struct {
	Kind, Group string // in lower case; Group "" is any, or "version.group"
	Namespace   string // "" for kinds that have none, else the default namespace
	Name        string
}

// ParseTarget reads KIND/NS/NAME or KIND/NAME. The error is a *TargetError.
func ParseTarget(text string) (Target, error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return Target{}, &TargetError{Text: text, Message: "expected KIND/NAMESPACE/NAME, or KIND/NAME"}
	}
	t := Target{Name: parts[len(parts)-1]}
	t.Kind, t.Group, _ = strings.Cut(strings.ToLower(parts[0]), ".")
	if kind, found := shortNames[t.Kind]; found {
		t.Kind = strings.ToLower(kind)
	}
	if len(parts) == 3 {
		t.Namespace = parts[1]
	}
	return t, nil
}

// String is the target as ParseTarget reads it.
func (t Target) String() string {
	s := t.Kind
	if t.Group != "" {
		s += "." + t.Group
	}
	if t.Namespace != "" {
		s += "/" + t.Namespace
	}
	return s + "/" + t.Name
}

// TargetError says why nothing can be deleted.
type TargetError struct {
	Text       string // the target
	Message    string
	Suggestion string // the nearest that exists; may be ""
}

// Error is "TEXT: message; did you mean SUGGESTION?".
func (e *TargetError) Error() string {
	s := fmt.Sprintf("%q: %s", e.Text, e.Message)
	if e.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %s?", e.Suggestion)
	}
	return s
}

// shortNames are those of kubectl api-resources.
var shortNames = map[string]string{
	"po": "Pod", "deploy": "Deployment", "ds": "DaemonSet", "sts": "StatefulSet", "rs": "ReplicaSet", "rc": "ReplicationController",
	"cj": "CronJob", "ns": "Namespace", "no": "Node", "netpol": "NetworkPolicy", "svc": "Service", "cm": "ConfigMap", "sa": "ServiceAccount",
	"ing": "Ingress", "ep": "Endpoints", "ev": "Event", "limits": "LimitRange", "quota": "ResourceQuota", "pv": "PersistentVolume",
	"pvc": "PersistentVolumeClaim", "hpa": "HorizontalPodAutoscaler", "pdb": "PodDisruptionBudget", "pc": "PriorityClass", "sc": "StorageClass",
	"crd": "CustomResourceDefinition", "crds": "CustomResourceDefinition", "csr": "CertificateSigningRequest",
	"cnp": "CiliumNetworkPolicy", "ccnp": "CiliumClusterwideNetworkPolicy", "anp": "AdminNetworkPolicy", "banp": "BaselineAdminNetworkPolicy",
}

// means reports whether the target is of this kind.
func (t Target) means(group, kind string) bool {
	if t.Group != "" && t.Group != group {
		if _, rest, found := strings.Cut(t.Group, "."); !found || rest != group { // version.group
			return false
		}
	}
	kind = strings.ToLower(kind)
	if t.Kind == kind {
		return true
	}
	stem, plural := strings.CutSuffix(t.Kind, "s")
	return plural && (stem == kind || stem == kind+"e" || strings.TrimSuffix(stem, "ie")+"y" == kind)
}

// resolve finds what a target names. It may name an owner of pods that the
// input does not hold.
func (s *State) resolve(t Target) ([]identity, error) {
	var found []identity
	var names, elsewhere []string // of the kind
	of := ""
	scoped := false
	meet := func(id identity) {
		if !t.means(id.group, id.kind) {
			return
		}
		of = id.kind
		scoped = scoped || clusterScoped(id.group, id.kind)
		switch {
		case clusterScoped(id.group, id.kind) && t.Namespace != "":
			return
		case clusterScoped(id.group, id.kind), id.namespace == t.Namespace, t.Namespace == "" && id.namespace == s.options.DefaultNamespace:
			if id.name == t.Name && !slices.Contains(found, id) {
				found = append(found, id)
			}
			names = append(names, id.name)
		case id.name == t.Name:
			elsewhere = append(elsewhere, id.namespace)
		}
	}
	kinds := map[string]bool{}
	for o := range s.live() {
		if id, ok := s.identity(&o.Object); ok {
			kinds[id.kind] = true
			meet(id)
			if id.namespace != "" && (o.Namespace != "" || known(o.Value)) {
				meet(identity{"", "Namespace", "", id.namespace}) // perhaps without an object (R25)
			}
		}
	}
	for o := range s.live() {
		if len(found) > 0 {
			break
		}
		for _, l := range s.chain(o) {
			if l.object == nil {
				meet(ownerIdentity(&l.ref, s.namespace(&o.Object)))
			}
		}
	}
	e := &TargetError{Text: t.String()}
	switch {
	case len(found) == 1:
		return found, nil
	case len(found) > 1:
		return s.choose(t, found)
	case of == "":
		for _, k := range objectKinds {
			kinds[k.kind] = true
		}
		kinds["NetworkPolicy"] = true
		var words []string
		for k := range kinds {
			if t.means("", k) || t.Kind == strings.ToLower(k) {
				of = k
			}
			words = append(words, strings.ToLower(k))
		}
		slices.Sort(words)
		if of != "" {
			e.Message = "the input holds no " + of
			break
		}
		e.Message = fmt.Sprintf("the input holds nothing of kind %q", t.Kind)
		e.Suggestion = nearest.Of(t.Kind, words)
	case scoped && t.Namespace != "":
		e.Message = fmt.Sprintf("a %s is in no namespace", of)
		e.Suggestion = t.Kind + "/" + t.Name
	default:
		namespace := t.Namespace
		if namespace == "" && !scoped {
			namespace = s.options.DefaultNamespace
		}
		e.Message = fmt.Sprintf("there is no %s %s", of, t.Name)
		if namespace != "" {
			e.Message += " in namespace " + namespace
		}
		if slices.Sort(elsewhere); len(elsewhere) > 0 {
			e.Suggestion = t.Kind + "/" + elsewhere[0] + "/" + t.Name
			break
		}
		slices.Sort(names)
		if name := nearest.Of(t.Name, slices.Compact(names)); name != "" {
			e.Suggestion = Target{Kind: t.Kind, Namespace: namespace, Name: name}.String()
		}
	}
	return nil, e
}

// choose settles which of several groups a kind without a group means: that of
// Kubernetes itself.
func (s *State) choose(t Target, found []identity) ([]identity, error) {
	var words []string
	for _, id := range found {
		if id.kind == "NetworkPolicy" && id.group == "networking.k8s.io" || slices.ContainsFunc(objectKinds, func(k struct{ kind, apiVersion string }) bool {
			return k.kind == id.kind && groupOf(k.apiVersion) == id.group
		}) {
			return []identity{id}, nil
		}
		words = append(words, strings.ToLower(id.kind)+"."+id.group)
	}
	slices.Sort(words)
	return nil, &TargetError{Text: t.String(), Message: "several kinds are meant; write one of " + strings.Join(words, ", ")}
}
