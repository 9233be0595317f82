package corpus

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
)

// shorthand is how expectations write the endpoints of the world.
var shorthand = map[string]string{
	"xa": "x/pod/a", "xb": "x/pod/b", "xc": "x/pod/c", "ya": "y/pod/a", "yb": "y/pod/b", "yc": "y/pod/c", "za": "z/pod/a", "zb": "z/pod/b",
	"n1": "node/n1", "n2": "node/n2", "G": "8.8.8.8", "P": "172.20.0.5",
}

// ends is the endpoints that wildcards stand for, in the order of the objects.
type ends struct {
	pods  []string                   // pods with an address of their own
	nodes []string                   // "node/n1"
	node  map[string]string          // pod -> its node
	said  func(from, to string) bool // whether a line before has said something about two pods
}

func endsOf(cluster []document) ends {
	e := ends{node: map[string]string{}}
	for _, d := range cluster {
		switch {
		case d.Kind == "Node":
			e.nodes = append(e.nodes, "node/"+d.Metadata.Name)
		case d.Kind != "Pod" || d.Spec.HostNetwork || d.Status.PodIP == "" || d.Status.Phase == "Succeeded":
		default:
			pod := d.Metadata.Namespace + "/pod/" + d.Metadata.Name
			e.pods = append(e.pods, pod)
			e.node[pod] = "node/" + d.Spec.NodeName
		}
	}
	return e
}

// set reads a setting.
func (c *Case) set(key, value string) error {
	var err error
	switch key {
	case "rule":
		c.Rule, err = strconv.Atoi(strings.TrimPrefix(value, "R"))
	case "upstream":
		if !upstreamForm.MatchString(value) {
			return errors.New("want FILE:LINE NAME")
		}
		c.Upstream = append(c.Upstream, value)
	case "profile":
		if value != "cilium" && value != "calico" {
			return errors.New("no such profile")
		}
		c.Profile = value
	case "podCIDRs":
		c.Facts.PodCIDRs, err = prefixes(value)
	case "serviceCIDRs":
		c.Facts.ServiceCIDRs, err = prefixes(value)
	case "ipFamilies":
		for word := range strings.SplitSeq(value, ",") {
			f := model.Family(slices.Index([]string{model.IPv4.String(), model.IPv6.String()}, word))
			if f >= model.NumFamilies {
				return fmt.Errorf("no family %q", word)
			}
			c.Facts.Families = append(c.Facts.Families, f)
		}
	case "unmanaged":
		var set model.PodSet
		set, err = podSet(value)
		c.Facts.Unmanaged = append(c.Facts.Unmanaged, set)
	case "invalid":
		c.Invalid, err = codes(value)
	case "errors":
		c.Errors = strings.Split(value, ",")
		slices.Sort(c.Errors)
	case "noted":
		c.Noted, err = codes(value)
	default:
		return errors.New("no such setting")
	}
	return err
}

var upstreamForm = regexp.MustCompile(`^[a-z0-9_./-]+:\d+ \S`)

func prefixes(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for s := range strings.SplitSeq(list, ",") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// podSet reads "x:", "x:app=a", "{team=red}:app=a" or ":app=a".
func podSet(s string) (out model.PodSet, err error) {
	scope, pods, ok := strings.Cut(s, ":")
	byLabels := strings.HasPrefix(s, "{")
	if byLabels {
		scope, pods, ok = strings.Cut(s[1:], "}:")
	}
	if !ok {
		return out, errors.New("not a selector of pods")
	}
	if byLabels {
		if out.Namespaces, err = selector(scope); err != nil {
			return out, err
		}
	} else {
		out.Namespace = scope
	}
	out.Pods, err = selector(pods)
	return out, err
}

// operators are the words of a selector's syntax.
var operators = map[selection.Operator]model.Operator{
	selection.Equals: model.In, selection.DoubleEquals: model.In, selection.In: model.In,
	selection.NotEquals: model.NotIn, selection.NotIn: model.NotIn,
	selection.Exists: model.Exists, selection.DoesNotExist: model.DoesNotExist,
}

// selector reads a selector in kubectl's syntax.
func selector(s string) (model.Selector, error) {
	parsed, err := labels.ParseToRequirements(s)
	var out model.Selector
	for _, r := range parsed {
		operator, known := operators[r.Operator()]
		if !known {
			return nil, fmt.Errorf("no operator %q", r.Operator())
		}
		out = append(out, model.Requirement{Key: r.Key(), Operator: operator, Values: slices.Sorted(maps.Keys(r.Values()))})
	}
	return out.Canonical(), err
}

// codes reads "PR2003,PR2004".
func codes(list string) ([]dialect.Code, error) {
	var out []dialect.Code
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(strings.TrimPrefix(s, "PR"), 10, 16)
		if err != nil {
			return nil, err
		}
		code := dialect.Code(n)
		if code.String() != s || code.Doc().Title == "" {
			return nil, fmt.Errorf("no diagnostic code %q", s)
		}
		out = append(out, code)
	}
	slices.Sort(out)
	return out, nil
}

