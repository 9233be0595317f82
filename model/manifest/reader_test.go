package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// reading is what reading one text gave, rendered.
type reading struct {
	reader  *Reader
	ledger  dialect.Ledger
	objects []Object
}

func read(text string) *reading { return readInputs(Options{}, Bytes("in.yaml", []byte(text))) }

func readInputs(o Options, inputs ...Input) *reading {
	r := &reading{reader: NewReader(o)}
	for object := range r.reader.Read(inputs, &r.ledger) {
		r.objects = append(r.objects, object)
	}
	return r
}

// names lists the objects: "Pod ml/a @items[0]=Pod".
func (r *reading) names() []string {
	out := []string{}
	for _, o := range r.objects {
		s := o.Ref().String()
		if o.Origin.Path != "" {
			s += " @" + o.Origin.Path
		}
		if o.Value != nil {
			s += " " + strings.TrimPrefix(fmt.Sprintf("%T", o.Value), "*manifest.")
		}
		out = append(out, strings.Join(strings.Fields(s), " "))
	}
	return out
}

// diagnostics lists them as errors are printed.
func (r *reading) diagnostics() []string {
	out := []string{}
	for _, d := range r.ledger.Diagnostics {
		p := r.reader.Locate(d.Origin)
		if d.Line > 0 {
			p.Line, p.Column = d.Line, d.Column
		}
		out = append(out, fmt.Sprintf("%v: %s (%v)", p, d.Message, d.Code))
	}
	return out
}

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: a
  namespace: ml
  labels: {app: web}
spec:
  containers:
  - name: c
    ports:
    - {name: http, containerPort: 8080}
`

func TestKinds(t *testing.T) {
	r := read(`
apiVersion: v1
kind: Pod
metadata:
  name: a
  namespace: ml
  labels: {app: web, "n": "1"}
  deletionTimestamp: "2024-01-01T00:00:00Z"
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: rs, controller: true, uid: u}
spec:
  hostNetwork: true
  nodeName: n1
  serviceAccount: old
  containers:
  - name: c
    image: x
    env: [{name: PASSWORD, value: secret}]
    ports: [{name: http, containerPort: 8080, protocol: TCP}, {containerPort: 53, protocol: UDP}]
  initContainers:
  - {name: i, restartPolicy: Always}
status:
  phase: Running
  podIP: 10.0.0.1
  podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]
  hostIP: 192.168.0.1
  hostIPs: [{ip: 192.168.0.1}]
