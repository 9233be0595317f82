package apiserver

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The cluster of TestLive.
const (
	spaces      = 20
	deployments = 5  // in each namespace
	replicas    = 20 // of each
	nodes       = 10
	pods        = spaces * deployments * replicas
)

var apps = [deployments]string{"web", "api", "db", "cache", "trainer"}

// TestLive reads 2,000 pods live and compares every answer with the one for a
// dump of the same objects.
func TestLive(t *testing.T) {
	policies := makeCluster(t)
	tokens := map[string]string{
		"admin":         adminToken,
		"no-policies":   account(t, "no-policies", "networkpolicies"),
		"no-namespaces": account(t, "no-namespaces", "namespaces"),
		"nothing":       account(t, "nothing", "*"),
	}
	config := kubeconfig(t, []string{"admin", "no-policies", "no-namespaces", "nothing"}, tokens)

	dump, stderr, code := command(t, "kubectl", "--kubeconfig="+config, "get", "-A", "-o", "json", strings.Join([]string{"pods", "nodes", "namespaces",
		"replicationcontrollers", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs", "networkpolicies", "servicecidrs"}, ","))
	require.Zero(t, code, stderr)
	file := filepath.Join(t.TempDir(), "dump.json")
	require.NoError(t, os.WriteFile(file, []byte(dump), 0o600))
	fromFile := []string{"-f", file}
	live := func(context string) []string { return []string{"--context", context, "--kubeconfig", config} }

	t.Run("list", func(t *testing.T) {
		for _, args := range [][]string{{"--by", "workload"}, {"--by", "namespace", "--to", "any"}, {"--from", "ns-03:", "--to", "outside", "--by", "pod"}} {
			want := ask(t, append([]string{"list"}, args...), fromFile)
			from := time.Now()
			got := ask(t, append([]string{"list"}, args...), live("admin"))
			t.Logf("%v: read and answered in %v: %s", args, time.Since(from).Round(time.Millisecond), got.account)
			require.NotEmpty(t, got.Connections)
			require.JSONEq(t, string(want.Connections), string(got.Connections))
			require.JSONEq(t, string(want.Uncertain), string(got.Uncertain))
			require.Equal(t, want.account, got.account)
			require.True(t, strings.HasPrefix(got.account, fmt.Sprintf("read %d objects (%d pods, %d workloads, %d policies); ignored 0 of 0 kinds; 0 errors, 0 warnings",
				got.Input.Objects, pods, 2*spaces*deployments, policies)), got.account)
			require.Equal(t, want.Input.Objects, got.Input.Objects)
		}
	})
	queries, n := questions(t)
	wanted := verdicts(t, queries, n, fromFile)
	t.Run("verdicts", func(t *testing.T) {
		require.Equal(t, wanted, verdicts(t, queries, n, live("admin")))
		count := map[string]int{}
		for _, v := range wanted {
			count[v]++
		}
		t.Log(count)
		require.Greater(t, count["allowed"], n/20)
		require.Greater(t, count["denied"], n/20)
	})
	t.Run("positions", func(t *testing.T) {
		stdout, _, code := command(t, podreach, append([]string{"can", "ns-01/web", "reach", "ns-01/db", "on", "5432"}, live("admin")...)...)
		require.Zero(t, code, stdout)
		require.Contains(t, stdout, "NetworkPolicy ns-01/db  live:NetworkPolicy/ns-01/db:spec.ingress[0]\n")
	})
	t.Run("the plugin", func(t *testing.T) {
		plugin := filepath.Join(t.TempDir(), "kubectl-podreach")
		require.NoError(t, os.Link(podreach, plugin))
		t.Setenv("KUBECONFIG", config)
		stdout, stderr, code := command(t, plugin, "can", "ns-01/web", "reach", "ns-01/db", "on", "5432")
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "yes: ns-01/pod/web-")
	})

	// What may not be read makes answers uncertain, never others.
	t.Run("policies are forbidden", func(t *testing.T) {
		got := ask(t, []string{"list"}, live("no-policies"))
		require.Contains(t, got.stderr, "live:networkpolicies.networking.k8s.io: warning: NetworkPolicy objects cannot be read: networkpolicies.networking.k8s.io is forbidden: User \"system:serviceaccount:default:no-policies\" cannot list")
		require.Contains(t, got.stderr, "; all pods are uncertain (PR1014)\n")
		require.JSONEq(t, "[]", string(got.Connections))
		require.Equal(t, 1, got.Input.Warnings)
		verdicts := verdicts(t, queries, n, live("no-policies"))
		for i, v := range verdicts {
			require.Equal(t, "uncertain", v, "question %d", i)
		}
	})
	t.Run("namespaces are forbidden", func(t *testing.T) {
		_, stderr, _ := command(t, podreach, append([]string{"list"}, live("no-namespaces")...)...)
		require.Contains(t, stderr, "live:namespaces: warning: Namespace objects cannot be read: namespaces is forbidden")
		require.Contains(t, stderr, "; what a namespaceSelector matches is uncertain (PR1014)\n")
		got := verdicts(t, queries, n, live("no-namespaces"))
		count := map[string]int{}
		for i, v := range got {
			count[v]++
			if v != "uncertain" {
				require.Equal(t, wanted[i], v, "question %d", i)
			}
		}
		t.Log(count)
		require.NotZero(t, count["uncertain"])
		require.Greater(t, count["allowed"], n/20, "what no namespace label decides stays certain")
		require.Greater(t, count["denied"], n/20)
	})
	t.Run("everything is forbidden", func(t *testing.T) {
		stdout, stderr, code := command(t, podreach, append([]string{"list"}, live("nothing")...)...)
		require.Equal(t, 2, code)
		require.Empty(t, stdout)
		require.Regexp(t, `^error: cannot read the cluster: none of its \d+ kinds can be listed; \w+ objects cannot be read: .* \(PR1014\)\n`, stderr)
		require.Equal(t, 1, strings.Count(stderr, "(PR"), stderr)
	})
	// The last that is about the cluster: the kinds are there from now on.
	t.Run("custom resources", func(t *testing.T) {
		makeCustom(t, config)
		dump, stderr, code := command(t, "kubectl", "--kubeconfig="+config, "get", "-A", "-o", "json", "pods,nodes,namespaces,rayclusters,fooworkloads")
		require.Zero(t, code, stderr)
		file := filepath.Join(t.TempDir(), "dump.json")
		require.NoError(t, os.WriteFile(file, []byte(dump), 0o600))
		question := []string{"list", "--from", "ns-01/raycluster/ray", "--to", "ns-02/web"}
		want, got := ask(t, question, []string{"-f", file}), ask(t, question, live("admin"))
		require.JSONEq(t, string(want.Connections), string(got.Connections))
		require.Contains(t, string(got.Connections), "ns-01/raycluster/ray")
		require.Contains(t, got.stderr, "live:FooWorkload/ns-01/foo: warning: pods of FooWorkload ns-01/foo cannot be known: ")
		require.Contains(t, got.account, "; ignored 1 of 1 kinds; 0 errors, 1 warnings")
		_, stderr, _ = command(t, podreach, append([]string{"list", "--from", "ns-01/web", "--to", "ns-02/web"}, live("no-namespaces")...)...)
		require.Contains(t, stderr, "live:rayclusters.ray.io: warning: RayCluster objects cannot be read: rayclusters.ray.io is forbidden")
		require.Contains(t, stderr, "warning: objects of custom kinds cannot be read: FooWorkload (example.com); if a controller")
	})
	t.Run("no cluster", func(t *testing.T) {
		_, stderr, code := command(t, podreach, append([]string{"list"}, live("elsewhere")...)...)
		require.Equal(t, 2, code)
		require.Contains(t, stderr, "error: cannot read the cluster: context \"elsewhere\" does not exist (PR1014)\n")
		bad := kubeconfig(t, []string{"stranger"}, map[string]string{"stranger": "unknown"})
		_, stderr, code = command(t, podreach, "list", "--kubeconfig", bad)
		require.Equal(t, 2, code)
		require.Contains(t, stderr, "error: cannot read the cluster: You must be logged in to the server")
	})
}

// listAnswer is what list says.
type listAnswer struct {
	Connections json.RawMessage `json:"connections"`
	Uncertain   json.RawMessage `json:"uncertain"`
	Input       struct {
		Objects  int `json:"objects"`
		Warnings int `json:"warnings"`
	} `json:"input"`
	stderr, account string
}

func ask(t *testing.T, question, input []string) listAnswer {
	t.Helper()
	stdout, stderr, code := command(t, podreach, slices.Concat(question, []string{"-o", "json"}, input)...)
	require.Zero(t, code, stderr)
	var a listAnswer
	require.NoError(t, json.Unmarshal([]byte(stdout), &a))
	a.stderr = stderr
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	a.account = lines[len(lines)-1]
	return a
}

// questions writes a file of questions between pods, and between pods and
// addresses.
func questions(t *testing.T) (file string, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	const each = 1500
	for range each {
		a, c := podName(r.IntN(pods)), podName(r.IntN(pods))
		if r.IntN(2) == 0 { // of one namespace
			ns, _, _ := strings.Cut(a, "/")
			_, rest, _ := strings.Cut(c, "/")
			c = ns + "/" + rest
		}
		if a == c { // self traffic depends on no policy
			c = "192.168.1.1"
		}
		port := []int{80, 443, 5432, 6379, 8080, 9090}[r.IntN(6)]
		switch { // often one that a policy speaks of
		case r.IntN(2) == 0:
		case strings.Contains(c, "/db-"):
			port = 9090
		case strings.Contains(c, "/cache-"):
			port = 6379
		}
		fmt.Fprintf(&b, "{\"from\":%q,\"to\":%q,\"protocol\":\"TCP\",\"port\":%d}\n", a, c, port)
		address := []string{"8.8.8.8", "10.200.0.1", "192.168.3.4", "2001:4860:4860::8888", "fd99::1"}[r.IntN(5)]
		fmt.Fprintf(&b, "{\"from\":%q,\"to\":%q,\"protocol\":\"TCP\",\"port\":%d}\n", a, address, port)
	}
	file = filepath.Join(t.TempDir(), "questions.jsonl")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	return file, 2 * each
}

func verdicts(t *testing.T, queries string, n int, input []string) []string {
	t.Helper()
	stdout, stderr, code := command(t, podreach, append([]string{"can", "--queries", queries}, input...)...)
	require.Zero(t, code, stderr)
	var out []string
	for line := range strings.Lines(stdout) {
		var answer struct{ Verdict string }
		require.NoError(t, json.Unmarshal([]byte(line), &answer))
		require.Contains(t, []string{"allowed", "denied", "uncertain"}, answer.Verdict)
		out = append(out, answer.Verdict)
	}
	require.Len(t, out, n)
	return out
}

// account makes a service account that may list all that podreach reads but
// for one resource, or nothing, and returns a token of it.
func account(t *testing.T, name, without string) string {
	t.Helper()
	ctx := t.Context()
	_, err := server.client.CoreV1().ServiceAccounts("default").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
	if without != "*" {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for group, resources := range map[string][]string{
			"": {"pods", "nodes", "namespaces", "replicationcontrollers"}, "apps": {"*"}, "batch": {"*"}, "networking.k8s.io": {"networkpolicies", "servicecidrs"},
		} {
			resources = slices.DeleteFunc(resources, func(r string) bool { return r == without })
			role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: []string{"list"}})
		}
		_, err = server.client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = server.client.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: name}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	token, err := server.client.CoreV1().ServiceAccounts("default").CreateToken(ctx, name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	return token.Status.Token
}

func space(i int) string { return fmt.Sprintf("ns-%02d", i) }

// podName is the path of the ith pod.
func podName(i int) string {
	replica, deployment, ns := i%replicas, i/replicas%deployments, i/replicas/deployments
	return fmt.Sprintf("%s/pod/%s-%s-%02d", space(ns), apps[deployment], hash(deployment), replica)
}

func hash(deployment int) string { return fmt.Sprintf("7c9d8b6f5%d", deployment) }

// makeCluster makes namespaces, nodes, deployments, pods with status, and
// policies, and returns how many policies there are.
func makeCluster(t *testing.T) (policies int) {
	t.Helper()
	c, ctx := server.client, t.Context()
	from := time.Now()
	for i := range nodes {
		n := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)},
			Spec:       corev1.NodeSpec{PodCIDRs: []string{fmt.Sprintf("10.1.%d.0/24", i), fmt.Sprintf("fd00:0:0:%x::/64", i+1)}, PodCIDR: fmt.Sprintf("10.1.%d.0/24", i)},
		}
		n, err := c.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
		require.NoError(t, err)
		n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.168.1.%d", i+1)}, {Type: corev1.NodeHostName, Address: n.Name}}
		_, err = c.CoreV1().Nodes().UpdateStatus(ctx, n, metav1.UpdateOptions{})
		require.NoError(t, err)
	}
	owners := map[int]types.UID{} // ReplicaSets
	for ns := range spaces {
		labels := map[string]string{"team": []string{"red", "blue", "green"}[ns%3]}
		if ns%4 == 0 {
			labels["env"] = "prod"
		}
		_, err := c.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: space(ns), Labels: labels}}, metav1.CreateOptions{})
		require.NoError(t, err)
		for i, app := range apps {
			labels := map[string]string{"app": app, "tier": fmt.Sprint(i % 2)}
			spec := appsv1.DeploymentSpec{Replicas: ptr(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: podSpec(i)}}
			d, err := c.AppsV1().Deployments(space(ns)).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: app}, Spec: spec}, metav1.CreateOptions{})
			require.NoError(t, err)
			rs, err := c.AppsV1().ReplicaSets(space(ns)).Create(ctx, &appsv1.ReplicaSet{
				ObjectMeta: metav1.ObjectMeta{Name: app + "-" + hash(i), OwnerReferences: owner("Deployment", app, d.UID)},
				Spec:       appsv1.ReplicaSetSpec{Replicas: spec.Replicas, Selector: spec.Selector, Template: spec.Template},
			}, metav1.CreateOptions{})
			require.NoError(t, err)
			owners[ns*deployments+i] = rs.UID
		}
		for _, np := range policiesOf(ns) {
			_, err := c.NetworkingV1().NetworkPolicies(space(ns)).Create(ctx, np, metav1.CreateOptions{})
			require.NoError(t, err)
			policies++
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(16)
	for i := range pods {
		work.Go(func() error {
			deployment := i / replicas % deployments
			app := apps[deployment]
			path := strings.Split(podName(i), "/")
			p := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: path[2], Namespace: path[0], OwnerReferences: owner("ReplicaSet", app+"-"+hash(deployment), owners[i/replicas]),
					Labels: map[string]string{"app": app, "tier": fmt.Sprint(deployment % 2), "pod-template-hash": hash(deployment)}},
				Spec: podSpec(deployment),
			}
			p.Spec.NodeName = fmt.Sprintf("node-%d", i%nodes)
			p, err := c.CoreV1().Pods(p.Namespace).Create(ctx, p, metav1.CreateOptions{})
			if err != nil {
				return err
			}
			address := fmt.Sprintf("10.1.%d.%d", i%nodes, 1+i/nodes)
			p.Status.Phase, p.Status.PodIP = corev1.PodRunning, address
			p.Status.PodIPs = []corev1.PodIP{{IP: address}, {IP: fmt.Sprintf("fd00:0:0:%x::%x", i%nodes+1, 1+i/nodes)}}
			p.Status.HostIP = fmt.Sprintf("192.168.1.%d", i%nodes+1)
			p.Status.HostIPs = []corev1.HostIP{{IP: p.Status.HostIP}}
			_, err = c.CoreV1().Pods(p.Namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{})
			return err
		})
	}
	require.NoError(t, work.Wait())
	t.Logf("%d pods and %d policies in %v", pods, policies, time.Since(from).Round(time.Millisecond))
	return policies
}

