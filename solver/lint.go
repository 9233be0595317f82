package solver

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Finding is one thing about a policy that does not do what it seems to.
type Finding struct {
	Code     dialect.Code
	Severity dialect.Severity // of the code, or less where the snapshot may not hold what is missed
	Object   model.ObjectRef
	Origin   model.Origin // where to look
	About    string       // what of the object it is about: stable text without lines and counts, "" for the object
	Message  string       // one sentence; names the object
	Related  []Related    // other places that matter
}

// Related is another place that a Finding is about.
type Related struct {
	Object  model.ObjectRef
	Origin  model.Origin
	Message string // what is there
}

// Lint returns what policies say that they do not do, in the order of the
// policies and of codes. Each finding is proven for the snapshot: its pods,
// dormant ones included, are all that there are. Where what the snapshot does
// not say may make a difference, there is no finding. What each code takes for
// one is in its text (dialect.Code.Doc).
//
// That rules are of a direction which their policy does not list (PR4007) only
// the reader of manifests can see; it is in its dialect.Ledger.
//
// Cost: a compilation, if x was compiled without engine.Options.Updates (else
// the versions that it makes are of x's line, see engine.Index.Apply); and for each policy that is not idle a few evaluations
// of the programs that it is part of; see engine.Contrast.
func Lint(x *engine.Index) iter.Seq[Finding] {
	return func(yield func(Finding) bool) {
		l, err := newLinter(x)
		if err != nil {
			panic("solver: " + err.Error()) // x was made of this snapshot
		}
		for _, p := range l.policies {
			l.found = l.found[:0]
			l.selectors(p)
			l.ranges(p)
			l.portNames(p)
			l.reopened(p)
			l.idle(p)
			l.shadowed(p)
			slices.SortStableFunc(l.found, func(a, b Finding) int { return cmp.Compare(a.Code, b.Code) })
			for _, f := range l.found {
				if !yield(f) {
					return
				}
			}
		}
		l.found = l.found[:0]
		l.ties()
		l.withoutDNS()
		for _, f := range l.found {
			if !yield(f) {
				return
			}
		}
	}
}

// linter is what the kinds of findings share.
type linter struct {
	x         *engine.Index // compiled for changes
	s         *model.Snapshot
	contrast  *engine.Contrast
	policies  []*policy // sorted by kind and name
	byObject  map[model.ObjectRef]*policy
	isolators [model.NumDirections][][]*policy // the NetworkPolicies of each class
	classes   []podClass
	byNS      map[string][]int32      // the classes of each namespace
	hosts     map[string][]*model.Pod // pods of the host network
	pods      map[string][]*model.Pod // the others
	byLabel   map[classLabel][]int32  // the classes of each label of a namespace, in order
	selected  map[string][]int32
	doubted   map[int32]bool       // classes of which all is uncertain, in some direction
	twins     map[string][]*policy // by what they say
	words     map[string]*words
	found     []Finding
}

// policy is the rules of one object.
type policy struct {
	number  int // in their order
	says    string
	object  model.ObjectRef
	rules   []int // into Snapshot.Rules
	subject model.PodSet
	classes []int32 // that it selects
	unsure  bool    // a part of it is not known
	doubted bool    // of pods that it selects all is uncertain: whatever it says makes no difference
	idle    *idleness
}

// podClass is a class of pods with one that stands for it: rules cannot tell
// them apart, although their labels and workloads may be different.
type podClass struct {
	class     engine.Class
	id        engine.EndpointID
	pod       *model.Pod
	n         int // of pods, dormant ones left out
	all       int // of pods
	workloads []string
	servers   []*model.Pod // that are cluster DNS
}

// classLabel is a label of pods in a namespace.
type classLabel struct{ namespace, key, value string }

