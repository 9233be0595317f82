package cilium

import (
	"maps"
	"math"
	"slices"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/testutils"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

// flow is a connection between two identities. An end that is no pod has no
// endpoint: no policy has it as a subject.
type flow struct {
	from, to       *identity.Identity
	fromPod, toPod *endpoint
	protocol       u8proto.U8proto
	port           uint16
}

var redirects = map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}

// allowed looks the flow up in the map states that agents would give to the
// datapath of both ends. They are computed once for each end.
func (w *world) allowed(f flow) (bool, error) {
	if f.fromPod != nil {
		side, err := w.side(f.fromPod)
		if err != nil {
			return false, err
		}
		if e, _, _ := side.Lookup(policy.EgressKey().WithIdentity(f.to.ID).WithPortProto(f.protocol, f.port)); e.IsDeny() {
			return false, nil
		}
	}
	if f.toPod != nil {
		side, err := w.side(f.toPod)
		if err != nil {
			return false, err
		}
		if e, _, _ := side.Lookup(policy.IngressKey().WithIdentity(f.from.ID).WithPortProto(f.protocol, f.port)); e.IsDeny() {
			return false, nil
		}
	}
	return true, nil
}

func (w *world) side(e *endpoint) (*policy.EndpointPolicy, error) {
	if p := w.sides[e.identity.ID]; p != nil {
		return p, nil
	}
	selected, _, err := w.repo.ComputeSelectorPolicy(e.identity)
	if err != nil {
		return nil, err
	}
	p := selected.DistillPolicy(quiet, owner{e}, redirects)
	if err := p.Ready(); err != nil {
		return nil, err
	}
	p.Detach(quiet)
	selected.Supersede()
	w.sides[e.identity.ID] = p
	return p, nil
}

// lookup is the same by Cilium's own LookupFlow, which computes everything
// anew. It knows no port names of SCTP.
func (w *world) lookup(f flow) (bool, error) {
	v, _, _, err := policy.LookupFlow(quiet, w.repo, w.ids, w.flow(f, 0))
	return allowedBy(v, f), err
}

// iterate is the same by the simulator with which Cilium tests its map states.
func (w *world) iterate(entries types.PolicyEntries, f flow) bool {
	nowhere := uint16(1)
	if f.port == nowhere {
		nowhere = 2
	}
	if f.fromPod != nil {
		entries = slices.Concat(entries, rest(entries, f.fromPod, false))
	}
	if f.toPod != nil {
		entries = slices.Concat(entries, rest(entries, f.toPod, true))
	}
	v, _, _ := testutils.IteratePolicy(entries, w.flow(f, nowhere))
	return allowedBy(v, f)
}

func allowedBy(v types.LookupResult, f flow) bool {
	return (f.fromPod == nil || v.Egress == types.DecisionAllowed) && (f.toPod == nil || v.Ingress == types.DecisionAllowed)
}

// flow gives names that the destination does not have the port nowhere, if that
// is one: the simulator panics where a name is not known.
func (w *world) flow(f flow, nowhere uint16) types.Flow {
	out := types.Flow{From: f.from, To: f.to, Proto: f.protocol, Dport: f.port, NamedPortsTCP: map[string]uint16{}, NamedPortsUDP: map[string]uint16{}}
	if nowhere != 0 {
		for _, e := range w.entries {
			for _, r := range e.L4 {
				for _, p := range r.Ports {
					if isName(p.Port) {
						out.NamedPortsTCP[p.Port], out.NamedPortsUDP[p.Port] = nowhere, nowhere
					}
				}
			}
		}
	}
	if f.toPod == nil {
		return out
	}
	for name, p := range f.toPod.ports {
		switch p.Proto {
		case u8proto.TCP:
			out.NamedPortsTCP[name] = p.Port
		case u8proto.UDP:
			out.NamedPortsUDP[name] = p.Port
		}
	}
	return out
}

func isName(port string) bool { return port != "" && (port[0] < '0' || port[0] > '9') }

// rest is what allows the rest to a pod without a default deny in a direction.
// In computePolicyEnforcementAndRules of pkg/policy/repository.go it is an
// entry; the simulator denies what every entry that matches passes on.
func rest(entries types.PolicyEntries, e *endpoint, ingress bool) types.PolicyEntries {
	for _, p := range entries {
		if p.DefaultDeny && p.Ingress == ingress && p.Subject.Matches(e.identity.LabelArray) {
			if ingress { // R128
				return restOf(e, types.HostSelectors, ingress)
			}
			return nil
		}
	}
	return restOf(e, types.WildcardSelectors, ingress)
}

func restOf(e *endpoint, peers types.Selectors, ingress bool) types.PolicyEntries {
	return types.PolicyEntries{{Tier: types.DefaultPolicy, Subject: types.NewLabelSelectorFromLabels(e.identity.LabelArray...), L3: peers, Verdict: types.Allow, Ingress: ingress}}
}

// plain are the entries in the form that the simulator can read: a port name of
// any protocol is one of TCP and one of UDP. It is false where a name is of
// SCTP, which the simulator does not know.
func (w *world) plain() (types.PolicyEntries, bool) {
	out := slices.Clone(w.entries)
	for i, e := range out {
		var rules api.PortRules
		for _, r := range e.L4 {
			for _, p := range r.Ports {
				switch {
				case isName(p.Port) && p.Protocol == api.ProtoSCTP:
					return nil, false
				case isName(p.Port) && (p.Protocol == api.ProtoAny || p.Protocol == ""):
					rules = append(rules, api.PortRule{Ports: []api.PortProtocol{{Port: p.Port, Protocol: api.ProtoTCP}, {Port: p.Port, Protocol: api.ProtoUDP}}})
				default:
					rules = append(rules, api.PortRule{Ports: []api.PortProtocol{p}})
				}
			}
		}
		if rules != nil {
			changed := *e
			changed.L4 = rules
			out[i] = &changed
		}
	}
	return out, true
}

// namesSCTP: of SCTP ports that have names only the map state knows.
func (e *endpoint) namesSCTP() bool {
	for p := range maps.Values(e.ports) {
		if p.Proto == u8proto.SCTP {
			return true
		}
	}
	return false
}

// owner is the endpoint for which a policy is computed.
type owner struct{ *endpoint }

// GetID implements policy.PolicyOwner.
func (o owner) GetID() uint64 { return uint64(o.identity.ID) }

// GetIngressNamedPort implements policy.PolicyOwner as endpoint.Endpoint does.
func (o owner) GetIngressNamedPort(name string, p u8proto.U8proto) uint16 {
	port, err := o.ports.GetNamedPort(name, p)
	if err != nil {
		return 0
	}
	return port
}

// PolicyDebug implements policy.PolicyOwner.
func (o owner) PolicyDebug(string, ...any) {}

// IsHost implements policy.PolicyOwner.
func (o owner) IsHost() bool { return false }

// PreviousMapStateSizes implements policy.PolicyOwner.
func (o owner) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }

// RegenerateIfAlive implements policy.PolicyOwner.
func (o owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}
