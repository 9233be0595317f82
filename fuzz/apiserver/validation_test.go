package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// exception is a disagreement with the server that is meant.
type exception struct {
	name, reason string
	is           func(ours reading, theirs string) bool
}

var exceptions = []exception{
	{"sloppy CIDR", "new objects may not have it, stored ones may, and a snapshot cannot tell them apart (R43)", func(ours reading, theirs string) bool {
		rest := sloppy.ReplaceAllString(theirs, "")
		return ours.has(dialect.CodeSloppyCIDR) && ours.err == "" && rest != theirs && !strings.Contains(rest, "spec.") && !strings.Contains(rest, "metadata.")
	}},
	{"status", "Kubernetes 1.24 to 1.27 wrote one, which says nothing about connections; dumps of them are read", func(ours reading, theirs string) bool {
		return ours.err == "" && strings.HasSuffix(theirs, `strict decoding error: unknown field "status"`)
	}},
}

// sloppy is such a complaint of the server.
var sloppy = regexp.MustCompile(`spec\.[a-zA-Z.\[\]0-9]+: Invalid value: "[^"]*": must not have (an IPv4-mapped IPv6 address|leading 0s( in IP)?|bits set beyond the prefix length)`)

// mutations is how many policies are made from generated ones by changing them
// in one or two places.
const mutations = 3000

// TestValidation sends generated policies, good ones, ones with one fault, and
// mutations of both, to the server without storing them. It must refuse what
// podreach refuses and nothing else, and what it gives back with its defaults
// filled in must mean what the policy meant.
func TestValidation(t *testing.T) {
	var texts []string
	for seed := uint64(0); len(texts) < 600; seed++ {
		c := gen.New(rand.New(rand.NewPCG(seed, 0)), gen.Options{Policies: 20, Profile: "spec", Valid: seed%3 == 0})
		texts = append(texts, policyTexts(t, c)...)
	}
	generated := len(texts)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range mutations {
		texts = append(texts, mutate(r, texts[i%generated]))
	}
	for _, spec := range []string{
		`"spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "010.1.2.3/8", "except": ["10.1.2.3/24"]}}]}]}`,
		`"spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "::ffff:10.0.0.0/104"}}]}]}`,
		`"spec": {"podSelector": {}}, "status": {}`,
	} {
		texts = append(texts, `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "ml"}, `+spec+`}`)
	}
	for i := range texts {
		if i%4 == 0 {
			text, err := yaml.JSONToYAML([]byte(texts[i]))
			require.NoError(t, err)
			texts[i] = string(text)
		}
	}

	refused, excepted, failed := 0, map[string]int{}, 0
	results := dryRun(t, texts)
	for i, text := range texts {
		ours, theirs := read(text), results[i]
		why := ""
		switch {
		case (ours.err == "") != (theirs.err == ""):
			why = "refused by one of them"
		case ours.err != "":
			refused++
			continue
		default:
			if back := read(theirs.object); back.err != "" || !slices.Equal(ours.rules, back.rules) {
				why = "means something else with defaults: " + back.err + "\n" + strings.Join(back.rules, "\n") + "\nbefore:\n" + strings.Join(ours.rules, "\n")
			}
		}
		if why == "" {
			continue
		}
		if x := slices.IndexFunc(exceptions, func(x exception) bool { return x.is(ours, theirs.err) }); x >= 0 {
			excepted[exceptions[x].name]++
			continue
		}
		failed++
		t.Errorf("%s\nserver: %s\npodreach: %s\n%s", why, theirs.err, ours.err, compact(text))
		if failed == 40 {
			t.Fatal("and so on")
		}
	}
	t.Logf("%d policies, %d of them mutated; %d refused by both; exceptions %v", len(texts), mutations, refused, excepted)
	require.Greater(t, refused, len(texts)/10)
	require.Greater(t, len(texts)-refused, len(texts)/10)
	for _, x := range exceptions {
		require.NotZero(t, excepted[x.name], "the exception %q (%s) is not needed any more", x.name, x.reason)
	}
}

// policyTexts are the policies of a cluster, each as its own JSON.
func policyTexts(t *testing.T, c *gen.Cluster) (out []string) {
	t.Helper()
	var list struct{ Items []json.RawMessage }
	require.NoError(t, json.Unmarshal(c.JSON(), &list))
	for _, item := range list.Items {
		var head struct{ Kind string }
		require.NoError(t, json.Unmarshal(item, &head))
		if head.Kind == "NetworkPolicy" {
			out = append(out, string(item))
		}
	}
	return out
}

// answer is what the server says of a policy: what is wrong with it, or the
// object.
type answer struct{ err, object string }

