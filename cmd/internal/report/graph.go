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
	From, To string
	Label    string
	Line     Line
}

// Line is how an edge is drawn.
type Line uint8

// The lines.
const (
	Solid  Line = iota // a connection
	Dashed             // one that is uncertain
	Barred             // none: dotted, and ending in a cross
)

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

// syntax is how a language writes a graph. Texts are escaped already.
type syntax struct {
	begin, end string
	openGroup  string // of its number and name
	closeGroup string
	node       string // of its number and label
	edge       func(from, to int, label string, line Line) string
	text       func(string) string
}

// write writes the graph in a syntax, a line for each node and edge.
func (g *Graph) write(w io.Writer, s *syntax) error {
	groups, index, err := g.layout()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(s.begin)
	for i, group := range groups {
		indent := "  "
		if group.name != "" {
			fmt.Fprintf(&b, s.openGroup, i, s.text(group.name))
			indent = "    "
		}
		for _, n := range group.nodes {
			fmt.Fprintf(&b, indent+s.node, n, s.text(g.Nodes[n].Label))
		}
		if group.name != "" {
			b.WriteString(s.closeGroup)
		}
	}
	for _, e := range g.Edges {
		label := ""
		if e.Label != "" {
			label = s.text(e.Label)
		}
		b.WriteString("  " + s.edge(index[e.From], index[e.To], label, e.Line) + "\n")
	}
	b.WriteString(s.end)
	_, err = io.WriteString(w, b.String())
	return err
}

// mermaid writes a flowchart from left to right.
func (g *Graph) mermaid(w io.Writer) error {
	return g.write(w, &syntax{
		begin:      "flowchart LR\n",
		openGroup:  "  subgraph g%d[\"%s\"]\n",
		closeGroup: "  end\n",
		node:       "n%d[\"%s\"]\n",
		text:       mermaidText,
		edge: func(from, to int, label string, line Line) string {
			arrow := [...]string{Solid: "-->", Dashed: "-.->", Barred: "-.-x"}[line]
			if label != "" {
				arrow += "|\"" + label + "\"|"
			}
			return fmt.Sprintf("n%d %s n%d", from, arrow, to)
		},
	})
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
	return g.write(w, &syntax{
		begin:      "digraph podreach {\n  rankdir=LR;\n  node [shape=box];\n",
		end:        "}\n",
		openGroup:  "  subgraph cluster_%d {\n    label=%s;\n",
		closeGroup: "  }\n",
		node:       "n%d [label=%s];\n",
		text:       dotText,
		edge: func(from, to int, label string, line Line) string {
			var attributes []string
			if label != "" {
				attributes = append(attributes, "label="+label)
			}
			switch line {
			case Solid:
			case Dashed:
				attributes = append(attributes, "style=dashed")
			case Barred:
				attributes = append(attributes, "style=dotted", "color=red", "arrowhead=tee")
			}
			edge := fmt.Sprintf("n%d -> n%d", from, to)
			if attributes != nil {
				edge += " [" + strings.Join(attributes, ", ") + "]"
			}
			return edge + ";"
		},
	})
}

// dotText quotes text. A backslash would start an escape of Graphviz (\N is
// the node's name), so it is doubled.
func dotText(s string) string {
	return `"` + dotEscapes.Replace(printable(s)) + `"`
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
