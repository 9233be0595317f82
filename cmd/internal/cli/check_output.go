package cli

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

// proseGroups is how many groups of an assertion prose shows, unless wide.
const proseGroups = 5

// statusWords are the first words of a line.
var statusWords = map[string]string{statusHolds: "ok", statusWaived: "waived", statusUncertain: "uncertain", statusFails: "FAIL"}

// prose is the answer for people: a line for each assertion, below it why.
func (c *checking) prose(wide bool) string {
	var b strings.Builder
	for i := range c.doc.Results {
		r := &c.doc.Results[i]
		printf(&b, "%-9s %s", statusWords[r.Status], r.ID)
		if r.Title != "" {
			printf(&b, ": %s", r.Title)
		}
		if r.Status == statusHolds {
			b.WriteString("\n")
			continue
		}
		note := r.Severity
		switch {
		case r.Status == statusWaived:
			note = ""
		case r.Fails || c.gate.writeBaseline:
		case c.known != nil && c.gate.onlyNew:
			note += ", known"
		default:
			note += ", does not fail"
		}
		if note != "" {
			printf(&b, " (%s)", note)
		}
		printf(&b, "  %s\n", r.At)
		c.proseResult(&b, r, wide)
	}
	b.WriteString("\n" + c.summary() + "\n")
	if d := c.doc.Known; d != nil && len(d.Gone) > 0 {
		printf(&b, "%d in %s hold now, or are stated no more:\n", len(d.Gone), d.File)
		for i, text := range d.Gone {
			if i == proseGroups && !wide {
				printf(&b, "  and %d more\n", len(d.Gone)-i)
				break
			}
			printf(&b, "  %s\n", text)
		}
	}
	return b.String()
}

func (c *checking) summary() string {
	s := &c.doc.Summary
	text := fmt.Sprintf("%d of %d assertions hold", s.Holds+s.Waived, s.Assertions)
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Waived, "with waivers"}, {s.Fails, "not"}, {s.Uncertain, "uncertain"}, {s.Known, "known from the baseline"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}

func (c *checking) proseResult(b *strings.Builder, r *resultOfCheck, wide bool) {
	for _, p := range r.Problems {
		printf(b, "    %s (%s)  %s\n", p.Message, p.Code, p.At)
	}
	if r.Reason != "" {
		printf(b, "    %s\n", r.Reason)
	}
	groups := append(append([]groupDocument{}, r.Groups...), r.Waived...)
	shown := groups
	if !wide {
		shown = groups[:min(len(groups), proseGroups)]
	}
	for i := range shown {
		shown[i].prose(b, r, wide)
	}
	if n := r.GroupCount + len(r.Waived) + r.WaivedMore - len(shown); n > 0 {
		hint := ""
		if !wide {
			hint = " (all: -o wide)"
		}
		printf(b, "    and %d more%s\n", n, hint)
	}
	if r.Because != "" && r.Status != statusWaived {
		for i, line := range fold(report.Printable("wanted because "+r.Because), proseWidth-4) {
			b.WriteString("    " + strings.Repeat("  ", min(i, 1)) + line + "\n")
		}
	}
}

// sentence says in one line what a group does.
func (g *groupDocument) sentence(r *resultOfCheck) string {
	n := fmt.Sprintf("%d of %d pairs", g.Pairs, r.Pairs.Total)
	if g.WaivedBy != "" { // they are not in the total
		n = fmt.Sprintf("%d pairs", g.Pairs)
	}
	if r.Expect == "covered" {
		n = fmt.Sprintf("%d pods", g.Pairs)
		if g.Pairs == 1 {
			n = "1 pod"
		}
		if !g.Certain {
			return fmt.Sprintf("whether %s is isolated for %s is not known (%s)", g.From, g.Direction, n)
		}
		return fmt.Sprintf("%s is not isolated for %s (%s)", g.From, g.Direction, n)
	}
	var verb string
	switch stops := r.Expect == "reachable" || r.Expect == "dns"; {
	case r.Expect == "exists" && g.Certain:
		return fmt.Sprintf("nothing of %s reaches %s (%d pairs)", g.From, g.To, g.Pairs)
	case stops && g.Certain:
		verb = "does not reach"
	case stops:
		verb = "may not reach"
	case g.Certain:
		verb = "reaches"
	default:
		verb = "may reach"
	}
	on := " on " + briefPorts(g.Ports.PortSet)
	if g.Ports.Empty() {
		on = ""
	}
	text := fmt.Sprintf("%s %s %s%s (%s)", g.From, verb, g.To, on, n)
	for _, c := range [][]string{g.FromCIDRs, g.ToCIDRs} {
		if len(c) > 0 {
			text += ": " + briefList(c, ", ")
		}
	}
	return text
}

