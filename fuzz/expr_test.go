package fuzz

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/solver"
)

// FuzzExpr: endpoint expressions and port lists of any text, and expressions
// that fit a generated cluster, mean what a literal reading of them says.
func FuzzExpr(f *testing.F) {
	for i, s := range []string{"any", "internet", "nodes", "{app=a}:tier!=b", "red:app in (a,b)", ":!tier", "app", "app notin (a)", "red/web", "red/deploy/deployment-1[0]", "node/node-0",
		"10.0.0.1", "::ffff:10.0.0.1", "10.0.0.0/29", "::ffff:10.0.0.0/125", "fd00::/8", "0.0.0.0/0", "@role", "ml:", ""} {
		ports := []string{"", "443", "UDP/53,http", "tcp/1-2,*/SCTP", "TCP/http,UDP/dns", "0", "80/tcp,80"}
		f.Add(s, ports[i%len(ports)], []byte{byte(i)})
	}
	f.Fuzz(func(t *testing.T, text, ports string, b []byte) {
		r := rand.New(gen.Bytes(b))
		c := gen.New(r, gen.Options{Pods: 4, Policies: 1})
		x, _, err := Index(c, c.JSON())
		require.NoError(t, err)
		checkExpr(t, x, text)
		checkPorts(t, x, ports)
		for range 4 {
			checkExpr(t, x, expression(x, r))
		}
	})
}

// TestExpr is FuzzExpr on many expressions that select something.
func TestExpr(t *testing.T) {
	met, empty := map[solver.Form]int{}, map[solver.Form]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 4))
		c := gen.New(r, gen.Options{Policies: 1})
		x, _, err := Index(c, c.JSON())
		require.NoError(t, err)
		for range 40 {
			if form, some := checkExpr(t, x, expression(x, r)); some {
				met[form]++
			} else {
				empty[form]++
			}
		}
		for _, ports := range []string{"", "http", "UDP/dns,443", "tcp/metrics,sctp/*", "1-53/udp,nowhere"} {
			require.True(t, checkPorts(t, x, ports))
		}
	}
	for _, f := range []solver.Form{solver.FormNamed, solver.FormPods, solver.FormAddress, solver.FormRange, solver.FormPath} {
		require.Greater(t, met[f], 50, "%v", f)
	}
	require.Greater(t, empty[solver.FormPods], 50, "selectors that match nothing")
}

// expression writes an expression about what a cluster holds, or nearly holds.
func expression(x *engine.Index, r *rand.Rand) string {
	s := x.Snapshot()
	one := func(from ...string) string { return from[r.IntN(len(from))] }
	selector := func(sets ...map[string]string) string {
		var terms []string
		for range 1 + r.IntN(2) {
			key, value := one("app", "tier", "example.com/x", "nobody", "kubernetes.io/metadata.name"), one("a", "b", "")
			for k, v := range sets[r.IntN(len(sets))] {
				if r.IntN(2) == 0 {
					key, value = k, v
				}
			}
			terms = append(terms, one(key, "!"+key, key+"="+value, key+"=="+value, key+"!="+value, key+" in ("+value+",a)", key+" notin ("+value+", b)"))
		}
		return strings.Join(terms, one(",", ", "))
	}
	podLabels, nsLabels, spaces := []map[string]string{nil}, []map[string]string{nil}, []string{"nowhere"}
	paths := []string{"node/nobody", "nowhere/x"}
	addrs := []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("fd00::9"), netip.MustParseAddr("10.0.0.3")}
	for i := range s.Namespaces {
		nsLabels, spaces = append(nsLabels, s.Namespaces[i].Labels), append(spaces, s.Namespaces[i].Name)
	}
	for i := range s.Pods {
		p := &s.Pods[i]
		podLabels = append(podLabels, p.Labels)
		paths = append(paths, p.Path(), solver.WorkloadPath(p), p.Namespace+"/"+p.Name, p.Namespace+"/"+p.Workload.Name, p.Namespace+"/pod/"+p.Name, p.Namespace+"/"+one("job", "deployment", "daemonset")+"/"+p.Name)
		for _, a := range p.Addresses {
			if a.State == model.AddressKnown {
				addrs = append(addrs, a.Addr, a.Addr.Next())
			}
		}
	}
	for i := range s.Nodes {
		paths = append(paths, "node/"+s.Nodes[i].Name)
		addrs = append(addrs, s.Nodes[i].Addresses...)
	}
	addr := addrs[r.IntN(len(addrs))]
	switch r.IntN(8) {
	case 0:
		return one(solver.Words()...)
	case 1:
		return one(spaces...) + ":"
	case 2:
		return one(spaces...) + ":" + selector(podLabels...)
	case 3:
		return "{" + selector(nsLabels...) + "}:" + one("", selector(podLabels...))
	case 4:
		return one(":", "") + selector(podLabels...)
	case 5:
		return addr.String()
	case 6:
		return addr.String() + "/" + strconv.Itoa(r.IntN(addr.BitLen()+1))
	}
	return one(paths...)
}

