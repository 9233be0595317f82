// Package report writes answers in the output formats of the command line. It
// knows nothing of what the answers are about: a command fills in a [Document]
// once, and [Write] prints it in any [Format]. The same document gives the same
// bytes.
package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/internal/nearest"
)

// Format is an output format: the argument of -o.
type Format string

// The formats.
const (
	TableFormat Format = "table" // aligned columns; the default
	Wide        Format = "wide"  // the same with every column
	JSON        Format = "json"
	JSONLines   Format = "jsonl" // one value a line
	YAML        Format = "yaml"
	CSV         Format = "csv" // every column, RFC 4180 with line feeds
	Markdown    Format = "md"  // a GitHub table
	Mermaid     Format = "mermaid"
	Dot         Format = "dot"
)

// Formats lists the formats in the order in which help shows them.
func Formats() []Format {
	return []Format{TableFormat, Wide, JSON, JSONLines, YAML, CSV, Markdown, Mermaid, Dot}
}

// names are the formats as words.
func names(formats []Format) []string {
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i] = string(f)
	}
	return out
}

// ParseFormat reads the argument of -o; "" is the default.
func ParseFormat(s string) (Format, error) {
	if s == "" {
		return TableFormat, nil
	}
	for _, f := range Formats() {
		if s == string(f) {
			return f, nil
		}
	}
	err := fmt.Sprintf("unknown output format %q, expected %s", s, strings.Join(names(Formats()), ", "))
	if near := nearest.Of(s, names(Formats())); near != "" {
		err += fmt.Sprintf("; did you mean %s?", near)
	}
	return "", errors.New(err)
}

// Document is one answer in every shape that a format may need. A part that is
// nil is not available, and the formats that need it are an error.
type Document struct {
	Value    any           // json and yaml; encoding/json must take it. It names its schema
	Lines    iter.Seq[any] // jsonl
	Table    *Table        // table, wide, csv and md
	Graph    *Graph        // mermaid and dot
	Findings *Findings     // the formats of CI: check, lint and diff
}

// Formats lists the formats that the document can be written in.
func (d Document) Formats() []Format {
	var out []Format
	for _, f := range Formats() {
		if d.has(f) {
			out = append(out, f)
		}
	}
	return out
}

func (d Document) has(f Format) bool {
	switch f {
	case JSON, YAML:
		return d.Value != nil
	case JSONLines:
		return d.Lines != nil
	case TableFormat, Wide, CSV, Markdown:
		return d.Table != nil
	case Mermaid, Dot:
		return d.Graph != nil
	}
	return false
}

// Write prints the document. It fails when the document lacks what the format
// needs, when Value or a line cannot be encoded, and when w does.
func Write(w io.Writer, f Format, d Document) error {
	if !d.has(f) {
		return fmt.Errorf("output format %q is not available here, only %s", f, strings.Join(names(d.Formats()), ", "))
	}
	b := bufio.NewWriter(w)
	var err error
	switch f {
	case TableFormat:
		err = d.Table.plain(b, false)
	case Wide:
		err = d.Table.plain(b, true)
	case JSON:
		err = encode(b, d.Value, "  ")
	case JSONLines:
		for line := range d.Lines {
			if err = encode(b, line, ""); err != nil {
				break
			}
		}
	case YAML:
		err = writeYAML(b, d.Value)
	case CSV:
		err = d.Table.csv(b)
	case Markdown:
		err = d.Table.markdown(b)
	case Mermaid:
		err = d.Graph.mermaid(b)
	case Dot:
		err = d.Graph.dot(b)
	}
	if err != nil {
		return err
	}
	return b.Flush()
}

// encode writes v as JSON and a line feed. Characters that only matter inside
// HTML are left as they are.
func encode(w io.Writer, v any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
}

// writeYAML goes through JSON, so that the field names are the same. Keys are
// sorted.
func writeYAML(w io.Writer, v any) error {
	var b strings.Builder
	if err := encode(&b, v, ""); err != nil {
		return err
	}
	out, err := yaml.JSONToYAML([]byte(b.String()))
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// csv writes every column; the header is the columns' names.
func (t *Table) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	header, rows := t.visible(true)
	if err := c.Write(header); err != nil {
		return err
	}
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
	}
	return c.WriteAll(rows)
}
