package oracle

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/model"
)

// readUnmanaged marks the pods that the network plugin does not manage (R69).
func (o *Oracle) readUnmanaged(w World) error {
	for _, text := range w.Unmanaged {
		scope, pods, found := strings.Cut(text, ":")
		byLabels := strings.HasPrefix(text, "{")
		if byLabels {
			scope, pods, found = strings.Cut(text[1:], "}:")
		}
		if !found {
			return fmt.Errorf("oracle: unmanaged %q is no selector of pods", text)
		}
		selector, err := labels.Parse(pods)
		if err != nil {
			return fmt.Errorf("oracle: unmanaged %q: %w", text, err)
		}
		in := func(namespace string) bool { return scope == "" || scope == namespace }
		if byLabels {
			namespaces, err := labels.Parse(scope)
			if err != nil {
				return fmt.Errorf("oracle: unmanaged %q: %w", text, err)
			}
			in = func(namespace string) bool { return namespaces.Matches(labels.Set(o.namespaces[namespace])) }
		}
		for _, e := range o.endpoints {
			switch {
			case e.kind != pod || !in(e.end.Namespace):
			case o.doubtful(selector, e):
				e.maybeManaged = true
			case selector.Matches(labels.Set(e.labels)):
				e.unmanaged = true
			}
		}
	}
	if o.profile.unmanagedEntity {
		o.sharePorts()
	}
	return nil
}

// sharePorts: in Cilium the pods that it does not manage are one identity, on
// which a name means the port of that protocol that is one and the same on all
// pods that declare it (R69).
func (o *Oracle) sharePorts() {
	type key struct {
		name     string
		protocol model.Protocol
	}
	numbers := map[key]map[uint16]bool{}
	var all []*endpoint
	known := true
	for _, e := range o.endpoints {
		if e.kind != pod || e.hostNetwork || !e.unmanaged && !e.maybeManaged {
			continue
		}
		all = append(all, e)
		known = known && !e.portsUnknown && e.unmanaged
		last := map[string]namedPort{}
		for _, p := range e.ports {
			last[p.name] = p // R35
		}
		for _, p := range last {
			k := key{p.name, p.protocol}
			if numbers[k] == nil {
				numbers[k] = map[uint16]bool{}
			}
			numbers[k][p.number] = true
		}
	}
	for _, e := range all {
		e.ports, e.portsShared, e.portsUnknown = nil, true, !known
		for k, declared := range numbers {
			for number := range declared {
				if known && len(declared) == 1 {
					e.ports = append(e.ports, namedPort{k.name, k.protocol, number})
				}
			}
		}
	}
}
