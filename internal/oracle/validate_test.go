package oracle

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRejected is R116 row by row: the policy is answered as absent (R115).
func TestRejected(t *testing.T) {
	for name, policy := range map[string]string{
		"name":                   `x/Upper {podSelector: {}}`,
		"namespace":              `UPPER/p {podSelector: {}}`,
		"protocol tcp":           in + `{ports: [{protocol: tcp}]}]}`,
		"protocol ICMP":          in + `{ports: [{protocol: ICMP}]}]}`,
		"protocol empty":         in + `{ports: [{protocol: ""}]}]}`,
		"port 0":                 in + `{ports: [{port: 0}]}]}`,
		"port 65536":             in + `{ports: [{port: 65536}]}]}`,
		"port -1":                in + `{ports: [{port: -1}]}]}`,
		"port name empty":        in + `{ports: [{port: ""}]}]}`,
		"port name digits":       in + `{ports: [{port: "80"}]}]}`,
		"port name case":         in + `{ports: [{port: HTTP}]}]}`,
		"port name _":            in + `{ports: [{port: my_port}]}]}`,
		"port name --":           in + `{ports: [{port: a--b}]}]}`,
		"port name edge":         in + `{ports: [{port: a-}]}]}`,
		"port name of 16":        in + `{ports: [{port: abcdefghijklmnop}]}]}`,
		"endPort alone":          in + `{ports: [{endPort: 90}]}]}`,
		"endPort with a name":    in + `{ports: [{port: http, endPort: 90}]}]}`,
		"endPort below":          in + `{ports: [{port: 80, endPort: 79}]}]}`,
		"endPort above":          in + `{ports: [{port: 80, endPort: 70000}]}]}`,
		"empty peer":             in + `{from: [{}]}]}`,
		"empty peer in egress":   eg + `{to: [{podSelector: {}}, {}]}]}`,
		"ipBlock and selector":   in + `{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}`,
		"cidr missing":           in + `{from: [{ipBlock: {}}]}]}`,
		"cidr without length":    in + `{from: [{ipBlock: {cidr: 10.1.0.2}}]}]}`,
		"cidr too long":          in + `{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}`,
		"except equal":           in + `{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}]}`,
		"except outside":         in + `{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}`,
		"except of other family": in + `{from: [{ipBlock: {cidr: 10.0.0.0/8, except: ["fd00::/8"]}}]}]}`,
		"except unparseable":     in + `{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [x]}}]}]}`,
		"except longer as IPv4":  in + `{from: [{ipBlock: {cidr: "::ffff:10.0.0.0/104", except: [10.1.0.0/16]}}]}]}`,
		"In without values":      in + `{from: [{podSelector: {matchExpressions: [{key: a, operator: In}]}}]}]}`,
		"Exists with values":     in + `{from: [{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}]}]}`,
		"operator":               `x {podSelector: {matchExpressions: [{key: a, operator: Gt, values: ["1"]}]}}`,
		"operator case":          in + `{from: [{namespaceSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}]}]}`,
		"label key":              `x {podSelector: {matchLabels: {"a b": c}}}`,
		"label value":            `x {podSelector: {matchLabels: {a: "b c"}}}`,
		"policyTypes value":      `x {podSelector: {}, policyTypes: [ingress]}`,
		"policyTypes of three":   `x {podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := scenario{policies: []string{policy}}.oracle(t)
			require.Len(t, o.Rejected(), 1)
			check(t, o, "xb>xa ALL")
			check(t, o, "xa>xb ALL")
		})
	}
}

// TestAcceptedAlthoughOdd is R117.
func TestAcceptedAlthoughOdd(t *testing.T) {
	for _, policy := range []string{
		in + `{from: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}, {port: 80}]}]}`,
		in + `{ports: [{port: 80, endPort: 80}]}], egress: [{}]}`,
		in + `{from: [{ipBlock: {cidr: 10.1.0.0/16, except: ["::ffff:10.1.0.0/112"]}}]}, {ports: [{port: 80}]}]}`,
	} {
		o := scenario{policies: []string{policy}}.oracle(t)
		require.Empty(t, o.Rejected())
		check(t, o, "xb>xa TCP 80")
	}
	o := scenario{policies: []string{in + `{ports: [{port: 1, endPort: 65535}]}]}`, `nowhere {podSelector: {matchLabels: {nobody: has}}}`}}.oracle(t)
	require.Empty(t, o.Rejected())
	check(t, o, "xb>xa TCP 1-65535")
}
