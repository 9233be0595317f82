package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
)

// ruleRef is a rule in a JSON document.
type ruleRef struct {
	Object string `json:"object"` // "NetworkPolicy ml/allow-dns"; "" for a rule that Kubernetes implies
	At     string `json:"at"`     // file:line of the rule
	Says   string `json:"says"`
	brief  string // Says with long lists cut short
}

func (in *input) ruleRef(rule int) ruleRef {
	r := &in.x.Snapshot().Rules[rule]
	ref := ruleRef{At: in.at(r.Origin), Says: ruleText(r, false), brief: ruleText(r, true)}
	if r.Object.Kind != "" {
		ref.Object = r.Object.String()
	}
	return ref
}

// ruleText is what a rule says, in words; brief cuts its lists short.
func ruleText(r *model.Rule, brief bool) string {
	place := rulePlace(r)
	if r.Note != "" {
		return place + r.Note
	}
	if r.Isolates() {
		return fmt.Sprintf("isolates %s for %v: only what a policy allows", r.Subject, r.Direction)
	}
	preposition, rest := "from", ""
	if r.Direction == model.Egress {
		preposition = "to"
	}
	if r.Action == model.Pass {
		rest = "; the next tier decides"
	}
	return fmt.Sprintf("%s%s %s %s %s %s%s", place, r.Subject, verbs[r.Direction][r.Action], rulePorts(r.Ports, brief), preposition, rulePeer(r.Peer, brief), rest)
}

var verbs = [model.NumDirections]map[model.Action]string{
	model.Ingress: {model.Allow: "accepts", model.Deny: "refuses", model.Pass: "passes on"},
	model.Egress:  {model.Allow: "may open", model.Deny: "may not open", model.Pass: "passes on"},
}

// rulePlace says where a rule of an admin policy stands among others, because
// that decides: `admin tier, priority 5, rule 2 "no-blue": `. It is "" for
// other rules.
func rulePlace(r *model.Rule) string {
	if r.Rank.Tier != model.TierAdmin && r.Rank.Tier != model.TierBaseline {
		return ""
	}
	s := fmt.Sprintf("%v tier, priority %d, rule %d", r.Rank.Tier, r.Rank.Priority, model.AdminNumber(r.Rank.Index))
	if r.Object.Kind == "BaselineAdminNetworkPolicy" { // there is one only, without a priority
		s = fmt.Sprintf("%v tier, rule %d", r.Rank.Tier, model.AdminNumber(r.Rank.Index))
	}
	if r.Name != "" {
		s += fmt.Sprintf(" %q", r.Name)
	}
	return s + ": "
}

func rulePorts(p model.RulePorts, brief bool) string {
	switch {
	case p.All:
		return "any port"
	}
	var parts []string
	switch {
	case p.Set.Empty():
	case brief:
		parts = append(parts, briefPorts(p.Set))
	default:
		parts = append(parts, portsText(p.Set))
	}
	for i, n := range p.Named { // sorted by name and protocol
		switch j := i - i%model.NumProtocols; {
		case len(p.Named)%model.NumProtocols != 0 || p.Named[j].Name != p.Named[j+model.NumProtocols-1].Name:
			parts = append(parts, n.String())
		case i == j: // of any protocol (R101)
			parts = append(parts, "*/"+n.Name)
		}
	}
	if !brief {
		return strings.Join(parts, " ")
	}
	return briefList(parts, " ")
}

func rulePeer(p model.Peer, brief bool) string {
	p.Pods = shownSets(p.Pods)
	switch {
	case p.Any:
		return "everything"
	case !brief:
		return p.String()
	}
	var parts []string
	for _, s := range p.Pods {
		parts = append(parts, s.String())
	}
	if p.NoPods {
		parts = append(parts, "all but pods")
	}
	for _, b := range p.Blocks {
		parts = append(parts, blockText(b))
	}
	if p.Relation != model.NoRelation {
		parts = append(parts, p.Relation.String())
	}
	return briefList(parts, " + ")
}

// shownSets leaves out what marks pods that are not managed (R69, Cilium): a
// term of every set, and the set of just those, of a peer that means all but pods.
func shownSets(sets []model.PodSet) []model.PodSet {
	var out []model.PodSet
	for _, s := range sets {
		marks := func(r model.Requirement) bool { return r.Key == model.UnmanagedLabel }
		if i := slices.IndexFunc(s.Pods, marks); i >= 0 {
			if s.Pods[i].Operator == model.Exists {
				continue
			}
			s.Pods = slices.DeleteFunc(slices.Clone(s.Pods), marks)
		}
		out = append(out, s)
	}
	return out
}

// blockText is "0.0.0.0/0 except 10.0.0.0/8, 172.16.0.0/12 and 3 more".
func blockText(b model.Block) string {
	s := b.CIDR.String()
	if len(b.Except) > 0 {
		s += " except " + briefList(cidrs(b.Except), ", ")
	}
	if b.ExternalOnly {
		s += " (external)"
	}
	return s
}

// briefItems is how many items of a long list are shown.
const briefItems = 2

// briefList joins items; where there are many, only the first are shown.
func briefList(items []string, separator string) string {
	if len(items) <= briefItems+1 { // "and 1 more" would be no shorter
		return strings.Join(items, separator)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:briefItems], separator), len(items)-briefItems)
}

// ruleLines is how many lines of prose what a rule says may take.
const ruleLines = 3

// writeSays writes what a rule says below its name: on one line when wide,
// otherwise broken into few lines, and with its long lists cut short where
// that is not enough.
func (r *ruleRef) writeSays(b *strings.Builder, indent int, wide bool) {
	margin := strings.Repeat(" ", indent)
	says := report.Printable(r.Says)
	if wide {
		b.WriteString(margin + says + "\n")
		return
	}
	lines := fold(says, proseWidth-indent)
	if len(lines) > ruleLines {
		lines = fold(report.Printable(r.brief), proseWidth-indent)
	}
	if len(lines) > ruleLines {
		lines = append(lines[:ruleLines-1], "... (-o wide shows all of it)")
	}
	for _, line := range lines {
		b.WriteString(margin + line + "\n")
	}
}

// proseWidth is the width that prose keeps to.
const proseWidth = 100

// fold breaks a text into lines of at most width characters: at spaces and
// after commas, and inside a word that is longer than that.
func fold(text string, width int) []string {
	var out []string
	rest := []rune(text)
	for len(rest) > width {
		cut, skip := width, 0
		for i := width; i > 0; i-- {
			if rest[i] == ' ' {
				cut, skip = i, 1
				break
			}
			if rest[i-1] == ',' {
				cut = i
				break
			}
		}
		out = append(out, string(rest[:cut]))
		rest = rest[cut+skip:]
	}
	return append(out, string(rest))
}
