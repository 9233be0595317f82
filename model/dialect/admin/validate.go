package admin

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/meta"
)

// The bounds of the custom resource definitions that all kinds share (R88, R104).
const (
	maxPriority  = 1000
	maxName      = 100
	maxAddresses = 25 // networks, and domain names, of a peer
	maxCIDR      = 43
)

// domainName is the pattern of the custom resource definitions, A-z included.
var domainName = regexp.MustCompile(`^(\*\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$`)

var tierNames = []string{"Admin", "Baseline"}

// validator collects what the API server would say of one policy, and what it
// lets through although nobody knows what it means.
type validator struct {
	*Policy
	options     Options
	origin      model.Origin
	diagnostics []dialect.Diagnostic
	rejected    bool // some diagnostic is an error
}

func validate(p *Policy, origin model.Origin, o Options) *validator {
	v := &validator{Policy: p, options: o, origin: origin}
	meta.Validate(p.metadata, false, func(code dialect.Code, path, message string) { v.report(code, origin.Field(path), "%s", message) })
	if only := p.words.onlyName; only != "" && p.metadata.Name != only && p.metadata.Name != "" {
		v.report(dialect.CodePolicyName, origin.Field("metadata", "name"), "%q is not a valid name: the only one is named %s", p.metadata.Name, only)
	}
	spec := origin.Field("spec")
	if p.words.tiered && !slices.Contains(tierNames, p.tier) {
		v.report(dialect.CodeAdminWord, spec.Field("tier"), "%q is not a tier; %s", p.tier, meant(p.tier, tierNames))
	}
	if p.words.prioritised && (p.priority < 0 || p.priority > maxPriority) {
		v.report(dialect.CodePriority, spec.Field("priority"), "priority %d is out of range; valid are 0 to %d, of which the lowest comes first", p.priority, maxPriority)
	}
	v.subject(spec.Field("subject"))
	v.rules(p.ingress, "from", spec, "ingress")
	v.rules(p.egress, "to", spec, "egress")
	if v.rejected { // what else there is to know of it is of no use
		v.diagnostics = slices.DeleteFunc(v.diagnostics, func(d dialect.Diagnostic) bool { return d.Severity() != dialect.Error })
	}
	return v
}

func (v *validator) report(code dialect.Code, at model.Origin, format string, args ...any) {
	message := v.object.String() + ": " + meta.WithoutRegex(fmt.Sprintf(format, args...))
	d := dialect.Diagnostic{Code: code, Origin: at, Object: v.object, Message: message}
	v.diagnostics = append(v.diagnostics, d)
	v.rejected = v.rejected || d.Severity() == dialect.Error
}

// subject checks who the policy is about (R96).
func (v *validator) subject(at model.Origin) {
	s := &v.Policy.subject
	switch {
	case s.namespaces == nil && s.pods == nil:
		v.report(dialect.CodeOneOf, at, "the subject needs namespaces or pods; every pod is {namespaces: {}}")
	case s.namespaces != nil && s.pods != nil:
		v.report(dialect.CodeOneOf, at, "the subject has namespaces and pods; it must have one of them")
	default:
		if _, readable := s.podSet(); !readable {
			v.report(dialect.CodeNotUnderstood, at, "%v; whom the policy selects is not known, so that all pods are uncertain", s.why())
		}
	}
}

// why is what is wrong with the selectors of a subject or a peer, or nil.
func (s subject) why() error {
	switch {
	case s.namespaces != nil:
		return broken(s.namespaces)
	case s.pods != nil:
		return cmp.Or(broken(s.pods.namespaces), broken(s.pods.pods))
	}
	return nil
}

func (v *validator) rules(rules []rule, list string, spec model.Origin, direction string) {
	if n := len(rules); n > v.words.rules {
		v.report(dialect.CodeListSize, spec.Field(direction), "%d rules are given; at most %d are valid", n, v.words.rules)
		return
	}
	for i := range rules {
		r, at := &rules[i], spec.Field(direction, i)
		if n := utf8.RuneCountInString(r.name); n > maxName {
			v.report(dialect.CodeListSize, at.Field("name"), "the name has %d characters; at most %d are valid", n, maxName)
		}
		if !slices.Contains(v.words.actions, r.action) {
			v.report(dialect.CodeAdminWord, at.Field("action"), "%q is not an action; %s", r.action, v.meantAction(r.action))
		}
		v.peers(r, at.Field(list), list)
		v.ports(r, at.Field(v.words.ports))
		v.namesOfAddresses(r, at)
	}
}

// meantAction names the word of this version for that of the other.
func (v *validator) meantAction(action string) string {
	if actions[action] == model.Allow {
		return "did you mean " + v.words.allow + "?"
	}
	return meant(action, v.words.actions)
}

