package oracle

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
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
	return nil
}
