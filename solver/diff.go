package solver

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// Change is connections from one party to another that became possible,
// impossible or uncertain, for one reason.
type Change struct {
	From, To Party
	CIDRs    []netip.Prefix // for an outside party: a minimal cover of the addresses
	Ports    model.PortSet
	// Before and After say of these ports what some pair of the parties could
	// and can open: Allowed when one certainly does, Unknown when one may.
	Before, After model.Verdict
	// Some is set when this is not so of the parties as a whole, for which
	// nothing is different, but of some of their pods: Before and After are of
	// these.
	Some bool
	// Because is what makes the difference: all of these together, and none of
	// them can be left out. Unproven means that what they are was not settled,
	// and that they are all that differs for the two ends.
	Because  []Cause
	Unproven bool
	Witness  ChangeWitness
	// Reason says of what is uncertain, now or else before, what the snapshot
	// does not say. It is "" for certain rows, and beyond the first 4,000.
	Reason string
}

// Opened reports whether more is possible, or certain, than was: otherwise it
// is less.
func (c *Change) Opened() bool { return openness(c.After) > openness(c.Before) }

// openness orders verdicts by how much they let through.
func openness(v model.Verdict) int {
	return [...]int{model.Denied: 0, model.Unknown: 1, model.Allowed: 2}[v]
}

// ChangeWitness is one pair that shows a change, in the version that opens
// more. For an outside end the address says which.
type ChangeWitness struct {
	From, To string
}

// Diff returns what differs between the connections of two versions of a
// cluster, sorted by parties. Parties are workloads by name, all nodes together
// ("nodes"), and outside addresses. What is compared is what policies say, as
// in List: of the pairs of a pod with itself nothing, and of a host and a pod
// what holds when they are on different nodes (R50, R52).
//
// There is a change of two parties exactly when, at some port, either what some
// pair of them may open differs (and with what certainty), or else (Some) the
// verdict of a pair differs that is in both versions by name, or a pair of which
// an end is new or gone has a verdict that no pair of the parties has in the
// other version. So pods that a rollout gave other names are no change, and
// neither are policies that were moved, renamed, split or written differently:
// when no verdict differs there is nothing. As in List, IPv6 addresses of which
// nothing says that they exist are shown only where they add something (R47).
//
// Cost: O(pods + nodes + rules) to see that nothing differs. Otherwise rows of
// the classes that something differs for, to all others and from them (see
// joint.touch), one look at each of these pairs of parties, and for each
// group of equal changes the compilation of a few snapshots of two pods
// (see blame). Both indexes stay as they are; Diff may be called concurrently.
func Diff(before, after *engine.Index) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if before == after {
			return
		}
		for _, c := range differ(before, after) {
			if !yield(c) {
				return
			}
		}
	}
}

func differ(before, after *engine.Index) []Change {
	j := newJoint(before, after)
	if j == nil {
		return nil
	}
	d := &comparison{joint: j, bounds: boundsTable{at: map[string]uint32{}}, outcomes: map[string]*outcome{}}
	d.bounds.add(model.Bounds{}) // 0
	d.blamer = newBlamer(j)
	var touched, rest, all, outside []int
	for i := range d.parties {
		p := &d.parties[i]
		all = append(all, i)
		if p.touched[model.Egress] {
			touched = append(touched, i)
			continue
		}
		if p.Kind == PartyExternal {
			outside = append(outside, i)
		} else {
			rest = append(rest, i)
		}
	}
	var into []int
	for i := range d.parties {
		if d.parties[i].touched[model.Ingress] {
			into = append(into, i)
		}
	}
	d.compare(touched, all)
	d.compare(rest, into)
	d.compare(outside, into)
	d.joinOutside()
	d.blame()
	slices.SortStableFunc(d.changes, compareChanges)
	return d.changes
}

