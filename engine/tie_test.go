package engine_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// TestTiers compares ranks, Pass, ties (R105), rules that may allow and port
// names that are not known with a literal reading of them: every possibility is
// followed by itself.
func TestTiers(t *testing.T) {
	names := []model.NamedPort{{Name: "a", Protocol: model.TCP}, {Name: "b", Protocol: model.TCP}}
	tied, unsure := 0, 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 1))
		db := pod("shop", "db", "10.0.0.3", map[string]string{"app": "db"})
		db.Ports = []model.ContainerPort{{NamedPort: names[0], Port: 80}}
		db.PortsUnknown = r.IntN(2) == 0
		s := &model.Snapshot{
			Namespaces: []model.Namespace{{Name: "shop"}},
			Pods:       []model.Pod{db, pod("shop", "web", "10.0.0.1", map[string]string{"app": "web"})},
		}
		for range 1 + r.IntN(7) {
			rule := model.Rule{
				Rank: model.Rank{
					Tier:     []model.Tier{model.TierAdmin, model.TierAdmin, model.TierBaseline}[r.IntN(3)],
					Priority: int32(r.IntN(2)), Ordinal: int32(r.IntN(3)), Index: int32(r.IntN(3)),
				},
				Direction: model.Ingress, Subject: model.PodSet{Namespace: "shop", Pods: app("db")},
				Peer:   model.Peer{Pods: []model.PodSet{{Namespace: "shop", Pods: app([]string{"web", "web", "web", "other"}[r.IntN(4)])}}},
				Ports:  model.RulePorts{All: true, Other: model.OtherYes},
				Action: []model.Action{model.Allow, model.Deny, model.Pass, model.MayAllow, model.Uncertain}[r.IntN(5)],
			}
			switch r.IntN(4) {
			case 0:
				rule.Ports = model.RulePorts{Set: model.Port(model.TCP, uint16(80+r.IntN(2)))}
			case 1:
				rule.Ports = model.RulePorts{Named: []model.NamedPort{names[r.IntN(2)]}}
			}
			if i := slices.IndexFunc(s.Rules, func(o model.Rule) bool { return o.Rank == rule.Rank }); i >= 0 {
				rule.Action = s.Rules[i].Action // M2
			}
			s.Rules = append(s.Rules, rule)
		}
		x, err := engine.Compile(s, engine.Options{})
		require.NoError(t, err)
		f := engine.Flow{Src: mustPod(t, x, "web"), Dst: mustPod(t, x, "db"), Protocol: model.TCP}
		between := x.Between(f.Src, f.Dst)
		for f.Port = 79; f.Port <= 82; f.Port++ {
			var outcomes [2]bool // denied, allowed
			for world := range 4 {
				if !db.PortsUnknown && world > 0 {
					break
				}
				resolves := func(n model.NamedPort) bool {
					i := slices.Index(names, n)
					return i == 0 && f.Port == 80 || db.PortsUnknown && world>>i&1 != 0
				}
				follow(sortedRules(s.Rules), func(r model.Rule) bool {
					return r.Peer.Pods[0].Pods[0].Values[0] == "web" &&
						(r.Ports.All || r.Ports.Set.Contains(model.TCP, f.Port) || slices.ContainsFunc(r.Ports.Named, resolves))
				}, &outcomes)
			}
			want := model.Unknown
			switch outcomes {
			case [2]bool{false, true}:
				want = model.Allowed
			case [2]bool{true, false}:
				want = model.Denied
			default:
				unsure++
			}
			require.Equal(t, want, x.Verdict(f), "seed %d port %d:\n%v", seed, f.Port, s)
			require.Equal(t, want == model.Allowed, between.Lower.Contains(model.TCP, f.Port), "seed %d port %d:\n%v", seed, f.Port, s)
			require.Equal(t, want != model.Denied, between.Upper.Contains(model.TCP, f.Port), "seed %d port %d:\n%v", seed, f.Port, s)
			trace := x.Explain(f).Families[0].Ingress
			require.Equal(t, want, trace.Verdict)
			decide := 0
			for _, step := range trace.Steps {
				if step.Decides {
					decide++
				}
			}
			require.Positive(t, decide, "something decides")
			if decide > 1 {
				tied++
			}
		}
	}
	require.Greater(t, unsure, 1000)
	require.Greater(t, tied, 1000)
}

func sortedRules(rules []model.Rule) []model.Rule {
	out := slices.Clone(rules)
	slices.SortStableFunc(out, func(a, b model.Rule) int { return a.Rank.Compare(b.Rank) })
	return out
}

// follow notes every outcome that rules in rank order can have.
func follow(rules []model.Rule, matches func(model.Rule) bool, outcomes *[2]bool) {
	if len(rules) == 0 {
		outcomes[1] = true
		return
	}
	// The policies of this tier and priority, each with what it can come to.
	first := rules[0].Rank
	n := 0
	var policies [][]model.Rule
	for n < len(rules) && rules[n].Rank.Tier == first.Tier && rules[n].Rank.Priority == first.Priority {
		if n == 0 || rules[n].Rank.Ordinal != rules[n-1].Rank.Ordinal {
			policies = append(policies, nil)
		}
		policies[len(policies)-1] = append(policies[len(policies)-1], rules[n])
		n++
	}
	rest := rules[n:]
	after := slices.Clone(rest)
	after = slices.DeleteFunc(after, func(r model.Rule) bool { return r.Rank.Tier == first.Tier })
	var combine func(i int, seen map[model.Action]bool)
	combine = func(i int, seen map[model.Action]bool) {
		if i < len(policies) {
			for a := range firstMatches(policies[i], matches) {
				with := map[model.Action]bool{}
				for b := range seen {
					with[b] = true
				}
				if a != 0 {
					with[a] = true
				}
				combine(i+1, with)
			}
			return
		}
		if len(seen) == 0 {
			follow(rest, matches, outcomes)
		}
		for a := range seen { // any of them may be the one that counts
			switch a {
			case model.Allow:
				outcomes[1] = true
			case model.Deny:
				outcomes[0] = true
			case model.Pass:
				follow(after, matches, outcomes)
			}
		}
	}
	combine(0, nil)
}

// firstMatches is what a policy's first match can come to: Allow, Deny, Pass, or 0 for
// none.
func firstMatches(policy []model.Rule, matches func(model.Rule) bool) map[model.Action]bool {
	for i, r := range policy {
		if !matches(r) {
			continue
		}
		switch r.Action {
		case model.MayAllow:
			out := firstMatches(policy[i+1:], matches)
			out[model.Allow] = true
			return out
		case model.Uncertain:
			return map[model.Action]bool{model.Allow: true, model.Deny: true}
		}
		return map[model.Action]bool{r.Action: true}
	}
	return map[model.Action]bool{0: true}
}
