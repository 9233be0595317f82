package solver

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

func in(key string, values ...string) model.Requirement {
	return model.Requirement{Key: key, Operator: model.In, Values: values}
}

func notIn(key string, values ...string) model.Requirement {
	return model.Requirement{Key: key, Operator: model.NotIn, Values: values}
}

func exists(key string) model.Requirement { return model.Requirement{Key: key, Operator: model.Exists} }

func absent(key string) model.Requirement {
	return model.Requirement{Key: key, Operator: model.DoesNotExist}
}

func pods(namespace string, r ...model.Requirement) Expr {
	e := Expr{Form: FormPods, Pods: model.PodSet{Namespace: namespace}}
	if len(r) > 0 {
		e.Pods.Pods = r
	}
	return e
}

func podsIn(namespaces model.Selector, r ...model.Requirement) Expr {
	e := pods("", r...)
	e.Pods.Namespaces = namespaces
	return e
}

func addr(s string) Expr { return Expr{Form: FormAddress, Addr: netip.MustParseAddr(s)} }

func cidr(s string) Expr { return Expr{Form: FormRange, Prefix: netip.MustParsePrefix(s)} }

func path(namespace, kind, name string) Expr {
	return Expr{Form: FormPath, Namespace: namespace, Kind: kind, Name: name}
}

func named(w string) Expr { return Expr{Form: FormNamed, Named: w} }

