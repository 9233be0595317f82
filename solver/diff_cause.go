package solver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
)

// CauseKind says what makes a difference.
type CauseKind uint8

// The kinds of cause.
const (
	CausePolicy    CauseKind = iota // rules of an object
	CauseLabels                     // labels of the pods of a workload
	CauseNamespace                  // labels of a namespace
	CausePod                        // named ports, addresses or the network namespace of the pods of a workload
	CauseWorkload                   // a workload, or a further pod of one
	CauseNode                       // nodes or their addresses
	CauseCluster                    // address ranges, and rules of no object
)

// String is one word.
func (k CauseKind) String() string {
	return [...]string{"policy", "labels", "namespace", "pod", "workload", "node", "cluster"}[k]
}

// CauseChange says what became of what makes a difference.
type CauseChange uint8

// What became of it.
const (
	Edited CauseChange = iota
	Added
	Removed
)

// String is "edited", "added" or "removed".
func (c CauseChange) String() string { return [...]string{"edited", "added", "removed"}[c] }

// Cause is something that differs between two versions and makes a change.
type Cause struct {
	Kind   CauseKind
	Change CauseChange
	Object string // "NetworkPolicy ml/allow-dns", "ml/deployment/trainer", "Namespace ml"; "" for CauseCluster and CauseNode
	Text   string // what about it, where that says more; may be ""
	// Was and Is are where it is in the old and in the new version: for a
	// policy the rule that decides, or the field of it that is different. The
	// zero Place: it is not there, or was made in memory.
	Was, Is CausePlace
}

// CausePlace is a place in one of the versions.
type CausePlace struct {
	Origin model.Origin
	Rule   *model.Rule // CausePolicy: the rule; may be nil
}

func (c *Cause) key() string {
	return fmt.Sprint(c.Kind, c.Change, "\x00", c.Object, "\x00", c.Text, "\x00", c.Was.Origin, c.Is.Origin)
}

// policyCause is an edited object as the cause of a change, with the rules of
// it that decide: what opens now or closed before, or the other way round.
func (b *blamer) policyCause(e *objectEdit, c *contrast) Cause {
	out := Cause{Kind: CausePolicy, Object: e.object.String()}
	switch {
	case !e.there[was]:
		out.Change = Added
	case !e.there[is]:
		out.Change = Removed
	}
	if e.object == (model.ObjectRef{}) {
		out.Kind, out.Object = CauseCluster, ""
	}
	rules := [versions]*model.Rule{b.decider(e, c, was), b.decider(e, c, is)}
	for v := range rules {
		// The rule that decides may be in both versions, and another differ.
		if rules[v] != nil && !slices.Contains(e.lacks[v], rules[v]) && rules[1-v] != nil && slices.Contains(e.lacks[1-v], rules[1-v]) {
			rules[v] = nil
		}
	}
	for v := range rules {
		if other := 1 - v; rules[v] == nil && rules[other] != nil {
			rules[v] = atSamePlace(e.lacks[v], rules[other])
		}
	}
	if rules[was] == nil && rules[is] == nil {
		for v := range rules {
			if len(e.lacks[v]) > 0 {
				rules[v] = e.lacks[v][0]
			}
		}
		if rules[was] != nil && rules[is] != nil {
			rules[was] = atSamePlace(e.lacks[was], rules[is])
		}
	}
	for v, r := range rules {
		// A rule of a direction that the other version does not list may be in its text all the same.
		if other := 1 - v; out.Change == Edited && r != nil && rules[other] == nil {
			if i := isolationAmong(e.lacks[v], r.Direction); i != nil && isolationAmong(e.lacks[other], r.Direction) == nil {
				rules[v] = i
			}
		}
	}
	places := [versions]*CausePlace{&out.Was, &out.Is}
	for v, r := range rules {
		if r != nil {
			*places[v] = CausePlace{r.Origin, r}
			if out.Kind == CauseCluster {
				out.Text = r.Note
			}
		}
	}
	if out.Change == Edited && rules[was] != nil && rules[is] != nil {
		field, text := differentField(rules[was], rules[is])
		out.Text = text
		for _, p := range places {
			if p.Origin.Known() {
				p.Origin = below(p.Origin, field)
			}
		}
	}
	return out
}

