package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

const wholePod = `{
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "p%[1]d", "namespace": "ns", "uid": "u", "generateName": "p", "resourceVersion": "1", "deletionTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"app": "a%[2]d", "n": "\u0061"}, "annotations": {"a": "b"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": true, "uid": "u"}]
            },
            "spec": {
                "hostNetwork": false, "nodeName": "n", "serviceAccount": "s", "volumes": [{"name": "v", "emptyDir": {}}],
                "containers": [{"name": "c", "restartPolicy": "Always", "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}], "env": [{"name": "A", "value": "},{"}]}],
                "initContainers": [{"name": "i"}]
            },
            "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "hostIP": "10.1.0.1", "hostIPs": [{"ip": "10.1.0.1"}], "conditions": []}
        }`

// bigList is a list of pods, with something else instead of number 1500. The
// separator of pods is as kubectl prints it.
func bigList(head, odd, tail string) string {
	var b strings.Builder
	b.WriteString(head + "\n        ")
	for i := range 3000 {
		if i > 0 {
			b.WriteString(",\n        ")
		}
		if i == 1500 && odd != "" {
			b.WriteString(odd)
			continue
		}
		fmt.Fprintf(&b, wholePod, i, i/10)
	}
	b.WriteString(tail)
	return b.String()
}

// What a list holds and what is reported of it is the same, whatever the number
// of processors, and however the list ends.
func TestProcessors(t *testing.T) {
	const head, tail = `{"apiVersion": "v1", "items": [`, "\n    ],\n    \"kind\": \"List\"\n}\n"
	lists := map[string]string{
		"sound":            bigList(head, "", tail),
		"two":              bigList(head, "", tail) + bigList(head, "", tail),
		"kind first":       bigList(`{"kind": "PodList", "apiVersion": "v1", "items": [`, `{"metadata": {"name": "typeless"}}`, "\n    ]}"),
		"wrong type":       bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}, "spec": {"hostNetwork": "yes"}}`, tail),
		"key twice":        bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd", "name": "even"}}`, tail),
		"no type":          bigList(head, `{"metadata": {"name": "odd"}}`, tail),
		"no object":        bigList(head, `17`, tail),
		"nothing":          bigList(head, ` `, tail),
		"list in list":     bigList(head, bigList(head, "", tail), tail),
		"broken":           bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": }}`, tail),
		"bracket too many": bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}}]`, tail),
		"two lists":        bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}}], "other": [{}`, tail),
		"truncated":        bigList(head, "", ""),
		"policy refused":   bigList(head, `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "odd"}, "spec": {"podSelectr": {}}}`, tail),
		"large member":     bigList(head, `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "`+strings.Repeat("x", 3<<20)+`"}}`, tail),
		"kind in the end":  bigList(head, "", "\n    ],\n    \"kind\": 3\n}\n"),
	}
	lists["compact"] = func() string {
		var b bytes.Buffer
		require.NoError(t, json.Compact(&b, []byte(lists["sound"])))
		return b.String()
	}()
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for name, text := range lists {
		var want []Object
		var said []dialect.Diagnostic
		for _, n := range []int{1, 2, 8} {
			runtime.GOMAXPROCS(n)
			var l dialect.Ledger
			var got []Object
			r := NewReader(Options{})
			for o := range r.Read([]Input{Bytes("list.json", []byte(text))}, &l) {
				got = append(got, o)
			}
			for i := range l.Diagnostics {
				l.Diagnostics[i].Origin.Path += fmt.Sprint(r.Locate(l.Diagnostics[i].Origin))
			}
			if n == 1 {
				want, said = got, l.Diagnostics
				require.GreaterOrEqual(t, len(got), 1500, name)
				continue
			}
			require.Equal(t, said, l.Diagnostics, "%s, %d processors", name, n)
			require.Equal(t, len(want), len(got), "%s, %d processors", name, n)
			for i := range want {
				require.Equal(t, want[i], got[i], "%s, %d processors", name, n)
			}
		}
	}
}

// Most of a list is decoded by other goroutines: its text does not reach the
// first decoder.
func TestMembersAreShared(t *testing.T) {
	text := bigList(`{"apiVersion": "v1", "items": [`, "", "\n    ],\n    \"kind\": \"List\"\n}\n")
	in := &allowance{in: strings.NewReader(text), limits: Limits{}.complete()}
	s := &sharedText{in: in, block: blockBytes}
	n := 0
	dec := jsontext.NewDecoder(s)
	d := decoder{dec: dec, fields: &fields{dec: dec}, shared: s, emit: func(found) { n++ }, member: func() { in.limit = in.read + 64<<20 }}
	s.decoder = &d
	d.member()
	require.NoError(t, d.value("", nil))
	require.Equal(t, 3000, n)
	require.Equal(t, int64(len(text)), s.hidden+dec.InputOffset()+1)
	require.Less(t, dec.InputOffset(), int64(len(text)/4))
}

// The fast way takes no value that the tolerant way would report, and makes the
// same of the others.
func TestFieldsTakeWhatJSONTakes(t *testing.T) {
	decode := func(text []byte, tolerant bool) (out []found, err error) {
		dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(tolerant))
		d := decoder{dec: dec, tolerant: tolerant, fields: &fields{dec: dec}, member: func() {}, emit: func(f found) { out = append(out, f) }}
		err = d.value("", nil)
		return out, err
	}
	var pod any
	require.NoError(t, json.Unmarshal(fmt.Appendf(nil, wholePod, 1, 1), &pod))
	taken, refused := 0, 0
	check := func() {
		text, err := json.Marshal(pod)
		require.NoError(t, err)
		want, err := decode(text, true)
		require.NoError(t, err)
		got, err := decode(text, false)
		if err != nil {
			require.Equal(t, errTolerate, err, string(text))
			require.NotEmpty(t, want[0].diagnostics, "refused for nothing: %s", text)
			refused++
			return
		}
		require.Equal(t, want, got, string(text))
		taken++
	}
	check()
	values := []any{nil, true, "text", "", 1, -0.5, 1e300, 3000000000, map[string]any{}, map[string]any{"a": "b"}, []any{}, []any{nil}, []any{map[string]any{}}}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, was := range v {
				for _, value := range values {
					v[key] = value
					check()
				}
				v[key] = was
				walk(was)
			}
		case []any:
			for i, was := range v {
				for _, value := range values {
					v[i] = value
					check()
				}
				v[i] = was
				walk(was)
			}
		}
	}
	walk(pod)
	require.Greater(t, taken, 200)
	require.Greater(t, refused, 200)
}
