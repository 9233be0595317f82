package solver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/nearest"
	"github.com/podreach/podreach/model"
)

// Ends is an expression resolved against one Index: one side of a question.
type Ends struct {
	Expr Expr
	Set  engine.Set
	// Named is set when the expression names its endpoints one by one (nodes,
	// a path, an address literal) rather than selecting them. Only then does
	// the own-node exemption count (R52), and only then is one pod on both
	// sides self traffic (R50).
	Named bool
	// Addr is the address of a literal that some endpoint owns: the question
	// is about that address, not about others that the owner has.
	Addr netip.Addr
	// Family is that of a range: its owners are meant with their addresses of
	// the family.
	Family engine.Families
	// Contested is set when several endpoints own the literal, and it can mean
	// any one of them (R62).
	Contested bool
}

// EmptyError says that an expression selects nothing in the snapshot.
type EmptyError struct {
	Expr       Expr
	Message    string
	Suggestion string // the nearest existing name; may be ""
}

// Error is "EXPR: message; did you mean SUGGESTION?".
func (e *EmptyError) Error() string {
	s := fmt.Sprintf("%q selects nothing: %s", e.Expr.Text, e.Message)
	if e.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %s?", e.Suggestion)
	}
	return s
}

// Resolve finds the endpoints that an expression means. The error is an
// *EmptyError when there are none; the Ends are then usable and empty. Cost:
// O(pods), for address sets O(atoms + owned addresses).
func Resolve(x *engine.Index, e Expr) (Ends, error) {
	out := Ends{Expr: e}
	if e.Form == FormRange && e.Prefix.IsSingleIP() { // a literal by another name
		e.Form, e.Addr = FormAddress, e.Prefix.Addr()
	}
	switch e.Form {
	case FormNamed:
		out.Set = namedSet(x, e.Named)
		out.Named = e.Named == WordNodes
	case FormPods:
		out.Set = x.Select(e.Pods)
	case FormAddress:
		out.Named = true
		if owners := x.Owners(e.Addr); len(owners) > 0 {
			out.Set, out.Addr, out.Contested = engine.Of(owners...), e.Addr, len(owners) > 1
		} else {
			out.Set = x.Outside(ipSet(netip.PrefixFrom(e.Addr, e.Addr.BitLen())))
		}
	case FormRange:
		out.Set, out.Family = rangeSet(x, e.Prefix), engine.Only(model.FamilyOf(e.Prefix.Addr()))
	case FormPath:
		out.Named = true
		out.Set = pathSet(x, e)
	default:
		return out, &EmptyError{Expr: e, Message: "the expression is not valid"}
	}
	if out.Set.Empty() {
		return out, emptyError(x, e)
	}
	return out, nil
}

// Find parses an expression and resolves it. The error is an *ExprError or an
// *EmptyError.
func Find(x *engine.Index, expr string) (Ends, error) {
	e, err := ParseExpr(expr)
	if err != nil {
		return Ends{}, err
	}
	return Resolve(x, e)
}

func namedSet(x *engine.Index, word string) engine.Set {
	switch word {
	case WordCluster:
		return x.AllPods()
	case WordNodes:
		return x.AllNodes()
	case WordAny:
		return x.AllPods().Union(x.Outside(everyAddress()))
	}
	return x.Outside(NamedAddresses(x.Snapshot(), word))
}

// NamedAddresses returns the addresses of a named set (R111): outside,
// internet, private or metadata. The cluster's own ranges are no part of
// internet and private; single addresses that pods and nodes own still are.
func NamedAddresses(s *model.Snapshot, word string) *netipx.IPSet {
	var b netipx.IPSetBuilder
	add := func(ps []netip.Prefix) {
		for _, p := range ps {
			b.AddPrefix(p)
		}
	}
	remove := func(ps []netip.Prefix) {
		for _, p := range ps {
			b.RemovePrefix(p)
		}
	}
	switch word {
	case WordOutside:
		return everyAddress()
	case WordInternet:
		b.AddPrefix(netip.MustParsePrefix("0.0.0.0/0"))
		remove(model.Special4)
		add(model.Public6)
		remove(model.Public6Except)
		remove(s.PodCIDRs)
		remove(s.ServiceCIDRs)
	case WordPrivate:
		add(model.Private)
		remove(s.PodCIDRs)
		remove(s.ServiceCIDRs)
	case WordMetadata:
		add(model.Metadata)
	}
	return build(&b)
}

