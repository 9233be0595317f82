package cli

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// ends resolves an expression. With --allow-empty an expression that selects
// nothing is an empty side.
func (in *input) ends(side, text string) (solver.Ends, error) {
	if strings.TrimSpace(text) == "" {
		return solver.Ends{}, emptyText(side)
	}
	e, err := solver.ParseExpr(text)
	if err != nil {
		return solver.Ends{}, err
	}
	if err := in.checkLabels(e); err != nil {
		return solver.Ends{}, err
	}
	if err := in.checkUncertain(e); err != nil {
		return solver.Ends{}, err
	}
	out, err := solver.Resolve(in.x, e)
	var empty *solver.EmptyError
	if errors.As(err, &empty) && (in.allowEmpty || in.wasThere(text)) {
		if !in.allowEmpty && !slices.Contains(in.vanished, text) {
			in.vanished = append(in.vanished, text)
		}
		return out, nil
	}
	if empty != nil {
		in.explainEmpty(empty)
	}
	in.noteDormant(out)
	return out, err
}

// explainEmpty says that an expression selects nothing because the pods that it
// means are no endpoints (R61).
func (in *input) explainEmpty(e *solver.EmptyError) {
	if len(in.addressless) == 0 {
		return
	}
	x, err := compile(&model.Snapshot{Namespaces: in.x.Snapshot().Namespaces, Pods: in.addressless}, engine.Options{})
	if err != nil {
		return
	}
	found, err := solver.Resolve(x, e.Expr)
	if n := found.Set.Pods(); err == nil && n > 0 {
		e.Message, e.Suggestion = fmt.Sprintf("the pods that it means (%d) have no address in a live snapshot and are no endpoints (R61, %v)", n, dialect.CodeAddressless), ""
	}
}

// checkUncertain refuses an expression by a label of which the input does not
// say which pods have it (R66): a pod that it should have meant would be missing
// from the answer, or one that it should not would be in it.
func (in *input) checkUncertain(e solver.Expr) error {
	if key := solver.Undecided(in.x, e); key != "" {
		return coded(dialect.CodeUnknownPods, "%q selects by the label %s, and the input does not say which pods have it (R66); name the pods, or their workload", e.Text, key)
	}
	return nil
}

// noPods says why nothing can be asked of an input.
const noPods = "the input holds no pods, so there is nothing to connect"

// onlyOutside reports whether a side holds nothing but outside addresses.
func onlyOutside(e *solver.Ends) bool {
	return e.Set.Pods()+e.Set.Nodes() == 0 && len(e.Set.Outside()) > 0
}

// emptyText is the error of a part of a question that has no text.
func emptyText(part string) error {
	return coded(dialect.CodeBadExpression, "%s is empty (an unset shell variable?)", part)
}

// bothOutside is the error of a question that is about no endpoint.
func (in *input) bothOutside(from, to string) error {
	if in.x.AllPods().Empty() && in.x.AllNodes().Empty() {
		return coded(dialect.CodeSelectsNothing, noPods)
	}
	return coded(dialect.CodeBadExpression, "%q and %q are both outside the cluster; policies have no say there", from, to)
}

// noteDormant tells that a path named a workload with zero replicas.
func (in *input) noteDormant(e solver.Ends) {
	for id := range e.Set.All() {
		if !id.IsPod() || !in.x.Snapshot().Pods[id].Dormant {
			continue
		}
		p := &in.x.Snapshot().Pods[id]
		in.print(dialect.Diagnostic{
			Code: dialect.CodeNoReplicas, Origin: p.Origin,
			Message: solver.WorkloadPath(p) + " has 0 replicas; the answer is for the pods that it would have",
		})
	}
}

// endpointName is an endpoint as answers name it; a is its address when it is
// outside.
func (in *input) endpointName(e engine.EndpointID, a netip.Addr) string {
	if e.IsOutside() {
		return a.String()
	}
	return solver.EndpointName(in.x, e)
}