// makeCustom makes a custom kind that podreach knows and one that it does not,
// and an object of each.
func makeCustom(t *testing.T, config string) {
	t.Helper()
	apply := func(text string) (stderr string, code int) {
		file := filepath.Join(t.TempDir(), "custom.yaml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, stderr, code = command(t, "kubectl", "--kubeconfig="+config, "apply", "--validate=false", "-f", file)
		return stderr, code
	}
	var kinds strings.Builder
	for _, k := range [][3]string{{"ray.io", "RayCluster", "rayclusters"}, {"example.com", "FooWorkload", "fooworkloads"}} {
		fmt.Fprintf(&kinds, `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[3]s.%[1]s}
spec:
  group: %[1]s
  names: {kind: %[2]s, plural: %[3]s, singular: %[4]s}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`, k[0], k[1], k[2], strings.ToLower(k[1]))
	}
	stderr, code := apply(kinds.String())
	require.Zero(t, code, stderr)
	require.Eventually(t, func() bool {
		_, code = apply(`
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: ray, namespace: ns-01}
spec: {headGroupSpec: {template: {spec: {containers: [{name: head, image: ray}]}}}}
---
apiVersion: example.com/v1
kind: FooWorkload
metadata: {name: foo, namespace: ns-01}
spec: {template: {spec: {containers: [{name: main, image: foo}]}}}
`)
		return code == 0
	}, time.Minute, time.Second)
}

func podSpec(deployment int) corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/main:1", Ports: []corev1.ContainerPort{
		{Name: "http", ContainerPort: int32(8080 + deployment)}, {Name: "metrics", ContainerPort: 9090}}}}}
}

