package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect/netpol"
)

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
	three, five := int32(3), int32(5)
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
		{"apps/v1", "StatefulSet", "{ordinals: {start: 5}, " + spec + "}", &Workload{Kind: "statefulset", Template: template, FirstOrdinal: 5}},
		{"apps/v1", "StatefulSet", "{ordinals: null, " + spec + "}", &Workload{Kind: "statefulset", Template: template}},
		{"batch/v1", "Job", "{parallelism: 3, completions: 5, " + spec + "}", &Workload{Kind: "job", Replicas: &three, Template: template, Completions: &five}},
		{"batch/v1", "Job", "{completionMode: NonIndexed, manualSelector: true, " + spec + "}", &Workload{Kind: "job", Template: template, ManualSelector: true}},
		{"batch/v1", "Job", "{completionMode: Indexed, manualSelector: null, " + spec + "}", &Workload{Kind: "job", Template: template, Indexed: true}},
		{"batch/v1", "CronJob", "{jobTemplate: {spec: {completionMode: Indexed, completions: 5, manualSelector: true, " + spec + "}}}",
			&Workload{Kind: "cronjob", Template: template, Indexed: true, Completions: &five, ManualSelector: true}},
		{"batch/v1", "CronJob", "{schedule: now}", &Workload{Kind: "cronjob"}},
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
			require.Equal(t, Object{Kind: c.kind, APIVersion: c.apiVersion, Namespace: "ml", Name: "x", Origin: model.Origin{File: "in.yaml"}, Value: o.Value}, o)
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

// TestListDepth: lists in lists are bounded; each level would cost a path.
func TestListDepth(t *testing.T) {
	const member = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`
	nest := func(open string, n int) string { return strings.Repeat(open, n) + member + strings.Repeat("]}", n) }
	for _, open := range []string{`{"kind":"List","apiVersion":"v1","items":[`, `{"items":[`} {
		r := read(nest(open, maxListDepth))
		for _, d := range r.ledger.Diagnostics {
			require.NotEqual(t, "PR1008", d.Code.String())
		}
		require.Len(t, r.objects, 1)
		require.Positive(t, r.reader.Locate(r.objects[0].Origin).Column)
		for _, text := range []string{nest(open, maxListDepth+1), nest(open, 5000), "# YAML\n" + nest(open, maxListDepth+1)} {
			r := read(text)
			require.Equal(t, []string{"Broken"}, r.names())
			require.Len(t, r.ledger.Diagnostics, 1)
			require.Equal(t, "PR1008", r.ledger.Diagnostics[0].Code.String())
			require.Contains(t, r.ledger.Diagnostics[0].Message, "lists are nested more than 16 deep")
			require.True(t, r.objects[0].Value.(*Broken).Policy)
			require.Positive(t, r.reader.Locate(r.objects[0].Origin).Line)
		}
	}
}

func TestGenerateName(t *testing.T) {
	job := func(namespace string) string {
		return "---\napiVersion: batch/v1\nkind: Job\nmetadata: {generateName: train-, namespace: " + namespace + "}\nspec: {}\n"
	}
	policy := "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {generateName: train-, namespace: ml}\nspec: {podSelector: {}}\n"
	both := "---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: train-, name: a}\n"
	r := readInputs(Options{}, Bytes("a", []byte(job("ml")+job("ml")+policy+both)), Bytes("b", []byte(job("web")+policy)))
	require.Empty(t, r.diagnostics())
	var names []string
	for _, o := range r.objects {
		names = append(names, o.Ref().String())
		if np, ok := o.Value.(*networkingv1.NetworkPolicy); ok {
			require.Equal(t, o.Name, np.Name)
			rules, diagnostics := netpol.Lower(np, o.Origin, netpol.Options{})
			require.Empty(t, diagnostics)
			require.NotEmpty(t, rules)
			require.Equal(t, o.Name, rules[0].Object.Name)
		}
	}
	require.Equal(t, []string{"Job ml/train-*", "Job ml/train-*2", "NetworkPolicy ml/train-*", "Pod a", "Job web/train-*3", "NetworkPolicy ml/train-*2"}, names)
	bad := read("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {generateName: Train_}\nspec: {podSelector: {}}\n")
	_, diagnostics := netpol.Lower(bad.objects[0].Value.(*networkingv1.NetworkPolicy), bad.objects[0].Origin, netpol.Options{})
	require.NotEmpty(t, diagnostics)
}

func TestUntyped(t *testing.T) {
	for text, want := range map[string]string{
		"kind: NetworkPolicy\n":                     "1:1: apiVersion is missing; for NetworkPolicy it is networking.k8s.io/v1",
		"kind: NetworkPolicy\napiVersion: 1\n":      "2:1: apiVersion is the number 1; it must be a string; for NetworkPolicy it is networking.k8s.io/v1",
		"kind: Widget\n":                            "1:1: kind is Widget but apiVersion is missing",
		"kind: Widget\napiVersion: [v1]\n":          "2:1: kind is Widget but apiVersion is a list; it must be a string",
		"apiVersion: v1\n":                          "1:1: apiVersion is there but kind is missing",
		"apiVersion: v1\nkind: on\n":                "2:1: apiVersion is there but kind is the boolean true (written on); it must be a string",
		"a: 1\n":                                    "1:1: apiVersion and kind are missing",
		"apiVersion: 1.0\nkind: 2\n":                "1:1: apiVersion is the number 1 (written 1.0); it must be a string, and kind is the number 2; it must be a string",
		`{"kind":"Pod",` + "\n" + `"apiVersion":1}`: "2:1: apiVersion is the number 1; it must be a string; for Pod it is v1",
	} {
		r := readInputs(Options{}, Bytes("in", []byte(text+"\n---\n"+pod)))
		require.Equal(t, []string{"in:" + want + " (PR1002)"}, r.diagnostics(), text)
	}
	for kind, version := range apiVersions {
		require.NotNil(t, newValue(typeMeta{version, kind}), kind)
	}
}
