package engine

import "github.com/podreach/podreach/model"

// OwnNode says whether src is the host network namespace of the node that the
// pod dst is on (R52); Unknown where the snapshot does not say which node one
// of them is on (R57). Between is equal for any two pairs of different
// endpoints whose classes and OwnNode are equal. Cost: O(1).
func (x *Index) OwnNode(src, dst EndpointID) model.Verdict {
	switch x.pair(src, dst).own {
	case relYes:
		return model.Allowed
	case relMaybe:
		return model.Unknown
	}
	return model.Denied
}
