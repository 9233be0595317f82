package main

import (
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/bench"
	"github.com/podreach/podreach/bench/versus"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/fuzz"
	"github.com/podreach/podreach/fuzz/cilium"
	"github.com/podreach/podreach/fuzz/cyclonus"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect/netpol"
)

// peer is another implementation with a cluster loaded.
type peer interface {
	// Pods are those about which it can be asked.
	Pods() []engine.EndpointID
	// Compare compares at least n verdicts with podreach.
	Compare(r *rand.Rand, n int) (fuzz.Count, error)
	// Ask returns how to ask about one port. It holds until the next Load.
	Ask(protocol model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error)
	// Load loads the cluster anew.
	Load() error
	// Forget drops the answers that it keeps.
	Forget()
	// Change deletes a policy, or adds it again.
	Change(namespace, name string, present bool) error
}

// lookup is a peer that has another way of asking.
type lookup interface {
	Lookup(protocol model.Protocol, port uint16) func(src, dst engine.EndpointID) (bool, error)
}

const (
	protocol = model.TCP
	port     = 8080 // the shapes' policies have it by its name

	manyQuestions = 10_000
	fewQuestions  = 100 // of a slow way
	manyChanges   = 8
)

// opNames are all operations.
var opNames = []string{opLoad, opQuery, opLookup, opPairs, opChange}

const (
	opLoad   = "load"
	opQuery  = "one query"
	opLookup = "one query, LookupFlow"
	opPairs  = "all pairs, one port"
	opChange = "policy change"
)

// race is podreach and a peer with the same cluster.
type race struct {
	side
	peer
	r         *rand.Rand
	questions []engine.Flow
	changes   []change
}

// change is a policy and a connection that it decides.
type change struct {
	np   *networkingv1.NetworkPolicy
	flow engine.Flow
	with bool // allowed when the policy is there; the opposite when not
}

