package corpus

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// The whole straight line: bytes, objects, snapshot, index.
func TestEngine(t *testing.T) {
	Suite{
		Verdict: func(c Case) (func(Query) (model.Verdict, error), error) {
			x, err := newIndex(c)
			return x.verdict, err
		},
		Codes: func(c Case) ([]dialect.Code, error) {
			x, err := newIndex(c)
			return x.codes, err
		},
		Other: func(c Case) (func(from, to string) (model.Other, error), error) {
			x, err := newIndex(c)
			return func(from, to string) (model.Other, error) {
				src, dst, err := x.ends(from, to)
				if err != nil {
					return 0, err
				}
				return x.Between(src, dst).Other, nil
			}, err
		},
		Internet: func(c Case) (func(string, model.Family) (anywhere, everywhere model.PortSet, err error), error) {
			x, err := newIndex(c)
			if err != nil {
				return nil, err
			}
			s, err := newOracle(c) // for the pieces of the internet
			return func(pod string, f model.Family) (anywhere, everywhere model.PortSet, err error) {
				src, err := x.end(pod)
				if err != nil {
					return anywhere, everywhere, err
				}
				return internet(s, c.Facts, f, func(a netip.Addr) model.PortSet {
					return x.Between(src, x.Addr(a)).Lower
				})
			}, err
		},
	}.Run(t)
}

// Errors are about the objects that a case names.
func TestEngineErrors(t *testing.T) {
	for _, c := range Cases() {
		if len(c.Errors) > 0 {
			x, err := newIndex(c)
			require.NoError(t, err, c.ID)
			slices.Sort(x.wrong)
			require.Equal(t, c.Errors, slices.Compact(x.wrong), c.ID)
		}
	}
}

// index is a compiled case with the names of its endpoints.
type index struct {
	*engine.Index
	paths map[string]engine.EndpointID
	codes []dialect.Code
	wrong []string // objects that errors are about
}

func newIndex(c Case) (index, error) {
	profile, err := cluster.ParseProfile(c.Profile)
	if err != nil {
		return index{}, err
	}
	state := cluster.New(cluster.Options{
		Profile: profile, PodCIDRs: c.Facts.PodCIDRs, ServiceCIDRs: c.Facts.ServiceCIDRs, Families: c.Facts.Families, Unmanaged: c.Facts.Unmanaged,
	})
	input := manifest.Bytes(c.ID+".yaml", c.YAML)
	for o := range manifest.NewReader(manifest.Options{}).Read([]manifest.Input{input}, state.Ledger()) {
		state.Put(o)
	}
	snapshot := state.Snapshot()
	x, err := engine.Compile(snapshot, engine.Options{})
	if err != nil {
		return index{}, err
	}
	out := index{Index: x, paths: map[string]engine.EndpointID{}}
	for i := range snapshot.Pods {
		p := &snapshot.Pods[i]
		if p.Dormant { // no endpoint (R64)
			continue
		}
		id, ok := x.Pod(p.Namespace, p.Name)
		if !ok {
			return index{}, fmt.Errorf("the index lacks pod %s", p.Path())
		}
		out.paths[p.Path()] = id
	}
	for _, d := range state.Ledger().Diagnostics {
		out.codes = append(out.codes, d.Code)
		if d.Severity() == dialect.Error {
			out.wrong = append(out.wrong, strings.TrimPrefix(d.Object.Namespace+"/"+d.Object.Name, "/"))
		}
	}
	return out, nil
}

func (x index) end(name string) (engine.EndpointID, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return x.Addr(a), nil
	}
	id, ok := x.paths[name]
	if node, isNode := strings.CutPrefix(name, "node/"); isNode {
		id, ok = x.Node(node)
	}
	if !ok {
		return 0, fmt.Errorf("no endpoint %s", name)
	}
	return id, nil
}

func (x index) ends(from, to string) (src, dst engine.EndpointID, err error) {
	if src, err = x.end(from); err != nil {
		return src, dst, err
	}
	dst, err = x.end(to)
	return src, dst, err
}

// verdict asks twice: Verdict and Between must agree.
func (x index) verdict(q Query) (model.Verdict, error) {
	src, dst, err := x.ends(q.From, q.To)
	if err != nil {
		return 0, err
	}
	f := engine.Flow{Src: src, Dst: dst, Protocol: q.Protocol, Port: q.Port, Family: engine.Only(q.Family)}
	if !src.IsOutside() {
		f.SrcAddr, _ = netip.ParseAddr(q.From) // an address of it, or none
	}
	if !dst.IsOutside() {
		f.DstAddr, _ = netip.ParseAddr(q.To)
	}
	v := x.Verdict(f)
	if q.Family == model.AnyFamily {
		if b := x.BetweenFlow(f).Verdict(q.Protocol, q.Port); b != v {
			return 0, fmt.Errorf("Verdict says %v, Between %v", v, b)
		}
	}
	return v, nil
}
