package cluster

import "github.com/podreach/podreach/model"

// unmanaged are the rules that keep every policy away from pods that the
// network plugin does not manage, also policies that nobody understood (R69).
func (s *State) unmanaged() []model.Rule {
	var out []model.Rule
	for i, pods := range s.options.Unmanaged {
		origin := s.options.UnmanagedOrigin
		if origin.Known() {
			origin = origin.Field(i)
		}
		for _, d := range bothDirections {
			out = append(out, model.Rule{
				Rank:      model.Rank{Tier: model.TierExempt, Priority: model.PriorityUnmanaged},
				Direction: d,
				Subject:   pods,
				Peer:      model.Peer{Any: true},
				Ports:     model.RulePorts{All: true, Other: model.OtherYes},
				Action:    model.Allow,
				Origin:    origin,
				Note:      "the network plugin does not manage " + pods.String() + ": no policy applies there (R69)",
			})
		}
	}
	return out
}
