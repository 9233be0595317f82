package report

import (
	"bufio"
	"fmt"
	"strings"
)

// shownAnnotations is how many annotations of a level GitHub shows of one step.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
const shownAnnotations = 10

// commands are the workflow commands of the levels.
var commands = [...]string{Note: "notice", Warning: "warning", Error: "error"}

// annotations writes a workflow command for each finding that is not waived,
// the worst first because GitHub shows only some, and then the summary.
func (f *Findings) annotations(w *bufio.Writer) {
	at := f.places()
	checks := map[string]Check{}
	for _, c := range f.checks() {
		checks[c.ID] = c
	}
	var written [len(commands)]int
	for _, x := range f.worstFirst() {
		if x.Waived != "" {
			continue
		}
		written[x.Level]++
		c := checks[x.Check]
		var properties []string
		primary := at.primary(x, &c, f.Input)
		if primary.File != "" {
			properties = append(properties, "file="+propertyEscapes.Replace(printable(at.spot(primary.File).path)))
			if primary.Line > 0 {
				properties = append(properties, fmt.Sprintf("line=%d", primary.Line))
			}
			if primary.Line > 0 && primary.Column > 0 {
				properties = append(properties, fmt.Sprintf("col=%d", primary.Column))
			}
		}
		title := x.Check
		if c.Title != "" && c.Title != x.Check {
			title += ": " + c.Title
		}
		properties = append(properties, "title="+propertyEscapes.Replace(printable(cut(title, maxTitle))))
		text := printable(x.Message)
		if len(x.At) > 0 && x.At[0] != primary {
			text = printable(x.At[0].String()) + ": " + text
		}
		if x.Detail != "" {
			text += "\n" + printableLines(x.Detail)
		}
		fmt.Fprintf(w, "::%s %s::%s\n", commands[x.Level], strings.Join(properties, ","), messageEscapes.Replace(cut(text, maxMessage)))
	}
	summary := f.Summary
	for level, n := range written {
		if n > shownAnnotations {
			summary += fmt.Sprintf("; GitHub shows %d of %s", shownAnnotations, count(n, Level(level).String()))
		}
	}
	// Behind the command's name no text is at the start of a line.
	fmt.Fprintf(w, "%s: %s\n", f.Command, printable(summary))
}

// As the runner unescapes them
// (https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts).
var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
