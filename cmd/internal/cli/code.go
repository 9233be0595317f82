package cli

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model/dialect"
)

// codeDocument is podreach.code/v1.
type codeDocument struct {
	Schema   string `json:"schema"`
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Text     string `json:"text,omitempty"`
	Example  string `json:"example,omitempty"`
	After    string `json:"after,omitempty"`
}

// codesDocument is podreach.codes/v1.
type codesDocument struct {
	Schema string         `json:"schema"`
	Codes  []codeDocument `json:"codes"`
}

func codeDocumentOf(d dialect.CodeDoc) codeDocument {
	return codeDocument{"podreach.code/v1", d.Code.String(), d.Severity.String(), d.Title, d.Text, d.Example, d.After}
}

// explainCode explains one code; without arguments it lists them.
func (r *run) explainCode(args []string, out *output) error {
	if err := out.check(); err != nil {
		return err
	}
	var docs []codeDocument
	var names []string
	for _, d := range dialect.Codes {
		names = append(names, d.Code.String())
		if len(args) == 0 || strings.EqualFold(args[0], d.Code.String()) {
			docs = append(docs, codeDocumentOf(d))
		}
	}
	if len(docs) == 0 {
		if len(args[0]) > 0 && strings.ContainsAny(args[0], ":/=") {
			return coded(dialect.CodeBadExpression, "explain takes FROM TO [PORTS], or a CODE; found %q alone", args[0])
		}
		hint := didYouMean(strings.ToUpper(args[0]), names)
		if !strings.Contains(hint, "?") {
			hint = "; explain without an argument lists the codes"
		}
		return coded(dialect.CodeBadExpression, "there is no code %q%s", args[0], hint)
	}
	t := &report.Table{Columns: []report.Column{{Name: "code"}, {Name: "severity"}, {Name: "title"}}}
	for _, d := range docs {
		t.Rows = append(t.Rows, []string{d.Code, d.Severity, d.Title})
	}
	d := report.Document{Value: codesDocument{"podreach.codes/v1", docs}, Lines: codeLines(docs), Table: t}
	if len(args) == 0 {
		return out.write(d, nil)
	}
	d.Value = docs[0]
	return out.write(d, func(bool) string { return codeProse(docs[0]) })
}

func codeLines(docs []codeDocument) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, d := range docs {
			if !yield(d) {
				return
			}
		}
	}
}

// wrap breaks a text into lines of at most width characters, where words allow it.
func wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}

func codeProse(d codeDocument) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n", d.Code, d.Severity, d.Title)
	if d.Text != "" {
		for paragraph := range strings.SplitSeq(strings.TrimSpace(d.Text), "\n\n") {
			b.WriteString("\n" + wrap(paragraph, 80))
		}
	}
	example := func(title, text string) {
		if text == "" {
			return
		}
		b.WriteString("\n" + title + ":\n\n")
		for line := range strings.Lines(strings.TrimRight(text, "\n")) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	example("Example", d.Example)
	example("Put right", d.After)
	return b.String()
}
