package cluster

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	netutils "k8s.io/utils/net"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// parseAddr reads an address of a status field. IPv4-mapped addresses are IPv4
// and leading zeros are decimal, as for everything that reads them.
func parseAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	a, ok := netip.AddrFromSlice(netutils.ParseIPSloppy(s))
	return a.Unmap(), ok
}

func parsePrefix(s string) (netip.Prefix, bool) {
	_, n, err := netutils.ParseCIDRSloppy(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return unmap(netip.PrefixFrom(a, bits)), true
}

// unmap returns p masked, with IPv4-mapped prefixes as IPv4 (R43).
func unmap(p netip.Prefix) netip.Prefix {
	p = p.Masked()
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func (s *State) badAddress(origin model.Origin, ref model.ObjectRef, value, what string) {
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeBadAddress, Origin: origin, Object: ref,
		Message: fmt.Sprintf("%v: %q is not %s; it is ignored", ref, value, what),
	})
}

// podAddresses returns the addresses that the status of a pod gives, the first
// of each family (R46), and whether there is any.
func (s *State) podAddresses(p *entry[*manifest.Pod], report bool) (out [model.NumFamilies]netip.Addr, found bool) {
	add := func(text string, path ...any) {
		if text == "" {
			return
		}
		a, ok := parseAddr(text)
		if !ok {
			if report {
				s.badAddress(p.origin.Field(path...), model.ObjectRef{Kind: "Pod", Namespace: p.namespace, Name: p.name}, text, "an address")
			}
			return
		}
		if f := model.FamilyOf(a); !out[f].IsValid() {
			out[f], found = a, true
		}
	}
	for i := range p.value.Status.PodIPs {
		add(p.value.Status.PodIPs[i].IP, "status", "podIPs", i, "ip")
	}
	if len(p.value.Status.PodIPs) == 0 {
		add(p.value.Status.PodIP, "status", "podIP")
	}
	return out, found
}

// evidence is what the whole input says about addresses.
type evidence struct {
	live       bool // some Pod object has an address; of the cluster before it was changed (R61)
	states     [model.NumFamilies]model.AddressState
	nodeOf     []string // of each Pod object, "" when it is not known (R58)
	nodesWhole bool     // the Node objects are all nodes of the cluster, as far as one can tell (R47)
}

// unknown fills in the states of a pod whose addresses are not said.
func (e evidence) unknown(to *[model.NumFamilies]model.Address) {
	for f := range to {
		to[f] = model.Address{State: e.states[f]}
	}
}

// gather reads nodes, ranges and pod addresses and settles what is known of
// families (R47).
func (s *State) gather(out *model.Snapshot) evidence {
	e := evidence{live: s.mode == modeLive}
	v6 := false
	for i := range s.pods {
		if s.pods[i].left {
			continue
		}
		addrs, found := s.podAddresses(&s.pods[i], true)
		e.live = e.live || found && s.mode == modeOfPods
		v6 = v6 || addrs[model.IPv6].IsValid()
	}
	s.nodeFacts(out)
	e.nodeOf, e.nodesWhole = s.locate(out)
	for i := range out.Nodes {
		for _, a := range out.Nodes[i].Addresses {
			v6 = v6 || model.FamilyOf(a) == model.IPv6
		}
	}
	for _, c := range s.serviceCIDRs {
		ref := model.ObjectRef{Kind: "ServiceCIDR", Name: c.name}
		for i, text := range c.value.CIDRs {
			if p, ok := parsePrefix(text); ok {
				out.ServiceCIDRs = append(out.ServiceCIDRs, p)
			} else {
				s.badAddress(c.origin.Field("spec", "cidrs", i), ref, text, "a CIDR")
			}
		}
	}
	out.PodCIDRs = canonical(out.PodCIDRs, s.options.PodCIDRs)
	out.ServiceCIDRs = canonical(out.ServiceCIDRs, s.options.ServiceCIDRs)
	for _, p := range slices.Concat(out.PodCIDRs, out.ServiceCIDRs) {
		v6 = v6 || p.Addr().Is6()
	}
	switch {
	case len(s.options.Families) > 0:
		for _, f := range s.options.Families {
			e.states[f] = model.AddressUnknown
		}
	case v6:
		e.states = [model.NumFamilies]model.AddressState{model.AddressUnknown, model.AddressUnknown}
	default:
		e.states = [model.NumFamilies]model.AddressState{model.AddressUnknown, model.AddressMaybe}
	}
	out.UnknownNode = e.states
	return e
}

// canonical merges two lists of ranges, sorted and without duplicates.
func canonical(a, b []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(a)+len(b))
	for _, p := range slices.Concat(a, b) {
		out = append(out, unmap(p))
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(out)
}

