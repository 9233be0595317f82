package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// liveApp is a Deployment with its ReplicaSet and two pods, as a dump has them,
// a StatefulSet, a Job of a CronJob, and a pod by itself.
const liveApp = `
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
spec: {podCIDRs: [10.1.0.0/24]}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: default, containers: [{name: c, ports: [{name: http, containerPort: 80, protocol: TCP}]}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5d, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, controller: true}]}
spec: {replicas: 2, template: {metadata: {labels: {app: web, pod-template-hash: 5d}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web-5d-a, namespace: shop, labels: {app: web, pod-template-hash: 5d}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d, controller: true}]}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 80, protocol: TCP}]}]}
status: {phase: Running, podIP: 10.1.0.2, hostIP: 192.168.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-5d-b, namespace: shop, labels: {app: web, pod-template-hash: 5d}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d, controller: true}]}
spec: {nodeName: n2, containers: [{name: c, ports: [{name: http, containerPort: 80, protocol: TCP}]}]}
status: {phase: Running, podIP: 10.1.1.2, hostIP: 192.168.0.2}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {replicas: 1, template: {metadata: {labels: {app: db}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db, apps.kubernetes.io/pod-index: "0", statefulset.kubernetes.io/pod-name: db-0, controller-revision-hash: x}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, controller: true}]}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.1.0.3}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: shop, labels: {app: lone}}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.1.0.4}
---
apiVersion: v1
kind: Pod
metadata: {name: byname-7f-x, namespace: shop, labels: {app: byname, pod-template-hash: 7f}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: byname-7f, controller: true}]}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.1.0.5}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick, namespace: shop}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: tick}}}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: tick-1, namespace: shop, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: tick, controller: true}]}
spec: {template: {metadata: {labels: {app: tick}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: tick-1-q, namespace: shop, labels: {app: tick, job-name: tick-1}, ownerReferences: [{apiVersion: batch/v1, kind: Job, name: tick-1, controller: true}]}
spec: {nodeName: n1}
status: {phase: Running, podIP: 10.1.0.6}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec: {template: {metadata: {labels: {app: once}}}}
status: {completionTime: "2026-01-01T00:00:00Z"}
---
apiVersion: v1
kind: Pod
metadata: {name: pending, namespace: shop}
`

const livePods = "shop/pod/lone shop/pod/db-0 shop/pod/byname-7f-x shop/pod/tick-1-q shop/pod/web-5d-a shop/pod/web-5d-b"

