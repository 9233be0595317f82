package cilium

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// Left counts the questions that were not compared. It may be shared by
// goroutines.
type Left struct {
	Uncertain atomic.Int64 // podreach does not know
	Excluded  atomic.Int64 // Cilium cannot be asked; the package comment says why
}

// Comparison is podreach and Cilium on generated clusters. It counts in left
// what is not compared.
func Comparison(left *Left) fuzz.Comparison {
	return fuzz.Comparison{
		Counterpart: "cilium", Package: "-C fuzz/cilium .",
		Clusters: gen.Options{Valid: true, Profile: "cilium"},
		Check:    func(c *gen.Cluster, r *rand.Rand) (fuzz.Count, error) { return check(c, r, left) },
	}
}

func check(c *gen.Cluster, r *rand.Rand, left *Left) (fuzz.Count, error) {
	text := c.YAML()
	x, _, err := fuzz.Index(c, text)
	if err != nil {
		return fuzz.Count{}, err
	}
	q, err := newQuestions(x, text, c.DefaultNamespace, c.Unmanaged, r)
	if err != nil {
		return fuzz.Count{}, err
	}
	n, err := q.ask(flowsOfPair)
	left.Uncertain.Add(q.uncertain)
	left.Excluded.Add(q.excluded)
	return n, err
}

// flowsOfPair is how many ports are asked of each pair of ends, and the
// shares of the questions that go to the slower ways of asking.
const (
	flowsOfPair = 12
	lookupEvery = 256 // flows for each LookupFlow
	stepsEvery  = 16  // flows for each run of the simulator
)

// questions are those about one cluster.
type questions struct {
	x       *engine.Index
	r       *rand.Rand
	objects *objects
	world   *world
	plain   types.PolicyEntries // for the simulator
	stepped bool                // plain is of use
	outside []netip.Addr
	ports   []port
	onNodes map[netip.Addr]bool // addresses of nodes
	count   fuzz.Count
	asked   int

	uncertain, excluded int64
}

// port is what is asked about: a port, or ICMP for the protocols without ports
// (R84).
type port struct {
	protocol model.Protocol
	number   uint16
	icmp     bool
}

// String is "TCP 80" or "ICMP".
func (p port) String() string {
	if p.icmp {
		return "ICMP"
	}
	return fmt.Sprintf("%v %d", p.protocol, p.number)
}

func newQuestions(x *engine.Index, text []byte, defaultNamespace string, unmanaged []model.PodSet, r *rand.Rand) (*questions, error) {
	o, err := read(text, x.Snapshot(), defaultNamespace)
	if err != nil {
		return nil, err
	}
	return questionsAbout(x, o, unmanaged, r)
}

func questionsAbout(x *engine.Index, o *objects, unmanaged []model.PodSet, r *rand.Rand) (*questions, error) {
	guessed := false
	for i := range o.pods {
		p := &o.pods[i]
		p.unmanaged = slices.ContainsFunc(unmanaged, func(s model.PodSet) bool {
			return (s.Namespace == p.Namespace || s.Namespace == "" && s.Namespaces.Matches(o.namespaces[p.Namespace].labels)) && s.Pods.Matches(p.Labels)
		})
		guessed = guessed || p.unmanaged && p.guessed
	}
	if guessed { // of the ports that they share podreach knows more
		o.pods = slices.DeleteFunc(o.pods, func(p pod) bool { return p.unmanaged })
	}
	q := &questions{x: x, r: r, objects: o, onNodes: map[netip.Addr]bool{}}
	var err error
	if q.world, err = newWorld(o); err != nil {
		return nil, err
	}
	q.plain, q.stepped = q.world.plain()
	for _, n := range x.Snapshot().Nodes {
		for _, a := range n.Addresses {
			q.onNodes[a] = true
		}
	}
	q.addresses()
	for _, a := range x.PortAtoms() {
		q.ports = append(q.ports, port{protocol: a.Protocol, number: a.First})
		if a.Last != a.First {
			q.ports = append(q.ports, port{protocol: a.Protocol, number: a.Last})
		}
	}
	q.declared()
	return q, nil
}

