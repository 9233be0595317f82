package engine

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
	"sync"

	"github.com/podreach/podreach/model"
)

// factored is the reachability of a set of destination classes with the
// ingress side decided: what each destination lets in from most sources, and
// for each distinct set of other sources, what destinations let in from it.
// The egress side is decided row by row. Class × class is never stored.
// Immutable once made, safe for concurrent use.
type factored struct {
	x     *Index
	words int      // of a set of classes
	every []uint64 // all classes

	exists, doubtful [model.NumFamilies][]uint64      // classes with an address of the family; those of which only may have one
	atAtom           [model.NumFamilies][]atomClasses // pods and hosts with one known address, by atom
	unfixed          [model.NumFamilies][]classSet    // the others, by what is known
	bySig            []classSet                       // pods with port names that rules use, by what these mean

	opens      *openings
	groups     []sourceGroup
	usual      [model.NumFamilies]wides // what destinations let in from sources of no group
	usualDiffs bool                     // between the families

	weighing sync.Once
	pods     []int32    // of each class, dormant ones left out
	planes   [][]uint64 // the binary digits of pods, so that a set of classes is weighed by counting bits
}

// atomClasses is the pod and host classes whose one address is in an atom.
type atomClasses struct {
	atom    int32
	classes classSet
}

// sourceGroup is sources from which some destinations let in something else
// than usual, in some families. A source is in many groups, but for one
// destination and family in one at most.
type sourceGroup struct {
	families [model.NumFamilies]bool
	sources  classSet
	to       []layer
}

// newFactored factors the relation to the classes of to; nil is every class.
// Cost: for each distinct ingress program of to, the words of its rules' sets
// and an evaluation for each part that it tells apart.
func newFactored(x *Index, to []uint64) *factored {
	n := x.Classes()
	r := &factored{x: x, words: (n + 63) / 64, opens: newOpenings(x)}
	r.every = r.run(0, n)
	if to == nil {
		to = r.every
	}
	r.sort()
	b := ingressBuilder{factored: r}
	b.build(to)
	return r
}

func (r *factored) run(lo, hi int) []uint64 {
	out := make([]uint64, r.words)
	for c := lo; c < hi; c++ {
		out[c>>6] |= 1 << (c & 63)
	}
	return out
}

// weigh counts the pods of each class.
func (r *factored) weigh() {
	r.pods = make([]int32, r.x.Classes())
	for e, p := range r.x.everyPod() {
		if !p.Dormant {
			r.pods[r.x.Class(e)]++
		}
	}
	for digit := 0; digit < bits.Len32(uint32(slices.Max(r.pods))); digit++ {
		plane := make([]uint64, r.words)
		for c, n := range r.pods {
			plane[c>>6] |= uint64(n>>digit&1) << (c & 63)
		}
		r.planes = append(r.planes, plane)
	}
}

// sort sorts classes by what programs may see of them beside their labels.
func (r *factored) sort() {
	x := r.x
	for f := range model.NumFamilies {
		r.exists[f], r.doubtful[f] = make([]uint64, r.words), make([]uint64, r.words)
		byAtom, bySlot := map[int32][]int32{}, map[uint32][]int32{} // no slot without a known address is of pods and of hosts
		for c := range int32(x.Classes()) {
			kind := x.slotKind(Class(c), model.Family(f))
			if kind == slotNone {
				continue
			}
			r.exists[f][c>>6] |= 1 << (c & 63)
			if kind == slotMaybe {
				r.doubtful[f][c>>6] |= 1 << (c & 63)
			}
			if int(c) >= len(x.classes) {
				continue
			}
			id := x.classes[c].slot[f]
			if s := &x.slots[id]; kind == slotKnown && len(s.atoms) == 1 {
				byAtom[s.atoms[0]] = append(byAtom[s.atoms[0]], c)
				continue
			}
			bySlot[id] = append(bySlot[id], c)
		}
		for atom, ids := range byAtom {
			r.atAtom[f] = append(r.atAtom[f], atomClasses{atom, newClassSet(ids)})
		}
		slices.SortFunc(r.atAtom[f], func(a, b atomClasses) int { return cmp.Compare(a.atom, b.atom) })
		for _, id := range slices.Sorted(maps.Keys(bySlot)) {
			r.unfixed[f] = append(r.unfixed[f], newClassSet(bySlot[id]))
		}
	}
	bySig := make([][]int32, len(x.sigs))
	for c := range int32(x.podClasses) {
		if s := x.classes[c].sig; s != 0 {
			bySig[s] = append(bySig[s], c)
		}
	}
	for _, ids := range bySig {
		if len(ids) > 0 {
			r.bySig = append(r.bySig, newClassSet(ids))
		}
	}
}

