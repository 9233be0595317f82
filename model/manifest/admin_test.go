package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha1"
	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

func readAdmin(t *testing.T, text string) (any, *dialect.Ledger) {
	t.Helper()
	l := &dialect.Ledger{}
	var out []manifest.Object
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("a.yaml", []byte(text))}, l) {
		out = append(out, o)
	}
	require.Len(t, out, 1)
	return out[0].Value, l
}

func TestAdminPoliciesAreDecoded(t *testing.T) {
	v, l := readAdmin(t, `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: a}
status: {whatever: 1}
spec:
  priority: 0
  subject: {namespaces: {}, pods: null}
  egress: [{action: Allow, to: [{domainNames: [example.com]}], ports: [{portNumber: {port: 53}}]}]
`)
	require.Empty(t, l.Diagnostics)
	anp := v.(*v1alpha1.AdminNetworkPolicy)
	require.Equal(t, "a", anp.Name)
	require.Nil(t, anp.Spec.Subject.Pods)
	require.EqualValues(t, "example.com", anp.Spec.Egress[0].To[0].DomainNames[0])
	require.Nil(t, anp.Spec.Ingress)

	v, l = readAdmin(t, `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {generateName: c-}
spec: {tier: Admin, priority: 1, subject: {pods: {podSelector: {matchLabels: {a: null, b: c}}}}}
`)
	require.Empty(t, l.Diagnostics)
	cnp := v.(*v1alpha2.ClusterNetworkPolicy)
	require.Equal(t, "c-*", cnp.Name)
	require.Equal(t, map[string]string{"b": "c"}, cnp.Spec.Subject.Pods.PodSelector.MatchLabels, "a field that is null is not there")

	v, l = readAdmin(t, `apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{serviceAccounts: {}}, {}, {namespaces: null, future: 1}]}]}
`)
	require.Empty(t, l.Diagnostics, "what a peer without known fields means is not for the reader to say (R103)")
	require.Equal(t, make([]v1alpha1.AdminNetworkPolicyIngressPeer, 3), v.(*v1alpha1.BaselineAdminNetworkPolicy).Spec.Ingress[0].From)
}

func TestAdminPoliciesAreRefused(t *testing.T) {
	const head = "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: a}\n"
	for spec, want := range map[string]struct {
		code dialect.Code
		path string
	}{
		"spec: {subject: {namespaces: {}}}":                                                                              {dialect.CodeMissingField, "spec.priority"},
		"spec: {priority: null, subject: {namespaces: {}}}":                                                              {dialect.CodeMissingField, "spec.priority"},
		"spec: {priority: 1, subject: {pods: {podSelector: {}}}}":                                                        {dialect.CodeMissingField, "spec.subject.pods.namespaceSelector"},
		"spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny}]}":                                      {dialect.CodeMissingField, "spec.ingress[0].from"},
		"spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [null]}]}":                        {dialect.CodeWrongType, "spec.ingress[0].from[0]"},
		"spec: {priority: 1.5, subject: {namespaces: {}}}":                                                               {dialect.CodeWrongType, "spec.priority"},
		"spec: {priority: 1, subject: {namespaces: {}}, tier: Admin}":                                                    {dialect.CodeUnknownField, "spec.tier"},
		"spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}, future: 1}]}]}": {dialect.CodeUnknownField, "spec.ingress[0].from[0].future"},
		"spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}], ports: [{portRange: {start: 1}}]}]}": {
			dialect.CodeMissingField, "spec.ingress[0].ports[0].portRange.end"},
		"spec: {priority: 1, priority: 2, subject: {namespaces: {}}}": {dialect.CodeDuplicateKey, "spec.priority"},
	} {
		v, l := readAdmin(t, head+spec)
		require.Len(t, l.Diagnostics, 1, spec)
		require.Equal(t, want.code, l.Diagnostics[0].Code, spec)
		if want.code != dialect.CodeMissingField { // the position is that of the mapping
			require.Equal(t, want.path, l.Diagnostics[0].Origin.Path, spec)
		}
		require.Contains(t, l.Diagnostics[0].Message, lastField(want.path), spec)
		rejected := v.(*manifest.Rejected)
		require.NotNil(t, rejected.Subject, spec)
		if rejected.Subject.Pods == nil {
			require.Equal(t, &metav1.LabelSelector{}, rejected.Subject.Namespaces, spec)
		}
	}
	v, l := readAdmin(t, head+"spec: null\n")
	require.Len(t, l.Diagnostics, 1)
	require.Equal(t, dialect.CodeMissingField, l.Diagnostics[0].Code)
	require.Equal(t, &manifest.Rejected{}, v)
}

func lastField(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[i+1:]
		}
	}
	return path
}
