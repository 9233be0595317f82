package oracle

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
)

// onNodes is R99: the element means the addresses of the nodes that it selects,
// whoever has them. It may mean those of a node that has no Node object, whose
// labels are not known, and any host of which no address is known.
func (o *Oracle) onNodes(s labels.Selector, y peer) (sure, maybe bool) {
	for _, n := range o.endpoints {
		if n.kind != node || !slices.Contains(n.status, y.addr) {
			continue
		}
		l, known := o.nodeLabels[n.nodeName]
		sure = sure || known && s.Matches(labels.Set(l)) || s.Empty()
		maybe = maybe || !known
	}
	host := y.kind == node || y.hostNetwork
	return sure, maybe || host && len(y.addresses[model.FamilyOf(y.addr)].known) == 0
}