func compareChanges(a, b Change) int {
	if c := cmp.Or(compareParties(&a.From, &b.From), compareParties(&a.To, &b.To)); c != 0 {
		return c
	}
	return cmp.Or(slices.CompareFunc(a.CIDRs, b.CIDRs, func(p, q netip.Prefix) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	}), -compareTrue(a.Opened(), b.Opened()), compareTrue(a.Some, b.Some), cmp.Compare(openness(b.After), openness(a.After)),
		cmp.Compare(openness(b.Before), openness(a.Before)), slices.CompareFunc(a.Ports.Ranges(), b.Ports.Ranges(), func(r, s model.PortRange) int {
			return cmp.Or(cmp.Compare(r.Protocol, s.Protocol), cmp.Compare(r.First, s.First), cmp.Compare(r.Last, s.Last))
		}))
}

func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// comparison finds the changes of two versions.
type comparison struct {
	*joint
	bounds   boundsTable
	outcomes map[string]*outcome
	key      []byte    // scratch
	pairs    []pairing // scratch

	blamer  *blamer
	found   []movement                         // that blame is to explain
	outward [model.NumDirections][]outwardPair // to be joined
	changes []Change
}

// boundsTable numbers bounds; 0 is that nothing is open.
type boundsTable struct {
	at  map[string]uint32
	all []model.Bounds
}

func (t *boundsTable) add(b model.Bounds) uint32 {
	k := b.Lower.String() + "|" + b.Upper.String()
	id, ok := t.at[k]
	if !ok {
		id = uint32(len(t.all))
		t.at[k] = id
		t.all = append(t.all, model.Bounds{Lower: b.Lower, Upper: b.Upper})
	}
	return id
}

// tableCells bounds the size of one table of bounds.
const tableCells = 1 << 21

// table is the bounds of pairs of classes in one version.
type table struct {
	row, column map[engine.Class]int
	width       int
	ids         []uint32
}

// movement is a move of two parties that is yet to be explained.
type movement struct {
	parties [2]int
	move    move
	cells   [2]*jointCell // that show it
	parts   []int         // outside: the parties that are one row
}

// compare compares all pairs of some sources and some destinations, a few rows
// at a time.
func (d *comparison) compare(from, to []int) {
	if len(from) == 0 || len(to) == 0 {
		return
	}
	width := 1
	for _, i := range to {
		width += len(d.parties[i].cells)
	}
	for len(from) > 0 {
		n, rows := 0, 0
		for n < len(from) && (n == 0 || rows*width < tableCells) {
			rows += len(d.parties[from[n]].cells)
			n++
		}
		d.compareRows(from[:n], to)
		from = from[n:]
	}
}

func (d *comparison) compareRows(from, to []int) {
	var tables [versions]*table
	for v := range tables {
		tables[v] = d.table(v, from, to)
	}
	// The places of cells in the tables.
	columns := make([][][versions]int, len(to))
	for k, i := range to {
		columns[k] = d.places(i, func(v int) map[engine.Class]int { return tables[v].column })
	}
	for _, i := range from {
		rows := d.places(i, func(v int) map[engine.Class]int { return tables[v].row })
		for k, h := range to {
			d.pair(tables, i, h, rows, columns[k])
		}
	}
	d.blame() // all at once would be many
}

func (d *comparison) places(party int, at func(v int) map[engine.Class]int) [][versions]int {
	cells := d.parties[party].cells
	out := make([][versions]int, len(cells))
	for i, c := range cells {
		for v := range c.has {
			if c.has[v] {
				out[i][v] = at(v)[c.class[v]]
			}
		}
	}
	return out
}

// table makes the table of some parties.
func (d *comparison) table(v int, from, to []int) *table {
	t := &table{row: map[engine.Class]int{}, column: map[engine.Class]int{}}
	src, dst := d.side(v, from, t.row), d.side(v, to, t.column)
	t.width = len(t.column)
	t.ids = make([]uint32, len(t.row)*t.width)
	column := make([]int32, d.x[v].Classes())
	for i := range column {
		column[i] = -1
	}
	for c, i := range t.column {
		column[c] = int32(i)
	}
	for r := range d.x[v].RowsBetween(src, dst) {
		for i := range r.Layers {
			id := d.bounds.add(r.Layers[i].Bounds)
			if id == 0 {
				continue
			}
			for _, c := range r.Sources {
				row, ok := t.row[c]
				if !ok {
					continue
				}
				ids := t.ids[row*t.width:][:t.width]
				for w, b := range r.Layers[i].Classes.Words() {
					for ; b != 0; b &= b - 1 {
						if k := w<<6 | bits.TrailingZeros64(b); k < len(column) && column[k] >= 0 {
							ids[column[k]] = id
						}
					}
				}
			}
		}
	}
	return t
}

