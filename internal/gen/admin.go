package gen

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// adminKind is what the kinds of admin policies differ in.
type adminKind struct {
	version, kind string
	baseline      bool // by its kind
	tiers         bool // by spec.tier
	feature       Feature
}

var (
	adminNetworkPolicy         = adminKind{version: "v1alpha1", kind: "AdminNetworkPolicy", feature: AdminNetworkPolicy}
	baselineAdminNetworkPolicy = adminKind{version: "v1alpha1", kind: "BaselineAdminNetworkPolicy", baseline: true, feature: BaselineAdminNetworkPolicy}
	clusterNetworkPolicy       = adminKind{version: "v1alpha2", kind: "ClusterNetworkPolicy", tiers: true, feature: ClusterNetworkPolicy}
)

// allow is the word of the version for what is let through (R91).
func (k adminKind) allow() string { return either(k.version == "v1alpha1", "Allow", "Accept") }

// ports is the name of the field.
func (k adminKind) ports() string { return either(k.version == "v1alpha1", "ports", "protocols") }

func (k adminKind) namedPort() string {
	return either(k.version == "v1alpha1", "namedPort", "destinationNamedPort")
}

// limit is how many rules, peers and ports there may be (R104).
func (k adminKind) limit() int { return either(k.version == "v1alpha1", 100, 25) }

// adminPolicies makes admin policies (R86-R108); in the profiles of products of
// the version alone that is current, but for what Cilium ignores. It comes after the rest of the cluster,
// and labels the nodes.
func (g *generator) adminPolicies() {
	if !g.pct(pctAdmin) {
		return
	}
	product := g.c.Profile != "" && g.c.Profile != "spec"
	for i := range g.c.Nodes {
		if l := g.labels(pctNodeLabel); l != nil {
			g.hit(NodeWithLabels)
			g.c.Nodes[i].Labels = l
		}
	}
	first := !product && g.pct(50)
	mixed := g.c.Profile != "calico" && !g.o.Valid && g.pct(pctAdminMixed)
	priorities := map[string]bool{}
	baseline := false
	for range g.between(1, maxAdmin) {
		k := clusterNetworkPolicy
		if mixed && g.pct(50) || !mixed && first {
			k = either(!baseline && g.pct(30), baselineAdminNetworkPolicy, adminNetworkPolicy)
		}
		baseline = baseline || k.baseline
		p := g.adminPolicy(k)
		if id := fmt.Sprint(p["spec"].(tree)["tier"], p["spec"].(tree)["priority"]); !k.baseline && priorities[id] {
			g.hit(AdminTie)
		} else {
			priorities[id] = true
		}
		if !g.o.Valid && g.pct(pctAdminRejected) {
			g.spoilAdmin(k, p)
		}
		g.c.Admin = append(g.c.Admin, p)
	}
	versions := map[any]bool{}
	for _, p := range g.c.Admin {
		versions[p["apiVersion"]] = true
	}
	if len(versions) > 1 {
		g.hit(AdminMixed)
	}
	if n := len(g.c.Pods); n > 0 && g.c.Features[AdminPeerDomains] > 0 && g.pct(60) {
		g.hit(AdminDomainsNearDNS)
		p := &g.c.Pods[g.r.IntN(n)]
		p.Labels = maps.Clone(p.Labels)
		if p.Labels == nil {
			p.Labels = map[string]string{}
		}
		p.Labels["k8s-app"] = "kube-dns"
	}
}

