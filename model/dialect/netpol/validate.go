package netpol

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/meta"
)

// validator collects what the API server would say of one policy (R116). The
// checks are those of upstream's ValidateNetworkPolicy, in its order.
type validator struct {
	object      model.ObjectRef
	diagnostics []dialect.Diagnostic
	rejected    bool // some diagnostic is an error
}

func validate(np *networkingv1.NetworkPolicy, origin model.Origin) *validator {
	v := &validator{object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: np.Namespace, Name: np.Name}}
	meta.Validate(&np.ObjectMeta, true, func(code dialect.Code, path, message string) { v.report(code, origin.Field(path), "%s", message) })
	spec := origin.Field("spec")
	v.selector(&np.Spec.PodSelector, spec.Field("podSelector"))
	for i := range np.Spec.Ingress {
		r, at := &np.Spec.Ingress[i], spec.Field("ingress", i)
		v.ports(r.Ports, at)
		v.peers(r.From, at.Field("from"))
	}
	for i := range np.Spec.Egress {
		r, at := &np.Spec.Egress[i], spec.Field("egress", i)
		v.ports(r.Ports, at)
		v.peers(r.To, at.Field("to"))
	}
	v.policyTypes(np.Spec.PolicyTypes, spec.Field("policyTypes"))
	return v
}

func (v *validator) report(code dialect.Code, at model.Origin, format string, args ...any) {
	message := v.object.String() + ": " + meta.WithoutRegex(fmt.Sprintf(format, args...))
	d := dialect.Diagnostic{Code: code, Origin: at, Object: v.object, Message: message}
	v.diagnostics = append(v.diagnostics, d)
	v.rejected = v.rejected || d.Severity() == dialect.Error
}

// selector checks a label selector (R21).
func (v *validator) selector(s *metav1.LabelSelector, at model.Origin) {
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		v.labelKey(key, at.Field("matchLabels"))
		v.labelValue(key, s.MatchLabels[key], at.Field("matchLabels"))
	}
	for i := range s.MatchExpressions {
		e, at := &s.MatchExpressions[i], at.Field("matchExpressions", i)
		switch e.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn:
			if len(e.Values) == 0 {
				v.report(dialect.CodeSelectorOp, at.Field("values"), "operator %s of key %q needs at least one value; to match whatever the value is, use %s",
					e.Operator, e.Key, map[metav1.LabelSelectorOperator]string{metav1.LabelSelectorOpIn: "Exists", metav1.LabelSelectorOpNotIn: "DoesNotExist"}[e.Operator])
			}
		case metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist:
			if len(e.Values) > 0 {
				v.report(dialect.CodeSelectorOp, at.Field("values"), "operator %s of key %q takes no values; to match values, use %s",
					e.Operator, e.Key, map[metav1.LabelSelectorOperator]string{metav1.LabelSelectorOpExists: "In", metav1.LabelSelectorOpDoesNotExist: "NotIn"}[e.Operator])
			}
		default:
			v.report(dialect.CodeSelectorOp, at.Field("operator"), "%q is not a selector operator; %s", e.Operator, meant(string(e.Operator), operatorNames, operatorAliases))
		}
		v.labelKey(e.Key, at.Field("key"))
		for j, value := range e.Values {
			v.labelValue(e.Key, value, at.Field("values", j))
		}
	}
}

func (v *validator) labelKey(key string, at model.Origin) {
	for _, msg := range validation.IsQualifiedName(key) {
		v.report(dialect.CodeSelectorLabel, at, "%q is not a valid label key: %s", key, msg)
	}
}

func (v *validator) labelValue(key, value string, at model.Origin) {
	for _, msg := range validation.IsValidLabelValue(value) {
		v.report(dialect.CodeSelectorLabel, at, "%q is not a valid value of label %q: %s", value, key, msg)
	}
}

