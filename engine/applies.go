package engine

import "github.com/podreach/podreach/model"

// Applies returns the rules, into Snapshot.Rules and in rank order, of which an
// endpoint is the subject in a direction; none for nodes, host-network pods and
// outside addresses, to which no policy applies (R3, R55). Cost: O(rules that
// apply).
func (x *Index) Applies(e EndpointID, d model.Direction) []int {
	c := x.Class(e)
	if int(c) >= x.podClasses {
		return nil
	}
	var out []int
	for _, g := range x.programs[x.programOf.get(int(c))[d]].segments {
		for _, r := range x.segments[g].rules {
			out = append(out, x.ruleIndex(r))
		}
	}
	return out
}