---
apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {team: red}}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
spec: {podCIDR: 10.0.0.0/24, podCIDRs: [10.0.0.0/24]}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/12]}
---
apiVersion: networking.k8s.io/v1beta1
kind: ServiceCIDR
metadata: {name: old}
spec: {cidrs: [10.112.0.0/12]}
`)
	require.Empty(t, r.diagnostics())
	require.Equal(t, 5, r.ledger.Objects)
	values := []any{
		&Pod{
			Labels:            map[string]string{"app": "web", "n": "1"},
			OwnerReferences:   []OwnerReference{{"apps/v1", "ReplicaSet", "rs", true}},
			DeletionTimestamp: true,
			Spec: PodSpec{
				HostNetwork: true, NodeName: "n1", ServiceAccountName: "old",
				Containers:     []Container{{Name: "c", Ports: []ContainerPort{{"http", 8080, "TCP"}, {"", 53, "UDP"}}}},
				InitContainers: []Container{{Name: "i", RestartPolicy: "Always"}},
			},
			Status: PodStatus{Phase: "Running", PodIP: "10.0.0.1", PodIPs: []IP{{"10.0.0.1"}, {"fd00::1"}}, HostIP: "192.168.0.1", HostIPs: []IP{{"192.168.0.1"}}},
		},
		&Namespace{Labels: map[string]string{"team": "red"}},
		&Node{
			Labels: map[string]string{"zone": "a"}, Spec: NodeSpec{"10.0.0.0/24", []string{"10.0.0.0/24"}},
			Status: NodeStatus{[]NodeAddress{{"InternalIP", "192.168.0.1"}}},
		},
		&ServiceCIDR{CIDRs: []string{"10.96.0.0/12"}},
		&ServiceCIDR{CIDRs: []string{"10.112.0.0/12"}},
	}
	for i, o := range r.objects {
		require.Equal(t, values[i], o.Value)
		require.Equal(t, model.Origin{File: "in.yaml", Document: i}, o.Origin)
	}
}

func TestWorkloads(t *testing.T) {
	three := int32(3)
	template := &PodTemplate{Labels: map[string]string{"app": "web"}, Spec: PodSpec{Containers: []Container{{Name: "c"}}, ServiceAccountName: "sa"}}
	const spec = "template: {metadata: {labels: {app: web}, namespace: other}, spec: {serviceAccountName: sa, containers: [{name: c}]}}"
	for _, c := range []struct {
		apiVersion, kind, spec string
		want                   any
	}{
		{"apps/v1", "Deployment", "{replicas: 3, " + spec + "}", &Workload{Kind: "deployment", Replicas: &three, Template: template}},
		{"apps/v1", "ReplicaSet", "{" + spec + "}", &Workload{Kind: "replicaset", Template: template}},
		{"apps/v1", "StatefulSet", "{replicas: 3, " + spec + "}", &Workload{Kind: "statefulset", Replicas: &three, Template: template}},
		{"apps/v1", "DaemonSet", "{replicas: 3, " + spec + "}", &Workload{Kind: "daemonset", Template: template}},
		{"v1", "ReplicationController", "{replicas: 3}", &Workload{Kind: "replicationcontroller", Replicas: &three}},
		{"batch/v1", "Job", "{parallelism: 3, completions: 5, " + spec + "}", &Workload{Kind: "job", Replicas: &three, Template: template}},
		{"batch/v1", "CronJob", "{jobTemplate: {spec: {parallelism: 3, " + spec + "}}}", &Workload{Kind: "cronjob", Template: template}},
		{"apps/v1beta1", "Deployment", "{replicas: 3, " + spec + "}", nil},
		{"extensions/v1beta1", "NetworkPolicy", "{podSelector: {}}", nil},
		{"projectcalico.org/v3", "NetworkPolicy", "{selector: all()}", nil},
		{"v1", "Secret", "{}\ndata: {password: aGVsbG8=}", nil},
		{"v1", "ConfigMap", "{}\ndata: {labels: yes}", nil},
		{"example.com/v1", "Pod", "{containers: 3}", nil},
	} {
		// The type may come first or last.
		head := fmt.Sprintf("apiVersion: %s\nkind: %s\n", c.apiVersion, c.kind)
		body := fmt.Sprintf("metadata: {name: x, namespace: ml, ownerReferences: []}\nspec: %s\n", c.spec)
		for _, text := range []string{head + body, body + head} {
			r := read(text)
			require.Empty(t, r.diagnostics(), text)
			require.Len(t, r.objects, 1)
			o := r.objects[0]
			if w, ok := o.Value.(*Workload); ok {
				require.Empty(t, w.OwnerReferences)
				w.OwnerReferences = nil
			}
			require.Equal(t, Object{c.kind, c.apiVersion, "ml", "x", model.Origin{File: "in.yaml"}, o.Value}, o)
			require.Equal(t, c.want, o.Value, text)
		}
	}
}

func TestNetworkPolicy(t *testing.T) {
	r := read(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml, annotations: {a: b}, creationTimestamp: null, managedFields: [{manager: m, fieldsV1: {"f:spec": {}}}]}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
  - from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]
    ports: [{port: 80, protocol: UDP, endPort: 90}, {port: http}]
status: {}
`)
	require.Empty(t, r.diagnostics())
	np := r.objects[0].Value.(*networkingv1.NetworkPolicy)
	require.Equal(t, "p", np.Name)
	require.Equal(t, "ml", np.Namespace)
	require.Equal(t, "networking.k8s.io/v1", np.APIVersion)
	require.Equal(t, "NetworkPolicy", np.Kind)
	require.Equal(t, map[string]string{"app": "web"}, np.Spec.PodSelector.MatchLabels)
	require.Equal(t, []string{"10.1.0.0/16"}, np.Spec.Ingress[0].From[0].IPBlock.Except)
	require.Equal(t, 80, np.Spec.Ingress[0].Ports[0].Port.IntValue())
	require.Equal(t, int32(90), *np.Spec.Ingress[0].Ports[0].EndPort)
	require.Equal(t, "http", np.Spec.Ingress[0].Ports[1].Port.StrVal)
	require.Nil(t, np.Spec.Ingress[0].Ports[1].Protocol)
}

