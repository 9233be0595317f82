package model

import (
	"fmt"
	"hash/maphash"
	"net/netip"
)

// Snapshot is one state of a cluster, as plain data: what engine.Compile
// takes. It holds no pointer to the files it came from. Once it has been
// compiled it must not be changed.
type Snapshot struct {
	Namespaces []Namespace // every namespace that a pod is in
	Pods       []Pod
	Nodes      []Node
	Rules      []Rule

	PodCIDRs     []netip.Prefix // R110
	ServiceCIDRs []netip.Prefix

	// PodDomain and NodeDomain are where the unknown addresses of pods and of
	// host-network pods can be, both families mixed (R47). An endpoint of
	// unknown address in a family that its domain lacks can be anywhere.
	PodDomain  []netip.Prefix
	NodeDomain []netip.Prefix
	// UnknownNode is what is known of the families of a node that lists no
	// address at all, as AddressNone, AddressUnknown or AddressMaybe. Such an
	// address can be anywhere.
	UnknownNode [NumFamilies]AddressState
}

// MaxDoubtedNames is how many port names rules that do not allow may have, if
// the ports of some pod are not known (M6).
const MaxDoubtedNames = 8

// Validate checks the invariants that the engine relies on. It costs
// O(pods + nodes + rules) and returns the first violation. What it rejects is
// a defect of whoever built the snapshot, not of user input.
func (s *Snapshot) Validate() error {
	ns := make(map[string]int, len(s.Namespaces))
	for i := range s.Namespaces {
		name := s.Namespaces[i].Name
		if _, twice := ns[name]; twice {
			return fmt.Errorf("model: namespace %q twice (M4)", name)
		}
		ns[name] = i
	}
	if p := s.namesake(); p != nil {
		return fmt.Errorf("model: pod %s/%s twice (M4)", p.Namespace, p.Name)
	}
	portsUnknown := false
	known := "" // the namespace of the pod before
	next := 0   // that of the next pods, if they are in the order of namespaces
	for i := range s.Pods {
		p := &s.Pods[i]
		if p.Hole() {
			continue
		}
		portsUnknown = portsUnknown || p.PortsUnknown
		if known != p.Namespace || i == 0 {
			if next == len(s.Namespaces) || s.Namespaces[next].Name != p.Namespace {
				n, found := ns[p.Namespace]
				if !found {
					return fmt.Errorf("model: pod %s/%s is in a namespace that the snapshot lacks (M4)", p.Namespace, p.Name)
				}
				next = n
			}
			next++
			known = p.Namespace
		}
		if err := p.Validate(); err != nil {
			return err
		}
	}
	nodes := make(map[string]bool, len(s.Nodes))
	for _, n := range s.Nodes {
		if nodes[n.Name] {
			return fmt.Errorf("model: node %q twice (M4)", n.Name)
		}
		nodes[n.Name] = true
	}
	type slot struct {
		rank Rank
		dir  Direction
	}
	actions := make(map[slot]Action)
	names := map[string]bool{}
	for i := range s.Rules {
		r := &s.Rules[i]
		// A policy's rules share their subject: what is one in memory is looked at once.
		same := i > 0 && r.Subject.same(&s.Rules[i-1].Subject)
		if err := r.check(!same); err != nil {
			return fmt.Errorf("model: rule %d (%v): %w", i, r.Object, err)
		}
		k := slot{r.Rank, r.Direction}
		if a, ok := actions[k]; ok && a != r.Action {
			return fmt.Errorf("model: rank %v holds both %v and %v (M2)", r.Rank, a, r.Action)
		} else if !ok {
			actions[k] = r.Action
		}
		if portsUnknown && r.Action != Allow {
			for _, n := range r.Ports.Named {
				names[n.Name] = true
			}
		}
	}
	if len(names) > MaxDoubtedNames {
		return fmt.Errorf("model: %d port names in rules that do not allow, beside pods whose ports are not known (M6)", len(names))
	}
	for _, ps := range [][]netip.Prefix{s.PodCIDRs, s.ServiceCIDRs, s.PodDomain, s.NodeDomain} {
		for _, p := range ps {
			if !canonical(p) {
				return fmt.Errorf("model: range %v is not masked", p)
			}
		}
	}
	return nil
}

