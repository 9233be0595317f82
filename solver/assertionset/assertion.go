package assertionset

import (
	"errors"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/solver"
)

// assertion reads one that meets the schema.
func (r *reader) assertion(n *yaml.Node, set string) {
	a := Stated{Set: set, At: r.place(n), Exprs: map[string]Place{}}
	a.ID, a.Title, a.Because = text(n, "id"), text(n, "title"), text(n, "because")
	if first, twice := r.ids[a.ID]; twice {
		r.report(r.place(child(n, "id")), "the id %q is given twice; first at %s:%d", a.ID, first.File, first.Line)
	}
	r.ids[a.ID] = r.place(child(n, "id"))
	a.Severity, _ = solver.ParseSeverity(text(n, "severity")) // high when there is none
	a.Expect, _ = solver.ParseExpect(text(n, "expect"))
	for _, m := range items(child(n, "maps")) {
		a.Maps = append(a.Maps, m.Value)
	}
	for _, d := range items(child(n, "directions")) {
		for i := range a.Directions {
			a.Directions[i] = a.Directions[i] || d.Value == model.Direction(i).String()
		}
	}
	a.From, a.To = r.sides(n, &a, a.Expect)
	a.Ports = r.ports(child(n, "ports"))
	for _, e := range items(child(n, "except")) {
		x := solver.Exception{Ports: r.ports(child(e, "ports"))}
		x.From, x.To = r.sides(e, &a, a.Expect)
		if ports := child(e, "ports"); ports != nil && a.Expect == solver.Covered {
			r.report(r.place(ports), "an exception of %q has no ports", a.Expect)
		}
		a.Except = append(a.Except, x)
	}
	r.out = append(r.out, a)
}

// sides reads from and to, or, for what is asked of each pod, pods and to.
func (r *reader) sides(n *yaml.Node, a *Stated, e solver.Expect) (from, to solver.Side) {
	source, wrong := "from", "pods"
	if e == solver.Covered || e == solver.DNS {
		source, wrong = wrong, source
	}
	if key, _ := member(n, wrong); key != nil {
		r.report(r.place(key), "field %q does not go with expect: %v; it takes %q", wrong, e, source)
	}
	if key, _ := member(n, "to"); key != nil && e == solver.Covered {
		r.report(r.place(key), "field \"to\" does not go with expect: %v; it takes \"pods\" alone", e)
	}
	from, to = r.side(child(n, source), a), r.side(child(n, "to"), a)
	if source == "pods" {
		for _, x := range from {
			if x.Form != solver.FormPods && x.Form != solver.FormPath && (x.Form != solver.FormNamed || x.Named != solver.WordCluster) {
				r.report(a.Exprs[x.Text], "%q names no pods; expected cluster, NS:, NS:SELECTOR, NS/NAME or another expression of pods", x.Text)
			}
		}
	}
	return from, to
}

// side reads a side; nil when it is absent.
func (r *reader) side(n *yaml.Node, a *Stated) solver.Side {
	if n == nil {
		return nil
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = items(n)
	}
	out := solver.Side{}
	for _, n := range nodes {
		e, ok := r.ends(n)
		if !ok {
			continue
		}
		if a != nil {
			if _, known := a.Exprs[e.Text]; !known {
				a.Exprs[e.Text] = r.place(n)
			}
		}
		out = append(out, e)
	}
	return out
}

// ends reads one expression, in any form.
func (r *reader) ends(n *yaml.Node) (solver.Expr, bool) {
	if n.Kind != yaml.MappingNode {
		return r.expr(n, n.Value)
	}
	switch {
	case child(n, "workload") != nil:
		at := child(n, "workload")
		e, ok := r.expr(at, at.Value)
		if ok && e.Form != solver.FormPath {
			r.report(r.place(at), "workload is %q, expected NS/KIND/NAME or NS/NAME", at.Value)
		}
		return e, ok && e.Form == solver.FormPath
	case child(n, "cidr") != nil:
		at := child(n, "cidr")
		e, ok := r.expr(at, at.Value)
		if ok && e.Form != solver.FormRange && e.Form != solver.FormAddress {
			r.report(r.place(at), "cidr is %q, expected an address or a range such as 10.0.0.0/8", at.Value)
		}
		return e, ok && (e.Form == solver.FormRange || e.Form == solver.FormAddress)
	case child(n, "named") != nil:
		at := child(n, "named")
		return r.expr(at, at.Value)
	}
	set := model.PodSet{Namespaces: selector(child(n, "namespaceSelector")), Pods: selector(child(n, "podSelector"))}
	e, err := solver.ParseExpr(set.String())
	if err == nil && e.Form == solver.FormNamed { // every pod
		return e, true
	}
	// What a label cannot be would be read as something else.
	if err != nil || e.Form != solver.FormPods || e.Pods.String() != set.String() || len(e.Pods.Pods) != len(set.Pods) || len(e.Pods.Namespaces) != len(set.Namespaces) {
		message := "the selector has a key or a value that no label can have"
		if bad := new(solver.ExprError); errors.As(err, &bad) {
			message = bad.Message
		}
		r.reportCode(dialect.CodeBadExpression, r.place(n), message)
		return solver.Expr{}, false
	}
	return e, true
}

