package bench

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
)

// makeMedium follows the MEDIUM profile of github.com/npinaeva/k8s-netpol-scale
// (10 local pods, 10 single ports, 10 port ranges, 10 pod selectors, 10 peer
// namespaces, 10 peer pods, 10 CIDRs): 100 pods and 10 policies a namespace.
// Pod number k of a namespace has the labels 1 to k, so that label 91 selects
// ten. The namespace selectors are sets of ten names, in lexical order over the
// whole cluster and so all different: what hurts those who count on selectors
// being few. Every second policy is for egress; there, the workload makes both
// of equal peers, which would halve the number of selectors.
func makeMedium(pods int, add func(any)) {
	const perNamespace, policies, each = 100, 10, 10
	namespaces := max(each+1, pods/perNamespace)
	name := func(i int) string { return fmt.Sprint("network-policy-perf-", i) }
	for i := range namespaces {
		add(newNamespace(name(i), nil))
	}
	for i := range pods {
		labels := map[string]string{"test-pod": "true", "num": fmt.Sprint(i%perNamespace + 1)}
		for k := range i%perNamespace + 1 {
			labels[fmt.Sprint(k+1)] = "true"
		}
		add(newPod(i, name(i/perNamespace%namespaces), fmt.Sprint("test-pod-", i), labels))
	}
	var ports []networkingv1.NetworkPolicyPort
	for i := range each {
		ports = append(ports, port(1001+i))
	}
	for i := range each {
		ports = append(ports, portRange(5000+10*i, 5005+10*i))
	}
	last := having(fmt.Sprint(perNamespace+1-each), "true")
	set := make([]int, each)
	for i := range set {
		set[i] = i
	}
	for ns := range namespaces {
		for p := range policies {
			var in []networkingv1.NetworkPolicyIngressRule
			var out []networkingv1.NetworkPolicyEgressRule
			rule := func(peer networkingv1.NetworkPolicyPeer) {
				if p%2 == 0 {
					in = append(in, networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{peer}, Ports: ports})
				} else {
					out = append(out, networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{peer}, Ports: ports})
				}
			}
			for range each {
				var names []string
				for _, i := range set {
					names = append(names, name(i))
				}
				rule(far(among("kubernetes.io/metadata.name", names...), last))
				nextSet(set, namespaces)
			}
			for i := range each {
				subnet := 1<<16 + p*each + i // 1.0.0.0/24 and on
				rule(block(fmt.Sprintf("%d.%d.%d.0/24", subnet>>16&255, subnet>>8&255, subnet&255)))
			}
			add(newPolicy(name(ns), fmt.Sprint([]string{"ingress-", "egress-"}[p%2], p), last, in, out))
		}
	}
}

// nextSet makes of a set of numbers below n, sorted, the next one in lexical
// order, and of the last the first.
func nextSet(set []int, n int) {
	i := len(set) - 1
	for i >= 0 && set[i] == n-len(set)+i {
		i--
	}
	if i < 0 {
		i, set[0] = 0, -1
	}
	set[i]++
	for j := i + 1; j < len(set); j++ {
		set[j] = set[j-1] + 1
	}
}