// TestChange changes liveApp. pods are the pods afterwards, but for those that
// are as in livePods; a "-" is before one that is not there any more.
func TestChange(t *testing.T) {
	deployment := func(spec string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: " + spec + "}"
	}
	webLeaves := []string{"-shop/pod/web-5d-a", "-shop/pod/web-5d-b"}
	for _, c := range []struct {
		name    string
		apply   string
		remove  string
		pods    []string
		changes []string
		codes   []dialect.Code // of what is new in the ledger
		says    []string       // in the snapshot
	}{
		{name: "nothing"},
		{
			name:    "the same template, without replicas and what the server adds",
			apply:   deployment("{template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: new, ports: [{name: http, containerPort: 80}]}]}}}"),
			changes: []string{"applied Deployment shop/web over that of cluster.yaml"},
		},
		{
			name:    "more replicas",
			apply:   deployment("{replicas: 5, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}}}"),
			pods:    []string{"shop/deployment/web[0]", "shop/deployment/web[1]"},
			changes: []string{"applied Deployment shop/web over that of cluster.yaml"},
		},
		{
			name:  "another label rolls out",
			apply: deployment("{template: {metadata: {labels: {app: web, tier: front}}, spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}}}"),
			pods:  append([]string{"shop/deployment/web[0]", "shop/deployment/web[1]"}, webLeaves...),
			changes: []string{
				"applied Deployment shop/web over that of cluster.yaml",
				"Deployment shop/web rolls out; the old ones go: 2 of kind Pod, 1 of kind ReplicaSet",
			},
		},
		{
			name:  "another port name rolls out",
			apply: deployment("{replicas: 1, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}}}"),
			pods:  append([]string{"shop/deployment/web"}, webLeaves...),
			changes: []string{
				"applied Deployment shop/web over that of cluster.yaml",
				"Deployment shop/web rolls out; the old ones go: 2 of kind Pod, 1 of kind ReplicaSet",
			},
		},
		{
			name:  "no replicas",
			apply: deployment("{replicas: 0, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}}}"),
			pods:  append([]string{"shop/deployment/web (dormant)"}, webLeaves...),
			changes: []string{
				"applied Deployment shop/web over that of cluster.yaml",
				"Deployment shop/web rolls out; the old ones go: 2 of kind Pod, 1 of kind ReplicaSet",
			},
			codes: []dialect.Code{dialect.CodeNoReplicas},
		},
		{
			name:    "a Deployment that the input knew by name only, and its pods fit",
			apply:   "{apiVersion: apps/v1, kind: Deployment, metadata: {name: byname, namespace: shop}, spec: {template: {metadata: {labels: {app: byname}}}}}",
			changes: []string{"applied Deployment shop/byname, which is new"},
		},
		{
			name:  "a Deployment that the input knew by name only, and its pods do not fit",
			apply: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: byname, namespace: shop}, spec: {template: {metadata: {labels: {app: other}}}}}",
			pods:  []string{"shop/deployment/byname", "-shop/pod/byname-7f-x"},
			changes: []string{
				"applied Deployment shop/byname, which is new",
				"Deployment shop/byname rolls out; the old ones go: 1 of kind Pod",
			},
		},
		{
			name:    "a StatefulSet of other numbers",
			apply:   "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {replicas: 2, template: {metadata: {labels: {app: db}}}}}",
			pods:    []string{"shop/statefulset/db[1]"},
			changes: []string{"applied StatefulSet shop/db over that of cluster.yaml"},
			says:    []string{"shop/statefulset/db[1] | statefulset/db | unknown maybe | node ? | app=db,apps.kubernetes.io/pod-index=1,controller-revision-hash=?,statefulset.kubernetes.io/pod-name=db-1\n"},
		},
		{
			name:    "a StatefulSet whose numbers begin elsewhere",
			apply:   "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {ordinals: {start: 3}, template: {metadata: {labels: {app: db}}}}}",
			pods:    []string{"-shop/pod/db-0", "shop/statefulset/db"},
			changes: []string{"applied StatefulSet shop/db over that of cluster.yaml", "StatefulSet shop/db rolls out; the old ones go: 1 of kind Pod"},
		},
		{
			name:    "a CronJob's running Job ends by itself, the next one differs",
			apply:   "{apiVersion: batch/v1, kind: CronJob, metadata: {name: tick, namespace: shop}, spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: tock}}}}}}}",
			pods:    []string{"shop/cronjob/tick"},
			changes: []string{"applied CronJob shop/tick over that of cluster.yaml"},
		},
		{
			name:    "a Job that has ended stays so",
			apply:   "{apiVersion: batch/v1, kind: Job, metadata: {name: once, namespace: shop}, spec: {template: {metadata: {labels: {app: once}}}}}",
			changes: []string{"applied Job shop/once over that of cluster.yaml"},
		},
		{
			name:    "a Job that has ended and is made anew",
			apply:   "{apiVersion: batch/v1, kind: Job, metadata: {name: once, namespace: shop}, spec: {template: {metadata: {labels: {app: again}}}}}",
			pods:    []string{"shop/job/once"},
			changes: []string{"applied Job shop/once over that of cluster.yaml"},
			codes:   []dialect.Code{dialect.CodeNotAsApplied},
		},
		{
			name:    "a Job does not take another template",
			apply:   "{apiVersion: batch/v1, kind: Job, metadata: {name: tick-1, namespace: shop, ownerReferences: []}, spec: {template: {metadata: {labels: {app: tock}}}}}",
			pods:    []string{"-shop/pod/tick-1-q", "shop/cronjob/tick"},
			changes: []string{"applied Job shop/tick-1 over that of cluster.yaml", "Job shop/tick-1 rolls out; the old ones go: 1 of kind Pod"},
			codes:   []dialect.Code{dialect.CodeNotAsApplied},
		},
		{
			name:    "a pod keeps its status, its node and its owner",
			apply:   "{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: shop, labels: {app: new}}}",
			changes: []string{"applied Pod shop/db-0 over that of cluster.yaml"},
			says:    []string{"shop/pod/db-0 | statefulset/db | 10.1.0.3 none | node n1 | app=new\n"},
		},
		{
			name:    "a node keeps its status and its pod ranges",
			apply:   "{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: b}}}",
			changes: []string{"applied Node n1 over that of cluster.yaml"},
			says:    []string{"node n1 | [192.168.0.1] | zone=b\n", "pod ranges [10.1.0.0/24]\n"},
		},
		{
			name: "what is applied together stays together",
			apply: deployment("{replicas: 1, template: {metadata: {labels: {app: new}}}}") + `
---
apiVersion: v1
kind: Pod
metadata: {name: web-5d-b, namespace: shop, labels: {app: new, pod-template-hash: 5d}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 80, protocol: TCP}]}]}`,
			pods: []string{"-shop/pod/web-5d-a"},
			changes: []string{
				"applied Deployment shop/web over that of cluster.yaml",
				"applied Pod shop/web-5d-b over that of cluster.yaml",
				"Deployment shop/web rolls out; the old ones go: 1 of kind Pod",
			},
			says: []string{"shop/pod/web-5d-b | deployment/web | 10.1.1.2 none | node n2 | app=new,pod-template-hash=5d | TCP/http=80\n"},
		},
		{
			name:    "a new pod has no address yet",
			apply:   "{apiVersion: v1, kind: Pod, metadata: {name: new, namespace: shop}}",
			pods:    []string{"shop/pod/new"},
			changes: []string{"applied Pod shop/new, which is new"},
		},
		{
			name:    "a pod that waits for an address goes on waiting",
			apply:   "{apiVersion: v1, kind: Pod, metadata: {name: pending, namespace: shop, labels: {a: b}}}",
			changes: []string{"applied Pod shop/pending over that of cluster.yaml"},
		},
		{
			name:    "deleting a Deployment takes what it owns",
			remove:  "deploy/shop/web",
			pods:    webLeaves,
			changes: []string{"deleted Deployment shop/web", "with what is deleted goes: 2 of kind Pod, 1 of kind ReplicaSet"},
		},
		{
			name:    "deleting a Deployment that is known by name only",
			remove:  "deployments.apps/shop/byname",
			pods:    []string{"-shop/pod/byname-7f-x"},
			changes: []string{"deleted Deployment shop/byname", "with what is deleted goes: 1 of kind Pod"},
		},
		{
			name:    "deleting a CronJob takes Jobs and pods",
			remove:  "cj/shop/tick",
			pods:    []string{"-shop/pod/tick-1-q"},
			changes: []string{"deleted CronJob shop/tick", "with what is deleted goes: 1 of kind Job, 1 of kind Pod"},
		},
		{
			name:    "a deleted pod comes back with another address",
			remove:  "pod/shop/web-5d-a",
			pods:    []string{"-shop/pod/web-5d-a", "shop/deployment/web[0]", "shop/deployment/web[1]"},
			changes: []string{"deleted Pod shop/web-5d-a"},
		},
		{
			name:    "a deleted pod of a controller that is not there",
			remove:  "po/shop/byname-7f-x",
			pods:    []string{"-shop/pod/byname-7f-x"},
			changes: []string{"deleted Pod shop/byname-7f-x"},
			codes:   []dialect.Code{dialect.CodeNotAsApplied},
		},
		{
			name:    "a deleted pod of nobody",
			remove:  "POD/shop/lone",
			pods:    []string{"-shop/pod/lone"},
			changes: []string{"deleted Pod shop/lone"},
		},
		{
			name:   "deleting a node takes its pods, and their controllers make others",
			remove: "node/n1",
			pods: []string{"-shop/pod/web-5d-a", "shop/deployment/web[0]", "shop/deployment/web[1]", "-shop/pod/db-0", "shop/statefulset/db", "-shop/pod/lone",
				"-shop/pod/byname-7f-x", "-shop/pod/tick-1-q", "shop/cronjob/tick"},
			changes: []string{"deleted Node n1", "with what is deleted goes: 5 of kind Pod"},
			codes:   []dialect.Code{dialect.CodeNotAsApplied},
		},
		{
			name:    "deleting a namespace",
			remove:  "Namespaces/shop",
			pods:    []string{"-shop/pod/lone", "-shop/pod/db-0", "-shop/pod/byname-7f-x", "-shop/pod/tick-1-q", "-shop/pod/web-5d-a", "-shop/pod/web-5d-b"},
			changes: []string{"deleted Namespace shop", "with what is deleted goes: 1 of kind CronJob, 1 of kind Deployment, 2 of kind Job, 7 of kind Pod, 1 of kind ReplicaSet, 1 of kind StatefulSet"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, cluster.Options{}, yamlFile(liveApp))
			want := map[string]bool{}
			for _, p := range strings.Fields(livePods) {
				want[p] = true
			}
			require.ElementsMatch(t, strings.Fields(livePods), paths(s.Snapshot()))
			codes := map[dialect.Code]int{}
			for _, d := range s.Ledger().Diagnostics {
				codes[d.Code]--
			}
			if c.apply != "" {
				s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("new.yaml", []byte(c.apply))}, s.Ledger()))
			}
			if c.remove != "" {
				target, err := cluster.ParseTarget(c.remove)
				require.NoError(t, err)
				require.NoError(t, s.Delete(target))
			}
			for _, p := range c.pods {
				if gone, found := strings.CutPrefix(p, "-"); found {
					delete(want, gone)
				} else {
					want[p] = true
				}
			}
			snapshot := s.Snapshot()
			require.NoError(t, snapshot.Validate())
			var pods []string
			for p := range want {
				pods = append(pods, p)
			}
			got := paths(snapshot)
			for i := range snapshot.Pods {
				if snapshot.Pods[i].Dormant {
					got[i] += " (dormant)"
				}
			}
			require.ElementsMatch(t, pods, got)
			require.Equal(t, c.changes, s.Ledger().Changes)
			var more []dialect.Code
			for _, d := range s.Ledger().Diagnostics {
				if codes[d.Code]++; codes[d.Code] > 0 && d.Code != dialect.CodeAssumedAddresses {
					more = append(more, d.Code)
				}
			}
			require.Equal(t, c.codes, more, fmt.Sprint(s.Ledger().Diagnostics))
			for _, line := range c.says {
				require.Contains(t, snapshot.String(), line)
			}
			require.Contains(t, nodeNames(snapshot.String()), "n2", "nodes that pods speak of")
		})
	}
}

