package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// outsideIdentity are beginnings of keys of pod labels that Cilium leaves out of
// the identities to which its policies apply (R26). No key that it keeps begins
// so.
var outsideIdentity = []string{
	"kubernetes.io", "k8s.io", "topology.kubernetes.io", "io.kubernetes", "annotation", "etcd_node",
	"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
	"batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/controller-uid", "controller-uid",
	"pod-template-generation", "pod-template-hash", "controller-revision-hash",
}

func inIdentity(key string) bool {
	return !strings.Contains(key, "beta.kubernetes.io") &&
		!slices.ContainsFunc(outsideIdentity, func(s string) bool { return strings.HasPrefix(key, s) })
}

// outsideIdentities tells of each key that rules ask for and that no identity
// has, once for each policy.
func outsideIdentities(rules []model.Rule) []dialect.Diagnostic {
	var out []dialect.Diagnostic
	told := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		for q := range requirements(r) {
			if inIdentity(q.Key) || told[q.Key] {
				continue
			}
			told[q.Key] = true
			out = append(out, dialect.Diagnostic{
				Code: dialect.CodeOutsideIdentity, Origin: r.Origin, Object: r.Object,
				Message: fmt.Sprintf("%v selects by %s; Cilium leaves that label out of the identities of pods, so that for the policy no pod has it (R26)", r.Object, q.Key),
			})
		}
	}
	return out
}

// onIdentity is what a selector of pods asks of the labels that Cilium sees. It
// is false when no pod can meet it.
func onIdentity(s model.Selector) (model.Selector, bool) {
	var out model.Selector
	for _, r := range s {
		switch {
		case inIdentity(r.Key):
			out = append(out, r)
		case r.Operator == model.In, r.Operator == model.Exists:
			return nil, false
		}
	}
	return out, true
}

// onIdentities does so for rules, and leaves those out that match nothing then.
func onIdentities(rules []model.Rule) []model.Rule {
	var out []model.Rule
	for _, r := range rules {
		var ok bool
		if r.Subject.Pods, ok = onIdentity(r.Subject.Pods); !ok {
			continue
		}
		if len(r.Peer.Pods) > 0 {
			var pods []model.PodSet
			for _, p := range r.Peer.Pods {
				if p.Pods, ok = onIdentity(p.Pods); ok {
					pods = append(pods, p)
				}
			}
			if r.Peer.Pods = pods; len(pods) == 0 && len(r.Peer.Blocks)+len(r.Peer.Nodes) == 0 && !r.Peer.Any && !r.Peer.NoPods && !r.Peer.UnknownHosts {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}
