package solver

import (
	"cmp"
	"slices"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// PartyKind says what a Party is.
type PartyKind uint8

// The kinds of party.
const (
	PartyPods       PartyKind = iota // Name is a workload, pod or namespace
	PartyNode                        // Name is "node/NAME"
	PartyExternal                    // addresses outside the cluster
	PartyUnassigned                  // only addresses of the cluster's own ranges that nobody is known to own (R109)
)

// Party is one end of a Connection.
type Party struct {
	Kind      PartyKind
	Namespace string // PartyPods
	Name      string // as printed
}

func compareParties(p, q *Party) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Name, q.Name))
}

// WorkloadPath is "NS/kind/name" of the workload that a pod belongs to.
func WorkloadPath(p *model.Pod) string {
	return p.Namespace + "/" + p.Workload.Kind + "/" + p.Workload.Name
}

// insideParty is the party that a pod or node belongs to.
func insideParty(x *engine.Index, e engine.EndpointID, by By) Party {
	if e.IsNode() {
		return Party{Kind: PartyNode, Name: "node/" + x.Snapshot().Nodes[e.NodeIndex()].Name}
	}
	pod := &x.Snapshot().Pods[e]
	p := Party{Namespace: pod.Namespace}
	switch by {
	case ByPod:
		p.Name = pod.Path()
	case ByNamespace:
		p.Name = pod.Namespace
	default:
		p.Name = WorkloadPath(pod)
	}
	return p
}

// parties numbers the parties of a listing in the order of its rows.
type parties struct {
	list        []Party
	pods, nodes []uint32 // party of each pod and node; noParty of those that are on no side
}

const noParty = ^uint32(0)

func newParties(x *engine.Index, by By, sides ...engine.Set) parties {
	snap := x.Snapshot()
	p := parties{pods: slices.Repeat([]uint32{noParty}, len(snap.Pods)), nodes: slices.Repeat([]uint32{noParty}, len(snap.Nodes))}
	ids := map[Party]uint32{}
	for _, side := range sides {
		for e := range side.All() {
			if e.IsOutside() {
				break // they come last
			}
			if p.of(e) != noParty {
				continue
			}
			one := insideParty(x, e, by)
			id, ok := ids[one]
			if !ok {
				id = uint32(len(p.list))
				ids[one] = id
				p.list = append(p.list, one)
			}
			*p.at(e) = id
		}
	}
	order := make([]uint32, len(p.list))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compareParties(&p.list[a], &p.list[b]) })
	sorted, place := make([]Party, len(order)), make([]uint32, len(order))
	for i, id := range order {
		sorted[i], place[id] = p.list[id], uint32(i)
	}
	p.list = sorted
	for _, of := range [...][]uint32{p.pods, p.nodes} {
		for i, id := range of {
			if id != noParty {
				of[i] = place[id]
			}
		}
	}
	return p
}

func (p *parties) at(e engine.EndpointID) *uint32 {
	if e.IsNode() {
		return &p.nodes[e.NodeIndex()]
	}
	return &p.pods[e]
}

// of returns the party of a pod or node.
func (p *parties) of(e engine.EndpointID) uint32 { return *p.at(e) }

// classMembers is one class's members in a set, by party.
type classMembers struct {
	class   engine.Class
	parties []partyMembers // in order
}

type partyMembers struct {
	party uint32
	first engine.EndpointID
	n     int
}

// member returns the members of a party; nil if it has none.
func (c *classMembers) member(party uint32) *partyMembers {
	i, ok := slices.BinarySearchFunc(c.parties, party, func(m partyMembers, p uint32) int { return cmp.Compare(m.party, p) })
	if !ok {
		return nil
	}
	return &c.parties[i]
}

// itself reports whether members of a class on the one side and of the same
// class on the other are one and the same endpoint, so that no two of them
// are a pair.
func (m *partyMembers) itself(o *partyMembers) bool {
	return o != nil && m.n == 1 && o.n == 1 && m.first == o.first
}

// members returns the classes of a side, those outside left out, in the order
// of their first members.
func (p *parties) members(x *engine.Index, s engine.Set) []classMembers {
	type place struct {
		class engine.Class
		party uint32
	}
	classAt := map[engine.Class]int{}
	partyAt := map[place]int{}
	var out []classMembers
	for e := range s.All() {
		if e.IsOutside() {
			break
		}
		k := place{x.Class(e), p.of(e)}
		i, ok := classAt[k.class]
		if !ok {
			i = len(out)
			classAt[k.class] = i
			out = append(out, classMembers{class: k.class})
		}
		j, ok := partyAt[k]
		if !ok {
			j = len(out[i].parties)
			partyAt[k] = j
			out[i].parties = append(out[i].parties, partyMembers{k.party, e, 0})
		}
		out[i].parties[j].n++
	}
	for i := range out {
		slices.SortFunc(out[i].parties, func(a, b partyMembers) int { return cmp.Compare(a.party, b.party) })
	}
	return out
}

// classesOf returns for each party the classes of a side that it is in, by
// index.
func (p *parties) classesOf(side []classMembers) [][]int32 {
	out := make([][]int32, len(p.list))
	for i := range side {
		for _, m := range side[i].parties {
			out[m.party] = append(out[m.party], int32(i))
		}
	}
	return out
}