func (g *generator) adminPolicy(k adminKind) tree {
	g.hit(k.feature)
	g.named++
	meta := tree{"name": fmt.Sprintf("admin-%d", g.named)}
	if k.baseline {
		meta["name"] = "default"
	}
	if g.pct(6) {
		g.hit(AdminNamespaceWritten)
		meta["namespace"] = pick(g, namespaceNames)
	}
	spec := tree{"subject": g.adminSubject(k)}
	if k.tiers {
		spec["tier"] = "Admin"
		if g.pct(40) {
			g.hit(AdminTierBaseline)
			spec["tier"] = "Baseline"
		}
	}
	if !k.baseline {
		spec["priority"] = pick(g, adminPriorities)
	}
	for _, direction := range []string{"ingress", "egress"} {
		var rules []any
		if !g.pct(pctAdminNoRules) {
			for range g.between(1, maxAdminRules) {
				rules = append(rules, g.adminRule(k, direction))
			}
			if g.pct(2) {
				g.hit(AdminRulesAtLimit)
				for len(rules) < k.limit() {
					rules = append(rules, tree{"action": "Deny", peersOf(direction): []any{tree{"namespaces": tree{"matchLabels": tree{absentKey: "a"}}}}})
				}
			}
		}
		switch {
		case rules != nil:
			spec[direction] = rules
		case g.pct(40):
			f := pick(g, []Feature{AdminRulesEmpty, AdminRulesNull})
			g.hit(f)
			spec[direction] = either(f == AdminRulesEmpty, any([]any{}), nil)
		}
	}
	return tree{"apiVersion": "policy.networking.k8s.io/" + k.version, "kind": k.kind, "metadata": meta, "spec": spec}
}

func peersOf(direction string) string { return either(direction == "ingress", "from", "to") }

// adminSubject is one of the two forms of a subject, and of an element for pods.
func (g *generator) adminSubject(k adminKind) tree {
	if !g.o.Valid && g.pct(pctAdminUnclear) {
		g.hit(AdminSubjectUnclear)
		bad := pick(g, badSelectors)
		return either(g.pct(50), tree{"namespaces": bad}, tree{"pods": tree{"namespaceSelector": tree{}, "podSelector": bad}})
	}
	if g.pct(60) {
		if g.pct(40) {
			g.hit(AdminSubjectAll)
			return tree{"namespaces": tree{}}
		}
		g.hit(AdminSubjectNamespaces)
		return tree{"namespaces": plain(g.selector(true))}
	}
	g.hit(AdminSubjectPods)
	return tree{"pods": g.adminPods(k)}
}

func (g *generator) adminPods(k adminKind) tree {
	out := tree{"podSelector": plain(g.selector(false)), "namespaceSelector": plain(g.selector(true))}
	if k.version == "v1alpha2" && g.pct(30) {
		g.hit(AdminPodsOfAllNamespaces)
		delete(out, "namespaceSelector")
	} else if g.pct(30) {
		out["namespaceSelector"] = tree{}
	}
	return out
}

func (g *generator) adminRule(k adminKind, direction string) tree {
	action := draw(g, adminActions)
	if k.baseline && action == "Pass" {
		action = "Deny"
	}
	g.hit(map[string]Feature{"Allow": AdminAllow, "Deny": AdminDeny, "Pass": AdminPass}[action])
	if k.tiers && action == "Pass" {
		g.hit(AdminPassOfClusterNetworkPolicy)
	}
	if action == "Allow" {
		action = k.allow()
	}
	r := tree{"action": action}
	if g.pct(15) {
		g.hit(AdminRuleName)
		r["name"] = strings.Repeat("n", pick(g, []int{1, 20, 100}))
	}
	var peers []any
	before := g.closedElements()
	for range g.between(1, 2) {
		peers = append(peers, g.adminPeer(k, direction, action))
	}
	closed := g.closedElements() > before
	if g.pct(pctRepeat) {
		g.hit(AdminPeerDuplicate)
		peers = append(peers, peers[0])
	}
	r[peersOf(direction)] = peers
	switch {
	case g.pct(55), closed && g.pct(50):
		var ports []any
		for range g.between(1, 3) {
			ports = append(ports, g.adminPort(k))
		}
		if closed && g.pct(pctClosedPortName) { // whose ports are kept (R103)
			g.hit(AdminPortName)
			g.hit(either(action == k.allow(), AdminClosedPortNameAllowed, AdminClosedPortName))
			ports = append(ports, tree{k.namedPort(): pick(g, portNames)})
		}
		r[k.ports()] = ports
		named := slices.ContainsFunc(ports, func(p any) bool { return p.(tree)["namedPort"] != nil || p.(tree)["destinationNamedPort"] != nil })
		about := func(p any) bool {
			e := p.(tree)
			return e["networks"] != nil || e["nodes"] != nil || e["domainNames"] != nil
		}
		if named && slices.ContainsFunc(peers, about) {
			g.hit(AdminPortNameBesideAddresses)
		}
	case g.pct(20):
		g.hit(AdminPortsNull)
		r[k.ports()] = nil
	}
	return r
}

