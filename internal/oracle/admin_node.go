package oracle

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
)

// onNodes is R99: the element means the addresses of the nodes that it selects,
// whoever has them, and these nodes with their host-network pods also where no
// address of theirs is known.
func (o *Oracle) onNodes(s labels.Selector, y peer, c connection) bool {
	selected := func(name string) bool {
		l, known := o.nodeLabels[name]
		if !known {
			l = c.assumed[name]
		}
		return s.Matches(labels.Set(l))
	}
	owned := false
	for _, n := range o.endpoints {
		if n.kind == node && slices.Contains(n.status, y.addr) {
			owned = true
			if selected(n.nodeName) {
				return true
			}
		}
	}
	switch {
	case y.kind == node, y.hostNetwork && y.nodeName != "":
		return selected(y.nodeName)
	case y.hostNetwork && !owned: // it is on a node whose addresses are not known
		return selected("")
	}
	return false
}

// nodeWorlds returns the connection once for each way in which the labels of
// nodes can be that are not known and matter for dst (R6): of nodes without a
// Node object, and, as "", of the node of a host-network pod that can be on
// several.
func (o *Oracle) nodeWorlds(dst *endpoint, c connection) []connection {
	worlds := []connection{c}
	if len(o.nodeSelectors) == 0 {
		return worlds
	}
	vary := func(name string, sets []map[string]string) {
		var out []connection
		for _, w := range worlds {
			for _, l := range sets {
				next := w
				next.assumed = maps.Clone(w.assumed)
				if next.assumed == nil {
					next.assumed = map[string]map[string]string{}
				}
				next.assumed[name] = l
				out = append(out, next)
			}
		}
		worlds = out
	}
	vital := map[string]bool{}
	if (dst.kind == node || dst.hostNetwork) && dst.nodeName != "" {
		vital[dst.nodeName] = true
	}
	for _, n := range o.endpoints {
		for _, f := range dst.addresses {
			for _, a := range slices.Concat(f.known, f.unknown) {
				if n.kind == node && slices.Contains(n.status, a) {
					vital[n.nodeName] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vital)) {
		if _, known := o.nodeLabels[name]; !known {
			vary(name, o.anyLabels)
		}
	}
	if dst.hostNetwork && dst.nodeName == "" {
		var sets []map[string]string
		more := !o.nodesWhole // there are nodes besides those that are known
		for _, n := range o.endpoints {
			more = more || n.implied
			if l, known := o.nodeLabels[n.nodeName]; n.kind == node && known && len(n.status) == 0 {
				sets = append(sets, l)
			}
		}
		if more || len(sets) == 0 {
			sets = append(sets, o.anyLabels...)
		}
		vary("", sets)
	}
	return worlds
}

// possibleLabels returns label sets of a node of which nothing is known, one
// for each answer that the node selectors in use can give together.
func (o *Oracle) possibleLabels() []map[string]string {
	const absent = "\x00"
	values := map[string][]string{}
	for _, s := range o.nodeSelectors {
		requirements, _ := s.Requirements()
		for _, r := range requirements {
			if values[r.Key()] == nil {
				values[r.Key()] = []string{absent, "\x01"} // not there, and none that a selector names
			}
			values[r.Key()] = append(values[r.Key()], r.Values().UnsortedList()...)
		}
	}
	sets := []map[string]string{{}}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		list := slices.Compact(slices.Sorted(slices.Values(values[k])))
		var out []map[string]string
		seen := map[string]bool{}
		for _, l := range sets {
			for _, v := range list {
				next := maps.Clone(l)
				if v != absent {
					next[k] = v
				}
				if id := fmt.Sprint(next); !seen[id] {
					seen[id] = true
					out = append(out, next)
				}
			}
		}
		sets = out
	}
	var out []map[string]string
	seen := map[string]bool{}
	for _, l := range sets {
		answers := ""
		for _, s := range o.nodeSelectors {
			answers += fmt.Sprint(s.Matches(labels.Set(l)), " ")
		}
		if !seen[answers] {
			seen[answers] = true
			out = append(out, l)
		}
	}
	return out
}
