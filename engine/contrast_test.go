package engine_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// contrasted is a cluster of one namespace, with policies by name.
type contrasted struct {
	pods     []string // values of app; each is its own name
	nodes    []model.Node
	policies map[string][]model.Rule
}

func denyAll(d model.Direction, app string) model.Rule {
	return model.Rule{
		Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityDefaultDeny}, Direction: d, Subject: appSet(app),
		Peer: model.Peer{Any: true}, Ports: model.RulePorts{All: true, Other: model.OtherUnspecified}, Action: model.Deny,
	}
}

func allowFrom(d model.Direction, app string, peer model.Peer) model.Rule {
	return model.Rule{
		Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityAllow}, Direction: d, Subject: appSet(app),
		Peer: peer, Ports: model.RulePorts{All: true}, Action: model.Allow,
	}
}

func appSet(app string) model.PodSet {
	s := model.PodSet{Namespace: "ml"}
	if app != "" {
		s.Pods = model.Selector{{Key: "app", Operator: model.In, Values: []string{app}}}
	}
	return s
}

func (c contrasted) without(t *testing.T, gone string) (differ, sides bool) {
	t.Helper()
	s := &model.Snapshot{Namespaces: []model.Namespace{{Name: "ml"}}, Nodes: c.nodes}
	for i, app := range c.pods {
		p := model.Pod{Namespace: "ml", Name: app, Labels: map[string]string{"app": app}}
		p.Addresses[model.IPv4] = model.Address{State: model.AddressKnown, Addr: netip.AddrFrom4([4]byte{10, 1, 0, byte(i + 1)})}
		if len(c.nodes) > 0 {
			p.NodeName = c.nodes[0].Name
		}
		s.Pods = append(s.Pods, p)
	}
	s.Rules = append(s.Rules, model.Rule{
		Rank: model.Rank{Tier: model.TierExempt, Priority: model.PriorityOwnNode}, Direction: model.Ingress,
		Peer: model.Peer{Relation: model.OwnNode}, Ports: model.RulePorts{All: true, Other: model.OtherYes}, Action: model.Allow,
	})
	for name, rules := range c.policies {
		for _, r := range rules {
			r.Object = model.ObjectRef{Kind: "NetworkPolicy", Namespace: "ml", Name: name}
			s.Rules = append(s.Rules, r)
		}
	}
	x, err := engine.Compile(s, engine.Options{Updates: true})
	require.NoError(t, err)
	y, err := x.Apply(model.Delta{Policies: []model.PolicyChange{{Object: model.ObjectRef{Kind: "NetworkPolicy", Namespace: "ml", Name: gone}}}})
	require.NoError(t, err)
	k := x.Contrast()
	require.True(t, k.Takes(x) && k.Takes(y))
	_, differ = k.Between(x, y)
	return differ, k.Sides(x, y)
}

func cidrPeer(cidr string) model.Peer {
	return model.Peer{Blocks: []model.Block{{CIDR: netip.MustParsePrefix(cidr)}}}
}

// Two destinations that a source treats alike differ in what they let in; which
// of them comes first is of no account.
func TestContrastLooksBehindTheFirstOfAPart(t *testing.T) {
	for _, closed := range []string{"b", "c"} {
		c := contrasted{pods: []string{"a", "b", "c"}, policies: map[string][]model.Rule{
			"deny": {denyAll(model.Egress, "a")}, "closed": {denyAll(model.Ingress, closed)},
			"open": {denyAll(model.Egress, "a"), allowFrom(model.Egress, "a", model.Peer{Pods: []model.PodSet{appSet("")}})},
		}}
		differ, sides := c.without(t, "open")
		require.True(t, differ, closed)
		require.True(t, sides)
		c.policies["both"] = []model.Rule{denyAll(model.Ingress, "")} // now nobody lets it in
		differ, sides = c.without(t, "open")
		require.False(t, differ, "no destination lets it in, and a reaches itself anyway (R50)")
		require.True(t, sides)
	}
}

// A pod of which there is one of its class is not its own other end.
func TestContrastKnowsSelfTraffic(t *testing.T) {
	c := contrasted{pods: []string{"a"}, policies: map[string][]model.Rule{
		"deny": {denyAll(model.Ingress, "a")},
		"own":  {denyAll(model.Ingress, "a"), allowFrom(model.Ingress, "a", model.Peer{Pods: []model.PodSet{appSet("a")}})},
	}}
	differ, sides := c.without(t, "own")
	require.False(t, differ)
	require.True(t, sides)
}

// A node reaches its own pods whatever policies say (R52), another one does not.
func TestContrastKnowsOwnNodes(t *testing.T) {
	own := model.Node{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	c := contrasted{pods: []string{"a"}, nodes: []model.Node{own}, policies: map[string][]model.Rule{
		"deny": {denyAll(model.Ingress, "a")},
		"node": {denyAll(model.Ingress, "a"), allowFrom(model.Ingress, "a", cidrPeer("10.0.0.1/32"))},
	}}
	differ, _ := c.without(t, "node")
	require.False(t, differ)
	c.nodes = append(c.nodes, model.Node{Name: "n2", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}})
	c.policies["node"][1] = allowFrom(model.Ingress, "a", cidrPeer("10.0.0.2/32"))
	differ, _ = c.without(t, "node")
	require.True(t, differ)
}

// A host that one address opens is not as open as one of which two are open.
func TestContrastLooksAtEachAddressOfAHost(t *testing.T) {
	host := model.Node{Name: "n1", Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}}
	c := contrasted{pods: []string{"a"}, nodes: []model.Node{host}, policies: map[string][]model.Rule{
		"one": {denyAll(model.Egress, "a"), allowFrom(model.Egress, "a", cidrPeer("10.0.0.1/32"))},
		"two": {denyAll(model.Egress, "a"), allowFrom(model.Egress, "a", cidrPeer("10.0.0.2/32"))},
	}}
	differ, _ := c.without(t, "two")
	require.True(t, differ)
	c.policies["both"] = []model.Rule{denyAll(model.Egress, "a"), allowFrom(model.Egress, "a", cidrPeer("10.0.0.0/30"))}
	differ, _ = c.without(t, "two")
	require.False(t, differ)
}
