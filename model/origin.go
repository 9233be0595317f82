package model

import (
	"fmt"
	"strconv"
)

// Origin says where an object or a field was read. Its line and column are
// found on demand from (File, Document, Path), so that reading a big dump does
// not pay for positions that nobody prints. The zero Origin means "made in
// memory".
type Origin struct {
	File     string // as the user named it; "-" is standard input
	Document int    // index of the document (YAML) or of the top-level value (JSON) in File, from 0
	Path     string // field path from the document's root: "spec.ingress[0].from[1]", "items[3].spec"; "" is the root
}

// Field returns the origin of a field below o: Field("spec", "ports", 0) is
// o.Path + ".spec.ports[0]". Elements are strings (keys) or ints (indexes).
func (o Origin) Field(path ...any) Origin {
	var room [96]byte // policies make one for each of their values
	b := append(room[:0], o.Path...)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = append(b, p...)
		case int:
			b = append(strconv.AppendInt(append(b, '['), int64(p), 10), ']')
		default:
			panic(fmt.Sprintf("model: Origin.Field of %T", p))
		}
	}
	o.Path = string(b)
	return o
}

// Known reports whether o points into a file.
func (o Origin) Known() bool { return o.File != "" }

// ObjectRef names an API object. The zero ObjectRef is "no object": a rule
// that Kubernetes itself implies.
type ObjectRef struct {
	Kind      string // as in the API: "NetworkPolicy"
	Namespace string // "" for cluster-scoped objects
	Name      string
}

// String is "NetworkPolicy ml/allow-dns", or "Node n1" for cluster scope.
func (r ObjectRef) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}