func (g *groupDocument) prose(b *strings.Builder, r *resultOfCheck, wide bool) {
	printf(b, "    %s", g.sentence(r))
	switch {
	case g.Known:
		b.WriteString(" [known]")
	case g.WaivedBy != "":
		printf(b, " [waived by %s]", g.WaivedBy)
	}
	b.WriteString("\n")
	if g.WaivedBy != "" && !wide {
		return
	}
	if w := g.Witness; w != nil {
		printf(b, "      for one %s -> %s on %s %d", w.From, w.To, w.Protocol, w.Port)
		if w.Family != "" {
			printf(b, " over %s", w.Family)
		}
		b.WriteString("\n")
	}
	rules, word := g.OpenedBy, "opened by"
	if g.StoppedBy != nil {
		rules, word = g.StoppedBy, "stopped by"
	}
	if !g.Certain {
		word = "hangs on"
	}
	side := func(title string, refs []ruleRef, why string) {
		for i, ref := range refs {
			if i == shownRules && !wide {
				printf(b, "      and %d more rules for %s\n", len(refs)-i, title)
				break
			}
			object := ref.Object
			if object == "" {
				object = "a rule"
			}
			printf(b, "      %s %s for %s  %s\n", word, object, title, ref.At)
			ref.writeSays(b, 8, wide)
		}
		if why != "" {
			printf(b, "      %s\n", why)
		}
	}
	side("egress", rules.Egress, g.Why.Egress)
	side("ingress", rules.Ingress, g.Why.Ingress)
	if g.Why.Pairs != "" {
		printf(b, "      %s\n", g.Why.Pairs)
	}
	if g.Reason != "" {
		printf(b, "      not known: %s\n", g.Reason)
		printf(b, "      settled by %s\n", g.Settle)
	}
}

// table has a row for each assertion that holds, and one for each group of one that
// does not.
func (c *checking) table() *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "status"}, {Name: "id"}, {Name: "severity"}, {Name: "from"}, {Name: "to"}, {Name: "ports"}, {Name: "pairs"}, {Name: "witness"}, {Name: "rules"},
		{Name: "at"}, {Name: "message", Wide: true}, {Name: "title", Wide: true}, {Name: "fingerprint", Wide: true},
	}}
	for i := range c.doc.Results {
		r := &c.doc.Results[i]
		rows := 0
		add := func(status, from, to, ports, pairs, witness, rules, message, key string) {
			t.Rows = append(t.Rows, []string{status, r.ID, r.Severity, from, to, ports, pairs, witness, rules, r.At, message, r.Title, key})
			rows++
		}
		for _, p := range r.Problems {
			status := r.Status
			if !p.fails {
				status = "warning"
			}
			add(status, "", "", "", "", "", p.Code+" ("+p.At+")", p.Message, "")
		}
		status := r.Status
		for _, list := range [][]groupDocument{r.Groups, r.Waived} {
			for i := range list {
				g := &list[i]
				witness := ""
				if w := g.Witness; w != nil {
					witness = fmt.Sprintf("%s -> %s %s %d", w.From, w.To, w.Protocol, w.Port)
				}
				to := g.To
				if to == "" {
					to = g.Direction
				}
				add(status, g.From, to, portsText(g.Ports.PortSet), fmt.Sprint(g.Pairs), witness, g.refs(), g.sentence(r), g.Key)
			}
			status = statusWaived
		}
		if rows == 0 || r.Status == statusHolds {
			add(r.Status, r.From, r.To, r.Ports, "", "", "", r.Reason, "")
		}
	}
	return t
}

