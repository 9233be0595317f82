package fuzz

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// withPairs holds solver.Diff against all pairs of endpoints of two clusters.
var withPairs = Comparison{Counterpart: "diff", Package: "./fuzz", Check: checkDiff}

// diffs counts what was met.
var diffs struct{ changes, some, silent, proven, unproven, together, held atomic.Int64 }

func checkDiff(c *gen.Cluster, r *rand.Rand) (Count, error) {
	var n Count
	after := changed(c, r)
	switch r.IntN(12) {
	case 0:
		after = c
	case 1:
		after = written(c, r)
	case 2:
		after = rolledOut(c, r)
	}
	old, _, err := Index(c, c.JSON())
	if err != nil {
		return n, err
	}
	now, _, err := Index(after, after.JSON())
	if err != nil {
		return n, err
	}
	p := newDiffPairs(old, now)
	return p.n, p.compare(r)
}

// written is a cluster with its lists in another order and its policies under
// other names.
func written(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
	n := *c
	n.Pods, n.Policies = slices.Clone(c.Pods), slices.Clone(c.Policies)
	r.Shuffle(len(n.Pods), func(i, j int) { n.Pods[i], n.Pods[j] = n.Pods[j], n.Pods[i] })
	r.Shuffle(len(n.Policies), func(i, j int) { n.Policies[i], n.Policies[j] = n.Policies[j], n.Policies[i] })
	for i := range n.Policies {
		n.Policies[i].Name = fmt.Sprint("renamed-", i)
	}
	return &n
}

// rolledOut is a cluster of which the pods with an owner have other names, and
// some of them other labels.
func rolledOut(c *gen.Cluster, r *rand.Rand) *gen.Cluster {
	n := *c
	n.Pods = slices.Clone(c.Pods)
	for i := range n.Pods {
		p := &n.Pods[i]
		if len(p.OwnerReferences) > 0 && r.IntN(4) > 0 {
			p.Name = fmt.Sprint(p.Name, "-x")
			if r.IntN(4) == 0 {
				p.Labels = n.Pods[r.IntN(len(n.Pods))].Labels
			}
		}
	}
	return &n
}

// diffEnd is an endpoint by name.
type diffEnd struct {
	party, name string
	addr        netip.Addr
	id          engine.EndpointID
}

// diffPairs is two versions of a cluster, pair by pair.
type diffPairs struct {
	x     [2]*engine.Index
	ends  [2]map[string][]diffEnd // by party; outside parties are sample addresses
	ports []portProbe
	n     Count
}

func newDiffPairs(old, now *engine.Index) *diffPairs {
	p := &diffPairs{x: [2]*engine.Index{old, now}}
	var starts []netip.Addr
	for v, x := range p.x {
		p.ends[v] = map[string][]diffEnd{}
		s := x.Snapshot()
		for i := range s.Pods {
			if pod := &s.Pods[i]; !pod.Dormant {
				w := solver.WorkloadPath(pod)
				p.ends[v][w] = append(p.ends[v][w], diffEnd{party: w, name: pod.Namespace + "/" + pod.Name, id: engine.EndpointID(i)})
			}
		}
		for i := range s.Nodes {
			p.ends[v]["nodes"] = append(p.ends[v]["nodes"], diffEnd{party: "nodes", name: s.Nodes[i].Name, id: engine.NodeID(i)})
		}
		every, err := solver.Find(x, solver.WordOutside)
		if err == nil {
			for _, o := range every.Set.Outside() {
				for _, r := range o.Ranges {
					starts = append(starts, r.From())
					if next := r.To().Next(); next.IsValid() {
						starts = append(starts, next)
					}
				}
			}
		}
		for _, a := range x.PortAtoms() {
			p.ports = append(p.ports, portProbe{a.Protocol, a.First})
		}
	}
	slices.SortFunc(p.ports, func(a, b portProbe) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port))
	})
	p.ports = slices.Compact(p.ports)
	slices.SortFunc(starts, netip.Addr.Compare)
	starts = slices.Compact(starts)
	for i, a := range starts {
		for ; a.IsValid() && (i+1 == len(starts) || a.Less(starts[i+1])); a = a.Next() {
			if len(old.Owners(a))+len(now.Owners(a)) > 0 {
				continue
			}
			for v, x := range p.x {
				p.ends[v][a.String()] = []diffEnd{{party: a.String(), name: a.String(), addr: a, id: x.Addr(a)}}
			}
			break
		}
	}
	return p
}

