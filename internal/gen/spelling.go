package gen

import (
	"fmt"
	"hash/fnv"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// spelling is how a field that holds nothing is written.
type spelling uint8

const (
	absent spelling = iota
	null
	emptyList
	emptyMap
)

// blank is a field of a policy that holds nothing, and how it is spelled.
type blank struct {
	path []any // keys and indexes from the policy's root
	how  spelling
	sort blankSort
}

// blankSort is a sort of blank: spelled says what each spelling of it counts as.
type blankSort uint8

const (
	blankTypes blankSort = iota
	blankSubjects
	blankRules
	blankPeers
	blankPorts
	blankExcept
	blankPeerField
	blankMap
	blankList
	blankProtocol
	blankPort
	blankEndPort
)

var spelled = map[blankSort]map[spelling]Feature{
	blankTypes:     {absent: TypesAbsent, null: TypesNull, emptyList: TypesEmpty},
	blankSubjects:  {absent: SubjectsAbsent, null: SubjectsNull, emptyMap: SubjectsEmpty},
	blankRules:     {absent: RulesAbsent, null: RulesNull, emptyList: RulesEmpty},
	blankPeers:     {absent: PeersAbsent, null: PeersNull, emptyList: PeersEmpty},
	blankPorts:     {absent: PortsAbsent, null: PortsNull, emptyList: PortsEmpty},
	blankExcept:    {null: BlockExceptNull, emptyList: BlockExceptEmpty},
	blankPeerField: {null: PeerFieldNull},
	blankMap:       {null: SelectorMapNull, emptyMap: SelectorMapEmpty},
	blankList:      {null: SelectorListNull, emptyList: SelectorListEmpty},
	blankProtocol:  {absent: EntryProtocolAbsent, null: EntryProtocolNull},
	blankPort:      {absent: EntryPortAbsent, null: EntryPortNull},
	blankEndPort:   {null: EntryEndPortNull},
}

// blanks finds the fields of a policy that hold nothing. How each is spelled
// depends on the cluster, the policy's name and the field's path only, so that a
// policy keeps its spelling when others are taken away.
func (c *Cluster) blanks(np *networkingv1.NetworkPolicy) []blank {
	var out []blank
	add := func(sort blankSort, path ...any) {
		others := []spelling{null}
		switch sort {
		case blankTypes, blankRules, blankPeers, blankPorts, blankExcept, blankList:
			others = append(others, emptyList)
		case blankSubjects, blankMap:
			others = append(others, emptyMap)
		}
		h := fnv.New64a()
		fmt.Fprint(h, c.Spelling, np.Name, path)
		n := h.Sum64() >> 8 // the low bits of FNV hardly mix
		b := blank{path: path, sort: sort}
		if n%100 >= pctAbsent {
			b.how = others[n/100%uint64(len(others))]
		}
		out = append(out, b)
	}
	selector := func(s *metav1.LabelSelector, path ...any) {
		if len(s.MatchLabels) == 0 {
			add(blankMap, append(slices.Clone(path), "matchLabels")...)
		}
		if len(s.MatchExpressions) == 0 {
			add(blankList, append(slices.Clone(path), "matchExpressions")...)
		}
	}
	rule := func(direction, list string, i int, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		at := func(path ...any) []any { return append([]any{"spec", direction, i}, path...) }
		if len(peers) == 0 {
			add(blankPeers, at(list)...)
		}
		if len(ports) == 0 {
			add(blankPorts, at("ports")...)
		}
		for j, p := range peers {
			if p.PodSelector != nil {
				selector(p.PodSelector, at(list, j, "podSelector")...)
			} else {
				add(blankPeerField, at(list, j, "podSelector")...)
			}
			if p.NamespaceSelector != nil {
				selector(p.NamespaceSelector, at(list, j, "namespaceSelector")...)
			} else {
				add(blankPeerField, at(list, j, "namespaceSelector")...)
			}
			switch {
			case p.IPBlock == nil:
				add(blankPeerField, at(list, j, "ipBlock")...)
			case len(p.IPBlock.Except) == 0:
				add(blankExcept, at(list, j, "ipBlock", "except")...)
			}
		}
		for j, p := range ports {
			if p.Protocol == nil {
				add(blankProtocol, at("ports", j, "protocol")...)
			}
			if p.Port == nil {
				add(blankPort, at("ports", j, "port")...)
			}
			if p.EndPort == nil {
				add(blankEndPort, at("ports", j, "endPort")...)
			}
		}
	}

	if len(np.Spec.PolicyTypes) == 0 {
		add(blankTypes, "spec", "policyTypes")
	}
	if s := &np.Spec.PodSelector; len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		add(blankSubjects, "spec", "podSelector")
	} else {
		selector(s, "spec", "podSelector")
	}
	if len(np.Spec.Ingress) == 0 {
		add(blankRules, "spec", "ingress")
	}
	if len(np.Spec.Egress) == 0 {
		add(blankRules, "spec", "egress")
	}
	for i, r := range np.Spec.Ingress {
		rule("ingress", "from", i, r.From, r.Ports)
	}
	for i, r := range np.Spec.Egress {
		rule("egress", "to", i, r.To, r.Ports)
	}
	return out
}

// spell writes the blanks of a policy into its JSON tree.
func (c *Cluster) spell(tree any, np *networkingv1.NetworkPolicy) {
	for _, b := range c.blanks(np) {
		at := tree
		for _, step := range b.path[:len(b.path)-1] {
			switch step := step.(type) {
			case string:
				at = at.(map[string]any)[step]
			case int:
				at = at.([]any)[step]
			}
		}
		field, key := at.(map[string]any), b.path[len(b.path)-1].(string)
		switch b.how {
		case absent:
			delete(field, key)
		case null:
			field[key] = nil
		case emptyList:
			field[key] = []any{}
		case emptyMap:
			field[key] = map[string]any{}
		}
	}
}

// observeSpelling counts the spellings of a policy.
func (g *generator) observeSpelling(np *networkingv1.NetworkPolicy) {
	types, egress := absent, absent
	for _, b := range g.c.blanks(np) {
		switch {
		case b.sort == blankTypes:
			types = b.how
		case b.sort == blankRules && b.path[1] == "egress":
			egress = b.how
		}
		if f := spelled[b.sort][b.how]; f != "" {
			g.hit(f)
		}
	}
	if len(np.Spec.PolicyTypes) == 0 && types == absent && egress == emptyList {
		g.hit(EgressEmptyWithoutTypes)
	}
}
