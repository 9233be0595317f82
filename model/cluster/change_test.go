package cluster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
)

// tree is an object as JSON has it.
type tree map[string]any

func (t tree) field(path ...string) any {
	var v any = map[string]any(t)
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (t tree) text(path ...string) string { s, _ := t.field(path...).(string); return s }

// target is the object as it is named for deletion.
func (t tree) target() string {
	inNone := strings.HasSuffix(t.text("kind"), "AdminNetworkPolicy") || t.text("kind") == "ClusterNetworkPolicy" // which may write one all the same
	if space := t.text("metadata", "namespace"); space != "" && !inNone {
		return t.text("kind") + "/" + space + "/" + t.text("metadata", "name")
	}
	return t.text("kind") + "/" + t.text("metadata", "name")
}

// clone is a deep copy with other labels, on itself and on a template.
func (t tree) clone(labels map[string]any) tree {
	var out tree
	if err := json.Unmarshal([]byte(t.String()), &out); err != nil {
		panic(err)
	}
	out["metadata"].(map[string]any)["labels"] = labels
	if template, ok := out.field("spec", "template").(map[string]any); ok {
		template["metadata"] = map[string]any{"labels": labels}
	}
	return out
}

func (t tree) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// world is a generated cluster, an object a file.
type world struct {
	options cluster.Options
	objects []tree
	live    bool // some pod has an address
}

func worldOf(t *testing.T, r *rand.Rand) world {
	t.Helper()
	c := gen.New(r, gen.Options{})
	var list struct{ Items []tree }
	d := json.NewDecoder(bytes.NewReader(c.JSON()))
	d.UseNumber()
	require.NoError(t, d.Decode(&list))
	w := world{options: cluster.Options{DefaultNamespace: c.DefaultNamespace, Profile: cluster.Profile(c.Profile)}, objects: list.Items}
	// An object without a name is another one each time: no change can mean it.
	w.objects = slices.DeleteFunc(w.objects, func(o tree) bool { return o.text("metadata", "name") == "" })
	for _, o := range w.objects {
		w.live = w.live || hasAddress(o)
	}
	return w
}

func hasAddress(o tree) bool {
	return o.text("kind") == "Pod" && (o.text("status", "podIP") != "" || o.field("status", "podIPs") != nil)
}

func (w world) space(o tree) string {
	if space := o.text("metadata", "namespace"); space != "" {
		return space
	}
	if w.options.DefaultNamespace != "" {
		return w.options.DefaultNamespace
	}
	return "default"
}

// editor is a State with the reader of its objects.
type editor struct {
	*cluster.State
	reader *manifest.Reader
	files  map[string]string // text -> name: the same object is in the same file wherever it comes
}

func (w world) edit(files map[string]string) editor {
	return editor{cluster.New(w.options), manifest.NewReader(manifest.Options{}), files}
}

func (e editor) read(objects []tree) iter.Seq[manifest.Object] {
	var inputs []manifest.Input
	for _, o := range objects {
		text := o.String()
		if e.files[text] == "" {
			e.files[text] = fmt.Sprintf("%d.json", len(e.files))
		}
		inputs = append(inputs, manifest.Bytes(e.files[text], []byte(text)))
	}
	return e.reader.Read(inputs, e.Ledger())
}

func (e editor) put(objects []tree) {
	for o := range e.read(objects) {
		e.Put(o)
	}
}

func (e editor) delete(t *testing.T, names ...string) {
	t.Helper()
	var targets []cluster.Target
	for _, name := range names {
		target, err := cluster.ParseTarget(name)
		require.NoError(t, err)
		targets = append(targets, target)
	}
	require.NoError(t, e.Delete(targets...))
}

// account is the snapshot and the ledger as text, without what only a change
// has to say.
func (e editor) account() string {
	s := e.Snapshot()
	l := e.Ledger()
	var b strings.Builder
	fmt.Fprintf(&b, "%v%d %d %d %d %v\n", s, l.Objects, l.Pods, l.Workloads, l.Policies, l.IgnoredKinds())
	for _, a := range l.Assumptions {
		if !strings.HasPrefix(a, "manifests of the input count as") {
			fmt.Fprintln(&b, a)
		}
	}
	var lines []string
	for _, d := range l.Diagnostics {
		if d.Code != dialect.CodeNoObjects && d.Code != dialect.CodeNotAsApplied { // of no files at all, and of the change
			lines = append(lines, fmt.Sprintf("%v %v %s", d.Code, d.Origin, d.Message))
		}
	}
	slices.Sort(lines)
	return b.String() + strings.Join(lines, "\n")
}

// doomed are objects that a test deletes, by the target that takes them along.
var doomed = map[string][]string{
	"ns/doomed": {
		`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"doomed"}}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"d","namespace":"doomed"},"status":{"phase":"Failed","podIP":"fd00::99"}}`,
		`{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"d","namespace":"doomed"}}`,
		`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"bad","namespace":"doomed"},"spec":{"podSelector":{},"ingres":[]}}`,
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"d","namespace":"doomed"}}`,
	},
	"deploy/grim/reaper": {
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"reaper","namespace":"grim"},"spec":{"replicas":2,"template":{"metadata":{"labels":{"a":"1"}}}}}`,
		`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"reaper-x","namespace":"grim","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"reaper","controller":true}]},"spec":{"template":{}}}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"reaper-x-1","namespace":"grim","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"reaper-x","controller":true}]},"status":{"phase":"Failed","podIP":"10.255.255.1"}}`,
		// Of this one the ReplicaSet is known by name only.
		`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"reaper-y-1","namespace":"grim","labels":{"pod-template-hash":"y"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"reaper-y","controller":true}]}}`,
	},
	"netpol/grim/p": {
		`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p","namespace":"grim"},"spec":{"podSelector":{},"ingress":[{"from":[{}]}]}}`,
	},
	"NetworkPolicy.crd.projectcalico.org/grim/p": {
		`{"apiVersion":"crd.projectcalico.org/v1","kind":"NetworkPolicy","metadata":{"name":"p","namespace":"grim"}}`,
	},
	"configmaps/c":                {`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}`},
	"node/doomed":                 {`{"apiVersion":"v1","kind":"Node","metadata":{"name":"doomed"},"spec":{"podCIDR":"fd12::/64"},"status":{"addresses":[{"type":"InternalIP","address":"bad"}]}}`},
	"po/grim/lone":                {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"lone","namespace":"grim"},"status":{"phase":"Succeeded"}}`},
	"raycluster.ray.io/grim/ray":  {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"ray-head","namespace":"grim","ownerReferences":[{"apiVersion":"ray.io/v1","kind":"RayCluster","name":"ray","controller":true}]}}`},
	"StatefulSets.v1.apps/grim/s": {`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"s","namespace":"grim"},"spec":{"replicas":0,"template":{}}}`},
}

