package admin

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/meta"
)

// Options are the points in which implementations differ. The zero value is
// what the specification says.
type Options struct {
	ExternalOnlyNetworks   bool // networks never match pods and nodes (R98, Cilium)
	NamespacesMatchOutside bool // namespaces that ask for no label also mean what is in no namespace (R97, Cilium)
	BrokenSelectorsOpen    bool // whom a peer with a selector that cannot be read means is not known (R103, Cilium)
	DomainsOpenDNS         bool // a rule that accepts domainNames accepts the cluster's DNS pods too (R100, Cilium)

	// UnknownFields are those of peers that have no other, by the path of the
	// peer below the policy. They are only told (R103).
	UnknownFields map[string][]string
}

// Lower validates p and turns it into rules. Their ordinals are 0, and nodes
// that peers select are still selectors (model.Peer.Nodes): both need the rest
// of the cluster.
//
// The diagnostics are all that there is to say of p, in the order of its
// fields. When one of them is an error the API server would reject p, which is
// then answered as absent: there are no rules (R115). Paths are below origin,
// which is where p itself was read. The rules share nothing with p. The cost
// is linear in the size of p. Lower may be called concurrently.
func (p *Policy) Lower(origin model.Origin, o Options) ([]model.Rule, []dialect.Diagnostic) {
	v := validate(p, origin, o)
	if v.rejected {
		return nil, v.diagnostics
	}
	l := lowering{Policy: p, options: o, origin: origin}
	var readable bool
	if l.subject, readable = p.Subject(); !readable {
		l.unknownSubject()
		return l.rules, v.diagnostics
	}
	for i := range p.ingress {
		l.rule(model.Ingress, i, &p.ingress[i], origin.Field("spec", "ingress", i))
	}
	for i := range p.egress {
		l.rule(model.Egress, i, &p.egress[i], origin.Field("spec", "egress", i))
	}
	return l.rules, v.diagnostics
}

type lowering struct {
	*Policy
	options Options
	subject model.PodSet
	origin  model.Origin
	rules   []model.Rule
}

// unknownSubject makes every pod uncertain in the directions that the policy
// has rules for: whom a selector that cannot be understood selects depends on
// who reads it.
func (l *lowering) unknownSubject() {
	for d, rules := range [...][]rule{model.Ingress: l.ingress, model.Egress: l.egress} {
		if len(rules) > 0 {
			l.rules = append(l.rules, model.Rule{
				Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityUndecided},
				Direction: model.Direction(d),
				Peer:      model.Peer{Any: true},
				Ports:     model.RulePorts{All: true, Other: model.OtherUnspecified},
				Action:    model.Uncertain,
				Object:    l.object,
				Origin:    l.origin.Field("spec", "subject"),
				Note:      "whom " + l.object.String() + " selects is not known: its selector cannot be understood",
			})
		}
	}
}

// actions are what the words of the API come to (R91).
var actions = map[string]model.Action{"Allow": model.Allow, "Accept": model.Allow, "Deny": model.Deny, "Pass": model.Pass}

// rule lowers a rule to one, or to several of one index where its ports do not
// mean the same for all of its peers.
func (l *lowering) rule(d model.Direction, i int, r *rule, at model.Origin) {
	tier := model.TierAdmin
	if l.tier == "Baseline" {
		tier = model.TierBaseline
	}
	out := model.Rule{
		Rank:      model.Rank{Tier: tier, Priority: l.priority, Index: model.AdminIndex(i)},
		Direction: d,
		Subject:   l.subject,
		Action:    actions[r.action],
		Name:      strings.Clone(r.name),
		Object:    l.object,
		Origin:    at,
	}
	numbers := ports(r)
	names := model.RulePorts{Named: numbers.Named}
	numbers.Named = nil

	selected, addressed, domains, closed, open := l.peers(r)
	if closed { // R103
		numbers.Named = names.Named
		out.Action, out.Peer, out.Ports = model.Deny, model.Peer{Any: true}, numbers
		l.rules = append(l.rules, out)
		return
	}
	if open != nil {
		doubt := out
		doubt.Rank.Index = model.AdminUncertain(doubt.Rank.Index)
		doubt.Action, doubt.Peer, doubt.Ports = model.Uncertain, model.Peer{Any: true}, numbers
		doubt.Ports.Named = names.Named
		doubt.Note = "whom the plugin takes a peer to mean is not known: " + meta.WithoutRegex(open.Error())
		defer func() { l.rules = append(l.rules, doubt) }()
	}
	emit := func(peer model.Peer, ports model.RulePorts) {
		out.Peer, out.Ports = peer, ports
		l.rules = append(l.rules, out)
	}
	addresses := len(addressed.Blocks)+len(addressed.Nodes) > 0
	switch {
	case len(names.Named) > 0 && (addresses || len(domains) > 0): // names are of pods that are selected as such, not of addresses that they have (R101)
		if len(selected.Pods) > 0 {
			emit(selected, names)
		}
		if addresses || len(selected.Pods) > 0 && !numbers.Set.Empty() {
			emit(union(selected, addressed), numbers)
		}
	case addresses || len(selected.Pods) > 0 || len(domains) == 0:
		numbers.Named = names.Named
		emit(union(selected, addressed), numbers)
	}
	if len(domains) > 0 {
		if l.options.DomainsOpenDNS && d == model.Egress {
			emit(clusterDNS, dnsPorts)
		}
		out.Rank.Index++
		out.Action, out.Peer, out.Ports = model.MayAllow, everywhere, numbers
		out.Note = "the addresses of " + strings.Join(domains, ", ") + ", which it allows, are not known"
		l.rules = append(l.rules, out)
	}
}

