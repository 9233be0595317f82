package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	sigs "sigs.k8s.io/yaml"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// FuzzRead: no input makes reading panic; reading twice gives the same; every
// origin that comes out can be located.
func FuzzRead(f *testing.F) {
	for _, doc := range dialect.Codes {
		f.Add([]byte(doc.Example))
	}
	for _, seed := range []string{
		pod, pod + "---\n" + pod, "{", "[", "---\n---\n", "a: &a [*a]", "{\"a\":1}\n---\na: b\n", "\xff\xfe", "\uFEFFa: b", "? a\n: b", "- - - a",
		"a: !!int x", "a: !!binary /w==", "<<: {a: b}\nc: *x", "a: |\n  x\n...\nb: c", "%YAML 1.1\n---\na: b", "--- # Source: x\nkind: Pod",
		`{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"a":1}}},{"metadata":{}},3]}`,
		`{"items":[{"metadata":{"name":"a"}}],"kind":"PodList","apiVersion":"v1"}`,
		`{"kind":"NetworkPolicy","apiVersion":"networking.k8s.io/v1","metadata":{"name":"p"},"spec":{"podSelector":{"x":1},"podSelector":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	limits := Options{Limits: Limits{Document: 1 << 20, Expansion: 1 << 16, Depth: 100}}
	f.Fuzz(func(t *testing.T, b []byte) {
		first := readInputs(limits, Bytes("in", b))
		second := readInputs(limits, Bytes("in", b))
		require.Equal(t, first.objects, second.objects)
		require.Equal(t, first.ledger, second.ledger)
		objects := 0
		for _, o := range first.objects {
			inside(t, b, first.reader.Locate(o.Origin))
			if _, ok := o.Value.(*Broken); !ok {
				objects++
			}
		}
		require.Equal(t, first.ledger.Objects, objects)
		for _, d := range first.ledger.Diagnostics {
			if d.Code == dialect.CodeNoObjects {
				continue
			}
			p := first.reader.Locate(d.Origin)
			inside(t, b, p)
			if d.Line > 0 {
				inside(t, b, Position{Line: d.Line, Column: d.Column})
			}
			require.NotEmpty(t, d.Message)
		}
		require.NotZero(t, len(first.objects)+len(first.ledger.Diagnostics), "something must be said")
	})
}

// inside requires that a position is in the text, or right behind it. Columns
// of YAML count characters, and bytes in JSON; lines of YAML may also end with
// a carriage return alone and with some characters of Unicode.
func inside(t *testing.T, text []byte, p Position) {
	t.Helper()
	lines := 2 + bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) +
		bytes.Count(text, []byte("\u0085")) + bytes.Count(text, []byte("\u2028")) + bytes.Count(text, []byte("\u2029"))
	require.Positive(t, p.Line, "%q", text)
	require.Positive(t, p.Column, "%q", text)
	require.LessOrEqual(t, p.Line, lines, "%q", text)
	require.LessOrEqual(t, p.Column, len(text)+1, "%q", text)
}

// FuzzPacked: a text gives the same however it comes in, and compressed streams
// of any bytes do no harm.
func FuzzPacked(f *testing.F) {
	for _, text := range []string{pod, pod + "---\n" + pod, `{"kind":"List","apiVersion":"v1","items":[` + "\n" + `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]}`, "\uFEFFa: b", "{} {", "a: [", ""} {
		for _, p := range packings {
			if text != "" {
				f.Add(p.pack(text))
			}
		}
	}
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00"))
	f.Add([]byte("\x1f\x8b\x08\x1c\x00\x00\x00\x00\x00\xff"))
	limits := Options{Limits: Limits{Document: 1 << 18, YAML: 1 << 18, Expansion: 1 << 16, Depth: 100, Text: 4 << 20, Objects: 10_000, Problems: 1000}}
	f.Fuzz(func(t *testing.T, b []byte) {
		first := readInputs(limits, Bytes("in", b))
		second := readInputs(limits, Input{Name: "in", Once: true, Open: Bytes("in", b).Open})
		require.Equal(t, first.objects, second.objects)
		require.Equal(t, first.diagnostics(), second.diagnostics())
		if decompress(b[:min(4, len(b))], nil) != nil {
			return
		}
		for _, p := range packings[2:] {
			if len(b) < 3 {
				continue // too little to be in members
			}
			packed := readInputs(limits, packed("in", string(b), p.pack, p.once))
			require.Equal(t, first.objects, packed.objects, p.name)
			require.Equal(t, first.diagnostics(), packed.diagnostics(), p.name)
		}
	})
}

// FuzzLocate: any path in any document leads to a place in the text or, where
// there is no such document, to none.
func FuzzLocate(f *testing.F) {
	list := `{"apiVersion":"v1","items":[{"kind":"Pod"},{"items":[1,{"a":{"b.c":[[2]]}}],"kind":"List"}],"kind":"List"} {"a":1}`
	for _, path := range []string{"", "kind", "items[1].items[1].a.b.c[0][0]", "items[0]", "items[7].x", "items[1].items", "[[[", "items[99999999999999999999]", "items[-1]", ".", "a..b", "metadata.labels.app.kubernetes.io/name"} {
		f.Add([]byte(list), 0, path)
		f.Add([]byte(pod+"---\n"+list), 1, path)
		f.Add([]byte("a: &a {b: c}\nd: {<<: *a}\n"), 0, path)
	}
	limits := Options{Limits: Limits{Document: 1 << 18, Expansion: 1 << 16, Depth: 100, Objects: 10_000}}
	f.Fuzz(func(t *testing.T, b []byte, document int, path string) {
		if decompress(b[:min(4, len(b))], nil) != nil || document < 0 {
			return // positions are those of another text; no reader makes such an origin
		}
		r := readInputs(limits, Bytes("in", b))
		p := r.reader.Locate(model.Origin{File: "in", Document: document, Path: path})
		require.Equal(t, p, r.reader.Locate(model.Origin{File: "in", Document: document, Path: path}))
		if p.Line > 0 {
			inside(t, b, p)
		}
	})
}

// plainObject is an object for the decoder of Kubernetes.
type plainObject struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name              string            `json:"name"`
		Namespace         string            `json:"namespace"`
		Labels            map[string]string `json:"labels"`
		OwnerReferences   []OwnerReference  `json:"ownerReferences"`
		DeletionTimestamp any               `json:"deletionTimestamp"`
	} `json:"metadata"`
	Spec   rawJSON `json:"spec"`
	Status rawJSON `json:"status"`
}

type rawJSON []byte

func (r *rawJSON) UnmarshalJSON(b []byte) error { *r = bytes.Clone(b); return nil }

// FuzzDecode: an object that is accepted says what the decoder of Kubernetes
// says of it.
func FuzzDecode(f *testing.F) {
	for _, doc := range dialect.Codes {
		f.Add([]byte(doc.Example))
	}
	for _, seed := range []string{
		pod,
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: ~, b: 'x'}, deletionTimestamp: x}\nspec: {hostNetwork: on, nodeName: n1, serviceAccount: s, initContainers: [{name: i, restartPolicy: Always}]}\nstatus: {podIP: a, podIPs: [{ip: b}], hostIPs: ~}\n",
		"apiVersion: v1\nkind: Node\nmetadata: {name: a}\nspec: {podCIDR: x, podCIDRs: [y]}\nstatus: {addresses: [{type: InternalIP, address: z}]}\n",
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {team: red}}\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}}}\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {matchLabels: {a: b}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}, {port: 80, endPort: 90}]}]}\n",
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","ports":[{"containerPort":1e2}]}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := readInputs(Options{Limits: Limits{Document: 1 << 18, Expansion: 1 << 16, Depth: 100}}, Bytes("in", b))
		if len(r.ledger.Diagnostics) > 0 || len(r.objects) != 1 || r.objects[0].Value == nil || r.objects[0].Origin.Path != "" || bareTag.Match(b) {
			return
		}
		o := r.objects[0]
		text, err := sigs.YAMLToJSON(b)
		if err != nil {
			return // a stream of several documents, or a directive
		}
		var want plainObject
		require.NoError(t, utiljson.Unmarshal(text, &want), "%q", b)
		require.Equal(t, want.Kind, o.Kind)
		require.Equal(t, want.APIVersion, o.APIVersion)
		require.Equal(t, want.Metadata.Namespace, o.Namespace)
		if name, _, generated := strings.Cut(o.Name, "*"); !generated {
			require.Equal(t, want.Metadata.Name, name)
		}
		decode := func(raw rawJSON, target any) {
			if len(raw) > 0 {
				require.NoError(t, utiljson.Unmarshal(raw, target), "%q", b)
			}
		}
		var expected any
		switch v := o.Value.(type) {
		case *Pod:
			p := &Pod{Labels: want.Metadata.Labels, OwnerReferences: want.Metadata.OwnerReferences, DeletionTimestamp: want.Metadata.DeletionTimestamp != nil}
			decode(want.Spec, &p.Spec)
			decode(want.Status, &p.Status)
			p.Spec.settle()
			expected = p
		case *Namespace:
			expected = &Namespace{Labels: want.Metadata.Labels}
		case *Node:
			n := &Node{Labels: want.Metadata.Labels}
			decode(want.Spec, &n.Spec)
			decode(want.Status, &n.Status)
			expected = n
		case *networkingv1.NetworkPolicy:
			np := &networkingv1.NetworkPolicy{}
			require.NoError(t, utiljson.Unmarshal(text, np), "%q", b)
			np.Name = o.Name
			expected = np
		case *Workload:
			var spec struct {
				Replicas *int32 `json:"replicas"`
				Template *struct {
					Metadata struct {
						Labels map[string]string `json:"labels"`
					} `json:"metadata"`
					Spec PodSpec `json:"spec"`
				} `json:"template"`
			}
			if o.Kind != "Deployment" && o.Kind != "ReplicaSet" {
				return
			}
			decode(want.Spec, &spec)
			expected = &Workload{Kind: v.Kind, Replicas: spec.Replicas, OwnerReferences: want.Metadata.OwnerReferences}
			if spec.Template != nil {
				spec.Template.Spec.settle()
				expected.(*Workload).Template = &PodTemplate{Labels: spec.Template.Metadata.Labels, Spec: spec.Template.Spec}
			}
		default:
			return
		}
		require.Equal(t, canonical(t, expected), canonical(t, o.Value), "%q", b)
	})
}

// canonical is a value as JSON without what is empty.
func canonical(t *testing.T, v any) any {
	t.Helper()
	text, err := utiljson.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, utiljson.Unmarshal(text, &out))
	return withoutEmpty(out)
}

func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = withoutEmpty(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	}
	return v
}

// FuzzYAML: a document that both read means what it means to kubectl. The
// parsers are two versions of one and differ in what they refuse.
func FuzzYAML(f *testing.F) {
	for _, w := range plain {
		f.Add("k: " + w)
	}
	f.Add(pod)
	f.Add("a: &x {b: 1}\nc:\n  <<: *x\n")
	f.Add("a: ! 80\n? ! 80\n: [! ~, &x ! 80]\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := sigs.YAMLToJSON([]byte(text))
		if _, _, ours := toJSON([]byte(text)); err == nil && ours == nil {
			compare(t, text)
		}
	})
}
