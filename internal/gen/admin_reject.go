package gen

import (
	"fmt"
	"strings"
)

// adminFault makes an admin policy one that the API server rejects, for exactly
// one reason; false: that kind cannot be rejected for it.
type adminFault struct {
	feature Feature
	spoil   func(k adminKind, p tree) bool
}

// spoilAdmin draws a feature first, so that one with many forms is not more
// frequent than others.
func (g *generator) spoilAdmin(k adminKind, p tree) {
	for {
		feature := pick(g, adminFeatures)
		if k.baseline && g.pct(10) {
			feature = BadAdminActionPass
		}
		var of []adminFault
		for _, f := range adminFaults {
			if f.feature == feature {
				of = append(of, f)
			}
		}
		if len(of) > 0 && pick(g, of).spoil(k, p) {
			g.hit(feature)
			return
		}
	}
}

// inSpec changes the spec.
func inSpec(f Feature, change func(spec tree)) adminFault {
	return adminFault{f, func(_ adminKind, p tree) bool { change(p["spec"].(tree)); return true }}
}

// addRule adds a rule that is valid but for a change.
func addRule(f Feature, direction string, change func(k adminKind, r tree) bool) adminFault {
	return adminFault{f, func(k adminKind, p tree) bool {
		r := tree{"action": "Deny", peersOf(direction): []any{tree{"namespaces": tree{}}}}
		if !change(k, r) {
			return false
		}
		spec := p["spec"].(tree)
		rules, _ := spec[direction].([]any)
		spec[direction] = append(rules[:min(len(rules), k.limit()-1)], r)
		return true
	}}
}

func badPeer(f Feature, direction string, peers ...any) adminFault {
	return addRule(f, direction, func(_ adminKind, r tree) bool { r[peersOf(direction)] = append([]any{}, peers...); return true })
}

// badAdminPorts has a list for each version; nil: none.
func badAdminPorts(f Feature, v1alpha1, v1alpha2 []any) adminFault {
	return addRule(f, "ingress", func(k adminKind, r tree) bool {
		list := either(k.version == "v1alpha1", v1alpha1, v1alpha2)
		r[k.ports()] = list
		return list != nil
	})
}