// size checks the length of a list, and reports whether it can be looked into.
func (v *validator) size(n, most int, at model.Origin, what, hint string) bool {
	switch {
	case n == 0:
		v.report(dialect.CodeListSize, at, "there is no %s%s", what, hint)
	case n > most:
		v.report(dialect.CodeListSize, at, "%d %ss are given; at most %d are valid", n, what, most)
	}
	return n <= most
}

// peers checks the elements of from or to (R97).
func (v *validator) peers(r *rule, at model.Origin, list string) {
	hint := "; every pod is {namespaces: {}}"
	if list == "to" {
		hint += ", every address {networks: [0.0.0.0/0, \"::/0\"]}"
	}
	if !v.size(len(r.peers), v.words.most, at, "peer", hint) {
		return
	}
	for i := range r.peers {
		p, at := &r.peers[i], at.Field(i)
		given := p.given()
		if len(given) > 1 {
			v.report(dialect.CodeOneOf, at, "the peer has %s; a peer has one of them, and a list may have several peers", strings.Join(given, " and "))
			continue
		}
		if p.networks != nil {
			v.networks(p.networks, at.Field("networks"))
		}
		if p.domains != nil {
			v.domains(p.domains, at.Field("domainNames"))
		}
		if why := p.unknown(r.action == v.words.allow); why != "" {
			effect := "it matches nothing"
			switch {
			case v.options.BrokenSelectorsOpen && p.broken() != nil:
				effect = "whom the plugin takes it to mean is not known, so that what the rule decides on its ports is uncertain"
			case r.action != v.words.allow:
				effect = "the rule denies everything on its ports, to be on the safe side"
			}
			if len(given) == 0 {
				why, at = v.strange(why, at, list)
			}
			v.report(dialect.CodeNotUnderstood, at, "%s; %s (R103)", why, effect)
			continue
		}
		if p.nodes != nil || p.domains != nil {
			v.report(dialect.CodeExperimental, at, "peers with %s are of the experimental channel of the API; clusters with the standard one do not have them", given[0])
		}
	}
}

// strange names the fields of a peer of which none is known, and where they are.
// Of a peer without any field it returns what it was given.
func (v *validator) strange(why string, at model.Origin, list string) (string, model.Origin) {
	path := strings.TrimPrefix(strings.TrimPrefix(at.Path, v.origin.Path), ".")
	names := v.options.UnknownFields[path]
	if len(names) == 0 {
		return why, at
	}
	known := []string{"namespaces", "pods"}
	if list == "to" {
		known = append(known, "nodes", "networks")
		if v.object.Kind != kindBaseline {
			known = append(known, "domainNames")
		}
	}
	hint := "; its fields are " + strings.Join(known, ", ")
	if n := nearest.Of(names[0], known); n != "" {
		hint = " (did you mean " + n + "?)"
	}
	verb := "is no field"
	if len(names) > 1 {
		verb = "are no fields"
	}
	return fmt.Sprintf("%s %s of a peer of %s%s", strings.Join(names, ", "), verb, list, hint), at.Field(names[0])
}

// given names the fields that a peer has.
func (p *peer) given() (out []string) {
	for _, f := range []struct {
		name string
		is   bool
	}{
		{"namespaces", p.namespaces != nil}, {"pods", p.pods != nil}, {"nodes", p.nodes != nil},
		{"networks", p.networks != nil}, {"domainNames", p.domains != nil},
	} {
		if f.is {
			out = append(out, f.name)
		}
	}
	return out
}

// broken is what is wrong with the selectors of a peer, or nil.
func (p *peer) broken() error {
	if p.nodes != nil {
		return broken(p.nodes)
	}
	return subject{p.namespaces, p.pods}.why()
}

// unknown is why a peer cannot be understood, or "" (R103). Domain names are
// for rules that allow (R100).
func (p *peer) unknown(allows bool) string {
	switch err := p.broken(); {
	case err != nil:
		return err.Error()
	case len(p.given()) == 0:
		return "the peer has no field that is known"
	case p.domains != nil && !allows:
		return "domainNames are for rules that allow"
	}
	return ""
}

func (v *validator) networks(list []v1alpha2.CIDR, at model.Origin) {
	if !v.size(len(list), maxAddresses, at, "network", "") {
		return
	}
	for i, n := range list {
		switch _, ok := parseCIDR(string(n)); {
		case !ok, len(n) > maxCIDR:
			v.report(dialect.CodeCIDR, at.Field(i), "%q is not a CIDR; %s", n, cidrHint(string(n)))
		case slices.Contains(list[:i], n):
			v.report(dialect.CodeListSize, at.Field(i), "%q is given twice", n)
		}
	}
}

func (v *validator) domains(list []v1alpha2.DomainName, at model.Origin) {
	if !v.size(len(list), maxAddresses, at, "domain name", "") {
		return
	}
	for i, n := range list {
		switch {
		case !domainName.MatchString(string(n)):
			v.report(dialect.CodeDomainName, at.Field(i), "%q is not a domain name; valid are forms such as kubernetes.io and *.kubernetes.io", n)
		case slices.Contains(list[:i], n):
			v.report(dialect.CodeListSize, at.Field(i), "%q is given twice", n)
		}
	}
}