func TestParseExpr(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  Expr
		print string // canonical form; "" when it is the text
	}{
		// 1: words
		{"any", named("any"), ""},
		{"cluster", named("cluster"), ""},
		{"outside", named("outside"), ""},
		{"nodes", named("nodes"), ""},
		{"internet", named("internet"), ""},
		{"private", named("private"), ""},
		{"metadata", named("metadata"), ""},
		{"  internet\n", named("internet"), "internet"},
		{"any:", pods("any"), ""},
		{"nodes/x", path("nodes", "", "x"), ""},
		{"internet=yes", pods("", in("internet", "yes")), ":internet=yes"},

		// 3: namespaces by label
		{"{team=red}:app=web", podsIn(model.Selector{in("team", "red")}, in("app", "web")), ""},
		{"{team=red}:", podsIn(model.Selector{in("team", "red")}), ""},
		{"{team}:gpu", podsIn(model.Selector{exists("team")}, exists("gpu")), ""},
		{"{!team}:!gpu", podsIn(model.Selector{absent("team")}, absent("gpu")), ""},
		{"{team in (b,a), env != prod}:tier notin (x,y)",
			podsIn(model.Selector{notIn("env", "prod"), in("team", "a", "b")}, notIn("tier", "x", "y")),
			"{env!=prod,team in (a,b)}:tier notin (x,y)"},
		{"{kubernetes.io/metadata.name=ml}:", podsIn(model.Selector{in("kubernetes.io/metadata.name", "ml")}), ""},

		// 4: addresses and ranges, before ':' and '/' are looked at
		{"8.8.8.8", addr("8.8.8.8"), ""},
		{"0.0.0.0", addr("0.0.0.0"), ""},
		{"fd00::1", addr("fd00::1"), ""},
		{"FD00::A", addr("fd00::a"), "fd00::a"},
		{"::", addr("::"), ""},
		{"::1", addr("::1"), ""},
		{"de::", addr("de::"), ""},
		{"::ffff:10.0.0.1", addr("10.0.0.1"), "10.0.0.1"},
		{"10.0.0.0/8", cidr("10.0.0.0/8"), ""},
		{"10.1.2.3/8", cidr("10.0.0.0/8"), "10.0.0.0/8"},
		{"0.0.0.0/0", cidr("0.0.0.0/0"), ""},
		{"8.8.8.8/32", cidr("8.8.8.8/32"), ""},
		{"fd00::/8", cidr("fd00::/8"), ""},
		{"::/0", cidr("::/0"), ""},
		{"::ffff:10.0.0.0/104", cidr("10.0.0.0/8"), "10.0.0.0/8"},
		{"::ffff:10.0.0.0/90", cidr("::ffc0:0:0/90"), "::ffc0:0:0/90"},

		// 5: with ':'
		{"ml:app=web", pods("ml", in("app", "web")), ""},
		{"ml:", pods("ml"), ""},
		{"ml: ", pods("ml"), "ml:"},
		{"ml:gpu", pods("ml", exists("gpu")), ""},
		{":gpu", pods("", exists("gpu")), ""},
		{":!gpu", pods("", absent("gpu")), ""},
		{":app=web", pods("", in("app", "web")), ""},
		{"de:", pods("de"), ""},
		{"dead:beef", pods("dead", exists("beef")), ""},
		{"ml:example.com/gpu", pods("ml", exists("example.com/gpu")), ""},
		{"ml:in", pods("ml", exists("in")), ""},
		{"ml:tier in(a)", pods("ml", in("tier", "a")), "ml:tier=a"},
		{"ml:app=,b", pods("ml", in("app", ""), exists("b")), "ml:app=,b"},
		{"ml:b in (,x)", pods("ml", in("b", "", "x")), ""},

		// 6: a selector by its operators, before '/' is looked at
		{"app=web", pods("", in("app", "web")), ":app=web"},
		{"app==web", pods("", in("app", "web")), ":app=web"},
		{"app!=web", pods("", notIn("app", "web")), ":app!=web"},
		{"!gpu", pods("", absent("gpu")), ":!gpu"},
		{"tier in (b,a)", pods("", in("tier", "a", "b")), ":tier in (a,b)"},
		{"tier notin (a)", pods("", notIn("tier", "a")), ":tier!=a"},
		{"app=web,tier in (a,b)", pods("", in("app", "web"), in("tier", "a", "b")), ":app=web,tier in (a,b)"},
		{"gpu,app=web", pods("", in("app", "web"), exists("gpu")), ":app=web,gpu"},
		{"app.kubernetes.io/name=web", pods("", in("app.kubernetes.io/name", "web")), ":app.kubernetes.io/name=web"},
		{"!example.com/gpu", pods("", absent("example.com/gpu")), ":!example.com/gpu"},
		{"example.com/gpu in (a)", pods("", in("example.com/gpu", "a")), ":example.com/gpu=a"},
		{"app=", pods("", in("app", "")), ":app="},

		// 7: paths
		{"ml/trainer", path("ml", "", "trainer"), ""},
		{"ml/trainer[0]", path("ml", "", "trainer[0]"), ""},
		{"ml/job/trainer[0]", path("ml", "job", "trainer[0]"), ""},
		{"ml/pod/trainer-0", path("ml", "pod", "trainer-0"), ""},
		{"ml/po/x", path("ml", "pod", "x"), "ml/pod/x"},
		{"ml/pods/x", path("ml", "pod", "x"), "ml/pod/x"},
		{"ml/deploy/x", path("ml", "deployment", "x"), "ml/deployment/x"},
		{"ml/Deployments/x", path("ml", "deployment", "x"), "ml/deployment/x"},
		{"ml/sts/x", path("ml", "statefulset", "x"), "ml/statefulset/x"},
		{"ml/ds/x", path("ml", "daemonset", "x"), "ml/daemonset/x"},
		{"ml/rs/x", path("ml", "replicaset", "x"), "ml/replicaset/x"},
		{"ml/rc/x", path("ml", "replicationcontroller", "x"), "ml/replicationcontroller/x"},
		{"ml/jobs/x", path("ml", "job", "x"), "ml/job/x"},
		{"ml/cj/x", path("ml", "cronjob", "x"), "ml/cronjob/x"},
		{"ml/cronjobs/x", path("ml", "cronjob", "x"), "ml/cronjob/x"},
		{"ml/PyTorchJob/x", path("ml", "pytorchjob", "x"), "ml/pytorchjob/x"},
		{"10/8", path("10", "", "8"), ""},
		{"ml/web.v1", path("ml", "", "web.v1"), ""},
	} {
		got, err := ParseExpr(c.text)
		require.NoError(t, err, c.text)
		want := c.want
		want.Text = c.text
		require.Equal(t, want, got, c.text)
		print := c.print
		if print == "" {
			print = c.text
		}
		require.Equal(t, print, got.String(), c.text)
		checkStable(t, got)
	}
}

