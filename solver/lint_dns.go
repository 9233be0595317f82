package solver

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

const dnsPort = 53

// withoutDNS finds pods that may reach something by its name, but no DNS to ask
// for it (PR4008). It tells them by the first policy that opens something to
// them.
func (l *linter) withoutDNS() {
	var servers []int32
	for c := range l.classes {
		if len(l.classes[c].servers) > 0 {
			servers = append(servers, int32(c))
		}
	}
	in := map[int32][]*policy{} // class -> the policies that isolate its egress
	admin := map[int32][]*policy{}
	for _, p := range l.policies {
		for _, c := range p.classes {
			switch {
			case !p.networkPolicy():
				admin[c] = append(admin[c], p)
			case l.isolating(p, model.Egress) >= 0:
				in[c] = append(in[c], p)
			}
		}
	}
	var internet []engine.EndpointID // an address of each family
	for f := range model.Family(model.NumFamilies) {
		if parts := l.x.Outside(inFamily(l.internet(), f)).Outside(); len(parts) > 0 {
			internet = append(internet, parts[0].Endpoint)
		}
	}
	without := map[*policy][]int32{}
	for c := range l.classes {
		c := int32(c)
		opens := l.needsNames(in[c])
		if opens == nil || len(l.classes[c].servers) == l.classes[c].all || l.mayAsk(c, in[c], servers) || l.mayAskByAdmin(admin[c]) {
			continue
		}
		if slices.ContainsFunc(internet, func(o engine.EndpointID) bool { return asksDNS(l.side(c, o, model.Egress).Upper) }) {
			continue // what is not known, or a pod that is not managed
		}
		without[opens] = append(without[opens], c)
	}
	for _, p := range l.policies {
		classes := without[p]
		if len(classes) == 0 {
			continue
		}
		why := "no DNS pod of the input"
		if len(servers) == 0 {
			why = "nothing on port 53"
		}
		l.report(Finding{
			Code: dialect.CodeLintNoDNS, Object: p.object, Origin: l.s.Rules[l.isolating(p, model.Egress)].Origin,
			Message: fmt.Sprintf("%s may reach what %v opens, but %s to ask for its name (UDP and TCP 53)", l.podsText(classes), p.object, why),
		})
	}
}

func asksDNS(s model.PortSet) bool {
	return s.Contains(model.UDP, dnsPort) || s.Contains(model.TCP, dnsPort)
}

// isDNS reports whether a pod is of the cluster's DNS: by the label that every
// distribution gives it, or by the port name of CoreDNS.
func isDNS(p *model.Pod) bool {
	return p.Labels["k8s-app"] == "kube-dns" || p.Labels["k8s-app"] == "coredns" || slices.ContainsFunc(p.Ports, isDNSPort)
}

func isDNSPort(p model.ContainerPort) bool { return p.Name == "dns" && p.Protocol == model.UDP }

// needsNames returns the first policy that opens connections to pods or to all
// addresses of a family, which nobody makes by address; nil when there is none.
func (l *linter) needsNames(in []*policy) *policy {
	for _, p := range in {
		for _, i := range l.allows(p, model.Egress) {
			r := &l.s.Rules[i]
			if r.Peer.Any || slices.ContainsFunc(r.Peer.Blocks, func(b model.Block) bool { return b.CIDR.Bits() == 0 }) ||
				slices.ContainsFunc(r.Peer.Pods, func(s model.PodSet) bool { return len(l.selects(s)) > 0 }) {
				return p
			}
		}
	}
	return nil
}

// mayAsk reports whether pods reach a DNS pod, or a rule opens port 53 to
// addresses, where a resolver outside or one of the node may be; without DNS
// pods in the input, whether a rule opens port 53 at all.
func (l *linter) mayAsk(c int32, in []*policy, servers []int32) bool {
	for _, s := range servers {
		up := l.x.BetweenClasses(l.classes[c].class, l.classes[s].class).Upper
		if asksDNS(up) || slices.ContainsFunc(l.classes[s].servers, func(d *model.Pod) bool {
			return slices.ContainsFunc(d.Ports, func(p model.ContainerPort) bool { return p.Name == "dns" && up.Contains(p.Protocol, p.Port) })
		}) {
			return true
		}
	}
	for _, p := range in {
		for _, i := range l.allows(p, model.Egress) {
			r := &l.s.Rules[i]
			if opensDNS(r) && (len(servers) == 0 || r.Peer.Any || len(r.Peer.Blocks) > 0) {
				return true
			}
		}
	}
	return false
}

// mayAskByAdmin reports whether an admin policy of a pod may open port 53.
func (l *linter) mayAskByAdmin(in []*policy) bool {
	for _, p := range in {
		for _, i := range p.rules {
			if r := &l.s.Rules[i]; r.Direction == model.Egress && r.Action != model.Deny && r.Action != model.Pass && opensDNS(r) {
				return true
			}
		}
	}
	return false
}

func opensDNS(r *model.Rule) bool {
	return r.Ports.All || asksDNS(r.Ports.Set) || len(r.Ports.Named) > 0
}