func (p *diffPairs) parties() []string {
	var out []string
	for _, ends := range p.ends {
		for name := range ends {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (p *diffPairs) address(party string) netip.Addr {
	for _, ends := range p.ends {
		if e := ends[party]; len(e) > 0 {
			return e[0].addr
		}
	}
	return netip.Addr{}
}

// pairBounds are the bounds of all pairs of two parties, by names.
func (p *diffPairs) pairBounds(v int, from, to string) map[[2]string]model.Bounds {
	out := map[[2]string]model.Bounds{}
	for _, s := range p.ends[v][from] {
		for _, d := range p.ends[v][to] {
			if s.party != d.party || s.name != d.name {
				out[[2]string{s.name, d.name}] = p.x[v].BetweenClasses(p.x[v].Class(s.id), p.x[v].Class(d.id))
			}
		}
	}
	return out
}

var opennessOf = map[model.Verdict]int{model.Denied: 0, model.Unknown: 1, model.Allowed: 2}

// expected is what a diff must say of two parties at a port.
func expected(was, is map[[2]string]model.Bounds, port portProbe) []string {
	have := [2]map[model.Verdict]bool{{}, {}}
	union := [2]model.Verdict{model.Denied, model.Denied}
	for v, pairs := range []map[[2]string]model.Bounds{was, is} {
		for _, b := range pairs {
			at := b.Verdict(port.protocol, port.port)
			have[v][at] = true
			if opennessOf[at] > opennessOf[union[v]] {
				union[v] = at
			}
		}
	}
	out := map[string]bool{}
	moved := map[bool]bool{}
	if union[0] != union[1] {
		moved[opennessOf[union[1]] > opennessOf[union[0]]] = true
		out[fmt.Sprint(union[0], " to ", union[1])] = true
	}
	if len(was) > 0 && len(is) > 0 {
		some := func(before, after model.Verdict) {
			if before != after && !moved[opennessOf[after] > opennessOf[before]] {
				out[fmt.Sprint("some ", before, " to ", after)] = true
			}
		}
		for k, b := range was {
			at := b.Verdict(port.protocol, port.port)
			if c, ok := is[k]; ok {
				some(at, c.Verdict(port.protocol, port.port))
			} else if !have[1][at] {
				some(at, union[1])
			}
		}
		for k, b := range is {
			if _, ok := was[k]; !ok && !have[0][b.Verdict(port.protocol, port.port)] {
				some(union[0], b.Verdict(port.protocol, port.port))
			}
		}
	}
	var list []string
	for s := range out {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

func (p *diffPairs) compare(r *rand.Rand) error {
	type rows map[[2]string][]solver.Change // by parties; outside parties are "external"
	got := rows{}
	total := 0
	for c := range solver.Diff(p.x[0], p.x[1]) {
		if c.Ports.Empty() || c.Before == c.After || len(c.Because) == 0 && !c.Unproven {
			return fmt.Errorf("a change that says nothing: %+v", c)
		}
		name := func(q solver.Party) string {
			if q.Kind == solver.PartyExternal || q.Kind == solver.PartyUnassigned {
				return "external"
			}
			return q.Name
		}
		k := [2]string{name(c.From), name(c.To)}
		got[k] = append(got[k], c)
		total++
		if err := p.held(&c, r); err != nil {
			return err
		}
	}
	diffs.changes.Add(int64(total))
	if total == 0 {
		diffs.silent.Add(1)
	}
	parties := p.parties()
	for _, from := range parties {
		for _, to := range parties {
			src, dst := p.address(from), p.address(to)
			if src.IsValid() && dst.IsValid() {
				continue
			}
			k := [2]string{from, to}
			addr := src
			switch {
			case src.IsValid():
				k[0] = "external"
			case dst.IsValid():
				k[1], addr = "external", dst
			}
			was, is := p.pairBounds(0, from, to), p.pairBounds(1, from, to)
			hidden := addr.Is6() && p.hidden(from, to)
			for _, port := range p.ports {
				p.n.Verdicts += len(was) + len(is)
				want := expected(was, is, port)
				if hidden {
					want = nil
				}
				var have []string
				for _, c := range got[k] {
					if !c.Ports.Contains(port.protocol, port.port) || addr.IsValid() && !covers(c.CIDRs, addr) {
						continue
					}
					text := fmt.Sprint(c.Before, " to ", c.After)
					if c.Some {
						text = "some " + text
						diffs.some.Add(1)
					}
					have = append(have, text)
				}
				slices.Sort(have)
				if !slices.Equal(want, have) {
					return fmt.Errorf("diff of pairs: %s to %s at %v %d: want %q, got %q", from, to, port.protocol, port.port, want, have)
				}
			}
		}
	}
	return nil
}

func covers(cidrs []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(cidrs, func(c netip.Prefix) bool { return c.Contains(a) })
}

// hidden reports whether an IPv6 address adds nothing to what is so of IPv4
// (R47).
func (p *diffPairs) hidden(from, to string) bool {
	some := false
	for v := range p.x {
		everywhere := model.AllPorts()
		var here model.Bounds
		join := func(from, to string) (b model.Bounds) {
			for _, c := range p.pairBounds(v, from, to) {
				b.Lower, b.Upper = b.Lower.Union(c.Lower), b.Upper.Union(c.Upper)
			}
			return b
		}
		here = join(from, to)
		for _, q := range p.parties() {
			if a := p.address(q); a.IsValid() && a.Is4() {
				some = true
				s, d := from, q
				if p.address(from).IsValid() {
					s, d = q, to
				}
				everywhere = everywhere.Intersect(join(s, d).Lower)
			}
		}
		if !here.Lower.Empty() || !everywhere.ContainsAll(here.Upper) {
			return false
		}
	}
	return some
}

// held makes the change that a diff blames, and nothing else, on the whole
// cluster, and looks whether the witness then has the verdict.
func (p *diffPairs) held(c *solver.Change, r *rand.Rand) error {
	if c.Unproven {
		diffs.unproven.Add(1)
		return nil
	}
	diffs.proven.Add(1)
	if len(c.Because) > 1 {
		diffs.together.Add(1)
	}
	objects := map[string]bool{}
	for _, b := range c.Because {
		if b.Kind != solver.CausePolicy || !strings.HasPrefix(b.Object, "NetworkPolicy ") {
			return nil
		}
		objects[b.Object] = true
	}
	if r.IntN(3) != 0 {
		return nil
	}
	old, now := p.x[0].Snapshot(), p.x[1].Snapshot()
	s := *old
	s.Rules = nil
	for i := range old.Rules {
		if !objects[old.Rules[i].Object.String()] {
			s.Rules = append(s.Rules, old.Rules[i])
		}
	}
	for i := range now.Rules {
		if objects[now.Rules[i].Object.String()] {
			s.Rules = append(s.Rules, now.Rules[i])
		}
	}
	x, err := engine.Compile(&s, engine.Options{})
	if err != nil {
		return err
	}
	class := func(x *engine.Index, name string) (engine.Class, bool) {
		e, err := solver.Find(x, name)
		if err != nil {
			return 0, false
		}
		for id := range e.Set.All() {
			if solver.EndpointName(x, id) == name || id.IsOutside() {
				return x.Class(id), true
			}
		}
		return 0, false
	}
	first := c.Ports.Ranges()[0]
	verdict := func(x *engine.Index) (model.Verdict, bool) {
		from, ok := class(x, c.Witness.From)
		to, ok2 := class(x, c.Witness.To)
		if !ok || !ok2 {
			return 0, false
		}
		return x.BetweenClasses(from, to).Verdict(first.Protocol, first.First), true
	}
	got, ok := verdict(x)
	want, ok2 := verdict(p.x[1])
	if !ok || !ok2 {
		return nil // the pod that shows it is not in both
	}
	diffs.held.Add(1)
	if got != want {
		return fmt.Errorf("cause of a change: %s to %s at %v is %v, and with what is blamed alone %v: %+v", c.Witness.From, c.Witness.To, first, want, got, c.Because)
	}
	return nil
}

// TestDiff: a diff says exactly what differs, pair by pair, and blames what
// makes it differ.
func TestDiff(t *testing.T) {
	o := *options
	if testing.Short() { // under the race detector
		o.Verdicts /= 100
	}
	withPairs.Run(t, o)
	if o.Seed == 0 && !testing.Short() { // few clusters may lack one of these
		require.NotZero(t, diffs.changes.Load())
		require.NotZero(t, diffs.some.Load())
		require.NotZero(t, diffs.silent.Load())
		require.NotZero(t, diffs.together.Load())
		require.NotZero(t, diffs.held.Load())
	}
	t.Logf("%d changes, %d of single pods; %d clusters without any; causes: %d proven, %d of several, %d not settled, %d made again",
		diffs.changes.Load(), diffs.some.Load(), diffs.silent.Load(), diffs.proven.Load(), diffs.together.Load(), diffs.unproven.Load(), diffs.held.Load())
}

// FuzzDiff is TestDiff on clusters made of the fuzzer's bytes.
func FuzzDiff(f *testing.F) {
	for s := range uint64(8) {
		f.Add(binary.LittleEndian.AppendUint64(nil, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) { withPairs.Bytes(t, b) })
}
