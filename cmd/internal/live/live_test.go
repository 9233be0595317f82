package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

const table = `NAME              SHORTNAMES   APIVERSION                     NAMESPACED   KIND
configmaps        cm           v1                             true         ConfigMap
namespaces        ns           v1                             false        Namespace
pods              po           v1                             true         Pod
networkpolicies   netpol       networking.k8s.io/v1           true         NetworkPolicy
jobs                           batch/v1                       true         Job
globalnetworkpolicies  gnp     crd.projectcalico.org/v1       false        GlobalNetworkPolicy
`

// fakeKubectl puts a kubectl on the PATH. The script has $1, the command, $2,
// the resource, and $all, all arguments.
func fakeKubectl(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	text := "#!/bin/sh\nall=\"$*\"\ntable() { cat <<'END'\n" + table + "END\n}\n" + script
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kubectl"), []byte(text), 0o700))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func names(inputs []manifest.Input) (out []string) {
	for _, i := range inputs {
		out = append(out, i.Name)
	}
	return out
}

func TestInputs(t *testing.T) {
	fakeKubectl(t, `case $1 in
api-resources) table ;;
get) echo "$all" ;;
esac`)
	var progress []string
	c := Cluster{Context: "prod", Kubeconfig: "/k", Timeout: 3 * time.Second, Reading: func(r string, n, all int) {
		require.Equal(t, 5, all)
		require.Equal(t, len(progress)+1, n)
		progress = append(progress, r)
	}}
	inputs, assumed, err := c.Inputs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"the cluster did not change while it was read"}, assumed)
	want := []string{"pods", "networkpolicies.networking.k8s.io", "jobs.batch", "globalnetworkpolicies.crd.projectcalico.org", "namespaces"}
	for i, in := range inputs {
		require.Equal(t, "live:"+want[i], in.Name)
		stream, err := in.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(stream)
		require.NoError(t, err)
		require.Equal(t, "get "+want[i]+" --all-namespaces --output=json --context=prod --kubeconfig=/k --request-timeout=3s\n", string(text))
		require.NoError(t, stream.Close())
	}
	require.Equal(t, want, progress)
	require.Equal(t, manifest.Live{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, *inputs[1].Live)
}

// Of custom kinds those are read that the table knows, in whatever version and
// scope, and those that nobody knows anything of.
func TestCustomKinds(t *testing.T) {
	fakeKubectl(t, `table; cat <<'END'
rayclusters           ray.io/v1                 true   RayCluster
clusters              example.com/v1            false  Cluster
trainers              example.com/v1beta1       true   Trainer
fooworkloads          foo.example.com/v1        true   FooWorkload
clusterfoos           foo.example.com/v1        false  ClusterFoo
secrets               v1                        true   Secret
volumesnapshots       snapshot.storage.k8s.io/v1 true  VolumeSnapshot
jobsets               jobset.x-k8s.io/v1alpha2  true   JobSet
queues                new.x-k8s.io/v1           true   Queue
certificates          cert-manager.io/v1        true   Certificate
challenges            acme.cert-manager.io/v1   true   Challenge
mycilium              mycilium.io/v1            true   Mine
END
echo 'error: unable to retrieve the complete list of server APIs: kubeflow.org/v1: gone' >&2; exit 1`)
	rows, bad := custom.Parse(yamlOf(t, "[{gvk: example.com/v1/Trainer, templates: ['{.spec.template}']}, {gvk: example.com/v1/Cluster, templates: ['{.spec.template}']}]"))
	require.Empty(t, bad)
	inputs, assumed, err := Cluster{Table: custom.Builtin().With(rows)}.Inputs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{
		"the cluster did not change while it was read",
		"kinds of the cluster that are not read make no pods; they are of foo.example.com, snapshot.storage.k8s.io, cert-manager.io, acme.cert-manager.io",
	}, assumed)
	doubtful := map[string]bool{}
	for _, in := range inputs {
		doubtful[in.Live.Kind] = in.Live.Doubtful
	}
	for kind, want := range map[string]bool{"RayCluster": false, "Cluster": false, "Trainer": false, "JobSet": false, "PyTorchJob": false, "FooWorkload": true, "Queue": true, "Mine": true, "Pod": false} {
		got, read := doubtful[kind]
		require.True(t, read, kind)
		require.Equal(t, want, got, kind)
	}
	for _, kind := range []string{"ClusterFoo", "Secret", "ConfigMap", "VolumeSnapshot", "Certificate", "Challenge"} {
		require.NotContains(t, doubtful, kind)
	}
}

