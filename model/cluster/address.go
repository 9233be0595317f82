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
	live   bool // some Pod object has an address (R61)
	states [model.NumFamilies]model.AddressState
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
	var e evidence
	v6 := false
	for i := range s.pods {
		addrs, found := s.podAddresses(&s.pods[i], true)
		e.live = e.live || found
		v6 = v6 || addrs[model.IPv6].IsValid()
	}
	s.nodeFacts(out)
	s.impliedNodes(out)
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

// nodeFacts reads the Node objects (R58, R110).
func (s *State) nodeFacts(out *model.Snapshot) {
	for _, n := range s.nodes {
		ref := model.ObjectRef{Kind: "Node", Name: n.name}
		node := model.Node{Name: n.name, Labels: n.value.Labels, Origin: n.origin}
		for i, a := range n.value.Status.Addresses {
			addr, ok := parseAddr(a.Address)
			switch {
			case ok && !slices.Contains(node.Addresses, addr):
				node.Addresses = append(node.Addresses, addr)
			case !ok && strings.HasSuffix(a.Type, "IP"): // InternalIP, ExternalIP; host names are no addresses
				s.badAddress(n.origin.Field("status", "addresses", i, "address"), ref, a.Address, "an address")
			}
		}
		out.Nodes = append(out.Nodes, node)
		cidrs, at := n.value.Spec.PodCIDRs, n.origin.Field("spec", "podCIDRs")
		if len(cidrs) == 0 && n.value.Spec.PodCIDR != "" {
			cidrs, at = []string{n.value.Spec.PodCIDR}, n.origin.Field("spec", "podCIDR")
		}
		for _, text := range cidrs {
			if p, ok := parsePrefix(text); ok {
				out.PodCIDRs = append(out.PodCIDRs, p)
			} else {
				s.badAddress(at, ref, text, "a CIDR")
			}
		}
	}
}

// impliedNodes adds the nodes that pods say they are on, with the addresses
// that the pods give, where the input has no Node object of the name: traffic
// from such an address is traffic from a node all the same (R52, R58).
func (s *State) impliedNodes(out *model.Snapshot) {
	at := map[string]int{}
	owned := map[netip.Addr]bool{}
	for i := range out.Nodes {
		at[out.Nodes[i].Name] = i
		for _, a := range out.Nodes[i].Addresses {
			owned[a] = true
		}
	}
	objects := len(out.Nodes)
	for i := range s.pods {
		p := &s.pods[i]
		if finished(p.value) {
			continue
		}
		hosts := hostAddresses(p.value)
		name := p.value.Spec.NodeName
		if name == "" && len(hosts) > 0 && !slices.ContainsFunc(hosts, func(a netip.Addr) bool { return owned[a] }) {
			name = hosts[0].String()
		}
		if name == "" || len(hosts) == 0 {
			continue
		}
		n, ok := at[name]
		if !ok {
			n = len(out.Nodes)
			at[name] = n
			out.Nodes = append(out.Nodes, model.Node{Name: name, Synthesized: true, Origin: p.origin.Field("status", "hostIP")})
		}
		if n < objects {
			continue
		}
		for _, a := range hosts {
			if !slices.Contains(out.Nodes[n].Addresses, a) {
				out.Nodes[n].Addresses = append(out.Nodes[n].Addresses, a)
			}
		}
	}
	if n := len(out.Nodes) - objects; n > 0 {
		s.ledger.Assume(fmt.Sprintf("nodes without a Node object have the addresses that their pods give as hostIP: %d", n))
	}
}

// hostAddresses returns what a pod's status says of its node's addresses.
func hostAddresses(p *manifest.Pod) []netip.Addr {
	var out []netip.Addr
	add := func(s string) {
		if a, ok := parseAddr(s); ok && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	add(p.Status.HostIP)
	for _, ip := range p.Status.HostIPs {
		add(ip.IP)
	}
	return out
}

// domains settles where unknown addresses can be and says what that assumes
// (R47).
func (s *State) domains(out *model.Snapshot) {
	// Only a list of Node objects that all have addresses is taken for whole.
	whole := !slices.ContainsFunc(out.Nodes, func(n model.Node) bool { return n.Synthesized || len(n.Addresses) == 0 })
	for i := 0; whole && i < len(out.Nodes); i++ {
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
	out.PodDomain = slices.Clone(out.PodCIDRs)
	var assumed []string
	pods := 0
	for f := range model.Family(model.NumFamilies) {
		of := func(p netip.Prefix) bool { return model.FamilyOf(p.Addr()) == f }
		if slices.ContainsFunc(out.PodCIDRs, of) {
			continue
		}
		for _, p := range model.AssumedPodAddresses {
			if of(p) {
				out.PodDomain = append(out.PodDomain, p)
				if unknown[f] > 0 {
					assumed = append(assumed, p.String())
					pods = max(pods, unknown[f])
				}
			}
		}
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

func have(pods int) string {
	if pods == 1 {
		return "1 pod has"
	}
	return fmt.Sprintf("%d pods have", pods)
}

// settleClashes finds pods that share an address. One of them is what the
// address means in a question: a running one if there is, then the first of
// the input (R62). The others are marked.
func (s *State) settleClashes(pods []model.Pod, running []bool) {
	owner := make(map[netip.Addr]int, len(pods))
	clashes := map[netip.Addr][]int{}
	for i := range pods {
		if pods[i].HostNetwork {
			continue
		}
		for _, a := range pods[i].Addresses {
			if a.State != model.AddressKnown {
				continue
			}
			first, found := owner[a.Addr]
			if !found {
				owner[a.Addr] = i
				continue
			}
			if len(clashes[a.Addr]) == 0 {
				clashes[a.Addr] = []int{first}
			}
			clashes[a.Addr] = append(clashes[a.Addr], i)
		}
	}
	addrs := make([]netip.Addr, 0, len(clashes))
	for a := range clashes {
		addrs = append(addrs, a)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, addr := range addrs {
		sharers := clashes[addr]
		best := sharers[0]
		for _, i := range sharers {
			if running[i] {
				best = i
				break
			}
		}
		var others []string
		var at *model.Pod
		for _, i := range sharers {
			if i == best {
				continue
			}
			pods[i].Addresses[model.FamilyOf(addr)].Shadowed = true
			at = &pods[i]
			if len(others) < shownSubjects {
				others = append(others, at.Path())
			}
		}
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeAddressClash, Origin: at.Origin, Object: model.ObjectRef{Kind: "Pod", Namespace: at.Namespace, Name: at.Name},
			Message: fmt.Sprintf("%d pods have the address %v; it means %s, not %s", len(sharers), addr, pods[best].Path(), strings.Join(others, ", ")),
		})
	}
}
