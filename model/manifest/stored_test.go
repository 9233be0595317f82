package manifest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

func TestStored(t *testing.T) {
	const applied = `"annotations":{"x":"y","kubectl.kubernetes.io/last-applied-configuration":"{\"metadata\":{\"labels\":{\"a\":\"1\",\"b\":null},\"name\":\"n\"},\"spec\":{\"policyTypes\":[],\"env\":[{\"value\":\"hidden\"}]}}\n"}`
	for _, c := range []struct {
		metadata string
		want     *Stored
	}{
		{``, nil},
		{`,"uid":"","resourceVersion":null`, nil},
		{`,` + applied, &Stored{Labels: []string{"a", "b"}, PolicyTypes: true}}, // somebody took the rest away
		{`,"uid":"u"`, &Stored{}},
		{`,"resourceVersion":"7"`, &Stored{}},
		{`,"uid":"u",` + applied, &Stored{Labels: []string{"a", "b"}, PolicyTypes: true}},
		{`,` + applied + `,"uid":"u"`, &Stored{Labels: []string{"a", "b"}, PolicyTypes: true}},
		{`,"uid":"u","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"metadata\":{\"labels\":{\"a\":"}`, &Stored{Labels: []string{"a"}}},
		{`,"uid":"u","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"[7]"}`, &Stored{}},
		{`,"uid":"u","annotations":null`, &Stored{}},
	} {
		for _, kind := range []string{`"apiVersion":"v1","kind":"Namespace"`, `"apiVersion":"v1","kind":"Pod","spec":{}`, `"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","spec":{}`} {
			var l dialect.Ledger
			n := 0
			for o := range NewReader(Options{}).Read([]Input{Bytes("in", []byte(`{"metadata":{"name":"n"`+c.metadata+`},`+kind+`}`))}, &l) {
				n++
				require.Equal(t, c.want, o.Stored, "%s %s", kind, c.metadata)
			}
			require.Equal(t, 1, n)
			require.Empty(t, l.Diagnostics)
		}
	}
}

// TestStoredKeepsNoText reads an annotation, which holds what containers are
// given, and looks for that in what is kept of it.
func TestStoredKeepsNoText(t *testing.T) {
	a := lastApplied{}
	a.read(`{"spec":{"containers":[{"env":[{"name":"KEY","value":"hidden"}]}],"policyTypes":null},"metadata":{"labels":{"a":"1"}}}`)
	require.Equal(t, lastApplied{found: true, labels: []string{"a"}}, a)
	require.False(t, strings.Contains(a.labels[0], "hidden"))
}