// refs are the rules of a group, and why there are none, in one cell.
func (g *groupDocument) refs() string {
	rules := g.OpenedBy
	if g.StoppedBy != nil {
		rules = g.StoppedBy
	}
	var out []string
	for _, list := range [][]ruleRef{rules.Egress, rules.Ingress} {
		for _, r := range list {
			out = append(out, r.Object+" ("+r.At+")")
		}
	}
	for _, why := range []string{g.Why.Egress, g.Why.Ingress, g.Why.Pairs} {
		if why != "" {
			out = append(out, why)
		}
	}
	return strings.Join(out, "; ")
}

// levels are the levels and GitHub's scores of severities.
var levels = map[string]struct {
	level report.Level
	score string
}{"critical": {report.Error, "9.5"}, "high": {report.Error, "8.0"}, "medium": {report.Warning, "5.5"}, "low": {report.Note, "2.5"}, "info": {report.Note, "0.5"}}

// findings is the answer for the formats of CI.
func (c *checking) findings() *report.Findings {
	f := &report.Findings{Command: "podreach check", Summary: c.summary()}
	codes := map[string]bool{}
	for i := range c.doc.Results {
		r := &c.doc.Results[i]
		level := levels[r.Severity]
		if r.Status == statusUncertain && c.gate.uncertain == "warn" {
			level.level = min(level.level, report.Warning)
		}
		title := r.Title
		if title == "" {
			title = r.ID
		}
		at := r.at
		f.Checks = append(f.Checks, report.Check{ID: r.ID, Title: title, Text: r.text(), Level: level.level, Score: level.score, Tags: r.Maps, At: &at})
		for _, p := range r.Problems {
			codes[p.Code] = true
			l := level.level
			if !p.fails {
				l = report.Note
			}
			f.Items = append(f.Items, report.Finding{Check: p.Code, Level: l, Message: r.ID + ": " + p.Message, At: []report.Place{p.place}, Key: r.ID + ": " + p.key, Passes: !p.fails || !r.Fails})
		}
		if r.Reason != "" {
			f.Items = append(f.Items, report.Finding{Check: r.ID, Level: level.level, Message: title + ": uncertain: " + r.Reason, At: []report.Place{r.at}, Key: r.ID + ": uncertain", Passes: !r.Fails})
		}
		for _, list := range [][]groupDocument{r.Groups, r.Waived} {
			for i := range list {
				f.Items = append(f.Items, list[i].finding(r, title, level.level, c.gate.onlyNew))
			}
		}
		if n := r.GroupCount - len(r.Groups); n > 0 {
			f.Items = append(f.Items, report.Finding{Check: r.ID, Level: level.level, Message: fmt.Sprintf("%s: %d more pairs of workloads are not as it says", title, n), At: []report.Place{r.at}, Key: r.ID + ": more", Passes: !r.Fails})
		}
	}
	for _, code := range []dialect.Code{dialect.CodeWaiverExpired, dialect.CodeChecksNothing, dialect.CodeWaiverIdle} {
		if codes[code.String()] {
			d := code.Doc()
			level := report.Error
			if code == dialect.CodeWaiverIdle {
				level = report.Note
			}
			f.Checks = append(f.Checks, report.Check{ID: code.String(), Title: d.Title, Text: d.Text, Level: level})
		}
	}
	return f
}

// text says what an assertion wants, in Markdown.
func (r *resultOfCheck) text() string {
	parts := []string{"expect " + r.Expect}
	for _, p := range [][2]string{{"from", r.From}, {"to", r.To}, {"on", r.Ports}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" `"+strings.ReplaceAll(report.Printable(p[1]), "`", "'")+"`")
		}
	}
	text := strings.Join(parts, ", ") + "."
	if r.Because != "" {
		text += " " + r.Because
	}
	return text
}

func (g *groupDocument) finding(r *resultOfCheck, title string, level report.Level, onlyNew bool) report.Finding {
	var detail strings.Builder
	g.prose(&detail, r, false)
	sentence := g.sentence(r) // the message has it, and so need the detail not
	f := report.Finding{Check: r.ID, Level: level, Message: title + ": " + sentence, Detail: strings.TrimPrefix(detail.String(), "    "+report.Printable(sentence)+"\n"), At: append(append([]report.Place{}, g.places...), r.at), Key: g.key, Waived: g.WaivedBy, Passes: !r.Fails || g.Known && onlyNew}
	f.At[len(f.At)-1].Message = "the assertion"
	return f
}
