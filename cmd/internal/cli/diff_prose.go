package cli

import (
	"fmt"
	"strings"

	"github.com/podreach/podreach/cmd/internal/report"
)

// shownChanges is how many rows of one cause prose shows.
const shownChanges = 20

// shownCauses is how many causes prose shows: when all policies of a cluster go
// each two of them are another one.
const shownCauses = 100

// summary counts pairs of parties: "opened 3, closed 1; 12 more with workloads
// that are new or gone".
func (d *differ) summary() string {
	pairs := map[string]map[pair]bool{signOpened: {}, signClosed: {}, "": {}}
	for i := range d.rows {
		c := &d.rows[i]
		kind := c.sign()
		if c.arrival() {
			kind = ""
		}
		pairs[kind][pair{c.From.Name, c.To.Name}] = true
	}
	s := fmt.Sprintf("opened %d, closed %d", len(pairs[signOpened]), len(pairs[signClosed]))
	if n := len(pairs[""]); n > 0 {
		s += fmt.Sprintf("; %d more with workloads that are new or gone", n)
	}
	return s
}

type causeKey struct {
	opened, arrival, unproven bool
	because                   string
}

// diffGroup is rows of one direction and one cause.
type diffGroup struct{ rows []*diffRow }

// groups are the rows by cause: what opens first, and last what comes of
// workloads that are new or gone.
func (d *differ) groups() []diffGroup {
	var out []diffGroup
	at := map[causeKey]int{}
	keys := map[*causeDocument]string{} // rows share causes
	for _, pass := range []struct {
		opened, arrival bool
	}{{true, false}, {false, false}, {true, true}, {false, true}} {
		for i := range d.rows {
			c := &d.rows[i]
			if c.Opened() != pass.opened || c.arrival() != pass.arrival {
				continue
			}
			if len(c.because) > 0 && keys[&c.because[0]] == "" {
				keys[&c.because[0]] = fmt.Sprint(c.because)
			}
			k := causeKey{pass.opened, pass.arrival, c.Unproven, ""}
			if len(c.because) > 0 {
				k.because = keys[&c.because[0]]
			}
			g, ok := at[k]
			if !ok {
				g = len(out)
				at[k] = g
				out = append(out, diffGroup{})
			}
			out[g].rows = append(out[g].rows, c)
		}
	}
	return out
}

// prose is the answer for people: the rows of each cause, and then the cause.
func (d *differ) prose(wide bool) string {
	var b strings.Builder
	if len(d.rows) == 0 {
		return ""
	}
	printf(&b, "%s\n", d.summary())
	groups := d.groups()
	left := 0
	if !wide && len(groups) > shownCauses+1 {
		for _, g := range groups[shownCauses:] {
			left += len(g.rows)
		}
		groups = groups[:shownCauses]
	}
	for _, g := range groups {
		b.WriteString("\n")
		first := g.rows[0]
		shown := g.rows
		switch {
		case wide:
		case first.arrival():
			printf(&b, "%s %s (-o wide lists them)\n", first.mark(), countRows(len(g.rows)))
			shown = nil
		case len(shown) > shownChanges+1:
			shown = shown[:shownChanges]
		}
		for _, c := range shown {
			note := c.note()
			if note != "" {
				note = " (" + note + ")"
			}
			printf(&b, "%s %s -> %s  %s%s\n", c.mark(), d.party(c.From, c), d.party(c.To, c), briefPorts(c.Ports), note)
		}
		if left := len(g.rows) - len(shown); left > 0 && len(shown) > 0 {
			printf(&b, "%s %s more (-o wide lists them)\n", first.mark(), countRows(left))
		}
		d.writeBecause(&b, first)
	}
	if left > 0 {
		printf(&b, "\n%s of other causes (-o wide lists them)\n", countRows(left))
	}
	return b.String()
}

func countRows(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

func (d *differ) writeBecause(b *strings.Builder, c *diffRow) {
	if c.Unproven {
		printf(b, "    which of these makes it was not settled:\n")
	}
	for i := range c.because {
		x := &c.because[i]
		and := ""
		if i > 0 && !c.Unproven {
			and = "and "
		}
		what := x.Change
		if x.Change == "added" && x.Kind == "workload" {
			what = "is new"
		} else if x.Kind == "workload" && x.Change == "removed" {
			what = "is gone"
		}
		at := x.At
		if x.Was != "" && x.Was != x.At {
			at += " (was " + x.Was + ")"
		}
		printf(b, "    %s%s %s  %s\n", and, x.subject(), what, at)
		for _, says := range []string{x.Text, x.Says} {
			if says == "" {
				continue
			}
			for _, line := range fold(report.Printable(says), proseWidth-6) {
				b.WriteString("      " + line + "\n")
			}
		}
	}
}
