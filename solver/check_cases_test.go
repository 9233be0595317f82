package solver

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
)

// snapshotOf compiles manifests.
func snapshotOf(t *testing.T, yaml string) *engine.Index {
	t.Helper()
	state := cluster.New(cluster.Options{DefaultNamespace: "default", Profile: cluster.ProfileSpec})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("cluster.yaml", []byte(yaml))}, state.Ledger()) {
		state.Put(o)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	require.NoError(t, err)
	return x
}

// sideOf parses expressions.
func sideOf(t *testing.T, texts ...string) Side {
	t.Helper()
	var out Side
	for _, s := range texts {
		e, err := ParseExpr(s)
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func portsQuery(t *testing.T, text string) PortQuery {
	t.Helper()
	q, err := ParsePorts(text)
	require.NoError(t, err)
	return q
}

func checkAlone(x *engine.Index, a Assertion) Result {
	for r := range Check(x, []Assertion{a}) {
		return r
	}
	return Result{}
}

const checkCluster = `
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: one, labels: {app: a}}
status: {podIPs: [{ip: 10.1.0.1}, {ip: "fd00::1"}], podIP: 10.1.0.1, phase: Running}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: one, labels: {app: b}}
status: {podIPs: [{ip: 10.1.0.2}, {ip: "fd00::2"}], podIP: 10.1.0.2, phase: Running}
spec: {nodeName: n1, containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: one, labels: {app: host}}
status: {podIP: 192.168.0.1, hostIP: 192.168.0.1, phase: Running}
spec: {nodeName: n1, hostNetwork: true, containers: [{name: c}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
status: {podIP: 10.1.0.9, phase: Running}
spec: {nodeName: n1, containers: [{name: c}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: one}
spec:
  podSelector: {matchLabels: {app: a}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{ipBlock: {cidr: 10.1.0.2/32}}], ports: [{port: 80}]}]
  egress:
  - {to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: one}
spec:
  podSelector: {matchLabels: {app: b}}
  policyTypes: [Egress]
  egress: [{}]
`

// Who is not isolated, and by what: nothing, a policy that allows everything, or
// the host network.
func TestCheckCovered(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	r := checkAlone(x, Assertion{Expect: Covered, From: sideOf(t, "one:"), Directions: [model.NumDirections]bool{model.Ingress: true, model.Egress: true}})
	require.Equal(t, No, r.Truth)
	require.Equal(t, [3]int{6, 4, 0}, [3]int{r.Total, r.Violating, r.MaybeViolating})
	said := map[string][]int{}
	for _, g := range r.Groups {
		said[g.From+" "+g.Direction.String()] = g.Blame(x).Rules[g.Direction]
	}
	require.Len(t, said, 4)
	require.Equal(t, []int{engine.DefaultAllow}, said["one/pod/b ingress"])
	require.Nil(t, said["one/pod/host egress"])
	require.Contains(t, said, "one/pod/host ingress")
	opens := said["one/pod/b egress"]
	require.Len(t, opens, 1)
	require.Equal(t, "open", x.Snapshot().Rules[opens[0]].Object.Name, "a policy that allows everything isolates nothing")

	r = checkAlone(x, Assertion{Expect: Covered, From: sideOf(t, "one:"), Directions: [model.NumDirections]bool{model.Egress: true},
		Except: []Exception{{From: sideOf(t, "one/host", "one/b")}}})
	require.Equal(t, Yes, r.Truth)
	require.Equal(t, 1, r.Total)
}

// Pods in the scope of a policy that is not modelled are uncertain.
func TestCheckCoveredUncertain(t *testing.T) {
	x := snapshotOf(t, checkCluster+`---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: kube-system}
spec: {endpointSelector: {}}
`)
	a := Assertion{Expect: Covered, From: sideOf(t, "kube-system:"), Directions: [model.NumDirections]bool{model.Ingress: true}}
	r := checkAlone(x, a)
	require.Equal(t, Uncertain, r.Truth)
	require.Equal(t, [3]int{1, 0, 1}, [3]int{r.Total, r.Violating, r.MaybeViolating})
	require.NotEmpty(t, r.Groups[0].Blame(x).Reason)
}

// isolatedBy is isolation from the rules themselves.
func isolatedBy(x *engine.Index, e engine.EndpointID, d model.Direction) Truth {
	s := x.Snapshot()
	p := &s.Pods[e]
	if p.HostNetwork {
		return No
	}
	ns := slices.IndexFunc(s.Namespaces, func(n model.Namespace) bool { return n.Name == p.Namespace })
	var rules []model.Rule
	for _, r := range s.Rules {
		in := r.Subject.Namespace == p.Namespace || r.Subject.Namespace == "" && r.Subject.Namespaces.Matches(s.Namespaces[ns].Labels)
		if r.Direction == d && in && r.Subject.Pods.Matches(p.Labels) && r.Peer.Any && r.Ports.All {
			rules = append(rules, r)
		}
	}
	slices.SortStableFunc(rules, func(a, b model.Rule) int { return a.Rank.Compare(b.Rank) })
	decide := func(best bool) bool { // whether it is isolated, in the best or worst case for connections
		passed := map[model.Tier]bool{}
		for _, r := range rules {
			if passed[r.Rank.Tier] || r.Action == model.MayAllow && !best {
				continue
			}
			switch r.Action.As(best) {
			case model.Allow:
				return false
			case model.Deny:
				return true
			case model.Pass:
				passed[r.Rank.Tier] = true
			}
		}
		return false
	}
	best, worst := decide(true), decide(false)
	switch {
	case best && worst:
		return Yes
	case best || worst:
		return Uncertain
	}
	return No
}

// TestCheckCoveredPodByPod compares coverage, and what of DNS, with every pod
// looked at by itself.
func TestCheckCoveredPodByPod(t *testing.T) {
	truths := map[Truth]int{}
	for seed := range uint64(150) {
		x, c := generated(t, seed)
		for d := range model.Direction(model.NumDirections) {
			total, certain, maybe := 0, 0, 0
			for e := range x.AllPods().All() {
				total++
				truth := isolatedBy(x, e, d)
				truths[truth]++
				switch truth {
				case No:
					certain++
				case Uncertain:
					maybe++
				}
				got, _ := isolation(x, e, d)
				if got != truth && (got != Uncertain || truth != No) { // it may not be sure of what is tied
					require.Equal(t, truth, got, "%s %v\n%s", EndpointName(x, e), d, c.YAML())
				}
			}
			a := Assertion{Expect: Covered, AllowEmpty: true}
			a.Directions[d] = true
			r := checkAlone(x, a)
			require.Equal(t, total, r.Total)
			if r.Violating+r.MaybeViolating != certain+maybe {
				require.Equal(t, certain+maybe, r.Violating+r.MaybeViolating, "seed %d %v\n%s", seed, d, c.YAML())
			}
		}
	}
	for truth, least := range map[Truth]int{Yes: 250, No: 250, Uncertain: 0} { // see TestCheckCoveredUncertain
		require.GreaterOrEqual(t, truths[truth], least, "%v", truths)
	}
}

func TestCheckDNS(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	r := checkAlone(x, Assertion{Expect: DNS})
	require.Equal(t, No, r.Truth)
	require.Equal(t, 2, r.Total, "a and b: nothing restricts the host, and dns is what is asked for")
	require.Equal(t, 1, r.Violating, "b may do everything, a lacks TCP")
	require.Equal(t, "TCP 53", r.Ports.String())
	require.Len(t, r.Groups, 1)
	b := r.Groups[0].Blame(x)
	require.False(t, b.Opens)
	require.Len(t, b.Rules[model.Egress], 1)
	require.Equal(t, "deny", x.Snapshot().Rules[b.Rules[model.Egress][0]].Object.Name)

	r = checkAlone(x, Assertion{Expect: DNS, To: sideOf(t, "kube-system:k8s-app=kube-dn")})
	require.Equal(t, No, r.Truth)
	require.Len(t, r.Empty, 1)
	require.Equal(t, "kube-system:k8s-app=kube-dns", r.Empty[0].Suggestion)
	require.Equal(t, Yes, checkAlone(x, Assertion{Expect: DNS, From: sideOf(t, "one/b")}).Truth)
}

// An address stands for the pod at that address only: b reaches a over IPv4,
// and the policy refuses its other address.
func TestCheckOnlyDualStack(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	only := func(from ...string) Result {
		return checkAlone(x, Assertion{Expect: Only, From: sideOf(t, from...), To: sideOf(t, "one/a")})
	}
	require.Equal(t, Yes, only("10.1.0.2").Truth)
	require.Equal(t, Yes, only("one/b").Truth)
	require.Equal(t, Yes, only("10.1.0.0/24").Truth)
	r := only("fd00::2")
	require.Equal(t, No, r.Truth)
	require.Equal(t, "one/pod/b", r.Groups[0].From)
	require.Equal(t, engine.Only(model.IPv4), r.Groups[0].Samples[0].Witness.Flow.Family)
	r = checkAlone(x, Assertion{Expect: Only, From: sideOf(t, "one/b"), To: sideOf(t, "one/b")})
	require.Equal(t, No, r.Truth)
	var who []string
	for _, g := range r.Groups {
		who = append(who, g.From)
	}
	require.Equal(t, []string{"external", "kube-system/pod/dns", "nodes", "one/pod/a", "one/pod/host"}, who)
}

// Waivers accept pairs; an expired one nothing.
func TestCheckWaivers(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	a := Assertion{Expect: Isolated, From: sideOf(t, "one/a", "one/b"), To: sideOf(t, "kube-system:"), Waivers: []Waiver{
		{From: sideOf(t, "one/b"), Owner: "b"},
		{To: sideOf(t, "one:"), Owner: "idle"},
		{Owner: "old", Expired: true},
		{From: sideOf(t, "one/nobody"), Owner: "nobody"},
	}}
	r := checkAlone(x, a)
	require.Equal(t, No, r.Truth)
	require.Equal(t, []WaiverUse{WaiverUsed, WaiverIdle, WaiverExpired, WaiverIdle}, r.Waivers)
	require.Equal(t, 1, r.Violating)
	require.Equal(t, "one/pod/a", r.Groups[0].From)
	require.Len(t, r.Waived, 1)
	require.Equal(t, "one/pod/b", r.Waived[0].From)
	require.Zero(t, r.Waived[0].Waiver)

	a.Waivers = []Waiver{{}}
	r = checkAlone(x, a)
	require.Equal(t, Yes, r.Truth)
	require.Len(t, r.Waived, 2)
	r = checkAlone(x, Assertion{Expect: Exists, From: sideOf(t, "one/a"), To: sideOf(t, "internet"), Waivers: []Waiver{{}}})
	require.Equal(t, Yes, r.Truth)
	require.Len(t, r.Waived, 1)
	require.Empty(t, r.Groups)
	r = checkAlone(x, Assertion{Expect: Covered, From: sideOf(t, "one/b"), Directions: [model.NumDirections]bool{model.Ingress: true}, Waivers: []Waiver{{From: sideOf(t, "one:")}}})
	require.Equal(t, Yes, r.Truth)
	require.Equal(t, []WaiverUse{WaiverUsed}, r.Waivers)
}

// Port names: what nobody has fails, and what is not known is uncertain.
func TestCheckPortNames(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	check := func(x *engine.Index, e Expect, to, ports string) Result {
		return checkAlone(x, Assertion{Expect: e, From: sideOf(t, "one/b"), To: sideOf(t, to), Ports: portsQuery(t, ports)})
	}
	require.Equal(t, Yes, check(x, Reachable, "one/a", "http").Truth)
	r := check(x, Isolated, "one/a", "htpp")
	require.Equal(t, No, r.Truth)
	require.Equal(t, "htpp", r.Empty[0].Expr.Text)
	r = checkAlone(x, Assertion{Expect: Reachable, From: sideOf(t, "one/b"), To: sideOf(t, "one/a", "kube-system/dns"), Ports: portsQuery(t, "http")})
	require.Equal(t, No, r.Truth)
	require.Equal(t, 1, r.Violating)
	require.Equal(t, []string{"http"}, r.Groups[0].Samples[0].Lacks)

	s := *x.Snapshot()
	s.Pods = slices.Clone(s.Pods)
	for i := range s.Pods {
		s.Pods[i].PortsUnknown = s.Pods[i].Name == "dns"
	}
	unknown, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	require.Equal(t, Uncertain, check(unknown, Isolated, "kube-system/dns", "http").Truth, "the name may stand for any port")
	require.Equal(t, Uncertain, check(unknown, Reachable, "kube-system/dns", "http").Truth, "every port is open, but the name may stand for none")
	require.Equal(t, Uncertain, check(unknown, Exists, "kube-system/dns", "http").Truth)
}

// The address that x and y have may mean either (R62).
func TestCheckContested(t *testing.T) {
	x := snapshotOf(t, checkCluster+`---
apiVersion: v1
kind: Pod
metadata: {name: x, namespace: two, labels: {app: x}}
status: {podIP: 10.1.0.7, phase: Running}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: "y", namespace: two, labels: {app: "y"}}
status: {podIP: 10.1.0.7, phase: Running}
spec: {containers: [{name: c}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: two}
spec: {podSelector: {matchLabels: {app: x}}, ingress: [{ports: [{port: 80}]}]}
`)
	check := func(e Expect, from, to, ports string) Truth {
		return checkAlone(x, Assertion{Expect: e, From: sideOf(t, from), To: sideOf(t, to), Ports: portsQuery(t, ports)}).Truth
	}
	require.Equal(t, No, check(Isolated, "one/b", "10.1.0.7", "80"))
	require.Equal(t, Uncertain, check(Isolated, "one/b", "10.1.0.7", "443"))
	require.Equal(t, Uncertain, check(Reachable, "one/b", "10.1.0.7", "443"))
	require.Equal(t, Yes, check(Reachable, "one/b", "10.1.0.7", "80"))
	require.Equal(t, Uncertain, check(Exists, "one/b", "10.1.0.7", "443"))
	require.Equal(t, No, check(Isolated, "10.1.0.7", "10.1.0.7", "443"), "one address is one pod, and reaches itself")
	require.Equal(t, Uncertain, check(Isolated, "two:", "10.1.0.7", "443"), "another than itself: y to x is closed, x to y is open")
	require.Equal(t, Yes, check(Isolated, "10.1.0.7", "one/a", ""), "whichever it is")
	a := Assertion{Expect: Isolated, From: sideOf(t, "one/b"), To: sideOf(t, "two:"), Ports: portsQuery(t, "443"), Except: []Exception{{To: sideOf(t, "10.1.0.7")}}}
	require.Equal(t, Uncertain, checkAlone(x, a).Truth, "the exception is of x or of y")
}

// One pod of a workload stands for two; one that is named is itself (R50).
func TestCheckOnePod(t *testing.T) {
	x := snapshotOf(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: one}
spec: {template: {metadata: {labels: {app: d}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: one}
spec: {podSelector: {}}
`)
	check := func(from, to string) Result {
		return checkAlone(x, Assertion{Expect: Isolated, From: sideOf(t, from), To: sideOf(t, to)})
	}
	require.Equal(t, Yes, check("one/deployment/d", "one/d").Truth)
	r := check("one:", "one:")
	require.Equal(t, Yes, r.Truth)
	require.Zero(t, r.Total)
}

func TestCheckOrderAndEmpty(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	a := []Assertion{
		{ID: "1", Expect: Isolated, From: sideOf(t, "on:"), To: sideOf(t, "internet")},
		{ID: "2", Expect: Isolated, From: sideOf(t, "on:"), To: sideOf(t, "internet"), AllowEmpty: true},
		{ID: "3", Expect: Exists, From: sideOf(t, "on:"), To: sideOf(t, "internet"), AllowEmpty: true},
		{ID: "4", Expect: Isolated, From: sideOf(t, "one/a"), To: sideOf(t, "internet"), Except: []Exception{{To: sideOf(t, "two:")}}},
	}
	var truths []Truth
	for r := range Check(x, a) {
		truths = append(truths, r.Truth)
		require.Same(t, &a[len(truths)-1], r.Assertion)
	}
	require.Equal(t, []Truth{No, Yes, No, No}, truths)
	for r := range Check(x, a) {
		require.Equal(t, "one:", r.Empty[0].Suggestion)
		break
	}
}

// A host that a label selects counts as if it were on another node (R52): what
// stops it there is told, and why it is asked about there.
func TestBlameOfAHostThatIsNotNamed(t *testing.T) {
	x := snapshotOf(t, `apiVersion: v1
kind: Pod
metadata: {name: host, namespace: one, labels: {app: a}}
spec: {hostNetwork: true, containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: one, labels: {app: db}}
spec: {containers: [{name: c}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: inside, namespace: one}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}
`)
	r := checkAlone(x, Assertion{Expect: Reachable, From: sideOf(t, "one:app=a"), To: sideOf(t, "one/db"), Ports: portsQuery(t, "5432")})
	require.Equal(t, No, r.Truth)
	b := r.Groups[0].Blame(x)
	require.True(t, b.OtherNode)
	require.False(t, b.NoFamily)
	require.Len(t, b.Rules[model.Ingress], 1)
	require.Equal(t, "inside", x.Snapshot().Rules[b.Rules[model.Ingress][0]].Object.Name)
	require.Equal(t, Uncertain, checkAlone(x, Assertion{Expect: Reachable, From: sideOf(t, "one/host"), To: sideOf(t, "one/db"), Ports: portsQuery(t, "5432")}).Truth)
}

// What violates an assertion does not hide behind an expression that selects
// nothing, nor an expired waiver.
func TestCheckEmptyAndMore(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	a := Assertion{Expect: Isolated, From: sideOf(t, "one/b"), To: sideOf(t, "one/a"), Ports: portsQuery(t, "80"),
		Except: []Exception{{From: sideOf(t, "one/gone")}}, Waivers: []Waiver{{Expired: true}}}
	r := checkAlone(x, a)
	require.Equal(t, No, r.Truth)
	require.Len(t, r.Empty, 1)
	require.Equal(t, checkAlone(x, Assertion{Expect: Isolated, From: a.From, To: a.To, Ports: a.Ports}).Groups, r.Groups)
	require.NotEmpty(t, r.Groups)
	require.Equal(t, []WaiverUse{WaiverExpired}, r.Waivers)

	a.From = sideOf(t, "one/gone")
	r = checkAlone(x, a)
	require.Equal(t, No, r.Truth)
	require.Empty(t, r.Groups)
	require.Equal(t, []WaiverUse{WaiverExpired}, r.Waivers)
}

// No connection is between two outside addresses (R114): an assertion about
// such would always hold.
func TestCheckOutsideOnly(t *testing.T) {
	x := snapshotOf(t, checkCluster)
	for _, e := range []Expect{Isolated, Reachable, Exists} {
		r := checkAlone(x, Assertion{Expect: e, From: sideOf(t, "8.8.8.8", "private"), To: sideOf(t, "internet")})
		require.Equal(t, No, r.Truth, e)
		require.Len(t, r.Empty, 1, e)
		require.Contains(t, r.Empty[0].Error(), "R114")
	}
	require.Empty(t, checkAlone(x, Assertion{Expect: Only, From: sideOf(t, "cluster", "nodes"), To: sideOf(t, "internet")}).Empty)
}

// Two waivers that accept nothing alone, each in one family, may do so together.
func TestCheckWaiversTogether(t *testing.T) {
	x := snapshotOf(t, checkCluster+`---
apiVersion: v1
kind: Pod
metadata: {name: c, namespace: one, labels: {app: c}}
status: {podIPs: [{ip: 10.1.0.3}, {ip: "fd00::3"}], podIP: 10.1.0.3, phase: Running}
spec: {containers: [{name: c}]}
`)
	a := Assertion{Expect: Isolated, From: sideOf(t, "one/b"), To: sideOf(t, "one/c"), Ports: portsQuery(t, "80"), Waivers: []Waiver{
		{To: sideOf(t, "10.1.0.0/16")}, {To: sideOf(t, "fd00::/16")}, {To: sideOf(t, "10.9.0.0/16")},
	}}
	r := checkAlone(x, a)
	require.Equal(t, Yes, r.Truth)
	require.Len(t, r.Waived, 1)
	require.Equal(t, []WaiverUse{WaiverUsed, WaiverUsed, WaiverIdle}, r.Waivers)
	a.Waivers = a.Waivers[1:]
	require.Equal(t, No, checkAlone(x, a).Truth)
}
