package oracle

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// What is generated to be rejected is rejected, and nothing else is.
func TestAdminRejected(t *testing.T) {
	rejected, accepted := 0, 0
	for seed := range uint64(2000) {
		c := gen.New(rand.New(rand.NewPCG(seed, 0)), gen.Options{})
		want := 0
		for f, n := range c.Features {
			if strings.HasPrefix(string(f), "bad-admin") {
				want += n
			}
		}
		got := 0
		for _, given := range c.Admin {
			p, err := written(given)
			require.NoError(t, err)
			require.True(t, IsAdmin(p), "seed %d: %v", seed, p)
			if validateAdmin(p) != nil {
				got++
			}
		}
		require.Equal(t, want, got, "seed %d", seed)
		rejected += got
		accepted += len(c.Admin) - got
	}
	require.Greater(t, rejected, 150)
	require.Greater(t, accepted, 1500)
}

// adminObject reads an admin policy in YAML flow style.
func adminObject(t *testing.T, kind, name, spec string) Object {
	t.Helper()
	version := "v1alpha1"
	if kind == "ClusterNetworkPolicy" {
		version = "v1alpha2"
	}
	var o Object
	text := "apiVersion: policy.networking.k8s.io/" + version + "\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec: " + spec
	require.NoError(t, yaml.Unmarshal([]byte(text), &o), spec)
	return o
}

// The labels of nodes that have no Node object are not known, and are the same
// for all rules (R6, R99).
func TestNodesOfUnknownLabels(t *testing.T) {
	const head = `{priority: 5, subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: x}}}, egress: [`
	deny := func(selector string) string { return `{action: Deny, to: [{nodes: ` + selector + `}]}` }
	isB, isNotB := `{matchLabels: {zone: b}}`, `{matchExpressions: [{key: zone, operator: NotIn, values: [b]}]}`
	never := `{matchLabels: {zone: b}, matchExpressions: [{key: zone, operator: DoesNotExist}]}`
	host := func(node string, ip ...string) func(*World) {
		return func(w *World) {
			p := podObject("z", "h", "", node, ip...)
			p.Spec.HostNetwork = true
			w.Pods = append(w.Pods, p)
		}
	}
	unlabelled := func(w *World) { w.Nodes = w.Nodes[1:] } // n1 is where xa is
	atN1 := func(w *World) { w.Pods[0].Status.HostIP = "192.168.0.11" }
	for name, c := range map[string]struct {
		rules string
		world []func(*World)
		want  []string
	}{
		"a Node object says it":   {rules: deny(isB), want: []string{"xa>node/n2 ALL"}},
		"without one":             {rules: deny(isB), world: []func(*World){unlabelled, atN1}, want: []string{"xb>node/n1 NONE .. ALL", "xb>192.168.0.11 NONE .. ALL", "xb>node/n2 ALL"}},
		"a label and its absence": {rules: deny(isB) + "," + deny(isNotB), world: []func(*World){unlabelled, atN1}, want: []string{"xb>node/n1 NONE .. ALL", "xb>ya ALL"}},
		"all nodes":               {rules: deny(`{}`), world: []func(*World){unlabelled, atN1}, want: []string{"xb>node/n1 NONE"}},
		"what no node is":         {rules: deny(never), world: []func(*World){unlabelled, atN1}, want: []string{"xb>node/n1 NONE .. ALL", "xb>8.8.8.8 ALL"}},
		"a pod of the host network, on a node that is only named": {rules: deny(isB), world: []func(*World){host("n9", "192.168.0.19")}, want: []string{"xa>z/h NONE .. ALL"}},
		"on a node by its address":                                {rules: deny(`{}`), world: []func(*World){host("", "192.168.0.12")}, want: []string{"xa>z/h NONE"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := standardWorld()
			for _, change := range c.world {
				change(&w)
			}
			w.Admin = []Object{adminObject(t, "AdminNetworkPolicy", "p", head+c.rules+`]}`)}
			o, err := New(w)
			require.NoError(t, err)
			require.Empty(t, o.Rejected())
			for _, line := range c.want {
				check(t, o, line)
			}
		})
	}
}