// side is the endpoints of some parties, and numbers their classes.
func (d *comparison) side(v int, parties []int, at map[engine.Class]int) engine.Set {
	var ends []engine.EndpointID
	var outside netipx.IPSetBuilder
	for _, i := range parties {
		p := &d.parties[i]
		for _, c := range p.cells {
			if !c.has[v] {
				continue
			}
			if _, ok := at[c.class[v]]; ok {
				continue
			}
			at[c.class[v]] = len(at)
			if p.Kind == PartyExternal {
				outside.AddRange(p.part)
			} else {
				ends = append(ends, c.end[v])
			}
		}
	}
	return engine.Of(ends...).Union(d.x[v].Outside(build(&outside)))
}

// The ways in which a pair of cells is there.
const (
	inBoth byte = iota
	inOld
	inNew
)

// pairing is a pair of cells with its bounds.
type pairing struct {
	how    byte
	bounds [versions]uint32
	cells  [2]*jointCell
}

// pair compares two parties.
func (d *comparison) pair(t [versions]*table, from, to int, rows, columns [][versions]int) {
	a, b := &d.parties[from], &d.parties[to]
	if a.Kind == PartyExternal && b.Kind == PartyExternal { // R114
		return
	}
	pairs := d.pairs[:0]
	same := true
	for i, s := range a.cells {
		for k, e := range b.cells {
			if s == e && s.n == 1 {
				continue // an endpoint and itself
			}
			p := pairing{how: inBoth, cells: [...]*jointCell{s, e}}
			for v := range p.bounds {
				if s.has[v] && e.has[v] {
					p.bounds[v] = t[v].ids[rows[i][v]*t[v].width+columns[k][v]]
				}
			}
			old, now := s.has[was] && e.has[was], s.has[is] && e.has[is]
			switch {
			case old && now:
				same = same && p.bounds[was] == p.bounds[is]
			case old:
				p.how, same = inOld, false
			case now:
				p.how, same = inNew, false
			default:
				continue // one came and the other went
			}
			pairs = append(pairs, p)
		}
	}
	d.pairs = pairs
	switch {
	case b.Kind == PartyExternal:
		d.outward[model.Egress] = append(d.outward[model.Egress], outwardPair{from, to, d.outcome(pairs)})
	case a.Kind == PartyExternal:
		d.outward[model.Ingress] = append(d.outward[model.Ingress], outwardPair{to, from, d.outcome(pairs)})
	case !same:
		for _, m := range d.outcome(pairs).moves {
			d.found = append(d.found, movement{parties: [...]int{from, to}, move: m, cells: pairs[m.shows].cells})
		}
	}
}

// outcome is what pairs of cells come to.
type outcome struct {
	union [versions]model.Bounds // what some pair opens
	moves []move
}

// move is ports of one verdict that have got another.
type move struct {
	ports         model.PortSet
	before, after model.Verdict
	some          bool
	shows         int // the pair that shows it
}

// verdicts in the order in which they let through more.
var verdicts = [...]model.Verdict{model.Denied, model.Unknown, model.Allowed}

// byVerdict is the ports of each verdict.
type byVerdict [3]model.PortSet

func split(b model.Bounds) byVerdict {
	return byVerdict{model.Unknown: b.Upper.Minus(b.Lower), model.Allowed: b.Lower, model.Denied: model.AllPorts().Minus(b.Upper)}
}

// outcome returns what pairs come to; equal lists of bounds are looked at once.
func (d *comparison) outcome(pairs []pairing) *outcome {
	d.key = d.key[:0]
	for i := range pairs {
		d.key = append(d.key, pairs[i].how)
		for _, id := range pairs[i].bounds {
			d.key = binary.LittleEndian.AppendUint32(d.key, id)
		}
	}
	if o := d.outcomes[string(d.key)]; o != nil {
		return o
	}
	o := d.newOutcome(pairs)
	d.outcomes[string(d.key)] = o
	return o
}

