package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// Snapshot settles what depends on all objects together and returns the
// result; it completes the Ledger. It may be called again when more was put,
// applied or deleted: the Ledger is then about the last Snapshot, and earlier
// ones stay as they are. Namespaces and nodes are sorted by name, pods by
// namespace, workload and name; the rules of policies keep the order of the
// input. The cost is O(n log n) in the number of pods and linear in everything
// else.
func (s *State) Snapshot() *model.Snapshot {
	out := &model.Snapshot{}
	s.file()
	e := s.gather(out)
	ordered := s.orderAdmin()
	pods, running := s.livePods(out.Nodes, e)
	s.settleClashes(pods, running, out.Nodes)
	pods, labels := s.instances(pods, e)
	out.Pods = sorted(pods, comparePods)
	out.Nodes = sorted(out.Nodes, func(a, b *model.Node) int { return strings.Compare(a.Name, b.Name) })
	out.Namespaces = s.namespaceFacts()
	if ordered {
		s.reportTies(out.Namespaces)
	}
	s.domains(out, e)
	s.listSubjects(out)
	s.selectNodes(out)
	policies := s.inForce()
	labels.report(policies, s.ledger)
	unmanaged := labels.unmanaged(s.unmanaged())
	policies, maybe := s.setApart(out, unmanaged, policies)
	out.Rules = slices.Concat(unmanaged, s.options.Profile.exempt(), s.uncertain, maybe, labels.doubts(policies), policies)
	boundNames(out)
	s.facts = facts{}
	s.heard, s.noted, s.left = len(s.ledger.Diagnostics), len(s.ledger.Assumptions), maps.Clone(s.ledger.Left)
	return out
}

// file files the objects that count by kind and begins the ledger of a
// snapshot: their number, and what was reported of them so far.
func (s *State) file() {
	s.listen(nil)
	s.assumed = append(s.assumed, s.ledger.Assumptions[min(s.noted, len(s.ledger.Assumptions)):]...)
	s.facts = facts{
		workload: map[workloadKey]*workload{}, custom: map[workloadKey]*workload{}, kindNames: map[typeKey]string{}, references: map[string]model.Origin{},
	}
	l := s.ledger
	for code, n := range l.Left {
		s.unsaid[code] += n - s.left[code]
	}
	*l = dialect.Ledger{Assumptions: slices.Clone(s.assumed), Changes: slices.Clone(s.changes)}
	for code, n := range s.unsaid {
		l.Leave(code, n)
	}
	pods := 0
	for o := range s.objects.all() {
		if _, ok := o.Value.(*manifest.Pod); ok {
			pods++
		}
	}
	s.pods = make([]entry[*manifest.Pod], 0, pods) // most of what there is: it must not grow by copies
	i, loose := 0, s.loose
	for o := range s.objects.all() {
		for ; len(loose) > 0 && loose[0].before <= i; loose = loose[1:] {
			l.Report(loose[0].Diagnostic)
		}
		if i++; o.gone {
			if pod, ok := o.Value.(*manifest.Pod); ok && o.left {
				s.pods = append(s.pods, entryOf(pod, o, s.namespace(&o.Object)))
			}
			continue
		}
		first := len(l.Diagnostics)
		for _, d := range s.said[o] {
			l.Report(d)
		}
		if _, broken := o.Value.(*manifest.Broken); !broken {
			l.Objects++
		}
		if !o.duplicate {
			s.fileObject(o, first)
		}
	}
	for _, r := range loose {
		l.Report(r.Diagnostic)
	}
	s.reportDoubtful()
}

// fileObject files an object. What reading reported of it is in the ledger from
// first on.
func (s *State) fileObject(o *object, first int) {
	namespace := s.namespace(&o.Object)
	switch v := o.Value.(type) {
	case *manifest.Broken:
		switch {
		case v.Unread && v.Doubtful:
			s.doubtful = append(s.doubtful, doubtful{o.Kind, groupOf(o.APIVersion), o.Origin})
		case v.Unread:
			s.fileUnread(o.Object)
		default:
			s.fileBroken(o.Object, v)
		}
	case *manifest.Rejected:
		if r := s.rejectUnread(o, v); r.readable || holdsPolicy(&o.Object) {
			s.reject(*r, o, first)
		}
	case *manifest.Namespace:
		s.namespaces = append(s.namespaces, entryOf(v, o, namespace))
	case *manifest.Node:
		s.nodes = append(s.nodes, entryOf(v, o, namespace))
	case *manifest.ServiceCIDR:
		s.serviceCIDRs = append(s.serviceCIDRs, entryOf(v, o, namespace))
	case *manifest.Pod:
		s.ledger.Pods++
		s.refer(namespace, o.Origin)
		s.pods = append(s.pods, entryOf(v, o, namespace))
	case *manifest.Workload:
		s.ledger.Workloads++
		if v.Custom == nil || !v.Custom.Row.Link() {
			s.refer(namespace, o.Origin)
		}
		w := &workload{entry: entryOf(v, o, namespace), renewal: o.renewal}
		s.workloads = append(s.workloads, w)
		s.workload[workloadKey{v.Kind, namespace, o.Name}] = w
		if key := (workloadKey{strings.ToLower(o.Kind), namespace, o.Name}); v.Custom != nil && s.custom[key] == nil {
			s.custom[key] = w
		}
	case *policy:
		if namespace != "" {
			s.refer(namespace, o.Origin)
		}
		for _, d := range v.diagnostics {
			s.ledger.Report(d)
		}
		switch {
		case v.refused:
			s.reject(rejected{subject: v.subject, readable: v.readable}, o, first)
		case v.ignored:
			s.ledger.Ignore(o.Kind)
		case v.version != "":
			s.admin = append(s.admin, entryOf(v, o, namespace))
		default:
			s.ledger.Policies++
			s.policies = append(s.policies, v.rules...)
		}
	default:
		s.fileOther(o.Object, namespace)
	}
}

