package report

import (
	"fmt"
	"io"
	"strings"
)

// Graph is nodes in groups, and edges between them, in the order in which they
// are to be written.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Node is a node of a Graph.
type Node struct {
	ID    string // any text, once in the graph
	Label string
	Group string // its namespace; "" for what is in none
}

// Edge is an edge of a Graph, between the IDs of two nodes.
type Edge struct {
	From, To  string
	Label     string
	Uncertain bool // dashed
}

// group is the nodes of one group, by their indexes.
type group struct {
	name  string
	nodes []int
}

// layout returns the groups in the order in which they first occur, and the
// index of each node. Nodes and edges are numbered so that no name can be
// mistaken for syntax.
func (g *Graph) layout() ([]group, map[string]int, error) {
	var groups []group
	at := map[string]int{}
	index := make(map[string]int, len(g.Nodes))
	for i, n := range g.Nodes {
		if _, twice := index[n.ID]; twice {
			return nil, nil, fmt.Errorf("report: node %q twice in a graph", n.ID)
		}
		index[n.ID] = i
		j, ok := at[n.Group]
		if !ok {
			j = len(groups)
			at[n.Group] = j
			groups = append(groups, group{name: n.Group})
		}
		groups[j].nodes = append(groups[j].nodes, i)
	}
	for _, e := range g.Edges {
		for _, id := range []string{e.From, e.To} {
			if _, ok := index[id]; !ok {
				return nil, nil, fmt.Errorf("report: edge with node %q, which the graph lacks", id)
			}
		}
	}
	return groups, index, nil
}

// mermaid writes a flowchart from left to right.
func (g *Graph) mermaid(w io.Writer) error {
	groups, index, err := g.layout()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, group := range groups {
		indent := "  "
		if group.name != "" {
			fmt.Fprintf(&b, "  subgraph g%d[\"%s\"]\n", i, mermaidText(group.name))
			indent = "    "
		}
		for _, n := range group.nodes {
			fmt.Fprintf(&b, "%sn%d[\"%s\"]\n", indent, n, mermaidText(g.Nodes[n].Label))
		}
		if group.name != "" {
			b.WriteString("  end\n")
		}
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Uncertain {
			arrow = "-.->"
		}
		label := ""
		if e.Label != "" {
			label = "|\"" + mermaidText(e.Label) + "\"|"
		}
		fmt.Fprintf(&b, "  n%d %s%s n%d\n", index[e.From], arrow, label, index[e.To])
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// mermaidText escapes text for the inside of a quoted label, where only
// entities are safe. An empty label is a syntax error there, a space is not.
func mermaidText(s string) string {
	if s == "" {
		return " "
	}
	return mermaidEscapes.Replace(printable(s))
}

var mermaidEscapes = strings.NewReplacer(`"`, "#quot;", "#", "#35;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;")

// dot writes a graph for Graphviz.
func (g *Graph) dot(w io.Writer) error {
	groups, index, err := g.layout()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("digraph podreach {\n  rankdir=LR;\n  node [shape=box];\n")
	for i, group := range groups {
		indent := "  "
		if group.name != "" {
			fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s;\n", i, dotText(group.name))
			indent = "    "
		}
		for _, n := range group.nodes {
			fmt.Fprintf(&b, "%sn%d [label=%s];\n", indent, n, dotText(g.Nodes[n].Label))
		}
		if group.name != "" {
			b.WriteString("  }\n")
		}
	}
	for _, e := range g.Edges {
		var attributes []string
		if e.Label != "" {
			attributes = append(attributes, "label="+dotText(e.Label))
		}
		if e.Uncertain {
			attributes = append(attributes, "style=dashed")
		}
		fmt.Fprintf(&b, "  n%d -> n%d", index[e.From], index[e.To])
		if attributes != nil {
			fmt.Fprintf(&b, " [%s]", strings.Join(attributes, ", "))
		}
		b.WriteString(";\n")
	}
	b.WriteString("}\n")
	_, err = io.WriteString(w, b.String())
	return err
}

// dotText quotes text. A backslash would start an escape of Graphviz (\N is
// the node's name), so it is doubled.
func dotText(s string) string {
	return `"` + dotEscapes.Replace(printable(s)) + `"`
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