func nodeNames(snapshot string) string {
	var out []string
	for line := range strings.Lines(snapshot) {
		if rest, found := strings.CutPrefix(line, "node "); found {
			name, _, _ := strings.Cut(rest, " ")
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// TestDeletedPodsShowWhereAddressesAre deletes the only pods that show where
// the addresses of pods are: what comes back can be there too (R47, R139).
func TestDeletedPodsShowWhereAddressesAre(t *testing.T) {
	s := read(t, cluster.Options{}, yamlFile(`
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: a, controller: true}]}
spec: {nodeName: n1}
status: {podIP: 100.64.0.1}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: a, namespace: shop}
spec: {template: {metadata: {labels: {app: a}}}}
`))
	target, err := cluster.ParseTarget("node/n1")
	require.NoError(t, err)
	require.NoError(t, s.Delete(target))
	require.Contains(t, s.Snapshot().String(), "pod domain [0.0.0.0/0 fc00::/7]\n")
	require.Contains(t, s.Ledger().Assumptions, "nothing is assumed of unknown IPv4 pod addresses: Pod shop/a has 100.64.0.1, outside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16")
}

// TestApplyMerges applies manifests over objects of which kubectl apply, or
// somebody else, had set something (R139).
func TestApplyMerges(t *testing.T) {
	const (
		annotated = `uid: u, annotations: {"kubectl.kubernetes.io/last-applied-configuration": '{"metadata": {"labels": {"a": "1"}}, "spec": {"policyTypes": ["Ingress"]}}'}`
		bare      = `uid: u, annotations: {"kubectl.kubernetes.io/last-applied-configuration": '{"metadata": {"annotations": {}}, "spec": {"ingress": []}}'}`
		created   = `resourceVersion: "1"`
		plain     = `uid: ""`
	)
	object := func(kind, version, meta, rest string) string {
		return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: o, namespace: shop, " + meta + "}\n" + rest + "\n"
	}
	policy := func(meta, rest string) string {
		return object("NetworkPolicy", "networking.k8s.io/v1", meta, "spec: {podSelector: {}"+rest+"}")
	}
	const egress = ", egress: [{}]"
	for _, c := range []struct {
		name, base string
		apply      []string
		says       string // in the snapshot
		change     string // its end
		assumed    bool
	}{
		{
			name: "a label that kubectl had set goes, one of somebody else stays",
			base: object("Namespace", "v1", "labels: {a: '1', b: '2'}, "+annotated, ""), apply: []string{object("Namespace", "v1", "labels: {c: '3'}", "")},
			says: "namespace o | b=2,c=3,kubernetes.io/metadata.name=o\n", change: "; it keeps what kubectl did not set: the labels b",
		},
		{
			name: "an annotation that names none", base: object("Node", "v1", "labels: {a: '1'}, "+bare, ""), apply: []string{object("Node", "v1", "", "")},
			says: "node o | [] | a=1\n", change: "; it keeps what kubectl did not set: the labels a",
		},
		{
			name: "an object that kubectl did not apply", base: object("Pod", "v1", "labels: {a: '1'}, "+created, ""), apply: []string{object("Pod", "v1", "labels: {a: '2', c: '3'}", "")},
			says: "unknown maybe | node ? | a=2,c=3\n", change: " over that of cluster.yaml",
		},
		{
			name: "a plain manifest", base: object("Namespace", "v1", "labels: {a: '1', b: '2'}, "+plain, ""), apply: []string{object("Namespace", "v1", "labels: {b: '2'}", "")},
			says: "namespace o | b=2,kubernetes.io/metadata.name=o\n", change: " over that of cluster.yaml", assumed: true,
		},
		{
			name: "twice: the first apply has set c", base: object("Namespace", "v1", "labels: {a: '1', b: '2'}, "+annotated, ""),
			apply: []string{object("Namespace", "v1", "labels: {c: '3'}", ""), object("Namespace", "v1", "", "")},
			says:  "namespace o | b=2,kubernetes.io/metadata.name=o\n", change: "; it keeps what kubectl did not set: the labels b",
		},
		{
			name: "policyTypes that the API server had written stay", base: policy(bare, ", policyTypes: [Ingress]"), apply: []string{policy("", egress)},
			says: "networkpolicy/2 | ingress | shop: | deny | any | ALL other=unspecified | spec.policyTypes\n", change: "; it keeps what kubectl did not set: spec.policyTypes [Ingress]",
		},
		{
			name: "and so do those that it writes into a plain manifest", base: policy(plain, ""), apply: []string{policy("", egress)},
			says: "networkpolicy/2 | ingress | shop: | deny | any | ALL other=unspecified | spec.policyTypes\n", change: "; it keeps what kubectl did not set: spec.policyTypes [Ingress]",
		},
		{
			name: "policyTypes that kubectl had set go", base: policy(annotated, ", policyTypes: [Ingress]"), apply: []string{policy("", egress)},
			says: "networkpolicy/1 | egress | shop: | allow | any | ALL | spec.egress[0]\n", change: " over that of cluster.yaml",
		},
		{
			name: "those of a plain manifest too", base: policy(plain, ", policyTypes: [Ingress]"), apply: []string{policy("", egress)},
			says: "networkpolicy/1 | egress | shop: | allow | any | ALL | spec.egress[0]\n", change: " over that of cluster.yaml",
		},
		{
			name: "an empty list is set anew", base: policy(created, ", policyTypes: [Ingress]"), apply: []string{policy("", egress+", policyTypes: []")},
			says: "networkpolicy/1 | egress | shop: | allow | any | ALL | spec.egress[0]\n", change: " over that of cluster.yaml",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, cluster.Options{}, yamlFile(c.base))
			for _, text := range c.apply {
				s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("new.yaml", []byte(text))}, s.Ledger()))
			}
			text := s.Snapshot().String()
			require.Contains(t, text, c.says)
			changes := s.Ledger().Changes
			require.True(t, strings.HasSuffix(changes[len(changes)-1], c.change), changes)
			require.Equal(t, c.assumed, strings.Contains(fmt.Sprint(s.Ledger().Assumptions), "manifests of the input count as"))
		})
	}
}

