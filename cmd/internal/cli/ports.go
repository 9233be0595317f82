package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/podreach/podreach/model"
)

// portsDocument is ports in a JSON document: "all" or a sorted list of ranges.
type portsDocument struct{ model.PortSet }

type portRange struct {
	Protocol string `json:"protocol"`
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
}

// MarshalJSON implements json.Marshaler.
func (p portsDocument) MarshalJSON() ([]byte, error) {
	if p.All() {
		return json.Marshal("all")
	}
	out := []portRange{}
	for _, r := range p.Ranges() {
		out = append(out, portRange{r.Protocol.String(), r.First, r.Last})
	}
	return json.Marshal(out)
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

// briefRanges is how many ranges of a protocol briefPorts shows.
const briefRanges = 6

// briefPorts is portsText, where a protocol with many ranges shows the first
// few.
func briefPorts(p model.PortSet) string {
	var shown []model.PortRange
	var left [model.NumProtocols]int
	n := [model.NumProtocols]int{}
	for _, r := range p.Ranges() {
		if n[r.Protocol]++; n[r.Protocol] <= briefRanges {
			shown = append(shown, r)
		} else {
			left[r.Protocol]++
		}
	}
	out := portsText(model.Ports(shown...))
	more := []string{}
	for protocol, n := range left {
		if n > 0 {
			more = append(more, fmt.Sprintf("%d more ranges of %v", n, model.Protocol(protocol)))
		}
	}
	if len(more) > 0 {
		out += " and " + strings.Join(more, " and ")
	}
	return out
}