func newRace(s bench.Shape, pods int, name string) (*race, error) {
	o, err := newObjects(s, pods)
	if err != nil {
		return nil, err
	}
	r := &race{side: side{o: o}, r: rand.New(rand.NewPCG(uint64(pods), 1))}
	if name == "cilium" {
		r.profile = cluster.ProfileCilium
		r.lower = netpol.Options{PolicyTypesFromRules: true, ExternalOnlyBlocks: true, IsolationLast: true, OtherAsPortless: true}
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	switch name {
	case "cyclonus":
		r.peer, err = cyclonus.NewPeer(o.api, r.x, r.ledger)
	case "cilium":
		r.peer, err = cilium.NewPeer(o.documents, r.x)
	default:
		err = fmt.Errorf("no peer %q", name)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Pods()) < 2 {
		return nil, errors.New("too few pods")
	}
	for range manyQuestions {
		src, dst := r.pair()
		r.questions = append(r.questions, engine.Flow{Src: src, Dst: dst, Protocol: protocol, Port: port})
	}
	return r, nil
}

// pair is two different pods.
func (r *race) pair() (src, dst engine.EndpointID) {
	pods := r.Pods()
	i, j := r.r.IntN(len(pods)), r.r.IntN(len(pods)-1)
	if j >= i {
		j++
	}
	return pods[i], pods[j]
}

// compare compares random verdicts, to which the ledger applies, and the
// questions that are going to be timed, to which it does not.
func (r *race) compare(verdicts int, log *log.Logger) error {
	n, err := r.Compare(r.r, verdicts)
	if err != nil {
		return fmt.Errorf("%w: %w", versus.ErrAnswers, err)
	}
	if n.Verdicts < verdicts {
		return fmt.Errorf("%d verdicts compared, not %d", n.Verdicts, verdicts)
	}
	log.Printf("  compared %d verdicts, explained: %v, and %d questions", n.Verdicts, n.Explained, len(r.questions))
	return r.compareQuestions()
}

func (r *race) compareQuestions() error {
	ask := r.Ask(protocol, port)
	for _, f := range r.questions {
		ours, err := r.allowed(f)
		if err != nil {
			return err
		}
		if err := r.same(f.Src, f.Dst, ours, ask); err != nil {
			return err
		}
	}
	return nil
}

// comparePairs compares all pairs of two pods, as the matrix has them.
func (r *race) comparePairs(log *log.Logger) error {
	pods := r.Pods()
	m := r.x.Matrix(model.Port(protocol, port))
	ask := r.Ask(protocol, port)
	for _, src := range pods {
		lower, upper := m.Row(r.x.Class(src))
		for _, dst := range pods {
			k := uint(r.x.Class(dst))
			if src == dst {
				continue
			}
			if lower.Test(k) != upper.Test(k) {
				return errors.New("podreach is not certain of a pair")
			}
			if err := r.same(src, dst, lower.Test(k), ask); err != nil {
				return err
			}
		}
	}
	log.Printf("  compared %d pairs", len(pods)*(len(pods)-1))
	return nil
}

func (r *race) same(src, dst engine.EndpointID, ours bool, ask func(src, dst engine.EndpointID) (bool, error)) error {
	theirs, err := ask(src, dst)
	if err == nil && ours != theirs {
		pods := r.x.Snapshot().Pods
		err = fmt.Errorf("%w: %s to %s, %v %d: podreach allows it: %v, the peer: %v", versus.ErrAnswers, pods[src].Path(), pods[dst].Path(), protocol, port, ours, theirs)
	}
	return err
}

type operation struct {
	name         string
	ours, theirs versus.Side
}

// asking asks questions.
func asking(questions []engine.Flow, ask func(f engine.Flow) (bool, error)) versus.Side {
	return func() (versus.Pass, error) {
		n := 0
		begin := time.Now()
		for _, f := range questions {
			yes, err := ask(f)
			if err != nil {
				return versus.Pass{}, err
			}
			if yes {
				n++
			}
		}
		return versus.Pass{Time: since(begin), Times: len(questions), Allowed: n}, nil
	}
}

// queries ask random questions.
func (r *race) queries() []operation {
	ours := func(questions []engine.Flow) versus.Side {
		return asking(questions, r.allowed)
	}
	theirs := func(questions []engine.Flow, ask func(src, dst engine.EndpointID) (bool, error)) versus.Side {
		return asking(questions, func(f engine.Flow) (bool, error) { return ask(f.Src, f.Dst) })
	}
	out := []operation{{opQuery, ours(r.questions), theirs(r.questions, r.Ask(protocol, port))}}
	if l, ok := r.peer.(lookup); ok {
		few := r.questions[:fewQuestions]
		out = append(out, operation{opLookup, ours(few), theirs(few, l.Lookup(protocol, port))})
	}
	return out
}

// pairs answers for all pairs of two pods.
func (r *race) pairs() operation {
	pods := r.Pods()
	ours := func() (versus.Pass, error) {
		x, err := engine.Compile(r.x.Snapshot(), engine.Options{})
		if err != nil {
			return versus.Pass{}, err
		}
		begin := time.Now()
		n := 0
		m := x.Matrix(model.Port(protocol, port))
		members := make([]int, x.Classes())
		for _, id := range pods {
			members[x.Class(id)]++
		}
		for src := range engine.Class(x.Classes()) {
			if members[src] == 0 {
				continue
			}
			lower, upper := m.Row(src)
			for dst, some := upper.NextSet(0); some; dst, some = upper.NextSet(dst + 1) {
				if members[dst] > 0 && !lower.Test(dst) {
					return versus.Pass{}, errors.New("podreach is not certain of a pair")
				}
				n += members[src] * members[dst]
				if engine.Class(dst) == src { // no pod and itself
					n -= members[src]
				}
			}
		}
		return versus.Pass{Time: since(begin), Times: 1, Allowed: n}, nil
	}
	theirs := func() (versus.Pass, error) {
		r.Forget()
		begin := time.Now()
		ask := r.Ask(protocol, port)
		n := 0
		for _, src := range pods {
			for _, dst := range pods {
				if src == dst {
					continue
				}
				yes, err := ask(src, dst)
				if err != nil {
					return versus.Pass{}, err
				}
				if yes {
					n++
				}
			}
		}
		return versus.Pass{Time: since(begin), Times: 1, Allowed: n}, nil
	}
	return operation{opPairs, ours, theirs}
}

// loading loads the cluster, and asks one question when no time is taken.
func (r *race) loading() operation {
	pass := func(load func() error, ask func() (bool, error)) versus.Side {
		return func() (versus.Pass, error) {
			begin := time.Now()
			if err := load(); err != nil {
				return versus.Pass{}, err
			}
			p := versus.Pass{Time: since(begin), Times: 1}
			yes, err := ask()
			if yes {
				p.Allowed = 1
			}
			return p, err
		}
	}
	f := r.questions[0]
	return operation{opLoad, pass(r.load, func() (bool, error) { return r.allowed(f) }),
		pass(r.Load, func() (bool, error) { return r.Ask(protocol, port)(f.Src, f.Dst) })}
}

// policyChange deletes policies and adds them again, one by one, up to the right
// verdict about a connection that the policy decides.
func (r *race) policyChange() operation {
	pass := func(apply func(c change, present bool) error, ask func(f engine.Flow) (bool, error)) versus.Side {
		return func() (versus.Pass, error) {
			if len(r.changes) == 0 {
				if err := r.findChanges(); err != nil {
					return versus.Pass{}, err
				}
			}
			p := versus.Pass{}
			begin := time.Now()
			for _, c := range r.changes {
				for _, present := range []bool{false, true} {
					if err := apply(c, present); err != nil {
						return versus.Pass{}, err
					}
					yes, err := ask(c.flow)
					if err != nil {
						return versus.Pass{}, err
					}
					if yes != (c.with == present) {
						return versus.Pass{}, fmt.Errorf("%w: after a change of %s/%s, there: %v", versus.ErrAnswers, c.np.Namespace, c.np.Name, present)
					}
					p.Times++
					if yes {
						p.Allowed++
					}
				}
			}
			p.Time = since(begin)
			return p, nil
		}
	}
	ask := r.Ask(protocol, port)
	return operation{opChange,
		pass(func(c change, present bool) error { return r.change(c.np, present) }, r.allowed),
		pass(func(c change, present bool) error { return r.Change(c.np.Namespace, c.np.Name, present) },
			func(f engine.Flow) (bool, error) { return ask(f.Src, f.Dst) })}
}

// findChanges finds policies with a connection that depends on them, as podreach
// says; the peer must say so too when it is asked.
func (r *race) findChanges() error {
	pods, all := r.Pods(), r.x.Snapshot()
	for _, i := range r.r.Perm(len(r.o.api.Policies)) {
		np := &r.o.api.Policies[i]
		subject, ok := netpol.Subject(np)
		if !ok {
			continue
		}
		of := slices.DeleteFunc(slices.Clone(pods), func(id engine.EndpointID) bool {
			p := &all.Pods[id]
			return p.Namespace != np.Namespace || !subject.Pods.Matches(p.Labels)
		})
		if len(of) == 0 {
			continue
		}
		with := r.x
		if err := r.change(np, false); err != nil {
			return err
		}
		without := r.x
		if err := r.change(np, true); err != nil {
			return err
		}
		for range 1_000 {
			f := engine.Flow{Src: pods[r.r.IntN(len(pods))], Dst: of[r.r.IntN(len(of))], Protocol: protocol, Port: port}
			a, b := with.Verdict(f), without.Verdict(f)
			if f.Src != f.Dst && a != b && a != model.Unknown && b != model.Unknown {
				r.changes = append(r.changes, change{np, f, a == model.Allowed})
				break
			}
		}
		if len(r.changes) == manyChanges {
			return nil
		}
	}
	if len(r.changes) == 0 {
		return errors.New("no policy decides anything")
	}
	return nil
}