func (d *comparison) newOutcome(pairs []pairing) *outcome {
	o := &outcome{}
	var have [versions]byVerdict // ports at which some pair has the verdict
	var there [versions]bool
	ends := make([][versions]byVerdict, len(pairs))
	for i := range pairs {
		for v := range versions {
			if pairs[i].how == inOld && v == is || pairs[i].how == inNew && v == was {
				continue
			}
			b := d.bounds.all[pairs[i].bounds[v]]
			there[v] = true
			o.union[v].Lower, o.union[v].Upper = union(o.union[v].Lower, b.Lower), union(o.union[v].Upper, b.Upper)
			ends[i][v] = split(b)
			for k := range have[v] {
				have[v][k] = union(have[v][k], ends[i][v][k])
			}
		}
	}
	whole := [versions]byVerdict{split(o.union[was]), split(o.union[is])}
	var moved [2]model.PortSet // closed, opened
	transitions(whole[was], whole[is], func(before, after model.Verdict, ports model.PortSet) {
		up := upward(before, after)
		moved[up] = moved[up].Union(ports)
		o.show(move{ports: ports, before: before, after: after}, func(ports model.PortSet) (int, model.PortSet) {
			return showing(pairs, ends, before, after, ports)
		})
	})
	if !there[was] || !there[is] {
		return o
	}
	// What of single pairs is not in this.
	for i := range pairs {
		each := func(before, after model.Verdict, ports model.PortSet) {
			up := upward(before, after)
			if ports = ports.Minus(moved[up]); !ports.Empty() {
				o.some(move{ports, before, after, true, i})
			}
		}
		switch pairs[i].how {
		case inBoth:
			transitions(ends[i][was], ends[i][is], each)
		case inOld, inNew:
			mine, other := was, is
			if pairs[i].how == inNew {
				mine, other = is, was
			}
			for _, v := range verdicts {
				unseen := ends[i][mine][v].Minus(have[other][v])
				for _, w := range verdicts {
					ports := unseen.Intersect(whole[other][w])
					switch {
					case ports.Empty() || v == w:
					case mine == was:
						each(v, w, ports)
					default:
						each(w, v, ports)
					}
				}
			}
		}
	}
	return o
}

func upward(before, after model.Verdict) int {
	if openness(after) > openness(before) {
		return 1
	}
	return 0
}

// transitions calls f for the ports that have another verdict.
func transitions(before, after byVerdict, f func(before, after model.Verdict, ports model.PortSet)) {
	for _, v := range verdicts {
		for _, w := range verdicts {
			if v == w {
				continue
			}
			if ports := before[v].Intersect(after[w]); !ports.Empty() {
				f(v, w, ports)
			}
		}
	}
}

// show adds a move, in parts that one pair each shows.
func (o *outcome) show(m move, by func(ports model.PortSet) (int, model.PortSet)) {
	for rest := m.ports; !rest.Empty(); {
		m.shows, m.ports = by(rest)
		rest = rest.Minus(m.ports)
		o.moves = append(o.moves, m)
	}
}

// some adds a move of a single pair, without ports that another one has shown.
func (o *outcome) some(m move) {
	for i := range o.moves {
		if n := &o.moves[i]; n.some && n.before == m.before && n.after == m.after {
			m.ports = m.ports.Minus(n.ports)
		}
	}
	if !m.ports.Empty() {
		o.moves = append(o.moves, m)
	}
}

// showing finds a pair that shows a move of the whole, and at which of the
// ports: one that has the greater verdict in its version. A pair that is in
// both versions comes first; for it, too, the verdict differs, because none was
// greater.
func showing(pairs []pairing, ends [][versions]byVerdict, before, after model.Verdict, ports model.PortSet) (int, model.PortSet) {
	v, verdict := was, before
	if openness(after) > openness(before) {
		v, verdict = is, after
	}
	for _, both := range []bool{true, false} {
		for i := range pairs {
			if both != (pairs[i].how == inBoth) || pairs[i].how == inOld && v == is || pairs[i].how == inNew && v == was {
				continue
			}
			if p := ends[i][v][verdict].Intersect(ports); !p.Empty() {
				return i, p
			}
		}
	}
	panic("solver: a move that no pair shows")
}
