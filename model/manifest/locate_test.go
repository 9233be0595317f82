package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

func TestLocate(t *testing.T) {
	const text = `# first
---
# Source: chart/templates/a.yaml
apiVersion: v1
kind: Pod
metadata:
  name: a
  labels:
    app: web
    app.kubernetes.io/name: x
    app.kubernetes.io: {odd: 1}
    "1": one
  annotations: &notes {k: v}
spec:
  containers:
  - name: c
    ports: [{containerPort: 1}, {containerPort: 2}]
  -
    name: d
---

# Source: chart/templates/b.yaml
# more
{apiVersion: v1, kind: List, items: [{a: 1}, &x {kind: Pod, apiVersion: v1, metadata: {<<: &m {name: b}, labels: {}}}, *x]}
---
a: [
`
	json := "\uFEFF" + `
{"a":1}
{
    "apiVersion": "v1",
    "items": [
        {
            "kind": "Pod",
            "metadata": {
                "labels": {"app": "x", "app.kubernetes.io/name": "y", "1": "one"},
                "name": "a"
            },
            "spec": {"containers": [{"name": "c"}, {"name": "d", "ports": [{"containerPort": 1}, 2]}]}
        },   {"kind":"List","items":[
  {"kind":"Pod"},{"metadata":{"name":"z"}}]}
    ],
    "kind": "List"
}
`
	r := NewReader(Options{})
	var ledger = read("").ledger
	mixed := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
`
	for range r.Read([]Input{Bytes("y", []byte(text)), Bytes("j", []byte(json)), Bytes("m", []byte(mixed))}, &ledger) {
	}
	for _, c := range []struct {
		file     string
		document int
		path     string
		want     string
	}{
		{"y", 0, "", "y:4:1 (chart/templates/a.yaml)"},
		{"y", 0, "kind", "y:5:1 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels.app", "y:9:5 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels.app.kubernetes.io/name", "y:10:5 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels.app.kubernetes.io.odd", "y:11:25 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels[1]", "y:12:5 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels.1", "y:12:5 (chart/templates/a.yaml)"},
		{"y", 0, "metadata.labels.none.at.all", "y:8:3 (chart/templates/a.yaml)"},
		{"y", 0, "spec.containers[0]", "y:16:5 (chart/templates/a.yaml)"},
		{"y", 0, "spec.containers[0].ports[1].containerPort", "y:17:34 (chart/templates/a.yaml)"},
		{"y", 0, "spec.containers[1].name", "y:19:5 (chart/templates/a.yaml)"},
		{"y", 0, "spec.containers[2].name", "y:15:3 (chart/templates/a.yaml)"},
		{"y", 0, "nothing", "y:4:1 (chart/templates/a.yaml)"},
		{"y", 0, "spec.containers.name", "y:15:3 (chart/templates/a.yaml)"},
		{"y", 0, "[[[", "y:4:1 (chart/templates/a.yaml)"},
		{"y", 1, "", "y:24:1 (chart/templates/b.yaml)"},
		{"y", 1, "items[0].a", "y:24:39 (chart/templates/b.yaml)"},
		{"y", 1, "items[1].metadata.labels", "y:24:106 (chart/templates/b.yaml)"},
		{"y", 1, "items[1].metadata.name", "y:24:96 (chart/templates/b.yaml)"},
		{"y", 1, "items[2].kind", "y:24:50 (chart/templates/b.yaml)"},
		{"y", 2, "a[0]", "y:26:1"},
		{"y", 9, "", "y"},
		{"j", 0, "", "j:2:1"},
		{"j", 0, "a", "j:2:2"},
		{"j", 1, "", "j:3:1"},
		{"j", 1, "kind", "j:16:5"},
		{"j", 1, "items", "j:5:5"},
		{"j", 1, "items[0]", "j:6:9"},
		{"j", 1, "items[0].kind", "j:7:13"},
		{"j", 1, "items[0].metadata.labels.app.kubernetes.io/name", "j:9:40"},
		{"j", 1, "items[0].metadata.labels.app", "j:9:28"},
		{"j", 1, "items[0].metadata.labels[1]", "j:9:71"},
		{"j", 1, "items[0].metadata.name", "j:10:17"},
		{"j", 1, "items[0].metadata.none.x", "j:8:13"},
		{"j", 1, "items[0].spec.containers[1].ports[0].containerPort", "j:12:77"},
		{"j", 1, "items[0].spec.containers[1].ports[1]", "j:12:98"},
		{"j", 1, "items[0].spec.containers[7]", "j:12:22"},
		{"j", 1, "items[1]", "j:13:14"},
		{"j", 1, "items[1].items[1].metadata.name", "j:14:31"},
		{"j", 1, "items[9]", "j:5:5"},
		{"j", 9, "", "j"},
		{"m", 0, "metadata.name", "m:1:45"},
		{"m", 1, "metadata.name", "m:5:12"},
		{"elsewhere", 0, "a", "elsewhere"},
	} {
		got := r.Locate(model.Origin{File: c.file, Document: c.document, Path: c.path})
		require.Equal(t, c.want, got.String(), "%+v", c)
	}
}

// TestLocateMany locates in a big file; it would time out if each cost the file.
func TestLocateMany(t *testing.T) {
	const n = 3000
	item := strings.ReplaceAll(`{"apiVersion":"v1","kind":"Pod",
"metadata":{"name":"a","annotations":{"x":"`+strings.Repeat("y", 2000)+`"}}}`, "\n", "\n\n")
	list := `{"apiVersion":"v1","items":[` + strings.Repeat(item+",\n", n) + item + `],"kind":"List"}`
	docs := strings.Repeat("---\n"+pod, n)
	r := NewReader(Options{})
	var ledger = read("").ledger
	for range r.Read([]Input{Bytes("j", []byte(list)), Bytes("y", []byte(docs))}, &ledger) {
	}
	for i := range n {
		require.Equal(t, fmt.Sprintf("j:%d:1", 3*i+3), r.Locate(model.Origin{File: "j", Path: fmt.Sprintf("items[%d].metadata", i)}).String())
		require.Equal(t, fmt.Sprintf("y:%d:3", 12*i+6), r.Locate(model.Origin{File: "y", Document: i, Path: "metadata.namespace"}).String())
	}
}
