package cli

import (
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// ownNodeOnly says why a connection that exists does not count.
const ownNodeOnly = "a node and the pods on it always connect (R52); that counts only where the node or the host-network pod is named"

// maxPairs bounds a search for a pair of endpoints.
const maxPairs = 10_000

func (in *input) isHost(e engine.EndpointID) bool {
	return e.IsNode() || e.IsPod() && in.x.Snapshot().Pods[e].HostNetwork
}

// ownNode reports whether a pair is, or may be, a host and a pod on its node
// that do not count because the host is not named (R52).
func (in *input) ownNode(from *solver.Ends, src, dst engine.EndpointID) bool {
	return !from.Named && in.isHost(src) && dst.IsPod() && !in.isHost(dst) && in.x.OwnNode(src, dst) != model.Denied
}

// counted replaces a pair that does not count by one of the same classes that
// does, or where these may differ, by any; false when there is none.
func (in *input) counted(from, to *solver.Ends, p solver.Pair, sameClasses bool) (solver.Pair, bool) {
	if !in.ownNode(from, p.Src, p.Dst) {
		return p, true
	}
	left := maxPairs
	for src := range from.Set.All() {
		if src.IsOutside() || sameClasses && in.x.Class(src) != in.x.Class(p.Src) {
			continue
		}
		for dst := range to.Set.All() {
			if dst.IsOutside() || src == dst || sameClasses && in.x.Class(dst) != in.x.Class(p.Dst) {
				continue
			}
			if left--; left < 0 {
				return p, false
			}
			if !in.ownNode(from, src, dst) {
				return solver.Pair{Src: src, Dst: dst}, true
			}
		}
	}
	return p, false
}

// onlyOwnNode reports whether a pair that does not count (R52) would connect,
// or may, on a port of the question. Cost: O(endpoints of both sides), plus
// maxPairs evaluations at most.
func (in *input) onlyOwnNode(from, to *solver.Ends, ports solver.PortQuery) bool {
	hosts := map[string]engine.EndpointID{} // by node; "" for any, or one that is not known
	for e := range from.Set.All() {
		if !in.isHost(e) {
			continue
		}
		name := ""
		if e.IsNode() {
			name = in.x.Snapshot().Nodes[e.NodeIndex()].Name
		} else if p := &in.x.Snapshot().Pods[e]; !p.EveryNode {
			name = p.NodeName
		}
		hosts[name] = e
	}
	if from.Named || len(hosts) == 0 {
		return false
	}
	left := maxPairs
	for e := range to.Set.All() {
		if !e.IsPod() {
			continue
		}
		near := map[string]engine.EndpointID{}
		if p := &in.x.Snapshot().Pods[e]; p.EveryNode || p.NodeName == "" {
			near = hosts
		} else {
			for _, name := range []string{p.NodeName, ""} {
				if h, ok := hosts[name]; ok {
					near[name] = h
				}
			}
		}
		for _, h := range near {
			if !in.ownNode(from, h, e) {
				continue
			}
			if left--; left < 0 {
				return false
			}
			if in.x.BetweenFlow(engine.Flow{Src: h, Dst: e, DstAddr: to.Addr}).Upper.Overlaps(solver.PortsAt(in.x, ports, e).Upper) {
				return true
			}
		}
	}
	return false
}
