package manifest

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

const livePolicies = `{"apiVersion": "v1", "items": [
  {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a", "namespace": "ml"}, "spec": {"podSelector": {}}},
  {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "b", "namespace": "ml"}, "spec": {"podSelector": {}, "newField": 1}}
], "kind": "List", "metadata": {"resourceVersion": ""}}
`

// livePolicyInput is an input that may be opened once.
func livePolicyInput(t *testing.T, stream io.Reader) Input {
	opened := false
	return LiveInput("networkpolicies.networking.k8s.io", Live{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}, func() (io.ReadCloser, error) {
		require.False(t, opened, "it is opened once")
		opened = true
		return io.NopCloser(stream), nil
	})
}

func TestLive(t *testing.T) {
	r := readInputs(Options{}, livePolicyInput(t, strings.NewReader(livePolicies)))
	require.Len(t, r.objects, 2)
	for _, o := range r.objects {
		require.True(t, o.Live)
		require.Equal(t, model.Origin{File: "live:NetworkPolicy/ml/" + o.Name}, o.Origin)
	}
	// A policy with a field that this version does not know is said at its
	// place.
	require.IsType(t, &Rejected{}, r.objects[1].Value)
	require.Len(t, r.ledger.Diagnostics, 1)
	d := r.ledger.Diagnostics[0]
	require.Equal(t, dialect.CodeUnknownField, d.Code)
	require.Equal(t, "live:NetworkPolicy/ml/b:spec.newField", r.reader.Locate(d.Origin).String())
	require.Equal(t, 2, r.ledger.Objects)

	// A kind without objects is nothing to speak of.
	r = readInputs(Options{}, livePolicyInput(t, strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": []}`)), Bytes("x.yaml", []byte(pod)))
	require.Empty(t, r.ledger.Diagnostics)
	require.Len(t, r.objects, 1)
}

// Whatever ends a list before its end, or is none, is a kind that was not read.
func TestLiveUnread(t *testing.T) {
	gone := errors.New("the server is gone")
	forbidden := `{"apiVersion": "v1", "items": [], "kind": "List"}` // what kubectl prints then
	for _, c := range []struct {
		name    string
		stream  io.Reader
		objects int // that are read all the same
		message string
	}{
		{"nothing", strings.NewReader(""), 0, "NetworkPolicy objects cannot be read: what kubectl printed is not one list of objects"},
		{"error", iotest.ErrReader(gone), 0, "NetworkPolicy objects cannot be read: the server is gone"},
		{"error behind a list", io.MultiReader(strings.NewReader(forbidden), iotest.ErrReader(gone)), 0, "NetworkPolicy objects cannot be read: the server is gone"},
		{"error behind objects", io.MultiReader(strings.NewReader(livePolicies), iotest.ErrReader(gone)), 2, "NetworkPolicy objects cannot be read to the end, only the first 2: the server is gone"},
		{"error in the middle", io.MultiReader(strings.NewReader(livePolicies[:250]), iotest.ErrReader(gone)), 1, "NetworkPolicy objects cannot be read to the end, only the first 1: the server is gone"},
		{"cut between members", strings.NewReader(livePolicies[:strings.Index(livePolicies, `"b"`)-75]), 1, "NetworkPolicy objects cannot be read to the end, only the first 1: the list ends in the middle"},
		{"cut in a member", strings.NewReader(livePolicies[:230]), 1, "NetworkPolicy objects cannot be read to the end, only the first 1: the list ends in the middle"},
		{"cut before the end", strings.NewReader(strings.TrimRight(livePolicies, "}\n")), 2, "NetworkPolicy objects cannot be read to the end, only the first 2: the list ends in the middle"},
		{"not a list", strings.NewReader(`{"kind": "Status", "apiVersion": "v1"}`), 0, "what kubectl printed is not one list of objects"},
		{"two lists", strings.NewReader(forbidden + forbidden), 0, "NetworkPolicy objects cannot be read: what kubectl printed is not one list of objects"},
		{"text", strings.NewReader("kind: List\nitems: []\n"), 0, "NetworkPolicy objects cannot be read: what kubectl printed is broken JSON: invalid character 'k' at start of value"},
		{"odd member", strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": [1]}`), 0, "NetworkPolicy objects cannot be read: what kubectl printed is not one list of objects"},
		{"untyped member", strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]}`), 0, "NetworkPolicy objects cannot be read: what kubectl printed is not one list of objects"},
		{"array", strings.NewReader("[]"), 0, "NetworkPolicy objects cannot be read: what kubectl printed is not one list of objects"},
		{"another kind", strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}]}`), 0, "NetworkPolicy objects cannot be read: what kubectl printed has a ConfigMap (v1) in it"},
		{"another group", strings.NewReader(strings.ReplaceAll(livePolicies, "networking.k8s.io/v1", "crd.projectcalico.org/v1")), 0, "NetworkPolicy objects cannot be read: what kubectl printed has a NetworkPolicy (crd.projectcalico.org/v1) in it"},
		{"compressed", strings.NewReader("\x1f\x8b\x08"), 0, "NetworkPolicy objects cannot be read: what kubectl printed is broken JSON"},
		{"large", strings.NewReader(`{"kind": "List", "apiVersion": "v1", "items": [{"a": "` + strings.Repeat("x", 3000) + `"}]}`), 0, "NetworkPolicy objects cannot be read: a JSON value is larger than 2 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := readInputs(Options{Limits: Limits{Document: 2 << 10}}, livePolicyInput(t, c.stream), Bytes("x.yaml", []byte(pod)))
			require.Len(t, r.objects, c.objects+2, "%v", r.ledger.Diagnostics)
			last := r.objects[c.objects]
			require.Equal(t, Object{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy", Live: true, Origin: model.Origin{File: "live:networkpolicies.networking.k8s.io"},
				Value: &Broken{Kind: "NetworkPolicy", Policy: true, Unread: true}}, last)
			require.IsType(t, &Pod{}, r.objects[c.objects+1].Value, "other inputs count")
			d := r.ledger.Diagnostics[len(r.ledger.Diagnostics)-1]
			require.Equal(t, dialect.CodeUnread, d.Code)
			require.Contains(t, d.Message, c.message)
			require.Equal(t, "live:networkpolicies.networking.k8s.io", r.reader.Locate(d.Origin).String())
			require.Equal(t, dialect.Warning, d.Severity())
		})
	}
}