func yamlOf(t *testing.T, text string) *yaml.Node {
	var n yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &n))
	return n.Content[0]
}

// Where there is no cluster to read, one line says why.
func TestNoCluster(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"refused", `echo 'E1124 11:46:22.477596   27620 memcache.go:381] "Could not get" err="dial tcp"' >&2
			echo 'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?' >&2; exit 1`,
			"The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"},
		{"no context", `echo 'error: context "nope" does not exist' >&2; exit 1`, `context "nope" does not exist`},
		{"silent", `exit 7`, "kubectl: exit status 7"},
		{"only a log", `echo 'E1124 11:46:22.477596   27620 memcache.go:381] odd' >&2; exit 1`, "E1124 11:46:22.477596   27620 memcache.go:381] odd"},
		{"old", `echo 'NAME SHORTNAMES APIGROUP NAMESPACED KIND'; echo 'pods po true Pod'`,
			"kubectl api-resources does not print a table with a column APIVERSION; kubectl 1.20 or newer is needed"},
		{"garbage", `echo hello`, "kubectl api-resources does not print a table with a column APIVERSION; kubectl 1.20 or newer is needed"},
		{"table, then failure", `table; echo 'error: the disk is full' >&2; exit 1`, "the disk is full"},
		{"nothing to read", `echo 'NAME SHORTNAMES APIVERSION NAMESPACED KIND'; echo 'secrets v1 true Secret'`, "the cluster serves no kind that has a part in an answer"},
		{"long", `head -c 2000 /dev/zero | tr '\0' x >&2; exit 1`, strings.Repeat("x", 600) + "..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeKubectl(t, c.script)
			_, _, err := Cluster{}.Inputs(t.Context())
			require.EqualError(t, err, c.want)
		})
	}
	t.Setenv("PATH", t.TempDir())
	_, _, err := Cluster{}.Inputs(t.Context())
	require.EqualError(t, err, "there is no kubectl on the PATH, and a cluster is read through it")
}

// An API group whose server is gone does not say what it serves: its policies
// cannot be read.
func TestFailedGroups(t *testing.T) {
	fakeKubectl(t, `table
echo 'error: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: the server is currently unable, networking.k8s.io/v1: stale, projectcalico.org/v3: the server is currently unable to handle the request' >&2
exit 1`)
	inputs, assumed, err := Cluster{}.Inputs(t.Context())
	require.NoError(t, err)
	require.Contains(t, assumed, "the API group metrics.k8s.io/v1beta1 of the cluster cannot be asked for its kinds; it is taken to hold no policies and nothing that makes pods")
	require.Len(t, assumed, 2)
	got := names(inputs)
	require.Contains(t, got, "live:GlobalNetworkPolicy.projectcalico.org/v3")
	require.Contains(t, got, "live:ServiceCIDR.networking.k8s.io/v1")
	require.NotContains(t, got, "live:NetworkPolicy.networking.k8s.io/v1", "it is in the table")
	require.Equal(t, "live:namespaces", got[len(got)-1])
	for _, in := range inputs {
		if in.Name == "live:GlobalNetworkPolicy.projectcalico.org/v3" {
			_, err := in.Open()
			require.EqualError(t, err, "projectcalico.org/v3 does not say what it serves: the server is currently unable to handle the request")
		}
	}
	require.Equal(t, []failedGroup{{"v1", "a: b, c"}, {"x.io/v2alpha1", "d"}}, parseFailures(incomplete+"v1: a: b, c, x.io/v2alpha1: d"))
	require.Empty(t, parseFailures("the disk is full"))
}

// Of a kind that is forbidden kubectl prints a list without members and fails.
func TestForbiddenIsNotEmpty(t *testing.T) {
	fakeKubectl(t, `case $1 in
api-resources) table ;;
get) echo '{"apiVersion": "v1", "items": [], "kind": "List"}'
	echo 'Warning: v1 is old' >&2
	echo 'Error from server (Forbidden): pods is forbidden: User "x" cannot list resource "pods"' >&2
	exit 1 ;;
esac`)
	inputs, _, err := Cluster{}.Inputs(t.Context())
	require.NoError(t, err)
	stream, err := inputs[0].Open()
	require.NoError(t, err)
	_, err = io.ReadAll(stream)
	require.EqualError(t, err, `pods is forbidden: User "x" cannot list resource "pods"`)
	_, again := stream.Read(make([]byte, 1))
	require.Equal(t, err, again)
	require.NoError(t, stream.Close())
}