// domains settles where unknown addresses can be and says what that assumes
// (R47).
func (s *State) domains(out *model.Snapshot, e evidence) {
	for i := 0; e.nodesWhole && i < len(out.Nodes); i++ {
		for _, a := range out.Nodes[i].Addresses {
			out.NodeDomain = append(out.NodeDomain, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	out.NodeDomain = canonical(out.NodeDomain, nil)

	var unknown [model.NumFamilies]int // pods
	maybe := false
	for i := range out.Pods {
		if out.Pods[i].Dormant {
			continue
		}
		for f, a := range out.Pods[i].Addresses {
			if !out.Pods[i].HostNetwork && (a.State == model.AddressUnknown || a.State == model.AddressMaybe) {
				unknown[f]++
				maybe = maybe || a.State == model.AddressMaybe
			}
		}
	}
	var assumed []string
	pods := 0
	for f := range model.Family(model.NumFamilies) {
		known := ofFamily(out.PodCIDRs, f)
		domain := known
		if len(known) == 0 {
			domain = ofFamily(model.AssumedPodAddresses, f)
		}
		outside, where := s.outside(out, f, domain)
		switch {
		case where.IsValid():
			if unknown[f] > 0 {
				s.contradicted(f, domain, outside, where, unknown[f])
			}
			domain = []netip.Prefix{anywhere(f)}
		case len(known) == 0 && unknown[f] > 0:
			assumed = append(assumed, spell(domain))
			pods = max(pods, unknown[f])
		}
		out.PodDomain = append(out.PodDomain, domain...)
	}
	if len(assumed) > 0 {
		text := "assumed pod addresses: " + strings.Join(assumed, ", ")
		s.ledger.Assume(text)
		s.ledger.Report(dialect.Diagnostic{
			Code:    dialect.CodeAssumedAddresses,
			Message: fmt.Sprintf("%s (%s no known address, and no pod range of the cluster is known)", text, have(pods)),
		})
	}
	if maybe {
		s.ledger.Assume("whether pods have IPv6 addresses is not known; nothing in the input says so")
	}
}

// outside returns a pod that contradicts a domain, and its address there: one
// that has not finished, is not on the host network, and has an address that is
// known. Those that leave because of a planned change (R139) count too.
func (s *State) outside(out *model.Snapshot, f model.Family, domain []netip.Prefix) (pod string, at netip.Addr) {
	in := newPrefixSet(domain)
	for i := range out.Pods {
		p := &out.Pods[i]
		if a := p.Addresses[f]; a.State == model.AddressKnown && !p.HostNetwork && !in.contains(a.Addr) {
			return p.Path(), a.Addr
		}
	}
	for o := range s.objects.all() {
		pod, ok := o.Value.(*manifest.Pod)
		if !ok || !o.gone || o.planned || o.duplicate || pod.Spec.HostNetwork || finished(pod) {
			continue
		}
		p := entryOf(pod, o, s.namespace(&o.Object))
		if addrs, _ := s.podAddresses(&p, false); addrs[f].IsValid() && !in.contains(addrs[f]) {
			return s.ref(o).String(), addrs[f]
		}
	}
	return "", netip.Addr{}
}

// contradicted says that nothing is assumed of the addresses of a family.
func (s *State) contradicted(f model.Family, domain []netip.Prefix, pod string, at netip.Addr, pods int) {
	text := fmt.Sprintf("nothing is assumed of unknown %v pod addresses: %s has %v, outside %s", f, pod, at, spell(domain))
	s.ledger.Assume(text)
	s.ledger.Report(dialect.Diagnostic{Code: dialect.CodeAssumedAddresses, Message: fmt.Sprintf("%s (%s no known address)", text, have(pods))})
}

// prefixSet finds whether an address is in one of many ranges, by lengths.
type prefixSet struct {
	bits []int
	all  map[netip.Prefix]bool
}

func newPrefixSet(ranges []netip.Prefix) prefixSet {
	s := prefixSet{all: make(map[netip.Prefix]bool, len(ranges))}
	for _, p := range ranges {
		s.all[p] = true
		if !slices.Contains(s.bits, p.Bits()) {
			s.bits = append(s.bits, p.Bits())
		}
	}
	return s
}

func (s prefixSet) contains(a netip.Addr) bool {
	return slices.ContainsFunc(s.bits, func(bits int) bool {
		p, err := a.Prefix(bits)
		return err == nil && s.all[p]
	})
}

func ofFamily(ranges []netip.Prefix, f model.Family) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range ranges {
		if model.FamilyOf(p.Addr()) == f {
			out = append(out, p)
		}
	}
	return out
}

// anywhere is the whole of a family.
func anywhere(f model.Family) netip.Prefix {
	if f == model.IPv4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

// spell lists the first few of some ranges.
func spell(ranges []netip.Prefix) string {
	var out []string
	for _, p := range ranges {
		out = append(out, p.String())
	}
	return listed(out)
}

func have(pods int) string {
	if pods == 1 {
		return "1 pod has"
	}
	return fmt.Sprintf("%d pods have", pods)
}
