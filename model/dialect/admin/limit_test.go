package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/dialect/admin"
)

// Each limit of the custom resource definitions holds for what is just inside
// of it, and not for the next (R88, R104).
func TestLimits(t *testing.T) {
	list := func(n int, element func(i int) string) string {
		var out []string
		for i := range n {
			out = append(out, element(i))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	same := func(text string) func(int) string { return func(int) string { return text } }
	networks := func(n int) string {
		return "{networks: " + list(n, func(i int) string { return fmt.Sprintf("10.%d.0.0/16", i) }) + "}"
	}
	domains := func(n int) string {
		return "{domainNames: " + list(n, func(i int) string { return fmt.Sprintf("a%d.example.com", i) }) + "}"
	}
	kinds := map[string]struct {
		head, allow, ports, port string
		most                     int
	}{
		"anp":  {"priority: 1\n", "Allow", "ports", "{portNumber: {port: 80}}", 100},
		"banp": {"", "Allow", "ports", "{portNumber: {port: 80}}", 100},
		"cnp":  {"tier: Admin\npriority: 1\n", "Accept", "protocols", "{tcp: {destinationPort: {number: 80}}}", 25},
	}
	for kind, k := range kinds {
		rule := func(name, peers string, ports int) string {
			return fmt.Sprintf("{name: %q, action: %s, to: %s, %s: %s}", name, k.allow, peers, k.ports, list(ports, same(k.port)))
		}
		all := "[{namespaces: {}}]"
		for what, c := range map[string]struct {
			most int
			spec func(n int) string
			code dialect.Code
			not  string // kinds that do not have it
		}{
			"egress rules": {k.most, func(n int) string { return k.head + "egress: " + list(n, same(rule("", all, 1))) }, dialect.CodeListSize, ""},
			"ingress rules": {k.most, func(n int) string {
				return k.head + "ingress: " + list(n, same("{action: "+k.allow+", from: "+all+"}"))
			}, dialect.CodeListSize, ""},
			"peers":    {k.most, func(n int) string { return k.head + "egress: [" + rule("", list(n, same("{namespaces: {}}")), 1) + "]" }, dialect.CodeListSize, ""},
			"ports":    {k.most, func(n int) string { return k.head + "egress: [" + rule("", all, n) + "]" }, dialect.CodeListSize, ""},
			"name":     {100, func(n int) string { return k.head + "egress: [" + rule(strings.Repeat("ä", n), all, 1) + "]" }, dialect.CodeListSize, ""},
			"networks": {25, func(n int) string { return k.head + "egress: [" + rule("", "["+networks(n)+"]", 1) + "]" }, dialect.CodeListSize, ""},
			"domains":  {25, func(n int) string { return k.head + "egress: [" + rule("", "["+domains(n)+"]", 1) + "]" }, dialect.CodeListSize, "banp"},
			"priority": {1000, func(n int) string { return strings.Replace(k.head, "priority: 1", fmt.Sprint("priority: ", n), 1) }, dialect.CodePriority, "banp"},
			"negative": {0, func(n int) string { return strings.Replace(k.head, "priority: 1", fmt.Sprint("priority: ", -n), 1) }, dialect.CodePriority, "banp"},
			"no peer": {0, func(n int) string {
				return k.head + "egress: [" + rule("", list(1-n, same("{namespaces: {}}")), 1) + "]"
			}, dialect.CodeListSize, ""},
			"no port":    {0, func(n int) string { return k.head + "egress: [" + rule("", all, 1-n) + "]" }, dialect.CodeListSize, ""},
			"no network": {0, func(n int) string { return k.head + "egress: [" + rule("", "["+networks(1-n)+"]", 1) + "]" }, dialect.CodeListSize, ""},
			"no domain":  {0, func(n int) string { return k.head + "egress: [" + rule("", "["+domains(1-n)+"]", 1) + "]" }, dialect.CodeListSize, "banp"},
		} {
			if kind == c.not {
				continue
			}
			for over := range 2 {
				p, _ := policy(t, []byte(c.spec(c.most+over)+"\nsubject: {namespaces: {}}"), kind)
				_, diagnostics := p.Lower(model.Origin{}, admin.Options{})
				var errors []dialect.Code
				for _, d := range diagnostics {
					if d.Severity() == dialect.Error {
						errors = append(errors, d.Code)
					}
				}
				if over == 0 {
					require.Empty(t, errors, "%s: %d %s", kind, c.most, what)
				} else {
					require.Equal(t, []dialect.Code{c.code}, errors, "%s: %d %s", kind, c.most+1, what)
				}
			}
		}
	}
}
