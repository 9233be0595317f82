package engine

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/podreach/podreach/model"
)

// partition groups the other ends of one program: classes that no rule of the
// program tells apart are in one part, and deciding any one of them decides
// all. Rules split parts by the sets they name, so that what a program does
// not mention costs nothing, and what it means is left to decideSideMask. One
// goroutine uses a partition, for one program after the other.
type partition struct {
	r       *factored
	within  []uint64       // the classes to group
	cells   [][]cell       // by word of classes; empty: all of the word is in part 0
	touched []uint32       // words with cells
	stands  []part         // by part
	round   int32          // the number of splits
	split   []int32        // part -> the round that last split it
	into    []int32        // and the part that was made of what the split took
	seen    map[int32]bool // sets of the program that have split
	cuts    []int32
	masks   *scratch
	lo, up  mask // world by world
	opens   *openings

	decided []uint32 // part -> opening
	of      []int    // part -> found
	found   []found
}

// found is a layer in the making.
type found struct {
	opens uint32
	n     int // words
	index []uint32
	bits  []uint64
}

// cell is the classes of one word that are in one part.
type cell struct {
	bits uint64
	part int32
}

// part is a class that stands for the part.
type part struct {
	class Class
	some  bool
}

// layered is a map from classes to openings: disjoint layers, and one opening
// for the rest.
type layered struct {
	rest   uint32
	layers []layer
}

type layer struct {
	opens   uint32
	classes classSet
}

func newPartition(r *factored, opens *openings) *partition {
	return &partition{r: r, cells: make([][]cell, r.words), seen: map[int32]bool{}, masks: r.x.newScratch(), opens: opens}
}

// traits is what a partition has to look at.
type traits struct {
	addresses bool // the program sees addresses, or whether they are known
	external  bool
	noPods    bool // a peer means whatever is no pod
	named     bool // it has named ports
}

func (x *Index) traits(prog *program) (t traits) {
	for _, g := range prog.segments {
		for _, e := range x.segments[g].entries {
			p := &x.peers[e.peer]
			t.addresses = t.addresses || p.lost || len(p.blocks)+len(p.external) > 0
			t.external = t.external || len(p.external) > 0
			t.noPods = t.noPods || p.noPods
			t.named = t.named || len(x.ports[e.ports].named) > 0
		}
	}
	return t
}

// begin groups the classes of within by what a program sees of them as the
// other end of a direction, in one family. A program without addresses sees
// the same in both.
func (p *partition) begin(prog *program, t traits, d model.Direction, f model.Family, within []uint64) {
	for _, w := range p.touched {
		p.cells[w] = p.cells[w][:0]
	}
	p.touched, p.within = p.touched[:0], within
	p.split, p.into, p.stands = p.split[:0], p.into[:0], p.stands[:0]
	p.newPart()
	clear(p.seen)
	x := p.r.x
	for _, g := range prog.segments {
		for _, e := range x.segments[g].entries {
			for _, s := range x.peers[e.peer].sets {
				if !p.seen[s] {
					p.seen[s] = true
					p.take(&x.sets[s])
				}
			}
		}
	}
	if t.noPods { // hosts and the outside are apart from pods that no set has
		p.round++
		p.takeRun(x.podClasses, x.Classes())
	}
	if t.addresses {
		p.byAddress(prog, t, f)
	}
	if t.named && d == model.Egress { // names mean ports of the other end
		for i := range p.r.bySig {
			p.take(&p.r.bySig[i])
		}
	}
	slices.Sort(p.touched)
	p.represent()
}

// byAddress splits by the program's blocks: known addresses by the runs of
// atoms that the blocks cut, others by what is known of them.
func (p *partition) byAddress(prog *program, t traits, f model.Family) {
	x := p.r.x
	family := x.addr.all(f)[0]
	var covered spans
	p.cuts = p.cuts[:0]
	for _, g := range prog.segments {
		for _, e := range x.segments[g].entries {
			for _, list := range [...]spans{x.peers[e.peer].blocks, x.peers[e.peer].external} {
				for _, s := range list {
					if s = (span{max(s.lo, family.lo), min(s.hi, family.hi)}); s.lo < s.hi {
						p.cuts = append(p.cuts, s.lo, s.hi)
						covered = append(covered, s)
					}
				}
			}
		}
	}
	slices.Sort(p.cuts)
	p.cuts = slices.Compact(p.cuts)
	covered = covered.normal()
	at := p.r.atAtom[f]
	for i := 1; i < len(p.cuts); i++ {
		lo, hi := p.cuts[i-1], p.cuts[i]
		if !covered.has(lo) {
			continue
		}
		p.round++
		p.takeRun(len(x.classes)+int(lo), len(x.classes)+int(hi))
		j, _ := slices.BinarySearchFunc(at, lo, func(a atomClasses, atom int32) int { return cmp.Compare(a.atom, atom) })
		for ; j < len(at) && at[j].atom < hi; j++ {
			p.takeMore(&at[j].classes)
		}
	}
	for i := range p.r.unfixed[f] {
		p.take(&p.r.unfixed[f][i])
	}
	if t.external {
		p.round++
		p.takeRun(len(x.classes), x.Classes())
	}
}

func (p *partition) newPart() int32 {
	p.split, p.into, p.stands = append(p.split, 0), append(p.into, 0), append(p.stands, part{})
	return int32(len(p.stands) - 1)
}

// take splits the parts by a set.
func (p *partition) take(s *classSet) {
	p.round++
	p.takeMore(s)
}