func newLinter(x *engine.Index) (*linter, error) {
	s := x.Snapshot()
	base, err := x.ForApply()
	if err != nil {
		return nil, err
	}
	l := &linter{
		x: base, s: s, contrast: base.Contrast(), byObject: map[model.ObjectRef]*policy{}, byNS: map[string][]int32{}, pods: map[string][]*model.Pod{}, hosts: map[string][]*model.Pod{},
		byLabel: map[classLabel][]int32{}, selected: map[string][]int32{}, words: map[string]*words{},
	}
	at := map[engine.Class]int32{}
	type classWorkload struct {
		class int32
		text  string
	}
	named := map[classWorkload]bool{}
	for i := range s.Pods {
		p := &s.Pods[i]
		switch {
		case p.Hole():
			continue
		case p.HostNetwork:
			l.hosts[p.Namespace] = append(l.hosts[p.Namespace], p)
			continue
		}
		l.pods[p.Namespace] = append(l.pods[p.Namespace], p)
		c := base.Class(engine.EndpointID(i))
		k, ok := at[c]
		if !ok {
			k = int32(len(l.classes))
			at[c] = k
			l.classes = append(l.classes, podClass{class: c, id: engine.EndpointID(i), pod: p})
			l.byNS[p.Namespace] = append(l.byNS[p.Namespace], k)
			for key, value := range p.Labels {
				at := classLabel{p.Namespace, key, value}
				l.byLabel[at] = append(l.byLabel[at], k)
			}
		}
		m := &l.classes[k]
		m.all++
		if !p.Dormant {
			m.n++
		}
		if w := workloadText(p); !named[classWorkload{k, w}] {
			named[classWorkload{k, w}] = true
			m.workloads = append(m.workloads, w)
		}
		if isDNS(p) {
			m.servers = append(m.servers, p)
		}
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Object == (model.ObjectRef{}) || r.Rank.Tier == model.TierExempt && r.Rank.Priority != model.PriorityNotModelled {
			continue
		}
		p := l.byObject[r.Object]
		if p == nil {
			p = &policy{object: r.Object, subject: r.Subject}
			l.byObject[r.Object] = p
			l.policies = append(l.policies, p)
		}
		p.rules = append(p.rules, i)
		p.unsure = p.unsure || r.Action == model.Uncertain || r.Action == model.MayAllow
	}
	l.doubted, l.twins = map[int32]bool{}, map[string][]*policy{}
	for i := range s.Rules {
		if r := &s.Rules[i]; r.Rank.Tier == model.TierExempt && r.Action == model.Uncertain && r.Peer.Any {
			for _, c := range l.selects(r.Subject) {
				l.doubted[c] = true
			}
		}
	}
	// What is not understood of a kind is no policy of ours to judge.
	l.policies = slices.DeleteFunc(l.policies, func(p *policy) bool {
		return !slices.ContainsFunc(p.rules, func(r int) bool { return s.Rules[r].Rank.Tier != model.TierExempt })
	})
	for _, p := range l.policies {
		for _, r := range p.rules {
			if s.Rules[r].Rank.Tier != model.TierExempt {
				p.subject = s.Rules[r].Subject
				break
			}
		}
		p.classes = l.selects(p.subject)
		p.doubted = slices.ContainsFunc(p.classes, func(c int32) bool { return l.doubted[c] })
	}
	slices.SortFunc(l.policies, func(a, b *policy) int {
		return cmp.Or(cmp.Compare(a.object.Kind, b.object.Kind), cmp.Compare(a.object.Namespace, b.object.Namespace), cmp.Compare(a.object.Name, b.object.Name))
	})
	for d := range l.isolators {
		l.isolators[d] = make([][]*policy, len(l.classes))
	}
	for n, p := range l.policies {
		p.number = n
		if !p.networkPolicy() {
			continue
		}
		p.says = l.says(p)
		l.twins[p.says] = append(l.twins[p.says], p)
		for d := range model.Direction(model.NumDirections) {
			if l.isolating(p, d) >= 0 {
				for _, c := range p.classes {
					l.isolators[d][c] = append(l.isolators[d][c], p)
				}
			}
		}
	}
	return l, nil
}

func (l *linter) report(f Finding) {
	if doc := f.Code.Doc(); f.Severity < doc.Severity {
		f.Severity = doc.Severity
	}
	l.found = append(l.found, f)
}

// selects returns the classes of a pod set.
func (l *linter) selects(s model.PodSet) []int32 {
	key := setKey(s)
	if out, ok := l.selected[key]; ok {
		return out
	}
	var out []int32
	for _, n := range l.namespaces(s) {
		for _, c := range l.candidates(n, s.Pods) {
			if s.Pods.Matches(l.classes[c].pod.Labels) {
				out = append(out, c)
			}
		}
	}
	l.selected[key] = out
	return out
}

// candidates are the classes of a namespace that a selector may match, in
// order: those of the rarest label that it asks for.
func (l *linter) candidates(namespace string, s model.Selector) []int32 {
	out := l.byNS[namespace]
	for _, r := range s {
		if r.Operator != model.In || len(r.Values) != 1 {
			continue
		}
		if with := l.byLabel[classLabel{namespace, r.Key, r.Values[0]}]; len(with) < len(out) {
			out = with
		}
	}
	return out
}

