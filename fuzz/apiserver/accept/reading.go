package accept

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Texts are the objects of the given kinds in a cluster, each as its own JSON.
func Texts(c *gen.Cluster, kinds ...string) ([]string, error) {
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(c.JSON(), &list); err != nil {
		return nil, err
	}
	var out []string
	for _, item := range list.Items {
		var head struct{ Kind string }
		if err := json.Unmarshal(item, &head); err != nil {
			return nil, err
		}
		if slices.Contains(kinds, head.Kind) {
			out = append(out, string(item))
		}
	}
	return out, nil
}

// ContentType is the media type of a text. What is no JSON is YAML, also when
// it begins like JSON, as for kubectl (k8s.io/apimachinery pkg/util/yaml,
// YAMLOrJSONDecoder).
func ContentType(text string) string {
	if json.Valid([]byte(text)) {
		return "application/json"
	}
	return "application/yaml"
}

var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// NamespaceOf is the namespace that kubectl would send the policy to.
func NamespaceOf(text string) string {
	var head struct {
		Metadata struct{ Namespace any }
	}
	unmarshal := func(b []byte, to any) error { return yaml.Unmarshal(b, to) }
	if ContentType(text) == "application/json" { // which is faster
		unmarshal = json.Unmarshal
	}
	_ = unmarshal([]byte(text), &head) // what it cannot read is "default"
	if ns, ok := head.Metadata.Namespace.(string); ok && label.MatchString(ns) {
		return ns
	}
	return "default"
}

// Reading is what podreach says of a policy: what is wrong with it, or its
// rules.
type Reading struct {
	Err    string         // "": podreach takes the policy
	Errors []string       // what is wrong, one by one
	Fields []string       // that the errors are about
	Codes  []dialect.Code // of all diagnostics
	Rules  []string
}

// Read takes the text of one policy to its rules.
func Read(text string) (out Reading) {
	s := cluster.New(cluster.Options{})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("policy", []byte(text))}, s.Ledger()) {
		s.Put(o)
	}
	snapshot, l := s.Snapshot(), s.Ledger()
	if err := l.Err(); err != nil {
		out.Err = err.Error()
	} else if l.Policies != 1 {
		out.Err = fmt.Sprintf("%d policies were read", l.Policies)
		out.Errors = []string{out.Err}
	}
	for _, d := range l.Diagnostics {
		out.Codes = append(out.Codes, d.Code)
		if d.Severity() == dialect.Error {
			out.Errors = append(out.Errors, d.Message)
			out.Fields = append(out.Fields, d.Origin.Path)
		}
	}
	for _, r := range snapshot.Rules {
		if r.Object.Kind != "" {
			r.Origin = model.Origin{}
			out.Rules = append(out.Rules, r.String())
		}
	}
	return out
}
