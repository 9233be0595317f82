package gen

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// selector makes a label selector, for namespaces or for pods.
func (g *generator) selector(namespaces bool) *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	if g.pct(pctEmptySelector) {
		g.hit(SelectorEmpty)
		return s
	}
	if namespaces && g.pct(30) {
		g.hit(NamespaceSelectorName)
		s.MatchLabels = map[string]string{corev1.LabelMetadataName: pick(g, namespaceNames)}
		return s
	}
	// A second term would leave few pods.
	terms := g.between(1, maxTerms)
	custom := !namespaces && len(g.c.Custom) > 0 && g.pct(either(g.customs, pctCustomTerm, pctCustomTermElse))
	if custom {
		x := g.customTerm()
		if x.Operator == metav1.LabelSelectorOpIn && len(x.Values) == 1 && g.pct(50) {
			s.MatchLabels = with(s.MatchLabels, x.Key, x.Values[0])
		} else {
			s.MatchExpressions = append(s.MatchExpressions, x)
		}
		terms = either(g.pct(80), 0, terms)
	}
	if !custom && !namespaces && len(g.c.Workloads) > 0 && g.pct(either(g.controllers, pctControllerTerm, pctControllerTermElse)) {
		x := g.controllerTerm()
		if x.Operator == metav1.LabelSelectorOpIn && len(x.Values) == 1 && g.pct(50) {
			s.MatchLabels = with(s.MatchLabels, x.Key, x.Values[0])
		} else {
			s.MatchExpressions = append(s.MatchExpressions, x)
		}
		terms = either(g.pct(80), 0, terms)
	}
	for range terms {
		key := pick(g, append([]string{absentKey}, append(labelKeys, labelKeys...)...))
		if key == absentKey {
			g.hit(SelectorAbsentKey)
		}
		if g.pct(40) {
			g.hit(SelectorLabels)
			v := pick(g, labelValues)
			if v == "" {
				g.hit(SelectorEmptyValue)
			}
			s.MatchLabels = with(s.MatchLabels, key, v)
			continue
		}
		s.MatchExpressions = append(s.MatchExpressions, g.expression(key, namespaces))
	}
	g.observeKeys(s)
	return s
}

// expression makes one term with any operator (R20).
func (g *generator) expression(key string, namespaces bool) metav1.LabelSelectorRequirement {
	x := metav1.LabelSelectorRequirement{Key: key}
	switch g.r.IntN(4) {
	case 0:
		x.Operator, x.Values = metav1.LabelSelectorOpIn, g.values()
		g.hit(either(namespaces, NamespaceSelectorIn, SelectorIn))
	case 1:
		x.Operator, x.Values = metav1.LabelSelectorOpNotIn, g.values()
		g.hit(either(namespaces, NamespaceSelectorNotIn, SelectorNotIn))
	case 2:
		x.Operator = metav1.LabelSelectorOpExists
		g.hit(either(namespaces, NamespaceSelectorExists, SelectorExists))
	case 3:
		x.Operator = metav1.LabelSelectorOpDoesNotExist
		g.hit(either(namespaces, NamespaceSelectorDoesNotExist, SelectorDoesNotExist))
	}
	return x
}

func (g *generator) values() []string {
	v := g.shuffled(labelValues)[:g.between(1, 2)]
	for _, s := range v {
		if s == "" {
			g.hit(SelectorEmptyValue)
		}
	}
	return v
}

// observeKeys counts selectors that name a key more than once (R19), and those
// of them that nothing can match.
func (g *generator) observeKeys(s *metav1.LabelSelector) {
	type demand struct{ present, absent bool }
	seen := map[string]int{}
	demands := map[string]demand{}
	for k := range s.MatchLabels {
		seen[k]++
		demands[k] = demand{present: true}
	}
	for _, x := range s.MatchExpressions {
		seen[x.Key]++
		d := demands[x.Key]
		d.present = d.present || x.Operator == metav1.LabelSelectorOpIn || x.Operator == metav1.LabelSelectorOpExists
		d.absent = d.absent || x.Operator == metav1.LabelSelectorOpDoesNotExist
		demands[x.Key] = d
	}
	for k, n := range seen {
		if n > 1 {
			g.hit(SelectorKeyTwice)
		}
		if demands[k].present && demands[k].absent {
			g.hit(SelectorContradiction)
		}
	}
}
