package manifest

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// lastAppliedKey is the annotation in which kubectl apply keeps the manifest
// that it was given.
const lastAppliedKey = "kubectl.kubernetes.io/last-applied-configuration"

// lastApplied is an object's annotations, of which it takes one. That holds the
// whole manifest, with what containers are given: nothing of its text is kept.
type lastApplied struct {
	found       bool
	labels      []string
	policyTypes bool
}

// UnmarshalJSONFrom takes what fits and passes over the rest.
func (a *lastApplied) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return eachField(dec, func(name string) error {
		v, err := dec.ReadValue()
		if err == nil && name == lastAppliedKey && v.Kind() == '"' {
			text, _ := jsontext.AppendUnquote(nil, v)
			a.read(string(text))
		}
		return err
	})
}

// read takes the keys of metadata.labels, and whether spec.policyTypes is there.
// Of a text that is no JSON it takes what comes before the end.
func (a *lastApplied) read(text string) {
	if text == "" {
		return
	}
	a.found = true
	dec := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	_ = eachField(dec, func(outer string) error {
		if outer != "metadata" && outer != "spec" {
			return dec.SkipValue()
		}
		return eachField(dec, func(name string) error {
			switch {
			case outer == "spec" && name == "policyTypes":
				a.policyTypes = dec.PeekKind() != 'n'
			case outer == "metadata" && name == "labels":
				return eachField(dec, func(key string) error {
					a.labels = append(a.labels, key)
					return dec.SkipValue()
				})
			}
			return dec.SkipValue()
		})
	})
}

// eachField calls visit with the name of each field of the value that dec stands
// before; visit must read the field's value. A value that is no mapping is
// passed over.
func eachField(dec *jsontext.Decoder, visit func(name string) error) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := visit(name.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// created is the mark of all objects that an API server has stored and kubectl
// apply has set nothing of.
var created = &Stored{}

// stored is the mark of the object, or nil for a plain manifest.
func (m *metadata) stored() *Stored {
	switch a := &m.Annotations; {
	case !bool(m.UID) && !bool(m.ResourceVersion) && !a.found:
		return nil
	case len(a.labels) > 0 || a.policyTypes:
		return &Stored{Labels: a.labels, PolicyTypes: a.policyTypes}
	}
	return created
}