// namespaces are those that a pod set means, of which the snapshot knows.
func (l *linter) namespaces(s model.PodSet) []string {
	if s.Namespace != "" {
		return []string{s.Namespace}
	}
	var out []string
	for i := range l.s.Namespaces {
		if n := &l.s.Namespaces[i]; s.Namespaces.Matches(n.Labels) {
			out = append(out, n.Name)
		}
	}
	return out
}

func setKey(s model.PodSet) string {
	return s.Namespace + "\x00" + s.Namespaces.String() + "\x00" + s.Pods.String()
}

func (p *policy) networkPolicy() bool { return p.object.Kind == "NetworkPolicy" }

// origin is where a policy is: of its first rule, without the field.
func (l *linter) origin(p *policy) model.Origin {
	o := l.s.Rules[p.rules[0]].Origin
	if i := strings.Index(o.Path, "spec"); i >= 0 && (i == 0 || o.Path[i-1] == '.') {
		o.Path = strings.TrimSuffix(o.Path[:i], ".")
	}
	return o
}

// isolating returns the rule by which a policy isolates in a direction, or -1.
func (l *linter) isolating(p *policy, d model.Direction) int {
	for _, i := range p.rules {
		if r := &l.s.Rules[i]; r.Direction == d && r.Isolates() {
			return i
		}
	}
	return -1
}

// allows returns the rules by which a NetworkPolicy allows in a direction.
func (l *linter) allows(p *policy, d model.Direction) []int {
	var out []int
	for _, i := range p.rules {
		if r := &l.s.Rules[i]; r.Direction == d && r.Action == model.Allow && r.Rank.Tier == model.TierNetworkPolicy {
			out = append(out, i)
		}
	}
	return out
}

const maxNames = 4 // in a message

// names lists policies for people: "a", "a and b", "a, b and 3 more".
func names(list []string) string {
	if more := len(list) - maxNames; more > 1 {
		list = append(slices.Clone(list[:maxNames]), fmt.Sprintf("%d more", more))
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}

// podsText says which pods classes are: their workloads, and how many pods.
func (l *linter) podsText(classes []int32) string {
	n, dormant := 0, false
	var list []string
	seen := map[string]bool{}
	for _, c := range classes {
		k := &l.classes[c]
		n += k.n
		dormant = dormant || k.n == 0
		if len(classes) == 1 {
			list = k.workloads // of which there may be very many
			break
		}
		for _, name := range k.workloads {
			if !seen[name] {
				seen[name] = true
				list = append(list, name)
			}
		}
	}
	switch {
	case n == 0 && dormant:
		return names(list) + " (no pod now)"
	case n == 1:
		return names(list)
	}
	return fmt.Sprintf("%s (%d pods)", names(list), n)
}

// workloadText is the workload of a pod, or the pod where it has none.
func workloadText(p *model.Pod) string {
	if p.Workload.Name == "" {
		return p.Path()
	}
	return p.Namespace + "/" + p.Workload.Kind + "/" + p.Workload.Name
}

// peerPlace is where a member of a rule's list of peers is.
func peerPlace(r *model.Rule, i int) model.Origin {
	if r.Object.Kind != "NetworkPolicy" {
		return r.Origin
	}
	list := r.Origin.Field([...]string{model.Ingress: "from", model.Egress: "to"}[r.Direction])
	pods, mixed := len(r.Peer.Pods), len(r.Peer.Pods) > 0 && len(r.Peer.Blocks) > 0
	switch {
	case !mixed:
		return list.Field(i)
	case r.Peer.BlocksAt == 0:
		return list
	}
	block := i >= pods
	if block {
		i -= pods
	}
	for at := range 32 {
		if r.Peer.BlocksAt>>at&1 != 0 == block {
			if i == 0 {
				return list.Field(at)
			}
			i--
		}
	}
	return list
}

// ruleName is how a rule is called in a sentence: "ingress rule 2".
func ruleName(r *model.Rule) string {
	if r.Name != "" {
		return fmt.Sprintf("%v rule %q", r.Direction, r.Name)
	}
	n := 0
	if i := strings.LastIndexByte(r.Origin.Path, '['); i >= 0 {
		if _, err := fmt.Sscanf(r.Origin.Path[i:], "[%d]", &n); err == nil {
			return fmt.Sprintf("%v rule %d", r.Direction, n+1)
		}
	}
	return fmt.Sprintf("%v rule", r.Direction)
}