// declared adds the ports that containers declare, for names may mean them of
// which podreach knows nothing.
func (q *questions) declared() {
	for _, p := range q.objects.pods {
		for _, c := range p.Spec.Containers {
			for _, d := range c.Ports {
				protocol, known := model.ParseProtocol(string(d.Protocol))
				if n := (port{protocol: protocol, number: uint16(d.ContainerPort)}); (known || d.Protocol == "") && n.number > 0 && !slices.Contains(q.ports, n) {
					q.ports = append(q.ports, n)
				}
			}
		}
	}
}

// addresses finds outside addresses at both sides of every boundary.
func (q *questions) addresses() {
	add := func(a netip.Addr) {
		if a.IsValid() && !a.Is4In6() && len(q.x.Owners(a)) == 0 {
			q.outside = append(q.outside, a)
		}
	}
	for _, p := range q.world.prefixes {
		first, last := p.Addr(), lastOf(p)
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			add(a)
		}
	}
	for _, s := range []string{"8.8.8.8", "10.255.255.254", "169.254.169.254", "2001:4860:4860::8888", "fd00:ec2::254"} {
		add(netip.MustParseAddr(s))
	}
	slices.SortFunc(q.outside, netip.Addr.Compare)
	q.outside = slices.Compact(q.outside)
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// ask goes over all pairs of pods and over pods with some outside addresses.
func (q *questions) ask(flows int) (fuzz.Count, error) {
	var outside []netip.Addr
	for _, i := range q.r.Perm(len(q.outside))[:min(8, len(q.outside))] {
		outside = append(outside, q.outside[i])
	}
	for i := range q.objects.pods {
		src := &q.objects.pods[i]
		for j := range q.objects.pods {
			if dst := &q.objects.pods[j]; i != j { // R50
				if err := q.pair(end{pod: src}, end{pod: dst}, flows); err != nil {
					return q.count, err
				}
			}
		}
		var others []end
		for _, a := range outside {
			others = append(others, end{addr: a})
		}
		for i := range q.x.Snapshot().Nodes {
			others = append(others, end{node: &q.x.Snapshot().Nodes[i], number: i})
		}
		for _, e := range others {
			if err := q.pair(end{pod: src}, e, flows); err != nil {
				return q.count, err
			}
			if err := q.pair(e, end{pod: src}, flows); err != nil {
				return q.count, err
			}
		}
	}
	return q.count, nil
}

// end is a pod, a node or an outside address.
type end struct {
	pod    *pod
	node   *model.Node
	number int // of the node
	addr   netip.Addr
}

func (e end) String() string {
	switch {
	case e.node != nil:
		return "node/" + e.node.Name
	case e.pod == nil:
		return e.addr.String()
	}
	return e.pod.Namespace + "/" + e.pod.Name
}

func (e end) has(f model.Family) bool {
	switch {
	case e.node != nil: // what it lacks podreach denies (R46)
		return slices.ContainsFunc(e.node.Addresses, func(a netip.Addr) bool { return model.FamilyOf(a) == f })
	case e.pod == nil:
		return model.FamilyOf(e.addr) == f
	}
	return e.pod.addresses[f].State != model.AddressNone
}

func (q *questions) id(e end) engine.EndpointID {
	switch {
	case e.node != nil:
		return engine.NodeID(e.number)
	case e.pod == nil:
		return q.x.Addr(e.addr)
	}
	return engine.EndpointID(e.pod.number)
}

// pair asks about some ports, in each family that both ends may have (R46).
func (q *questions) pair(src, dst end, flows int) error {
	for f := range model.Family(model.NumFamilies) {
		if !src.has(f) || !dst.has(f) {
			continue
		}
		for _, i := range q.r.Perm(len(q.ports))[:min(flows, len(q.ports))] {
			if err := q.one(src, dst, f, q.ports[i]); err != nil {
				return err
			}
		}
		if err := q.one(src, dst, f, port{icmp: true}); err != nil {
			return err
		}
	}
	return nil
}

