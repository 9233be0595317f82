package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest/custom"
	"github.com/podreach/podreach/solver"
)

// configFile is found by itself in the current folder.
const configFile = "podreach.yaml"

// maxConfig is how many bytes a configuration may have: some thousand rows.
const maxConfig = 1 << 20

// config holds facts that manifests do not hold.
type config struct {
	podCIDRs, serviceCIDRs []netip.Prefix
	families               []model.Family // nil: by evidence (R47)
	unmanaged              []model.PodSet
	workloads              []*custom.Row
}

// table is which custom resources make pods; nil means podreach's own.
func (c *config) table() *custom.Table {
	if len(c.workloads) == 0 {
		return nil
	}
	return custom.Builtin().With(c.workloads)
}

// readConfig reads a configuration file; name "" means configFile, if there is
// one. used is the file that was read. What is wrong with it is returned as
// diagnostics: a wrong fact would make every answer wrong, so nothing of a bad
// file is used.
func readConfig(name string) (c config, used string, bad []dialect.Diagnostic, err error) {
	used = name
	if used == "" {
		used = configFile
	}
	info, err := os.Stat(used)
	if name == "" && errors.Is(err, fs.ErrNotExist) {
		return c, "", nil, nil
	}
	if err != nil {
		return c, used, nil, coded(dialect.CodeUnreadable, "--config %s: %s", used, pathError(err))
	}
	if info.IsDir() {
		if name == "" {
			return c, "", nil, nil
		}
		return c, used, nil, coded(dialect.CodeUnreadable, "--config %s is a folder, expected a file", used)
	}
	p := configParser{file: used}
	if !info.Mode().IsRegular() { // a pipe may never end, or never begin
		p.report(nil, "a configuration must be a regular file")
		return c, used, p.bad, nil
	}
	f, err := os.Open(used)
	if err != nil {
		return c, used, nil, coded(dialect.CodeUnreadable, "--config %s: %s", used, pathError(err))
	}
	defer f.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	switch {
	case err != nil:
		return c, used, nil, coded(dialect.CodeUnreadable, "--config %s: %s", used, pathError(err))
	case len(text) > maxConfig:
		p.report(nil, "a configuration has at most %d KiB", maxConfig>>10)
	default:
		p.parse(bytes.NewReader(text))
	}
	return p.config, used, p.bad, nil
}

// facts lists what a configuration states, as assumptions of an answer.
func (c *config) facts(file string) []string {
	var out []string
	add := func(field string, values []string) {
		if len(values) > 0 {
			out = append(out, fmt.Sprintf("%s: %s %s", file, field, strings.Join(values, ", ")))
		}
	}
	add("podCIDRs", cidrs(c.podCIDRs))
	add("serviceCIDRs", cidrs(c.serviceCIDRs))
	var families []string
	for _, f := range c.families {
		families = append(families, f.String())
	}
	add("ipFamilies", families)
	var unmanaged, workloads []string
	for _, u := range c.unmanaged {
		unmanaged = append(unmanaged, u.String())
	}
	for _, w := range c.workloads {
		workloads = append(workloads, w.GVK())
	}
	add("unmanaged", unmanaged)
	add("workloads", workloads)
	return out
}

