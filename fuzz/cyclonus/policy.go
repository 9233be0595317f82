package cyclonus

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	utilnet "k8s.io/utils/net"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model/dialect"
)

// accepted returns the policies of a cluster that podreach has not rejected,
// with what the API server fills in. Of one name the first counts (R7).
func accepted(c *gen.Cluster, l *dialect.Ledger) ([]*networkingv1.NetworkPolicy, error) {
	type name struct{ namespace, name string }
	gone := map[name]bool{}
	for _, d := range l.Diagnostics {
		if d.Severity() == dialect.Error && d.Object.Kind == "NetworkPolicy" && d.Code != dialect.CodeDuplicateObject {
			gone[name{d.Object.Namespace, d.Object.Name}] = true
		}
	}
	var out []*networkingv1.NetworkPolicy
	for i := range c.Policies {
		np := c.Policies[i].DeepCopy()
		np.Namespace = space(c, np.Namespace)
		id := name{np.Namespace, np.Name}
		if gone[id] {
			continue
		}
		gone[id] = true
		if err := complete(&np.Spec); err != nil {
			return nil, fmt.Errorf("%s/%s, which podreach accepts: %w", np.Namespace, np.Name, err)
		}
		out = append(out, np)
	}
	return out, nil
}

// complete does what the API server does, and writes blocks as net.ParseCIDR
// wants them.
func complete(s *networkingv1.NetworkPolicySpec) error {
	if len(s.PolicyTypes) == 0 { // R15
		s.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(s.Egress) > 0 {
			s.PolicyTypes = append(s.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	for _, r := range s.Ingress {
		if err := completeRule(r.Ports, r.From); err != nil {
			return err
		}
	}
	for _, r := range s.Egress {
		if err := completeRule(r.Ports, r.To); err != nil {
			return err
		}
	}
	return nil
}

func completeRule(ports []networkingv1.NetworkPolicyPort, peers []networkingv1.NetworkPolicyPeer) error {
	for i := range ports {
		if ports[i].Protocol == nil { // R29
			tcp := corev1.ProtocolTCP
			ports[i].Protocol = &tcp
		}
	}
	for _, p := range peers {
		if p.IPBlock == nil {
			continue
		}
		if err := canonical(&p.IPBlock.CIDR); err != nil {
			return err
		}
		for i := range p.IPBlock.Except {
			if err := canonical(&p.IPBlock.Except[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// canonical reads a CIDR as Kubernetes does (R43).
func canonical(cidr *string) error {
	_, n, err := utilnet.ParseCIDRSloppy(*cidr)
	if err == nil {
		*cidr = n.String()
	}
	return err
}