// Validate checks what the engine relies on in one pod (M5).
func (p *Pod) Validate() error {
	for f, a := range p.Addresses {
		if a.State == AddressKnown && (!a.Addr.IsValid() || FamilyOf(a.Addr) != Family(f) || a.Addr.Is4In6()) {
			return fmt.Errorf("model: pod %s/%s has address %v in family %v (M5)", p.Namespace, p.Name, a.Addr, Family(f))
		}
	}
	return nil
}

// Validate checks what the engine relies on in one rule (M7).
func (r *Rule) Validate() error { return r.check(true) }

// check is Validate, with the subject or without.
func (r *Rule) check(subject bool) error {
	if r.Action < Allow || r.Action > MayAllow {
		return fmt.Errorf("it has no action")
	}
	if len(r.Peer.Nodes) > 0 {
		return fmt.Errorf("node selectors of its peer are not resolved (M7)")
	}
	for _, b := range r.Peer.Blocks {
		if !canonical(b.CIDR) {
			return fmt.Errorf("block %v is not masked", b.CIDR)
		}
		for _, e := range b.Except {
			if !canonical(e) || e.Addr().Is4() != b.CIDR.Addr().Is4() {
				return fmt.Errorf("exception %v of %v is not masked, or of another family", e, b.CIDR)
			}
		}
	}
	if subject {
		if err := r.Subject.validate(); err != nil {
			return err
		}
	}
	for i := range r.Peer.Pods {
		if err := r.Peer.Pods[i].validate(); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether the selectors of two pod sets are one in memory.
func (p *PodSet) same(q *PodSet) bool {
	return p.Pods.same(q.Pods) && p.Namespaces.same(q.Namespaces)
}

func (s Selector) same(t Selector) bool {
	return len(s) == len(t) && (len(s) == 0 || &s[0] == &t[0])
}

func (p *PodSet) validate() error {
	if err := p.Namespaces.validate(); err != nil {
		return err
	}
	return p.Pods.validate()
}

func (s Selector) validate() error {
	for i := range s {
		q := &s[i]
		values := q.Operator == In || q.Operator == NotIn
		if q.Operator < In || q.Operator > DoesNotExist || values != (len(q.Values) > 0) {
			return fmt.Errorf("selector %v has a requirement that is not valid", s)
		}
	}
	return nil
}

// namesake returns a pod that has the name of one before it, or nil. It hashes
// into a table of its own, because that of a map with these keys does not fit
// into a processor's cache.
func (s *Snapshot) namesake() *Pod {
	size := 16
	for size < 2*len(s.Pods) {
		size *= 2
	}
	table := make([]uint64, size) // index + 1, above it half of the hash
	seed := maphash.MakeSeed()
	namespace, ofNamespace := "", uint64(0)
	for i := range s.Pods {
		p := &s.Pods[i]
		if p.Hole() {
			continue
		}
		if p.Namespace != namespace {
			namespace, ofNamespace = p.Namespace, maphash.String(seed, p.Namespace)
		}
		h := maphash.String(seed, p.Name) ^ ofNamespace
		for at := h & uint64(size-1); ; at = (at + 1) & uint64(size-1) {
			if table[at] == 0 {
				table[at] = h>>32<<32 | uint64(i+1)
				break
			}
			if table[at]>>32 == h>>32 {
				if o := &s.Pods[uint32(table[at])-1]; o.Name == p.Name && o.Namespace == p.Namespace {
					return p
				}
			}
		}
	}
	return nil
}

func canonical(p netip.Prefix) bool { return p.IsValid() && p == p.Masked() }