// liveTraining is custom resources with pods, as a dump has them.
const liveTraining = `
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: ray, namespace: ml}
spec:
  headGroupSpec: {template: {metadata: {labels: {team: a}}, spec: {containers: [{name: c, image: i}]}}}
  workerGroupSpecs: [{groupName: w, replicas: 1, template: {metadata: {labels: {team: a}}, spec: {containers: [{name: c, image: i}]}}}]
---
apiVersion: v1
kind: Pod
metadata:
  name: ray-head-x
  namespace: ml
  labels: {team: a, ray.io/cluster: ray, ray.io/node-type: head, ray.io/group: headgroup, ray.io/is-ray-node: "yes", ray.io/identifier: ray-head, app.kubernetes.io/name: kuberay, app.kubernetes.io/created-by: kuberay-operator}
  ownerReferences: [{apiVersion: ray.io/v1, kind: RayCluster, name: ray, controller: true}]
status: {podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata:
  name: ray-w-x
  namespace: ml
  labels: {team: a, ray.io/cluster: ray, ray.io/node-type: worker, ray.io/group: w, ray.io/is-ray-node: "yes", ray.io/identifier: ray-worker, app.kubernetes.io/name: kuberay, app.kubernetes.io/created-by: kuberay-operator}
  ownerReferences: [{apiVersion: ray.io/v1, kind: RayCluster, name: ray, controller: true}]
status: {podIP: 10.0.0.2}
---
apiVersion: v1
kind: Pod
metadata: {name: ray-odd, namespace: ml, labels: {ray.io/group: other}, ownerReferences: [{apiVersion: ray.io/v1, kind: RayCluster, name: ray, controller: true}]}
status: {podIP: 10.0.0.3}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: ml}
spec: {replicas: 2, template: {metadata: {labels: {app: db}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: ml, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, controller: true}]}
status: {podIP: 10.0.0.4}
---
apiVersion: v1
kind: Pod
metadata: {name: db-1, namespace: ml, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, controller: true}]}
status: {podIP: 10.0.0.5}
`

