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
	"slices"
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
	SARIF       Format = "sarif"  // 2.1.0, as GitHub takes it
	JUnit       Format = "junit"  // XML
	GitHub      Format = "github" // workflow commands: annotations
)

// Formats lists the formats of an answer in the order in which help shows them.
func Formats() []Format {
	return []Format{TableFormat, Wide, JSON, JSONLines, YAML, CSV, Markdown, Mermaid, Dot}
}

// GateFormats lists those of a gate: of check, lint and diff.
func GateFormats() []Format {
	return []Format{TableFormat, Wide, JSON, JSONLines, YAML, CSV, Markdown, SARIF, JUnit, GitHub}
}

// all lists every format.
func all() []Format { return append(Formats(), SARIF, JUnit, GitHub) }

// names are the formats as words.
func names(formats []Format) []string {
	out := make([]string, len(formats))
	for i, f := range formats {
		out[i] = string(f)
	}
	return out
}

// ParseFormat reads a format, of those that are available; "" is the default.
func ParseFormat(s string, available []Format) (Format, error) {
	if s == "" {
		s = string(TableFormat)
	}
	switch f := Format(s); {
	case slices.Contains(available, f):
		return f, nil
	case slices.Contains(all(), f):
		return "", unavailable(f, available)
	}
	err := fmt.Sprintf("unknown output format %q, expected %s", s, strings.Join(names(available), ", "))
	if near := nearest.Of(s, names(available)); near != "" {
		err += fmt.Sprintf("; did you mean %s?", near)
	}
	return "", errors.New(err)
}

func unavailable(f Format, available []Format) error {
	return fmt.Errorf("output format %q is not available here, only %s", f, strings.Join(names(available), ", "))
}

// Document is one answer in every shape that a format may need. A part that is
// nil is not available, and the formats that need it are an error.
type Document struct {
	Value    any           // json and yaml; encoding/json must take it. It names its schema
	Lines    iter.Seq[any] // jsonl
	Table    *Table        // table, wide, csv and md
	Graph    *Graph        // mermaid and dot
	Findings *Findings     // sarif, junit, github, and md instead of Table: check, lint and diff
}

// Formats lists the formats that the document can be written in.
func (d Document) Formats() []Format {
	var out []Format
	for _, f := range all() {
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
	case TableFormat, Wide, CSV:
		return d.Table != nil
	case Markdown:
		return d.Table != nil || d.Findings != nil
	case Mermaid, Dot:
		return d.Graph != nil
	case SARIF, JUnit, GitHub:
		return d.Findings != nil
	}
	return false
}

// Check returns an error unless the document can be written in a format.
func (d Document) Check(f Format) error {
	if d.has(f) {
		return nil
	}
	return unavailable(f, d.Formats())
}

// Write prints the document. It fails when the document lacks what the format
// needs, when Value or a line cannot be encoded, and when w does.
func Write(w io.Writer, f Format, d Document) error {
	err := d.Check(f)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
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
		if d.Findings != nil {
			d.Findings.summary(b)
		} else {
			err = d.Table.markdown(b)
		}
	case Mermaid:
		err = d.Graph.mermaid(b)
	case Dot:
		err = d.Graph.dot(b)
	case SARIF:
		err = encode(b, d.Findings.sarif(), "  ")
	case JUnit:
		err = d.Findings.junit(b)
	case GitHub:
		d.Findings.annotations(b)
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