// ingressBuilder makes the groups of a factored.
type ingressBuilder struct {
	*factored
	at  interner     // content -> groups
	ids [][]groupIDs // by group
	key numbers
}

// groupIDs is a layer of a group in the making.
type groupIDs struct {
	opens uint32
	ids   []int32
}

// subject is destination classes with one program and one meaning of port
// names.
type subject struct {
	program, sig uint32
	ids          []int32
}

// subjects returns the destinations that rules apply to, those of one program
// in a row.
func (r *factored) subjects(to []uint64) []subject {
	at := map[[2]uint32]int{}
	var out []subject
	for w, b := range to {
		for ; b != 0; b &= b - 1 {
			c := w<<6 | bits.TrailingZeros64(b)
			if c >= r.x.podClasses {
				break
			}
			k := [2]uint32{r.x.programOf.get(c)[model.Ingress], r.x.classes[c].sig}
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k] = i
				out = append(out, subject{program: k[0], sig: k[1]})
			}
			out[i].ids = append(out[i].ids, int32(c))
		}
	}
	slices.SortStableFunc(out, func(a, b subject) int { return cmp.Compare(a.program, b.program) })
	return out
}

func (b *ingressBuilder) build(to []uint64) {
	x := b.x
	both := [model.NumFamilies]bool{true, true}
	var free []int32 // hosts and outside addresses let everything in
	for c := x.podClasses; c < x.Classes(); c++ {
		if to[c>>6]>>(c&63)&1 != 0 {
			free = append(free, int32(c))
		}
	}
	b.usually(both, b.opens.full, free)
	p := newPartition(b.factored, b.opens)
	subjects := b.subjects(to)
	for len(subjects) > 0 {
		n := 1
		for n < len(subjects) && subjects[n].program == subjects[0].program {
			n++
		}
		prog := &x.programs[subjects[0].program]
		t := x.traits(prog)
		if t.addresses {
			var rest [model.NumFamilies][]uint32
			for f := range model.NumFamilies {
				rest[f] = b.subjectsOf(p, prog, t, model.Family(f), [model.NumFamilies]bool{f == 0, f == 1}, b.exists[f], subjects[:n])
			}
			b.usualDiffs = b.usualDiffs || !slices.Equal(rest[0], rest[1])
		} else {
			b.subjectsOf(p, prog, t, model.IPv4, both, b.every, subjects[:n])
		}
		subjects = subjects[n:]
	}
	for i, ids := range b.ids {
		for _, l := range ids {
			slices.Sort(l.ids)
			b.groups[i].to = append(b.groups[i].to, layer{l.opens, newClassSet(l.ids)})
		}
	}
}

// subjectsOf adds what subjects of one program let in, and returns what they
// usually do.
func (b *ingressBuilder) subjectsOf(p *partition, prog *program, t traits, f model.Family, families [model.NumFamilies]bool, within []uint64, subjects []subject) (rest []uint32) {
	p.begin(prog, t, model.Ingress, f, within)
	for i := range subjects {
		s := &subjects[i]
		l := p.decide(prog, model.Ingress, f, Class(s.ids[0]))
		for j := range l.layers {
			b.add(families, &l.layers[j].classes, l.layers[j].opens, s.ids)
		}
		b.usually(families, l.rest, s.ids)
		rest = append(rest, l.rest)
	}
	return rest
}

// usually notes what destinations let in from sources of no group.
func (b *ingressBuilder) usually(families [model.NumFamilies]bool, opens uint32, ids []int32) {
	for f, in := range families {
		for _, c := range ids {
			if in {
				b.usual[f].add(opens, int(c>>6), 1<<(c&63), b.words)
			}
		}
	}
}