func dryRun(t *testing.T, texts []string) []answer {
	t.Helper()
	out := make([]answer, len(texts))
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := 0
	var broken error
	for range 8 {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(texts) {
					return
				}
				raw, err := server.client.NetworkingV1().RESTClient().Post().AbsPath("/apis/networking.k8s.io/v1/namespaces", namespaceOf(texts[i]), "networkpolicies").
					Param("dryRun", "All").Param("fieldValidation", "Strict").SetHeader("Content-Type", contentType(texts[i])).SetHeader("Accept", "application/json").
					Body([]byte(texts[i])).DoRaw(t.Context())
				var status apierrors.APIStatus
				switch {
				case err == nil:
					out[i].object = string(raw)
				case errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500:
					out[i].err = said(raw, err)
				default:
					mu.Lock()
					broken = fmt.Errorf("%w\n%s", err, texts[i])
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, broken)
	return out
}

func contentType(text string) string {
	if strings.HasPrefix(text, "{") {
		return "application/json"
	}
	return "application/yaml"
}

// said is the server's message.
func said(raw []byte, err error) string {
	var status struct{ Message string }
	if json.Unmarshal(raw, &status) == nil && status.Message != "" {
		return status.Message
	}
	return err.Error()
}

var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// namespaceOf is the namespace that kubectl would send the policy to.
func namespaceOf(text string) string {
	var head struct {
		Metadata struct{ Namespace any }
	}
	_ = yaml.Unmarshal([]byte(text), &head) // what it cannot read is "default"
	if ns, ok := head.Metadata.Namespace.(string); ok && label.MatchString(ns) {
		return ns
	}
	return "default"
}

// reading is what podreach says of a policy: what is wrong with it, or its
// rules.
type reading struct {
	err   string
	codes []dialect.Code
	rules []string
}

func (r reading) has(c dialect.Code) bool { return slices.Contains(r.codes, c) }

func read(text string) (out reading) {
	s := cluster.New(cluster.Options{})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("policy", []byte(text))}, s.Ledger()) {
		s.Put(o)
	}
	snapshot, l := s.Snapshot(), s.Ledger()
	if err := l.Err(); err != nil {
		out.err = err.Error()
	} else if l.Policies != 1 {
		out.err = fmt.Sprintf("%d policies were read", l.Policies)
	}
	for _, d := range l.Diagnostics {
		out.codes = append(out.codes, d.Code)
	}
	for _, r := range snapshot.Rules {
		if r.Object.Kind != "" {
			r.Origin = model.Origin{}
			out.rules = append(out.rules, r.String())
		}
	}
	return out
}

// odd are values that a field may be set to.
var odd = []any{
	nil, true, "", "a", "A_b", "x y", "-x", "80", "tcp", "TCP", "Ingress", "Both", "In", "0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/8", "010.0.0.0/8", "::/0", "::ffff:10.0.0.0/104",
	"10.0.0.1", "fd00::/129", strings.Repeat("a", 64), strings.Repeat("a", 254), "example.com/name", "/x", "x/", "http", "http--x", "a.b.c", "a..b", "ä",
	0, 1, -1, 80, 65535, 65536, 1 << 31, 1.5, 80.0, json.Number("8e1"), []any{}, []any{nil}, []any{map[string]any{}}, map[string]any{}, map[string]any{"a": "b"}, []any{"a", "a"},
}

// oddValue is one of odd; nothing shares it.
func oddValue(r *rand.Rand) any {
	return tree(encode(odd[r.IntN(len(odd))]))
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func tree(text string) (out any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// fields are names that a field may get.
var fields = []string{"podSelector", "namespaceSelector", "ipBlock", "cidr", "except", "ports", "port", "endPort", "protocol", "from", "to", "ingress", "egress",
	"policyTypes", "matchLabels", "matchExpressions", "key", "operator", "values", "spec", "status", "labels", "annotations", "name", "generateName", "namespace",
	"finalizers", "Spec", "podselector", "unknown", "app"}

// mutate changes a policy in one or two places.
func mutate(r *rand.Rand, text string) string {
	root := tree(text).(map[string]any)
	for range 1 + r.IntN(2) {
		mutateOnce(r, root)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(root); err != nil {
		panic(err)
	}
	if r.IntN(20) == 0 { // a key twice, if there is some other
		return strings.Replace(b.String(), "\"spec\": {\n", "\"spec\": {\"podSelector\": {},\n", 1)
	}
	return b.String()
}

// mutateOnce changes one place of the tree, but for its type: another kind is
// another matter.
func mutateOnce(r *rand.Rand, root map[string]any) {
	var places []func()
	pickOf := func(list []string) string { return list[r.IntN(len(list))] }
	var walk func(v any, set func(any), top bool)
	walk = func(v any, set func(any), top bool) {
		switch v := v.(type) {
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				if top && (k == "apiVersion" || k == "kind") {
					continue
				}
				places = append(places,
					func() { delete(v, k) },
					func() { v[k] = oddValue(r) },
					func() { v[pickOf(fields)] = v[k]; delete(v, k) })
				walk(v[k], func(to any) { v[k] = to }, false)
			}
			places = append(places, func() { v[pickOf(fields)] = oddValue(r) })
		case []any:
			for i := range v {
				places = append(places,
					func() { v[i] = oddValue(r) },
					func() { set(append(slices.Clone(v), tree(encode(v[i])))) },
					func() { set(slices.Delete(slices.Clone(v), i, i+1)) })
				walk(v[i], func(to any) { v[i] = to }, false)
			}
			places = append(places, func() { set(append(slices.Clone(v), oddValue(r))) })
		}
	}
	walk(root, nil, true)
	places[r.IntN(len(places))]()
}

func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}
