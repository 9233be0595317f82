package oracle

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// term is a requirement of a selector of pods.
type term struct {
	key    string
	values []string
}

// terms returns what policies, and the configuration, ask of the labels of pods.
func (o *Oracle) terms(w World) []term {
	var out []term
	add := func(s labels.Selector) {
		if s == nil {
			return
		}
		requirements, _ := s.Requirements()
		for _, r := range requirements {
			out = append(out, term{r.Key(), r.Values().List()})
		}
	}
	for i := range o.policies {
		p := &o.policies[i]
		add(p.subject)
		for d, rules := range p.rules {
			if !p.isolates[d] { // not in force
				continue
			}
			for _, r := range rules {
				for _, e := range r.peers {
					add(e.pods)
				}
			}
		}
	}
	for _, p := range o.admin {
		for _, rules := range p.rules {
			if p.unclear {
				continue
			}
			add(p.pods)
			for _, r := range rules {
				if o.bothVersions { // no rule is in force
					break
				}
				for _, e := range r.named() {
					add(e.pods)
				}
			}
		}
	}
	for _, text := range w.Unmanaged {
		_, pods, _ := strings.Cut(text, ":")
		if _, after, found := strings.Cut(text, "}:"); found {
			pods = after
		}
		if s, err := labels.Parse(pods); err == nil {
			add(s)
		}
	}
	return out
}

// told takes the labels that a pod may have or not out of its labels. A value
// in braces is one that a controller replaces. Where its beginning is known the
// label is there, and its value one that no selector names but by that.
func (o *Oracle) told(all map[string]string) (known, begins map[string]string) {
	known, begins = map[string]string{}, map[string]string{}
	for k, v := range all {
		text, partly := strings.CutPrefix(v, uncertain+" ")
		switch {
		case partly:
			known[k], begins[k] = opaque, text
		case v == uncertain, strings.Contains(v, "{{"):
			begins[k] = ""
		default:
			known[k] = v
			continue
		}
		o.uncertain[k] = true
	}
	return known, begins
}

// undecidedBy reports whether it is not known if p meets r.
func undecidedBy(r labels.Requirement, p *endpoint) bool {
	begin, found := p.uncertain[r.Key()]
	return found && (begin == "" || slices.ContainsFunc(r.Values().List(), func(v string) bool { return strings.HasPrefix(v, begin) }))
}

// doubtful reports whether a selector hangs on a label of which it is not known
// whether the pod has it: one of its requirements is undecided, and what it asks
// for that is not uncertain for any pod the pod has (R66).
func (o *Oracle) doubtful(s labels.Selector, p *endpoint) bool {
	asked := false
	rest := labels.NewSelector()
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		asked = asked || undecidedBy(r, p)
		if !o.uncertain[r.Key()] {
			rest = rest.Add(r)
		}
	}
	return asked && rest.Matches(labels.Set(p.labels))
}

// undecided reports whether uncertain labels decide what the policies say of x
// and its peer.
func (o *Oracle) undecided(d networkingv1.PolicyType, x *endpoint, y peer) bool {
	if x.maybeManaged {
		return true
	}
	for i := range o.policies {
		p := &o.policies[i]
		if !p.isolates[d] || p.namespace != x.end.Namespace {
			continue
		}
		if o.doubtful(p.subject, x) {
			return true
		}
		if !p.selects(x) || !o.selectable(y) {
			continue
		}
		for _, r := range p.rules[d] {
			for _, e := range r.peers {
				if o.maybeEntity(y) && !e.block && (e.pods == nil || !matchesNothing(e.pods)) {
					return true
				}
				if !e.block && e.pods != nil && o.inNamespaces(p, e, y) && o.doubtful(e.pods, y.endpoint) {
					return true
				}
			}
		}
	}
	return o.adminUndecided(d, x, y)
}

// maybeEntity: whether selectors of pods can mean y hangs on whether it is
// managed, and that on labels (R66, R69).
func (o *Oracle) maybeEntity(y peer) bool { return o.profile.unmanagedEntity && y.maybeManaged }
