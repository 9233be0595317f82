package cli

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// nameAtOutside says why a port name means nothing towards outside addresses.
const nameAtOutside = "a port name is resolved at pods and never matches an outside address (R36)"

// checkPortNames catches a port name that no destination has (R33): a slip
// there would make a certain "no" of any question.
func (in *input) checkPortNames(q solver.PortQuery, to *solver.Ends) error {
	if len(q.Names) == 0 || in.allowEmpty || to.Set.Empty() {
		return nil
	}
	known := map[model.NamedPort]bool{}
	for e := range to.Set.All() {
		if !e.IsPod() {
			continue
		}
		if in.x.Snapshot().Pods[e].PortsUnknown { // it may have any (R66)
			return nil
		}
		for _, p := range in.x.Snapshot().Pods[e].Ports {
			known[p.NamedPort] = true
		}
	}
	var names []string
	for p := range known {
		names = append(names, p.Name, p.String())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	asked := map[string][]model.NamedPort{} // a name alone stands for all protocols
	for _, n := range q.Names {
		asked[n.Name] = append(asked[n.Name], n)
	}
	for _, n := range q.Names {
		same := asked[n.Name]
		if slices.ContainsFunc(same, func(n model.NamedPort) bool { return known[n] }) && (len(same) == model.NumProtocols || known[n]) {
			continue
		}
		word := n.Name
		if len(same) < model.NumProtocols {
			word = n.String()
		}
		if onlyOutside(to) {
			return coded(dialect.CodeSelectsNothing, "no destination has a port named %s: %q holds only outside addresses, and %s", word, to.Expr.Text, nameAtOutside)
		}
		hint := ""
		if near := nearest.Of(word, names); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		} else if i := slices.IndexFunc(names, func(s string) bool { return s == n.Name }); i >= 0 {
			hint = fmt.Sprintf("; did you mean %s?", names[i])
		}
		return coded(dialect.CodeSelectsNothing, "no destination has a port named %s%s", word, hint)
	}
	return nil
}
