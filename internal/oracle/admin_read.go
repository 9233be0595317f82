package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
)

// readAdmin reads the admin policies. Of a kind and name the first counts (R7).
func (o *Oracle) readAdmin(w World) error {
	o.nodeLabels = map[string]map[string]string{}
	for i := range w.Nodes {
		if name := w.Nodes[i].Name; o.nodeLabels[name] == nil {
			o.nodeLabels[name] = over(w.Nodes[i].Labels)
		}
	}
	seen := map[string]bool{}
	versions := map[string]bool{}
	for _, given := range w.Admin {
		object, err := written(given)
		if err != nil {
			return err
		}
		kind := object.text("kind")
		id := kind + "/" + object.name()
		if seen[id] {
			continue
		}
		seen[id] = true
		if validateAdmin(object) != nil { // R115
			o.rejected = append(o.rejected, model.ObjectRef{Kind: kind, Name: object.name()})
			continue
		}
		dropNulls(map[string]any(object))
		if o.profile.newVersionOnly && object.text("apiVersion") != "policy.networking.k8s.io/v1alpha2" { // R106
			continue
		}
		if o.profile.refusesDomains && domainsInVain(object) { // R100
			continue
		}
		versions[object.text("apiVersion")] = true
		p := &adminPolicy{kind: kind, name: object.name(), tier: adminTier, rules: map[networkingv1.PolicyType][]adminRule{}}
		p.priority, _ = integer(object.at("spec", "priority"))
		switch kind {
		case "BaselineAdminNetworkPolicy":
			p.tier = baselineTier
		case "ClusterNetworkPolicy":
			p.tier = tier(object.text("spec", "tier"))
		}
		var understood bool
		p.namespaces, p.pods, understood = adminPods(object.object("spec", "subject"))
		p.unclear = !understood
		if p.pods = o.visible(p.pods); p.pods != nil && matchesNothing(p.pods) {
			p.rules = nil // it has no subjects
			o.admin = append(o.admin, p)
			continue
		}
		for _, r := range object.list("spec", "ingress") {
			p.rules[networkingv1.PolicyTypeIngress] = append(p.rules[networkingv1.PolicyTypeIngress], o.adminRule(r, "from", "namespaces", "pods"))
		}
		destinations := []string{"namespaces", "pods", "nodes", "networks", "domainNames"}
		if kind == "BaselineAdminNetworkPolicy" { // R97
			destinations = destinations[:4]
		}
		for _, r := range object.list("spec", "egress") {
			rule := o.adminRule(r, "to", destinations...)
			if o.profile.dnsByDomains && slices.ContainsFunc(rule.peers, func(e adminPeer) bool { return e.domains }) { // R100
				p.rules[networkingv1.PolicyTypeEgress] = append(p.rules[networkingv1.PolicyTypeEgress], clusterDNS)
			}
			p.rules[networkingv1.PolicyTypeEgress] = append(p.rules[networkingv1.PolicyTypeEgress], rule)
		}
		o.admin = append(o.admin, p)
	}
	o.bothVersions = len(versions) > 1
	o.sortAdmin()
	return nil
}

// clusterDNS is what Cilium accepts before a rule that accepts domain names
// (R100).
var clusterDNS = adminRule{
	action: allow,
	peers:  []adminPeer{{namespaces: labels.Everything(), pods: labels.SelectorFromSet(labels.Set{"k8s-app": "kube-dns"})}},
	ports:  []adminPort{{named: true, name: "dns"}, {named: true, name: "dns-tcp"}},
}

// domainsInVain: some rule that does not accept has domain names.
func domainsInVain(object Object) bool {
	for _, r := range object.list("spec", "egress") {
		for _, e := range r.list("to") {
			if e.has("domainNames") && r.text("action") != "Accept" {
				return true
			}
		}
	}
	return false
}

// adminRule reads a rule whose elements may have the fields that are listed.
func (o *Oracle) adminRule(r Object, peers string, fields ...string) adminRule {
	out := adminRule{action: map[string]action{"Allow": allow, "Accept": allow, "Deny": deny, "Pass": pass}[r.text("action")]}
	for _, e := range r.list(peers) {
		maps.DeleteFunc(e, func(k string, _ any) bool { return !slices.Contains(fields, k) })
		out.peers = append(out.peers, o.adminPeer(e, out.action))
	}
	if slices.ContainsFunc(out.peers, func(e adminPeer) bool { return e.everybody }) {
		out.action = deny // R103: Pass too
	}
	for _, e := range r.list("ports") {
		out.ports = append(out.ports, adminPortOf(e))
	}
	for _, e := range r.list("protocols") {
		out.ports = append(out.ports, adminProtocolOf(e))
	}
	return out
}