// TestChangeOfParts changes some of the pods of an object, and others stay.
func TestChangeOfParts(t *testing.T) {
	ray := func(team, groups string) string {
		return "{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: ray, namespace: ml}, spec: {headGroupSpec: {template: {metadata: {labels: {team: " + team + "}}, spec: {containers: [{name: c, image: i}]}}}, workerGroupSpecs: [" + groups + "]}}"
	}
	group := func(name, replicas string) string {
		return "{groupName: " + name + ", replicas: " + replicas + ", template: {metadata: {labels: {team: a}}, spec: {containers: [{name: c, image: i}]}}}"
	}
	db := func(replicas string) string {
		return "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: ml}, spec: {replicas: " + replicas + ", template: {metadata: {labels: {app: db}}}}}"
	}
	for _, c := range []struct {
		name, apply, remove string
		pods                string // that are new, or gone
		warned              string
	}{
		{name: "the same", apply: ray("a", group("w", "1"))},
		{name: "another template", apply: ray("b", group("w", "1")), pods: "ml/raycluster/ray-head", warned: "those of the input stay, and the new ones stand beside them"},
		{name: "more pods of a set", apply: ray("a", group("w", "3")), pods: "ml/raycluster/ray-w[0] ml/raycluster/ray-w[1] ml/raycluster/ray-w[2]"},
		{name: "another set", apply: ray("a", group("w", "1")+","+group("gpu", "1")), pods: "ml/raycluster/ray-gpu"},
		{name: "no pods of a set", apply: ray("a", group("w", "0")), warned: "pods of which there are now 0"},
		{name: "a set less", apply: ray("a", ""), warned: "those of the input stay"},
		{name: "a worker is deleted", remove: "pod/ml/ray-w-x", pods: "-ml/pod/ray-w-x ml/raycluster/ray-w"},
		{name: "a head is deleted", remove: "pod/ml/ray-head-x", pods: "-ml/pod/ray-head-x ml/raycluster/ray-head"},
		{name: "a pod of no set is deleted", remove: "pod/ml/ray-odd", pods: "-ml/pod/ray-odd", warned: "makes another, which the answer does not know"},
		{name: "one more number", apply: db("3"), pods: "ml/statefulset/db[2]"},
		{name: "one number less", apply: db("1"), pods: "-ml/pod/db-1"},
		{name: "a number is deleted", remove: "pod/ml/db-0", pods: "-ml/pod/db-0 ml/statefulset/db[0]"},
		{name: "more numbers than are listed", apply: db("5000"), pods: "ml/statefulset/db[2] ml/statefulset/db[3]"},
		{name: "two numbers, one after the other", apply: db("3"), remove: "pod/ml/db-1", pods: "-ml/pod/db-1 ml/statefulset/db[1] ml/statefulset/db[2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, cluster.Options{}, yamlFile(liveTraining))
			want := map[string]bool{}
			for _, p := range paths(s.Snapshot()) {
				want[p] = true
			}
			require.Len(t, want, 5)
			if c.apply != "" {
				s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("new.yaml", []byte(c.apply))}, s.Ledger()))
			}
			if c.remove != "" {
				target, err := cluster.ParseTarget(c.remove)
				require.NoError(t, err)
				require.NoError(t, s.Delete(target))
			}
			for _, p := range strings.Fields(c.pods) {
				if gone, found := strings.CutPrefix(p, "-"); found {
					require.True(t, want[gone])
					delete(want, gone)
				} else {
					want[p] = true
				}
			}
			var pods, warned []string
			for p := range want {
				pods = append(pods, p)
			}
			snapshot := s.Snapshot()
			require.NoError(t, snapshot.Validate())
			got := []string{}
			for i := range snapshot.Pods {
				if !snapshot.Pods[i].Dormant {
					got = append(got, snapshot.Pods[i].Path())
				}
			}
			require.ElementsMatch(t, pods, got)
			for _, d := range s.Ledger().Diagnostics {
				if d.Code == dialect.CodeNotAsApplied {
					warned = append(warned, d.Message)
				}
			}
			require.Equal(t, c.warned != "", len(warned) == 1, warned)
			if c.warned != "" {
				require.Contains(t, warned[0], c.warned)
			}
		})
	}
}