// add notes what destinations let in from sources.
func (b *ingressBuilder) add(families [model.NumFamilies]bool, sources *classSet, opens uint32, ids []int32) {
	k := &b.key
	k.reset()
	for _, f := range families {
		k.flag(f)
	}
	for i, w := range sources.words {
		if w != 0 {
			k.u32(sources.at(i))
			k.u64(w)
		}
	}
	i, ok := b.at.get(k.n)
	if !ok {
		b.groups = append(b.groups, sourceGroup{families: families, sources: *sources})
		b.ids = append(b.ids, nil)
	}
	for j := range b.ids[i] {
		if l := &b.ids[i][j]; l.opens == opens {
			l.ids = append(l.ids, ids...)
			return
		}
	}
	b.ids[i] = append(b.ids[i], groupIDs{opens, slices.Clone(ids)})
}

// certainty is what is known of the families of a source.
type certainty [model.NumFamilies]slotKind // slotNone, slotKnown or slotMaybe

// source is what a row depends on.
type source struct {
	program uint32 // of egress; noProgram for hosts and outside addresses
	has     certainty
	groups  []int32 // into factored.groups
}

const noProgram = ^uint32(0)

func (r *factored) sourceOf(c Class) source {
	s := source{program: noProgram}
	if int(c) < r.x.podClasses {
		s.program = r.x.programOf.get(int(c))[model.Egress]
	}
	for f := range s.has {
		if s.has[f] = r.x.slotKind(c, model.Family(f)); s.has[f] == slotUnknown {
			s.has[f] = slotKnown // an address is certain
		}
	}
	return s
}

// counts reports whether a group matters to a source that is in it.
func (g *sourceGroup) counts(has certainty) bool {
	for f, in := range g.families {
		if in && has[f] != slotNone {
			return true
		}
	}
	return false
}

// source returns what the row of one class depends on. Cost: O(groups).
func (r *factored) source(c Class) source {
	s := r.sourceOf(c)
	for i := range r.groups {
		if g := &r.groups[i]; g.sources.has(c) && g.counts(s.has) {
			s.groups = append(s.groups, int32(i))
		}
	}
	return s
}

// sources is the classes that share a row.
type sources struct {
	source
	classes []Class
}

// rows returns the distinct rows of some classes in the order of their first
// sources. Groups are looked at a word of classes at a time, those that are open
// there.
// Cost: O(classes × groups that they are in), memory for each distinct row and
// its groups.
func (r *factored) rows(from []uint64) []sources {
	type open struct {
		group     int32
		from, end uint32
	}
	order := make([]open, len(r.groups))
	for i := range r.groups {
		s := &r.groups[i].sources
		order[i] = open{int32(i), s.at(0), s.last() + 1}
	}
	slices.SortStableFunc(order, func(a, b open) int { return cmp.Compare(a.from, b.from) })
	at := map[string]int{}
	var out []sources
	var active [64][]int32
	var now []open
	var key []byte
	for w := range uint32(r.words) {
		for len(order) > 0 && order[0].from == w {
			now, order = append(now, order[0]), order[1:]
		}
		for i := range active {
			active[i] = active[i][:0]
		}
		kept := now[:0]
		for _, o := range now {
			if o.end <= w {
				continue
			}
			kept = append(kept, o)
			for b := r.groups[o.group].sources.word(w) & from[w]; b != 0; b &= b - 1 {
				i := bits.TrailingZeros64(b)
				active[i] = append(active[i], o.group)
			}
		}
		now = kept
		for b := from[w]; b != 0; b &= b - 1 {
			i := bits.TrailingZeros64(b)
			c := Class(w<<6) | Class(i)
			s := r.sourceOf(c)
			key = binary.LittleEndian.AppendUint32(key[:0], s.program)
			key = append(key, byte(s.has[0]), byte(s.has[1]))
			for _, g := range active[i] {
				if r.groups[g].counts(s.has) {
					key = binary.AppendUvarint(key, uint64(g))
				}
			}
			j, ok := at[string(key)]
			if !ok {
				j = len(out)
				at[string(key)] = j
				for _, g := range active[i] {
					if r.groups[g].counts(s.has) {
						s.groups = append(s.groups, g)
					}
				}
				out = append(out, sources{source: s})
			}
			out[j].classes = append(out[j].classes, c)
		}
	}
	return out
}