func (o *Oracle) adminPeer(e Object, a action) adminPeer {
	var out adminPeer
	understood, selects := true, true
	switch {
	case e.has("namespaces"), e.has("pods"):
		out.namespaces, out.pods, understood = adminPods(e)
		out.pods = o.visible(out.pods)
	case e.has("nodes"):
		out.nodes, understood = e.selector("nodes")
	case e.has("networks"):
		for _, text := range e.texts("networks") {
			p := netip.MustParsePrefix(text).Masked() // validated
			out.networks = append(out.networks, p)
			o.boundaries = append(o.boundaries, p)
		}
	case e.has("domainNames") && a == allow:
		out.domains = true
	default: // nothing that is known, or domainNames where only Allow may have them (R100)
		understood, selects = false, false
	}
	if !understood && selects && o.profile.brokenOpen {
		return adminPeer{open: true}
	}
	if !understood { // R103
		return adminPeer{everybody: a != allow}
	}
	return out
}

// adminPods reads {namespaces: SELECTOR} or {pods: {namespaceSelector, podSelector}},
// of which the namespaceSelector may be absent (R96). The last result is false
// if a selector is none (R102).
func adminPods(e Object) (namespaces, pods labels.Selector, ok bool) {
	if e.has("namespaces") {
		namespaces, ok = e.selector("namespaces")
		return namespaces, nil, ok
	}
	namespaces, ok = labels.Everything(), true
	if e.has("pods", "namespaceSelector") {
		namespaces, ok = e.selector("pods", "namespaceSelector")
	}
	pods, understood := e.selector("pods", "podSelector")
	return namespaces, pods, ok && understood
}

// adminPortOf is an element of v1alpha1's ports.
func adminPortOf(e Object) adminPort {
	if e.has("namedPort") {
		return adminPort{named: true, name: e.text("namedPort")}
	}
	numbered := "portNumber"
	first, last := []string{numbered, "port"}, []string{numbered, "port"}
	if e.has("portRange") {
		numbered = "portRange"
		first, last = []string{numbered, "start"}, []string{numbered, "end"}
	}
	var out adminPort
	out.first, _ = integer(e.at(first...))
	out.last, _ = integer(e.at(last...))
	if e.has(numbered, "protocol") { // otherwise TCP
		p, known := model.ParseProtocol(e.text(numbered, "protocol"))
		if !known { // R102
			return adminPort{first: 1}
		}
		out.protocol = p
	}
	return out
}

// adminProtocolOf is an element of v1alpha2's protocols.
func adminProtocolOf(e Object) adminPort {
	for field, protocol := range map[string]model.Protocol{"tcp": model.TCP, "udp": model.UDP, "sctp": model.SCTP} {
		switch {
		case e.has(field, "destinationPort", "number"):
			n, _ := integer(e.at(field, "destinationPort", "number"))
			return adminPort{protocol: protocol, first: n, last: n}
		case e.has(field):
			first, _ := integer(e.at(field, "destinationPort", "range", "start"))
			last, _ := integer(e.at(field, "destinationPort", "range", "end"))
			return adminPort{protocol: protocol, first: first, last: last}
		}
	}
	return adminPort{named: true, name: e.text("destinationNamedPort")}
}

// selector reads a label selector. CRDs do not check what is in it.
func (o Object) selector(path ...string) (labels.Selector, bool) {
	var s metav1.LabelSelector
	o.decode(&s, path...)
	out, err := metav1.LabelSelectorAsSelector(&s)
	return out, err == nil
}

func (o Object) texts(path ...string) []string {
	var out []string
	items, _ := o.at(path...).([]any)
	for _, item := range items {
		s, _ := item.(string)
		out = append(out, s)
	}
	return out
}

func integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64() // 8e1 is a whole number
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

// written returns a copy with numbers as they are written.
func written(o Object) (Object, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("oracle: %w", err)
	}
	return out, nil
}

// dropNulls takes out fields that are null: for the API server those are absent.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, field := range v {
			if field == nil {
				delete(v, k)
			}
			dropNulls(field)
		}
	case []any:
		for _, item := range v {
			dropNulls(item)
		}
	}
}