// TestForbiddenChanges applies what the API server refuses: the old object
// stays, and what is beside it is applied (R139).
func TestForbiddenChanges(t *testing.T) {
	const other = "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: beside, namespace: shop}\n"
	deployment := func(spec string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: " + spec
	}
	pod := func(meta, spec string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop" + meta + "}\nspec: " + spec
	}
	const (
		web   = "{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}}}"
		named = "{nodeName: n1, serviceAccountName: a, containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}"
	)
	for _, c := range []struct{ name, base, apply, why string }{
		{"another selector", deployment(web), deployment("{selector: {matchLabels: {app: new}}, template: {metadata: {labels: {app: new}}}}"), "the selector of what is there cannot be changed; that of cluster.yaml stays"},
		{"a selector with expressions", deployment(web), deployment("{selector: {matchExpressions: [{key: app, operator: Exists}]}, template: {metadata: {labels: {app: web}}}}"), "the selector of what is there cannot be changed"},
		{"labels that do not match", deployment(web), deployment("{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: new}}}}"), "its selector does not match the labels of its template; that of"},
		{"labels of a new one that do not match", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}", deployment("{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: new}}}}"), "Deployment shop/web: its selector does not match the labels of its template"},
		{"more labels than the selector's", deployment(web), deployment("{selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, v: '2'}}}}"), ""},
		{"a selector of the wrong type is not looked at", deployment(web), deployment("{selector: [7], template: {metadata: {labels: {app: new}}}}"), ""},
		{"the host network", pod("", "{}"), pod("", "{hostNetwork: true}"), "hostNetwork of a pod cannot be changed"},
		{"the host network of a manifest", pod("", "{hostNetwork: true}"), pod("", "{}"), "hostNetwork of a pod cannot be changed"},
		{"the node", pod("", named), pod("", "{nodeName: m1, containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}"), "the node of a pod"},
		{"the service account", pod("", named), pod("", "{serviceAccountName: b, containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}"), "the service account of a pod"},
		{"a port", pod("", named), pod("", "{containers: [{name: c, ports: [{name: http, containerPort: 81}]}]}"), "the ports of a pod"},
		{"a port less", pod("", named), pod("", "{containers: [{name: c}]}"), "the ports of a pod"},
		{"what the API server or a webhook had set", pod(", uid: u", named), pod("", "{containers: [{name: c}]}"), ""},
		{"labels", pod("", named), pod(", labels: {a: b}", named), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := read(t, cluster.Options{}, yamlFile(c.base))
			before := paths(s.Snapshot())
			s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("new.yaml", []byte(c.apply+other))}, s.Ledger()))
			for range 2 {
				require.ElementsMatch(t, append([]string{"shop/pod/beside"}, before...), paths(s.Snapshot()))
				var said []string
				for _, d := range s.Ledger().Diagnostics {
					if d.Code == dialect.CodeNotAsApplied {
						require.Equal(t, "new.yaml", d.Origin.File)
						said = append(said, d.Message)
					}
				}
				if c.why == "" {
					require.Empty(t, said)
					require.Len(t, s.Ledger().Changes, 2)
					continue
				}
				require.Equal(t, []string{"applied Pod shop/beside, which is new"}, s.Ledger().Changes)
				require.Len(t, said, 1)
				require.Contains(t, said[0], c.why)
			}
		})
	}
}