// checkStable requires that the canonical form means what e means, and is its
// own canonical form.
func checkStable(t *testing.T, e Expr) {
	t.Helper()
	again, err := ParseExpr(e.String())
	require.NoError(t, err, "%q from %q", e.String(), e.Text)
	require.Equal(t, e.String(), again.String())
	e.Text, again.Text = "", ""
	require.Equal(t, e, again)
}

func TestParseExprErrors(t *testing.T) {
	const words = "expected any, cluster, outside, nodes, internet, private, metadata, an address, NS:SELECTOR, KEY=VALUE or NS/NAME"
	const namespace = "is not a namespace name: expected at most 63 lower-case letters, digits or '-'"
	const label = "expected at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends"
	for text, want := range map[string]string{
		"":                    `"": ` + words,
		"intrenet":            `"intrenet": ` + words + `; a bare key is written :intrenet; did you mean internet?`,
		"Nodes":               `"Nodes": ` + words + `; a bare key is written :Nodes; did you mean nodes?`,
		"gpu":                 `"gpu": ` + words + `; a bare key is written :gpu`,
		"a,b":                 `"a,b": ` + words + `; a bare key is written :a,b`,
		"???":                 `"???": ` + words,
		"@training":           `"@training": roles (@...) are not known; select pods by labels, such as :app=trainer`,
		"{team=red}":          `"{team=red}", column 11: expected ':' and a pod selector after '}'`,
		"{team=red}app=web":   `"{team=red}app=web", column 11: expected ':' and a pod selector after '}'`,
		"{team=red:app=web":   `"{team=red:app=web", column 18: expected '}' after the namespace selector`,
		"{}:app=web":          `"{}:app=web", column 2: expected a namespace selector between the braces; every namespace is written :SELECTOR`,
		"{ }:":                `"{ }:", column 2: expected a namespace selector between the braces; every namespace is written :SELECTOR`,
		"{team=}}:x":          `"{team=}}:x", column 8: expected ':' and a pod selector after '}'`,
		"{team>1}:x":          `"{team>1}:x", column 6: the operator > is not available, expected =, ==, !=, in or notin`,
		"{team=red}:app=web,": `"{team=red}:app=web,", column 20: found the end, expected a label key after ','`,
		"10.0.0.0/33":         `"10.0.0.0/33", column 10: "33" is not a prefix length, expected 0 to 32`,
		"10.0.0.0/":           `"10.0.0.0/", column 10: "" is not a prefix length, expected 0 to 32`,
		"fd00::/129":          `"fd00::/129", column 8: "129" is not a prefix length, expected 0 to 128`,
		"10.0.0/8":            `"10.0.0/8": "10.0.0" is not an IP address`,
		"300.1.1.1":           `"300.1.1.1": "300.1.1.1" is not an IP address`,
		"010.0.0.1":           `"010.0.0.1": "010.0.0.1" is not an IP address`,
		"fd00::1::2":          `"fd00::1::2": "fd00::1::2" is not an IP address`,
		"fe80::1%eth0":        `"fe80::1%eth0", column 8: expected an address without a zone; did you mean fe80::1?`,
		"10.0.0.1:443":        `"10.0.0.1:443", column 9: an address takes no port, ports are given apart; did you mean 10.0.0.1?`,
		"[fd00::1]:443":       `"[fd00::1]:443", column 10: an address takes no port, ports are given apart; did you mean fd00::1?`,
		":":                   `":": expected a namespace or a selector beside ':'; did you mean cluster?`,
		"ML:app=web":          `"ML:app=web": "ML" ` + namespace + `; did you mean ml:app=web?`,
		"x/y:app=z":           `"x/y:app=z": "x/y" ` + namespace,
		"app=web:x":           `"app=web:x": "app=web" ` + namespace,
		"ml:a:b":              `"ml:a:b", column 4: "a:b" is not a label key: ` + label,
		"ml:app=web tier=a":   `"ml:app=web tier=a", column 12: found "tier", expected ',' or the end`,
		"ml:-a":               `"ml:-a", column 4: "-a" is not a label key: ` + label,
		"ml:A.com/a":          `"ml:A.com/a", column 4: "A.com/a" is not a label key: expected a lower-case DNS name before '/'`,
		"app=web,,b":          `"app=web,,b", column 9: found ",", expected a label key after ','`,
		"app=-x":              `"app=-x", column 5: "-x" is not a label value: ` + label,
		"app=!x":              `"app=!x", column 5: found "!", expected a label value`,
		"=web":                `"=web": found "=", expected a label key`,
		" app=web,tier>3":     `" app=web,tier>3", column 14: the operator > is not available, expected =, ==, !=, in or notin`,
		"a in (b c)":          `"a in (b c)", column 9: found "c", expected ',' or ')'`,
		"a in (b":             `"a in (b", column 8: found the end, expected ',' or ')'`,
		"a b in (c)":          `"a b in (c)", column 3: found "b", expected =, ==, !=, in or notin`,
		"!":                   `"!", column 2: found the end, expected a label key`,
		"tier in(a)":          `"tier in(a)": ` + words + `; a bare key is written :tier in(a)`,
		"ml/":                 `"ml/", column 4: expected a name after '/'`,
		"/x":                  `"/x": expected a namespace before '/'`,
		"ml//x":               `"ml//x", column 4: expected a kind after '/'`,
		"ml/job/":             `"ml/job/", column 8: expected a name after '/'`,
		"a/b/c/d":             `"a/b/c/d": found 3 '/', expected NS/NAME or NS/KIND/NAME`,
		"ML/trainer":          `"ML/trainer": "ML" ` + namespace + `; did you mean ml/trainer?`,
		"m_l/trainer":         `"m_l/trainer": "m_l" ` + namespace,
		"ml/*":                `"ml/*", column 4: expected a name; did you mean ml:?`,
		"ml/a b":              `"ml/a b", column 5: "a b" is not a name`,
		"ml/j_b/x":            `"ml/j_b/x", column 4: "j_b" is not a kind`,
		"ml/service/x":        `"ml/service/x", column 4: services are not available`,
		"ml/svc/x":            `"ml/svc/x", column 4: services are not available`,
		"ml/\xff":             "\"ml/\\xff\", column 4: \"\\xff\" is not a name",
	} {
		e, err := ParseExpr(text)
		require.Error(t, err, text)
		require.Equal(t, want, err.Error())
		require.Zero(t, e, text)
		var x *ExprError
		require.True(t, errors.As(err, &x))
		require.Equal(t, text, x.Text)
		require.LessOrEqual(t, x.Offset, len(text))
		require.Equal(t, dialect.CodeBadExpression.String(), x.Code())
		if x.Suggestion != "" {
			_, err := ParseExpr(x.Suggestion)
			require.NoError(t, err, "the suggestion for %q", text)
		}
	}
}

func TestFormString(t *testing.T) {
	require.Equal(t, "invalid", Form(0).String())
	require.Equal(t, "path", FormPath.String())
	require.Equal(t, "form(9)", Form(9).String())
	require.Empty(t, Expr{}.String())
}

func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"any", "@r", "{a=b}:c", "8.8.8.8", "::ffff:1.2.3.4/97", "ml:", ":gpu", "a in (b,,c),!d", "ml/deploy/x[0]", "intrenet", "fe80::1%e/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseExpr(s)
		if err != nil {
			var x *ExprError
			require.True(t, errors.As(err, &x))
			require.Equal(t, s, x.Text)
			require.True(t, 0 <= x.Offset && x.Offset <= len(s), "offset %d in %q", x.Offset, s)
			require.NotEmpty(t, x.Message)
			return
		}
		require.Equal(t, s, e.Text)
		checkStable(t, e)
		if !strings.ContainsAny(s, ":/@") && e.Form == FormPods {
			sameSelector(t, s)
		}
	})
}