// hanging is a kubectl that says nothing more, in a child that does not notice
// when its parent dies.
const hanging = `case $1 in
api-resources) table ;;
get) echo '{"items": ['; sleep 15 & sleep 15 ;;
esac`

func TestInterrupt(t *testing.T) {
	fakeKubectl(t, hanging)
	ctx, cancel := context.WithCancelCause(t.Context())
	inputs, _, err := Cluster{}.Inputs(ctx)
	require.NoError(t, err)
	stream, err := inputs[0].Open()
	require.NoError(t, err)
	b := make([]byte, 11)
	_, err = io.ReadFull(stream, b)
	require.NoError(t, err)
	stop := errors.New("stop")
	time.AfterFunc(50*time.Millisecond, func() { cancel(stop) })
	from := time.Now()
	_, err = io.ReadAll(stream)
	require.Equal(t, stop, err)
	require.Less(t, time.Since(from), 10*time.Second)
	_, err = inputs[1].Open()
	require.Error(t, err, "nothing starts any more")
}

// What a kubectl has started, such as a credential plugin, ends with it.
func TestGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	t.Setenv("CHILD", file)
	fakeKubectl(t, `case $1 in
api-resources) table ;;
get) sleep 60 & echo $! >"$CHILD.new"; mv "$CHILD.new" "$CHILD"; wait ;;
esac`)
	ctx, cancel := context.WithCancel(t.Context())
	inputs, _, err := Cluster{}.Inputs(ctx)
	require.NoError(t, err)
	stream, err := inputs[0].Open()
	require.NoError(t, err)
	var pid int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	cancel()
	_, err = io.ReadAll(stream)
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { return !running(pid) }, 5*time.Second, 5*time.Millisecond)
}

// running reports whether a process runs; one that has ended may still wait for
// a parent that asks for its exit code.
func running(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		p, err := os.FindProcess(pid)
		return err == nil && p.Signal(syscall.Signal(0)) == nil
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "Z")
}

// A kubectl that writes without end to standard error does not hang, nor fill
// the memory.
func TestEndlessStderr(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"at the table", `exec yes nonsense >&2`},
		{"at a list", `case $1 in api-resources) table ;; *) exec yes nonsense >&2 ;; esac`},
		{"in a child", `case $1 in api-resources) table ;; *) yes nonsense >&2 & wait ;; esac`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakeKubectl(t, c.script)
			from := time.Now()
			inputs, _, err := Cluster{}.Inputs(t.Context())
			if err == nil {
				stream, openErr := inputs[0].Open()
				require.NoError(t, openErr)
				_, err = io.ReadAll(stream)
			}
			require.EqualError(t, err, "kubectl has written 16 MiB to standard error and goes on")
			require.Less(t, time.Since(from), 20*time.Second)
		})
	}
}

func TestSilence(t *testing.T) {
	fakeKubectl(t, hanging)
	inputs, _, err := Cluster{Timeout: 10 * time.Millisecond}.Inputs(t.Context())
	require.NoError(t, err)
	stream, err := inputs[0].Open()
	require.NoError(t, err)
	from := time.Now()
	_, err = io.ReadAll(stream)
	require.EqualError(t, err, "kubectl has said nothing for 2.1s; --request-timeout allows it longer")
	require.Less(t, time.Since(from), 20*time.Second)
}

// Close ends kubectl; it gives its place to the next.
func TestClose(t *testing.T) {
	fakeKubectl(t, strings.Replace(hanging, "sleep 15 &", "exec", 1))
	inputs, _, err := Cluster{}.Inputs(t.Context())
	require.NoError(t, err)
	for range together + 1 {
		stream, err := inputs[0].Open()
		require.NoError(t, err)
		require.NoError(t, stream.Close())
		_, err = stream.Read(make([]byte, 1))
		require.Error(t, err)
	}
}

// What a kubectl says while it waits is passed on: it may be where to log in.
func TestSaying(t *testing.T) {
	fakeKubectl(t, `case $1 in
api-resources) echo 'To sign in, open https://example.com' >&2; sleep 3; table ;;
esac`)
	said := make(chan string, 10)
	_, _, err := Cluster{Saying: func(text string) { said <- text }}.Inputs(t.Context())
	require.NoError(t, err)
	require.Equal(t, "To sign in, open https://example.com\n", <-said)
	require.Empty(t, said, "once")
}
