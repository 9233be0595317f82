package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	process "os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

// memoryChild makes the test binary read a cluster from standard input.
const memoryChild = "PODREACH_TEST_MEMORY_CHILD"

// dumpedPod is a pod as `kubectl get -A -o json` prints it.
const dumpedPod = `        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "annotations": {
                    "checksum/config": "%[2]016x%[3]016x%[2]016x%[3]016x"
                },
                "creationTimestamp": "2024-05-06T07:08:09Z",
                "generateName": "app-%[4]d-%[5]x-",
                "labels": {
                    "app": "app-%[4]d",
                    "app.kubernetes.io/managed-by": "helm",
                    "pod-template-hash": "%[5]x",
                    "tier": "web",
                    "version": "v%[6]d"
                },
                "name": "app-%[4]d-%[5]x-%[1]d",
                "namespace": "ns-%[7]d",
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "blockOwnerDeletion": true,
                        "controller": true,
                        "kind": "ReplicaSet",
                        "name": "app-%[4]d-%[5]x",
                        "uid": "%[2]x-1234"
                    }
                ],
                "resourceVersion": "%[2]d",
                "uid": "%[3]x-4321"
            },
            "spec": {
                "containers": [
                    {
                        "env": [
%[8]s
                        ],
                        "image": "registry.example/app:%[6]d",
                        "imagePullPolicy": "IfNotPresent",
                        "name": "main",
                        "ports": [
                            {
                                "containerPort": 8080,
                                "name": "http",
                                "protocol": "TCP"
                            },
                            {
                                "containerPort": 9090,
                                "name": "metrics",
                                "protocol": "TCP"
                            }
                        ],
                        "resources": {},
                        "terminationMessagePath": "/dev/termination-log"
                    }
                ],
                "nodeName": "node-%[9]d",
                "serviceAccountName": "default"
            },
            "status": {
                "hostIP": "192.168.0.%[9]d",
                "phase": "Running",
                "podIP": "10.%[10]d",
                "podIPs": [
                    {
                        "ip": "10.%[10]d"
                    }
                ],
                "startTime": "2024-05-06T07:08:09Z"
            }
        }`

// writeDump writes a list of pods.
func writeDump(w io.Writer, pods int) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n")
	var env []string
	for k := range 12 {
		env = append(env, fmt.Sprintf(`                            {
                                "name": "VARIABLE_%d",
                                "value": "some setting of the application %d"
                            }`, k, k))
	}
	format := strings.ReplaceAll(dumpedPod, "10.%[10]d", "10.%[10]d.%[11]d.%[12]d")
	for i := range pods {
		if i > 0 {
			fmt.Fprint(b, ",\n")
		}
		workload := i / 10
		fmt.Fprintf(b, format, i, uint64(i)*11400714819323198485, uint64(i+1)*2654435761987654321, workload, uint32(workload)*2654435761, workload%5,
			i/200, strings.Join(env, ",\n"), i%250, i>>16&255, i>>8&255, i&255)
	}
	fmt.Fprint(b, "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n")
	return b.Flush()
}

// TestPipeMemory: reading a cluster from a pipe takes at most four times the
// memory that remains of it. The program itself takes some 15 MB, which 100,000
// pods make up for; 10,000 do not, so that what it has before it reads does not count.
func TestPipeMemory(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("it reads 350 MB, and /proc")
	}
	base, peak, remain := pipeMemory(t, 100_000)
	t.Logf("100,000 pods: base %d kB, peak %d kB, %d kB remain", base>>10, peak>>10, remain>>10)
	require.LessOrEqual(t, peak, 4*remain)
	base, peak, remain = pipeMemory(t, 10_000)
	t.Logf("10,000 pods: base %d kB, peak %d kB, %d kB remain", base>>10, peak>>10, remain>>10)
	require.LessOrEqual(t, peak-base, 4*remain)
}

// pipeMemory returns the bytes that a process has before it reads pods from a
// pipe, those that it has at most, and those that remain.
func pipeMemory(t *testing.T, pods int) (base, peak, remain int) {
	t.Helper()
	child := process.Command(os.Args[0], "-test.run=^TestMemoryChild$")
	child.Env = append(os.Environ(), memoryChild+"=1", "GOGC=")
	in, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	require.NoError(t, writeDump(in, pods))
	require.NoError(t, in.Close())
	text, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, child.Wait(), string(text))
	m := regexp.MustCompile(`pods (\d+) base (\d+) kB peak (\d+) kB remain (\d+)`).FindStringSubmatch(string(text))
	require.NotNil(t, m, string(text))
	require.Equal(t, strconv.Itoa(pods), m[1])
	for i, n := range []*int{&base, &peak, &remain} {
		*n, err = strconv.Atoi(m[2+i])
		require.NoError(t, err)
	}
	require.Greater(t, remain, pods*500, "what remains was still there")
	return base << 10, peak << 10, remain
}

// mostMemory is the most that this process had of the machine's memory, in kB.
func mostMemory(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	peak := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, peak)
	return string(peak[1])
}

// TestMemoryChild is the process that TestPipeMemory watches.
func TestMemoryChild(t *testing.T) {
	if os.Getenv(memoryChild) == "" {
		return
	}
	base := mostMemory(t)
	r := &run{stdin: os.Stdin, stdout: io.Discard, stderr: os.Stderr}
	in := &input{run: r, files: []string{"-"}, pure: true, profile: "spec", ledger: &dialect.Ledger{}}
	require.NoError(t, in.load())
	peak := mostMemory(t)
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Printf("pods %d base %s kB peak %s kB remain %d\n", in.ledger.Pods, base, peak, m.HeapAlloc)
	runtime.KeepAlive(in)
}
