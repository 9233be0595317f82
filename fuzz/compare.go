package fuzz

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/oracle"
	"github.com/podreach/podreach/model"
)

// Mismatch is a question that two ways of answering answer differently.
type Mismatch struct {
	What     string
	Src, Dst oracle.End
	Protocol model.Protocol
	Port     uint16
	Family   model.Family
	Want     any
	Got      any
}

// Error tells the question and both answers.
func (m *Mismatch) Error() string {
	if m.Src == (oracle.End{}) && m.Dst == (oracle.End{}) { // it is about the whole cluster
		return fmt.Sprintf("%s: want %v, got %v", m.What, m.Want, m.Got)
	}
	return fmt.Sprintf("%s: %v to %v, %v %d, %v: want %v, got %v", m.What, m.Src, m.Dst, m.Protocol, m.Port, m.Family, m.Want, m.Got)
}

// comparison compares one index with one oracle.
type comparison struct {
	o        *oracle.Oracle
	x        *engine.Index
	r        *rand.Rand
	verdicts int

	addrs, owned int // how many outside addresses and owned ones are asked about
}

// everything is a number of flows that is never reached: every port that is
// worth asking about, and every outside address and owned one.
const everything = 1 << 20

// compare asks about every pair of ends, outside addresses included, at most
// perPair flows each, in every family; and holds the views of the index
// against each other. It returns how many verdicts were compared.
func compare(o *oracle.Oracle, x *engine.Index, r *rand.Rand, perPair int) (int, error) {
	c := &comparison{o: o, x: x, r: r, addrs: 8, owned: 4}
	if perPair == everything {
		c.addrs, c.owned = everything, everything
	}
	inside := o.Ends()
	if err := c.sameEnds(inside); err != nil {
		return 0, err
	}
	var outside []oracle.End
	atoms := o.Atoms()
	for _, i := range r.Perm(len(atoms))[:min(c.addrs, len(atoms))] {
		outside = append(outside, oracle.End{Addr: atoms[i]})
	}
	ports := o.Ports()
	ask := func(s, d oracle.End) error { return c.pair(s, d, ports, perPair) }
	for _, s := range inside {
		for _, d := range slices.Concat(inside, outside) {
			if err := ask(s, d); err != nil {
				return c.verdicts, err
			}
		}
		for _, e := range outside {
			if err := ask(e, s); err != nil {
				return c.verdicts, err
			}
		}
	}
	return c.verdicts, c.addresses(inside, outside, ports, perPair)
}