func TestRejectedPolicies(t *testing.T) {
	const head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: p\n  namespace: ml\n"
	all := &metav1.LabelSelector{}
	web := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	for _, c := range []struct {
		body     string
		subjects *metav1.LabelSelector
		want     []string
	}{
		{"spec:\n  podSelector: {matchLabels: {app: web}}\n  ingres: []\n", web, []string{
			"in.yaml:8:3: NetworkPolicy ml/p: spec.ingres: there is no such field; did you mean ingress? (PR1005)",
		}},
		{"spec:\n  podselector: {}\n  Ingress:\n  - From:\n    - {}\n", all, []string{
			"in.yaml:7:3: NetworkPolicy ml/p: spec.podselector: there is no such field; did you mean podSelector? (PR1005)",
			"in.yaml:8:3: NetworkPolicy ml/p: spec.Ingress: there is no such field; did you mean ingress? (PR1005)",
		}},
		{"spec:\n  podSelector: {matchLabel: {app: web}}\n", nil, []string{
			"in.yaml:7:17: NetworkPolicy ml/p: spec.podSelector.matchLabel: there is no such field; did you mean matchLabels? (PR1005)",
		}},
		{"spec:\n  ingress:\n  - ports:\n    - port: true\n    - prot: TCP\n", all, []string{
			"in.yaml:10:7: NetworkPolicy ml/p: spec.ingress[0].ports[1].prot: there is no such field; did you mean port? (PR1005)",
			"in.yaml:9:7: NetworkPolicy ml/p: spec.ingress[0].ports[0].port is the boolean true; it must be a whole number or a string (PR1006)",
		}},
		{"spec:\n  podSelector:\n    matchLabels:\n      on: off\n", nil, []string{
			"in.yaml:9:7: NetworkPolicy ml/p: spec.podSelector.matchLabels.true is the boolean false (written off); it must be a string: quote it (PR1006)",
		}},
		{"spec:\n  egress: {}\n", all, []string{
			"in.yaml:7:3: NetworkPolicy ml/p: spec.egress is a mapping; it must be a list (PR1006)",
		}},
		{"spec: []\n", nil, []string{
			"in.yaml:6:1: NetworkPolicy ml/p: spec is a list; it must be a mapping (PR1006)",
		}},
		{"spec:\n  ingress:\n  - ports: [{endPort: 99999999999}, {endPort: 1.5}]\n", all, []string{
			"in.yaml:8:14: NetworkPolicy ml/p: spec.ingress[0].ports[0].endPort is the number 99999999999; it must be a whole number of 32 bits (PR1006)",
		}},
		{"podSelector: {}\n", all, []string{
			"in.yaml:6:1: NetworkPolicy ml/p: podSelector: there is no such field; the fields here are apiVersion, kind, metadata, spec, status (PR1005)",
		}},
		{"  label: {a: b}\n", all, []string{
			"in.yaml:6:3: NetworkPolicy ml/p: metadata.label: there is no such field; did you mean labels? (PR1005)",
		}},
		{"  labels: {a: 1}\n", all, []string{
			"in.yaml:6:12: NetworkPolicy ml/p: metadata.labels.a is the number 1; it must be a string: quote it (PR1006)",
		}},
		{"spec:\n  policyTypes: [Ingress]\n  policyTypes: [Egress]\n", all, []string{
			"in.yaml:8:3: NetworkPolicy ml/p: the key policyTypes is given twice in one mapping (PR1010)",
		}},
	} {
		r := read(head + c.body)
		require.Equal(t, c.want, r.diagnostics(), c.body)
		require.Equal(t, []string{"NetworkPolicy ml/p Rejected"}, r.names(), c.body)
		require.Equal(t, c.subjects, r.objects[0].Value.(*Rejected).Subjects, c.body)
		require.Equal(t, 1, r.ledger.Objects)
	}
}

func TestWrongTypes(t *testing.T) {
	r := read(`apiVersion: v1
kind: Pod
metadata:
  labels: {a: yes, b: 1, c: "1", d: ~, e: [x], f: 0x10}
  name: a
spec: {hostNetwork: "true"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  replicas: "3"
  template: {metadata: {labels: {on: on}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  template: {metadata: {labels: {x: on}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: 5}
---
apiVersion: v1
kind: Node
metadata: {}
`)
	require.Equal(t, []string{
		"in.yaml:4:12: Pod a: metadata.labels.a is the boolean true (written yes); it must be a string: quote it (PR1006)",
		"in.yaml:4:20: Pod a: metadata.labels.b is the number 1; it must be a string: quote it (PR1006)",
		"in.yaml:4:40: Pod a: metadata.labels.e is a list; it must be a string (PR1006)",
		"in.yaml:4:48: Pod a: metadata.labels.f is the number 16 (written 0x10); it must be a string: quote it (PR1006)",
		`in.yaml:6:8: Pod a: spec.hostNetwork is the string "true"; it must be true or false (PR1006)`,
		`in.yaml:12:3: Deployment d: spec.replicas is the string "3"; it must be a whole number of 32 bits (PR1006)`,
		"in.yaml:19:34: Deployment d: spec.template.metadata.labels.x is the boolean true (written on); it must be a string: quote it (PR1006)",
		"in.yaml:23:12: Namespace without a name: metadata.name is the number 5; it must be a string: quote it (PR1006)",
		"in.yaml:23:1: Namespace without a name: metadata.name is missing (PR1009)",
		"in.yaml:27:1: Node without a name: metadata.name is missing (PR1009)",
	}, r.diagnostics())
	require.Equal(t, []string{"Pod a Rejected", "Deployment d Rejected", "Deployment d Rejected", "Namespace Rejected", "Node Rejected"}, r.names())
	require.Equal(t, 5, r.ledger.Objects)
}