// expect reads one line of expectations.
func (c *Case) expect(line string, e ends) error {
	words := strings.Fields(line)
	if len(words) < 2 {
		return errors.New("incomplete")
	}
	if words[0] == "absent" {
		name, err := endpoint(words[1])
		c.Absent = append(c.Absent, name)
		return err
	}
	if words[1] == "internet" {
		return c.expectInternet(words)
	}
	pairs, err := e.pairs(words[0])
	if err != nil {
		return err
	}
	family, words := model.AnyFamily, words[1:]
	switch words[0] {
	case "v4":
		family, words = model.IPv4, words[1:]
	case "v6":
		family, words = model.IPv6, words[1:]
	case "other":
		for _, p := range pairs {
			i := slices.Index([]string{"no", "unspecified", "yes"}, strings.Join(words[1:], " "))
			if i < 0 {
				return errors.New(`want "other no", "other unspecified" or "other yes"`)
			}
			c.Other = append(c.Other, OtherExpectation{p[0], p[1], model.Other(i)})
		}
		return nil
	}
	lower, upper, bounds := words, words, false
	if len(words) > 0 && words[0] == "lo" {
		lower, upper, bounds = cut(words[1:], "up")
		if !bounds {
			return errors.New(`want "lo SET up SET"`)
		}
	}
	lo, err := portSet(lower)
	if err != nil {
		return err
	}
	up, err := portSet(upper)
	if err != nil {
		return err
	}
	if !up.ContainsAll(lo) {
		return errors.New("the lower bound exceeds the upper")
	}
	for _, p := range pairs {
		c.Expect = append(c.Expect, Expectation{p[0], p[1], family, lo, up})
	}
	return nil
}

// expectInternet reads "POD internet v4 SET everywhere SET".
func (c *Case) expectInternet(words []string) error {
	pod, err := endpoint(words[0])
	if err != nil {
		return err
	}
	anywhere, everywhere, ok := cut(words[2:], "everywhere")
	if !ok || anywhere[0] != "v4" && anywhere[0] != "v6" {
		return errors.New(`want "POD internet v4 SET everywhere SET"`)
	}
	family := model.IPv4
	if anywhere[0] == "v6" {
		family = model.IPv6
	}
	some, err := portSet(anywhere[1:])
	if err != nil {
		return err
	}
	all, err := portSet(everywhere)
	if err != nil {
		return err
	}
	c.Internet = append(c.Internet, InternetExpectation{pod, family, some, all})
	return nil
}

// speaksOf reports whether the case expects something of the whole answer for
// two ends.
func (c *Case) speaksOf(from, to string) bool {
	return slices.ContainsFunc(c.Expect, func(x Expectation) bool { return x.From == from && x.To == to && x.Family == model.AnyFamily })
}

// expectExemptions adds what no policy can change (R50, R52, R107), unless
// the case says something about the pair itself.
func (c *Case) expectExemptions(e ends) {
	for _, pod := range e.pods {
		for _, from := range []string{pod, e.node[pod]} {
			known := from == pod || slices.Contains(e.nodes, from)
			said := slices.ContainsFunc(c.Expect, func(x Expectation) bool { return x.From == from && x.To == pod })
			if known && !said {
				c.Expect = append(c.Expect, Expectation{from, pod, model.AnyFamily, model.AllPorts(), model.AllPorts()})
			}
		}
	}
}