// ports checks the port entries of the rule at at (R29, R31 to R33, R38).
func (v *validator) ports(entries []networkingv1.NetworkPolicyPort, rule model.Origin) {
	for i := range entries {
		e, at := &entries[i], rule.Field("ports", i)
		if e.Protocol != nil {
			if _, ok := model.ParseProtocol(string(*e.Protocol)); !ok {
				v.report(dialect.CodeProtocol, at.Field("protocol"), "%q is not a protocol of NetworkPolicy; %s", *e.Protocol, meant(string(*e.Protocol), protocolNames, nil))
			}
		}
		switch {
		case e.Port == nil:
			if e.EndPort != nil {
				v.report(dialect.CodeEndPort, at.Field("endPort"), "endPort %d needs a port where the range begins, such as port: 1", *e.EndPort)
			}
		case e.Port.Type == intstr.String:
			if e.EndPort != nil {
				v.report(dialect.CodeEndPort, at.Field("endPort"), "endPort %d needs a numeric port, not the name %q", *e.EndPort, e.Port.StrVal)
			}
			v.portName(e.Port.StrVal, at.Field("port"))
		default:
			if !validPort(e.Port.IntVal) {
				v.report(dialect.CodePortRange, at.Field("port"), "port %d is out of range; valid are 1 to 65535", e.Port.IntVal)
			}
			if e.EndPort == nil {
				break
			}
			if *e.EndPort < e.Port.IntVal {
				v.report(dialect.CodeEndPort, at.Field("endPort"), "endPort %d is below port %d; it must be %d to 65535", *e.EndPort, e.Port.IntVal, max(e.Port.IntVal, 1))
			}
			if !validPort(*e.EndPort) {
				v.report(dialect.CodeEndPort, at.Field("endPort"), "endPort %d is out of range; valid are 1 to 65535", *e.EndPort)
			}
		}
	}
}

func validPort(p int32) bool { return p >= 1 && p <= model.MaxPort }

func (v *validator) portName(name string, at model.Origin) {
	msgs := validation.IsValidPortName(name)
	if len(msgs) == 0 {
		return
	}
	hint := ""
	if n, err := strconv.ParseInt(name, 10, 32); err == nil && validPort(int32(n)) {
		hint = fmt.Sprintf("; did you mean the number %d, without quotes?", n)
	} else if n := strings.Trim(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "-"); len(validation.IsValidPortName(n)) == 0 {
		hint = fmt.Sprintf("; did you mean %q?", n)
	}
	v.report(dialect.CodePortName, at, "%q is not a valid port name: it %s%s", name, strings.Join(msgs, ", it "), hint)
}

// peers checks the elements of a from or to list (R22, R23).
func (v *validator) peers(peers []networkingv1.NetworkPolicyPeer, list model.Origin) {
	for i := range peers {
		p, at := &peers[i], list.Field(i)
		if p.PodSelector != nil {
			v.selector(p.PodSelector, at.Field("podSelector"))
		}
		if p.NamespaceSelector != nil {
			v.selector(p.NamespaceSelector, at.Field("namespaceSelector"))
		}
		if p.IPBlock != nil {
			v.block(p.IPBlock, at.Field("ipBlock"))
		}
		selects := p.PodSelector != nil || p.NamespaceSelector != nil
		switch {
		case !selects && p.IPBlock == nil:
			v.report(dialect.CodeEmptyPeer, at, "a peer needs podSelector, namespaceSelector or ipBlock; every pod is {namespaceSelector: {}}, everybody is a rule without from or to")
		case selects && p.IPBlock != nil:
			v.report(dialect.CodeMixedPeer, at, "ipBlock cannot stand beside a selector in one peer; make them two peers of the list")
		}
	}
}

// block checks an ipBlock (R42, R43). The subset check is upstream's to the
// letter: it compares the prefix lengths as written, which matters for
// IPv4-mapped IPv6 only.
func (v *validator) block(b *networkingv1.IPBlock, at model.Origin) {
	if b.CIDR == "" {
		v.report(dialect.CodeCIDR, at.Field("cidr"), "ipBlock needs a cidr, such as 10.0.0.0/8")
		return
	}
	_, cidr, ok := parseCIDR(b.CIDR)
	v.cidr(b.CIDR, at.Field("cidr"))
	if !ok {
		return
	}
	size, _ := cidr.Mask.Size()
	for i, s := range b.Except {
		at := at.Field("except", i)
		v.cidr(s, at)
		_, except, ok := parseCIDR(s)
		if !ok {
			continue
		}
		exceptSize, _ := except.Mask.Size()
		switch {
		case (except.IP.To4() == nil) != (cidr.IP.To4() == nil):
			v.report(dialect.CodeExcept, at, "except %q is of another address family than cidr %q", s, b.CIDR)
		case !cidr.Contains(except.IP):
			v.report(dialect.CodeExcept, at, "except %q is not inside cidr %q", s, b.CIDR)
		case size >= exceptSize:
			v.report(dialect.CodeExcept, at, "except %q is not smaller than cidr %q; its prefix must be longer than /%d", s, b.CIDR, size)
		}
	}
}