// TestApplyTwice applies two objects of one identity: one after the other, as
// kubectl apply -f a -f b.
func TestApplyTwice(t *testing.T) {
	s := read(t, cluster.Options{}, yamlFile(liveApp))
	s.Snapshot()
	apply := `
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop, labels: {a: "1"}}
---
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop, labels: {b: "2"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 1, template: {metadata: {labels: {app: other}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}}}
`
	s.Apply(manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("new.yaml", []byte(apply))}, s.Ledger()))
	snapshot := s.Snapshot()
	require.ElementsMatch(t, append(strings.Fields(livePods), "shop/pod/new"), paths(snapshot), "the Deployment is as it was")
	require.Contains(t, snapshot.String(), "shop/pod/new | pod/new | unknown maybe | node ? | b=2\n")
	for _, d := range s.Ledger().Diagnostics {
		require.NotEqual(t, dialect.CodeDuplicateObject, d.Code)
	}
}

// Whether a snapshot is live, the cluster before it was changed says (R61): a
// Pod with a status that is applied makes no other pods go, and one that is
// deleted makes none come.
func TestModeIsThatOfTheBase(t *testing.T) {
	pod := func(name, status string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: x}\nspec: {}\n" + status + "\n---\n"
	}
	const running = "status: {phase: Running, podIP: 10.0.0.1}"
	for _, c := range []struct {
		name, base, apply, remove string
		want                      []string
		told                      int
	}{
		{"static", pod("a", "") + pod("b", ""), pod("new", running), "", []string{"x/pod/a", "x/pod/b", "x/pod/new"}, 0},
		{"static, over another", pod("a", "") + pod("b", ""), pod("a", running), "", []string{"x/pod/a", "x/pod/b"}, 0},
		{"live", pod("a", running) + pod("b", ""), pod("new", ""), "", []string{"x/pod/a", "x/pod/new"}, 1},
		{"live, without what says so", pod("a", running) + pod("b", ""), "", "pod/x/a", nil, 1},
		{"no pods", "", pod("a", running) + pod("b", ""), "", []string{"x/pod/a", "x/pod/b"}, 0}, // both are new
	} {
		t.Run(c.name, func(t *testing.T) {
			s := cluster.New(cluster.Options{})
			r := manifest.NewReader(manifest.Options{})
			for o := range r.Read([]manifest.Input{manifest.Bytes("base.yaml", []byte(c.base))}, s.Ledger()) {
				s.Put(o)
			}
			s.Snapshot()
			if c.apply != "" {
				s.Apply(r.Read([]manifest.Input{manifest.Bytes("apply.yaml", []byte(c.apply))}, s.Ledger()))
			}
			if c.remove != "" {
				target, err := cluster.ParseTarget(c.remove)
				require.NoError(t, err)
				require.NoError(t, s.Delete(target))
			}
			require.Equal(t, c.want, paths(s.Snapshot()))
			told := 0
			for _, d := range s.Ledger().Diagnostics {
				if d.Code == dialect.CodeAddressless {
					told++
				}
			}
			require.Equal(t, c.told, told)
			require.Len(t, s.Addressless(), c.told)
		})
	}
}