// checkExpr requires of an expression that its canonical text means it, and
// that it selects what a literal reading of that text does. The result is its
// form, and whether it selects something.
func checkExpr(t *testing.T, x *engine.Index, text string) (solver.Form, bool) {
	t.Helper()
	e, err := solver.ParseExpr(text)
	if err != nil {
		var bad *solver.ExprError
		require.ErrorAs(t, err, &bad)
		require.True(t, 0 <= bad.Offset && bad.Offset <= len(text), "%q: offset %d", text, bad.Offset)
		_, findErr := solver.Find(x, text)
		require.Equal(t, err, findErr)
		return 0, false
	}
	again, err := solver.ParseExpr(e.String())
	require.NoError(t, err, "%q", text)
	again.Text = e.Text
	require.Equal(t, e, again, "%q", text)

	got, err := solver.Resolve(x, e)
	require.Equal(t, got.Set.Empty(), err != nil, "%q", text)
	if err != nil {
		var none *solver.EmptyError
		require.True(t, errors.As(err, &none), "%q: %v", text, err)
	}
	s := x.Snapshot()
	want := literal(t, s, e.String())
	for i := range s.Pods {
		require.Equal(t, want.pods[i], got.Set.Contains(engine.EndpointID(i)), "%q, pod %s", text, s.Pods[i].Path())
	}
	for i := range s.Nodes {
		require.Equal(t, want.nodes[i], got.Set.Contains(engine.NodeID(i)), "%q, node %s", text, s.Nodes[i].Name)
	}
	in := func(a netip.Addr) bool {
		for _, part := range got.Set.Outside() {
			for _, r := range part.Ranges {
				if r.Contains(a) {
					require.Equal(t, x.Addr(a), part.Endpoint, "%q", text)
					return true
				}
			}
		}
		return false
	}
	for _, a := range probes(e.String()) {
		if owned := len(x.Owners(a)) > 0; !owned {
			require.Equal(t, want.outside(a), in(a), "%q, address %v", text, a)
		}
	}
	for _, part := range got.Set.Outside() {
		require.True(t, want.outside(part.Witness) && in(part.Witness) && len(x.Owners(part.Witness)) == 0, "%q: %v", text, part)
	}
	return e.Form, !got.Set.Empty()
}

