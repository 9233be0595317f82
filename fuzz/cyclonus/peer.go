package cyclonus

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Peer is one cluster as cyclonus has it, with podreach's index of the same
// objects, to be compared and then timed (bench/peers). It is for one goroutine.
type Peer struct {
	w    *comparison
	at   map[engine.EndpointID]*end
	pods []engine.EndpointID
	now  *matcher.Policy // what questions are asked of
}

// NewPeer hands a cluster to cyclonus. x and l are what podreach has made of the
// same objects.
func NewPeer(c *gen.Cluster, x *engine.Index, l *dialect.Ledger) (*Peer, error) {
	w, err := hand(c, x, l, false) // it answers as fast, and need not simplify first
	if err != nil {
		return nil, err
	}
	p := &Peer{w: w, at: map[engine.EndpointID]*end{}, now: w.raw}
	for i := range w.ends {
		if e := &w.ends[i]; e.pod() {
			p.at[e.id] = e
			p.pods = append(p.pods, e.id)
		}
	}
	return p, nil
}

// Pods are those about which cyclonus can be asked.
func (p *Peer) Pods() []engine.EndpointID { return p.pods }

// Compare compares at least n verdicts: random ends, pods or not, a port, in
// both families. The ledger applies; the first disagreement outside it is the
// error.
func (p *Peer) Compare(r *rand.Rand, n int) (fuzz.Count, error) {
	some := func() *end { return &p.w.ends[r.IntN(len(p.w.ends))] }
	for tries := 0; p.w.count.Verdicts < n; tries++ {
		if tries > 100*n {
			return p.w.count, errors.New("cyclonus: too few questions of which podreach is certain")
		}
		if err := p.w.pair(some(), some(), r, 1); err != nil {
			return p.w.count, err
		}
	}
	return p.w.count, nil
}

// Ask returns how to ask about connections between two pods to one port. What a
// user would have ready is made here and not with every question: the ends, as
// cyclonus wants them, and the name of the port at each.
func (p *Peer) Ask(protocol model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error) {
	questions := make([]question, len(p.w.x.Snapshot().Pods)) // to each pod
	for _, id := range p.pods {
		e := p.at[id]
		q := question{port: namedPort{number: int(port)}}
		for theirs, ours := range protocols {
			if ours == protocol {
				q.port.protocol = theirs
			}
		}
		q.names = e.names[q.port]
		q.to = e.first()
		questions[id] = q
	}
	sources := make([]*matcher.TrafficPeer, len(questions))
	for _, id := range p.pods {
		sources[id] = p.at[id].first()
	}
	return func(src, dst engine.EndpointID) (bool, error) {
		q := questions[dst]
		q.from = sources[src]
		return q.allowed(p.now), nil
	}
}

// first is the end with its address, or the first that it may have.
func (e *end) first() *matcher.TrafficPeer {
	for _, list := range e.at {
		if len(list) > 0 {
			return list[0].peer
		}
	}
	return nil
}

// Load reads all policies anew.
func (p *Peer) Load() error {
	p.now = matcher.BuildNetworkPolicies(p.w.simplify, p.w.policies)
	return nil
}

// Forget is nothing: answers are not kept.
func (p *Peer) Forget() {}

// Change deletes a policy, for which cyclonus has no way but to read all others
// anew, or adds it again, for which it has one.
func (p *Peer) Change(namespace, name string, present bool) error {
	i := slices.IndexFunc(p.w.policies, func(np *networkingv1.NetworkPolicy) bool { return np.Namespace == namespace && np.Name == name })
	if i < 0 {
		return fmt.Errorf("cyclonus: no policy %s/%s", namespace, name)
	}
	if !present {
		p.now = matcher.BuildNetworkPolicies(p.w.simplify, slices.Concat(p.w.policies[:i], p.w.policies[i+1:]))
		return nil
	}
	ingress, egress := matcher.BuildTarget(p.w.policies[i])
	if ingress != nil {
		p.now.AddTarget(true, ingress)
	}
	if egress != nil {
		p.now.AddTarget(false, egress)
	}
	return nil
}
