package solver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
)

// fromText compiles manifests.
func fromText(t *testing.T, text string) *engine.Index {
	t.Helper()
	state := cluster.New(cluster.Options{PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Families: []model.Family{model.IPv4}})
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{manifest.Bytes("cluster", []byte(text))}, state.Ledger()) {
		state.Put(o)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	require.NoError(t, err)
	return x
}

// differences are the changes of two clusters, as lines.
func differences(t *testing.T, before, after string) []string {
	t.Helper()
	out := []string{}
	for c := range Diff(fromText(t, before), fromText(t, after)) {
		s := fmt.Sprintf("%s > %s %v: %v to %v", c.From.Name, c.To.Name, c.Ports, c.Before, c.After)
		if c.Some {
			s += fmt.Sprintf(", some (%s > %s)", c.Witness.From, c.Witness.To)
		}
		for _, b := range c.Because {
			s += fmt.Sprintf("; %v %v %s", b.Kind, b.Change, b.Object)
			if b.Text != "" {
				s += " (" + b.Text + ")"
			}
		}
		require.False(t, c.Unproven, s)
		out = append(out, s)
	}
	return out
}

func replica(workload, name, ip, label string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: shop, labels: {%s}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: %s, controller: true}]}
spec: {containers: [{name: c, ports: [{name: web, containerPort: 80}]}]}
status: {phase: Running, podIP: %s}
`, name, label, workload, ip)
}

func policyText(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: %s, namespace: shop}\nspec: {%s}\n", name, spec)
}

const (
	toDB    = `podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]`
	onlyOut = `podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]`
	noOut   = `podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]`
)

func TestDiffOfReplicas(t *testing.T) {
	policies := policyText("db", toDB) + policyText("web", onlyOut) + policyText("out", noOut)
	db := replica("db", "db-0", "10.0.0.9", "app: db")
	before := policies + db + replica("web", "web-0", "10.0.0.1", "app: web") + replica("web", "web-1", "10.0.0.2", "app: web")

	// Other names, other addresses that no rule tells apart, one more of the
	// same, other orders: nothing.
	require.Empty(t, differences(t, before, db+replica("web", "web-7", "10.0.0.8", "app: web")+replica("web", "web-8", "10.0.0.2", "app: web")+replica("web", "web-9", "10.0.0.3", "app: web")+policies))

	// One replica of two lost its label: as a whole nothing is closed, so that
	// a union would be silent about what it cannot do any more.
	after := policies + db + replica("web", "web-0", "10.0.0.1", "app: web") + replica("web", "web-1", "10.0.0.2", "app: wob")
	lines := differences(t, before, after)
	require.Contains(t, lines, "shop/statefulset/web > shop/statefulset/db TCP 5432: allowed to denied, some (shop/pod/web-1 > shop/pod/db-0); labels edited shop/statefulset/web (app was web and is wob)")
	require.Contains(t, lines, "shop/statefulset/web > external ALL: denied to allowed; labels edited shop/statefulset/web (app was web and is wob)")

	// The same with a pod that has come: no pod of before says so.
	lines = differences(t, before, before+replica("web", "web-2", "10.0.0.3", "app: wob"))
	require.Contains(t, lines, "shop/statefulset/web > shop/statefulset/db TCP 5432: allowed to denied, some (shop/pod/web-2 > shop/pod/db-0); labels edited shop/statefulset/web (app was web and is wob)")
}

func TestDiffNamesWhatIsNeeded(t *testing.T) {
	web, db := replica("web", "web-0", "10.0.0.1", "app: web"), replica("db", "db-0", "10.0.0.9", "app: db")
	closed := policyText("db", `podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress]`) + policyText("web", `podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress, Egress]`)
	opened := policyText("db", strings.Replace(noOut, "policyTypes: [Egress]", "policyTypes: [Ingress, Egress], ingress: [{ports: [{port: web}]}]", 1)) + policyText("web", onlyOut)
	require.Empty(t, differences(t, closed+web+db, closed+web+db))
	// Neither side alone opens it.
	lines := differences(t, closed+web+db, opened+web+db)
	require.Contains(t, lines, "shop/statefulset/web > shop/statefulset/db TCP 80: denied to allowed; policy edited NetworkPolicy shop/db; policy edited NetworkPolicy shop/web")
	// One policy is gone and another says the same: that is not what opens.
	moved := policyText("renamed", onlyOut) + policyText("db", toDB) + policyText("out", noOut)
	was := policyText("web", onlyOut) + policyText("db", strings.Replace(toDB, "5432", "5433", 1)) + policyText("out", noOut)
	require.Equal(t, []string{
		"shop/statefulset/web > shop/statefulset/db TCP 5432: denied to allowed; policy edited NetworkPolicy shop/db",
		"shop/statefulset/web > shop/statefulset/db TCP 5433: allowed to denied; policy edited NetworkPolicy shop/db",
	}, differences(t, was+web+db, moved+web+db))
	// Port names are the destination's.
	named := policyText("db", `podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress, Egress], ingress: [{ports: [{port: web}]}]`) + policyText("web", onlyOut)
	lines = differences(t, named+web+db, named+web+strings.Replace(db, "containerPort: 80", "containerPort: 81", 1))
	require.Contains(t, lines, "shop/statefulset/web > shop/statefulset/db TCP 81: denied to allowed; pod edited shop/statefulset/db (its named ports differ)")
	require.Contains(t, lines, "shop/statefulset/web > shop/statefulset/db TCP 80: allowed to denied; pod edited shop/statefulset/db (its named ports differ)")
}

func TestDiffOfWorkloadsAndNodes(t *testing.T) {
	web, db := replica("web", "web-0", "10.0.0.1", "app: web"), replica("db", "db-0", "10.0.0.9", "app: db")
	node := "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 192.168.0.1}]}\n"
	policies := policyText("db", toDB) + policyText("web", onlyOut) + policyText("out", noOut)
	require.Equal(t, []string{
		"shop/statefulset/web > shop/statefulset/db TCP 5432: denied to allowed; workload added shop/statefulset/web",
	}, differences(t, node+policies+db, node+policies+db+web))
	// What nodes may open is never silent, and all of them are one end.
	require.Contains(t, differences(t, node+policies+db, node+policyText("out", noOut)+db), "nodes > shop/statefulset/db ALL: denied to allowed; policy removed NetworkPolicy shop/db")
	// A further pod of a workload: there was no pair of two.
	free := replica("job", "job-0", "10.0.0.1", "app: job")
	require.Equal(t, []string{
		"shop/statefulset/job > shop/statefulset/job ALL: denied to allowed; workload edited shop/statefulset/job (pods: 1 before, 2 now)",
	}, differences(t, free, free+replica("job", "job-1", "10.0.0.2", "app: job")))
}

func TestDiffShowsTwoPodsOfOneWorkload(t *testing.T) {
	web := replica("web", "web-0", "10.0.0.1", "app: web") + replica("web", "web-1", "10.0.0.2", "app: web")
	deny := policyText("deny", `podSelector: {}, policyTypes: [Ingress]`)
	own := policyText("own", `podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]`)
	var changes []Change
	for c := range Diff(fromText(t, web+deny), fromText(t, web+deny+own)) {
		changes = append(changes, c)
	}
	require.Len(t, changes, 1)
	c := changes[0]
	require.Equal(t, ChangeWitness{"shop/pod/web-0", "shop/pod/web-1"}, c.Witness, "not a pod and itself (R50)")
	require.False(t, c.Unproven)
	require.Len(t, c.Because, 1)
	require.NotNil(t, c.Because[0].Is.Rule)
	require.Equal(t, "TCP 80", c.Because[0].Is.Rule.Ports.Set.String(), "the rule that lets through, not the isolation")
	// Both pods get the label that the policy asks for, on both sides: one cause.
	plain := strings.ReplaceAll(web, "app: web", "app: wob")
	both := policyText("own", `podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}], egress: [{to: [{podSelector: {matchLabels: {app: web}}}]}]`)
	require.Equal(t, []string{
		"shop/statefulset/web > shop/statefulset/web ALL: denied to allowed; labels edited shop/statefulset/web (app was wob and is web)",
	}, differences(t, plain+both, web+both))
}

func TestDiffSaysWhatIsNotKnown(t *testing.T) {
	web := replica("web", "web-0", "10.0.0.1", "app: web")
	db := "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: db, namespace: shop}\nspec: {selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c}]}}}\n"
	before := policyText("db", strings.Replace(toDB, "5432", "80", 1)) + policyText("web", `podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]`)
	after := strings.Replace(before, "policyTypes: [Egress]", "policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}]}]", 1)
	found := false
	for c := range Diff(fromText(t, web+db+before), fromText(t, web+db+after)) {
		require.Equal(t, c.Before == model.Unknown || c.After == model.Unknown, c.Reason != "", "%+v", c)
		found = found || c.Reason != ""
	}
	require.True(t, found)
}