func entryOf[T any](v T, o *object, namespace string) entry[T] {
	return entry[T]{v, namespace, o.Name, o.Origin, o.planned, o.left}
}

// refer remembers that there is a namespace of this name (R25).
func (s *State) refer(namespace string, origin model.Origin) {
	if _, found := s.references[namespace]; !found {
		s.references[namespace] = origin
	}
}

// comparePods keeps namespaces contiguous, and workloads inside them.
func comparePods(a, b *model.Pod) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Workload.Kind, b.Workload.Kind),
		strings.Compare(a.Workload.Name, b.Workload.Name), strings.Compare(a.Name, b.Name))
}

// sorted puts the elements in order, where they are. They are large and may be
// most of the memory, so positions are sorted, and then each element is moved
// once.
func sorted[T any](in []T, compare func(a, b *T) int) []T {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(&in[i], &in[j]) })
	for start := range order { // along each cycle of the permutation
		first, to := in[start], start
		for from := order[to]; from != start; from = order[to] {
			in[to], order[to] = in[from], to
			to = from
		}
		in[to], order[to] = first, to
	}
	return in
}

// metadataName is the label that the API server keeps equal to the name of the
// namespace, whatever the manifest says (R24).
const metadataName = "kubernetes.io/metadata.name"

// namespaceFacts returns the namespaces of the input: those with an object, and
// those that some object is in (R25).
func (s *State) namespaceFacts() []model.Namespace {
	out := make([]model.Namespace, 0, len(s.namespaces)+len(s.references))
	known := make(map[string]bool, len(s.namespaces))
	for _, n := range s.namespaces {
		labels := n.value.Labels
		if labels[metadataName] != n.name {
			labels = maps.Clone(labels)
			if labels == nil {
				labels = map[string]string{}
			}
			labels[metadataName] = n.name
		}
		known[n.name] = true
		out = append(out, model.Namespace{Name: n.name, Labels: labels, Origin: n.origin})
	}
	for _, name := range slices.Sorted(maps.Keys(s.references)) {
		if known[name] {
			continue
		}
		ref := model.ObjectRef{Kind: "Namespace", Name: name}
		out = append(out, model.Namespace{Name: name, Labels: map[string]string{metadataName: name}, Synthesized: true})
		if s.unlabelled { // which was said
			continue
		}
		s.ledger.Report(dialect.Diagnostic{
			Code: dialect.CodeNoNamespace, Origin: s.references[name], Object: ref,
			Message: fmt.Sprintf("there is no %v; it is taken to have no labels but %s=%s", ref, metadataName, name),
		})
	}
	slices.SortFunc(out, func(a, b model.Namespace) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// exempt are the rules that Kubernetes itself implies. In Cilium what its own
// node may do comes after all that policies say, but isolation.
func (p Profile) exempt() []model.Rule {
	own := implied(model.Ingress, model.Rank{Tier: model.TierExempt, Priority: model.PriorityOwnNode}, model.OwnNode, "a node always reaches its own pods (R52)")
	if p == ProfileCilium {
		own.Rank, own.Note = model.Rank{Tier: model.TierDefault, Priority: model.PriorityAllow}, "a node reaches its own pods unless a rule denies it (R128)"
	}
	self := model.Rank{Tier: model.TierExempt, Priority: model.PrioritySelf}
	const note = "a pod always reaches itself (R50)"
	return []model.Rule{implied(model.Ingress, self, model.Self, note), implied(model.Egress, self, model.Self, note), own}
}

func implied(d model.Direction, rank model.Rank, r model.Relation, note string) model.Rule {
	return model.Rule{
		Rank:      rank,
		Direction: d,
		Peer:      model.Peer{Relation: r},
		Ports:     model.RulePorts{All: true, Other: model.OtherYes},
		Action:    model.Allow,
		Note:      note,
	}
}