// ours is podreach's answer.
func (q *questions) ours(src, dst end, f model.Family, p port) model.Verdict {
	flow := engine.Flow{Src: q.id(src), Dst: q.id(dst), Protocol: p.protocol, Port: p.number, Family: engine.Only(f)}
	if !p.icmp {
		return q.x.Verdict(flow)
	}
	switch q.x.BetweenFlow(flow).Other {
	case model.OtherYes:
		return model.Allowed
	case model.OtherNo:
		return model.Denied
	}
	return model.Unknown
}

var protocols = [model.NumProtocols]u8proto.U8proto{model.TCP: u8proto.TCP, model.UDP: u8proto.UDP, model.SCTP: u8proto.SCTP}

// one asks one question of both.
func (q *questions) one(src, dst end, f model.Family, p port) error {
	ours := q.ours(src, dst, f, p)
	if ours == model.Unknown {
		q.uncertain++
		return nil
	}
	if q.objects.nodes && (dst.node != nil || dst.pod != nil && q.onNodes[dst.pod.addresses[f].Addr]) {
		q.excluded++
		return nil
	}
	q.asked++
	for _, flow := range q.flows(q.world, src, dst, f, p) {
		theirs, err := q.world.allowed(flow)
		if err != nil {
			return err
		}
		if err := q.confirm(flow, theirs); err != nil {
			return fmt.Errorf("%w: %v to %v, %v, %v", err, src, dst, p, f)
		}
		q.count.Verdicts++
		if theirs != (ours == model.Allowed) {
			return fmt.Errorf("%v to %v, %v, %v: podreach says %v, Cilium allowed, from %v: %v", src, dst, p, f, ours, flow.from.LabelArray, theirs)
		}
	}
	return nil
}

// flows are the connection as Cilium may see it: the node of a pod is its host,
// others are remote, and which of it a node is may not be known (R57).
func (q *questions) flows(w *world, src, dst end, f model.Family, p port) []flow {
	out := q.flow(w, src, dst, f, p)
	node, pod, id := src.node, dst.pod, &out.from
	if node == nil {
		node, pod, id = dst.node, src.pod, &out.to
	}
	if node == nil {
		return []flow{out}
	}
	on := q.x.Snapshot().Pods[pod.number].NodeName
	var all []flow
	for _, n := range []identity.NumericIdentity{identity.ReservedIdentityHost, identity.ReservedIdentityRemoteNode} {
		if on == "" || (on == node.Name) == (n == identity.ReservedIdentityHost) {
			*id = reserved(n)
			all = append(all, out)
		}
	}
	return all
}

// flow is the connection, without the identities of nodes.
func (q *questions) flow(w *world, src, dst end, f model.Family, p port) flow {
	out := flow{protocol: protocols[p.protocol], port: p.number}
	if p.icmp { // an echo request
		out.protocol, out.port = u8proto.ICMP, 8
		if f == model.IPv6 {
			out.protocol, out.port = u8proto.ICMPv6, 128
		}
	}
	out.from, out.fromPod = w.of(src)
	out.to, out.toPod = w.of(dst)
	return out
}

// of is the identity of an end, and its endpoint if it has one.
func (w *world) of(e end) (*identity.Identity, *endpoint) {
	switch {
	case e.node != nil:
		return nil, nil
	case e.pod == nil:
		return w.identityOf(e.addr), nil
	}
	p := w.pods[e.String()]
	if p.unmanaged {
		return p.identity, nil
	}
	return p.identity, p
}

// confirm asks Cilium in its two other ways, now and then.
func (q *questions) confirm(f flow, want bool) error {
	if f.toPod != nil && f.toPod.namesSCTP() {
		return nil
	}
	if q.asked%lookupEvery == 0 {
		if got, err := q.world.lookup(f); err != nil || got != want {
			return fmt.Errorf("map state allows: %v, LookupFlow: %v (%w)", want, got, err)
		}
	}
	if q.stepped && q.asked%stepsEvery == 0 {
		if got := q.world.iterate(q.plain, f); got != want {
			return fmt.Errorf("map state allows: %v, IteratePolicy: %v", want, got)
		}
	}
	return nil
}
