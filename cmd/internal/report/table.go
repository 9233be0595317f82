package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Table is rows of text. Every row has one cell for each column; what a row
// lacks is empty.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Column is a column of a Table.
type Column struct {
	Name string // lower case: "from"
	Wide bool   // only in wide and csv
}

// visible returns the header and rows without the wide columns, unless wide.
func (t *Table) visible(wide bool) ([]string, [][]string) {
	var keep []int
	var header []string
	for i, c := range t.Columns {
		if wide || !c.Wide {
			keep = append(keep, i)
			header = append(header, c.Name)
		}
	}
	rows := make([][]string, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = make([]string, len(keep))
		for j, k := range keep {
			if k < len(row) {
				rows[i][j] = row[k]
			}
		}
	}
	return header, rows
}

// gap is what kubectl puts between columns.
const gap = "   "

// plain writes aligned columns under an upper-case header, as kubectl does.
// Nothing is cut short and no line ends in a space.
func (t *Table) plain(w io.Writer, wide bool) error {
	header, rows := t.visible(wide)
	for i := range header {
		header[i] = strings.ToUpper(header[i])
	}
	rows = append([][]string{header}, rows...)
	width := make([]int, len(header))
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	var line strings.Builder
	for _, row := range rows {
		line.Reset()
		for i, cell := range row {
			if i > 0 {
				line.WriteString(gap)
			}
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)))
		}
		if _, err := io.WriteString(w, strings.TrimRight(line.String(), " ")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// markdown writes a GitHub table without the wide columns.
func (t *Table) markdown(w io.Writer) error {
	header, rows := t.visible(false)
	rule := make([]string, len(header))
	for i := range rule {
		rule[i] = "---"
	}
	line := func(cells []string) error {
		_, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		return err
	}
	escape := func(cells []string) []string {
		for i := range cells {
			cells[i] = markdownEscapes.Replace(printable(cells[i]))
		}
		return cells
	}
	if err := line(escape(header)); err != nil {
		return err
	}
	if err := line(rule); err != nil {
		return err
	}
	for _, row := range rows {
		if err := line(escape(row)); err != nil {
			return err
		}
	}
	return nil
}

// markdownEscapes are the characters that would end a cell or start markup in
// one.
var markdownEscapes = strings.NewReplacer(`\`, `\\`, `~`, `\~`, `$`, `\$`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, `<`, `&lt;`, `&`, `&amp;`)

// Printable makes characters of s visible that would break a line or steer a
// terminal. Texts for people that are not tables go through it.
func Printable(s string) string { return printable(s) }

// printable makes characters visible that would break a line or steer a
// terminal: names come from files that anybody may have written.
func printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable holds for control characters and for the invisible ones that
// change the direction of text or have no width.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}
