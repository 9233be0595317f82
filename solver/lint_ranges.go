package solver

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/podreach/podreach/model/dialect"
)

// ranges finds blocks of addresses inside the ranges of Services, which no
// policy ever sees, and inside those of pods (PR4009).
func (l *linter) ranges(p *policy) {
	said := map[string]bool{} // one rule of a policy may be several
	for _, i := range p.rules {
		r := &l.s.Rules[i]
		for j, b := range r.Peer.Blocks {
			f := Finding{Code: dialect.CodeLintRange, Object: p.object, Origin: peerPlace(r, len(r.Peer.Pods)+j), About: fmt.Sprintf("%v %v", r.Direction, b.CIDR)}
			if said[f.Origin.Path+f.About] {
				continue
			}
			said[f.Origin.Path+f.About] = true
			if p.networkPolicy() {
				f.Origin = f.Origin.Field("ipBlock", "cidr")
			}
			inside := func(ranges []netip.Prefix) (netip.Prefix, bool) {
				k := slices.IndexFunc(ranges, func(c netip.Prefix) bool { return c.Bits() <= b.CIDR.Bits() && c.Contains(b.CIDR.Addr()) })
				if k < 0 {
					return netip.Prefix{}, false
				}
				return ranges[k], true
			}
			if c, ok := inside(l.s.ServiceCIDRs); ok {
				f.Message = fmt.Sprintf("%s of %v names %v, of the Services (%v): policies see the address of the pod behind a Service, so that it matches nothing", ruleName(r), p.object, b.CIDR, c)
				l.report(f)
			} else if c, ok := inside(l.s.PodCIDRs); ok {
				f.Severity = dialect.Note
				f.Message = fmt.Sprintf("%s of %v names %v, of the pods (%v): whether a block matches pods hangs on the network plugin, and their addresses change; select them by labels", ruleName(r), p.object, b.CIDR, c)
				if b.ExternalOnly {
					f.Severity = dialect.Warning
					f.Message = fmt.Sprintf("%s of %v names %v, of the pods (%v): blocks match no pod in this profile; select them by labels", ruleName(r), p.object, b.CIDR, c)
				}
				l.report(f)
			}
		}
	}
}