// addresses asks about single addresses of pods and nodes: as the source, as
// the destination, and as both.
func (c *comparison) addresses(inside, outside []oracle.End, ports []oracle.PortProbe, perPair int) error {
	owned := c.o.Owners()
	var picked []oracle.Owner
	for _, i := range c.r.Perm(len(owned))[:min(c.owned, len(owned))] {
		o := owned[i]
		id, ok := c.id(o.End)
		if owners := c.x.Owners(o.Addr); !ok || len(owners) != 1 || owners[0] != id {
			return fmt.Errorf("owner of an address: %v is of %v, the index says of %v", o.Addr, o.End, owners)
		}
		picked = append(picked, o)
	}
	for _, a := range picked {
		id, _ := c.id(a.End)
		single := oracle.End{Addr: a.Addr}
		for _, e := range slices.Concat(inside, outside) {
			other, _ := c.id(e)
			if err := c.single(single, e, engine.Flow{Src: id, Dst: other, SrcAddr: a.Addr}, ports, perPair/4+1); err != nil {
				return err
			}
			if err := c.single(e, single, engine.Flow{Src: other, Dst: id, DstAddr: a.Addr}, ports, perPair/4+1); err != nil {
				return err
			}
		}
		for _, b := range picked {
			if a.End == b.End && a.Addr.Is4() != b.Addr.Is4() {
				continue // there are no such packets
			}
			to, _ := c.id(b.End)
			if err := c.single(single, oracle.End{Addr: b.Addr}, engine.Flow{Src: id, Dst: to, SrcAddr: a.Addr, DstAddr: b.Addr}, ports, perPair/4+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// single asks about one address of an end.
func (c *comparison) single(s, d oracle.End, f engine.Flow, ports []oracle.PortProbe, n int) error {
	between := c.x.BetweenFlow(f)
	if want := c.o.Other(s, d); want != between.Other {
		return &Mismatch{What: "other protocols of one address", Src: s, Dst: d, Family: model.AnyFamily, Want: want, Got: between.Other}
	}
	for _, i := range c.r.Perm(len(ports))[:min(n, len(ports))] {
		p := ports[i]
		f.Protocol, f.Port = p.Protocol, p.Port
		fail := func(what string, want, got any) error {
			return &Mismatch{what + " of one address", s, d, p.Protocol, p.Port, model.AnyFamily, want, got}
		}
		want := c.o.Verdict(s, d, p.Protocol, p.Port, model.AnyFamily)
		c.verdicts++
		if got := c.x.Verdict(f); got != want {
			return fail("oracle and Verdict", want, got)
		}
		if got := between.Verdict(p.Protocol, p.Port); got != want {
			return fail("oracle and BetweenFlow", want, got)
		}
		if err := c.trace(f, want, fail); err != nil {
			return err
		}
	}
	return nil
}

// sameEnds checks that both know the same pods and nodes, by the same paths.
func (c *comparison) sameEnds(ends []oracle.End) error {
	s := c.x.Snapshot()
	pods := 0
	for i := range s.Pods {
		if !s.Pods[i].Dormant { // no endpoint (R64)
			pods++
		}
	}
	if len(ends) != pods+len(s.Nodes) {
		return fmt.Errorf("number of ends: the oracle has %v, the snapshot %d pods and %d nodes", ends, pods, len(s.Nodes))
	}
	for _, e := range ends {
		id, ok := c.id(e)
		if !ok {
			return fmt.Errorf("missing end: the snapshot lacks %v", e)
		}
		if want := c.o.Path(e); e.Name != "" && s.Pods[id].Path() != want {
			return fmt.Errorf("path: the snapshot calls %s %s", want, s.Pods[id].Path())
		}
	}
	return nil
}

func (c *comparison) id(e oracle.End) (engine.EndpointID, bool) {
	switch {
	case e.Name != "":
		return c.x.Pod(e.Namespace, e.Name)
	case e.Node != "":
		return c.x.Node(e.Node)
	}
	return c.x.Addr(e.Addr), true
}

func (c *comparison) pair(s, d oracle.End, ports []oracle.PortProbe, n int) error {
	src, _ := c.id(s)
	dst, _ := c.id(d)
	between := c.x.Between(src, dst)
	if want := c.o.Other(s, d); want != between.Other {
		return &Mismatch{What: "other protocols", Src: s, Dst: d, Family: model.AnyFamily, Want: want, Got: between.Other}
	}
	classes := src != dst && c.x.Class(src) != c.x.Class(dst)
	for _, i := range c.r.Perm(len(ports))[:min(n, len(ports))] {
		p := ports[i]
		f := engine.Flow{Src: src, Dst: dst, Protocol: p.Protocol, Port: p.Port}
		for _, family := range []model.Family{model.IPv4, model.IPv6, model.AnyFamily} {
			f.Family = engine.Only(family)
			fail := func(what string, want, got any) error {
				return &Mismatch{what, s, d, p.Protocol, p.Port, family, want, got}
			}
			want := c.o.Verdict(s, d, p.Protocol, p.Port, family)
			c.verdicts++
			if got := c.x.Verdict(f); got != want {
				return fail("oracle and Verdict", want, got)
			}
			b := between
			if family != model.AnyFamily {
				b = c.x.BetweenFlow(f)
			}
			if got := b.Verdict(p.Protocol, p.Port); p.Port != 0 && got != want {
				return fail("oracle and Between", want, got)
			}
			if err := c.trace(f, want, fail); err != nil {
				return err
			}
			if !classes || family != model.AnyFamily || s.Node != "" {
				continue
			}
			// Ends of different classes that are no hosts have no relation, so
			// their classes say it all.
			if src.IsPod() && c.x.Snapshot().Pods[src].HostNetwork {
				continue
			}
			if got := c.x.BetweenClasses(c.x.Class(src), c.x.Class(dst)).Verdict(p.Protocol, p.Port); p.Port != 0 && got != want {
				return fail("oracle and BetweenClasses", want, got)
			}
			lower, upper := c.x.Matrix(model.Port(p.Protocol, max(p.Port, 1))).Row(c.x.Class(src))
			got := model.Denied
			if k := uint(c.x.Class(dst)); lower.Test(k) {
				got = model.Allowed
			} else if upper.Test(k) {
				got = model.Unknown
			}
			if p.Port != 0 && got != want {
				return fail("oracle and Matrix", want, got)
			}
		}
	}
	return nil
}

// trace holds Explain against the verdict: the rules that decide a side must
// give it.
func (c *comparison) trace(f engine.Flow, want model.Verdict, fail func(string, any, any) error) error {
	t := c.x.Explain(f)
	if t.Verdict != want {
		return fail("oracle and Explain", want, t.Verdict)
	}
	for _, ft := range t.Families {
		if ft.Exists == model.Denied {
			continue
		}
		for _, s := range []engine.SideTrace{ft.Egress, ft.Ingress} {
			if s.Exempt || len(s.Steps) == 0 {
				continue
			}
			// Each decider decides for some of what is not known; together
			// they give the bounds of the side.
			allow, deny := false, false
			for _, step := range s.Steps {
				action := model.Allow
				if step.Rule != engine.DefaultAllow {
					action = c.x.Snapshot().Rules[step.Rule].Action
				}
				if step.Decides {
					allow = allow || action == model.Allow || action == model.MayAllow || action == model.Uncertain
					deny = deny || action == model.Deny || action == model.Uncertain
				}
			}
			got := model.Unknown
			switch {
			case allow && !deny:
				got = model.Allowed
			case deny && !allow:
				got = model.Denied
			}
			if got != s.Verdict {
				return fail("deciding rules and "+s.Direction.String()+" side", s.Verdict, got)
			}
		}
	}
	return nil
}
