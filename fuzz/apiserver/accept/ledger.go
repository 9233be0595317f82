package accept

import (
	"maps"
	"regexp"
	"slices"

	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/model/dialect"
)

// Entry is a disagreement with the server that is meant. The example is one
// object; Ours says whether podreach accepts it, and the server does not, or
// the other way round.
type Entry struct {
	fuzz.Entry
	Complaint *regexp.Regexp // what the one that refuses the object says
	Code      dialect.Code   // podreach's diagnostic, if it has one
}

// Explain returns the IDs of the entries without which podreach and the server
// would agree, or nil when something remains that is not meant: each complaint
// of the one that refuses the object needs its entry.
func Explain(ledger []Entry, ours Reading, theirs Answer) []string {
	accepts, complaints := ours.Err == "", theirs.Complaints
	if !accepts {
		complaints = ours.Errors
	}
	ids := map[string]bool{}
	for _, c := range complaints {
		i := slices.IndexFunc(ledger, func(e Entry) bool {
			return e.Ours == accepts && e.Complaint.MatchString(c) && (e.Code == 0 || slices.Contains(ours.Codes, e.Code))
		})
		if i < 0 {
			return nil
		}
		ids[ledger[i].ID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// NetworkPolicies are the disagreements over NetworkPolicies.
var NetworkPolicies = []Entry{
	{fuzz.Entry{
		ID: "sloppy CIDR", Rule: "R43", Upstream: "pkg/apis/networking/validation/validation.go:252", Ours: true,
		Why: "new objects may not have it, stored ones may, and a snapshot cannot tell them apart",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 010.1.2.3/8, except: ["10.1.2.3/24"]}}]}]}
`,
	}, regexp.MustCompile(`^spec\..*(\.cidr|\.except\[\d+\]): .*must not have (an IPv4-mapped IPv6 address|leading 0s|bits set beyond the prefix length)`), dialect.CodeSloppyCIDR},
	{fuzz.Entry{
		ID: "status", Rule: "R116", Upstream: "staging/src/k8s.io/api/networking/v1/types.go:30", Ours: true,
		Why: "Kubernetes 1.24 to 1.27 wrote one, which says nothing about connections; dumps of them are read",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}}
status: {}
`,
	}, regexp.MustCompile(`^unknown field "status"$`), 0},
	notUTF8(`{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "x", "annotations": {"a": "` + "\xff" + `"}}, "spec": {}}`),
}

// notUTF8 is the same for all kinds.
func notUTF8(example string) Entry {
	return Entry{fuzz.Entry{
		ID: "not UTF-8", Rule: "R7", Upstream: "sigs.k8s.io/json internal/golang/encoding/json/decode.go, unquote",
		Why: "in JSON it reads U+FFFD instead, also for half a surrogate pair, and goes on", Example: example,
	}, regexp.MustCompile(`broken JSON: invalid (UTF-8|surrogate pair)`), dialect.CodeSyntax}
}

// AdminPolicies are the disagreements over admin policies. Upstream is in
// sigs.k8s.io/network-policy-api, v0.2.0 or v0.1.7.
var AdminPolicies = []Entry{
	{fuzz.Entry{
		ID: "named port beside addresses", Rule: "R101", Upstream: "config/crd/experimental/policy.networking.k8s.io_clusternetworkpolicies.yaml", Ours: true,
		Why: "a rule of the experimental channel alone; the standard one accepts such an object",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: p}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress: [{action: Deny, to: [{networks: [10.0.0.0/8]}], protocols: [{destinationNamedPort: http}]}]
`,
	}, regexp.MustCompile(`^spec\.egress\[\d+\]: Invalid value: networks/nodes(/domainNames)? peer cannot be set with namedPorts`), dialect.CodeExperimental},
	{fuzz.Entry{
		ID: "empty peer", Rule: "R103", Upstream: "apis/v1alpha2/clusternetworkpolicy_types.go:304", Ours: true,
		Why: "a peer without fields is what an older API server makes of a newer kind of peer; it fails closed",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: p}
spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{}]}]}
`,
	}, regexp.MustCompile(`^spec\.(in|e)gress\[\d+\]\.(from|to)\[\d+\]: .*should have at least 1 properties$`), dialect.CodeNotUnderstood},
	{fuzz.Entry{
		ID: "unknown peer", Rule: "R103", Upstream: "apis/v1alpha2/clusternetworkpolicy_types.go:304", Ours: true,
		Why: "a peer of a newer version fails closed",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: p}
spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Deny, to: [{galaxies: {}}]}]}
`,
	}, regexp.MustCompile(`^unknown field "spec\.(in|e)gress\[\d+\]\.(from|to)\[\d+\]\.[^"]*"$`), dialect.CodeNotUnderstood},
	{fuzz.Entry{
		ID: "empty port name", Rule: "R102", Upstream: "config/crd/experimental/policy.networking.k8s.io_adminnetworkpolicies.yaml", Ours: false,
		Why: "the definition forgets to ask for a letter; no container port has no name",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: p}
spec: {priority: 1, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}], ports: [{namedPort: ""}]}]}
`,
	}, regexp.MustCompile(`: the (name is empty; it must be that of a container port|entry has 0 of tcp, udp, sctp and destinationNamedPort; )`), dialect.CodeOneOf},
	notUTF8(`{"apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "BaselineAdminNetworkPolicy", "metadata": {"name": "default"},
		"spec": {"subject": {"namespaces": {"matchLabels": {"` + "\xff" + `": "a"}}}}}`),
}
