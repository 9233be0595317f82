package cluster

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/admin"
	"github.com/podreach/podreach/model/dialect/netpol"
	"github.com/podreach/podreach/model/manifest"
)

// rejected is a policy that the API server would refuse. It is answered
// as absent, which may widen or narrow the answer for the pods that it would
// have selected, so they are listed (R115).
type rejected struct {
	subject    model.PodSet
	readable   bool // subject can be told
	diagnostic int  // the index of its first error in Ledger.Diagnostics
}

// rejectUnread files a policy that the reader refused and reported.
func (s *State) rejectUnread(o *object, r *manifest.Rejected) *rejected {
	out := &rejected{}
	if r.Subjects != nil {
		np := networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{PodSelector: *r.Subjects}}
		np.Namespace = s.namespace(&o.Object)
		out.subject, out.readable = netpol.Subject(&np)
	} else if r.Subject != nil {
		out.subject, out.readable = admin.Subject(r.Subject)
	}
	return out
}

// holdsPolicy reports whether an object that the reader refused is a policy that
// would be lowered.
func holdsPolicy(o *manifest.Object) bool {
	switch groupOf(o.APIVersion) {
	case "networking.k8s.io":
		return o.Kind == "NetworkPolicy"
	case "policy.networking.k8s.io":
		return admin.Version(o.Kind) != ""
	}
	return false
}

// reject files a policy whose diagnostics are the last ones of the ledger, from
// first on. One that a live cluster has is in force all the same: there it is
// podreach that does not know what it says.
func (s *State) reject(r rejected, o *object, first int) {
	r.diagnostic = slices.IndexFunc(s.ledger.Diagnostics[first:], func(d dialect.Diagnostic) bool { return d.Severity() == dialect.Error })
	if r.diagnostic >= 0 {
		r.diagnostic += first
	}
	switch {
	case o.Live:
		if !r.readable {
			r.subject = model.PodSet{Namespace: s.namespace(&o.Object)}
		}
		s.doubtSubject(r.subject, bothDirections, model.ObjectRef{}, o.Origin, s.ref(o).String()+" is in force but cannot be understood (R115)")
		if r.diagnostic >= 0 {
			s.ledger.Diagnostics[r.diagnostic].Message += " (the cluster has accepted it; " + r.subject.String() + " is uncertain)"
		}
	case r.diagnostic >= 0:
		s.rejected = append(s.rejected, r)
	}
}

// listSubjects completes the diagnostics of rejected policies with the workloads
// whose pods they would have selected.
func (s *State) listSubjects(out *model.Snapshot) {
	if len(s.rejected) == 0 {
		return
	}
	pods := out.Pods
	for _, r := range s.rejected {
		d := &s.ledger.Diagnostics[r.diagnostic]
		if !r.readable {
			d.Message += " (the policy is left out; which pods it would have selected cannot be told)"
			continue
		}
		var workloads []string // pods are sorted by namespace and workload
		for _, n := range out.Namespaces {
			if r.subject.Namespace != "" && n.Name != r.subject.Namespace || !r.subject.Namespaces.Matches(n.Labels) {
				continue
			}
			first := sort.Search(len(pods), func(i int) bool { return pods[i].Namespace >= n.Name })
			for i := first; i < len(pods) && pods[i].Namespace == n.Name; i++ {
				p := &pods[i]
				if p.HostNetwork || !r.subject.Pods.Matches(p.Labels) {
					continue
				}
				path := p.Namespace + "/" + p.Workload.Kind + "/" + p.Workload.Name
				if len(workloads) == 0 || workloads[len(workloads)-1] != path {
					workloads = append(workloads, path)
				}
			}
		}
		d.Message += " (the policy is left out; it would have selected " + shorten(workloads) + ")"
	}
}

// shorten names the first few of a list.
func shorten(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "no pod"
	case n > shownSubjects:
		return fmt.Sprintf("pods of %d workloads: %s", n, listed(names))
	}
	return listed(names)
}

func listed(names []string) string {
	if len(names) > shownSubjects {
		return strings.Join(names[:shownSubjects], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

// shownSubjects is how many names a message lists.
const shownSubjects = 3