// cidr reports a CIDR that cannot be read, and notes one in a form that new
// objects may no longer have. A snapshot cannot tell a new object from a
// stored one, so those are accepted.
func (v *validator) cidr(s string, at model.Origin) {
	prefix, _, ok := parseCIDR(s)
	if !ok {
		v.report(dialect.CodeCIDR, at, "%q is not a CIDR; %s", s, cidrHint(s))
		return
	}
	strict, err := netip.ParsePrefix(s)
	why := ""
	switch {
	case err != nil:
		why = "leading zeros"
	case strict.Addr().Is4In6():
		why = "IPv4-mapped IPv6"
	case strict != strict.Masked():
		why = "bits set beyond the prefix"
	default:
		return
	}
	v.report(dialect.CodeSloppyCIDR, at, "%q (%s) is read as %v; the API server refuses this form in new objects", s, why, prefix)
}

func cidrHint(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return fmt.Sprintf("did you mean %v?", netip.PrefixFrom(a.WithZone(""), a.BitLen()))
	}
	if host, _, found := strings.Cut(s, "/"); found {
		if a, err := netip.ParseAddr(host); err == nil {
			return fmt.Sprintf("the prefix length of %v must be 0 to %d", a, a.BitLen())
		}
	}
	return "valid are forms such as 10.0.0.0/8 and fd00::/8"
}

func (v *validator) policyTypes(types []networkingv1.PolicyType, at model.Origin) {
	if len(types) > len(policyTypeNames) {
		v.report(dialect.CodePolicyTypes, at, "%d policyTypes are given; at most two, Ingress and Egress, are valid", len(types))
		return
	}
	for i, t := range types {
		if !slices.Contains(policyTypeNames, string(t)) {
			v.report(dialect.CodePolicyTypes, at.Field(i), "%q is not a policy type; %s", t, meant(string(t), policyTypeNames, nil))
		}
	}
}

// inert warns of rules of a direction that policyTypes does not list (R14).
func (v *validator) inert(spec *networkingv1.NetworkPolicySpec, ingress, egress bool, origin model.Origin) {
	warn := func(field string, listed string, rules int, missing networkingv1.PolicyType) {
		v.report(dialect.CodeLintDirection, origin.Field("spec", field), "%s of %s %s no part, because policyTypes lists only %s; add %s to it, or take the rules out",
			map[bool]string{true: "the rule", false: "the rules"}[rules == 1], field, map[bool]string{true: "has", false: "have"}[rules == 1], listed, missing)
	}
	if n := len(spec.Ingress); n > 0 && !ingress {
		warn("ingress", "Egress", n, networkingv1.PolicyTypeIngress)
	}
	if n := len(spec.Egress); n > 0 && !egress {
		warn("egress", "Ingress", n, networkingv1.PolicyTypeEgress)
	}
}

var (
	policyTypeNames = []string{string(networkingv1.PolicyTypeIngress), string(networkingv1.PolicyTypeEgress)}
	operatorNames   = []string{"In", "NotIn", "Exists", "DoesNotExist"}
	operatorAliases = map[string]string{"=": "In", "==": "In", "!=": "NotIn", "Equals": "In", "NotEquals": "NotIn", "NotExist": "DoesNotExist", "NotExists": "DoesNotExist"}
)

// meant names the valid word that was probably meant, or all of them.
func meant(word string, valid []string, aliases map[string]string) string {
	best := aliases[word]
	if best == "" {
		best = nearest.Of(word, valid)
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "valid are " + strings.Join(valid[:len(valid)-1], ", ") + " and " + valid[len(valid)-1]
}
