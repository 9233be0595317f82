package model

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// String is "networkpolicy/1"; the ordinal and the index follow where they say
// something: "admin/5/0/2".
func (r Rank) String() string {
	if r.Ordinal == 0 && r.Index == 0 {
		return fmt.Sprintf("%v/%d", r.Tier, r.Priority)
	}
	return fmt.Sprintf("%v/%d/%d/%d", r.Tier, r.Priority, r.Ordinal, r.Index)
}

// String is "self" or "own-node", and "" for no relation.
func (r Relation) String() string { return [...]string{"", "self", "own-node"}[r] }

// String joins the parts of p with " + ": "any", "ml:app=web + 10.0.0.0/8".
// A peer that matches nothing is "nobody".
func (p Peer) String() string {
	var parts []string
	if p.Any {
		parts = append(parts, "any")
	}
	for _, s := range p.Pods {
		parts = append(parts, s.String())
	}
	if p.NoPods {
		parts = append(parts, "all but pods")
	}
	for _, b := range p.Blocks {
		s := b.String()
		if b.ExternalOnly {
			s += " (external)"
		}
		parts = append(parts, s)
	}
	for _, n := range p.Nodes {
		parts = append(parts, "nodes("+n.String()+")")
	}
	if p.UnknownHosts {
		parts = append(parts, "hosts of unknown address")
	}
	if p.Relation != NoRelation {
		parts = append(parts, p.Relation.String())
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, " + ")
}

// String is "TCP/http".
func (n NamedPort) String() string { return n.Protocol.String() + "/" + n.Name }

// String is "ALL", or the numeric ports and then the named ones:
// "TCP 80,443-445 UDP 53 TCP/http"; what holds for other protocols follows
// unless it is "no".
func (p RulePorts) String() string {
	var parts []string
	switch {
	case p.All:
		parts = append(parts, "ALL")
	case p.Set.All(): // not ALL: port entries never match other protocols (R84)
		parts = append(parts, "TCP 1-65535 UDP 1-65535 SCTP 1-65535")
	case !p.Set.Empty() || len(p.Named) == 0:
		parts = append(parts, p.Set.String())
	}
	for _, n := range p.Named {
		parts = append(parts, n.String())
	}
	if p.Other != OtherNo {
		parts = append(parts, "other="+p.Other.String())
	}
	return strings.Join(parts, " ")
}

// String is the canonical text of r, one line: rank, direction, subject,
// action, peer, ports and the path of its field, "|" between them. Notes and
// files are left out: it is what golden tests compare.
func (r Rule) String() string {
	s := fmt.Sprintf("%v | %v | %v | %v | %v | %v", r.Rank, r.Direction, r.Subject, r.Action, r.Peer, r.Ports)
	if r.Origin.Path != "" {
		s += " | " + r.Origin.Path
	}
	return s
}

// FormatRules is the text of rules, one line each.
func FormatRules(rules []Rule) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(r.String())
		b.WriteByte('\n')
	}
	return b.String()
}

// String is "10.1.0.2", "none", "unknown" or "maybe".
func (a Address) String() string {
	switch a.State {
	case AddressKnown:
		s := a.Addr.String()
		if a.Shadowed {
			s += " (shadowed)"
		}
		return s
	case AddressUnknown:
		return "unknown"
	case AddressMaybe:
		return "maybe"
	}
	return "none"
}

// String is the canonical text of p, one line: path, workload, addresses of
// both families, node, and then what there is of host network, labels, ports
// and service account, "|" between them.
func (p *Pod) String() string {
	node := p.NodeName
	if p.EveryNode {
		node = "every"
	}
	if node == "" {
		node = "?"
	}
	parts := []string{
		p.Path(), p.Workload.Kind + "/" + p.Workload.Name,
		p.Addresses[IPv4].String() + " " + p.Addresses[IPv6].String(), "node " + node,
	}
	if p.Dormant {
		parts = append(parts, "dormant")
	}
	if p.HostNetwork {
		parts = append(parts, "host")
	}
	if len(p.Labels) > 0 {
		parts = append(parts, formatLabels(p.Labels))
	}
	for _, c := range p.Ports {
		parts = append(parts, fmt.Sprintf("%v=%d", c.NamedPort, c.Port))
	}
	if p.PortsUnknown {
		parts = append(parts, "ports unknown")
	}
	if p.ServiceAccount != "default" {
		parts = append(parts, "account "+p.ServiceAccount)
	}
	return strings.Join(parts, " | ")
}

// String is the canonical text of s, a line for each namespace, node, pod,
// set of ranges and rule.
func (s *Snapshot) String() string {
	var b strings.Builder
	for _, n := range s.Namespaces {
		fmt.Fprintf(&b, "namespace %s | %s\n", n.Name, formatLabels(n.Labels))
	}
	for _, n := range s.Nodes {
		fmt.Fprintf(&b, "node %s | %v | %s\n", n.Name, n.Addresses, formatLabels(n.Labels))
	}
	for i := range s.Pods {
		fmt.Fprintf(&b, "%v\n", &s.Pods[i])
	}
	for _, r := range []struct {
		name   string
		ranges []netip.Prefix
	}{
		{"pod ranges", s.PodCIDRs}, {"service ranges", s.ServiceCIDRs}, {"pod domain", s.PodDomain}, {"node domain", s.NodeDomain},
	} {
		if len(r.ranges) > 0 {
			fmt.Fprintf(&b, "%s %v\n", r.name, r.ranges)
		}
	}
	return b.String() + FormatRules(s.Rules)
}

// formatLabels is "a=1,b=2", sorted by key; the value of c=? is opaque (R65), whether there is a
// label d is not known where it is ?d, and ?d=x* says what its value begins with (R66).
func formatLabels(labels map[string]string) string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(labels)) {
		if i > 0 {
			b.WriteByte(',')
		}
		if _, uncertain := UncertainLabel(k); uncertain {
			b.WriteString(k)
			if beginning := labels[k]; beginning != "" {
				b.WriteString("=" + beginning + "*")
			}
			continue
		}
		v := labels[k]
		if v == OpaqueValue {
			v = "?"
		}
		b.WriteString(k + "=" + v)
	}
	return b.String()
}
