package cluster

import (
	"fmt"
	"sort"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/netpol"
	"github.com/podreach/podreach/model/manifest"
)

// rejected is a NetworkPolicy that the API server would refuse. It is answered
// as absent, which may widen or narrow the answer for the pods that it would
// have selected, so they are listed (R115).
type rejected struct {
	subject    model.PodSet
	readable   bool // subject can be told
	diagnostic int  // the index of its first error in Ledger.Diagnostics, or -1
}

// rejectInvalid files a policy that did not pass validation; its diagnostics
// are the last ones in the ledger.
func (s *State) rejectInvalid(np *networkingv1.NetworkPolicy, o manifest.Object) {
	subject, ok := netpol.Subject(np)
	s.reject(rejected{subject, ok, s.firstError(o.Origin)}, np.Namespace, o)
}

// rejectUnread files a policy that the reader refused and reported.
func (s *State) rejectUnread(o manifest.Object, r *manifest.Rejected) {
	namespace := o.Namespace
	if namespace == "" {
		namespace = s.options.DefaultNamespace
	}
	out := rejected{diagnostic: s.firstError(o.Origin)}
	if r.Subjects != nil {
		np := networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{PodSelector: *r.Subjects}}
		np.Namespace = namespace
		out.subject, out.readable = netpol.Subject(&np)
	}
	s.reject(out, namespace, o)
}

// reject files a policy that is refused. One that a live cluster has is in
// force all the same: there it is podreach that does not know what it says.
func (s *State) reject(r rejected, namespace string, o manifest.Object) {
	if !o.Live {
		s.rejected = append(s.rejected, r)
		return
	}
	if !r.readable {
		r.subject = model.PodSet{Namespace: namespace}
	}
	ref := model.ObjectRef{Kind: o.Kind, Namespace: namespace, Name: o.Name}
	s.doubtSubject(r.subject, bothDirections, model.ObjectRef{}, o.Origin, ref.String()+" is in force but cannot be understood (R115)")
	if r.diagnostic >= 0 {
		s.ledger.Diagnostics[r.diagnostic].Message += " (the cluster has accepted it; " + r.subject.String() + " is uncertain)"
	}
}

// firstError finds the first error about the object at origin among the last
// diagnostics.
func (s *State) firstError(origin model.Origin) int {
	found := -1
	for i := len(s.ledger.Diagnostics) - 1; i >= 0; i-- {
		d := &s.ledger.Diagnostics[i]
		if d.Origin.File != origin.File || d.Origin.Document != origin.Document || !strings.HasPrefix(d.Origin.Path, origin.Path) {
			break
		}
		if d.Severity() == dialect.Error {
			found = i
		}
	}
	return found
}

// listSubjects completes the diagnostics of rejected policies with the workloads
// whose pods they would have selected.
func (s *State) listSubjects(pods []model.Pod) {
	for _, r := range s.rejected {
		if r.diagnostic < 0 {
			continue
		}
		d := &s.ledger.Diagnostics[r.diagnostic]
		if !r.readable {
			d.Message += " (the policy is left out; which pods it would have selected cannot be told)"
			continue
		}
		var workloads []string // pods are sorted by namespace and workload
		first := sort.Search(len(pods), func(i int) bool { return pods[i].Namespace >= r.subject.Namespace })
		for i := first; i < len(pods) && pods[i].Namespace == r.subject.Namespace; i++ {
			p := &pods[i]
			if p.HostNetwork || !r.subject.Pods.Matches(p.Labels) {
				continue
			}
			path := p.Namespace + "/" + p.Workload.Kind + "/" + p.Workload.Name
			if len(workloads) == 0 || workloads[len(workloads)-1] != path {
				workloads = append(workloads, path)
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
