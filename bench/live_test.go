package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// running adds to a pod what a cluster says of every pod that runs: the
// defaults of the API server, the volume of the service account, what the
// scheduler and the kubelet report. Nothing of it decides a connection; it is
// most of the text that kubectl prints.
func running(p *corev1.Pod, i int) {
	started := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, i%60, 0, time.UTC))
	p.UID, p.ResourceVersion = types.UID(fmt.Sprintf("6f1c2d3e-%04x-4a5b-8c7d-%012x", i&0xffff, i)), fmt.Sprint(100_000+i)
	p.CreationTimestamp = started
	p.GenerateName = p.Labels["app"] + "-"
	p.Annotations = map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "checksum/config": fmt.Sprintf("%064x", i/10)}
	for k := range p.OwnerReferences {
		p.OwnerReferences[k].UID, p.OwnerReferences[k].BlockOwnerDeletion = types.UID(fmt.Sprintf("0a1b2c3d-4e5f-4a5b-8c7d-%012x", i/10)), new(true)
	}

	s := &p.Spec
	s.ServiceAccountName, s.DeprecatedServiceAccount, s.SchedulerName = "default", "default", "default-scheduler"
	s.RestartPolicy, s.DNSPolicy, s.TerminationGracePeriodSeconds = corev1.RestartPolicyAlways, corev1.DNSClusterFirst, new(int64(30))
	s.SecurityContext, s.Priority, s.EnableServiceLinks, s.PreemptionPolicy = &corev1.PodSecurityContext{}, new(int32(0)), new(true), new(corev1.PreemptLowerPriority)
	for _, key := range []string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"} {
		s.Tolerations = append(s.Tolerations, corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))})
	}
	token := "kube-api-access-" + fmt.Sprintf("%05x", i)
	s.Volumes = []corev1.Volume{{Name: token, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: new(int32(420)), Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: new(int64(3607)), Path: "token"}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}}},
	}}}}}
	for k := range s.Containers {
		c := &s.Containers[k]
		for n := range 8 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprint("SETTING_", n), Value: fmt.Sprint("https://service-", n, ".example:8443/path")})
		}
		c.Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse("256Mi")},
		}
		probe := corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http"), Scheme: corev1.URISchemeHTTP}},
			FailureThreshold: 3, PeriodSeconds: 10, SuccessThreshold: 1, TimeoutSeconds: 1}
		c.LivenessProbe, c.ReadinessProbe = &probe, &probe
		c.ImagePullPolicy, c.TerminationMessagePath, c.TerminationMessagePolicy = corev1.PullIfNotPresent, "/dev/termination-log", corev1.TerminationMessageReadFile
		c.VolumeMounts = []corev1.VolumeMount{{Name: token, ReadOnly: true, MountPath: "/var/run/secrets/kubernetes.io/serviceaccount"}}
		for n := range c.Ports {
			c.Ports[n].Protocol = corev1.ProtocolTCP
		}
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: fmt.Sprintf("registry.example/app@sha256:%064x", 1), ContainerID: fmt.Sprintf("containerd://%064x", i),
			Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		})
	}
	for _, condition := range []corev1.PodConditionType{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: started})
	}
	p.Status.QOSClass, p.Status.StartTime = corev1.PodQOSBurstable, &started
}

// dump is a cluster as kubectl prints it of a running one: the objects as a
// pretty List, and as YAML documents by print.
func dump(t testing.TB, s Shape, pods int, w io.Writer, before, between, after string, print func(any) ([]byte, error)) {
	t.Helper()
	put := func(b []byte) {
		_, err := w.Write(b)
		require.NoError(t, err)
	}
	put([]byte(before))
	i := 0
	for o := range s.Objects(pods) {
		if p, ok := o.(*corev1.Pod); ok {
			running(p, i)
		}
		if i++; i > 1 {
			put([]byte(between))
		}
		text, err := print(o)
		require.NoError(t, err)
		put(text)
	}
	put([]byte(after))
}

// dumpJSON is what `kubectl get -o json` prints.
func dumpJSON(t testing.TB, s Shape, pods int) []byte {
	t.Helper()
	var out bytes.Buffer
	dump(t, s, pods, &out, "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        ", ",\n        ", "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n",
		func(o any) ([]byte, error) { return json.MarshalIndent(o, "        ", "    ") })
	return out.Bytes()
}
