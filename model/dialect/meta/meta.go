// Package meta is what all policy APIs share: object metadata and label
// selectors.
package meta

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// Validate reports what the API server would refuse of the metadata of a
// policy. path is that of the field in the object. Upstream walks labels and
// annotations in map order, so its errors are sorted here.
func Validate(m *metav1.ObjectMeta, namespaced bool, report func(code dialect.Code, path, message string)) {
	checked := *m
	if !namespaced { // the API server takes it away (k8s.io/apiserver pkg/registry/rest/meta.go)
		checked.Namespace = ""
	}
	if m.GenerateName != "" && strings.HasPrefix(m.Name, m.GenerateName+"*") { // the reader's name for one that is not known yet
		checked.Name = m.GenerateName + "x"
	}
	errs := apivalidation.ValidateObjectMeta(&checked, namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	slices.SortStableFunc(errs, func(a, b *field.Error) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.ErrorBody(), b.ErrorBody()))
	})
	for _, e := range errs {
		if e.Field != "metadata.name" {
			report(dialect.CodePolicyMetadata, e.Field, e.Field+": "+e.ErrorBody())
			continue
		}
		hint := ""
		if n := strings.ToLower(strings.ReplaceAll(m.Name, "_", "-")); n != m.Name && validation.IsDNS1123Subdomain(n) == nil {
			hint = fmt.Sprintf("; did you mean %q?", n)
		}
		report(dialect.CodePolicyName, e.Field, fmt.Sprintf("%q is not a valid name: %s%s", m.Name, e.Detail, hint))
	}
}

// WithoutRegex takes the regular expression out of a message of apimachinery;
// the words and the example before it say enough.
func WithoutRegex(message string) string {
	before, after, found := strings.Cut(message, ", regex used for validation is '")
	if !found {
		return message
	}
	_, rest, _ := strings.Cut(after, "')")
	return before + ")" + rest
}

// Selector turns a valid label selector into its canonical form (R18 to R20).
// The result shares nothing with s.
func Selector(s *metav1.LabelSelector) model.Selector {
	out := make(model.Selector, 0, len(s.MatchLabels)+len(s.MatchExpressions))
	for k, v := range s.MatchLabels {
		out = append(out, model.Requirement{Key: k, Operator: model.In, Values: []string{v}})
	}
	for _, e := range s.MatchExpressions {
		out = append(out, model.Requirement{Key: e.Key, Operator: operators[e.Operator], Values: e.Values})
	}
	return out.Canonical()
}

var operators = map[metav1.LabelSelectorOperator]model.Operator{
	metav1.LabelSelectorOpIn:           model.In,
	metav1.LabelSelectorOpNotIn:        model.NotIn,
	metav1.LabelSelectorOpExists:       model.Exists,
	metav1.LabelSelectorOpDoesNotExist: model.DoesNotExist,
}