// everywhere is every address outside the cluster: what a domain name may
// stand for (R113).
var everywhere = model.Peer{Blocks: []model.Block{
	{CIDR: netip.MustParsePrefix("0.0.0.0/0"), ExternalOnly: true}, {CIDR: netip.MustParsePrefix("::/0"), ExternalOnly: true},
}}

// clusterDNS and dnsPorts are what a rule of Cilium accepts beside domainNames,
// so that names can be looked up (pkg/k8s/cluster_network_policy.go:344-359 of
// v1.20.2).
var (
	clusterDNS = model.Peer{Pods: []model.PodSet{{Pods: model.Selector{{Key: "k8s-app", Operator: model.In, Values: []string{"kube-dns"}}}}}}
	dnsPorts   = model.RulePorts{Named: []model.NamedPort{
		{Name: "dns", Protocol: model.TCP}, {Name: "dns", Protocol: model.UDP}, {Name: "dns", Protocol: model.SCTP},
		{Name: "dns-tcp", Protocol: model.TCP}, {Name: "dns-tcp", Protocol: model.UDP}, {Name: "dns-tcp", Protocol: model.SCTP},
	}}
)

func union(a, b model.Peer) model.Peer {
	return model.Peer{NoPods: a.NoPods, Pods: a.Pods, Blocks: b.Blocks, Nodes: b.Nodes}
}

// peers returns the elements of a rule: pods that are selected, addresses, and
// domain names; closed means that one of them is not known and that the rule
// denies everything (R103). In a rule that allows such an element is left out.
// open is why it is not known whom the rule means too.
func (l *lowering) peers(r *rule) (selected, addressed model.Peer, domains []string, closed bool, open error) {
	allows := r.action == l.words.allow
	for i := range r.peers {
		p := &r.peers[i]
		if err := p.broken(); err != nil && l.options.BrokenSelectorsOpen {
			open = err
			continue
		}
		if why := p.unknown(allows); why != "" {
			closed = closed || !allows
			continue
		}
		switch {
		case p.namespaces != nil:
			s, _ := namespaceSet(p.namespaces)
			selected.Pods = append(selected.Pods, s)
			selected.NoPods = selected.NoPods || l.options.NamespacesMatchOutside && negative(s.Namespaces)
		case p.pods != nil:
			s, _ := p.pods.podSet()
			selected.Pods = append(selected.Pods, s)
		case p.nodes != nil:
			addressed.Nodes = append(addressed.Nodes, meta.Selector(p.nodes))
		case p.networks != nil:
			for _, n := range p.networks {
				prefix, _ := parseCIDR(string(n))
				addressed.Blocks = append(addressed.Blocks, model.Block{CIDR: prefix.Masked(), ExternalOnly: l.options.ExternalOnlyNetworks})
			}
		default:
			for _, d := range p.domains {
				domains = append(domains, strings.Clone(string(d)))
			}
		}
	}
	return selected, addressed, domains, closed, open
}

// negative reports whether what has no labels at all meets a selector that asks
// for something.
func negative(s model.Selector) bool {
	return len(s) > 0 && s.Matches(nil)
}

// DomainsInVain reports whether p has domainNames in a rule that does not
// allow (R100).
func (p *Policy) DomainsInVain() bool {
	return slices.ContainsFunc(p.egress, func(r rule) bool {
		return r.action != p.words.allow && slices.ContainsFunc(r.peers, func(e peer) bool { return e.domains != nil })
	})
}

// ports is the union of the entries, or everything when there is none (R86,
// R102). What the custom resource definitions let through although nobody
// knows it matches nothing.
func ports(r *rule) model.RulePorts {
	if !r.ported {
		return model.RulePorts{All: true, Other: model.OtherYes}
	}
	var out model.RulePorts
	var ranges []model.PortRange
	for i := range r.ports {
		p := &r.ports[i]
		if p.name != nil {
			for _, protocol := range [...]model.Protocol{model.TCP, model.UDP, model.SCTP} {
				out.Named = append(out.Named, model.NamedPort{Name: strings.Clone(*p.name), Protocol: protocol})
			}
			continue
		}
		if protocol, known := model.ParseProtocol(p.protocol); known && p.first <= p.last {
			ranges = append(ranges, model.PortRange{Protocol: protocol, First: uint16(p.first), Last: uint16(p.last)})
		}
	}
	out.Set = model.Ports(ranges...)
	slices.SortFunc(out.Named, compareNames)
	out.Named = slices.Compact(out.Named)
	return out
}