// adminPeer makes an element of from or to, also such as fail closed (R103).
func (g *generator) adminPeer(k adminKind, direction, action string) tree {
	if !g.o.Valid && g.pct(pctAdminClosed) {
		return g.adminClosed(k, direction)
	}
	n := g.r.IntN(either(direction == "ingress", 5, 12))
	switch {
	case n < 3:
		g.hit(AdminPeerNamespaces)
		e := tree{"namespaces": either(g.pct(35), any(tree{}), plain(g.selector(true)))}
		if g.c.Profile == "cilium" && g.pct(pctNamespacesNegative) {
			g.hit(AdminNamespacesNegative)
			e["namespaces"] = tree{"matchExpressions": []any{pick(g, []tree{
				{"key": pick(g, labelKeys), "operator": "DoesNotExist"},
				{"key": pick(g, labelKeys), "operator": "NotIn", "values": []any{pick(g, labelValues)}},
			})}}
		}
		if g.pct(10) {
			g.hit(AdminPeerFieldNull)
			e["pods"] = nil
		}
		return e
	case n < 5:
		g.hit(AdminPeerPods)
		return tree{"pods": g.adminPods(k)}
	case n < 7:
		g.hit(AdminPeerNodes)
		return tree{"nodes": g.nodeSelector()}
	case n < 8 && !k.baseline:
		if action != k.allow() {
			if g.o.Valid {
				break
			}
			g.hit(AdminDomainsDenied)
		}
		g.hit(AdminPeerDomains)
		return tree{"domainNames": g.some(domainNames, 2)}
	}
	g.hit(AdminPeerNetworks)
	var networks []any
	for range g.between(1, 3) {
		target := g.target()
		p := g.prefix(target)
		text := p.String()
		if g.pct(15) && p.Bits() < p.Addr().BitLen() {
			g.hit(AdminNetworkHostBits)
			text = fmt.Sprintf("%v/%d", target, p.Bits())
		}
		if !slices.Contains(networks, any(text)) {
			networks = append(networks, text)
		}
	}
	if g.pct(15) {
		g.hit(AdminNetworkAll)
		networks = either(g.v4, []any{"0.0.0.0/0", "::/0"}, []any{"::/0"})
	}
	return tree{"networks": networks}
}

// nodeSelector makes a selector of nodes.
func (g *generator) nodeSelector() any {
	if g.pct(35) {
		g.hit(AdminNodesAll)
		return tree{}
	}
	s := &metav1.LabelSelector{}
	if g.pct(50) {
		s.MatchLabels = map[string]string{pick(g, labelKeys): pick(g, labelValues)}
	} else {
		s.MatchExpressions = []metav1.LabelSelectorRequirement{g.expression(pick(g, labelKeys), false)}
	}
	return plain(s)
}

// badSelectors are selectors that the CRDs let through and nobody understands.
var badSelectors = []tree{
	{"matchExpressions": []any{tree{"key": "app", "operator": "Is", "values": []any{"a"}}}},
	{"matchExpressions": []any{tree{"key": "app", "operator": "In"}}},
	{"matchExpressions": []any{tree{"key": "app", "operator": "Exists", "values": []any{"a"}}}},
	{"matchLabels": tree{"-app": "no label"}},
}

