package cli

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go4.org/netipx"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// granularities are the values of --by, in the order of solver.By.
var granularities = []string{"workload", "pod", "namespace"}

func (r *run) list() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Every possible connection",
		Long: `list shows every connection that is possible between two sides. Rows that the
input does not settle are marked uncertain. Nodes are shown only with
--from nodes or --to nodes. With --apply and --delete rows that were not so before
are marked with +, and those that were with -.

` + expressionHelp,
		Example: `  podreach list -f demo: -n ml-data
  podreach list --from ml-training: --to outside -f demo: -o wide
  podreach list --by namespace -f demo: -o mermaid
  podreach list --context prod`,
	}
	in := r.reads(cmd)
	in.mayBeEmpty(cmd)
	out := r.writes(cmd, report.Formats()...)
	var from, to, by string
	cmd.Flags().StringVar(&from, "from", solver.WordAny, "only connections from these endpoints")
	cmd.Flags().StringVar(&to, "to", solver.WordAny, "only connections to these endpoints")
	cmd.Flags().StringVar(&by, "by", granularities[0], "one row for each workload, pod or namespace")
	completeWords(cmd, "by", granularities)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.in = in
		if err := noArgs(cmd, args); err != nil {
			return err
		}
		if err := out.check(); err != nil {
			return err
		}
		granularity := slices.Index(granularities, by)
		if granularity < 0 {
			return badFlag("unknown granularity --by %q%s", by, didYouMean(by, granularities))
		}
		if err := in.load(); err != nil {
			return err
		}
		if in.nothing() {
			return exitCode(exitError)
		}
		if err := in.checkNamespace(); err != nil {
			return err
		}
		empty := in.x.AllPods().Empty() && in.x.AllNodes().Empty()
		if empty && !in.allowEmpty && in.before == nil {
			return coded(dialect.CodeSelectsNothing, noPods)
		}
		src, err := in.ends("--from", from)
		if err != nil {
			return err
		}
		dst, err := in.ends("--to", to)
		if err != nil {
			return err
		}
		if !empty && onlyOutside(&src) && onlyOutside(&dst) {
			return in.bothOutside(from, to)
		}
		l := solver.List(in.x, src, dst, solver.By(granularity))
		l.Certain, l.Uncertain = in.limit(l.Certain), in.limit(l.Uncertain)
		rows := rowsOf(l)
		if in.before != nil {
			rows = in.differ(rows, in.before.rows(from, to, solver.By(granularity)))
			fmt.Fprintln(r.stderr, changesText(rows)) //nolint:errcheck // as for all messages
		}
		hint := ""
		switch {
		case empty:
			hint = noPods
		case len(l.Certain)+len(l.Uncertain) > 0:
		case in.namespace != "":
			hint = "no connection with an end in namespace " + in.namespace + " is possible between the two sides"
		default:
			hint = "no connection is possible between the two sides"
		}
		if hint != "" && !in.quiet {
			fmt.Fprintln(r.stderr, hint) //nolint:errcheck // as for all messages
		}
		return out.each(func(f report.Format) report.Document { return in.listReport(rows, by, f) }, nil)
	}
	return cmd
}

// limit keeps the rows with an end in the namespace of -n.
func (in *input) limit(rows []solver.Connection) []solver.Connection {
	if in.namespace == "" {
		return rows
	}
	inside := func(p solver.Party) bool { return p.Kind == solver.PartyPods && p.Namespace == in.namespace }
	return slices.DeleteFunc(rows, func(c solver.Connection) bool { return !inside(c.From) && !inside(c.To) })
}

// listDocument is podreach.list/v1 (docs/schema/list.json).
type listDocument struct {
	Schema      string               `json:"schema"`
	By          string               `json:"by"`
	Connections []connectionDocument `json:"connections"`
	Uncertain   []connectionDocument `json:"uncertain"`
	// Before are, with --apply and --delete, the rows that were different, as
	// they were.
	Before *[]connectionDocument `json:"before,omitempty"`
	Input  inputDocument         `json:"input"`
}

type connectionDocument struct {
	From      string        `json:"from"`
	To        string        `json:"to"`
	CIDRs     []string      `json:"cidrs,omitempty"`
	Ports     portsDocument `json:"ports"`
	Uncertain bool          `json:"uncertain,omitempty"` // where the rows are not apart
	Reason    string        `json:"reason,omitempty"`
	Change    string        `json:"change,omitempty"`
	Before    bool          `json:"before,omitempty"` // in jsonl
}

func connectionOf(c row) connectionDocument {
	return connectionDocument{From: c.From.Name, To: c.To.Name, CIDRs: cidrs(c.CIDRs), Ports: portsDocument{c.Ports}, Reason: c.Reason, Change: c.change}
}

func cidrs(ps []netip.Prefix) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}

func (in *input) listReport(rows []row, by string, f report.Format) report.Document {
	doc := listDocument{Schema: "podreach.list/v1", By: by, Connections: []connectionDocument{}, Uncertain: []connectionDocument{}, Input: in.document()}
	if in.before != nil {
		doc.Before = &[]connectionDocument{}
	}
	for _, c := range rows {
		d := connectionOf(c)
		switch {
		case c.past:
			d.Uncertain = c.uncertain
			*doc.Before = append(*doc.Before, d)
		case c.uncertain:
			doc.Uncertain = append(doc.Uncertain, d)
		default:
			doc.Connections = append(doc.Connections, d)
		}
	}
	return report.Document{Value: doc, Lines: listLines(doc), Table: in.listTable(rows, f == report.CSV || f == report.Markdown), Graph: in.listGraph(rows)}
}