// A pod is told from those of other sets of its object also where some labels
// are uncertain (R66): nobody submits the job again because a worker went.
func TestDeletedPodOfUncertainLabels(t *testing.T) {
	const job = `
apiVersion: ray.io/v1
kind: RayJob
metadata: {name: rj, namespace: ml}
spec:
  rayClusterSpec:
    headGroupSpec: {template: {spec: {containers: [{name: c, image: i}]}}}
    workerGroupSpecs:
    - {groupName: w, replicas: 1, numOfHosts: 2, template: {spec: {containers: [{name: c, image: i}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: head, namespace: ml, ownerReferences: [{apiVersion: ray.io/v1, kind: RayJob, name: rj, controller: true}], labels: {ray.io/node-type: head}}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata:
  name: worker
  namespace: ml
  ownerReferences: [{apiVersion: ray.io/v1, kind: RayJob, name: rj, controller: true}]
  labels: {ray.io/cluster: rj-x, ray.io/node-type: worker, ray.io/group: w, ray.io/worker-group-replica-index: "0", ray.io/is-ray-node: "yes",
    ray.io/identifier: rj-x-worker, app.kubernetes.io/name: kuberay, app.kubernetes.io/created-by: kuberay-operator}
status: {phase: Running, podIP: 10.0.0.2}
`
	s := read(t, cluster.Options{}, yamlFile(job))
	require.ElementsMatch(t, []string{"ml/pod/head", "ml/pod/worker"}, paths(s.Snapshot()))
	target, err := cluster.ParseTarget("pod/ml/worker")
	require.NoError(t, err)
	require.NoError(t, s.Delete(target))
	require.ElementsMatch(t, []string{"ml/pod/head", "ml/rayjob/rj-w[0]", "ml/rayjob/rj-w[1]"}, paths(s.Snapshot()))
}