func everyAddress() *netipx.IPSet {
	return ipSet(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
}

func ipSet(ps ...netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	for _, p := range ps {
		b.AddPrefix(p)
	}
	return build(&b)
}

// build never fails: the builder's only errors are invalid prefixes, and
// callers pass valid ones.
func build(b *netipx.IPSetBuilder) *netipx.IPSet {
	s, err := b.IPSet()
	if err != nil {
		panic("solver: " + err.Error())
	}
	return s
}

// rangeSet is a CIDR: its unowned addresses and the known owners inside.
func rangeSet(x *engine.Index, p netip.Prefix) engine.Set {
	s := x.Snapshot()
	var owners []engine.EndpointID
	for i := range s.Pods {
		for _, a := range s.Pods[i].Addresses {
			if a.State == model.AddressKnown && p.Contains(a.Addr) {
				owners = append(owners, engine.EndpointID(i))
			}
		}
	}
	for i := range s.Nodes {
		if slices.ContainsFunc(s.Nodes[i].Addresses, func(a netip.Addr) bool { return p.Contains(a.Unmap()) }) {
			owners = append(owners, engine.NodeID(i))
		}
	}
	return engine.Of(owners...).Union(x.Outside(ipSet(p)))
}

// nodePath is the first part of a node's path, "node/NAME". A namespace of the
// name comes first.
const nodePath = "node"

// pathSet is every workload and every pod of a path (a union). Workloads with
// zero replicas count only when nothing else has the name, and a node only
// when none of these has.
func pathSet(x *engine.Index, e Expr) engine.Set {
	s := x.Snapshot()
	var found, dormant []engine.EndpointID
	add := func(id engine.EndpointID) {
		if s.Pods[id].Dormant {
			dormant = append(dormant, id)
		} else {
			found = append(found, id)
		}
	}
	if id, ok := x.Pod(e.Namespace, e.Name); ok {
		if p := &s.Pods[id]; e.Kind == "" || e.Kind == "pod" || p.Template && e.Kind == p.Workload.Kind {
			add(id)
		}
	}
	for _, id := range x.WorkloadPods(e.Namespace, e.Name) {
		if e.Kind == "" || e.Kind == s.Pods[id].Workload.Kind {
			add(id)
		}
	}
	if len(found) == 0 {
		found = dormant
	}
	if n, ok := x.Node(e.Name); ok && len(found) == 0 && e.Namespace == nodePath && e.Kind == "" {
		found = append(found, n)
	}
	return engine.Of(found...)
}

func emptyError(x *engine.Index, e Expr) *EmptyError {
	s := x.Snapshot()
	err := &EmptyError{Expr: e, Message: "nothing matches it"}
	namespaces := func() []string {
		var out []string
		for i := range s.Namespaces {
			out = append(out, s.Namespaces[i].Name)
		}
		return out
	}
	known := func(ns string) bool { return slices.Contains(namespaces(), ns) }
	switch e.Form {
	case FormNamed:
		switch e.Named {
		case WordNodes:
			err.Message = "the input holds no Node objects"
		case WordCluster, WordAny:
			err.Message = "the input holds no pods"
		}
	case FormPods:
		if ns := e.Pods.Namespace; ns != "" && !known(ns) {
			err.Message = fmt.Sprintf("there is no namespace %q", ns)
			if n := nearest.Of(ns, namespaces()); n != "" {
				err.Suggestion = n + ":" + strings.TrimPrefix(e.Pods.String(), ns+":")
			}
			return err
		}
		if message, suggestion := nearestNamespaces(x, e.Pods); message != "" {
			err.Message, err.Suggestion = message, suggestion
			return err
		}
		err.Message = "no pod matches"
		err.Suggestion = nearestSelector(x, e.Pods)
	case FormPath:
		if e.Namespace == nodePath && e.Kind == "" && !known(nodePath) {
			err.Message = fmt.Sprintf("there is no node %q", e.Name)
			var nodes []string
			for i := range s.Nodes {
				nodes = append(nodes, s.Nodes[i].Name)
			}
			if n := nearest.Of(e.Name, nodes); n != "" {
				err.Suggestion = nodePath + "/" + n
			}
			return err
		}
		if !known(e.Namespace) {
			err.Message = fmt.Sprintf("there is no namespace %q", e.Namespace)
			if n := nearest.Of(e.Namespace, namespaces()); n != "" {
				w := e
				w.Namespace = n
				err.Suggestion = w.String()
			}
			return err
		}
		err.Message = fmt.Sprintf("namespace %q has no workload or pod of that name", e.Namespace)
		var names []string
		for i := range s.Pods {
			if p := &s.Pods[i]; p.Namespace == e.Namespace {
				names = append(names, p.Namespace+"/"+p.Workload.Kind+"/"+p.Workload.Name, p.Path())
				if e.Kind == "" {
					names = append(names, p.Namespace+"/"+p.Workload.Name, p.Namespace+"/"+p.Name)
				}
			}
		}
		err.Suggestion = nearest.Of(e.String(), names)
	}
	return err
}

// nearestNamespaces says why no namespace matches the namespace selector of a
// set of pods, and replaces one label of it by the nearest that namespaces
// carry; "" when some namespace matches.
func nearestNamespaces(x *engine.Index, p model.PodSet) (message, suggestion string) {
	if len(p.Namespaces) == 0 {
		return "", ""
	}
	var labels []map[string]string
	for _, n := range x.Snapshot().Namespaces {
		if p.Namespaces.Matches(n.Labels) {
			return "", ""
		}
		labels = append(labels, n.Labels)
	}
	message = "no namespace matches"
	for _, r := range p.Namespaces {
		if has := func(l map[string]string) bool { _, ok := l[r.Key]; return ok }; (r.Operator == model.In || r.Operator == model.Exists) && !slices.ContainsFunc(labels, has) {
			message = "no namespace has the label " + r.Key
			break
		}
	}
	if fixed := nearestLabel(p.Namespaces, labels); fixed != nil {
		p.Namespaces = fixed
		suggestion = p.String()
	}
	return message, suggestion
}

// nearestSelector replaces one label of a selector that no pod matches by the
// nearest one that pods carry.
func nearestSelector(x *engine.Index, p model.PodSet) string {
	s := x.Snapshot()
	var labels []map[string]string
	for j := range s.Pods {
		if p.Namespace == "" || s.Pods[j].Namespace == p.Namespace {
			labels = append(labels, s.Pods[j].Labels)
		}
	}
	if p.Pods = nearestLabel(p.Pods, labels); p.Pods == nil {
		return ""
	}
	return p.String()
}

// nearestLabel replaces the first label of a selector that is not among labels
// by the nearest that is; nil when there is none.
func nearestLabel(selector model.Selector, labels []map[string]string) model.Selector {
	for i, r := range selector {
		if r.Operator != model.In && r.Operator != model.Exists {
			continue
		}
		var keys, values []string
		for _, l := range labels {
			for k, v := range l {
				if _, uncertain := model.UncertainLabel(k); uncertain || k == model.UnmanagedLabel {
					continue
				}
				keys = append(keys, k)
				if k == r.Key {
					values = append(values, v)
				}
			}
		}
		slices.Sort(keys)
		slices.Sort(values)
		keys, values = slices.Compact(keys), slices.Compact(values)
		fixed := slices.Clone(selector)
		switch {
		case len(values) == 0:
			if k := nearest.Of(r.Key, keys); k != "" {
				fixed[i].Key = k
				return fixed
			}
		case r.Operator == model.In && !slices.Contains(values, r.Values[0]):
			if v := nearest.Of(r.Values[0], values); v != "" {
				fixed[i].Values = []string{v}
				return fixed
			}
		}
	}
	return nil
}