// isolationAmong is the rule that isolates in a direction, nil if there is none.
func isolationAmong(rules []*model.Rule, d model.Direction) *model.Rule {
	for _, r := range rules {
		if r.Direction == d && r.Isolates() {
			return r
		}
	}
	return nil
}

// rulePath is where a rule is in its object.
func rulePath(r *model.Rule) string {
	if i := strings.Index(r.Origin.Path, "spec"); i >= 0 {
		return r.Origin.Path[i:]
	}
	return r.Origin.Path
}

func atSamePlace(rules []*model.Rule, r *model.Rule) *model.Rule {
	for _, s := range rules {
		if s.Direction == r.Direction && rulePath(s) == rulePath(r) {
			return s
		}
	}
	return nil
}

// subjectField is the path of what an object selects; other fields are
// relative to the rule.
const subjectField = "spec"

// differentField is the first field in which two versions of a rule differ.
func differentField(r, s *model.Rule) (path []any, text string) {
	side := "from"
	if r.Direction == model.Egress {
		side = "to"
	}
	switch {
	case !samePodSet(&r.Subject, &s.Subject):
		field := "subject"
		if r.Object.Kind == "NetworkPolicy" {
			field = "podSelector"
		}
		path = []any{subjectField, field}
		switch a, b := &r.Subject, &s.Subject; {
		case field == "podSelector":
			path = append(path, differentLabel(a.Pods, b.Pods)...)
		case len(a.Pods)+len(b.Pods) == 0:
			path = append(append(path, "namespaces"), differentLabel(a.Namespaces, b.Namespaces)...)
		}
		return path, fmt.Sprintf("it selected %v and selects %v", r.Subject, s.Subject)
	case !samePeer(&r.Peer, &s.Peer):
		if r.Peer.Any || s.Peer.Any {
			return nil, "" // there is no such field in one of them
		}
		return differentPeer(r, s, side), ""
	case r.Action != s.Action:
		return []any{"action"}, fmt.Sprintf("its action was %v and is %v", r.Action, s.Action)
	case !samePorts(&r.Ports, &s.Ports):
		if r.Ports.All || s.Ports.All {
			return nil, ""
		}
		if len(r.Ports.Set.Ranges())+len(r.Ports.Named) == 1 && len(s.Ports.Set.Ranges())+len(s.Ports.Named) == 1 {
			return []any{"ports", 0}, ""
		}
		return []any{"ports"}, ""
	case r.Rank != s.Rank:
		return []any{subjectField, "priority"}, ""
	}
	return nil, ""
}

// differentPeer is the path of the first element that differs, where its number
// is known: peers of pods and of addresses are kept apart.
func differentPeer(r, s *model.Rule, side string) []any {
	p, q := &r.Peer, &s.Peer
	if r.Object.Kind != "NetworkPolicy" {
		if len(p.Pods) != len(q.Pods) || len(p.Blocks)+len(q.Blocks) > 0 {
			return []any{side}
		}
		for i := range p.Pods {
			if a, b := &p.Pods[i], &q.Pods[i]; !samePodSet(a, b) && len(a.Pods)+len(b.Pods) == 0 {
				return append([]any{side, i, "namespaces"}, differentLabel(a.Namespaces, b.Namespaces)...)
			}
		}
		return []any{side}
	}
	switch {
	case len(p.Pods)+len(q.Pods) == 0 && len(p.Blocks) == len(q.Blocks):
		for i := range p.Blocks {
			if p.Blocks[i].CIDR != q.Blocks[i].CIDR {
				return []any{side, i, "ipBlock", "cidr"}
			}
			if a, b := p.Blocks[i].Except, q.Blocks[i].Except; !slices.Equal(a, b) {
				k := 0
				for len(a) == len(b) && a[k] == b[k] {
					k++
				}
				if len(a) == len(b) {
					return []any{side, i, "ipBlock", "except", k}
				}
				return []any{side, i, "ipBlock", "except"}
			}
		}
	case len(p.Blocks)+len(q.Blocks) == 0 && len(p.Pods) == len(q.Pods):
		for i := range p.Pods {
			a, b := &p.Pods[i], &q.Pods[i]
			if samePodSet(a, b) {
				continue
			}
			switch {
			case a.Namespace != b.Namespace: // of one there is no namespaceSelector
				return []any{side, i, "namespaceSelector"}
			case !equalSelector(a.Namespaces, b.Namespaces):
				return append([]any{side, i, "namespaceSelector"}, differentLabel(a.Namespaces, b.Namespaces)...)
			}
			return append([]any{side, i, "podSelector"}, differentLabel(a.Pods, b.Pods)...)
		}
	}
	return []any{side}
}