// parseCIDR reads a CIDR as the function isCIDR of the custom resource
// definitions does (k8s.io/apiserver pkg/cel/library/cidr.go): host bits may be
// set, leading zeros and IPv4-mapped IPv6 are refused (R98).
func parseCIDR(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	return p, err == nil && !p.Addr().Is4In6()
}

func cidrHint(s string) string {
	if p, err := netip.ParsePrefix(s); err == nil && p.Addr().Is4In6() {
		if p.Bits() >= 96 {
			return fmt.Sprintf("did you mean %v?", netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96))
		}
		return "IPv4-mapped IPv6 is not valid here"
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return fmt.Sprintf("did you mean %v?", netip.PrefixFrom(a.WithZone(""), a.BitLen()))
	}
	return "valid are forms such as 10.0.0.0/8 and fd00::/8"
}

// ports checks the entries of ports or protocols (R102).
func (v *validator) ports(r *rule, at model.Origin) {
	if !r.ported || !v.size(len(r.ports), v.words.most, at, "port", "; for all ports leave "+v.words.ports+" out") {
		return
	}
	forms := "portNumber, portRange and namedPort"
	if v.words == &clusterWords {
		forms = "tcp, udp, sctp and destinationNamedPort"
	}
	for i := range r.ports {
		p, at := &r.ports[i], at.Field(i)
		switch {
		case p.forms != 1:
			v.report(dialect.CodeOneOf, at, "the entry has %d of %s; it must have one of them", p.forms, forms)
			continue
		case p.name != nil && *p.name == "":
			v.report(dialect.CodeOneOf, at.Field(p.path...), "the name is empty; it must be that of a container port")
			continue
		case p.name != nil:
			if v.words != &clusterWords {
				v.report(dialect.CodeExperimental, at.Field(p.path...), "namedPort is of the experimental channel of the API; clusters with the standard one do not have it")
			}
			continue
		case p.bare:
			v.report(dialect.CodeOneOf, at.Field(p.path...), "%s needs a destinationPort; all ports are {destinationPort: {range: {start: 1, end: 65535}}}", p.path[0])
			continue
		case p.numbered == p.ranged, p.double:
			v.report(dialect.CodeOneOf, at.Field(p.path...), "destinationPort needs a number from 1 to 65535 or a range, and not both")
			continue
		}
		v.port(p, at)
	}
}

func (v *validator) port(p *port, at model.Origin) {
	bounds := []struct {
		field string
		n     int32
	}{{"start", p.first}, {"end", p.last}}
	base := at.Field(p.path...)
	if p.numbered {
		bounds = bounds[:1]
		bounds[0].field = "port"
		if p.strict {
			bounds[0].field = "number"
		}
	}
	for _, b := range bounds {
		if b.n < 1 || b.n > model.MaxPort {
			v.report(dialect.CodePortRange, base.Field(b.field), "port %d is out of range; valid are 1 to 65535", b.n)
		}
	}
	_, known := model.ParseProtocol(p.protocol)
	switch {
	case p.strict && p.ranged && p.first >= p.last:
		v.report(dialect.CodeEmptyRange, base, "the range %d to %d does not end above its start; one port is {destinationPort: {number: %d}}", p.first, p.last, p.first)
	case p.first > p.last:
		v.report(dialect.CodeNotUnderstood, base, "the range %d to %d ends below its start; it matches nothing (R102)", p.first, p.last)
	case !known:
		v.report(dialect.CodeNotUnderstood, base.Field("protocol"), "%q is not a protocol; %s; it matches nothing (R102)", p.protocol, meant(p.protocol, protocolNames))
	}
}

// namesOfAddresses notes named ports beside peers that are addresses, which
// the experimental channel refuses and the standard one does not (R101).
func (v *validator) namesOfAddresses(r *rule, at model.Origin) {
	named := slices.IndexFunc(r.ports, func(p port) bool { return p.name != nil })
	addressed := slices.ContainsFunc(r.peers, func(p peer) bool { return p.nodes != nil || p.networks != nil || p.domains != nil })
	if named >= 0 && addressed {
		v.report(dialect.CodeExperimental, at.Field(v.words.ports, named),
			"a port name means pods that are selected, never networks, nodes and domainNames; the experimental channel of the API refuses the rule, the standard one takes it")
	}
}

var protocolNames = []string{"TCP", "UDP", "SCTP"}

func compareNames(a, b model.NamedPort) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Protocol, b.Protocol))
}

// meant names the valid word that was probably meant, or all of them.
func meant(word string, valid []string) string {
	if best := nearest.Of(word, valid); best != "" {
		return "did you mean " + best + "?"
	}
	return "valid are " + strings.Join(valid[:len(valid)-1], ", ") + " and " + valid[len(valid)-1]
}