// takeMore goes on with the split of the round, by classes that were not in it.
func (p *partition) takeMore(s *classSet) {
	for i, b := range s.words {
		if w := s.at(i); b&p.within[w] != 0 {
			p.takeWord(w, b&p.within[w])
		}
	}
}

// takeRun is takeMore for the classes lo to hi-1.
func (p *partition) takeRun(lo, hi int) {
	for w := lo >> 6; w<<6 < hi; w++ {
		b := p.within[w]
		if first := w << 6; first < lo {
			b &= ^uint64(0) << (lo - first)
		}
		if n := hi - w<<6; n < 64 {
			b &= 1<<n - 1
		}
		if b != 0 {
			p.takeWord(uint32(w), b)
		}
	}
}

func (p *partition) takeWord(w uint32, b uint64) {
	cs := p.cells[w]
	if len(cs) == 0 {
		p.touched = append(p.touched, w)
		cs = append(cs, cell{bits: p.within[w]})
	}
	for i := range cs {
		in := cs[i].bits & b
		if in == 0 {
			continue
		}
		from := cs[i].part
		if p.split[from] != p.round {
			p.split[from] = p.round
			n := p.newPart()
			p.into[from] = n
		}
		if to := p.into[from]; in == cs[i].bits {
			cs[i].part = to
		} else {
			cs[i].bits &^= in
			cs = append(cs, cell{in, to})
		}
		if b &^= in; b == 0 {
			break
		}
	}
	p.cells[w] = cs
}

// represent picks a class for each part that has one.
func (p *partition) represent() {
	note := func(part int32, w uint32, b uint64) {
		if r := &p.stands[part]; !r.some {
			r.some, r.class = true, Class(int(w)<<6|bits.TrailingZeros64(b))
		}
	}
	for _, w := range p.touched {
		for _, c := range p.cells[w] {
			note(c.part, w, c.bits)
		}
	}
	if p.stands[0].some || len(p.touched) == len(p.cells) {
		return
	}
	for w, b := range p.within {
		if b != 0 && len(p.cells[w]) == 0 {
			note(0, uint32(w), b)
			return
		}
	}
}

// decide evaluates the program once for each part, and joins those of equal
// openings. dst, for ingress, is a class of the subjects, whose port names
// count.
func (p *partition) decide(prog *program, d model.Direction, f model.Family, dst Class) layered {
	p.evaluate(p.r.x, prog, d, f, dst)
	return p.layers()
}

// evaluate decides each part by a program of x.
func (p *partition) evaluate(x *Index, prog *program, d model.Direction, f model.Family, dst Class) {
	p.decided = p.decided[:0]
	for _, r := range p.stands {
		if !r.some { // no class is left in it
			p.decided = append(p.decided, closed)
			continue
		}
		s := side{prog: prog, other: r.class, dir: d, dst: dst, atom: -1}
		if d == model.Egress {
			s.dst = r.class
		}
		p.lo, p.up = p.lo[:0], p.up[:0]
		var other model.Other
		for _, sig := range x.portNames(s.dst) {
			other = x.decideSideMask(&s, f, sig, p.masks)
			p.lo, p.up = append(p.lo, p.masks.sideLo...), append(p.up, p.masks.sideUp...)
		}
		p.decided = append(p.decided, p.opens.number(p.lo, p.up, other))
	}
}

// layers joins parts of equal openings. The opening with most words becomes
// the rest, so that wide layers cost nothing.
func (p *partition) layers() layered {
	p.found, p.of = p.found[:0], p.of[:0]
	for i, id := range p.decided {
		to := -1
		if p.stands[i].some {
			to = p.find(id)
		}
		p.of = append(p.of, to)
	}
	of, found := p.of, p.found
	if len(found) == 0 {
		return layered{rest: closed}
	}
	if p.stands[0].some {
		found[of[0]].n = len(p.cells) - len(p.touched)
	}
	for _, w := range p.touched {
		for _, c := range p.cells[w] {
			found[of[c.part]].n++
		}
	}
	rest := 0
	for i := range found {
		if found[i].n > found[rest].n {
			rest = i
		}
	}
	out := layered{rest: found[rest].opens}
	if len(found) == 1 {
		return out
	}
	add := func(to int, w int, b uint64) {
		if to == rest {
			return
		}
		l := &found[to]
		if n := len(l.index); n > 0 && l.index[n-1] == uint32(w) {
			l.bits[n-1] |= b
		} else {
			l.index, l.bits = append(l.index, uint32(w)), append(l.bits, b)
		}
	}
	if p.stands[0].some && of[0] != rest { // part 0 has words that no rule touches
		for w, b := range p.within {
			if len(p.cells[w]) == 0 && b != 0 {
				add(of[0], w, b)
			}
			for _, c := range p.cells[w] {
				add(of[c.part], w, c.bits)
			}
		}
	} else {
		for _, w := range p.touched {
			for _, c := range p.cells[w] {
				add(of[c.part], int(w), c.bits)
			}
		}
	}
	for i := range found {
		if l := &found[i]; i != rest {
			out.layers = append(out.layers, layer{l.opens, newWordSet(l.index, l.bits)})
		}
	}
	return out
}

// find returns the layer of an opening.
func (p *partition) find(opens uint32) int {
	for i := range p.found {
		if p.found[i].opens == opens {
			return i
		}
	}
	n := len(p.found)
	if n < cap(p.found) { // with the memory of an earlier one
		p.found = p.found[:n+1]
		l := &p.found[n]
		l.opens, l.n, l.index, l.bits = opens, 0, l.index[:0], l.bits[:0]
	} else {
		p.found = append(p.found, found{opens: opens})
	}
	return n
}
