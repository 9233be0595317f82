package solver

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// selectors finds policies that select nothing (PR4001), peers that match
// nothing (PR4002) and values of labels that nobody has (PR4011).
func (l *linter) selectors(p *policy) {
	if p.unsure && p.networkPolicy() {
		return // some pod may have the labels that it names
	}
	if len(p.classes) == 0 {
		l.selectsNothing(p)
		return
	}
	said := map[string]bool{}
	l.misspelt(p, p.subject, l.origin(p).Field("spec", "podSelector"), "its podSelector", said)
	for _, same := range l.byOrigin(p) {
		l.deadPeers(p, same, said)
	}
}

// byOrigin groups the rules that allow, deny or pass by the rule of the policy
// that they come from, in the order of the policy.
func (l *linter) byOrigin(p *policy) [][]int {
	var out [][]int
	at := map[model.Origin]int{}
	for _, i := range p.rules {
		r := &l.s.Rules[i]
		if r.Isolates() {
			continue
		}
		k, ok := at[r.Origin]
		if !ok {
			k = len(out)
			at[r.Origin] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

func (l *linter) selectsNothing(p *policy) {
	f := Finding{Code: dialect.CodeLintSelectsNothing, Object: p.object, Origin: l.origin(p).Field("spec", "podSelector")}
	if !p.networkPolicy() {
		f.Origin = l.origin(p).Field("spec", "subject")
	}
	switch hosts := l.matchingHosts(p.subject); {
	case len(hosts) > 0:
		f.Message = fmt.Sprintf("%v selects only pods of the host network, such as %s, to which policies do not apply", p.object, hosts[0].Path())
	case p.subject.Namespace != "" && len(l.byNS[p.subject.Namespace])+len(l.hosts[p.subject.Namespace]) == 0:
		f.Severity = dialect.Note // the pods may be in no input
		f.Message = fmt.Sprintf("%v selects no pod: the input has none in namespace %s", p.object, p.subject.Namespace)
		if n := nearest.Of(p.subject.Namespace, slices.Sorted(maps.Keys(l.byNS))); n != "" {
			f.Severity = dialect.Warning
			f.Message += "; did you mean namespace " + n + "?"
		}
	default:
		why, _ := l.why(p.subject)
		f.Message = fmt.Sprintf("%v selects no pod of the input: %s", p.object, why)
		if len(l.classes) == 0 {
			f.Severity = dialect.Note
		}
	}
	l.report(f)
}

// matchingHosts are the host-network pods that a pod set would select if
// policies applied to them.
func (l *linter) matchingHosts(s model.PodSet) []*model.Pod {
	for _, n := range l.namespaces(s) {
		for _, p := range l.hosts[n] {
			if s.Pods.Matches(p.Labels) {
				return []*model.Pod{p}
			}
		}
	}
	return nil
}

// deadPeers looks at the rules of one rule of a policy.
func (l *linter) deadPeers(p *policy, rules []int, said map[string]bool) {
	type dead struct {
		set    model.PodSet
		origin model.Origin
	}
	var none []dead
	some := false
	for _, i := range rules {
		r := &l.s.Rules[i]
		if r.Action == model.Uncertain || r.Action == model.MayAllow {
			return
		}
		some = some || r.Peer.Any || r.Peer.NoPods || r.Peer.UnknownHosts || r.Peer.Relation != model.NoRelation || len(r.Peer.Blocks) > 0
		for j, set := range r.Peer.Pods {
			if len(l.selects(set)) > 0 {
				some = true
				l.misspelt(p, set, peerPlace(r, j), ruleName(r), said)
				continue
			}
			none = append(none, dead{set, peerPlace(r, j)})
		}
	}
	if len(none) == 0 || some && !p.networkPolicy() {
		return
	}
	r := &l.s.Rules[rules[0]]
	for i, d := range none {
		f := Finding{Code: dialect.CodeLintNoPeer, Object: p.object, Origin: d.origin, About: r.Direction.String() + " " + d.set.String()}
		if key := fmt.Sprint(f.Code, f.About, f.Origin); said[key] {
			continue
		} else {
			said[key] = true
		}
		what := "a peer of " + ruleName(r) + " of"
		if !some && len(none) == 1 {
			what = ruleName(r) + " of"
		}
		why, elsewhere := l.whyNoPeer(d.set)
		if elsewhere {
			f.Severity = dialect.Note
		}
		f.Message = fmt.Sprintf("%s %v matches no pod: %s", what, p.object, why)
		if !some && len(none) > 1 && i == len(none)-1 {
			f.Message += "; the rule has no other peer that matches any"
		}
		l.report(f)
	}
}

// whyNoPeer says why a pod set selects nothing, and whether what it means may
// be in no input.
func (l *linter) whyNoPeer(s model.PodSet) (why string, elsewhere bool) {
	if len(l.matchingHosts(s)) > 0 {
		return "what it selects is of the host network, which selectors do not match", false
	}
	if s.Namespace == "" && len(s.Namespaces) > 0 {
		in := l.namespaces(s)
		if len(in) == 0 {
			hint := l.ofNamespaces().why(s.Namespaces)
			return "no namespace has " + s.Namespaces.String() + hint.text, !hint.near
		}
		if !slices.ContainsFunc(in, func(n string) bool { return len(l.byNS[n])+len(l.hosts[n]) > 0 }) {
			return "the input has no pod in " + names(in), true
		}
	}
	why, near := l.why(s)
	everywhere := s.Namespace == "" && len(s.Namespaces) == 0 // also where the input does not look
	return why, !near && everywhere || len(l.classes) == 0
}

// why says why no pod of the namespaces of a pod set has its labels, and whether
// some has labels that are near to them.
func (l *linter) why(s model.PodSet) (string, bool) {
	in := "in any namespace that it selects"
	switch {
	case s.Namespace != "":
		in = "in namespace " + s.Namespace
	case len(s.Namespaces) == 0:
		in = "in any namespace"
	}
	if len(s.Pods) == 0 {
		return "there is none " + in, false
	}
	hint := l.ofPods(s).why(s.Pods)
	return "none " + in + " has " + s.Pods.String() + hint.text, hint.near
}

// words are the labels of some objects: keys, and the values of each.
type words struct {
	of     string
	keys   []string
	values map[string][]string
}

// ofPods are the labels of the pods in the namespaces of a pod set.
func (l *linter) ofPods(s model.PodSet) *words {
	in := l.namespaces(s)
	key := "pods " + strings.Join(in, ",")
	w := l.words[key]
	if w == nil {
		w = newWords("pod")
		for _, n := range in {
			for _, p := range l.pods[n] { // of a class each has other labels
				w.add(p.Labels)
			}
		}
		w.sort()
		l.words[key] = w
	}
	return w
}

func (l *linter) ofNamespaces() *words {
	w := l.words["namespaces"]
	if w == nil {
		w = newWords("namespace")
		for i := range l.s.Namespaces {
			w.add(l.s.Namespaces[i].Labels)
		}
		w.sort()
		l.words["namespaces"] = w
	}
	return w
}

func newWords(of string) *words { return &words{of: of, values: map[string][]string{}} }

func (w *words) add(labels map[string]string) {
	for k, v := range labels {
		if _, uncertain := model.UncertainLabel(k); !uncertain {
			w.values[k] = append(w.values[k], v)
		}
	}
}

func (w *words) sort() {
	w.keys = slices.Sorted(maps.Keys(w.values))
	for k, v := range w.values {
		slices.Sort(v)
		w.values[k] = slices.DeleteFunc(slices.Compact(v), func(v string) bool { return v == model.OpaqueValue })
	}
}

// hint is what somebody may have meant.
type hint struct {
	text string // "; did you mean app=web?"
	near bool
}

// why names the first requirement that nothing meets, and what is nearest to
// it.
func (w *words) why(s model.Selector) hint {
	for _, r := range s {
		if r.Operator != model.In && r.Operator != model.Exists {
			continue
		}
		values, known := w.values[r.Key]
		if !known {
			if n := nearest.Of(r.Key, w.keys); n != "" {
				return hint{fmt.Sprintf("; the nearest key is %s", n), true}
			}
			for _, v := range r.Values { // as of another key
				for _, k := range w.keys {
					if slices.Contains(w.values[k], v) {
						return hint{fmt.Sprintf("; no %s has the key %s, but there is %s=%s", w.of, r.Key, k, v), true}
					}
				}
			}
			return hint{fmt.Sprintf("; no %s has the key %s", w.of, r.Key), false}
		}
		if r.Operator == model.Exists || slices.ContainsFunc(r.Values, func(v string) bool { return slices.Contains(values, v) }) {
			continue
		}
		for _, v := range r.Values {
			if n := nearest.Of(v, values); n != "" {
				return hint{fmt.Sprintf("; the nearest is %s=%s", r.Key, n), true}
			}
		}
		if len(values) == 1 {
			return hint{fmt.Sprintf("; there is only %s=%s", r.Key, values[0]), false}
		}
		return hint{}
	}
	return hint{}
}

// misspelt finds values and keys of a selector that nobody has but that are
// near to what somebody has, where the selector still selects something: other
// values do, or what is not there is asked for.
func (l *linter) misspelt(p *policy, s model.PodSet, at model.Origin, where string, said map[string]bool) {
	if at.Path != "" && !p.networkPolicy() {
		at = l.origin(p).Field("spec")
	}
	look := func(of func() *words, sel model.Selector) {
		for _, r := range sel {
			if r.Operator == model.Exists || r.Operator == model.In && len(r.Values) == 1 {
				continue // it selects something
			}
			w := of()
			values, known := w.values[r.Key]
			report := func(wrong, near string) {
				f := Finding{Code: dialect.CodeLintLabel, Object: p.object, Origin: at, About: r.Key + " " + wrong}
				key := fmt.Sprint(f.Code, f.About, at)
				if said[key] {
					return
				}
				said[key] = true
				f.Message = fmt.Sprintf("%v: no %s has %s, which %s names; the nearest is %s", p.object, w.of, wrong, where, near)
				l.report(f)
			}
			switch {
			case !known && (r.Operator == model.NotIn || r.Operator == model.DoesNotExist):
				if n := nearest.Of(r.Key, w.keys); n != "" && slip(r.Key, n) {
					report("the key "+r.Key, n)
				}
			case known && r.Operator != model.DoesNotExist:
				for _, v := range r.Values {
					if slices.Contains(values, v) {
						continue
					}
					if n := nearest.Of(v, values); n != "" && slip(v, n) && !slices.Contains(r.Values, n) {
						report(r.Key+"="+v, r.Key+"="+n)
					}
				}
			}
		}
	}
	look(func() *words { return l.ofPods(s) }, s.Pods)
	if s.Namespace == "" {
		look(l.ofNamespaces, s.Namespaces)
	}
}

// slip reports whether one word is likely the other mistyped: words that differ
// in figures only are versions or members of a row.
func slip(word, near string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, s)
	}
	return len(word) >= 4 && len(near) >= 4 && nearest.Within(2, word, near) && letters(word) != letters(near)
}

// portNames finds named ports that mean a port of no pod that the rule can
// match (PR4010).
func (l *linter) portNames(p *policy) {
	if p.unsure || len(p.classes) == 0 {
		return
	}
	said := map[model.NamedPort]bool{}
	for _, i := range p.rules {
		r := &l.s.Rules[i]
		if len(r.Ports.Named) == 0 {
			continue
		}
		destinations := p.classes
		if r.Direction == model.Egress {
			destinations = l.destinations(r)
		}
		if len(destinations) == 0 {
			continue // no peer: said elsewhere
		}
		for _, name := range r.Ports.Named {
			if said[name] || l.resolves(name, destinations) {
				continue
			}
			said[name] = true
			l.report(Finding{
				Code: dialect.CodeLintPortName, Object: p.object, Origin: r.Origin.Field("ports"), About: fmt.Sprintf("%v %s/%v", r.Direction, name.Name, name.Protocol),
				Message: fmt.Sprintf("%s of %v opens nothing by the port name %s (%v): no pod that it can match, such as %s, has a port of that name%s",
					ruleName(r), p.object, name.Name, name.Protocol, l.classes[destinations[0]].pod.Path(), l.nearestPort(name, destinations)),
			})
		}
	}
}

// destinations are the pods that an egress rule can match: those of its pod
// sets, and all where it names addresses.
func (l *linter) destinations(r *model.Rule) []int32 {
	all := r.Peer.Any || len(r.Peer.Blocks) > 0
	var out []int32
	if !all {
		for _, s := range r.Peer.Pods {
			out = append(out, l.selects(s)...)
		}
		return out
	}
	for i := range l.classes {
		out = append(out, int32(i))
	}
	return out
}

func (l *linter) resolves(name model.NamedPort, classes []int32) bool {
	return slices.ContainsFunc(classes, func(c int32) bool {
		pod := l.classes[c].pod
		return pod.PortsUnknown || slices.ContainsFunc(pod.Ports, func(p model.ContainerPort) bool { return p.NamedPort == name })
	})
}

func (l *linter) nearestPort(name model.NamedPort, classes []int32) string {
	var of []string
	for _, c := range classes {
		for _, p := range l.classes[c].pod.Ports {
			if p.Name == name.Name {
				return fmt.Sprintf("; there it is of %v", p.Protocol)
			}
			of = append(of, p.Name)
		}
	}
	slices.Sort(of)
	of = slices.Compact(of)
	if n := nearest.Of(name.Name, of); n != "" {
		return "; did you mean " + n + "?"
	}
	if len(of) > 0 && len(of) <= 4 {
		return "; they have " + names(of)
	}
	return ""
}
