package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podreach/podreach/cmd/internal/report"
	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// demoQuestion is what the tour asks; demoNext is what it proposes to run.
var (
	demoQuestion = sentence{from: "ml-training:app.kubernetes.io/component=training", to: "internet"}
	demoNext     = []string{
		"explain ml-training/llama-sft 8.8.8.8 443 -f demo:",
		"can ml-agents/code-sandbox reach ml-data/qdrant on 6333 -f demo:",
		"can monitoring/prometheus reach ml-inference/llama-70b -f demo:",
		"list --from ml-training: --to outside --by pod -f demo:",
	}
)

func (r *run) demo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A tour of the built-in example, a generative-AI cluster",
		Long: `demo shows the built-in example: what is there, which pods are isolated, and
whether a training pod can reach the internet. Every command reads the example
with -f demo:`,
	}
	in := r.readsDemo(cmd)
	out := r.writes(cmd, report.TableFormat, report.Wide)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.in = in
		if err := noArgs(cmd, args); err != nil {
			return err
		}
		if err := out.check(); err != nil {
			return err
		}
		if err := in.load(); err != nil {
			return err
		}
		texts := map[bool]string{}
		for _, wide := range []bool{false, true} {
			text, err := in.tour(cmd.Root().DisplayName(), wide)
			if err != nil {
				return err
			}
			texts[wide] = text
		}
		return out.write(report.Document{Table: isolationTable(in.x)}, func(wide bool) string { return texts[wide] })
	}
	return cmd
}

func (in *input) tour(program string, wide bool) (string, error) {
	var b strings.Builder
	s := in.x.Snapshot()
	pods := in.x.AllPods()
	finished := ""
	n := in.ledger.Pods
	for i := range s.Pods {
		n -= count(!s.Pods[i].Template)
	}
	switch n {
	case 0:
	case 1:
		finished = " (1 more has finished)"
	default:
		finished = fmt.Sprintf(" (%d more have finished)", n)
	}
	fmt.Fprintf(&b, "The example is a generative-AI cluster: %d pods%s on %d nodes, %d policies.\n\n",
		pods.Pods(), finished, len(s.Nodes), in.ledger.Policies)
	var table bytes.Buffer
	if err := report.Write(&table, report.TableFormat, report.Document{Table: isolationTable(in.x)}); err != nil {
		return "", err
	}
	b.Write(table.Bytes())

	from, err := in.ends("FROM", demoQuestion.from)
	if err != nil {
		return "", err
	}
	to, err := in.ends("TO", demoQuestion.to)
	if err != nil {
		return "", err
	}
	ports, err := solver.ParsePorts(demoQuestion.ports)
	if err != nil {
		return "", err
	}
	q := solver.Question{From: from, To: to, Ports: ports}
	fmt.Fprintf(&b, "\nCan any training pod reach the internet?\n\n$ %s can %s reach %s -f demo:\n", program, demoQuestion.from, demoQuestion.to)
	b.WriteString(canProse(in.canDocument(demoQuestion, q, solver.Ask(in.x, q)), wide))
	b.WriteString("\nRun next:\n\n")
	for _, n := range demoNext {
		fmt.Fprintf(&b, "  %s %s\n", program, n)
	}
	return b.String(), nil
}

// isolationTable counts, for each namespace, the policies and the pods that
// they isolate (R10).
func isolationTable(x *engine.Index) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Name: "namespace"}, {Name: "pods"}, {Name: "policies"}, {Name: "egress isolated"}, {Name: "ingress isolated"}, {Name: "host network"},
	}}
	s := x.Snapshot()
	for _, ns := range s.Namespaces {
		var isolated [model.NumDirections]int
		pods, host := 0, 0
		for i := range s.Pods {
			if s.Pods[i].Namespace != ns.Name || s.Pods[i].Dormant {
				continue
			}
			pods++
			if s.Pods[i].HostNetwork {
				host++
			}
			for d := range isolated {
				if isolates(s, &s.Pods[i], model.Direction(d)) {
					isolated[d]++
				}
			}
		}
		policies := map[model.ObjectRef]bool{}
		for i := range s.Rules {
			if o := s.Rules[i].Object; o.Kind != "" && o.Namespace == ns.Name {
				policies[o] = true
			}
		}
		t.Rows = append(t.Rows, []string{ns.Name, fmt.Sprint(pods), fmt.Sprint(len(policies)),
			outOf(isolated[model.Egress], pods), outOf(isolated[model.Ingress], pods), some(host)})
	}
	return t
}

// isolates reports whether some policy isolates a pod in a direction (R10).
func isolates(s *model.Snapshot, p *model.Pod, d model.Direction) bool {
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Direction == d && r.Isolates() &&
			!p.HostNetwork && r.Subject.Namespace == p.Namespace && r.Subject.Pods.Matches(p.Labels) {
			return true
		}
	}
	return false
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func outOf(n, all int) string {
	switch n {
	case 0:
		return "none"
	case all:
		return "all"
	}
	return fmt.Sprintf("%d of %d", n, all)
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