// differentLabel is the path in a selector of the one label whose value
// differs, where that can be written as a path.
func differentLabel(s, t model.Selector) []any {
	if len(s) != len(t) {
		return nil
	}
	for i := range s {
		a, b := &s[i], &t[i]
		if a.Key == b.Key && a.Operator == b.Operator && slices.Equal(a.Values, b.Values) {
			continue
		}
		if a.Key == b.Key && a.Operator == model.In && b.Operator == model.In && len(a.Values) == 1 && len(b.Values) == 1 {
			return []any{"matchLabels", a.Key}
		}
		return nil
	}
	return nil
}

// labelPath is where the labels of the pods of an object are.
func labelPath(p *model.Pod) []any {
	switch {
	case !p.Template:
		return []any{"metadata", "labels"}
	case slices.Contains([]string{"deployment", "statefulset", "daemonset", "replicaset", "replicationcontroller", "job"}, p.Workload.Kind):
		return []any{"spec", "template", "metadata", "labels"}
	case p.Workload.Kind == "cronjob":
		return []any{"spec", "jobTemplate", "spec", "template", "metadata", "labels"}
	}
	return nil
}

// labelOrigin is where a label is that differs, of those that rules ask for if
// there are some.
func labelOrigin(o model.Origin, path []any, before, after map[string]string, asked func(key string) bool) model.Origin {
	if !o.Known() || path == nil {
		return o
	}
	o = o.Field(path...)
	var first string
	for _, k := range slices.Sorted(maps.Keys(before)) {
		v, ok := after[k]
		switch {
		case !ok || v == before[k] || before[k] == model.OpaqueValue || v == model.OpaqueValue:
		case asked(k):
			return o.Field(k)
		case first == "":
			first = k
		}
	}
	if first != "" {
		return o.Field(first)
	}
	return o
}

// below is the place of a field of a rule, or of its object.
func below(o model.Origin, path []any) model.Origin {
	if len(path) == 0 {
		return o
	}
	if path[0] == subjectField {
		i := strings.Index(o.Path, subjectField)
		if i < 0 {
			return o
		}
		o.Path = strings.TrimSuffix(o.Path[:i], ".")
	}
	return o.Field(path...)
}

// labelText says which labels differ, of those that rules ask for if there are
// some: "app was web and is wob".
func labelText(before, after map[string]string, asked func(key string) bool) string {
	keys := slices.Sorted(maps.Keys(before))
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var some, all []string
	for _, k := range keys {
		old, ok := before[k]
		now, still := after[k]
		name, uncertain := model.UncertainLabel(k)
		if old == now && ok == still {
			continue
		}
		var text string
		switch {
		case uncertain:
			text = "what is known of " + name + " differs"
		case old == model.OpaqueValue || now == model.OpaqueValue:
			text = k + " differs"
		case !ok:
			text = fmt.Sprintf("%s=%s is new", k, now)
		case !still:
			text = fmt.Sprintf("%s=%s is gone", k, old)
		default:
			text = fmt.Sprintf("%s was %s and is %s", k, old, now)
		}
		all = append(all, text)
		if asked(k) {
			some = append(some, text)
		}
	}
	if len(some) > 0 {
		return strings.Join(some, ", ")
	}
	return strings.Join(all, ", ")
}