func listLines(doc listDocument) iter.Seq[any] {
	return func(yield func(any) bool) {
		for _, c := range doc.Connections {
			if !yield(c) {
				return
			}
		}
		for _, c := range doc.Uncertain {
			c.Uncertain = true
			if !yield(c) {
				return
			}
		}
		if doc.Before == nil {
			return
		}
		for _, c := range *doc.Before {
			c.Before = true
			if !yield(c) {
				return
			}
		}
	}
}

// listTable has a column "verdict" only where some row is uncertain; wide and
// csv always have it. Where addresses are apart, parties are names alone and a
// column of their own has the whole cover. With a change the first column marks
// rows that were not so before with "+" and those that were with "-".
func (in *input) listTable(rows []row, apart bool) *report.Table {
	certain := !slices.ContainsFunc(rows, func(c row) bool { return c.uncertain })
	t := &report.Table{Columns: []report.Column{
		{Name: "from"}, {Name: "to"}, {Name: "ports"}, {Name: "verdict", Wide: certain},
		{Name: "cidrs", Wide: !apart}, {Name: "reason", Wide: true},
	}}
	if in.before != nil {
		t.Columns = slices.Insert(t.Columns, 0, report.Column{Name: "change"})
	}
	everywhere := in.everywhere()
	for _, c := range rows {
		from, to, verdict := c.From.Name, c.To.Name, model.Allowed.String()
		if !apart {
			from, to = partyText(c.From, c.CIDRs, everywhere), partyText(c.To, c.CIDRs, everywhere)
		}
		if c.uncertain {
			verdict = model.Unknown.String()
		}
		cells := []string{from, to, portsText(c.Ports), verdict, strings.Join(cidrs(c.CIDRs), ","), c.Reason}
		if in.before != nil {
			cells = slices.Insert(cells, 0, c.mark())
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// outside reports whether a party is addresses.
func outside(p solver.Party) bool {
	return p.Kind == solver.PartyExternal || p.Kind == solver.PartyUnassigned
}

// everywhere is the whole address space of each family that some pod is known
// to have.
func (in *input) everywhere() []netip.Prefix {
	var out []netip.Prefix
	for f, all := range []string{model.IPv4: "0.0.0.0/0", model.IPv6: "::/0"} {
		if slices.ContainsFunc(in.x.Snapshot().Pods, func(p model.Pod) bool {
			return p.Addresses[f].State == model.AddressKnown || p.Addresses[f].State == model.AddressUnknown
		}) {
			out = append(out, netip.MustParsePrefix(all))
		}
	}
	return out
}

// partyText is a party in a table. Outside parties tell which addresses they
// are when they are not everywhere.
func partyText(p solver.Party, cover, everywhere []netip.Prefix) string {
	if !outside(p) || len(everywhere) > 0 && !slices.ContainsFunc(everywhere, func(e netip.Prefix) bool { return !slices.Contains(cover, e) }) {
		return p.Name
	}
	return p.Name + " " + coverText(cover)
}

// coverText is addresses for people: for each family a block without few
// exceptions where that is shorter than the minimal cover.
func coverText(cover []netip.Prefix) string {
	at := slices.IndexFunc(cover, func(p netip.Prefix) bool { return !p.Addr().Is4() })
	if at < 0 {
		at = len(cover)
	}
	var parts []string
	for _, ps := range [][]netip.Prefix{cover[:at], cover[at:]} {
		if len(ps) == 0 {
			continue
		}
		if b := blockOf(ps); 1+len(b.Except) < len(ps) || len(ps) == 1 {
			parts = append(parts, blockText(b))
		} else {
			parts = append(parts, briefList(cidrs(ps), ", "))
		}
	}
	return strings.Join(parts, " + ")
}

// blockOf is the smallest block that holds sorted prefixes of one family, and
// what of it they leave out.
func blockOf(ps []netip.Prefix) model.Block {
	block := ps[0]
	for !block.Contains(ps[len(ps)-1].Addr()) {
		block = netip.PrefixFrom(block.Addr(), block.Bits()-1).Masked()
	}
	var b netipx.IPSetBuilder
	b.AddPrefix(block)
	for _, p := range ps {
		b.RemovePrefix(p)
	}
	rest, err := b.IPSet()
	if err != nil {
		panic("cli: " + err.Error()) // prefixes of a listing are valid
	}
	return model.Block{CIDR: block, Except: rest.Prefixes()}
}

func (in *input) listGraph(rows []row) *report.Graph {
	g := &report.Graph{}
	known := map[string]bool{}
	everywhere := in.everywhere()
	node := func(p solver.Party, cover []netip.Prefix) string {
		id := p.Name
		if outside(p) { // the addresses tell such nodes apart
			id += " " + strings.Join(cidrs(cover), ",")
		}
		if !known[id] {
			known[id] = true
			g.Nodes = append(g.Nodes, report.Node{ID: id, Label: partyText(p, cover, everywhere), Group: p.Namespace})
		}
		return id
	}
	for _, c := range rows {
		label, line := portsText(c.Ports), report.Solid
		switch {
		case c.past:
			line = report.Barred
		case c.uncertain:
			line = report.Dashed
		}
		if c.change != "" {
			label = c.mark() + " " + label
		}
		g.Edges = append(g.Edges, report.Edge{From: node(c.From, c.CIDRs), To: node(c.To, c.CIDRs), Label: label, Line: line})
	}
	return g
}