func TestLists(t *testing.T) {
	member := func(name string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"ml"}}`, name)
	}
	bare := func(name string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"ml"},"spec":{"hostNetwork":true}}`, name)
	}
	two := []string{"Pod ml/a @items[0] Pod", "Pod ml/b @items[1] Pod"}
	for _, c := range []struct {
		text string
		want []string
	}{
		{`{"kind":"List","apiVersion":"v1","items":[` + member("a") + "," + member("b") + `]}`, two},
		{`{"apiVersion":"v1","items":[` + member("a") + "," + member("b") + `],"kind":"List"}`, two},
		{`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[` + bare("a") + "," + bare("b") + `]}`, two},
		{`{"items":[` + bare("a") + "," + bare("b") + `],"kind":"PodList","apiVersion":"v1"}`, two},
		{`{"kind":"PodList","items":[` + bare("a") + "," + bare("b") + `],"apiVersion":"v1"}`, two},
		{`{"apiVersion":"v1","items":[` + member("a") + "," + bare("b") + `],"kind":"PodList"}`, two},
		{`{"apiVersion":"v1","items":[` + bare("b") + "," + member("a") + `],"kind":"PodList"}`, []string{"Pod ml/a @items[1] Pod", "Pod ml/b @items[0] Pod"}},
		{`{"kind":"List","apiVersion":"v1","items":[{"kind":"List","apiVersion":"v1","items":[` + member("a") + `]},{"kind":"PodList","apiVersion":"v1","items":[` + bare("b") + `]}]}`,
			[]string{"Pod ml/a @items[0].items[0] Pod", "Pod ml/b @items[1].items[0] Pod"}},
		{`{"apiVersion":"v1","items":[{"apiVersion":"v1","items":[` + member("a") + `],"kind":"List"}],"kind":"List"}`, []string{"Pod ml/a @items[0].items[0] Pod"}},
		{`{"items":[` + member("a") + "," + member("b") + `]}`, two},
		{member("a") + "\n" + member("b") + "\n", []string{"Pod ml/a Pod", "Pod ml/b Pod"}},
		{member("a") + member("b"), []string{"Pod ml/a Pod", "Pod ml/b Pod"}},
		{"apiVersion: v1\nitems:\n- " + bare("a") + "\n- " + bare("b") + "\nkind: PodList\n", two},
		{"apiVersion: v1\nkind: List\nitems:\n- &a " + member("a") + "\n- *a\n", []string{"Pod ml/a @items[0] Pod", "Pod ml/a @items[1] Pod"}},
		{`{"apiVersion":"x/v1","kind":"Bag","metadata":{"name":"x"},"items":["a",{"b":1}]}`, []string{"Bag x"}},
		{`{"apiVersion":"x/v1","items":["a",{"b":1}],"kind":"Bag","metadata":{"name":"x"}}`, []string{"Bag x"}},
		{`{"apiVersion":"x/v1","kind":"AllowList","metadata":{"name":"x"},"spec":{}}`, []string{"AllowList x"}},
		// JSON documents with --- between them, and YAML that begins like JSON.
		{member("a") + "\n---\n" + member("b") + "\n", []string{"Pod ml/a Pod", "Pod ml/b Pod"}},
		{"{kind: Pod, apiVersion: v1, metadata: {name: a}}\n---\n" + pod, []string{"Pod a Pod", "Pod ml/a Pod"}},
		{"{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"metadata\": {\"name\": \"a\",},}\n", []string{"Pod a Pod"}},
		{"\uFEFF" + member("a"), []string{"Pod ml/a Pod"}},
		{"\uFEFF" + pod, []string{"Pod ml/a Pod"}},
		{" \t\n" + member("a"), []string{"Pod ml/a Pod"}},
		{strings.ReplaceAll(pod, "\n", "\r\n") + "---\r\n" + strings.ReplaceAll(pod, "\n", "\r\n"), []string{"Pod ml/a Pod", "Pod ml/a Pod"}},
		{"# c\n---\n# only a comment\n---\n%YAML 1.1\n---\n" + pod + "...\n# end\n---\n---\n" + pod, []string{"Pod ml/a Pod", "Pod ml/a Pod"}},
		{"--- {kind: Pod, apiVersion: v1, metadata: {name: a}}\n---  # Source\n" + pod, []string{"Pod a Pod", "Pod ml/a Pod"}},
		{"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: |\n      ---\n      kind: Secret\n", []string{"Pod a Pod"}},
	} {
		r := read(c.text)
		require.Empty(t, r.diagnostics(), c.text)
		require.Equal(t, c.want, r.names(), c.text)
		require.Equal(t, len(c.want), r.ledger.Objects)
	}
}

