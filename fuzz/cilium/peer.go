package cilium

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cilium/cilium/pkg/k8s"
	slimnetworkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/model"
)

// Peer is one cluster as Cilium's policy repository has it, with podreach's
// index of the same objects, to be compared and then timed (bench/peers). It is
// for one goroutine.
type Peer struct {
	q    *questions
	pods []engine.EndpointID
}

// NewPeer hands a cluster to Cilium, object by object as JSON. x is what
// podreach has made of the same objects in its profile cilium.
func NewPeer(documents []json.RawMessage, x *engine.Index) (*Peer, error) {
	o, err := decode(documents, x.Snapshot(), "")
	if err != nil {
		return nil, err
	}
	q, err := questionsAbout(x, o, nil, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		return nil, err
	}
	p := &Peer{q: q}
	for i := range o.pods {
		p.pods = append(p.pods, engine.EndpointID(o.pods[i].number))
	}
	return p, nil
}

// Pods are those about which Cilium can be asked.
func (p *Peer) Pods() []engine.EndpointID { return p.pods }

// Compare compares at least n verdicts: random pods, one of eight ends an
// outside address, a port, in both families. The first disagreement is the
// error.
func (p *Peer) Compare(r *rand.Rand, n int) (fuzz.Count, error) {
	q := p.q
	q.r = r
	for tries := 0; q.count.Verdicts < n; tries++ {
		if tries > 100*n {
			return q.count, errors.New("cilium: too few questions of which podreach is certain")
		}
		pod := func() end { return end{pod: &q.objects.pods[r.IntN(len(q.objects.pods))]} }
		src, dst := pod(), pod()
		switch address := q.outside[r.IntN(len(q.outside))]; r.IntN(8) {
		case 0:
			src = end{addr: address}
		case 1:
			dst = end{addr: address}
		}
		if src == dst { // R50
			continue
		}
		if err := q.pair(src, dst, 1); err != nil {
			return q.count, err
		}
	}
	return q.count, nil
}

// Ask returns how to ask about connections between two pods to one port: in the
// map states of both, which are computed with the first question about a pod.
func (p *Peer) Ask(protocol model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error) {
	ends := p.ends()
	return func(src, dst engine.EndpointID) (bool, error) {
		from, to := ends[src], ends[dst]
		return p.q.world.allowed(flow{from: from.identity, to: to.identity, fromPod: from, toPod: to, protocol: protocols[protocol], port: port})
	}
}

// Lookup is Ask by policy.LookupFlow, which keeps nothing.
func (p *Peer) Lookup(protocol model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error) {
	ends := p.ends()
	return func(src, dst engine.EndpointID) (bool, error) {
		from, to := ends[src], ends[dst]
		return p.q.world.lookup(flow{from: from.identity, to: to.identity, fromPod: from, toPod: to, protocol: protocols[protocol], port: port})
	}
}

// ends are the pods by podreach's numbers.
func (p *Peer) ends() []*endpoint {
	out := make([]*endpoint, len(p.q.x.Snapshot().Pods))
	for i := range p.q.objects.pods {
		o := &p.q.objects.pods[i]
		out[o.number] = p.q.world.pods[o.Namespace+"/"+o.Name]
	}
	return out
}

// Load gives all identities and policies to a new repository.
func (p *Peer) Load() (err error) {
	p.q.world, err = newWorld(p.q.objects)
	return err
}

// Forget drops the map states.
func (p *Peer) Forget() { clear(p.q.world.sides) }

// Change deletes a policy or adds it again. As an agent does, it computes anew
// what the repository says is affected, here with the next question.
func (p *Peer) Change(namespace, name string, present bool) error {
	w := p.q.world
	i := slices.IndexFunc(p.q.objects.policies, func(np *slimnetworkingv1.NetworkPolicy) bool { return np.Namespace == namespace && np.Name == name })
	if i < 0 {
		return fmt.Errorf("cilium: no policy %s/%s", namespace, name)
	}
	np := p.q.objects.policies[i]
	id := resourceOf(np)
	delete(w.parts, id)
	if present {
		entries, err := k8s.ParseNetworkPolicy(quiet, clusterName, np)
		if err != nil {
			return fmt.Errorf("cilium: %w", err)
		}
		w.parts[id] = entries
	}
	affected, _, _ := w.repo.ReplaceByResource(w.parts[id], id)
	for identity := range affected.Members() {
		delete(w.sides, identity)
	}
	return nil
}
