package bench

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The shapes of the scale tests of Antrea's controller, of which times and
// memory are published (pkg/controller/networkpolicy/
// networkpolicy_controller_perf_test.go of github.com/antrea-io/antrea).

// makeAntreaXL is TestInitXLargeScaleWithSmallNamespaces: in each namespace
// four pods of two labels and three policies. 100,000 pods are 25,000
// namespaces and 75,000 policies.
func makeAntreaXL(pods int, add func(any)) {
	namespaces := pods / 4
	for i := range namespaces {
		add(newNamespace(namespaceName(i), map[string]string{"app": namespaceName(i)}))
	}
	for i := range namespaces * 4 {
		add(newPod(i, namespaceName(i/4), fmt.Sprint("pod", i%4), scale(i/2%2+1).MatchLabels))
	}
	for i := range namespaces {
		ns := namespaceName(i)
		add(newPolicy(ns, "default-deny-all", metav1.LabelSelector{}, []networkingv1.NetworkPolicyIngressRule{}, nil))
		for app := 1; app <= 2; app++ {
			add(newPolicy(ns, fmt.Sprint("np-", app), scale(app), []networkingv1.NetworkPolicyIngressRule{from(near(scale(app)))}, nil))
		}
	}
}

func scale(i int) metav1.LabelSelector { return having(fmt.Sprint("app-", i), fmt.Sprint("scale-", i)) }

// makeIdentical is TestInitXLargeScaleWithOneNamespace: pods of one label, and
// as many policies, each of which selects all of them, as subject and as peer.
func makeIdentical(pods int, add func(any)) {
	add(newNamespace("one", map[string]string{"app": "one"}))
	for i := range pods {
		add(newPod(i, "one", fmt.Sprint("pod-", i), scale(1).MatchLabels))
	}
	for i := range pods {
		add(newPolicy("one", fmt.Sprint("np-", i), scale(1), []networkingv1.NetworkPolicyIngressRule{from(near(scale(1)))}, nil))
	}
}

// makePerPod is one namespace in which each pod has a label of its own and a
// policy that lets pods of that label in.
func makePerPod(pods int, add func(any)) {
	app := func(i int) metav1.LabelSelector { return having("app", fmt.Sprint("app-", i)) }
	add(newNamespace("one", map[string]string{"app": "one"}))
	for i := range pods {
		add(newPod(i, "one", fmt.Sprint("pod-", i), app(i).MatchLabels))
	}
	for i := range pods {
		add(newPolicy("one", fmt.Sprint("np-", i), app(i), []networkingv1.NetworkPolicyIngressRule{from(near(app(i)))}, nil))
	}
}