func TestBrokenDocuments(t *testing.T) {
	const broken = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: b\n  namespace: ml\nspec: {\n"
	for _, c := range []struct {
		text        string
		names       []string
		diagnostics []string
		broken      *Broken
	}{
		{
			"# 1\n" + pod + "---\n" + pod + "---\n" + broken + "---\n" + pod + "---\n" + pod,
			[]string{"Pod ml/a Pod", "Pod ml/a Pod", "Pod ml/ Broken", "Pod ml/a Pod", "Pod ml/a Pod"},
			[]string{"in.yaml:31:1: broken YAML: did not find expected node content (PR1001)"},
			&Broken{Kind: "Pod", Namespace: "ml"},
		},
		{
			"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy # c\nmetadata:\n  name: p\n  namespace: \"ml\"\nspec:\n  podSelector: {}\n   ingress: []\n",
			[]string{"NetworkPolicy ml/ Broken"},
			[]string{"in.yaml:8:4: broken YAML: did not find expected key (PR1001)"},
			&Broken{Kind: "NetworkPolicy", Namespace: "ml", Policy: true},
		},
		{
			"kind: NetworkPolicy\nmetadata:\n  namespace: a\nspec: [\n  namespace: b\nkind: Pod\n",
			[]string{"Broken"},
			[]string{"in.yaml:6:1: broken YAML: did not find expected ',' or ']'; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"apiVersion: v1\nkind: {{ .Values.kind }}\n",
			[]string{"Broken"},
			[]string{"in.yaml:2:8: broken YAML: a mapping key is itself a list or a mapping (this looks like a Helm template: render it first, with helm template); it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"{{- if .Values.on }}\nkind: Pod\n{{ end }}", []string{"Pod Broken"},
			[]string{"in.yaml:1:1: broken YAML: did not find expected node content (this looks like a Helm template: render it first, with helm template) (PR1001)"},
			&Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec:\n\t- x\n",
			[]string{"Pod Broken"},
			[]string{"in.yaml:3:2: broken YAML: found character that cannot start any token (a tab does not indent in YAML) (PR1001)"},
			&Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec: a\x00b\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:8: broken YAML: control character 0x00 is not allowed (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			"kind: Pod\nspec: äb\xffb\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:9: broken YAML: byte 0xff is not UTF-8 (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			"\xff\xfeP\x00", []string{"Broken"},
			[]string{"in.yaml:1:1: the file is UTF-16; save it as UTF-8 (PowerShell: ... | Out-File -Encoding utf8 FILE); it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Pod\",\n \"spec\": tru}\n{}",
			[]string{"Pod a Pod", "Broken"},
			[]string{"in.yaml:3:13: broken JSON: invalid character '}' in literal true (expecting 'e') in spec; what follows in this file is not read; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			`{"kind":"List","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}},`,
			[]string{"Pod a @items[0] Pod", "Broken"},
			[]string{"in.yaml:1:82: broken JSON: the file ends in the middle of a value; what follows in this file is not read; it may hold a policy of any namespace (PR1001)"},
			&Broken{Policy: true},
		},
		{
			pod + "---\n*nowhere\n", []string{"Pod ml/a Pod", "Broken"},
			[]string{"in.yaml:13:1: broken YAML: unknown anchor 'nowhere' referenced; it may hold a policy of any namespace (PR1001)"}, &Broken{Policy: true},
		},
		{
			"kind: Pod\na: &a [*a]\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:8: broken YAML: anchor \"a\" contains itself (PR1001)"}, &Broken{Kind: "Pod"},
		},
		{
			pod + pod, []string{"Broken"},
			[]string{
				"in.yaml:12:1: Pod ml/a: the key apiVersion is given twice in one mapping (PR1010)",
				"in.yaml:13:1: Pod ml/a: the key kind is given twice in one mapping (PR1010)",
				"in.yaml:14:1: Pod ml/a: the key metadata is given twice in one mapping (PR1010)",
				"in.yaml:18:1: Pod ml/a: the key spec is given twice in one mapping (PR1010)",
			},
			&Broken{Policy: true},
		},
		{
			"apiVersion: v1\nkind: NetworkPolicyList\nItems: []\n", []string{"NetworkPolicyList Broken"},
			[]string{"in.yaml:3:1: NetworkPolicyList has a field Items; the members of a list are in items (PR1002)"},
			&Broken{Kind: "NetworkPolicyList", Policy: true},
		},
	} {
		r := read(c.text)
		require.Equal(t, c.diagnostics, r.diagnostics(), c.text)
		require.Equal(t, c.names, r.names(), c.text)
		for _, o := range r.objects {
			if b, ok := o.Value.(*Broken); ok {
				require.Equal(t, c.broken, b, c.text)
			}
		}
	}
}

func TestRepeatedKeysInJSON(t *testing.T) {
	const item = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"x":"1"}}}`
	twice := strings.Replace(item, `"x":"1"`, `"x":"1","x":"2"`, 1)
	ignored := strings.Replace(twice, "Pod", "ConfigMap", 1)
	wrong := strings.Replace(item, `"1"`, `1`, 1)
	r := read(`{"apiVersion":"v1","items":[` + "\n" + strings.Join([]string{item, twice, ignored, wrong, item}, ",\n") + `],"kind":"List"}`)
	require.Equal(t, []string{
		"in.yaml:3:74: Pod a: the key x is given twice in one mapping (PR1010)",
		"in.yaml:5:66: Pod a: metadata.labels.x is the number 1; it must be a string: quote it (PR1006)",
	}, r.diagnostics())
	require.Equal(t, []string{"Pod a @items[0] Pod", "Pod a @items[1] Rejected", "ConfigMap a @items[2]", "Pod a @items[3] Rejected", "Pod a @items[4] Pod"}, r.names())
	require.Equal(t, 5, r.ledger.Objects)
}

func TestFilesWithoutObjects(t *testing.T) {
	ok := Bytes("ok.yaml", []byte(pod))
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"# c\n---\n---\n", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"null\n", []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"a: 1\n---\n- b\n---\nc\n", []string{"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)"}},
		{"{}", []string{"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)"}},
		{`{"kind":"List","apiVersion":"v1","items":[]}`, []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{`{"apiVersion":"v1","items":null,"kind":"PodList"}`, []string{"in.yaml:1:1: the file holds no Kubernetes object (PR1003)"}},
		{"a: 1\n---\n" + pod + "---\n- b\n---\nkind: Pod\n---\napiVersion: v1\n---\nkind: 5\n", []string{
			"in.yaml:1:1: apiVersion and kind are missing (PR1002)",
			"in.yaml:15:1: this is not a mapping: a Kubernetes object has apiVersion, kind and metadata (PR1002)",
			"in.yaml:17:1: kind is Pod but apiVersion is missing (PR1002)",
			"in.yaml:19:1: apiVersion is there but kind is missing (PR1002)",
			"in.yaml:21:1: apiVersion and kind are missing (PR1002)",
		}},
		{`{"kind":"List","apiVersion":"v1","items":[3,{"metadata":{}},{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}]}`, []string{
			"in.yaml:1:43: this is not a mapping: a Kubernetes object has apiVersion, kind and metadata (PR1002)",
			"in.yaml:1:45: apiVersion and kind are missing (PR1002)",
		}},
	} {
		r := readInputs(Options{}, Bytes("in.yaml", []byte(c.text)), ok)
		require.Equal(t, c.want, r.diagnostics(), c.text)
	}
	r := read("a: 1\n")
	require.Equal(t, []string{
		"in.yaml:1:1: the file holds no Kubernetes object: nothing in it has both apiVersion and kind (PR1003)",
		": the input holds no Kubernetes object (PR1012)",
	}, r.diagnostics())
	r = read(pod + strings.Repeat("---\n- x\n", 1000))
	require.Len(t, r.ledger.Diagnostics, maxNotObjects+1)
	require.Equal(t, "980 more documents are no Kubernetes objects", r.ledger.Diagnostics[maxNotObjects].Message)
}

func TestLimits(t *testing.T) {
	small := Options{Limits{Document: 300, Expansion: 100, Depth: 10}}
	long := strings.Repeat("x", 400)
	for _, c := range []struct {
		text  string
		names []string
		want  []string
	}{
		{pod + "---\na: " + long + "\n---\n" + pod, []string{"Pod ml/a Pod", "Broken", "Pod ml/a Pod"},
			[]string{"in.yaml:12:1: the document is larger than 300 bytes; JSON lists may be of any size; it may hold a policy of any namespace (PR1008)"}},
		{"--- # " + long + "\n" + pod + "---\n" + pod, []string{"Broken", "Pod ml/a Pod"},
			[]string{"in.yaml:1:1: the document is larger than 300 bytes; JSON lists may be of any size; it may hold a policy of any namespace (PR1008)"}},
		{"kind: Pod\na: &a [xxxxxxxxxxxxxxxxxxxxxxxxxxx]\nb: &b [*a, *a]\nc: [*b, *b]\n", []string{"Pod Broken"},
			[]string{"in.yaml:4:5: aliases expand to more than 100 bytes (PR1008)"}},
		{"kind: Pod\na: " + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "\n", []string{"Pod Broken"},
			[]string{"in.yaml:2:13: nested more than 10 levels deep (PR1008)"}},
		{`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}{"a":"` + long + `"}`, []string{"Pod a Pod", "Broken"},
			[]string{"in.yaml:1:57: a JSON value is larger than 300 bytes; what follows in this file is not read; it may hold a policy of any namespace (PR1008)"}},
	} {
		r := readInputs(small, Bytes("in.yaml", []byte(c.text)))
		require.Equal(t, c.names, r.names(), c.text)
		require.Equal(t, c.want, r.diagnostics(), c.text)
	}
	// A list counts member by member, whatever its length.
	member := `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}`
	r := readInputs(small, Bytes("in.json", []byte(`{"apiVersion":"v1","items":[`+strings.Repeat(member+",", 500)+member+`],"kind":"List"}`)))
	require.Empty(t, r.diagnostics())
	require.Len(t, r.objects, 501)
}

// TestHostile reads what is meant to use up time, memory or the stack.
func TestHostile(t *testing.T) {
	deep := 10_001
	merges := "x0: &x0 {a: b}\n"
	for i := range 40 {
		merges += fmt.Sprintf("x%d: &x%d {<<: [*x%d, *x%d], k%d: *x%d}\n", i+1, i+1, i, i, i, i)
	}
	aliases := "x0: &x0 [y, y, y, y, y, y, y, y, y, y]\n"
	for i := range 40 {
		aliases += fmt.Sprintf("x%d: &x%d [*x%d, *x%d]\n", i+1, i+1, i, i)
	}
	for name, text := range map[string]string{
		"flow":         strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"flow mapping": strings.Repeat("{a: ", deep) + strings.Repeat("}", deep),
		"block":        strings.Repeat("- ", deep) + "a",
		"open":         strings.Repeat("[", 100_000),
		"JSON":         `{"a":` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + "}",
		"JSON lists":   strings.Repeat(`{"kind":"List","apiVersion":"v1","items":[`, 4000) + strings.Repeat("]}", 4000),
		"JSON objects": strings.Repeat(`{"items":[`, 4000) + strings.Repeat("]}", 4000),
		"aliases":      aliases,
		"merges":       merges,
		"long line":    "a: " + strings.Repeat("b ", 1<<20),
		"markers":      strings.Repeat("---\n", 100_000) + strings.Repeat("...\n", 100_000),
		"marker":       "---" + strings.Repeat(" ", 1<<20),
		"scalars":      `{"kind":"PodList","apiVersion":"v1","items":[` + strings.Repeat("1,", 100_000) + "1]}",
		"untyped":      `{"items":[` + strings.Repeat("{},", 150_000) + `{}],"kind":"List"}`,
		"keys":         `{"kind":"Pod","apiVersion":"v1",` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`,
		"NUL":          strings.Repeat("\x00", 1<<20),
		"carriage":     strings.Repeat("a: b\r", 10_000),
		"questions":    strings.Repeat("? ", deep),
		"anchors":      strings.Repeat("&a ", 10_000) + "b",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := read(text)
			require.NotEmpty(t, r.ledger.Diagnostics)
			require.Less(t, len(r.ledger.Diagnostics), 30)
			for _, d := range r.ledger.Diagnostics {
				r.reader.Locate(d.Origin)
			}
			require.Less(t, time.Since(start), 20*time.Second)
		})
	}
}

// TestOrder reads the same at any parallelism.
func TestOrder(t *testing.T) {
	var inputs []Input
	for i := range 40 {
		var b strings.Builder
		for j := range 30 {
			switch (i + j) % 5 {
			case 0:
				fmt.Fprintf(&b, "---\na: [%d\n", j)
			case 1:
				fmt.Fprintf(&b, "---\na: %d\n", j)
			default:
				fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d-%d, labels: {x: %d}}\n", i, j, j)
			}
		}
		inputs = append(inputs, Bytes(fmt.Sprint(i), []byte(b.String())))
		inputs = append(inputs, Bytes(fmt.Sprint("j", i), []byte(strings.Repeat(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}`, i*10)+"{")))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := readInputs(Options{}, inputs...)
	require.Greater(t, want.ledger.Objects, 8000)
	for _, n := range []int{2, 3, 8} {
		runtime.GOMAXPROCS(n)
		got := readInputs(Options{}, inputs...)
		require.Equal(t, want.ledger, got.ledger)
		require.Equal(t, want.objects, got.objects)
	}
}

// TestBreak stops in the middle: no goroutine stays.
func TestBreak(t *testing.T) {
	before := runtime.NumGoroutine()
	many := strings.Repeat("---\n"+pod, 500)
	lines := strings.Repeat(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}`, 5000)
	for stop := range 20 {
		var l dialect.Ledger
		n := 0
		for range NewReader(Options{}).Read([]Input{Bytes("a", []byte(many)), Bytes("b", []byte(lines)), Bytes("c", []byte(many))}, &l) {
			if n++; n > stop*100 {
				break
			}
		}
		require.Equal(t, stop*100+1, l.Objects)
		require.Empty(t, l.Diagnostics)
		for deadline := time.Now().Add(time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
			runtime.Gosched() // they have ended but for their last instruction
		}
		require.LessOrEqual(t, runtime.NumGoroutine(), before)
	}
}

type failing struct{ io.Reader }

func (f failing) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err == io.EOF {
		err = errors.New("the disk is gone")
	}
	return n, err
}
func (failing) Close() error { return nil }

func TestUnreadable(t *testing.T) {
	for _, text := range []string{"", pod + "---\n" + pod, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}} {`} {
		r := readInputs(Options{}, Input{"bad", func() (io.ReadCloser, error) { return failing{strings.NewReader(text)}, nil }}, Bytes("ok", []byte(pod)))
		require.Equal(t, "PR1007", r.ledger.Diagnostics[0].Code.String(), text)
		require.Equal(t, "the disk is gone", r.ledger.Diagnostics[0].Message)
		require.Len(t, r.ledger.Diagnostics, 1)
		require.Equal(t, "Pod ml/a Pod", r.names()[len(r.objects)-1])
		require.Equal(t, "Broken", r.names()[len(r.objects)-2])
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		p := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(pod), 0o644))
	}
	for _, name := range []string{"b.yaml", "a/z.json", "a/y.yml", "a/x.jsonl", "a/readme.md", ".git/c.yaml", "c/.hidden/d.yaml", "odd.txt"} {
		write(name)
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(dir, "b.yaml"), filepath.Join(dir, "link.yaml")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	names := func(paths ...string) (out []string, l dialect.Ledger) {
		for _, in := range Paths(paths, strings.NewReader(pod), &l) {
			rel, err := filepath.Rel(dir, in.Name)
			if err != nil {
				rel = in.Name
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return out, l
	}
	got, l := names(dir)
	require.Equal(t, []string{"a/x.jsonl", "a/y.yml", "a/z.json", "b.yaml"}, got)
	require.Empty(t, l.Diagnostics)
	got, l = names(filepath.Join(dir, "odd.txt"), filepath.Join(dir, "b.yaml"), dir, filepath.Join(dir, "link.yaml"), "-", "-")
	require.Equal(t, []string{"odd.txt", "b.yaml", "a/x.jsonl", "a/y.yml", "a/z.json", "link.yaml", "-"}, got)
	require.Empty(t, l.Diagnostics)
	got, l = names(filepath.Join(dir, "missing.yaml"), filepath.Join(dir, "empty"))
	require.Empty(t, got)
	require.Equal(t, dialect.CodeUnreadable, l.Diagnostics[0].Code)
	require.Equal(t, "no such file or directory", l.Diagnostics[0].Message)
	require.Equal(t, dialect.CodeEmptyFile, l.Diagnostics[1].Code)

	l = dialect.Ledger{}
	r := NewReader(Options{})
	var objects []Object
	for o := range r.Read(Paths([]string{"-", filepath.Join(dir, "b.yaml")}, strings.NewReader(pod), &l), &l) {
		objects = append(objects, o)
	}
	require.Len(t, objects, 2)
	require.Equal(t, "-:8:3", r.Locate(objects[0].Origin.Field("spec", "containers")).String())
	require.Equal(t, filepath.Join(dir, "b.yaml")+":6:12", r.Locate(objects[1].Origin.Field("metadata", "labels", "app")).String())
}

// TestSecrets makes sure that contents do not survive reading.
func TestSecrets(t *testing.T) {
	for _, text := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {hunter2: hunter2}\nstringData: {k: hunter2}\n",
		"data: {k: hunter2}\nmetadata: {name: s}\napiVersion: v1\nkind: ConfigMap\n",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec: {containers: [{name: c, env: [{name: E, value: hunter2}], args: [hunter2]}]}\n",
	} {
		r := read(text)
		require.Empty(t, r.ledger.Diagnostics)
		require.NotContains(t, fmt.Sprintf("%+v", r.objects), "hunter2")
	}
}

// TestExamples runs the example of every code that is about reading.
func TestExamples(t *testing.T) {
	for _, doc := range dialect.Codes {
		if doc.Code > dialect.CodeNoObjects {
			break
		}
		require.NotEmpty(t, doc.Text, doc.Code)
		require.NotEmpty(t, doc.Example, doc.Code)
		companion := Bytes("ok.yaml", []byte(pod))
		var inputs []Input
		var l dialect.Ledger
		want := []dialect.Code{doc.Code}
		switch doc.Code {
		case dialect.CodeDuplicateObject, dialect.CodeBadAddress:
			want = nil // found when the objects are put together
		case dialect.CodeUnreadable:
			inputs = Paths([]string{doc.Example}, nil, &l)
		case dialect.CodeNoObjects:
			companion = Bytes("ok.yaml", nil)
			want = []dialect.Code{dialect.CodeEmptyFile, dialect.CodeEmptyFile, doc.Code}
		}
		if doc.Code != dialect.CodeUnreadable {
			inputs = []Input{Bytes("in.yaml", []byte(doc.Example))}
		}
		for range NewReader(Options{}).Read(append(inputs, companion), &l) {
		}
		var got []dialect.Code
		for _, d := range l.Diagnostics {
			got = append(got, d.Code)
			require.NotEmpty(t, d.Message)
		}
		require.Equal(t, want, got, doc.Code)
	}
}

func BenchmarkReadJSON(b *testing.B) {
	member := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"ml","labels":{"app":"web"},"managedFields":[{"manager":"kubelet","fieldsV1":{"f:status":{"f:phase":{}}}}]},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i","env":[{"name":"A","value":"b"}],"ports":[{"name":"http","containerPort":8080}]}]},"status":{"phase":"Running","podIP":"10.0.0.1"}}`
	benchmark(b, `{"apiVersion":"v1","items":[`+strings.Repeat(member+",\n", 999)+member+`],"kind":"List"}`, 1000)
}

func BenchmarkReadYAML(b *testing.B) { benchmark(b, strings.Repeat("---\n"+pod, 1000), 1000) }

func benchmark(b *testing.B, text string, objects int) {
	in := []Input{Bytes("in", bytes.Clone([]byte(text)))}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var l dialect.Ledger
		for range NewReader(Options{}).Read(in, &l) {
		}
		require.Equal(b, objects, l.Objects)
	}
}
