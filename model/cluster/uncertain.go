package cluster

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// fileOther files an object of a kind that is not lowered.
func (s *State) fileOther(o manifest.Object, namespace string) {
	if s.inert[typeMeta{o.APIVersion, o.Kind}] {
		s.ledger.Ignore(o.Kind)
		s.reportUnlisted(o)
		return
	}
	k := lookupKind(o.APIVersion, o.Kind)
	who := groupOf(o.APIVersion)
	switch {
	case k != nil:
		if k.group == "networking.k8s.io" || k.group == "policy.networking.k8s.io" { // the version is what is wrong
			who = o.APIVersion
		}
	case resembles(o.APIVersion, o.Kind):
		// Whether the kind has a namespace is not known, so without one it is
		// taken to select in all.
		k, who = &policyKind{kind: o.Kind, cluster: o.Namespace == "", effect: notModelled}, o.APIVersion
	default:
		s.ledger.Ignore(o.Kind)
		s.reportUnlisted(o)
		if meant := meantObject(o.APIVersion, o.Kind); meant != "" {
			s.ledger.Report(dialect.Diagnostic{
				Code: dialect.CodeMistypedKind, Origin: o.Origin, Object: o.Ref(),
				Message: fmt.Sprintf("clusters have no %s of %s; %v is passed over; did you mean %s?", o.Kind, o.APIVersion, o.Ref(), meant),
			})
			return
		}
		s.inert[typeMeta{o.APIVersion, o.Kind}] = true
		return
	}
	ref := model.ObjectRef{Kind: o.Kind, Namespace: namespace, Name: o.Name}
	if k.cluster {
		ref.Namespace = ""
	}
	name := strings.TrimSpace(ref.String()) // there may be no name
	report := func(code dialect.Code, format string, args ...any) {
		s.ledger.Report(dialect.Diagnostic{Code: code, Origin: o.Origin, Object: ref, Message: fmt.Sprintf(format, args...)})
	}
	switch k.effect {
	case staged:
		s.ledger.Ignore(o.Kind)
	case hosts:
		s.ledger.Ignore(o.Kind)
		report(dialect.CodeMeshPolicy, "%s (%s) makes a node the subject of policies, which is not modelled; nodes are answered as if it were not there", name, who)
	case mesh:
		s.ledger.Ignore(o.Kind)
		report(dialect.CodeMeshPolicy, "%s (%s) is a mesh or L7 policy; it has no part in the answer", name, who)
	case secondary:
		s.ledger.Ignore(o.Kind)
		report(dialect.CodeMeshPolicy, "%s governs secondary networks only; it has no part in the answer", name)
	default:
		directions, what := bothDirections, ""
		if k.effect == egressOnly {
			directions, what = bothDirections[1:], " at egress"
		}
		if k.nodes() {
			what += "; nodes that it selects are answered as if it were not there"
		}
		if version := versionOf(o.APIVersion, o.Kind); version != "" && !o.Live && o.Stored == nil {
			report(dialect.CodeNotModelled, "%s: there is no %s in %s; did you mean %s? The API server refuses it (no matches for kind), unless the cluster has a definition that podreach does not know; %s",
				name, o.Kind, o.APIVersion, version, scope(ref.Namespace))
			s.doubt(ref.Namespace, directions, ref, o.Origin, fmt.Sprintf("%s: %s has no such kind, %s has (R120)", name, o.APIVersion, version))
			break
		}
		what += meantPolicy(o.APIVersion, o.Kind)
		report(dialect.CodeNotModelled, "%s (%s) is not modelled; %s%s", name, who, scope(ref.Namespace), what)
		s.doubt(ref.Namespace, directions, ref, o.Origin, fmt.Sprintf("%s (%s) is not modelled (R120)", name, who))
		if ref.Namespace != "" {
			s.refer(ref.Namespace, o.Origin)
		}
	}
}

// fileBroken files a document that cannot be parsed. Where it may hold a policy
// nobody knows what that would have said (R115).
func (s *State) fileBroken(o manifest.Object, b *manifest.Broken) {
	k := worst(b.Kind)
	if b.Kind == "Namespace" { // its labels decide what namespace selectors of any policy match
		b = &manifest.Broken{Kind: b.Kind, Policy: true}
	}
	if !b.Policy || k != nil && k.effect > egressOnly {
		s.ledger.Assume(fmt.Sprintf("a document of %s (%s) cannot be read and has no part in the answer", o.Origin.File, b.Kind))
		return
	}
	namespace := b.Namespace
	if k != nil && k.cluster {
		namespace = ""
	}
	what := "this document may hold a policy and"
	if b.Kind != "" {
		what = "this " + b.Kind
	}
	s.ledger.Report(dialect.Diagnostic{
		Code: dialect.CodeBrokenDocument, Origin: o.Origin,
		Message: fmt.Sprintf("%s cannot be read; %s", what, scope(namespace)),
	})
	s.doubt(namespace, bothDirections, model.ObjectRef{}, o.Origin, what+" cannot be read (R115)")
}

var bothDirections = []model.Direction{model.Ingress, model.Egress}

func scope(namespace string) string {
	if namespace == "" {
		return "all pods are uncertain"
	}
	return "the pods of namespace " + namespace + " are uncertain"
}

// doubt makes the pods of a namespace, or of the cluster, uncertain.
func (s *State) doubt(namespace string, directions []model.Direction, ref model.ObjectRef, origin model.Origin, note string) {
	s.doubtSubject(model.PodSet{Namespace: namespace}, directions, ref, origin, note)
}

func (s *State) doubtSubject(subject model.PodSet, directions []model.Direction, ref model.ObjectRef, origin model.Origin, note string) {
	for _, d := range directions {
		s.uncertain = append(s.uncertain, model.Rule{
			Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityNotModelled},
			Direction: d,
			Subject:   subject,
			Peer:      model.Peer{Any: true},
			Ports:     model.RulePorts{All: true, Other: model.OtherUnspecified},
			Action:    model.Uncertain,
			Object:    ref,
			Origin:    origin,
			Note:      note,
		})
	}
}
