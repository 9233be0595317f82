package model_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

func TestRuleString(t *testing.T) {
	web := model.Selector{{Key: "app", Operator: model.In, Values: []string{"web"}}}
	for _, c := range []struct {
		rule model.Rule
		want string
	}{
		{
			model.Rule{
				Rank: model.Rank{Tier: model.TierNetworkPolicy, Priority: model.PriorityAllow}, Direction: model.Ingress,
				Subject: model.PodSet{Namespace: "ml", Pods: web}, Action: model.Allow,
				Peer: model.Peer{
					Pods:   []model.PodSet{{Namespaces: model.Selector{{Key: "team", Operator: model.Exists}}}, {}},
					Blocks: []model.Block{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), ExternalOnly: true}},
				},
				Ports:  model.RulePorts{Set: model.Port(model.TCP, 80), Named: []model.NamedPort{{Name: "dns", Protocol: model.UDP}}},
				Origin: model.Origin{File: "f.yaml", Path: "spec.ingress[0]"},
			},
			"networkpolicy/1 | ingress | ml:app=web | allow | {team}: + cluster + 10.0.0.0/8 (external) | TCP 80 UDP/dns | spec.ingress[0]",
		},
		{
			model.Rule{
				Rank: model.Rank{Tier: model.TierAdmin, Priority: 5, Index: 2}, Direction: model.Egress, Action: model.Pass,
				Ports: model.RulePorts{All: true, Other: model.OtherYes},
			},
			"admin/5/0/2 | egress | cluster | pass | nobody | ALL other=yes",
		},
		{
			model.Rule{Action: model.Allow, Peer: model.Peer{Relation: model.OwnNode}, Ports: model.RulePorts{Set: model.AllPorts()}},
			"exempt/0 | ingress | cluster | allow | own-node | TCP 1-65535 UDP 1-65535 SCTP 1-65535",
		},
		{
			model.Rule{Action: model.Deny, Peer: model.Peer{Any: true, Relation: model.Self}, Ports: model.RulePorts{Other: model.OtherUnspecified}},
			"exempt/0 | ingress | cluster | deny | any + self | NONE other=unspecified",
		},
	} {
		require.Equal(t, c.want, c.rule.String())
		require.Equal(t, c.want+"\n", model.FormatRules([]model.Rule{c.rule}))
	}
}