// adminClosed makes an element that is accepted and not understood.
func (g *generator) adminClosed(k adminKind, direction string) tree {
	bad := tree{"matchExpressions": []any{tree{"key": "app", "operator": "Is", "values": []any{"a"}}}}
	forms := []struct {
		feature Feature
		element tree
	}{
		{AdminClosedEmpty, tree{}},
		{AdminClosedUnknown, tree{"galaxies": tree{}}},
		{AdminClosedUnknown, tree{"galaxies": tree{}, "stars": []any{"a"}}},
		{AdminClosedOperator, tree{"namespaces": bad}},
		{AdminClosedOperator, tree{"pods": tree{"namespaceSelector": tree{}, "podSelector": bad}}},
		{AdminClosedOperator, tree{"pods": tree{"namespaceSelector": bad, "podSelector": tree{}}}},
		{AdminClosedNoValues, tree{"namespaces": tree{"matchExpressions": []any{tree{"key": "app", "operator": "In"}}}}},
		{AdminClosedLabel, tree{"namespaces": tree{"matchLabels": tree{"-app": "no label"}}}},
	}
	f := pick(g, forms)
	switch {
	case direction == "ingress" && g.pct(25):
		f.feature, f.element = AdminClosedNotAtIngress, tree{"networks": []any{"0.0.0.0/0"}}
	case direction == "egress" && k.baseline && g.pct(25):
		f.feature, f.element = AdminClosedNotInBaseline, tree{"domainNames": []any{"a.example"}}
	case direction == "egress" && g.pct(15):
		f.feature, f.element = AdminClosedOperator, tree{"nodes": bad}
	}
	g.hit(f.feature)
	return f.element
}

// closedElements counts the elements so far that fail closed, or that nobody
// understands.
func (g *generator) closedElements() (n int) {
	for _, f := range []Feature{AdminClosedEmpty, AdminClosedLabel, AdminClosedNoValues, AdminClosedNotAtIngress, AdminClosedNotInBaseline, AdminClosedOperator, AdminClosedUnknown, AdminDomainsDenied} {
		n += g.c.Features[f]
	}
	return n
}

// adminPort makes an element of ports or protocols.
func (g *generator) adminPort(k adminKind) tree {
	protocol := pick(g, []string{"TCP", "TCP", "UDP", "SCTP"})
	g.hit(map[string]Feature{"TCP": AdminTCP, "UDP": AdminUDP, "SCTP": AdminSCTP}[protocol])
	first, last := pick(g, portNumbers), pick(g, portNumbers)
	if first > last {
		first, last = last, first
	}
	var form tree
	switch n := g.r.IntN(10); {
	case n < 4:
		g.hit(AdminPortNumber)
		form = tree{"number": first}
	case n < 7:
		g.hit(AdminPortRange)
		if k.version == "v1alpha2" && first == last {
			first, last = 1, 65535
		}
		if first == 1 && last == 65535 {
			g.hit(AdminPortRangeAll)
		}
		form = tree{"start": first, "end": last}
	default:
		name := pick(g, append([]string{unresolvedName}, append(portNames, portNames...)...))
		g.hit(either(name == unresolvedName, AdminPortNameUnresolved, AdminPortName))
		return tree{k.namedPort(): name}
	}
	if k.version == "v1alpha2" {
		if form["start"] != nil {
			form = tree{"range": form}
		}
		return tree{strings.ToLower(protocol): tree{"destinationPort": form}}
	}
	field := "portRange"
	if n, ok := form["number"]; ok {
		field, form = "portNumber", tree{"port": n}
	} else {
		if first == last {
			g.hit(AdminPortRangeOfOne)
		}
		if !g.o.Valid && g.pct(8) && first != last {
			g.hit(AdminPortRangeReversed)
			form["start"], form["end"] = last, first
		}
	}
	switch {
	case !g.o.Valid && g.pct(5):
		g.hit(AdminProtocolUnknown)
		protocol = pick(g, []string{"tcp", "ICMP", "ANY"})
	case protocol == "TCP" && g.pct(40):
		g.hit(AdminProtocolDefault)
		return tree{field: form}
	}
	form["protocol"] = protocol
	return tree{field: form}
}

// some draws one to n different elements.
func (g *generator) some(from []string, n int) []any {
	var out []any
	for _, s := range g.shuffled(from)[:g.between(1, n)] {
		out = append(out, s)
	}
	return out
}

// plain is a typed value as JSON decodes to.
func plain(v any) any {
	var out any
	if err := json.Unmarshal(encode(v), &out); err != nil {
		panic(fmt.Sprintf("gen: %v", err)) // encode made it
	}
	return out
}
