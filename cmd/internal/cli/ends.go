package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// ends resolves an expression. With --allow-empty an expression that selects
// nothing is an empty side.
func (in *input) ends(text string) (solver.Ends, error) {
	out, err := solver.Find(in.x, text)
	var empty *solver.EmptyError
	if in.allowEmpty && errors.As(err, &empty) {
		return out, nil
	}
	in.noteDormant(out)
	return out, err
}

// onlyOutside reports whether a side holds nothing but outside addresses.
func onlyOutside(e *solver.Ends) bool {
	return e.Set.Pods()+e.Set.Nodes() == 0 && len(e.Set.Outside()) > 0
}

// noteDormant tells that a path named a workload with zero replicas.
func (in *input) noteDormant(e solver.Ends) {
	for id := range e.Set.All() {
		if !id.IsPod() || !in.x.Snapshot().Pods[id].Dormant {
			continue
		}
		p := &in.x.Snapshot().Pods[id]
		in.print(dialect.Diagnostic{
			Code: dialect.CodeNoReplicas, Origin: p.Origin,
			Message: solver.WorkloadPath(p) + " has 0 replicas; the answer is for the pods that it would have",
		})
	}
}

// endpointName is an endpoint as answers name it; a is its address when it is
// outside.
func (in *input) endpointName(e engine.EndpointID, a netip.Addr) string {
	if e.IsOutside() {
		return a.String()
	}
	return solver.EndpointName(in.x, e)
}

// ruleRef is a rule in a JSON document.
type ruleRef struct {
	Object string `json:"object"` // "NetworkPolicy ml/allow-dns"
	At     string `json:"at"`     // file:line of the rule
	Says   string `json:"says,omitempty"`
}

func (in *input) ruleRef(rule int) ruleRef {
	r := &in.x.Snapshot().Rules[rule]
	return ruleRef{r.Object.String(), in.at(r.Origin), ruleText(r)}
}

// ruleText is what a rule says, in words.
func ruleText(r *model.Rule) string {
	if r.Note != "" {
		return r.Note
	}
	if r.Rank.Tier == model.TierNetworkPolicy && r.Rank.Priority == model.PriorityDefaultDeny {
		return fmt.Sprintf("isolates %s for %v: only what a policy allows", r.Subject, r.Direction)
	}
	peer := r.Peer.String()
	if r.Peer.Any {
		peer = "everything"
	}
	if r.Direction == model.Egress {
		return fmt.Sprintf("%s may open %s to %s", r.Subject, rulePorts(r.Ports), peer)
	}
	return fmt.Sprintf("%s accepts %s from %s", r.Subject, rulePorts(r.Ports), peer)
}

func rulePorts(p model.RulePorts) string {
	if p.All {
		return "any port"
	}
	p.Other = model.OtherNo
	return p.String()
}

// shorten cuts a text that is too long for a line of a terminal.
func shorten(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-3]) + "..."
	}
	return s
}

// portRange is a range of ports in a JSON document.
type portRange struct {
	Protocol string `json:"protocol"`
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
}

// portsDocument is "all" or a sorted list of ranges.
func portsDocument(p model.PortSet) any {
	if p.All() {
		return "all"
	}
	out := []portRange{}
	for _, r := range p.Ranges() {
		out = append(out, portRange{r.Protocol.String(), r.First, r.Last})
	}
	return out
}

// portsText is a port set for people.
func portsText(p model.PortSet) string {
	switch {
	case p.All():
		return "any port"
	case p.Empty():
		return "no port"
	}
	var protocols []string
	for _, r := range p.Ranges() {
		if r.First == 1 && r.Last == model.MaxPort {
			protocols = append(protocols, r.Protocol.String())
		}
	}
	if len(protocols) == len(p.Ranges()) {
		return "any " + strings.Join(protocols, " and ") + " port"
	}
	return p.String()
}
