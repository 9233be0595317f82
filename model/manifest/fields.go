package manifest

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// fields decodes metadata, and the spec and status of pods, in the fast way of
// a decoder: what most of the text is. It takes what package json takes of
// these types, and leaves the rest to the tolerant way (errTolerate), which
// says what is wrong. It saves a quarter of the time of decoding: values that
// nobody wants are passed over as a whole, and what follows itself in the text,
// as the labels of replicas do, is decoded once and shared.
type fields struct {
	dec  *jsontext.Decoder
	part jsontext.Decoder // of a value that was read as a whole
	text bytes.Buffer     // that it reads

	words  map[string]string // of which there are many copies
	labels last[map[string]string]
	owners last[[]OwnerReference]
	ports  last[[]ContainerPort]
}

// maxWords is how many words are shared at most.
const maxWords = 1 << 12

// last is a value with its text. The value is shared, so nobody changes it.
type last[T any] struct {
	text  []byte
	value T
}

// each calls visit with the name of each field of the mapping that dec stands
// before; visit must read the value, and does not keep the name.
func (f *fields) each(dec *jsontext.Decoder, visit func(name []byte) error) error {
	switch dec.PeekKind() {
	case '{':
	case 'n':
		return dec.SkipValue()
	default:
		return f.refuse(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name := raw
		if bytes.IndexByte(raw, '\\') >= 0 {
			name, _ = jsontext.AppendUnquote(nil, raw)
		} else if raw.Kind() == '"' {
			name = raw[1 : len(raw)-1]
		}
		if err := visit(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// items calls visit before each member of the list that dec stands before.
func (f *fields) items(dec *jsontext.Decoder, visit func() error) error {
	switch dec.PeekKind() {
	case '[':
	case 'n':
		return dec.SkipValue()
	default:
		return f.refuse(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := visit(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// refuse is what to say of a value of the wrong type: of broken text that it is.
func (f *fields) refuse(dec *jsontext.Decoder) error {
	if err := dec.SkipValue(); err != nil {
		return err
	}
	return errTolerate
}

// skip passes over a value. Memory holds it, which is faster than SkipValue.
func skip(dec *jsontext.Decoder) error {
	_, err := dec.ReadValue()
	return err
}

// word reads a string. If it is common, equal ones share their memory.
func (f *fields) word(dec *jsontext.Decoder, out *string, common bool) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case '"':
	case 'n':
		*out = ""
		return nil
	default:
		return errTolerate
	}
	text := raw[1 : len(raw)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		if text, err = jsontext.AppendUnquote(nil, raw); err != nil {
			return err
		}
	}
	if !common {
		*out = string(text)
		return nil
	}
	*out = f.shared(text)
	return nil
}

// shared is the text as a string that equal ones share.
func (f *fields) shared(text []byte) string {
	s, found := f.words[string(text)]
	if !found {
		s = string(text)
		if f.words == nil || len(f.words) == maxWords {
			f.words = map[string]string{}
		}
		f.words[s] = s
	}
	return s
}

func (f *fields) flag(dec *jsontext.Decoder, out *bool) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case 't', 'f', 'n':
		*out = raw.Kind() == 't'
		return nil
	}
	return errTolerate
}

func (f *fields) number(dec *jsontext.Decoder, out *int32) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case '0':
		n, err := strconv.ParseInt(string(raw), 10, 32)
		if err != nil {
			return errTolerate
		}
		*out = int32(n)
		return nil
	case 'n':
		*out = 0
		return nil
	}
	return errTolerate
}

// again decodes the value that f.dec stands before, or takes the value that the
// same text had the last time.
func again[T any](f *fields, of *last[T], out *T, decode func(dec *jsontext.Decoder) (T, error)) error {
	raw, err := f.dec.ReadValue()
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, of.text) || of.text == nil {
		f.text = *bytes.NewBuffer(raw)
		f.part.Reset(&f.text, jsontext.AllowDuplicateNames(true)) // that there are none was seen
		value, err := decode(&f.part)
		if err != nil {
			return err
		}
		of.text, of.value = append(of.text[:0], raw...), value
	}
	*out = of.value
	return nil
}

func (f *fields) metadata(m *metadata) error {
	return f.each(f.dec, func(name []byte) error {
		switch string(name) {
		case "name":
			return f.word(f.dec, &m.Name, false)
		case "generateName":
			return f.word(f.dec, &m.GenerateName, true)
		case "namespace":
			return f.word(f.dec, &m.Namespace, true)
		case "labels":
			return again(f, &f.labels, &m.Labels.values, f.labelMap)
		case "ownerReferences":
			return again(f, &f.owners, &m.OwnerReferences, f.ownerList)
		case "deletionTimestamp":
			return m.DeletionTimestamp.UnmarshalJSONFrom(f.dec)
		case "uid":
			return m.UID.UnmarshalJSONFrom(f.dec)
		case "resourceVersion":
			return m.ResourceVersion.UnmarshalJSONFrom(f.dec)
		case "annotations":
			return m.Annotations.UnmarshalJSONFrom(f.dec)
		}
		return skip(f.dec)
	})
}

func (f *fields) labelMap(dec *jsontext.Decoder) (out map[string]string, err error) {
	if dec.PeekKind() == '{' {
		out = map[string]string{}
	}
	err = f.each(dec, func(name []byte) error {
		key, value := f.shared(name), ""
		err := f.word(dec, &value, false)
		out[key] = value
		return err
	})
	return out, err
}

func (f *fields) ownerList(dec *jsontext.Decoder) (out []OwnerReference, err error) {
	if dec.PeekKind() == '[' {
		out = []OwnerReference{}
	}
	err = f.items(dec, func() error {
		var o OwnerReference
		err := f.each(dec, func(name []byte) error {
			switch string(name) {
			case "apiVersion":
				return f.word(dec, &o.APIVersion, true)
			case "kind":
				return f.word(dec, &o.Kind, true)
			case "name":
				return f.word(dec, &o.Name, false)
			case "controller":
				return f.flag(dec, &o.Controller)
			}
			return skip(dec)
		})
		out = append(out, o)
		return err
	})
	return out, err
}

func (f *fields) podSpec(s *PodSpec) error {
	return f.each(f.dec, func(name []byte) error {
		switch string(name) {
		case "hostNetwork":
			return f.flag(f.dec, &s.HostNetwork)
		case "nodeName":
			return f.word(f.dec, &s.NodeName, true)
		case "serviceAccountName":
			return f.word(f.dec, &s.ServiceAccountName, true)
		case "serviceAccount":
			return f.word(f.dec, &s.DeprecatedServiceAccount, true)
		case "containers":
			return f.containers(&s.Containers)
		case "initContainers":
			return f.containers(&s.InitContainers)
		}
		return skip(f.dec)
	})
}

func (f *fields) containers(out *[]Container) error {
	if f.dec.PeekKind() == '[' {
		*out = []Container{}
	}
	return f.items(f.dec, func() error {
		var c Container
		err := f.each(f.dec, func(name []byte) error {
			switch string(name) {
			case "name":
				return f.word(f.dec, &c.Name, true)
			case "restartPolicy":
				return f.word(f.dec, &c.RestartPolicy, true)
			case "ports":
				return again(f, &f.ports, &c.Ports, f.portList)
			}
			return skip(f.dec)
		})
		*out = append(*out, c)
		return err
	})
}

func (f *fields) portList(dec *jsontext.Decoder) (out []ContainerPort, err error) {
	if dec.PeekKind() == '[' {
		out = []ContainerPort{}
	}
	err = f.items(dec, func() error {
		var p ContainerPort
		err := f.each(dec, func(name []byte) error {
			switch string(name) {
			case "name":
				return f.word(dec, &p.Name, true)
			case "containerPort":
				return f.number(dec, &p.ContainerPort)
			case "protocol":
				return f.word(dec, &p.Protocol, true)
			}
			return skip(dec)
		})
		out = append(out, p)
		return err
	})
	return out, err
}

func (f *fields) podStatus(s *PodStatus) error {
	return f.each(f.dec, func(name []byte) error {
		switch string(name) {
		case "phase":
			return f.word(f.dec, &s.Phase, true)
		case "podIP":
			return f.word(f.dec, &s.PodIP, false)
		case "podIPs":
			return f.addresses(&s.PodIPs)
		case "hostIP":
			return f.word(f.dec, &s.HostIP, true)
		case "hostIPs":
			return f.addresses(&s.HostIPs)
		}
		return skip(f.dec)
	})
}

func (f *fields) addresses(out *[]IP) error {
	if f.dec.PeekKind() == '[' {
		*out = []IP{}
	}
	return f.items(f.dec, func() error {
		var a IP
		err := f.each(f.dec, func(name []byte) error {
			if string(name) == "ip" {
				return f.word(f.dec, &a.IP, true)
			}
			return skip(f.dec)
		})
		*out = append(*out, a)
		return err
	})
}
