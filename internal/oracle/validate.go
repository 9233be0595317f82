package oracle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validatePolicy returns why the API server would reject the policy, or nil:
// the table of R116, row by row.
func validatePolicy(np *networkingv1.NetworkPolicy, namespace string) error {
	meta := np.ObjectMeta
	meta.Namespace = namespace
	if errs := apivalidation.ValidateObjectMeta(&meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata")); len(errs) > 0 {
		return errs.ToAggregate()
	}
	if err := validateSelector(&np.Spec.PodSelector); err != nil {
		return fmt.Errorf("spec.podSelector: %w", err)
	}
	for i, r := range np.Spec.Ingress {
		if err := validateRule(r.From, r.Ports); err != nil {
			return fmt.Errorf("spec.ingress[%d]: %w", i, err)
		}
	}
	for i, r := range np.Spec.Egress {
		if err := validateRule(r.To, r.Ports); err != nil {
			return fmt.Errorf("spec.egress[%d]: %w", i, err)
		}
	}
	if len(np.Spec.PolicyTypes) > 2 { // R16
		return errors.New("spec.policyTypes: more than two")
	}
	for _, t := range np.Spec.PolicyTypes {
		if t != networkingv1.PolicyTypeIngress && t != networkingv1.PolicyTypeEgress {
			return fmt.Errorf("spec.policyTypes: %q", t)
		}
	}
	return nil
}

func validateRule(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) error {
	for i, p := range peers {
		if err := validatePeer(p); err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
	}
	for i, p := range ports {
		if err := validatePort(p); err != nil {
			return fmt.Errorf("port %d: %w", i, err)
		}
	}
	return nil
}

func validatePeer(p networkingv1.NetworkPolicyPeer) error {
	if p.PodSelector == nil && p.NamespaceSelector == nil && p.IPBlock == nil { // R23
		return errors.New("no field is set")
	}
	if p.IPBlock != nil && (p.PodSelector != nil || p.NamespaceSelector != nil) { // R22
		return errors.New("ipBlock together with a selector")
	}
	if p.IPBlock != nil {
		return validateBlock(p.IPBlock)
	}
	return errors.Join(validateSelector(p.PodSelector), validateSelector(p.NamespaceSelector))
}

// validateBlock: each except is a strict subset of the cidr (R42). As the API
// server does, that is: its first address is inside, and its prefix is longer,
// both as written. That the two are not the same question for IPv4-mapped
// blocks (R43) is upstream's.
func validateBlock(b *networkingv1.IPBlock) error {
	cidr, ok := parseCIDR(b.CIDR)
	if !ok {
		return fmt.Errorf("cidr %q", b.CIDR)
	}
	for _, s := range b.Except {
		except, ok := parseCIDR(s)
		if !ok {
			return fmt.Errorf("except %q", s)
		}
		if !cidr.Contains(except.Addr()) || writtenBits(s) <= writtenBits(b.CIDR) {
			return fmt.Errorf("except %q is no strict subset of %q", s, b.CIDR)
		}
	}
	return nil
}

// writtenBits is the number after the slash.
func writtenBits(cidr string) int {
	_, length, _ := strings.Cut(cidr, "/")
	bits, _ := strconv.Atoi(length)
	return bits
}

func validatePort(p networkingv1.NetworkPolicyPort) error {
	if p.Protocol != nil { // R29
		switch *p.Protocol {
		case "TCP", "UDP", "SCTP":
		default:
			return fmt.Errorf("protocol %q", *p.Protocol)
		}
	}
	switch {
	case p.Port == nil:
		if p.EndPort != nil { // R32
			return errors.New("endPort without port")
		}
	case p.Port.Type == intstr.String: // R38
		if msgs := validation.IsValidPortName(p.Port.StrVal); len(msgs) > 0 {
			return fmt.Errorf("port name %q: %v", p.Port.StrVal, msgs)
		}
		if p.EndPort != nil {
			return errors.New("endPort with a port name")
		}
	default:
		if p.Port.IntVal < 1 || p.Port.IntVal > 65535 { // R31
			return fmt.Errorf("port %d", p.Port.IntVal)
		}
		if p.EndPort != nil && (*p.EndPort < p.Port.IntVal || *p.EndPort > 65535) {
			return fmt.Errorf("endPort %d", *p.EndPort)
		}
	}
	return nil
}

// validateSelector is R21; a selector that is not set is valid.
func validateSelector(s *metav1.LabelSelector) error {
	return metavalidation.ValidateLabelSelector(s, metavalidation.LabelSelectorValidationOptions{}, field.NewPath("selector")).ToAggregate()
}
