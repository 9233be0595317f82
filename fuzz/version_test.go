package fuzz

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
)

// TestP11VersionsAgree: AdminNetworkPolicy and ClusterNetworkPolicy of tier
// Admin say the same in different words, as do BaselineAdminNetworkPolicy and
// the only ClusterNetworkPolicy of tier Baseline.
//
// Allow is Accept (R91), portNumber and portRange are tcp, udp or sctp with a
// destinationPort, namedPort is destinationNamedPort (R101, R102); a protocol
// that is not said is TCP, a subject or peer of all namespaces says so (R96). A
// priority means the same (R88), and one baseline needs none. Left out of both
// sides is what one version cannot say: more than 25 rules, peers or ports
// (R104); several Baseline policies, Pass and domain names in a baseline (R91,
// R97); rules of v1alpha1 all of whose port entries are empty or unknown: such
// an entry matches nothing (R102) and has no words in v1alpha2. Clusters with
// both versions (R106) stay such.
func TestP11VersionsAgree(t *testing.T) { holds(t, "P11", 50, except(ofCilium, versionsAgree("Pass"))) }

func TestP11NoticesAnotherAction(t *testing.T) {
	notices(t, "written in another way: ", versionsAgree("Deny"))
}

func versionsAgree(pass string) property {
	return func(c *gen.Cluster, r *rand.Rand) (Count, error) {
		w, err := read(c)
		if err != nil || len(c.Admin) == 0 {
			return Count{}, err
		}
		baselines := 0
		c = withoutAdmin(c, func(p map[string]any) bool {
			a := adminHead(p)
			out := !w.accepted(p) || a.tier == "Baseline" && baselines > 0
			eachAdminRule(p, func(direction string, one map[string]any) {
				peers := elements(one, peersOf(direction))
				out = out || len(peers) > 25 || len(elements(one, a.ports())) > 25 || len(adminRules(p, model.Ingress)) > 25 || len(adminRules(p, model.Egress)) > 25
				domains := slices.ContainsFunc(peers, func(e map[string]any) bool { return e["domainNames"] != nil })
				out = out || a.tier == "Baseline" && (one["action"] == "Pass" || domains)
				ports := elements(one, a.ports())
				out = out || ports != nil && !slices.ContainsFunc(ports, func(e map[string]any) bool { return !parsePort(e).none() })
			})
			if a.tier == "Baseline" && !out {
				baselines++
			}
			return out
		})
		if len(c.Admin) == 0 {
			return Count{}, nil
		}
		swapped := clone(c)
		for i, p := range swapped.Admin {
			swapped.Admin[i] = inOtherWords(p, pass)
		}
		worlds, err := readAll(c, swapped)
		if err != nil {
			return Count{}, err
		}
		if !maps.Equal(worlds[0].refusedNames(), worlds[1].refusedNames()) {
			return Count{}, fmt.Errorf("refused were %v, and are %v", worlds[0].refused, worlds[1].refused)
		}
		n, err := equal(r, worlds[0], worlds[1])
		if err != nil {
			err = fmt.Errorf("%w\nrewritten:\n%s\n---", err, swapped.YAML())
		}
		return n, err
	}
}

// inOtherWords is an admin policy in the other version.
func inOtherWords(p map[string]any, pass string) map[string]any {
	a := adminHead(p)
	out := cloneTree(p).(map[string]any)
	spec := out["spec"].(map[string]any)
	to := adminOf{old: !a.old}
	switch {
	case a.old:
		out["apiVersion"], out["kind"] = "policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"
		if spec["tier"] = a.tier; a.tier == "Baseline" {
			spec["priority"] = 7
		}
	case a.tier == "Admin":
		out["apiVersion"], out["kind"] = "policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"
		delete(spec, "tier")
	default:
		out["apiVersion"], out["kind"] = "policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy"
		out["metadata"].(map[string]any)["name"] = "default"
		delete(spec, "tier")
		delete(spec, "priority")
	}
	everywhere := func(pods any) {
		if tree, ok := pods.(map[string]any); ok && tree["namespaceSelector"] == nil {
			tree["namespaceSelector"] = map[string]any{}
		}
	}
	everywhere(spec["subject"].(map[string]any)["pods"])
	for _, d := range []model.Direction{model.Ingress, model.Egress} {
		var rules []any
		for _, one := range adminRules(out, d) {
			one := one.(map[string]any)
			switch one["action"] {
			case a.allow():
				one["action"] = to.allow()
			case "Pass":
				one["action"] = pass
			}
			for _, e := range elements(one, peersOf(d.String())) {
				everywhere(e["pods"])
			}
			list := elements(one, a.ports())
			delete(one, a.ports())
			var ports []any
			for _, e := range list {
				if port := parsePort(e); !port.none() {
					ports = append(ports, port.entry(to.old))
				}
			}
			if ports != nil {
				one[to.ports()] = ports
			}
			rules = append(rules, one)
		}
		delete(spec, d.String())
		if rules != nil {
			spec[d.String()] = rules
		}
	}
	return out
}

// refusedNames are those of the policies that are answered as absent: the two
// versions have other kinds.
func (w *world) refusedNames() map[string]bool {
	out := map[string]bool{}
	for o := range w.refused {
		out[strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")] = true
	}
	return out
}