// pathError is the cause of an error about a file that the message names already.
func pathError(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

type configParser struct {
	file   string
	config config
	bad    []dialect.Diagnostic
}

// maxBad is how many errors of a configuration are told.
const maxBad = 1_000

func (p *configParser) report(n *yaml.Node, format string, args ...any) {
	if len(p.bad) == maxBad {
		return
	}
	d := dialect.Diagnostic{Code: dialect.CodeBadConfig, Origin: model.Origin{File: p.file}, Line: 1, Message: fmt.Sprintf(format, args...)}
	if n != nil {
		d.Line, d.Column = max(n.Line, 1), n.Column
	}
	p.bad = append(p.bad, d)
}

var configFields = []string{"apiVersion", "kind", "podCIDRs", "serviceCIDRs", "ipFamilies", "unmanaged", "workloads"}

func (p *configParser) parse(r io.Reader) {
	d := yaml.NewDecoder(r)
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		p.report(nil, "%v", err)
		return
	}
	if more := new(yaml.Node); d.Decode(more) == nil {
		p.report(more, "a configuration is one document")
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		p.report(top, "expected fields, found %s", kindName(top))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if seen[key.Value] {
			p.report(key, "field %q is given twice", key.Value)
		}
		seen[key.Value] = true
		switch key.Value {
		case "apiVersion":
			p.constant(value, "apiVersion", "podreach.io/v1alpha1")
		case "kind":
			p.constant(value, "kind", "Config")
		case "podCIDRs":
			p.config.podCIDRs = p.prefixes(value, key.Value)
		case "serviceCIDRs":
			p.config.serviceCIDRs = p.prefixes(value, key.Value)
		case "ipFamilies":
			p.config.families = p.families(value)
		case "unmanaged":
			p.config.unmanaged = p.podSets(value, key.Value)
		case "workloads":
			p.config.workloads = p.workloads(value)
		default:
			p.report(key, "unknown field %q%s", key.Value, didYouMean(key.Value, configFields))
		}
	}
	for _, f := range configFields[:2] {
		if !seen[f] {
			p.report(top, "field %q is missing", f)
		}
	}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	return fmt.Sprintf("%q", n.Value)
}

func (p *configParser) constant(n *yaml.Node, field, want string) {
	if n.Value != want {
		p.report(n, "%s is %s, expected %s", field, kindName(n), want)
	}
}

func (p *configParser) strings(n *yaml.Node, field string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		p.report(n, "%s is %s, expected a list", field, kindName(n))
		return nil
	}
	return n.Content
}

func (p *configParser) prefixes(n *yaml.Node, field string) []netip.Prefix {
	var out []netip.Prefix
	for _, e := range p.strings(n, field) {
		prefix, err := netip.ParsePrefix(e.Value)
		switch {
		case err != nil:
			p.report(e, "%s: %s is not a CIDR such as 10.0.0.0/8", field, kindName(e))
		case prefix != prefix.Masked():
			p.report(e, "%s: %s has bits beyond its length; did you mean %v?", field, kindName(e), prefix.Masked())
		default:
			out = append(out, prefix)
		}
	}
	return out
}

func (p *configParser) families(n *yaml.Node) []model.Family {
	names := []string{model.IPv4.String(), model.IPv6.String()}
	out := []model.Family{}
	for _, e := range p.strings(n, "ipFamilies") {
		i := slices.Index(names, e.Value)
		if i < 0 {
			p.report(e, "ipFamilies: unknown family %s%s", kindName(e), didYouMean(e.Value, names))
			continue
		}
		out = append(out, model.Family(i))
	}
	if len(out) == 0 && len(p.bad) == 0 {
		p.report(n, "ipFamilies names no family")
	}
	return out
}

// podSets reads expressions of pods, as questions have them.
func (p *configParser) podSets(n *yaml.Node, field string) []model.PodSet {
	var out []model.PodSet
	for _, e := range p.strings(n, field) {
		switch x, err := solver.ParseExpr(e.Value); {
		case err != nil && namespaceName.MatchString(e.Value):
			p.report(e, "%s: %s is no expression; the pods of a namespace are %q", field, kindName(e), e.Value+":")
		case err != nil:
			p.report(e, "%s: %v", field, err)
		case x.Form != solver.FormPods:
			p.report(e, "%s: %s names no pods by namespace and labels; expected NS:, NS:SELECTOR, {NSSELECTOR}:SELECTOR or :SELECTOR", field, kindName(e))
		default:
			out = append(out, x.Pods)
		}
	}
	return out
}

// workloads reads rows for the table of custom resources.
func (p *configParser) workloads(n *yaml.Node) []*custom.Row {
	rows, bad := custom.Parse(n)
	for _, e := range bad {
		p.report(&yaml.Node{Line: e.Line, Column: e.Column}, "workloads: %s", e.Message)
	}
	return rows
}