func repeated(v any, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func manyNetworks(n int) []any {
	var out []any
	for i := range n {
		out = append(out, fmt.Sprintf("10.0.%d.0/24", i))
	}
	return out
}

var adminFaults = []adminFault{
	{BadAdminName, func(k adminKind, p tree) bool {
		p["metadata"].(tree)["name"] = either(k.baseline, "base", fmt.Sprint("Admin_", p["metadata"].(tree)["name"]))
		return true
	}},
	{BadAdminPriority, func(k adminKind, p tree) bool { p["spec"].(tree)["priority"] = -1; return !k.baseline }},
	{BadAdminPriority, func(k adminKind, p tree) bool { p["spec"].(tree)["priority"] = 1001; return !k.baseline }},
	{BadAdminPriority, func(k adminKind, p tree) bool { delete(p["spec"].(tree), "priority"); return !k.baseline }},
	{BadAdminPriority, func(k adminKind, p tree) bool { p["spec"].(tree)["priority"] = "5"; return !k.baseline }},
	{BadAdminTier, func(k adminKind, p tree) bool {
		if k.tiers {
			p["spec"].(tree)["tier"] = "admin"
		}
		return k.tiers
	}},
	{BadAdminTier, func(k adminKind, p tree) bool { delete(p["spec"].(tree), "tier"); return k.tiers }},
	inSpec(BadAdminField, func(s tree) { s["order"] = 1 }),
	inSpec(BadAdminSubject, func(s tree) { s["subject"] = tree{} }),
	inSpec(BadAdminSubject, func(s tree) { delete(s, "subject") }),
	inSpec(BadAdminSubject, func(s tree) { s["subject"] = tree{"galaxies": tree{}} }),
	inSpec(BadAdminSubject, func(s tree) {
		s["subject"] = tree{"namespaces": tree{}, "pods": tree{"namespaceSelector": tree{}, "podSelector": tree{}}}
	}),
	inSpec(BadAdminSubject, func(s tree) { s["subject"] = tree{"pods": tree{"namespaceSelector": tree{}}} }),
	{BadAdminSubject, func(k adminKind, p tree) bool {
		if k.version == "v1alpha1" {
			p["spec"].(tree)["subject"] = tree{"pods": tree{"podSelector": tree{}}}
		}
		return k.version == "v1alpha1"
	}},

	addRule(BadAdminAction, "ingress", func(k adminKind, r tree) bool {
		r["action"] = either(k.version == "v1alpha1", "Accept", "Allow")
		return true
	}),
	addRule(BadAdminAction, "egress", func(_ adminKind, r tree) bool { r["action"] = "deny"; return true }),
	addRule(BadAdminAction, "egress", func(_ adminKind, r tree) bool { delete(r, "action"); return true }),
	addRule(BadAdminActionPass, "ingress", passOfBaseline),
	addRule(BadAdminActionPass, "egress", passOfBaseline),
	addRule(BadAdminField, "ingress", func(_ adminKind, r tree) bool { r["log"] = true; return true }),
	addRule(BadAdminField, "ingress", func(k adminKind, r tree) bool {
		r[either(k.version == "v1alpha1", "protocols", "ports")] = []any{}
		return true
	}),
	addRule(BadAdminRuleName, "egress", func(_ adminKind, r tree) bool { r["name"] = strings.Repeat("n", 101); return true }),
	{BadAdminRules, func(k adminKind, p tree) bool {
		p["spec"].(tree)["ingress"] = repeated(tree{"action": "Deny", "from": []any{tree{"namespaces": tree{}}}}, k.limit()+1)
		return true
	}},

	badPeer(BadAdminPeersEmpty, "ingress"),
	badPeer(BadAdminPeersEmpty, "egress"),
	addRule(BadAdminPeersEmpty, "ingress", func(_ adminKind, r tree) bool { delete(r, "from"); return true }),
	addRule(BadAdminPeersEmpty, "egress", func(_ adminKind, r tree) bool { r["to"] = nil; return true }),
	addRule(BadAdminPeersMany, "ingress", func(k adminKind, r tree) bool {
		r["from"] = repeated(tree{"namespaces": tree{}}, k.limit()+1)
		return true
	}),
	badPeer(BadAdminPeerTwo, "ingress", tree{"namespaces": tree{}, "pods": tree{"namespaceSelector": tree{}, "podSelector": tree{}}}),
	badPeer(BadAdminPeerTwo, "egress", tree{"namespaces": tree{}, "networks": []any{"10.0.0.0/8"}}),
	badPeer(BadAdminPeerTwo, "egress", tree{"namespaces": tree{}, "galaxies": tree{}}),
	badPeer(BadAdminPeerPods, "egress", tree{"pods": tree{}}),
	badPeer(BadAdminField, "egress", tree{"namespaces": tree{"matchLabel": tree{"app": "a"}}}),
	badPeer(BadAdminSelectorForm, "egress", tree{"namespaces": tree{"matchExpressions": []any{tree{"key": "app"}}}}),
	badPeer(BadAdminSelectorForm, "egress", tree{"nodes": []any{}}),

	badPeer(BadAdminNetwork, "egress", tree{"networks": []any{"010.0.0.0/8"}}),
	badPeer(BadAdminNetwork, "egress", tree{"networks": []any{"10.0.0.1"}}),
	badPeer(BadAdminNetwork, "egress", tree{"networks": []any{"10.0.0.0/33"}}),
	badPeer(BadAdminNetwork, "egress", tree{"networks": []any{"internet"}}),
	badPeer(BadAdminNetwork, "egress", tree{"networks": []any{""}}),
	addRule(BadAdminNetworkMapped, "egress", func(k adminKind, r tree) bool {
		r["to"] = []any{tree{"networks": []any{"::ffff:10.0.0.0/104"}}}
		return k.version == "v1alpha2"
	}),
	badPeer(BadAdminNetworks, "egress", tree{"networks": []any{}}),
	badPeer(BadAdminNetworks, "egress", tree{"networks": []any{"10.0.0.0/8", "10.0.0.0/8"}}),
	badPeer(BadAdminNetworks, "egress", tree{"networks": manyNetworks(26)}),
	addRule(BadAdminDomains, "egress", badDomains("www.*.io")),
	addRule(BadAdminDomains, "egress", badDomains("localhost")),
	addRule(BadAdminDomains, "egress", badDomains()),
	addRule(BadAdminDomains, "egress", badDomains("a.example", "a.example")),

	badAdminPorts(BadAdminPortsEmpty, []any{}, []any{}),
	badAdminPorts(BadAdminPortEmpty, []any{tree{}}, []any{tree{}}),
	badAdminPorts(BadAdminPortEmpty, []any{tree{"galaxy": tree{}}}, []any{tree{"icmp": tree{}}}),
	badAdminPorts(BadAdminPortName, []any{tree{"namedPort": ""}}, []any{tree{"destinationNamedPort": ""}}),
	badAdminPorts(BadAdminPortsMany, repeated(tree{"namedPort": "http"}, 101), repeated(tree{"destinationNamedPort": "http"}, 26)),
	badAdminPorts(BadAdminPortTwo, []any{tree{"namedPort": "http", "portNumber": tree{"protocol": "TCP", "port": 80}}},
		[]any{tree{"tcp": tree{"destinationPort": tree{"number": 80}}, "udp": tree{"destinationPort": tree{"number": 80}}}}),
	badAdminPorts(BadAdminPortTwo, nil, []any{tree{"tcp": tree{"destinationPort": tree{"number": 80, "range": tree{"start": 80, "end": 81}}}}}),
	badAdminPorts(BadAdminPortNumber, []any{tree{"portNumber": tree{"protocol": "TCP", "port": 0}}}, []any{tree{"tcp": tree{"destinationPort": tree{"number": 0}}}}),
	badAdminPorts(BadAdminPortNumber, []any{tree{"portNumber": tree{"protocol": "TCP", "port": 65536}}}, []any{tree{"sctp": tree{"destinationPort": tree{"number": 65536}}}}),
	badAdminPorts(BadAdminPortNumber, []any{tree{"portNumber": tree{"protocol": "TCP"}}}, []any{tree{"udp": tree{"destinationPort": tree{}}}}),
	badAdminPorts(BadAdminPortNumber, []any{tree{"portRange": tree{"protocol": "TCP", "start": 80}}}, []any{tree{"udp": tree{"destinationPort": tree{"range": tree{"end": 80}}}}}),
	badAdminPorts(BadAdminPortNumber, []any{tree{"portRange": tree{"start": 0, "end": 80}}}, []any{tree{"udp": tree{"destinationPort": tree{"range": tree{"start": 1, "end": 65536}}}}}),
	badAdminPorts(BadAdminProtocolBare, nil, []any{tree{"tcp": tree{}}}),
	badAdminPorts(BadAdminPortRange, nil, []any{tree{"tcp": tree{"destinationPort": tree{"range": tree{"start": 80, "end": 80}}}}}),
	badAdminPorts(BadAdminPortRange, nil, []any{tree{"tcp": tree{"destinationPort": tree{"range": tree{"start": 81, "end": 80}}}}}),
	badAdminPorts(BadAdminField, []any{tree{"portNumber": tree{"port": 80, "endPort": 90}}}, []any{tree{"tcp": tree{"destinationPort": tree{"number": 80}, "flags": "syn"}}}),
}

func passOfBaseline(k adminKind, r tree) bool { r["action"] = "Pass"; return k.baseline }

func badDomains(names ...string) func(adminKind, tree) bool {
	return func(k adminKind, r tree) bool {
		list := []any{}
		for _, n := range names {
			list = append(list, n)
		}
		r["action"], r["to"] = k.allow(), []any{tree{"domainNames": list}}
		return !k.baseline
	}
}