// words asks a generated cluster with other admin policies for what must be so.
func words(t *testing.T, c *gen.Cluster, admin []Object) []model.Verdict {
	t.Helper()
	o, err := New(World{Namespaces: c.Namespaces, Nodes: c.Nodes, Pods: c.Pods, Policies: c.Policies, PodCIDRs: c.PodCIDRs, Families: c.Families, Admin: admin})
	require.NoError(t, err)
	require.Empty(t, o.Rejected())
	require.Empty(t, o.Conflicting())
	var out []model.Verdict
	for _, src := range o.Ends() {
		for _, dst := range append(o.Ends(), End{Addr: netip.MustParseAddr("8.8.8.8")}) {
			for _, port := range []uint16{53, 80} {
				out = append(out, o.Verdict(src, dst, model.TCP, port, model.AnyFamily))
			}
		}
	}
	return out
}

// P11: both versions of the API say the same in other words.
func TestVersionsAgree(t *testing.T) {
	seen := 0
	for seed := range uint64(400) {
		c := gen.New(rand.New(rand.NewPCG(seed, 3)), gen.Options{Valid: true})
		if len(c.Admin) == 0 || c.Admin[0]["kind"] == "ClusterNetworkPolicy" || c.Features[gen.AdminRulesAtLimit] > 0 {
			continue
		}
		var one, other []Object
		for _, p := range c.Admin {
			one = append(one, p)
			other = append(other, inV1alpha2(t, p))
		}
		require.Equal(t, words(t, c, one), words(t, c, other), "seed %d", seed)
		seen++
	}
	require.Greater(t, seen, 30)
}

// P7: a first rule that passes everything on is as good as no Admin tier.
func TestPassEverything(t *testing.T) {
	seen := 0
	for seed := range uint64(400) {
		c := gen.New(rand.New(rand.NewPCG(seed, 4)), gen.Options{Valid: true})
		if len(c.Admin) == 0 {
			continue
		}
		kind, tier := "AdminNetworkPolicy", ""
		if c.Admin[0]["kind"] == "ClusterNetworkPolicy" {
			kind, tier = "ClusterNetworkPolicy", "tier: Admin, "
		}
		all := `{namespaces: {}}`
		with := []Object{adminObject(t, kind, "first", `{`+tier+`priority: 0, subject: `+all+`, ingress: [{action: Pass, from: [`+all+`]}], egress: [{action: Pass, to: [`+all+`, {networks: ["0.0.0.0/0", "::/0"]}]}]}`)}
		var baseline []Object
		for _, given := range c.Admin {
			p, err := written(given)
			require.NoError(t, err)
			dropNulls(map[string]any(p))
			switch {
			case p["kind"] == "BaselineAdminNetworkPolicy", p.text("spec", "tier") == "Baseline":
				baseline = append(baseline, p)
			case p.number(0, "spec", "priority") == 0: // 0 is for the Pass alone
				p.object("spec")["priority"] = 1
			}
			with = append(with, p)
		}
		require.Equal(t, words(t, c, baseline), words(t, c, with), "seed %d", seed)
		seen++
	}
	require.Greater(t, seen, 60)
}

// inV1alpha2 writes a policy of v1alpha1 as a ClusterNetworkPolicy.
func inV1alpha2(t *testing.T, given Object) Object {
	p, err := written(given)
	require.NoError(t, err)
	dropNulls(map[string]any(p))
	spec := p.object("spec")
	spec["tier"] = "Admin"
	if p.text("kind") == "BaselineAdminNetworkPolicy" {
		spec["tier"], spec["priority"] = "Baseline", 0
	}
	p["apiVersion"], p["kind"] = "policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"
	for _, r := range append(spec.list("ingress"), spec.list("egress")...) {
		if r["action"] == "Allow" {
			r["action"] = "Accept"
		}
		var protocols []any
		for _, e := range r.list("ports") {
			if e.has("namedPort") {
				protocols = append(protocols, map[string]any{"destinationNamedPort": e["namedPort"]})
				continue
			}
			form := e.object("portNumber")
			if form == nil {
				form = e.object("portRange")
			}
			port := map[string]any{"number": cmp.Or(form["port"], form["start"])}
			if form["start"] != form["end"] {
				port = map[string]any{"range": map[string]any{"start": form["start"], "end": form["end"]}}
			}
			protocol := cmp.Or(form.text("protocol"), "TCP")
			protocols = append(protocols, map[string]any{strings.ToLower(protocol): map[string]any{"destinationPort": port}})
		}
		if protocols != nil {
			r["protocols"] = protocols
		}
		delete(r, "ports")
	}
	return p
}