// pairs expands "A>B", with lists and wildcards.
func (e ends) pairs(s string) ([][2]string, error) {
	var out [][2]string
	if s == "allpairs" || s == "rest" {
		for _, a := range e.pods {
			for _, b := range e.others(a, false) {
				if s == "allpairs" || !e.said(a, b) {
					out = append(out, [2]string{a, b})
				}
			}
		}
		return out, nil
	}
	from, to, ok := strings.Cut(s, ">")
	if !ok {
		return nil, errors.New("not an expectation")
	}
	if wild := from == "*" || from == "pods"; wild || to == "*" || to == "pods" {
		name := from
		if wild {
			name = to
		}
		fixed, err := endpoint(name)
		if err != nil {
			return nil, err
		}
		if e.node[fixed] == "" {
			return nil, fmt.Errorf("the other end of a wildcard must be a pod with an address, not %s", fixed)
		}
		for _, other := range e.others(fixed, from == "*" || to == "*") {
			pair := [2]string{fixed, other}
			if wild {
				pair = [2]string{other, fixed}
			}
			out = append(out, pair)
		}
		return out, nil
	}
	sources, some, err := e.list(from)
	if err != nil {
		return nil, err
	}
	destinations, more, err := e.list(to)
	if err != nil {
		return nil, err
	}
	for _, a := range sources {
		for _, b := range destinations {
			if a != b || !some && !more { // what a pod may do to itself is only said of one by its name
				out = append(out, [2]string{a, b})
			}
		}
	}
	return out, nil
}

// list reads "x/pod/a,y/*", y/* being the pods of a namespace, and says whether
// there was one of these.
func (e ends) list(s string) (out []string, wild bool, err error) {
	for word := range strings.SplitSeq(s, ",") {
		if namespace, ok := strings.CutSuffix(word, "/*"); ok {
			n := len(out)
			for _, pod := range e.pods {
				if strings.HasPrefix(pod, namespace+"/") {
					out = append(out, pod)
				}
			}
			if len(out) == n {
				return nil, false, fmt.Errorf("no pods in namespace %q", namespace)
			}
			wild = true
			continue
		}
		end, err := endpoint(word)
		if err != nil {
			return nil, false, err
		}
		out = append(out, end)
	}
	return out, wild, nil
}

// others is what "pods" stands for opposite a pod, or "*" if all is set.
func (e ends) others(pod string, all bool) []string {
	var out []string
	for _, p := range e.pods {
		if p != pod {
			out = append(out, p)
		}
	}
	if !all {
		return out
	}
	for _, n := range e.nodes {
		if n != e.node[pod] {
			out = append(out, n)
		}
	}
	return append(out, shorthand["G"], shorthand["P"])
}

var endpointForm = regexp.MustCompile(`^([a-z0-9-]+/[a-z.]+/[a-z0-9.*-]+(\[\d+\])?|node/[a-z0-9-]+)$`)

// endpoint writes an endpoint out.
func endpoint(s string) (string, error) {
	if long, ok := shorthand[s]; ok {
		return long, nil
	}
	if _, err := netip.ParseAddr(s); err == nil || endpointForm.MatchString(s) {
		return s, nil
	}
	return "", fmt.Errorf("not an endpoint: %q", s)
}

// cut splits words around the first sep.
func cut(words []string, sep string) (before, after []string, found bool) {
	i := slices.Index(words, sep)
	if i < 1 {
		return nil, nil, false
	}
	return words[:i], words[i+1:], true
}

// portSet reads "ALL", "NONE" or "TCP 80,443-445 UDP 53".
func portSet(words []string) (model.PortSet, error) {
	switch strings.Join(words, " ") {
	case "ALL":
		return model.AllPorts(), nil
	case "NONE":
		return model.PortSet{}, nil
	case "":
		return model.PortSet{}, errors.New("no set of ports")
	}
	var ranges []model.PortRange
	for ; len(words) >= 2; words = words[2:] {
		protocol, ok := model.ParseProtocol(words[0])
		if !ok {
			return model.PortSet{}, fmt.Errorf("no protocol %q", words[0])
		}
		for r := range strings.SplitSeq(words[1], ",") {
			first, last, isRange := strings.Cut(r, "-")
			if !isRange {
				last = first
			}
			lo, err := strconv.ParseUint(first, 10, 16)
			if err != nil {
				return model.PortSet{}, err
			}
			hi, err := strconv.ParseUint(last, 10, 16)
			if err != nil {
				return model.PortSet{}, err
			}
			if lo == 0 || lo > hi {
				return model.PortSet{}, fmt.Errorf("no port range %q", r)
			}
			ranges = append(ranges, model.PortRange{Protocol: protocol, First: uint16(lo), Last: uint16(hi)})
		}
	}
	if len(words) > 0 {
		return model.PortSet{}, fmt.Errorf("ports of %s?", words[0])
	}
	return model.Ports(ranges...), nil
}