func owner(kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: ptr(true)}}
}

func ptr[T any](v T) *T { return &v }

// policiesOf are the policies of a namespace: by pods, by the labels of
// namespaces, by addresses, by name and range of ports.
func policiesOf(ns int) []*networkingv1.NetworkPolicy {
	match := func(kv ...string) *metav1.LabelSelector {
		s := &metav1.LabelSelector{MatchLabels: map[string]string{}}
		for i := 0; i < len(kv); i += 2 {
			s.MatchLabels[kv[i]] = kv[i+1]
		}
		return s
	}
	port := func(p intstr.IntOrString, end *int32) []networkingv1.NetworkPolicyPort {
		return []networkingv1.NetworkPolicyPort{{Port: &p, EndPort: end}}
	}
	policy := func(name string, subjects *metav1.LabelSelector, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
		spec.PodSelector = *subjects
		return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	in := func(from networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) networkingv1.NetworkPolicyIngressRule {
		return networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{from}, Ports: ports}
	}
	other := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "env", Operator: metav1.LabelSelectorOpDoesNotExist}}}
	out := []*networkingv1.NetworkPolicy{
		policy("db", match("app", "db"), networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{
			in(networkingv1.NetworkPolicyPeer{PodSelector: match("tier", "0")}, port(intstr.FromInt32(5432), nil)),
			in(networkingv1.NetworkPolicyPeer{NamespaceSelector: match("team", "red"), PodSelector: match("app", "api")}, port(intstr.FromString("metrics"), nil)),
		}}),
		policy("trainer", match("app", "trainer"), networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{"Egress"},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				{To: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.0.0.0/8", "192.168.0.0/16"}}}}, Ports: port(intstr.FromInt32(443), nil)},
				{To: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: match("kubernetes.io/metadata.name", space((ns+1)%spaces))}}, Ports: port(intstr.FromInt32(8000), ptr[int32](9000))},
			},
		}),
	}
	if ns%2 == 0 {
		out = append(out, policy("cache", match("app", "cache"), networkingv1.NetworkPolicySpec{Ingress: []networkingv1.NetworkPolicyIngressRule{
			in(networkingv1.NetworkPolicyPeer{NamespaceSelector: other}, port(intstr.FromInt32(6379), nil)),
		}}))
	}
	if ns%5 == 0 {
		out = append(out, policy("isolated", &metav1.LabelSelector{}, networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{"Ingress", "Egress"}}))
	}
	return out
}