func (r *reader) expr(n *yaml.Node, s string) (solver.Expr, bool) {
	if strings.TrimSpace(s) == "" {
		r.reportCode(dialect.CodeBadExpression, r.place(n), "the expression is empty")
		return solver.Expr{}, false
	}
	e, err := solver.ParseExpr(s)
	if err != nil {
		r.reportCode(dialect.CodeBadExpression, r.place(n), err.Error())
		return e, false
	}
	return e, true
}

// selector reads a LabelSelector.
func selector(n *yaml.Node) model.Selector {
	var out model.Selector
	if labels := child(n, "matchLabels"); labels != nil {
		for i := 0; i+1 < len(labels.Content); i += 2 {
			out = append(out, model.Requirement{Key: resolve(labels.Content[i]).Value, Operator: model.In, Values: []string{resolve(labels.Content[i+1]).Value}})
		}
	}
	operators := map[string]model.Operator{"In": model.In, "NotIn": model.NotIn, "Exists": model.Exists, "DoesNotExist": model.DoesNotExist}
	for _, e := range items(child(n, "matchExpressions")) {
		q := model.Requirement{Key: text(e, "key"), Operator: operators[text(e, "operator")]}
		for _, v := range items(child(e, "values")) {
			q.Values = append(q.Values, v.Value)
		}
		out = append(out, q)
	}
	return out.Canonical()
}

func (r *reader) ports(n *yaml.Node) solver.PortQuery {
	if n == nil {
		return solver.PortQuery{}
	}
	q, err := solver.ParsePorts(n.Value)
	switch {
	case err != nil:
		r.reportCode(dialect.CodeBadExpression, r.place(n), err.Error())
	case q.Any:
		r.reportCode(dialect.CodeBadExpression, r.place(n), "the ports are empty; leave the field out for any port")
	}
	return q
}

// waiver is a Waiver that is not yet with its assertion.
type waiver struct {
	node, id *yaml.Node
	file     string
}

func (r *reader) waiver(n *yaml.Node) {
	r.waivers = append(r.waivers, waiver{n, child(n, "assertion"), r.name})
}

// waive gives each waiver to its assertion.
func (r *reader) waive() {
	at := map[string]*Stated{}
	var ids []string
	for i := range r.out {
		at[r.out[i].ID] = &r.out[i]
		ids = append(ids, r.out[i].ID)
	}
	for _, w := range r.waivers {
		r.name = w.file
		a := at[w.id.Value]
		if a == nil {
			hint := ""
			if near := nearest.Of(w.id.Value, ids); near != "" {
				hint = "; did you mean " + near + "?"
			}
			r.report(r.place(w.id), "there is no assertion %s%s", shown(w.id.Value), hint)
			continue
		}
		v := solver.Waiver{Owner: text(w.node, "owner"), Reason: text(w.node, "reason"), Expires: text(w.node, "expires")}
		if _, err := time.Parse(time.DateOnly, v.Expires); err != nil {
			r.report(r.place(child(w.node, "expires")), "expires is %s, which is no day", shown(v.Expires))
		}
		v.Expired = r.today > v.Expires
		v.From, v.To = r.sides(w.node, &Stated{Exprs: map[string]Place{}}, a.Expect)
		if a.Expect == solver.Exists && (v.From != nil || v.To != nil) {
			r.report(r.place(w.node), "a waiver of expect: %v is of the whole assertion: it takes neither from nor to", a.Expect)
		}
		a.Assertion.Waivers = append(a.Assertion.Waivers, v)
		a.Waivers = append(a.Waivers, r.place(w.node))
	}
}
