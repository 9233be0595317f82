package report

import (
	"bufio"
	"fmt"
	"net/url"
	"strings"
)

// GitHub takes a summary of 1 MiB from one step and throws a bigger one away.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
const (
	maxSummary = 512 << 10
	maxCell    = 500
)

// summary writes a job summary in Markdown: how many there are, the findings
// that fail, and folded what else there is.
func (f *Findings) summary(w *bufio.Writer) {
	at := f.places()
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n\n", markdownText(f.Command), markdownText(f.Summary))
	var failing, passing, waived []*Finding
	var levels [len(commands)]int
	for _, x := range f.worstFirst() {
		switch {
		case x.fails():
			failing = append(failing, x)
			levels[x.Level]++
		case x.Waived == "":
			passing = append(passing, x)
		default:
			waived = append(waived, x)
		}
	}
	found := map[string]bool{}
	for _, x := range f.Items {
		found[x.Check] = true
	}
	var holding []Check
	for _, c := range f.Checks {
		if !found[c.ID] {
			holding = append(holding, c)
		}
	}
	fmt.Fprintf(&b, "%s, %s, %s; %d let pass, %d waived; %s without a finding\n", count(levels[Error], "error"), count(levels[Warning], "warning"),
		count(levels[Note], "note"), len(passing), len(waived), count(len(holding), "check"))
	if len(failing) > 0 {
		b.WriteString("\n")
		f.rows(&b, at, failing)
	}
	fold := func(n int, what string, rows func()) {
		if n > 0 {
			fmt.Fprintf(&b, "\n<details><summary>%d %s</summary>\n\n", n, what)
			rows()
			b.WriteString("\n</details>\n")
		}
	}
	fold(len(passing), "let pass", func() { f.rows(&b, at, passing) })
	fold(len(waived), "waived", func() { f.rows(&b, at, waived) })
	fold(len(holding), "without a finding", func() {
		b.WriteString("| check | title | stated at |\n| --- | --- | --- |\n")
		for i, c := range holding {
			if b.Len() > maxSummary {
				fmt.Fprintf(&b, "| … | and %d more | |\n", len(holding)-i)
				break
			}
			place := ""
			if c.At != nil {
				place = f.link(at, *c.At)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", markdownText(c.ID), markdownText(c.Title), place)
		}
	})
	w.WriteString(b.String())
}

// rows writes a table of findings, as many as there is room for.
func (f *Findings) rows(b *strings.Builder, at *places, items []*Finding) {
	stated := map[string]*Place{}
	for i := range f.Checks {
		stated[f.Checks[i].ID] = f.Checks[i].At
	}
	b.WriteString("| level | check | finding | where |\n| --- | --- | --- | --- |\n")
	for i, x := range items {
		if b.Len() > maxSummary {
			fmt.Fprintf(b, "| … | | and %d more | |\n", len(items)-i)
			return
		}
		text := markdownText(x.Message)
		if x.Waived != "" {
			text += " — waived: " + markdownText(x.Waived)
		}
		place := ""
		if len(x.At) > 0 {
			place = f.link(at, x.At[0])
		} else if stated[x.Check] != nil {
			place = f.link(at, *stated[x.Check])
		}
		fmt.Fprintf(b, "| %v | %s | %s | %s |\n", x.Level, markdownText(x.Check), text, place)
	}
}

// link is a place, as a link where the repository can be looked at.
func (f *Findings) link(at *places, p Place) string {
	s := at.spot(p.File)
	shown := markdownText(Place{File: s.path, Line: p.Line}.String())
	reference, relative := at.uri(p.File)
	if f.Link == "" || !s.file || !relative {
		return shown
	}
	target := strings.TrimSuffix(f.Link, "/") + "/" + strings.NewReplacer("(", "%28", ")", "%29", "|", "%7C").Replace(reference)
	if _, err := url.Parse(target); err != nil {
		return shown
	}
	if p.Line > 0 {
		target += fmt.Sprintf("#L%d", p.Line)
	}
	return fmt.Sprintf("[%s](%s)", shown, target)
}

// markdownText is text for a cell or a line.
func markdownText(s string) string { return markdownEscapes.Replace(printable(cut(s, maxCell))) }