// A State that was changed answers as one that read the result: snapshot,
// counts, diagnostics and assumptions.
func TestChangedIsAsIfReadSo(t *testing.T) {
	applied, replaced, deleted := 0, 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := worldOf(t, r)
		files := map[string]string{}
		fresh := w.edit(files)
		invalid := func(o tree) bool {
			e := w.edit(map[string]string{})
			e.put([]tree{o})
			e.Snapshot()
			return e.Ledger().Count(dialect.Error) > 0
		}
		// A workload that moves takes along what it may own: what is applied
		// with it stays.
		moves := map[string]bool{}
		for _, o := range w.objects {
			moves[w.space(o)] = r.IntN(2) == 0
		}
		for _, o := range w.objects { // a Pod that is new needs no address; read as it is, it is no endpoint (R61)
			if w.live && o.text("kind") == "Pod" && !hasAddress(o) {
				moves[w.space(o)] = false
			}
		}
		var base, apply, result []tree
		first := w.live // whether a snapshot is live, the base says: it keeps one Pod that tells
		for _, o := range w.objects {
			kind, owned := o.text("kind"), o.field("metadata", "ownerReferences") != nil
			workload := !slices.Contains([]string{"Pod", "Namespace", "Node", "NetworkPolicy", "ServiceCIDR"}, kind)
			move := r.IntN(3) == 0
			if workload || owned {
				move = moves[w.space(o)]
			}
			if kind == "Pod" && w.live && !hasAddress(o) {
				move = false
			}
			if kind == "Pod" && first && hasAddress(o) && !owned {
				first, move = false, false
			}
			switch {
			case !move:
				base, result = append(base, o), append(result, o)
			case r.IntN(2) == 0 && !invalid(o) && !workload && o.text("metadata", "name") != "": // over another
				old := o.clone(map[string]any{"old": "x", "a": "1"})
				if kind == "NetworkPolicy" {
					old["spec"] = map[string]any{"podSelector": map[string]any{}, "policyTypes": []any{"Ingress"}, "ingress": []any{map[string]any{"from": []any{map[string]any{}}}}}
					if r.IntN(2) == 0 { // what the reader refuses
						old["spec"] = map[string]any{"podSelector": map[string]any{}, "ingres": 1}
					}
				}
				base, apply, result = append(base, old), append(apply, o), append(result, o)
				replaced++
			default:
				apply = append(apply, o)
				applied++
			}
		}
		for _, o := range apply { // what is new comes last
			if !slices.ContainsFunc(result, func(p tree) bool { return p.String() == o.String() }) {
				result = append(result, o)
			}
		}
		var targets []string
		for _, name := range slices.Sorted(maps.Keys(doomed)) {
			if r.IntN(2) == 0 {
				continue
			}
			targets = append(targets, name)
			for _, text := range doomed[name] {
				var o tree
				require.NoError(t, json.Unmarshal([]byte(text), &o))
				if status, ok := o["status"].(map[string]any); ok && !w.live {
					delete(status, "podIP")
				}
				to := &base
				if r.IntN(2) == 0 && o.text("metadata", "name") != "bad" {
					to = &apply
				}
				*to = slices.Insert(*to, r.IntN(len(*to)+1), o)
				deleted++
			}
		}
		// A workload comes before what it owns only where it is given first.
		fresh.put(result)
		want := fresh.account()

		e := w.edit(files)
		e.put(base)
		before := e.account()
		e.Apply(e.read(apply))
		e.delete(t, targets...)
		got := e.account()
		require.Equal(t, want, got, "seed %d", seed)
		require.Equal(t, got, e.account(), "seed %d: a second time", seed)

		again := w.edit(files)
		again.put(base)
		require.Equal(t, before, again.account(), "seed %d: before", seed)
	}
	require.Greater(t, applied, 300)
	require.Greater(t, replaced, 100)
	require.Greater(t, deleted, 300)
}

// Deleting what was applied gives back what was there.
func TestDeletingWhatWasAppliedUndoesIt(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 2))
		w := worldOf(t, r)
		var base, apply []tree
		whole := r.IntN(2) == 0 // namespaces' workloads and pods as a whole
		for _, o := range w.objects {
			kind := o.text("kind")
			move := r.IntN(2) == 0 && kind != "Namespace" && kind != "Node"
			if kind != "NetworkPolicy" && kind != "Namespace" && kind != "Node" && kind != "ServiceCIDR" {
				move = whole
			}
			if move {
				apply = append(apply, o)
			} else {
				base = append(base, o)
			}
		}
		e := w.edit(map[string]string{})
		e.put(base)
		before := e.account()
		var targets []string
		e.Apply(e.read(apply))
		e.Snapshot()
		for _, o := range apply {
			targets = append(targets, o.target())
		}
		e.delete(t, targets...)
		require.Equal(t, before, e.account(), "seed %d", seed)
	}
}

// paths are the pods of a snapshot.
func paths(s *model.Snapshot) []string {
	var out []string
	for i := range s.Pods {
		out = append(out, s.Pods[i].Path())
	}
	return out
}
