package bench

import (
	"bytes"
	"encoding/json"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// answered takes text to the answer of one question, as the command does:
// read, compile, can any pod reach the internet.
func answered(b *testing.B, text []byte) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // the command does this to hold less memory
	x := compile(b, read(b, manifest.Bytes("bench", text)), engine.Options{})
	p, err := solver.ParsePorts("443")
	require.NoError(b, err)
	v, _ := x.Column(ends(b, x, "internet").Set, p.Set).Any(ends(b, x, "cluster").Set)
	require.Equal(b, model.Allowed, v)
}

// rivals take the same bytes to objects, and do nothing else.
type rivals map[string]func(b *testing.B)

// ratios runs podreach, from text to answer, and its rivals in turns on one core, and reports
// for each the processor time of podreach divided by its own: of each the
// lowest of the turns, for other programs share the machine. One of them is
// podreach's own decoder alone: what x-of-decoding exceeds 1 by is the snapshot, the
// index, the answer. Up to 1.25 that is at most a fifth of the whole.
func ratios(b *testing.B, own func(b *testing.B), rivals rivals) {
	b.Helper()
	const turns = 3
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	least := map[string]time.Duration{}
	measure := func(name string, f func(b *testing.B)) {
		runtime.GC()
		before := cpuTime(b)
		f(b)
		if t := cpuTime(b) - before; least[name] == 0 || t < least[name] {
			least[name] = t
		}
	}
	for range turns {
		measure("", own)
		for name, f := range rivals {
			measure(name, f)
		}
	}
	for name := range rivals {
		b.ReportMetric(float64(least[""])/float64(least[name]), "x-of-"+name)
	}
}

// cpuTime is what the process has used of the processors, the garbage
// collector's share included.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// minimal has the fields that an analysis needs of any object of the shapes.
type minimal struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name            string                    `json:"name"`
		Namespace       string                    `json:"namespace"`
		Labels          map[string]string         `json:"labels"`
		OwnerReferences []manifest.OwnerReference `json:"ownerReferences"`
	} `json:"metadata"`
	Spec struct {
		manifest.PodSpec
		networkingv1.NetworkPolicySpec
		Replicas *int32 `json:"replicas"`
		Template *struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec manifest.PodSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		manifest.PodStatus
		Addresses []manifest.NodeAddress `json:"addresses"`
	} `json:"status"`
}

// decoded reads objects and drops them.
func decoded(b *testing.B, text []byte) {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	var l dialect.Ledger
	n := 0
	for range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("bench", text)}, &l) {
		n++
	}
	require.Empty(b, l.Diagnostics)
	require.Equal(b, l.Objects, n)
}

// apiScheme knows the kinds of the shapes.
func apiScheme(b *testing.B) *k8sruntime.Scheme {
	b.Helper()
	s := k8sruntime.NewScheme()
	for _, add := range []func(*k8sruntime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, networkingv1.AddToScheme} {
		require.NoError(b, add(s))
	}
	return s
}

// BenchmarkReadJSON reads a List as kubectl prints it of a running cluster, up
// to the snapshot. Up to 10,000 pods it compares itself with what reads the
// same bytes: encoding/json into structs of as few fields, and apimachinery,
// which decodes the List and then each of its items, as kubectl does.
func BenchmarkReadJSON(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		text := dumpJSON(b, s, pods)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			read(b, manifest.Bytes("bench", text))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pods), "ns/pod")
		report(b, s, pods)
		if pods > k10 {
			return
		}
		decode := serializer.NewCodecFactory(apiScheme(b)).UniversalDeserializer()
		ratios(b, func(b *testing.B) { answered(b, text) }, rivals{
			"decoding": func(b *testing.B) { decoded(b, text) },
			"encoding/json": func(b *testing.B) {
				var list struct {
					Items []minimal `json:"items"`
				}
				require.NoError(b, json.Unmarshal(text, &list))
				require.Greater(b, len(list.Items), pods)
			},
			"apimachinery": func(b *testing.B) {
				o, _, err := decode.Decode(text, nil, nil)
				require.NoError(b, err)
				list := o.(*corev1.List)
				require.Greater(b, len(list.Items), pods)
				for i := range list.Items {
					list.Items[i].Object, _, err = decode.Decode(list.Items[i].Raw, nil, nil)
					require.NoError(b, err)
				}
			},
		})
	})
}

// BenchmarkReadYAML reads the same objects as YAML documents, beside
// sigs.k8s.io/yaml, which reads each into the type of the Kubernetes API that
// it is told.
func BenchmarkReadYAML(b *testing.B) {
	each(b, func(b *testing.B, s Shape, pods int) {
		var text bytes.Buffer
		dump(b, s, pods, &text, "", "---\n", "", yaml.Marshal)
		b.SetBytes(int64(text.Len()))
		b.ReportAllocs()
		for b.Loop() {
			read(b, manifest.Bytes("bench", text.Bytes()))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(pods), "ns/pod")
		report(b, s, pods)
		if pods > k1 {
			return
		}
		scheme := apiScheme(b)
		var kinds []k8sruntime.Object
		for o := range s.Objects(pods) {
			kinds = append(kinds, o.(k8sruntime.Object))
		}
		ratios(b, func(b *testing.B) { answered(b, text.Bytes()) }, rivals{
			"decoding": func(b *testing.B) { decoded(b, text.Bytes()) },
			"sigs.k8s.io/yaml": func(b *testing.B) {
				i := 0
				for document := range bytes.SplitSeq(text.Bytes(), []byte("---\n")) {
					o, err := scheme.New(kinds[i].GetObjectKind().GroupVersionKind())
					require.NoError(b, err)
					require.NoError(b, yaml.Unmarshal(document, o))
					require.Equal(b, kinds[i].(metav1.Object).GetName(), o.(metav1.Object).GetName())
					i++
				}
				require.Len(b, kinds, i)
			},
		})
	})
}
