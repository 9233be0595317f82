package cli

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
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
--from nodes or --to nodes.

` + expressionHelp,
		Example: `  podreach list -f demo: -n ml-data
  podreach list --from ml-training: --to outside -f demo: -o wide
  podreach list --by namespace -f demo: -o mermaid`,
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
		src, err := in.ends(from)
		if err != nil {
			return err
		}
		dst, err := in.ends(to)
		if err != nil {
			return err
		}
		l := solver.List(in.x, src, dst, solver.By(granularity))
		l.Certain, l.Uncertain = in.limit(l.Certain), in.limit(l.Uncertain)
		if len(l.Certain)+len(l.Uncertain) == 0 {
			fmt.Fprintln(r.stderr, "no connection is possible between the two sides") //nolint:errcheck // as for all messages
		}
		return out.write(in.listReport(l, by), nil)
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
	Input       inputDocument        `json:"input"`
}

type connectionDocument struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	CIDRs     []string `json:"cidrs,omitempty"`
	Ports     any      `json:"ports"`
	Uncertain bool     `json:"uncertain,omitempty"` // in jsonl, where the rows are not apart
	Reason    string   `json:"reason,omitempty"`
}

func connectionOf(c solver.Connection) connectionDocument {
	return connectionDocument{From: c.From.Name, To: c.To.Name, CIDRs: cidrs(c.CIDRs), Ports: portsDocument(c.Ports), Reason: c.Reason}
}

func cidrs(ps []netip.Prefix) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}

func (in *input) listReport(l solver.Listing, by string) report.Document {
	doc := listDocument{Schema: "podreach.list/v1", By: by, Connections: []connectionDocument{}, Uncertain: []connectionDocument{}, Input: in.document()}
	for _, c := range l.Certain {
		doc.Connections = append(doc.Connections, connectionOf(c))
	}
	for _, c := range l.Uncertain {
		doc.Uncertain = append(doc.Uncertain, connectionOf(c))
	}
	return report.Document{Value: doc, Lines: listLines(doc), Table: listTable(l), Graph: listGraph(l)}
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
	}
}

// listTable has a column "verdict" only where some row is uncertain; wide and
// csv always have it.
func listTable(l solver.Listing) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "from"}, {Name: "to"}, {Name: "ports"}, {Name: "verdict", Wide: len(l.Uncertain) == 0},
		{Name: "cidrs", Wide: true}, {Name: "reason", Wide: true},
	}}
	row := func(c solver.Connection, verdict string) {
		t.Rows = append(t.Rows, []string{partyText(c.From, c.CIDRs), partyText(c.To, c.CIDRs), c.Ports.String(), verdict,
			strings.Join(cidrs(c.CIDRs), ","), c.Reason})
	}
	for _, c := range l.Certain {
		row(c, "allowed")
	}
	for _, c := range l.Uncertain {
		row(c, "uncertain")
	}
	return t
}

// partyText is a party in a table. Outside parties tell which addresses they
// are when they are not all of them.
func partyText(p solver.Party, cidrs []netip.Prefix) string {
	if p.Kind != solver.PartyExternal && p.Kind != solver.PartyUnassigned {
		return p.Name
	}
	everything := !slices.ContainsFunc(cidrs, func(c netip.Prefix) bool { return c.Bits() > 0 })
	switch {
	case everything:
		return p.Name
	case len(cidrs) == 1:
		return fmt.Sprintf("%s %v", p.Name, cidrs[0])
	}
	return fmt.Sprintf("%s %v +%d", p.Name, cidrs[0], len(cidrs)-1)
}

func listGraph(l solver.Listing) *report.Graph {
	g := &report.Graph{}
	known := map[string]bool{}
	node := func(p solver.Party, cidrs []netip.Prefix) string {
		id := p.Name + " " + strings.Join(cidrStrings(p, cidrs), ",")
		if !known[id] {
			known[id] = true
			g.Nodes = append(g.Nodes, report.Node{ID: id, Label: partyText(p, cidrs), Group: p.Namespace})
		}
		return id
	}
	edges := func(rows []solver.Connection, uncertain bool) {
		for _, c := range rows {
			g.Edges = append(g.Edges, report.Edge{From: node(c.From, c.CIDRs), To: node(c.To, c.CIDRs), Label: c.Ports.String(), Uncertain: uncertain})
		}
	}
	edges(l.Certain, false)
	edges(l.Uncertain, true)
	return g
}

// cidrStrings are the addresses that tell outside nodes of a graph apart.
func cidrStrings(p solver.Party, ps []netip.Prefix) []string {
	if p.Kind != solver.PartyExternal && p.Kind != solver.PartyUnassigned {
		return nil
	}
	return cidrs(ps)
}