// probes are addresses on both sides of the bounds of what an expression may
// name, and some that every kind of address space has.
func probes(expr string) []netip.Addr {
	var out []netip.Addr
	add := func(p netip.Prefix) {
		first := p.Masked().Addr()
		last := first.AsSlice()
		for bit := p.Bits(); bit < first.BitLen(); bit++ {
			last[bit/8] |= 0x80 >> (bit % 8)
		}
		end, _ := netip.AddrFromSlice(last)
		for _, a := range []netip.Addr{first.Prev(), first, end, end.Next()} {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	for _, list := range [][]netip.Prefix{model.Special4, model.Public6, model.Public6Except, model.Private, model.Metadata} {
		for _, p := range list {
			add(p)
		}
	}
	if p, err := netip.ParsePrefix(expr); err == nil {
		add(p)
	}
	if a, err := netip.ParseAddr(expr); err == nil {
		add(netip.PrefixFrom(a, a.BitLen()))
	}
	return append(out, netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888"))
}

// selected is what an expression means in a snapshot.
type selected struct {
	pods, nodes []bool
	outside     func(netip.Addr) bool // of an address that nobody owns
}

// literal reads an expression in canonical form, word by word of the
// documentation of solver.ParseExpr.
func literal(t *testing.T, s *model.Snapshot, expr string) selected {
	t.Helper()
	out := selected{make([]bool, len(s.Pods)), make([]bool, len(s.Nodes)), func(netip.Addr) bool { return false }}
	pods := func(match func(*model.Pod) bool) (some bool) {
		for i := range s.Pods {
			out.pods[i] = match(&s.Pods[i])
			some = some || out.pods[i]
		}
		return some
	}
	nodes := func(match func(*model.Node) bool) (some bool) {
		for i := range s.Nodes {
			out.nodes[i] = match(&s.Nodes[i])
			some = some || out.nodes[i]
		}
		return some
	}
	kubectl := func(text string) labels.Selector {
		sel, err := labels.Parse(text)
		require.NoError(t, err, "%q", expr)
		return sel
	}
	in := func(a netip.Addr, lists ...[]netip.Prefix) bool {
		return slices.ContainsFunc(slices.Concat(lists...), func(p netip.Prefix) bool { return p.Contains(a) })
	}
	space := map[string]labels.Set{}
	for i := range s.Namespaces {
		space[s.Namespaces[i].Name] = s.Namespaces[i].Labels
	}
	awake := func(p *model.Pod) bool { return !p.Dormant }

	switch expr {
	case "any":
		pods(awake)
		out.outside = func(netip.Addr) bool { return true }
		return out
	case "cluster":
		pods(awake)
		return out
	case "outside":
		out.outside = func(netip.Addr) bool { return true }
		return out
	case "nodes":
		nodes(func(*model.Node) bool { return true })
		return out
	case "internet": // R111
		out.outside = func(a netip.Addr) bool {
			public := a.Is4() && !in(a, model.Special4) || a.Is6() && in(a, model.Public6) && !in(a, model.Public6Except)
			return public && !in(a, s.PodCIDRs, s.ServiceCIDRs)
		}
		return out
	case "private":
		out.outside = func(a netip.Addr) bool { return in(a, model.Private) && !in(a, s.PodCIDRs, s.ServiceCIDRs) }
		return out
	case "metadata":
		out.outside = func(a netip.Addr) bool { return in(a, model.Metadata) }
		return out
	}

	if addr, err := netip.ParseAddr(expr); err == nil {
		literalAddress(&out, addr, pods, nodes)
		return out
	}
	if p, err := netip.ParsePrefix(expr); err == nil {
		if p.IsSingleIP() {
			literalAddress(&out, p.Addr(), pods, nodes)
			return out
		}
		pods(func(pod *model.Pod) bool {
			return slices.ContainsFunc(pod.Addresses[:], func(a model.Address) bool { return a.State == model.AddressKnown && p.Contains(a.Addr) })
		})
		nodes(func(n *model.Node) bool { return slices.ContainsFunc(n.Addresses, p.Contains) })
		out.outside = p.Contains
		return out
	}

	if spaces, rest, ok := strings.Cut(expr, "}:"); ok && strings.HasPrefix(expr, "{") {
		of, sel := kubectl(spaces[1:]), kubectl(rest)
		pods(func(p *model.Pod) bool {
			return awake(p) && of.Matches(space[p.Namespace]) && sel.Matches(labels.Set(p.Labels))
		})
		return out
	}
	if name, rest, ok := strings.Cut(expr, ":"); ok {
		sel := kubectl(rest)
		pods(func(p *model.Pod) bool {
			return awake(p) && (name == "" || name == p.Namespace) && sel.Matches(labels.Set(p.Labels))
		})
		return out
	}
	parts := strings.Split(expr, "/")
	require.Contains(t, []int{2, 3}, len(parts), "canonical text %q", expr)
	namespace, kind, name := parts[0], "", parts[len(parts)-1]
	if len(parts) == 3 {
		kind = parts[1]
	}
	named := func(p *model.Pod) bool {
		pod := p.Name == name && (kind == "" || kind == "pod" || p.Template && kind == p.Workload.Kind)
		workload := p.Workload.Name == name && (kind == "" || kind == p.Workload.Kind)
		return p.Namespace == namespace && (pod || workload)
	}
	if pods(func(p *model.Pod) bool { return named(p) && awake(p) }) || pods(named) {
		return out
	}
	if namespace == "node" && kind == "" {
		nodes(func(n *model.Node) bool { return n.Name == name })
	}
	return out
}

// literalAddress is R62: an address means the pods that have it, else the
// nodes, else their host-network pods; and when nobody has it, itself.
func literalAddress(out *selected, addr netip.Addr, pods func(func(*model.Pod) bool) bool, nodes func(func(*model.Node) bool) bool) {
	has := func(host bool) func(*model.Pod) bool {
		return func(p *model.Pod) bool {
			return p.HostNetwork == host && slices.ContainsFunc(p.Addresses[:], func(a model.Address) bool {
				return a.State == model.AddressKnown && a.Addr == addr && !a.Shadowed
			})
		}
	}
	if pods(has(false)) || nodes(func(n *model.Node) bool { return slices.Contains(n.Addresses, addr) }) || pods(has(true)) {
		return
	}
	out.outside = func(a netip.Addr) bool { return a == addr }
}

// checkPorts requires of a port list that its canonical text means it, and of
// each pod the ports that a literal reading of that text gives there.
func checkPorts(t *testing.T, x *engine.Index, text string) bool {
	t.Helper()
	q, err := solver.ParsePorts(text)
	if err != nil {
		var bad *solver.ExprError
		require.ErrorAs(t, err, &bad)
		require.True(t, 0 <= bad.Offset && bad.Offset <= len(text), "%q: offset %d", text, bad.Offset)
		return false
	}
	again, err := solver.ParsePorts(q.String())
	require.NoError(t, err, "%q", text)
	again.Text = q.Text
	require.Equal(t, q, again, "%q", text)
	s := x.Snapshot()
	for i := range s.Pods {
		require.Equal(t, literalPorts(t, q.String(), &s.Pods[i]).String(), solver.PortsAt(x, q, engine.EndpointID(i)).Lower.String(), "%q at %s", text, s.Pods[i].Path())
	}
	return true
}

// literalPorts reads a port list in canonical form for one destination.
func literalPorts(t *testing.T, list string, p *model.Pod) model.PortSet {
	t.Helper()
	if list == "" {
		return model.AllPorts()
	}
	var out model.PortSet
	for _, element := range strings.Split(list, ",") {
		word, rest, said := strings.Cut(element, "/")
		if !said {
			word, rest = "", element
		}
		for protocol := model.TCP; protocol < model.NumProtocols; protocol++ {
			if said && word != protocol.String() {
				continue
			}
			first, last, span := strings.Cut(rest, "-")
			from, err := strconv.Atoi(first)
			switch {
			case rest == "*":
				from, last = 1, strconv.Itoa(model.MaxPort)
			case err != nil: // a name
				for _, named := range p.Ports {
					if named.Protocol == protocol && named.Name == rest {
						out = out.Union(model.Port(protocol, named.Port))
					}
				}
				continue
			case !span:
				last = first
			}
			to, err := strconv.Atoi(last)
			require.NoError(t, err, "%q", list)
			require.True(t, 1 <= from && from <= to && to <= model.MaxPort, "%q", list)
			out = out.Union(model.Ports(model.PortRange{Protocol: protocol, First: uint16(from), Last: uint16(to)}))
		}
	}
	return out
}
